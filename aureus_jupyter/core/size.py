"""How much a statement grows when it is bound: stars, WITH parts, aliases and lambdas written once and read many times.

A few hundred characters can stand for millions of columns. The engine's binder and the lineage would build them all
before a time limit could stop them, so the size is computed first, as a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from aureus_jupyter.core.reading import ctes_of, path_of
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog, fold

__all__ = ["MAX_COLUMNS", "MAX_SIZE", "check_size"]

MAX_COLUMNS = 5_000
MAX_SIZE = 100_000


class _Part(NamedTuple):
    """What a query or a relation comes to: its columns, and the expressions and columns that are built for it."""

    columns: int
    size: int


def check_size(tree: Any, catalog: Catalog) -> None:
    """Refuse (`too_large`) a statement that would become too large. Expects a tree that `core.reading` let pass."""
    _query(tree["statements"][0]["node"], {}, catalog)


def _checked(columns: int, size: int) -> _Part:
    if columns > MAX_COLUMNS or size > MAX_SIZE:
        raise Refused(
            "too_large",
            f"written out, the statement has more than {MAX_COLUMNS:,} columns or {MAX_SIZE:,} expressions",
            hint="Name the columns you need instead of *, and use each WITH part and alias fewer times.",
        )
    return _Part(columns, size)


def _query(node: Any, ctes: Mapping[str, _Part], catalog: Catalog) -> _Part:
    ctes = dict(ctes)
    for name, value in ctes_of(node):
        inner = value.get("query_node") or (value.get("query") or {}).get("node")
        ctes[fold(name)] = _query(inner, ctes, catalog)
    if node["type"] == "SELECT_NODE":
        return _select(node, ctes, catalog)
    if node["type"] == "RECURSIVE_CTE_NODE":
        left = _query(node["left"], ctes, catalog)
        right = _query(node["right"], {**ctes, fold(node["cte_name"]): left}, catalog)
        return _checked(left.columns, left.size + right.size)
    parts = [_query(child, ctes, catalog) for child in node["children"]]
    return _checked(sum(p.columns for p in parts), sum(p.size for p in parts))


def _select(node: Mapping[str, Any], ctes: Mapping[str, _Part], catalog: Catalog) -> _Part:
    source = _from(node.get("from_table") or {}, ctes, catalog)
    columns, size, aliases = 0, source.size, {"": 1}
    for item in node["select_list"]:
        own = _size(item, aliases, ctes, catalog)
        # COLUMNS(...) and * in an expression stand for as many expressions as there are columns.
        times = source.columns if _has_star(item) else 1
        columns, size = columns + times, size + own * times
        _checked(columns, size)
        if item.get("alias"):
            aliases[fold(item["alias"])] = own
    rest = [v for k, v in node.items() if k not in {"select_list", "from_table", "cte_map"}]
    return _checked(columns, size + columns + _size(rest, aliases, ctes, catalog))


def _from(node: Any, ctes: Mapping[str, _Part], catalog: Catalog) -> _Part:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = path_of(node)[-1]
        dataset = catalog.dataset(name)
        return ctes.get(fold(name)) or _Part(len(dataset.columns) if dataset is not None else 1, 1)
    if kind == "SUBQUERY":
        return _query(node["subquery"]["node"], ctes, catalog)
    if kind == "JOIN":
        left, right = _from(node["left"], ctes, catalog), _from(node["right"], ctes, catalog)
        condition = _size(node.get("condition"), {}, ctes, catalog)
        return _checked(left.columns + right.columns, left.size + right.size + condition)
    if kind == "PIVOT":
        source = _from(node["source"], ctes, catalog)
        own = _size({k: v for k, v in node.items() if k != "source"}, {}, ctes, catalog)
        return _checked(source.columns + own, source.size + own)
    own = _size(node, {}, ctes, catalog)
    return _checked(own, own)


def _size(node: Any, aliases: Mapping[str, int], ctes: Mapping[str, _Part], catalog: Catalog) -> int:
    """Return how many expressions this becomes, with every alias written out."""
    if isinstance(node, list):
        return sum(_size(item, aliases, ctes, catalog) for item in node)
    if not isinstance(node, dict):
        return 0
    if node.get("type") == "SUBQUERY" and "subquery" in node:
        inner = _query(node["subquery"]["node"], ctes, catalog)
        return 1 + inner.size + _size(node.get("child"), aliases, ctes, catalog)
    if node.get("type") == "COLUMN_REF":
        return aliases.get(fold(node["column_names"][0]), 1) if len(node["column_names"]) == 1 else 1
    below = sum(_size(v, aliases, ctes, catalog) for v in node.values() if isinstance(v, (dict, list)))
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
