"""The data of a synthetic pack, made once from its SQL."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import Progress
from aureus_jupyter.values.canonical import digest_json

__all__ = ["ensure_seeds"]


def ensure_seeds(pack: Path, rows: int, folder: Path, on_progress: Progress | None = None) -> Path:
    """Return the DuckDB file with the pack's data at the size `rows`, making it when it is not there.

    The file's name holds the digest of the SQL and the size, so that a changed seed makes a new file. It is written under
    a name of its own and renamed, so a kill leaves no half file under the real name; a second kernel waits for the first. The
    statements run in a database without access to files. Raises Unavailable `seeds_missing`, `seeds_failed`.
    """
    scripts = sorted((pack / "seeds").glob("*.sql"))
    if not scripts:
        raise Unavailable(
            "seeds_missing", f"the pack {pack.name} has no seeds/*.sql", hint=f"Run: aureus pack validate {pack}"
        )
    try:
        texts = {script.name: script.read_text("utf-8") for script in scripts}
        target = folder / f"{pack.name}-{rows}-{digest_json([*texts.values(), rows])[7:19]}.duckdb"
        if not _is_whole(target):
            folder.mkdir(parents=True, exist_ok=True)
            _make_alone(texts, rows, target, on_progress)
    except _ScriptError as cause:
        raise Unavailable(
            "seeds_failed",
            f"the data of the pack {pack.name} cannot be made: seeds/{cause} cannot be run",
            hint=f"Ask the pack's owner to correct it. DuckDB says: {type(cause.__cause__).__name__}.",
        ) from cause.__cause__
    except Exception as cause:
        raise Unavailable(
            "seeds_failed",
            f"the data of the pack {pack.name} cannot be made ({type(cause).__name__})",
            hint=f"Check that {folder} has room for about {max(1, rows // 4000)} MB and may be written to.",
        ) from cause
    return target


class _ScriptError(Exception):
    """A script that cannot be run, by its name."""


def _make_alone(texts: Mapping[str, str], rows: int, target: Path, on_progress: Progress | None) -> None:
    with _alone(target.with_name(f".{target.name}.lock")) as alone:
        if alone:
            _clear(target.parent, f".{target.name}.making-*")
        if not _is_whole(target):
            _make(texts, rows, target, on_progress)


def _is_whole(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Wait until no other kernel makes the same data. Yields False where files cannot be locked: the rename is safe alone."""
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            yield False
        else:
            yield True


def _clear(folder: Path, pattern: str) -> None:
    """Remove what a killed kernel left half made. Only while holding the lock."""
    for path in folder.glob(pattern):
        path.unlink(missing_ok=True)


def _make(texts: Mapping[str, str], rows: int, target: Path, on_progress: Progress | None) -> None:
    mine = target.with_name(f".{target.name}.making-{os.getpid()}-{threading.get_ident()}")
    try:
        _generate(texts, rows, mine, on_progress)
        mine.replace(target)
    finally:
        _clear(mine.parent, f"{mine.name}*")


def _generate(texts: Mapping[str, str], rows: int, path: Path, on_progress: Progress | None) -> None:
    import duckdb

    with duckdb.connect(str(path)) as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET VARIABLE rows = {int(rows)}")
        for done, (name, text) in enumerate(texts.items(), start=1):
            try:
                connection.execute(text)
            except (duckdb.ProgrammingError, duckdb.DataError) as cause:
                raise _ScriptError(name) from cause
            if on_progress is not None:
                on_progress(done / len(texts))
        names = connection.execute("SELECT function_name FROM duckdb_functions() WHERE NOT internal").fetchall()
        for (macro,) in names:
            connection.execute(f'DROP MACRO IF EXISTS "{macro}"')
        connection.execute("CHECKPOINT")
