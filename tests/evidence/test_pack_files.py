"""What a pack holds for each outcome, and what it must never hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from aureus_jupyter.core.evidence import outcome_word, pack_files, statement_bytes, without_secrets
from aureus_jupyter.core.report import changes, fenced, inline, is_changed, report
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.obligations import Hide, Within
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Event, EventKind, Failure, Run, State
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Reason, Verdict, VerdictKind

AT = "2026-03-01T10:00:00.000000Z"


def bare(state: State, *kinds: EventKind) -> Run:
    events = tuple(Event(kind=k, at=AT, actor="a", detail="d") for k in kinds)
    return Run(
        id="20260301T100000Z-0123456789ab",
        cell=Cell(source="x"),
        principal=Principal(name="a"),
        state=state,
        events=events,
    )


def test_outcomes(finished: Run) -> None:
    assert outcome_word(finished) == "masked"
    assert outcome_word(replace(finished, verdict=Verdict(kind=VerdictKind.ALLOW))) == "allowed"
    assert outcome_word(bare(State.HELD, EventKind.APPROVAL_REQUIRED)) == "waiting"
    assert outcome_word(bare(State.REFUSED, EventKind.DENIED)) == "refused"
    assert outcome_word(bare(State.FAILED, EventKind.ALLOWED, EventKind.STARTED, EventKind.ERRORED)) == "failed"


def test_the_same_run_gives_the_same_bytes(finished: Run) -> None:
    assert pack_files(finished) == pack_files(finished)
    assert statement_bytes(finished, pack_files(finished), AT) == statement_bytes(finished, pack_files(finished), AT)


def test_names_of_files(finished: Run) -> None:
    assert [f.name for f in pack_files(finished)] == ["evidence.md", "record.json"]
    failed = replace(
        bare(State.REFUSED, EventKind.DENIED), failure=Failure(family="f", code="c", message="m", hint="h")
    )
    assert [f.name for f in pack_files(failed)] == ["evidence.md", "record.json"]


def record(run: Run) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(next(f.data for f in pack_files(run) if f.name == "record.json"))
    return value


def test_the_record(finished: Run) -> None:
    made = record(finished)
    assert made["verdict"]["fired"] == ["p1", "p2"]
    assert made["lineage"]["tables"][0]["dataset"] == "loan"
    assert made["result"]["digest"] == "sha256:" + "2" * 64
    assert made["draft"]["by"] == "verified:q"
    assert made["environment"] == {"python": "3"}
    assert made["cell"] == finished.cell.source
    assert finished.draft is not None
    assert finished.plan is not None
    assert made["sql"] == {"original": finished.draft.sql, "rewritten": finished.plan.rewritten()}
    nothing = record(bare(State.REFUSED))
    assert nothing["sql"] == {"original": None, "rewritten": None}
    half = replace(bare(State.REFUSED), cell=Cell(source="a \ud800"))
    assert record(half)["cell"] == "a ?"
    assert [nothing[k] for k in ("draft", "verdict", "lineage", "result", "failure")] == [None] * 5


def test_a_secret_parameter_is_not_kept(finished: Run) -> None:
    everything = b"".join(f.data for f in pack_files(finished)) + statement_bytes(finished, pack_files(finished), AT)
    assert b"hunter2" not in everything
    assert {"name": "x", "type": "float", "value": "0.1"} in record(finished)["inputs"]["parameters"]


def test_the_statement_names_the_result(finished: Run) -> None:
    statement = json.loads(statement_bytes(finished, pack_files(finished), AT))
    assert {"name": "result", "digest": {"sha256": "2" * 64}} in statement["subject"]
    assert statement["predicate"]["policies_fired"] == ["p1", "p2"]
    plain = json.loads(statement_bytes(bare(State.REFUSED), [], AT))
    assert plain["predicate"]["policy_version"] == ""


def test_the_report_cannot_be_written_into(finished: Run) -> None:
    text = report(finished, "masked")
    assert "````\nselect a, b from loan where a > :x and ``` | # <b>\n````" in text
    assert "only the first 3 rows" in text
    assert inline("a|b\n*c*<d>") == "a\\|b \\*c\\*\\<d\\>"
    assert fenced("x") == "```\nx\n```"


@pytest.mark.parametrize("outcome", ["allowed", "masked", "refused", "waiting", "failed"])
def test_a_report_for_every_outcome(outcome: str, finished: Run) -> None:
    assert report(finished, outcome).startswith("# ")
    reason = Reason(policy="p", code="c", message="because", hint="do")
    refused = replace(bare(State.REFUSED, EventKind.DENIED), verdict=Verdict(kind=VerdictKind.DENY, reasons=(reason,)))
    assert "- because. do (policy p, code c)" in report(refused, outcome)
    failed = replace(bare(State.FAILED), failure=Failure(family="f", code="c", message="broke", hint="fix"))
    assert "- broke. fix (code c)" in report(failed, outcome)


def test_changes_in_words() -> None:
    filters = tuple(Filter(policy="p", dataset="x", column="a", op=op, values=(5,), reason="r") for op in Op)
    masks = (
        Mask(policy="p", dataset="x", column="a", method=MaskMethod.LAST, reason="r"),
        Mask(policy="p", dataset="x", column="unused", method=MaskMethod.LAST, reason="r"),
    )
    facts = Facts(tables=(TableUse(dataset="x", columns=("a",)),))
    run = replace(
        bare(State.FINISHED), verdict=Verdict(kind=VerdictKind.ALLOW, masks=masks, filters=filters), facts=facts
    )
    words = changes(run)
    assert words[0] == "x.a is cut to the last characters: r"
    assert len(words) == 1 + len(Op)
    assert "only rows of x where a is empty: r" in words
    assert "only rows of x that a condition of the policy p lets through: r" in words
    assert "only rows of x whose a is among those of nothing that you may see: r" in words
    within = Filter(
        policy="p", dataset="x", column="a", op=Op.WITHIN, values=(), reason="r", within=Within(dataset="y", column="b")
    )
    hides = (Hide(policy="p", dataset="x", column="secret", reason="r"),)
    verdict = Verdict(kind=VerdictKind.ALLOW, filters=(within,), hidden=hides)
    assert changes(replace(run, verdict=verdict)) == ("only rows of x whose a is among those of y that you may see: r",)
    star = Facts(tables=(TableUse(dataset="x", columns=("a",), star=True),))
    whole = changes(replace(run, verdict=verdict, facts=star))
    assert whole[1] == "some columns of x are left out: a policy hides them"
    assert len(changes(replace(run, verdict=verdict, facts=None))) == 1
    assert is_changed(run)
    assert not is_changed(bare(State.FINISHED))
    assert changes(bare(State.FINISHED)) == ()
    assert changes(replace(run, facts=None)) == words[1:]
    unused = replace(run, verdict=Verdict(kind=VerdictKind.ALLOW, masks=masks[1:]))
    assert not is_changed(unused)


def test_what_is_kept_outside_of_memory_has_no_secret(finished: Run) -> None:
    secret = (("token", "hunter2"), ("n", 5))
    run = replace(finished, cell=Cell(source="x", parameters=secret))
    assert run.draft is not None
    drafted = without_secrets(replace(run, draft=replace(run.draft, parameters=secret)))
    assert drafted.draft is not None
    assert drafted.cell.parameters == drafted.draft.parameters == (("token", "(hidden)"), ("n", 5))
    assert without_secrets(replace(run, draft=None)).cell.parameters == (("token", "(hidden)"), ("n", 5))
    plain = replace(run, cell=Cell(source="x", parameters=(("n", 5),)))
    assert without_secrets(plain) is plain
