"""Shadows: what a statement reads in place of raw rows, checked on a real engine."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest
from shadows import (
    CATALOG,
    FACTS,
    TYPES,
    X,
    deep,
    mask,
    plan_with,
    pseudonym,
    rule,
    text_of,
    within,
    written,
)

from aureus_jupyter.core.rewrite import literal, quoted, rewrite, without
from aureus_jupyter.errors import Bug, Refused
from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.obligations import Condition, Hide, SummaryOnly, Within
from aureus_jupyter.values.plan import INNER_PAD, MARK, OUTER_PAD
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Scalar, Verdict, VerdictKind

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
    (mask("n", MaskMethod.ROUND, step="0.5"), "1234.50"),
    (mask("f", MaskMethod.ROUND, step="2"), "-2.0"),
    (mask("big", MaskMethod.ROUND, step="1000"), "-9223372036854775000"),
    (mask("T", MaskMethod.HASH), pseudonym("CZ6508")[:16]),
    (mask("t", MaskMethod.PARTIAL, start=2, keep=1), "CZ•••8"),
    (mask("t", MaskMethod.PARTIAL, start=0, keep=1), "•••8"),
    (mask("t", MaskMethod.PARTIAL, start=5, keep=1), "•••"),
    (mask("t", MaskMethod.EMAIL), "•••"),
    (mask("n", MaskMethod.BUCKET, edges=("0", "1000", "2000")), "1000.00"),
    (mask("small", MaskMethod.BUCKET, edges=("-1000",)), None),
]


@pytest.mark.parametrize(("rule_", "shown"), MASKED, ids=[f"{m.method}-{m.column}" for m, _ in MASKED])
def test_masks_keep_type_and_null(rule_: Mask, shown: str | None, raw: duckdb.DuckDBPyConnection) -> None:
    shadow = plan_with([rule_]).shadows[0]
    text = text_of(shadow)
    column = rule_.column.lower()
    assert MARK not in text
    rows = raw.execute(f"select {column}::varchar from ({text}) order by 1 nulls last").fetchall()
    assert rows == [(shown,), (None,)]
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
        mask("i", MaskMethod.HASH),
        mask("s", MaskMethod.NULL),
        mask("n", MaskMethod.PARTIAL),
        mask("t", MaskMethod.PARTIAL, start=-1),
        mask("n", MaskMethod.EMAIL),
        mask("t", MaskMethod.BUCKET, edges=("1",)),
        mask("n", MaskMethod.BUCKET),
        mask("n", MaskMethod.BUCKET, edges=("2", "1")),
        mask("n", MaskMethod.BUCKET, edges=("1", "1")),
        mask("n", MaskMethod.BUCKET, edges=("1", "x")),
        mask("n", MaskMethod.TOKEN),
        mask("n", MaskMethod.CONSTANT, value="x"),
        mask("n", MaskMethod.CONSTANT, value=True),
        mask("d", MaskMethod.CONSTANT, value="yesterday"),
        mask("t", MaskMethod.CONSTANT, value=5),
        mask("b", MaskMethod.CONSTANT, value="true"),
        mask("t", MaskMethod.CONSTANT),
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
    (within(Within(dataset="Site", column="ID")), 1),
    (within(Within(dataset="site", column="land")), 0),
    (within(Within(dataset="site", column="id", conditions=(Condition(column="t", op=Op.IN, values=("a",)),))), 1),
    (within(Within(dataset="site", column="id", conditions=(Condition(column="t", op=Op.IN, values=("b",)),))), 0),
    (within(Within(dataset="site", column="id", conditions=(Condition(column="land", op=Op.GT, values=(0,)),) * 2)), 1),
    (within(deep(5)), 1),
    (written("t like 'CZ%' and i between 1 and 20"), 1),
    (written("x.t = 'nothing'"), 0),
    (written("contains(array['CZ6508'], t)"), 1),
    (written("substr(t, 1, 2) = 'CZ' and coalesce(i, 0) > 1"), 1),
    (written("current_user = 'ana'"), 0),
    (written("year(d) = 2024 or regexp_like(t, '^X')"), 1),
]


@pytest.mark.parametrize(("rule_", "rows"), FILTERS)
def test_filters(rule_: Filter, rows: int, raw: duckdb.DuckDBPyConnection) -> None:
    shadow = plan_with(filters=[rule_]).shadows[0]
    assert shadow.barrier
    assert raw.execute(f"select count(*) from ({text_of(shadow)})").fetchone() == (rows,)


@pytest.mark.parametrize(
    "bad",
    [
        rule("nosuch", Op.IS_NULL),
        rule("i", Op.LT),
        rule("i", Op.LT, 1, 2),
        rule("i", Op.WITHIN),
        within(Within(dataset="nosuch", column="id")),
        within(Within(dataset="site", column="nosuch")),
        within(Within(dataset="site", column="id", conditions=(Condition(column="nosuch", op=Op.IN),))),
        within(deep(6)),
    ],
)
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


def test_filters_that_share_a_name_are_alternatives(raw: duckdb.DuckDBPyConnection) -> None:
    def count(*rules: Filter) -> int:
        found = raw.execute(f"select count(*) from ({text_of(plan_with(filters=list(rules)).shadows[0])})").fetchone()
        return int(found[0]) if found else -1

    no, yes = rule("i", Op.IN, 1, any_of="sites"), rule("t", Op.IN, "CZ6508", any_of="sites")
    assert (count(no), count(yes), count(no, yes)) == (0, 1, 1)
    assert count(no, yes, rule("i", Op.IN, 2)) == 0, "other filters hold beside the alternatives"
    assert count(rule("i", Op.IN, 1, any_of="a"), rule("i", Op.IN, 17, any_of="b")) == 0, "two names are two conditions"


def test_hidden_columns_are_not_there(raw: duckdb.DuckDBPyConnection) -> None:
    hides = tuple(Hide(policy="p", dataset="X", column=name, reason="r") for name in ("T", "i"))
    shadow = plan_with(filters=[rule("t", Op.IN, "CZ6508")], hidden=hides).shadows[0]
    names = [row[0] for row in raw.execute(f"describe {text_of(shadow)}").fetchall()]
    assert tuple(names) == shadow.columns == tuple(name for name in TYPES if name not in {"t", "i"})
    assert raw.execute(f"select count(*) from ({text_of(shadow)})").fetchone() == (1,), "the policy still filters by it"
    every = tuple(Hide(policy="p", dataset="x", column=name, reason="r") for name in TYPES)
    with pytest.raises(Refused, match="hides every column"):
        plan_with(hidden=every)


def test_what_is_left_of_a_key_is_no_key() -> None:
    keyed = replace(X, columns=tuple(replace(c, key=c.name in {"t", "i"}) for c in X.columns))
    hide = Hide(policy="p", dataset="x", column="i", reason="r")
    assert not any(c.key for c in without(keyed, (hide,)).columns)
    other = Hide(policy="p", dataset="x", column="n", reason="r")
    assert [c.name for c in without(keyed, (other,)).columns if c.key] == ["t", "i"]
    assert without(keyed, (Hide(policy="p", dataset="y", column="i", reason="r"),)) is keyed


def test_expressions_of_policy_engines(raw: duckdb.DuckDBPyConnection) -> None:
    shown = mask("t", MaskMethod.EXPRESSION, expression="concat(substr(t, 1, 2), '***', current_user)")
    shadow = plan_with([shown], [written("i > 0")], can_raise=False, principal=Principal(name="o'neil")).shadows[0]
    assert raw.execute(f"select t from ({text_of(shadow)})").fetchall() == [("CZ***o'neil",)]
    assert shadow.barrier, "nobody knows whether such a mask can raise"
    assert not plan_with(filters=[written("i > 0")], can_raise=False).shadows[0].barrier


BAD_EXPRESSIONS = [
    "",
    "i >",
    "i; select 1",
    "i, t",
    "i from x",
    "nosuch = 1",
    "y.t = 'a'",
    "s.x.t = 'a'",
    "t in (select t from x)",
    "exists (select 1)",
    "read_text('/etc/passwd') = ''",
    "getvariable('x')",
    "t = :a",
    "count(*) > 1",
    "sum(i) over () > 1",
    "cast(t as geometry) is null",
    "i where true",
    "1 as one",
    "'a' || '" + "x" * 5000 + "'",
    "(((" * 400,
    "*",
    "random() < 1",
]


@pytest.mark.parametrize("bad", BAD_EXPRESSIONS)
def test_an_expression_that_is_not_understood_refuses(bad: str) -> None:
    with pytest.raises(Refused) as caught:
        plan_with(filters=[written(bad)])
    assert caught.value.code == "policy_expression"
    assert not bad or bad not in str(caught.value)


def test_what_nobody_meets_yet_refuses() -> None:
    only = SummaryOnly(policy="p", dataset="x", smallest=5, reason="r")
    with pytest.raises(Refused) as caught:
        rewrite("select 1", FACTS, Verdict(kind=VerdictKind.ALLOW, summaries=(only,)), CATALOG, "duckdb")
    assert caught.value.code == "cannot_meet"


def test_no_name_and_no_constant_holds_a_mark_of_ours() -> None:
    strange = Dataset(name="x", pack="p", source="x", columns=(Column(name=OUTER_PAD, type="VARCHAR"),))
    with pytest.raises(Refused) as caught:
        plan_with(catalog=Catalog(datasets=(strange,)))
    assert caught.value.code == "bad_name"
    with pytest.raises(Refused):
        plan_with(filters=[rule("t", Op.IN, INNER_PAD)])


def test_a_dialect_nobody_wrote_masks_for_is_our_fault() -> None:
    with pytest.raises(Bug):
        plan_with([mask("t", MaskMethod.NULL)], dialect="oracle")


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
