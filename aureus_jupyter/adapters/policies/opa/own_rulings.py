"""The rule `aureus`: rulings that a policy in Rego writes out whole, beyond what Trino asks for.

It answers SelectFromColumns of a table with a set of objects, each one ruling about that table:

    effect     permit, deny, approve, mask, filter, hide, summary, cap, budget or review
    policy     the rule's name, which evidence keeps; `PACKAGE/aureus` where it is missing
    the rest   the members of that effect's value in `aureus_jupyter.values`, by their names there, without `policy`, `dataset`
               and what has a default: code, message and hint of a denial, column and method of a mask, and so on

`approvers` and `reviewers` may be the text "dataset": those whom the dataset's contract names. A filter of an `expression` has
neither `column` nor `op`. What is missing, unknown or of another type raises, and so denies.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure
from aureus_jupyter.values.catalog import Dataset
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
    SummaryOnly,
    Within,
)
from aureus_jupyter.values.verdict import Effect, Reason, Ruling

__all__ = ["own_rulings"]

_MEMBERS: Final[Mapping[Effect, tuple[str, type[Any]]]] = {
    Effect.DENY: ("reason", Reason),
    Effect.APPROVE: ("reason", Reason),
    Effect.MASK: ("mask", Mask),
    Effect.FILTER: ("filter", Filter),
    Effect.HIDE: ("hide", Hide),
    Effect.SUMMARY: ("summary", SummaryOnly),
    Effect.CAP: ("cap", Cap),
    Effect.BUDGET: ("budget", Budget),
    Effect.REVIEW: ("review", Review),
}
_MOST: Final = 1_000
_LONGEST: Final = 8_000
_WHY: Final = "a rule of OPA"


def _wrong(where: str) -> EvaluationFailure:
    return EvaluationFailure(f"the rule aureus answered with {where} that is missing, unknown, or of another type")


def own_rulings(policy: str, dataset: Dataset, answer: Any) -> list[Ruling]:
    """Return the rulings the rule answered about a dataset. Raises EvaluationFailure."""
    return [_ruling(policy, dataset, item) for item in _list(answer, "a set of rulings")]


def _ruling(policy: str, dataset: Dataset, item: Any) -> Ruling:
    if not isinstance(item, dict) or item.get("effect") not in set(Effect):
        raise _wrong("an effect")
    given = {name: value for name, value in item.items() if name not in ("effect", "policy")}
    effect, name = Effect(item["effect"]), _text(item.get("policy", policy), "policy")
    if effect is Effect.PERMIT:
        if given:
            raise _wrong("a member of permit")
        return Ruling(policy=name, effect=effect, dataset=dataset.name)
    member, kind = _MEMBERS[effect]
    fixed = {"policy": name, "dataset": dataset.name}
    value = _value(kind, _completed(kind, given, dataset), fixed)
    return Ruling(policy=name, effect=effect, dataset=dataset.name, **{member: value})


def _completed(kind: type[Any], given: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Return the members with what goes without saying, and with the contract's approvers where they are meant."""
    made = dict(given)
    for name in ("approvers", "reviewers"):
        if made.get(name) == "dataset":
            made[name] = list(dataset.approvers)
    if kind is not Reason:
        made.setdefault("reason", _WHY)
    if kind is Filter:
        made.setdefault("values", [])
        if "expression" in made:
            if "column" in made or "op" in made:
                raise _wrong("a column or an op beside an expression")
            made.update(column="", op=str(Op.EXPRESSION))
        made.setdefault("op", str(Op.IN))
    if kind is Mask and "expression" in made:
        made.setdefault("method", str(MaskMethod.EXPRESSION))
    return made


def _value(kind: type[Any], given: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
    """Return one of our values from an object that holds its members."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    known = set(fields) - set(fixed)
    needed = {n for n in known if fields[n].default is dataclasses.MISSING}
    if set(given) - known or needed - set(given):
        raise _wrong(f"a member of {kind.__name__.lower()}")
    made = {name: _read(str(fields[name].type), name, value) for name, value in given.items()}
    return kind(**made, **{name: value for name, value in fixed.items() if name in fields})


def _read(kind: str, name: str, value: Any) -> Any:
    reader = _READERS.get(kind)
    if reader is None:
        raise _wrong(name)
    return reader(value, name)


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST:
        raise _wrong(name)
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise _wrong(name)
    return value


def _whole(value: Any, name: str) -> int:
    if value.__class__ is not int:
        raise _wrong(name)
    return value


def _truth(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name)
    return value


def _scalar(value: Any, name: str) -> Any:
    if value is not None and value.__class__ not in (str, int, bool):
        raise _wrong(name)
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:
    return tuple(_text(item, name) for item in _list(value, name))


def _scalars(value: Any, name: str) -> tuple[Any, ...]:
    return tuple(_scalar(item, name) for item in _list(value, name))


def _word(kind: type[StrEnum]) -> Callable[[Any, str], Any]:
    def word(value: Any, name: str) -> Any:
        if not isinstance(value, str) or value not in set(kind):
            raise _wrong(name)
        return kind(value)

    return word


def _within(value: Any, name: str) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _wrong(name)
    return _value(Within, value, {})


def _conditions(value: Any, name: str) -> tuple[Any, ...]:
    items = _list(value, name)
    if not all(isinstance(item, dict) for item in items):
        raise _wrong(name)
    return tuple(_value(Condition, item, {}) for item in items)


_READERS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "str": _text,
    "int": _whole,
    "bool": _truth,
    "Scalar": _scalar,
    "tuple[str, ...]": _texts,
    "tuple[Scalar, ...]": _scalars,
    "tuple[Condition, ...]": _conditions,
    "MaskMethod": _word(MaskMethod),
    "Op": _word(Op),
    "Measure": _word(Measure),
    "Within | None": _within,
}
