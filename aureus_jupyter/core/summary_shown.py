"""What a summary-only statement may show of its groups, and how it may choose and order them.

Shown are group keys, and count, sum and avg of columns as they are; what is computed of those is a function of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aureus_jupyter.core.functions import AGGREGATES
from aureus_jupyter.core.summary_shape import (
    GIVEN,
    LOGIC,
    Shape,
    check_constant,
    expressions,
    function_of,
    is_bare,
    output_of,
    strange,
)

__all__ = ["check_having", "check_modifier", "check_output"]

_AFTER = frozenset({"OPERATOR_CAST", "OPERATOR_COALESCE", "OPERATOR_NULLIF"})
_AFTER_FUNCTIONS = frozenset("+ - * / round floor ceil ceiling abs nullif".split())


def check_output(shape: Shape, node: Mapping[str, Any]) -> None:
    """Refuse an output that is no group key and not made of allowed aggregates."""
    if shape.normal(node) in shape.keys or node["type"] in GIVEN:
        return
    kind = str(node["type"])
    if kind == "FUNCTION" and (function_of(node) in AGGREGATES or function_of(node) == "count_star"):
        _check_aggregate(shape, node)
        return
    if kind in _AFTER or (kind == "FUNCTION" and function_of(node) in _AFTER_FUNCTIONS and is_bare(node)):
        for child in _children(node):
            check_output(shape, child)
        return
    if kind == "COLUMN_REF":
        name = shape.column(node)
        hidden = name in shape.protected or name in shape.persons
        what = f"the protected column {name} by itself" if hidden else "a column that is no group key"
        raise shape.refuse(what, "Put it into count, sum or avg, or group by it if it is open.", node)
    if kind == "FUNCTION":
        raise shape.refuse(
            f"the function {function_of(node)} over what is shown", "Use count, sum, avg, round and + - * /.", node
        )
    raise strange(shape, node, "SELECT")


def _children(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the expressions right below one; a cast's type is none."""
    for value in node.values():
        for item in value if isinstance(value, list) else [value]:
            inner = item.get("expression", item) if isinstance(item, dict) else None
            if (
                isinstance(inner, dict)
                and isinstance(inner.get("type"), str)
                and inner["type"] not in {"TYPE", "ORDER_MODIFIER"}
            ):
                yield inner


def _check_aggregate(shape: Shape, node: Mapping[str, Any]) -> None:
    """Refuse an aggregate that is not count, sum or avg of a column as it is; note the column."""
    name = function_of(node)
    if name not in {"count", "count_star", "sum", "avg"}:
        raise shape.refuse(f"{name}, which can show one person's value", "Use count, sum or avg.", node)
    if not is_bare(node):
        raise shape.refuse(f"{name} with FILTER or ORDER BY", "Choose rows with WHERE, in a cell of its own.", node)
    given = [argument["expression"] for argument in node.get("arguments") or ()]
    if name == "count_star" or (name == "count" and given and given[0]["type"] == "VALUE_CONSTANT"):
        return
    column = shape.column(given[0]) if len(given) == 1 and given[0]["type"] == "COLUMN_REF" else None
    if column is None:
        raise shape.refuse(
            f"{name} of something that is no column",
            f"Write {name}(column), with no CASE and no arithmetic inside.",
            node,
        )
    if node.get("distinct") and (name != "count" or column in shape.protected):
        raise shape.refuse(f"DISTINCT inside {name}", f"Write {name}({column}).", node)
    if column in shape.persons:
        if name != "count":
            raise shape.refuse(f"{name} of the persons' numbers", f"Count them: count(DISTINCT {column}).", node)
        return
    shape.counted.add(column)


def _is_plain_count(shape: Shape, node: Mapping[str, Any]) -> bool:
    """Whether it counts rows, persons or an open column: what groups may be chosen and ordered by."""
    if node["type"] != "FUNCTION" or function_of(node) not in {"count", "count_star"} or not is_bare(node):
        return False
    _check_aggregate(shape, node)
    return not any(
        shape.column(n) in shape.protected
        for n in expressions(node.get("arguments") or [])
        if n["type"] == "COLUMN_REF"
    )


def check_having(shape: Shape, node: Mapping[str, Any]) -> None:
    """Refuse a condition on groups over anything but their keys and plain counts."""
    if shape.normal(node) in shape.keys or _is_plain_count(shape, node):
        return
    if node["type"] == "VALUE_CONSTANT":
        check_constant(shape, node)
    elif node["type"] in LOGIC:
        for child in _children(node):
            check_having(shape, child)
    elif node["type"] != "VALUE_PARAMETER":
        raise shape.refuse(
            "more in HAVING than group keys and plain counts", "Choose groups by their keys or by count(*).", node
        )


def check_modifier(shape: Shape, modifier: Mapping[str, Any]) -> None:
    """Refuse DISTINCT, a LIMIT that is no number, and an order by anything but group keys and plain counts."""
    kind = str(modifier["type"])
    if kind == "LIMIT_MODIFIER":
        bounds = [modifier.get("limit"), modifier.get("offset")]
        if modifier.get("limit_type", "ROW_COUNT") != "ROW_COUNT" or any(b and b["type"] not in GIVEN for b in bounds):
            raise shape.refuse("a computed LIMIT", "Write LIMIT and a number.")
    elif kind == "ORDER_MODIFIER":
        for order in modifier["orders"]:
            _check_order(shape, order["expression"])
    else:
        raise shape.refuse("DISTINCT or a LIMIT in percent", "Leave it out: each group stands there once.")


def _check_order(shape: Shape, node: Mapping[str, Any]) -> None:
    place = output_of(shape, node)
    meant = node if place is None else shape.outputs[place]
    if shape.normal(meant) not in shape.keys and not _is_plain_count(shape, meant):
        raise shape.refuse(
            "an order by something other than group keys and plain counts", "Order the result in the notebook.", node
        )
