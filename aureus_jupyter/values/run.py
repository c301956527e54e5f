"""A run: one cell's way from text to sealed evidence, as a list of events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .budgets import BudgetUse
from .draft import Cell, Draft
from .facts import Facts
from .plan import Plan
from .principal import Principal
from .verdict import Verdict

__all__ = ["Event", "EventKind", "Failure", "ResultColumn", "ResultInfo", "ReviewDue", "Run", "State"]


class State(StrEnum):
    """Where a run stands. Only the events of `core.run_state` move it."""

    DRAFTED = "drafted"
    HELD = "held"
    CLEARED = "cleared"
    RUNNING = "running"
    REFUSED = "refused"
    FINISHED = "finished"
    FAILED = "failed"
    SEALED = "sealed"


class EventKind(StrEnum):
    """What can happen to a run."""

    ALLOWED = "allowed"
    APPROVAL_REQUIRED = "approval_required"
    DENIED = "denied"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    STALE = "stale"
    STARTED = "started"
    COMPLETED = "completed"
    ERRORED = "errored"
    SEALED = "sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. `at` is RFC 3339 UTC, `digest` is over what it was decided on."""

    kind: EventKind
    at: str
    actor: str
    digest: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultColumn:
    """One column of a result: its name, engine type, and the labels that ride with it."""

    name: str
    type: str
    sources: tuple[str, ...] = ()
    classification: str = ""
    pii: str = ""
    masked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultInfo:
    """A result without its rows. `digest` is over the whole result; `truncated` means a cap cut it."""

    columns: tuple[ResultColumn, ...]
    rows: int
    digest: str
    digest_method: str
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as it is kept in a record: never a data value, never a traceback."""

    family: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDue:
    """A review that a run asks for: of whom, and `by` when (RFC 3339 UTC). Does not say that anybody did it."""

    policy: str
    dataset: str
    reviewers: tuple[str, ...]
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything known about a run so far. A new value is made for each step; none is ever changed.

    `decision_digest` covers (rewritten SQL, parameters, catalog version, policy version, principal, purpose):
    an approval is for this digest and no other. `request` is the request a held run waits by: its own id, or that of an
    earlier run that asked the same. `budgets` is what it takes, or took, out of each budget.
    """

    id: str
    cell: Cell
    principal: Principal
    events: tuple[Event, ...] = ()
    state: State = State.DRAFTED
    pack: str = ""
    connection: str = ""
    tier: str = "in-kernel"
    draft: Draft | None = None
    facts: Facts | None = None
    verdict: Verdict | None = None
    plan: Plan | None = None
    catalog_version: str = ""
    decision_digest: str = ""
    request: str = ""
    result: ResultInfo | None = None
    failure: Failure | None = None
    evidence: str = ""
    evidence_digest: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    budgets: tuple[BudgetUse, ...] = ()

    def labels(self) -> dict[str, Any]:
        """Return per-column labels of the result as plain values, for a data frame's `attrs`."""
        columns = self.result.columns if self.result is not None else ()
        return {
            c.name: {
                "sources": list(c.sources),
                "classification": c.classification,
                "pii": c.pii,
                "masked": c.masked,
            }
            for c in columns
        }
