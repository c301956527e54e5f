"""Runs that nobody ended: kernels that were killed, journals that were planted, two kernels in one folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.stores.journal import first_line
from aureus_jupyter.app import get_app, reset_app
from aureus_jupyter.app.build import trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.values.run import State

GOOD = "SELECT count(*) AS n FROM loan"


def kernel(front: Any, root: Path, *cells: str) -> subprocess.Popen[bytes]:
    """Start another kernel in the same folder that runs these cells."""
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); "
        "s.run_line_magic('load_ext', 'aureus_jupyter')\n"
        f"for cell in {cells!r}: s.run_cell_magic('aureus', '--purpose credit_risk_review --params token=hunter2', cell)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'magics'}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=front.folder,
    )


def test_two_kernels_in_one_folder(front: Any, root: Path) -> None:
    cell = "SELECT count(*) AS n FROM loan WHERE product <> :token"
    for one in [kernel(front, root, *[cell] * 5) for _ in range(2)]:
        _, said = one.communicate(timeout=120)
        assert one.returncode == 0, said
    assert len(front.runs) == 10
    assert all(one.ok for one in verify_paths([front.folder], trust_path(get_app().settings)))


def test_a_kernel_killed_while_the_engine_ran_is_told_by_the_next(front: Any, root: Path) -> None:
    slow = "SELECT sum(a.pd * b.pd * c.pd * d.pd) AS s FROM loan a, loan b, loan c, loan d WHERE a.product <> :token"
    journals = front.folder / "notebook.aureus" / "journal"
    killed = kernel(front, root, slow)
    patience = time.monotonic() + 60
    while not list(journals.glob("*.jsonl")) and time.monotonic() < patience:
        time.sleep(0.05)  # another process: there is nothing to wait on but its file
    (journal,) = journals.glob("*.jsonl")
    time.sleep(0.3)  # the journal is written before the query begins: let it begin
    killed.kill()
    killed.communicate()
    assert "hunter2" not in journal.read_text()
    (unsealed,) = verify_paths([front.folder], trust_path(get_app().settings))
    assert [finding.code for finding in unsealed.findings] == ["unsealed"]
    assert front.runs == []
    told = front.asked(GOOD)
    (notice,) = told.card["notices"]
    assert f"{journal.stem} was interrupted" in notice
    pack = front.folder / "notebook.aureus" / "runs" / journal.stem
    record = json.loads((pack / "record.json").read_text())
    assert (record["cell"], record["failure"]["code"]) == (slow, "never_sealed")
    assert "started by aureus" in (pack / "evidence.md").read_text()
    assert [one.verdict for one in verify_paths([pack], trust_path(get_app().settings))] == ["failed"]
    assert list(journals.iterdir()) == []
    assert front.asked(GOOD).card["notices"] == []


def test_evidence_of_what_was_interrupted_that_cannot_be_written(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = front.folder / "notebook.aureus" / "journal" / "20260101T000000Z-0123456789ab.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text('{"host": 0, "pid": 0}\n')
    os.utime(journal, (0, 0))
    seal = "aureus_jupyter.app.application.seal_interrupted"
    full = EvidenceError("evidence_not_written", "the disk is full", hint="Free some.")

    def fail(*_: Any) -> None:
        raise full

    monkeypatch.setattr(seal, fail)
    told = front.asked(GOOD)
    assert told.error is None
    assert "could not be written: the disk is full" in told.card["notices"][0]
    assert journal.exists()


@pytest.mark.parametrize("changed", [{"tier": "engine-native"}, {"principal": "the.ceo"}, {"state": "finished"}])
def test_a_journal_that_somebody_planted_is_not_signed(changed: dict[str, str], front: Any) -> None:
    assert front.asked(GOOD).error is None
    (desk,) = get_app()._desks.values()
    who = replace(desk.principal, name=changed.get("principal", desk.principal.name))
    planted = replace(
        get_app()._runs[-1],
        id="20260101T000000Z-0123456789ab",
        principal=who,
        tier=changed.get("tier", "in-kernel"),
        state=State(changed.get("state", "running")),
    )
    reset_app()
    journal = front.folder / "notebook.aureus" / "journal" / f"{planted.id}.jsonl"
    journal.write_bytes(first_line(planted).replace(b'"pid":', b'"pid":0,"was":'))
    told = front.asked(GOOD)
    assert "Nothing was signed" in told.card["notices"][0]
    assert not (front.folder / "notebook.aureus" / "runs" / planted.id).exists()


def test_a_journal_of_brackets(front: Any) -> None:
    journal = front.folder / "notebook.aureus" / "journal" / "20260101T000000Z-0123456789ab.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("[" * 200_000)
    os.utime(journal, (0, 0))
    assert front.asked(GOOD).error is None


def test_a_kernel_that_goes_on_tells_of_another_one_within_a_minute(
    front: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("aureus_jupyter.app.application.time.monotonic", lambda: now[0])
    assert front.asked(GOOD).card["notices"] == []
    journal = front.folder / "notebook.aureus" / "journal" / "20260101T000000Z-0123456789ab.jsonl"
    journal.write_text('{"host": 0, "pid": 0}\n')
    os.utime(journal, (0, 0))
    assert front.asked(GOOD).card["notices"] == [], "not looked for at every cell"
    now[0] += 60
    assert len(front.asked(GOOD).card["notices"]) == 1
    now[0] += 60
    assert front.asked(GOOD).card["notices"] == [], "told once"
