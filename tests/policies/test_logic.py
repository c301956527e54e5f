"""What is said about policies must be true: every claim is tried on every request of a small world."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policies.universe import COLUMNS, MATCH, PLAIN, WHEN, conditions, request_of, requests

from aureus_jupyter.adapters.policies.check import Finding, check_policies
from aureus_jupyter.adapters.policies.conditions import TESTS
from aureus_jupyter.adapters.policies.declarative import DeclarativePolicies, asked_of
from aureus_jupyter.adapters.policies.logic import _PUT, form, implies, impossible
from aureus_jupyter.adapters.policies.rules import Rule, compile_rule
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.values.verdict import DecisionRequest, Verdict

pytestmark = pytest.mark.slow


def rule(body: dict[str, Any], effect: str = "permit", id_: str = "x", **more: Any) -> Rule:
    words = {"code": "c", "reason": "r", "hint": "h"} if effect in {"deny", "approve"} else {"reason": "r"}
    return compile_rule({"id": id_, "description": "d", "effect": effect, **words, **body, **more}, "a.policy.yaml")


def holds(one: Rule, request: DecisionRequest) -> bool:
    return not one.failing(asked_of(request)[0])


def test_every_condition_is_known_here_and_there() -> None:
    assert set(_PUT) == set(TESTS) == set(MATCH) | set(WHEN)


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "roles": {"when": {"roles_any": ["a"], "roles_none": ["a", "b"]}},
    "purpose": {"when": {"purpose_in": ["Review"], "purpose_not_in": ["review", "x"]}},
    "attribute group": {"when": {"groups_any": ["g"], "attributes_none_in": {"group": ["g"]}}},
    "attribute team": {"when": {"has_attribute": "team", "lacks_attribute": "team"}},
    "days": {"when": {"since": "2026-02-02", "until": "2026-02-01"}},
    "weekday": {"when": {"since": "2026-01-05", "until": "2026-01-06", "weekdays": ["sat", "sun"]}},
    "hours UTC": {"when": {"hours": "08:00-09:00", "hours_not": "07:00-10:00"}},
    "hours Europe/Prague": {"when": {"hours": "08:00-08:00 Europe/Prague"}},
    "classification": {"match": {"classification_at_least": "restricted", "classification_at_most": "internal"}},
    "jurisdiction": {"match": {"jurisdictions": ["EU"], "jurisdictions_not": ["EU"]}},
    "dataset": {"match": {"datasets": ["Loan"], "datasets_not": ["LOAN"]}},
    "tags": {"match": {"tags_none": ["aml"]}, "when": {"uses_tags": ["aml"]}},
    "cross_border": {
        "match": {"jurisdictions": ["EU"]},
        "when": {"attributes_in": {"jurisdiction": ["EU"]}, "cross_border": True},
    },
    "beside": {"when": {"beside": {"tags_any": ["a"], "tags_none": ["a"]}}},
}


@pytest.mark.parametrize("about", IMPOSSIBLE)
def test_contradictions_are_found(about: str) -> None:
    assert impossible(form(IMPOSSIBLE[about])) == about
    (found,) = (f for f in check_policies([rule(IMPOSSIBLE[about])]) if f.code == "never_fires")
    assert not found.warning and about in found.words


def test_nobody_from_there_and_not_across_a_border_is_a_contradiction() -> None:
    body = {"match": {"jurisdictions": ["EU"]}, "when": {"lacks_attribute": "jurisdiction", "cross_border": False}}
    assert impossible(form(body)) == "cross_border"
    body["when"] = {"attributes_none_in": {"jurisdiction": ["EU"]}, "cross_border": False}
    assert impossible(form(body)) == "cross_border"


@pytest.mark.parametrize("about", ["roles", "purpose", "days", "hours UTC", "tags", "cross_border"])
def test_less_is_no_contradiction(about: str) -> None:
    body = {part: dict(IMPOSSIBLE[about].get(part, {})) for part in ("match", "when")}
    body["when"].popitem()
    assert impossible(form(body)) == ""


@settings(max_examples=250, deadline=None)
@given(conditions())
def test_what_can_never_fire_never_fires(body: dict[str, Any]) -> None:
    if impossible(form(body)):
        one = rule(body)
        assert not any(holds(one, request) for request in requests([body]))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two policies' conditions, the second often a part of the first, or near it."""
    one = draw(conditions())
    other = draw(conditions()) if draw(st.integers(0, 3)) == 0 else {p: dict(v) for p, v in one.items()}
    for part, table in (("match", MATCH), ("when", WHEN)):
        for name in sorted(other[part]):
            act = draw(st.sampled_from(["keep", "keep", "drop", "change"]))
            if act == "drop":
                del other[part][name]
            elif act == "change":
                other[part][name] = draw(table[name])
    return one, other


def test_what_follows_follows() -> None:
    seen: Counter[bool] = Counter()

    @settings(max_examples=300, deadline=None)
    @given(pairs())
    def tried(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
        one, other = both
        seen[follows := implies(form(one), form(other))] += 1
        if follows:
            first, second = rule(one), rule(other)
            assert all(holds(second, request) for request in requests(both) if holds(first, request))

    tried()
    assert seen[True] > 30 and seen[False] > 30, "a claim that is never made is never wrong"


SELECTORS = st.sampled_from(
    [{"names": ["c"]}, {"pii": ["direct"]}, {"tags": ["t", "u"]}, {"classification_at_least": "internal"}]
)


def masks() -> st.SearchStrategy[dict[str, Any]]:
    made = st.fixed_dictionaries(
        {"columns": SELECTORS},
        optional={
            "text": st.sampled_from(["null", "redact", "last", "partial", "constant"]),
            "number": st.sampled_from(["null", "round", "bucket", "constant"]),
            "date": st.sampled_from(["null", "year"]),
            "keep": st.integers(1, 3),
            "step": st.sampled_from(["10", "100"]),
        },
    )
    more = st.sampled_from(
        [
            {},
            {"edges": ["0", "5"], "constant": {"text": "x", "number": 1}},
            {"edges": ["0", "7"], "constant": {"text": "y", "number": 2}},
        ]
    )
    full = {"edges": ["0"], "constant": {"text": "z", "number": 3}}
    needy = {"constant", "bucket"}
    return st.tuples(made, more).map(
        lambda t: {**(full if needy & set(map(str, t[0].values())) else {}), **t[1], **t[0]}
    )


EFFECTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "permit": st.just({}),
    "deny": st.just({}),
    "approve": st.fixed_dictionaries(
        {"approvers": st.sampled_from(["dataset", ["ann"], ["ann", "bob"]])},
        optional={"quorum": st.integers(1, 2), "valid_hours": st.integers(1, 3)},
    ),
    "mask": st.fixed_dictionaries({"mask": masks()}),
    "filter": st.fixed_dictionaries(
        {
            "filter": st.sampled_from(
                [
                    {"column": "c", "values": ["1"]},
                    {"column": "C", "attribute": "team"},
                    {"column": "gone", "op": "not_null"},
                ]
            )
        }
    ),
    "cap": st.fixed_dictionaries({"cap": st.fixed_dictionaries({"rows": st.integers(1, 3)})}),
    "hide": st.fixed_dictionaries({"hide": st.just({"columns": {"names": ["n"]}})}),
    "summary": st.fixed_dictionaries(
        {"summary": st.fixed_dictionaries({"smallest": st.integers(1, 3)}, optional={"protected": SELECTORS})}
    ),
    "review": st.fixed_dictionaries({"review": st.just({"reviewers": ["ann"], "hours": 3})}),
}


@st.composite
def sets(draw: st.DrawFn) -> list[Rule]:
    """Two to four policies, the later ones often with the conditions of the first."""
    found: list[Rule] = []
    first = draw(conditions())
    one = st.sampled_from(sorted(EFFECTS)).map(lambda effect: [effect])
    effects = draw(
        st.one_of(
            st.just(["permit", "deny"]),
            st.just(["filter", "mask"]),
            one,
            one,
            st.lists(st.sampled_from(sorted(EFFECTS)), min_size=2),
        )
    )
    for number in range(draw(st.integers(2, 4))):
        body = first if draw(st.booleans()) else draw(pairs())[1]
        if draw(st.booleans()):
            body = {"match": {}, "when": {}}
        effect = draw(st.sampled_from(effects))
        found.append(rule(body, effect, f"p{number}", **draw(EFFECTS[effect])))
    return found


def obliges(verdict: Verdict) -> tuple[Any, ...]:
    """What a verdict comes to, without the names of the policies that said so. A refusal is a refusal."""
    if verdict.kind == "deny":
        return (verdict.kind,)
    plain = [
        sorted(repr(replace(o, policy="", reason="")) for o in found)
        for found in (verdict.masks, verdict.hidden, verdict.summaries)
    ]
    filters = {repr(replace(f, policy="", reason="")) for f in verdict.filters}
    return (verdict.kind, plain, filters, verdict.rows, verdict.approvers, verdict.quorum, verdict.valid_hours)


OPEN = rule({}, id_="open")
PLAIN_DATASET = request_of(PLAIN).datasets[0]


def answers(rules: list[Rule], without: str = "") -> list[Any]:
    left = DeclarativePolicies([r for r in rules if r.id != without], "v")
    policies = [r.policy for r in rules]
    return [obliges(safe_rule(left, request)) for request in requests(policies, ["columns"])]


@pytest.mark.slow
def test_findings_are_true() -> None:
    dataset = PLAIN_DATASET
    told: Counter[str] = Counter()

    @settings(max_examples=150, deadline=None)
    @given(sets())
    def tried(rules: list[Rule]) -> None:
        for finding in check_policies(rules, [dataset]):
            told[finding.code] += 1
            prove(finding, rules)

    tried()
    assert all(
        told[code] > 3 for code in ("no_weight", "never_fires", "permit_denied", "not_covered", "cannot_be_met")
    ), told


def named(finding: Finding, rules: list[Rule]) -> Rule:
    return next(r for r in rules if r.id == finding.policy)


def prove(finding: Finding, rules: list[Rule]) -> None:
    """Try a finding's claim. A permit for everybody is put beside the policies, so that their obligations show."""
    if finding.code == "no_weight":
        beside = rules if any(r.id == finding.policy and r.effect == "permit" for r in rules) else [*rules, OPEN]
        assert answers(beside) == answers(beside, finding.policy), finding
    elif finding.code == "never_fires":
        one = named(finding, rules)
        assert not any(holds(one, request) for request in requests([one.policy])), finding
    elif finding.code == "permit_denied":
        asked = [q for q in requests([r.policy for r in rules]) if holds(named(finding, rules), q)]
        engine = DeclarativePolicies(rules, "v")
        assert all(safe_rule(engine, q).kind == "deny" for q in asked), finding
    elif finding.code == "cannot_be_met":
        one, engine = named(finding, rules), DeclarativePolicies([*rules, OPEN], "v")
        there = [
            q for q in requests([{"when": named(finding, rules).policy["when"]}]) if q.datasets[0] == PLAIN_DATASET
        ]
        assert all(safe_rule(engine, q).kind == "deny" for q in there if holds(one, q)), finding
    elif finding.code == "not_covered":
        engine = DeclarativePolicies(rules, "v")
        who = requests([{"when": r.policy.get("when", {})} for r in rules])
        assert all(safe_rule(engine, q).kind == "deny" for q in who), finding


def codes(*rules: Rule, datasets: Any = ()) -> list[tuple[str, str]]:
    return [(f.code, f.policy) for f in check_policies(rules, datasets)]


def test_masks_that_cannot_be_compared() -> None:
    data = request_of(PLAIN).datasets
    one = rule({}, "mask", "a", mask={"columns": {"names": ["k"]}, "number": "bucket", "edges": ["0", "5"]})
    other = rule(
        {"when": {"roles_any": ["r"]}},
        "mask",
        "b",
        mask={"columns": {"pii": ["quasi"]}, "number": "bucket", "edges": ["0", "9"]},
    )
    assert codes(one, other, datasets=data[:1]) == [("masks_clash", "b"), ("not_covered", "")]
    engine = DeclarativePolicies([one, other, OPEN], "v")
    verdict = safe_rule(engine, request_of({**PLAIN, "roles": ("r",)}))
    assert [str(m.method) for m in verdict.masks if m.column == "k"] == ["null"]
    same = rule({}, "mask", "c", mask={"columns": {"names": ["C"]}, "text": "constant", "constant": {"text": "x"}})
    twin = rule({}, "mask", "d", mask={"columns": {"names": ["C"]}, "text": "constant", "constant": {"text": "y"}})
    assert ("masks_clash", "c") in codes(same, twin, datasets=data) and ("masks_clash", "d") not in codes(
        same, twin, datasets=data
    )
    assert not [c for c, _ in codes(one, twin, datasets=data) if c == "masks_clash"], COLUMNS


def test_alternatives_slips_and_what_is_not_there() -> None:
    data = request_of(PLAIN).datasets
    alone = rule({}, "filter", "a", filter={"column": "c", "values": ["1"], "any_of": "regions"})
    near = rule({}, "filter", "b", filter={"column": "c", "values": ["2"], "any_of": "region"})
    found = check_policies([alone, near])
    assert [(f.code, f.policy) for f in found] == [("lone_alternative", "a"), ("lone_alternative", "b")]
    assert "did you mean region?" in found[0].words
    assert codes(rule({"match": {"packs": ["zz"]}}), datasets=data) == [("not_covered", ""), ("fits_nothing", "x")]
    slips = check_policies(
        [
            rule({"when": {"roles_any": ["analyst"]}}, id_="a"),
            rule({"when": {"roles_any": ["analyst"], "purpose_in": ["credit_review"]}}, "cap", "b", cap={"rows": 5}),
            rule({"when": {"roles_any": ["analist"], "purpose_in": ["credit_revew"]}}, "cap", "c", cap={"rows": 9}),
            rule({"when": {"roles_none": ["eu"]}}, "cap", "d", cap={"rows": 7}),
        ]
    )
    words = {(f.code, f.policy): f.words for f in slips if f.code == "likely_typo"}
    assert list(words) == [("likely_typo", "c")]
    assert any("analist (did you mean analyst?)" in f.words for f in slips)
    assert any("credit_revew" in f.words and "credit_review" in f.words for f in slips)


def test_of_two_that_say_the_same_the_later_one_is_told() -> None:
    assert codes(rule({}, id_="a"), rule({}, id_="b")) == [("no_weight", "b")]
    wide, narrow = rule({}, "cap", "a", cap={"rows": 9}), rule({}, "cap", "b", cap={"rows": 5})
    assert codes(wide, narrow) == [("no_weight", "a")]
    spent = {"measure": "queries", "per": "day", "limit": 5}
    assert codes(rule({}, "budget", "a", budget=spent), rule({}, "budget", "b", budget={**spent, "limit": "5.5"})) == [
        ("no_weight", "b")
    ]
    assert codes(rule({}, "budget", "a", budget=spent), rule({}, "budget", "b", budget={**spent, "per": "week"})) == []


UNMET: dict[str, dict[str, Any]] = {
    "d has no column gone": {"effect": "filter", "filter": {"column": "gone", "values": [1]}},
    "the contract of d says no retention": {
        "effect": "filter",
        "filter": {"column": "n", "at_most_days_old": "dataset"},
    },
    "d has no column lost": {
        "effect": "filter",
        "filter": {"column": "n", "within": {"dataset": "D", "column": "lost"}},
    },
    "d has no column away": {
        "effect": "filter",
        "filter": {
            "column": "n",
            "within": {"dataset": "d", "column": "n", "where": [{"column": "away", "values": [1]}]},
        },
    },
    "d has no column who": {"effect": "summary", "summary": {"smallest": 3, "person": "who"}},
    "d has 2 approvers, and 3 must say yes": {"effect": "approve", "approvers": "dataset", "quorum": 3},
    "d has 1 approvers, and 2 must say yes": {"effect": "approve", "approvers": ["x", "x"], "quorum": 2},
}


@pytest.mark.parametrize("why", UNMET)
def test_what_a_dataset_cannot_give(why: str) -> None:
    one = rule({}, **UNMET[why])
    (found,) = (f for f in check_policies([OPEN, one], [PLAIN_DATASET]) if f.code == "cannot_be_met")
    assert found.words.endswith(f": {why}") and not found.warning
    if "within" not in str(one.policy):  # what a filter compares with is looked up when the statement is rewritten
        assert safe_rule(DeclarativePolicies([OPEN, one], "v"), request_of(PLAIN)).kind == "deny"


def test_what_a_dataset_can_give() -> None:
    met = [
        rule({}, "filter", "a", filter={"column": "N", "at_most_days_old": 3}),
        rule({}, "filter", "b", filter={"column": "n", "within": {"dataset": "elsewhere", "column": "x"}}),
        rule({}, "approve", "c", approvers="dataset", quorum=2),
        rule({}, "review", "d", review={"reviewers": "dataset", "hours": 1}),
        rule({"match": {"packs": ["b"]}}, "filter", "e", filter={"column": "gone", "values": [1]}),
    ]
    assert not [f for f in check_policies(met, [PLAIN_DATASET]) if f.code == "cannot_be_met"]
    bare = replace(PLAIN_DATASET, approvers=())
    assert [f.policy for f in check_policies(met, [bare]) if f.code == "cannot_be_met"] == ["c", "d"]
