"""Queries: WITH, SELECT, set operations and VALUES, with the columns that each of them has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.grouping import group_by
from aureus_jupyter.core.bridge.items import items_of
from aureus_jupyter.core.bridge.nodes import Node
from aureus_jupyter.core.bridge.ordering import modifiers
from aureus_jupyter.core.bridge.places import Output, Part, Place, Query, Relation
from aureus_jupyter.core.bridge.relations import from_clause, values
from aureus_jupyter.core.bridge.state import Bridge
from aureus_jupyter.core.bridge.windows import named_windows

__all__ = ["query"]

_MODIFIERS = frozenset({"order", "limit", "offset"})
_SELECT_KEYS = _MODIFIERS | frozenset(
    {"with_", "expressions", "from_", "joins", "laterals", "where", "group", "having", "qualify", "windows", "distinct"}
)
_SET_KEYS = _MODIFIERS | frozenset({"with_", "this", "expression", "distinct"})
_SUB_KEYS = _MODIFIERS | frozenset({"with_", "this", "alias", "joins", "sample"})
_KINDS = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}


def query(b: Bridge, node: exp.Expr, here: Place) -> Query:
    """Return a query that begins at `here`, an empty place. Raises Refused for anything that is no query."""
    make = _QUERIES.get(type(node))
    if make is None:
        raise b.refused(node)
    return make(b, node, here)


def _select(b: Bridge, node: exp.Select, here: Place) -> Query:
    b.check(node, _SELECT_KEYS)
    if node.args.get("qualify") is not None and "Qualify" not in b.rules.nodes:
        raise b.refused(node.args["qualify"])
    parts = _with(b, node, here)
    source = from_clause(b, node, here)
    windows = named_windows(b, node.args.get("windows") or [], here)
    items, outputs = items_of(b, node.expressions, here)
    if not items:
        # A query may have no columns: EXISTS (SELECT FROM t).
        items = [{**nodes.constant("INTEGER", "1"), "alias": b.name("")}]
    aliases = _aliases(items, outputs)
    here.aliases = aliases if b.rules.where_aliases else {}
    where = _condition(b, node.args.get("where"), here)
    here.aliases = aliases if b.rules.late_aliases else {}
    made = nodes.select(
        items,
        source,
        cte_map=parts,
        windows=windows,
        where_clause=where,
        having=_condition(b, node.args.get("having"), here),
        qualify=_condition(b, node.args.get("qualify"), here),
        **group_by(b, node.args.get("group"), items, outputs, here),
    )
    made["modifiers"] = modifiers(b, node, outputs, here)
    return Query(made, outputs)


def _aliases(items: Sequence[Node], outputs: Sequence[Output]) -> dict[str, list[Node]]:
    """Return what an item's name may mean where the engine looks for items."""
    found: dict[str, list[Node]] = {}
    for item, output in zip(items, outputs, strict=False):
        if output.key:
            of = item.get("column_names")
            found.setdefault(output.key, []).append({**nodes.column(output.alias), "of": of})
    return found


def _condition(b: Bridge, node: exp.Expr | None, here: Place) -> Node | None:
    if node is None:
        return None
    b.check(node, frozenset({"this"}))
    return b.expression(b, node.this, here)


# -- WITH --------------------------------------------------------------------------------------------------------------


def _with(b: Bridge, node: exp.Expr, here: Place) -> Node:
    """Return a query's WITH, and let `here` see its parts."""
    with_ = node.args.get("with_")
    entries: list[Node] = []
    if with_ is None:
        return {"map": entries}
    b.check(with_, frozenset({"expressions", "recursive"}))
    recursive, parts = bool(with_.args.get("recursive")), dict(here.parts)
    keys = []
    for cte in with_.expressions:
        b.check(cte, frozenset({"this", "alias", "materialized"}))
        b.check(cte.args["alias"], frozenset({"this", "columns"}))
        keys.append(b.rules.fold(cte.args["alias"].this))
    if len(set(keys)) < len(keys):
        raise b.refused(with_, "two WITH parts of one name")
    if recursive and b.rules.forward:
        parts.update({key: Part(key, ready=False) for key in keys})
    for key, cte in zip(keys, with_.expressions, strict=True):
        name = b.name(key)
        begun = Place(here.outer, dict(parts), here.depth)
        made = _recursive(b, cte, key, name, begun) if recursive else query(b, cte.this, begun)
        outputs = _renamed(b, cte, made.outputs)
        entries.append({"key": name, "value": {"aliases": [], "query_node": made.node}})
        parts[key] = Part(name, outputs)
    here.parts = parts
    return {"map": entries}


def _renamed(b: Bridge, cte: exp.CTE, outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    names = cte.args["alias"].args.get("columns") or []
    if len(names) > len(outputs):
        raise b.refused(cte, "more names than columns")
    given = [(b.rules.title(name), b.rules.fold(name)) for name in names]
    new = tuple(replace(o, name=title, key=key) for o, (title, key) in zip(outputs, given, strict=False))
    return new + outputs[len(names) :]


def _recursive(b: Bridge, cte: exp.CTE, key: str, name: str, begun: Place) -> Query:
    """Return a WITH part under RECURSIVE. One that names itself is a UNION whose second half does."""
    union = cte.this
    if not isinstance(union, exp.Union) or not _names_itself(b, union, key):
        return query(b, union, begun)
    b.check(union, frozenset({"with_", "this", "expression", "distinct"}))
    inner = _with(b, union, begun)
    first = Place(begun.outer, {**begun.parts, key: Part(name, ready=False)}, begun.depth)
    left = query(b, union.this, first)
    itself = Part(name, _renamed(b, cte, left.outputs))
    right = query(b, union.expression, Place(begun.outer, {**begun.parts, key: itself}, begun.depth))
    node: Node = {"type": "RECURSIVE_CTE_NODE", "cte_name": name, "left": left.node, "right": right.node}
    node |= {"union_all": not union.args.get("distinct"), "cte_map": inner, "modifiers": []}
    return Query(node, left.outputs)


def _names_itself(b: Bridge, union: exp.Union, key: str) -> bool:
    tables = union.find_all(exp.Table)
    return any(isinstance(t.this, exp.Identifier) and not t.db and b.rules.fold(t.this) == key for t in tables)


# -- other queries -----------------------------------------------------------------------------------------------------


def _operation(b: Bridge, node: exp.SetOperation, here: Place) -> Query:
    parts = _with(b, node, here)
    arms = [query(b, arm, Place(here.outer, here.parts, here.depth)) for arm in _arms(b, node)]
    if len({len(arm.outputs) for arm in arms}) != 1:
        raise b.refused(node, "a set operation over different numbers of columns")
    made: Node = {
        "type": "SET_OPERATION_NODE",
        "setop_type": _KINDS[type(node)],
        "setop_all": not node.args.get("distinct"),
        "children": [arm.node for arm in arms],
        "cte_map": parts,
    }
    made["modifiers"] = modifiers(b, node, arms[0].outputs, None)
    return Query(made, arms[0].outputs)


def _arms(b: Bridge, node: exp.SetOperation) -> list[exp.Expr]:
    """Return the arms of a set operation; a chain of UNION ALL is one with many, as long as they may be."""
    b.check(node, _SET_KEYS)
    arms, first = [node.expression], node.this
    while type(first) is exp.Union is type(node) and not first.args.get("distinct") and not node.args.get("distinct"):
        b.check(first, frozenset({"this", "expression", "distinct"}))
        arms.append(first.expression)
        first = first.this
    return [first, *reversed(arms)]


def _bracketed(b: Bridge, node: exp.Subquery, here: Place) -> Query:
    """Return a query in brackets; with an order or a limit behind them it is read as a query over that query."""
    b.check(node, _SUB_KEYS)
    if not any(node.args.get(key) for key in (*_MODIFIERS, "with_")):
        return query(b, node.this, here)
    parts = _with(b, node, here)
    inner = query(b, node.this, here.beside([], []).below())
    alias = b.name("")
    columns = [(o.key, nodes.column(alias, o.alias)) for o in inner.outputs]
    here.relations, here.columns = [Relation("", alias, tuple(columns))], columns
    items, outputs = [], []
    for output, (_, made) in zip(inner.outputs, columns, strict=True):
        outputs.append(replace(output, alias=b.name(output.key)))
        items.append({**made, "alias": outputs[-1].alias})
    node_ = nodes.select(items, nodes.query_of(alias, inner.node), cte_map=parts)
    node_["modifiers"] = modifiers(b, node, outputs, here)
    return Query(node_, tuple(outputs))


def _values(b: Bridge, node: exp.Values, here: Place) -> Query:
    b.check(node, frozenset({"expressions"}))
    return values(b, node, here)


_QUERIES: dict[type[exp.Expr], Callable[[Bridge, Any, Place], Query]] = {
    exp.Select: _select,
    exp.Subquery: _bracketed,
    exp.Values: _values,
    **dict.fromkeys(_KINDS, _operation),
}
