"""OVER, FILTER and WITHIN GROUP around a call."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.calls import aggregate, name_of, ordered, outermost, refused_function
from aureus_jupyter.core.bridge.nodes import Node
from aureus_jupyter.core.bridge.places import Place
from aureus_jupyter.core.bridge.rules import WINDOWS
from aureus_jupyter.core.bridge.state import Bridge

__all__ = ["named_windows", "window"]

_OVER_KEYS = frozenset({"this", "partition_by", "order", "spec", "alias", "over"})
_SPEC_KEYS = frozenset({"kind", "start", "start_side", "end", "end_side", "exclude"})
_PAIR = frozenset({"this", "expression"})


def window(b: Bridge, node: exp.Expr, here: Place) -> Node:
    """Return a call with what stands around it: OVER, FILTER (WHERE ...), WITHIN GROUP (ORDER BY ...), IGNORE NULLS."""
    with outermost(b, here):
        return _around(b, node, here)


def _around(b: Bridge, node: exp.Expr, here: Place) -> Node:
    over: dict[str, Any] | None = None
    when, within = None, list[Node]()
    inner: Any = node
    while not isinstance(inner, exp.Anonymous):
        if isinstance(inner, exp.Window) and over is None:
            over = _over(b, inner, here)
        elif isinstance(inner, exp.Filter):
            b.check(inner, _PAIR)
            b.check(inner.expression, frozenset({"this"}))
            when = b.expression(b, inner.expression.this, here)
        elif isinstance(inner, exp.WithinGroup):
            b.check(inner, _PAIR)
            within = [ordered(b, key, here) for key in inner.expression.expressions]
        elif not isinstance(inner, (exp.IgnoreNulls, exp.RespectNulls)):
            raise b.refused(inner)
        inner = inner.this
    name = name_of(b, inner)
    if name in b.rules.aggregates:
        return aggregate(b, inner, here, when, within, over)
    if name not in WINDOWS or over is None or within:
        raise refused_function(b, inner, name)
    b.functions.add(name)
    given = [b.expression(b, _value(item), here) for item in inner.expressions]
    return nodes.window(name, given, WINDOWS[name], filter_expr=when, **over)


def _value(item: exp.Expr) -> exp.Expr:
    return item.this if isinstance(item, (exp.IgnoreNulls, exp.RespectNulls)) else item


def _over(b: Bridge, node: exp.Window, here: Place) -> dict[str, Any]:
    """Return what OVER says: partitions, orders and bounds, those of a named window among them."""
    b.check(node, _OVER_KEYS)
    partitions = [b.expression(b, item, here) for item in node.args.get("partition_by") or ()]
    order = node.args.get("order")
    keys = [ordered(b, key, here) for key in order.expressions] if order is not None else []
    bounds = _bounds(b, node.args.get("spec"), here)
    name = node.args.get("alias")
    if name is not None:
        inner = here.windows.get(b.rules.fold(name))
        if inner is None:
            raise b.refused(node, "a window that no WINDOW clause defines before it")
        partitions, bounds = inner["partitions"] + partitions, inner["bounds"] + bounds
        keys = [o["expression"] for o in inner["orders"]] + keys
    return {"partitions": partitions, "orders": nodes.orders(keys), "bounds": bounds}


def _bounds(b: Bridge, spec: exp.WindowSpec | None, here: Place) -> list[Node]:
    if spec is None:
        return []
    b.check(spec, _SPEC_KEYS)
    ends = [spec.args.get(part) for part in ("start", "end")]
    return [b.expression(b, end, here) for end in ends if isinstance(end, exp.Expr)]


def named_windows(b: Bridge, items: list[exp.Window], here: Place) -> list[Node]:
    """Let `here` know a SELECT's named windows, and return what they read, used or not.

    Each may build on those before it only, so none can lead to itself.
    """
    made = []
    for item in items:
        key = b.rules.fold(item.this)
        if key in here.windows:
            raise b.refused(item, "two windows of one name")
        here.windows[key] = _over(b, item, here)
        own = {name: value for name, value in item.args.items() if name != "alias"}
        made.append(_over(b, exp.Window(**own), here) if item.args.get("alias") else here.windows[key])
    return made
