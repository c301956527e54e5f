"""Two verdicts on one statement: what one loosens of the other, and what it tightens.

What nobody can compare counts as loosened, so that a gate built on it fails closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar

from aureus_jupyter.app.policy.words import filter_words, mask_words, ruling
from aureus_jupyter.core.decide import strictest
from aureus_jupyter.values.catalog import fold
from aureus_jupyter.values.obligations import Filter, Mask, Op
from aureus_jupyter.values.verdict import Verdict, VerdictKind

__all__ = ["Change", "changes"]

_ORDER = {VerdictKind.ALLOW: 0, VerdictKind.APPROVAL: 1, VerdictKind.DENY: 2}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference, in words; `loosens` where more is shown, less is asked, or nobody can tell."""

    words: str
    loosens: bool


def changes(before: Verdict, after: Verdict) -> list[Change]:
    """Return every difference in verdict and obligations. A refusal has none: its reasons alone are words."""
    found = list(_kind(before, after))
    if VerdictKind.DENY in {before.kind, after.kind}:
        return found
    return [*found, *_masks(before, after), *_filters(before, after), *_rows(before, after), *_others(before, after)]


def _kind(before: Verdict, after: Verdict) -> Iterator[Change]:
    old, new = ruling(before), ruling(after)
    if before.kind is not after.kind:
        yield Change(words=f"{old}, then {new}", loosens=_ORDER[after.kind] < _ORDER[before.kind])
    elif before.kind is VerdictKind.APPROVAL and old != new:
        yield Change(words=f"{old}, then {new}", loosens=not _asks_more(before, after))


def _asks_more(before: Verdict, after: Verdict) -> bool:
    sooner = after.valid_hours if after.valid_hours else 10**9
    until = before.valid_hours if before.valid_hours else 10**9
    return set(after.approvers) <= set(before.approvers) and after.quorum >= before.quorum and sooner <= until


def _each(before: Iterable[T], after: Iterable[T], key: Callable[[T], Any]) -> Iterator[tuple[T | None, T | None]]:
    old, new = {key(one): one for one in before}, {key(one): one for one in after}
    return ((old.get(name), new.get(name)) for name in sorted({*old, *new}, key=repr))


def _nameless(rule: Any) -> Any:
    return replace(rule, policy="", reason="")


def _masks(before: Verdict, after: Verdict) -> Iterator[Change]:
    for old, new in _each(before.masks, after.masks, lambda m: (fold(m.dataset), fold(m.column))):
        one = new or old
        if one is None or (old and new and _nameless(old) == _nameless(new)):
            continue
        words = [f"{mask_words(m)}" if m else "shows as it is" for m in (old, new)]
        column = f"{one.dataset}.{one.column}"
        yield Change(words=f"{column} {words[0]}, then {words[1]}", loosens=new is None or not _hides_more(old, new))


def _hides_more(old: Mask | None, new: Mask) -> bool:
    """Whether the new mask is certainly the one that shows less."""
    return old is None or _nameless(strictest([old, new])) == _nameless(new)


def _filters(before: Verdict, after: Verdict) -> Iterator[Change]:
    old, new = _conditions(before.filters), _conditions(after.filters)
    for gone in sorted(old - new, key=repr):
        tighter = any(_narrower(other, gone) for other in new - old)
        if not tighter:
            yield Change(words=f"no longer only rows where {_either(gone)}", loosens=True)
    for come in sorted(new - old, key=repr):
        yield Change(words=f"now only rows where {_either(come)}", loosens=False)


_Either = frozenset[Filter]


def _conditions(filters: Sequence[Filter]) -> set[_Either]:
    """Return what must hold: each filter alone, alternatives together."""
    found: dict[tuple[str, str], set[Filter]] = {}
    for number, one in enumerate(filters):
        name = one.any_of or f"\0{number}"
        found.setdefault((fold(one.dataset), name), set()).add(replace(_nameless(one), any_of=""))
    return {frozenset(group) for group in found.values()}


def _narrower(new: _Either, old: _Either) -> bool:
    """Whether every row that the new condition lets through passed the old one; of each alternative another is enough."""
    return all(any(_inside(one, other) for other in old) for one in new)


def _inside(new: Filter, old: Filter) -> bool:
    same = (fold(new.dataset), fold(new.column)) == (fold(old.dataset), fold(old.column))
    if new.op is Op.IN and old.op is Op.IN and same:
        return set(new.values) <= set(old.values)
    return new == old


def _either(group: _Either) -> str:
    return " or ".join(sorted(f"{one.dataset}.{filter_words(one)}" for one in group))


def _rows(before: Verdict, after: Verdict) -> Iterator[Change]:
    if before.rows != after.rows:
        old, new = (f"at most {v.rows:,} rows" if v.rows is not None else "any number of rows" for v in (before, after))
        looser = after.rows is None or (before.rows is not None and after.rows > before.rows)
        yield Change(words=f"{old}, then {new}", loosens=looser)


def _others(before: Verdict, after: Verdict) -> Iterator[Change]:
    for old, new in _each(before.hidden, after.hidden, lambda h: (fold(h.dataset), fold(h.column))):
        if (old is None) != (new is None):
            one = new or old
            column = f"{one.dataset}.{one.column}" if one is not None else ""
            yield Change(words=f"{column} is {'hidden' if new else 'no longer hidden'}", loosens=new is None)
    for name, key, less in (
        ("summaries", lambda s: (fold(s.dataset), fold(s.person)), _summary_asks_more),
        ("budgets", lambda b: (b.measure, b.seconds, b.shared, b.price, b.currency, b.policy), _budget_asks_more),
        ("reviews", lambda w: (w.policy, w.dataset), _review_asks_more),
    ):
        yield from _kept(name, _each(getattr(before, name), getattr(after, name), key), less)


def _kept(name: str, pairs: Iterable[tuple[Any, Any]], asks_more: Callable[[Any, Any], bool]) -> Iterator[Change]:
    word = {"summaries": "summaries only", "budgets": "a budget", "reviews": "a review"}[name]
    for old, new in pairs:
        if old is None:
            yield Change(words=f"{word} is asked for by {new.policy}", loosens=False)
        elif new is None:
            yield Change(words=f"{word} is no longer asked for by {old.policy}", loosens=True)
        elif _nameless(old) != _nameless(new):
            yield Change(words=f"{word}, as {new.policy} asks, changes", loosens=not asks_more(old, new))


def _summary_asks_more(old: Any, new: Any) -> bool:
    protected = {fold(c) for c in old.protected} <= {fold(c) for c in new.protected}
    return bool(new.smallest >= old.smallest and protected)


def _budget_asks_more(old: Any, new: Any) -> bool:
    return Decimal(new.limit) <= Decimal(old.limit)


def _review_asks_more(old: Any, new: Any) -> bool:
    return set(old.reviewers) <= set(new.reviewers) and bool(new.hours <= old.hours)
