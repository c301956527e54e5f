"""Verified questions: whole phrasings with typed slots, nothing guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.copilots.offline import VerifiedQuestions
from aureus_jupyter.core.copilot.verified import match, nearest_questions, slot_value, verified_draft, with_defaults
from aureus_jupyter.errors import UserError
from aureus_jupyter.ports import CopilotContext
from aureus_jupyter.values.catalog import Catalog, Metric, Question, Slot
from aureus_jupyter.values.plan import Parameter

NOTE = "Answered with the verified question “expected loss for loans with PD above {pd}”. The expected loss."
QUESTIONS = (
    Question(
        id="el",
        phrasings=("expected loss for loans with PD above {pd}",),
        sql="select :pd",
        slots=(Slot(name="pd", kind="percent", default="10 %"),),
        answer="The expected loss.",
    ),
    Question(
        id="late",
        phrasings=("loans more than {days} days late", "late loans"),
        sql="select :days",
        slots=(Slot(name="days", kind="number", default="30"),),
    ),
    Question(
        id="in",
        phrasings=("exposure of {product} in {country} since {day}",),
        sql="select 1",
        slots=(
            Slot(name="product", kind="choice", choices=("card", "card plus")),
            Slot(name="country", kind="text"),
            Slot(name="day", kind="date"),
        ),
    ),
    Question(id="a", phrasings=("same words",), sql="select 1"),
    Question(id="b", phrasings=("same words",), sql="select 2"),
)

ASKED: dict[str, tuple[str, dict[str, Parameter]]] = {
    "expected loss for loans with PD above 10 %": ("el", {"pd": 0.1}),
    "  Expected  loss for loans with pd above 7%? ": ("el", {"pd": 0.07}),
    "Expected loss for loans with PD above 2,5 percent.": ("el", {"pd": 0.025}),
    "loans more than 1,000 days late": ("late", {"days": 1000}),
    "loans more than 1.5 thousand days late": ("late", {"days": 1500}),
    "loans more than 0.5 days late": ("late", {"days": 0.5}),
    "loans more than 2 million days late": ("late", {"days": 2_000_000}),
    "late loans": ("late", {"days": 30}),
    "exposure of card plus in CZ since 2026-01-31": (
        "in",
        {"product": "card plus", "country": "CZ", "day": "2026-01-31"},
    ),
}


@pytest.mark.parametrize("asked", ASKED)
def test_matches(asked: str) -> None:
    identifier, values = ASKED[asked]
    found = match(asked, QUESTIONS)
    assert found is not None
    assert (found.question.id, dict(found.parameters)) == (identifier, values)


@pytest.mark.parametrize(
    "asked",
    [
        "expected loss for loans with PD above ten",
        "expected loss for loans with PD above 10 % in CZ",
        "exposure of mortgage in CZ since 2026-01-31",
        "exposure of card in CZ since 2026-13-31",
        "loans more than 1,2,3 days late",
        "loans more than 1234567890123456 days late",
        "expected loss for loans with PD above 1,000 %",
        "expected loss for loans with PD above 1234567890123456 %",
        "exposure of card in CZ since 2026-02-30",
        "exposure of card in CZ since ２０２６-02-3",
        "loans more than " + "1" * 600 + " days late",
        "same words",
        "something else; drop table loan",
    ],
)
def test_no_match(asked: str) -> None:
    assert match(asked, QUESTIONS) is None


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("percent", "x", None),
        ("text", " ", None),
        ("number", "", None),
        ("number", "12 34", None),
        ("number", "-3", -3),
        ("number", "1.1 million", 1_100_000),
        ("number", "99999999999999 bn", 99999999999999e9),
        ("number", "0.1", 0.1),
        ("date", "٢٠٢٦-٠١-٠١", None),
        ("choice", "z", None),
    ],
)
def test_slots(kind: str, text: str, value: Parameter) -> None:
    assert slot_value(Slot(name="s", kind=kind, choices=("a",)), text) == value


@given(st.text(max_size=80))
def test_any_text_is_answered_calmly(asked: str) -> None:
    match(asked, QUESTIONS, METRICS)
    assert len(nearest_questions(asked, QUESTIONS)) == 3


def test_examples_can_be_typed() -> None:
    assert with_defaults("exposure of {product}", QUESTIONS[2]) == "exposure of <choice>"
    assert nearest_questions("loans late", QUESTIONS)[0] == "late loans"
    assert nearest_questions("x", ()) == ()


def context(catalog: Catalog) -> CopilotContext:
    return CopilotContext(catalog=catalog, dialect="duckdb", purpose="p")


def test_the_offline_copilot() -> None:
    catalog = Catalog(datasets=(), questions=QUESTIONS)
    draft = VerifiedQuestions().draft("Expected loss for loans with PD above 10 %", context(catalog))
    assert (draft.by, draft.parameters, draft.note) == ("verified:el", (("pd", 0.1),), NOTE)
    with pytest.raises(UserError) as caught:
        VerifiedQuestions().draft("expected gain", context(catalog))
    assert caught.value.code == "cannot_answer_offline"
    assert "expected loss for loans with PD above 10 %" in caught.value.hint
    with pytest.raises(UserError) as caught:
        VerifiedQuestions().draft("x", context(Catalog(datasets=())))
    assert "configure a copilot" in caught.value.hint


def test_every_phrasing_of_the_pack_matches_itself(root: Path) -> None:
    questions = PackSource(root / "packs" / "credit-risk").load().questions
    assert len(questions) >= 12
    for question in questions:
        for phrasing in question.phrasings:
            found = match(with_defaults(phrasing, question), questions)
            assert found is not None, phrasing
            assert found.question.id == question.id


METRICS = (
    Metric(name="expected_loss", sql="sum(el)", dataset="loan", synonyms=("EL", "loss we expect")),
    Metric(name="late_loans", sql="count(*)", dataset="loan", synonyms=("late loans at all", "EL loans")),
)


@pytest.mark.parametrize(
    ("asked", "identifier"),
    [
        ("EL for loans with PD above 10 %", "el"),
        ("Loss we expect for loans with PD above 10 %", "el"),
        ("late loans at all", "late"),
        ("el loans", "late"),
        ("expected loss for loans with PD above 10 %", "el"),
    ],
)
def test_other_names_of_a_measure(asked: str, identifier: str) -> None:
    found = match(asked, QUESTIONS, METRICS)
    assert found is not None
    assert found.question.id == identifier


@pytest.mark.parametrize("asked", ["elk for loans with PD above 10 %", "same words", "EL for loans"])
def test_other_names_are_whole_words(asked: str) -> None:
    assert match(asked, QUESTIONS, METRICS) is None


def test_a_slot_keeps_its_letters_and_is_never_text_of_the_statement() -> None:
    catalog = Catalog(datasets=(), questions=QUESTIONS, metrics=METRICS)
    hostile = "Exposure of CARD in x'; DROP TABLE loan --EL since 2026-01-31"
    draft = verified_draft(hostile, catalog)
    assert draft is not None
    assert draft.sql == "select 1"
    assert dict(draft.parameters) == {"product": "card", "country": "x'; DROP TABLE loan --EL", "day": "2026-01-31"}
    assert verified_draft("nothing like it", catalog) is None
