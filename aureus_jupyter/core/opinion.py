"""sqlglot's reading of a DuckDB statement's tables: a second opinion. Its text is never executed."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from aureus_jupyter.core.bridge import check_types
from aureus_jupyter.values.catalog import fold

__all__ = ["tables"]


def _parsed(sql: str, dialect: str) -> list[exp.Expr]:
    """Return the statements sqlglot reads. Raises SqlglotError, RecursionError, and Refused `too_deep`."""
    made = Dialect.get_or_raise(dialect)
    tokens = made.tokenize(sql)
    check_types(tokens, made.parser_class.TYPE_TOKENS)
    roots = made.parser().parse(tokens, sql)
    return [root for root in roots if root is not None and not isinstance(root, exp.Semicolon)]


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
