"""Shadows: what a statement reads in place of raw rows, checked on a real engine."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from aureus_jupyter.core.rewrite import literal, quoted, rewrite
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.plan import KEY_MARKER
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Scalar, Verdict, VerdictKind

TYPES = {
    "t": "VARCHAR",
    "d": "DATE",
    "ts": "TIMESTAMP",
    "n": "DECIMAL(18,2)",
    "i": "INTEGER",
    "s": "STRUCT(a INTEGER)",
    "v": "INTERVAL",
}
CATALOG = Catalog(
    datasets=(Dataset(name="x", pack="p", source="x", columns=tuple(Column(name=n, type=t) for n, t in TYPES.items())),)
)
FACTS = Facts(tables=(TableUse(dataset="x", columns=("t",)),), can_raise=True)


def plan_with(
    masks: list[Mask] | None = None, filters: list[Filter] | None = None, dialect: str = "duckdb", **more: Any
):
    verdict = Verdict(
        kind=VerdictKind.ALLOW, masks=tuple(masks or ()), filters=tuple(filters or ()), rows=more.pop("cap", None)
    )
    return rewrite("select :a from x", FACTS, verdict, CATALOG, dialect, **more)


def mask(column: str, method: MaskMethod, **more: Any) -> Mask:
    return Mask(policy="p", dataset="X", column=column, method=method, reason="r", **more)


def rule(column: str, op: Op, *values: Scalar) -> Filter:
    return Filter(policy="p", dataset="x", column=column, op=op, values=values, reason="r")


@pytest.fixture(scope="module")
def raw() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "create table raw as select 'CZ6508' as t, date '2024-05-17' as d, timestamp '2024-05-17 10:00' as ts, "
        "1234.56::decimal(18,2) as n, 17 as i, {'a': 1} as s, interval 1 day as v "
        "union all select null,null,null,null,null,null,null"
    )
    return connection


MASKED = [
    (mask("t", MaskMethod.NULL), None),
    (mask("t", MaskMethod.REDACT), "•••"),
    (mask("n", MaskMethod.REDACT), None),
    (mask("t", MaskMethod.LAST, keep=2), "•••08"),
    (mask("t", MaskMethod.LAST, keep=6), "•••"),
    (mask("d", MaskMethod.YEAR), "2024-01-01"),
    (mask("ts", MaskMethod.MONTH), "2024-05-01 00:00:00"),
    (mask("n", MaskMethod.ROUND, step="1000"), "1000.00"),
    (mask("i", MaskMethod.ROUND, step="10"), "10"),
    (mask("T", MaskMethod.HASH), "sha"),
]


@pytest.mark.parametrize(("rule_", "shown"), MASKED, ids=[f"{m.method}-{m.column}" for m, _ in MASKED])
def test_masks_keep_type_and_null(rule_: Mask, shown: str | None, raw: duckdb.DuckDBPyConnection) -> None:
    shadow = plan_with([rule_]).shadows[0]
    text = shadow.select("raw", "'key'")
    column = rule_.column.lower()
    assert KEY_MARKER not in text
    rows = raw.execute(f"select {column}::varchar from ({text}) order by 1 nulls last").fetchall()
    if shown == "sha":
        assert rows[0][0] != "CZ6508" and len(rows[0][0]) == 16
    else:
        assert rows[0][0] == shown
    assert rows[1][0] is None
    types = {n: t for n, t, *_ in raw.execute(f"describe {text}").fetchall()}
    assert types == {k: v if v != "STRUCT(a INTEGER)" else types["s"] for k, v in TYPES.items()}


@pytest.mark.parametrize(
    "bad",
    [
        mask("n", MaskMethod.LAST),
        mask("t", MaskMethod.LAST, keep=-1),
        mask("t", MaskMethod.YEAR),
        mask("t", MaskMethod.ROUND),
        mask("v", MaskMethod.ROUND, step="10"),
        mask("n", MaskMethod.ROUND, step="0"),
        mask("n", MaskMethod.ROUND, step="1; drop"),
        mask("n", MaskMethod.HASH),
        mask("s", MaskMethod.NULL),
    ],
)
def test_a_mask_that_cannot_be_kept_refuses(bad: Mask) -> None:
    with pytest.raises(Refused) as caught:
        plan_with([bad])
    assert caught.value.code == "cannot_mask"


FILTERS = [
    (rule("t", Op.IN, "CZ6508", "it's"), 1),
    (rule("t", Op.IN), 0),
    (rule("t", Op.NOT_IN, "CZ6508"), 0),
    (rule("t", Op.NOT_IN), 1),
    (rule("i", Op.LT, 18), 1),
    (rule("i", Op.LE, 16), 0),
    (rule("i", Op.GT, 16), 1),
    (rule("i", Op.GE, 18), 0),
    (rule("t", Op.IS_NULL), 1),
    (rule("t", Op.NOT_NULL), 1),
]


@pytest.mark.parametrize(("rule_", "rows"), FILTERS)
def test_filters(rule_: Filter, rows: int, raw: duckdb.DuckDBPyConnection) -> None:
    shadow = plan_with(filters=[rule_]).shadows[0]
    assert shadow.barrier
    assert raw.execute(f"select count(*) from ({shadow.select('raw')})").fetchone() == (rows,)


@pytest.mark.parametrize("bad", [rule("nosuch", Op.IS_NULL), rule("i", Op.LT), rule("i", Op.LT, 1, 2)])
def test_a_filter_that_cannot_be_kept_refuses(bad: Filter) -> None:
    with pytest.raises(Refused) as caught:
        plan_with(filters=[bad])
    assert caught.value.code == "cannot_filter"


def test_the_users_text_and_the_caps() -> None:
    plan = plan_with(cap=10, rows=5)
    assert (plan.sql, plan.bound, plan.rows) == ("select :a from x", "select $a from x", 5)
    assert plan_with(dialect="postgres").bound == "select :a from x"
    assert plan_with().rows is None
    assert not plan_with().shadows[0].barrier
    assert "CREATE TEMP VIEW" in plan.rewritten()
    assert plan.digest() != plan_with(cap=4).digest()


def test_postgres_hash_names_its_own_schema() -> None:
    assert "pg_catalog.sha256(" in plan_with([mask("t", MaskMethod.HASH)], dialect="postgres").shadows[0].select("raw")


@pytest.mark.parametrize(
    ("value", "text"), [(None, "NULL"), (True, "TRUE"), (False, "FALSE"), (3, "3"), ("o'x", "'o''x'")]
)
def test_literals(value: Scalar, text: str) -> None:
    assert literal(value) == text


def test_literal_refuses_nul() -> None:
    with pytest.raises(Refused):
        literal("a\x00")
    assert quoted('a"b') == '"a""b"'
