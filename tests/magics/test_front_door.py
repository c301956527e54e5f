"""The front door: the line, completion, loading and unloading, and a real kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from front import new_shell
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import start_new_kernel

from aureus_jupyter.errors import UserError
from aureus_magics.magic import AureusMagics
from aureus_magics.options import FLAGS, parse_line
from aureus_magics.place import cell_id, is_headless, notebook_path


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    yield new_shell()
    InteractiveShell.clear_instance()


LINES: dict[str, dict[str, Any]] = {
    "": {},
    "x <<": {"output": "x"},
    "x<<": {"output": "x"},
    "--purpose p x << --dry-run": {"output": "x", "purpose": "p", "dry_run": True},
    "-o x -e pg --pack ./p -A a": {"output": "x", "engine": "pg", "pack": "./p", "alias": "a"},
    "--output=x --max-results=5": {"output": "x", "max_results": 5},
    "--params a=1 b=-2.5 c=true d=null e=x f='a b' x <<": {
        "output": "x",
        "parameters": (("a", 1), ("b", -2.5), ("c", True), ("d", None), ("e", "x"), ("f", "a b")),
    },
    "--params a=007 b=1e5 c=12345678901234567890": {
        "parameters": (("a", 7), ("b", "1e5"), ("c", "12345678901234567890"))
    },
    """--params '{"a": 1.5, "b": null}' --as sql""": {"parameters": (("a", 1.5), ("b", None)), "kind": "sql"},
    "--params a=$number --params b=$day c=$text": {
        "parameters": (("a", 3), ("b", "2026-01-02T00:00:00"), ("c", "t")),
    },
    "--pack $text --frame arrow": {"pack": "t", "frame": "arrow"},
}
NAMESPACE = {"number": np.int64(3), "day": pd.Timestamp("2026-01-02"), "text": "t", "items": [1]}


@pytest.mark.parametrize("line", LINES)
def test_lines(line: str) -> None:
    parsed = parse_line(line, NAMESPACE)
    for name, value in LINES[line].items():
        assert getattr(parsed, name) == value, name
    assert parsed.words == ()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("--nosuch", "unknown_option"),
        ("-x", "unknown_option"),
        ("'open", "bad_option"),
        ("--purpose", "missing_value"),
        ("--params", "missing_value"),
        ("--params a", "bad_option"),
        ("--params 1a=2", "bad_option"),
        ("--params '{'", "bad_option"),
        ("--params '[1]'", "bad_option"),
        ("--params '{\"a\": {}}'", "bad_parameter"),
        ("--params a=$nosuch", "bad_parameter"),
        ("--params a=$items", "bad_parameter"),
        ("--max-results 0", "bad_option"),
        ("--max-results x", "bad_option"),
        ("--as poem", "bad_option"),
        ("--frame csv", "bad_option"),
        ("-o 1x", "bad_name"),
        ("a.b <<", "bad_name"),
    ],
)
def test_lines_that_cannot_be_read(line: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_line(line, NAMESPACE)
    assert caught.value.code == code
    assert caught.value.hint


def test_the_documented_options_are_the_ones_that_are_read() -> None:
    documented = {option for action in AureusMagics.aureus.parser._actions for option in action.option_strings}
    assert documented - {"-h", "--help"} == set(FLAGS)
    assert "--purpose" in (AureusMagics.aureus.__doc__ or "")


def ours(shell: InteractiveShell) -> list[str]:
    """Everything of ours a shell holds."""
    magics = [kind for kind in ("cell", "line") if "aureus" in shell.magics_manager.magics[kind]]
    parts = [*shell.configurables, *shell.Completer.custom_matchers]
    return magics + [type(p).__name__ for p in parts if getattr(p, "__module__", "").startswith("aureus_")]


def test_unloading_takes_everything_out(shell: InteractiveShell) -> None:
    assert ours(shell) == []
    shell.run_line_magic("load_ext", "aureus_jupyter")
    once = ours(shell)
    assert len(once) == 5
    shell.run_line_magic("reload_ext", "aureus_jupyter")
    assert ours(shell) == once
    shell.run_line_magic("unload_ext", "aureus_jupyter")
    assert ours(shell) == []


def test_sql_is_never_touched(shell: InteractiveShell) -> None:
    def own(line: str) -> str:
        return "mine"

    shell.register_magic_function(own, magic_name="sql")
    shell.run_line_magic("load_ext", "aureus_jupyter")
    assert shell.run_line_magic("sql", "") == "mine"


def completions(shell: InteractiveShell, text: str) -> set[str]:
    with provisionalcompleter():
        return {c.text for c in shell.Completer.completions(text, len(text))}


def test_completion_before_a_session_knows_options_and_sql(shell: InteractiveShell) -> None:
    shell.run_line_magic("load_ext", "aureus_jupyter")
    assert "--purpose" in completions(shell, "%%aureus --pu")
    assert {"status", "whoami"} <= completions(shell, "%aureus ")
    assert "question" in completions(shell, "%%aureus --as qu")
    assert "SELECT" in completions(shell, "%%aureus\nSEL")
    assert "--purpose" not in completions(shell, "x = --pu")


def test_completion_in_a_session(front: Any) -> None:
    front.shell.run_line_magic("config", "Aureus.purpose = 'credit_risk_review'")
    assert front.asked("SELECT 1").error is None
    assert "loan" in completions(front.shell, "%%aureus\nSELECT * FROM lo")
    assert "days_past_due" in completions(front.shell, "%%aureus\nSELECT l.days FROM loan l WHERE l.days")
    assert "iban" in completions(front.shell, "%%aureus\nSELECT b.full_name FROM borrower AS b WHERE b.ib")
    assert "credit-risk" in completions(front.shell, "%%aureus --pack cr")
    assert "borrower" in completions(front.shell, "%aureus catalog bor")


def test_where_a_cell_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert notebook_path({}) == str(tmp_path / "notebook")
    monkeypatch.setenv("JPY_SESSION_NAME", "gone/x.ipynb")
    assert notebook_path({}) == str(tmp_path / "x.ipynb")
    (tmp_path / "y.ipynb").write_text("")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "y.ipynb"))
    assert notebook_path({}) == str(tmp_path / "y.ipynb")
    assert notebook_path({"__vsc_ipynb_file__": "/v.ipynb"}) == "/v.ipynb"
    assert notebook_path({"PAPERMILL_OUTPUT_PATH": "p.ipynb"}) == str(tmp_path / "p.ipynb")
    monkeypatch.setenv("AUREUS_NOTEBOOK", "/n.ipynb")
    assert notebook_path({}) == "/n.ipynb"
    assert cell_id(object()) == ""
    assert not is_headless(object())


def test_a_changed_setting_that_is_bad_is_refused(front: Any) -> None:
    front.shell.run_line_magic("config", "Aureus.pack = 'nosuch'")
    assert front.asked("SELECT 1").code == "unknown_pack"
    front.shell.run_line_magic("config", "Aureus.pack = 'credit-risk'")
    assert front.asked("SELECT 1").error is None


@pytest.mark.slow
def test_a_real_kernel_prints_two_lines_and_no_traceback(root: Path, quiet_home: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'magics'}", "PYTHONWARNINGS": "ignore"}
    environment |= {
        "AUREUS_SEED_ROWS": "1000",
        "AUREUS_ROLES": "data_scientist",
        "AUREUS_PURPOSE": "credit_risk_review",
    }
    manager, client = start_new_kernel(env=environment, cwd=str(tmp_path))
    try:
        told: list[dict[str, Any]] = []

        def run(code: str) -> Any:
            return client.execute_interactive(
                code, timeout=120, allow_stdin=False, output_hook=told.append, stop_on_error=False
            )

        run("%load_ext aureus_jupyter")
        assert run("%%aureus\nSELECT * FROM loans")["content"]["status"] == "error"
        error = next(m["content"] for m in told if m["msg_type"] == "error")
        assert len(error["traceback"]) == 2
        assert error["ename"] == "Refused"
        assert "Did you mean loan" in error["traceback"][1]
        assert run("%%aureus n <<\nSELECT count(*) AS n FROM loan")["content"]["status"] == "ok"
        assert run("assert n['n'][0] == 1000")["content"]["status"] == "ok"
        shown = [m["content"]["data"] for m in told if m["msg_type"] == "display_data"]
        assert all("application/vnd.aureus.run.v1+json" in data for data in shown)
        assert not [m for m in told if m["msg_type"] == "stream"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
