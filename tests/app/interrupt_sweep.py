"""Interrupts at every line of a run. Not collected by itself: `test_interrupts` runs it in a process of its own.

A trace function that raises inside an except clause leaves CPython 3.11 with an exception that never ends, and each test
after it would find that as the context of its own.
"""

from __future__ import annotations

import base64
import json
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.ledgers import sqlite
from aureus_jupyter.app import get_app, reset_app
from aureus_jupyter.app.build import data_folder, trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.service import approvals, drafting, runs, sealing, shield, spending

GOOD = "SELECT count(*) AS n FROM loan"
LIMITS = "SELECT borrower_id, limit_amount FROM exposure_limit ORDER BY limit_id LIMIT 3"
OURS = {str(module.__file__) for module in (runs, sealing, shield, drafting, approvals, spending, sqlite)}


def at_line(number: int, act: Callable[[], None], work: Callable[[], Any]) -> tuple[Any, int]:
    """Do `work` and, when the service layer begins its line `number`, `act` in it; return what came and the lines there were."""
    seen = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal seen
        if frame.f_code.co_filename not in OURS:
            return None
        if event == "line":
            seen += 1
            if seen == number:
                act()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return work(), seen
    finally:
        sys.settrace(before)


BUDGETS = """version: 1
policies:
  - {id: q, description: d, effect: budget, reason: r, budget: {measure: queries, limit: 100000, per: day}}
  - {id: r, description: d, effect: budget, reason: r, budget: {measure: result_rows, limit: 100000, per: day}}
"""


def test_an_interrupt_at_every_line_leaves_the_ledger_right(
    front: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is charged is what ran: no run is free, and none that never began has to be paid for."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "b.policy.yaml").write_text(BUDGETS, "utf-8")
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(tmp_path / "policies"))
    reset_app()
    sql = "SELECT loan_id FROM loan LIMIT 3"
    front.asked(sql)
    _, lines = at_line(0, lambda: None, lambda: front.asked(sql))
    for number in range(1, lines + 1):
        known = {p.name for p in front.runs}
        told, _ = at_line(number, lambda: signal.raise_signal(signal.SIGINT), lambda: front.asked(sql))
        assert told.code, f"line {number}: an interrupt was lost"
        (made,) = [p for p in front.runs if p.name not in known] or [None]
        with closing(sqlite3.connect(data_folder() / "ledger.sqlite")) as con:
            ask = "SELECT whole FROM charge WHERE run = ? ORDER BY policy"
            charged = [whole for (whole,) in con.execute(ask, (made.name if made else "",))]
        kinds = [e["kind"] for e in _events(made)] if made else []
        if "completed" in kinds:
            assert charged == [1, 3], number
        elif "started" in kinds:
            assert charged in ([1, 0], [0, 0]), number
        else:
            assert charged in ([], [0, 0]), number


def _events(pack: Path) -> list[dict[str, Any]]:
    envelope = json.loads((pack / "statement.dsse.json").read_text())
    found: list[dict[str, Any]] = json.loads(base64.b64decode(envelope["payload"]))["predicate"]["events"]
    return found


@pytest.mark.parametrize("sql", [GOOD, LIMITS, "SELECT nosuch FROM loan"], ids=["allowed", "held", "refused"])
def test_an_interrupt_at_every_line_of_a_run(sql: str, front: Any) -> None:
    front.asked(sql)
    _, lines = at_line(0, lambda: None, lambda: front.asked(sql))
    assert lines > 60
    for number in range(1, lines + 1):
        front.shell.user_ns["kept"] = "before"
        known = set(front.runs)
        told, _ = at_line(
            number, lambda: signal.raise_signal(signal.SIGINT), lambda: front.asked(sql, "kept << --max-results 5")
        )
        made = [p for p in front.runs if p not in known]
        assert front.shell.user_ns["kept"] == "before", number
        assert told.code, f"line {number}: an interrupt was lost, and so was what the cell came to"
        if not made:
            assert "before it started" in told.error.message, number
        assert len(made) <= 1
        assert not list((front.folder / "notebook.aureus").glob("journal/*")), f"line {number} left a journal behind"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert all(one.ok for one in verify_paths([front.folder], trust_path(get_app().settings)))
