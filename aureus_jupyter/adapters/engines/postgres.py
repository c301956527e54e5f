"""The PostgreSQL engine: the user's own text over temporary barrier views, in read-only transactions.

The connection belongs to the engine alone. Temporary views with `security_barrier` are made before the transaction that runs the
statement, which is read-only, has a time limit, and looks names up in the temporary schema first. The server's planner is
the second reader: it may see no relation but those behind the views.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aureus_jupyter.adapters.engines.postgres_errors import guarded
from aureus_jupyter.adapters.engines.postgres_result import fetch
from aureus_jupyter.adapters.engines.result import ArrowResult
from aureus_jupyter.core.rewrite import quoted
from aureus_jupyter.core.text import pieces, spell_names
from aureus_jupyter.errors import Refused, Unavailable, UserError
from aureus_jupyter.ports import Limits, Progress, RawColumn, RawTable, SecondReading
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.plan import Parameter, Plan

__all__ = ["PostgresEngine"]

_POWERFUL = """
SELECT rolsuper OR rolbypassrls OR rolreplication OR rolcreaterole
       OR EXISTS (SELECT 1 FROM pg_database WHERE datname = current_database() AND datdba = pg_roles.oid)
       OR pg_has_role(oid, 'pg_read_server_files', 'MEMBER') OR pg_has_role(oid, 'pg_write_server_files', 'MEMBER')
       OR pg_has_role(oid, 'pg_execute_server_program', 'MEMBER')
FROM pg_roles WHERE rolname IN (current_user, session_user)
"""
_TABLES = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
ORDER BY n.nspname, c.relname, a.attnum
"""
_KEY = "pg_catalog.current_setting('aureus.mask_key')"
_ESCAPED_NAME = re.compile(r"\bu&\s*[\"']", re.IGNORECASE)
_EXPLAIN = "EXPLAIN (VERBOSE, FORMAT JSON, COSTS {costs}) "


class PostgresEngine:
    """Implements `ports.Engine` over PostgreSQL. Not for two threads at once, except `cancel`."""

    def __init__(self, connection: Any, description: str, key: str) -> None:
        self._con = connection
        self._description = description
        self._key = key
        self._views: dict[str, str] = {}
        self._cancelled = False
        self._prepared: Plan | None = None
        self._columns: dict[tuple[str, str], list[RawColumn]] = {}

    @classmethod
    def open(cls, url: str, *, mask_key: bytes | None = None) -> PostgresEngine:
        """Connect to a SQLAlchemy URL. Raises Unavailable: `dialect_unsupported`, `role_too_powerful`, `engine_gone`."""
        from sqlalchemy import create_engine, pool
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise UserError(
                "bad_connection", "the connection is not a database URL", hint="Write postgresql://user@host/database."
            ) from None
        if parsed.get_backend_name() != "postgresql":
            raise Unavailable(
                "dialect_unsupported",
                f"there are no guard rules for {parsed.get_backend_name()} yet",
                hint="DuckDB files, folders of Parquet or CSV files and PostgreSQL are supported.",
            )
        made = create_engine(parsed.set(drivername="postgresql+psycopg"), poolclass=pool.NullPool)
        with guarded():
            pooled = made.raw_connection()
            connection: Any = pooled.driver_connection
            # The engine keeps the connection; SQLAlchemy must not close it when its own wrapper goes.
            pooled.detach()
            connection.set_autocommit(True)
            engine = cls(
                connection, f"PostgreSQL database {parsed.database}", (mask_key or secrets.token_bytes(32)).hex()
            )
            engine._begin_session()
        return engine

    def _begin_session(self) -> None:
        """Refuse accounts no rule would hold, and pin what the meaning of a statement depends on."""
        # First of all: a function or operator that somebody made in another schema must not take a built-in one's place,
        # neither in our own questions nor in the views.
        self._con.execute("SET search_path = pg_catalog")
        rows = self._con.execute(_POWERFUL).fetchall()
        if not rows or any(powerful for (powerful,) in rows):
            self.close()
            raise Unavailable(
                "role_too_powerful",
                "the account could get past every rule: it is a superuser, owns the database, makes roles or reads the server's files",
                hint="Connect with an account that may only SELECT from the tables it needs.",
            )
        for setting in ("standard_conforming_strings = on", "client_encoding = 'UTF8'", "TimeZone = 'UTC'"):
            self._con.execute(f"SET {setting}")
        # The key stays in the session: a view's text can be read by every account of the database.
        self._con.execute("SELECT set_config('aureus.mask_key', %s, false)", [self._key])
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

    def tables(self) -> Sequence[RawTable]:
        """Return the tables and views the account's database holds, without row counts."""
        with guarded():
            self._read_columns()
        return [RawTable(source=f"{schema}.{name}", columns=tuple(c)) for (schema, name), c in self._columns.items()]

    def _read_columns(self) -> None:
        self._columns = {}
        for schema, name, column, kind, nullable in self._con.execute(_TABLES).fetchall():
            self._columns.setdefault((schema, name), []).append(RawColumn(name=column, type=kind, nullable=nullable))

    def read(self, sql: str) -> SecondReading:
        """Return an empty reading: the server shows no tree. The planner's reading follows in `prepare`."""
        return SecondReading(statements=1, tables=(), functions=(), nodes=())

    # -- prepare ---------------------------------------------------------------------------------------------------

    def prepare(self, plan: Plan, datasets: Sequence[Dataset]) -> None:
        """Make the shadows and let the planner read the statement over them. Reads no rows.

        Raises Refused `binder_disagrees`, UserError when the statement does not bind, Unavailable `contract_drift`.
        """
        self._prepared = None
        by_name = {fold(d.name): d for d in datasets}
        with guarded():
            self._drop_stale(plan)
            for shadow in plan.shadows:
                schema, table = self._raw(by_name[fold(shadow.dataset)])
                text = shadow.select(f"{quoted(schema)}.{quoted(table)}", _KEY)
                if self._views.get(shadow.dataset) != text:
                    name = f"pg_temp.{quoted(shadow.dataset)}"
                    self._views.pop(shadow.dataset, None)
                    self._con.execute(f"DROP VIEW IF EXISTS {name}")
                    self._con.execute(f"CREATE TEMPORARY VIEW {name} WITH (security_barrier) AS {text}")
                    self._views[shadow.dataset] = text
            self._check_relations(plan)
        self._prepared = plan

    def _drop_stale(self, plan: Plan) -> None:
        for name in set(self._views) - {s.dataset for s in plan.shadows}:
            self._con.execute(f"DROP VIEW IF EXISTS pg_temp.{quoted(name)}")
            del self._views[name]

    def _raw(self, dataset: Dataset) -> tuple[str, str]:
        """Return the one table the contract's source names, or say how the database differs from the contract."""
        if not self._columns:
            self._read_columns()
        schema, _, table = dataset.source.rpartition(".")
        found = [key for key in self._columns if key[1] == table and schema in {"", key[0]}]
        have = {c.name for c in self._columns[found[0]]} if len(found) == 1 else set()
        missing = [c.name for c in dataset.columns if c.name not in have]
        if missing:
            self._columns = {}
            what = f"has no column {missing[0]}" if have else f"is not one table but {len(found)}"
            raise Unavailable(
                "contract_drift",
                f"the source of {dataset.name} {what} in this database",
                hint="Correct the contract, or connect to the database it describes.",
            )
        return found[0]

    def _check_relations(self, plan: Plan) -> None:
        # The planner shows the raw table behind a shadow and the raw table itself alike; a schema's name in the text tells.
        schemas = {schema for schema, _ in self._columns} | {"pg_catalog", "information_schema", "pg_temp"}
        if schemas & _qualifiers(plan.sql) or _ESCAPED_NAME.search(plan.sql):
            raise Refused("qualified_name", "a dataset's name has one part", hint="Write the name without a schema.")
        allowed: set[tuple[str, str]] = set()
        for shadow in plan.shadows:
            allowed |= self._relations(f"SELECT * FROM pg_temp.{quoted(shadow.dataset)}", {})
        seen = self._relations(*_spelled(plan.sql, dict.fromkeys(plan.parameters)))
        if not seen <= allowed:
            raise Refused(
                "binder_disagrees",
                "the server would read a relation that is none of the statement's datasets",
                hint="Write the datasets' names alone, and please report the shape of this statement.",
            )

    def _relations(self, text: str, values: Mapping[str, Any]) -> set[tuple[str, str]]:
        with self._transaction(30.0):
            # Prepared, because the extended protocol takes one statement and no more.
            (tree,) = self._con.execute(_EXPLAIN.format(costs="OFF") + text, values or None, prepare=True).fetchone()
        return set(_relations_in(tree))

    # -- run -------------------------------------------------------------------------------------------------------

    def estimate(self, plan: Plan, parameters: Mapping[str, Parameter]) -> str:
        """Return the planner's estimate in powers of ten. Reads no rows."""
        text, values = _spelled(plan.sql, parameters)
        with guarded(), self._transaction(30.0):
            (tree,) = self._con.execute(_EXPLAIN.format(costs="ON") + text, values or None).fetchone()
        rows = max(1, int(tree[0]["Plan"].get("Plan Rows", 1)))
        return f"Estimate: up to about {10 ** len(str(rows - 1 if rows > 1 else 1)):,} rows in the result."

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
        caps = [cap for cap in (plan.rows, limits.rows) if cap is not None]
        text, values = _spelled(plan.sql, parameters)
        self._cancelled = False
        until = time.monotonic() + limits.seconds if limits.seconds else float("inf")
        try:
            with guarded(), self._transaction(limits.seconds), self._con.cursor(name="aureus") as cursor:
                cursor.execute(text, values or None)
                return fetch(cursor, min(caps) if caps else None, limits.memory_bytes, lambda: time.monotonic() > until)
        except Unavailable as error:
            if self._cancelled and error.code == "time_limit":
                raise Unavailable(
                    "cancelled", "the statement was cancelled", hint="Run the cell again when ready."
                ) from None
            raise

    @contextlib.contextmanager
    def _transaction(self, seconds: float | None) -> Iterator[None]:
        """A read-only transaction in which names mean the shadows, always rolled back."""
        self._con.execute("BEGIN READ ONLY")
        try:
            self._con.execute(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000)) if seconds else 0}")
            self._con.execute("SET LOCAL search_path = pg_temp, pg_catalog")
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


def _spelled(sql: str, parameters: Mapping[str, Parameter]) -> tuple[str, dict[str, Parameter]]:
    """Return the text with each `:name` as psycopg's placeholder, which it sends apart from the text."""
    values = dict(parameters)
    if not values:
        return sql, {}
    return spell_names(sql, lambda name: f"%({name})s", lambda other: other.replace("%", "%%")), values


def _qualifiers(sql: str) -> set[str]:
    """Return every name that stands before a dot, folded as the server folds it."""
    found, before = set(), ""
    for piece in pieces(sql):
        part = sql[piece.start : piece.end]
        if piece.kind in {"word", "quoted"}:
            before = part[1:-1].replace('""', '"') if piece.kind == "quoted" else fold(part)
        elif part == "." and before:
            found.add(before)
        elif piece.kind not in {"space", "comment"}:
            before = ""
    return found


def _relations_in(tree: Any) -> Iterator[tuple[str, str]]:
    """Return (schema, name) of every relation a plan scans."""
    if isinstance(tree, dict):
        if "Relation Name" in tree:
            yield str(tree.get("Schema", "")), str(tree["Relation Name"])
        for value in tree.values():
            yield from _relations_in(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _relations_in(item)
