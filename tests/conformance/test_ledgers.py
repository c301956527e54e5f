"""The SQLite ledger meets the port, and each check of the port's suite can fail."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from aureus_jupyter.adapters.ledgers.sqlite import SqliteLedger
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.testing.ledgers import AT, LedgerConformance, budget, charge, fixed
from aureus_jupyter.testing.suites import checks


class TestSqlite(LedgerConformance):
    factory = "aureus_jupyter.adapters.ledgers.sqlite:SqliteLedger"
    processes = 20


BROKEN = {
    "NoLedger": "it_is_a_ledger",
    "ChargesByLooking": "looking_charges_nothing",
    "Forgets": "what_is_charged_is_kept what_a_killed_process_reserved_stays_charged",
    "OneTooMany": "what_is_charged_is_kept",
    "ByTheHour": "a_window_slides",
    "Sticks": "a_window_slides",
    "SaysNow": "it_says_when_enough_is_free",
    "Promises": "it_says_when_enough_is_free",
    "BelievesTheClock": "a_clock_that_steps_back_refills_nothing",
    "ForgetsTheFuture": "a_clock_that_steps_back_refills_nothing",
    "OnePurse": "pots_are_apart",
    "NobodyShares": "pots_are_apart",
    "OneMeasure": "pots_are_apart",
    "Halves": "all_or_nothing",
    "ChargesEachBudget": "a_pot_is_charged_once",
    "GrantsAll": "where_less_is_of_use_what_is_left_is_granted",
    "EachItsOwn": "where_less_is_of_use_what_is_left_is_granted",
    "SettlesAgain": "settling_gives_back_once",
    "NeverMore": "settling_gives_back_once",
    "ClosesAll": "settling_gives_back_once",
    "AddsUp": "a_run_is_charged_once_in_a_pot",
    "Floats": "amounts_are_exact",
    "Unlocked": "of_processes_that_spend_at_once_none_exceeds",
    "GivesBackTheDead": "what_a_killed_process_reserved_stays_charged",
    "TakesBrokenForEmpty": "a_place_that_holds_no_ledger_is_told",
    "RawErrors": "a_place_that_holds_no_ledger_is_told",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_ledger_fails_at_its_check(name: str) -> None:
    class Broken(LedgerConformance):
        factory = f"conformance.broken_ledgers:{name}"

    for check in BROKEN[name].split():
        with pytest.raises(Exception) as caught:
            getattr(Broken(), f"test_{check}")()
        assert not isinstance(caught.value, (ImportError, TypeError, AttributeError)), "the broken adapter must run"


def test_every_check_has_a_ledger_that_fails_it() -> None:
    assert sorted({f"test_{c}" for text in BROKEN.values() for c in text.split()}) == checks(LedgerConformance)


# -- what only a file can do -------------------------------------------------------------------------------------------

pytestmark = pytest.mark.slow

SPENDER = """
import sys
from pathlib import Path
from aureus_jupyter.adapters.ledgers.sqlite import SqliteLedger
from aureus_jupyter.testing.ledgers import AT, budget, charge, fixed

ledger, mark = SqliteLedger(Path(sys.argv[1])), sys.argv[2]
for n in range(10_000):
    run = f"{mark}-{n}"
    if not ledger.reserve(run, "ana", [fixed("1", budget("60"))], AT)[0].fits:
        break
    print(run, flush=True)
    ledger.settle(run, [charge("1")])
"""


def test_processes_killed_in_the_midst_lose_nothing(tmp_path: Path) -> None:
    """Twenty spend as fast as they can and are killed; what any of them was told is charged, and no more than the limit."""
    path = tmp_path / "ledger"
    paths = os.pathsep.join(p for p in sys.path if p)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", SPENDER, str(path), str(n)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
        for n in range(20)
    ]
    told = []
    for number, child in enumerate(children):
        assert child.stdout is not None
        told += [child.stdout.readline().strip()] if number < 3 else []
    for child in children:
        child.send_signal(signal.SIGKILL)
    for child in children:
        said, _ = child.communicate()
        told += said.split()
    told = [run for run in told if run]
    with closing(sqlite3.connect(path)) as con:
        charged = [run for (run,) in con.execute("SELECT run FROM charge")]
        assert con.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert told
    assert set(told) <= set(charged)
    assert len(charged) <= 60
    assert len(set(charged)) == len(charged)


def code(path: Path) -> str:
    with pytest.raises(Unavailable) as caught:
        SqliteLedger(path).reserve("r9", "ana", [fixed()], AT)
    return caught.value.code


def used(path: Path) -> None:
    SqliteLedger(path).reserve("r1", "ana", [fixed()], AT)


def test_a_file_that_a_group_shares_is_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.touch()
    path.chmod(0o660)
    used(path)
    assert path.stat().st_mode & 0o777 == 0o660
    path.chmod(0o662)
    assert code(path) == "ledger_unusable"


@pytest.mark.parametrize("beside", ["", "-wal", "-shm", "-journal"])
def test_no_link_is_followed(beside: str, tmp_path: Path) -> None:
    path, other = tmp_path / "ledger", tmp_path / "other"
    if beside:
        used(path)
    other.write_bytes(b"")
    Path(f"{path}{beside}").symlink_to(other)
    assert code(path) == "ledger_unusable"
    assert other.read_bytes() == b""


def test_a_later_versions_ledger_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    used(path)
    with closing(sqlite3.connect(path)) as con:
        con.execute("PRAGMA user_version = 2")
    assert code(path) == "ledger_unusable"


def test_a_ledger_whose_inside_is_broken_refuses(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    used(path)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(bytes(data))
    assert code(path) == "ledger_failed"


@pytest.mark.parametrize("amount", ["-1", "0.0000000001", "NaN"])
def test_what_is_no_amount_is_not_written(amount: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    used(path)
    with pytest.raises((ValueError, ArithmeticError)):
        SqliteLedger(path).settle("r1", [charge(amount)])
    (one,) = SqliteLedger(path).look("ana", [fixed("0", budget())], AT)
    assert one.spent == 1


def test_sums_that_no_number_holds_refuse(tmp_path: Path) -> None:
    path, huge = tmp_path / "ledger", str(2**62)
    for run in ("r1", "r2"):
        SqliteLedger(path).reserve(run, run, [fixed(huge, budget("1e30"))], AT)
    with pytest.raises(Unavailable) as caught:
        SqliteLedger(path).look("ana", [fixed("1", budget("1e30", shared=True))], AT)
    assert caught.value.code == "ledger_failed"
