"""Types and constants. A type is known by sqlglot's kind for it, and only if it is on the engine's list."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.nodes import NOTHING, Node
from aureus_jupyter.core.bridge.places import Place
from aureus_jupyter.core.bridge.state import Bridge, place_of
from aureus_jupyter.errors import Refused

__all__ = ["cast", "constant_of", "interval", "type_of"]

_KEYS = frozenset({"this", "expressions", "nested", "values"})


def cast(b: Bridge, node: exp.Cast, here: Place) -> Node:
    """Return a cast, once its type is found on the list."""
    kind, below = type_of(b, node.args["to"])
    return nodes.cast(b.expression(b, node.this, here), kind, below, isinstance(node, exp.TryCast))


def type_of(b: Bridge, node: Any) -> tuple[str, list[Node]]:
    """Return DuckDB's name of a type and what it is made of. Raises Refused `type_not_allowed`."""
    kind = getattr(node, "this", None)
    name = b.rules.types.get(str(getattr(kind, "value", kind)))
    if type(node) is not exp.DataType or name is None:
        raise Refused(
            "type_not_allowed",
            "a type that is not the engine's own cannot be written in a governed cell",
            hint="Use a standard type such as text, numeric, date or timestamp.",
            span=place_of(node, b.text) if isinstance(node, exp.Expr) else None,
        )
    b.check(node, _KEYS)
    below = [nodes.constant("INTEGER", "0")] if node.expressions else []
    for part in node.expressions:
        inner = part.args.get("kind") if isinstance(part, exp.ColumnDef) else part
        if not isinstance(inner, exp.DataTypeParam):
            type_of(b, inner)
    return name, below


def interval(b: Bridge, node: exp.Interval, here: Place) -> Node:
    """Return a length of time as a cast."""
    inner = b.expression(b, node.this, here)
    unit = node.args.get("unit")
    if unit is not None and not isinstance(unit, (exp.Var, exp.IntervalSpan)):
        raise b.refused(node, "a unit that is no word")
    return nodes.cast(inner, "INTERVAL")


def constant_of(b: Bridge, node: exp.Expr) -> Node | None:
    """Return what is written down as a constant, a sign and a type included, or None for anything else."""
    if isinstance(node, (exp.Literal, exp.ByteString, exp.RawString)):
        number = isinstance(node, exp.Literal) and not node.is_string
        kind = ("INTEGER" if node.name.isdigit() else "NUMERIC") if number else "STRING"
        return nodes.constant(kind, node.name)
    if isinstance(node, exp.Boolean):
        return nodes.constant("BOOLEAN", str(node.this).lower())
    if isinstance(node, exp.Null):
        return NOTHING
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
        return nodes.constant("NUMERIC", f"-{node.this.name}")
    return None
