"""Nodes in the layout of DuckDB's serialised tree, which `core.reading` and `core.lineage` understand. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "EMPTY",
    "NOTHING",
    "Node",
    "between",
    "both",
    "call",
    "cast",
    "collate",
    "column",
    "compare",
    "constant",
    "field",
    "join",
    "modifier",
    "operator",
    "orders",
    "query_of",
    "select",
    "subquery",
    "table",
    "window",
]

Node = dict[str, Any]


def column(*path: str) -> Node:
    """Return a name: a relation and its column, a relation as a whole, or an item of the same SELECT."""
    return {"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "column_names": list(path)}


def constant(kind: str, text: str) -> Node:
    """Return a value that is written down."""
    return {"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "literal": {"kind": kind, "text": text}}


NOTHING = constant("NULL_LITERAL", "")
EMPTY: Node = {"type": "EMPTY", "alias": "", "sample": None}


def call(server: str, given: Sequence[Node], means: str = "", **rest: Any) -> Node:
    """Return a function's call. `server` is its own name, `means` DuckDB's name for what behaves the same to the judgement."""
    return {
        "class": "FUNCTION",
        "type": "FUNCTION",
        "alias": "",
        "function_name": means or server,
        "qualified_name": {"path": [server]},
        "arguments": [{"expression": item, "name": ""} for item in given],
        **rest,
    }


def window(server: str, given: Sequence[Node], kind: str, **rest: Any) -> Node:
    """Return a call with OVER; `kind` is the end of the node's type."""
    made = call(server, given, **rest)
    return {**made, "class": "WINDOW", "type": f"WINDOW_{kind}"}


def operator(kind: str, *children: Node) -> Node:
    """Return what is an operator to the tree: IS NULL, NOT, IN a list, COALESCE, a subscript."""
    return {"class": "OPERATOR", "type": kind, "alias": "", "children": list(children)}


def field(whole: Node, name: str) -> Node:
    """Return a field of a struct."""
    return operator("STRUCT_EXTRACT", whole, constant("STRING", name))


def compare(kind: str, left: Node, right: Node) -> Node:
    """Return a comparison of two sides."""
    return {"class": "COMPARISON", "type": f"COMPARE_{kind}", "alias": "", "left": left, "right": right}


def between(value: Node, low: Node, high: Node) -> Node:
    """Return BETWEEN."""
    made = {"class": "BETWEEN", "type": "COMPARE_BETWEEN", "alias": ""}
    return {**made, "input": value, "lower": low, "upper": high}


def both(parts: Sequence[Node], word: str = "AND") -> Node:
    """Return a conjunction, or a disjunction, of one part or more."""
    if len(parts) == 1:
        return parts[0]
    return {"class": "CONJUNCTION", "type": f"CONJUNCTION_{word}", "alias": "", "children": list(parts)}


def cast(child: Node, kind: str, below: Sequence[Node] = (), attempt: bool = False) -> Node:
    """Return a cast to a type by DuckDB's name for it."""
    type_expr = {"class": "TYPE", "type": "TYPE", "qualified_name": {"path": [kind]}, "children": list(below)}
    made = {"class": "CAST", "type": "OPERATOR_CAST", "alias": "", "child": child}
    return {**made, "type_expr": type_expr, "try_cast": attempt}


def collate(child: Node) -> Node:
    """Return a value with another order of letters."""
    return {"class": "COLLATE", "type": "COLLATE", "alias": "", "child": child}


def subquery(kind: str, node: Node, child: Node | None = None, comparison: str = "INVALID") -> Node:
    """Return a query in an expression: SCALAR, EXISTS, ANY, or ARRAY."""
    made = {"class": "SUBQUERY", "type": "SUBQUERY", "alias": "", "subquery_type": kind, "subquery": {"node": node}}
    return {**made, "child": child, "comparison_type": comparison}


def orders(expressions: Iterable[Node]) -> list[Node]:
    """Return what ORDER BY holds."""
    return [{"type": "ORDER_DEFAULT", "null_order": "ORDER_DEFAULT", "expression": e} for e in expressions]


def modifier(kind: str, **rest: Any) -> Node:
    """Return an ORDER BY, a DISTINCT or a LIMIT of a query."""
    return {"type": f"{kind}_MODIFIER", **rest}


def select(items: Sequence[Node], source: Node, **rest: Any) -> Node:
    """Return a SELECT."""
    return {
        "type": "SELECT_NODE",
        "cte_map": {"map": []},
        "select_list": list(items),
        "from_table": source,
        "where_clause": None,
        "group_expressions": [],
        "group_sets": [],
        "aggregate_handling": "STANDARD_HANDLING",
        "having": None,
        "qualify": None,
        "sample": None,
        "modifiers": [],
        **rest,
    }


def table(name: str, alias: str, at: int | None = None, sample: Any = None) -> Node:
    """Return a dataset or a WITH part in FROM; `at` is where it stands in the text."""
    made = {"type": "BASE_TABLE", "alias": alias, "qualified_name": {"path": [name]}, "sample": sample}
    return made if at is None else {**made, "query_location": at}


def query_of(alias: str, node: Node) -> Node:
    """Return a query in FROM."""
    return {"type": "SUBQUERY", "alias": alias, "subquery": {"node": node}, "sample": None}


def join(left: Node, right: Node, kind: str, condition: Node | None = None) -> Node:
    """Return two relations side by side: INNER, LEFT, RIGHT, OUTER, SEMI or ANTI."""
    made = {"type": "JOIN", "alias": "", "left": left, "right": right, "condition": condition, "join_type": kind}
    return {**made, "ref_type": "CROSS" if condition is None else "REGULAR", "using_columns": []}
