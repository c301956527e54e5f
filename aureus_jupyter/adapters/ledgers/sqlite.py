"""The ledger of budgets in one SQLite file, shared by every kernel that uses it on this machine.

Write-ahead logging with `BEGIN IMMEDIATE`: who writes reads nothing that another is about to change. A reservation is forced to
the disk before it is believed. The file belongs on a local disk: SQLite's write-ahead log does not work over a network
(sqlite.org/wal.html). Nothing is ever deleted: a policy with a longer window must find what was spent.

A connection lives for one call, so that no fork and no thread ever shares one.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import TypeVar

from aureus_jupyter.core.budgets import charges_of, granted
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.budgets import Charge, Standing, Wish
from aureus_jupyter.values.ids import utc_text
from aureus_jupyter.values.obligations import Budget

__all__ = ["SqliteLedger"]

T = TypeVar("T")

_APPLICATION = 0x41554C44
_VERSION = 1
_PATIENCE = 10.0
_EXACT = Context(prec=60)
_NANO = 10**9
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Amounts are whole units and billionths of one: sums of integers are exact, and one that overflows is an error.
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS charge (
      run TEXT NOT NULL, principal TEXT NOT NULL, policy TEXT NOT NULL, measure TEXT NOT NULL,
      at INTEGER NOT NULL CHECK (typeof(at) = 'integer'),
      whole INTEGER NOT NULL CHECK (typeof(whole) = 'integer' AND whole >= 0),
      nano INTEGER NOT NULL CHECK (typeof(nano) = 'integer' AND nano BETWEEN 0 AND 999999999),
      settled INTEGER NOT NULL,
      PRIMARY KEY (run, policy, measure))""",
    "CREATE INDEX IF NOT EXISTS pot ON charge (policy, measure, at)",
    "CREATE INDEX IF NOT EXISTS latest ON charge (at)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)
_WINDOW = (
    "FROM charge WHERE policy = :policy AND measure = :measure AND at > :since AND (:shared OR principal = :principal)"
)


class SqliteLedger:
    """Implements `ports.Ledger`. Makes the file, for its owner alone, on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Sequence[Standing]:
        """Return how the budgets stand. Raises Unavailable `ledger_unusable`, `ledger_busy`, `ledger_failed`."""
        return self._within("BEGIN", lambda con: _standings(con, principal, wishes, _ledger_time(con, now)))

    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Sequence[Standing]:
        """Charge the run with all wishes, or with nothing when one does not fit. Raises what `look` raises, `ledger_conflict`."""

        def work(con: sqlite3.Connection) -> Sequence[Standing]:
            at = _ledger_time(con, now)
            found = _standings(con, principal, wishes, at)
            if all(one.fits for one in found):
                rows = [(run_id, principal, c.policy, str(c.measure), at, *_parts(c.amount)) for c in charges_of(found)]
                con.executemany("INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, 0)", rows)
            return found

        return self._within("BEGIN IMMEDIATE", work)

    def settle(self, run_id: str, charges: Sequence[Charge]) -> None:
        """Write what was really taken, once for each reservation. Raises what `look` raises."""
        rows = [(*_parts(c.amount), run_id, c.policy, str(c.measure)) for c in charges]
        self._within(
            "BEGIN IMMEDIATE",
            lambda con: con.executemany(
                "UPDATE charge SET whole = ?, nano = ?, settled = 1 WHERE run = ? AND policy = ? AND measure = ? AND NOT settled",
                rows,
            ),
        )

    # -- the file --------------------------------------------------------------------------------------------------

    def _within(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in a transaction of its own, whole or not at all."""
        with _told(self.path):
            self._check()
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as con:
                self._open(con)
                con.execute(begin)
                try:
                    done = work(con)
                except BaseException:
                    con.rollback()
                    raise
                con.execute("COMMIT")
                return done

    def _check(self) -> None:
        """Make the file if there is none; refuse a link, what is no file, and what everybody may write."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            # Only a file that is new is opened here: to close one would drop the locks another thread's connection has on it.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        for beside in ("", "-wal", "-shm", "-journal"):
            if Path(f"{self.path}{beside}").is_symlink():
                raise _unusable(self.path, f"{self.path.name}{beside} is a link")
        mode = self.path.lstat().st_mode
        if not stat.S_ISREG(mode):
            raise _unusable(self.path, "it is no file")
        if mode & stat.S_IWOTH:
            raise _unusable(self.path, "everybody may write to it")

    def _open(self, con: sqlite3.Connection) -> None:
        """Set what every connection must have, and make the table in a new file."""
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "synchronous = FULL"):
            con.execute(f"PRAGMA {setting}")
        version = _kind(con)
        if version == (_APPLICATION, _VERSION):
            return
        if con.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise _unusable(self.path, "its disk does not take a write-ahead log, as a network's does not")
        con.execute("BEGIN IMMEDIATE")
        try:
            if _kind(con) != (_APPLICATION, _VERSION):
                if _kind(con) != (0, 0) or con.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    raise _unusable(self.path, "it is another program's database, or a later version's ledger")
                for statement in _SCHEMA:
                    con.execute(statement)
        except BaseException:
            con.rollback()
            raise
        con.execute("COMMIT")


def _kind(con: sqlite3.Connection) -> tuple[int, int]:
    application, version = (con.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    return application, version


def _ledger_time(con: sqlite3.Connection, now: datetime) -> int:
    """Return the time in microseconds: a clock that was set back must not let a charge be counted for shorter than its window."""
    latest = con.execute("SELECT max(at) FROM charge").fetchone()[0]
    return max((now - _BEGINNING) // _MICROSECOND, latest or 0)


def _standings(con: sqlite3.Connection, principal: str, wishes: Sequence[Wish], at: int) -> tuple[Standing, ...]:
    windows = [_window(wish.budget, principal, at) for wish in wishes]
    sums = [con.execute(f"SELECT sum(whole), sum(nano) {_WINDOW}", window).fetchone() for window in windows]
    spent = [_amount((whole or 0) * _NANO + (nano or 0)) for whole, nano in sums]
    found = []
    for wish, window, taken, (amount, fits) in zip(wishes, windows, spent, granted(wishes, spent), strict=True):
        free = "" if fits else _free_at(con, wish.budget, window, taken, amount)
        found.append(Standing(budget=wish.budget, spent=taken, asked=amount, fits=fits, free_at=free))
    return tuple(found)


def _window(budget: Budget, principal: str, at: int) -> dict[str, object]:
    return {
        "policy": budget.policy,
        "measure": str(budget.measure),
        "since": at - budget.seconds * 1_000_000,
        "shared": budget.shared,
        "principal": principal,
    }


def _free_at(
    con: sqlite3.Connection, budget: Budget, window: dict[str, object], spent: Decimal, amount: Decimal
) -> str:
    """Return when the oldest charges that are in the way have left the window, or nothing when that never is."""
    over = _billionths(spent) + _billionths(amount) - _billionths(Decimal(budget.limit))
    for at, whole, nano in con.execute(f"SELECT at, whole, nano {_WINDOW} ORDER BY at", window):
        over -= whole * _NANO + nano
        if over <= 0:
            return utc_text(_BEGINNING + timedelta(microseconds=at, seconds=budget.seconds))
    return ""


def _billionths(amount: Decimal) -> int:
    """Return an amount in billionths, rounded down; the thread's own decimal context is the notebook's to set."""
    return int(_EXACT.scaleb(amount, 9))


def _amount(billionths: int) -> Decimal:
    return _EXACT.scaleb(Decimal(billionths), -9)


def _parts(amount: Decimal) -> tuple[int, int]:
    """Return whole units and billionths, exactly. Raises ValueError for what has more decimals, or is negative."""
    found = _billionths(amount)
    if found < 0 or _amount(found) != amount:
        raise ValueError("an amount has at most nine decimals and is not negative")
    return divmod(found, _NANO)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Raise what may be shown in place of what SQLite and the system raise."""
    problem: Unavailable
    try:
        yield
        return
    except sqlite3.IntegrityError:
        problem = Unavailable(
            "ledger_conflict", "this run has been charged already", hint="Run the cell again for a new run."
        )
    except sqlite3.OperationalError as error:
        busy = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
        problem = _busy(path) if busy else _failed(path, error.sqlite_errorname)
    except sqlite3.Error as error:
        problem = _failed(path, getattr(error, "sqlite_errorname", type(error).__name__))
    except OSError as error:
        problem = _failed(path, type(error).__name__)
    raise problem


def _unusable(path: Path, why: str) -> Unavailable:
    return Unavailable(
        "ledger_unusable",
        f"the ledger of budgets {path.name} cannot be trusted: {why}",
        hint="Ask your platform team, or name another file in the setting ledger. Until then nothing with a budget runs.",
    )


def _busy(path: Path) -> Unavailable:
    return Unavailable(
        "ledger_busy",
        f"the ledger of budgets {path.name} has been in use for {_PATIENCE:.0f} seconds",
        hint="Run the cell again.",
    )


def _failed(path: Path, why: str) -> Unavailable:
    return Unavailable(
        "ledger_failed",
        f"the ledger of budgets {path.name} cannot be read or written ({why})",
        hint="Make its folder writable, or name another file in the setting ledger. Until then nothing with a budget runs.",
    )
