"""Shadows: what a statement reads in place of raw rows, checked on a real engine."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from aureus_jupyter.core.rewrite import literal, quoted, rewrite, without
from aureus_jupyter.errors import Bug, Refused
from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.obligations import Condition, Hide, SummaryOnly, Within
from aureus_jupyter.values.plan import INNER_PAD, MARK, OUTER_PAD, Shadow
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Scalar, Verdict, VerdictKind

TYPES = {
    "t": "VARCHAR",
    "d": "DATE",
    "ts": "TIMESTAMP",
    "n": "DECIMAL(18,2)",
    "i": "INTEGER",
    "big": "BIGINT",
    "small": "SMALLINT",
    "f": "DOUBLE",
    "b": "BOOLEAN",
    "s": "STRUCT(a INTEGER)",
    "v": "INTERVAL",
}
X = Dataset(name="x", pack="p", source="x", columns=tuple(Column(name=n, type=t) for n, t in TYPES.items()))
SITE = Dataset(
    name="site",
    pack="p",
    source="sites.csv",
    columns=(Column(name="id", type="INTEGER"), Column(name="land", type="INTEGER"), Column(name="t", type="VARCHAR")),
)
CATALOG = Catalog(datasets=(X, SITE))
KEY = b"key of the tests"
FACTS = Facts(tables=(TableUse(dataset="x", columns=("t",)),), can_raise=True)


def plan_with(
    masks: list[Mask] | None = None, filters: list[Filter] | None = None, dialect: str = "duckdb", **more: Any
):
    verdict = Verdict(
        kind=VerdictKind.ALLOW,
        masks=tuple(masks or ()),
        filters=tuple(filters or ()),
        hidden=more.pop("hidden", ()),
        rows=more.pop("cap", None),
    )
    facts = replace(FACTS, can_raise=more.pop("can_raise", True))
    return rewrite("select :a from x", facts, verdict, more.pop("catalog", CATALOG), dialect, **more)


def text_of(shadow: Shadow) -> str:
    """The shadow's text over the tables of `raw`, with the key where an engine would put it."""
    others = {"sites.csv": "sites"}
    return shadow.select("raw", ("keys.inner_pad", "keys.outer_pad"), others, "keys")


def pseudonym(value: str) -> str:
    return hmac.new(KEY, value.encode(), hashlib.sha256).hexdigest()


def mask(column: str, method: MaskMethod, **more: Any) -> Mask:
    return Mask(policy="p", dataset="X", column=column, method=method, reason="r", **more)


def rule(column: str, op: Op, *values: Scalar, **more: Any) -> Filter:
    return Filter(policy="p", dataset="x", column=column, op=op, values=values, reason="r", **more)


def within(other: Within) -> Filter:
    return rule("i", Op.WITHIN, within=other)


def deep(levels: int) -> Within:
    inner = (Condition(column="id", op=Op.WITHIN, within=deep(levels - 1)),) if levels > 1 else ()
    return Within(dataset="site", column="id", conditions=inner)


def written(expression: str, **more: Any) -> Filter:
    return rule("", Op.EXPRESSION, expression=expression, **more)


@pytest.fixture(scope="module")
def raw() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "create table raw as select 'CZ6508' as t, date '2024-05-17' as d, timestamp '2024-05-17 10:00' as ts, "
        "1234.56::decimal(18,2) as n, 17 as i, -9223372036854775808 as big, (-32768)::smallint as small, -2.5::double as f, "
        "true as b, {'a': 1} as s, interval 1 day as v "
        "union all select null,null,null,null,null,null,null,null,null,null,null"
    )
    connection.execute(
        "create table sites as select * from (values (17, 1, 'a'), (18, 2, 'b'), (19, null, 'c')) s(id, land, t)"
    )
    connection.execute("create table keys (inner_pad blob, outer_pad blob)")
    padded = KEY.ljust(64, b"\x00")
    connection.execute("insert into keys values (?, ?)", [bytes(b ^ pad for b in padded) for pad in (0x36, 0x5C)])
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


def test_tokens_keep_the_kinds_of_signs(raw: duckdb.DuckDBPyConnection) -> None:
    values = ["CZ65 0800-x", "0", "", "žluťoučký kůň 7", "A" * 1005, "CZ65 0800-x"]
    raw.execute("create or replace table odd as select unnest(?::varchar[]) as t", [values])
    shadow = replace(plan_with([mask("t", MaskMethod.TOKEN)]).shadows[0])
    token = next(part for part in shadow.projection if part.endswith('AS "t"'))
    text = replace(shadow, projection=(token,)).select("odd", ("keys.inner_pad", "keys.outer_pad"), {}, "keys")
    shown = [row[0] for row in raw.execute(text).fetchall()]
    assert shown[0] == shown[5] != values[0]
    for value, token in zip(values, shown, strict=True):
        assert len(token) == min(len(value), 1000)
        for was, is_ in zip(value, token, strict=False):
            kinds = (str.isdigit, str.isupper, str.islower) if was.isascii() else ()
            assert all(kind(is_) == kind(was) for kind in kinds)
            assert is_ == ("x" if not was.isascii() else is_ if was.isalnum() else was)
    assert len(set(shown[3:5])) == 2


def test_tokens_of_whole_numbers_stay_in_their_type(raw: duckdb.DuckDBPyConnection) -> None:
    numbers = {"i": 2147483647, "big": -9223372036854775808, "small": 32767}
    columns = ", ".join(f"({value})::{TYPES[name]} as {name}" for name, value in numbers.items())
    raw.execute(
        f"create or replace table most as select {columns} union all select 0, 7, -12 union all select null, null, null"
    )
    shadow = plan_with([mask(name, MaskMethod.TOKEN) for name in numbers]).shadows[0]
    made = [part for part in shadow.projection if part.endswith(tuple(f'AS "{name}"' for name in numbers))]
    text = replace(shadow, projection=tuple(made)).select("most", ("keys.inner_pad", "keys.outer_pad"), {}, "keys")
    rows = raw.execute(text).fetchall()
    assert [len(str(abs(v))) for v in rows[0]] == [10, 19, 5]
    assert [str(abs(v))[0] for v in rows[0]] == ["1", "1", "1"]
    assert [(len(str(abs(v))), v < 0) for v in rows[1]] == [(1, False), (1, False), (2, True)]
    assert rows[2] == (None, None, None)


def test_a_pseudonym_of_a_number_is_a_number(raw: duckdb.DuckDBPyConnection) -> None:
    rows = raw.execute(f"select big from ({text_of(plan_with([mask('big', MaskMethod.HASH)]).shadows[0])})").fetchall()
    assert rows[0][0] > 2**31 and rows[1][0] is None


def test_a_constant_shows_in_every_row(raw: duckdb.DuckDBPyConnection) -> None:
    constants: dict[str, Scalar] = {"t": "it's", "d": "2000-01-01", "n": "1.50", "i": 7, "b": False, "ts": "2000-01-01"}
    masks = [mask(name, MaskMethod.CONSTANT, value=value) for name, value in constants.items()]
    text = text_of(plan_with(masks).shadows[0])
    rows = raw.execute(f"select {', '.join(f'{name}::varchar' for name in constants)} from ({text})").fetchall()
    assert rows == [("it's", "2000-01-01", "1.50", "7", "false", "2000-01-01 00:00:00")] * 2


def test_an_email_shows_its_domain(raw: duckdb.DuckDBPyConnection) -> None:
    raw.execute("""create or replace table mails as select unnest(['ana@bank.cz', '"a@b"@x.org', '@', null]) as t""")
    shadow = plan_with([mask("t", MaskMethod.EMAIL)]).shadows[0]
    text = replace(shadow, projection=(shadow.projection[0],)).select("mails")
    assert [row[0] for row in raw.execute(text).fetchall()] == ["•••@bank.cz", "•••@x.org", "•••@", None]


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
