"""The DuckDB engine: the user's own text over shadow views, on a locked connection nobody else can reach."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb

from aureus_jupyter.core.reading import read_tree
from aureus_jupyter.errors import AureusError, Bug, Refused, Unavailable, UserError
from aureus_jupyter.ports import Clock, Limits, Progress, RawTable, SecondReading
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.plan import Parameter, Plan

from .duckdb_cost import cost_in_words, full_scans, rows_scanned, scans_of
from .duckdb_errors import keyboard, translate
from .duckdb_fetch import fetch
from .duckdb_instance import Instance, Settings, acquire
from .duckdb_parameters import wrong_parameter
from .duckdb_reading import DuckDBReader, Reading
from .duckdb_shadows import Shadows
from .duckdb_source import find_source, quote
from .result import ArrowResult
from .supervise import Supervisor

__all__ = ["DuckDBEngine", "RawReader"]

_DESCRIBE = "DESCRIBE "
_EXPLAIN = "EXPLAIN (FORMAT json) "
_FILES = {"READ_PARQUET", "READ_CSV", "PARQUET_SCAN"}
_KEPT = 256
_BIND_SECONDS = 30.0


class DuckDBEngine:
    """Implements `ports.Engine` over DuckDB.

    Stands alone: even without the guard before it, it runs nothing but one query whose every construct is on the
    allow-list and whose every table is one of the plan's shadows. Not for two threads at once, except `cancel`.
    """

    def __init__(self, instance: Instance, key: bytes, monotonic: Callable[[], float]) -> None:
        self._instance, self._key = instance, key
        self._reader = DuckDBReader()
        self._closed = False
        self._prepared: Plan | None = None
        self._bound: set[str] = set()
        self._renew()
        self._supervisor = Supervisor(self._interrupt, self._share, self._renew, monotonic)

    @classmethod
    def open(
        cls,
        location: str = ":memory:",
        *,
        threads: int | None = None,
        memory_limit: str | None = None,
        max_seconds: float | None = 3600.0,
        mask_key: bytes | None = None,
        clock: Clock | None = None,
    ) -> DuckDBEngine:
        """Connect to a DuckDB file, a folder of Parquet and CSV files, or an empty database.

        `location` is a path, `duckdb:///path` or `:memory:`. `memory_limit` is as DuckDB writes it (`4GB`);
        `max_seconds` bounds every statement, whatever its own limits say.
        Without `mask_key` hashed columns cannot be compared with those of another connection. Raises Unavailable:
        `file_missing`, `folder_empty`, `file_not_duckdb`, `file_unreadable`, `file_in_use`.
        """
        settings = Settings(threads=threads, memory_limit=memory_limit, max_seconds=max_seconds)
        instance = acquire(find_source(location), settings)
        return cls(instance, mask_key or secrets.token_bytes(32), clock.monotonic if clock else time.monotonic)

    @property
    def dialect(self) -> str:
        """`duckdb`."""
        return "duckdb"

    @property
    def description(self) -> str:
        """What the connection is: the kind and the name, no path."""
        return self._instance.source.description

    @property
    def notices(self) -> Sequence[str]:
        """Nothing: the data is attached read-only."""
        return ()

    def tables(self) -> Sequence[RawTable]:
        """Return the raw tables and files with their columns and row counts, for onboarding."""
        self._check_open()
        with keyboard():
            return self._instance.tables(count=True)

    def read(self, sql: str) -> SecondReading:
        """Return DuckDB's own reading of `sql`. Does not bind or run it. Raises UserError `syntax_error`."""
        self._check_open()
        return self._reading(sql).second

    def prepare(self, plan: Plan, datasets: Sequence[Dataset]) -> None:
        """Make the plan's shadows and bind the statement over them. Reads no rows.

        Raises Refused (`binder_disagrees`, or the code of what is not on the allow-list), UserError when the statement
        does not bind, Unavailable `contract_drift`.
        """
        self._check_open()
        self._prepared = None
        reading = self._reading(plan.bound)
        _check_tables(plan, reading)
        # What was bound is believed again only when the shadows turn out unchanged: an interrupt may come at any moment.
        known, self._bound = self._bound, set()
        changed = self._attempt(plan.bound, lambda: self._shadows.make(plan, datasets), bound=True)
        if not changed and len(known) <= _KEPT:
            self._bound = known
        if plan.bound not in self._bound:
            read_tree(plan.bound, reading.second.tree)
            self._bind(plan.bound, reading)
            self._check_names(plan, reading)
            self._bound.add(plan.bound)
        self._prepared = plan

    def estimate(self, plan: Plan, parameters: Mapping[str, Parameter]) -> str:
        """Return the engine's estimate in words, in powers of ten. Reads no rows."""
        self._check_prepared(plan)
        values = _values(self._reading(plan.bound), parameters)
        rows = self._attempt(plan.bound, lambda: self._fetched(_EXPLAIN + plan.bound, values), len(_EXPLAIN))
        return cost_in_words(str(rows[0][1]), [s.dataset for s in plan.shadows])

    def scanned(self, plan: Plan, parameters: Mapping[str, Parameter]) -> int | None:
        """Return the rows of the raw relations, each as often as the plan scans it; None for a recursion.

        A raw relation that is a view counts as the engine estimates it, and files together as often as any of them is read.
        """
        self._check_prepared(plan)
        values = _values(self._reading(plan.bound), parameters)
        rows = self._attempt(plan.bound, lambda: self._fetched(_EXPLAIN + plan.bound, values), len(_EXPLAIN))
        whole: dict[str, int] = {}
        for raw in self._shadows.raw(plan):
            for name, count in full_scans(self._explained(f"SELECT * FROM {raw}")).items():
                whole[name] = whole.get(name, 0) + count if name in _FILES else max(whole.get(name, 0), count)
        return rows_scanned(str(rows[0][1]), whole)

    def _explained(self, text: str) -> str:
        return str(self._attempt(text, lambda: self._fetched(_EXPLAIN + text, {}), len(_EXPLAIN))[0][1])

    def run(
        self,
        plan: Plan,
        parameters: Mapping[str, Parameter],
        limits: Limits,
        progress: Progress | None = None,
    ) -> ArrowResult:
        """Run the user's own text with bound parameters and return its rows.

        Raises UserError (`data_error`, `parameters`, `no_result_type`), Unavailable (`time_limit`, `memory_limit`,
        `cancelled`, `engine_failed`), and KeyboardInterrupt; the connection can be used again after each.
        """
        self._check_prepared(plan)
        values = _values(self._reading(plan.bound), parameters)
        caps = [cap for cap in (plan.rows, limits.rows) if cap is not None]
        rows, con = min(caps) if caps else None, self._con

        def work(stop: threading.Event) -> ArrowResult:
            return fetch(con, plan.bound, values, rows, limits.memory_bytes, stop)

        problem: UserError
        try:
            result: ArrowResult = self._attempt(
                plan.bound, lambda: self._supervisor.run(work, limits.seconds, progress), bound=True
            )
            return result
        except UserError as error:
            problem = error
        raise self._named(problem, plan, values)

    def cancel(self) -> None:
        """Stop what runs, from any thread. No error when nothing runs."""
        if not self._closed:
            self._supervisor.cancel()

    def close(self) -> None:
        """Stop what runs and release the file. A second call does nothing."""
        if self._closed:
            return
        self._supervisor.cancel()
        self._supervisor.close()
        self._closed = True
        self._con.close()
        self._reader.close()
        self._instance.release()

    def _renew(self) -> None:
        """Take a fresh connection; the old one, if any, is stuck in a call that nothing can interrupt."""
        self._con = self._instance.cursor()
        self._shadows = Shadows(self._con, self._instance.raw, self._reader, self._instance.keys(self._key))
        self._prepared = None
        self._bound.clear()

    def _reading(self, text: str) -> Reading:
        with keyboard():
            return self._reader.read(text)

    def _interrupt(self) -> None:
        self._con.interrupt()

    def _share(self) -> float:
        done = self._con.query_progress()
        return min(1.0, done / 100.0) if done >= 0 else -1.0

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("engine_closed", "the connection is closed", hint="Connect again with %aureus connect.")

    def _check_prepared(self, plan: Plan) -> None:
        self._check_open()
        if self._prepared is None or self._prepared != plan:
            raise Bug("not_prepared", "a plan must be prepared before it runs", hint="Please report this.")

    def _check_names(self, plan: Plan, reading: Reading) -> None:
        """Refuse when the engine itself finds a relation that is not below one of the shadows.

        Its name extraction is asked first. It cannot read every statement that binds (a RANGE window, an UNNEST of a
        column, a row IN a subquery): for those the plan tells what is scanned.
        """
        found = self._attempt(plan.bound, lambda: self._extracted(reading.unbound))
        allowed = self._shadows.reads()
        if found is None:
            found = self._scans(plan.bound, dict.fromkeys(reading.parameters))
            shadows = [f"SELECT * FROM {quote(fold(s.dataset))}" for s in plan.shadows]
            allowed = frozenset[str]().union(*(self._scans(select, {}) for select in shadows))
        if not found <= allowed:
            raise _disagrees()

    def _extracted(self, texts: tuple[str, ...]) -> frozenset[str] | None:
        """Return the relations the engine names in the first of the texts that it can read, or None."""
        con = self._con

        def names(stop: threading.Event) -> frozenset[str] | None:
            for text in texts:
                with contextlib.suppress(duckdb.Error):
                    return frozenset(con.get_table_names(text, qualified=True))
            return None

        return self._supervisor.run(names, _BIND_SECONDS)

    def _scans(self, text: str, nulls: dict[str, None]) -> frozenset[str]:
        rows = self._attempt(text, lambda: self._fetched(_EXPLAIN + text, nulls), len(_EXPLAIN))
        return scans_of(str(rows[0][1]))

    def _fetched(self, text: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run something that reads no rows, where a clock and an interrupt can stop it."""
        con = self._con

        def work(stop: threading.Event) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = con.execute(text, dict(values) or None).fetchall()
            return rows

        return self._supervisor.run(work, _BIND_SECONDS)

    def _bind(self, text: str, reading: Reading) -> None:
        """Bind without running. A NULL can leave an operator undecided, so a PREPARE has the last word."""
        nulls = dict.fromkeys(reading.parameters)
        try:
            self._attempt(text, lambda: self._fetched(_DESCRIBE + text, nulls), len(_DESCRIBE))
        except UserError:
            with keyboard():
                if not nulls or not self._prepares(text):
                    raise

    def _prepares(self, text: str) -> bool:
        try:
            self._fetched(f"PREPARE aureus_bind AS {text}", {})
            self._fetched("DEALLOCATE aureus_bind", {})
        except duckdb.Error:
            return False
        return True

    def _named(self, error: UserError, plan: Plan, values: Mapping[str, Parameter]) -> UserError:
        """Return the error that names the parameter when it is a parameter's fault; the statement did bind without it."""
        if not values or error.code == "no_result_type":
            return error
        tree, bind = self._reading(plan.bound).second.tree, error.code != "data_error"
        found: UserError | None = None
        with contextlib.suppress(duckdb.Error, RecursionError), keyboard():
            found = wrong_parameter(plan.bound, tree, self._shadows.columns(), values, bind)
        return found or error

    def _attempt(self, text: str, work: Callable[[], Any], prefix: int = 0, bound: bool = False) -> Any:
        """Do it, and raise what may be shown in place of what DuckDB or Arrow raise, with nothing of it attached."""
        problem: AureusError | None = None
        try:
            with keyboard():
                return work()
        except (duckdb.Error, OSError, MemoryError, RuntimeError, ValueError) as error:
            problem = translate(error, text, self._shadows.names(), prefix, bound)
        raise problem


class RawReader:
    """Reads raw data for onboarding, outside every policy. No session holds one.

    The connection is as locked and as read-only as the engine's. Not for two threads at once.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._con = instance.cursor()
        self._closed = False

    @classmethod
    def open(cls, location: str, *, threads: int | None = None, memory_limit: str | None = None) -> RawReader:
        """Connect to what `DuckDBEngine.open` connects to. Raises what it raises."""
        settings = Settings(threads=threads, memory_limit=memory_limit, max_seconds=3600.0)
        return cls(acquire(find_source(location), settings))

    def tables(self) -> Sequence[RawTable]:
        """Return the raw tables and files with their columns and row counts."""
        with keyboard():
            return self._instance.tables(count=True)

    def relation(self, source: str) -> str:
        """Return the SQL that names a raw table in `fetch`. Raises UserError `unknown_table`."""
        raw = self._instance.raw.get(source) or self._instance.raw.get(fold(source))
        if raw is None:
            raise UserError("unknown_table", f"there is no raw table {source} here", hint="tables() lists them.")
        return raw.sql

    def fetch(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """Run one query and return its rows as Python values. Raises as the engine does, never with a value."""
        problem: AureusError | None = None
        try:
            with keyboard():
                rows: list[tuple[Any, ...]] = self._con.execute(sql, dict(parameters or {}) or None).fetchall()
            return rows
        except duckdb.Error as error:
            problem = translate(error, sql)
        raise problem

    def close(self) -> None:
        """Release the file. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._con.close()
            self._instance.release()


def _check_tables(plan: Plan, reading: Reading) -> None:
    """Refuse unless the engine's parser reads one query, over exactly the plan's shadows."""
    second = reading.second
    if second.tree.get("error") or second.statements != 1:
        raise Refused(
            "one_statement",
            "a cell holds one query; the engine reads something else",
            hint="Put each statement in a cell of its own, and only SELECT.",
        )
    names = {fold(path[0]) if len(path) == 1 else ".".join(path) for path in second.tables}
    if names != {fold(shadow.dataset) for shadow in plan.shadows}:
        raise _disagrees()


def _disagrees() -> Refused:
    return Refused(
        "binder_disagrees",
        "the engine reads other tables in this statement than the guard does",
        hint="Write the statement in simpler parts with WITH, and please report its shape.",
    )


def _values(reading: Reading, parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Return the values to bind. Raises UserError `parameters` unless each name has one, and no other is given."""
    wanted, given = set(reading.parameters), set(parameters)
    if wanted != given:
        missing, extra = ", ".join(sorted(wanted - given)), ", ".join(sorted(given - wanted))
        said = " and ".join(
            filter(None, [f"has no value for {missing}" * bool(missing), f"does not use {extra}" * bool(extra)])
        )
        raise UserError("parameters", f"the statement {said}", hint="Give each :name once with --params, and no other.")
    return dict(parameters)
