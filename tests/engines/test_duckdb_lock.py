"""The wall behind the guard: what a locked engine gives to somebody who runs any SQL on it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.engines.duckdb_instance import Instance, Settings, acquire
from aureus_jupyter.adapters.engines.duckdb_source import find_source
from aureus_jupyter.errors import AureusError
from aureus_jupyter.values.plan import Plan, Shadow

MARKER = "MARK-5512"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A database file and, beside it, files that hold the marker."""
    path = tmp_path / "bank.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE staff AS SELECT i AS id, 'n' || i AS nick FROM range(5) r(i)")
        con.execute(f"CREATE TABLE vip AS SELECT '{MARKER}' AS secret")
        con.execute(f"COPY vip TO '{tmp_path / 'leak.parquet'}'")
        con.execute(f"COPY vip TO '{tmp_path / 'leak.csv'}'")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as con:
        con.execute(f"CREATE TABLE vip AS SELECT '{MARKER}' AS secret")
    return path


@pytest.fixture
def instance(bank: Path):
    found = acquire(find_source(str(bank)), Settings(threads=2, memory_limit="200MB", max_seconds=20))
    yield found
    found.release()


def snapshot(folder: Path) -> dict[str, int]:
    return {str(p): p.stat().st_size for p in folder.rglob("*")}


ESCAPES = [
    "FROM read_csv('{dir}/leak.csv')",
    "FROM read_parquet('{dir}/leak.parquet')",
    "FROM '{dir}/leak.parquet'",
    "FROM '{dir}/leak.csv'",
    'FROM "{dir}/leak.parquet"',
    "FROM read_text('{dir}/leak.csv')",
    "FROM read_blob('{dir}/leak.csv')",
    "FROM read_json('{dir}/leak.csv')",
    "FROM sniff_csv('{dir}/leak.csv')",
    "FROM glob('{dir}/*')",
    "FROM parquet_metadata('{dir}/leak.parquet')",
    "FROM read_duckdb('{dir}/other.duckdb', table_name='vip')",
    "ATTACH '{dir}/other.duckdb' AS other",
    "ATTACH '{dir}/other.duckdb' AS other (READ_ONLY)",
    "ATTACH '{dir}/fresh.duckdb' AS fresh",
    "COPY (SELECT 1 AS a) TO '{dir}/out.csv'",
    "COPY (SELECT 1 AS a) TO '{dir}/leak.parquet'",
    "EXPORT DATABASE '{dir}/out'",
    "IMPORT DATABASE '{dir}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{dir}/leak.csv'",
    "FROM read_csv('https://127.0.0.1:9/x.csv')",
    "SET threads=1",
    "SET memory_limit='8GB'",
    "SET enable_external_access=true",
    "SET GLOBAL enable_external_access=true",
    "RESET enable_external_access",
    "SET lock_configuration=false",
    "RESET lock_configuration",
    "SET temp_directory='{dir}/spill'",
    "SET allowed_paths=['{dir}/leak.csv']",
    "SET allowed_directories=['{dir}']",
    "SET python_enable_replacements=true",
    "SET python_scan_all_frames=true",
    "SET max_execution_time=0",
    "SET errors_as_json=false",
    "SET TimeZone='Asia/Tokyo'",
    "SET default_collation='nocase'",
    "SET autoload_known_extensions=true",
    "SET home_directory='{dir}'",
    "PRAGMA enable_profiling='json'",
    "PRAGMA memory_limit='8GB'",
    "SET log_query_path='{dir}/log.txt'",
    "SET profiling_output='{dir}/profile.json'",
    "SELECT getenv('HOME')",
    "FROM frame",
    "SELECT * FROM frame, staff",
    "FROM arrow_scan(1, 2, 3)",
    "CREATE TABLE {raw} (a INTEGER)",
    "INSERT INTO {staff} VALUES (1, 'x')",
    "UPDATE {staff} SET nick = 'x'",
    "DELETE FROM {staff}",
    "DROP TABLE {staff}",
    "ALTER TABLE {staff} ADD COLUMN x INTEGER",
    "CREATE PERSISTENT SECRET s (TYPE http, EXTRA_HTTP_HEADERS MAP {{}})",
    "WITH w AS (COPY (SELECT 1 AS a) TO '{dir}/out.csv') SELECT 1",
    "WITH w AS (DELETE FROM {staff}) SELECT 1",
    "CHECKPOINT {alias}",
]


@pytest.mark.parametrize("statement", ESCAPES)
def test_nothing_leaves_a_locked_engine(instance: Instance, bank: Path, statement: str) -> None:
    frame = pd.DataFrame({"secret": [MARKER]})
    before = snapshot(bank.parent)
    con = instance.cursor()
    text = statement.format(dir=bank.parent, alias=instance.alias, raw=f"{instance.alias}.t", staff=_staff(instance))
    if statement.startswith("CHECKPOINT"):
        con.execute(text)  # allowed, and changes nothing of a read-only file
    else:
        with pytest.raises((duckdb.Error, OSError)):
            con.execute(text).fetchall()
    assert snapshot(bank.parent) == before
    assert len(frame) == 1


def _staff(instance: Instance) -> str:
    return instance.raw["staff"].sql


# What DuckDB's lock leaves open. None of it may get past `prepare`.
OPEN = [
    "USE {alias}",
    "SET search_path='{alias}.main'",
    "SET VARIABLE x = 1",
    "SELECT getvariable('x')",
    "ATTACH ':memory:' AS m",
    "CREATE TEMP TABLE t AS SELECT 1 AS a",
    "CREATE TEMP VIEW staff AS SELECT 1 AS id",
    "CREATE TEMP MACRO upper(x) AS 'shadow'",
    "CREATE SECRET s (TYPE http)",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "CALL pragma_version()",
    "FROM duckdb_secrets()",
    "FROM duckdb_settings()",
    "FROM duckdb_databases()",
    "FROM duckdb_views()",
    "FROM duckdb_tables()",
    "FROM information_schema.tables",
    "FROM pg_catalog.pg_class",
    "FROM sqlite_master",
    "SELECT current_setting('threads')",
    "SELECT current_database()",
    "FROM query_table('{alias}.main.vip')",
    "FROM query('FROM {alias}.main.vip')",
    "FROM {alias}.main.vip",
    "FROM {alias}.vip",
    "SELECT (SELECT max(secret) FROM {alias}.vip) FROM staff",
    "WITH unused AS (FROM {alias}.vip) SELECT 1 FROM staff",
    "FROM vip",
    "FROM main.staff",
    "FROM temp.main.staff",
    "FROM pragma_storage_info('staff')",
    "PRAGMA database_list",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "DESCRIBE {alias}.vip",
    "EXPLAIN SELECT * FROM staff",
    "EXPLAIN ANALYZE SELECT * FROM staff",
    "SELECT stats(nick) FROM staff",
    "SELECT sleep_ms(1)",
    "SELECT write_log('x')",
    "SELECT * FROM staff; FROM {alias}.vip",
    "PIVOT staff ON nick USING count(*)",
    "SELECT 'x'::{alias}.main.mood",
    "SELECT rowid FROM staff",
    "FROM '{dir}/leak.parquet'",
    "FROM read_parquet('{dir}/leak.parquet')",
    # DuckDB allows the paths of what it has attached, and nothing takes them back.
    "FROM read_blob('{dir}/bank.duckdb')",
    "FROM read_duckdb('{dir}/bank.duckdb', table_name='vip')",
    "",
    ";",
]


@pytest.mark.parametrize("statement", OPEN)
def test_what_the_lock_leaves_open_is_refused(bank: Path, statement: str) -> None:
    engine = DuckDBEngine.open(str(bank))
    alias = acquire(find_source(str(bank)), Settings(max_seconds=3600.0))
    try:
        text = statement.format(dir=bank.parent, alias=alias.alias)
        shadow = Shadow(dataset="staff", source="staff", projection=('"id"', '"nick"'))
        for shadows in ((), (shadow,)):
            with pytest.raises(AureusError) as caught:
                engine.prepare(Plan(sql=text, bound=text, dialect="duckdb", shadows=shadows), ())
            assert MARKER not in str(caught.value)
    finally:
        alias.release()
        engine.close()


WANTED = {
    "enable_external_access": "false",
    "lock_configuration": "true",
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "allow_unredacted_secrets": "false",
    "temp_directory": "",
    "errors_as_json": "true",
    "arrow_large_buffer_size": "true",
    "TimeZone": "UTC",
    "threads": "2",
    "max_execution_time": "20000",
    "allowed_directories": "[]",
}


def test_every_session_has_every_setting(instance: Instance) -> None:
    """A plain SET holds for one session only; cursors beyond the prepared ones must be as tight."""
    for _ in range(12):
        rows = instance.cursor().execute("SELECT name, value FROM duckdb_settings()").fetchall()
        assert {name: value for name, value in rows if name in WANTED} == WANTED


def test_memory_is_bounded_and_nothing_spills(instance: Instance, bank: Path) -> None:
    before = snapshot(bank.parent)
    with pytest.raises(duckdb.OutOfMemoryException):
        instance.cursor().execute("SELECT i, count(*) FROM range(20000000) r(i) GROUP BY 1 ORDER BY 2").fetchall()
    assert snapshot(bank.parent) == before


def test_a_folder_allows_its_parquet_files_and_no_other(tmp_path: Path) -> None:
    data, outside = tmp_path / "data", tmp_path / "outside"
    data.mkdir()
    outside.mkdir()
    with duckdb.connect() as con:
        for path in (data / "a.parquet", data / "b.csv", outside / "c.parquet"):
            con.execute(f"COPY (SELECT 1 AS x) TO '{path}'")
    (data / "linked.parquet").symlink_to(outside / "c.parquet")
    instance = acquire(find_source(str(data)), Settings())
    con = instance.cursor()
    try:
        assert [con.execute(f"FROM {raw.sql}").fetchall() for raw in instance.raw.values()] == [[(1,)]] * 3
        (data / "late.parquet").write_bytes((data / "a.parquet").read_bytes())
        for text in (
            f"FROM read_csv('{data}/b.csv')",
            f"FROM '{data}/late.parquet'",
            f"FROM '{data}/../outside/d.parquet'",
            f"FROM read_parquet('{data}/*.parquet')",
            f"COPY (SELECT 1) TO '{data}/a.parquet'",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(text).fetchall()
    finally:
        instance.release()


def test_a_folders_files_cannot_be_named_or_written(tmp_path: Path) -> None:
    """DuckDB itself would read, and even overwrite, an allowed path: here `prepare` is the wall."""
    path = tmp_path / "a.parquet"
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT 1 AS x) TO '{path}'")
    before = path.read_bytes()
    engine = DuckDBEngine.open(str(tmp_path))
    shadow = Shadow(dataset="a", source="a.parquet", projection=('"x"',))
    for text in (
        f"FROM '{path}'",
        f"FROM a, '{path}'",
        f"FROM read_parquet('{path}')",
        f"FROM a WHERE x IN (FROM read_parquet('{path}'))",
        f"FROM read_blob('{path}')",
        f"FROM parquet_metadata('{path}')",
        f"COPY (SELECT 2) TO '{path}' (USE_TMP_FILE false)",
        f"WITH w AS (COPY (SELECT 2) TO '{path}' (FORMAT csv, USE_TMP_FILE false)) SELECT 1 FROM a",
    ):
        for shadows in ((), (shadow,)):
            with pytest.raises(AureusError):
                engine.prepare(Plan(sql=text, bound=text, dialect="duckdb", shadows=shadows), ())
    engine.close()
    assert path.read_bytes() == before


def test_the_raw_name_cannot_be_guessed(bank: Path) -> None:
    aliases = set()
    for _ in range(3):
        instance = acquire(find_source(str(bank)), Settings())
        aliases.add(instance.alias)
        instance.release()
    assert len(aliases) == 3
    assert all(len(a) > 24 for a in aliases)
