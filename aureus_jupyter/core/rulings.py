"""Whether a ruling is whole and about something in the request. A policy that rules on anything else denies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.obligations import (
    Budget,
    Cap,
    Filter,
    Hide,
    Mask,
    MaskMethod,
    Measure,
    Op,
    Review,
    SummaryOnly,
)
from aureus_jupyter.values.verdict import DecisionRequest, Effect, Reason, Ruling

__all__ = ["BadRulingError", "check_ruling"]


class BadRulingError(Exception):
    """A ruling that names something the request does not hold, or lacks what its effect needs."""

    def __init__(self, policy: str) -> None:
        super().__init__(policy)
        self.policy = policy


def check_ruling(ruling: Any, request: DecisionRequest) -> None:
    """Raise BadRulingError unless the ruling is whole and fits the request."""
    if not isinstance(ruling, Ruling):
        raise BadRulingError("unknown")
    fits = _FITS.get(ruling.effect)
    if fits is None or not fits(ruling, request):
        raise BadRulingError(ruling.policy)


def _dataset(name: str, request: DecisionRequest) -> Dataset | None:
    return next((d for d in request.datasets if fold(d.name) == fold(name)), None)


def _permit(ruling: Ruling, request: DecisionRequest) -> bool:
    return _dataset(ruling.dataset, request) is not None


def _deny(ruling: Ruling, request: DecisionRequest) -> bool:
    return isinstance(ruling.reason, Reason)


def _approve(ruling: Ruling, request: DecisionRequest) -> bool:
    reason = ruling.reason
    return isinstance(reason, Reason) and 1 <= reason.quorum <= len(set(reason.approvers)) and reason.valid_hours >= 0


def _has(dataset: str, column: str, request: DecisionRequest) -> bool:
    found = _dataset(dataset, request)
    return found is not None and found.column(column) is not None


def _mask(ruling: Ruling, request: DecisionRequest) -> bool:
    mask = ruling.mask
    if not isinstance(mask, Mask) or not _has(mask.dataset, mask.column, request):
        return False
    if (mask.method is MaskMethod.EXPRESSION) != bool(mask.expression.strip()):
        return False
    return mask.keep >= 0 and mask.start >= 0 and _amount(mask.step) and None not in map(_number, mask.edges)


def _filter(ruling: Ruling, request: DecisionRequest) -> bool:
    rule = ruling.filter
    if not isinstance(rule, Filter) or _dataset(rule.dataset, request) is None:
        return False
    written, within = bool(rule.expression.strip()), rule.within is not None
    if (written, within) != (rule.op is Op.EXPRESSION, rule.op is Op.WITHIN):
        return False
    return not rule.column if written else _has(rule.dataset, rule.column, request)


def _cap(ruling: Ruling, request: DecisionRequest) -> bool:
    return isinstance(ruling.cap, Cap) and ruling.cap.rows > 0


def _hide(ruling: Ruling, request: DecisionRequest) -> bool:
    """A column that the statement reads cannot be hidden any more: what hides it then depends on the statement."""
    hide = ruling.hide
    if not isinstance(hide, Hide) or not _has(hide.dataset, hide.column, request):
        return False
    uses = (use for use in request.facts.tables if fold(use.dataset) == fold(hide.dataset))
    return all(fold(hide.column) not in {fold(c) for c in use.columns} for use in uses)


def _summary(ruling: Ruling, request: DecisionRequest) -> bool:
    rule = ruling.summary
    if not isinstance(rule, SummaryOnly) or _dataset(rule.dataset, request) is None:
        return False
    columns = (*((rule.person,) if rule.person else ()), *rule.protected)
    return rule.smallest > 0 and all(_has(rule.dataset, column, request) for column in columns)


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _amount(text: str) -> bool:
    found = _number(text)
    return found is not None and found >= 0


def _budget(ruling: Ruling, request: DecisionRequest) -> bool:
    budget = ruling.budget
    if not isinstance(budget, Budget) or budget.seconds <= 0 or not _amount(budget.limit) or not _amount(budget.price):
        return False
    # A cost at no price would never be spent.
    return budget.measure is not Measure.COST or Decimal(budget.price) > 0


def _review(ruling: Ruling, request: DecisionRequest) -> bool:
    review = ruling.review
    return isinstance(review, Review) and bool(review.reviewers) and review.hours > 0


_FITS: Mapping[Effect, Callable[[Ruling, DecisionRequest], bool]] = {
    Effect.PERMIT: _permit,
    Effect.DENY: _deny,
    Effect.APPROVE: _approve,
    Effect.MASK: _mask,
    Effect.FILTER: _filter,
    Effect.CAP: _cap,
    Effect.HIDE: _hide,
    Effect.SUMMARY: _summary,
    Effect.BUDGET: _budget,
    Effect.REVIEW: _review,
}
