"""Any database SQLAlchemy can reach, read as a copy: the rows of a statement's datasets come into a locked DuckDB, and it runs there.

There are no guard rules for most dialects, and none are needed: the other database is asked for whole columns of contracts
and nothing else, and DuckDB's parser, binder and shadows judge and run the statement. What that costs is moving the rows, each
time a statement runs; what it means is that the statement is written in DuckDB's SQL.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb

from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import Limits, Progress, RawTable, SecondReading
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.plan import Parameter, Plan

from .arrow import pa
from .copied_source import array, batches, columns, connected, drift, is_whole, said
from .duckdb import DuckDBEngine
from .duckdb_errors import keyboard
from .duckdb_instance import Raw, Settings, acquire
from .duckdb_source import find_source, quote
from .result import ArrowResult

__all__ = ["CopyEngine"]

MAX_ROWS = 5_000_000
"""How many rows of one dataset are copied at most; beyond it a warehouse of its own is the place to ask."""


class CopyEngine:
    """Implements `ports.Engine` over a SQLAlchemy connection. Not for two threads at once, except `cancel`."""

    def __init__(self, source: Any, inner: DuckDBEngine, instance: Any, description: str, max_rows: int) -> None:
        self._source, self._inner, self._description = source, inner, description
        self._raw: dict[str, Raw] = instance.raw
        self._alias, self._con = instance.alias, instance.cursor()
        self._max_rows = max_rows
        self._types: dict[str, tuple[tuple[str, str], ...]] = {}
        self._cancelled = threading.Event()
        self._closed = False

    @classmethod
    def open(
        cls,
        url: str,
        *,
        threads: int | None = None,
        memory_limit: str | None = None,
        mask_key: bytes | None = None,
        max_rows: int = MAX_ROWS,
    ) -> CopyEngine:
        """Connect to a SQLAlchemy URL. Reads no data.

        Raises UserError `bad_connection`; Unavailable `dialect_unsupported`, `driver_missing`, `database_unavailable`.
        """
        source, name = connected(url)
        instance = acquire(
            find_source(":memory:"), Settings(threads=threads, memory_limit=memory_limit, max_seconds=3600.0)
        )
        inner = DuckDBEngine(instance, mask_key or secrets.token_bytes(32), time.monotonic)
        return cls(source, inner, instance, f"{name}, copied for each statement", max_rows)

    @property
    def dialect(self) -> str:
        """`duckdb`: that is where a statement runs."""
        return "duckdb"

    @property
    def description(self) -> str:
        """What the connection is: the kind and the name of the database."""
        return self._description

    @property
    def notices(self) -> Sequence[str]:
        """Nothing: what the account may do cannot be asked of every database."""
        return ()

    def tables(self) -> Sequence[RawTable]:
        """Return the tables and views of the default schema with their columns and row counts, for onboarding."""
        from sqlalchemy import func, inspect, select, table

        self._check_open()
        with said(), self._source.connect() as connection:
            seen = inspect(connection)
            names = sorted([*seen.get_table_names(), *seen.get_view_names()])
            counts = [connection.execute(select(func.count()).select_from(table(n))).scalar_one() for n in names]
            return [
                RawTable(source=name, columns=columns(seen.get_columns(name)), rows=count)
                for name, count in zip(names, counts, strict=True)
            ]

    def read(self, sql: str) -> SecondReading:
        """Return DuckDB's own reading of `sql`."""
        return self._inner.read(sql)

    def prepare(self, plan: Plan, datasets: Sequence[Dataset]) -> None:
        """Make an empty table for each dataset, the shadows over them, and bind the statement. Reads no rows."""
        self._check_open()
        for dataset in datasets:
            types = tuple((column.name, column.type) for column in dataset.columns)
            if self._types.get(dataset.source) != types:
                self._make(dataset.source, types)
                self._types[dataset.source] = types
        self._inner.prepare(plan, datasets)

    def estimate(self, plan: Plan, parameters: Mapping[str, Parameter]) -> str:
        """Say what would be copied. Reads no rows, so it knows no number."""
        names = ", ".join(sorted(shadow.dataset for shadow in plan.shadows)) or "nothing"
        return f"This would copy {names} from the database, then run here. There is no estimate before the copy."

    def scanned(self, plan: Plan, parameters: Mapping[str, Parameter]) -> int | None:
        """Return the rows that would be copied, counted in the database: each table of the plan is read whole, once.

        What DuckDB then scans of the copy is not counted again: it is here, and costs the database nothing.
        """
        from sqlalchemy import func, select, table

        self._check_open()
        with said(), self._source.connect() as connection:
            counts = [
                connection.execute(select(func.count()).select_from(table(source))).scalar_one()
                for source in _sources(plan)
            ]
        return sum(int(count) for count in counts)

    def run(
        self, plan: Plan, parameters: Mapping[str, Parameter], limits: Limits, progress: Progress | None = None
    ) -> ArrowResult:
        """Copy the rows of the plan's datasets as they are now, run the plan over them, and forget them.

        Raises what `DuckDBEngine.run` raises, and Unavailable: `source_too_large`, `contract_drift`, `database_unavailable`,
        `time_limit`, `cancelled`.
        """
        self._check_open()
        self._cancelled.clear()
        began = time.monotonic()
        try:
            for source in sorted(_sources(plan)):
                self._fill(source, None if limits.seconds is None else began + limits.seconds)
            left = None if limits.seconds is None else max(0.001, began + limits.seconds - time.monotonic())
            return self._inner.run(plan, parameters, replace(limits, seconds=left), progress)
        finally:
            for source in _sources(plan):
                self._con.execute(f"DELETE FROM {self._raw[fold(source)].sql}")

    def cancel(self) -> None:
        """Stop what runs, from any thread."""
        self._cancelled.set()
        self._inner.cancel()

    def close(self) -> None:
        """Disconnect and forget every copy. A second call does nothing."""
        self._closed = True
        self._source.dispose()
        self._con.close()
        self._inner.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("engine_closed", "the connection is closed", hint="Connect again with %aureus connect.")

    def _make(self, source: str, types: tuple[tuple[str, str], ...]) -> None:
        sql = f"{quote(self._alias)}.main.{quote(source)}"
        fields = ", ".join(f"{quote(name)} {kind}" for name, kind in types)
        try:
            with keyboard():
                self._con.execute(f"CREATE OR REPLACE TABLE {sql} ({fields})")
        except duckdb.Error:
            raise drift(source) from None
        self._raw[fold(source)] = Raw(source=source, sql=sql)

    def _fill(self, source: str, until: float | None) -> None:
        names = [name for name, _ in self._types[source]]
        target = self._raw[fold(source)].sql
        chosen = ", ".join(f"CAST({quote(name)} AS {kind})" for name, kind in self._types[source])
        copied = 0
        for rows in batches(self._source, source, names):
            copied += len(rows)
            self._check(source, copied, until)
            arrays = [array(list(values)) for values in zip(*rows, strict=True)]
            if not all(is_whole(a, kind) for a, (_, kind) in zip(arrays, self._types[source], strict=True)):
                raise drift(source)
            batch = pa.table(arrays, names=names)
            self._insert(source, f"INSERT INTO {target} SELECT {chosen} FROM aureus_batch", batch)

    def _insert(self, source: str, sql: str, batch: Any) -> None:
        problem: Unavailable | None = None
        self._con.register("aureus_batch", batch)
        try:
            with keyboard():
                self._con.execute(sql)
        except duckdb.Error:
            problem = drift(self._named(source))  # its text quotes a value
        finally:
            self._con.unregister("aureus_batch")
        if problem is not None:
            raise problem

    def _named(self, source: str) -> str:
        """Return the source with the column whose values are not of their type, where one can be told."""
        for name, kind in self._types[source]:
            value = quote(name)
            asked = (
                f"SELECT count(*) FROM aureus_batch WHERE {value} IS NOT NULL AND TRY_CAST({value} AS {kind}) IS NULL"
            )
            with contextlib.suppress(duckdb.Error):
                if self._con.execute(asked).fetchall() != [(0,)]:
                    return f"{source}, in the column {name},"
        return source

    def _check(self, source: str, copied: int, until: float | None) -> None:
        if self._cancelled.is_set():
            raise Unavailable("cancelled", "the statement was cancelled", hint="Run the cell again when ready.")
        if until is not None and time.monotonic() > until:
            raise Unavailable(
                "time_limit",
                "copying the rows took longer than the statement may",
                hint="Ask for a higher limit, or for a copy of the data as Parquet files.",
            )
        if copied > self._max_rows:
            raise Unavailable(
                "source_too_large",
                f"the table {source} has more than the {self._max_rows:,} rows that are copied from a database of this kind",
                hint="Ask for an extract as Parquet files or a DuckDB file.",
            )


def _sources(plan: Plan) -> set[str]:
    """Return what the plan's shadows read: their own source, and those their rows are filtered by."""
    return {source for shadow in plan.shadows for source in (shadow.source, *shadow.others)}
