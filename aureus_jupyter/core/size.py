"""How much a statement grows when it is bound: stars, WITH parts, aliases and lambdas written once and read many times.

A few hundred characters can stand for millions of columns. The engine's binder and the lineage would build them all
before a time limit could stop them, so the size is computed first, as a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from aureus_jupyter.core.growth import Growth
from aureus_jupyter.core.reading import ctes_of, path_of
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog, fold

__all__ = ["MAX_COLUMNS", "MAX_GROWTH", "MAX_SIZE", "check_size"]

MAX_COLUMNS = 5_000
MAX_SIZE = 100_000
MAX_GROWTH = 10_000_000


class _Part(NamedTuple):
    """What a query or a relation comes to: its columns, the expressions and columns that are built for it, and how many times
    larger than what is stored one of its values may be.
    """

    columns: int
    size: int
    growth: int = 1


class _Known(NamedTuple):
    """The catalog, and what each query node came to: a node stands in one place, so it always comes to the same."""

    catalog: Catalog
    parts: dict[int, _Part]


def check_size(tree: Any, catalog: Catalog) -> None:
    """Refuse (`too_large`) a statement that would become too large. Expects a tree that `core.reading` let pass."""
    _query(tree["statements"][0]["node"], {}, _Known(catalog, {}))


def _checked(columns: int, size: int, growth: int = 1) -> _Part:
    if columns > MAX_COLUMNS or size > MAX_SIZE:
        raise Refused(
            "too_large",
            f"written out, the statement has more than {MAX_COLUMNS:,} columns or {MAX_SIZE:,} expressions",
            hint="Name the columns you need instead of *, and use each WITH part and alias fewer times.",
        )
    if growth > MAX_GROWTH:
        raise Refused(
            "too_large",
            f"functions inside of each other make a value {MAX_GROWTH:,} times as large or more",
            hint="Give repeat, lpad, range and the like smaller numbers, or do not put one into another.",
        )
    return _Part(columns, size, growth)


def _query(node: Any, ctes: Mapping[str, _Part], known: _Known) -> _Part:
    """Return what a query comes to. Each is asked for by several questions, and worked out once."""
    if id(node) not in known.parts:
        known.parts[id(node)] = _new_query(node, ctes, known)
    return known.parts[id(node)]


def _new_query(node: Any, ctes: Mapping[str, _Part], known: _Known) -> _Part:
    ctes = dict(ctes)
    for name, value in ctes_of(node):
        inner = value.get("query_node") or (value.get("query") or {}).get("node")
        ctes[fold(name)] = _query(inner, ctes, known)
    if node["type"] == "SELECT_NODE":
        return _select(node, ctes, known)
    if node["type"] == "RECURSIVE_CTE_NODE":
        left = _query(node["left"], ctes, known)
        right = _query(node["right"], {**ctes, fold(node["cte_name"]): left}, known)
        return _checked(left.columns, left.size + right.size, max(left.growth, right.growth))
    parts = [_query(child, ctes, known) for child in node["children"]]
    growth = max(p.growth for p in parts)
    return _checked(sum(p.columns for p in parts), sum(p.size for p in parts), growth)


def _select(node: Mapping[str, Any], ctes: Mapping[str, _Part], known: _Known) -> _Part:
    source = _from(node.get("from_table") or {}, ctes, known)
    columns, size, aliases = 0, source.size, {"": 1}
    grown: dict[str, int] = {}
    growth = Growth(lambda inner: _query(inner, ctes, known).growth, source.growth, grown)
    for item in node["select_list"]:
        own = _size(item, aliases, ctes, known)
        # COLUMNS(...) and * in an expression stand for as many expressions as there are columns.
        times = source.columns if _has_star(item) else 1
        columns, size = columns + times, size + own * times
        _checked(columns, size, growth.of(item))
        if item.get("alias"):
            aliases[fold(item["alias"])], grown[fold(item["alias"])] = own, growth.of(item)
    rest = [v for k, v in node.items() if k not in {"select_list", "from_table", "cte_map"}]
    _checked(columns, size, growth.of(rest))
    largest = max(growth.of(item) for item in node["select_list"])
    return _checked(columns, size + columns + _size(rest, aliases, ctes, known), largest)


def _from(node: Any, ctes: Mapping[str, _Part], known: _Known) -> _Part:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = path_of(node)[-1]
        dataset = known.catalog.dataset(name)
        return ctes.get(fold(name)) or _Part(len(dataset.columns) if dataset is not None else 1, 1)
    if kind == "SUBQUERY":
        return _query(node["subquery"]["node"], ctes, known)
    if kind == "JOIN":
        left, right = _from(node["left"], ctes, known), _from(node["right"], ctes, known)
        condition = _size(node.get("condition"), {}, ctes, known)
        growth = max(left.growth, right.growth)
        return _checked(left.columns + right.columns, left.size + right.size + condition, growth)
    if kind == "PIVOT":
        source = _from(node["source"], ctes, known)
        own = _size({k: v for k, v in node.items() if k != "source"}, {}, ctes, known)
        # Each combination of the values listed makes a column of each aggregate.
        values = math.prod(len(pivot.get("entries") or ()) or 1 for pivot in node.get("pivots") or ())
        made = values * max(1, len(node.get("aggregates") or ()))
        return _checked(source.columns + own + made, source.size + own + made, source.growth)
    own = _size(node, {}, ctes, known)
    given = (node.get("function") or {}).get("arguments") or node.get("values") or []
    return _checked(own, own, Growth(lambda inner: _query(inner, ctes, known).growth, 1, {}).of(given))


def _size(node: Any, aliases: Mapping[str, int], ctes: Mapping[str, _Part], known: _Known) -> int:
    """Return how many expressions this becomes, with every alias written out."""
    if isinstance(node, list):
        return sum(_size(item, aliases, ctes, known) for item in node)
    if not isinstance(node, dict):
        return 0
    if node.get("type") == "SUBQUERY" and "subquery" in node:
        inner = _query(node["subquery"]["node"], ctes, known)
        return 1 + inner.size + _size(node.get("child"), aliases, ctes, known)
    if node.get("type") == "COLUMN_REF":
        return aliases.get(fold(node["column_names"][0]), 1) if len(node["column_names"]) == 1 else 1
    below = sum(_size(v, aliases, ctes, known) for v in node.values() if isinstance(v, (dict, list)))
    # A lambda's body is bound for its type and then once more.
    return (1 if "type" in node else 0) + below * (2 if node.get("type") == "LAMBDA" else 1)


def _has_star(node: Any) -> bool:
    if isinstance(node, dict):
        if node.get("type") == "STAR":
            return True
        if "subquery" in node:
            return False
        return any(_has_star(v) for v in node.values() if isinstance(v, (dict, list)))
    return isinstance(node, list) and any(_has_star(item) for item in node)
