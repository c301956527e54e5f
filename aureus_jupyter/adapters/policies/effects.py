"""What a policy rules where it applies: one maker for each effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from aureus_jupyter.adapters.policies.asked import Asked, words
from aureus_jupyter.adapters.policies.conditions import rank
from aureus_jupyter.values.catalog import Column, fold
from aureus_jupyter.values.obligations import (
    Budget,
    Cap,
    Condition,
    Filter,
    Hide,
    Mask,
    MaskMethod,
    Measure,
    Op,
    Review,
    Scalar,
    SummaryOnly,
    Within,
)
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import Effect, Reason, Ruling

__all__ = ["Make", "chosen", "compile_effect", "kind_of", "method_of"]

Policy = Mapping[str, Any]
Make = Callable[[Asked], list[Ruling]]

_TEXT = ("VARCHAR", "TEXT", "CHAR", "STRING", "BPCHAR")
_DATE = ("DATE", "TIMESTAMP")
_NUMBER = ("TINYINT", "SMALLINT", "INT", "BIGINT", "HUGEINT", "DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL")
_SECONDS: Mapping[str, int] = MappingProxyType(
    {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000}
)


def compile_effect(policy: Policy) -> Make:
    """Return what makes the rulings of one policy that fits the schema."""
    return _EFFECTS[Effect(policy["effect"])](policy)


def chosen(columns: Policy, column: Column) -> bool:
    """Return whether a selector means the column: any of its members is enough."""
    if fold(column.name) in {fold(n) for n in columns.get("names", ())} or column.pii in columns.get("pii", ()):
        return True
    if not set(columns.get("tags", ())).isdisjoint(column.tags):
        return True
    least = columns.get("classification_at_least")
    return least is not None and rank(column.classification) >= rank(least)


def _ruling(policy: Policy, effect: Effect, asked: Asked, **member: Any) -> Ruling:
    return Ruling(policy=policy["id"], effect=effect, dataset=asked.dataset.name, **member)


def _permit(policy: Policy) -> Make:
    return lambda asked: [_ruling(policy, Effect.PERMIT, asked)]


def _reason(policy: Policy, asked: Asked, **more: Any) -> Reason:
    return Reason(
        policy=policy["id"],
        code=policy["code"],
        message=words(policy["reason"], asked),
        hint=words(policy["hint"], asked),
        **more,
    )


def _deny(policy: Policy) -> Make:
    return lambda asked: [_ruling(policy, Effect.DENY, asked, reason=_reason(policy, asked))]


def _people(named: Any, asked: Asked) -> tuple[str, ...]:
    return asked.dataset.approvers if named == "dataset" else tuple(named)


def _approve(policy: Policy) -> Make:
    def make(asked: Asked) -> list[Ruling]:
        reason = _reason(
            policy,
            asked,
            approvers=_people(policy["approvers"], asked),
            quorum=policy.get("quorum", 1),
            valid_hours=policy.get("valid_hours", 0),
        )
        return [_ruling(policy, Effect.APPROVE, asked, reason=reason)]

    return make


def kind_of(column: Column) -> str:
    """Return text, date or number, or nothing for a column of any other type."""
    kind = column.type.upper()
    starts = (("text", _TEXT), ("date", _DATE), ("number", _NUMBER))
    return "" if kind.endswith("[]") else next((name for name, known in starts if kind.startswith(known)), "")


def method_of(spec: Policy, kind: str) -> MaskMethod:
    """Return how a mask shows a kind of column; what is not text, a date or a number shows nothing."""
    return MaskMethod(spec.get(kind, "redact" if kind == "text" else "null")) if kind else MaskMethod.NULL


def _mask(policy: Policy) -> Make:
    spec = policy["mask"]

    def make_one(column: Column, asked: Asked) -> Ruling:
        kind = kind_of(column)
        mask = Mask(
            policy=policy["id"],
            dataset=asked.dataset.name,
            column=column.name,
            method=method_of(spec, kind),
            reason=words(policy["reason"], asked),
            keep=spec.get("keep", 4),
            step=spec.get("step", "1000"),
            start=spec.get("start", 0),
            value=spec.get("constant", {}).get(kind),
            edges=tuple(spec.get("edges", ())),
        )
        return _ruling(policy, Effect.MASK, asked, mask=mask)

    return lambda asked: [make_one(c, asked) for c in asked.dataset.columns if chosen(spec["columns"], c)]


def _values(spec: Policy, principal: Principal) -> tuple[Scalar, ...]:
    attribute = spec.get("attribute")
    return principal.values_of(attribute) if attribute else tuple(spec.get("values", ()))


def _within(spec: Policy, principal: Principal) -> Within:
    return Within(
        dataset=spec["dataset"],
        column=spec["column"],
        conditions=tuple(_condition(one, principal) for one in spec.get("where", ())),
    )


def _condition(spec: Policy, principal: Principal) -> Condition:
    inner = spec.get("within")
    return Condition(
        column=spec["column"],
        op=Op.WITHIN if inner else Op(spec.get("op", "in")),
        values=() if inner else _values(spec, principal),
        within=_within(inner, principal) if inner else None,
    )


def _days(spec: Any, asked: Asked) -> int:
    """Return a number of days, or what the contract says. Raises ValueError when it says nothing: then nothing is read."""
    days = asked.dataset.retention_days if spec == "dataset" else spec
    if not isinstance(days, int):
        raise ValueError("the contract says no retention")
    return days


def _filter(policy: Policy) -> Make:
    spec = policy["filter"]

    def make(asked: Asked) -> list[Ruling]:
        found = _condition(spec, asked.request.principal)
        if "at_most_days_old" in spec:
            first = asked.today() - timedelta(days=_days(spec["at_most_days_old"], asked))
            found = Condition(column=spec["column"], op=Op.GE, values=(str(first),))
        rule = Filter(
            policy=policy["id"],
            dataset=asked.dataset.name,
            column=found.column,
            op=found.op,
            values=found.values,
            within=found.within,
            reason=words(policy["reason"], asked),
            any_of=spec.get("any_of", ""),
        )
        return [_ruling(policy, Effect.FILTER, asked, filter=rule)]

    return make


def _cap(policy: Policy) -> Make:
    def make(asked: Asked) -> list[Ruling]:
        cap = Cap(policy=policy["id"], rows=policy["cap"]["rows"], reason=words(policy["reason"], asked))
        return [_ruling(policy, Effect.CAP, asked, cap=cap)]

    return make


def _hide(policy: Policy) -> Make:
    def make_one(column: Column, asked: Asked) -> Ruling:
        reason = words(policy["reason"], asked)
        hide = Hide(policy=policy["id"], dataset=asked.dataset.name, column=column.name, reason=reason)
        return _ruling(policy, Effect.HIDE, asked, hide=hide)

    spec = policy["hide"]["columns"]
    return lambda asked: [make_one(c, asked) for c in asked.dataset.columns if chosen(spec, c)]


def _summary(policy: Policy) -> Make:
    spec = policy["summary"]

    def make(asked: Asked) -> list[Ruling]:
        protected = (c.name for c in asked.dataset.columns if chosen(spec.get("protected", {}), c))
        rule = SummaryOnly(
            policy=policy["id"],
            dataset=asked.dataset.name,
            smallest=spec["smallest"],
            reason=words(policy["reason"], asked),
            person=spec.get("person", ""),
            protected=tuple(protected),
        )
        return [_ruling(policy, Effect.SUMMARY, asked, summary=rule)]

    return make


def _budget(policy: Policy) -> Make:
    spec = policy["budget"]

    def make(asked: Asked) -> list[Ruling]:
        budget = Budget(
            policy=policy["id"],
            measure=Measure(spec["measure"]),
            limit=str(spec["limit"]),
            seconds=_SECONDS[spec["per"]],
            reason=words(policy["reason"], asked),
            shared=spec.get("shared", False),
            price=str(spec.get("price", "0")),
            currency=spec.get("currency", ""),
        )
        return [_ruling(policy, Effect.BUDGET, asked, budget=budget)]

    return make


def _review(policy: Policy) -> Make:
    spec = policy["review"]

    def make(asked: Asked) -> list[Ruling]:
        review = Review(
            policy=policy["id"],
            dataset=asked.dataset.name,
            reviewers=_people(spec["reviewers"], asked),
            hours=spec["hours"],
            reason=words(policy["reason"], asked),
        )
        return [_ruling(policy, Effect.REVIEW, asked, review=review)]

    return make


_EFFECTS: Mapping[Effect, Callable[[Policy], Make]] = MappingProxyType(
    {
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
)
