"""Where a statement uses a name: in its output, a predicate, a join, a group or an order. Over the engine's tree.

By names alone, so of two columns with one name both are said to stand where either does, and what an alias stands for stands
wherever the alias does: never fewer places than there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from aureus_jupyter.values.catalog import fold

__all__ = ["STAR", "Where", "places"]


class Where(StrEnum):
    """The parts of a statement that a column can stand in. What FROM and WITH give on is output."""

    OUTPUT = "output"
    PREDICATE = "predicate"
    JOIN = "join"
    GROUP = "group"
    ORDER = "order"


Wheres = frozenset[Where]

_MEMBERS: Mapping[str, Where] = MappingProxyType(
    {
        "where_clause": Where.PREDICATE,
        "having": Where.PREDICATE,
        "qualify": Where.PREDICATE,
        "filter": Where.PREDICATE,
        "filter_expr": Where.PREDICATE,
        "when_expr": Where.PREDICATE,
        "condition": Where.JOIN,
        "using_columns": Where.JOIN,
        "group_expressions": Where.GROUP,
        "groups": Where.GROUP,
        "partitions": Where.GROUP,
        "distinct_on_targets": Where.GROUP,
        "orders": Where.ORDER,
    }
)
"""Members of the tree's nodes below which names stand elsewhere than around them."""
_LISTS = frozenset({"using_columns", "groups", "unpivot_names", "exclude_list"})
STAR = "*"
"""Stands among the names for every column that a star, or a place in a list, may mean."""
_OUTPUT: Wheres = frozenset([Where.OUTPUT])


def places(tree: Mapping[str, Any]) -> Mapping[str, Wheres]:
    """Return the places of each folded name that the statement uses.

    What stands in a query that is compared with something stands where that comparison does, too.
    """
    walk = _Walk()
    for statement in tree.get("statements") or ():
        walk.go(statement, _OUTPUT)
    walk.follow()
    return MappingProxyType({name: frozenset(wheres) for name, wheres in walk.found.items()})


class _Walk:
    """One pass. `means` tells what names an alias stands for."""

    def __init__(self) -> None:
        self.found: dict[str, set[Where]] = {}
        self.means: dict[str, set[str]] = {}

    def go(self, node: Any, wheres: Wheres) -> None:
        """Note every name below `node`, which stands at `wheres`."""
        if isinstance(node, list):
            for item in node:
                self.go(item, wheres)
        elif isinstance(node, dict):
            self.note(node, wheres)
            for key, value in node.items():
                own = _MEMBERS.get(key)
                inner = wheres if own is None else frozenset([own]) | (wheres - _OUTPUT)
                if key in _LISTS:
                    self.add((str(part) for part in value or () if isinstance(part, str)), inner)
                self.go(value, inner)

    def note(self, node: Mapping[str, Any], wheres: Wheres) -> None:
        """Note a column, and what the aliases and places of a query stand for."""
        if node.get("class") in {"STAR", "POSITIONAL_REFERENCE"}:
            self.add(iter([STAR]), wheres)
        if node.get("ref_type") in {"NATURAL", "POSITIONAL"}:
            self.add(iter([STAR]), frozenset([Where.JOIN]))
        if node.get("class") == "COLUMN_REF":
            self.add(map(str, node["column_names"]), wheres)  # before a dot may stand a column whose field is meant
        if node.get("alias") and "class" in node:
            self.alias(str(node["alias"]), node)
        for name in (*(node.get("aliases") or ()), *(node.get("column_name_alias") or ())):
            self.alias(str(name), node)
        if "select_list" in node or "setop_type" in node:
            by_place = {where for member, where in _places_of(node) if any(map(_is_number, member))}
            if node.get("aggregate_handling") == "FORCE_AGGREGATES":
                by_place.add(Where.GROUP)
            self.add(_columns(node.get("select_list") or node.get("children")), frozenset(by_place))

    def add(self, names: Iterator[str], wheres: Wheres) -> None:
        """Note names at places."""
        for name in names:
            self.found.setdefault(fold(name), set()).update(wheres)

    def alias(self, name: str, node: Any) -> None:
        """Remember that a name may stand for every column below `node`."""
        self.means.setdefault(fold(name), set()).update(map(fold, _columns(node)))

    def follow(self) -> None:
        """Give what an alias stands for the alias's places, through aliases of aliases."""
        waiting = [name for name in self.means if name in self.found]
        while waiting:
            name = waiting.pop()
            for other in self.means.get(name, ()):
                known = self.found.setdefault(other, set())
                if not self.found[name] <= known:
                    known.update(self.found[name])
                    waiting.append(other)


def _places_of(node: Mapping[str, Any]) -> Iterator[tuple[list[Any], Where]]:
    """Yield the expressions of GROUP BY, ORDER BY and DISTINCT ON, where a number means a column of the output."""
    yield node.get("group_expressions") or [], Where.GROUP
    for modifier in node.get("modifiers") or ():
        yield [order["expression"] for order in modifier.get("orders") or ()], Where.ORDER
        yield modifier.get("distinct_on_targets") or [], Where.GROUP


def _is_number(node: Any) -> bool:
    return isinstance(node, dict) and node.get("class") in {"CONSTANT", "POSITIONAL_REFERENCE"}


def _columns(node: Any) -> Iterator[str]:
    """Yield every part of every column's name below a node."""
    if isinstance(node, list):
        for item in node:
            yield from _columns(item)
    elif isinstance(node, dict):
        if node.get("class") == "COLUMN_REF":
            yield from map(str, node["column_names"])
        for value in node.values():
            yield from _columns(value)
