"""The same attacks and summaries on PostgreSQL, whose statements are read in the same layout."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from ward import Ward

from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.errors import AureusError

CORPUS: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "corpus" / "summaries_only.yaml").read_text("utf-8")
)
ATTACKS = [attack for attack in CORPUS["attacks"] if attack.get("engine") != "duckdb"]
SETUP = """
CREATE TABLE stay AS
SELECT i::bigint AS stay_id, (i / 2)::bigint AS person, (ARRAY['north', 'south', 'east'])[1 + i % 3]::varchar AS region,
  (CASE WHEN i % 11 = 0 THEN NULL ELSE (ARRAY['A', 'B'])[1 + (i / 2) % 2] END)::varchar AS ward,
  (20 + (i / 2) % 60)::integer AS age, DATE '2024-01-01' + (i % 360)::integer AS admitted,
  (1 + i % 9)::integer AS nights, (100 + i)::numeric(18,2) AS cost,
  (CASE WHEN i % 4 = 0 THEN i % 7 END)::numeric(18,2) AS surcharge
FROM generate_series(0, 239) r(i);
INSERT INTO stay VALUES (900, NULL, 'west', 'A', 50, '2024-03-01', 2, 1, NULL),
  (901, 901, 'islands', 'A', 99, '2024-03-01', 2, 999, 5),
  (902, 902, 'north', 'A', 33, '2024-03-01', 2, 77, NULL);
CREATE TABLE nurse AS SELECT i::bigint AS nurse_id, 'A'::varchar AS ward FROM generate_series(0, 19) r(i);
CREATE ROLE ward_reader LOGIN;
GRANT SELECT ON stay, nurse TO ward_reader;
"""
ANSWERED = [
    ("SELECT count(*), count(DISTINCT person), sum(cost) FROM stay", None),
    ("SELECT s.ward AS w, round(avg(s.cost), 2), count(*) FROM stay s GROUP BY w ORDER BY 1", None),
    ("SELECT s.ward, sum(cost) FROM stay s GROUP BY 1 ORDER BY count(*) LIMIT 2", None),
    ("SELECT floor(age / 10) AS band, count(*) FROM stay WHERE age < 80 GROUP BY floor(age / 10) ORDER BY 1", None),
    ("SELECT date_trunc('month', admitted), sum(nights) FROM stay GROUP BY 1 ORDER BY 1", None),
    ("SELECT sum(cost) FROM stay WHERE age < :a AND region NOT IN ('west', 'islands') -- ) OR (1 = 1", {"a": 60}),
    (
        "SELECT CASE WHEN age < 40 THEN 'young' ELSE 'old' END AS who, avg(surcharge) FROM stay GROUP BY who ORDER BY who",
        None,
    ),
    ("SELECT ward, count(*) FROM stay GROUP BY ward HAVING count(*) > 50 AND ward IS NOT NULL ORDER BY ward", None),
]


@pytest.fixture(scope="module")
def hospital(postgres: str) -> Iterator[str]:
    with psycopg.connect(postgres, autocommit=True) as con:
        con.execute("DROP TABLE IF EXISTS stay; DROP TABLE IF EXISTS nurse")
        con.execute(SETUP)
    yield postgres
    with psycopg.connect(postgres, autocommit=True) as con:
        con.execute("DROP TABLE stay, nurse; DROP ROLE ward_reader")


@pytest.fixture(scope="module")
def engine(hospital: str) -> Iterator[PostgresEngine]:
    made = PostgresEngine.open(hospital.replace("bank@", "ward_reader@"), mask_key=b"k" * 32)
    yield made
    made.close()


@pytest.mark.parametrize(("sql", "values"), ANSWERED, ids=[sql for sql, _ in ANSWERED])
def test_answered_with_the_right_numbers(
    engine: PostgresEngine, hospital: str, tmp_path: Path, sql: str, values: dict[str, Any] | None
) -> None:
    with psycopg.connect(hospital) as con:
        raw = con.execute(sql.replace(":a", "%(a)s"), values).fetchall()
    found = Ward(engine, tmp_path / "w").ask(sql, values)
    assert [tuple(map(_plain, row)) for row in found] == [tuple(map(_plain, row)) for row in raw]


def _plain(value: Any) -> Any:
    return str(value.normalize()) if isinstance(value, Decimal) else str(value)


@pytest.mark.parametrize(
    "attack",
    [a for a in CORPUS["attacks"] if a.get("engine") != "duckdb"],
    ids=lambda a: f"{a['family']}: {a['sql'][-1]}",
)
def test_attack(attack: dict[str, Any], engine: PostgresEngine, tmp_path: Path) -> None:
    """Refused whatever the reason: what DuckDB alone can read is no statement here."""
    ward = Ward(engine, tmp_path / "w")
    values = attack.get("values", {})
    for sql in attack["sql"][:-1]:
        try:
            ward.ask(sql, values)
        except AureusError as error:
            assert error.code in {"syntax_error", "node_not_allowed", "function_not_allowed"}
            return
    with pytest.raises(AureusError):
        ward.ask(attack["sql"][-1], values)


PAIRS = [
    ("SELECT sum(cost) FROM stay", "SELECT sum(cost) FROM stay WHERE region <> 'islands'"),
    ("SELECT sum(cost) FROM stay WHERE age < 40", "SELECT avg(cost) FROM stay WHERE age < 41"),
    ("SELECT ward, sum(cost) FROM stay GROUP BY ward", "SELECT ward, sum(cost) FROM stay WHERE age < 80 GROUP BY 1"),
    (
        "SELECT count(*) FROM stay",
        "SELECT region, count(*) FROM stay WHERE region IN ('north', 'south', 'east') GROUP BY region",
    ),
    (
        "SELECT floor(age / 10), count(*) FROM stay WHERE age < 80 GROUP BY 1",
        "SELECT count(*) FROM stay WHERE age < 41",
    ),
    (
        "SELECT sum(surcharge) FROM stay WHERE age < 40",
        "SELECT sum(surcharge) FROM stay WHERE age < 40 OR age IN (41, 42, 43, 45)",
    ),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_pairs(engine: PostgresEngine, tmp_path: Path, first: str, second: str) -> None:
    ward = Ward(engine, tmp_path / "w")
    ward.ask(first)
    with pytest.raises(AureusError) as caught:
        ward.ask(second)
    assert caught.value.code == "differencing"
    assert ward.ask(first)


def test_one_after_the_other(engine: PostgresEngine, tmp_path: Path) -> None:
    ward = Ward(engine, tmp_path / "w")
    for sql in (
        "SELECT floor(age / 10), sum(cost) FROM stay WHERE age < 80 GROUP BY 1",
        "SELECT sum(cost) FROM stay WHERE age < 50",
        "SELECT region, sum(cost) FROM stay WHERE age < 80 AND region IN ('north', 'south') GROUP BY region",
    ):
        assert ward.ask(sql)
