"""Policies as files: every condition, every effect, and every way a file can be wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.catalog import Classification, Column, Dataset, Pii
from aureus_jupyter.values.facts import Facts, OutputColumn, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest, Effect, MaskMethod, Op

COLUMNS = (
    Column(name="Name", type="VARCHAR", pii=Pii.DIRECT),
    Column(name="born", type="DATE", pii=Pii.DIRECT),
    Column(name="income", type="DECIMAL(18,2)", pii=Pii.QUASI, classification=Classification.CONFIDENTIAL),
    Column(name="shape", type="STRUCT(a INTEGER)", pii=Pii.DIRECT),
    Column(name="country", type="VARCHAR", tags=("art9",)),
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
    retention_days=365,
    tags=("gdpr",),
)
OTHER = Dataset(name="other", pack="us", source="o", columns=(), jurisdiction="US")
REQUEST = DecisionRequest(
    principal=Principal(name="ana", roles=("analyst",), attributes=(("group", "risk"), ("jurisdiction", "CZ"))),
    purpose="review",
    origin="sql",
    facts=Facts(
        tables=(TableUse(dataset="people", columns=("Name", "country")),),
        aggregated=False,
        joins=2,
        outputs=(OutputColumn(name="c", sources=("People.country",)),),
    ),
    datasets=(PEOPLE,),
    environment="production",
    at="2026-11-28T09:29:00Z",
)

PERMIT = "effect: permit"
OLD = "effect: filter, reason: r, filter: {column: born, at_most_days_old: AGE}"


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
    "match: {datasets_not: [other]}": True,
    "match: {datasets_not: [PEOPLE]}": False,
    "match: {jurisdictions_not: [US]}": True,
    "match: {jurisdictions_not: [EU]}": False,
    "match: {tags_any: [gdpr]}": True,
    "match: {tags_any: [art9]}": True,
    "match: {tags_any: [x]}": False,
    "match: {tags_none: [x]}": True,
    "match: {tags_none: [art9]}": False,
    "match: {has_retention: true}": True,
    "match: {has_retention: false}": False,
    "when: {users_any: [ana]}": True,
    "when: {users_any: [eva]}": False,
    "when: {users_none: [eva]}": True,
    "when: {users_none: [ana]}": False,
    "when: {groups_any: [risk]}": True,
    "when: {groups_any: [x]}": False,
    "when: {groups_none: [x]}": True,
    "when: {groups_none: [risk]}": False,
    "when: {attributes_in: {jurisdiction: [CZ, SK], group: [risk]}}": True,
    "when: {attributes_in: {jurisdiction: [SK], group: [risk]}}": False,
    "when: {attributes_none_in: {jurisdiction: [SK], group: [x]}}": True,
    "when: {attributes_none_in: {jurisdiction: [SK], group: [risk]}}": False,
    "when: {cross_border: true}": True,
    "when: {cross_border: false}": False,
    "when: {environments: [production]}": True,
    "when: {environments: [test]}": False,
    "when: {environments_not: [test]}": True,
    "when: {environments_not: [production]}": False,
    "when: {hours: '08:00-09:30'}": True,
    "when: {hours: '09:31-09:00'}": False,
    "when: {hours: '22:00-09:31'}": True,
    "when: {hours: '08:00-09:30 Europe/Prague'}": False,
    "when: {hours: '10:00-11:00 Europe/Prague'}": True,
    "when: {hours_not: '08:00-09:30'}": False,
    "when: {hours_not: '09:30-10:00'}": True,
    "when: {weekdays: [sat, sun]}": True,
    "when: {weekdays: [mon]}": False,
    "when: {since: '2026-11-28'}": True,
    "when: {since: '2026-11-29'}": False,
    "when: {until: '2026-11-28'}": True,
    "when: {until: '2026-11-27'}": False,
    "when: {joins_at_least: 2}": True,
    "when: {joins_at_least: 3}": False,
    "when: {shows_pii: [none]}": True,
    "when: {shows_pii: [direct]}": False,
    "when: {shows_columns: [COUNTRY]}": True,
    "when: {shows_columns: [name]}": False,
    "when: {uses_tags: [art9]}": True,
    "when: {uses_tags: [gdpr]}": False,
    "when: {beside: {jurisdictions: [US]}}": True,
    "when: {beside: {jurisdictions: [EU]}}": False,
    "when: {beside: {jurisdictions: [US], packs: [x]}}": False,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions(condition: str, tmp_path: Path) -> None:
    request = REQUEST
    if "beside" in condition:
        both = (*REQUEST.facts.tables, TableUse(dataset="other", columns=()))
        request = replace(REQUEST, facts=replace(REQUEST.facts, tables=both), datasets=(PEOPLE, OTHER))
    found = rulings(tmp_path, f"{condition}, {PERMIT}", request)
    assert any(r.dataset == "People" for r in found) is CONDITIONS[condition]


def test_without_lineage_all_that_is_used_may_show(tmp_path: Path) -> None:
    request = replace(REQUEST, facts=replace(REQUEST.facts, outputs=()))
    assert rulings(tmp_path, f"when: {{shows_pii: [direct]}}, {PERMIT}", request)


@pytest.mark.parametrize("body", ["when: {hours: '08:00-09:00'}, effect: permit", OLD.replace("AGE", "30")])
def test_a_rule_about_time_that_knows_no_time_raises(body: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        rulings(tmp_path, body, replace(REQUEST, at=""))
    assert load_policies([tmp_path]).timed
    rulings(tmp_path, PERMIT)
    assert not load_policies([tmp_path]).timed


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


def test_filters_by_age_and_by_other_datasets(tmp_path: Path) -> None:
    (one,) = rulings(tmp_path, OLD.replace("AGE", "30"))
    assert (one.filter.column, one.filter.op, one.filter.values) == ("born", Op.GE, ("2026-10-29",))
    (one,) = rulings(tmp_path, OLD.replace("AGE", "dataset"))
    assert one.filter.values == ("2025-11-28",)
    with pytest.raises(ValueError, match="retention"):
        rulings(
            tmp_path, OLD.replace("AGE", "dataset"), replace(REQUEST, datasets=(replace(PEOPLE, retention_days=None),))
        )
    where = "where: [{column: country, attribute: jurisdiction}, {column: land, within: {dataset: land, column: id}}]"
    (one,) = rulings(
        tmp_path,
        f"effect: filter, reason: r, filter: {{column: unit, within: {{dataset: unit, column: id, {where}}}, any_of: x}}",
    )
    assert (one.filter.op, one.filter.values, one.filter.any_of) == (Op.WITHIN, (), "x")
    first, second = one.filter.within.conditions
    assert (one.filter.within.dataset, first.op, first.values) == ("unit", Op.IN, ("CZ",))
    assert (second.op, second.within.dataset, second.within.conditions) == (Op.WITHIN, "land", ())


def test_hidden_columns_summaries_budgets_and_reviews(tmp_path: Path) -> None:
    found = rulings(tmp_path, "effect: hide, reason: r, hide: {columns: {tags: [art9], names: [INCOME]}}")
    assert [r.hide.column for r in found] == ["income", "country"]
    (one,) = rulings(
        tmp_path, "effect: summary, reason: r, summary: {smallest: 10, person: Name, protected: {pii: [quasi]}}"
    )
    assert (one.summary.smallest, one.summary.person, one.summary.protected) == (10, "Name", ("income",))
    (one,) = rulings(tmp_path, "effect: summary, reason: r, summary: {smallest: 3}")
    assert (one.summary.person, one.summary.protected) == ("", ())
    (one,) = rulings(
        tmp_path,
        "effect: budget, reason: r, budget: {measure: cost, limit: '2.50', per: day, shared: true, price: 1, currency: EUR}",
    )
    budget = one.budget
    assert (budget.measure, budget.limit, budget.seconds, budget.price) == ("cost", "2.50", 86_400, "1")
    assert budget.shared and budget.currency == "EUR"
    (one,) = rulings(tmp_path, "effect: review, reason: r, review: {reviewers: dataset, hours: 24}")
    assert (one.review.reviewers, one.review.hours) == (("petr",), 24)
    (one,) = rulings(
        tmp_path,
        "effect: approve, approvers: [a, b], quorum: 2, valid_hours: 8, code: c, reason: r, hint: h",
    )
    assert (one.reason.quorum, one.reason.valid_hours) == (2, 8)


def test_masks_with_members_of_their_own(tmp_path: Path) -> None:
    spec = (
        "mask: {columns: {pii: [direct, quasi]}, text: partial, start: 1, keep: 2, number: bucket, edges: ['0', '10']"
    )
    found = rulings(tmp_path, f"effect: mask, reason: r, {spec}, date: constant, constant: {{date: '2000-01-01'}}}}")
    by_name = {r.mask.column: r.mask for r in found}
    assert (by_name["Name"].method, by_name["Name"].start, by_name["Name"].keep) == (MaskMethod.PARTIAL, 1, 2)
    assert by_name["income"].edges == ("0", "10")
    assert (by_name["born"].method, by_name["born"].value) == (MaskMethod.CONSTANT, "2000-01-01")


def test_lists_of_words(tmp_path: Path) -> None:
    text = "version: 1\nlists: {eu: [CZ, SK]}\npolicies:\n  - {id: x, description: d, when: WHEN, effect: permit}\n"
    for when, fires in {
        "{attributes_in: {jurisdiction: [US, $eu]}}": True,
        "{attributes_none_in: {jurisdiction: [$eu]}}": False,
    }.items():
        (tmp_path / "a.policy.yaml").write_text(text.replace("WHEN", when), "utf-8")
        assert bool(load_policies([tmp_path]).rule(REQUEST)) is fires
    (tmp_path / "a.policy.yaml").write_text(text.replace("WHEN", "{roles_any: [$us]}"), "utf-8")
    with pytest.raises(Unavailable) as caught:
        load_policies([tmp_path])
    assert "policies.0.when.roles_any.0" in caught.value.message
    assert "line 4" in caught.value.message


IMPOSSIBLE = {
    "when: {since: '2026-02-30'}, effect: permit": "when.since",
    "when: {hours: '08:00-09:00 Europe/Nowhere'}, effect: permit": "when.hours",
    "when: {hours: '8-9'}, effect: permit": "when.hours",
    "when: {aggregated: false}, effect: hide, reason: r, hide: {columns: {names: [a]}}": "when.aggregated",
    "when: {beside: {packs: [a]}}, effect: hide, reason: r, hide: {columns: {names: [a]}}": "when.beside",
    "effect: mask, reason: r, mask: {columns: {names: [a]}, number: bucket}": "mask",
    "effect: mask, reason: r, mask: {columns: {names: [a]}, text: constant}": "mask",
    "effect: filter, reason: r, filter: {column: a}": "filter",
    "effect: filter, reason: r, filter: {column: a, values: [1], attribute: b}": "filter",
    "effect: filter, reason: r, filter: {column: a, op: is_null, values: [1]}": "filter",
    "effect: filter, reason: r, filter: {column: a, op: lt, at_most_days_old: 3}": "filter.op",
    "effect: filter, reason: r, filter: {column: a, within: {dataset: b, column: c, where: [{column: d}]}}": "filter.within.where.0",
    "effect: budget, reason: r, budget: {measure: queries, limit: -1, per: day}": "budget.limit",
    "effect: summary, reason: r, summary: {smallest: 0}": "summary.smallest",
    "effect: review, reason: r, review: {reviewers: [a]}": "review",
    "effect: hide, reason: r": "policies.0",
}


@pytest.mark.parametrize("body", IMPOSSIBLE)
def test_what_cannot_work_is_named(body: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        rulings(tmp_path, body)
    assert (caught.value.code, "policies.0" in caught.value.message) == ("policy_malformed", True)
    assert IMPOSSIBLE[body] in caught.value.message


def test_what_is_about_a_dataset_is_asked_once(tmp_path: Path) -> None:
    rulings(tmp_path, "match: {packs: [hr]}, effect: permit")
    engine = load_policies([tmp_path])
    assert engine.rule(REQUEST) and engine.rule(REQUEST)
    stranger = replace(PEOPLE, pack="x")
    assert not engine.rule(replace(REQUEST, datasets=(stranger,)))
    for number in range(5000):
        engine.rule(replace(REQUEST, datasets=(replace(PEOPLE, source=str(number)),)))
    assert engine.rule(REQUEST)


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
