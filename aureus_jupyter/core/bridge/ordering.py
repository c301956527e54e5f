"""DISTINCT, ORDER BY, LIMIT: what they are by, an item that is named or counted as its place in the list."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.grouping import place_in_list
from aureus_jupyter.core.bridge.nodes import NOTHING, Node
from aureus_jupyter.core.bridge.places import Output, Place
from aureus_jupyter.core.bridge.state import Bridge

__all__ = ["modifiers"]

_KEYS = frozenset({"this", "desc", "nulls_first"})


def modifiers(b: Bridge, node: exp.Expr, outputs: Sequence[Output], here: Place | None) -> list[Node]:
    """Return a query's modifiers. `here` is None for a set operation, which can be ordered by its columns only."""
    found = []
    distinct = node.args.get("distinct")
    if isinstance(distinct, exp.Distinct):
        b.check(distinct, frozenset({"on"}))
        found.append(nodes.modifier("DISTINCT", distinct_on_targets=_on(b, distinct, outputs, here)))
    order = node.args.get("order")
    if order is not None:
        b.check(order, frozenset({"expressions"}))
        found.append(nodes.modifier("ORDER", orders=nodes.orders(_keys(b, order, outputs, here))))
    limit, offset = _size(b, node.args.get("limit"), here), _size(b, node.args.get("offset"), here)
    if limit is not None or offset is not None:
        found.append(nodes.modifier("LIMIT", limit=limit, offset=offset))
    return found


def _on(b: Bridge, distinct: exp.Distinct, outputs: Sequence[Output], here: Place | None) -> list[Node]:
    on = distinct.args.get("on")
    targets = [] if on is None else on.expressions if isinstance(on, exp.Tuple) else [on]
    return [_target(b, target, outputs, here) for target in targets]


def _keys(b: Bridge, order: exp.Order, outputs: Sequence[Output], here: Place | None) -> list[Node]:
    for key in order.expressions:
        b.check(key, _KEYS)
    if _is_all(b, order):
        return [nodes.constant("INTEGER", str(place)) for place in range(1, len(outputs) + 1)]
    return [_target(b, key.this, outputs, here) for key in order.expressions]


def _is_all(b: Bridge, order: exp.Order) -> bool:
    """Whether it is ORDER BY ALL."""
    (first, *others) = order.expressions
    word = first.this
    return (
        "Group.all" in b.rules.nodes
        and not others
        and isinstance(word, (exp.Column, exp.Var))
        and word.name.lower() == "all"
    )


def _target(b: Bridge, node: exp.Expr, outputs: Sequence[Output], here: Place | None) -> Node:
    place = place_in_list(node)
    if isinstance(node, exp.Column) and len(node.parts) == 1 and isinstance(node.this, exp.Identifier):
        key = b.rules.fold(node.this)
        named = [number for number, output in enumerate(outputs, start=1) if output.key == key]
        place = named[0] if named else 0
        if len(named) > 1:
            # The engine takes them for one only if they are the same.
            b.doubt()
    if place:
        return nodes.constant("INTEGER", str(place))
    if here is None or isinstance(node, (exp.Literal, exp.Null, exp.Boolean)):
        b.doubt()
        return NOTHING
    return b.expression(b, node, here)


def _size(b: Bridge, node: exp.Expr | None, here: Place | None) -> Node | None:
    if node is None:
        return None
    if isinstance(node, exp.Fetch):
        b.check(node, frozenset({"direction", "count", "limit_options"}))
        size = node.args.get("count")
    else:
        b.check(node, frozenset({"expression"}))
        size = node.expression
    if isinstance(size, exp.Var) and size.name.upper() == "ALL":
        return None
    if size is None:
        return nodes.constant("INTEGER", "1")
    return b.expression(b, size, here or Place())
