"""Budgets and reviews as arithmetic and words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aureus_jupyter.core.budgets import (
    budget_words,
    charges_of,
    granted,
    left_words,
    limit_words,
    refusal,
    token_wishes,
    use_of,
    uses,
    wishes,
)
from aureus_jupyter.core.reviews import check_why, review_words, reviews_due
from aureus_jupyter.core.run_state import fold_events
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.budgets import Charge, Standing, Wish
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.obligations import Budget, Measure, Review
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Event, EventKind, Run
from aureus_jupyter.values.verdict import Verdict, VerdictKind

QUERIES = Budget(policy="calm", measure=Measure.QUERIES, limit="100", seconds=3600, reason="The engine is shared.")
ROWS = replace(QUERIES, policy="out", measure=Measure.RESULT_ROWS, limit="1000", seconds=86_400)
SCAN = replace(QUERIES, policy="scan", measure=Measure.SCANNED_ROWS, limit="1000000")
COST = replace(QUERIES, policy="money", measure=Measure.COST, limit="2.5", price="0.3", currency="EUR", seconds=7)
TOKENS = replace(QUERIES, policy="model", measure=Measure.TOKENS, shared=True)


def amounts(found: tuple[Wish, ...]) -> dict[str, tuple[Decimal, Decimal | None]]:
    return {one.budget.policy: (one.least, one.most) for one in found}


def test_what_a_statement_wants() -> None:
    every = (QUERIES, ROWS, SCAN, COST, TOKENS, replace(QUERIES, reason="of another dataset"))
    found = amounts(wishes(every, 10_001, None, 30))
    assert len(wishes(every, 1, 1, 30)) == 5, "what differs in words alone is one budget"
    assert found == {
        "calm": (1, 1),
        "out": (1, None),
        "scan": (10_001, 10_001),
        "money": (Decimal("0.0030003"), Decimal("0.0030003")),
        "model": (30, 30),
    }
    assert amounts(wishes((ROWS, TOKENS), None, 7)) == {"out": (1, 7)}, "a statement nobody drafted takes no tokens"
    assert wishes((SCAN, COST), 0, None) == ()


@pytest.mark.parametrize("budget", [SCAN, COST])
def test_what_nobody_can_count_is_refused(budget: Budget) -> None:
    with pytest.raises(Refused) as caught:
        wishes((budget,), None, None)
    assert caught.value.code == "scan_unknown"
    assert budget.policy in caught.value.message


def test_a_cost_is_rounded_up_whatever_the_threads_context() -> None:
    with localcontext() as context:
        context.prec = 2
        (one,) = wishes((replace(COST, price="0.000000001"),), 123_456_789, None)
    assert one.least == Decimal("0.000000124")


def test_what_a_question_wants() -> None:
    assert amounts(token_wishes((QUERIES, TOKENS), 500, 20_000)) == {"model": (500, 20_000)}


def test_a_pot_is_charged_once() -> None:
    found = [
        Standing(budget=b, spent=Decimal(0), asked=Decimal(3), fits=True) for b in (SCAN, replace(SCAN, seconds=60))
    ]
    assert charges_of(found) == (Charge(policy="scan", measure=Measure.SCANNED_ROWS, amount=Decimal(3)),)


limits = st.decimals(min_value=0, max_value=10**6, places=2)


@given(st.lists(st.tuples(limits, limits, st.none() | st.integers(1, 10**6)), min_size=1, max_size=4))
def test_what_is_granted_never_exceeds(drawn: list[tuple[Decimal, Decimal, int | None]]) -> None:
    """Of everything that fits, nothing passes a limit; where less is of use, no whole unit more would fit."""
    asked = [
        Wish(
            budget=replace(ROWS, policy=str(n), limit=str(limit)),
            least=Decimal(1),
            most=None if most is None else Decimal(most),
        )
        for n, (limit, _, most) in enumerate(drawn)
    ]
    spent = [taken for _, taken, _ in drawn]
    found = granted(asked, spent)
    for (amount, fits), wish, taken in zip(found, asked, spent, strict=True):
        assert fits == (taken + amount <= Decimal(wish.budget.limit))
        assert amount >= 1
    if all(fits for _, fits in found):
        open_ones = [amount for (amount, _), wish in zip(found, asked, strict=True) if wish.most != wish.least]
        assert len(set(open_ones)) <= 1
        for amount in open_ones:
            bounds = [Decimal(w.budget.limit) - t for w, t in zip(asked, spent, strict=True) if w.most != w.least]
            most = [w.most for w in asked if w.most is not None and w.most != w.least]
            assert any(amount + 1 > bound for bound in (*bounds, *most))


def standing(budget: Budget, spent: str, asked: str, free_at: str = "") -> Standing:
    fits = Decimal(spent) + Decimal(asked) <= Decimal(budget.limit)
    return Standing(budget=budget, spent=Decimal(spent), asked=Decimal(asked), fits=fits, free_at=free_at)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (QUERIES, "100 queries in an hour"),
        (TOKENS, "100 tokens of a model in an hour of everybody's together"),
        (COST, "2.5 EUR for scanned rows in 7 seconds"),
        (SCAN, "1,000,000 scanned rows in an hour"),
        (ROWS, "1,000 rows given out in a day"),
    ],
)
def test_limits_in_words(budget: Budget, words: str) -> None:
    assert limit_words(budget) == words


def test_what_may_be_told() -> None:
    taken = [standing(QUERIES, "98", "1"), standing(SCAN, "123456", "7000"), standing(COST, "2.49", "0.01")]
    queries, scan, cost = uses(taken, filtered=False)
    assert (queries.asked, queries.left, queries.tenths) == (1, 1, 0)
    assert (scan.asked, scan.left, scan.tenths) == (7000, None, 8)
    assert (cost.asked, cost.left, cost.tenths) == (Decimal("0.01"), None, 0)
    assert [one.asked for one in uses(taken, filtered=True)] == [1, None, None]
    assert use_of(standing(replace(QUERIES, limit="0"), "5", "0"), Decimal(0)).tenths == 0


def test_uses_in_words() -> None:
    (plan,) = uses([standing(QUERIES, "96", "1")], filtered=True)
    assert budget_words(plan, done=False) == (
        "This would take 1 of 100 queries in an hour, the budget of the policy calm; 3 are left after it. The engine is shared."
    )
    (last,) = uses([standing(QUERIES, "98", "1")], filtered=False)
    assert "This took 1 of" in budget_words(last, done=True)
    assert "; 1 is left. " in budget_words(last, done=True)
    (hidden,) = uses([standing(SCAN, "345678", "1234")], filtered=True)
    for done, verb in ((True, "This counted in"), (False, "This would count in")):
        said = budget_words(hidden, done)
        assert verb in said
        assert "6 tenths or more are left" in said
        assert not {"345", "1,234"} & set(said.replace(",", " ").split())
    (little,) = uses([standing(SCAN, "900000", "1")], filtered=True)
    assert "less than two tenths are left" in budget_words(little, done=True)
    assert [left_words(one) for one in (plan, last, hidden)] == ["3", "1", "about 6 tenths"]


def test_a_refusal_says_when_to_come_again() -> None:
    later = "2026-03-01T11:00:00.000000Z"
    found = [
        standing(ROWS, "0", "1"),
        standing(QUERIES, "100", "1", "2026-03-01T10:30:00.000000Z"),
        standing(TOKENS, "100", "1", later),
    ]
    error = refusal(found, filtered=False)
    assert error.code == "budget_spent"
    assert error.message == "the policy calm allows 100 queries in an hour: this asks for 1, and 0 are left"
    assert later in error.hint, "the latest of all that is short"


def test_a_refusal_says_when_waiting_does_not_help() -> None:
    error = refusal(
        [standing(QUERIES, "100", "1", "2026-03-01T10:30:00.000000Z"), standing(SCAN, "5", "2000000")], filtered=True
    )
    assert "scan" in error.message
    assert "2,000,000" not in error.message, "it counts rows that policy hides"
    assert "waiting does not help" in error.hint


# -- reviews -----------------------------------------------------------------------------------------------------------

REVIEW = Review(policy="glass", dataset="loan", reviewers=("petr", "dana"), hours=24, reason="Broken glass.")


def run(*kinds: EventKind, why: str = "An outage", reviews: tuple[Review, ...] = (REVIEW,)) -> Run:
    start = Run(
        id="r",
        cell=Cell(source="SELECT 1", why=why),
        principal=Principal(name="ana"),
        verdict=Verdict(kind=VerdictKind.ALLOW, reviews=reviews),
    )
    return fold_events(start, [Event(kind=k, at="2026-03-01T10:00:00.000000Z", actor="aureus") for k in kinds])


def test_a_review_needs_a_reason() -> None:
    for why in ("", "  \n"):
        with pytest.raises(Refused) as caught:
            check_why(run(why=why))
        assert caught.value.code == "why_needed"
        assert "petr or dana" in caught.value.message
        assert "--why" in caught.value.hint
    check_why(run())
    check_why(run(why="", reviews=()))
    check_why(replace(run(why=""), verdict=None))


def test_a_review_is_due_once_the_run_has_started() -> None:
    (due,) = reviews_due(run(EventKind.ALLOWED, EventKind.STARTED))
    assert (due.by, due.reviewers, due.policy) == ("2026-03-02T10:00:00.000000Z", ("petr", "dana"), "glass")
    assert reviews_due(run(EventKind.ALLOWED)) == ()
    assert reviews_due(replace(run(EventKind.ALLOWED, EventKind.STARTED), verdict=None)) == ()


def test_reviews_in_words() -> None:
    (done,) = review_words(run(EventKind.ALLOWED, EventKind.STARTED))
    assert done == (
        "petr or dana is asked to review this run of loan until 2026-03-02 10:00 UTC (policy glass): Broken glass. "
        "The reason given: An outage"
    )
    (plan,) = review_words(run())
    assert "would be asked" in plan
    assert "within 24 hours" in plan
    assert review_words(run(EventKind.ALLOWED)) == ()
    assert review_words(replace(run(), verdict=None)) == ()
