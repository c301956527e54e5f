"""The PostgreSQL engine: the user's own text over temporary barrier views, in read-only transactions.

The connection belongs to the engine alone. Temporary views with `security_barrier` are made before the transaction that runs the
statement, which is read-only, has a time limit, and looks names up in the temporary schema first. The server's own analysis is
the second reader: the relations, columns, functions and types it resolves must be those we found.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg.types.string import TextLoader

from aureus_jupyter.adapters.engines.postgres_errors import guarded, no_shadows
from aureus_jupyter.adapters.engines.postgres_parameters import Spelling
from aureus_jupyter.adapters.engines.postgres_reading import parameter_types, read_dependencies
from aureus_jupyter.adapters.engines.postgres_result import fetch
from aureus_jupyter.adapters.engines.postgres_scanned import scanned_rows
from aureus_jupyter.adapters.engines.postgres_tables import Tables
from aureus_jupyter.adapters.engines.result import ArrowResult
from aureus_jupyter.core.dependencies import check_dependencies
from aureus_jupyter.core.rewrite import quoted
from aureus_jupyter.errors import Refused, Unavailable, UserError
from aureus_jupyter.ports import Limits, Progress, RawTable, SecondReading
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.plan import Parameter, Plan, Shadow

__all__ = ["PostgresEngine"]

_POWERFUL = """
SELECT bool_or(rolsuper OR rolbypassrls OR rolreplication OR rolcreaterole
       OR EXISTS (SELECT 1 FROM pg_database WHERE datname = current_database() AND datdba = pg_roles.oid)
       OR rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER') OR pg_has_role(session_user, oid, 'MEMBER')
"""
_MAY_MAKE = "SELECT has_database_privilege(current_database(), 'TEMP') AND NOT pg_is_in_recovery()"
_MAY_WRITE = """
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'f')
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
OR EXISTS (SELECT FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND has_schema_privilege(oid, 'CREATE'))
"""
_WRITER = (
    "The account of this connection may change data or make tables. Nothing here does, but it should only be allowed to SELECT: "
    "ask your platform team for an account without INSERT, UPDATE, DELETE and CREATE."
)
_PADS = ("aureus.inner_pad", "aureus.outer_pad")
_PAD_VALUES = (
    "pg_catalog.decode(pg_catalog.current_setting('aureus.inner_pad'), 'hex')",
    "pg_catalog.decode(pg_catalog.current_setting('aureus.outer_pad'), 'hex')",
)
# What an account or a database may set otherwise, and the shape of values or the meaning of a text depends on.
_PINNED = (
    "standard_conforming_strings = on",
    "client_encoding = 'UTF8'",
    "TimeZone = 'UTC'",
    "DateStyle = 'ISO, MDY'",
    "IntervalStyle = 'postgres'",
    "extra_float_digits = 1",
    "default_transaction_read_only = off",
    "lock_timeout = '10s'",
)
# json, jsonb, interval, bytea[], interval[], json[], jsonb[]: Python's values for them are not the server's.
_AS_TEXT = (114, 3802, 1186, 1001, 1187, 199, 3807)
# A column's type, what its domains are over and its arrays hold, down to base types that are not the server's own.
_STRANGE = """
WITH RECURSIVE held AS (
  SELECT attname, atttypid AS oid FROM pg_attribute WHERE attrelid = %s AND attnum > 0
  UNION
  SELECT held.attname, CASE WHEN t.typbasetype <> 0 THEN t.typbasetype ELSE t.typelem END
  FROM held JOIN pg_type t USING (oid) WHERE t.typbasetype <> 0 OR t.typelem <> 0)
SELECT attname FROM held JOIN pg_type t USING (oid)
WHERE t.typtype = 'b' AND t.typelem = 0 AND t.typnamespace <> 'pg_catalog'::regnamespace
"""
_STILL = "SELECT to_regclass(%s)::oid, to_regclass(%s)::oid"
_PATIENCE = 15  # seconds until a server that does not answer is called gone
_REMEMBERED = 256
_OLDEST = 120000


@dataclass(frozen=True, slots=True)
class _View:
    """A shadow of this session: its text, the object ids of its table and its own, and the contract it follows."""

    text: str
    raw: int
    oid: int
    dataset: Dataset


class PostgresEngine:
    """Implements `ports.Engine` over PostgreSQL. Not for two threads at once, except `cancel`."""

    def __init__(self, connection: Any, description: str, key: bytes) -> None:
        self._con = connection
        self._description = description
        self._key = key
        self._views: dict[str, _View] = {}
        # No statement can name it: it is there only while it is asked about.
        self._reading = f"aureus_reading_{secrets.token_hex(8)}"
        self._read: dict[tuple[Plan, tuple[tuple[str, str], ...]], None] = {}
        self._cancelled = self._writer = False
        self._prepared: Plan | None = None
        self._spelling = Spelling("")
        self._tables = Tables(connection)

    @classmethod
    def open(cls, url: str, *, mask_key: bytes | None = None) -> PostgresEngine:
        """Connect to a SQLAlchemy URL. Raises Unavailable: `dialect_unsupported`, `role_too_powerful`, `engine_gone`."""
        from sqlalchemy import create_engine, pool
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

        bad = UserError(
            "bad_connection",
            "the connection is no database URL, or has an option that is none",
            hint="Write postgresql://user@host/database, with options of libpq only.",
        )
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise bad from None
        if parsed.get_backend_name() not in {"postgresql", "postgres"}:
            raise Unavailable(
                "dialect_unsupported",
                f"there are no guard rules for {parsed.get_backend_name()} yet",
                hint="DuckDB files, folders of Parquet or CSV files and PostgreSQL are supported.",
            )
        with guarded():
            try:
                patience = {} if "connect_timeout" in parsed.query else {"connect_timeout": _PATIENCE}
                made = create_engine(
                    parsed.set(drivername="postgresql+psycopg"), poolclass=pool.NullPool, connect_args=patience
                )
                pooled = made.raw_connection()
            except DBAPIError:
                raise
            except (TypeError, SQLAlchemyError):
                raise bad from None
            connection: Any = pooled.driver_connection
            # The engine keeps the connection; SQLAlchemy must not close it when its own wrapper goes.
            pooled.detach()
            connection.set_autocommit(True)
            engine = cls(connection, f"PostgreSQL database {parsed.database}", mask_key or secrets.token_bytes(32))
            engine._begin_session()
        return engine

    def _begin_session(self) -> None:
        """Refuse accounts no rule would hold, and pin what the meaning of a statement depends on."""
        # First of all: a function or operator that somebody made in another schema must not take a built-in one's place,
        # neither in our own questions nor in the views.
        self._con.execute("SET search_path = pg_catalog")
        rows = self._con.execute(_POWERFUL).fetchall()
        if any(powerful is not False for (powerful,) in rows):
            self.close()
            raise Unavailable(
                "role_too_powerful",
                "the account could get past every rule: it is a superuser, owns the database, makes roles or reads the server's files",
                hint="Connect with an account that may only SELECT from the tables it needs.",
            )
        if self._con.info.server_version < _OLDEST:
            self.close()
            raise Unavailable(
                "server_too_old",
                "the server is older than PostgreSQL 12, whose reading of a statement cannot be compared",
                hint="Connect to a server with PostgreSQL 12 or newer.",
            )
        (able,) = self._con.execute(_MAY_MAKE).fetchone()
        if not able:
            self.close()
            raise no_shadows()
        (self._writer,) = self._con.execute(_MAY_WRITE).fetchone()
        for setting in _PINNED:
            self._con.execute(f"SET {setting}")
        for kind in _AS_TEXT:
            self._con.adapters.register_loader(kind, TextLoader)
        # The key stays in the session: a view's text can be read by every account of the database.
        padded = self._key.ljust(64, b"\x00")
        for name, pad in zip(_PADS, (0x36, 0x5C), strict=True):
            self._con.execute("SELECT set_config(%s, %s, false)", [name, bytes(b ^ pad for b in padded).hex()])
        # Planning a prepared statement anew each time keeps the second reading about this statement.
        self._con.prepare_threshold = None

    @property
    def dialect(self) -> str:
        """`postgres`."""
        return "postgres"

    @property
    def description(self) -> str:
        """The database's name; no host, user or secret."""
        return self._description

    @property
    def notices(self) -> Sequence[str]:
        """Say so when the account may change data: nothing here does, but one that may only SELECT cannot be made to."""
        return (_WRITER,) if self._writer else ()

    def tables(self) -> Sequence[RawTable]:
        """Return the tables and views the account's database holds, without row counts."""
        with guarded():
            return self._tables.all()

    def read(self, sql: str) -> SecondReading:
        """Return an empty reading: the server shows no tree. Its reading follows in `prepare`."""
        return SecondReading(statements=1, tables=(), functions=(), nodes=())

    # -- prepare ---------------------------------------------------------------------------------------------------

    def prepare(self, plan: Plan, datasets: Sequence[Dataset]) -> None:
        """Make the shadows and let the server read the statement over them. Plans nothing and reads no rows.

        Raises Refused `binder_disagrees`, UserError when the statement does not bind, Unavailable `contract_drift`.
        """
        self._prepared = None
        by_name = {fold(d.name): d for d in datasets}
        with guarded():
            self._drop_stale(plan)
            for shadow in plan.shadows:
                self._make(shadow, by_name[fold(shadow.dataset)])
            self._check_reading(plan, dict.fromkeys(plan.parameters, "unknown"))
        if self._spelling.sql != plan.sql:
            self._spelling = Spelling(plan.sql)
        self._prepared = plan

    def _make(self, shadow: Shadow, dataset: Dataset) -> None:
        """Make one shadow unless the session has it already, and see that the account may read it."""
        table = self._tables.of(dataset)
        text = shadow.select(table, _PAD_VALUES, {source: self._tables.named(source) for source in shadow.others})
        name = f"pg_temp.{quoted(shadow.dataset)}"
        made = self._views.get(shadow.dataset)
        # A load may have put another table in the place of the one that the view is bound to, or dropped both.
        places = [table, name]
        if made and made.text == text and self._con.execute(_STILL, places).fetchone() == (made.raw, made.oid):
            return
        self._drop(shadow.dataset)
        self._con.execute(f"CREATE TEMPORARY VIEW {name} WITH (security_barrier) AS {text}")
        raw, oid = self._con.execute(_STILL, places).fetchone()
        self._views[shadow.dataset] = _View(text, raw, oid, _shown(dataset, shadow))
        self._con.execute(f"EXPLAIN SELECT * FROM {name}")
        strange = self._con.execute(_STRANGE, [oid]).fetchone()
        if strange is not None:
            self._drop(shadow.dataset)
            raise Unavailable(
                "contract_drift",
                f"the column {strange[0]} of {dataset.name} has a type of an extension, whose comparisons would not hold here",
                hint="Read the dataset through a view that casts the column, for example citext to text with lower().",
            )

    def _drop(self, name: str) -> None:
        self._read.clear()
        self._views.pop(name, None)
        self._con.execute(f"DROP VIEW IF EXISTS pg_temp.{quoted(name)}")

    def _drop_stale(self, plan: Plan) -> None:
        for name in set(self._views) - {s.dataset for s in plan.shadows}:
            self._drop(name)

    def _check_reading(self, plan: Plan, types: Mapping[str, str]) -> None:
        """Refuse unless the server, given parameters of these types, reads what we said. Remembered while the shadows stand."""
        key = (plan, tuple(sorted(types.items())))
        if key in self._read:
            return
        shadows = {made.oid: made.dataset for made in self._views.values()}
        with self._transaction(30.0, "READ WRITE"):
            found = read_dependencies(self._con, plan.sql, types, self._reading, sorted(shadows))
        check_dependencies(found, shadows, plan.reads, plan.names)
        self._read[key] = None
        while len(self._read) > _REMEMBERED:
            del self._read[next(iter(self._read))]

    # -- run -------------------------------------------------------------------------------------------------------

    def estimate(self, plan: Plan, parameters: Mapping[str, Parameter]) -> str:
        """Return the planner's estimate in powers of ten. Reads no rows."""
        spelling = Spelling(plan.sql)

        def explained() -> Any:
            text, values = spelling.spelled(parameters)
            with self._transaction(30.0):
                return self._con.execute("EXPLAIN (FORMAT JSON) " + text, values).fetchone()

        with guarded():
            (tree,) = spelling.tried(explained)
        rows = max(1, int(json.loads(tree)[0]["Plan"].get("Plan Rows", 1)))
        return f"Estimate: up to about {10 ** len(str(rows - 1 if rows > 1 else 1)):,} rows in the result."

    def scanned(self, plan: Plan, parameters: Mapping[str, Parameter]) -> int | None:
        """Return the planner's estimate of the rows of each table, as often as the plan scans it.

        None for a recursion, for what is no table, and for a table whose statistics were never collected: the planner then
        guesses.
        """
        spelling = Spelling(plan.sql)

        def explained() -> Any:
            text, values = spelling.spelled(parameters)
            with self._transaction(30.0):
                return self._con.execute("EXPLAIN (VERBOSE, FORMAT JSON) " + text, values).fetchone()

        with guarded():
            (tree,) = spelling.tried(explained)
            sources = {source for shadow in plan.shadows for source in (shadow.source, *shadow.others)}
            names = sorted({self._tables.named(source) for source in sources})
            with self._transaction(30.0):
                return scanned_rows(self._con, json.loads(tree)[0]["Plan"], names)

    def run(
        self, plan: Plan, parameters: Mapping[str, Parameter], limits: Limits, progress: Progress | None = None
    ) -> ArrowResult:
        """Run the user's text with bound parameters, through a server-side cursor. Does not report progress.

        Raises UserError (`data_error` and others), Unavailable (`time_limit`, `cancelled`, `engine_gone`, `memory_limit`),
        KeyboardInterrupt; the connection can be used again after each but `engine_gone`.
        """
        if self._prepared != plan:
            raise Refused(
                "engine_locked", "the plan that runs is not the one that was prepared", hint="Run the cell again."
            )
        types = parameter_types(parameters)
        if set(types.values()) - {"unknown"}:
            # A parameter's type may choose another operator than the one that was seen without it.
            with guarded():
                self._check_reading(plan, types)
        self._cancelled = False
        try:
            with guarded():
                return self._spelling.tried(lambda: self._fetched(plan, parameters, limits))
        except Unavailable as error:
            if self._cancelled and error.code == "time_limit":
                raise Unavailable(
                    "cancelled", "the statement was cancelled", hint="Run the cell again when ready."
                ) from None
            raise

    def _fetched(self, plan: Plan, parameters: Mapping[str, Parameter], limits: Limits) -> ArrowResult:
        caps = [cap for cap in (plan.rows, limits.rows) if cap is not None]
        until = time.monotonic() + limits.seconds if limits.seconds else float("inf")
        text, values = self._spelling.spelled(parameters)
        with self._transaction(limits.seconds), self._con.cursor(name="aureus") as cursor:
            cursor.execute(text, values)
            return fetch(cursor, min(caps) if caps else None, limits.memory_bytes, lambda: time.monotonic() > until)

    @contextlib.contextmanager
    def _transaction(self, seconds: float | None, mode: str = "READ ONLY") -> Iterator[None]:
        """A transaction in which names mean the shadows, always rolled back."""
        limit = max(1, int(seconds * 1000)) if seconds else 0
        # One text, so one round trip; it holds nothing of anybody's.
        self._con.execute(
            f"BEGIN {mode}; SET LOCAL statement_timeout = {limit}; SET LOCAL search_path = pg_temp, pg_catalog"
        )
        try:
            yield
        finally:
            if not self._con.closed:
                self._con.execute("ROLLBACK")

    def cancel(self) -> None:
        """Stop what runs, from any thread. No error when nothing runs."""
        if not self._con.closed:
            self._cancelled = True
            self._con.cancel_safe()

    def close(self) -> None:
        """Release the connection. A second call does nothing."""
        self._con.close()


def _shown(dataset: Dataset, shadow: Shadow) -> Dataset:
    """Return the dataset with the columns that the shadow shows, in the shadow's order."""
    kept = shadow.columns or tuple(c.name for c in dataset.columns)
    return replace(dataset, columns=tuple(c for c in dataset.columns if c.name in kept))
