"""How many raw rows a statement would scan: an upper bound where the engine knows, an estimate, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pytest
from ledger import STAFF as PG_STAFF
from ledger import planned
from staff import SHOWN, STAFF, parquet, plan

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.engines.duckdb_cost import rows_scanned
from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.values.plan import OUTER_PAD, RAW, Shadow, raw_marker

FILTERED = replace(SHOWN, where=f"{RAW}.id < 5", barrier=True)
KEYED = replace(
    SHOWN, projection=('"id"', '"nick"', f"CASE WHEN {OUTER_PAD} IS NULL THEN NULL END::DECIMAL(18,2) AS wage")
)
WITHIN = replace(SHOWN, where=f"{RAW}.nick IN (SELECT o.name FROM {raw_marker('hq.site')} AS o)", others=("hq.site",))


def scanned(engine: DuckDBEngine, sql: str, shadow: Shadow = SHOWN, **values: int) -> int | None:
    asked = plan(sql, shadow)
    engine.prepare(asked, (STAFF,))
    return engine.scanned(asked, values)


@pytest.fixture
def engine(bank: Path) -> Iterator[DuckDBEngine]:
    made = DuckDBEngine.open(str(bank))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("sql", "shadow", "rows"),
    [
        ("SELECT id FROM staff", SHOWN, 1000),
        ("SELECT id FROM staff WHERE id = 3", SHOWN, 1000),
        ("SELECT id FROM staff WHERE id = 3", FILTERED, 1000),
        ("SELECT id FROM staff LIMIT 1", FILTERED, 1000),
        ("SELECT count(*) FROM staff", SHOWN, 1000),
        ("SELECT a.id FROM staff a JOIN staff b USING (id)", FILTERED, 2000),
        ("SELECT a.id FROM staff a, staff b, staff c", SHOWN, 3000),
        ("WITH w AS (SELECT id FROM staff) SELECT * FROM w a JOIN w b USING (id)", SHOWN, 2000),
        ("SELECT 1 AS a FROM staff WHERE false", SHOWN, 1000),
        ("SELECT id FROM staff", WITHIN, 1001),
    ],
)
def test_every_scan_counts_all_rows_of_its_table(sql: str, shadow: Shadow, rows: int, engine: DuckDBEngine) -> None:
    found = scanned(engine, sql, shadow)
    assert found is not None
    assert 1000 <= found <= rows
    if "WITH" not in sql:
        assert found == rows


def test_the_key_of_a_mask_is_a_row_of_its_own(engine: DuckDBEngine) -> None:
    assert scanned(engine, "SELECT * FROM staff", KEYED) in {1000, 1001}


def test_a_parameter_is_bound(engine: DuckDBEngine) -> None:
    asked = replace(
        plan("SELECT id FROM staff WHERE id = :n"), bound="SELECT id FROM staff WHERE id = $n", parameters=("n",)
    )
    engine.prepare(asked, (STAFF,))
    assert engine.scanned(asked, {"n": 3}) == 1000


def test_nobody_knows_how_often_a_recursion_scans(engine: DuckDBEngine) -> None:
    sql = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT r.n + 1 FROM r JOIN staff s ON s.id = r.n WHERE r.n < 3) SELECT n FROM r"
    assert scanned(engine, sql) is None


def test_a_raw_view_counts_what_is_below_it(tmp_path: Path) -> None:
    path = tmp_path / "views.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE people AS SELECT i AS id, 'n' AS nick, 1::DECIMAL(18,2) AS wage FROM range(500) r(i)")
        con.execute("CREATE VIEW seen AS FROM people")
    engine = DuckDBEngine.open(str(path))
    try:
        assert scanned(engine, "SELECT id FROM staff WHERE id = 1", replace(SHOWN, source="seen")) == 500
    finally:
        engine.close()


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files(kind: str, tmp_path: Path) -> None:
    rows = "SELECT i AS id, 'n' || i AS nick, CAST(i AS DECIMAL(18,2)) AS wage FROM range(1200) r(i)"
    name = tmp_path / f"staff.{kind}"
    if kind == "parquet":
        parquet(rows, name)
    else:
        with duckdb.connect() as con:
            con.execute(f"COPY ({rows}) TO '{name}' (HEADER)")
    shadow = Shadow(dataset="Staff", source=name.name, projection=('"id"', '"nick"', "NULL::DECIMAL(18,2) AS wage"))
    engine = DuckDBEngine.open(str(tmp_path))
    try:
        asked = plan("SELECT a.id FROM staff a JOIN staff b USING (id) WHERE a.id < 4", shadow)
        engine.prepare(asked, ())
        assert engine.scanned(asked, {}) == 2400
    finally:
        engine.close()


def test_a_scan_nobody_knows_counts_as_the_largest() -> None:
    tree = [{"name": "SEQ_SCAN ", "extra_info": {"Table": "new"}, "children": []}]
    assert rows_scanned(json.dumps(tree), {"a": 7, "b": 100}) == 207
    assert rows_scanned("[]", {}) == 0


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def counted(postgres: str) -> str:
    from ledger import SETUP

    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(SETUP)
    return postgres


def of_postgres(url: str, sql: str, dataset: object = PG_STAFF) -> int | None:
    made = PostgresEngine.open(url.replace("bank@", "reader@"), mask_key=b"k" * 32)
    try:
        asked = planned(sql)
        made.prepare(asked, [dataset])  # type: ignore[list-item]
        return made.scanned(asked, {})
    finally:
        made.close()


@pytest.mark.postgres
def test_postgres_knows_once_statistics_were_collected(counted: str) -> None:
    with psycopg.connect(counted, autocommit=True) as connection:
        connection.execute("ALTER TABLE bank.staff SET (autovacuum_enabled = false)")
        assert of_postgres(counted, "SELECT id FROM staff WHERE id = 3") is None
        connection.execute("ANALYZE bank.staff")
        assert of_postgres(counted, "SELECT id FROM staff WHERE id = 3") in {101, 102}
        twice = of_postgres(counted, "SELECT a.id FROM staff a JOIN staff b ON a.id = b.id")
        assert twice in {202, 203}
        connection.execute("INSERT INTO bank.staff (id) SELECT i FROM generate_series(1000, 20000) AS g(i)")
        grown = of_postgres(counted, "SELECT id FROM staff")
        assert grown is not None
        assert 1_000 < grown < 100_000, "the planner scales what it counted by the pages there are"
        connection.execute("DELETE FROM bank.staff WHERE id >= 1000")
        step = "SELECT r.n + 1 FROM r JOIN staff s ON s.id = r.n WHERE r.n < 3"
        recursive = f"WITH RECURSIVE r AS (SELECT 1::bigint AS n UNION ALL {step}) SELECT n FROM r"
        assert of_postgres(counted, recursive) is None


@pytest.mark.postgres
def test_postgres_partitions_count_together(counted: str) -> None:
    columns = ", ".join(f"{c.name} {c.type.replace('DOUBLE', 'double precision')}" for c in PG_STAFF.columns)
    with psycopg.connect(counted, autocommit=True) as connection:
        connection.execute("ALTER TABLE bank.staff RENAME TO staff_1")
        try:
            connection.execute(f"CREATE TABLE bank.staff ({columns}) PARTITION BY RANGE (id)")
            for n in (0, 1):
                connection.execute(
                    f"CREATE TABLE bank.staff_p{n} PARTITION OF bank.staff FOR VALUES FROM ({n * 100}) TO ({n * 100 + 100})"
                )
            connection.execute("INSERT INTO bank.staff (id) SELECT i FROM generate_series(0, 199) AS g(i)")
            connection.execute("GRANT SELECT ON bank.staff TO reader")
            assert of_postgres(counted, "SELECT id FROM staff") is None
            connection.execute("ANALYZE bank.staff")
            assert of_postgres(counted, "SELECT id FROM staff") in {200, 201}
        finally:
            connection.execute("DROP TABLE bank.staff CASCADE")
            connection.execute("ALTER TABLE bank.staff_1 RENAME TO staff")


@pytest.mark.postgres
def test_postgres_does_not_know_a_view(counted: str) -> None:
    with psycopg.connect(counted, autocommit=True) as connection:
        connection.execute(
            "ANALYZE bank.staff; CREATE VIEW bank.seen AS SELECT * FROM bank.staff; GRANT SELECT ON bank.seen TO reader"
        )
    made = PostgresEngine.open(counted.replace("bank@", "reader@"), mask_key=b"k" * 32)
    dataset = replace(PG_STAFF, source="bank.seen")
    asked = planned("SELECT id FROM staff")
    asked = replace(asked, shadows=tuple(replace(s, source="bank.seen") for s in asked.shadows))
    try:
        made.prepare(asked, [dataset])
        assert made.scanned(asked, {}) is None
    finally:
        made.close()
