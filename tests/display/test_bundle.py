"""Bundles: complete, repeatable, and nothing from outside can write into them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from aureus_jupyter.app.pages import problem
from aureus_jupyter.core.report import fenced, inline, visible
from aureus_jupyter.display.bundle import MIME, bundle, page
from aureus_jupyter.display.provenance import attach, provenance_of
from aureus_jupyter.display.words import BADGES, is_number
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.budgets import BudgetUse
from aureus_jupyter.values.draft import Cell, Draft, Origin
from aureus_jupyter.values.facts import Facts, OutputColumn, TableUse
from aureus_jupyter.values.obligations import Budget, Measure, Review
from aureus_jupyter.values.plan import Plan
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Event, EventKind, Failure, ResultColumn, ResultInfo, Run, State
from aureus_jupyter.values.verdict import Mask, MaskMethod, Reason, Verdict, VerdictKind

GOLDEN = Path(__file__).parent / "golden"
AT = "2026-03-01T10:00:00.000000Z"


def run(state: State, *kinds: EventKind, **more: Any) -> Run:
    events = tuple(Event(kind=k, at=AT, actor="a") for k in kinds)
    return Run(
        id="20260301T100000Z-0123456789ab",
        cell=Cell(source="select", purpose="review", notebook="/home/ana/n.ipynb"),
        principal=Principal(name="ana"),
        state=state,
        events=events,
        evidence="/home/ana/n.aureus/runs/20260301T100000Z-0123456789ab",
        evidence_digest="sha256:" + "ab" * 32,
        **more,
    )


def finished(name: str = "a", masked: bool = False, question: str = "") -> Run:
    mask = Mask(policy="p", dataset="loan", column=name, method=MaskMethod.REDACT, reason="it identifies a person")
    return run(
        State.SEALED,
        EventKind.ALLOWED,
        EventKind.STARTED,
        EventKind.COMPLETED,
        draft=Draft(sql="select 1", origin=Origin.QUESTION if question else Origin.SQL, question=question),
        facts=Facts(
            tables=(TableUse(dataset="loan", columns=(name,)),),
            outputs=(OutputColumn(name=name, sources=(f"loan.{name}",)),),
        ),
        verdict=Verdict(kind=VerdictKind.ALLOW, masks=(mask,) if masked else ()),
        plan=Plan(sql="select 1", bound="select 1", dialect="duckdb", shadows=()),
        result=ResultInfo(
            columns=(ResultColumn(name=name, type="BIGINT", sources=(f"loan.{name}",), masked=masked),),
            rows=12,
            digest="sha256:1",
            digest_method="m",
        ),
    )


QUERIES = Budget(
    policy="house.calm", measure=Measure.QUERIES, limit="100", seconds=3600, reason="The engine is everybody's."
)
REASON = Reason(policy="house.x", code="c", message="it is closed", hint="ask", approvers=("petr", "eva"))
RUNS: dict[str, tuple[Run, Any, str]] = {
    "allowed": (finished(), [["1"], [None]], ""),
    "masked": (finished(masked=True, question="how many?"), [["•••"]], ""),
    "refused": (
        run(
            State.SEALED,
            EventKind.DENIED,
            verdict=Verdict(kind=VerdictKind.DENY, reasons=(REASON,)),
            failure=Failure(family="Refused", code="c", message="it is closed", hint="ask"),
        ),
        None,
        "",
    ),
    "waiting": (
        run(
            State.HELD,
            EventKind.APPROVAL_REQUIRED,
            facts=Facts(tables=(TableUse(dataset="loan", columns=()),)),
            verdict=Verdict(kind=VerdictKind.APPROVAL, reasons=(REASON,), approvers=("eva", "petr")),
        ),
        None,
        "",
    ),
    "failed": (
        run(
            State.SEALED,
            EventKind.ALLOWED,
            EventKind.STARTED,
            EventKind.ERRORED,
            failure=Failure(family="Not run", code="data_error", message="a cast failed", hint="use try_cast"),
        ),
        None,
        "",
    ),
    "reviewed": (
        replace(
            finished(),
            cell=Cell(
                source="select", purpose="review", notebook="/home/ana/n.ipynb", why="The *nightly* run <failed>"
            ),
            verdict=Verdict(
                kind=VerdictKind.ALLOW,
                reviews=(
                    Review(policy="house.glass", dataset="loan", reviewers=("petr",), hours=24, reason="An outage."),
                ),
            ),
            budgets=(BudgetUse(budget=QUERIES, asked=Decimal(1), left=Decimal(96), tenths=9),),
        ),
        [["1"]],
        "",
    ),
    "plan": (replace(finished(), result=None, evidence="", evidence_digest=""), None, "Estimate: little."),
}


@pytest.mark.parametrize("name", RUNS)
def test_golden(name: str) -> None:
    made, rows, estimate = RUNS[name]
    shown = bundle(made, rows, ("a notice",) if name == "allowed" else (), estimate)
    text = json.dumps(shown, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    path = GOLDEN / f"{name}.json"
    assert path.exists(), f"write it and read it: {text}"
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("name", RUNS)
def test_the_json_fits_its_schema(name: str, root: Path) -> None:
    schema = json.loads((root / "aureus_jupyter" / "display" / "run.v1.schema.json").read_text())
    made, rows, estimate = RUNS[name]
    Draft202012Validator(schema).validate(bundle(made, rows, (), estimate)[MIME])


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def tags(html: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = Tags()
    parser.feed(html)
    return parser.found


NASTY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '" onload="x',
        "a|b",
        "`x`",
        "](javascript:x)",
        "\n# x",
        "<img src=x>",
        "\x1b[31m",
        "&lt;",
    ]
)


@settings(max_examples=60)
@given(NASTY, NASTY, NASTY)
def test_nothing_from_outside_can_write_markup(name: str, value: str, question: str) -> None:
    plain = bundle(finished("x", True, "q"), [["v"]])
    nasty = bundle(finished(name, True, question or "q"), [[value]])
    assert tags(nasty["text/html"]) == tags(plain["text/html"])
    assert re.search(r"(?<!\\)[<>]", nasty["text/markdown"]) is None
    assert all(c.isprintable() or c == "\n" for c in nasty["text/plain"])
    assert nasty == bundle(finished(name, True, question or "q"), [[value]])


def test_the_html_reads_without_styles_or_scripts() -> None:
    for made, rows, estimate in RUNS.values():
        html = bundle(made, rows, (), estimate)["text/html"]
        found = tags(html)
        assert not {"style", "script", "svg", "link", "button"} & {tag for tag, _ in found}
        assert all("alt" in attributes for tag, attributes in found if tag == "img")
        assert all("scope" in attributes for tag, attributes in found if tag == "th")
        assert "var(--" not in html
        assert "/home/ana" not in json.dumps(bundle(made, rows, (), estimate))


def test_how_a_question_became_sql_is_told_in_every_form() -> None:
    note = "Drafted by the model <b>m-1</b>. It says: [x](javascript:y) | z"
    made = finished(question="how many?")
    assert made.draft is not None
    shown = bundle(replace(made, draft=replace(made.draft, note=note)), [["1"]], ("before",))
    assert shown[MIME]["notices"] == ["before", note]
    assert "&lt;b&gt;m-1" in shown["text/html"]
    assert "](javascript" not in shown["text/markdown"]
    assert note in shown["text/plain"]
    assert tags(shown["text/html"]) == tags(bundle(made, [["1"]], ("before", "x"))["text/html"])
    sql = replace(made, draft=replace(made.draft, note=note, origin=Origin.SQL))
    assert bundle(sql, [["1"]])[MIME]["notices"] == []


def test_a_long_value_is_cut_in_every_form() -> None:
    shown = bundle(finished(), [["x" * 100_000], [None], ["y" * 500]])
    assert shown[MIME]["rows"] == [["x" * 499 + "…"], [None], ["y" * 500]]
    assert sum(len(json.dumps(form)) for form in shown.values()) < 20_000


def test_sql_of_several_lines_cannot_steer_a_terminal() -> None:
    made = finished(question="q")
    assert made.draft is not None
    shown = bundle(replace(made, draft=replace(made.draft, sql="select\n'\x1b[2J\u202e' as a\r\n")), [["1"]])
    assert "select\n' [2J ' as a\n" in shown["text/plain"]


def test_dollars_are_no_formula() -> None:
    value = r"$\href{javascript:alert(1)}{x}$"
    for shown in (bundle(finished(), [[value]]), page("T", [(value,)])):
        assert tags(shown["text/html"])[0][0] == "div"
        assert shown["text/html"].startswith('<div class="tex2jax_ignore mathjax_ignore"')
        assert re.search(r"(?<!\\)\$", shown["text/markdown"]) is None


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_badges_can_be_read() -> None:
    for _, word, colour in BADGES.values():
        assert word
        assert 1.05 / (luminance(colour) + 0.05) >= 7, "WCAG 2.2 AAA for white text"


@pytest.mark.parametrize(
    ("kind", "number"),
    [("BIGINT", True), ("DECIMAL(18,2)", True), ("UUID", False), ("UINTEGER", True), ("VARCHAR", False)],
)
def test_numbers_go_right(kind: str, number: bool) -> None:
    assert is_number(kind) is number


def test_pages() -> None:
    shown = page("T", [("a", "b<")], ("x", "y"), "end")
    assert "b&lt;" in shown["text/html"]
    assert "| a | b\\< |" in shown["text/markdown"]
    assert page("T", [])["text/plain"] == "T"


def test_provenance_survives_what_pandas_keeps(tmp_path: Path) -> None:
    frame = attach(pd.DataFrame({"a": [1]}), finished())
    assert provenance_of(frame.copy())["run"] == finished().id
    frame.to_parquet(tmp_path / "x.parquet")
    assert provenance_of(pd.read_parquet(tmp_path / "x.parquet")) == provenance_of(frame)
    json.dumps(provenance_of(frame))


UNSEEN = "ana\u202egpj.exe\u2066\x1b[2J\x07"
SPELT = "ana\\u202egpj.exe\\u2066\\u001b[2J\\u0007"


def test_what_is_not_seen_is_spelt_out_in_every_form() -> None:
    """A value, a name or a statement that turns the line's direction could make a page say something else."""
    shown = bundle(finished(name=UNSEEN, question=UNSEEN), [[UNSEEN]])
    for text in (shown["text/html"], shown["text/markdown"], shown["text/plain"]):
        assert not set(text) & set("\u202e\u2066\x1b\x07")
    assert shown[MIME]["rows"] == [[SPELT]]
    assert shown["text/html"].count(SPELT) >= 2
    assert visible("a\tb\nc é\u200d") == "a\tb\nc é\u200d"
    assert fenced("a\r\nb\u202e") == "```\na\nb\\u202e\n```"
    assert inline("a*\u202e") == "a\\*\\\\u202e"


def test_a_null_is_not_an_empty_text() -> None:
    shown = bundle(finished(), [[None], [""], ["null"]])
    assert "| *null* |\n|  |\n| null |" in shown["text/markdown"]
    assert "<em>null</em>" in shown["text/html"]


def test_a_cut_text_ends_in_a_mark() -> None:
    lines = bundle(finished(), [["x" * 40], ["y" * 41]])["text/plain"].splitlines()
    assert "x" * 40 in lines
    assert "y" * 39 + "…" in lines


def test_a_list_says_its_name_by_itself() -> None:
    html = bundle(*RUNS["refused"][:2])["text/html"]
    assert '<ul aria-label="Why"' in html


def test_a_page_without_heads_has_no_empty_head_and_its_text_is_no_markup() -> None:
    assert "<thead>" not in page("t", [("a", "b")])["text/html"]
    told = problem(UserError("c", "no *such* <b>name</b>", hint="try `a_b`"))
    assert "\\*such\\*" in told["text/markdown"]
    assert "<b>" not in told["text/html"]


def test_a_column_stands_below_its_dataset_in_every_form() -> None:
    made = page("t", [("loan", "x"), ("    loan_id", "y")])
    assert "\u00a0\u00a0\u00a0\u00a0loan_id" in made["text/html"]
    assert "| \u00a0\u00a0\u00a0\u00a0loan\\_id |" in made["text/markdown"]
    assert "\n      loan_id" in made["text/plain"]
