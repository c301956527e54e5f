"""What a summary-only statement may name, and the conditions and keys it may choose and group rows by.

A condition or a key is an expression over open columns that gives the same for the same row today and tomorrow: it is asked again
when a later statement is held against this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aureus_jupyter.core.functions import AGGREGATES
from aureus_jupyter.core.reading import path_of
from aureus_jupyter.core.text import span_at
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Dataset, fold

__all__ = [
    "CLOCK_WORDS",
    "GIVEN",
    "LOGIC",
    "Shape",
    "check_constant",
    "check_open",
    "expressions",
    "function_of",
    "is_bare",
]
__all__ += ["output_of", "strange"]

LOGIC = frozenset(
    "CONJUNCTION_AND CONJUNCTION_OR OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL COMPARE_BETWEEN "
    "COMPARE_NOT_BETWEEN COMPARE_EQUAL COMPARE_NOTEQUAL COMPARE_LESSTHAN COMPARE_GREATERTHAN COMPARE_LESSTHANOREQUALTO "
    "COMPARE_GREATERTHANOREQUALTO COMPARE_IN COMPARE_NOT_IN COMPARE_DISTINCT_FROM COMPARE_NOT_DISTINCT_FROM".split()
)
GIVEN = frozenset({"VALUE_CONSTANT", "VALUE_PARAMETER"})
_ROW = LOGIC | frozenset("CASE_EXPR OPERATOR_CAST OPERATOR_COALESCE OPERATOR_NULLIF TYPE ORDER_MODIFIER".split())
_ROW_FUNCTIONS = frozenset(
    "+ - * / // % || ~~ !~~ ~~* !~~* abs ceil ceiling concat contains date_part date_trunc datepart datetrunc day "
    "dayofweek dayofyear ends_with floor greatest hour if isodow least left length lower ltrim mod month nullif prefix "
    "quarter right round rtrim starts_with substr substring suffix time_bucket trim trunc upper week weekday year".split()
)
"""Functions that give the same for the same row today and tomorrow: earlier conditions are asked again, of other statements."""
CLOCK_WORDS = re.compile(r"\b(now|today|tomorrow|yesterday)\b", re.IGNORECASE)
_PLACES = frozenset({"query_location", "query_location_length", "alias"})
_WHAT = {
    "SUBQUERY": ("a subquery", "Write one SELECT over the dataset, with the values themselves in its conditions."),
    "STAR": ("a star", "Name the group keys, and count, sum or avg."),
    "LAMBDA": ("a lambda", "Write the condition with AND, OR and IN."),
    "POSITIONAL_REFERENCE": ("a column by its number", "Write the column's name."),
}


@dataclass(slots=True)
class Shape:
    """What a statement may name, and what was found in it."""

    sql: str
    dataset: Dataset
    protected: frozenset[str]
    persons: frozenset[str]
    called: frozenset[str] = frozenset()
    keys: list[Any] = field(default_factory=list)
    outputs: list[Mapping[str, Any]] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def refuse(self, what: str, hint: str, node: Mapping[str, Any] | None = None) -> Refused:
        at = (node or {}).get("query_location")
        known = isinstance(at, int) and 0 <= at <= len(self.sql)
        return Refused(
            "summaries_only",
            f"{self.dataset.name} answers only in plain summaries, and this one has {what}",
            hint=hint,
            span=span_at(self.sql, at) if known and isinstance(at, int) else None,
        )

    def column(self, node: Mapping[str, Any]) -> str | None:
        """Return the folded name of the dataset's column that a reference means, or None."""
        names = [fold(str(name)) for name in node["column_names"]]
        if len(names) > 2 or (len(names) == 2 and names[0] not in self.called):
            return None
        return names[-1] if self.dataset.column(names[-1]) is not None else None

    def normal(self, node: Any) -> Any:
        """Return an expression without its places and names, and every column by the dataset's own name alone."""
        if isinstance(node, list):
            return [self.normal(item) for item in node]
        if not isinstance(node, dict):
            return node
        if node.get("type") == "COLUMN_REF" and (name := self.column(node)) is not None:
            return {"column": name}
        return {key: self.normal(value) for key, value in node.items() if key not in _PLACES}


def expressions(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every node below and with this one that says what it is."""
    if isinstance(node, list):
        for item in node:
            yield from expressions(item)
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node
        for value in node.values():
            yield from expressions(value)


def check_open(shape: Shape, expression: Any, where: str) -> None:
    """Refuse what is not a fixed expression over open columns; note the columns."""
    for node in expressions(expression):
        kind = str(node["type"])
        if kind == "COLUMN_REF":
            shape.used.add(_open_column(shape, node, where))
        elif kind == "FUNCTION":
            _check_function(shape, node, where)
        elif kind == "VALUE_CONSTANT":
            check_constant(shape, node)
        elif kind != "VALUE_PARAMETER" and kind not in _ROW:
            raise strange(shape, node, where)


def _open_column(shape: Shape, node: Mapping[str, Any], where: str) -> str:
    name = shape.column(node)
    if name is None:
        raise shape.refuse(
            f"a name in {where} that is no column of it", "Use the dataset's columns, by their own names.", node
        )
    if name in shape.protected or name in shape.persons:
        raise shape.refuse(
            f"the protected column {name} in {where}", "Protected columns may stand in count, sum and avg only.", node
        )
    return name


def _check_function(shape: Shape, node: Mapping[str, Any], where: str) -> None:
    name = function_of(node)
    if name not in _ROW_FUNCTIONS or not is_bare(node) or node.get("distinct"):
        what = "an aggregate" if name in AGGREGATES else f"the function {name}"
        raise shape.refuse(
            f"{what} in {where}",
            "Compare open columns with constants there; band numbers with floor, dates with year.",
            node,
        )


def check_constant(shape: Shape, node: Mapping[str, Any]) -> None:
    """Refuse a text that an engine may read as a time that moves."""
    literal = node.get("literal") or {}
    if CLOCK_WORDS.search(str(literal.get("text", ""))):
        raise shape.refuse("a time that moves", "Write the date itself: DATE '2026-01-31'.", node)


def strange(shape: Shape, node: Mapping[str, Any], where: str) -> Refused:
    """Return the refusal of a construct that has no place in a summary."""
    kind = str(node["type"])
    what, hint = _WHAT.get(kind, (f"the construct {kind.lower().replace('_', ' ')}", "Write plain comparisons."))
    if kind.startswith("WINDOW_"):
        what, hint = "a window", "Take sums and averages of whole groups."
    return shape.refuse(f"{what} in {where}", hint, node)


def function_of(node: Mapping[str, Any]) -> str:
    """Return the lowered name of what a node calls."""
    return str(node.get("function_name") or path_of(node)[-1]).lower()


def is_bare(node: Mapping[str, Any]) -> bool:
    """Whether a call has nothing but arguments: no FILTER, no ORDER BY, no state."""
    orders = (node.get("order_bys") or {}).get("orders")
    return node.get("filter") is None and not orders and not node.get("export_state")


def output_of(shape: Shape, node: Mapping[str, Any]) -> int | None:
    """Return which output a number or an alias means, or None for what is neither. A column's name means the column."""
    if node["type"] == "VALUE_CONSTANT":
        text = str((node.get("literal") or {}).get("text", ""))
        if not text.isdigit() or not 0 < int(text) <= len(shape.outputs):
            raise shape.refuse("a constant to group or order by", "Name a group key.", node)
        return int(text) - 1
    if node["type"] != "COLUMN_REF" or shape.column(node) is not None:
        return None
    named_so = [
        place
        for place, item in enumerate(shape.outputs)
        if len(node["column_names"]) == 1 and fold(item.get("alias") or "") == fold(str(node["column_names"][0]))
    ]
    if len(named_so) != 1:
        raise shape.refuse("a name that is no column of it, or two", "Use the dataset's columns.", node)
    return named_so[0]
