"""Policies as YAML files, each with tests beside it.

Folders only add up: a pack or an administrator can add policies, nobody can remove one, and a deny always wins. A file
that cannot be read stops every statement: an error here must not open a door.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.policies.rules import Asked, Rule, compile_rule
from aureus_jupyter.adapters.schemas import POLICY_FILE
from aureus_jupyter.adapters.yamlstrict import YamlError, line_of, load_yaml
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.canonical import digest_bytes, digest_json
from aureus_jupyter.values.catalog import fold
from aureus_jupyter.values.verdict import DecisionRequest, Ruling

__all__ = ["PATTERN", "DeclarativePolicies", "load_policies"]

PATTERN = "*.policy.yaml"


class DeclarativePolicies:
    """A policy engine over compiled files. Immutable once made."""

    def __init__(self, rules: Sequence[Rule], version: str) -> None:
        self._rules = tuple(rules)
        self._version = version

    @property
    def version(self) -> str:
        """A digest over every file's name and bytes."""
        return self._version

    def rule(self, request: DecisionRequest) -> Sequence[Ruling]:
        """Return every ruling of every policy that applies to a dataset of the request."""
        uses = {fold(use.dataset): use for use in request.facts.tables}
        asked = [Asked(request, dataset, uses[fold(dataset.name)]) for dataset in request.datasets]
        return [ruling for rule in self._rules for one in asked for ruling in rule(one)]


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
    for path in sorted({p.resolve() for folder in folders for p in folder.rglob(PATTERN)}):
        for policy in _read(path):
            if policy["id"] in ids:
                raise _malformed(path, 0, "id", f"an id of its own, not that of {ids[policy['id']].name}")
            ids[policy["id"]] = path
            rules.append(compile_rule(policy))
        digests.append([path.name, digest_bytes(path.read_bytes())])
    if not rules:
        raise Unavailable(
            "no_policies",
            "no policy file was found, and without one nothing may be read",
            hint="Add *.policy.yaml files to the pack, or set policies_path to the folder that holds them.",
        )
    return DeclarativePolicies(rules, digest_json(sorted(digests)))


def _refuse_misnamed(folders: Iterable[Path]) -> None:
    """Refuse a YAML file that is neither policies nor tests by its name: a deny in `deny.yaml` must not be passed over."""
    for path in sorted(p for folder in folders for p in folder.rglob("*") if not p.is_dir()):
        meant = path.name.strip().lower().endswith((".yaml", ".yml"))
        if meant and not path.name.endswith((".policy.yaml", ".policy_test.yaml")):
            raise _malformed(path, 0, "its name", "NAME.policy.yaml or NAME.policy_test.yaml")


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        value = load_yaml(path)
    except YamlError as error:
        raise _malformed(path, error.line, "the file", f"plain YAML: {error.why}") from None
    wrong = POLICY_FILE.first(value)
    if wrong is not None:
        raise _malformed(path, line_of(path.read_text("utf-8"), [*wrong.path]), wrong.field, wrong.expected)
    policies: list[dict[str, Any]] = value["policies"]
    for index, policy in enumerate(policies):
        if policy["effect"] == "filter" and not (
            {"attribute", "values"} & set(policy["filter"]) or "null" in policy["filter"].get("op", "")
        ):
            raise _malformed(path, 0, f"policies.{index}.filter", "an attribute of the principal, or values")
    return policies


def _malformed(path: Path, line: int, field: str, expected: str) -> Unavailable:
    place = f"{path.name}, line {line}" if line else path.name
    return Unavailable(
        "policy_malformed",
        f"the policy file {place}: {field} must be {expected}",
        hint=f"Correct {path} and run: aureus policy test. Until then nothing may be read.",
    )
