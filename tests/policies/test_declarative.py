"""Policies as files: every condition, every effect, and every way a file can be wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.adapters.policies.testing import run_policy_tests
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.catalog import Classification, Column, Dataset, Pii
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest, Effect, MaskMethod, Op

COLUMNS = (
    Column(name="Name", type="VARCHAR", pii=Pii.DIRECT),
    Column(name="born", type="DATE", pii=Pii.DIRECT),
    Column(name="income", type="DECIMAL(18,2)", pii=Pii.QUASI, classification=Classification.CONFIDENTIAL),
    Column(name="shape", type="STRUCT(a INTEGER)", pii=Pii.DIRECT),
    Column(name="country", type="VARCHAR"),
)
PEOPLE = Dataset(
    name="People",
    pack="hr",
    source="people",
    columns=COLUMNS,
    classification=Classification.CONFIDENTIAL,
    jurisdiction="EU",
    domain="staff",
    owner="desk",
    approvers=("petr",),
)
REQUEST = DecisionRequest(
    principal=Principal(name="ana", roles=("analyst",), attributes=(("jurisdiction", "CZ"),)),
    purpose="review",
    origin="sql",
    facts=Facts(tables=(TableUse(dataset="people", columns=("Name", "country")),), aggregated=False),
    datasets=(PEOPLE,),
)

PERMIT = "effect: permit"


def rulings(tmp_path: Path, body: str, request: DecisionRequest = REQUEST) -> list[Any]:
    (tmp_path / "a.policy.yaml").write_text(f"version: 1\npolicies:\n  - {{id: x, description: d, {body}}}\n", "utf-8")
    return list(load_policies([tmp_path]).rule(request))


CONDITIONS = {
    "match: {packs: [hr]}": True,
    "match: {packs: [other]}": False,
    "match: {datasets: [PEOPLE]}": True,
    "match: {datasets: [other]}": False,
    "match: {domains: [staff]}": True,
    "match: {domains: [x]}": False,
    "match: {jurisdictions: [EU]}": True,
    "match: {jurisdictions: [US]}": False,
    "match: {classification_at_least: confidential}": True,
    "match: {classification_at_least: restricted}": False,
    "match: {classification_at_most: confidential}": True,
    "match: {classification_at_most: internal}": False,
    "match: {has_pii: [quasi]}": True,
    "match: {has_pii: [sensitive]}": False,
    "match: {has_column: COUNTRY}": True,
    "match: {has_column: nosuch}": False,
    "when: {purpose_in: [review]}": True,
    "when: {purpose_in: [x]}": False,
    "when: {purpose_not_in: [x]}": True,
    "when: {purpose_not_in: [review]}": False,
    "when: {purpose_in: [Review]}": True,
    "when: {purpose_not_in: [' REVIEW ']}": False,
    "when: {purpose_missing: false}": True,
    "when: {purpose_missing: true}": False,
    "when: {roles_any: [analyst, x]}": True,
    "when: {roles_any: [x]}": False,
    "when: {roles_none: [x]}": True,
    "when: {roles_none: [analyst]}": False,
    "when: {origin: sql}": True,
    "when: {origin: question}": False,
    "when: {aggregated: false}": True,
    "when: {aggregated: true}": False,
    "when: {uses_pii: [direct]}": True,
    "when: {uses_pii: [quasi]}": False,
    "when: {uses_columns: [NAME]}": True,
    "when: {uses_columns: [income]}": False,
    "when: {has_attribute: jurisdiction}": True,
    "when: {has_attribute: x}": False,
    "when: {lacks_attribute: x}": True,
    "when: {lacks_attribute: jurisdiction}": False,
    "match: {packs: [hr]}, when: {origin: question}": False,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions(condition: str, tmp_path: Path) -> None:
    assert bool(rulings(tmp_path, f"{condition}, {PERMIT}")) is CONDITIONS[condition]


def test_masks_choose_by_kind(tmp_path: Path) -> None:
    found = rulings(
        tmp_path, "effect: mask, reason: r, mask: {columns: {pii: [direct]}, text: last, keep: 2, date: year}"
    )
    assert {r.mask.column: r.mask.method for r in found} == {
        "Name": MaskMethod.LAST,
        "born": MaskMethod.YEAR,
        "shape": MaskMethod.NULL,
    }
    assert {r.mask.keep for r in found} == {2}
    found = rulings(tmp_path, "effect: mask, reason: r, mask: {columns: {names: [INCOME]}, number: round, step: '500'}")
    assert [(r.mask.column, r.mask.method, r.mask.step) for r in found] == [("income", MaskMethod.ROUND, "500")]
    found = rulings(tmp_path, "effect: mask, reason: r, mask: {columns: {classification_at_least: confidential}}")
    assert [(r.mask.column, r.mask.method) for r in found] == [("income", MaskMethod.NULL)]


def test_filters(tmp_path: Path) -> None:
    (one,) = rulings(tmp_path, "effect: filter, reason: r, filter: {column: country, attribute: jurisdiction}")
    assert (one.filter.op, one.filter.values) == (Op.IN, ("CZ",))
    (one,) = rulings(tmp_path, "effect: filter, reason: r, filter: {column: income, op: lt, values: [100]}")
    assert (one.filter.op, one.filter.values) == (Op.LT, (100,))
    (one,) = rulings(tmp_path, "effect: filter, reason: r, filter: {column: income, op: not_null}")
    assert one.filter.op is Op.NOT_NULL
    nobody = replace(REQUEST, principal=Principal(name="x"))
    (one,) = rulings(tmp_path, "effect: filter, reason: r, filter: {column: country, attribute: jurisdiction}", nobody)
    assert one.filter.values == (), "without the attribute no row passes"


def test_caps_denials_and_approvals(tmp_path: Path) -> None:
    (one,) = rulings(tmp_path, "effect: cap, reason: r, cap: {rows: 9}")
    assert one.cap.rows == 9
    words = "code: c, reason: '{principal} reads {dataset} for {purpose}', hint: 'ask {owner} {other}'"
    (one,) = rulings(tmp_path, f"effect: deny, {words}")
    assert (one.effect, one.reason.message) == (Effect.DENY, "ana reads People for review")
    assert one.reason.hint == "ask desk {other}"
    (one,) = rulings(tmp_path, f"effect: approve, approvers: dataset, {words}")
    assert one.reason.approvers == ("petr",)
    (one,) = rulings(tmp_path, f"effect: approve, approvers: [eva], {words}")
    assert one.reason.approvers == ("eva",)


BROKEN = {
    "no such effect": "id: x, description: d, effect: allow",
    "a deny without words": "id: x, description: d, effect: deny",
    "an unknown condition": "id: x, description: d, effect: permit, when: {role: [x]}",
    "an unknown member": "id: x, description: d, effect: permit, then: y",
    "a bad id": "id: X Y, description: d, effect: permit",
    "a filter by nothing": "id: x, description: d, effect: filter, reason: r, filter: {column: a}",
    "a mask of no column": "id: x, description: d, effect: mask, reason: r, mask: {columns: {}}",
    "a cap of nothing": "id: x, description: d, effect: cap, reason: r, cap: {rows: 0}",
    "a list that is text": "id: x, description: d, effect: permit, when: {roles_any: x}",
    "the word yes": "id: x, description: d, effect: permit, when: {aggregated: yes}",
    "approvers that are a name": "id: x, description: d, effect: approve, approvers: petr, code: c, reason: r, hint: h",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_policies_stop_everything(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.policy.yaml").write_text(f"version: 1\npolicies:\n  - {{{BROKEN[name]}}}\n", "utf-8")
    (tmp_path / "b.policy.yaml").write_text(
        "version: 1\npolicies:\n  - {id: y, description: d, effect: permit}\n", "utf-8"
    )
    with pytest.raises(Unavailable) as caught:
        load_policies([tmp_path])
    assert caught.value.code == "policy_malformed"
    assert "a.policy.yaml" in caught.value.message


def test_no_policy_and_one_id_twice(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        load_policies([tmp_path])
    assert caught.value.code == "no_policies"
    for name in ("a", "b"):
        (tmp_path / f"{name}.policy.yaml").write_text(
            "version: 1\npolicies:\n  - {id: x, description: d, effect: permit}\n"
        )
    with pytest.raises(Unavailable) as caught:
        load_policies([tmp_path])
    assert "b.policy.yaml" in caught.value.message


@pytest.mark.parametrize("name", ["deny.yaml", "deny.policy.yml", "policy.yaml"])
def test_a_misnamed_file_is_not_passed_over(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.policy.yaml").write_text("version: 1\npolicies:\n  - {id: x, description: d, effect: permit}\n")
    (tmp_path / name).write_text("version: 1\npolicies: []\n")
    with pytest.raises(Unavailable) as caught:
        load_policies([tmp_path])
    assert name in caught.value.message


def test_the_version_follows_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.policy.yaml"
    path.write_text("version: 1\npolicies:\n  - {id: x, description: d, effect: permit}\n")
    before = load_policies([tmp_path]).version
    assert load_policies([tmp_path, tmp_path]).version == before
    path.write_text("version: 1\npolicies:\n  - {id: x, description: e, effect: permit}\n")
    assert load_policies([tmp_path]).version != before


def test_tests_of_policies_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.policy.yaml").write_text("version: 1\npolicies:\n  - {id: x, description: d, effect: permit}\n")
    (tmp_path / "a.policy_test.yaml").write_text(
        "- {name: good, dataset: {columns: {a: [INTEGER, none]}}, expect: {verdict: allow}}\n"
        "- {name: wrong, dataset: {columns: {a: [INTEGER, none]}}, expect: {verdict: deny}}\n"
        "- {name: odd, dataset: {columns: {a: [INTEGER, none]}}, expect: {verdct: deny}}\n"
        "- {name: unreadable, dataset: {columns: {a: [INTEGER]}}, expect: {}}\n"
    )
    found = {r.name: r.problem for r in run_policy_tests([tmp_path])}
    assert found["good"] == ""
    assert found["wrong"] == "verdict is allow, not deny"
    assert "nothing called verdct" in found["odd"]
    assert "cannot be read" in found["unreadable"]
    (tmp_path / "a.policy_test.yaml").write_text("a: 1\n")
    (result,) = run_policy_tests([tmp_path])
    assert "no list of tests" in result.problem
    (tmp_path / "a.policy_test.yaml").write_text("- 5\n- {name: x, dataset: 5, expect: 6}\n")
    assert ["cannot be read" in r.problem for r in run_policy_tests([tmp_path])] == [True, True]
    (tmp_path / "a.policy_test.yaml").write_text("- {")
    with pytest.raises(Unavailable):
        run_policy_tests([tmp_path])
