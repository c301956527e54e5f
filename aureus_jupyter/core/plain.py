"""Which statements the judgement of a summary understands whole. What is not on this list is rows, and nothing is lost but that."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["calls", "calls_any", "is_plain"]

_CLASSES = frozenset(
    "COLUMN_REF CONSTANT FUNCTION COMPARISON CONJUNCTION CAST CASE OPERATOR BETWEEN SUBQUERY WINDOW PARAMETER STAR".split()
)
"""Expressions of which all columns stand below as names. No lambdas, whose parameters hide names, no `#1`, no COLUMNS(...)."""
_JOINS = frozenset({"REGULAR", "CROSS", "DEPENDENT"})
"""Joins that are their condition. ASOF and POSITIONAL pick one row for each."""
_COMPARING = frozenset({"INTERSECT", "EXCEPT"})
"""Set operations that compare whole rows with each other, which is a join without a condition."""


def is_plain(node: Any) -> bool:
    """Whether nothing below hides columns, compares rows without saying so, picks rows, or runs many times."""
    if isinstance(node, list):
        return all(is_plain(item) for item in node)
    if not isinstance(node, dict) or _orders_by_all(node):
        return True
    known = node.get("class") is None or node["class"] in _CLASSES
    return known and not _is_odd(node) and all(is_plain(v) for v in _below(node))


def _below(node: Mapping[str, Any]) -> list[Any]:
    """Return the parts to look at. A star is known only as an item of its own, where its columns are the result's."""
    parts = {k: v for k, v in node.items() if k != "type_expr"}
    if node.get("type") == "SELECT_NODE":
        parts["select_list"] = [item for item in node["select_list"] if item["type"] != "STAR"]
    return list(parts.values())


def _orders_by_all(node: Mapping[str, Any]) -> bool:
    orders = node.get("orders") or []
    return (
        len(orders) == 1 and orders[0]["expression"].get("type") == "STAR" and not orders[0]["expression"].get("expr")
    )


def _is_odd(node: Mapping[str, Any]) -> bool:
    kind = node.get("type")
    if kind == "SELECT_NODE":
        # Elements of a list beside rows: what they are held against would need places of their own.
        with_rows = (node.get("from_table") or {}).get("type", "EMPTY") != "EMPTY"
        return with_rows and calls(node["select_list"], "unnest")
    if kind == "SET_OPERATION_NODE":
        return str(node.get("setop_type")) in _COMPARING
    if kind == "JOIN":
        return node.get("ref_type") not in _JOINS
    return kind in {"RECURSIVE_CTE_NODE", "STAR"}


def calls_any(node: Any, but: Collection[str] = ()) -> bool:
    """Whether any function `but` these is called below, operators left aside: some give many rows, under many names."""
    if isinstance(node, list):
        return any(calls_any(item, but) for item in node)
    if not isinstance(node, dict):
        return False
    called = node.get("type") == "FUNCTION" and not node.get("is_operator") and node["function_name"].lower() not in but
    return called or any(calls_any(value, but) for value in node.values())


def calls(node: Any, name: str) -> bool:
    """Whether the function is called below, subqueries left aside."""
    if isinstance(node, list):
        return any(calls(item, name) for item in node)
    if not isinstance(node, dict) or node.get("class") == "SUBQUERY":
        return False
    found = node.get("type") == "FUNCTION" and str(node.get("function_name", "")).lower() == name
    return found or any(calls(value, name) for value in node.values())
