"""The corpus's world in DuckDB: a temporary file for the guard, a copy of it that nothing guards, and one with secure views."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from aureus_jupyter.adapters.engines.arrow import pa
from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.engines.duckdb_fetch import fetch
from aureus_jupyter.core.analyze import bound_text
from aureus_jupyter.ports import Engine, ResultTable
from aureus_jupyter.testing.corpus import Attack
from aureus_jupyter.testing.corpus_judge import Bare
from aureus_jupyter.testing.corpus_world import Table, rows_of
from aureus_jupyter.values.plan import Parameter

__all__ = ["DuckDBWorld"]

SCHEMA = "aureus_selftest"
_CLOCK = 0.25
_MOST = 4_000
_LOOK = (
    "SELECT database_name, schema_name, table_name, temporary FROM duckdb_tables() ORDER BY ALL",
    "SELECT database_name, schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
    "SELECT schema_name, function_name FROM duckdb_functions() WHERE NOT internal ORDER BY ALL",
    "SELECT name, value FROM duckdb_settings() ORDER BY ALL",
    "SELECT * FROM duckdb_variables() ORDER BY ALL",
    "SELECT database_name, path, readonly FROM duckdb_databases() ORDER BY ALL",
    "SELECT sequence_name, last_value FROM duckdb_sequences() ORDER BY ALL",
    "SELECT name FROM duckdb_secrets() ORDER BY ALL",
    "SELECT name FROM duckdb_prepared_statements() ORDER BY ALL",
    "SELECT type_name FROM duckdb_types() WHERE NOT internal ORDER BY ALL",
    "SELECT table_name, comment FROM duckdb_tables() WHERE comment IS NOT NULL ORDER BY ALL",
    "SELECT current_database(), current_schema(), current_schemas(true)",
    f"SELECT (SELECT count(*) FROM raw.{SCHEMA}.staff), (SELECT sum(hash(s)) FROM raw.{SCHEMA}.staff s), "
    f"(SELECT count(*) FROM raw.{SCHEMA}.vip), (SELECT count(*) FROM raw.{SCHEMA}.shift)",
)


class DuckDBWorld:
    """One database at a time, A or B. `folder` is the world's own; `place` is where attacks may find and leave files."""

    dialect = "duckdb"

    def __init__(self, tables: Sequence[Table], data: Path, folder: Path) -> None:
        self._tables, self._data, self._folder = tables, data, folder
        self.place = folder / "files"
        self._side = ""
        self._bare: Any = None
        self._secure: Any = None

    def build(self, side: str) -> None:
        """Make the database `side` from nothing, in place of the other one."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.place.mkdir(parents=True)
        self._side = side
        self._files()
        path = self._path("raw")
        with duckdb.connect(str(path)) as con:
            con.execute(f"SET threads=1; CREATE SCHEMA {SCHEMA}")
            for table in self._tables:
                _load(con, table, side)
            con.execute((self._data / "objects.duckdb.sql").read_text("utf-8").replace("$SIDE", side))
        shutil.copy(path, self._path("bare"))
        shutil.copy(path, self._path("secure"))
        self._bare = self._connect(self._path("bare"))
        self._secure = self._secured()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.duckdb"

    def _files(self) -> None:
        """Make the files that attacks look for, each with a secret in it."""
        mark = f"QZVIP{self._side}"
        for name, text in {"csv": f"secret\n{mark}\n", "txt": mark, "json": f'{{"secret": "{mark}"}}'}.items():
            (self.place / f"secret.{name}").write_text(text, "utf-8")
        with duckdb.connect() as con:
            con.execute(f"COPY (SELECT '{mark}' AS secret) TO '{self.place / 'secret.parquet'}'")

    def _tidy(self) -> None:
        """Remove what an attack has left beside the secrets."""
        for path in self.place.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.stem != "secret":
                path.unlink()

    def _connect(self, path: Path) -> Any:
        """Open a copy as its owner would: everything allowed but the network."""
        con = duckdb.connect()
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
            con.execute(f"SET {setting}=false")
        con.execute(f"SET threads=1; SET TimeZone='UTC'; ATTACH '{path}' AS raw; USE raw.{SCHEMA}")
        return con

    def _secured(self) -> Any:
        con = duckdb.connect()
        con.execute(f"SET threads=1; SET TimeZone='UTC'; ATTACH '{self._path('secure')}' AS raw; USE raw")
        con.execute("CREATE SCHEMA aureus_secure; SET schema='raw.aureus_secure'")
        con.execute((self._data / "secure.sql").read_text("utf-8"))
        return con

    def engine(self) -> Engine:
        """Return the governed engine over the database."""
        return DuckDBEngine.open(str(self._path("raw")), threads=1, memory_limit="1GB", mask_key=b"k" * 32)

    def secure(self, sql: str, parameters: Mapping[str, Parameter]) -> ResultTable:
        """Run a statement over the hand-made views. Raises what DuckDB raises."""
        return fetch(self._secure, bound_text(sql, "duckdb"), parameters, None, None, threading.Event())

    def bare(self, attack: Attack) -> Bare:
        """Run an attack where nothing guards, in a session of its own; what changes a state does so to a copy."""
        if attack.bites == "clock":
            return self._timed(attack)
        if attack.bites == "state":
            return self._changed(attack)
        cursor = self._bare.cursor()
        try:
            cursor.execute(f"USE raw.{SCHEMA}")
            return Bare(shown=self._shown(cursor, attack))
        finally:
            cursor.close()

    def over_views(self, attack: Attack) -> Bare:
        """Run an attack over the hand-made views: what it shows there is no secret."""
        cursor = self._secure.cursor()
        try:
            cursor.execute("SET schema='raw.aureus_secure'")
            return Bare(shown=self._shown(cursor, attack))
        finally:
            cursor.close()

    def _shown(self, cursor: Any, attack: Attack) -> tuple[str, ...]:
        loose_frame = pa.table({"secret": [f"QZVIP{self._side}"]})
        assert loose_frame is not None, "DuckDB looks for it by its name, in this very frame"
        shown = []
        for cell in attack.cells:
            try:
                given = dict(attack.parameters)
                text = bound_text(cell, "duckdb") if given else cell
                relation = cursor.execute(text, given or None)
                names = [column[0] for column in relation.description or ()]
                shown.append(f"{names}\n" + "\n".join(map(str, relation.fetchmany(_MOST))))
            except (duckdb.Error, RuntimeError, UnicodeError) as error:
                shown.append(f"{type(error).__name__}: {error}")
        return tuple(shown)

    def _timed(self, attack: Attack) -> Bare:
        cursor = self._bare.cursor()
        cursor.execute(f"USE raw.{SCHEMA}")
        timer = threading.Timer(_CLOCK, cursor.interrupt)
        timer.start()
        try:
            shown = self._shown(cursor, attack)
        finally:
            timer.cancel()
            timer.join()
            cursor.close()
        return Bare(shown=shown, stopped=any(text.startswith("InterruptException") for text in shown))

    def _changed(self, attack: Attack) -> Bare:
        path = self._path("change")
        shutil.copy(self._path("secure"), path)
        con = self._connect(path)
        try:
            before = self._state(con)
            shown = self._shown(con, attack)
            after = self._state(con)
        finally:
            con.close()
        path.unlink(missing_ok=True)
        self._tidy()
        changed = [mine for mine, theirs in zip(after, before, strict=True) if mine != theirs]
        return Bare(shown=shown, state=changed[0][:200] if changed else "")

    def _state(self, con: Any) -> list[str]:
        found = [str(sorted((p.name, p.stat().st_size) for p in self.place.rglob("*")))]
        for look in _LOOK:
            try:
                found.append(str(con.execute(look).fetchall()))
            except duckdb.Error as error:
                found.append(type(error).__name__)
        return found

    def state(self) -> str:
        """Return what must be as it was after all attacks on the governed engine: the file, and the files beside it."""
        return str([self._path("raw").stat().st_size, self._state(self._bare)[0]])

    def close(self) -> None:
        """Close what is open."""
        for con in (self._bare, self._secure):
            if con is not None:
                con.close()
        self._bare = self._secure = None


def _load(con: Any, table: Table, side: str) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in table.columns.items())
    con.execute(f"CREATE TABLE {SCHEMA}.{table.name} ({columns})")
    rows = rows_of(table, side)
    made = pa.table({name: [row[place] for row in rows] for place, name in enumerate(table.columns)})
    con.register("made", made)
    con.execute(f"INSERT INTO {SCHEMA}.{table.name} SELECT * FROM made")
    con.unregister("made")
