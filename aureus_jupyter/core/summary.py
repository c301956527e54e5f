"""Whether a statement is a plain summary of one dataset, as a policy of the effect `summary` asks.

What is allowed is what held against every single statement that was tried (decision record 10): one SELECT over the dataset
alone, its rows chosen and grouped by open columns only, protected columns nowhere but as the direct argument of count, sum and
avg. Whether its groups are large enough, and differ enough from earlier ones, is asked of the data (`core.overlap`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aureus_jupyter.core.clauses import UnclearError, clauses, items, named, without_alias
from aureus_jupyter.core.functions import AGGREGATES
from aureus_jupyter.core.reading import path_of
from aureus_jupyter.core.text import bind_names, span_at
from aureus_jupyter.errors import AureusError, Refused
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.facts import Facts
from aureus_jupyter.values.obligations import SummaryOnly
from aureus_jupyter.values.plan import MARK, Parameter
from aureus_jupyter.values.summaries import Summary

__all__ = ["Parse", "check_values", "summarise"]

Parse = Callable[[str], Any]
"""Gives the tree of a text as the engine reads it."""

_NODE = frozenset(
    "type modifiers cte_map select_list from_table where_clause group_expressions group_sets aggregate_handling having "
    "sample qualify".split()
)
_LOGIC = frozenset(
    "CONJUNCTION_AND CONJUNCTION_OR OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL COMPARE_BETWEEN "
    "COMPARE_NOT_BETWEEN COMPARE_EQUAL COMPARE_NOTEQUAL COMPARE_LESSTHAN COMPARE_GREATERTHAN COMPARE_LESSTHANOREQUALTO "
    "COMPARE_GREATERTHANOREQUALTO COMPARE_IN COMPARE_NOT_IN COMPARE_DISTINCT_FROM COMPARE_NOT_DISTINCT_FROM".split()
)
_GIVEN = frozenset({"VALUE_CONSTANT", "VALUE_PARAMETER"})
_ROW = _LOGIC | frozenset("CASE_EXPR OPERATOR_CAST OPERATOR_COALESCE OPERATOR_NULLIF TYPE ORDER_MODIFIER".split())
_AFTER = frozenset({"OPERATOR_CAST", "OPERATOR_COALESCE", "OPERATOR_NULLIF"})
_ROW_FUNCTIONS = frozenset(
    "+ - * / // % || ~~ !~~ ~~* !~~* abs ceil ceiling concat contains date_part date_trunc datepart datetrunc day "
    "dayofweek dayofyear ends_with floor greatest hour if isodow least left length lower ltrim mod month nullif prefix "
    "quarter right round rtrim starts_with substr substring suffix time_bucket trim trunc upper week weekday year".split()
)
"""Functions that give the same for the same row today and tomorrow: earlier conditions are asked again, of other statements."""
_AFTER_FUNCTIONS = frozenset("+ - * / round floor ceil ceiling abs nullif".split())
_CLOCK_WORDS = re.compile(r"\b(now|today|tomorrow|yesterday)\b", re.IGNORECASE)
_PLACES = frozenset({"query_location", "query_location_length", "alias"})

_WHAT = {
    "SUBQUERY": ("a subquery", "Write one SELECT over the dataset, with the values themselves in its conditions."),
    "STAR": ("a star", "Name the group keys, and count, sum or avg."),
    "LAMBDA": ("a lambda", "Write the condition with AND, OR and IN."),
    "POSITIONAL_REFERENCE": ("a column by its number", "Write the column's name."),
}


@dataclass(slots=True)
class _Shape:
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


def check_values(parameters: Sequence[tuple[str, Parameter]]) -> None:
    """Refuse a parameter whose text some engines read as a time that moves. Raises Refused `summaries_only`."""
    if any(isinstance(value, str) and _CLOCK_WORDS.search(value) for _, value in parameters):
        raise Refused("summaries_only", "a parameter is a time that moves", hint="Give the date itself: 2026-01-31.")


def summarise(
    sql: str, tree: Any, facts: Facts, dataset: Dataset, rules: Sequence[SummaryOnly], parse: Parse
) -> Summary:
    """Return the summary a statement is. `dataset` is as the one who asks sees it, `rules` are all that it answers under.

    Does not ask the data anything. Raises Refused `summaries_only` when it is no plain summary, and `cannot_meet` where the
    engine's reading is not known (`tree` is None).
    """
    if not isinstance(tree, dict):
        raise Refused(
            "cannot_meet",
            f"{dataset.name} answers only in summaries, which cannot be checked on this kind of connection",
            hint="Ask your platform team for the dataset on DuckDB or PostgreSQL.",
        )
    persons = frozenset(fold(rule.person) for rule in rules if rule.person)
    shape = _Shape(sql, dataset, frozenset(fold(c) for rule in rules for c in rule.protected) - persons, persons)
    node = tree["statements"][0]["node"]
    _check_frame(shape, node)
    _check_names(shape, node)
    where, having = node.get("where_clause"), node.get("having")
    if where is not None:
        _check_open(shape, where, "WHERE")
    resolved = [_resolved(shape, key) for key in node["group_expressions"]]
    _check_keys(shape, node, [expression for expression, _ in resolved])
    for item in node["select_list"]:
        _check_output(shape, item)
    if having is not None:
        _check_having(shape, having)
    for modifier in node.get("modifiers") or ():
        _check_modifier(shape, modifier)
    if not facts.aggregated:
        raise shape.refuse(
            "groups that could each be one person",
            "Group by columns that tell nobody apart, and take conditions on keys and measures out of it.",
        )
    return _written(shape, node, resolved, parse)


# -- the frame -----------------------------------------------------------------------------------------------------


def _check_frame(shape: _Shape, node: Mapping[str, Any]) -> None:
    """Refuse everything around the expressions that makes it more than one SELECT over the dataset."""
    if node.get("type") != "SELECT_NODE" or not set(node) <= _NODE:
        raise shape.refuse("more than one SELECT", "Write one SELECT, and each summary in a cell of its own.")
    if (node.get("cte_map") or {}).get("map"):
        raise shape.refuse("a WITH part", "Write one SELECT over the dataset itself.")
    table = node.get("from_table") or {}
    if table.get("type") != "BASE_TABLE":
        raise shape.refuse(
            "more than the dataset in FROM", f"Write FROM {shape.dataset.name} alone: no join and no subquery.", table
        )
    if table.get("sample") or node.get("sample"):
        raise shape.refuse("a sample", "Take the whole dataset, or choose by an open column.", table)
    if table.get("column_name_alias"):
        raise shape.refuse("other names for columns", "Use the dataset's own names.", table)
    if node.get("qualify") is not None:
        raise shape.refuse("QUALIFY", "Filter rows with WHERE and groups with HAVING count(*).")
    if node.get("aggregate_handling") != "STANDARD_HANDLING" or len(node.get("group_sets") or ()) > 1:
        raise shape.refuse(
            "GROUP BY ALL, ROLLUP, CUBE or GROUPING SETS", "Name the group keys, each grouping in a cell of its own."
        )


def _check_names(shape: _Shape, node: Mapping[str, Any]) -> None:
    """Refuse names that can be read in two ways."""
    table = node["from_table"]
    own = {fold(c.name) for c in shape.dataset.columns}
    called = fold(table.get("alias") or path_of(table)[-1])
    if called in own:
        raise shape.refuse("a column's name for the dataset", "Call the dataset by another name in FROM.", table)
    shape.called, shape.outputs = frozenset({called}), list(node["select_list"])
    for item in shape.outputs:
        alias = fold(item.get("alias") or "")
        if alias in own and not (item["type"] == "COLUMN_REF" and shape.column(item) == alias):
            raise shape.refuse("a column's name for something else", "Give the result another name after AS.", item)


# -- conditions and keys -------------------------------------------------------------------------------------------


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every node below and with this one that says what it is."""
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node
        for value in node.values():
            yield from _nodes(value)


def _check_open(shape: _Shape, expression: Any, where: str) -> None:
    """Refuse what is not a fixed expression over open columns; note the columns."""
    for node in _nodes(expression):
        kind = str(node["type"])
        if kind == "COLUMN_REF":
            shape.used.add(_open_column(shape, node, where))
        elif kind == "FUNCTION":
            _check_function(shape, node, where)
        elif kind == "VALUE_CONSTANT":
            _check_constant(shape, node)
        elif kind != "VALUE_PARAMETER" and kind not in _ROW:
            raise _strange(shape, node, where)


def _open_column(shape: _Shape, node: Mapping[str, Any], where: str) -> str:
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


def _check_function(shape: _Shape, node: Mapping[str, Any], where: str) -> None:
    name = _name(node)
    if name not in _ROW_FUNCTIONS or not _bare(node) or node.get("distinct"):
        what = "an aggregate" if name in AGGREGATES else f"the function {name}"
        raise shape.refuse(
            f"{what} in {where}", "Compare open columns with constants there; band numbers with floor, dates with year.", node
        )


def _check_constant(shape: _Shape, node: Mapping[str, Any]) -> None:
    literal = node.get("literal") or {}
    if _CLOCK_WORDS.search(str(literal.get("text", ""))):
        raise shape.refuse("a time that moves", "Write the date itself: DATE '2026-01-31'.", node)


def _strange(shape: _Shape, node: Mapping[str, Any], where: str) -> Refused:
    kind = str(node["type"])
    what, hint = _WHAT.get(kind, (f"the construct {kind.lower().replace('_', ' ')}", "Write plain comparisons."))
    if kind.startswith("WINDOW_"):
        what, hint = "a window", "Take sums and averages of whole groups."
    return shape.refuse(f"{what} in {where}", hint, node)


def _name(node: Mapping[str, Any]) -> str:
    return (path_of(node) or (str(node.get("function_name", "")),))[-1].lower()


def _bare(node: Mapping[str, Any]) -> bool:
    """Whether a call has nothing but arguments: no FILTER, no ORDER BY, no state."""
    orders = (node.get("order_bys") or {}).get("orders")
    return node.get("filter") is None and not orders and not node.get("export_state")


def _resolved(shape: _Shape, key: Mapping[str, Any]) -> tuple[Mapping[str, Any], int | None]:
    """Return the expression a group key means, and which output it is when it is written as a number or an alias."""
    place = _place(shape, key)
    return (key, None) if place is None else (shape.outputs[place], place)


def _place(shape: _Shape, node: Mapping[str, Any]) -> int | None:
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


def _check_keys(shape: _Shape, node: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> None:
    for key in keys:
        _check_open(shape, key, "GROUP BY")
        if not any(n["type"] == "COLUMN_REF" for n in _nodes(key)):
            raise shape.refuse("a constant to group by", "Group by columns, or not at all.", key)
    shape.keys = [shape.normal(key) for key in keys]
    if keys or any(n["type"] == "FUNCTION" and _name(n) in AGGREGATES | {"count_star"} for n in _nodes(node["select_list"])):
        return
    raise shape.refuse("rows", "Ask for count, sum or avg, in groups or over all.")


# -- outputs, HAVING, ORDER BY, LIMIT ------------------------------------------------------------------------------


def _check_output(shape: _Shape, node: Mapping[str, Any]) -> None:
    """Refuse an output that is no group key and not made of allowed aggregates."""
    if shape.normal(node) in shape.keys or node["type"] in _GIVEN:
        return
    kind = str(node["type"])
    if kind == "FUNCTION" and (_name(node) in AGGREGATES or _name(node) == "count_star"):
        _check_aggregate(shape, node)
        return
    if kind in _AFTER or (kind == "FUNCTION" and _name(node) in _AFTER_FUNCTIONS and _bare(node)):
        for child in _children(node):
            _check_output(shape, child)
        return
    if kind == "COLUMN_REF":
        name = shape.column(node)
        hidden = name in shape.protected or name in shape.persons
        what = f"the protected column {name} by itself" if hidden else "a column that is no group key"
        raise shape.refuse(what, "Put it into count, sum or avg, or group by it if it is open.", node)
    if kind == "FUNCTION":
        raise shape.refuse(f"the function {_name(node)} over what is shown", "Use count, sum, avg, round and + - * /.", node)
    raise _strange(shape, node, "SELECT")


def _children(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the expressions right below one; a cast's type is none."""
    for value in node.values():
        for item in value if isinstance(value, list) else [value]:
            inner = item.get("expression", item) if isinstance(item, dict) else None
            if isinstance(inner, dict) and isinstance(inner.get("type"), str) and inner["type"] not in {"TYPE", "ORDER_MODIFIER"}:
                yield inner


def _check_aggregate(shape: _Shape, node: Mapping[str, Any]) -> None:
    """Refuse an aggregate that is not count, sum or avg of a column as it is; note the column."""
    name = _name(node)
    if name not in {"count", "count_star", "sum", "avg"}:
        raise shape.refuse(f"{name}, which can show one person's value", "Use count, sum or avg.", node)
    if not _bare(node):
        raise shape.refuse(f"{name} with FILTER or ORDER BY", "Choose rows with WHERE, in a cell of its own.", node)
    given = [argument["expression"] for argument in node.get("arguments") or ()]
    if name == "count_star" or (name == "count" and given and given[0]["type"] == "VALUE_CONSTANT"):
        return
    column = shape.column(given[0]) if len(given) == 1 and given[0]["type"] == "COLUMN_REF" else None
    if column is None:
        raise shape.refuse(
            f"{name} of something that is no column", f"Write {name}(column), with no CASE and no arithmetic inside.", node
        )
    if node.get("distinct") and (name != "count" or column in shape.protected):
        raise shape.refuse(f"DISTINCT inside {name}", f"Write {name}({column}).", node)
    if column in shape.persons:
        if name != "count":
            raise shape.refuse(f"{name} of the persons' numbers", f"Count them: count(DISTINCT {column}).", node)
        return
    shape.counted.add(column)


def _is_plain_count(shape: _Shape, node: Mapping[str, Any]) -> bool:
    """Whether it counts rows, persons or an open column: what groups may be chosen and ordered by."""
    if node["type"] != "FUNCTION" or _name(node) not in {"count", "count_star"} or not _bare(node):
        return False
    _check_aggregate(shape, node)
    return not any(
        shape.column(n) in shape.protected for n in _nodes(node.get("arguments") or []) if n["type"] == "COLUMN_REF"
    )


def _check_having(shape: _Shape, node: Mapping[str, Any]) -> None:
    if shape.normal(node) in shape.keys or _is_plain_count(shape, node):
        return
    if node["type"] == "VALUE_CONSTANT":
        _check_constant(shape, node)
    elif node["type"] in _LOGIC:
        for child in _children(node):
            _check_having(shape, child)
    elif node["type"] != "VALUE_PARAMETER":
        raise shape.refuse(
            "more in HAVING than group keys and plain counts", "Choose groups by their keys or by count(*).", node
        )


def _check_modifier(shape: _Shape, modifier: Mapping[str, Any]) -> None:
    kind = str(modifier["type"])
    if kind == "LIMIT_MODIFIER":
        bounds = [modifier.get("limit"), modifier.get("offset")]
        if modifier.get("limit_type", "ROW_COUNT") != "ROW_COUNT" or any(b and b["type"] not in _GIVEN for b in bounds):
            raise shape.refuse("a computed LIMIT", "Write LIMIT and a number.")
    elif kind == "ORDER_MODIFIER":
        for order in modifier["orders"]:
            _check_order(shape, order["expression"])
    else:
        raise shape.refuse("DISTINCT or a LIMIT in percent", "Leave it out: each group stands there once.")


def _check_order(shape: _Shape, node: Mapping[str, Any]) -> None:
    place = _place(shape, node)
    meant = node if place is None else shape.outputs[place]
    if shape.normal(meant) not in shape.keys and not _is_plain_count(shape, meant):
        raise shape.refuse(
            "an order by something other than group keys and plain counts", "Order the result in the notebook.", node
        )


# -- the text ------------------------------------------------------------------------------------------------------


def _written(
    shape: _Shape, node: Mapping[str, Any], keys: Sequence[tuple[Mapping[str, Any], int | None]], parse: Parse
) -> Summary:
    """Cut the condition and the keys out of the text, and see that the engine reads in them what it reads in the whole."""
    unclear = shape.refuse("a text whose clauses cannot be told apart", "Write SELECT, FROM, WHERE, GROUP BY in this order.")
    try:
        found = clauses(shape.sql)
        table, alias = named(found.get("from", ""))
        outputs = items(found.get("select", ""))
        written = items(found["group"]) if "group" in found else ()
        if len(outputs) != len(shape.outputs) or len(written) != len(keys):
            raise UnclearError
        texts = tuple(
            text if place is None else without_alias(outputs[place], shape.outputs[place].get("alias") or "")
            for text, (_, place) in zip(written, keys, strict=True)
        )
    except UnclearError:
        raise unclear from None
    where = found.get("where", "")
    listed = ", ".join(f"(\n{text}\n)" for text in texts) or "1"
    echo = f"SELECT {listed} FROM {table} AS {alias}" + (f" WHERE (\n{where}\n)" if where else "")
    wanted = [shape.normal(key) for key, _ in keys], shape.normal(node.get("where_clause"))
    try:
        read = parse(echo)
    except AureusError:
        raise unclear from None
    if MARK in shape.sql or _said(shape, read, len(texts)) != wanted:
        raise unclear
    spelled = bind_names(echo)[1]
    if {*spelled} != {str(n.get("identifier")) for n in _nodes(read) if n["type"] == "VALUE_PARAMETER"}:
        raise shape.refuse("a parameter that is not written as :name", "Write each parameter as :name.")
    return Summary(
        dataset=shape.dataset.name,
        table=table,
        alias=alias,
        where=where,
        keys=texts,
        counted=_spelt(shape.dataset, shape.counted),
        used=_spelt(shape.dataset, shape.used),
        parameters=tuple(sorted(spelled)),
    )


def _said(shape: _Shape, tree: Any, keys: int) -> tuple[list[Any], Any] | None:
    """Return the keys and the condition that are read in the echo, or None where it is no such SELECT."""
    statements = tree.get("statements") or [] if isinstance(tree, dict) else []
    node = statements[0]["node"] if len(statements) == 1 else {}
    table = node.get("from_table") or {}
    called = fold(table.get("alias") or "")
    if table.get("type") != "BASE_TABLE" or fold(path_of(table)[-1]) != fold(shape.dataset.name) or {called} != shape.called:
        return None
    return [shape.normal(key) for key in node["select_list"][:keys]], shape.normal(node.get("where_clause"))


def _spelt(dataset: Dataset, names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(c.name for c in dataset.columns if fold(c.name) in names))
