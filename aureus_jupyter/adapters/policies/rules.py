"""One policy of a file, compiled to closures: built once, asked for every statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aureus_jupyter.values.catalog import Classification, Column, Dataset, fold
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import (
    Cap,
    DecisionRequest,
    Effect,
    Filter,
    Mask,
    MaskMethod,
    Op,
    Reason,
    Ruling,
)

__all__ = ["Asked", "Rule", "chosen", "compile_rule", "matches"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One dataset of a request, with what the statement uses of it."""

    request: DecisionRequest
    dataset: Dataset
    use: TableUse

    def used(self) -> Iterator[Column]:
        """Return the columns the statement may use."""
        names = {fold(name) for name in self.use.columns}
        return (c for c in self.dataset.columns if fold(c.name) in names)


Test = Callable[[Asked], bool]
Rule = Callable[[Asked], list[Ruling]]

_RANK = {item: rank for rank, item in enumerate(Classification)}


def _rank(word: str) -> int:
    return _RANK[Classification(word)]


def _purpose(text: str) -> str:
    """Return a purpose as it is compared: `Marketing` is `marketing`, or a policy against one would miss the other."""
    return fold(" ".join(text.split()))


_TESTS: Mapping[str, Callable[[Any], Test]] = {
    # about the dataset
    "packs": lambda v: lambda a: a.dataset.pack in v,
    "datasets": lambda v: lambda a: fold(a.dataset.name) in {fold(x) for x in v},
    "domains": lambda v: lambda a: a.dataset.domain in v,
    "jurisdictions": lambda v: lambda a: a.dataset.jurisdiction in v,
    "classification_at_least": lambda v: lambda a: _RANK[a.dataset.classification] >= _rank(v),
    "classification_at_most": lambda v: lambda a: _RANK[a.dataset.classification] <= _rank(v),
    "has_pii": lambda v: lambda a: any(c.pii in v for c in a.dataset.columns),
    "has_column": lambda v: lambda a: a.dataset.column(v) is not None,
    # about the statement and the one who asks
    "purpose_in": lambda v: lambda a: _purpose(a.request.purpose) in {_purpose(x) for x in v},
    "purpose_not_in": lambda v: lambda a: _purpose(a.request.purpose) not in {_purpose(x) for x in v},
    "purpose_missing": lambda v: lambda a: (not a.request.purpose.strip()) is v,
    "roles_any": lambda v: lambda a: bool(set(v) & set(a.request.principal.roles)),
    "roles_none": lambda v: lambda a: not set(v) & set(a.request.principal.roles),
    "origin": lambda v: lambda a: a.request.origin == v,
    "aggregated": lambda v: lambda a: a.request.facts.aggregated is v,
    "uses_pii": lambda v: lambda a: any(c.pii in v for c in a.used()),
    "uses_columns": lambda v: lambda a: bool({fold(x) for x in v} & {fold(c.name) for c in a.used()}),
    "has_attribute": lambda v: lambda a: bool(a.request.principal.values_of(v)),
    "lacks_attribute": lambda v: lambda a: not a.request.principal.values_of(v),
}


_NOBODY = DecisionRequest(principal=Principal(name=""), purpose="", origin="sql", facts=Facts(tables=()), datasets=())


def matches(policy: Mapping[str, Any], dataset: Dataset) -> bool:
    """Return whether a policy's `match` fits a dataset, whoever asks and for what."""
    asked = Asked(_NOBODY, dataset, TableUse(dataset=dataset.name, columns=()))
    return all(_TESTS[name](value)(asked) for name, value in policy.get("match", {}).items())


def compile_rule(policy: Mapping[str, Any]) -> Rule:
    """Return the rule for one policy that fits the schema. The rule gives no ruling where the policy does not apply."""
    conditions = {**policy.get("match", {}), **policy.get("when", {})}
    tests = [_TESTS[name](value) for name, value in conditions.items()]
    make = _EFFECTS[Effect(policy["effect"])](policy)

    def rule(asked: Asked) -> list[Ruling]:
        return make(asked) if all(test(asked) for test in tests) else []

    return rule


def _permit(policy: Mapping[str, Any]) -> Rule:
    name = policy["id"]
    return lambda asked: [Ruling(policy=name, effect=Effect.PERMIT, dataset=asked.dataset.name)]


def _words(text: str, asked: Asked) -> str:
    """Fill {dataset}, {purpose}, {owner} and {principal} in a policy's words; anything else stays."""
    request = asked.request
    known = {
        "dataset": asked.dataset.name,
        "purpose": request.purpose or "none",
        "owner": asked.dataset.owner or "its owner",
        "principal": request.principal.name,
    }
    for key, value in known.items():
        text = text.replace("{" + key + "}", value)
    return text


def _reason(policy: Mapping[str, Any], asked: Asked, approvers: tuple[str, ...] = ()) -> Reason:
    return Reason(
        policy=policy["id"],
        code=policy["code"],
        message=_words(policy["reason"], asked),
        hint=_words(policy["hint"], asked),
        approvers=approvers,
    )


def _deny(policy: Mapping[str, Any]) -> Rule:
    def make(asked: Asked) -> list[Ruling]:
        reason = _reason(policy, asked)
        return [Ruling(policy=policy["id"], effect=Effect.DENY, dataset=asked.dataset.name, reason=reason)]

    return make


def _approve(policy: Mapping[str, Any]) -> Rule:
    named = policy["approvers"]

    def make(asked: Asked) -> list[Ruling]:
        approvers = asked.dataset.approvers if named == "dataset" else tuple(named)
        reason = _reason(policy, asked, approvers)
        return [Ruling(policy=policy["id"], effect=Effect.APPROVE, dataset=asked.dataset.name, reason=reason)]

    return make


def _is(column: Column, *starts: str) -> bool:
    return column.type.upper().startswith(starts)


def _method(column: Column, spec: Mapping[str, Any]) -> MaskMethod:
    """Choose the mask by the column's kind; what is not text, a date or a number shows nothing."""
    if _is(column, "VARCHAR", "TEXT", "CHAR", "STRING"):
        return MaskMethod(spec.get("text", "redact"))
    if _is(column, "DATE", "TIMESTAMP"):
        return MaskMethod(spec.get("date", "null"))
    if _is(column, "TINYINT", "SMALLINT", "INT", "BIGINT", "HUGEINT", "DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL"):
        return MaskMethod(spec.get("number", "null"))
    return MaskMethod.NULL


def chosen(columns: Mapping[str, Any], column: Column) -> bool:
    """Return whether a mask's selector means the column: any of its members is enough."""
    if fold(column.name) in {fold(n) for n in columns.get("names", ())} or column.pii in columns.get("pii", ()):
        return True
    least = columns.get("classification_at_least")
    return least is not None and _RANK[column.classification] >= _rank(least)


def _mask(policy: Mapping[str, Any]) -> Rule:
    spec = policy["mask"]

    def make(asked: Asked) -> list[Ruling]:
        masks = [
            Mask(
                policy=policy["id"],
                dataset=asked.dataset.name,
                column=column.name,
                method=_method(column, spec),
                reason=_words(policy["reason"], asked),
                keep=spec.get("keep", 4),
                step=spec.get("step", "1000"),
            )
            for column in asked.dataset.columns
            if chosen(spec["columns"], column)
        ]
        return [Ruling(policy=policy["id"], effect=Effect.MASK, dataset=m.dataset, mask=m) for m in masks]

    return make


def _filter(policy: Mapping[str, Any]) -> Rule:
    spec = policy["filter"]

    def make(asked: Asked) -> list[Ruling]:
        attribute = spec.get("attribute")
        values = asked.request.principal.values_of(attribute) if attribute else tuple(spec.get("values", ()))
        rule = Filter(
            policy=policy["id"],
            dataset=asked.dataset.name,
            column=spec["column"],
            op=Op(spec.get("op", "in")),
            values=values,
            reason=_words(policy["reason"], asked),
        )
        return [Ruling(policy=policy["id"], effect=Effect.FILTER, dataset=asked.dataset.name, filter=rule)]

    return make


def _cap(policy: Mapping[str, Any]) -> Rule:
    def make(asked: Asked) -> list[Ruling]:
        cap = Cap(policy=policy["id"], rows=policy["cap"]["rows"], reason=_words(policy["reason"], asked))
        return [Ruling(policy=policy["id"], effect=Effect.CAP, dataset=asked.dataset.name, cap=cap)]

    return make


_EFFECTS: Mapping[Effect, Callable[[Mapping[str, Any]], Rule]] = {
    Effect.PERMIT: _permit,
    Effect.DENY: _deny,
    Effect.APPROVE: _approve,
    Effect.MASK: _mask,
    Effect.FILTER: _filter,
    Effect.CAP: _cap,
}
