"""sqlglot's reading: a second opinion for DuckDB, and the allow-listed reading for PostgreSQL.

sqlglot text is never executed. Its logger carries the user's text, so it is silenced.
"""

from __future__ import annotations

import logging
import re
from itertools import takewhile
from typing import Any

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.core.postgres import (
    AGGREGATE_NODES,
    ALLOWED_FUNCTIONS,
    ALLOWED_NODES,
    HIDDEN_COLUMNS,
    SAFE_NODES,
    SERVER_FUNCTIONS,
)
from aureus_jupyter.core.reading import Reading, TableRef
from aureus_jupyter.core.text import span_at
from aureus_jupyter.errors import Refused, Span, UserError
from aureus_jupyter.values.catalog import fold

__all__ = ["reading", "tables"]

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


MAX_TYPE_NESTING = 6
_IN_WORDS = {
    "ByteString": "a text written E'...'",
    "RawString": "a text between dollar signs",
    "TableSample": "TABLESAMPLE",
}
_OPEN = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET})
_CLOSED = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET})


def _parsed(sql: str, dialect: str) -> list[exp.Expr]:
    """Return the statements sqlglot reads. Raises SqlglotError, RecursionError, and Refused `too_deep`.

    A name of a type before a bracket may begin a type or a call; sqlglot tries both each time, so that a hundred characters
    could take it hours. How deep they nest is counted first.
    """
    types = Dialect.get_or_raise(dialect).parser_class.TYPE_TOKENS
    before, opened = None, list[bool]()
    for token in sqlglot.tokenize(sql, read=dialect):
        if token.token_type in _OPEN:
            opened.append(before in types)
            if sum(opened) > MAX_TYPE_NESTING:
                raise Refused(
                    "too_deep",
                    f"words that name a type, such as ARRAY, ROW or DATE, may nest {MAX_TYPE_NESTING} deep with brackets",
                    hint="Name the inner parts in a WITH clause, or write CAST(x AS DATE) and [1, 2].",
                )
        elif token.token_type in _CLOSED and opened:
            opened.pop()
        before = token.token_type
    return [root for root in sqlglot.parse(sql, read=dialect) if root is not None]


def tables(sql: str, dialect: str) -> frozenset[str] | None:
    """Return the folded names of the base tables sqlglot sees, or None where it cannot read the statement.

    Does not decide: the caller compares. Raises Refused `too_deep`.
    """
    try:
        roots = _parsed(sql, dialect)
    except (SqlglotError, RecursionError):
        return None
    if len(roots) != 1 or not isinstance(roots[0], exp.Query):
        return None
    return frozenset(fold(t.name) for t in _base_tables(roots[0]))


def _base_tables(root: exp.Expr) -> list[exp.Table]:
    """Return the tables that are no WITH name where they stand."""
    found = []
    for table in root.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        if table.db or not _is_cte(table):
            found.append(table)
    return found


def _is_cte(table: exp.Table) -> bool:
    """Whether a WITH in scope defines the table's name before the place where it stands."""
    name = fold(table.name)
    node: Any = table
    inside_with = False
    while node is not None:
        if isinstance(node.parent, exp.With):
            if _defined_before(node.parent, node, name):
                return True
            # The WITH's own query: its entries were just looked through, in order.
            node, inside_with = node.parent.parent, True
            continue
        with_ = node.args.get("with_")
        if not inside_with and with_ is not None and any(fold(cte.alias) == name for cte in with_.expressions):
            return True
        node, inside_with = node.parent, False
    return False


def _defined_before(with_: exp.With, here: Any, name: str) -> bool:
    """Whether `name` means a WITH entry inside the entry `here`: one before it, or itself when it is recursive."""
    before = takewhile(lambda cte: cte is not here, with_.expressions)
    if any(fold(cte.alias) == name for cte in before):
        return True
    recursive = bool(with_.args.get("recursive")) and isinstance(here.this, exp.SetOperation)
    return recursive and fold(here.alias) == name


def reading(sql: str, dialect: str) -> Reading:
    """Read `sql` against the allow-lists for a dialect whose engine shows no tree.

    Default deny over node classes and functions. Every column name counts for every table that has it. Raises
    UserError `syntax_error` or Refused.
    """
    root = _root(sql, dialect)
    found = Reading(sql)
    for node in root.walk():
        _check(node, sql)
        _note(found, node)
    starred = any(True for _ in root.find_all(exp.Star)) and not _only_counts(root)
    for table in _base_tables(root):
        if table.db or table.catalog:
            raise Refused(
                "qualified_name",
                "a dataset's name has one part",
                hint=f"Write {table.name} alone.",
                span=_span(table, sql),
            )
        found.tables.append(
            TableRef(table.name, table.alias or table.name, _span(table, sql) or Span(line=1, column=1))
        )
        if starred:
            found.stars.add(fold(table.name))
    return found


def _root(sql: str, dialect: str) -> exp.Expr:
    try:
        roots = _parsed(sql, dialect)
    except SqlglotError as error:
        place = (getattr(error, "errors", None) or [{}])[0]
        span = Span(line=int(place["line"]), column=int(place["col"])) if place.get("line") else None
        raise UserError(
            "syntax_error",
            "this cannot be read as SQL from here on",
            hint="Check the word before this place. If this is a question, use --as question.",
            span=span,
        ) from None
    if len(roots) != 1:
        raise Refused(
            "one_statement",
            f"a cell holds one statement, this one holds {len(roots)}",
            hint="Put each statement in a cell of its own.",
        )
    if not isinstance(roots[0], exp.Query):
        raise Refused("not_a_query", "a cell holds one SELECT", hint="A cell only reads.")
    return roots[0]


def _check(node: exp.Expr, sql: str) -> None:
    name = type(node).__name__
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.USERDEFINED:
        # Reading a literal of such a type may run what its maker wrote.
        raise Refused(
            "type_not_allowed",
            "a type that is not the engine's own cannot be written in a governed cell",
            hint="Use a standard type such as text, numeric, date or timestamp.",
        )
    if isinstance(node, exp.Func) and not isinstance(node, (exp.And, exp.Or)):
        function = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if function not in ALLOWED_FUNCTIONS:
            raise Refused(
                "function_not_allowed",
                f"the function {(word := _written(node, function))[:64]} is not on the reviewed list",
                hint=nearest_hint(word, SERVER_FUNCTIONS, "Use a standard aggregate, text or date function."),
                span=_span(node, sql),
            )
    elif name not in ALLOWED_NODES:
        raise Refused(
            "node_not_allowed",
            f"{_IN_WORDS.get(name, f'the construct {name}')} cannot run in a governed cell",
            hint="Write it with SELECT, JOIN and WITH, and texts in plain quotes.",
            span=_span(node, sql),
        )
    for argument in (
        "into",
        "locks",
        "system_time",
        "when",
        "version",
        "only",
        "rows_from",
        "changes",
        "settings",
        "hint",
    ):
        if node.args.get(argument):
            raise Refused(
                "argument_not_allowed",
                f"{argument.upper().replace('_', ' ')} cannot be used in a governed cell",
                hint="A cell only reads, as things are now.",
            )


def _written(node: exp.Expr, function: str) -> str:
    """Return a function's name as its author knows it: sqlglot has words of its own for many."""
    found = re.match(r"[A-Za-z_]\w*(?=\()", node.sql("postgres"))
    return found[0].lower() if found else function


def _note(found: Reading, node: exp.Expr) -> None:
    if isinstance(node, exp.Column):
        _refuse_hidden(node, found.text)
        found.names.add(tuple(fold(part.name) for part in node.parts))
    elif isinstance(node, exp.Join):
        found.joins += 1
        found.names.update((fold(item.name),) for item in node.args.get("using") or ())
    elif isinstance(node, exp.Where):
        found.has_filter = True
    elif isinstance(node, exp.Placeholder):
        found.parameters.add(str(node.this))
    elif isinstance(node, exp.Func) and not isinstance(node, (exp.And, exp.Or)):
        found.functions.add((node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower())
    if type(node).__name__ not in SAFE_NODES | AGGREGATE_NODES:
        found.can_raise = True


def _refuse_hidden(column: exp.Column, sql: str) -> None:
    if fold(column.name) in HIDDEN_COLUMNS:
        raise Refused(
            "hidden_column",
            f"{fold(column.name)} is the server's own numbering, whose gaps would show which rows a policy hides",
            hint="Number the rows you see: row_number() OVER (ORDER BY ...).",
            span=_span(column, sql),
        )


def _only_counts(root: exp.Expr) -> bool:
    return all(isinstance(star.parent, exp.Count) for star in root.find_all(exp.Star))


def _span(node: exp.Expr, sql: str) -> Span | None:
    for inner in node.walk():
        if "start" in inner.meta:
            return span_at(sql, int(inner.meta["start"]), int(inner.meta["end"]) - int(inner.meta["start"]) + 1)
    return None
