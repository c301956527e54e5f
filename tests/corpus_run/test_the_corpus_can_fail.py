"""What a weak guard would come to: the corpus must find each weakness, or it proves nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from aureus_jupyter.app.selftest import corpus_folder, run_selftest
from aureus_jupyter.cli import main
from aureus_jupyter.testing.corpus import Attack, CorpusError, is_ordered, load_attacks
from aureus_jupyter.testing.corpus_judge import Answer, Bare, Observed, attack_problems, bite_problem, bites, leaks
from aureus_jupyter.testing.corpus_report import Report

ATTACK = Attack(
    id="a", family="f", dialect="duckdb", cells=("select nick from staff",), mechanism="m", expect="governed"
)


def small(tmp_path: Path, *attacks: dict[str, object]) -> Path:
    """Return a corpus of these attacks over the world as it is."""
    corpus = tmp_path / "corpus"
    shutil.copytree(corpus_folder() / "world", corpus / "world")
    (corpus / "legitimate").mkdir()
    (corpus / "attacks").mkdir()
    cases = [{"mechanism": "m", "expect": "governed", "dialects": ["duckdb"], **attack} for attack in attacks]
    (corpus / "attacks" / "some.yaml").write_text(yaml.safe_dump({"family": "some", "attacks": cases}), "utf-8")
    return corpus


def test_a_guard_without_masks_filters_and_denials_is_found_out(tmp_path: Path) -> None:
    permit = (
        "version: 1\ndescription: Everything.\npolicies:\n"
        "  - {id: weak.permit, description: All of it., match: {packs: [corpus]}, effect: permit}\n"
    )
    corpus = small(
        tmp_path,
        {"id": "marker", "sql": "select pin from staff"},
        {"id": "count", "sql": "select count(*) from staff"},
        {"id": "pair", "pair": ["select 1 from vip limit 1", "select 1 from vip where 1 = 0"]},
        {"id": "denied", "sql": "select * from vip", "expect": "refused", "codes": ["vip_denied"]},
        {"id": "cap", "sql": "select line from log", "most": 100, "shows": "line0400"},
        {"id": "unlisted", "sql": "select * from ghost", "expect": "refused", "codes": ["unknown_dataset"]},
    )
    (corpus / "world" / "policies" / "world.policy.yaml").write_text(permit, "utf-8")
    found = {line.case.id for line in run_selftest(corpus=corpus).failures}
    assert found == {"marker", "count", "pair", "denied", "cap"}


def test_the_command_prints_a_table_and_says_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held: dict[str, object] = {"id": "held", "sql": "select pin from staff"}
    corpus = small(tmp_path, held)
    assert main(["selftest", "--corpus", str(corpus)]) == 0
    assert "governed" in capsys.readouterr().out
    cases = [{"id": "dull", "sql": "select 1", "mechanism": "m", "expect": "governed", "dialects": ["duckdb"]}]
    (corpus / "attacks" / "more.yaml").write_text(yaml.safe_dump({"family": "more", "attacks": cases}), "utf-8")
    assert main(["selftest", "--corpus", str(corpus)]) == 1
    assert "FAILED duckdb more: dull: does nothing on the unguarded engine" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "x QZPINA0001",
        "qzpina",
        "1000ANIPZQ",
        b"QZPINA".hex(),
        "UVpQSU5B",
        "eFFaUElOQQ==",
        "eXhRWlBJTkE=",
        "".join(f"{byte:08b}" for byte in b"QZPINA"),
        "wage 91123456.50 of A",
    ],
)
def test_a_marker_is_found_however_it_is_written(text: str) -> None:
    assert leaks(text, "select 1")


def test_what_the_statement_says_itself_is_no_leak() -> None:
    assert not leaks("select 'QZPINA'", "select 'QZPINA'")
    assert leaks("QZPINA QZROWA", "select 'QZPINA'") == ["QZROWA"]


def seen(**answer: object) -> Observed:
    return Observed(answers=(Answer(**answer),), evidence=({"record.json": b"{}"},))  # type: ignore[arg-type]  # members by name


@pytest.mark.parametrize(
    "other",
    [
        {"rows": ("(1,)",)},
        {"code": "data_error"},
        {"message": "x"},
        {"hint": "x"},
        {"span": "line 1, column 2"},
        {"columns": (("a", "INTEGER"),)},
        {"truncated": True},
    ],
)
def test_any_difference_between_the_databases_is_found(other: dict[str, object]) -> None:
    assert attack_problems(ATTACK, seen(), seen(**other))


def test_a_difference_in_evidence_or_in_what_is_printed_is_found() -> None:
    assert attack_problems(ATTACK, seen(), Observed(answers=(Answer(),), evidence=({"record.json": b"{ }"},)))
    assert attack_problems(ATTACK, seen(), Observed(answers=(Answer(),), evidence=({},)))
    assert attack_problems(
        ATTACK, seen(), Observed(answers=(Answer(),), evidence=({"record.json": b"{}"},), printed="x")
    )
    assert not attack_problems(ATTACK, seen(), seen())


def test_the_order_counts_where_it_was_asked_for() -> None:
    rows = {"rows": ("1", "2")}, {"rows": ("2", "1")}
    assert not attack_problems(ATTACK, seen(**rows[0]), seen(**rows[1]))
    ordered = Attack(**{**{f: getattr(ATTACK, f) for f in ATTACK.__slots__}, "cells": ("select 1 order by 1",)})
    assert attack_problems(ordered, seen(**rows[0]), seen(**rows[1]))
    assert is_ordered("select 1 /* order by */ order  by 2")
    assert not is_ordered("select rank() over (order by 1), 'order by' as t")


def test_an_attack_that_does_nothing_anywhere_proves_nothing() -> None:
    nothing = Bare(shown=("['a']\n(1,)",))
    assert not bites(ATTACK, nothing, nothing)
    assert bites(ATTACK, nothing, nothing, Bare(shown=("['a']\n(2,)",)))
    assert bites(ATTACK, nothing, Bare(shown=("['a']\n(2,)",)))
    assert bite_problem(ATTACK, worked=False)
    assert not bite_problem(ATTACK, worked=True)


def test_a_known_hole_that_is_closed_fails_until_its_mark_is_gone() -> None:
    known = Attack(**{**{f: getattr(ATTACK, f) for f in ATTACK.__slots__}, "known": "why"})
    report = Report()
    report.add(known, ["gets through"])
    assert not report.failures
    assert "KNOWN" in report.text()
    report.add(known, [])
    assert report.failures
    assert "take the mark away" in report.text()


@pytest.mark.parametrize(
    "case",
    [
        {"id": "a", "sql": "select 1", "mechanism": "m", "expect": "governd"},
        {"id": "a", "sql": "select 1", "mechanism": "m", "expect": "refused"},
        {"id": "a", "sql": "select 1", "mechanism": "m", "expect": "harmless"},
        {"id": "a", "sql": "select 1", "mechanism": "m", "expect": "governed", "bites": "maybe"},
        {"id": "a", "sql": "select 1", "mechanism": "m", "expect": "governed", "bites": "declared"},
        {"id": "a", "sql": "select 1", "expect": "governed"},
        {"id": "a", "mechanism": "m", "expect": "governed"},
        {"id": "a", "sql": "select 1", "mechanism": "m", "expect": "governed", "dialects": ["mysql"]},
        {"id": "a", "sql": "select 1", "mechanism": "m", "expect": "governed", "expct": "x"},
        {"sql": "select 1", "mechanism": "m", "expect": "governed"},
    ],
)
def test_a_case_that_says_nothing_sensible_is_refused(case: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"family": "f", "attacks": [case]}), "utf-8")
    with pytest.raises(CorpusError):
        load_attacks(tmp_path)
