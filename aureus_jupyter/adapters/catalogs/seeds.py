"""The data of a synthetic pack, made once from its SQL."""

from __future__ import annotations

import os
from pathlib import Path

from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import Progress
from aureus_jupyter.values.canonical import digest_json

__all__ = ["ensure_seeds"]


def ensure_seeds(pack: Path, rows: int, folder: Path, on_progress: Progress | None = None) -> Path:
    """Return the DuckDB file with the pack's data at the size `rows`, making it when it is not there.

    The file's name holds the digest of the SQL and the size, so that a changed seed makes a new file. It is written under
    a name of its own and renamed: two kernels at once are safe, and a kill leaves no half file. The statements run in a
    database without access to files. Raises Unavailable `seeds_missing`, `seeds_failed`.
    """
    scripts = sorted((pack / "seeds").glob("*.sql"))
    if not scripts:
        raise Unavailable(
            "seeds_missing", f"the pack {pack.name} has no seeds/*.sql", hint=f"Run: aureus pack validate {pack}"
        )
    texts = [script.read_text("utf-8") for script in scripts]
    name = f"{pack.name}-{rows}-{digest_json([*texts, rows])[7:19]}.duckdb"
    target = folder / name
    if target.is_file():
        return target
    mine = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _generate(texts, rows, mine, on_progress)
        mine.replace(target)
    except Exception as cause:
        raise Unavailable(
            "seeds_failed",
            f"the data of the pack {pack.name} cannot be made ({type(cause).__name__})",
            hint=f"Check that {folder} has room for about {max(1, rows // 4000)} MB and may be written to.",
        ) from cause
    finally:
        mine.unlink(missing_ok=True)
        mine.with_name(mine.name + ".wal").unlink(missing_ok=True)
    return target


def _generate(texts: list[str], rows: int, path: Path, on_progress: Progress | None) -> None:
    import duckdb

    with duckdb.connect(str(path)) as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET VARIABLE rows = {int(rows)}")
        for done, text in enumerate(texts, start=1):
            connection.execute(text)
            if on_progress is not None:
                on_progress(done / len(texts))
        names = connection.execute("SELECT function_name FROM duckdb_functions() WHERE NOT internal").fetchall()
        for (macro,) in names:
            connection.execute(f'DROP MACRO IF EXISTS "{macro}"')
        connection.execute("CHECKPOINT")
