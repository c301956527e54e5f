"""From rulings to a verdict: deny wins, nothing loosens, nothing raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aureus_jupyter.core.decide import decide, safe_rule
from aureus_jupyter.values.catalog import Column, Dataset
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import (
    Cap,
    DecisionRequest,
    Effect,
    Filter,
    Mask,
    MaskMethod,
    Op,
    Reason,
    Ruling,
    VerdictKind,
)

LOAN = Dataset(
    name="loan",
    pack="p",
    source="loan",
    owner="desk",
    columns=(Column(name="a", type="VARCHAR"), Column(name="b", type="VARCHAR")),
)
REQUEST = DecisionRequest(
    principal=Principal(name="ana"),
    purpose="review",
    origin="sql",
    facts=Facts(tables=(TableUse(dataset="loan", columns=("a",)),)),
    datasets=(LOAN,),
)


def reason(policy: str, *approvers: str) -> Reason:
    return Reason(policy=policy, code="c", message="m", hint="h", approvers=approvers)


PERMIT = Ruling(policy="permit", effect=Effect.PERMIT, dataset="LOAN")
DENY = Ruling(policy="deny", effect=Effect.DENY, dataset="loan", reason=reason("deny"))
APPROVE = Ruling(policy="approve", effect=Effect.APPROVE, dataset="loan", reason=reason("approve", "petr", "eva"))
CAP = Ruling(policy="cap", effect=Effect.CAP, cap=Cap(policy="cap", rows=5, reason="r"))


def mask(method: MaskMethod, policy: str = "mask", column: str = "a") -> Ruling:
    made = Mask(policy=policy, dataset="loan", column=column, method=method, reason="r")
    return Ruling(policy=policy, effect=Effect.MASK, dataset="loan", mask=made)


def rule(*values: str, column: str = "b") -> Ruling:
    made = Filter(policy="filter", dataset="loan", column=column, op=Op.IN, values=values, reason="r")
    return Ruling(policy="filter", effect=Effect.FILTER, dataset="loan", filter=made)


GOOD = [PERMIT, DENY, APPROVE, CAP, mask(MaskMethod.NULL), mask(MaskMethod.HASH, "other"), rule("x"), rule("y")]
ORDER = {VerdictKind.ALLOW: 0, VerdictKind.APPROVAL: 1, VerdictKind.DENY: 2}


def test_one_owners_yes_does_not_open_anothers_data() -> None:
    other = Ruling(policy="other", effect=Effect.APPROVE, dataset="loan", reason=reason("other", "eva", "dana"))
    assert decide(REQUEST, [PERMIT, APPROVE, other], "v").approvers == ("eva",)
    apart = Ruling(policy="apart", effect=Effect.APPROVE, dataset="loan", reason=reason("apart", "dana"))
    verdict = decide(REQUEST, [PERMIT, APPROVE, apart], "v")
    assert (verdict.kind, verdict.reasons[0].code) == (VerdictKind.DENY, "approvers_differ")
    assert "aureus.approvers" in verdict.fired


@given(st.lists(st.sampled_from(GOOD), max_size=8), st.randoms(use_true_random=False))
def test_order_does_not_matter(rulings: list[Ruling], random: Any) -> None:
    shuffled = list(rulings)
    random.shuffle(shuffled)
    assert decide(REQUEST, rulings, "v") == decide(REQUEST, shuffled, "v")


@given(
    st.lists(st.sampled_from(GOOD), max_size=6), st.sampled_from([DENY, APPROVE, CAP, mask(MaskMethod.NULL), rule("z")])
)
def test_adding_anything_but_a_permit_never_loosens(rulings: list[Ruling], more: Ruling) -> None:
    before, after = decide(REQUEST, rulings, "v"), decide(REQUEST, [*rulings, more], "v")
    assert ORDER[after.kind] >= ORDER[before.kind]
    if after.kind is not VerdictKind.DENY:
        assert set(after.filters) >= set(before.filters)
        assert {m.column for m in after.masks} >= {m.column for m in before.masks}
        assert after.rows is not None or before.rows is None


@given(st.lists(st.sampled_from([r for r in GOOD if r is not PERMIT]), max_size=6))
def test_without_a_permit_nothing_is_allowed(rulings: list[Ruling]) -> None:
    assert decide(REQUEST, rulings, "v").kind is VerdictKind.DENY


def test_verdicts() -> None:
    allowed = decide(REQUEST, [PERMIT, mask(MaskMethod.LAST, "z"), mask(MaskMethod.REDACT), rule("x"), CAP], "v")
    assert allowed.kind is VerdictKind.ALLOW
    assert [m.method for m in allowed.masks] == [MaskMethod.REDACT], "the mask that shows less wins"
    assert allowed.rows == 5
    assert allowed.fired == ("cap", "filter", "mask", "permit", "z")
    held = decide(REQUEST, [PERMIT, APPROVE], "v")
    assert (held.kind, held.approvers) == (VerdictKind.APPROVAL, ("eva", "petr"))
    denied = decide(REQUEST, [PERMIT, APPROVE, DENY], "v")
    assert (denied.kind, [r.policy for r in denied.reasons]) == (VerdictKind.DENY, ["deny"])
    nobody = decide(REQUEST, [], "v")
    assert nobody.reasons[0].code == "not_permitted"
    assert "desk" in nobody.reasons[0].hint
    assert decide(REQUEST, [PERMIT], "v").kind is VerdictKind.ALLOW


def test_words_without_purpose_and_owner() -> None:
    bare = Dataset(name="x", pack="p", source="x", columns=(Column(name="a", type="INTEGER"),))
    request = DecisionRequest(
        principal=Principal(name="ana"), purpose="", origin="sql", facts=Facts(tables=()), datasets=(bare,)
    )
    found = decide(request, [], "v").reasons[0]
    assert "without a purpose" in found.message
    assert "platform team" in found.hint


BAD = [
    "not a ruling",
    Ruling(policy="x", effect=Effect.PERMIT, dataset="other"),
    Ruling(policy="x", effect=Effect.DENY, dataset="loan"),
    Ruling(policy="x", effect=Effect.APPROVE, dataset="loan", reason=reason("x")),
    Ruling(policy="x", effect=Effect.MASK, dataset="loan"),
    Ruling(policy="x", effect=Effect.CAP, cap=Cap(policy="x", rows=0, reason="r")),
    mask(MaskMethod.NULL, column="nosuch"),
    rule("x", column="nosuch"),
    Ruling(
        policy="x",
        effect=Effect.FILTER,
        filter=Filter(policy="x", dataset="other", column="a", op=Op.IN, values=(), reason="r"),
    ),
]


@pytest.mark.parametrize("bad", BAD)
def test_a_ruling_that_does_not_fit_denies(bad: Any) -> None:
    verdict = decide(REQUEST, [PERMIT, bad], "v")
    assert verdict.kind is VerdictKind.DENY
    assert verdict.reasons[0].code == "policy_ruling"


class Engine:
    """A policy engine that answers or fails as told."""

    def __init__(self, answer: Sequence[Ruling] | Exception, version: str = "v") -> None:
        self.answer = answer
        self.version = version

    def rule(self, request: DecisionRequest) -> Sequence[Ruling]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_an_engine_that_fails_denies_without_its_words() -> None:
    verdict = safe_rule(Engine(ValueError("secret value")), REQUEST)
    assert verdict.kind is VerdictKind.DENY
    assert "secret" not in repr(verdict)
    assert safe_rule(Engine([PERMIT]), REQUEST).kind is VerdictKind.ALLOW
    assert safe_rule(Engine(None), REQUEST).kind is VerdictKind.DENY
