"""How many rows a PostgreSQL plan would scan, from the server's statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["scanned_rows"]

# The planner scales what ANALYZE counted by the pages there are now; -1 says that it never counted (PostgreSQL, pg_class).
_ROWS = """
SELECT n.nspname, c.relname,
  CASE WHEN c.relkind = 'p' THEN 0 WHEN c.relkind IN ('r', 'm') AND c.reltuples >= 0 THEN
    greatest(c.reltuples, CASE WHEN c.relpages > 0 THEN c.reltuples / c.relpages ELSE 0 END
      * (pg_relation_size(c.oid) / current_setting('block_size')::bigint)) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = any(%s::oid[])
"""
_CHILDREN = """
WITH RECURSIVE part AS (SELECT to_regclass(%s)::oid AS oid
  UNION SELECT i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid)
SELECT oid FROM part WHERE oid IS NOT NULL
"""


def scanned_rows(con: Any, plan_tree: Any, tables: Sequence[str]) -> int | None:
    """Return the rows of each of the tables, given as SQL names, as often as the plan scans it and at least once.

    A partitioned table counts as its partitions. None when the server's statistics do not tell. Runs in the caller's transaction.
    """
    nodes = list(_nodes(plan_tree))
    if any(node.get("Node Type") in {"Recursive Union", "WorkTable Scan", "Foreign Scan"} for node in nodes):
        return None
    scans = Counter((n.get("Schema"), n["Relation Name"]) for n in nodes if "Relation Name" in n)
    total = 0.0
    for name in tables:
        oids = [row[0] for row in con.execute(_CHILDREN, (name,)).fetchall()]
        found = {(schema, table): rows for schema, table, rows in con.execute(_ROWS, (oids,)).fetchall()}
        if not found or None in found.values():
            return None
        times = max((scans[table] for table in found), default=0)
        total += max(1, times) * sum(found.values())
    return int(total) + 1


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)
