"""Completion, asked as a front end asks it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from front import new_shell
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from aureus_jupyter.app import get_app, reset_app
from aureus_magics import complete

PURPOSE = "--purpose credit_risk_review"


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    made = new_shell()
    made.run_line_magic("load_ext", "aureus_jupyter")
    yield made
    InteractiveShell.clear_instance()


@pytest.fixture
def session(front: Any) -> InteractiveShell:
    front.shell.run_line_magic("config", "Aureus.purpose = 'credit_risk_review'")
    assert front.line("whoami").error is None
    shell: InteractiveShell = front.shell
    return shell


def completions(shell: InteractiveShell, text: str, after: str = "") -> set[str]:
    """What a front end shows with the cursor between `text` and `after`."""
    with provisionalcompleter():
        return {c.text for c in shell.Completer.completions(text + after, len(text))}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("%%aureus --pu", "--purpose"),
        ("\n%%aureus --pu", "--purpose"),
        ("%aureus ", "whoami"),
        ("x = 1\n%aureus sta", "status"),
        ("%%aureus --as qu", "question"),
        ("%%aureus --frame=po", "polars"),
        ("%%aureus\nSEL", "SELECT"),
    ],
)
def test_before_a_session(text: str, word: str, shell: InteractiveShell) -> None:
    assert word in completions(shell, text)


@pytest.mark.parametrize(
    ("text", "word"),
    [("%%aureus --pack cre", "credit-risk"), ("%%aureus\nSELECT co", "count"), ("%%aureus\nSELECT * FROM lo", "loan")],
)
def test_before_the_first_cell(text: str, word: str, front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUREUS_PURPOSE", "credit_risk_review")
    reset_app()
    assert word in completions(front.shell, text)
    assert not get_app()._engines, "a key press opens no database"


@pytest.mark.parametrize(
    "text",
    ["x = --pu", "%%aureusx --pu", "%%time\n%aureus --pu", "%aureus status\nSEL", "%%sql\nSEL", "print('%%aureus --pu"],
)
def test_what_is_not_ours_is_left_alone(text: str, shell: InteractiveShell) -> None:
    assert not {"--purpose", "SELECT"} & completions(shell, text)


@pytest.mark.parametrize(
    ("text", "after", "word"),
    [
        ("%%aureus\nSELECT * FROM lo", "", "loan"),
        ("%%aureus\nSELECT *\nFROM loan l,\n  bor", "", "borrower"),
        ("%%aureus\nSELECT * FROM loan JOIN\n bor", "", "borrower"),
        ("%%aureus\nSELECT l.days", " FROM loan l", "days_past_due"),
        ("%%aureus\nSELECT b.ib", " FROM borrower AS b", "iban"),
        ("%%aureus\nSELECT loan.days", "", "days_past_due"),
        ('%%aureus\nSELECT "L".days', ' FROM "loan" AS "L"', "days_past_due"),
        ("%%aureus\nSELECT days", " FROM LOAN", "days_past_due"),
        ("%%aureus\nWITH late AS (SELECT * FROM loan) SELECT * FROM la", "", "late"),
        ("%%aureus --pack cr", "", "credit-risk"),
        ("%%aureus --purpose cre", "", "credit_risk_review"),
        ("%aureus catalog bor", "", "borrower"),
    ],
)
def test_in_a_session(text: str, after: str, word: str, session: InteractiveShell) -> None:
    assert word in completions(session, text, after)


def test_connections_are_offered(front: Any, session: InteractiveShell) -> None:
    (front.folder / "connections.ini").write_text("[warehouse]\ndrivername = postgresql\nhost = h\n")
    assert "warehouse" in completions(session, "%%aureus -e war")
    assert "warehouse" in completions(session, "%%aureus --engine=war")


@pytest.mark.parametrize("text", ["SELECT 'lo", "SELECT 1 -- lo", "SELECT x.", "SELECT nosuch.lo"])
def test_where_nothing_is_meant_nothing_is_offered(text: str, session: InteractiveShell) -> None:
    assert "loan" not in completions(session, "%%aureus\n" + text)


def test_what_the_principal_may_not_see_is_not_offered(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert front.line("whoami").error is None
    assert "loan" not in completions(front.shell, "%%aureus\nSELECT * FROM lo"), "no purpose, no dataset"
    assert "loan" in completions(front.shell, f"%%aureus {PURPOSE}\nSELECT * FROM lo")
    assert "loan" not in completions(front.shell, "%%aureus --purpose marketing\nSELECT * FROM lo")


KEY_PRESSES = """
import sys
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "aureus_jupyter")
heavy = {"duckdb", "pandas", "pyarrow", "sqlalchemy", "openai", "psycopg", "papermill"}
for texts, unwanted in (
    (["%%aureus --pu"], heavy | {"sqlglot", "yaml", "pydantic", "jsonschema", "aureus_jupyter.app"}),
    (["%%aureus --pack c", "%%aureus\\nSELECT * FROM lo"], heavy),
):
    with provisionalcompleter():
        found = [c.text for text in texts for c in shell.Completer.completions(text, len(text))]
    print(sorted(unwanted & set(sys.modules)), found)
"""


def test_a_key_press_loads_no_engine(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KEY_PRESSES],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={"PYTHONPATH": f"{root}:{root / 'magics'}", "HOME": "/nonexistent", "PATH": "/usr/bin:/bin"},
    )
    options, names = done.stdout.splitlines()[-2:]
    assert options == "[] ['--purpose']"
    assert names.startswith("[] ['credit-risk'")


def test_a_broken_setting_breaks_no_key_press(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert front.line("whoami").error is None
    (front.folder / "connections.ini").write_text("nonsense")
    assert "SELECT" in completions(front.shell, "%%aureus\nSEL")

    def broken(**names: str) -> Any:
        raise RuntimeError

    monkeypatch.setattr(get_app(), "words", broken)
    assert "loan" not in completions(front.shell, "%%aureus\nSELECT * FROM lo")
    assert "SELECT" in completions(front.shell, "%%aureus\nSEL")
    monkeypatch.setattr(complete, "_line", broken)
    assert "--purpose" not in completions(front.shell, "%%aureus --pu"), "silent, and IPython's own still answer"


PIECES = st.sampled_from(
    [*"%a1.,'\"\\\n\t -=([", "%%aureus", "%aureus ", "--pack", " from ", "select ", "\ud800", "\x00", "²", "loan"]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.integers(0, 200))
def test_the_matcher_never_raises(text: str, place: int) -> None:
    before = text[: place % (len(text) + 1)]
    line = before.count("\n")
    column = len(before) - before.rfind("\n") - 1
    until = text.split("\n")[line][:column]
    context = SimpleNamespace(full_text=text, cursor_line=line, cursor_position=column, text_until_cursor=until)
    found = complete._matches(context)
    assert all(c.text for c in found["completions"])
