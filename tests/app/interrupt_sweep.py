"""Interrupts at every line of a run. Not collected by itself: `test_interrupts` runs it in a process of its own.

A trace function that raises inside an except clause leaves CPython 3.11 with an exception that never ends, and each test
after it would find that as the context of its own.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from aureus_jupyter.app import get_app
from aureus_jupyter.app.build import trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.service import approvals, drafting, runs, sealing, shield

GOOD = "SELECT count(*) AS n FROM loan"
LIMITS = "SELECT borrower_id, limit_amount FROM exposure_limit ORDER BY limit_id LIMIT 3"
OURS = {str(module.__file__) for module in (runs, sealing, shield, drafting, approvals)}


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
