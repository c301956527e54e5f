"""What counts as a summary, which needs neither an approval nor a filter: no row of it may be a single source row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aureus_jupyter.core.analyze import analyze
from aureus_jupyter.core.size import check_size
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.facts import Facts

Parse = Callable[[str], Any]

ROWS = """
select sum(pd) from loan group by loan_id
select sum(loan_id) as id, avg(pd) as pd, min(country) as c from loan group by borrower_id
select country, count(*) from loan group by country, loan_id
select country, count(*) from loan group by grouping sets ((loan_id), ())
select country, count(*) from loan group by cube (country, loan_id)
select country, loan_id as n, count(*) from loan group by 1, 2
select sum(pd), loan_id as k from loan group by k
select *, count(*) over () from loan
select loan_id, count(*) from loan group by all
select pd from loan group by all
select pd from loan group by pd
select distinct pd from loan
select unnest(max(pd, 100000)) from loan
select max(pd, 100000) from loan
select min({'a': pd, 'b': ead}) from loan
select min([pd, ead]) from loan
select min(row(pd, ead)) from loan
select quantile_disc(pd, [0.1, 0.2, 0.3]) from loan
select approx_quantile(pd, [0.1, 0.2]) from loan
select q.* from borrower b, lateral (select sum(x) as s from (select b.borrower_id as x) t) q
select q.* from borrower b, lateral (select sum(l.pd) as s from loan l where l.borrower_id = b.borrower_id) q
select q.* from borrower b, (select sum(l.pd) as s from loan l join loan m on m.loan_id = b.borrower_id) q
select q.* from borrower b, (select sum(l.pd) s from loan l where exists (select 1 from loan m where m.loan_id = b.borrower_id)) q
with s as (select count(*) as borrower_id from borrower) select borrower_id from s right join borrower using (borrower_id)
with s as (select count(*) as borrower_id from borrower) select borrower_id from s full join borrower using (borrower_id)
select q.z from (select count(*) as "(pd + 0)" from loan) s, lateral (select "(pd + 0)" as z from (select pd + 0 from loan) t) q
select q.z from borrower b, lateral (select sum(pd) as z from loan where list_contains(list_apply([1], lambda y: y + b.borrower_id), 1)) q
select count(*) from loan where nosuch = 1
select q.z from (select count(*) as c_1 from loan) s, lateral (select c_1 as z from (select country as c, pd as c from loan) t) q
select main.loan.loan_id, main.loan.pd from loan, (select 1 as loan) main
select t.s.borrower_id from (select {'borrower_id': 1} as s) t, borrower s
select main.loan.loan_id as k, sum(pd) from loan, (select 1 as loan) main group by k
select min(main.loan.loan_id) from loan, (select 1 as loan) main
select v.i from (select unnest(range(1000000)) as i) v join borrower b on b.borrower_id = v.i
select i from (select unnest(range(1000000)) as i) v where i in (select borrower_id from borrower)
select i from (select unnest(range(9)) as i) v where exists (select 1 from borrower b where b.borrower_id = v.i)
select i from (select unnest(range(9)) as i) v where (select count(*) from borrower b where b.borrower_id = v.i) > 0
select i from (select unnest(range(9)) as i) v order by (select sum(pd) from loan l where l.loan_id = v.i)
select i from (select unnest(range(9)) as i) v limit (select max(loan_id) from loan)
select i from (select unnest(range(9)) as i) v intersect select borrower_id from borrower
select $x as x from borrower where borrower_id = $x
select 1 as one from borrower
select 1 as one from borrower group by all
select distinct 1 as one from borrower group by all
select s.n from (select count(*) n from loan) s join borrower b on b.full_name like 'A%'
select 1 as x from (select 1 as a, 'x' as full_name) t join borrower using (full_name)
select v.i, sum(l.pd) from (select unnest(range(1000000)) as i) v join loan l on l.loan_id = v.i group by v.i
select v.i, sum(l.pd) from (values (1), (2)) v(i) join loan l on l.loan_id = v.i group by v.i
select v.i, sum(l.pd) from (values (1), (2)) v(i), loan l where l.loan_id = v.i group by v.i
select v.i, sum(l.pd) from (values (1), (2)) v(i), loan l where l.loan_id in (v.i) group by v.i
select v.i, sum(case when l.loan_id = v.i then l.pd end) from (values (1), (2)) v(i), loan l group by v.i
select v.i, sum(l.pd) filter (where l.loan_id = v.i) from (values (1), (2)) v(i), loan l group by v.i
select v.i, sum(l.pd * (1 - sign(abs(l.loan_id - v.i)))) from (values (1), (2)) v(i), loan l group by v.i
select v.i, sum(l.pd) from (select 1 as i union all select 2) v join loan l on l.loan_id = v.i group by v.i
select v.i, sum(l.pd) from (select 1 as i union all select 2) v asof join loan l on v.i >= l.loan_id group by v.i
select v.i, sum(l.pd) from (select unnest(range(9)) as i) v positional join loan l group by v.i
select i, sum(pd) from (select v.i, l.pd from (values (1)) v(i) join loan l on l.loan_id = v.i) group by i
select i, count(*) filter (where d = 0) from (select v.i, l.loan_id - v.i as d from (values (1)) v(i), loan l) group by i
select l.pd, sum(m.ead) from loan m join (select distinct pd from loan) l on l.pd = m.loan_id group by 1
select d, sum(m.ead) from loan m join (select distinct originated_on d from loan) on d = date '2018-01-01' + m.loan_id::int group by 1
select x.n, sum(m.ead) from loan m join (select country, count(*) n from loan group by 1) x on x.n = m.loan_id group by 1
with recursive r as (select 0 i, 0 s union all select sum(i) + 1, sum(pd) from r left join loan on loan_id = i + 1) select i, s from r
select sum(pd) from loan where loan_id = 5
select sum(pd) from loan where loan_id % 2 = 0
select count(*) from borrower where full_name = 'x'
select sum(pd) from loan using sample 1 rows
select sum(pd) from loan tablesample 1%
select sum(pd) from (select * from loan limit 1 offset 7)
select sum(pd) from (select distinct on (country) * from loan)
select sum(pd) from (select pd, row_number() over () as n from loan) where n = 5
select sum(pd) from (select pd from loan qualify row_number() over () = 5)
select loan_id, sum(ead) as s from loan group by loan_id qualify row_number() over (order by sum(ead) desc) = 1
select country, sum(ead) as s from loan group by country qualify max(min(loan_id)) over () = 5
select sum(pd) from (select pd, loan_id from loan union all select pd, loan_id from loan limit 1)
select sum(pd) from loan where loan_id in (select count(*) from borrower)
select sum(pd) from loan where loan_id not in (select borrower_id from borrower where borrower_id = 5)
select sum(pd) from loan where loan_id = (select 5)
select count(*) from loan l where l.loan_id in (select l.country)
select count(*) from loan l join (select country from loan limit 5) s on s.country = l.loan_id
select count(*) from loan l join (select country, row_number() over () n from loan where loan_id = 5) s on s.country = l.loan_id
select sum(loan_id) from loan
select count(*) from loan group by (select 1)
select n from (values ((select max(pd) from loan))) v(n)
select count(*) from loan where (loan_id, pd) in (select borrower_id, 1 from borrower)
"""

SUMMARIES = """
select count(*) from loan
select country, count(*) as n, sum(pd * ead) as loss from loan group by country order by n desc
select country as land, count(*) from loan group by land
select country, count(*) from loan group by 1 having count(*) > 5 order by 2
select year(originated_on) as y, max(pd), median(ead), quantile_cont(pd, 0.5) from loan group by y
select country, avg(pd) from loan group by all order by all
select country, count(*) from loan group by rollup (country)
select max(pd * ead) - min(pd + 1) as spread from loan
with s as (select country, sum(pd) as t from loan group by country) select a.country, a.t from s a join s b using (country)
select x.n from (select count(*) as n from loan l where exists (select 1 from borrower b where b.borrower_id = l.borrower_id)) x
select a.n, b.m from (select count(*) as n from loan) a, (select count(*) as m from borrower) b
select country, count(*) from loan l where exists (select 1 from borrower b where b.borrower_id = l.borrower_id) group by country
select country, sum(x) from (select country, pd * 2 as x from loan) t group by country
select v.c, sum(pd) from (values ('CZ'), ('DE')) v(c) join loan l on l.country = v.c group by v.c
select sum(pd) from loan where borrower_id in (select borrower_id from borrower where country = 'CZ')
select sum(pd) from loan where borrower_id not in (select borrower_id from borrower where country = 'CZ')
select sum(pd) from loan l where not exists (select 1 from borrower b where b.borrower_id = l.borrower_id)
select count(*), count(distinct borrower_id), approx_count_distinct(loan_id) from loan where loan_id is not null
select country, sum(pd) from loan where pd > (select avg(pd) from loan) group by country order by sum(pd) desc limit 3
select avg(n), max(n) from (select borrower_id, count(*) as n from loan group by borrower_id)
select b.country, sum(l.pd) from loan l join borrower b on b.borrower_id = l.borrower_id and l.country = b.country group by 1
select b.country, sum(l.pd * 2) from loan l left join borrower b using (borrower_id) where l.pd > 0.1 or l.ead < 5 group by all
with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select n from r
select country, sum(pd) from loan group by country union all select 'all', sum(pd) from loan order by 2 limit 5
select i from (select unnest(range(3)) as i) order by i limit 2
select country, sum(ead) as s from loan group by country qualify row_number() over (order by sum(ead) desc) <= 3
select count(pd * 2), count(case when pd is null or pd + 1 is null then 1 end) from loan
select count(*) from loan where originated_on >= (select min(originated_on) from loan)
"""


def facts(sql: str, catalog: Catalog, parse: Parse) -> Facts:
    return analyze(sql, parse(sql), catalog, "duckdb")


@pytest.mark.parametrize("sql", ROWS.strip().splitlines())
def test_rows_are_no_summary(sql: str, catalog: Catalog, parse: Parse) -> None:
    assert not facts(sql, catalog, parse).aggregated


@pytest.mark.parametrize("sql", SUMMARIES.strip().splitlines())
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
