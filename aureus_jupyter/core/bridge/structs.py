"""Expressions that only some engines have: lambdas, and named values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.nodes import Node
from aureus_jupyter.core.bridge.places import Place
from aureus_jupyter.core.bridge.state import Bridge

__all__ = ["STRUCTS"]


def _lambda(b: Bridge, node: exp.Lambda, here: Place) -> Node:
    """Return a lambda; its parameters win over every column of their names, and go by names of their own."""
    names = {}
    for item in node.expressions:
        names[b.rules.fold(item)] = b.name(item.name)
    inner = replace(here, locals={**here.locals, **names}, _index={}, _indexed=0)
    heads = [nodes.column(name) for name in names.values()]
    left = heads[0] if len(heads) == 1 else nodes.call("row", heads)
    body = b.expression(b, node.this, inner)
    return {"class": "LAMBDA", "type": "LAMBDA", "alias": "", "lhs": left, "expr": body}


def _local(b: Bridge, node: exp.Identifier, here: Place) -> Node:
    """Return a parameter of a lambda: sqlglot takes it for no column."""
    return b.resolved([node], here, node)


def _named(b: Bridge, node: exp.Alias, here: Place) -> Node:
    """Return a value of a struct, whose name decides nothing."""
    return b.expression(b, node.this, here)


STRUCTS: dict[type[exp.Expr], tuple[Callable[[Bridge, Any, Place], Node], frozenset[str] | None]] = {
    exp.Lambda: (_lambda, frozenset({"this", "expressions"})),
    exp.Identifier: (_local, frozenset({"this", "quoted"})),
    exp.Alias: (_named, frozenset({"this", "alias"})),
}
"""By sqlglot's class, as in the table of the other expressions; each only where an engine's rules name the class."""
