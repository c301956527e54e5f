"""The command line: exit codes, words, and never a traceback."""

from __future__ import annotations

import os
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from aureus_jupyter import plugins
from aureus_jupyter.app import reset_app
from aureus_jupyter.cli import main
from aureus_jupyter.errors import Unavailable

GOOD = "SELECT count(*) AS n FROM loan"


def test_verify_says_which_file_and_why(front: Any, capsys: pytest.CaptureFixture[str]) -> None:
    front.asked(GOOD)
    front.asked(GOOD)
    assert main(["verify", str(front.folder)]) == 0
    assert "2 verified, 0 broken" in capsys.readouterr().out
    (front.runs[0] / "record.json").write_text("{}")
    (front.runs[1] / "evidence.md").unlink()
    assert main(["verify", str(front.folder)]) == 1
    shown = capsys.readouterr().out
    assert "record.json: the file is not the one that was signed [changed]" in shown
    assert "evidence.md: the file is listed in the statement and is not there [missing]" in shown
    assert main(["verify", str(front.runs[0])]) == 1


def test_verify_needs_evidence_and_trust(front: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["verify", str(tmp_path / "empty")]) == 1
    assert "no evidence here" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "nosuch")]) == 1
    front.asked(GOOD)
    capsys.readouterr()
    assert main(["verify", "--trust", str(tmp_path / "none.json"), str(front.folder)]) == 1
    assert "trust_missing" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text("{")
    assert main(["verify", "--trust", str(tmp_path / "bad.json"), str(front.folder)]) == 1
    assert "trust_malformed" in capsys.readouterr().err


def test_a_key_the_trust_file_does_not_hold_is_not_called_broken(
    front: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    front.asked(GOOD)
    front.asked(GOOD)
    (tmp_path / "other.json").write_text('{"version": 1, "keys": []}')
    verify = ["verify", "--trust", str(tmp_path / "other.json"), str(front.folder)]
    assert main(verify) == 1
    shown = capsys.readouterr().out
    assert "0 verified, 2 unknown, 0 broken" in shown
    assert "other.json does not hold" in shown
    (front.runs[0] / "record.json").write_text("{}")
    assert main(verify) == 1
    assert "0 verified, 1 unknown, 1 broken" in capsys.readouterr().out, "a change shows without any key"


def test_what_lies_among_packs_is_told(front: Any, capsys: pytest.CaptureFixture[str]) -> None:
    front.asked(GOOD)
    runs = front.runs[0].parent
    (runs / ".DS_Store").write_bytes(b"x")
    assert main(["verify", str(front.folder)]) == 0
    shutil.copytree(front.runs[0], runs / "copy of a run")
    (runs / "note.txt").write_text("x")
    for path in (front.folder, runs, runs.parent):
        capsys.readouterr()
        assert main(["verify", str(path)]) == 1
        shown = capsys.readouterr().out
        assert "1 verified, 2 broken" in shown
        assert "copy of a run" in shown and "note.txt" in shown


def test_evidence_of_each_principal_of_one_account_verifies(
    front: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    front.asked(GOOD)
    monkeypatch.setenv("AUREUS_PRINCIPAL", "svc.nightly")
    reset_app()
    front.asked(GOOD)
    assert main(["verify", str(front.folder)]) == 0
    shown = capsys.readouterr().out
    assert "signed by ana.novak" in shown and "signed by svc.nightly" in shown


def test_verify_of_odd_places(front: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    front.asked(GOOD)
    pack = front.runs[0]
    for name, make in (
        ("link", lambda p: p.symlink_to(pack / "record.json")),
        ("pipe", lambda p: os.mkfifo(p)),
        ("folder", lambda p: p.mkdir()),
    ):
        make(pack / name)
        assert main(["verify", str(front.folder)]) == 1
        assert f"{name}: the file is not part of what was signed" in capsys.readouterr().out
        (pack / name).rmdir() if name == "folder" else (pack / name).unlink()
    assert main(["verify", str(pack / "record.json")]) == 0, "a file of a pack stands for the pack"
    for text in (b"\xff", b"[" * 100_000, b"{}", b""):
        (pack / "statement.dsse.json").write_bytes(text)
        capsys.readouterr()
        assert main(["verify", str(front.folder)]) == 1
        assert "[malformed]" in capsys.readouterr().out


def test_a_pack_that_was_moved_still_verifies(front: Any, tmp_path: Path) -> None:
    front.asked(GOOD)
    from aureus_jupyter.app import get_app
    from aureus_jupyter.app.build import trust_path

    shutil.copytree(front.folder, tmp_path / "archive")
    shutil.copy(trust_path(get_app().settings), tmp_path / "trust.json")
    assert main(["verify", "--trust", str(tmp_path / "trust.json"), str(tmp_path / "archive")]) == 0


def test_pack_validate(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "validate", str(root / "packs" / "credit-risk")]) == 0
    pack = tmp_path / "credit-risk"
    shutil.copytree(root / "packs" / "credit-risk", pack)
    (pack / "code.py").write_text("")
    assert main(["pack", "validate", str(pack)]) == 1
    assert "code.py" in capsys.readouterr().out


def test_policy_test(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "test"]) == 0
    shutil.copytree(root / "policies", tmp_path / "policies")
    test = tmp_path / "policies" / "house.policy_test.yaml"
    test.write_text(test.read_text().replace("verdict: allow", "verdict: deny", 1))
    assert main(["policy", "test", str(tmp_path / "policies")]) == 1
    assert "FAILED house.policy_test.yaml" in capsys.readouterr().out
    (tmp_path / "policies" / "people.policy.yaml").write_text("version: 2\n")
    assert main(["policy", "test", str(tmp_path / "policies")]) == 1
    assert "policy_malformed" in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{root}:{root / 'magics'}")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    assert main(["demo", "--out", str(tmp_path / "out"), "--rows", "3000"]) == 0
    shown = capsys.readouterr().out
    for word in ("allowed", "masked and filtered", "refused", "held: waits for an approval"):
        assert word in shown
    assert shown.rstrip().endswith("5 runs, 5 signed packs: verified")


@pytest.mark.parametrize(("maker", "file"), [("demo", "demo.ipynb"), ("analyst", "analyst_questions.ipynb")])
def test_the_notebooks_are_what_their_makers_make(maker: str, file: str, root: Path) -> None:
    made = runpy.run_path(str(root / ".ci" / "tools" / f"make_{maker}_notebook.py"))["notebook"]()
    assert made == nbformat.read(root / "notebooks" / file, 4)


def test_calls_that_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["nosuch"], ["verify"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert "aureus 0." in capsys.readouterr().out


def test_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable) as caught:
        plugins.load("engine", "duckbd")
    assert caught.value.code == "no_such_plugin"
    assert "duckdb" in caught.value.hint
    assert plugins.load("clock", "system")().now().tzinfo is not None

    class Entry:
        def __init__(self, name: str, made: Any) -> None:
            self.name = name
            self.made = made

        def load(self) -> Any:
            if self.made is None:
                raise ImportError("gone")
            return self.made

    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [Entry("mine", int), Entry("broken", None), Entry("duckdb", int)]
    )
    assert plugins.load("engine", "mine") is int
    assert plugins.load("engine", "duckdb") is not int, "a built-in name cannot be taken over"
    with pytest.raises(Unavailable) as caught:
        plugins.load("engine", "broken")
    assert caught.value.code == "plugin_broken"


def test_an_adapter_whose_package_is_missing_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [m for m in sys.modules if m.startswith("aureus_jupyter.adapters.engines.postgres")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Unavailable) as caught:
        plugins.load("engine", "postgres")
    assert caught.value.code == "plugin_broken"
    assert "pip install 'aureus-jupyter[postgres]'" in caught.value.hint
