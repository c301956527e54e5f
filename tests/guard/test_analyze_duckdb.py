"""What the guard lets through over DuckDB, what it refuses, and that the lists are complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from aureus_jupyter.core import functions
from aureus_jupyter.core.analyze import analyze, bound_text
from aureus_jupyter.core.functions import ALLOWED, TABLE_FUNCTIONS
from aureus_jupyter.core.lineage import Trace, trace
from aureus_jupyter.errors import AureusError, Refused, UserError
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Waiting

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
REFUSED = yaml.safe_load((CORPUS / "guard_refused.yaml").read_text("utf-8"))
ALLOWED_STATEMENTS = yaml.safe_load((CORPUS / "guard_allowed.yaml").read_text("utf-8"))

Parse = Callable[[str], Any]


def facts_of(sql: str, catalog: Catalog, parse: Parse) -> Any:
    try:
        bound = bound_text(sql, "duckdb")
    except AureusError:
        bound = "select 1"
    return analyze(sql, parse(bound), catalog, "duckdb")


@pytest.mark.parametrize("case", REFUSED, ids=[c["sql"][:50] for c in REFUSED])
def test_refused(case: dict[str, Any], catalog: Catalog, parse: Parse) -> None:
    with pytest.raises((Refused, UserError)) as caught:
        facts_of(case["sql"], catalog, parse)
    assert caught.value.code == case["code"]
    assert caught.value.hint


@pytest.mark.parametrize("case", ALLOWED_STATEMENTS, ids=[c["sql"][:50] for c in ALLOWED_STATEMENTS])
def test_allowed(case: dict[str, Any], catalog: Catalog, parse: Parse) -> None:
    facts = facts_of(case["sql"], catalog, parse)
    assert {use.dataset: list(use.columns) for use in facts.tables} == case["reads"]
    assert facts.aggregated is case["aggregated"]
    assert list(facts.parameters) == case.get("parameters", [])


def test_every_function_of_the_engine_was_reviewed() -> None:
    rows = (
        duckdb.connect()
        .execute("select distinct lower(function_name) from duckdb_functions() where internal")
        .fetchall()
    )
    engine = {name for (name,) in rows}
    reviewed = set((CORPUS / "functions_refused.txt").read_text("utf-8").split("\n")) - {""}
    assert not (ALLOWED & reviewed), "a name is both allowed and refused"
    assert engine - ALLOWED - TABLE_FUNCTIONS - reviewed == set(), "new names in the engine: review them"
    # `row` and the other names below are made by the parser and are no functions of the catalog.
    assert ALLOWED - engine <= {"row", "->", "**", "^"} | ALLOWED.intersection(functions.OPERATORS)


def test_whatever_breaks_inside_is_a_refusal(catalog: Catalog) -> None:
    with pytest.raises(Refused) as caught:
        analyze(
            "select 1",
            {"statements": [{"node": {"type": "SELECT_NODE", "from_table": {"type": "EMPTY"}, "cte_map": 3}}]},
            catalog,
            "duckdb",
        )
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize("tree", [None, [], "x"])
def test_no_tree_is_a_refusal(tree: Any, catalog: Catalog) -> None:
    with pytest.raises(Refused) as caught:
        analyze("select 1", tree, catalog, "duckdb")
    assert caught.value.code == "unreadable"


def test_an_unknown_node_is_refused(catalog: Catalog, parse: Parse) -> None:
    tree = parse("select 1 from loan")
    tree["statements"][0]["node"]["select_list"][0]["type"] = "BRAND_NEW_NODE"
    with pytest.raises(Refused) as caught:
        analyze("select 1 from loan", tree, catalog, "duckdb")
    assert caught.value.code == "node_not_allowed"


def test_a_pivot_over_a_query_is_refused(catalog: Catalog, parse: Parse) -> None:
    sql = "from loan pivot (sum(ead) for country in ('CZ') group by pd)"
    tree = parse(sql)
    tree["statements"][0]["node"]["from_table"]["pivots"][0]["subquery"] = {}
    with pytest.raises(Refused) as caught:
        analyze(sql, tree, catalog, "duckdb")
    assert caught.value.code == "pivot_values"


@pytest.mark.parametrize(
    ("sql", "named", "other"),
    [
        ("select 1 from laon", "loan", "See %aureus catalog for"),
        ("select l.cuntry from loan l", "country", "See %aureus catalog loan"),
        ("select b.full_nam from borrower b", "full_name", "See %aureus catalog borrower"),
    ],
)
def test_a_hint_names_what_the_asker_may_see(sql: str, named: str, other: str, catalog: Catalog, parse: Parse) -> None:
    def hint(*shown: Any) -> str:
        with pytest.raises((Refused, UserError)) as caught:
            analyze(sql, parse(sql), catalog, "duckdb", *shown)
        return caught.value.hint

    assert named in hint(lambda: catalog).replace(other, "")
    assert hint(lambda: Catalog(datasets=())).startswith(other)
    assert hint().startswith(other), "nothing is shown unless somebody says so"


@pytest.mark.parametrize(
    ("waiting", "said"),
    [
        (Waiting(name="Vip", status="draft", file="contracts/vip.odcs.yaml", line=6), "make its line 6 read: status"),
        (Waiting(name="vip", status="", file="contracts/vip.odcs.yaml", line=0), "add a line to it: status: active"),
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_a_dataset_without_an_active_contract_says_what_opens_it(
    waiting: Waiting, said: str, dialect: str, catalog: Catalog, parse: Parse
) -> None:
    sql = "select count(*) from loan where pd > (select max(a) from VIP)"
    with pytest.raises(Refused) as caught:
        analyze(sql, parse(sql), replace(catalog, waiting=(waiting,)), dialect)
    assert caught.value.code == "contract_not_active"
    assert caught.value.hint.startswith("Review contracts/vip.odcs.yaml")
    assert said in caught.value.hint
    assert waiting.status in caught.value.message


def test_readers_that_disagree_refuse(catalog: Catalog, parse: Parse) -> None:
    with pytest.raises(Refused) as caught:
        analyze("select 1 from loan", parse("select 1 from borrower"), catalog, "duckdb")
    assert caught.value.code == "readers_disagree"


def test_lineage_over_a_dataset_nobody_knows_is_not_known(parse: Parse) -> None:
    assert trace(parse("select a from loan"), Catalog(datasets=())) == Trace()


RAISES = {
    "select country from loan where pd > 0.1 and country like 'C%'": False,
    "select sum(ead) from loan": False,
    "select country, rank() over (order by pd) from loan": False,
    "select country from loan where country::int = 1": True,
    "select country from loan where try_cast(country as int) = 1": False,
    "select pd * ead from loan": True,
    "select sqrt(pd) from loan": True,
    "select * from loan, range(3)": True,
    "select upper(country) || 'x' from loan": True,
}


@pytest.mark.parametrize(("sql", "raises"), RAISES.items())
def test_what_can_raise(sql: str, raises: bool, catalog: Catalog, parse: Parse) -> None:
    assert facts_of(sql, catalog, parse).can_raise is raises


LINEAGE = {
    "select country, pd * ead as el from loan": [
        ("country", "copied", ["loan.country"]),
        ("el", "derived", ["loan.ead", "loan.pd"]),
    ],
    "select b.full_name from loan l join borrower b using (borrower_id)": [
        ("full_name", "copied", ["borrower.full_name"])
    ],
    "select borrower_id from loan l join borrower b using (borrower_id)": [
        ("borrower_id", "copied", ["borrower.borrower_id", "loan.borrower_id"])
    ],
    "select pd as a, a + 1 as b from loan": [("a", "copied", ["loan.pd"]), ("b", "derived", ["loan.pd"])],
    "with x(k) as (select country from loan) select k from x": [("k", "copied", ["loan.country"])],
    "select country, (select max(full_name) from borrower b where b.country = l.country) m from loan l": [
        ("country", "copied", ["loan.country"]),
        ("m", "derived", ["borrower.full_name"]),
    ],
    "select country from loan where country in (select country from borrower)": [
        ("country", "copied", ["loan.country"])
    ],
    "select country in (select country from borrower) f from loan": [
        ("f", "derived", ["borrower.country", "loan.country"])
    ],
    "select country from loan union select full_name from borrower": [
        ("country", "copied", ["borrower.full_name", "loan.country"])
    ],
    "with recursive r as (select pd as n from loan union all select n + 1 from r where n < 3) select n from r": [
        ("n", "derived", ["loan.pd"])
    ],
    "select n, c from (select count(*) as n, country as c from loan group by country)": [
        ("n", "aggregated", []),
        ("c", "copied", ["loan.country"]),
    ],
    "with x as (select sum(ead) as s, pd * 2 as d from loan group by pd) select * from x": [
        ("s", "aggregated", ["loan.ead"]),
        ("d", "derived", ["loan.pd"]),
    ],
    "select sum(ead) as a from loan union all select pd from loan": [("a", "derived", ["loan.ead", "loan.pd"])],
    "select s.a from (select {'a': pd} as s from loan)": [("a", "derived", ["loan.pd"])],
    "select list_transform([pd], lambda x: x + ead) t from loan": [("t", "derived", ["loan.ead", "loan.pd"])],
    "select * from (values (1, 2)) v(a, b)": [("a", "derived", []), ("b", "derived", [])],
    "select l from loan l": [
        (
            "l",
            "copied",
            ["loan.borrower_id", "loan.country", "loan.ead", "loan.loan_id", "loan.originated_on", "loan.pd"],
        )
    ],
    "select * exclude (pd, ead, loan_id, originated_on) from loan": [
        ("borrower_id", "copied", ["loan.borrower_id"]),
        ("country", "copied", ["loan.country"]),
    ],
    # Where the columns cannot be known, nothing is claimed.
    "select columns('p.*') from loan": [],
    "select * replace (1 as pd) from loan": [],
    "select * exclude (l.pd) from loan l": [],
    "from loan pivot (sum(ead) for country in ('CZ') group by pd)": [],
    "select * from loan natural join borrower": [],
    "select #1 from loan": [],
    "select q from (select s.a as q from (select {'a': country} as s from loan) t) u": [
        ("q", "derived", ["loan.country"])
    ],
    "select (select s.a from (select {'a': country} as s from loan) t limit 1) as q from borrower": [],
    "select i from range(3) r(i)": [],
    "select country from loan union all by name select country from borrower": [],
    "select 1 union all select 1, 2": [],
    "select nosuch from loan": [],
    "select x.nosuch from (select 1 as a) x": [],
    "select list_reduce([pd], lambda x, y: x + y) t from loan": [("t", "derived", ["loan.pd"])],
}


@pytest.mark.parametrize(("sql", "expected"), LINEAGE.items())
def test_lineage(sql: str, expected: list[Any], catalog: Catalog, parse: Parse) -> None:
    found = facts_of(sql, catalog, parse).outputs
    assert [(o.name, o.how, list(o.sources)) for o in found] == expected


def test_a_dataset_named_like_a_word_of_sql_is_to_be_quoted(parse: Parse) -> None:
    order = Dataset(name="Order", pack="p", source="order", columns=(Column(name="a", type="INTEGER"),))
    catalog = Catalog(datasets=(order,))
    for sql, told in (("select a from order", True), ("select a from order o join x", True), ("select a fro x", False)):
        with pytest.raises(UserError) as caught:
            analyze(sql, parse(sql), catalog, "duckdb", lambda: catalog)
        assert caught.value.code == "syntax_error"
        assert ('write "Order" in double quotes' in caught.value.hint) is told
    with pytest.raises(UserError) as caught:
        analyze("select a from order", parse("select a from order"), catalog, "duckdb")
    assert "Order" not in caught.value.hint, "a name is told only to who may see it"
