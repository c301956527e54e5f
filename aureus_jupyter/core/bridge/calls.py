"""Calls of functions, by the names the engine knows. Whatever is not on its list refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.nodes import Node
from aureus_jupyter.core.bridge.places import Place, resolve
from aureus_jupyter.core.bridge.state import Bridge, place_of
from aureus_jupyter.core.functions import UNLISTED, why_refused
from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import Refused

__all__ = ["aggregate", "call", "keyword", "name_of", "ordered", "outermost", "quantified", "refused_function", "rows"]

_INVERSE = {
    "EQUAL": "NOTEQUAL",
    "NOTEQUAL": "EQUAL",
    "LESSTHAN": "GREATERTHANOREQUALTO",
    "GREATERTHANOREQUALTO": "LESSTHAN",
    "GREATERTHAN": "LESSTHANOREQUALTO",
    "LESSTHANOREQUALTO": "GREATERTHAN",
}
_PARTS = {"year": "year", "month": "month", "day": "day", "quarter": "quarter"}
_QUANTIFIERS = {"any": "ANY", "some": "ANY", "all": "ALL"}


def name_of(b: Bridge, node: exp.Anonymous) -> str:
    """Return a function's name as the engine compares it."""
    return b.rules.fold(node.this if isinstance(node.this, exp.Identifier) else exp.Identifier(this=node.this))


def refused_function(b: Bridge, node: exp.Expr, name: str) -> Refused:
    """Return the refusal of a function that is not on the list."""
    why = why_refused(name.lower())
    hint = "Use a standard aggregate, text or date function."
    if why == UNLISTED:
        hint = nearest_hint(name, [*b.rules.scalars, *b.rules.aggregates, *b.rules.rows], hint)
    shown = "".join(c if c.isalnum() or c == "_" else "?" for c in name[:64])
    return Refused(
        "function_not_allowed",
        f"the function {shown} cannot be used, because {why}",
        hint=hint,
        span=place_of(node, b.text),
    )


def call(b: Bridge, node: exp.Anonymous, here: Place) -> Node:
    """Return a function's call. One that gives many rows for one makes the statement's judgement rows, where it stands inside."""
    name = name_of(b, node)
    special = _SPECIAL.get(name)
    if special is not None and name in b.rules.scalars:
        b.functions.add(name)
        return special(b, node, here)
    if name in b.rules.aggregates:
        return aggregate(b, node, here)
    if name in b.rules.rows:
        b.doubt()
        return rows(b, node, here)
    if name not in b.rules.scalars:
        raise refused_function(b, node, name)
    b.functions.add(name)
    given = node.expressions
    if name in b.rules.united and len(given) == 3 and isinstance(given[0], exp.Column) and len(given[0].parts) == 1:
        given = given[1:]  # a unit, such as DAY: no column, whatever its name
    return nodes.call(name, _given(b, given, here), b.rules.scalars[name])


def _given(b: Bridge, items: Sequence[exp.Expr], here: Place) -> list[Node]:
    return [b.expression(b, item, here) for item in items]


def rows(b: Bridge, node: exp.Anonymous, here: Place) -> Node:
    """Return a call that gives many rows, as what unpacks a list."""
    name = name_of(b, node)
    b.functions.add(name)
    given = _given(b, node.expressions, here)
    if name in _UNPACKING:
        return unpacked(given)
    made = nodes.call(name, given)
    # Known to the analysis as numbers in a row, which are not large.
    return nodes.call("unnest", [made]) if name == "generate_series" else unpacked([made])


_UNPACKING = frozenset({"unnest", "explode", "explode_outer", "posexplode", "posexplode_outer"})


def unpacked(given: Sequence[Node]) -> Node:
    """Return the elements of a list, one a row."""
    return nodes.call("unnest", [nodes.call("list_value", given)])


def aggregate(
    b: Bridge,
    node: exp.Anonymous,
    here: Place,
    when: Node | None = None,
    within: Sequence[Node] = (),
    over: dict[str, Any] | None = None,
) -> Node:
    """Return an aggregate's call, over groups or, with `over`, over a window; `within` are what WITHIN GROUP orders by."""
    name = name_of(b, node)
    b.functions.add(name)
    means = b.rules.aggregates[name]
    with outermost(b, here):
        given, order, distinct = _arguments(b, node, here)
    if given is None:
        means, given = "count_star", []
    if within:
        given = [*within, *given]
    if over is not None:
        return nodes.window(name, given, "AGGREGATE", means=means, distinct=distinct, filter_expr=when, **over)
    order_bys = {"type": "ORDER_MODIFIER", "orders": nodes.orders(order)}
    return nodes.call(name, given, means, distinct=distinct, filter=when, order_bys=order_bys)


@contextlib.contextmanager
def outermost(b: Bridge, here: Place) -> Iterator[None]:
    """Doubt an aggregate if nothing that is named inside is of its own query: then it belongs to the query outside."""
    b.depths.append(set())
    yield
    depths = {depth for depth in b.depths.pop() if depth <= here.depth}
    if depths and max(depths) < here.depth:
        b.doubt()


def _arguments(b: Bridge, node: exp.Anonymous, here: Place) -> tuple[list[Node] | None, list[Node], bool]:
    """Return an aggregate's arguments, None for a star, what they are ordered by, and whether DISTINCT stands there."""
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Star):
        b.check(node.expressions[0], frozenset())
        if name_of(b, node) != "count":
            raise b.refused(node.expressions[0], "a star there")
        return None, [], False
    given, order, distinct = [], list[Node](), False
    for item in node.expressions:
        if isinstance(item, exp.Order):
            b.check(item, frozenset({"this", "expressions"}))
            order += [ordered(b, key, here) for key in item.expressions]
            item = item.this
        if isinstance(item, exp.Distinct):
            b.check(item, frozenset({"expressions"}))
            distinct = True
            given += _given(b, item.expressions, here)
        else:
            given.append(b.expression(b, item, here))
    return given, order, distinct


def ordered(b: Bridge, key: exp.Ordered, here: Place) -> Node:
    """Return what one key of an ORDER BY is by."""
    b.check(key, frozenset({"this", "desc", "nulls_first"}))
    return b.expression(b, key.this, here)


def keyword(b: Bridge, node: exp.Expr, here: Place) -> Node:
    """Return a function that SQL writes with words between its arguments, or without brackets."""
    name = _KEYWORDS[type(node)]
    if isinstance(node, exp.Trim):
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position")).upper(), name)
    if name not in b.rules.scalars:
        raise refused_function(b, node, name)
    bare = b.rules.fields and not any(node.args.values())
    if bare and (found := resolve([name], here, True)) is not None:
        # A column of that name may be the one that is meant: only there such a word is no keyword.
        b.doubt()
        return found.node
    b.functions.add(name)
    if isinstance(node, exp.Extract):
        if not isinstance(node.this, (exp.Var, exp.Literal)):
            raise b.refused(node.this, "a part of a date that is no word")
        part = node.this.name.lower()
        value = b.expression(b, node.expression, here)
        return nodes.call(_PARTS.get(part) or "date_part", [value] if part in _PARTS else [nodes.NOTHING, value])
    given = [value for value in node.args.values() if isinstance(value, exp.Expr)]
    return nodes.call(name, _given(b, given, here), b.rules.scalars[name])


_KEYWORDS: dict[type[exp.Expr], str] = {
    exp.CurrentDate: "current_date",
    exp.CurrentTime: "current_time",
    exp.CurrentTimestamp: "current_timestamp",
    exp.Localtime: "localtime",
    exp.Localtimestamp: "localtimestamp",
    exp.Extract: "extract",
    exp.StrPosition: "position",
    exp.Substring: "substring",
    exp.Overlay: "overlay",
    exp.Trim: "trim",
}


def quantified(b: Bridge, node: exp.Binary, here: Place, kind: str) -> Node | None:
    """Return a comparison with ANY or ALL of a list or of a query's rows; None where neither stands there."""
    side = node.expression
    word = _quantifier(b, side)
    if word is None or kind not in _INVERSE:
        return None
    inner = (
        (side.expressions[0] if len(side.expressions) == 1 else side) if isinstance(side, exp.Anonymous) else side.this
    )
    inner = inner.unnest() if isinstance(inner, exp.Paren) else inner
    value, place = b.expression(b, node.this, here), here.below()
    if isinstance(inner, exp.Query):
        query = b.query(b, inner, place).node
    else:
        item = {**unpacked([b.expression(b, inner, place)]), "alias": b.name("")}
        query = nodes.select([item], nodes.EMPTY)
    if word == "ANY":
        return nodes.subquery("ANY", query, value, f"COMPARE_{kind}")
    return nodes.operator("OPERATOR_NOT", nodes.subquery("ANY", query, value, f"COMPARE_{_INVERSE[kind]}"))


def _quantifier(b: Bridge, node: Any) -> str | None:
    if isinstance(node, exp.Any):
        return "ANY"
    if isinstance(node, exp.All):
        return "ALL"
    if not isinstance(node, exp.Anonymous) or name_of(b, node) in b.rules.aggregates:
        return None
    return _QUANTIFIERS.get(name_of(b, node))


def _coalesced(b: Bridge, node: exp.Anonymous, here: Place) -> Node:
    return nodes.operator("OPERATOR_COALESCE", *_given(b, node.expressions, here))


def _grouping(b: Bridge, node: exp.Anonymous, here: Place) -> Node:
    with outermost(b, here):
        return nodes.operator("GROUPING_FUNCTION", *_given(b, node.expressions, here))


def _array(b: Bridge, node: exp.Anonymous, here: Place) -> Node:
    """Return ARRAY over a query, or over values."""
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Query):
        return nodes.subquery("ARRAY", b.query(b, node.expressions[0], here.below()).node)
    return nodes.call("list_value", _given(b, node.expressions, here))


_SPECIAL = {
    "coalesce": _coalesced,
    "ifnull": _coalesced,
    "nvl": _coalesced,
    "grouping": _grouping,
    "array": _array,
}
