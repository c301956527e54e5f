"""A held cell, an answer, and the same cell again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.app import approving, get_app, reset_app
from aureus_jupyter.app.build import trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.cli import main

LIMITS = "SELECT borrower_id, limit_amount FROM exposure_limit ORDER BY limit_id LIMIT 3"


@pytest.fixture
def request_folder(front: Any) -> Path:
    front.shell.user_ns["limits"] = "before"
    told = front.asked(LIMITS, "limits <<")
    assert told.code == "approval_required"
    assert told.card["outcome"] == "waiting"
    assert "martin.kral" in told.card["next"]
    assert front.shell.user_ns["limits"] == "before"
    (folder,) = (front.folder / "notebook.aureus" / "approvals").iterdir()
    return folder


def as_approver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str, name: str = "martin.kral") -> int:
    """Run a command with the approver's own account: another name, another folder of keys."""
    with monkeypatch.context() as other:
        other.setenv("AUREUS_PRINCIPAL", name)
        other.setenv("AUREUS_KEYS_DIR", str(tmp_path / f"keys of {name}"))
        return main(arguments)


def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str = "martin.kral") -> None:
    public = tmp_path / f"{name}.json"
    assert as_approver(monkeypatch, tmp_path, "key", str(public), name=name) == 0
    assert main(["trust", str(public)]) == 0


def test_the_same_cell_again_makes_no_second_request(front: Any, request_folder: Path) -> None:
    told = front.asked(LIMITS)
    assert told.code == "approval_required"
    assert request_folder.name in str(told.error)
    assert request_folder.name in told.card["next"]
    assert told.card["run"] not in told.card["next"]
    assert [p.name for p in request_folder.parent.iterdir()] == [request_folder.name]
    assert len(front.runs) == 2, "each asking is evidence"
    front.asked(LIMITS.replace("3", "4"))
    assert len(list(request_folder.parent.iterdir())) == 2


def test_a_yes_lets_the_same_cell_run(
    front: Any, request_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trusted(monkeypatch, tmp_path)
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--yes") == 0
    assert front.asked(LIMITS, "limits <<").error is None
    assert len(front.shell.user_ns["limits"]) == 3
    assert (front.runs[-1] / "approval.dsse.json").exists()
    assert "approved by martin.kral" in (front.runs[-1] / "evidence.md").read_text().replace("\\", "")
    assert all(one.ok for one in verify_paths([front.folder], trust_path(get_app().settings)))
    changed = front.asked(LIMITS.replace("3", "4"))
    assert changed.code == "approval_required", "another statement is another request"


def test_resume_from_another_kernel(
    front: Any, request_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trusted(monkeypatch, tmp_path)
    assert front.line(f"resume {request_folder.name}").code == "approval_required"
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--yes") == 0
    reset_app()
    told = front.line(f"resume {request_folder.name[-12:]} -o got")
    assert told.error is None
    assert len(front.shell.user_ns["got"]) == 3


def test_a_no(front: Any, request_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trusted(monkeypatch, tmp_path)
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--reject", "--note", "no") == 0
    told = front.asked(LIMITS)
    assert told.code == "approval_rejected"
    assert told.card["outcome"] == "refused"


def test_answers_that_do_not_count(
    front: Any,
    request_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--yes") == 0
    assert front.asked(LIMITS).code == "approval_untrusted"
    trusted(monkeypatch, tmp_path, "eva.stranger")
    stranger = ("approve", str(request_folder), "--yes")
    assert as_approver(monkeypatch, tmp_path, *stranger, name="eva.stranger") == 1
    assert "not_an_approver" in capsys.readouterr().err
    with monkeypatch.context() as bent:
        # Who bends the tool signs all the same: what counts is decided where the answer is honoured.
        bent.setattr(approving, "_check", lambda *_: ("eva.stranger",))
        assert as_approver(bent, tmp_path, *stranger, name="eva.stranger") == 1
        assert "already_answered" in capsys.readouterr().err
        answer = request_folder / "approval.dsse.json"
        answer.unlink()
        assert as_approver(bent, tmp_path, *stranger, name="eva.stranger") == 0
    assert front.asked(LIMITS).code == "approval_wrong_approver"
    answer.unlink()
    assert main(["approve", str(request_folder), "--yes"]) == 1
    assert "self_approval" in capsys.readouterr().err
    # The requester's own key under the approver's name: readable by the requester, so it never counts.
    assert main(["approve", str(request_folder), "--yes", "--as", "martin.kral"]) == 0
    public = tmp_path / "own.json"
    assert main(["key", str(public), "--as", "martin.kral"]) == 0
    assert main(["trust", str(public)]) == 0
    assert front.asked(LIMITS).code == "self_approval"


FORGED: dict[str, Callable[[dict[str, Any]], None]] = {
    "another statement is shown": lambda v: v["draft"].update(sql="SELECT borrower_id FROM exposure_limit LIMIT 1"),
    "another digest is asked for": lambda v: v["request"].update(digest="sha256:" + "0" * 64),
    "another person asks": lambda v: v["principal"].update(name="eva"),
    "a role is left out": lambda v: v["principal"].update(roles=["analyst"]),
    "another purpose is given": lambda v: v["cell"].update(purpose="model_validation"),
    "a parameter is added": lambda v: v["draft"].update(parameters=[["x", 1]]),
    "something that needs no yes": lambda v: v["draft"].update(sql="SELECT count(*) FROM loan"),
}


@pytest.mark.parametrize("name", FORGED)
def test_nobody_signs_what_a_request_only_pretends_to_be(
    name: str, request_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = request_folder / "request.json"
    value = json.loads(path.read_text())
    FORGED[name](value)
    path.write_text(json.dumps(value))
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--yes") == 1
    assert not (request_folder / "approval.dsse.json").exists()
    assert "Traceback" not in capsys.readouterr().err


def test_an_approver_with_other_policies_signs_nothing(
    request_folder: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "x.policy.yaml").write_text(
        "version: 1\npolicies:\n  - {id: more.x, description: d, effect: permit, match: {packs: [none]}}\n"
    )
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(tmp_path / "more"))
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--yes") == 1
    assert "request_differs" in capsys.readouterr().err
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--reject") == 0, "a no needs no proof"


def test_the_approver_sees_the_statement(
    request_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--yes") == 0
    shown = capsys.readouterr().out
    assert LIMITS in shown
    assert "ana.novak (data_scientist) asks, for the purpose credit_risk_review" in shown
    assert "in the environment" not in shown


def test_the_approver_sees_what_the_session_is_for(
    request_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Policies may ask for the environment, which the requester names."""
    path = request_folder / "request.json"
    asked = json.loads(path.read_text("utf-8"))
    asked["request"]["environment"] = "production"
    path.write_text(json.dumps(asked), "utf-8")
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder)) == 1
    assert "in the environment production:" in capsys.readouterr().out


def test_approving_what_is_no_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["approve", str(tmp_path), "--yes"]) == 1
    (tmp_path / "request.json").write_text("{}")
    assert main(["approve", str(tmp_path), "--yes"]) == 1
    assert main(["trust", str(tmp_path / "request.json")]) == 1
    shown = capsys.readouterr().err
    assert "unknown_request" in shown
    assert "malformed" in shown
    assert "Traceback" not in shown


def test_a_request_is_read_before_it_is_signed(request_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["approve", str(request_folder), "--as", "martin.kral"]) == 1
    shown = capsys.readouterr().out
    assert LIMITS in shown
    assert "to run on credit-risk" in shown
    assert "Nothing was signed" in shown
    assert not (request_folder / "approval.dsse.json").exists()


def test_a_yes_is_for_one_connection(
    front: Any, request_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed_folder: Path
) -> None:
    trusted(monkeypatch, tmp_path)
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--yes") == 0
    (seeds,) = seed_folder.glob("credit-risk-3000-*.duckdb")
    other = shutil.copy(seeds, tmp_path / seeds.name)
    assert front.line(f"connect {other} --alias other").error is None
    assert front.asked(LIMITS, "-e other").code == "approval_required", "the same data under another roof is other data"
    front.shell.run_line_magic("config", "Aureus.engine = ''")
    assert front.asked(LIMITS).error is None


@pytest.mark.parametrize("text", ["{}", "[", "[" * 200_000, '{"cell": 1}', '{"cell": {"source": 5}}'])
def test_a_broken_request_blocks_nobody(
    text: str, front: Any, request_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trusted(monkeypatch, tmp_path)
    assert as_approver(monkeypatch, tmp_path, "approve", str(request_folder), "--yes") == 0
    broken = request_folder.with_name("20300101T000000Z-0123456789ab")
    broken.mkdir()
    (broken / "request.json").write_text(text)
    (broken / "approval.dsse.json").write_bytes((request_folder / "approval.dsse.json").read_bytes())
    assert front.line(f"resume {broken.name}").code == "unknown_request"
    assert front.asked(LIMITS).error is None
