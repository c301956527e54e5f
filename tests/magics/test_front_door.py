"""The front door: the line, completion, loading and unloading, and a real kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from front import new_shell
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import start_new_kernel

from aureus_jupyter.errors import UserError
from aureus_magics import register, unregister
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
    "--why 'an outage at night' x <<": {"output": "x", "why": "an outage at night"},
    "--purpose p x << --dry-run": {"output": "x", "purpose": "p", "dry_run": True},
    "-o x -e pg --pack ./p -A a": {"output": "x", "engine": "pg", "pack": "./p", "alias": "a"},
    "--output=x --max-results=5": {"output": "x", "max_results": 5},
    "--params a=1 b=-2.5 c=true d=null e=x f='a b' x <<": {
        "output": "x",
        "parameters": (("a", 1), ("b", -2.5), ("c", True), ("d", None), ("e", "x"), ("f", "a b")),
    },
    "--params a=007 b=1e5 c=12345678901234567890 d=+49 e=0 f=-7 g=0.50 h=01.5 i=-0.25": {
        "parameters": (
            *(("a", "007"), ("b", "1e5"), ("c", "12345678901234567890"), ("d", "+49"), ("e", 0), ("f", -7)),
            *(("g", 0.5), ("h", "01.5"), ("i", -0.25)),
        )
    },
    "--params a=1 -o x": {"output": "x", "parameters": (("a", 1),)},
    "--params a=-1 b='-o' --params c=2": {"parameters": (("a", -1), ("b", "-o"), ("c", 2))},
    "--params a=$missing b=$none c=$exact d=$date e=$when f=$ratio": {
        "parameters": (
            ("a", None),
            ("b", None),
            ("c", "1.50"),
            ("d", "2026-01-02"),
            ("e", "2026-01-02T00:00:00"),
            ("f", 0.5),
        ),
    },
    "-o \ufb01x": {"output": "fix"},
    "same << -o same": {"output": "same"},
    """--params '{"a": 1.5, "b": null}' --as sql""": {"parameters": (("a", 1.5), ("b", None)), "kind": "sql"},
    "--params a=$number --params b=$day c=$text": {
        "parameters": (("a", 3), ("b", "2026-01-02T00:00:00"), ("c", "t")),
    },
    "--pack $text --frame arrow": {"pack": "t", "frame": "arrow"},
}
NAMESPACE = {
    "number": np.int64(3),
    "day": pd.Timestamp("2026-01-02"),
    "text": "t",
    "items": [1],
    "missing": pd.NaT,
    "none": pd.NA,
    "exact": Decimal("1.50"),
    "date": date(2026, 1, 2),
    "when": np.datetime64("2026-01-02T00:00:00"),
    "ratio": np.float64(0.5),
    "array": np.array([1, 2]),
    "series": pd.Series([1, 2]),
    "frame": pd.DataFrame({"a": [1, 2]}),
    "large": 10**400,
    "nan": float("nan"),
    "half": "\ud800",
}


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
        ("-o class", "bad_name"),
        ("x\u00b2 <<", "bad_name"),
        ("x << -o y", "bad_option"),
        ("<<", "missing_value"),
        ("--purpose a --purpose b", "bad_option"),
        ("-e a --engine b", "bad_option"),
        ("--params a=1 a=2", "bad_option"),
        ("--params a=1 --params a=2", "bad_option"),
        ("--params a = 1", "bad_option"),
        ("get_ipython <<", "bad_name"),
        ("print <<", "bad_name"),
        ("__name__ <<", "bad_name"),
        ("-o -e pg", "missing_value"),
        ("--purpose=", "missing_value"),
        ("--dry-run=false", "bad_option"),
        ("--max-results \u00b2", "bad_option"),
        ("--max-results " + "9" * 5000, "bad_option"),
        ("--params '" + '{"a":' * 100_000 + "'", "bad_option"),
        ("--params '{\"a\": NaN}'", "bad_option"),
        ("--params '{\"a b\": 1}'", "bad_option"),
        ("--params '{\"a\": 1e999}'", "bad_parameter"),
        ("--params a=$array", "bad_parameter"),
        ("--params a=$series", "bad_parameter"),
        ("--params a=$frame", "bad_parameter"),
        ("--params a=$large", "bad_parameter"),
        ("--params a=$nan", "bad_parameter"),
        ("--params a=$half", "bad_text"),
        ("--purpose $half", "bad_text"),
        ("--params a=$", "bad_parameter"),
        ("--purpose \ud800", "bad_text"),
        ("--purpose a\x00b", "bad_text"),
        ("--purpose " + "p" * 1001, "bad_option"),
    ],
)
def test_lines_that_cannot_be_read(line: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_line(line, NAMESPACE)
    assert caught.value.code == code
    assert caught.value.hint


PIECES = [*"ab1=$-'\"{}<:,\\ \t\x00\ud800\u00b2", "--params ", "-o ", "--max-results=", " <<", "--dry-run"]
LINE = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


@given(LINE)
def test_no_line_ends_in_anything_but_an_answer_or_an_error_for_people(line: str) -> None:
    try:
        parse_line(line, NAMESPACE)
    except UserError as error:
        assert all(error.lines())
        assert len(str(error)) < 400


def test_an_error_never_tells_a_value() -> None:
    for line in ("--params a=$secret", '--params \'{"a": ["hunter2"]}\''):
        with pytest.raises(UserError) as caught:
            parse_line(line, {"secret": ["hunter2"]})
        assert "hunter2" not in str(caught.value)


def test_the_documented_options_are_the_ones_that_are_read() -> None:
    documented = {option for action in AureusMagics.aureus.parser._actions for option in action.option_strings}
    assert documented - {"-h", "--help"} == set(FLAGS)
    assert "--purpose" in (AureusMagics.aureus.__doc__ or "")


def ours(shell: InteractiveShell) -> list[str]:
    """Everything of ours a shell holds."""
    magics = [kind for kind in ("cell", "line") if "aureus" in shell.magics_manager.magics[kind]]
    parts = [*shell.configurables, *shell.Completer.custom_matchers, *shell.input_transformers_cleanup]
    return magics + [type(p).__name__ for p in parts if getattr(p, "__module__", "").startswith("aureus_")]


def test_unloading_takes_everything_out(shell: InteractiveShell) -> None:
    assert ours(shell) == []
    shell.run_line_magic("load_ext", "aureus_jupyter")
    once = ours(shell)
    assert len(once) == 6
    shell.run_line_magic("reload_ext", "aureus_jupyter")
    assert ours(shell) == once
    shell.run_line_magic("unload_ext", "aureus_jupyter")
    assert ours(shell) == []


def test_a_cell_with_nothing_under_its_line_gets_our_answer(front: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("%%aureus", "%%aureus --purpose credit_risk_review\n", "\n%%aureus x <<\n\n"):
        error = front.shell.run_cell(text).error_in_exec
        assert getattr(error, "code", error) == "empty_cell"
    assert "Traceback" not in capsys.readouterr().out
    assert front.shell.input_transformer_manager.check_complete("%%aureus")[0] == "incomplete"
    assert front.shell.transform_cell("%%aureusx") == "get_ipython().run_cell_magic('aureusx', '', '')\n"


def test_a_shell_without_a_completer_gets_the_magics(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "Completer", None)
    shell.run_line_magic("load_ext", "aureus_jupyter")
    assert "aureus" in shell.magics_manager.magics["cell"]
    shell.run_line_magic("unload_ext", "aureus_jupyter")
    assert "aureus" not in shell.magics_manager.magics["cell"]


def test_registering_and_leaving_twice_changes_nothing(shell: InteractiveShell) -> None:
    register(shell)
    once = ours(shell)
    register(shell)
    assert ours(shell) == once
    unregister(shell)
    unregister(shell)
    assert ours(shell) == []


def test_sql_is_never_touched(shell: InteractiveShell) -> None:
    def own(line: str) -> str:
        return "mine"

    shell.register_magic_function(own, magic_name="sql")
    shell.run_line_magic("load_ext", "aureus_jupyter")
    assert shell.run_line_magic("sql", "") == "mine"


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
    assert notebook_path({"PAPERMILL_OUTPUT_PATH": "s3://bucket/a/r.ipynb"}) == str(tmp_path / "r.ipynb")
    assert notebook_path({"PAPERMILL_OUTPUT_PATH": "https://host/"}) == str(tmp_path / "notebook")
    for text in ("a\x00b.ipynb", "\ud800.ipynb"):
        with pytest.raises(UserError) as caught:
            notebook_path({"PAPERMILL_OUTPUT_PATH": text})
        assert caught.value.code == "bad_text"
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
        # On a slow machine the answer takes the place of a progress bar.
        kinds = ("display_data", "update_display_data")
        shown = [m["content"]["data"] for m in told if m["msg_type"] in kinds]
        shown = [data for data in shown if not data["text/plain"].startswith("Running…")]
        assert len(shown) == 2
        assert all("application/vnd.aureus.run.v1+json" in data for data in shown)
        assert not [m for m in told if m["msg_type"] == "stream"]
        told.clear()

        def stop(message: dict[str, Any]) -> None:
            told.append(message)
            if message["msg_type"] == "execute_input":
                manager.interrupt_kernel()

        # A summary of labels: it is allowed, so that only the interrupt can end it.
        endless = (
            "SELECT sum(a.days_past_due + b.days_past_due * c.days_past_due) AS n FROM loan a, loan b, loan c, loan d"
        )
        reply = client.execute_interactive(f"%%aureus n <<\n{endless}", timeout=120, output_hook=stop)
        assert reply["content"]["status"] == "error"
        error = next(m["content"] for m in told if m["msg_type"] == "error")
        assert "[interrupted]" in error["traceback"][0] or error["ename"] == "KeyboardInterrupt"
        assert run("assert n['n'][0] == 1000")["content"]["status"] == "ok", "the variable stays"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
