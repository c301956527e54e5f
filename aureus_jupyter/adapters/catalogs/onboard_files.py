"""A folder of CSV and Parquet files as one DuckDB file, so that contracts and engine see the same types for good.

A CSV file has no types: each reader guesses again, and one more row can change the guess. Here it is guessed once, from
every row, and what was guessed is said.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.onboard_profile import free_name, quoted, table_name
from aureus_jupyter.adapters.catalogs.onboard_text import Unfit, as_utf8
from aureus_jupyter.adapters.catalogs.pii import is_value

__all__ = ["Loaded", "has_csv", "is_data_file", "load_files", "not_read"]

_FILE = re.compile(r"\.(csv|tsv|csv\.gz|tsv\.gz|parquet)$", re.IGNORECASE)
_PREAMBLE = 20
_ISO_DATES = {"%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "", None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The DuckDB file; per table the data file it comes from and what to know; per file left out, why."""

    path: Path
    origins: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, str]


def has_csv(folder: Path) -> bool:
    """Whether a folder holds a data file that is not Parquet. Does not look into folders below it."""
    return any(not path.name.lower().endswith(".parquet") for path in _files(folder))


def is_data_file(path: Path) -> bool:
    """Whether a path is one CSV or Parquet file."""
    try:
        return _FILE.search(path.name) is not None and path.is_file()
    except (OSError, ValueError):
        return False


def _files(folder: Path) -> list[Path]:
    found = [p for p in folder.iterdir() if _FILE.search(p.name) and not p.name.startswith(".") and p.is_file()]
    return sorted(found, key=lambda p: p.name)


def not_read(folder: Path) -> list[str]:
    """Return a line for the review when folders right below hold data files too, which are not read; else nothing."""
    below = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".") and _files(p))
    if not below:
        return []
    what = "1 folder below it holds" if len(below) == 1 else f"{len(below)} folders below it hold"
    return [f"Only the files of the folder itself were read; {what} data files too."]


def load_files(folder: Path, target: Path) -> Loaded:
    """Load every data file of `folder` into a new DuckDB file at `target`. Overwrites nothing; needs room beside it.

    A file that cannot be read as a table is left out, and it is said why. Raises OSError for the folder itself.
    """
    import duckdb

    origins: dict[str, str] = {}
    notes: dict[str, tuple[str, ...]] = {}
    left_out: dict[str, str] = {}
    with duckdb.connect(str(target)) as con:
        for setting in ("enable_progress_bar", "autoinstall_known_extensions", "autoload_known_extensions"):
            con.execute(f"SET {setting} = false")
        for path in _files(folder):
            name = free_name(table_name(path.name), [*origins])
            try:
                notes[name] = _load(con, path, name, target.with_name("text.csv"))
                origins[name] = path.name
            except Unfit as why:
                left_out[path.name] = str(why)
            except RuntimeError as error:
                # DuckDB makes an error of its own of a keyboard interrupt.
                if not str(error).startswith("Query interrupted"):
                    raise
                raise KeyboardInterrupt from None
            except duckdb.Error as error:
                # The text of the error may quote the file; its class does not.
                left_out[path.name] = (
                    "one of its lines is longer than 2 MB"
                    if "maximum_line_size" in str(error) or "Maximum line size" in str(error)
                    else f"DuckDB cannot read it ({type(error).__name__})"
                )
        con.execute("CHECKPOINT")
    target.with_name("text.csv").unlink(missing_ok=True)
    return Loaded(path=target, origins=origins, notes=notes, left_out=left_out)


def _load(con: Any, path: Path, name: str, scratch: Path) -> tuple[str, ...]:
    if path.name.lower().endswith(".parquet"):
        return _table(con, name, "read_parquet($path, hive_partitioning = false)", str(path.resolve()))
    text, note = as_utf8(path, scratch)
    options, notes = _dialect(con, str(text.resolve()))
    reader = f"read_csv($path, hive_partitioning = false, sample_size = -1{options})"
    return (*filter(None, [note]), *notes, *_table(con, name, reader, str(text.resolve())))


def _dialect(con: Any, path: str) -> tuple[str, list[str]]:
    """Return options for read_csv, and what to know about how the file was read. Raises Unfit."""
    found = con.execute(
        "SELECT SkipRows, HasHeader, Columns, DateFormat, Delimiter, Quote FROM sniff_csv($path, sample_size = -1)",
        {"path": path},
    )
    skipped, header, columns, dates, delimiter, quote = found.fetchone()
    if skipped and (not header or skipped > _PREAMBLE):
        raise Unfit("its lines have different numbers of fields")
    if len(columns) == 1 and re.search(r"[,;\t|]", columns[0]["name"]):
        # A reader that finds no separator all lines agree on takes each line for one value.
        raise Unfit("its lines have different numbers of fields")
    options, notes = "", []
    if skipped:
        notes.append(f"The first {skipped} lines do not fit the columns and were left out.")
    if header and any(_looks_like_data(column["name"]) for column in columns):
        header, options = False, ", header = false"
    if not header:
        notes.append("Its first line reads like data, so the columns got made-up names. Name them.")
    elif twice := _twice(path, skipped, delimiter, quote):
        notes.append(f"Columns of the same name were numbered: {', '.join(twice)}.")
    if dates not in _ISO_DATES:
        notes.append(f"Its dates were read as {dates}. Check that day and month are not swapped.")
    return options, notes


def _twice(path: str, skipped: int, delimiter: str, quote: str) -> list[str]:
    """Return the names that stand more than once in the first line; the reader numbers them without a word."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            for _ in range(skipped):
                file.readline()
            mark = quote if len(quote) == 1 and quote != "\0" else '"'
            names = [name.strip() for name in next(csv.reader(file, delimiter=delimiter, quotechar=mark), [])]
    except (csv.Error, TypeError, ValueError):
        return []
    folded = [name.lower() for name in names]
    return sorted({name for name in names if name and folded.count(name.lower()) > 1})


def _looks_like_data(name: str) -> bool:
    return is_value(name) or re.fullmatch(r"[-+]?\d+([.,]\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", name) is not None


def _table(con: Any, name: str, reader: str, path: str) -> tuple[str, ...]:
    """Make the table, under column names a contract can hold; return notes on names that had to change."""
    described = con.execute(f"DESCRIBE SELECT * FROM {reader}", {"path": path}).fetchall()
    names = _fitting([str(row[0]) for row in described])
    select = ", ".join(f"{quoted(str(row[0]))} AS {quoted(new)}" for row, new in zip(described, names, strict=True))
    con.execute(f"CREATE TABLE {quoted(name)} AS SELECT {select} FROM {reader}", {"path": path})
    changed = [new for row, new in zip(described, names, strict=True) if row[0] != new]
    if not changed:
        return ()
    return (f"Column names that a contract cannot hold were changed: {', '.join(changed)}.",)


def _fitting(names: list[str]) -> list[str]:
    """Return names without quotes, control characters and blanks at the ends, none twice whatever the case."""
    made: list[str] = []
    for place, name in enumerate(names):
        plain = re.sub(r'["\x00-\x1f\x7f-\x9f\u2028\u2029]+', "_", name).strip() or f"column{place}"
        made.append(free_name(plain, made))
    return made
