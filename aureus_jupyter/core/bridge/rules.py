"""What sets one engine's SQL apart: its grammar, its names, its functions and types. Data; the translation reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from aureus_jupyter.core.functions import CANNOT_RAISE, OPERATORS, Surface

__all__ = ["WINDOWS", "Rules", "plus", "surface_of"]

WINDOWS = {
    "row_number": "ROW_NUMBER",
    "rank": "RANK",
    "dense_rank": "RANK_DENSE",
    "percent_rank": "PERCENT_RANK",
    "cume_dist": "CUME_DIST",
    "ntile": "NTILE",
    "lag": "LAG",
    "lead": "LEAD",
    "first_value": "FIRST_VALUE",
    "last_value": "LAST_VALUE",
    "nth_value": "NTH_VALUE",
}
"""Functions that only stand before OVER, and what the tree calls them."""


def plus(parser: Any) -> exp.Expr:
    """Read what a plus stands before as something computed: sqlglot leaves the sign out, and then it would keep a column's name."""
    return exp.Add(this=exp.Literal.number(0), expression=parser._parse_unary())


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One engine's SQL, as far as the translation must know it.

    `parser` reads the grammar and turns no function into another: calls keep the names their author wrote. `fold` gives the
    form in which the engine compares an identifier. Functions are by the engine's own names, each with the name of what
    DuckDB has that behaves the same for lineage and for summaries: `scalars`, `aggregates`; `rows` give many rows for one.
    `types` are sqlglot's kinds with DuckDB's names. `title` gives an output column's name where its author gave none.

    `column_key` gives that form of a contract's column. `row_columns` are the columns of functions in `rows` that have not one.
    `growing` are those of them that give more columns where more names are given. `united` are scalars that begin with a unit, such
    as DAY, if they have three arguments. `bounded` are functions whose size must be written down. `texts` is a sign beside ' that
    begins a text, `odd` what the text of a statement must not hold. `nodes` are sqlglot's classes that only this engine's SQL may
    hold. `values` and `first_value` make the names of VALUES.

    `fields`: dots lead into structs. `laterals`: an item may name an item before it. `where_aliases`: WHERE may name an item, and
    `late_aliases`: so may expressions in GROUP BY, HAVING and ORDER BY. `lateral_always`: a query in FROM sees what is to its left.
    `forward`: under RECURSIVE a WITH part sees those after it. `always_raises`: hardly an expression cannot fail there.
    """

    name: str
    parser: type[Dialect]
    fold: Callable[[exp.Identifier], str]
    column_key: Callable[[str], str]
    scalars: Mapping[str, str]
    aggregates: Mapping[str, str]
    types: Mapping[str, str]
    title: Callable[[exp.Expr], str]
    values: str
    first_value: int = 1
    rows: frozenset[str] = frozenset()
    row_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    growing: frozenset[str] = frozenset()
    united: frozenset[str] = frozenset()
    bounded: Mapping[str, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    texts: str = "'"
    odd: re.Pattern[str] | None = None
    hidden: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    fields: bool = False
    laterals: bool = False
    where_aliases: bool = False
    late_aliases: bool = False
    lateral_always: bool = False
    forward: bool = False
    always_raises: bool = False


_MADE = OPERATORS | frozenset(
    "xor list_value unnest row regexp_full_match regexp_matches list_has_any like_escape "
    "year quarter month day date_part".split()
)
"""What the translation itself puts into the tree for operators and words of the grammar."""


def surface_of(rules: Rules) -> Surface:
    """Return what a translated statement may call."""
    functions = frozenset({*rules.scalars, *rules.aggregates, *rules.rows, *WINDOWS}) | _MADE
    return Surface(functions, CANNOT_RAISE, rules.bounded)
