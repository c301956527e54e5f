"""Masks and relational filters on real engines: what DuckDB shows, PostgreSQL shows."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import duckdb
import psycopg
import pytest

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.core.rewrite import rewrite
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.obligations import Condition, Filter, Hide, Mask, MaskMethod, Op, Within
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import Verdict, VerdictKind

pytestmark = pytest.mark.postgres

KEY = b"a key for both"
TYPES = {
    "id": "BIGINT",
    "mail": "VARCHAR",
    "name": "VARCHAR",
    "wage": "DECIMAL(18,2)",
    "score": "DOUBLE",
    "floor": "INTEGER",
    "born": "DATE",
    "seen": "TIMESTAMP",
    "active": "BOOLEAN",
    "branch": "INTEGER",
}
ROWS = """
  (1, 'ana@bank.cz', 'Žofie Nováková-7', 1234.56, 2.5, 17, DATE '1980-05-17', TIMESTAMP '2024-01-02 03:04:05', true, 10),
  (-9223372036854775807, '"a@b"@x.org', 'x', -999.99, -2.5, -17, DATE '0001-01-01', TIMESTAMP '1969-12-31 23:59:59', false, 20),
  (3, 'none', '', 0.01, 1e300, 2147483647, DATE '9999-12-31', TIMESTAMP '2024-12-31 23:59:59', NULL, 30),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""
STAFF = Dataset(
    name="staff", pack="p", source="alike.staff", columns=tuple(Column(name=n, type=t) for n, t in TYPES.items())
)
BRANCH = Dataset(
    name="branch",
    pack="p",
    source="alike.branch",
    columns=(
        Column(name="id", type="INTEGER"),
        Column(name="land", type="INTEGER"),
        Column(name="country", type="VARCHAR"),
    ),
)
LAND = Dataset(
    name="land",
    pack="p",
    source="alike.land",
    columns=(Column(name="id", type="INTEGER"), Column(name="open", type="BOOLEAN")),
)
CATALOG = Catalog(datasets=(STAFF, BRANCH, LAND))
FIELDS = ", ".join(f"{name} {kind.replace('DOUBLE', 'DOUBLE PRECISION')}" for name, kind in TYPES.items())
SETUP = f"""
CREATE SCHEMA alike;
CREATE TABLE alike.staff ({FIELDS});
INSERT INTO alike.staff VALUES {ROWS};
CREATE TABLE alike.branch (id INTEGER, land INTEGER, country VARCHAR);
INSERT INTO alike.branch VALUES (10, 1, 'CZ'), (20, 2, 'DE'), (NULL, 1, 'CZ');
CREATE TABLE alike.land (id INTEGER, open BOOLEAN);
INSERT INTO alike.land VALUES (1, true), (2, false);
"""


@pytest.fixture(scope="module")
def engines(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """DuckDB and PostgreSQL over the same rows, with the same key."""
    path = tmp_path_factory.mktemp("alike") / "bank.duckdb"
    with duckdb.connect(str(path)) as raw:
        raw.execute(SETUP)
    with psycopg.connect(postgres, autocommit=True) as boss:
        boss.execute("DROP SCHEMA IF EXISTS alike CASCADE")
        if not boss.execute("SELECT FROM pg_roles WHERE rolname = 'alike'").fetchone():
            boss.execute("CREATE ROLE alike LOGIN")
        boss.execute(SETUP)
        boss.execute("GRANT USAGE ON SCHEMA alike TO alike; GRANT SELECT ON ALL TABLES IN SCHEMA alike TO alike")
    made = {
        "duckdb": DuckDBEngine.open(str(path), mask_key=KEY),
        "postgres": PostgresEngine.open(postgres.replace("bank@", "alike@"), mask_key=KEY),
    }
    yield made
    for engine in made.values():
        engine.close()


def answer(engine: Any, sql: str, *obligations: Mask | Filter | Hide) -> list[tuple[Any, ...]]:
    verdict = Verdict(
        kind=VerdictKind.ALLOW,
        masks=tuple(o for o in obligations if isinstance(o, Mask)),
        filters=tuple(o for o in obligations if isinstance(o, Filter)),
        hidden=tuple(o for o in obligations if isinstance(o, Hide)),
    )
    facts = Facts(tables=(TableUse(dataset="staff", columns=tuple(TYPES)),))
    plan = rewrite(sql, facts, verdict, CATALOG, engine.dialect, principal=Principal(name="ana"))
    engine.prepare(plan, CATALOG.datasets)
    table = engine.run(plan, {}, Limits(seconds=30)).to_arrow()
    return [tuple(row.values()) for row in table.to_pylist()]


def mask(column: str, method: MaskMethod, **more: Any) -> Mask:
    return Mask(policy="p", dataset="staff", column=column, method=method, reason="r", **more)


MASKS = [
    *(mask(column, MaskMethod.NULL) for column in TYPES),
    mask("mail", MaskMethod.REDACT),
    mask("mail", MaskMethod.LAST, keep=3),
    mask("name", MaskMethod.PARTIAL, start=2, keep=1),
    mask("mail", MaskMethod.EMAIL),
    mask("name", MaskMethod.HASH),
    mask("mail", MaskMethod.CONSTANT, value="it's"),
    mask("wage", MaskMethod.CONSTANT, value="-7.5"),
    mask("born", MaskMethod.CONSTANT, value="2000-01-01"),
    mask("active", MaskMethod.CONSTANT, value=True),
    mask("wage", MaskMethod.ROUND, step="100"),
    mask("wage", MaskMethod.ROUND, step="0.5"),
    mask("floor", MaskMethod.ROUND, step="10"),
    mask("score", MaskMethod.ROUND, step="2"),
    mask("id", MaskMethod.ROUND, step="1000"),
    mask("wage", MaskMethod.BUCKET, edges=("-500", "0", "1000")),
    mask("floor", MaskMethod.BUCKET, edges=("0", "100")),
    mask("score", MaskMethod.BUCKET, edges=("-10", "0")),
    mask("born", MaskMethod.YEAR),
    mask("seen", MaskMethod.MONTH),
    mask("name", MaskMethod.EXPRESSION, expression="upper(substr(name, 1, 3)) || '/' || current_user"),
    mask("floor", MaskMethod.EXPRESSION, expression="case when active then floor else 0 end"),
]


@pytest.mark.parametrize("one", MASKS, ids=lambda m: f"{m.method}-{m.column}")
def test_a_mask_shows_the_same_on_both(one: Mask, engines: dict[str, Any]) -> None:
    sql = f"SELECT branch, {one.column} FROM staff ORDER BY branch NULLS LAST"
    found = {name: answer(engine, sql, one) for name, engine in engines.items()}
    assert found["postgres"] == found["duckdb"]
    raw = answer(engines["duckdb"], sql)
    assert found["duckdb"] != raw, "it masks something"
    if one.method is MaskMethod.HASH:
        expected = hmac.new(KEY, raw[0][1].encode(), hashlib.sha256).hexdigest()[:16]
        assert found["postgres"][0][1] == expected


@pytest.mark.parametrize("column", ["name", "mail", "id", "floor"])
@pytest.mark.parametrize("name", ["duckdb", "postgres"])
def test_a_token_keeps_length_and_kinds(name: str, column: str, engines: dict[str, Any]) -> None:
    sql = f"SELECT {column} FROM staff ORDER BY branch NULLS LAST"
    raw, shown = answer(engines[name], sql), answer(engines[name], sql, mask(column, MaskMethod.TOKEN))
    assert raw != shown
    for (was,), (is_,) in zip(raw, shown, strict=True):
        assert (was is None) == (is_ is None)
        for before, after in zip(str(was or ""), str(is_ or ""), strict=True):
            assert after == before if before.isascii() and not before.isalnum() else after.isascii()
            assert not before.isdigit() or after.isdigit()
    assert answer(engines[name], sql, mask(column, MaskMethod.TOKEN)) == shown


@pytest.mark.parametrize("name", ["duckdb", "postgres"])
def test_a_pseudonym_of_a_whole_number(name: str, engines: dict[str, Any]) -> None:
    rows = answer(engines[name], "SELECT id FROM staff", mask("id", MaskMethod.HASH))
    assert len({row[0] for row in rows}) == 4
    assert all(0 <= row[0] < 2**63 for row in rows)


def land(*conditions: Condition) -> Within:
    return Within(dataset="land", column="id", conditions=conditions)


def within(*conditions: Condition) -> Filter:
    other = Within(dataset="branch", column="id", conditions=conditions)
    return Filter(policy="p", dataset="staff", column="branch", op=Op.WITHIN, values=(), within=other, reason="r")


SHUT = Condition(column="open", op=Op.IN, values=(False,))
WITHIN = [
    (within(), [1, -9223372036854775807]),
    (within(Condition(column="country", op=Op.IN, values=("CZ",))), [1]),
    (within(Condition(column="country", op=Op.IN)), []),
    (within(Condition(column="land", op=Op.WITHIN, within=land(SHUT))), [-9223372036854775807]),
]


@pytest.mark.parametrize("name", ["duckdb", "postgres"])
@pytest.mark.parametrize(("rule", "ids"), WITHIN)
def test_rows_are_filtered_by_another_dataset(rule: Filter, ids: list[int], name: str, engines: dict[str, Any]) -> None:
    assert sorted(row[0] for row in answer(engines[name], "SELECT id FROM staff", rule)) == sorted(ids)


@pytest.mark.parametrize("name", ["duckdb", "postgres"])
def test_hidden_columns_do_not_show_in_a_star_and_still_filter(name: str, engines: dict[str, Any]) -> None:
    hides = [Hide(policy="p", dataset="staff", column=column, reason="r") for column in ("mail", "branch")]
    rows = answer(engines[name], "SELECT * FROM staff", *hides, within())
    assert [len(row) for row in rows] == [len(TYPES) - 2] * 2


def test_the_key_stands_in_no_text_and_no_plan(engines: dict[str, Any]) -> None:
    """What a view's text and a plan show to whoever can ask the engine for them: names of the key's place, never the key."""
    pads = [bytes(byte ^ pad for byte in KEY.ljust(64, b"\x00")) for pad in (0x36, 0x5C)]
    told = [form for key in (KEY, *pads) for form in (key.hex(), key.decode("latin-1"))]
    ask = {
        "duckdb": ("SELECT sql FROM duckdb_views() WHERE temporary AND NOT internal", "EXPLAIN SELECT name FROM staff"),
        "postgres": (
            "SELECT pg_get_viewdef('pg_temp.staff'::regclass)",
            "EXPLAIN (VERBOSE) SELECT name FROM pg_temp.staff",
        ),
    }
    for name, engine in engines.items():
        answer(engine, "SELECT name FROM staff", mask("name", MaskMethod.HASH), mask("mail", MaskMethod.TOKEN))
        shown = "\n".join(str(row) for sql in ask[name] for row in engine._con.execute(sql).fetchall())
        assert "sha256" in shown, "the mask is in what was asked"
        assert not [form for form in told if form.lower() in shown.lower()]
