"""GROUP BY: each key as the expression that it means, whether it is written out, by its place or by an item's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge.nodes import NOTHING, Node
from aureus_jupyter.core.bridge.places import Output, Place
from aureus_jupyter.core.bridge.state import Bridge

__all__ = ["group_by", "place_in_list"]

_LISTS = ("expressions", "grouping_sets", "rollup", "cube")
_SETS = (exp.GroupingSets, exp.Rollup, exp.Cube)


def group_by(
    b: Bridge, group: exp.Group | None, items: Sequence[Node], outputs: Sequence[Output], here: Place
) -> dict[str, Any]:
    """Return the parts of a SELECT that say what it groups by."""
    if group is None:
        return {}
    b.check(group, frozenset({*_LISTS, "all"} if "Group.all" in b.rules.nodes else _LISTS))
    if group.args.get("all"):
        return {"aggregate_handling": "FORCE_AGGREGATES"}
    listed = [item for key in _LISTS for item in group.args.get(key) or ()]
    sets = any(True for item in listed for _ in item.find_all(*_SETS))
    keys = [_key(b, key, items, outputs, here) for item in listed for key in _flat(b, item)]
    if not keys:
        # GROUP BY () groups all rows, and a list of keys would be empty in the tree.
        b.doubt()
    return {"group_expressions": keys, "group_sets": [[0], [0]] if sets else []}


def _flat(b: Bridge, node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the keys of nested grouping sets, and of lists in brackets."""
    if isinstance(node, _SETS):
        b.check(node, frozenset({"expressions"}))
    if isinstance(node, (*_SETS, exp.Tuple)):
        for item in node.expressions:
            yield from _flat(b, item)
    elif isinstance(node, exp.Paren):
        yield from _flat(b, node.this)
    else:
        yield node


def place_in_list(node: exp.Expr) -> int:
    """Return the place in the select list that a constant names, from 1; 0 for anything else."""
    inner = node.unnest() if isinstance(node, exp.Paren) else node
    number = isinstance(inner, exp.Literal) and not inner.is_string and inner.name.isascii() and inner.name.isdigit()
    return int(inner.name) if number else 0


def _key(b: Bridge, node: exp.Expr, items: Sequence[Node], outputs: Sequence[Output], here: Place) -> Node:
    place = place_in_list(node)
    if place:
        if place > len(outputs):
            raise b.refused(node, "a place that the select list does not have")
        return items[place - 1]
    if isinstance(node, (exp.Literal, exp.Null, exp.Boolean)):
        b.doubt()
        return NOTHING
    if isinstance(node, exp.Column) and len(node.parts) == 1 and isinstance(node.this, exp.Identifier):
        key = b.rules.fold(node.this)
        named = [item for item, output in zip(items, outputs, strict=False) if output.key == key]
        if named and not any(name == key for name, _ in here.columns):
            # A name that is no column of this query is an item's; of two items that bear it they must be the same.
            if len(named) > 1:
                b.doubt()
            return named[0]
    return b.expression(b, node, here)
