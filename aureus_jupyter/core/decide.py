"""From rulings to one verdict: a deny wins, then a need for approval, then an allow with its obligations.

Total and closed: a dataset nobody permits, a ruling that does not fit, or a policy engine that fails, denies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol, TypeVar

from aureus_jupyter.core.rulings import BadRulingError, check_ruling
from aureus_jupyter.values.catalog import fold
from aureus_jupyter.values.obligations import Filter, Hide, Mask, MaskMethod, SummaryOnly
from aureus_jupyter.values.verdict import DecisionRequest, Effect, Reason, Ruling, Verdict, VerdictKind

__all__ = ["decide", "safe_rule", "strictest"]

_ORDER = (
    MaskMethod.NULL,
    MaskMethod.CONSTANT,
    MaskMethod.REDACT,
    MaskMethod.HASH,
    MaskMethod.TOKEN,
    MaskMethod.LAST,
    MaskMethod.PARTIAL,
    MaskMethod.EMAIL,
    MaskMethod.YEAR,
    MaskMethod.BUCKET,
    MaskMethod.ROUND,
    MaskMethod.MONTH,
)
"""Which mask wins when two policies mask one column: the one that shows less. What an expression shows, nobody can say."""
_RANK = {method: rank for rank, method in enumerate(_ORDER)}

T = TypeVar("T")


class _Engine(Protocol):
    @property
    def version(self) -> str: ...

    def rule(self, request: DecisionRequest) -> Sequence[Ruling]: ...


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
            check_ruling(ruling, request)
    except BadRulingError as bad:
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
    if not denials and (apart := _apart(rulings)):
        denials = [apart]
    fired = tuple(sorted({r.policy for r in rulings} | {r.policy for r in denials}))
    hidden = _hidden(r.hide for r in rulings if r.hide is not None)
    if denials:
        return Verdict(
            kind=VerdictKind.DENY, reasons=_reasons(denials), fired=fired, policy_version=policy_version, hidden=hidden
        )
    approvals = [r for r in rulings if r.effect is Effect.APPROVE]
    asked = [r.reason for r in approvals if r.reason is not None]
    return Verdict(
        kind=VerdictKind.APPROVAL if approvals else VerdictKind.ALLOW,
        reasons=_reasons(approvals),
        masks=_masks(r.mask for r in rulings if r.mask is not None),
        filters=_filters(r.filter for r in rulings if r.filter is not None),
        rows=min((r.cap.rows for r in rulings if r.cap is not None), default=None),
        approvers=tuple(sorted(_common(asked))),
        fired=fired,
        policy_version=policy_version,
        hidden=hidden,
        summaries=_summaries(r.summary for r in rulings if r.summary is not None),
        budgets=_distinct(r.budget for r in rulings if r.budget is not None),
        reviews=_distinct(r.review for r in rulings if r.review is not None),
        quorum=max((reason.quorum for reason in asked), default=1),
        valid_hours=min((reason.valid_hours for reason in asked if reason.valid_hours), default=0),
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


def _common(reasons: Sequence[Reason]) -> frozenset[str]:
    """Return who may say yes to all of it: one owner's yes must not open another owner's data."""
    return frozenset.intersection(*(frozenset(r.approvers) for r in reasons)) if reasons else frozenset()


def _apart(rulings: Iterable[Ruling]) -> Ruling | None:
    """Return a denial when there are not as many approvers as must say yes to all that the statement reads."""
    asked = [r.reason for r in rulings if r.effect is Effect.APPROVE and r.reason is not None]
    if not asked or len(_common(asked)) >= max(reason.quorum for reason in asked):
        return None
    return _denial(
        "aureus.approvers",
        "approvers_differ",
        "what this reads belongs to different owners, and no one of them may say yes to all of it",
        "Read the datasets in cells of their own, and ask each owner for theirs.",
    )


def _reasons(rulings: Iterable[Ruling]) -> tuple[Reason, ...]:
    found = {r.reason for r in rulings if r.reason is not None}
    return tuple(sorted(found, key=lambda r: (r.policy, r.code, r.message)))


def _distinct(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(sorted(set(found), key=repr))


def strictest(masks: Sequence[Mask]) -> Mask:
    """Return the mask for one column that several policies mask: the one that shows least.

    Of one method the one that keeps less, or rounds more; a tie goes to the policy named first. Where nobody can tell which
    shows less, NULL is shown: an expression beside anything else, two constants, other edges of buckets.
    """
    least = min(masks, key=lambda m: (_RANK.get(m.method, -1), -Decimal(m.step), m.policy, repr(m)))
    methods = {mask.method for mask in masks}
    clear = len({_told(mask) for mask in masks}) == len(methods)
    if not clear or (MaskMethod.EXPRESSION in methods and len(methods) > 1):
        return Mask(
            policy=least.policy, dataset=least.dataset, column=least.column, method=MaskMethod.NULL, reason=least.reason
        )
    same = [mask for mask in masks if mask.method is least.method]
    return replace(least, keep=min(m.keep for m in same), start=min(m.start for m in same))


def _told(mask: Mask) -> tuple[object, ...]:
    """Return what two masks of one method must share to be compared by how much they keep."""
    return (mask.method, mask.value, mask.edges, mask.expression)


def _masks(masks: Iterable[Mask]) -> tuple[Mask, ...]:
    """Keep one mask per column, the one that shows least."""
    found: dict[tuple[str, str], list[Mask]] = {}
    for mask in masks:
        found.setdefault((fold(mask.dataset), fold(mask.column)), []).append(mask)
    return tuple(strictest(found[key]) for key in sorted(found))


def _filters(filters: Iterable[Filter]) -> tuple[Filter, ...]:
    def order(rule: Filter) -> tuple[str, ...]:
        return (fold(rule.dataset), fold(rule.column), rule.op, rule.policy, *map(str, rule.values), repr(rule))

    return tuple(sorted(set(filters), key=order))


def _hidden(hides: Iterable[Hide]) -> tuple[Hide, ...]:
    """Keep one per column."""
    kept: dict[tuple[str, str], Hide] = {}
    for hide in sorted(hides, key=repr):
        kept.setdefault((fold(hide.dataset), fold(hide.column)), hide)
    return tuple(kept[key] for key in sorted(kept))


def _summaries(rules: Iterable[SummaryOnly]) -> tuple[SummaryOnly, ...]:
    """Keep what is strictest for each dataset and person: the largest smallest group, all protected columns together."""
    kept: dict[tuple[str, str], SummaryOnly] = {}
    for rule in sorted(rules, key=lambda r: (-r.smallest, r.policy, repr(r))):
        key = (fold(rule.dataset), fold(rule.person))
        first = kept.setdefault(key, rule)
        every = {fold(column): column for column in (*rule.protected, *first.protected)}
        kept[key] = replace(first, protected=tuple(every[name] for name in sorted(every)))
    return tuple(kept[key] for key in sorted(kept))
