"""A signed yes or no to one decision digest."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Approval", "ApprovalRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """What an approver is asked. `digest` is the run's decision digest, `environment` what the session is for."""

    run_id: str
    digest: str
    requester: str
    purpose: str
    approvers: tuple[str, ...]
    sql: str
    reasons: tuple[str, ...] = ()
    connection: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What an approver signed. `decision` is `approved` or `rejected`; `at` and `until` are RFC 3339 UTC.

    Counts only when a key of the trust file that is not the requester's signed it over the same digest.
    """

    run_id: str
    digest: str
    approver: str
    decision: str
    at: str
    until: str
    note: str = ""
