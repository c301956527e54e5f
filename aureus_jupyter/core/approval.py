"""Whether an answer counts: the right digest, a trusted approver's key, not the requester's, in time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from aureus_jupyter.core.check import Verify, signer_of
from aureus_jupyter.core.dsse import strict_json
from aureus_jupyter.errors import EvidenceError, Refused
from aureus_jupyter.values.approval import Approval
from aureus_jupyter.values.canonical import canonical_json
from aureus_jupyter.values.codec import from_dict, to_dict
from aureus_jupyter.values.evidence import Envelope, TrustedKey
from aureus_jupyter.values.run import Run

__all__ = ["APPROVAL_TYPE", "approval_counts", "approval_payload", "is_young"]

APPROVAL_TYPE = "application/vnd.aureus.approval.v1+json"


def approval_payload(approval: Approval) -> bytes:
    """Return the bytes an approver signs."""
    return canonical_json(to_dict(approval))


def approval_counts(
    envelope: Envelope,
    run: Run,
    trust: Sequence[TrustedKey],
    at: str,
    verify: Verify,
    requester_keys: Collection[str] = (),
) -> Approval:
    """Return the approval in `envelope` when it counts for `run` at the time `at` (RFC 3339 UTC).

    `requester_keys` are the ids of keys the requester can use: they are never an approver's. Raises Refused with what
    is wrong: `approval_unreadable`, `approval_untrusted`, `self_approval`, `approval_wrong_approver`, `approval_stale`,
    `approval_expired`, `approval_rejected`.
    """
    if envelope.payload_type != APPROVAL_TYPE:
        raise _no("approval_unreadable", "the answer is not an approval")
    key = signer_of(envelope, trust, "approver", verify)
    if key is None:
        raise Refused(
            "approval_untrusted",
            "there is an answer, but the trust file here holds no key of an approver that signed it",
            hint="The approver writes their key with: aureus key FILE. Compare its id with them, then: aureus trust FILE.",
        )
    try:
        approval = from_dict(Approval, strict_json(envelope.payload, "the approval"))
    except (EvidenceError, ValueError, RecursionError):
        raise _no("approval_unreadable", "the answer is not an approval") from None
    if key.owner == run.principal.name or approval.approver == run.principal.name or key.key_id in requester_keys:
        raise _no("self_approval", "the person who asks cannot be the one who approves")
    if approval.approver != key.owner or not _may_approve(approval.approver, run):
        raise _no("approval_wrong_approver", "the one who signed is not an approver of what was asked")
    if approval.digest != run.decision_digest:
        raise _no("approval_stale", "what was approved is not what would run now")
    if not approval.at <= at < approval.until or not is_young(approval.at, at, _hours(run)):
        raise _no("approval_expired", "the approval is not valid at this time")
    if approval.decision != "approved":
        raise Refused(
            "approval_rejected",
            f"{approval.approver} said no",
            hint="Ask them why; a changed statement is a new request.",
        )
    return approval


def is_young(given: str, at: str, hours: int) -> bool:
    """Whether what was given at one time (RFC 3339 UTC) is, at another, no older than `hours`; 0 is no bound.

    What is no time is not young.
    """
    try:
        return not hours or datetime.fromisoformat(at) - datetime.fromisoformat(given) <= timedelta(hours=hours)
    except (TypeError, ValueError, OverflowError):
        return False


def _hours(run: Run) -> int:
    return run.verdict.valid_hours if run.verdict is not None else 0


def _may_approve(approver: str, run: Run) -> bool:
    return run.verdict is not None and approver in run.verdict.approvers


def _no(code: str, message: str) -> Refused:
    return Refused(code, message, hint="Ask one of the named approvers to run: aureus approve REQUEST")
