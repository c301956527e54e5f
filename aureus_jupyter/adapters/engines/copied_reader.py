"""Raw data of any database SQLAlchemy can reach, for onboarding: the first rows of each table in a DuckDB file, which is read instead."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from aureus_jupyter.errors import AureusError, Unavailable, UserError
from aureus_jupyter.ports import RawColumn, RawTable

from .arrow import pa
from .copied_source import array, batches, connected, is_whole, said
from .duckdb_errors import keyboard
from .duckdb_source import quote

__all__ = ["MOST_ROWS", "CopyReader"]

MOST_ROWS = 1_000_000
"""How many rows of one table are looked at. What is found in them, such as a key, is a guess for a person to check."""

_BATCH = "aureus_batch"
_PLAIN = r"-?[0-9]{1,18}"


class CopyReader:
    """Implements `RawSource` over a SQLAlchemy connection, outside every policy. Reads the default schema. Not for two threads."""

    def __init__(self, source: Any, con: duckdb.DuckDBPyConnection, most: int) -> None:
        self._source, self._con, self._most = source, con, most
        self._broken: dict[str, AureusError] = {}
        self._names: dict[str, str] = {}
        self.notes: list[str] = []

    @classmethod
    def open(cls, url: str, scratch: Path, most: int = MOST_ROWS) -> CopyReader:
        """Connect, and make the DuckDB file `scratch`, which holds raw data and is the caller's to remove.

        Raises UserError `bad_connection`; Unavailable `dialect_unsupported`, `driver_missing`, `database_unavailable`.
        """
        source, _ = connected(url)
        con = duckdb.connect(str(scratch))
        for setting in ("enable_progress_bar", "autoinstall_known_extensions", "autoload_known_extensions"):
            con.execute(f"SET {setting} = false")
        return cls(source, con, most)

    def tables(self) -> Sequence[RawTable]:
        """Copy the tables and views of the default schema, and return them with the types DuckDB reads them as.

        One that cannot be read is listed too; `relation` raises why. `notes` says afterwards what a person should know.
        """
        from sqlalchemy import inspect

        with said(), self._source.connect() as connection:
            seen = inspect(connection)
            names = sorted([*seen.get_table_names(), *seen.get_view_names()])
            reflected = {name: _columns(seen, name) for name in names}
            others = _other_schemas(seen)
        if others:
            self.notes.append(f"Only the default schema was read. There are others: {', '.join(others)}.")
        return [self._table(name, columns) for name, columns in reflected.items()]

    def relation(self, source: str) -> str:
        """Return the SQL that names a copy in `fetch`. Raises UserError `unknown_table`, or why the table could not be copied."""
        if source in self._broken:
            raise self._broken[source]
        if source not in self._names:
            raise UserError("unknown_table", f"there is no raw table {source} here", hint="tables() lists them.")
        return quote(self._names[source])

    def fetch(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one query over the copies and return its rows. Raises Unavailable `database_unavailable`, never with a value."""
        problem = ""
        try:
            with keyboard():
                rows: list[tuple[Any, ...]] = self._con.execute(sql, dict(parameters or {}) or None).fetchall()
            return rows
        except duckdb.Error as error:
            problem = type(error).__name__
        raise Unavailable(
            "database_unavailable", f"the copy cannot be read ({problem})", hint="Please report it: this is a defect."
        )

    def close(self) -> None:
        """Disconnect. A second call does nothing."""
        self._con.close()
        self._source.dispose()

    def _table(self, name: str, columns: Sequence[tuple[str, str, bool]]) -> RawTable:
        # A contract writes schema.table, so a name with a dot of its own cannot be told apart.
        if "." in name or not columns:
            return RawTable(source=name, columns=())
        copy = f"copy{len(self._names)}"
        try:
            types, rows = self._copy(name, copy, {column: kind for column, kind, _ in columns})
        except AureusError as error:
            self._broken[name], types, rows = error, {column: "VARCHAR" for column, _, _ in columns}, None
        self._names[name] = copy
        if rows == self._most:
            self.notes.append(
                f"{name}: only its first {self._most:,} rows were looked at. Its counts, keys and joins are of those."
            )
        return RawTable(
            source=name,
            columns=tuple(RawColumn(name=c, type=types[c], nullable=nullable) for c, _, nullable in columns),
            rows=rows,
        )

    def _copy(self, name: str, copy: str, declared: Mapping[str, str]) -> tuple[dict[str, str], int]:
        """Copy rows; return the columns' types and how many there are. An empty type is told by what the column holds."""
        types, rows = {column: kind or "VARCHAR" for column, kind in declared.items()}, 0
        fields = ", ".join(f"{quote(column)} {kind}" for column, kind in types.items())
        exact: set[str] = set()
        with _work():
            self._con.execute(f"CREATE TABLE {copy} ({fields})")
            for batch in batches(self._source, name, list(types), self._most):
                arrays = [array(list(values)) for values in zip(*batch, strict=True)]
                exact |= {c for c, a in zip(types, arrays, strict=True) if pa.types.is_decimal(a.type)}
                self._insert(copy, dict(zip(types, arrays, strict=True)), types, name)
                rows += len(batch)
            for column, kind in declared.items():
                if not kind:
                    types[column] = self._told(copy, column, column in exact)
        return types, rows

    def _insert(self, copy: str, arrays: Mapping[str, Any], types: dict[str, str], name: str) -> None:
        self._con.register(_BATCH, pa.table(list(arrays.values()), names=list(arrays)))
        try:
            for column, kind in types.items():
                if kind != "VARCHAR" and not (is_whole(arrays[column], kind) and self._fits(column, kind)):
                    self._retype(copy, column, "VARCHAR")
                    types[column] = "VARCHAR"
                    self.notes.append(f"{name}.{column} holds values that are no {kind}: it is read as text.")
            chosen = ", ".join(f"CAST({quote(column)} AS {kind})" for column, kind in types.items())
            self._con.execute(f"INSERT INTO {copy} SELECT {chosen} FROM {_BATCH}")
        finally:
            self._con.unregister(_BATCH)

    def _fits(self, column: str, kind: str) -> bool:
        value = quote(column)
        asked = f"SELECT count(*) FROM {_BATCH} WHERE {value} IS NOT NULL AND TRY_CAST({value} AS {kind}) IS NULL"
        try:
            return self._con.execute(asked).fetchall() == [(0,)]
        except duckdb.Error:
            # No cast between the two at all, such as from numbers to dates.
            return False

    def _told(self, copy: str, column: str, exact: bool) -> str:
        """Return the type of a column that declares none, by its values, and give the copy that type."""
        value = quote(column)
        asked = (
            f"SELECT count({value}), count(*) FILTER (WHERE regexp_full_match({value}, '{_PLAIN}')), "
            f"count(TRY_CAST({value} AS DOUBLE)) FROM {copy}"
        )
        (filled, whole, numbers), *_ = self._con.execute(asked).fetchall()
        if not filled or numbers < filled:
            return "VARCHAR"
        kind = "BIGINT" if whole == filled else "DECIMAL(38,10)" if exact else "DOUBLE"
        self._retype(copy, column, kind)
        return kind

    def _retype(self, copy: str, column: str, kind: str) -> None:
        self._con.execute(f"ALTER TABLE {copy} ALTER {quote(column)} TYPE {kind}")


@contextlib.contextmanager
def _work() -> Any:
    """Turn what DuckDB raises into an error of ours, without its text: it may quote a value."""
    problem = ""
    try:
        with keyboard():
            yield
    except duckdb.Error as error:
        problem = type(error).__name__
    if problem:
        raise Unavailable(
            "database_unavailable",
            f"its rows cannot be copied ({problem})",
            hint="Check that the disk has room; else write its contract by hand.",
        )


def _columns(seen: Any, name: str) -> list[tuple[str, str, bool]]:
    """Return a table's columns: name, DuckDB type, whether it may be empty. None of what cannot be reflected."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return [(c["name"], _kind(c["type"]), bool(c.get("nullable", True))) for c in seen.get_columns(name)]
    except SQLAlchemyError:
        return []


def _other_schemas(seen: Any) -> list[str]:
    """Return schemas that hold tables and are not read."""
    system = {"information_schema", "main", "sys", "mysql", "performance_schema", "guest", seen.default_schema_name}
    names = [n for n in seen.get_schema_names() if n not in system and n.lower() not in system]
    return [n for n in names[:50] if seen.get_table_names(schema=n)]


def _kind(declared: Any) -> str:
    """Return the DuckDB type for a reflected one; "" where only the values can tell."""
    from sqlalchemy import types

    try:
        generic = declared.as_generic(allow_nulltype=True)
    except NotImplementedError:
        # SQLAlchemy's own word for a type of one dialect only, which has no general form.
        return ""
    if isinstance(generic, types.Numeric) and not isinstance(generic, types.Float):
        precision, scale = generic.precision, generic.scale
        fits = precision is not None and 0 <= (scale or 0) <= precision <= 38
        return f"DECIMAL({precision},{scale or 0})" if fits else ""
    if isinstance(generic, types.DateTime):
        return "TIMESTAMP WITH TIME ZONE" if generic.timezone else "TIMESTAMP"
    pairs: tuple[tuple[type[Any], str], ...] = (
        (types.SmallInteger, "SMALLINT"),
        (types.BigInteger, "BIGINT"),
        (types.Integer, "BIGINT" if type(declared).__name__.upper() == "INTEGER" else "INTEGER"),
        (types.Float, "DOUBLE"),
        (types.Boolean, "BOOLEAN"),
        (types.Date, "DATE"),
        (types.Time, "TIME"),
        (types.Interval, "INTERVAL"),
        (types.LargeBinary, "BLOB"),
        (types.Uuid, "UUID"),
        (types.String, "VARCHAR"),
        (types.JSON, "VARCHAR"),
    )
    return next((kind for cls, kind in pairs if isinstance(generic, cls)), "")
