"""The select list: every item under a name of its own, and every star written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.calls import name_of, rows
from aureus_jupyter.core.bridge.nodes import Node
from aureus_jupyter.core.bridge.places import Output, Place
from aureus_jupyter.core.bridge.state import Bridge
from aureus_jupyter.values.catalog import fold

__all__ = ["items_of"]


def items_of(b: Bridge, expressions: Sequence[exp.Expr], here: Place) -> tuple[list[Node], tuple[Output, ...]]:
    """Return a select list and its columns."""
    items, outputs = list[Node](), list[Output]()

    def add(made: Node, title: str, key: str) -> None:
        output = Output(title, key, b.name(key))
        outputs.append(output)
        items.append({**made, "alias": output.alias})
        if b.rules.laterals and key:
            alias = {**nodes.column(output.alias), "of": made.get("column_names")}
            here.aliases.setdefault(key, []).append(alias)

    for expression in expressions:
        star = _star(expression)
        if star is not None:
            for key, made in _written_out(b, expression, star, here):
                add(made, key, key)
            continue
        inner: Any = expression
        if isinstance(expression, exp.Alias):
            b.check(expression, frozenset({"this", "alias"}))
            inner = expression.this
            if not isinstance(expression.args["alias"], exp.Identifier) or _star(inner) is not None:
                # The name of a star is taken for nothing: it is written out all the same.
                raise b.refused(expression)
            key = b.rules.fold(expression.args["alias"])
            title = b.rules.title(expression.args["alias"])
        else:
            title = b.rules.title(expression)
            key = b.rules.column_key(title)
        add(_item(b, inner, here), title, key)
    return items, tuple(outputs)


def _item(b: Bridge, node: exp.Expr, here: Place) -> Node:
    """Return an item. A function that gives many rows for one may stand here alone, as in FROM."""
    inner = node.unnest() if isinstance(node, exp.Paren) else node
    if isinstance(inner, exp.Anonymous) and name_of(b, inner) in b.rules.rows:
        if name_of(b, inner) in b.rules.growing and len(b.rules.row_columns[name_of(b, inner)]) > 1:
            raise b.refused(node, "a function that makes several columns of one item")
        return rows(b, inner, here)
    return b.expression(b, node, here)


def _star(node: exp.Expr) -> exp.Star | None:
    if isinstance(node, exp.Star):
        return node
    return node.this if isinstance(node, exp.Column) and isinstance(node.this, exp.Star) else None


def _written_out(b: Bridge, node: exp.Expr, star: exp.Star, here: Place) -> list[tuple[str, Node]]:
    """Return the columns that a star stands for."""
    b.check(star, frozenset({"except_"}) if "Star.except" in b.rules.nodes else frozenset())
    relations, columns = here.relations, here.columns
    if isinstance(node, exp.Column):
        b.check(node, frozenset({"this", "table"}))
        key = b.rules.fold(node.args["table"])
        relations = next(([r for r in p.relations if r.key == key] for p in here.around() if _has(p, key)), [])
        if len(relations) != 1:
            raise b.unknown(node.args["table"].name, [])
        columns = list(relations[0].columns)
    if not columns:
        raise b.refused(node, "a star without a relation")
    left_out = {b.rules.fold(_identifier(b, name)) for name in star.args.get("except_") or ()}
    b.stars.update(fold(r.dataset) for r in relations if r.dataset)
    return [column for column in columns if column[0] not in left_out]


def _has(place: Place, key: str) -> bool:
    return any(r.key == key for r in place.relations)


def _identifier(b: Bridge, node: exp.Expr) -> exp.Identifier:
    inner = node.this if isinstance(node, exp.Column) and len(node.parts) == 1 else node
    if not isinstance(inner, exp.Identifier):
        raise b.refused(node)
    return inner
