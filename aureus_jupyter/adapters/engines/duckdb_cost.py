"""DuckDB's plan, as words about cost and as the relations it scans.

Estimates count rows that a filter hides, so only their power of ten is told.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["cost_in_words", "full_scans", "rows_scanned", "scans_of"]

_SCANS = ("SCAN", "READ_")


def cost_in_words(explained: str, datasets: Sequence[str]) -> str:
    """Return one sentence from the JSON of `EXPLAIN (FORMAT json)`. Does not name a raw relation."""
    nodes = json.loads(explained)
    names = ", ".join(sorted(datasets))
    scanned = sum(_cardinality(n) for n in _all(nodes) if _is_scan(n))
    result = _first(nodes)
    source = f"reads {_about(scanned)} of {names}" if datasets else "reads no dataset"
    if datasets and not any(_is_table(n) for n in _all(nodes)):
        source = f"reads no row of {names}, as the answer is known without"
    return f"Estimate: {source}; {_about(result)} in the result." if nodes else f"Estimate: {source}."


def scans_of(explained: str) -> frozenset[str]:
    """Return what a plan scans, in the engine's own words: a table's name, or a file reader without its file."""
    found = set()
    for node in _all(json.loads(explained)):
        info = node.get("extra_info") or {}
        if _is_scan(node):
            parts = [str(info.get(key, "")) for key in ("Table", "Function")]
            found.add(" ".join([str(node.get("name", "")).strip(), *filter(None, parts)]))
    return frozenset(found)


def full_scans(explained: str) -> dict[str, int]:
    """Return the rows of each relation that a plan without any condition scans, by its name in the plan."""
    found: dict[str, int] = {}
    for node in _all(json.loads(explained)):
        if _is_stored(node):
            found[_name(node)] = found.get(_name(node), 0) + _cardinality(node)
    return found


def rows_scanned(explained: str, rows: Mapping[str, int]) -> int | None:
    """Return how many rows a plan scans at most when each scan reads all `rows` of its relation; None when nobody can say.

    Counts every relation at least once, also one that the planner answers for without reading it. A scan that is not known
    counts as the largest. A recursion scans as often as its rows say, which only running it tells.
    """
    scans = Counter[str]()
    for node in _all(json.loads(explained)):
        if str(node.get("name", "")).upper().startswith(("REC_CTE", "RECURSIVE")):
            return None
        if _is_stored(node):
            scans[_name(node)] += 1
    most = max(rows.values(), default=0)
    return sum(times * rows.get(name, most) for name, times in scans.items()) + sum(
        count for name, count in rows.items() if name not in scans
    )


def _is_stored(node: dict[str, Any]) -> bool:
    """Whether a scan reads a table or a file, and not what the statement itself has made."""
    return _is_table(node) and str(node["name"]).upper().strip() not in {"CTE_SCAN", "REC_CTE_SCAN", "DELIM_SCAN"}


def _name(node: dict[str, Any]) -> str:
    """Return a scan's relation in the engine's own words; files of one reader are told apart by nothing, so they count together."""
    info = node.get("extra_info") or {}
    return str(info.get("Table") or info.get("Function") or node["name"])


def _all(nodes: Any) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from _all(node.get("children", []))


def _is_scan(node: dict[str, Any]) -> bool:
    name = str(node.get("name", "")).upper()
    return not node.get("children") and any(mark in name for mark in _SCANS)


def _is_table(node: dict[str, Any]) -> bool:
    """Whether a scan reads rows that are stored, and not some the planner has at hand, such as a count it knows."""
    name = str(node.get("name", "")).upper().strip()
    return _is_scan(node) and name not in {"COLUMN_DATA_SCAN", "DUMMY_SCAN"}


def _cardinality(node: dict[str, Any]) -> int:
    value = str((node.get("extra_info") or {}).get("Estimated Cardinality", ""))
    return int(value) if value.isdigit() else 0


def _first(nodes: Any) -> int:
    """Return the topmost estimate there is."""
    return next((c for c in map(_cardinality, _all(nodes)) if c), 0)


def _about(rows: int) -> str:
    power = len(str(max(rows, 1)))
    bound = 10**power
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if bound >= size:
            return f"up to about {bound // size} {word} rows"
    return f"up to about {bound} rows"
