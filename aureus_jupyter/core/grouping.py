"""What a SELECT groups by, and which of its outputs show a group rather than a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aureus_jupyter.core.functions import AGGREGATES, SUMMARIES, SUMMARIES_OF_LABELS
from aureus_jupyter.core.scopes import Scope, UnknownColumnsError, own, resolve
from aureus_jupyter.values.catalog import fold

__all__ = ["ONE", "Groups", "children", "groups_of", "has_aggregate", "is_summary", "labels_only", "loose", "place_of"]


@dataclass(frozen=True, slots=True)
class Groups:
    """What a SELECT groups by: expressions without their places, positions, or everything that is no aggregate.

    `sound` is false when a key may tell one source row from another, shown or not; `counts` when there is an aggregate.
    `keys`: what may be grouped by; None where the tree does not say.
    """

    shapes: tuple[Any, ...]
    positions: frozenset[int]
    all_others: bool
    present: bool
    counts: bool
    sound: bool
    keys: tuple[Any, ...] = ()

    def holds(self, item: Mapping[str, Any], position: int) -> bool:
        """Whether the item at this place of the select list is one of the keys."""
        if self.all_others:
            return not has_aggregate(item)
        alias = fold(item.get("alias") or "")
        named = {"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": [alias]}
        return position in self.positions or _shape(item) in self.shapes or (bool(alias) and named in self.shapes)

    def names(self, node: Mapping[str, Any]) -> bool:
        """Whether an expression is one of the keys, in whichever way that is written."""
        return "class" in node and _shape(node) in map(_shape, self.keys)


def groups_of(node: Mapping[str, Any], scope: Scope) -> Groups:
    """Return what a SELECT groups by."""
    expressions = node.get("group_expressions") or []
    positions = {int(e["literal"]["text"]) for e in expressions if e["type"] == "VALUE_CONSTANT" and _is_position(e)}
    every = node.get("aggregate_handling") == "FORCE_AGGREGATES"
    shapes = tuple(_shape(e) for e in expressions)
    items = node["select_list"]
    counts = any(has_aggregate(item) for item in items)
    keys = [key for e in expressions for key in _keys(e, items, scope)]
    if every:
        keys += [item for item in items if not has_aggregate(item)]
        # HAVING's own names become keys, too.
        aliases = {fold(item.get("alias") or "") for item in items}
        keys += [name for name in loose(node.get("having")) if not _is_alias(name["column_names"], aliases, scope)]
    sound = all(key is not None and key["type"] != "STAR" and labels_only(key, scope) for key in keys)
    # HAVING alone groups, too.
    grouped = bool(expressions) or counts or node.get("having") is not None
    # GROUP BY ALL over nothing but constants groups nothing.
    return Groups(shapes, frozenset(positions), every, grouped, counts, sound, tuple(keys))


def _is_alias(names: list[str], aliases: set[str], scope: Scope) -> bool:
    """Whether a name can only be an item's alias: it has one part, and no column bears it."""
    return len(names) == 1 and fold(names[0]) in aliases and own([fold(names[0])], scope) is None


def loose(node: Any, stop: Callable[[Mapping[str, Any]], bool] | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield the columns named outside of aggregates, of what `stop` holds for, and of subqueries, whose names may be their own."""
    if isinstance(node, dict):
        if stop is not None and stop(node):
            return
        if node.get("type") == "COLUMN_REF":
            yield node
            return
        if node.get("type") == "FUNCTION" and node["function_name"].lower() in AGGREGATES:
            return
        if node.get("class") == "SUBQUERY":
            node = {"child": node.get("child")}
    for child in children(node):
        yield from loose(child, stop)


def _keys(expression: Mapping[str, Any], items: list[Any], scope: Scope) -> list[Any]:
    """Return what a group expression may mean: itself, the item at its position, or an item with that alias."""
    if expression["type"] == "VALUE_CONSTANT" and _is_position(expression):
        place = int(expression["literal"]["text"])
        # A star before it moves the positions.
        stars = any(item["type"] == "STAR" for item in items)
        return [None if stars or not 0 < place <= len(items) else items[place - 1]]
    if expression["type"] == "COLUMN_REF" and len(expression["column_names"]) == 1:
        alias = fold(expression["column_names"][0])
        named = [item for item in items if fold(item.get("alias") or "") == alias]
        return named if named and resolve([alias], scope) is None else [*named, expression]
    return [expression]


def _is_position(node: Mapping[str, Any]) -> bool:
    return place_of(node) > 0


def place_of(node: Mapping[str, Any]) -> int:
    """Return the place in the select list that a constant names, from 1; 0 for one that names none."""
    text = str((node.get("literal") or {}).get("text", ""))
    if "_" in text and text.replace("_", "").isdigit():
        # 1_0 is ten to the engine.
        raise UnknownColumnsError
    return int(text) if text.isdigit() else 0


def _shape(node: Any) -> Any:
    """Return an expression without its places and alias, names folded, to compare two spellings of it."""
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if not k.startswith("query_location") and k != "alias"}
        if node.get("type") == "COLUMN_REF":
            return {
                "class": "COLUMN_REF",
                "type": "COLUMN_REF",
                "column_names": [fold(n) for n in node["column_names"]],
            }
        return {k: _shape(v) for k, v in kept.items()}
    if isinstance(node, list):
        return [_shape(item) for item in node]
    return node


def children(node: Any) -> Iterable[Any]:
    """Return the parts of a node that may hold expressions."""
    if isinstance(node, dict):
        return [v for k, v in node.items() if k not in {"qualified_name", "type_expr"} and isinstance(v, (dict, list))]
    return node if isinstance(node, list) else ()


def has_aggregate(node: Any) -> bool:
    """Whether an aggregate of this very SELECT stands below."""
    if isinstance(node, dict):
        if node.get("type") == "FUNCTION" and node["function_name"].lower() in AGGREGATES:
            return True
        if node.get("class") == "SUBQUERY":
            return False
    return any(has_aggregate(child) for child in children(node))


def is_summary(node: Any, groups: Groups, scope: Scope, fixed: Callable[[Mapping[str, Any]], bool]) -> bool:
    """Whether the expression shows no single source row. `fixed` says whether a subquery is one value of a summary."""
    if isinstance(node, list):
        return all(is_summary(item, groups, scope, fixed) for item in node)
    if not isinstance(node, dict) or node.get("type") in {"VALUE_CONSTANT", "VALUE_PARAMETER"}:
        return True
    if node.get("class") == "SUBQUERY":
        return fixed(node)
    if groups.counts and groups.names(node) and labels_only(node, scope):
        return True
    rows = groups.present or not scope.relations or any(r.rows for r in scope.relations)
    if node.get("type") == "STAR" or (node.get("class") == "WINDOW" and rows and not groups.counts):
        return False
    if node.get("type") == "COLUMN_REF":
        parts = [fold(n) for n in node["column_names"]]
        found = resolve(parts, scope)
        # Beside groups only another item's alias, or the clock, shows nothing of a row.
        return found is not None and found.summary and (not groups.present or own(parts, scope) is None)
    name = str(node.get("function_name", "")).lower() if node.get("type") == "FUNCTION" else ""
    if name in SUMMARIES:
        return True
    if name in SUMMARIES_OF_LABELS:
        return _shows_one(name, node) and labels_only(node, scope)
    if name in AGGREGATES:
        return False
    # A window over groups holds values of groups against each other, so it shows what they show.
    return all(is_summary(child, groups, scope, fixed) for child in children(node))


def _shows_one(name: str, node: Mapping[str, Any]) -> bool:
    """Whether the aggregate gives one plain value: `max(x, 100)` gives a hundred, and a struct gives a whole row."""
    arguments = [a.get("expression") or a for a in node.get("arguments") or node.get("children") or ()]
    fraction = "quantile" in name
    if len(arguments) != 1 + fraction or (fraction and arguments[1].get("type") != "VALUE_CONSTANT"):
        return False
    return is_one(arguments[0])


ONE = frozenset(
    "+ - * / // % abs ceil floor round greatest least year quarter month day date_trunc lower upper trim".split()
)
"""Functions of plain values that give one: no list and no struct, which would hold many."""


def is_one(node: Mapping[str, Any], functions: frozenset[str] = ONE) -> bool:
    """Whether an expression is one plain value, made with these functions. The conditions of a CASE are no part of it."""
    kind = node.get("type")
    if kind == "FUNCTION":
        below = [a.get("expression") or a for a in node.get("arguments") or node.get("children") or ()]
        return node["function_name"].lower() in functions and all(is_one(item, functions) for item in below)
    if kind == "CASE_EXPR":
        values = [*(check["then_expr"] for check in node["case_checks"]), node["else_expr"]]
        return all(is_one(value, functions) for value in values)
    if kind == "OPERATOR_COALESCE":
        return all(is_one(child, functions) for child in node["children"])
    if kind == "OPERATOR_CAST":
        return not node["type_expr"].get("children") and is_one(node["child"], functions)
    return kind in {"COLUMN_REF", "VALUE_CONSTANT"}


def labels_only(node: Any, scope: Scope) -> bool:
    """Whether every column below identifies nobody."""
    if isinstance(node, dict) and node.get("type") == "COLUMN_REF":
        found = resolve([fold(n) for n in node["column_names"]], scope)
        return found is not None and found.label
    if isinstance(node, dict) and node.get("class") in {"SUBQUERY", "WINDOW"}:
        return False
    return all(labels_only(child, scope) for child in children(node))
