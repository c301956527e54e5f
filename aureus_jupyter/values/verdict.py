"""What the policies say about a statement: their rulings, and the verdict they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .catalog import Dataset
from .facts import Facts
from .principal import Principal

__all__ = [
    "Cap",
    "DecisionRequest",
    "Effect",
    "Filter",
    "Mask",
    "MaskMethod",
    "Op",
    "Reason",
    "Ruling",
    "Scalar",
]
__all__ += ["Verdict", "VerdictKind"]

Scalar = str | int | bool | None
"""A constant in a policy. Decimals are written as text; a float has no exact policy form."""


class Effect(StrEnum):
    """What one ruling does."""

    PERMIT = "permit"
    DENY = "deny"
    APPROVE = "approve"
    MASK = "mask"
    FILTER = "filter"
    CAP = "cap"


class MaskMethod(StrEnum):
    """How a masked column shows. Every method keeps the column's type.

    `null` hides the value; `redact` shows fixed text; `last` keeps the last `keep` characters; `year` and
    `month` floor a date; `round` floors a number to a multiple of `step`; `hash` shows a keyed pseudonym that
    is equal for equal values.
    """

    NULL = "null"
    REDACT = "redact"
    LAST = "last"
    YEAR = "year"
    MONTH = "month"
    ROUND = "round"
    HASH = "hash"


class Op(StrEnum):
    """How a row filter compares a column with constants. A null never matches, except for `is_null`."""

    IN = "in"
    NOT_IN = "not_in"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IS_NULL = "is_null"
    NOT_NULL = "not_null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """Show `column` of `dataset` through `method`. `keep` counts characters, `step` is a decimal number as text."""

    policy: str
    dataset: str
    column: str
    method: MaskMethod
    reason: str
    keep: int = 4
    step: str = "1000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Let only the rows of `dataset` through whose `column` compares true. Several filters are ANDed."""

    policy: str
    dataset: str
    column: str
    op: Op
    values: tuple[Scalar, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """Return at most `rows` rows."""

    policy: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a run is refused or held, in words for the person who asked. `code` is stable."""

    policy: str
    code: str
    message: str
    hint: str
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One policy's answer about one dataset. Exactly the member its effect names is set.

    A `permit` sets none of `mask`, `filter`, `cap` and `reason`; `deny` and `approve` set `reason`.
    """

    policy: str
    effect: Effect
    dataset: str = ""
    mask: Mask | None = None
    filter: Filter | None = None
    cap: Cap | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """All a policy engine may know: one request per statement, every dataset in it.

    `datasets` are the datasets of `facts.tables`, in that order. `origin` is `sql` or `question`. `tier` says
    where the guard runs. Does not hold the statement's text or any data.
    """

    principal: Principal
    purpose: str
    origin: str
    facts: Facts
    datasets: tuple[Dataset, ...]
    tier: str = "in-kernel"


class VerdictKind(StrEnum):
    """The three verdicts; a deny wins over an approval, an approval over an allow."""

    ALLOW = "allow"
    APPROVAL = "approval"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all rulings add up to, with every policy that fired.

    `masks` and `filters` are obligations: the statement must not run without them, whether it was allowed or
    waits for approval. `rows` is the smallest cap, or None.
    """

    kind: VerdictKind
    reasons: tuple[Reason, ...] = ()
    masks: tuple[Mask, ...] = ()
    filters: tuple[Filter, ...] = ()
    rows: int | None = None
    approvers: tuple[str, ...] = ()
    fired: tuple[str, ...] = ()
    policy_version: str = ""
