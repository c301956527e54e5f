"""What a policy can oblige a statement to: masks, filters, hidden columns, summaries only, caps, budgets, reviews."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Budget",
    "Cap",
    "Condition",
    "Filter",
    "Hide",
    "Mask",
    "MaskMethod",
    "Measure",
    "Op",
    "Review",
    "Scalar",
    "SummaryOnly",
    "Within",
]

Scalar = str | int | bool | None
"""A constant in a policy. Decimals are written as text; a float has no exact policy form."""


class MaskMethod(StrEnum):
    """How a masked column shows. Every method keeps the column's type; NULL stays NULL.

    `null` hides the value; `constant` shows `value`; `redact` shows fixed text; `hash` shows a keyed pseudonym (HMAC-SHA-256,
    RFC 2104, cut to 64 bits) that is equal for equal values; `token` shows a keyed text of the same length and kinds of
    characters, equal for equal values and now and then for others; `last` keeps the last `keep` characters; `partial` keeps
    the first `start` and the last `keep`; `email` keeps what follows the @; `year` and `month` floor a date; `bucket` shows the
    lower edge of the value's bucket; `round` cuts a number towards zero to a multiple of `step`; `expression` shows what an expression
    of a policy engine gives.
    """

    NULL = "null"
    CONSTANT = "constant"
    REDACT = "redact"
    HASH = "hash"
    TOKEN = "token"
    LAST = "last"
    PARTIAL = "partial"
    EMAIL = "email"
    YEAR = "year"
    BUCKET = "bucket"
    ROUND = "round"
    MONTH = "month"
    EXPRESSION = "expression"


class Op(StrEnum):
    """How a row filter compares a column with constants. A null never matches, except for `is_null`.

    `within` compares with a column of another dataset, `expression` is what a policy engine wrote.
    """

    IN = "in"
    NOT_IN = "not_in"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IS_NULL = "is_null"
    NOT_NULL = "not_null"
    WITHIN = "within"
    EXPRESSION = "expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """Show `column` of `dataset` through `method`.

    `keep` and `start` count characters; `step` and `edges` are decimal numbers as text, the edges ascending; `value` is the
    constant; `expression` is Trino SQL over columns of the dataset. Members that the method does not use mean nothing.
    """

    policy: str
    dataset: str
    column: str
    method: MaskMethod
    reason: str
    keep: int = 4
    step: str = "1000"
    start: int = 0
    value: Scalar = None
    edges: tuple[str, ...] = ()
    expression: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison of a column with constants, or (`op` within) with a column of another dataset."""

    column: str
    op: Op
    values: tuple[Scalar, ...] = ()
    within: Within | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """The values of `column` in those raw rows of `dataset` that fulfil all conditions.

    No other filter of that dataset applies there: the policy says the whole condition.
    """

    dataset: str
    column: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Let only the rows of `dataset` through for which the comparison is true. Several filters are ANDed.

    Those that share an `any_of` are alternatives: a row passes when one of them lets it. `expression` (with `op`
    expression) is a condition in Trino SQL over columns of the dataset; `column` is empty then.
    """

    policy: str
    dataset: str
    column: str
    op: Op
    values: tuple[Scalar, ...]
    reason: str
    within: Within | None = None
    expression: str = ""
    any_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hide:
    """Take `column` out of `dataset`: for the one who asks there is no such column.

    Depends on who asks and why, never on the statement: what a name means must not.
    """

    policy: str
    dataset: str
    column: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryOnly:
    """Answer about `dataset` only in summaries of at least `smallest` persons a group.

    `person` is the column that tells persons apart, empty where each row is one. `protected` are the columns that may stand
    nowhere but in count, sum and avg. Two answers whose groups differ by fewer persons are refused the second time.
    """

    policy: str
    dataset: str
    smallest: int
    reason: str
    person: str = ""
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """Return at most `rows` rows."""

    policy: str
    rows: int
    reason: str


class Measure(StrEnum):
    """What a budget counts: statements run, rows the engine expects to scan, rows given out, a model's tokens, or money.

    Money is what scanning costs at the budget's own price per million rows.
    """

    QUERIES = "queries"
    SCANNED_ROWS = "scanned_rows"
    RESULT_ROWS = "result_rows"
    TOKENS = "tokens"
    COST = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Spend at most `limit` of `measure` in the last `seconds` (a sliding window).

    Counts for the principal alone, or for everybody when `shared`; for all statements that the policy applies to. `limit` and
    `price` are decimal numbers as text; `price` is what a million scanned rows cost, in `currency`.
    """

    policy: str
    measure: Measure
    limit: str
    seconds: int
    reason: str
    shared: bool = False
    price: str = "0"
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Let the statement run now and ask `reviewers` to look at it within `hours`: break-glass."""

    policy: str
    dataset: str
    reviewers: tuple[str, ...]
    hours: int
    reason: str
