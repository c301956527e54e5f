"""The loop between a copilot and the guard: what goes back to a model, how often, and what never does."""

from __future__ import annotations

from typing import Any, cast

import pytest

from aureus_jupyter.errors import AureusError, Unavailable, UserError
from aureus_jupyter.service.decisions import Decided
from aureus_jupyter.service.drafting import DraftError, draft_and_decide
from aureus_jupyter.testing.copilots import CATALOG, Scripted
from aureus_jupyter.values.draft import Cell, Draft, Origin

CELL = Cell(source="how many loans", kind="question", purpose="review")
FINE = cast(Decided, object())


def draft(by: str = "model:m") -> Draft:
    return Draft(sql="SELECT 1 AS a", origin=Origin.QUESTION, by=by, question=CELL.source)


def bad(code: str) -> AureusError:
    return UserError(code, f"about {code}", hint="HINTMARK")


def judged(copilot: Scripted, *answers: Any) -> tuple[Draft, Decided]:
    said = list(answers)

    def decide(_: Draft) -> Decided:
        answer = said.pop(0)
        if isinstance(answer, AureusError):
            raise answer
        return cast(Decided, answer)

    return draft_and_decide(CELL, copilot, lambda: CATALOG, "duckdb", decide, lambda sql: False)


def test_errors_go_back_in_order_and_the_round_is_kept() -> None:
    copilot = Scripted(draft(), draft(), draft())
    found, _ = judged(copilot, bad("one"), bad("two"), FINE)
    assert found.rounds == 2
    assert [context.feedback for _, context in copilot.asked] == [
        (),
        (("one", "about one"),),
        (("one", "about one"), ("two", "about two")),
    ]
    assert "HINTMARK" not in str(copilot.asked), "a hint is for the person; it may name what a model need not know"


def test_after_two_repairs_the_last_error_stands() -> None:
    copilot = Scripted(*[draft()] * 5)
    with pytest.raises(DraftError) as caught:
        judged(copilot, bad("one"), bad("two"), bad("three"))
    assert (caught.value.error.code, len(copilot.asked)) == ("three", 3)


def test_a_verified_question_is_not_repaired() -> None:
    copilot = Scripted(draft("verified:a"))
    with pytest.raises(DraftError):
        judged(copilot, bad("one"))
    assert len(copilot.asked) == 1


def test_what_no_other_draft_would_mend_does_not_go_back() -> None:
    copilot = Scripted(draft(), draft())
    with pytest.raises(DraftError) as caught:
        judged(copilot, Unavailable("contract_drift", "the data changed", hint="Ask its owner."), FINE)
    assert (caught.value.error.code, len(copilot.asked)) == ("contract_drift", 1)


def test_a_copilot_that_fails_in_a_repair_fails_the_run() -> None:
    with pytest.raises(UserError) as caught:
        judged(Scripted(draft(), bad("copilot_budget")), bad("one"))
    assert caught.value.code == "copilot_budget"
    with pytest.raises(UserError) as caught:
        judged(Scripted(draft()), bad("one"))
    assert caught.value.code == "script_ended"
