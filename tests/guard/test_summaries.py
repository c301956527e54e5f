"""What counts as a summary, which needs neither an approval nor a filter: no row of it may be a single source row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.core.analyze import analyze
from aureus_jupyter.core.size import check_size
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.facts import Facts

Parse = Callable[[str], Any]

CORPUS = Path(__file__).parents[1] / "corpus"


def lines(name: str) -> list[str]:
    return (CORPUS / name).read_text().splitlines()


def facts(sql: str, catalog: Catalog, parse: Parse) -> Facts:
    return analyze(sql, parse(sql), catalog, "duckdb")


@pytest.mark.parametrize("sql", lines("rows.sql"))
def test_rows_are_no_summary(sql: str, catalog: Catalog, parse: Parse) -> None:
    assert not facts(sql, catalog, parse).aggregated


@pytest.mark.parametrize("sql", lines("summaries.sql"))
def test_summaries_are(sql: str, catalog: Catalog, parse: Parse) -> None:
    assert facts(sql, catalog, parse).aggregated


@pytest.mark.parametrize(
    "name", ["main.borrower.full_name", "temp.main.borrower.full_name", 'memory."MAIN".Borrower.FULL_NAME']
)
def test_a_column_behind_a_schema_is_used(name: str, catalog: Catalog, parse: Parse) -> None:
    (use,) = facts(f"select {name} from borrower", catalog, parse).tables
    assert use.columns == ("full_name",)


def test_a_row_behind_a_schema_is_used_whole(catalog: Catalog, parse: Parse) -> None:
    (use,) = facts("select main.borrower from borrower", catalog, parse).tables
    assert use.star


def test_nests_are_not_read_for_ever(catalog: Catalog, parse: Parse) -> None:
    shallow, deep = ("select " + "(select " * depth + "1" + ")" * depth for depth in (2, 60))
    assert facts(f"{shallow} from loan group by all", catalog, parse).outputs
    assert not facts(deep, catalog, parse).outputs


def doubled(levels: int) -> str:
    parts = [f"c{i} as (select * from c{i - 1} a, c{i - 1} b)" for i in range(1, levels)]
    return f"with c0 as (select * from loan), {', '.join(parts)} select 1 from c{levels - 1} limit 1"


def aliased(count: int) -> str:
    return "select 1 as a0, " + ", ".join(f"a{i} + a{i} as a{i + 1}" for i in range(count))


def lambdas(depth: int) -> str:
    return "select " + "list_transform([1], lambda x: " * depth + "1" + ")" * depth


WIDE = doubled(6).replace("select 1 from", "select * from").removesuffix(" limit 1")
PIVOT = "pivot loan on country in ({}) using sum(pd)"
GROWING = {
    "stars": (doubled(6), doubled(19)),
    "more stars": (doubled(6), doubled(50)),
    "aliases": (aliased(10), aliased(24)),
    "lambdas": (lambdas(5), lambdas(30)),
    "columns": (f"select count(columns(*)) from ({WIDE}) t", f"select {'columns(*) + 1, ' * 60} 1 from ({WIDE}) t"),
    "recursion": (
        "select 1 union all select 2",
        f"with recursive r as (select * from loan union all select * from r), {doubled(19)[5:]}",
    ),
    "pivots": (PIVOT.format("'a'"), PIVOT.format(", ".join(f"'{i}'" for i in range(5001)))),
    "subqueries": (
        "select * from range(3) r(i) where i in (select loan_id from loan)",
        f"select {', '.join([f'(select count(*) from ({WIDE}) t)'] * 250)}",
    ),
}


HUNDRED = ", ".join(map(str, range(100)))
GROWING |= {
    "pivots of two columns": (
        f"pivot loan on country in ('a', 'b'), pd in ({HUNDRED}) using sum(ead), count(*)",
        f"pivot loan on country in ({HUNDRED}), pd in ({HUNDRED}) using sum(ead), count(*)",
    ),
    "repeat": ("select repeat(repeat('x', 1000), 1000)", "select repeat(repeat(repeat('x', 10000), 10000), 20)"),
    "replace": (
        "select replace(repeat('x', 1000), 'x', repeat('y', 1000))",
        "select replace(repeat('x', 10000), 'x', repeat('y', 10000))",
    ),
    "repeat in steps": (
        "select repeat(country, 1000) as a, repeat(a, 1000) as b from loan",
        "select repeat(country, 10000) as a, repeat(a, 10000) as b from loan",
    ),
    "repeat over parts": (
        "with c as (select repeat(country, 100) as a from loan) select repeat(c.a, 100) from c union all select 'x'",
        "with c as (select repeat(country, 10000) as a from loan) select repeat(c.a, 10000) from c union all select 'x'",
    ),
    "repeat in a condition": (
        "select 1 from loan where length(repeat(repeat(country, 10), 10)) > 1",
        "select 1 from loan where length(repeat(repeat(country, 10000), 10000)) > 1",
    ),
    "repeat of a subquery": (
        "select repeat((select repeat('x', 10)), 10) in (select 'y')",
        "select repeat((select repeat('x', 10000)), 10000) in (select 'y')",
    ),
    "lists of texts": (
        "select list_transform(range(1000), lambda x: repeat('a', 1000))",
        "select list_transform(range(1000000), lambda x: repeat('a', 100))",
    ),
    "rows of texts": (
        f"select unnest(range(1000000)) as i, {' || '.join(['lpad(country, 100)'] * 20)} as k from loan",
        "select repeat(u, 10000) from unnest([repeat('x', 10000)]) t(u)",
    ),
    "joins of texts": (
        "select a.c || b.c from (select lpad(country, 10) as c from loan) a join (select country as c from loan) b on true",
        "select repeat(b.c, 10000) from loan a join (select lpad(country, 10000) as c from loan) b on true",
    ),
    "loops of texts": (
        "with recursive r as (select 'x' as t union all select repeat(t, 2) from r) select lpad(t, 100) from r",
        "with recursive r as (select repeat('x', 10000) as t union all select t from r) select repeat(t, 10000) from r",
    ),
}


@pytest.mark.parametrize(("small", "large"), GROWING.values(), ids=GROWING)
def test_what_a_statement_grows_to_is_bounded(small: str, large: str, catalog: Catalog, parse: Parse) -> None:
    check_size(parse(small), catalog)
    with pytest.raises(Refused) as caught:
        check_size(parse(large), catalog)
    assert caught.value.code == "too_large"
