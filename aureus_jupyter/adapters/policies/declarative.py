"""Policies as YAML files, each with tests beside it.

Folders only add up: a pack or an administrator can add policies, nobody can remove one, and a deny always wins. A file
that cannot be read stops every statement: an error here must not open a door.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from aureus_jupyter.adapters.policies.asked import Asked
from aureus_jupyter.adapters.policies.conditions import INDEXED, words_of
from aureus_jupyter.adapters.policies.files import MALFORMED_HINT, read_policies
from aureus_jupyter.adapters.policies.rules import Rule, compile_rule
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.canonical import digest_bytes, digest_json
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.verdict import DecisionRequest, Ruling

__all__ = ["PATTERN", "DeclarativePolicies", "asked_of", "load_policies"]

PATTERN = "*.policy.yaml"
_REMEMBERED = 16_384


class DeclarativePolicies:
    """A policy engine over compiled files. Immutable once made, apart from what it remembers."""

    def __init__(self, rules: Sequence[Rule], version: str) -> None:
        self.rules = tuple(rules)
        self._version = version
        self._index = _Index(self.rules)
        self._about: dict[int, tuple[Dataset, tuple[Rule, ...]]] = {}

    @property
    def version(self) -> str:
        """A digest over every file's name and bytes."""
        return self._version

    @property
    def timed(self) -> bool:
        """Whether a policy asks for the time."""
        return any(rule.timed for rule in self.rules)

    def rule(self, request: DecisionRequest) -> Sequence[Ruling]:
        """Return every ruling of every policy that applies to a dataset of the request."""
        held: dict[str, bool] = {}
        found: list[Ruling] = []
        for one in asked_of(request):
            for rule in self.about(one):
                holds = held.get(rule.id)
                if holds is None:
                    holds = held[rule.id] = rule.asks(one)
                if holds and rule.uses(one):
                    found += rule.make(one)
        return found

    def about(self, asked: Asked) -> tuple[Rule, ...]:
        """Return the policies that are about a dataset, whoever asks: found once, so that others cost nothing."""
        known = self._about.get(id(asked.dataset))
        if known is None or known[0] is not asked.dataset:
            if len(self._about) >= _REMEMBERED:
                self._about.pop(next(iter(self._about)))
            rules = tuple(rule for rule in self._index.near(asked.dataset) if rule.fits(asked))
            known = self._about[id(asked.dataset)] = (asked.dataset, rules)
        return known[1]


class _Index:
    """Policies by a word they ask of a dataset, so that a dataset meets few of many."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._named: dict[tuple[str, str], list[int]] = {}
        self._others: list[int] = []
        for number, rule in enumerate(rules):
            match = rule.policy.get("match", {})
            name = next((name for name in INDEXED if name in match), "")
            for word in match.get(name, ()):
                key = (name, fold(word) if name == "datasets" else word)
                self._named.setdefault(key, []).append(number)
            if not name:
                self._others.append(number)

    def near(self, dataset: Dataset) -> Iterable[Rule]:
        """Return every policy that may fit the dataset, in their order."""
        found = {*self._others, *(number for key in words_of(dataset) for number in self._named.get(key, ()))}
        return (self._rules[number] for number in sorted(found))


def asked_of(request: DecisionRequest) -> list[Asked]:
    """Return what policies are asked about each dataset of a request."""
    uses = {fold(use.dataset): use for use in request.facts.tables}
    return [Asked(request, dataset, uses[fold(dataset.name)]) for dataset in request.datasets]


def load_policies(folders: Iterable[Path]) -> DeclarativePolicies:
    """Read and compile every policy file below `folders`.

    Raises Unavailable: `policy_malformed` with file, line, field and what was expected, `no_policies` when there is
    none: an empty set of policies permits nothing, and saying so at once is kinder.
    """
    folders = list(folders)
    _refuse_misnamed(folders)
    rules: list[Rule] = []
    digests: list[list[str]] = []
    ids: dict[str, Path] = {}
    for path in sorted({_real(p) for folder in folders for p in folder.rglob(PATTERN)}):
        for policy in read_policies(path):
            if policy["id"] in ids:
                raise _malformed(path, "id", f"an id of its own, not that of {ids[policy['id']].name}")
            ids[policy["id"]] = path
            rules.append(compile_rule(policy, path.name))
        digests.append([path.name, digest_bytes(path.read_bytes())])
    if not rules:
        raise Unavailable(
            "no_policies",
            "no policy file was found, and without one nothing may be read",
            hint="Add *.policy.yaml files to the pack, or set policies_path to the folder that holds them.",
        )
    return DeclarativePolicies(rules, digest_json(sorted(digests)))


def _real(path: Path) -> Path:
    return Path(
        os.path.realpath(path)
    )  # Path.resolve raises for a link that leads to itself; this one cannot be read, and says so


def _refuse_misnamed(folders: Iterable[Path]) -> None:
    """Refuse a YAML file that is neither policies nor tests by its name: a deny in `deny.yaml` must not be passed over."""
    for path in sorted(p for folder in folders for p in folder.rglob("*") if not p.is_dir()):
        meant = path.name.strip().lower().endswith((".yaml", ".yml"))
        if meant and not path.name.endswith((".policy.yaml", ".policy_test.yaml")):
            raise _malformed(path, "its name", "NAME.policy.yaml or NAME.policy_test.yaml")


def _malformed(path: Path, field: str, expected: str) -> Unavailable:
    return Unavailable(
        "policy_malformed",
        f"the policy file {path.name}: {field} must be {expected}",
        hint=MALFORMED_HINT.format(path=path),
    )
