"""What is wrong with a set of policies as a whole: conflicts, policies without effect, likely slips of the pen.

Everything said here is certain: conditions are compared by `logic`, which answers only where it knows. What is not said may
still be wrong.
"""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aureus_jupyter.adapters.policies.conditions import matches
from aureus_jupyter.adapters.policies.effects import chosen, kind_of, method_of
from aureus_jupyter.adapters.policies.logic import Form, form, implies, impossible
from aureus_jupyter.adapters.policies.rules import Rule
from aureus_jupyter.adapters.policies.unmet import unmet
from aureus_jupyter.adapters.policies.weight import KINDS, adds_nothing, shows_nothing
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.obligations import MaskMethod

__all__ = ["Finding", "check_policies"]

_NEAR = 0.8
_SHORTEST = 4

_WORDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "role": (("when", "roles_any"), ("when", "roles_none")),
    "purpose": (("when", "purpose_in"), ("when", "purpose_not_in")),
    "group": (("when", "groups_any"), ("when", "groups_none")),
    "environment": (("when", "environments"), ("when", "environments_not")),
    "tag": (("match", "tags_any"), ("match", "tags_none"), ("when", "uses_tags")),
}
"""Which conditions name words of one kind: the kinds a slip of the pen is looked for in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or (`warning`) may be: the policy, its file, a stable code, and words for people."""

    code: str
    policy: str
    file: str
    words: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class _One:
    rule: Rule
    form: Form

    @property
    def policy(self) -> Mapping[str, Any]:
        return self.rule.policy


def check_policies(rules: Sequence[Rule], datasets: Sequence[Dataset] = ()) -> list[Finding]:
    """Return what is wrong with the policies, problems first; `datasets` are those they are to govern, where known.

    Problems are `never_fires`, `permit_denied`, `masks_clash` and `cannot_be_met`; warnings `no_weight`, `lone_alternative`,
    `fits_nothing`, `not_covered` and `likely_typo`.
    """
    every = [_One(rule, form(rule.policy)) for rule in rules]
    dead = {one.rule.id: why for one in every if (why := impossible(one.form))}
    alive = [one for one in every if one.rule.id not in dead]
    found = [
        _finding("never_fires", one.rule, _NEVER.format(dead[one.rule.id])) for one in every if one.rule.id in dead
    ]
    denied = list(_denied(alive))
    found += [_finding("permit_denied", one.rule, words) for one, words in denied]
    found += _clashes(alive, datasets)
    found += _unmet(alive, datasets)
    found += _weightless(alive)
    found += _alternatives(alive)
    found += _placed(alive, datasets, {one.rule.id for one, _ in denied})
    found += _slips(every)
    return sorted(found, key=lambda one: (one.warning, one.file, one.policy, one.code, one.words))


_NEVER = "it can never apply: its conditions contradict each other ({})"


def _finding(code: str, rule: Rule, words: str, warning: bool = False) -> Finding:
    return Finding(code=code, policy=rule.id, file=rule.file, words=words, warning=warning)


def _denied(alive: Sequence[_One]) -> Iterator[tuple[_One, str]]:
    denials = [one for one in alive if one.policy["effect"] == "deny"]
    for one in alive:
        if one.policy["effect"] == "permit":
            over = next((d for d in denials if implies(one.form, d.form)), None)
            if over is not None:
                yield one, f"it permits nothing: whenever it applies, {over.rule.id} denies"


def _weightless(alive: Sequence[_One]) -> Iterator[Finding]:
    """Find policies that never matter beside one other; of two that say the same only the later one."""
    gone: set[str] = set()
    odd_masks = any({"constant", "edges"} & set(one.policy.get("mask", {})) for one in alive)
    for one in reversed(alive):
        for other in alive:
            if other is one or other.rule.id in gone or not adds_nothing(one.policy, other.policy):
                continue
            if implies(one.form, other.form) and not (odd_masks and _weaker_mask(one, other)):
                gone.add(one.rule.id)
                words = f"it never matters: whenever it applies, {other.rule.id} does too, and asks at least as much"
                if one.policy["effect"] == "permit":
                    words = f"it never matters: whenever it applies, {other.rule.id} permits already"
                yield _finding("no_weight", one.rule, words, warning=True)
                break


def _weaker_mask(one: _One, other: _One) -> bool:
    """Where masks cannot be compared NULL is shown, so that taking one away can show more; NULL itself stays NULL."""
    return one.policy["effect"] == other.policy["effect"] == "mask" and not shows_nothing(other.policy)


def _clashes(alive: Sequence[_One], datasets: Sequence[Dataset]) -> Iterator[Finding]:
    """Find masks of one column that nobody can compare, one of which always comes with the other: NULL is shown."""
    masks = [one for one in alive if one.policy["effect"] == "mask"]
    for one, other in itertools.permutations(masks, 2):
        if masks.index(other) < masks.index(one) and implies(other.form, one.form):
            continue  # they always come together, and are told once
        kind = next((k for k in KINDS if _differ(one.policy, other.policy, k)), "")
        if kind and implies(one.form, other.form) and (column := _shared(one, other, datasets)):
            words = (
                f"it masks {column}, and so does {other.rule.id}, which applies whenever it does; which of their masks "
                f"({method_of(one.policy['mask'], kind)}) shows less nobody can tell, so NULL is shown"
            )
            yield _finding("masks_clash", one.rule, words)


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], kind: str) -> bool:
    """Whether both show a kind of column by one method, with other constants or edges."""
    mine, theirs = one["mask"], other["mask"]
    method = method_of(mine, kind)
    if method is not method_of(theirs, kind):
        return False
    edges = method is MaskMethod.BUCKET and mine["edges"] != theirs["edges"]
    return edges or (method is MaskMethod.CONSTANT and mine["constant"].get(kind) != theirs["constant"].get(kind))


def _shared(one: _One, other: _One, datasets: Sequence[Dataset]) -> str:
    """Return a column of the datasets that both choose, of a kind they differ in; or nothing."""
    for dataset in datasets:
        if not matches(one.policy, dataset):
            continue
        for column in dataset.columns:
            both = all(chosen(each.policy["mask"]["columns"], column) for each in (one, other))
            if both and _differ(one.policy, other.policy, kind_of(column)):
                return f"{dataset.name}.{column.name}"
    return ""


def _unmet(alive: Sequence[_One], datasets: Sequence[Dataset]) -> Iterator[Finding]:
    for one in alive:
        for dataset in datasets:
            if matches(one.policy, dataset) and (why := unmet(one.policy, dataset, datasets)):
                words = f"it cannot be met on {dataset.name}, which is refused wherever it applies: {why}"
                yield _finding("cannot_be_met", one.rule, words)


def _alternatives(alive: Sequence[_One]) -> Iterator[Finding]:
    """Find filters that are called alternatives and have none."""
    named = [(one, one.policy["filter"]["any_of"]) for one in alive if "any_of" in one.policy.get("filter", {})]
    count = Counter(name for _, name in named)
    for one, name in named:
        if count[name] == 1:
            near = _nearest(name, [n for n in count if n != name])
            words = f"its filter is the only one called {name}, so it is no alternative but always holds{near}"
            yield _finding("lone_alternative", one.rule, words, warning=True)


def _placed(alive: Sequence[_One], datasets: Sequence[Dataset], denied: set[str]) -> Iterator[Finding]:
    """Find policies that fit none of the datasets, and datasets that no policy can permit."""
    if not datasets:
        return
    for one in alive:
        if not any(matches(one.policy, dataset) for dataset in datasets):
            yield _finding("fits_nothing", one.rule, "it fits no dataset of the pack", warning=True)
    permits = [one for one in alive if one.policy["effect"] == "permit" and one.rule.id not in denied]
    for dataset in datasets:
        if not any(matches(one.policy, dataset) for one in permits):
            words = f"no policy permits anybody to read {dataset.name}"
            yield Finding(code="not_covered", policy="", file="", words=words, warning=True)


def _slips(every: Sequence[_One]) -> Iterator[Finding]:
    """Find words that one policy alone names, once, and that are spelled almost like one that is named elsewhere."""
    for kind, places in _WORDS.items():
        named = [
            (one, word) for one in every for part, name in places for word in one.policy.get(part, {}).get(name, ())
        ]
        count = Counter(fold(word) for _, word in named)
        for one, word in named:
            near = _nearest(word, [w for w in count if w != fold(word) and (count[w] > 1 or w > fold(word))])
            if count[fold(word)] == 1 and near:
                yield _finding("likely_typo", one.rule, f"no other policy names the {kind} {word}{near}", warning=True)


def _nearest(word: str, others: Iterable[str]) -> str:
    if len(word) < _SHORTEST:
        return ""
    found = difflib.get_close_matches(fold(word), list(others), n=1, cutoff=_NEAR)
    return f" (did you mean {found[0]}?)" if found else ""
