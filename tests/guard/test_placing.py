"""Where a statement uses a column."""

from __future__ import annotations

import pytest

from aureus_jupyter.adapters.engines.duckdb_reading import DuckDBReader
from aureus_jupyter.core.placing import places

STATEMENTS = {
    "select a, sum(b) filter (where c > 1) over (partition by d order by e) from t": (
        "a: output, b: output, c: predicate, d: group, e: order"
    ),
    "select 1 from t join u on t.a = u.b where c in (select d from v where e = 1)": (
        "a: join, b: join, c: predicate, d: predicate, e: predicate"
    ),
    "select max(a) from t group by b having min(c) > 1 order by d": "a: output, b: group, c: predicate, d: order",
    "select * exclude (a) from t join u using (b) qualify rank() over (order by c) = 1": (
        "*: output, a: output, b: join, c: order predicate"
    ),
    "select a as z from t where z = 1": "a: output predicate, z: predicate",
    "select a as x, x as y from t order by y": "a: order output, x: order output, y: order",
    "select x from (select a as x from t) s where x = 1": "a: output predicate, x: output predicate",
    "with c(m) as (select a from t) select 1 from c where m = 1": "a: output predicate, m: predicate",
    "select m from (select a from t) s(m) order by 1": "a: order output, m: order output",
    "select a, b from t group by 1 order by 2": "a: group order output, b: group order output",
    "select a, count(*) from t group by all": "a: group output",
    "select distinct on (a) b from t": "a: group, b: output",
    "select case when a then b else c end from t": "a: predicate, b: output, c: output",
    "select s.f from t": "f: output, s: output",
    "select a from t where b = (select max(c) from u where u.d = t.e)": (
        "a: output, b: predicate, c: predicate, d: predicate, e: predicate, t: predicate, u: predicate"
    ),
    "select a from t union select b from u order by 1": "a: order output, b: order output",
    'select A from T group by "A"': "a: group output",
}


@pytest.mark.parametrize("sql", STATEMENTS)
def test_places(sql: str) -> None:
    found = places(DuckDBReader().read(sql).second.tree)
    told = {name: " ".join(sorted(wheres)) for name, wheres in found.items() if name not in {"t", "u"} or "u.d" in sql}
    assert ", ".join(f"{name}: {told[name]}" for name in sorted(told)) == STATEMENTS[sql]


def test_nothing_stands_in_nothing() -> None:
    assert places({}) == {}
