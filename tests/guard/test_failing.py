"""What can raise, judged over the engine's tree and then tried on rows that would make it raise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aureus_jupyter.adapters.engines.duckdb_reading import DuckDBReader
from aureus_jupyter.core.failing import can_raise
from aureus_jupyter.core.kinds import ANY, kind_of_literal, kind_of_type, kind_of_value, meet
from aureus_jupyter.values.catalog import Column, Dataset

TYPES = {
    "badge": "VARCHAR",
    "note": "VARCHAR",
    "day": "DATE",
    "moment": "TIMESTAMP",
    "n": "INTEGER",
    "tiny": "TINYINT",
    "big": "BIGINT",
    "huge": "HUGEINT",
    "wage": "DECIMAL(18,2)",
    "wide": "DECIMAL(38,0)",
    "score": "DOUBLE",
    "ok": "BOOLEAN",
    "tags": "VARCHAR[]",
    "s": "STRUCT(n INTEGER, badge VARCHAR)",
    "k": "INTEGER",
}
STAFF = Dataset(name="staff", pack="p", source="staff", columns=tuple(Column(name=n, type=t) for n, t in TYPES.items()))
SHIFT = Dataset(
    name="shift",
    pack="p",
    source="shift",
    columns=(Column(name="k", type="INTEGER"), Column(name="hours", type="DOUBLE"), Column(name="day", type="VARCHAR")),
)


@pytest.fixture(scope="module")
def reader() -> Iterator[DuckDBReader]:
    made = DuckDBReader()
    yield made
    made.close()


def raises(reader: DuckDBReader, sql: str, *datasets: Dataset, **values: Any) -> bool:
    kinds = {name: kind_of_value(value) for name, value in values.items()}
    return can_raise(reader.read(sql).second.tree, datasets or (STAFF,), kinds)


CORPUS = Path(__file__).parents[1] / "corpus"
SAFE = (CORPUS / "never_raises.txt").read_text("utf-8").splitlines()
UNSAFE = (CORPUS / "can_raise.txt").read_text("utf-8").splitlines()
PLACES = [
    "select n from staff where {}", "select n from staff, shift where {}", "select {} from staff", "select n from staff order by {}",
    "select count(*) filter (where {}) from staff", "select n from staff qualify sum(n) over (partition by {}) > 1",
    "with x as (select n from staff where {}) select * from x", "select * from (select n from staff where {}) t",
    "select sum(n) from staff group by {}", "select n from staff union all select n from staff where {}",
    "select distinct on ({}) n from staff", "select max(badge order by {}) from staff",
    "select n from staff where n > (select max(k) from shift s where {})",
]  # fmt: skip
VALUES: Mapping[str, Any] = {"five": 5, "word": "x1", "today": "2020-01-01", "nothing": None}


def bound(condition: str) -> dict[str, Any]:
    return {name: value for name, value in VALUES.items() if f":{name}" in condition}


def dollars(sql: str) -> str:
    for name in (*VALUES, "unknown"):
        sql = sql.replace(f":{name}", f"${name}")
    return sql


@pytest.mark.parametrize("condition", SAFE)
def test_what_never_raises(condition: str, reader: DuckDBReader) -> None:
    sql = dollars(f"select n from staff where {condition}")
    assert not raises(
        reader, sql, STAFF, *((SHIFT,) if "shift" in sql and "day" not in sql else ()), **bound(condition)
    )


@pytest.mark.parametrize("condition", UNSAFE)
def test_what_can_raise(condition: str, reader: DuckDBReader) -> None:
    assert raises(reader, dollars(f"select n from staff where {condition}"), STAFF, SHIFT, **bound(condition))


@pytest.mark.parametrize("place", PLACES)
def test_in_every_place(place: str, reader: DuckDBReader) -> None:
    assert raises(reader, place.format("badge = 5"), STAFF)
    assert not raises(reader, place.format("badge = '5'"), STAFF)


STATEMENTS = {
    "select * from staff join shift using (k)": False,
    "select * from staff join shift on staff.k = shift.k": False,
    "select * from staff join shift using (day)": True,
    "select * from staff natural join shift": True,
    "select * from staff join shift on staff.day = shift.day": True,
    "select * from staff, range(3)": True,
    "select * from (values (1)) v(n), staff": True,
    "select badge as k from staff where k = 5": True,  # a name that means two kinds
    "select q from (select k as q from (select badge as k from staff) s) t where q = 5": True,
    "select badge as z from staff where z = '5'": False,
    "with x(m) as (select badge from staff) select m from x where m = 5": True,
    "with x as (select badge as m from staff) select m from x where m = '5'": False,
    "select m from (select badge from staff) x(m) where m = 5": True,
    "with recursive x as (select 1 as n union all select n + 1 from x where n < 3) select * from x": True,
    "select n from staff union select badge from staff": True,
    "select n, badge from staff union select k, note from staff": False,
    "select n from staff union (select k from staff union select 1)": False,
    "select * from staff union select * from staff": True,
    "select n from staff union all by name select n from staff": True,
    "select * replace (badge::int as badge) from staff": True,
    "select * exclude (badge) from staff": False,
    "select badge, count(*) from staff group by badge having count(*) > 3 and sum(n) > 2.5": False,
    "select badge from staff group by all having sum(n)::integer > 2": False,
    "select badge, lag(n, 1, 0) over (partition by badge order by day) from staff": False,
    "select sum(n) over (order by n rows between 1 preceding and current row) from staff": False,
    "select lag(n, badge::int) over () from staff": True,
    "select n from staff limit 5 offset 2": False,
    "pivot staff on badge in ('a') using sum(n)": True,
    "select n from staff tablesample 10 rows": False,
    "select * from (select max(k) m from shift) s, staff where badge = m": True,
    "select * from (select max(badge) m from staff) s, staff where badge = m": False,
    "select * from (select sum(k) m from shift) s, staff where badge = m": True,
    "select * from (select count(*) m, bool_and(ok) b, stddev(n) d, row_number() over () r from staff) where m = 1 and b and d > r": False,
    "select badge from staff group by badge having max(n) = badge": False,
    "select badge from staff where ok group by badge having max(n) > 3 or count(*) > 2": False,
    "select string_agg(badge, ',' order by n) from staff": False,
}


@pytest.mark.parametrize(("sql", "expected"), STATEMENTS.items())
def test_statements(sql: str, expected: bool, reader: DuckDBReader) -> None:
    assert raises(reader, sql, STAFF, *((SHIFT,) if "shift" in sql else ())) is expected


def test_a_layout_nobody_knows_can_raise() -> None:
    assert can_raise(
        {"statements": [{"node": {"type": "SELECT_NODE", "select_list": [{"class": "COMPARISON"}]}}]}, (), {}
    )
    assert can_raise({}, (), {})
    assert can_raise({"statements": [{"node": {"type": "SELECT_NODE", "select_list": [{"class": "NEW"}]}}]}, (), {})


def test_a_chain_of_names_longer_than_anybody_writes_can_raise(reader: DuckDBReader) -> None:
    deep = "select badge as a0 from staff"
    for number in range(1, 14):
        deep = f"select a{number - 1} as a{number} from ({deep}) t{number}"
    assert raises(reader, f"select a13 from ({deep}) t where a13 = 'x'")


def test_kinds() -> None:
    assert kind_of_type("STRUCT(a INTEGER)") is None and kind_of_type("INTEGER[]") is None
    assert kind_of_type("decimal(18, 2)") == kind_of_type("NUMERIC") != kind_of_type("DECIMAL(19,2)")
    assert kind_of_type("TIMESTAMP WITH TIME ZONE") != kind_of_type("TIMESTAMP")
    assert kind_of_literal({"kind": "NUMERIC", "text": "1" * 30}) is None
    assert kind_of_literal({"kind": "BLOB", "text": "1"}) is None
    assert (
        kind_of_value(10**30) is None
        and kind_of_value(1.5) == kind_of_type("DOUBLE")
        and kind_of_value(True) == kind_of_type("BOOLEAN")
    )
    assert meet([]) == meet([ANY, ANY]) == ANY
    assert meet([None, ANY]) is meet([ANY, None]) is meet([kind_of_type("DATE"), kind_of_type("TIME")]) is None


# -- and on rows that would make it raise -------------------------------------------------------------------------------------

MANY = "9" * 38
ROWS = f"""
('', '\\', date '-infinity', timestamp 'infinity', -2147483648, -128, -9223372036854775808, -{2**127 - 1}, -9999999999999999.99,
 -{MANY}, 'nan', true, [], {{'n': 0, 'badge': ''}}, 1),
('B-1é', '%_', date '5877642-06-25 (BC)', timestamp '290309-12-22 (BC) 00:00:00', 2147483647, 127, 9223372036854775807, {2**127 - 1},
 9999999999999999.99, {MANY}, 'infinity', false, ['x', null], null, 2),
('2020-13-45', '1e999', date '5881580-07-10', timestamp '294247-01-10 04:00:54', 0, 0, 0, 0, 0, 0, '-infinity', null, null, null, 3),
(null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)
"""


@pytest.fixture(scope="module")
def extremes() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    fields = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    connection.execute(f"create table staff ({fields})")
    connection.execute(f"insert into staff values {ROWS}")
    connection.execute("create table shift (k integer, hours double, day varchar)")
    connection.execute("insert into shift values (1, 1, 'x'), (1, 'nan', ''), (null, null, null)")
    yield connection
    connection.close()


@pytest.mark.parametrize("condition", [c for c in SAFE if ":" not in c])
def test_what_never_raises_does_not(condition: str, extremes: duckdb.DuckDBPyConnection) -> None:
    extremes.execute(f"select {condition} from staff").fetchall()


CONSTANTS = (
    "'x'|'2020-01-01'|'2020-01-01 10:00:00'|5|-1|2.5|1e300|null|true|12345678901234567890|date '2020-01-01'".split("|")
)
QUERIES = ["(select max(k) from shift)", "(select min(day) from shift)", "(select hours from shift)"]
TERMS = [*TYPES, *CONSTANTS, *QUERIES]
ONE = [
    "lower",
    "trim",
    "length",
    "year",
    "dayname",
    "isnan",
    "sqrt",
    "abs",
    "upper",
    "round",
    "not ",
    "try_cast_int",
    "is_null",
    "among",
]
TWO = ["contains", "starts_with", "concat", "nullif", "greatest", "least", "coalesce", "date_trunc"]
BETWEEN = ["=", "<>", "<", ">=", "is distinct from", "like", "and", "or", "+", "||"]
TARGETS = ["varchar", "double", "bigint", "integer", "date", "timestamp", "boolean"]
FORMS = {
    "try_cast_int": "try_cast({} as integer)",
    "is_null": "({} is null)",
    "among": "({} in (select k from shift))",
    "not ": "(not {})",
}
THREE = [
    "({} between {} and {})",
    "({} in ({}, {}))",
    "(case when {} then {} else {} end)",
    "(case {} when {} then 1 else {} end)",
]


def expressions() -> st.SearchStrategy[str]:
    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.tuples(inner, st.sampled_from(BETWEEN), inner).map(lambda parts: f"({' '.join(parts)})"),
            st.tuples(st.sampled_from(ONE), inner).map(lambda p: FORMS.get(p[0], p[0] + "({})").format(p[1])),
            st.tuples(st.sampled_from(TWO), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
            st.tuples(st.sampled_from(THREE), inner, inner, inner).map(lambda p: p[0].format(*p[1:])),
            st.tuples(inner, st.sampled_from(TARGETS)).map(lambda p: f"({p[0]}::{p[1]})"),
        )

    return st.recursive(st.sampled_from(TERMS), grown, max_leaves=6)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(expression=expressions())
@example(expression="(day = '2020-01-01')")
@example(expression="(case when ok then n else wage end)")
def test_no_random_expression_that_is_let_through_raises(
    expression: str, reader: DuckDBReader, extremes: duckdb.DuckDBPyConnection
) -> None:
    sql = f"select {expression} from staff"
    if raises(reader, sql, STAFF, SHIFT):
        return
    try:
        extremes.execute(f"describe {sql}")
    except duckdb.Error:
        return  # it does not bind, whatever the rows hold
    extremes.execute(sql).fetchall()
