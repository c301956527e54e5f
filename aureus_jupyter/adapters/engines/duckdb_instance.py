"""A locked DuckDB: raw data read-only under a name nobody can guess, and every way out closed.

The order of the steps matters: once external access is off nothing can be attached or spilled, and once the
configuration is locked nothing can be set. Each setting is GLOBAL: a plain SET would hold for one session, and
cursors are sessions of their own. What the lock leaves open (USE, temporary objects, catalog functions) is
closed by running nothing but checked queries on it.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from aureus_jupyter.errors import AureusError, Unavailable
from aureus_jupyter.ports import RawColumn, RawTable
from aureus_jupyter.values.catalog import fold

from .duckdb_source import Source, file_in_use, quote, text

__all__ = ["PADS", "Instance", "Raw", "Settings", "acquire"]

PADS = ("aureus_keys.inner_pad", "aureus_keys.outer_pad")
_READY_CURSORS = 8
_SESSION = ("enable_progress_bar=true", "enable_progress_bar_print=false", "progress_bar_time=0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an instance may use. `memory_limit` as DuckDB writes it; None is DuckDB's own default; seconds."""

    threads: int | None = None
    memory_limit: str | None = None
    max_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A raw relation: the name a contract uses for it, and the SQL that names it on the instance."""

    source: str
    sql: str


class Instance:
    """One locked DuckDB, shared by every connection to the same file in this process.

    DuckDB allows one handle to a file in a process. Cursors are prepared before the lock, because the progress bar
    is a setting of the session; those made later report no progress.
    """

    def __init__(self, source: Source, settings: Settings) -> None:
        self.source, self.settings = source, settings
        self.alias = f"raw_{secrets.token_hex(12)}"
        self._vault = f"keys_{secrets.token_hex(12)}"
        self._keys: dict[bytes, str] = {}
        self.users = 0
        self._lock = threading.Lock()
        self._root = duckdb.connect()
        self._ready: list[Any] = []
        try:
            self._root.execute(f"ATTACH ':memory:' AS {quote(self._vault)}")
            self.raw = _lock_down(self._root, self)
        except BaseException:
            self.end()
            raise

    def keys(self, key: bytes) -> str:
        """Return the SQL of a relation whose one row holds `key` padded as HMAC pads it (RFC 2104, for SHA-256).

        The key is a value there: no statement's text and no plan ever holds it. Not longer than 64 bytes.
        """
        with self._lock:
            if key not in self._keys:
                name = f"{quote(self._vault)}.main.{quote(secrets.token_hex(12))}"
                padded = key.ljust(64, b"\x00")
                pads = [bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C)]
                self._root.execute(f"CREATE TABLE {name} (inner_pad BLOB, outer_pad BLOB)")
                self._root.execute(f"INSERT INTO {name} VALUES (?, ?)", pads)
                self._keys[key] = name
            return self._keys[key]

    def prepare_cursors(self) -> None:
        """Make the cursors that know their progress; only before the lock."""
        for _ in range(_READY_CURSORS):
            cursor = self._root.cursor()
            for setting in _SESSION:
                cursor.execute(f"SET {setting}")
            self._ready.append(cursor)

    def cursor(self) -> Any:
        """Return a connection of its own to this instance, without temporary objects."""
        with self._lock:
            return self._ready.pop() if self._ready else self._root.cursor()

    def tables(self, count: bool) -> tuple[RawTable, ...]:
        """Return the raw relations with their columns, and their row counts if asked."""
        cursor = self._root.cursor()
        try:
            found = [_describe(cursor, raw, count) for raw in dict.fromkeys(self.raw.values())]
        finally:
            cursor.close()
        return tuple(t for t in found if t is not None)

    def release(self) -> None:
        """Give the instance back; the last user closes it and with it the file."""
        with _OPEN_LOCK:
            self.users -= 1
            if self.users <= 0:
                _OPEN.pop(self.source.path, None)
                self.end()

    def end(self) -> None:
        """Close every connection."""
        for cursor in self._ready:
            cursor.close()
        self._ready.clear()
        self._root.close()


_OPEN: dict[str, Instance] = {}
_OPEN_LOCK = threading.Lock()


def acquire(source: Source, settings: Settings) -> Instance:
    """Return a locked instance for `source`; the same one for the same file and settings.

    Raises Unavailable: `file_in_use` (another library, another process, or other limits here), `file_unreadable`.
    """
    with _OPEN_LOCK:
        known = _OPEN.get(source.path) if source.kind == "file" else None
        if known is not None and known.settings != settings:
            raise file_in_use(source.path, "this kernel has connected it with other limits")
        instance = known or Instance(source, settings)
        instance.users += 1
        if source.kind == "file":
            _OPEN[source.path] = instance
        return instance


def _lock_down(con: Any, instance: Instance) -> Mapping[str, Raw]:
    """Close every way out, in the one order that works; return the raw relations by folded source name."""
    settings, source = instance.settings, instance.source
    # First of all nothing may be fetched: DuckDB looks for extensions when it meets a foreign file.
    for setting in ("autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions"):
        con.execute(f"SET GLOBAL {setting}=false")
    con.execute("SET GLOBAL TimeZone='UTC'")
    if settings.threads is not None:
        con.execute(f"SET GLOBAL threads={int(settings.threads)}")
    if settings.memory_limit is not None:
        con.execute(f"SET GLOBAL memory_limit={text(settings.memory_limit)}")
    con.execute(f"SET GLOBAL max_execution_time={int((settings.max_seconds or 0) * 1000)}")
    for setting in ("errors_as_json=true", "arrow_large_buffer_size=true", "parquet_metadata_cache=true"):
        con.execute(f"SET GLOBAL {setting}")
    con.execute("SET GLOBAL temp_directory=''")
    raw = _ATTACH[source.kind](con, source, instance.alias)
    instance.prepare_cursors()
    con.execute("SET GLOBAL enable_external_access=false")
    for setting in ("allow_persistent_secrets", "python_enable_replacements", "python_scan_all_frames"):
        con.execute(f"SET GLOBAL {setting}=false")
    con.execute("SET GLOBAL lock_configuration=true")
    return raw


def _memory(con: Any, source: Source, alias: str) -> Mapping[str, Raw]:
    con.execute(f"ATTACH ':memory:' AS {quote(alias)}")
    return {}


def _file(con: Any, source: Source, alias: str) -> Mapping[str, Raw]:
    problem: AureusError | None = None
    try:
        con.execute(f"ATTACH {text(source.path)} AS {quote(alias)} (READ_ONLY, TYPE duckdb)")
    except duckdb.Error as error:
        problem = _cannot_attach(source, error)
    if problem is not None:
        raise problem
    rows = con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $a AND NOT internal UNION ALL "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = $a AND NOT internal ORDER BY 1, 2",
        {"a": alias},
    ).fetchall()
    raw: dict[str, Raw] = {}
    for schema, name in rows:
        plain = name if schema == "main" else f"{schema}.{name}"
        relation = Raw(source=plain, sql=f"{quote(alias)}.{quote(schema)}.{quote(name)}")
        raw[fold(plain)] = relation
        raw[fold(f"{schema}.{name}")] = relation
    return raw


def _cannot_attach(source: Source, error: Exception) -> Unavailable:
    said = str(error)
    if "already attached" in said or "different configuration" in said:
        return file_in_use(source.path, "another library in this kernel holds it")
    if "Could not set lock" in said:
        return file_in_use(source.path, "another process holds it for writing")
    return Unavailable(
        "file_unreadable",
        f"{Path(source.path).name} cannot be opened as a DuckDB database: damaged, cut short, or from another version",
        hint="Open it with the duckdb that made it, or restore it from a copy.",
    )


def _folder(con: Any, source: Source, alias: str) -> Mapping[str, Raw]:
    """Make a view per Parquet file and a table per CSV file.

    CSV is loaded: a cast over `read_csv` fails in DuckDB 2.0 where it should not, and a loaded file needs no access
    later. Parquet stays on disk, so exactly those files remain readable, by path.
    """
    con.execute(f"ATTACH ':memory:' AS {quote(alias)}")
    paths = {name: str(Path(source.path) / name) for name in source.files}
    allowed = ", ".join(text(str(Path(p).resolve())) for n, p in paths.items() if n.lower().endswith(".parquet"))
    con.execute(f"SET GLOBAL allowed_paths=[{allowed}]")
    raw: dict[str, Raw] = {}
    for name, path in paths.items():
        relation = Raw(source=name, sql=f"{quote(alias)}.main.{quote(name)}")
        problem = None
        try:
            _MAKE[Path(name).suffix.lower()](con, relation.sql, str(Path(path).resolve()))
        except duckdb.Error as error:
            problem = type(error).__name__
        if problem is not None:
            raise Unavailable(
                "file_unreadable",
                f"the data file {name} cannot be read ({problem})",
                hint="Check that it is whole; remove it from the folder if it is not data.",
            )
        raw[name] = relation
    return raw


def _parquet(con: Any, name: str, path: str) -> None:
    con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({text(path)}, hive_partitioning=false)")


def _csv(con: Any, name: str, path: str) -> None:
    con.execute(f"CREATE TABLE {name} AS SELECT * FROM read_csv({text(path)}, hive_partitioning=false)")


_MAKE: Mapping[str, Callable[[Any, str, str], None]] = {".parquet": _parquet, ".csv": _csv}
_ATTACH: Mapping[str, Callable[[Any, Source, str], Mapping[str, Raw]]] = {
    "memory": _memory,
    "file": _file,
    "folder": _folder,
}


def _describe(cursor: Any, raw: Raw, count: bool) -> RawTable | None:
    """Return a raw relation's columns, or None for a view that no longer binds."""
    try:
        rows = cursor.execute(f"DESCRIBE SELECT * FROM {raw.sql}").fetchall()
        total = cursor.execute(f"SELECT count(*) FROM {raw.sql}").fetchone()[0] if count else None
        nullable = _nullable(cursor, raw)
    except duckdb.Error:
        return None
    columns = tuple(RawColumn(name=r[0], type=r[1], nullable=nullable.get(r[0], True)) for r in rows)
    return RawTable(source=raw.source, columns=columns, rows=total)


def _nullable(cursor: Any, raw: Raw) -> dict[str, bool]:
    """A SELECT forgets NOT NULL; the relation itself still knows."""
    return {row[0]: row[2] != "NO" for row in cursor.execute(f"DESCRIBE {raw.sql}").fetchall()}
