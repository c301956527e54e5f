"""From rulings to one verdict: a deny wins, then a need for approval, then an allow with its obligations.

Total and closed: a dataset nobody permits, a ruling that does not fit, or a policy engine that fails, denies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.verdict import (
    Cap,
    DecisionRequest,
    Effect,
    Filter,
    Mask,
    MaskMethod,
    Reason,
    Ruling,
    Verdict,
    VerdictKind,
)

__all__ = ["decide", "safe_rule"]

_STRICTNESS = {
    MaskMethod.NULL: 7,
    MaskMethod.REDACT: 6,
    MaskMethod.HASH: 5,
    MaskMethod.LAST: 4,
    MaskMethod.YEAR: 3,
    MaskMethod.ROUND: 2,
    MaskMethod.MONTH: 1,
}
"""Which mask wins when two policies mask one column: the one that shows less."""


class _Engine(Protocol):
    @property
    def version(self) -> str: ...

    def rule(self, request: DecisionRequest) -> Sequence[Ruling]: ...


class _BadRulingError(Exception):
    """A ruling that names something the request does not hold."""

    def __init__(self, policy: str) -> None:
        super().__init__(policy)
        self.policy = policy


def safe_rule(engine: _Engine, request: DecisionRequest) -> Verdict:
    """Ask a policy engine and decide. Never raises: whatever goes wrong denies, without the exception's text."""
    try:
        return decide(request, engine.rule(request), engine.version)
    except Exception as cause:
        reason = Reason(
            policy="aureus.closed",
            code="policy_error",
            message=f"the policies could not be evaluated ({type(cause).__name__})",
            hint="Ask your platform team to run: aureus policy test",
        )
        return Verdict(kind=VerdictKind.DENY, reasons=(reason,), fired=("aureus.closed",))


def decide(request: DecisionRequest, rulings: Iterable[Ruling], policy_version: str) -> Verdict:
    """Return the verdict for a request. The order of rulings does not matter.

    Does not evaluate a policy. A ruling for a dataset, column or effect that does not fit gives a deny with the code
    `policy_ruling`.
    """
    rulings = list(rulings)
    try:
        for ruling in rulings:
            _check(ruling, request)
    except _BadRulingError as bad:
        rulings = [
            _denial(
                bad.policy,
                "policy_ruling",
                "a policy ruled on something that is not in the statement",
                "Ask your platform team to correct the policy.",
            )
        ]
    denials = [r for r in rulings if r.effect is Effect.DENY]
    denials += _not_permitted(request, rulings) if not denials else []
    fired = tuple(sorted({r.policy for r in rulings} | {r.policy for r in denials}))
    if denials:
        return Verdict(kind=VerdictKind.DENY, reasons=_reasons(denials), fired=fired, policy_version=policy_version)
    approvals = [r for r in rulings if r.effect is Effect.APPROVE]
    asked = [frozenset(r.reason.approvers) for r in approvals if r.reason is not None]
    # One owner's yes must not open another owner's data, and an answer holds one signature.
    common = frozenset.intersection(*asked) if asked else frozenset()
    if asked and not common:
        apart = _denial(
            "aureus.approvers",
            "approvers_differ",
            "what this reads belongs to different owners, and no one of them may say yes to all of it",
            "Read the datasets in cells of their own, and ask each owner for theirs.",
        )
        fired = tuple(sorted({*fired, apart.policy}))
        return Verdict(kind=VerdictKind.DENY, reasons=_reasons([apart]), fired=fired, policy_version=policy_version)
    return Verdict(
        kind=VerdictKind.APPROVAL if approvals else VerdictKind.ALLOW,
        reasons=_reasons(approvals),
        masks=_masks(r.mask for r in rulings if r.mask is not None),
        filters=_filters(r.filter for r in rulings if r.filter is not None),
        rows=min((r.cap.rows for r in rulings if r.cap is not None), default=None),
        approvers=tuple(sorted(common)),
        fired=fired,
        policy_version=policy_version,
    )


def _denial(policy: str, code: str, message: str, hint: str) -> Ruling:
    return Ruling(
        policy=policy, effect=Effect.DENY, reason=Reason(policy=policy, code=code, message=message, hint=hint)
    )


def _not_permitted(request: DecisionRequest, rulings: Iterable[Ruling]) -> list[Ruling]:
    """Deny each dataset that no policy permits: default deny."""
    permitted = {fold(r.dataset) for r in rulings if r.effect is Effect.PERMIT}
    return [
        _denial(
            "aureus.default-deny",
            "not_permitted",
            f"no policy permits {request.principal.name} to read {dataset.name}"
            + (f" for the purpose {request.purpose}" if request.purpose else " without a purpose"),
            f"Ask its owner, {dataset.owner}, for access." if dataset.owner else "Ask your platform team for access.",
        )
        for dataset in request.datasets
        if fold(dataset.name) not in permitted
    ]


def _check(ruling: Any, request: DecisionRequest) -> None:
    """Raise _BadRulingError unless the ruling is whole and about something in the request."""
    if not isinstance(ruling, Ruling):
        raise _BadRulingError("unknown")
    member = {
        Effect.PERMIT: True,
        Effect.DENY: ruling.reason,
        Effect.APPROVE: ruling.reason,
        Effect.MASK: ruling.mask,
        Effect.FILTER: ruling.filter,
        Effect.CAP: ruling.cap,
    }.get(ruling.effect)
    if not member:
        raise _BadRulingError(ruling.policy)
    datasets = {fold(d.name): d for d in request.datasets}
    if isinstance(member, (Mask, Filter)):
        dataset = datasets.get(fold(member.dataset))
        if dataset is None or not _fits(member, dataset):
            raise _BadRulingError(ruling.policy)
    if isinstance(member, Cap) and member.rows <= 0:
        raise _BadRulingError(ruling.policy)
    if ruling.effect is Effect.PERMIT and fold(ruling.dataset) not in datasets:
        raise _BadRulingError(ruling.policy)
    if ruling.effect is Effect.APPROVE and ruling.reason is not None and not ruling.reason.approvers:
        raise _BadRulingError(ruling.policy)


def _fits(member: Mask | Filter, dataset: Dataset) -> bool:
    return dataset.column(member.column) is not None


def _reasons(rulings: Iterable[Ruling]) -> tuple[Reason, ...]:
    found = {r.reason for r in rulings if r.reason is not None}
    return tuple(sorted(found, key=lambda r: (r.policy, r.code, r.message)))


def _masks(masks: Iterable[Mask]) -> tuple[Mask, ...]:
    """Keep one mask per column, the one that shows least; ties go to the policy named first."""
    kept: dict[tuple[str, str], Mask] = {}
    for mask in sorted(masks, key=lambda m: (-_STRICTNESS[m.method], m.keep, m.policy)):
        kept.setdefault((fold(mask.dataset), fold(mask.column)), mask)
    return tuple(kept[key] for key in sorted(kept))


def _filters(filters: Iterable[Filter]) -> tuple[Filter, ...]:
    def order(rule: Filter) -> tuple[str, ...]:
        return (fold(rule.dataset), fold(rule.column), rule.op, rule.policy, *map(str, rule.values))

    return tuple(sorted(set(filters), key=order))
