"""The house's library of policies: whole, tested, quiet where no contract calls for it, and told in words."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.policies.check import check_policies
from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.adapters.policies.language import about, members, tables
from aureus_jupyter.adapters.policies.rules import Rule
from aureus_jupyter.adapters.policies.testing import run_with_coverage
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest, Effect


@pytest.fixture(scope="module")
def folders(root: Path) -> list[Path]:
    return [root / "policies", root / "packs" / "credit-risk" / "policies"]


@pytest.fixture(scope="module")
def library(folders: list[Path]) -> tuple[Rule, ...]:
    return load_policies(folders).rules


def test_every_policy_is_tested_and_each_condition_fails_somewhere(folders: list[Path]) -> None:
    results, covered = run_with_coverage(folders)
    assert [r for r in results if r.problem] == []
    assert [one for one in covered if not one.fires or one.never_fails] == []


def test_it_is_a_library(library: tuple[Rule, ...]) -> None:
    house = [rule for rule in library if rule.id.startswith("house.")]
    assert len(house) >= 24
    assert {rule.effect for rule in house} == set(Effect)
    themes = {rule.id.split(".")[1] for rule in house}
    assert themes >= {
        "people",
        "border",
        "purpose",
        "production",
        "aml",
        "limits",
        "retention",
        "summary",
        "export",
        "break-glass",
        "hours",
        "teams",
    }


def test_each_says_why_and_what_to_do(library: tuple[Rule, ...]) -> None:
    for rule in library:
        policy = rule.policy
        assert policy["description"].endswith("."), rule.id
        assert policy["reason"] and not policy["reason"].endswith("."), f"{rule.id}: a reason stands inside a sentence"
        assert policy["hint"].endswith("."), rule.id


def test_nothing_speaks_against_them(library: tuple[Rule, ...], root: Path) -> None:
    datasets = PackSource(root / "packs" / "credit-risk").load().datasets
    assert {finding.code for finding in check_policies(library, datasets)} <= {"fits_nothing"}


WHO = [
    Principal(name="ana.novak", roles=("data_scientist",), attributes=(("jurisdiction", "CZ"),)),
    Principal(name="eva", roles=("analyst", "pii_reader")),
    Principal(name="ida", roles=("compliance_officer",), attributes=(("jurisdiction", "US"),)),
]


@pytest.mark.parametrize("who", WHO, ids=lambda who: who.name)
def test_the_library_is_quiet_over_the_demo(who: Principal, folders: list[Path], root: Path) -> None:
    """A theme wakes up by a tag, a group or an attribute: what the demo shows stays what it was."""
    engine = load_policies(folders)
    old = {"access", "people", "purpose"}
    for dataset in PackSource(root / "packs" / "credit-risk").load().datasets:
        for purpose in ("credit_risk_review", "marketing", ""):
            for aggregated in (False, True):
                use = TableUse(dataset=dataset.name, columns=tuple(c.name for c in dataset.columns))
                request = DecisionRequest(
                    principal=who,
                    purpose=purpose,
                    origin="question",
                    facts=Facts(tables=(use,), aggregated=aggregated, joins=3),
                    datasets=(dataset,),
                    environment="production",
                    at="2026-11-28T03:00:00Z",
                )
                verdict = safe_rule(engine, request)
                assert {policy.split(".")[1] for policy in verdict.fired if policy.startswith("house.")} <= old
                assert not (verdict.summaries or verdict.budgets or verdict.reviews or verdict.hidden)


def described(node: Any, path: str = "") -> list[str]:
    """Every member of an object in a schema that has no description."""
    if not isinstance(node, dict):
        return []
    found = [
        f"{path}.{name}"
        for name, member in node.get("properties", {}).items()
        if isinstance(member, dict) and "description" not in member and not path.endswith(("if", "then"))
    ]
    for name, inner in node.items():
        values = inner if isinstance(inner, list) else [inner]
        found += [miss for value in values for miss in described(value, f"{path}.{name}" if path else name)]
    return found


@pytest.mark.parametrize("name", ["policy", "policy_test"])
def test_every_member_of_the_schemas_is_described(name: str) -> None:
    schema = json.loads(files("aureus_jupyter.adapters.policies").joinpath(f"{name}.schema.json").read_text("utf-8"))
    assert described(schema) == []
    assert all("title" in node for key, node in schema["$defs"].items() if name == "policy" or "properties" in node), (
        schema["$defs"].keys()
    )


def test_the_documents_know_every_condition_and_effect() -> None:
    text = tables()
    words = [*members("match"), *members("when"), *map(str, Effect)]
    assert [word for word in words if f"`{word}`" not in text] == []
    assert about("when", "roles_any") == "The principal has one of these roles."
    assert about("when", "nosuch") == ""
