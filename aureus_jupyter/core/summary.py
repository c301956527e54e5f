"""Whether a statement is a plain summary of one dataset, as a policy of the effect `summary` asks.

What is allowed is what held against every single statement that was tried (decision record 10): one SELECT over the dataset
alone, its rows chosen and grouped by open columns only, protected columns nowhere but as the direct argument of count, sum and
avg. Whether its groups are large enough, and differ enough from earlier ones, is asked of the data (`core.overlap`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aureus_jupyter.core.clauses import UnclearError, clauses, items, named, without_alias
from aureus_jupyter.core.functions import AGGREGATES
from aureus_jupyter.core.reading import path_of
from aureus_jupyter.core.summary_shape import CLOCK_WORDS, Shape, check_open, expressions, function_of, output_of
from aureus_jupyter.core.summary_shown import check_having, check_modifier, check_output
from aureus_jupyter.core.text import bind_names
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
    "sample qualify windows".split()
)


def check_values(parameters: Sequence[tuple[str, Parameter]]) -> None:
    """Refuse a parameter whose text some engines read as a time that moves. Raises Refused `summaries_only`."""
    if any(isinstance(value, str) and CLOCK_WORDS.search(value) for _, value in parameters):
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
    shape = Shape(sql, dataset, frozenset(fold(c) for rule in rules for c in rule.protected) - persons, persons)
    node = tree["statements"][0]["node"]
    _check_frame(shape, node)
    _check_names(shape, node)
    where, having = node.get("where_clause"), node.get("having")
    if where is not None:
        check_open(shape, where, "WHERE")
    resolved = [_resolved(shape, key) for key in node["group_expressions"]]
    _check_keys(shape, node, [expression for expression, _ in resolved])
    for item in node["select_list"]:
        check_output(shape, item)
    if having is not None:
        check_having(shape, having)
    for modifier in node.get("modifiers") or ():
        check_modifier(shape, modifier)
    if not facts.aggregated:
        raise shape.refuse(
            "groups that could each be one person",
            "Group by columns that tell nobody apart, and take conditions on keys and measures out of it.",
        )
    return _written(shape, node, resolved, parse)


def _check_frame(shape: Shape, node: Mapping[str, Any]) -> None:
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
    if node.get("qualify") is not None or node.get("windows"):
        raise shape.refuse("QUALIFY or WINDOW", "Filter rows with WHERE and groups with HAVING count(*).")
    if node.get("aggregate_handling") != "STANDARD_HANDLING" or len(node.get("group_sets") or ()) > 1:
        raise shape.refuse(
            "GROUP BY ALL, ROLLUP, CUBE or GROUPING SETS", "Name the group keys, each grouping in a cell of its own."
        )


def _check_names(shape: Shape, node: Mapping[str, Any]) -> None:
    """Refuse names that can be read in two ways."""
    table = node["from_table"]
    own = {fold(c.name) for c in shape.dataset.columns}
    called = fold(table.get("alias") or path_of(table)[-1])
    if called in own:
        raise shape.refuse("a column's name for the dataset", "Call the dataset by another name in FROM.", table)
    shape.called, shape.outputs = frozenset({called}), list(node["select_list"])
    for item in shape.outputs:
        alias = fold(item.get("alias") or "")  # where the tree was translated, no name is read in two ways
        if alias in own and not (item["type"] == "COLUMN_REF" and shape.column(item) == alias):
            raise shape.refuse("a column's name for something else", "Give the result another name after AS.", item)


def _resolved(shape: Shape, key: Mapping[str, Any]) -> tuple[Mapping[str, Any], int | None]:
    """Return the expression a group key means, and which output it is when it is written as a number or an alias."""
    alias = key.get("alias")
    # A translated tree holds what a number or an alias means, under the name of the output.
    same = (place for place, item in enumerate(shape.outputs) if alias and item.get("alias") == alias)
    place = next(same, None)
    place = output_of(shape, key) if place is None else place
    return (key, None) if place is None else (shape.outputs[place], place)


def _check_keys(shape: Shape, node: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> None:
    for key in keys:
        check_open(shape, key, "GROUP BY")
        if not any(n["type"] == "COLUMN_REF" for n in expressions(key)):
            raise shape.refuse("a constant to group by", "Group by columns, or not at all.", key)
    shape.keys = [shape.normal(key) for key in keys]
    if keys or any(
        n["type"] == "FUNCTION" and function_of(n) in AGGREGATES | {"count_star"}
        for n in expressions(node["select_list"])
    ):
        return
    raise shape.refuse("rows", "Ask for count, sum or avg, in groups or over all.")


def _written(
    shape: Shape, node: Mapping[str, Any], keys: Sequence[tuple[Mapping[str, Any], int | None]], parse: Parse
) -> Summary:
    """Cut the condition and the keys out of the text, and see that the engine reads in them what it reads in the whole."""
    unclear = shape.refuse(
        "a text whose clauses cannot be told apart", "Write SELECT, FROM, WHERE, GROUP BY in this order."
    )
    try:
        found = clauses(shape.sql)
        table, alias = named(found.get("from", ""))
        outputs = items(found.get("select", ""))
        written = items(found["group"]) if "group" in found else ()
        if len(outputs) != len(shape.outputs) or len(written) != len(keys):
            raise UnclearError
        texts = tuple(
            text if place is None else without_alias(outputs[place], _alias(shape.outputs[place]))
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
    if {*spelled} != {str(n.get("identifier")) for n in expressions(read) if n["type"] == "VALUE_PARAMETER"}:
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


def _alias(item: Mapping[str, Any]) -> str:
    """Return an output's name; in a translated tree a number follows that no other has."""
    return str(item.get("alias") or "").partition("\x00")[0]


def _said(shape: Shape, tree: Any, keys: int) -> tuple[list[Any], Any] | None:
    """Return the keys and the condition that are read in the echo, or None where it is no such SELECT."""
    statements = tree.get("statements") or [] if isinstance(tree, dict) else []
    node = statements[0]["node"] if len(statements) == 1 else {}
    table = node.get("from_table") or {}
    called = fold(table.get("alias") or "")
    if (
        table.get("type") != "BASE_TABLE"
        or fold(path_of(table)[-1]) != fold(shape.dataset.name)
        or {called} != shape.called
    ):
        return None
    return [shape.normal(key) for key in node["select_list"][:keys]], shape.normal(node.get("where_clause"))


def _spelt(dataset: Dataset, names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(c.name for c in dataset.columns if fold(c.name) in names))
