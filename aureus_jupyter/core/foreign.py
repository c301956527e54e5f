"""Conditions and masks that a policy engine writes in Trino's SQL, put into the dialect that runs.

The policy's text is parsed against an allow-list, every column is resolved in the dataset and qualified, and only what was
understood is written out again. A subquery, another table, or a function that is not on the list is refused.
"""

from __future__ import annotations

import functools

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.plan import RAW
from aureus_jupyter.values.principal import Principal

__all__ = ["foreign"]

_LONGEST = 4096
_NODES = frozenset(
    "Column Identifier Literal Boolean Null Paren And Or Not EQ NEQ LT LTE GT GTE NullSafeEQ NullSafeNEQ In Between Like Escape "
    "Is Case If Coalesce Nullif Cast TryCast DataType DataTypeParam Add Sub Mul Div Mod Neg DPipe Concat Lower Upper Length "
    "Substring Trim StrPosition Replace RegexpLike StartsWith Array ArrayContains DateTrunc TimestampTrunc Year Month Day "
    "CurrentDate CurrentUser Abs Round Floor Ceil Greatest Least Left Right Reverse Tuple Interval Var DateAdd DateSub DateDiff "
    "SplitPart Date Pad".split()
)
"""Reviewed: none reads a table, a file, a setting or the catalog. CurrentUser becomes the principal's name."""
_TYPES = frozenset(
    exp.DataType.Type[name]
    for name in "VARCHAR TEXT CHAR BOOLEAN TINYINT SMALLINT INT BIGINT DECIMAL DOUBLE FLOAT DATE TIMESTAMP ARRAY".split()
)


def foreign(text: str, dataset: Dataset, dialect: str, principal: Principal, policy: str) -> str:
    """Return a policy's expression in `dialect`, over qualified raw columns of `dataset`.

    Raises Refused `policy_expression` for what is not understood, without the policy's text.
    """
    return _foreign(text, dataset, dialect, principal.name, policy)


@functools.lru_cache(maxsize=512)
def _foreign(text: str, dataset: Dataset, dialect: str, who: str, policy: str) -> str:
    try:
        tree = _parsed(text, policy)
        for node in tree.walk():
            _check(node, policy)
        written = tree.transform(lambda node: _resolved(node, dataset, who, policy))
        return str(written.sql(dialect=dialect, comments=False, unsupported_level=ErrorLevel.RAISE, identify=True))
    except (SqlglotError, RecursionError, ValueError):
        raise _bad(policy, "cannot be read as an expression") from None


def _parsed(text: str, policy: str) -> exp.Expr:
    if len(text) > _LONGEST:
        raise _bad(policy, f"is longer than {_LONGEST} characters")
    found = sqlglot.parse(f"SELECT {text}\n", read="trino")
    select = found[0] if len(found) == 1 else None
    if not isinstance(select, exp.Select) or len(select.expressions) != 1:
        raise _bad(policy, "is not one expression")
    if any(value for key, value in select.args.items() if key != "expressions"):
        raise _bad(policy, "is more than an expression")
    tree: exp.Expr = select.expressions[0]
    return tree


def _check(node: exp.Expr, policy: str) -> None:
    name = type(node).__name__
    if name not in _NODES:
        raise _bad(policy, f"uses {name}, which is not on the list of what an expression may use")
    if isinstance(node, exp.DataType) and node.this not in _TYPES:
        raise _bad(policy, "names a type that is not on the list of what an expression may use")


def _resolved(node: exp.Expr, dataset: Dataset, who: str, policy: str) -> exp.Expr:
    if isinstance(node, exp.CurrentUser):
        return exp.Literal.string(who)
    if not isinstance(node, exp.Column):
        return node
    column = dataset.column(node.name)
    if column is None or (node.table and fold(node.table) != fold(dataset.name)) or node.db:
        raise _bad(policy, f"names a column that {dataset.name} does not have")
    return exp.column(exp.to_identifier(column.name, quoted=True), table=exp.to_identifier(RAW, quoted=False))


def _bad(policy: str, what: str) -> Refused:
    return Refused(
        "policy_expression",
        f"an expression of the policy {policy} {what}",
        hint="Ask your platform team to write it with comparisons and simple functions of the dataset's columns.",
    )
