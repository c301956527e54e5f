"""What one set of policies loosens of another: every obligation, in both directions, and closed where nobody can tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aureus_jupyter.app.policy.compare import changes
from aureus_jupyter.app.policy.words import verdict_words
from aureus_jupyter.values.obligations import (
    Budget,
    Condition,
    Filter,
    Hide,
    Mask,
    MaskMethod,
    Measure,
    Op,
    Review,
    SummaryOnly,
    Within,
)
from aureus_jupyter.values.verdict import Reason, Verdict, VerdictKind

ALLOW = Verdict(kind=VerdictKind.ALLOW)
DENY = Verdict(kind=VerdictKind.DENY, reasons=(Reason(policy="p", code="c", message="m", hint="h"),))
HELD = Verdict(kind=VerdictKind.APPROVAL, approvers=("ann", "bob"), quorum=1, valid_hours=8)


def mask(method: MaskMethod = MaskMethod.LAST, **more: Any) -> Mask:
    return Mask(policy="p", dataset="d", column="c", method=method, reason="r", **more)


def only(*values: Any, op: Op = Op.IN, column: str = "c", **more: Any) -> Filter:
    return Filter(policy="p", dataset="d", column=column, op=op, values=values, reason="r", **more)


def having(**members: Any) -> Verdict:
    return replace(ALLOW, **{name: value if name == "rows" else tuple(value) for name, value in members.items()})


SUMMARY = SummaryOnly(policy="p", dataset="d", smallest=5, reason="r", protected=("a",))
BUDGET = Budget(policy="p", measure=Measure.QUERIES, limit="5", seconds=60, reason="r")
REVIEW = Review(policy="p", dataset="d", reviewers=("ann",), hours=5, reason="r")
HIDE = Hide(policy="p", dataset="d", column="c", reason="r")

TIGHTER: dict[str, tuple[Verdict, Verdict]] = {
    "a refusal": (ALLOW, DENY),
    "a need for a yes": (ALLOW, HELD),
    "a yes that becomes a no": (HELD, DENY),
    "fewer who may say it": (HELD, replace(HELD, approvers=("ann",))),
    "more who must": (HELD, replace(HELD, quorum=2)),
    "a yes that is fresh": (HELD, replace(HELD, valid_hours=4)),
    "a bound at all": (replace(HELD, valid_hours=0), HELD),
    "a mask": (ALLOW, having(masks=[mask()])),
    "a mask that shows less": (having(masks=[mask()]), having(masks=[mask(MaskMethod.REDACT)])),
    "a mask that keeps less": (having(masks=[mask()]), having(masks=[mask(keep=2)])),
    "a filter": (ALLOW, having(filters=[only("CZ")])),
    "a filter of fewer values": (having(filters=[only("CZ", "SK")]), having(filters=[only("CZ")])),
    "one more filter": (having(filters=[only("CZ")]), having(filters=[only("CZ"), only(5, op=Op.GE, column="n")])),
    "an alternative less": (
        having(filters=[only("CZ", any_of="x"), only("SK", any_of="x", column="e")]),
        having(filters=[only("CZ", any_of="x")]),
    ),
    "a cap": (ALLOW, having(rows=5)),
    "a smaller cap": (having(rows=9), having(rows=5)),
    "a hidden column": (ALLOW, having(hidden=[HIDE])),
    "summaries only": (ALLOW, having(summaries=[SUMMARY])),
    "larger groups": (having(summaries=[SUMMARY]), having(summaries=[replace(SUMMARY, smallest=9)])),
    "a budget": (ALLOW, having(budgets=[BUDGET])),
    "a smaller budget": (having(budgets=[BUDGET]), having(budgets=[replace(BUDGET, limit="4.5")])),
    "a review": (ALLOW, having(reviews=[REVIEW])),
    "a sooner review by more": (
        having(reviews=[REVIEW]),
        having(reviews=[replace(REVIEW, reviewers=("ann", "bob"), hours=2)]),
    ),
}


@pytest.mark.parametrize("name", TIGHTER)
def test_tighter_one_way_is_looser_the_other(name: str) -> None:
    before, after = TIGHTER[name]
    found = changes(before, after)
    assert found and not any(change.loosens for change in found)
    back = changes(after, before)
    assert back and any(change.loosens for change in back)
    assert changes(before, before) == changes(after, after) == []


UNCLEAR: dict[str, tuple[Verdict, Verdict]] = {
    "two constants": (
        having(masks=[mask(MaskMethod.CONSTANT, value="x")]),
        having(masks=[mask(MaskMethod.CONSTANT, value="y")]),
    ),
    "two expressions": (
        having(masks=[mask(MaskMethod.EXPRESSION, expression="a")]),
        having(masks=[mask(MaskMethod.EXPRESSION, expression="b")]),
    ),
    "two thresholds": (having(filters=[only(5, op=Op.GE)]), having(filters=[only(9, op=Op.GE)])),
    "other people": (HELD, replace(HELD, approvers=("ann", "ida"))),
    "another column": (having(filters=[only("CZ")]), having(filters=[only("CZ", column="e")])),
    "other protected columns": (
        having(summaries=[SUMMARY]),
        having(summaries=[replace(SUMMARY, smallest=9, protected=("b",))]),
    ),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_nobody_can_compare_counts_as_loosened_both_ways(name: str) -> None:
    before, after = UNCLEAR[name]
    assert any(change.loosens for change in changes(before, after))
    assert any(change.loosens for change in changes(after, before))


def test_names_and_reasons_are_no_change() -> None:
    old = having(masks=[mask()], filters=[only("CZ")], hidden=[HIDE], reviews=[REVIEW])
    new = having(
        masks=[replace(mask(), policy="q", reason="s")],
        filters=[replace(only("CZ"), policy="q")],
        hidden=[replace(HIDE, policy="q")],
        reviews=[REVIEW],
    )
    assert changes(old, new) == []
    assert changes(DENY, replace(DENY, reasons=())) == []


def test_obligations_in_words() -> None:
    within = Within(dataset="units", column="id", conditions=(Condition(column="land", op=Op.IN, values=("CZ",)),))
    told = verdict_words(
        replace(
            HELD,
            quorum=2,
            reasons=DENY.reasons,
            masks=(mask(), mask(MaskMethod.ROUND, step="10")),
            filters=(
                only(op=Op.WITHIN, within=within, any_of="x"),
                only(op=Op.NOT_NULL),
                only(),
                only(op=Op.EXPRESSION, column="", expression="a > 1"),
                only(op=Op.WITHIN, within=Within(dataset="u", column="i")),
            ),
            rows=1000,
            hidden=(HIDE,),
            summaries=(SUMMARY, replace(SUMMARY, person="who", protected=())),
            budgets=(BUDGET, replace(BUDGET, measure=Measure.COST, currency="EUR", shared=True, seconds=90)),
            reviews=(REVIEW,),
        )
    )
    assert told == [
        "Needs a yes from 2 of ann, bob, no older than 8 hours.",
        "  because m (policy p, code c)",
        "    h",
        "  d.c is hidden, as if there were no such column: r (policy p)",
        "  d.c shows its last 4 characters: r (policy p)",
        "  d.c is cut towards zero to a multiple of 10: r (policy p)",
        "  of d only rows where c is one of those of units.id where land is one of CZ (or another alternative of x): r (policy p)",
        "  of d only rows where c is not empty: r (policy p)",
        "  of d only rows where c is one of no values, which no row is: r (policy p)",
        "  of d only rows where an expression of a policy engine holds: r (policy p)",
        "  of d only rows where c is one of those of u.i: r (policy p)",
        "  d in summaries of at least 5 rows only; a inside count, sum and avg only: r (policy p)",
        "  d in summaries of at least 5 persons (by who) only: r (policy p)",
        "  at most 1,000 rows",
        "  a budget of 5 queries in a minute, each: r (policy p)",
        "  a budget of 5 EUR cost in 90 seconds, all together: r (policy p)",
        "  ann will look at it within 5 hours: r (policy p)",
    ]
    assert all(word in {"Allowed.", "Refused."} for word in (verdict_words(ALLOW)[0], verdict_words(DENY)[0]))
