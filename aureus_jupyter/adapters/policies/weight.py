"""Whether one policy's effect adds nothing to another's that applies whenever it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from aureus_jupyter.adapters.policies.conditions import rank
from aureus_jupyter.adapters.policies.effects import method_of
from aureus_jupyter.values.catalog import fold
from aureus_jupyter.values.obligations import MaskMethod

__all__ = ["KINDS", "adds_nothing", "shows_nothing"]

Policy = Mapping[str, Any]

KINDS = ("text", "date", "number")


def adds_nothing(one: Policy, other: Policy) -> bool:
    """Whether the verdict is the same without `one`, if `other` applies to every dataset and statement that `one` applies to.

    The same in kind, obligations and approvers; not in the reasons it names and the policies it lists as fired. An answer of
    no may be wrong. A hidden column counts also beside a denial, and each review is one of its own, so they always add.
    """
    if other["effect"] == "deny":
        # A denial has no obligations but hidden columns; a permit beside a denial is a conflict, and is told as one.
        return one["effect"] not in {"hide", "permit"}
    weigh = _WEIGHED.get(one["effect"])
    return one["effect"] == other["effect"] and weigh is not None and weigh(one, other)


def _covers(few: Policy, all_: Policy) -> bool:
    """Whether a selector means every column that the other one does."""
    names = {fold(n) for n in few.get("names", ())} <= {fold(n) for n in all_.get("names", ())}
    words = all(set(few.get(m, ())) <= set(all_.get(m, ())) for m in ("pii", "tags"))
    least, mine = all_.get("classification_at_least"), few.get("classification_at_least")
    return names and words and (mine is None or (least is not None and rank(least) <= rank(mine)))


def _approve(one: Policy, other: Policy) -> bool:
    people = one["approvers"] == other["approvers"] or (
        "dataset" not in {str(one["approvers"]), str(other["approvers"])}
        and set(one["approvers"]) == set(other["approvers"])
    )
    shorter = not one.get("valid_hours") or 0 < other.get("valid_hours", 0) <= one["valid_hours"]
    return people and shorter and other.get("quorum", 1) >= one.get("quorum", 1)


def shows_nothing(policy: Policy) -> bool:
    """Whether a mask shows NULL of every kind of column."""
    return all(method_of(policy["mask"], kind) is MaskMethod.NULL for kind in KINDS)


def _mask(one: Policy, other: Policy) -> bool:
    mine, theirs = one["mask"], other["mask"]
    if not _covers(mine["columns"], theirs["columns"]):
        return False
    if shows_nothing(other):
        return True
    same = all(method_of(mine, kind) is method_of(theirs, kind) for kind in KINDS)
    same = same and all(mine.get(name) == theirs.get(name) for name in ("constant", "edges"))
    less = theirs.get("keep", 4) <= mine.get("keep", 4) and theirs.get("start", 0) <= mine.get("start", 0)
    return same and less and Decimal(theirs.get("step", "1000")) == Decimal(mine.get("step", "1000"))


def _filter(one: Policy, other: Policy) -> bool:
    return bool(one["filter"] == other["filter"])


def _cap(one: Policy, other: Policy) -> bool:
    return bool(other["cap"]["rows"] <= one["cap"]["rows"])


def _summary(one: Policy, other: Policy) -> bool:
    mine, theirs = one["summary"], other["summary"]
    same = fold(mine.get("person", "")) == fold(theirs.get("person", ""))
    protected = "protected" not in mine or _covers(mine["protected"], theirs.get("protected", {}))
    return bool(same and protected and theirs["smallest"] >= mine["smallest"])


def _budget(one: Policy, other: Policy) -> bool:
    """A budget that counts at least the same and holds less is spent first."""
    mine, theirs = one["budget"], other["budget"]
    names = ("measure", "per", "price", "currency")
    same = all(mine.get(name) == theirs.get(name) for name in names)
    wider = bool(theirs.get("shared", False)) >= bool(mine.get("shared", False))
    return same and wider and Decimal(str(theirs["limit"])) <= Decimal(str(mine["limit"]))


_WEIGHED: Mapping[str, Callable[[Policy, Policy], bool]] = MappingProxyType(
    {
        "permit": lambda one, other: True,
        "deny": lambda one, other: True,
        "approve": _approve,
        "mask": _mask,
        "filter": _filter,
        "cap": _cap,
        "summary": _summary,
        "budget": _budget,
    }
)
