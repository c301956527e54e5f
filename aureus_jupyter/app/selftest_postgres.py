"""The corpus's world in PostgreSQL: a schema of its own, made and dropped, with another one of secure views beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.adapters.engines.postgres_parameters import Spelling
from aureus_jupyter.adapters.engines.postgres_result import fetch
from aureus_jupyter.ports import Engine, ResultTable
from aureus_jupyter.testing.corpus import Attack
from aureus_jupyter.testing.corpus_judge import Bare
from aureus_jupyter.testing.corpus_world import Table, rows_of
from aureus_jupyter.values.plan import Parameter

__all__ = ["PostgresWorld"]

SCHEMA, VIEWS = "aureus_selftest", "aureus_selftest_views"
_CLOCK = 250
_MOST = 4_000
_DROP = f"DROP SCHEMA IF EXISTS {VIEWS} CASCADE; DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"
_TYPES = {"VARCHAR[]": "VARCHAR[]", "DOUBLE": "DOUBLE PRECISION"}
_LOOK = (
    "SELECT relnamespace::regnamespace::text, relname, relkind::text FROM pg_class ORDER BY 1, 2, 3",
    "SELECT proname FROM pg_proc WHERE pronamespace::regnamespace::text NOT IN ('pg_catalog') ORDER BY 1",
    "SELECT name, setting FROM pg_settings ORDER BY 1",
    "SELECT name FROM pg_prepared_statements ORDER BY 1",
    "SELECT name FROM pg_cursors ORDER BY 1",
    "SELECT count(*) FROM pg_largeobject_metadata",
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
    "SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND mode NOT IN ('AccessShareLock')",
    "SELECT pg_listening_channels()",
    f"SELECT last_value, is_called FROM {SCHEMA}.seq",
    "SELECT current_setting('a.b', true), current_setting('transaction_isolation'), current_setting('role')",
    f"SELECT count(*), sum(hashtext(s::text)) FROM {SCHEMA}.staff s",
    f"SELECT count(*) FROM {SCHEMA}.vip",
    f"SELECT count(*) FROM {SCHEMA}.shift",
    "SELECT rulename FROM pg_rules WHERE schemaname = 'aureus_selftest'",
    "SELECT obj_description('aureus_selftest.staff'::regclass)",
    "SELECT relacl::text FROM pg_class WHERE relname IN ('staff', 'vip') ORDER BY 1",
    "SELECT typname FROM pg_type WHERE typnamespace = 'aureus_selftest'::regnamespace ORDER BY 1",
)


class PostgresWorld:
    """One database at a time, A or B, through an account that owns its schemas and no more."""

    dialect = "postgres"

    def __init__(self, tables: Sequence[Table], data: Path, folder: Path, url: str) -> None:
        self._tables, self._data, self._url = tables, data, url
        self.place = folder / "files"
        self._con: Any = None
        self._notices: list[str] = []

    def build(self, side: str) -> None:
        """Make the schemas for `side` from nothing."""
        self.close()
        self.place.mkdir(parents=True, exist_ok=True)
        self._con = self._connect()
        self._con.execute(_DROP)
        self._con.execute(f"CREATE SCHEMA {SCHEMA}; CREATE SCHEMA {VIEWS}")
        for table in self._tables:
            self._load(table, side)
        self._con.execute((self._data / "objects.postgres.sql").read_text("utf-8").replace("$SIDE", side))
        self._con.execute(f"SET search_path = {VIEWS}")
        self._con.execute((self._data / "secure.sql").read_text("utf-8"))

    def _connect(self) -> Any:
        import psycopg
        from psycopg.types.string import TextLoader
        from sqlalchemy.engine import make_url

        parsed = make_url(self._url).set(drivername="postgresql").render_as_string(hide_password=False)
        con = psycopg.connect(parsed, autocommit=True)
        con.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET client_min_messages = notice")
        for kind in (114, 3802, 1186, 1001, 1187, 199, 3807):
            con.adapters.register_loader(kind, TextLoader)
        con.prepare_threshold = None
        con.add_notice_handler(lambda notice: self._notices.append(str(notice.message_primary)))
        return con

    def _load(self, table: Table, side: str) -> None:
        columns = ", ".join(f"{name} {_TYPES.get(kind, kind)}" for name, (kind, _) in table.columns.items())
        self._con.execute(f"CREATE TABLE {SCHEMA}.{table.name} ({columns})")
        with self._con.cursor() as cursor, cursor.copy(f"COPY {SCHEMA}.{table.name} FROM STDIN") as copy:
            for row in rows_of(table, side):
                copy.write_row(row)

    def engine(self) -> Engine:
        """Return the governed engine over the schema."""
        return PostgresEngine.open(self._url, mask_key=b"k" * 32)

    def secure(self, sql: str, parameters: Mapping[str, Parameter]) -> ResultTable:
        """Run a statement over the hand-made views. Raises what psycopg raises."""
        spelling = Spelling(sql)

        def work() -> ResultTable:
            text, values = spelling.spelled(parameters)
            with self._con.transaction(), self._con.cursor(name="aureus") as cursor:
                cursor.execute(text, values)
                return fetch(cursor, None, None, lambda: False)

        self._con.execute(f"SET search_path = {VIEWS}")
        return spelling.tried(work)

    def bare(self, attack: Attack) -> Bare:
        """Run an attack where nothing guards, in a transaction that is rolled back."""
        return self._tried(attack, SCHEMA)

    def over_views(self, attack: Attack) -> Bare:
        """Run an attack over the hand-made views: what it shows there is no secret."""
        return self._tried(attack, VIEWS)

    def _tried(self, attack: Attack, schema: str) -> Bare:
        import psycopg

        self._notices.clear()
        self._con.execute(f"SET search_path = {schema}")
        limit = _CLOCK if attack.bites == "clock" else 20_000
        shown, state, stopped = [], "", False
        self._con.execute(f"BEGIN; SET LOCAL statement_timeout = {limit}")
        before = self._state() if attack.bites == "state" else []
        try:
            for cell in attack.cells:
                text, late = self._saved(cell, attack)
                shown.append(text)
                stopped = stopped or late
            if attack.bites == "state":
                changed = [mine for mine, theirs in zip(self._state(), before, strict=True) if mine != theirs]
                state = changed[0][:200] if changed else ""
        except psycopg.Error as error:
            shown.append(f"{type(error).__name__}: {error}")
        finally:
            self._tidy()
        return Bare(shown=(*shown, *self._notices), state=state, stopped=stopped)

    def _saved(self, cell: str, attack: Attack) -> tuple[str, bool]:
        """Run a cell; after an error the transaction goes on for the next one. Say whether the clock stopped it."""
        import psycopg

        self._con.execute("SAVEPOINT cell")
        try:
            return self._shown(cell, attack), False
        except psycopg.Error as error:
            self._con.execute("ROLLBACK TO SAVEPOINT cell")
            return f"{type(error).__name__}: {error}", isinstance(error, psycopg.errors.QueryCanceled)

    def _shown(self, cell: str, attack: Attack) -> str:
        text, values = Spelling(cell).spelled(dict(attack.parameters))
        cursor = self._con.execute(text, values)
        shown = ""
        while True:
            if cursor.description is not None:
                names = [column.name for column in cursor.description]
                shown += f"{names}\n" + "\n".join(map(str, cursor.fetchmany(_MOST)))
            if not cursor.nextset():
                return shown

    def _tidy(self) -> None:
        """Forget all that an attack left in the session; a connection it has broken is replaced."""
        import psycopg

        try:
            self._con.execute("ROLLBACK")
            self._con.execute("DISCARD ALL")
            self._con.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET client_min_messages = notice")
        except psycopg.Error:
            self._con.close()
            self._con = self._connect()

    def _state(self) -> list[str]:
        return [str(self._con.execute(look).fetchall()) for look in _LOOK]

    def state(self) -> str:
        """Return what must be as it was after all attacks on the governed engine. Temporary things are another session's."""
        own = f"WHERE relnamespace IN ('{SCHEMA}'::regnamespace, '{VIEWS}'::regnamespace)"
        looks = [_LOOK[0].replace("ORDER", f"{own} ORDER"), *_LOOK[9:10], *_LOOK[11:14]]
        return str([self._con.execute(look).fetchall() for look in looks])

    def close(self) -> None:
        """Drop the schemas and close what is open."""
        if self._con is not None and not self._con.closed:
            self._con.execute(_DROP)
            self._con.close()
        self._con = None
