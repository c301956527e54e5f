"""What a policy can ask about: each condition by its name in the file, as a function of its value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from aureus_jupyter.adapters.policies.asked import Asked
from aureus_jupyter.values.catalog import Classification, Dataset, fold
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest

__all__ = [
    "ABOUT_DATASETS",
    "ABOUT_REQUESTS",
    "ABOUT_STATEMENTS",
    "INDEXED",
    "TESTS",
    "TIMED",
    "Test",
    "matches",
    "rank",
    "words_of",
]

Test = Callable[[Asked], bool]

_RANK = {item: number for number, item in enumerate(Classification)}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def rank(word: str) -> int:
    """Return how sensitive a classification is."""
    return _RANK[Classification(word)]


def _purpose(text: str) -> str:
    """Return a purpose as it is compared: `Marketing` is `marketing`, or a policy against one would miss the other."""
    return fold(" ".join(text.split()))


def _any(values: Iterable[str], found: Callable[[Asked], Iterable[str]]) -> Test:
    wanted = frozenset(values)
    return lambda asked: not wanted.isdisjoint(found(asked))


def _none(values: Iterable[str], found: Callable[[Asked], Iterable[str]]) -> Test:
    unwanted = frozenset(values)
    return lambda asked: unwanted.isdisjoint(found(asked))


def _not(test: Test) -> Test:
    return lambda asked: not test(asked)


def _sensitive(least: int, most: int) -> Test:
    return lambda asked: least <= _RANK[asked.dataset.classification] <= most


def _folded(values: Iterable[str]) -> frozenset[str]:
    return frozenset(fold(value) for value in values)


def _tags(dataset: Dataset) -> Iterable[str]:
    return (*dataset.tags, *(tag for column in dataset.columns for tag in column.tags))


def _attributes_in(wanted: Mapping[str, list[str]]) -> Test:
    return lambda asked: all(set(v) & set(asked.request.principal.values_of(name)) for name, v in wanted.items())


def _attributes_none(unwanted: Mapping[str, list[str]]) -> Test:
    return lambda asked: not any(set(v) & set(asked.request.principal.values_of(name)) for name, v in unwanted.items())


def _crosses(expected: bool) -> Test:
    """Data of one jurisdiction asked for by somebody of none that is the same; data of no jurisdiction crosses nothing."""

    def test(asked: Asked) -> bool:
        where = asked.dataset.jurisdiction
        return (bool(where) and where not in asked.request.principal.values_of("jurisdiction")) is expected

    return test


def _hours(text: str) -> Test:
    """`07:00-19:00 Europe/Prague`: from the first on, before the second; over midnight when the second is earlier."""
    span, _, zone = text.partition(" ")
    first, last = (time.fromisoformat(part) for part in span.split("-"))
    place = ZoneInfo(zone or "UTC")

    def test(asked: Asked) -> bool:
        now = asked.now().astimezone(place).time()
        return first <= now < last if first <= last else now >= first or now < last

    return test


def _weekdays(days: list[str]) -> Test:
    numbers = frozenset(_DAYS.index(day) for day in days)
    return lambda asked: asked.today().weekday() in numbers


def _since(day: str) -> Test:
    first = date.fromisoformat(day)
    return lambda asked: asked.today() >= first


def _until(day: str) -> Test:
    last = date.fromisoformat(day)
    return lambda asked: asked.today() <= last


def _beside(match: Mapping[str, Any]) -> Test:
    tests = [TESTS[name](value) for name, value in match.items()]

    def test(asked: Asked) -> bool:
        others = (d for d in asked.request.datasets if d is not asked.dataset)
        return any(all(one(Asked(asked.request, other, asked.use)) for one in tests) for other in others)

    return test


ABOUT_DATASETS: Mapping[str, Callable[[Any], Test]] = MappingProxyType(
    {
        "packs": lambda v: _any(v, lambda a: (a.dataset.pack,)),
        "datasets": lambda v: _any(_folded(v), lambda a: (fold(a.dataset.name),)),
        "datasets_not": lambda v: _none(_folded(v), lambda a: (fold(a.dataset.name),)),
        "domains": lambda v: _any(v, lambda a: (a.dataset.domain,)),
        "jurisdictions": lambda v: _any(v, lambda a: (a.dataset.jurisdiction,)),
        "jurisdictions_not": lambda v: _none(v, lambda a: (a.dataset.jurisdiction,)),
        "tags_any": lambda v: _any(v, lambda a: _tags(a.dataset)),
        "tags_none": lambda v: _none(v, lambda a: _tags(a.dataset)),
        "classification_at_least": lambda v: _sensitive(rank(v), len(_RANK)),
        "classification_at_most": lambda v: _sensitive(0, rank(v)),
        "has_pii": lambda v: lambda a: any(c.pii in v for c in a.dataset.columns),
        "has_column": lambda v: lambda a: a.dataset.column(v) is not None,
        "has_retention": lambda v: lambda a: (a.dataset.retention_days is not None) is v,
    }
)
"""Conditions on the dataset alone: the same whoever asks, so they are asked once for each dataset."""

_ABOUT_ASKING: Mapping[str, Callable[[Any], Test]] = MappingProxyType(
    {
        "purpose_in": lambda v: _any(map(_purpose, v), lambda a: (_purpose(a.request.purpose),)),
        "purpose_not_in": lambda v: _none(map(_purpose, v), lambda a: (_purpose(a.request.purpose),)),
        "purpose_missing": lambda v: lambda a: (not a.request.purpose.strip()) is v,
        "users_any": lambda v: _any(v, lambda a: (a.request.principal.name,)),
        "users_none": lambda v: _none(v, lambda a: (a.request.principal.name,)),
        "roles_any": lambda v: _any(v, lambda a: a.request.principal.roles),
        "roles_none": lambda v: _none(v, lambda a: a.request.principal.roles),
        "groups_any": lambda v: _any(v, lambda a: a.request.principal.values_of("group")),
        "groups_none": lambda v: _none(v, lambda a: a.request.principal.values_of("group")),
        "has_attribute": lambda v: lambda a: bool(a.request.principal.values_of(v)),
        "lacks_attribute": lambda v: lambda a: not a.request.principal.values_of(v),
        "attributes_in": _attributes_in,
        "attributes_none_in": _attributes_none,
        "cross_border": _crosses,
        "environments": lambda v: _any(v, lambda a: (a.request.environment,)),
        "environments_not": lambda v: _none(v, lambda a: (a.request.environment,)),
        "hours": _hours,
        "hours_not": lambda v: _not(_hours(v)),
        "weekdays": _weekdays,
        "since": _since,
        "until": _until,
        "origin": lambda v: lambda a: a.request.origin == v,
        "aggregated": lambda v: lambda a: a.request.facts.aggregated is v,
        "joins_at_least": lambda v: lambda a: a.request.facts.joins >= v,
        "uses_pii": lambda v: lambda a: any(c.pii in v for c in a.used()),
        "shows_pii": lambda v: lambda a: any(c.pii in v for c in a.shown()),
        "uses_columns": lambda v: _any(_folded(v), lambda a: (fold(c.name) for c in a.used())),
        "shows_columns": lambda v: _any(_folded(v), lambda a: (fold(c.name) for c in a.shown())),
        "uses_tags": lambda v: _any(v, lambda a: (tag for c in a.used() for tag in c.tags)),
        "beside": _beside,
    }
)

TESTS: Mapping[str, Callable[[Any], Test]] = MappingProxyType({**ABOUT_DATASETS, **_ABOUT_ASKING})
"""Every condition. An unknown name has no test: the schema refuses it, and so does a KeyError."""

TIMED = frozenset({"hours", "hours_not", "weekdays", "since", "until"})
ABOUT_STATEMENTS = frozenset(
    {
        "origin",
        "aggregated",
        "joins_at_least",
        "uses_pii",
        "shows_pii",
        "uses_columns",
        "shows_columns",
        "uses_tags",
        "beside",
    }
)
"""Conditions that no policy which hides columns can have: what a name means must not depend on the statement."""

ABOUT_REQUESTS = frozenset(_ABOUT_ASKING) - {
    "cross_border",
    "uses_pii",
    "shows_pii",
    "uses_columns",
    "shows_columns",
    "uses_tags",
    "beside",
}
"""Conditions that are the same for every dataset of a request, so that they are asked once for each request."""

_WORDS: Mapping[str, Callable[[Dataset], Iterable[str]]] = MappingProxyType(
    {
        "datasets": lambda dataset: (fold(dataset.name),),
        "packs": lambda dataset: (dataset.pack,),
        "domains": lambda dataset: (dataset.domain,),
        "tags_any": _tags,
        "jurisdictions": lambda dataset: (dataset.jurisdiction,),
    }
)


def words_of(dataset: Dataset) -> Iterable[tuple[str, str]]:
    """Return what a condition on the dataset can name of it, as (condition, word), for an index; the rarest kinds first."""
    return ((name, word) for name, found in _WORDS.items() for word in found(dataset))


INDEXED = tuple(_WORDS)
"""The conditions that `words_of` knows the words for."""


_NOBODY = DecisionRequest(principal=Principal(name=""), purpose="", origin="sql", facts=Facts(tables=()), datasets=())


def matches(policy: Mapping[str, Any], dataset: Dataset) -> bool:
    """Return whether a policy's `match` fits a dataset, whoever asks and for what."""
    asked = Asked(_NOBODY, dataset, TableUse(dataset=dataset.name, columns=()))
    return all(ABOUT_DATASETS[name](value)(asked) for name, value in policy.get("match", {}).items())
