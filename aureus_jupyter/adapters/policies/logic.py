"""What follows from a policy's conditions alone: whether they can hold at all, and whether one policy's imply another's.

Sound and not complete: "impossible" and "implies" are answered only where they are certain, whatever is asked. The tests
prove it by trying every request of small universes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from aureus_jupyter.adapters.policies.conditions import rank
from aureus_jupyter.values.catalog import Classification, fold

__all__ = ["Form", "form", "implies", "impossible"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTES = 24 * 60


@dataclass(slots=True)
class Some:
    """The values one thing may have: those in `words`, or with `but` all except those."""

    words: frozenset[Any]
    but: bool = False

    def within(self, other: Some) -> bool:
        """Whether every value here is one of the other's; an answer of no may be wrong."""
        if self.but:
            return other.but and other.words <= self.words
        return self.words.isdisjoint(other.words) if other.but else self.words <= other.words

    def both(self, other: Some) -> Some:
        """Return the values of both."""
        if self.but and other.but:
            return Some(self.words | other.words, but=True)
        if self.but:
            return other.both(self)
        return Some(self.words - other.words if other.but else self.words & other.words)

    @property
    def none(self) -> bool:
        """Whether there is no such value."""
        return not self.but and not self.words


@dataclass(slots=True)
class Many:
    """A set of words: it meets each of `meets`, holds none of `lacks`, is `empty`, or holds something (`some`)."""

    meets: list[frozenset[str]] = field(default_factory=list)
    lacks: frozenset[str] = frozenset()
    empty: bool = False
    some: bool = False

    def met(self) -> list[frozenset[str]]:
        """Return what it must meet, without what it lacks."""
        return [words - self.lacks for words in self.meets]

    @property
    def impossible(self) -> bool:
        """Whether there is no such set."""
        return (self.empty and (bool(self.meets) or self.some)) or not all(self.met())

    def within(self, other: Many) -> bool:
        """Whether every such set is one of the other's; an answer of no may be wrong."""
        if other.empty and not self.empty:
            return False
        if other.some and not (self.some or self.meets):
            return False
        if not self.empty and not other.lacks <= self.lacks:
            return False
        return all(any(mine <= theirs for mine in self.met()) for theirs in other.meets)


@dataclass(slots=True)
class Form:
    """Conditions in a form that can be compared. All of them hold together."""

    ones: dict[str, Some] = field(default_factory=dict)
    sets: dict[str, Many] = field(default_factory=dict)
    joins: int = 0
    crosses: bool | None = None
    beside: list[Form] = field(default_factory=list)
    others: dict[str, Any] = field(default_factory=dict)

    def one(self, name: str, values: Some) -> None:
        """Say that one thing has one of these values."""
        known = self.ones.get(name)
        self.ones[name] = values if known is None else known.both(values)

    def many(self, name: str) -> Many:
        """Return what is said of a set."""
        return self.sets.setdefault(name, Many())

    def meets(self, names: Iterable[str], words: Iterable[str]) -> None:
        """Say that these sets each hold one of the words."""
        wanted = frozenset(words)
        for name in names:
            self.many(name).meets.append(wanted)

    def lacks(self, name: str, words: Iterable[str]) -> None:
        """Say that a set holds none of the words."""
        self.many(name).lacks |= frozenset(words)


_Put = Callable[[Form, Any], None]


def form(policy: Mapping[str, Any]) -> Form:
    """Return the conditions of a policy that fits the schema."""
    found = Form()
    for part in ("match", "when"):
        for name, value in policy.get(part, {}).items():
            put = _PUT.get(name)
            if put is None:
                found.others[name] = value
            else:
                put(found, value)
    return found


def _is(name: str, same: Callable[[str], str] = str) -> _Put:
    return lambda f, v: f.one(name, Some(frozenset(map(same, v))))


def _is_not(name: str, same: Callable[[str], str] = str) -> _Put:
    return lambda f, v: f.one(name, Some(frozenset(map(same, v)), but=True))


def _truth(name: str) -> _Put:
    return lambda f, v: f.one(name, Some(frozenset([v])))


def _meets(*names: str, same: Callable[[str], str] = str) -> _Put:
    return lambda f, v: f.meets(names, map(same, v))


def _purpose(text: str) -> str:
    return fold(" ".join(text.split()))


def _levels(least: int, most: int) -> Some:
    return Some(frozenset(range(least, most + 1)))


def _attribute(name: str) -> str:
    return f"attribute {name}"


def _attributes_in(f: Form, v: Any) -> None:
    for name, words in v.items():
        f.meets([_attribute(name)], words)


def _attributes_none(f: Form, v: Any) -> None:
    for name, words in v.items():
        f.lacks(_attribute(name), words)


def _holds(f: Form, name: str) -> None:
    f.many(_attribute(name)).some = True


def _holds_not(f: Form, name: str) -> None:
    f.many(_attribute(name)).empty = True


def _minutes(text: str) -> tuple[str, frozenset[int]]:
    span, _, zone = text.partition(" ")
    first, last = (int(part[:2]) * 60 + int(part[3:]) for part in span.split("-"))
    inside = range(first, last) if first <= last else [*range(first, _MINUTES), *range(last)]
    return f"hours {zone or 'UTC'}", frozenset(inside)


def _hours(f: Form, v: str) -> None:
    zone, inside = _minutes(v)
    f.one(zone, Some(inside))


def _hours_not(f: Form, v: str) -> None:
    zone, inside = _minutes(v)
    f.one(zone, Some(frozenset(range(_MINUTES)) - inside))


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def _since(f: Form, v: str) -> None:
    f.others["first"] = max(_day(v), f.others.get("first", 0))


def _until(f: Form, v: str) -> None:
    f.others["last"] = min(_day(v), f.others.get("last", date.max.toordinal()))


def _joins(f: Form, v: int) -> None:
    f.joins = max(f.joins, v)


def _crosses(f: Form, v: bool) -> None:
    f.crosses = v


_PUT: Mapping[str, _Put] = MappingProxyType(
    {
        "packs": _is("pack"),
        "datasets": _is("dataset", fold),
        "datasets_not": _is_not("dataset", fold),
        "domains": _is("domain"),
        "jurisdictions": _is("jurisdiction"),
        "jurisdictions_not": _is_not("jurisdiction"),
        "tags_any": _meets("tags"),
        "tags_none": lambda f, v: f.lacks("tags", v),
        "classification_at_least": lambda f, v: f.one("classification", _levels(rank(v), len(Classification) - 1)),
        "classification_at_most": lambda f, v: f.one("classification", _levels(0, rank(v))),
        "has_pii": _meets("pii"),
        "has_column": lambda f, v: f.meets(["columns"], [fold(v)]),
        "has_retention": _truth("retention"),
        "purpose_in": _is("purpose", _purpose),
        "purpose_not_in": _is_not("purpose", _purpose),
        "purpose_missing": lambda f, v: f.one("purpose", Some(frozenset([""]), but=not v)),
        "users_any": _is("user"),
        "users_none": _is_not("user"),
        "roles_any": _meets("roles"),
        "roles_none": lambda f, v: f.lacks("roles", v),
        "groups_any": _meets(_attribute("group")),
        "groups_none": lambda f, v: f.lacks(_attribute("group"), v),
        "has_attribute": _holds,
        "lacks_attribute": _holds_not,
        "attributes_in": _attributes_in,
        "attributes_none_in": _attributes_none,
        "cross_border": _crosses,
        "environments": _is("environment"),
        "environments_not": _is_not("environment"),
        "hours": _hours,
        "hours_not": _hours_not,
        "weekdays": _is("weekday"),
        "since": _since,
        "until": _until,
        "origin": _truth("origin"),
        "aggregated": _truth("aggregated"),
        "joins_at_least": _joins,
        # What is shown is used, and what is used is there.
        "uses_pii": _meets("pii", "used pii"),
        "shows_pii": _meets("pii", "used pii", "shown pii"),
        "uses_columns": _meets("columns", "used columns", same=fold),
        "shows_columns": _meets("columns", "used columns", "shown columns", same=fold),
        "uses_tags": _meets("tags", "used tags"),
        "beside": lambda f, v: f.beside.append(form({"match": v})),
    }
)
"""How each condition enters a form. A condition that is not here is compared as it stands, and contradicts nothing."""


def impossible(found: Form) -> str:
    """Return what the conditions contradict each other about, when no request can fulfil them; else nothing."""
    for name, values in found.ones.items():
        if values.none:
            return name
    for name, words in found.sets.items():
        if words.impossible:
            return name
    if any(impossible(one) for one in found.beside):
        return "beside"
    return _impossible_days(found) or _impossible_borders(found)


def _impossible_days(found: Form) -> str:
    first, last = found.others.get("first", 0), found.others.get("last", date.max.toordinal())
    if first > last:
        return "days"
    days = found.ones.get("weekday")
    if days is not None and last - first < len(_DAYS):
        start = date.fromordinal(first) if first else date.min
        there = {_DAYS[(start + timedelta(days=n)).weekday()] for n in range(last - first + 1)}
        return "" if there & days.words else "weekday"
    return ""


def _impossible_borders(found: Form) -> str:
    """Contradictions between the dataset's jurisdiction and those of the principal."""
    where, whose = found.ones.get("jurisdiction", Some(frozenset(), but=True)), found.many(_attribute("jurisdiction"))
    if found.crosses is True:
        # Data of one place only, which the principal certainly has.
        certain = {word for words in whose.met() if len(words) == 1 for word in words}
        return "cross_border" if not where.but and where.words <= certain | {""} else ""
    if found.crosses is False and not where.but and "" not in where.words:
        return "cross_border" if whose.empty or where.words <= whose.lacks else ""
    return ""


def implies(one: Form, other: Form) -> bool:
    """Whether the other's conditions hold whenever the one's do; an answer of no may be wrong."""
    return (
        all(name in one.ones and one.ones[name].within(values) for name, values in other.ones.items())
        and all(one.many(name).within(words) for name, words in list(other.sets.items()))
        and one.joins >= other.joins
        and other.crosses in {None, one.crosses}
        and all(any(implies(mine, theirs) for mine in one.beside) for theirs in other.beside)
        and _same_others(one.others, other.others)
    )


def _same_others(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    bounds = {"first": lambda a, b: a >= b, "last": lambda a, b: a <= b}
    return all(name in one and bounds.get(name, lambda a, b: a == b)(one[name], value) for name, value in other.items())
