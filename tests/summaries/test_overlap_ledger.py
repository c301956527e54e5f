"""The ledger of answered summaries: kept across kernels, one check at a time, and nothing runs without it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from aureus_jupyter.adapters.ledgers import overlap
from aureus_jupyter.adapters.ledgers.overlap import SQLiteOverlapLedger
from aureus_jupyter.errors import Refused, Unavailable
from aureus_jupyter.ports import OverlapLedger

OTHER_KERNEL = """
import sys
from pathlib import Path
from aureus_jupyter.adapters.ledgers.overlap import SQLiteOverlapLedger
print("started", flush=True)
SQLiteOverlapLedger(Path(sys.argv[1])).record("ana", "second", lambda earlier: print(*earlier, flush=True))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledgers" / "overlap.sqlite"


def seen(path: Path, owner: str = "ana") -> list[str]:
    """Return what the ledger holds of an owner, without leaving anything there."""
    found: list[str] = []

    def look(earlier: Sequence[str]) -> None:
        found.extend(earlier)
        raise LookupError

    with pytest.raises(LookupError):
        SQLiteOverlapLedger(path).record(owner, "a look", look)
    return found


def test_what_passes_is_kept_in_order_for_its_owner(path: Path) -> None:
    ledger: OverlapLedger = SQLiteOverlapLedger(path)
    told: list[list[str]] = []
    for entry in ("first", "second", "first"):
        ledger.record("ana", entry, lambda earlier: told.append(list(earlier)))
    ledger.record("ben", "first", lambda earlier: told.append(list(earlier)))
    assert told == [[], ["first"], []]
    assert seen(path) == ["first", "second"]
    assert seen(path, "ben") == ["first"]


def test_only_its_owner_can_read_it(path: Path) -> None:
    SQLiteOverlapLedger(path).record("ana", "first", lambda earlier: None)
    assert {p.stat().st_mode & 0o777 for p in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_refused_or_interrupted_is_not_kept(path: Path) -> None:
    def refuse(earlier: Sequence[str]) -> None:
        raise Refused("differencing", "m", hint="h")

    def interrupt(earlier: Sequence[str]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Refused):
        SQLiteOverlapLedger(path).record("ana", "first", refuse)
    with pytest.raises(KeyboardInterrupt):
        SQLiteOverlapLedger(path).record("ana", "first", interrupt)
    assert seen(path) == []


def test_another_kernel_waits_and_sees_what_was_kept(path: Path) -> None:
    kernels: list[subprocess.Popen[str]] = []

    def check(earlier: Sequence[str]) -> None:
        kernel = subprocess.Popen(
            [sys.executable, "-c", OTHER_KERNEL, str(path)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        kernels.append(kernel)
        assert kernel.stdout is not None
        assert kernel.stdout.readline() == "started\n"

    SQLiteOverlapLedger(path).record("ana", "first", check)
    assert kernels[0].communicate(timeout=60)[0] == "first\n"
    assert kernels[0].returncode == 0
    assert seen(path) == ["first", "second"]


def test_who_waits_too_long_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlap, "_TRIES", 2)
    monkeypatch.setattr(overlap, "_WAIT", 0.01)

    def check(earlier: Sequence[str]) -> None:
        with pytest.raises(Unavailable) as caught:
            SQLiteOverlapLedger(path).record("ana", "second", lambda earlier: None)
        assert caught.value.code == "ledger_busy"

    SQLiteOverlapLedger(path).record("ana", "first", check)
    assert seen(path) == ["first"]


def unusable(path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        SQLiteOverlapLedger(path).record("ana", "entry", lambda earlier: pytest.fail("nothing may be checked"))
    assert caught.value.code == "ledger_unusable"
    assert caught.value.hint


def test_a_file_that_is_no_ledger(path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o600)
    path.write_bytes(b"no database" * 100)
    unusable(path)


def test_a_ledger_of_another_shape(path: Path) -> None:
    SQLiteOverlapLedger(path).record("ana", "first", lambda earlier: None)
    with sqlite3.connect(path) as con:
        con.execute("DROP TABLE answered")
        con.execute("CREATE TABLE answered (something INTEGER)")
    con.close()
    unusable(path)


def test_a_ledger_that_others_can_read(path: Path) -> None:
    SQLiteOverlapLedger(path).record("ana", "first", lambda earlier: None)
    path.chmod(0o644)
    unusable(path)


def test_a_link_in_its_place(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    (tmp_path / "elsewhere").touch(0o600)
    path.symlink_to(tmp_path / "elsewhere")
    unusable(path)
    path.unlink()
    path.mkdir()
    unusable(path)


def test_a_link_beside_it(path: Path, tmp_path: Path) -> None:
    SQLiteOverlapLedger(path).record("ana", "first", lambda earlier: None)
    path.with_name(path.name + "-wal").symlink_to(tmp_path / "elsewhere")
    unusable(path)


def test_a_folder_that_cannot_be_made(path: Path) -> None:
    path.parent.touch()
    unusable(path)


def test_a_disk_that_fills_up_keeps_nothing(path: Path) -> None:
    ledger = SQLiteOverlapLedger(path)
    ledger.record("ana", "first", lambda earlier: None)
    with sqlite3.connect(path) as con:
        con.execute("CREATE TRIGGER full BEFORE INSERT ON answered BEGIN SELECT RAISE(ABORT, 'full'); END")
    con.close()
    with pytest.raises(Unavailable) as caught:
        ledger.record("ana", "second", lambda earlier: None)
    assert caught.value.code == "ledger_unusable"
    assert seen(path) == ["first"]
