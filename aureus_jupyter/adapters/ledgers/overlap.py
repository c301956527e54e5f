"""Answered summaries in one SQLite file, for all kernels of this account."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from aureus_jupyter.errors import Unavailable

__all__ = ["SQLiteOverlapLedger"]

_TABLE = """
CREATE TABLE IF NOT EXISTS answered (
  number INTEGER PRIMARY KEY, owner TEXT NOT NULL, entry TEXT NOT NULL, UNIQUE (owner, entry)
)"""
_TRIES = 120
_WAIT = 0.5  # seconds; short, so that an interrupt is heard between two tries


class SQLiteOverlapLedger:
    """Implements `ports.OverlapLedger` over SQLite's write-ahead log. Opens the file anew each time.

    The file has mode 0600 and its folder is made with 0700. It cannot be kept from the account it belongs to: whoever deletes
    it starts anew. Does not work on a network file system, as SQLite's log does not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, owner: str, entry: str, check: Callable[[Sequence[str]], None]) -> None:
        """Check and keep in one transaction (`BEGIN IMMEDIATE`). Raises Unavailable `ledger_unusable`, `ledger_busy`."""
        with self._transaction() as con:
            rows = [str(row[0]) for row in self._all(con, owner)]
            if entry in rows:
                return
            check(rows)
            with _guarded(self._path):
                con.execute("INSERT INTO answered (owner, entry) VALUES (?, ?)", [owner, entry])

    def _all(self, con: sqlite3.Connection, owner: str) -> list[tuple[str]]:
        with _guarded(self._path):
            return con.execute("SELECT entry FROM answered WHERE owner = ? ORDER BY number", [owner]).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction nobody else's falls into; kept only when nothing was raised inside."""
        with _guarded(self._path):
            self._make()
            con = sqlite3.connect(self._path, timeout=_WAIT, isolation_level=None)
        try:
            with _guarded(self._path):
                for setting in ("journal_mode = WAL", "synchronous = FULL"):
                    self._patiently(con, f"PRAGMA {setting}")
                self._patiently(con, "BEGIN IMMEDIATE")
                con.execute(_TABLE)
            yield con
            with _guarded(self._path):
                con.execute("COMMIT")
        finally:
            con.close()  # what was not committed is rolled back

    def _make(self) -> None:
        """Make the file for its owner alone. Raises OSError, or Unavailable for one that others can read or write."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            # Only a new file is opened here: closing one would drop the locks that other connections of this process hold.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        mode = self._path.lstat().st_mode
        for beside in ("-wal", "-shm", "-journal"):
            if Path(f"{self._path}{beside}").is_symlink():
                mode = stat.S_IFLNK
        if mode & (stat.S_IRWXG | stat.S_IRWXO) or not stat.S_ISREG(mode):
            raise Unavailable(
                "ledger_unusable",
                f"the ledger {self._path.name} is no plain file that only its owner can read and write",
                hint=f"Nothing that answers only in summaries runs until then. Run: chmod 600 {self._path}",
            )

    def _patiently(self, con: sqlite3.Connection, text: str) -> None:
        """Run what may have to wait for another kernel's check. Raises Unavailable `ledger_busy`."""
        for _ in range(_TRIES):
            try:
                con.execute(text)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                    raise
            else:
                return
        raise Unavailable(
            "ledger_busy", "another kernel has been checking a summary for a minute", hint="Run the cell again later."
        )


@contextlib.contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """Turn what the disk or SQLite raise into an error that lets nothing run."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(
            "ledger_unusable",
            f"the ledger of answered summaries cannot be read or written ({type(error).__name__})",
            hint=f"Nothing that answers only in summaries runs until then. Check {path} and the space on its disk.",
        ) from None
