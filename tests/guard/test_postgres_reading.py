"""PostgreSQL's statements, read without a server: default deny over sqlglot's nodes and functions, and what names mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ledger import BOTH

from aureus_jupyter.core import opinion
from aureus_jupyter.core.analyze import analyze, check_parameters
from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import Refused, UserError
from aureus_jupyter.values.catalog import Catalog

CORPUS = Path(__file__).parents[1] / "corpus" / "postgres.sql"
ALL_OF_LOAN = ["loan_id", "borrower_id", "country", "pd", "ead", "originated_on"]

ALLOWED = {
    "select country, sum(ead) from loan where pd > :p group by country": {"loan": ["country", "pd", "ead"]},
    "select count(*) from loan": {"loan": []},
    "select * from loan l join borrower b using (borrower_id)": {
        "loan": ALL_OF_LOAN,
        "borrower": ["borrower_id", "full_name", "country", "income"],
    },
    "with x as (select country from loan) select * from x": {"loan": ["country"]},
    "select date_trunc('month', originated_on), ead::numeric from loan order by 1 limit 3": {
        "loan": ["ead", "originated_on"]
    },
    "select l from loan l": {"loan": ALL_OF_LOAN},
    "select (l).pd from loan l": {"loan": ALL_OF_LOAN},
    "select count(l.*) from loan l": {"loan": ALL_OF_LOAN},
    "select (select pd from loan limit 1), b.income from borrower b": {"borrower": ["income"], "loan": ["pd"]},
    "select b from loan l(a, b)": {"loan": ["borrower_id"]},
    "select pd from loan natural join borrower": {
        "loan": ["borrower_id", "country", "pd"],
        "borrower": ["borrower_id", "country"],
    },
    "select 1 from loan window w as (order by pd)": {"loan": ["pd"]},
    "select 1 from loan l where exists (select 1 from borrower where income > ead)": {
        "loan": ["ead"],
        "borrower": ["income"],
    },
    "select x.a from (loan l join borrower b on l.borrower_id = b.borrower_id) as x(a)": {
        "loan": ALL_OF_LOAN,
        "borrower": ["borrower_id", "full_name", "country", "income"],
    },
}

REFUSED = {
    "select pg_sleep(1)": "function_not_allowed",
    "select set_config('a', 'b', false)": "function_not_allowed",
    "select query_to_xml('select 1', true, true, '')": "function_not_allowed",
    "select lo_create(1)": "function_not_allowed",
    "select * from pg_read_file('x')": "function_not_allowed",
    "select dblink('x', 'select 1')": "function_not_allowed",
    "select country(loan) from loan": "function_not_allowed",
    'select "SUM"(pd) from loan': "function_not_allowed",
    "select pg_catalog.lower(country) from loan": "node_not_allowed",
    "select current_user": "node_not_allowed",
    "select user": "unknown_column",
    "select * from pg_class": "unknown_dataset",
    "select * from public.loan": "qualified_name",
    "select * from information_schema.tables": "qualified_name",
    "select public.loan.pd from loan": "qualified_name",
    "select 1 into z from loan": "argument_not_allowed",
    "select * from loan for update": "argument_not_allowed",
    "select 1; select 2": "one_statement",
    "delete from loan": "not_a_query",
    "with d as (delete from loan returning *) select * from d": "node_not_allowed",
    "select * from only loan": "argument_not_allowed",
    "select * from rows from (generate_series(1, 2), generate_series(1, 3)) as t": "argument_not_allowed",
    "select * from loan tablesample bernoulli (10)": "node_not_allowed",
    "select 'raw.vip'::regclass from loan": "type_not_allowed",
    "select '(1)'::bank.comp from loan": "type_not_allowed",
    "select '{1}'::bank.d[] from loan": "type_not_allowed",
    "select cast('x' as mood) from loan": "type_not_allowed",
    "select ctid from loan": "hidden_column",
    "select xmin from loan": "hidden_column",
    "select from from": "syntax_error",
    "select pd from loan limit (": "syntax_error",
    # Columns that vanish from sqlglot's tree.
    "select @ pd from loan": "node_not_allowed",
    "select country[:pd] from loan": "odd_parameter",
    "select extract(lower(country) from originated_on) from loan": "node_not_allowed",
    'select U&"p\\0064" from loan': "unknown_column",
    "select x'4a'": "odd_text",
    "select u&'\\0061'": "odd_text",
    "select %s": "node_not_allowed",
    "select * from json_to_recordset('[]') as x(a int)": "function_not_allowed",
    "select * from generate_series(1, 2) as x(a int)": "node_not_allowed",
    "select a -> 'x' operator(pg_catalog.+) 1 from (select pd as a from loan) q": "node_not_allowed",
    "select make_date(year => 2020) from loan": "node_not_allowed",
    "select concat(variadic array['a']) from loan": "syntax_error",
    "select (l).* from loan l": "node_not_allowed",
    # Names.
    "select nosuch from loan": "unknown_column",
    "select l.nosuch from loan l, borrower nosuch": "unknown_column",
    "select x.pd from loan": "unknown_column",
    "select x.* from loan": "unknown_column",
    "select country from loan, borrower": "ambiguous_column",
    "select l.pd from loan l, loan l": "ambiguous_column",
    "select * from loan a join loan b on true join borrower using (borrower_id)": "ambiguous_column",
    "select * from loan join borrower using (nosuch)": "unknown_column",
    'select "PD" from loan': "unknown_column",
    "select b.income from loan l join borrower b on c.pd = 1, loan c": "unknown_column",
    "select * from loan l, (select l.pd) q": "unknown_column",
    "select *": "node_not_allowed",
    "select sum(*) from loan": "node_not_allowed",
    "select count(*) over nosuch from loan": "node_not_allowed",
    "select count(*) from loan window w as (v)": "node_not_allowed",
    "select count(*) from loan window w as (), w as ()": "node_not_allowed",
    "select country from loan group by 2": "node_not_allowed",
    "select country from loan group by all": "argument_not_allowed",
    "select pd from loan qualify row_number() over () = 1": "node_not_allowed",
    "select * exclude (pd) from loan": "argument_not_allowed",
    "select 1 union select 1, 2": "node_not_allowed",
    "select 1 union all by name select 2": "argument_not_allowed",
    "values (1), (2, 3)": "node_not_allowed",
    "select * from loan asof join borrower using (borrower_id)": "node_not_allowed",
    "select * from loan l(a, b, c, d, e, f, g)": "node_not_allowed",
    "select * from sum(1) s": "node_not_allowed",
    "select 1 from loan join borrower, loan x on true": "node_not_allowed",
    "select x.a from (select 1 as a) as x, lateral now": "node_not_allowed",
    "select $$a$$ 'b'": "syntax_error",
    "select * from table(generate_series(1, 2))": "function_not_allowed",
    "select * from select 1": "node_not_allowed",
    "select * from (describe loan)": "node_not_allowed",
    "select * from @x": "node_not_allowed",
    "select interval '1' lower(country) from loan": "node_not_allowed",
    "select extract(year from originated_on) over () from loan": "node_not_allowed",
    "select * from loan semi join borrower using (borrower_id)": "node_not_allowed",
    "select * from loan anti join borrower using (borrower_id)": "node_not_allowed",
    "select pd {# , ead #} from loan": "odd_text",
    # What sqlglot reads and PostgreSQL otherwise.
    "select l.* x from loan l": "node_not_allowed",
    "select * x from loan": "node_not_allowed",
    "select (l.*) from loan l": "node_not_allowed",
    "select pd in from loan": "node_not_allowed",
    "select string_agg(country, order by country) from loan": "node_not_allowed",
    # WITH.
    "with a as (select 1), a as (select 2) select * from a": "node_not_allowed",
    "with a(x, y) as (select 1) select * from a": "node_not_allowed",
    "with recursive a as (select * from b), b as (select 1) select * from a": "node_not_allowed",
    "with recursive loan as (select * from loan) select * from loan": "node_not_allowed",
    "with recursive r as (select * from r union all select 1) select * from r": "node_not_allowed",
    "with recursive r as (select 1 union all select * from r order by 1) select * from r": "argument_not_allowed",
    "select rank(5) within group (order by pd) from loan": "function_not_allowed",
    "select row_number() from loan": "function_not_allowed",
    "select lower(country) over () from loan": "function_not_allowed",
    "select pd is document from loan": "node_not_allowed",
    "select repeat('x', 1000000)": "argument_bound",
    "select pd collate (select 1) from loan": "node_not_allowed",
}


@pytest.mark.parametrize(("sql", "reads"), ALLOWED.items())
def test_allowed(sql: str, reads: dict[str, list[str]], catalog: Catalog) -> None:
    facts = analyze(sql, None, catalog, "postgres")
    assert {use.dataset: list(use.columns) for use in facts.tables} == reads


@pytest.mark.parametrize(("sql", "code"), REFUSED.items())
def test_refused(sql: str, code: str, catalog: Catalog) -> None:
    with pytest.raises((Refused, UserError)) as caught:
        analyze(sql, None, catalog, "postgres")
    assert caught.value.code == code


# name, how it is made, what it is made of
LINEAGE = {
    "select country, pd * ead as el from loan": [
        ("country", "copied", ["loan.country"]),
        ("el", "derived", ["loan.ead", "loan.pd"]),
    ],
    "select borrower_id from loan left join borrower using (borrower_id)": [
        ("borrower_id", "copied", ["loan.borrower_id"])
    ],
    "select borrower_id from loan right join borrower using (borrower_id)": [
        ("borrower_id", "copied", ["borrower.borrower_id"])
    ],
    "select borrower_id from loan full join borrower using (borrower_id)": [
        ("borrower_id", "derived", ["borrower.borrower_id", "loan.borrower_id"])
    ],
    "select sum(pd), count(*), max(country) from loan": [
        ("sum", "aggregated", ["loan.pd"]),
        ("count", "aggregated", []),
        ("max", "aggregated", ["loan.country"]),
    ],
    # A name in GROUP BY is a column first, in ORDER BY an item, in WHERE never an item.
    "select pd as country, country as c from loan where country = 'x' order by country": [
        ("country", "copied", ["loan.pd"]),
        ("c", "copied", ["loan.country"]),
    ],
    # A column wins over a row of its name wherever it stands.
    "select (select country from borrower country limit 1) from loan": [("country", "derived", ["borrower.country"])],
    'select "A" from (select pd as "A", ead as a from loan) q': [("A", "copied", ["loan.pd"])],
    'select a from (select pd as "A", ead as a from loan) q': [("a", "copied", ["loan.ead"])],
    "select country from loan union select full_name from borrower": [
        ("country", "copied", ["borrower.full_name", "loan.country"])
    ],
    "with recursive r as (select pd as n from loan union all select n + 1 from r where n < 3) select n from r": [
        ("n", "derived", ["loan.pd"])
    ],
    "select g from loan, generate_series(1, 3) g": [("g", "derived", [])],
    "select x from loan, unnest(array[pd, ead]) x": [("x", "derived", ["loan.ead", "loan.pd"])],
    "select lower(country) filter_, (array[pd])[1], row(pd), pd::text, interval '1 day' from loan": [
        ("filter_", "derived", ["loan.country"]),
        ("array", "derived", ["loan.pd"]),
        ("row", "derived", ["loan.pd"]),
        ("pd", "derived", ["loan.pd"]),
        ("interval", "derived", []),
    ],
    "(select pd from loan order by pd limit 3) limit 2": [("pd", "copied", ["loan.pd"])],
    "((select pd from loan))": [("pd", "copied", ["loan.pd"])],
    "with w as (select 1 as a) (select a, pd from w, loan) order by pd": [
        ("a", "derived", []),
        ("pd", "copied", ["loan.pd"]),
    ],
    "values (1, date '2020-01-01'), (2, null)": [("column1", "derived", []), ("column2", "derived", [])],
    "select (select 1), (values (1)), (select 2 union select 3), (select from loan)": [
        ("?column?", "derived", []),
        ("column1", "derived", []),
        ("?column?", "derived", []),
        ("?column?", "derived", []),
    ],
}


@pytest.mark.parametrize(("sql", "expected"), LINEAGE.items())
def test_lineage(sql: str, expected: list[Any], catalog: Catalog) -> None:
    found = analyze(sql, None, catalog, "postgres").outputs
    assert [(o.name, o.how, list(o.sources)) for o in found] == expected


SUMMARIES = {
    "select country, sum(ead) from loan group by country": True,
    "select country as land, count(*) from loan group by land having count(*) > 3 order by land": True,
    "select count(*) from loan l where exists (select 1 from borrower b where b.borrower_id = l.borrower_id)": True,
    "select percentile_cont(0.5) within group (order by pd) from loan": True,
    "select percentile_cont(array[0.1, 0.2]) within group (order by pd) from loan": False,
    "select pd from loan": False,
    "select mode() within group (order by pd) from loan": False,
    "select loan_id, count(*) from loan group by loan_id": False,
    "select i, sum(pd) from loan join generate_series(1, 9) i on i = loan_id group by i": False,
    # An aggregate of what is outside belongs to the query outside.
    "select (select sum(l.pd)) from loan l": False,
    "select (select count(*) filter (where l.pd > 1)) from loan l group by country": False,
    "select (select max(grouping(l.country))) from loan l group by country": False,
    # A constant is no place, and no key: which one it is nobody can say.
    "select country, count(*) from loan group by country, '2'": False,
    "select country, count(*) from loan group by country order by '2'": False,
    "select country, country from loan group by country order by country": False,
    "select country as c, lower(country) as c from loan group by c, country": False,
    "select count(*) from loan group by ()": False,
    "select country from loan union select country from borrower order by country || 'x'": False,
    "select coalesce(generate_series(1, 3), count(*)) from loan": False,
    "select generate_series(1, count(*)) from loan": False,
}


@pytest.mark.parametrize(("sql", "summary"), SUMMARIES.items())
def test_summaries(sql: str, summary: bool, catalog: Catalog) -> None:
    assert analyze(sql, None, catalog, "postgres").aggregated is summary


RAISES = {
    "select country from loan where pd > 0.1 and country like 'C%'": False,
    "select country from loan where country like 'C\\'": True,
    "select country from loan where country not ilike full_name || '%'": True,
    "select pd / ead from loan": True,
    "select country::int from loan": True,
    "select * from (values (date '2020-01-01')) v": True,
    "select upper(country), sum(ead) over (order by pd) from loan": False,
    "select (array[country])[1] from loan": True,
}


@pytest.mark.parametrize(("sql", "raises"), RAISES.items())
def test_what_can_raise(sql: str, raises: bool, catalog: Catalog) -> None:
    assert analyze(sql.replace("full_name", "country"), None, catalog, "postgres").can_raise is raises


@pytest.mark.parametrize("sql", CORPUS.read_text("utf-8").splitlines())
def test_the_corpus_is_read(sql: str) -> None:
    """tests/engines asks a server about the same statements."""
    facts = analyze(sql, None, BOTH, "postgres")
    assert facts.outputs


def test_other_facts(catalog: Catalog) -> None:
    sql = "select :p, date_part('year', originated_on), x from loan, borrower, generate_series(1, :q) x where ? > 1"
    facts = analyze(sql, None, catalog, "postgres")
    assert facts.parameters == ("1", "p", "q")
    assert facts.functions == ("date_part", "generate_series")
    assert (facts.joins, facts.has_filter) == (2, True)
    assert analyze("select $1", None, catalog, "postgres").parameters == ("1",)


def test_a_hint_names_columns_that_the_asker_may_see(catalog: Catalog) -> None:
    def hint(*shown: Any) -> str:
        with pytest.raises(UserError) as caught:
            analyze("select cuntry from (select country from loan) q", None, catalog, "postgres", *shown)
        return caught.value.hint

    assert "country" in hint(lambda: catalog)
    assert "country" not in hint()


def test_a_name_is_as_long_as_the_server_keeps_it(catalog: Catalog) -> None:
    long = "a" * 63
    (output,) = analyze(f"select {long}y from (select pd as {long}x from loan) q", None, catalog, "postgres").outputs
    assert (output.name, output.sources) == (long, ("loan.pd",))


SECOND = {
    "select * from loan": {"loan"},
    "with loan as (select * from borrower) select * from loan": {"borrower"},
    "with x as (select * from vip), vip as (select 1) select * from x": {"vip"},
    "with recursive r as (select 1 union all select * from r) select * from r": set(),
    "(with vip as (select 1) select * from vip) union all select * from vip": {"vip"},
    "with a as (with vip as (select 1) select * from vip) select * from a, vip": {"vip"},
    "with x as (select 1), y as (select * from x) select * from y": set(),
    "select * from main.vip, unnest([1]) u(x)": {"vip"},
    "select 1; select 2": None,
    "drop table x": None,
    "select (": None,
}


@pytest.mark.parametrize(("sql", "tables"), SECOND.items())
def test_the_second_opinion(sql: str, tables: set[str] | None) -> None:
    assert opinion.tables(sql, "duckdb") == (None if tables is None else frozenset(tables))


def test_parameters_must_match() -> None:
    check_parameters(["a"], ["a"])
    with pytest.raises(UserError) as caught:
        check_parameters(["a"], [])
    assert caught.value.code == "missing_parameter"
    with pytest.raises(UserError) as caught:
        check_parameters(["1"], [])
    assert "without a name" in caught.value.message
    with pytest.raises(UserError) as caught:
        check_parameters(["country"], ["country", "contry"])
    assert caught.value.code == "unknown_parameter"
    assert "country" in caught.value.hint


def test_hints() -> None:
    assert nearest_hint("lon", ["loan", "long", "x"], "-") == "Did you mean long or loan?"
    assert nearest_hint("loans", ["loan", "x"], "-") == "Did you mean loan?"
    assert nearest_hint("zzz", ["loan"], "-") == "-"
