"""The portable reading, for an engine that shows no tree: default deny over sqlglot's nodes and functions."""

from __future__ import annotations

import pytest

from aureus_jupyter.core import opinion
from aureus_jupyter.core.analyze import analyze, check_parameters
from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import Refused, UserError
from aureus_jupyter.values.catalog import Catalog

ALLOWED = {
    "select country, sum(ead) from loan where pd > :p group by country": {"loan": ["country", "pd", "ead"]},
    "select count(*) from loan": {"loan": []},
    "select * from loan l join borrower b using (borrower_id)": {
        "loan": ["loan_id", "borrower_id", "country", "pd", "ead", "originated_on"],
        "borrower": ["borrower_id", "full_name", "country", "income"],
    },
    "with x as (select country from loan) select * from x": {
        "loan": ["loan_id", "borrower_id", "country", "pd", "ead", "originated_on"]
    },
    "select date_trunc('month', originated_on), ead::numeric from loan order by 1 limit 3": {
        "loan": ["ead", "originated_on"]
    },
    "select l from loan l": {"loan": ["loan_id", "borrower_id", "country", "pd", "ead", "originated_on"]},
}

REFUSED = {
    "select pg_sleep(1)": "function_not_allowed",
    "select set_config('a', 'b', false)": "function_not_allowed",
    "select query_to_xml('select 1', true, true, '')": "function_not_allowed",
    "select lo_create(1)": "function_not_allowed",
    "select * from pg_read_file('x')": "function_not_allowed",
    "select dblink('x', 'select 1')": "function_not_allowed",
    "select * from pg_class": "unknown_dataset",
    "select * from public.loan": "qualified_name",
    "select * from information_schema.tables": "qualified_name",
    "select 1 into z from loan": "argument_not_allowed",
    "select * from loan for update": "argument_not_allowed",
    "select 1; select 2": "one_statement",
    "delete from loan": "not_a_query",
    "with d as (delete from loan returning *) select * from d": "node_not_allowed",
    "select * from only loan": "argument_not_allowed",
    "select 'raw.vip'::regclass from loan": "node_not_allowed",
    "select '(1)'::bank.comp from loan": "type_not_allowed",
    "select '{1}'::bank.d[] from loan": "type_not_allowed",
    "select cast('x' as mood) from loan": "type_not_allowed",
    "select ctid from loan": "hidden_column",
    "select xmin from loan": "hidden_column",
    "select from from": "syntax_error",
}


@pytest.mark.parametrize(("sql", "reads"), ALLOWED.items())
def test_allowed(sql: str, reads: dict[str, list[str]], catalog: Catalog) -> None:
    facts = analyze(sql, None, catalog, "postgres")
    assert {use.dataset: list(use.columns) for use in facts.tables} == reads
    assert not facts.aggregated


@pytest.mark.parametrize(("sql", "code"), REFUSED.items())
def test_refused(sql: str, code: str, catalog: Catalog) -> None:
    with pytest.raises((Refused, UserError)) as caught:
        analyze(sql, None, catalog, "postgres")
    assert caught.value.code == code


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
