"""An interrupt at any moment, and evidence that cannot be written: what the cell says is what is true."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from aureus_jupyter.adapters.stores.folder import FolderRunStore
from aureus_jupyter.app import get_app
from aureus_jupyter.app.build import trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.errors import EvidenceError
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


def failing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def full(*arguments: Any, **more: Any) -> Any:
        raise EvidenceError("evidence_not_written", "the disk is full", hint="Make room.")

    monkeypatch.setattr(FolderRunStore, name, full)


@pytest.mark.parametrize("frozen", ["seal", "append"])
def test_rows_without_evidence_are_not_called_allowed(frozen: str, front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, frozen)
    told = front.asked(GOOD, "x <<")
    assert (told.code, "x" in front.shell.user_ns) == ("evidence_not_written", False)
    # Where the journal could not be begun, the engine was not asked.
    assert told.card["outcome"] == {"seal": "failed", "append": "refused"}[frozen]
    assert (told.card["rows"], told.card["rowCount"]) == ([], None)
    assert "Allowed" not in told.bundles[0]["text/plain"]
    assert "disk is full" in told.bundles[0]["text/plain"]


@pytest.mark.parametrize("frozen", ["seal", "ask"])
def test_a_request_that_could_not_be_written_does_not_wait(
    frozen: str, front: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, frozen)
    told = front.asked(LIMITS)
    assert told.code == "evidence_not_written"
    assert told.card["outcome"] == "refused"
    assert "waits" not in told.bundles[0]["text/plain"]


def test_a_refusal_whose_evidence_could_not_be_written_says_both(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "seal")
    told = front.asked("SELECT nosuch FROM loan")
    assert told.code == "evidence_not_written"
    assert "nosuch" in told.error.message
    assert "disk is full" in told.error.message
    assert told.card["outcome"] == "refused"
