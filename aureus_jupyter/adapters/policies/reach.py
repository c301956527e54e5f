"""What a policy can reach in given datasets: one that names what is not there never fires, and nobody would notice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aureus_jupyter.adapters.policies.conditions import matches
from aureus_jupyter.adapters.policies.effects import chosen
from aureus_jupyter.core.nearest import nearest
from aureus_jupyter.values.catalog import Dataset, fold

__all__ = ["Miss", "misses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """One thing a policy names that the datasets do not have: its place in the policy, what was expected and found."""

    place: tuple[str | int, ...]
    expected: str
    found: str


def misses(policy: Mapping[str, Any], datasets: Sequence[Dataset]) -> Iterator[Miss]:
    """Yield what a policy that fits the schema names or asks for and none of `datasets` has.

    Does not judge names of packs and datasets, and of people, roles and purposes: those are known elsewhere.
    """
    named = list(_named(policy, datasets))
    yield from named
    matched = [dataset for dataset in datasets if matches(policy, dataset)]
    if not matched:
        if not named:
            yield Miss(place=("match",), expected="a match that fits a dataset of the pack", found="one that fits none")
        return
    for name in ("uses_pii", "shows_pii"):
        pii = policy.get("when", {}).get(name)
        if pii and not any(c.pii in pii for d in matched for c in d.columns):
            yield Miss(place=("when", name), expected="PII levels of a column it matches", found="none with them")
    for effect in ("mask", "hide"):
        if policy["effect"] == effect and not any(
            chosen(policy[effect]["columns"], c) for d in matched for c in d.columns
        ):
            yield Miss(place=(effect, "columns"), expected="columns of a dataset it matches", found="none of them")
    if policy["effect"] == "filter":
        yield from _filtered(policy["filter"]["column"], matched)


def _named(policy: Mapping[str, Any], datasets: Sequence[Dataset]) -> Iterator[Miss]:
    columns = sorted({c.name for d in datasets for c in d.columns})
    marks = {tag for d in datasets for c in d.columns for tag in c.tags}
    tags = marks.union(*(d.tags for d in datasets))
    match, when = policy.get("match", {}), policy.get("when", {})
    if "has_column" in match:
        yield from _unknown(
            [match["has_column"]], columns, ("match", "has_column"), "a column of the pack", fold, one=True
        )
    asked: list[tuple[Any, Iterable[str], tuple[str | int, ...], str, Callable[[str], str]]] = [
        (match.get("domains"), {d.domain for d in datasets}, ("match", "domains"), "domains of the pack", str),
        (
            match.get("jurisdictions"),
            {d.jurisdiction for d in datasets},
            ("match", "jurisdictions"),
            "jurisdictions of the pack",
            str,
        ),
        (match.get("tags_any"), tags, ("match", "tags_any"), "tags of the pack", str),
        (when.get("uses_tags"), marks, ("when", "uses_tags"), "tags of the pack's columns", str),
    ]
    asked += [
        (when.get(name), columns, ("when", name), "columns of the pack", fold)
        for name in ("uses_columns", "shows_columns")
    ]
    for effect in ("mask", "hide"):
        selector = policy.get(effect, {}).get("columns", {})
        asked.append((selector.get("names"), columns, (effect, "columns", "names"), "columns of the pack", fold))
        asked.append((selector.get("tags"), marks, (effect, "columns", "tags"), "tags of the pack's columns", str))
    for words, known, place, what, same in asked:
        yield from _unknown(words or (), known, place, what, same)


def _unknown(
    words: Iterable[str],
    known: Iterable[str],
    place: tuple[str | int, ...],
    what: str,
    same: Callable[[str], str],
    one: bool = False,
) -> Iterator[Miss]:
    known = sorted(filter(None, known))
    there = {same(word) for word in known}
    for index, word in enumerate(words):
        if same(word) not in there:
            close = nearest(word, known, 1)
            more = f" (nearest: {close[0]})" if close else ""
            yield Miss(place=place if one else (*place, index), expected=what + more, found="another name")


def _filtered(column: str, matched: Sequence[Dataset]) -> Iterator[Miss]:
    """Find a dataset without the filter's column: there the filter cannot be applied, so everything is refused."""
    for dataset in matched:
        if dataset.column(column) is None:
            close = nearest(column, [c.name for c in dataset.columns], 1)
            more = f" (nearest: {close[0]})" if close else ""
            expected = f"a column of each dataset it matches, {dataset.name} too{more}"
            yield Miss(place=("filter", "column"), expected=expected, found="none there, so that all of it is refused")
            return
