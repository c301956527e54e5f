"""The language of tests beside policies: everything a test can say and expect, and what it says when it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policies.universe import conditions, requests

from aureus_jupyter.adapters.policies.declarative import DeclarativePolicies, asked_of
from aureus_jupyter.adapters.policies.rules import compile_rule
from aureus_jupyter.adapters.policies.testing import run_policy_tests, run_with_coverage
from aureus_jupyter.errors import Unavailable

POLICIES = """
version: 1
policies:
  - {id: p.open, description: d, effect: permit}
  - {id: p.hide, description: d, match: {tags_any: [secret]}, when: {roles_none: [keeper]}, effect: hide, reason: r,
     hide: {columns: {tags: [secret]}}}
  - {id: p.group, description: d, when: {groups_any: [risk], attributes_in: {desk: [fx]}, users_any: [eva]}, effect: cap, reason: r,
     cap: {rows: 7}}
  - {id: p.night, description: d, when: {hours: "22:00-06:00"}, effect: deny, code: night, reason: r, hint: h}
  - {id: p.place, description: d, when: {environments: [production], origin: question}, effect: approve, approvers: [a, b, c],
     quorum: 2, valid_hours: 8, code: two, reason: r, hint: h}
  - {id: p.join, description: d, when: {joins_at_least: 2}, effect: deny, code: joins, reason: r, hint: h}
  - {id: p.shown, description: d, when: {shows_columns: [wage]}, effect: deny, code: shown, reason: r, hint: h}
  - {id: p.label, description: d, effect: mask, reason: r, mask: {columns: {classification_at_least: restricted}, text: partial,
     start: 1, keep: 2, number: bucket, edges: ["0", "10"], date: constant, constant: {date: "2000-01-01"}}}
  - {id: p.within, description: d, match: {has_column: unit}, when: {uses_columns: [unit]}, effect: filter, reason: r,
     filter: {column: unit, any_of: u, within: {dataset: units, column: id, where: [{column: land, values: [CZ]}]}}}
  - {id: p.empty, description: d, match: {has_column: unit}, effect: filter, reason: r, filter: {column: unit, op: not_null}}
  - {id: p.sum, description: d, match: {datasets: [sums]}, effect: summary, reason: r, summary: {smallest: 3, person: who,
     protected: {pii: [quasi]}}}
  - {id: p.spend, description: d, match: {datasets: [sums]}, effect: budget, reason: r, budget: {measure: cost, limit: "2.5", per: hour,
     shared: true, price: "0.1", currency: EUR}}
  - {id: p.look, description: d, match: {datasets: [sums]}, effect: review, reason: r, review: {reviewers: [x], hours: 2}}
"""

GOOD = """
- {name: hidden columns are not used, dataset: {columns: {a: [INTEGER, none], s: {type: VARCHAR, tags: [secret]}}},
   expect: {verdict: allow, hidden: [s], fired: [p.open, p.hide], not_fired: [p.group]}}
- {name: a keeper sees them, principal: {roles: [keeper]}, dataset: {columns: {s: {type: VARCHAR, tags: [secret]}}}, expect: {hidden: []}}
- {name: who, principal: {name: eva, groups: [risk], attributes: {desk: [fx, rates]}}, dataset: {columns: {a: [INTEGER, none]}},
   expect: {rows: 7}}
- {name: a group may stand among the attributes, principal: {name: eva, groups: [x], attributes: {group: [risk], desk: [fx]}},
   dataset: {columns: {a: [INTEGER, none]}}, expect: {rows: 7}}
- {name: when, at: "2026-01-01T23:00:00Z", dataset: {columns: {a: [INTEGER, none]}}, expect: {verdict: deny, codes: [night]}}
- {name: where and how, environment: production, origin: question, dataset: {columns: {a: [INTEGER, none]}},
   expect: {verdict: approval, approvers: [a, b, c], quorum: 2, valid_hours: 8, codes: [two]}}
- {name: joins, joins: 2, dataset: {columns: {a: [INTEGER, none]}}, expect: {codes: [joins]}}
- {name: three datasets are two joins, datasets: [{name: a, columns: {x: [INTEGER, none]}}, {name: b, columns: {x: [INTEGER, none]}},
   {name: c, columns: {y: [INTEGER, none]}}], uses: [a.x, y], expect: {codes: [joins]}}
- {name: what is used need not show, uses: [wage, id], shows: [id], dataset: {columns: {wage: [INTEGER, none], id: [INTEGER, none]}},
   expect: {verdict: allow}}
- {name: what shows, shows: [x.wage], dataset: {columns: {wage: [INTEGER, none], id: [INTEGER, none]}}, expect: {codes: [shown]}}
- {name: labels of columns and whole masks, dataset: {columns: {t: {type: VARCHAR, classification: restricted},
   n: {type: INTEGER, classification: restricted}, d: {type: DATE, classification: restricted}, o: [VARCHAR, none]}},
   expect: {masks: {t: {method: partial, start: 1, keep: 2}, n: {method: bucket, edges: ["0", "10"]},
   d: {method: constant, value: "2000-01-01"}}}}
- {name: filters of every kind, dataset: {columns: {unit: [INTEGER, none]}},
   expect: {filters: {unit: {op: not_null},
   unit (p.within): {any_of: u, within: {dataset: units, column: id, where: [{column: land, op: in, values: [CZ]}]}}}}}
- {name: the short form of a method, dataset: {columns: {t: {type: VARCHAR, classification: restricted}}}, expect: {masks: {t: partial}}}
- {name: the rest, dataset: {name: sums, columns: {who: [INTEGER, none], pay: [INTEGER, quasi]}}, expect: {
   summaries: {sums: {smallest: 3, person: who, protected: [pay]}}, reviews: {p.look: {reviewers: [x], hours: 2}},
   budgets: {p.spend: {measure: cost, limit: "2.5", seconds: 3600, shared: true, price: "0.1", currency: EUR}}}}
- {name: several datasets name their columns whole, datasets: [{name: a, columns: {t: {type: VARCHAR, classification: restricted}}},
   {name: b, columns: {t: [VARCHAR, none]}}], expect: {masks: {a.t: partial}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.policy.yaml").write_text(POLICIES, "utf-8")
    return tmp_path


def problems(folder: Path, text: str) -> list[str]:
    (folder / "a.policy_test.yaml").write_text(text, "utf-8")
    return [result.problem for result in run_policy_tests([folder])]


def test_all_of_the_language_can_be_tested(folder: Path) -> None:
    assert problems(folder, GOOD) == [""] * 15
    _, covered = run_with_coverage([folder])
    assert all(one.fires for one in covered)
    assert {one.policy: one.never_fails for one in covered if one.never_fails} == {}


WRONG = {
    "expect: {rows: 5}": "rows is None, not 5",
    "expect: {masks: {t: redact}}": "masks is {'t': 'partial'}, not {'t': 'redact'}",
    "expect: {masks: {t: {method: partial, keep: 3}}}": "masks is {'t': 'partial'}, not",
    "expect: {masks: {}}": "masks is {'t': 'partial'}, not {}",
    "expect: {fired: [p.night, p.open]}": "p.night does not fire",
    "expect: {not_fired: [p.night, p.open]}": "p.open fires",
    "expect: {codes: [x]}": "codes is [], not ['x']",
    "expect: {filters: {t: [a]}}": "filters is {}, not {'t': ['a']}",
    "expect: {hidden: [t]}": "hidden is [], not ['t']",
    "expect: {verdict: allow}, uses: [nosuch]": "nosuch is not one column",
    "expect: {verdict: allow}, shows: [nosuch]": "nosuch is not one column",
    "expect: {verdict: allow}, at: '2026-02-30T00:00:00Z'": "cannot be read",
    "expect: {verdict: allow}, datasets: [{columns: {a: [X, none]}}]": "one of them is meant",
    "expect: {verdikt: allow}": "only the members",
    "expect: {masks: {t: blur}}": "cannot be read",
    "expect: {verdict: allow}, principal: {rolls: [x]}": "only the members",
}


@pytest.mark.parametrize("rest", WRONG)
def test_what_is_wrong_is_said(rest: str, folder: Path) -> None:
    dataset = "dataset: {columns: {t: {type: VARCHAR, classification: restricted}}}"
    (problem,) = problems(folder, f"- {{name: x, {dataset}, {rest}}}\n")
    assert WRONG[rest] in problem


@pytest.mark.parametrize(
    "dataset",
    ["{columns: {t: [5, none]}}", "{columns: {t: [X, nine]}}", "{columns: {t: {pii: none}}}", "{columns: {t: X}}"],
)
def test_a_column_that_cannot_be(dataset: str, folder: Path) -> None:
    (problem,) = problems(folder, f"- {{name: x, dataset: {dataset}, expect: {{verdict: allow}}}}\n")
    assert "cannot be read" in problem


def test_an_obligation_of_another_operation_is_not_the_short_form(folder: Path) -> None:
    (problem,) = problems(
        folder, "- {name: x, uses: [], dataset: {columns: {unit: [INTEGER, none]}}, expect: {filters: {unit: []}}}\n"
    )
    assert problem == "filters is {'unit': {'op': 'not_null'}}, not {'unit': []}"


def test_what_tests_do_not_show(folder: Path) -> None:
    (folder / "a.policy.yaml").write_text(
        "version: 1\npolicies:\n"
        "  - {id: a, description: d, match: {packs: [p]}, when: {roles_any: [r]}, effect: permit}\n"
        "  - {id: b, description: d, when: {roles_any: [s]}, effect: cap, reason: r, cap: {rows: 1}}\n"
        "  - {id: c, description: d, match: {has_retention: false}, effect: filter, reason: r, "
        "filter: {column: d, at_most_days_old: dataset}}\n"
        "  - {id: d, description: d, effect: mask, reason: r, mask: {columns: {names: [nosuch]}}}\n"
    )
    problems(
        folder,
        "- {name: x, principal: {roles: [r]}, dataset: {columns: {d: [DATE, none]}}, expect: {codes: [policy_error]}}\n",
    )
    results, covered = run_with_coverage([folder])
    assert not results[0].problem
    assert [(one.policy, one.fires, one.never_fails) for one in covered] == [
        ("a", True, ("match.packs", "when.roles_any")),
        ("b", False, ()),
        ("c", True, ("match.has_retention",)),
        ("d", False, ()),
    ], "a policy that cannot be met fires: it refuses; one that chooses no column does not"


@settings(max_examples=60, deadline=None)
@given(st.lists(conditions(), min_size=1, max_size=3))
def test_the_index_changes_no_answer(bodies: list[dict[str, Any]]) -> None:
    rules = [compile_rule({"id": f"p{n}", "description": "d", "effect": "permit", **b}) for n, b in enumerate(bodies)]
    engine = DeclarativePolicies(rules, "v")
    for request in requests(bodies):
        every = [ruling for one in asked_of(request) for rule in rules for ruling in rule(one)]
        assert list(engine.rule(request)) == every


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
    assert "expect must be only the members" in found["odd"]
    assert "cannot be read" in found["unreadable"]
    (tmp_path / "a.policy_test.yaml").write_text("a: 1\n")
    (result,) = run_policy_tests([tmp_path])
    assert "no list of tests" in result.problem
    (tmp_path / "a.policy_test.yaml").write_text("- 5\n- {name: x, dataset: 5, expect: 6}\n")
    assert ["cannot be read" in r.problem for r in run_policy_tests([tmp_path])] == [True, True]
    (tmp_path / "a.policy_test.yaml").write_text("- {")
    with pytest.raises(Unavailable):
        run_policy_tests([tmp_path])
