"""From rulings to a verdict: deny wins, nothing loosens, nothing raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aureus_jupyter.core.decide import decide, safe_rule, strictest
from aureus_jupyter.values.catalog import Column, Dataset
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.obligations import Budget, Hide, Measure, Review, SummaryOnly, Within
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


def ruled(effect: Effect, **member: Any) -> Ruling:
    return Ruling(policy="p", effect=effect, dataset="loan", **member)


def only(smallest: int = 10, **more: Any) -> Ruling:
    made = SummaryOnly(policy="p", dataset="loan", smallest=smallest, reason="r", **more)
    return ruled(Effect.SUMMARY, summary=made)


def budget(limit: str = "5", **more: Any) -> Ruling:
    more = {"measure": Measure.QUERIES, "seconds": 60, **more}
    made = Budget(policy="p", limit=limit, reason="r", **more)
    return ruled(Effect.BUDGET, budget=made)


def hide(column: str = "b") -> Ruling:
    return ruled(Effect.HIDE, hide=Hide(policy="p", dataset="loan", column=column, reason="r"))


def review(hours: int = 24, *reviewers: str) -> Ruling:
    return ruled(Effect.REVIEW, review=Review(policy="p", dataset="loan", reviewers=reviewers, hours=hours, reason="r"))


GOOD = [
    *(PERMIT, DENY, APPROVE, CAP, mask(MaskMethod.NULL), mask(MaskMethod.HASH, "other"), rule("x"), rule("y")),
    *(only(), only(20, protected=("b",)), budget(), hide(), review(24, "eva")),
]
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
    st.lists(st.sampled_from(GOOD), max_size=6),
    st.sampled_from(
        [DENY, APPROVE, CAP, mask(MaskMethod.NULL), rule("z"), only(30), budget("1"), hide(), review(1, "dana")]
    ),
)
def test_adding_anything_but_a_permit_never_loosens(rulings: list[Ruling], more: Ruling) -> None:
    before, after = decide(REQUEST, rulings, "v"), decide(REQUEST, [*rulings, more], "v")
    assert ORDER[after.kind] >= ORDER[before.kind]
    if after.kind is not VerdictKind.DENY:
        assert set(after.filters) >= set(before.filters)
        assert {m.column for m in after.masks} >= {m.column for m in before.masks}
        assert after.rows is not None or before.rows is None
        assert set(after.budgets) >= set(before.budgets)
        assert set(after.hidden) >= set(before.hidden)
        assert set(after.reviews) >= set(before.reviews)
        assert sum(s.smallest for s in after.summaries) >= sum(s.smallest for s in before.summaries)


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


def mask_of(method: MaskMethod, policy: str = "p", **more: Any) -> Mask:
    return Mask(policy=policy, dataset="loan", column="a", method=method, reason="r", **more)


STRICTEST = [
    ([mask_of(MaskMethod.LAST, keep=4), mask_of(MaskMethod.LAST, keep=2)], (MaskMethod.LAST, 2)),
    (
        [mask_of(MaskMethod.PARTIAL, start=3, keep=1), mask_of(MaskMethod.PARTIAL, start=1, keep=3)],
        (MaskMethod.PARTIAL, 1),
    ),
    ([mask_of(MaskMethod.MONTH), mask_of(MaskMethod.ROUND), mask_of(MaskMethod.HASH)], (MaskMethod.HASH, 4)),
    ([mask_of(MaskMethod.CONSTANT, value="x"), mask_of(MaskMethod.CONSTANT, value="x")], (MaskMethod.CONSTANT, 4)),
    ([mask_of(MaskMethod.CONSTANT, value="x"), mask_of(MaskMethod.CONSTANT, value="y")], (MaskMethod.NULL, 4)),
    ([mask_of(MaskMethod.BUCKET, edges=("1",)), mask_of(MaskMethod.BUCKET, edges=("2",))], (MaskMethod.NULL, 4)),
    (
        [mask_of(MaskMethod.BUCKET, edges=("1",)), mask_of(MaskMethod.BUCKET, edges=("2",)), mask_of(MaskMethod.HASH)],
        (MaskMethod.NULL, 4),
    ),
    ([mask_of(MaskMethod.EXPRESSION, expression="x"), mask_of(MaskMethod.MONTH)], (MaskMethod.NULL, 4)),
    (
        [mask_of(MaskMethod.EXPRESSION, expression="x"), mask_of(MaskMethod.EXPRESSION, expression="y")],
        (MaskMethod.NULL, 4),
    ),
    (
        [mask_of(MaskMethod.EXPRESSION, "q", expression="x"), mask_of(MaskMethod.EXPRESSION, expression="x")],
        (MaskMethod.EXPRESSION, 4),
    ),
]


@pytest.mark.parametrize(("masks", "expected"), STRICTEST)
def test_the_strictest_mask(masks: list[Mask], expected: tuple[MaskMethod, int]) -> None:
    found = strictest(masks)
    assert (found.method, found.keep) == expected
    assert strictest(masks[::-1]) == found
    rounds = [mask_of(MaskMethod.ROUND, step="10"), mask_of(MaskMethod.ROUND, step="9.5", policy="a")]
    assert strictest(rounds).step == "10"


MANY = [
    *(mask_of(m) for m in MaskMethod if m not in {MaskMethod.EXPRESSION, MaskMethod.BUCKET, MaskMethod.CONSTANT}),
    *(mask_of(MaskMethod.EXPRESSION, expression=text) for text in "xy"),
    *(mask_of(MaskMethod.BUCKET, edges=(edge,)) for edge in "12"),
    *(mask_of(MaskMethod.CONSTANT, value=text) for text in "xy"),
]
SHOWN = {method: number for number, method in enumerate([m for m in MaskMethod if m is not MaskMethod.EXPRESSION])}


@given(st.lists(st.sampled_from(MANY), min_size=1, max_size=5), st.sampled_from(MANY))
def test_one_more_mask_never_shows_more(masks: list[Mask], more: Mask) -> None:
    before, after = strictest(masks), strictest([*masks, more])
    unclear = (MaskMethod.EXPRESSION, MaskMethod.NULL)
    if before.method is MaskMethod.NULL:
        assert after.method is MaskMethod.NULL
    elif before.method in unclear or after.method in unclear:
        assert after.method in unclear
    else:
        assert after.method is before.method or SHOWN[after.method] < SHOWN[before.method]


def test_all_obligations_add_up() -> None:
    rulings = [PERMIT, only(10, protected=("b",)), only(20, protected=("a",)), only(5, person="a"), budget(), budget()]
    found = decide(REQUEST, [*rulings, hide(), review(24, "eva")], "v")
    assert [(s.person, s.smallest, s.protected) for s in found.summaries] == [("", 20, ("a", "b")), ("a", 5, ())]
    assert len(found.budgets) == 1
    assert [h.column for h in found.hidden] == ["b"]
    assert found.reviews[0].reviewers == ("eva",)
    assert decide(REQUEST, [*rulings, hide(), DENY], "v").hidden, "what is hidden is known of a refusal too"


def test_a_quorum_and_an_expiry_are_the_strictest() -> None:
    def approval(quorum: int, hours: int, *who: str) -> Ruling:
        asked = Reason(policy="p", code="c", message="m", hint="h", approvers=who, quorum=quorum, valid_hours=hours)
        return ruled(Effect.APPROVE, reason=asked)

    found = decide(
        REQUEST, [PERMIT, approval(1, 0, "a", "b"), approval(2, 48, "a", "b", "c"), approval(1, 24, "a", "b")], "v"
    )
    assert (found.approvers, found.quorum, found.valid_hours) == (("a", "b"), 2, 24)
    apart = decide(REQUEST, [PERMIT, approval(2, 0, "a", "b"), approval(1, 0, "a", "c")], "v")
    assert apart.reasons[0].code == "approvers_differ", "one person cannot say yes twice"


def test_words_without_purpose_and_owner() -> None:
    bare = Dataset(name="x", pack="p", source="x", columns=(Column(name="a", type="INTEGER"),))
    request = DecisionRequest(
        principal=Principal(name="ana"), purpose="", origin="sql", facts=Facts(tables=()), datasets=(bare,)
    )
    found = decide(request, [], "v").reasons[0]
    assert "without a purpose" in found.message
    assert "platform team" in found.hint


def condition(**changed: Any) -> Filter:
    plain = {"policy": "x", "dataset": "loan", "column": "a", "op": Op.IN, "values": (), "reason": "r"}
    return Filter(**{**plain, **changed})


BAD = [
    "not a ruling",
    Ruling(policy="x", effect=Effect.PERMIT, dataset="other"),
    Ruling(policy="x", effect=Effect.DENY, dataset="loan"),
    Ruling(policy="x", effect=Effect.APPROVE, dataset="loan", reason=reason("x")),
    Ruling(policy="x", effect=Effect.MASK, dataset="loan"),
    Ruling(policy="x", effect=Effect.CAP, cap=Cap(policy="x", rows=0, reason="r")),
    mask(MaskMethod.NULL, column="nosuch"),
    rule("x", column="nosuch"),
    "again",
    ruled("nothing"),  # type: ignore[arg-type]  # no effect at all: what is tried
    *(ruled(effect) for effect in Effect if effect is not Effect.PERMIT),
    ruled(Effect.MASK, mask=mask_of(MaskMethod.EXPRESSION)),
    ruled(Effect.MASK, mask=mask_of(MaskMethod.NULL, expression="a")),
    ruled(Effect.MASK, mask=mask_of(MaskMethod.LAST, keep=-1)),
    ruled(Effect.MASK, mask=mask_of(MaskMethod.PARTIAL, start=-1)),
    ruled(Effect.MASK, mask=mask_of(MaskMethod.ROUND, step="ten")),
    ruled(Effect.MASK, mask=mask_of(MaskMethod.ROUND, step="-1")),
    ruled(Effect.MASK, mask=mask_of(MaskMethod.BUCKET, edges=("NaN",))),
    ruled(Effect.FILTER, filter=condition(op=Op.EXPRESSION, column="")),
    ruled(Effect.FILTER, filter=condition(op=Op.EXPRESSION, expression="a > 1")),
    ruled(Effect.FILTER, filter=condition(expression="a > 1")),
    ruled(Effect.FILTER, filter=condition(op=Op.WITHIN)),
    ruled(Effect.FILTER, filter=condition(within=Within(dataset="x", column="y"))),
    only(0),
    only(person="nosuch"),
    only(protected=("nosuch",)),
    budget("many"),
    budget("-1"),
    budget(seconds=0),
    budget(price="Infinity"),
    budget(measure=Measure.COST),  # at no price nothing would ever be spent
    hide("nosuch"),
    hide("a"),  # the statement reads it
    review(24),
    review(0, "eva"),
    ruled(Effect.APPROVE, reason=Reason(policy="x", code="c", message="m", hint="h", approvers=("a", "a"), quorum=2)),
    ruled(Effect.APPROVE, reason=Reason(policy="x", code="c", message="m", hint="h", approvers=("a",), valid_hours=-1)),
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
