"""A verdict and its obligations in words for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from aureus_jupyter.values.obligations import (
    Budget,
    Condition,
    Filter,
    Hide,
    Mask,
    MaskMethod,
    Op,
    Review,
    Scalar,
    SummaryOnly,
    Within,
)
from aureus_jupyter.values.verdict import Verdict, VerdictKind

__all__ = ["filter_words", "mask_words", "obligations", "ruling", "verdict_words"]

_MASKS: Mapping[MaskMethod, str] = MappingProxyType(
    {
        MaskMethod.NULL: "is empty",
        MaskMethod.CONSTANT: "shows a constant",
        MaskMethod.REDACT: "shows fixed text",
        MaskMethod.HASH: "shows a pseudonym",
        MaskMethod.TOKEN: "shows a token of the same form",
        MaskMethod.LAST: "shows its last {keep} characters",
        MaskMethod.PARTIAL: "shows its first {start} and last {keep} characters",
        MaskMethod.EMAIL: "shows what follows the @",
        MaskMethod.YEAR: "shows the year",
        MaskMethod.MONTH: "shows the month",
        MaskMethod.BUCKET: "shows the lower edge of its bucket",
        MaskMethod.ROUND: "is cut towards zero to a multiple of {step}",
        MaskMethod.EXPRESSION: "shows what an expression of a policy engine gives",
    }
)
_OPS: Mapping[Op, str] = MappingProxyType(
    {
        Op.IN: "is one of",
        Op.NOT_IN: "is none of",
        Op.LT: "is less than",
        Op.LE: "is at most",
        Op.GT: "is more than",
        Op.GE: "is at least",
        Op.IS_NULL: "is empty",
        Op.NOT_NULL: "is not empty",
    }
)


def ruling(verdict: Verdict) -> str:
    """Return the verdict alone."""
    if verdict.kind is VerdictKind.ALLOW:
        return "allowed"
    if verdict.kind is VerdictKind.DENY:
        return "refused"
    count = f"{verdict.quorum} of " if verdict.quorum > 1 else ""
    fresh = f", no older than {verdict.valid_hours} hours" if verdict.valid_hours else ""
    return f"needs a yes from {count}{', '.join(verdict.approvers)}{fresh}"


def verdict_words(verdict: Verdict) -> list[str]:
    """Return the verdict with its reasons and obligations, a line each."""
    first = ruling(verdict)
    lines = [first[:1].upper() + first[1:] + "."]
    for reason in verdict.reasons:
        lines.append(f"  because {reason.message} (policy {reason.policy}, code {reason.code})")
        lines.append(f"    {reason.hint}")
    return lines + [f"  {line}" for line in obligations(verdict)]


def obligations(verdict: Verdict) -> list[str]:
    """Return what the statement must be held to, a line each, with the policy that says so."""
    lines = [f"{h.dataset}.{h.column} is hidden, as if there were no such column: {_why(h)}" for h in verdict.hidden]
    lines += [f"{m.dataset}.{m.column} {mask_words(m)}: {_why(m)}" for m in verdict.masks]
    lines += [f"of {f.dataset} only rows where {filter_words(f)}: {_why(f)}" for f in verdict.filters]
    lines += [_summary(s) for s in verdict.summaries]
    lines += [f"at most {verdict.rows:,} rows"] if verdict.rows is not None else []
    lines += [_budget(b) for b in verdict.budgets]
    return lines + [_review(w) for w in verdict.reviews]


def _why(rule: Hide | Mask | Filter | SummaryOnly | Budget | Review) -> str:
    return f"{rule.reason} (policy {rule.policy})"


def mask_words(mask: Mask) -> str:
    """Return how a masked column shows."""
    return _MASKS[mask.method].format(keep=mask.keep, start=mask.start, step=mask.step)


def filter_words(rule: Filter | Condition) -> str:
    """Return a filter's condition."""
    if isinstance(rule, Filter) and rule.expression:
        return "an expression of a policy engine holds"
    shared = f" (or another alternative of {rule.any_of})" if isinstance(rule, Filter) and rule.any_of else ""
    if rule.within is not None:
        return f"{rule.column} is one of {_within(rule.within)}{shared}"
    if rule.op is Op.IN and not rule.values:
        return f"{rule.column} is one of no values, which no row is{shared}"
    return f"{rule.column} {_OPS[rule.op]} {_list(rule.values)}".rstrip() + shared


def _within(within: Within) -> str:
    where = " and ".join(filter_words(one) for one in within.conditions)
    return f"those of {within.dataset}.{within.column}" + (f" where {where}" if where else "")


def _list(values: Iterable[Scalar]) -> str:
    return ", ".join(str(value) for value in values)


def _summary(rule: SummaryOnly) -> str:
    persons = f"persons (by {rule.person})" if rule.person else "rows"
    inside = f"; {', '.join(rule.protected)} inside count, sum and avg only" if rule.protected else ""
    return f"{rule.dataset} in summaries of at least {rule.smallest} {persons} only{inside}: {_why(rule)}"


_SPANS = MappingProxyType({60: "a minute", 3600: "an hour", 86_400: "a day", 604_800: "a week", 2_592_000: "30 days"})


def _budget(budget: Budget) -> str:
    what = f"{budget.currency} cost".strip() if budget.measure == "cost" else str(budget.measure).replace("_", " ")
    whose = "all together" if budget.shared else "each"
    span = _SPANS.get(budget.seconds, f"{budget.seconds} seconds")
    return f"a budget of {budget.limit} {what} in {span}, {whose}: {_why(budget)}"


def _review(review: Review) -> str:
    return f"{', '.join(review.reviewers)} will look at it within {review.hours} hours: {_why(review)}"
