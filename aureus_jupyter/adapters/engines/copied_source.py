"""A database SQLAlchemy can reach, as what is copied from it: whole columns of a table, and errors without a value."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aureus_jupyter.errors import AureusError, Unavailable, UserError
from aureus_jupyter.ports import RawColumn
from aureus_jupyter.values.catalog import fold

from .arrow import pa

__all__ = ["array", "batches", "columns", "connected", "drift", "is_whole", "reflected", "said"]

_BATCH = 50_000
_INTEGER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|INT[1248]?", re.IGNORECASE)


def batches(engine: Any, source: str, names: Sequence[str], most: int | None = None) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a table, some at a time. The statement is SQLAlchemy's own: columns of one table, nothing else.

    Raises Unavailable: `contract_drift` for a column the table has not, `database_unavailable`.
    """
    from sqlalchemy import column, inspect, select, table

    schema, _, name = source.rpartition(".")
    chosen: list[Any] = [column(c) for c in names]
    asked = select(*chosen).select_from(table(name, schema=schema or None)).limit(most)
    with said(), engine.connect() as connection:
        # SQLite takes a quoted name that no column has for a text.
        there = {c["name"].lower() for c in inspect(connection).get_columns(name, schema or None)}
        missing = [c for c in names if c.lower() not in there]
        if missing:
            raise drift(f"{source}, without a column {missing[0]},")
        found = connection.execution_options(stream_results=True).execute(asked)
        for rows in found.partitions(_BATCH):
            yield [tuple(row) for row in rows]


def reflected(url: str) -> dict[str, frozenset[str]]:
    """Return the tables and views of a database with the folded names of their columns. Raises what `connected` raises."""
    from sqlalchemy import inspect

    source, _ = connected(url)
    try:
        with said(), source.connect() as connection:
            seen = inspect(connection)
            names = [*seen.get_table_names(), *seen.get_view_names()]
            return {name: _columns_of(seen, name) for name in names}
    finally:
        source.dispose()


def _columns_of(seen: Any, name: str) -> frozenset[str]:
    """Return a table's columns; none of a view over what is gone, which must not hide the others."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return frozenset(fold(c["name"]) for c in seen.get_columns(name))
    except SQLAlchemyError:
        return frozenset()


def is_whole(values: Any, kind: str) -> bool:
    """Whether an array may be cast to a type without being rounded to whole numbers, which DuckDB does without a word."""
    fraction = pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)
    if not fraction or not _INTEGER.fullmatch(kind):
        return True
    try:
        # Arrow refuses a cast that would lose something.
        values.cast(pa.int64() if pa.types.is_floating(values.type) else pa.decimal128(38, 0))
    except pa.ArrowInvalid:
        return False
    return True


def connected(url: str) -> tuple[Any, str]:
    """Return SQLAlchemy's engine and what it is, in words without a secret."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    problem: AureusError
    try:
        parsed = make_url(url)
        _check_file(parsed)
        source = create_engine(parsed)
        with said(), source.connect():
            return (
                source,
                f"{parsed.get_backend_name()} database {str(parsed.database or '').replace(chr(92), '/').rpartition('/')[2]}",
            )
    except NoSuchModuleError:
        problem = Unavailable(
            "dialect_unsupported",
            "SQLAlchemy knows no dialect of that name here",
            hint="Install the package that brings it, or connect a DuckDB file, a folder of Parquet or CSV files, or PostgreSQL.",
        )
    except ImportError as error:
        problem = Unavailable(
            "driver_missing",
            f"the driver {error.name or 'of this dialect'} is not installed",
            hint="Install it in the kernel's environment, or name another one: dialect+driver://...",
        )
    except (ArgumentError, ValueError):
        problem = UserError(
            "bad_connection", "the connection is not a database URL", hint="Write for example sqlite:///file.db."
        )
    raise problem


def _check_file(url: Any) -> None:
    """Raise UserError `bad_connection` for a file of SQLite's that is not there: connecting would make an empty one."""
    name = url.database or ""
    if url.get_backend_name() != "sqlite" or name in {"", ":memory:"} or name.startswith("file:"):
        return
    if not Path(name).is_file():
        raise UserError(
            "bad_connection",
            f"there is no file {Path(name).name[:60]} where the URL says",
            hint="Check the path: sqlite:///bank.db is relative to the folder, sqlite:////data/bank.db is not.",
        )


@contextlib.contextmanager
def said() -> Iterator[None]:
    """Turn what SQLAlchemy raises into an error of ours, without its text: it holds the statement and the URL."""
    from sqlalchemy.exc import SQLAlchemyError

    problem: str | None = None
    locked = False
    try:
        yield
    except SQLAlchemyError as error:
        problem = type(getattr(error, "orig", None) or error).__name__
        locked = "locked" in str(getattr(error, "orig", "")).lower()
    if locked:
        raise Unavailable(
            "database_unavailable", "another program holds the database locked", hint="Run the cell again in a while."
        )
    if problem is not None:
        raise Unavailable(
            "database_unavailable",
            f"the database cannot be reached, or does not hold what the contract says ({problem})",
            hint="Check the connection, and that the account may SELECT the dataset's table and each of its columns.",
        )


def drift(source: str) -> Unavailable:
    """Return that a table is not what its contract says. Names the table, no value."""
    return Unavailable(
        "contract_drift",
        f"what the table {source} holds is not of the types its contract says",
        hint="Ask the dataset's owner to bring contract and table together.",
    )


def array(values: list[Any]) -> Any:
    """Return values as an Arrow array; those of several kinds, or of one Arrow does not know, as their text."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        # The cast to the contract's type judges the text.
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def columns(found: Sequence[Mapping[str, Any]]) -> tuple[RawColumn, ...]:
    """Return reflected columns with the types as the database names them."""
    return tuple(RawColumn(name=c["name"], type=str(c["type"]), nullable=bool(c.get("nullable", True))) for c in found)
