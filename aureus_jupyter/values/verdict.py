"""What the policies say about a statement: their rulings, and the verdict they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .catalog import Dataset
from .facts import Facts
from .obligations import Budget, Cap, Filter, Hide, Mask, MaskMethod, Op, Review, Scalar, SummaryOnly
from .principal import Principal

__all__ = [
    "Budget",
    "Cap",
    "DecisionRequest",
    "Effect",
    "Filter",
    "Hide",
    "Mask",
    "MaskMethod",
    "Op",
    "Reason",
    "Review",
    "Ruling",
    "Scalar",
    "SummaryOnly",
    "Verdict",
    "VerdictKind",
]


class Effect(StrEnum):
    """What one ruling does."""

    PERMIT = "permit"
    DENY = "deny"
    APPROVE = "approve"
    MASK = "mask"
    FILTER = "filter"
    CAP = "cap"
    HIDE = "hide"
    SUMMARY = "summary"
    BUDGET = "budget"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a run is refused or held, in words for the person who asked. `code` is stable.

    A held run needs a yes of `quorum` of the approvers, none older than `valid_hours` (0: as long as each says).
    """

    policy: str
    code: str
    message: str
    hint: str
    approvers: tuple[str, ...] = ()
    quorum: int = 1
    valid_hours: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One policy's answer about one dataset. Exactly the member its effect names is set.

    A `permit` sets none of them; `deny` and `approve` set `reason`.
    """

    policy: str
    effect: Effect
    dataset: str = ""
    mask: Mask | None = None
    filter: Filter | None = None
    cap: Cap | None = None
    reason: Reason | None = None
    hide: Hide | None = None
    summary: SummaryOnly | None = None
    budget: Budget | None = None
    review: Review | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """All a policy engine may know: one request per statement, every dataset in it.

    `datasets` are the datasets of `facts.tables`, in that order, whole: with the columns that a policy hides. `origin` is `sql`
    or `question`. `tier` says where the guard runs, `environment` what the session is for (such as `production`), `at` when it
    asks (RFC 3339 UTC, or empty: then no rule about time can be evaluated). Does not hold the statement's text or any data.
    """

    principal: Principal
    purpose: str
    origin: str
    facts: Facts
    datasets: tuple[Dataset, ...]
    tier: str = "in-kernel"
    environment: str = ""
    at: str = ""


class VerdictKind(StrEnum):
    """The three verdicts; a deny wins over an approval, an approval over an allow."""

    ALLOW = "allow"
    APPROVAL = "approval"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all rulings add up to, with every policy that fired.

    `masks`, `filters`, `hidden`, `summaries`, `budgets` and `reviews` are obligations: the statement must not run without them,
    whether it was allowed or waits for approval. `rows` is the smallest cap, or None. A held run needs `quorum` of `approvers`,
    each of whom said yes in the last `valid_hours` (0: no such bound).
    """

    kind: VerdictKind
    reasons: tuple[Reason, ...] = ()
    masks: tuple[Mask, ...] = ()
    filters: tuple[Filter, ...] = ()
    rows: int | None = None
    approvers: tuple[str, ...] = ()
    fired: tuple[str, ...] = ()
    policy_version: str = ""
    hidden: tuple[Hide, ...] = ()
    summaries: tuple[SummaryOnly, ...] = ()
    budgets: tuple[Budget, ...] = ()
    reviews: tuple[Review, ...] = ()
    quorum: int = 1
    valid_hours: int = 0
