"""The layout of DuckDB's syntax tree, which the guard reads, pinned: an upgrade that moves it fails here first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parents[1] / "corpus" / "tree_duckdb.json"

STATEMENTS = (
    "select l.pd * 2 as d, count(*), sum(ead) filter (where stage = 1) from loan as l where pd > $p and country in ('CZ') group by all",
    "with recursive r(n) as (select 1 union all select n + 1 from r where n < 3), k as materialized (select * exclude (n) from r) from k",
    "select *, t.*, columns('p.*'), #1, cast(a as decimal(18, 2)), try_cast(b as int[]), [x for x in y] from main.t as t(a, b)",
    "select row_number() over (partition by a order by b rows 1 preceding), lag(a) over () from t join u using (id) natural join v",
    "select case when a then 1 end, a is null, not b, a between 1 and 2, (select 1), exists (select 1), s.x.y, l[1], l[1:2], {'a': 1}",
    "from t pivot (sum(x) for y in ('a', 'b') group by z) limit 5 offset 1",
    "select 1 union all by name (select 2 except select 3) order by 1 desc nulls last",
    "select * from range(3) r(i), (values (1)) v(a), lateral (select i) z",
    "select a from t tablesample 10% where a > all (select 1) qualify rank() over (order by a) = 1",
    "describe loan",
    "delete from loan",
    "select from",
)


def without_places(node: Any) -> Any:
    """Drop where things stand: the places are the text's, not the layout's."""
    if isinstance(node, dict):
        return {k: without_places(v) for k, v in node.items() if not k.startswith("query_location")}
    return [without_places(item) for item in node] if isinstance(node, list) else node


def test_the_layout_is_the_one_the_guard_was_written_for(parse: Callable[[str], Any]) -> None:
    found = {sql: without_places(parse(sql)) for sql in STATEMENTS}
    assert found == json.loads(GOLDEN.read_text("utf-8"))
