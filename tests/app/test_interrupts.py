"""An interrupt at any moment, and evidence that cannot be written: what the cell says is what is true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.stores.folder import FolderRunStore
from aureus_jupyter.errors import EvidenceError

pytestmark = pytest.mark.slow

GOOD = "SELECT count(*) AS n FROM loan"
LIMITS = "SELECT borrower_id, limit_amount FROM exposure_limit ORDER BY limit_id LIMIT 3"


def test_an_interrupt_at_every_line_of_a_run() -> None:
    sweep = Path(__file__).with_name("interrupt_sweep.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(sweep)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "4 passed" in done.stdout


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
