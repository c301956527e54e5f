"""A query's order, its limit, which row of several it leaves. An order tells of what it is by, whether that is shown or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aureus_jupyter.core.exposure import names_below
from aureus_jupyter.core.grouping import place_of
from aureus_jupyter.core.scopes import Col, Level, Scope, own, resolve
from aureus_jupyter.values.catalog import fold

__all__ = ["modifiers", "orders_by_computed", "orders_by_hidden", "orders_rows", "renames"]


def modifiers(node: Mapping[str, Any]) -> list[Any]:
    """Return the expressions of ORDER BY, LIMIT and DISTINCT ON, without a column that only orders by itself."""
    found: list[Any] = []
    for modifier in node.get("modifiers") or ():
        found += [order["expression"] for order in modifier.get("orders") or ()]
        found += modifier.get("distinct_on_targets") or ()
        found += [modifier[part] for part in ("limit", "offset") if modifier.get(part)]
    return [expression for expression in found if expression["type"] != "COLUMN_REF"]


def renames(late: list[Any], items: list[Any], scope: Scope) -> bool:
    """Whether a condition after grouping uses an alias that is another column's name too: there the engine takes the alias."""
    columns = {c.name for relation in scope.relations for c in relation.columns} | {r.alias for r in scope.relations}
    named = columns.intersection(fold(name) for name in names_below(late))
    return any(i.get("alias") and fold(i["alias"]) in named and not _is_named_so(i, scope) for i in items)


def _is_named_so(item: Mapping[str, Any], scope: Scope) -> bool:
    """Whether an item is the very column that its alias would name."""
    alias = fold(item["alias"])
    if item["type"] != "COLUMN_REF" or sum(c.name == alias for r in scope.relations for c in r.columns) > 1:
        return False
    return resolve([fold(n) for n in item["column_names"]], scope) == own([alias], scope)


def orders_by_computed(node: Mapping[str, Any]) -> bool:
    """Whether a set operation is ordered by an expression: the engine looks for its text among the items of an arm."""
    orders = [o["expression"] for m in node.get("modifiers") or () for o in m.get("orders") or ()]
    return any(o["type"] not in {"STAR", "VALUE_CONSTANT", "COLUMN_REF"} for o in orders)


def orders_rows(node: Mapping[str, Any], columns: Sequence[Col], scope: Scope) -> bool:
    """Whether rows are put into an order by anything but plain labels: a list of them would tell it."""
    orders = [o["expression"] for m in node.get("modifiers") or () for o in m.get("orders") or ()]
    plain = {"STAR", "VALUE_CONSTANT", "COLUMN_REF"}
    return any(
        o["type"] not in plain or not all(c is not None and c.label for c in _targets(o, columns, scope))
        for o in orders
    )


def orders_by_hidden(node: Mapping[str, Any], columns: Sequence[Col], scope: Scope) -> bool:
    """Whether the order of a summary, or what DISTINCT ON leaves of it, is by what it does not show of its groups."""
    targets = [t for m in node.get("modifiers") or () for t in m.get("distinct_on_targets") or ()]
    targets += [o["expression"] for m in node.get("modifiers") or () for o in m.get("orders") or ()]
    return any(c is None or c.level is Level.IDENTITY for t in targets for c in _targets(t, columns, scope))


def _targets(target: Mapping[str, Any], columns: Sequence[Col], scope: Scope) -> Sequence[Col | None]:
    """Return the columns an order names by itself, by its place or by ALL. What is computed is a condition's matter."""
    if target["type"] == "STAR":
        return columns
    if target["type"] == "VALUE_CONSTANT":
        place = place_of(target)
        return columns[place - 1 : place] if place else ()
    if target["type"] != "COLUMN_REF":
        return ()
    parts = [fold(n) for n in target["column_names"]]
    shown = [c for c in columns if len(parts) == 1 and c.name == parts[0]]
    return shown or [resolve(parts, replace(scope, laterals=()))]
