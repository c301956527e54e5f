"""What a policy may answer, and what is no answer; and what its own rulings may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest

from aureus_jupyter.adapters.policies.combined import Disagreement, agreeing, all_of
from aureus_jupyter.adapters.policies.opa.answers import MISSING
from aureus_jupyter.adapters.policies.opa.policies import OpaPolicies
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.testing.policies import ask
from aureus_jupyter.values import obligations
from aureus_jupyter.values.obligations import Budget, Condition, Filter, Mask, MaskMethod, Measure, Op, Within
from aureus_jupyter.values.verdict import DecisionRequest, Effect, Ruling, VerdictKind

REQUEST = ask("client.id", "client.name")
RULES = ("allow", "batch", "rowFilters", "batchColumnMasks", "aureus")


class Told:
    """Answers with what it is told, and with what permits everything beside it."""

    timed = False

    def __init__(self, answers: Mapping[str, Any], version: str = "v") -> None:
        self.answers = {"allow": True, "batch": [0, 1, 2], "rowFilters": [], "batchColumnMasks": [], "aureus": []}
        self.answers.update(answers)
        self.version = ("1", version)
        self.open = False

    def session(self, at: str) -> Told:
        return self

    def __enter__(self) -> Told:
        self.open = True
        return self

    def __exit__(self, *error: object) -> None:
        self.open = False

    @staticmethod
    def value(item: Any) -> Any:
        return item

    def ask(self, rule: str, given: Mapping[str, Any]) -> Any:
        assert self.open
        return self.answers[rule]


def told(**answers: Any) -> OpaPolicies:
    return OpaPolicies(Told(answers), "bank", RULES)


def test_what_permits_everything_permits() -> None:
    verdict = safe_rule(told(), REQUEST)
    assert (verdict.kind, verdict.masks, verdict.filters, verdict.hidden) == (VerdictKind.ALLOW, (), (), ())


@pytest.mark.parametrize("answer", [False, MISSING])
def test_anything_but_true_is_no(answer: Any) -> None:
    assert {r.code for r in safe_rule(told(allow=answer), REQUEST).reasons} == {"opa_denied"}


VIEW = {"expression": "NULL"}
WRONG: list[tuple[str, Any]] = [
    *(("allow", value) for value in (1, 0, "true", None, [True], {"allow": True})),
    *(("rowFilters", value) for value in (MISSING, True, "a = 1", {}, [1], ["a = 1"], [{}], [{"expression": ""}])),
    *(("rowFilters", [{"expression": e}]) for e in (1, None, " ", "x" * 9_000)),
    ("rowFilters", [{"expression": "a = 1", "identity": "root"}]),
    ("rowFilters", [{"expression": "a = 1", "identity": 5}]),
    ("rowFilters", [{"expression": "a = 1", "else": "b"}]),
    ("rowFilters", [VIEW] * 1_001),
    *(("batchColumnMasks", value) for value in (MISSING, True, {}, [VIEW], [{"index": 0}], [{"viewExpression": VIEW}])),
    *(("batchColumnMasks", [{"index": i, "viewExpression": VIEW}]) for i in (-1, 3, "0", True, None, 1.0)),
    ("batchColumnMasks", [{"index": 0, "viewExpression": VIEW}, {"index": 0, "viewExpression": {"expression": "1"}}]),
    ("batchColumnMasks", [{"index": 0, "viewExpression": {**VIEW, "identity": "root"}}]),
    ("batchColumnMasks", [{"index": 0, "viewExpression": VIEW, "more": 1}]),
    *(("batch", value) for value in (MISSING, True, "0", [3], [-1], [True], [{"index": 0}])),
    *(("aureus", value) for value in (MISSING, None, True, {}, [1], [{}], [{"effect": "open"}])),
]


@pytest.mark.parametrize(("rule", "answer"), WRONG, ids=lambda v: repr(v)[:60])
def test_an_answer_of_another_shape_is_none(rule: str, answer: Any) -> None:
    verdict = safe_rule(told(**{rule: answer}), REQUEST)
    assert verdict.kind is VerdictKind.DENY
    assert [r.code for r in verdict.reasons] == ["policy_error"]


def test_null_is_no_filter_no_mask_and_no_column() -> None:
    verdict = safe_rule(told(rowFilters=None, batchColumnMasks=None), REQUEST)
    assert (verdict.kind, verdict.filters, verdict.masks) == (VerdictKind.ALLOW, (), ())
    assert safe_rule(told(batch=None), REQUEST).kind is VerdictKind.DENY


def test_ones_own_identity_is_no_other() -> None:
    own = {"expression": "region = 'CZ'", "identity": "ana"}
    verdict = safe_rule(told(rowFilters=[own], batchColumnMasks=[{"index": 1, "viewExpression": own}]), REQUEST)
    assert [f.expression for f in verdict.filters] == ["region = 'CZ'"]
    assert [(m.column, m.expression) for m in verdict.masks] == [("name", "region = 'CZ'")]


SAID = {"code": "c", "message": "m", "hint": "h"}
GOOD: list[dict[str, Any]] = [
    {"effect": "permit"},
    {"effect": "deny", **SAID},
    {"effect": "approve", **SAID, "approvers": ["petr"], "quorum": 1, "valid_hours": 2},
    {"effect": "mask", "column": "name", "method": "partial", "keep": 2, "start": 1, "reason": "r"},
    {"effect": "mask", "column": "name", "expression": "lower(name)"},
    {"effect": "mask", "column": "name", "method": "bucket", "edges": ["1", "2"]},
    {"effect": "filter", "column": "id", "op": "in", "values": ["a", 1, None, True]},
    {"effect": "filter", "column": "id", "op": "is_null", "any_of": "g"},
    {"effect": "filter", "expression": "id > 1"},
    {
        "effect": "filter",
        "column": "id",
        "op": "within",
        "within": {
            "dataset": "account",
            "column": "id",
            "conditions": [{"column": "region", "op": "in", "values": ["CZ"]}],
        },
    },
    {"effect": "hide", "column": "pin"},
    {"effect": "summary", "smallest": 5, "person": "id", "protected": ["name"]},
    {"effect": "cap", "rows": 10},
    {"effect": "budget", "measure": "queries", "limit": "10", "seconds": 60, "shared": True},
    {"effect": "review", "reviewers": ["petr"], "hours": 24},
]


@pytest.mark.parametrize("item", GOOD, ids=lambda v: f"{v['effect']} {len(v)}")
def test_a_ruling_of_ones_own_fits(item: dict[str, Any]) -> None:
    (found,) = (r for r in told(aureus=[{**item, "policy": "own"}]).rule(REQUEST) if r.policy == "own")
    assert (found.effect, found.dataset) == (Effect(item["effect"]), "client")
    codes = [r.code for r in safe_rule(told(aureus=[item]), REQUEST).reasons]
    assert not {"policy_error", "policy_ruling"} & set(codes)


def test_every_effect_is_among_them() -> None:
    assert {item["effect"] for item in GOOD} == {str(effect) for effect in Effect}


def test_rulings_of_ones_own_carry_what_they_say() -> None:
    rulings = {r.effect: r for r in told(aureus=[GOOD[9], GOOD[13], GOOD[4]]).rule(REQUEST)}
    within = Within(dataset="account", column="id", conditions=(Condition(column="region", op=Op.IN, values=("CZ",)),))
    assert rulings[Effect.FILTER].filter == Filter(
        policy="bank/aureus",
        dataset="client",
        column="id",
        op=Op.WITHIN,
        values=(),
        reason="a rule of OPA",
        within=within,
    )
    assert rulings[Effect.BUDGET].budget == Budget(
        policy="bank/aureus", measure=Measure.QUERIES, limit="10", seconds=60, reason="a rule of OPA", shared=True
    )
    assert rulings[Effect.MASK].mask == Mask(
        policy="bank/aureus",
        dataset="client",
        column="name",
        method=MaskMethod.EXPRESSION,
        reason="a rule of OPA",
        expression="lower(name)",
    )


BAD: list[dict[str, Any]] = [
    {"effect": "permit", "dataset": "vault"},
    {"effect": "deny", "code": "c", "message": "m"},
    {"effect": "deny", **SAID, "dataset": "vault"},
    {"effect": "approve", **SAID, "approvers": "petr"},
    {"effect": "approve", **SAID, "approvers": [5]},
    {"effect": "mask", "column": "name"},
    {"effect": "mask", "column": "name", "method": "shuffle"},
    {"effect": "mask", "column": "name", "method": "last", "keep": "4"},
    {"effect": "mask", "column": "name", "method": "last", "keep": True},
    {"effect": "mask", "column": "name", "method": "last", "edges": "12"},
    {"effect": "mask", "method": "last"},
    {"effect": "filter"},
    {"effect": "filter", "column": "id", "expression": "id > 1"},
    {"effect": "filter", "op": "in", "expression": "id > 1"},
    {"effect": "filter", "column": "id", "op": "like", "values": []},
    {"effect": "filter", "column": "id", "values": [["a"]]},
    {"effect": "filter", "column": "id", "op": "within", "within": "account"},
    {"effect": "filter", "column": "id", "op": "within", "within": {"dataset": "account"}},
    {"effect": "filter", "column": "id", "op": "within", "within": {"dataset": "a", "column": "b", "conditions": [1]}},
    {"effect": "cap", "rows": "10"},
    {"effect": "cap"},
    {"effect": "budget", "measure": "air", "limit": "10", "seconds": 60},
    {"effect": "budget", "measure": "queries", "limit": "10", "seconds": 60, "shared": 1},
    {"effect": "deny", **SAID, "policy": 7},
    {"effect": "deny", **SAID, "message": "m" * 9_000},
    {"effect": "permit", "because": "I say so"},
]


@pytest.mark.parametrize("item", BAD, ids=lambda v: repr(v)[:70])
def test_a_ruling_that_is_not_whole_refuses_all(item: dict[str, Any]) -> None:
    assert [r.code for r in safe_rule(told(aureus=[item]), REQUEST).reasons] == ["policy_error"]


def test_every_type_of_a_members_value_can_be_read() -> None:
    """A member that is added to a value of ours is either readable here or this fails."""
    from aureus_jupyter.adapters.policies.opa import own_rulings

    kinds = {kind for _, kind in own_rulings._MEMBERS.values()} | {Condition, Within}
    types = {str(f.type) for kind in kinds for f in fields(kind)}
    assert types <= set(own_rulings._READERS)
    assert len(kinds) >= len([n for n in obligations.__all__ if n not in {"MaskMethod", "Measure", "Op", "Scalar"}])


def test_the_contracts_approvers_are_meant_by_a_word() -> None:
    item = {"effect": "approve", **SAID, "approvers": "dataset"}
    verdict = safe_rule(told(aureus=[item]), REQUEST)
    # The suite's dataset names nobody, and an approval that nobody may give is a refusal.
    assert [r.code for r in verdict.reasons] == ["policy_ruling"]


def test_ones_own_reasons_stand_for_a_refusal_of_allow() -> None:
    item = {"effect": "deny", "code": "night", "message": "not at night", "hint": "Come by day."}

    class OnlyTables(Told):
        def ask(self, rule: str, given: Mapping[str, Any]) -> Any:
            if rule == "allow":
                return given["action"]["operation"] != "SelectFromColumns"
            return super().ask(rule, given)

    verdict = safe_rule(OpaPolicies(OnlyTables({"aureus": [item]}), "bank", RULES), REQUEST)
    assert [r.code for r in verdict.reasons] == ["night"]
    opened = safe_rule(OpaPolicies(OnlyTables({"aureus": [{"effect": "permit"}]}), "bank", RULES), REQUEST)
    assert [r.code for r in opened.reasons] == ["opa_denied"]


def test_rules_of_ones_own_alone_permit_only_what_they_name() -> None:
    alone = OpaPolicies(Told({"aureus": [{"effect": "permit", "policy": "p"}]}), "bank", ("aureus",))
    assert safe_rule(alone, REQUEST).fired == ("p",)
    assert safe_rule(OpaPolicies(Told({}), "bank", ("aureus",)), REQUEST).kind is VerdictKind.DENY


class Ruled:
    timed = False

    def __init__(self, *rulings: Ruling, version: str = "v") -> None:
        self.rulings = rulings
        self.version = version

    def rule(self, request: DecisionRequest) -> tuple[Ruling, ...]:
        return self.rulings


class Failing(Ruled):
    timed = True

    def rule(self, request: DecisionRequest) -> tuple[Ruling, ...]:
        raise ZeroDivisionError


OPEN = Ruling(policy="open", effect=Effect.PERMIT, dataset="client")
SHUT = told(aureus=[{"effect": "deny", **SAID}]).rule(REQUEST)[0]


def test_of_several_engines_a_denial_and_a_failure_win() -> None:
    assert safe_rule(all_of([Ruled(OPEN), Ruled()]), REQUEST).kind is VerdictKind.ALLOW
    for engines in ([Ruled(OPEN), Ruled(SHUT)], [Ruled(SHUT), Ruled(OPEN)], [Ruled(OPEN), Failing()]):
        assert safe_rule(all_of(engines), REQUEST).kind is VerdictKind.DENY


def test_engines_of_one_policy_that_disagree_refuse() -> None:
    assert agreeing([Ruled(OPEN, SHUT), Ruled(SHUT, OPEN)]).rule(REQUEST) == (OPEN, SHUT)
    for other in (Ruled(), Ruled(OPEN, SHUT), Ruled(SHUT)):
        with pytest.raises(Disagreement):
            agreeing([Ruled(OPEN), Ruled(OPEN), other]).rule(REQUEST)
    assert safe_rule(agreeing([Ruled(OPEN), Failing()]), REQUEST).kind is VerdictKind.DENY


def test_a_combination_has_a_version_of_all_and_is_timed_by_any() -> None:
    first, second = Ruled(version="1"), Ruled(version="2")
    versions = {all_of([first, second]).version, all_of([second, first]).version, agreeing([first, second]).version}
    assert len(versions) == 3
    assert all_of([first, Ruled(version="3")]).version not in versions
    assert [all_of([first, second]).timed, agreeing([first, Failing()]).timed] == [False, True]
    for combine in (all_of, agreeing):
        with pytest.raises(ValueError):
            combine([])
