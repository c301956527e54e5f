"""Spark's statements, read without a cluster: what is refused and why, what names mean, what counts as a summary."""

from __future__ import annotations

from typing import Any

import pytest

from aureus_jupyter.core.analyze import analyze
from aureus_jupyter.errors import Refused, UserError
from aureus_jupyter.values.catalog import Catalog, Column, Dataset

REFUSED = {
    # What calls Java, a process, or another text of SQL.
    "select reflect('java.lang.System', 'getenv')": "function_not_allowed",
    "select java_method('java.lang.System', 'getProperty', 'user.home')": "function_not_allowed",
    "select try_reflect('java.lang.System', 'getenv')": "function_not_allowed",
    "select transform(country) using 'cat' as (c) from loan": "syntax_error",
    "from loan map country using 'cat' as c select c": "syntax_error",
    "execute immediate 'select 1'": "not_a_query",
    "begin select 1; end": "syntax_error",
    "select * from identifier('lo' || 'an')": "function_not_allowed",
    "select identifier('pd') from loan": "function_not_allowed",
    "cache table x as select 1": "not_a_query",
    "declare variable x int": "not_a_query",
    "create temporary view loan as select 1": "not_a_query",
    "set spark.sql.runSQLOnFiles = true": "not_a_query",
    "add jar 'x'": "not_a_query",
    # Files, and what tells of them.
    "select * from csv.`/etc/passwd`": "qualified_name",
    "select * from parquet.`d`": "qualified_name",
    "select * from text.`f`": "qualified_name",
    "select * from `people.csv`": "unknown_dataset",
    "select * from read_files('x')": "function_not_allowed",
    "select input_file_name() from loan": "function_not_allowed",
    "select _metadata.file_path from loan": "hidden_column",
    "select _metadata from loan": "hidden_column",
    "select loan._metadata.file_name from loan": "hidden_column",
    "insert overwrite directory '/tmp/x' select 1": "not_a_query",
    # The session, the catalog, the place of a row, chance.
    "select version()": "function_not_allowed",
    "select current_user()": "function_not_allowed",
    "select current_catalog()": "function_not_allowed",
    "select spark_partition_id() from loan": "function_not_allowed",
    "select monotonically_increasing_id() from loan": "function_not_allowed",
    "select rand()": "function_not_allowed",
    "select raise_error('x')": "function_not_allowed",
    "select assert_true(false)": "function_not_allowed",
    "describe loan": "not_a_query",
    "show tables": "not_a_query",
    "explain select 1": "not_a_query",
    # What is put in before Spark reads, and where texts and comments end.
    "select '${hiveconf:x}' from loan": "odd_text",
    "select * from ${t}": "odd_text",
    "select country -- \\\n, pd\nfrom loan": "odd_text",
    "select 'a\\'b' from loan": "unfinished_text",
    "select 'a\\' || ' b' from loan": "syntax_error",
    'select "a\\"b" from loan': "unfinished_text",
    "from loan |> select country": "odd_text",
    "select country: x from loan": "odd_parameter",
    "select country :x from loan": "node_not_allowed",
    "select @x from loan": "node_not_allowed",
    "select localtime from loan": "unknown_column",
    # Arguments and forms.
    "select /*+ broadcast(vip) */ * from loan": "argument_not_allowed",
    "select * from loan version as of 3": "argument_not_allowed",
    "select * from loan timestamp as of '2020-01-01'": "argument_not_allowed",
    "select * from loan pivot (sum(pd) for country in ('CZ'))": "argument_not_allowed",
    "select country from loan sort by country": "argument_not_allowed",
    "select country from loan distribute by country": "argument_not_allowed",
    "select country from loan cluster by country": "argument_not_allowed",
    "select count(*) from loan tablesample ((select 1) percent)": "node_not_allowed",
    "select pd from loan qualify row_number() over (order by pd) = 1": "node_not_allowed",
    "select country like any ('a', 'b') from loan": "node_not_allowed",
    "select stack(2, 1, 2)": "function_not_allowed",
    "select window(originated_on, '2 days', '1 day') from loan": "function_not_allowed",
    "select explode(map(country, pd)) as (k, v) from loan": "node_not_allowed",
    "select posexplode(array(pd)) from loan": "node_not_allowed",
    "select cast(pd as variant) from loan": "type_not_allowed",
    "select transform(array(pd), (x.y) -> x) from loan": "unknown_column",
    "select * except (pd + 1) from loan": "node_not_allowed",
    "select * except (l.pd) from loan l": "node_not_allowed",
    "select repeat('x', 1000000)": "argument_bound",
    "select array_repeat(1, size(array(pd))) from loan": "argument_bound",
    # Names.
    "select `sum(pd)` from (select sum(pd) from loan)": "unknown_column",
    "select `État` from loan": "odd_character",
    "select pd.x.y from borrower": "unknown_column",
    "with recursive a as (select * from b), b as (select 1) select * from a": "node_not_allowed",
}


@pytest.mark.parametrize(("sql", "code"), REFUSED.items())
def test_refused(sql: str, code: str, catalog: Catalog) -> None:
    with pytest.raises((Refused, UserError)) as caught:
        analyze(sql, None, catalog, "spark")
    assert caught.value.code == code
    assert caught.value.hint


READS: dict[str, dict[str, list[str]]] = {
    "SELECT Country FROM LOAN WHERE `COUNTRY` = 'x'": {"loan": ["country"]},
    "select * except (pd, ead) from loan": {
        "loan": ["loan_id", "borrower_id", "country", "pd", "ead", "originated_on"]
    },
    "select l.country from loan l left semi join borrower b on l.borrower_id = b.borrower_id": {
        "loan": ["borrower_id", "country"],
        "borrower": ["borrower_id"],
    },
    "select count(*) from loan left anti join borrower using (borrower_id)": {
        "loan": ["borrower_id"],
        "borrower": ["borrower_id"],
    },
    "select x from loan lateral view explode(array(pd, ead)) e as x": {"loan": ["pd", "ead"]},
    "select e.k from loan lateral view outer explode(map(country, pd)) e as k, v": {"loan": ["country", "pd"]},
    "select p, c from loan lateral view posexplode(array(pd)) e as p, c": {"loan": ["pd"]},
    "select e.* from loan, lateral explode(array(pd)) as e(x)": {"loan": ["pd"]},
    "select explode(array(pd)) from loan": {"loan": ["pd"]},
    "select id from range(10)": {},
    "select transform(array(pd), x -> x + ead) from loan": {"loan": ["pd", "ead"]},
    "select aggregate(array(pd), 0D, (acc, x) -> acc + x) from loan": {"loan": ["pd"]},
    "select transform(array(named_struct('f', pd)), pd -> pd.f) from loan": {"loan": ["pd"]},
    "select s.a, s.a.b, s['c'], named_struct('x', ead).x from (select struct(pd as a) as s, ead from loan)": {
        "loan": ["pd", "ead"]
    },
    "select l.pd as a, a + 1 as b from loan l where country <=> 'x' and !(country rlike 'y')": {
        "loan": ["country", "pd"]
    },
    # A name that could be read in two ways is both.
    "select t.pd from (select struct(ead as pd) as t, 1 as pd from loan) t": {"loan": ["ead"]},
    "select pd as k, (select max(k.income) from borrower) from loan k": {"loan": ["pd"], "borrower": []},
    "select q.k from borrower k, lateral (select max(pd) as k, k.income from loan) q": {
        "borrower": ["income"],
        "loan": ["pd"],
    },
    "select current_date, x from (select country as x, originated_on as current_date from loan)": {
        "loan": ["country", "originated_on"]
    },
    "select country from loan tablesample (10 percent)": {"loan": ["country"]},
    """select "it's", 'it''s', date '2020-01-01', interval 3 days, 1L, cast(pd as decimal(10, 2)) from loan""": {
        "loan": ["pd"]
    },
    "select cast(null as struct<a: int, b: array<string>>), cast(null as map<string, int>)": {},
    "select if(pd > 1, 'a', 'b'), pd div 2, pd % 2, nvl(country, 'x'), try_cast(country as int) from loan": {
        "loan": ["country", "pd"]
    },
    "from loan select country": {"loan": ["country"]},
    "select datediff(day, originated_on, current_date()), date_add(originated_on, 3) from loan": {
        "loan": ["originated_on"]
    },
    "select v.a from values (1, 2), (3, 4) as v(a, b)": {},
    "select col1 from values (1)": {},
    "select a.b.pd from (select 1 as b) a, loan b": {"loan": ["pd"]},
}


@pytest.mark.parametrize(("sql", "reads"), READS.items())
def test_reads(sql: str, reads: dict[str, list[str]], catalog: Catalog) -> None:
    facts = analyze(sql, None, catalog, "spark")
    found = {use.dataset: list(use.columns) for use in facts.tables}
    assert all(set(columns) <= set(found[name]) for name, columns in reads.items())
    assert found.keys() == reads.keys()
    assert facts.can_raise


SUMMARIES = {
    "select country, sum(pd) as s, s / count(*) as m from loan group by all order by all": True,
    "select year(originated_on) as y, max(pd) from loan group by y having y > 2000 order by y": True,
    "select country, count(*) from loan group by country with rollup": True,
    "select country, median(pd), percentile(pd, 0.5), approx_percentile(pd, 0.9), try_avg(ead) from loan group by 1": True,
    "select count(*) from loan left semi join borrower using (borrower_id)": True,
    "select country, count_if(pd > 0.1), any(pd > 1) from loan group by country": True,
    "select first(pd), country from loan group by country": False,
    "select country, true = any(pd > 1) from loan group by country": True,
    "select first(pd) ignore nulls, max(country) from loan": False,
    "select collect_list(pd) from loan": False,
    "select approx_percentile(pd, array(0.1, 0.2)) from loan": False,
    "select histogram_numeric(pd, 5) from loan": False,
    "select country, count(*) from loan tablesample (10 percent) group by country": False,
    "select count(*) from loan lateral view explode(sequence(1, 9)) e as i where i = loan_id": False,
    "select i, count(*) from (select explode(sequence(1, 60)) as i), loan where i = loan_id group by i": False,
    "select loan_id as current_date, count(current_date) from loan group by 1": False,
    # Which of two things a name means the engine's version decides.
    "select max(pd) as country, count(*) from loan group by country having country > 'a'": False,
    # Not traced through an item's name, and so not judged.
    "select country as k, k as l, count(*) from loan group by all": False,
    "select pd as country, country as k, count(*) from loan group by all": False,
}


@pytest.mark.parametrize(("sql", "summary"), SUMMARIES.items())
def test_summaries(sql: str, summary: bool, catalog: Catalog) -> None:
    assert analyze(sql, None, catalog, "spark").aggregated is summary


def test_names_of_columns(catalog: Catalog) -> None:
    sql = "select Country, pd as `P d`, s.f, sum(pd) over (), l.* from (select struct(1 as f) as s, * from loan) l"
    facts = analyze(sql, None, catalog, "spark")
    # What Spark makes of an expression's text nobody else knows.
    assert [o.name for o in facts.outputs[:5]] == ["Country", "P d", "f", "", "s"]


def test_a_contract_may_hold_any_letter(catalog: Catalog) -> None:
    one = Dataset(name="x", pack="p", source="x", columns=(Column(name="É", type="INT"), Column(name="a", type="INT")))
    facts = analyze("select a from x", None, Catalog(datasets=(one,)), "spark")
    assert [use.columns for use in facts.tables] == [("a",)]


def test_every_refusal_names_no_value(catalog: Catalog) -> None:
    told: list[Any] = []
    for sql in REFUSED:
        with pytest.raises((Refused, UserError)) as caught:
            analyze(sql, None, catalog, "spark")
        told.append(str(caught.value))
    assert not any("user.home" in text or "hiveconf" in text for text in told)
