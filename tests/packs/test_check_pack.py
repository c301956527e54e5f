"""`aureus pack validate`: a pack beside the house's policies and its data; all of it in one run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from reviewed import opened

from aureus_jupyter.adapters.catalogs.validate import Problem
from aureus_jupyter.adapters.config.load import load_settings
from aureus_jupyter.app.onboarding import onboard_location
from aureus_jupyter.app.packs import check_pack
from aureus_jupyter.cli import main

SMALL = Path(__file__).parent / "small"
A, T = "policies/access.policy.yaml", "policies/access.policy_test.yaml"
HEAD = "version: 1\ndescription: d\npolicies:\n  - {id: small.access, description: d, effect: permit}\n"
CASE = "- {name: an analyst reads, principal: {roles: [analyst]}, dataset: {name: loan, pack: small, columns: {id: [BIGINT, none]}}, "
CASE += "expect: "


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """The small pack, with a seed to make its data with."""
    folder = Path(shutil.copytree(SMALL, tmp_path / "small"))
    (folder / "seeds").mkdir()
    (folder / "seeds" / "1.sql").write_text("CREATE TABLE loan AS SELECT 1 AS id\n")
    return folder


def found(pack: Path) -> list[Problem]:
    return check_pack(pack, load_settings(pack))


def one(pack: Path) -> Problem:
    (only,) = found(pack)
    return only


def test_a_good_pack(pack: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(pack) == []
    assert found(root / "packs" / "credit-risk") == []
    assert main(["pack", "validate", str(pack)]) == 0
    assert capsys.readouterr().out == "small: no problems\n"


@pytest.mark.parametrize(
    ("connection", "field", "expected"),
    [
        ("{kind: duckdb, path: nosuch.duckdb}", "connection.path", "a DuckDB file that exists"),
        ("{kind: folder, path: nosuch}", "connection.path", "a folder that exists"),
        ("{kind: folder, path: seeds/1.sql}", "connection.path", "a folder, as its kind says"),
        ("{kind: duckdb, path: seeds}", "connection.path", "a DuckDB file, as its kind says"),
        ("{kind: duckdb, path: seeds/1.sql}", "connection", "data that can be opened"),
        ("{kind: sqlalchemy, url: 'no url'}", "connection.url", "a URL such as"),
        ("{kind: sqlalchemy, url: 'postgresql://u:geheim@host/db'}", "connection.url", "a reference in place"),
        ("{kind: seeds, rows: many}", "connection.rows", "a whole number"),
    ],
)
def test_a_bad_connection(pack: Path, connection: str, field: str, expected: str) -> None:
    path = pack / "pack.yaml"
    path.write_text(path.read_text().replace("{kind: seeds, rows: 10}", connection))
    problem = one(pack)
    assert (problem.file, problem.line, problem.field, problem.warning) == ("pack.yaml", 5, field, False)
    assert expected in problem.expected
    assert "geheim" not in str(problem)


def test_a_dialect_that_is_not_here_may_be_elsewhere(pack: Path) -> None:
    path = pack / "pack.yaml"
    text = path.read_text()
    path.write_text(text.replace("{kind: seeds, rows: 10}", "{kind: sqlalchemy, url: 'nosuch://host/db'}"))
    problem = one(pack)
    assert (problem.field, problem.warning) == ("connection.url", True)
    for url in ("mysql://host/db", "sqlite:///:memory:", "postgres://host/db"):
        path.write_text(text.replace("{kind: seeds, rows: 10}", f"{{kind: sqlalchemy, url: '{url}'}}"))
        assert found(pack) == []


def test_a_connection_by_reference_is_not_resolved(pack: Path) -> None:
    path = pack / "pack.yaml"
    path.write_text(path.read_text().replace("{kind: seeds, rows: 10}", "{kind: sqlalchemy, url: 'env:NOBODY_SET'}"))
    assert found(pack) == []


def test_seeds_without_a_statement(pack: Path) -> None:
    (pack / "seeds" / "1.sql").unlink()
    assert (one(pack).field, one(pack).expected) == ("connection", "seeds/*.sql to make the data with")


def test_a_table_the_connection_does_not_have(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "bank.duckdb")) as con:
        con.execute("CREATE TABLE loan AS SELECT i AS loan_id, 5 AS amount FROM range(9) t(i)")
    onboard_location(str(tmp_path / "bank.duckdb"), tmp_path / "pack", "pack")
    opened(tmp_path / "pack")
    assert found(tmp_path / "pack") == []
    path = tmp_path / "pack" / "contracts" / "loan.odcs.yaml"
    path.write_text(path.read_text().replace("physicalName: ", "physicalName: x"))
    problem = one(tmp_path / "pack")
    assert (problem.file, problem.field) == ("contracts/loan.odcs.yaml", "schema.0.physicalName")
    assert "loan" in problem.expected.partition("nearest: ")[2]


def test_a_database_in_use_says_nothing_against_the_pack(tmp_path: Path) -> None:
    path = tmp_path / "bank.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE loan AS SELECT i AS loan_id FROM range(9) t(i)")
    onboard_location(str(path), tmp_path / "pack", "pack")
    opened(tmp_path / "pack")
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        problem = one(tmp_path / "pack")
        holder.communicate("")
    assert (problem.file, problem.field, problem.warning) == ("pack.yaml", "connection", True)
    assert "open elsewhere" in problem.found


def test_a_draft_is_a_warning_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "loan.csv").write_text("loan_id,amount\n1,2\n2,3\n")
    onboard_location(str(tmp_path / "in"), tmp_path / "pack", "pack")
    assert main(["pack", "validate", str(tmp_path / "pack")]) == 0
    told = capsys.readouterr().out
    line = (tmp_path / "pack" / "contracts" / "loan.odcs.yaml").read_text().splitlines().index("status: draft") + 1
    assert f"warning: contracts/loan.odcs.yaml:{line}: status: expected active once it is reviewed" in told
    assert "pack: no problems, 1 warning" in told


def test_a_policy_test_that_passes_and_one_that_fails(pack: Path) -> None:
    (pack / T).write_text(CASE + "{verdict: allow}}\n")
    assert found(pack) == []
    (pack / T).write_text(CASE + "{verdict: allow}}\n" + CASE + "{verdict: deny}}\n")
    problem = one(pack)
    assert (problem.file, problem.line, problem.field, problem.warning) == (T, 2, "an analyst reads", False)
    assert problem.found == "verdict is allow, not deny"


@pytest.mark.parametrize(
    ("text", "line", "field", "expected"),
    [
        ("- {", 2, "the file", "plain YAML"),
        ("a: 1\n", 1, "the file", "a list"),
        ("- 5\n", 1, "0", "a table"),
        (CASE + "{}}\n", 1, "0.expect", "not empty"),
        (CASE + "{verdict: alow}}\n", 1, "0.expect.verdict", "(nearest: allow)"),
        ("\n" + CASE.replace("none", "nune") + "{verdict: allow}}\n", 2, "0.dataset.columns.id.1", "(nearest: none)"),
        (CASE.replace("roles", "role") + "{verdict: allow}}\n", 1, "0.principal", "only the members"),
    ],
)
def test_a_policy_test_that_cannot_be_read(pack: Path, text: str, line: int, field: str, expected: str) -> None:
    (pack / T).write_text(text)
    problem = one(pack)
    assert (problem.file, problem.line, problem.field) == (T, line, field)
    assert expected in problem.expected


def test_policies_that_do_not_load_beside_the_house(pack: Path) -> None:
    (pack / A).write_text(HEAD.replace("small.access", "house.purpose.required"))
    (pack / T).write_text(CASE + "{verdict: allow}}\n")
    problem = one(pack)
    assert problem.file == "policies"
    assert "an id of its own" in problem.found


POLICY = (
    "version: 1\npolicies:\n  - id: small.x\n    description: d\n    match: {MATCH}\n    when: {WHEN}\n    EFFECT\n"
)


@pytest.mark.parametrize(
    ("match", "when", "effect", "field", "expected"),
    [
        ("domains: [lending]", "", "", "match.domains", "domains of the pack"),
        ("jurisdictions: [EV]", "", "", "match.jurisdictions", "jurisdictions of the pack (nearest: EU)"),
        ("has_column: ownr", "", "", "match.has_column", "a column of the pack (nearest: owner)"),
        ("has_pii: [sensitive]", "", "", "match", "a match that fits a dataset"),
        ("datasets: [loan], has_pii: [direct]", "", "", "match", "a match that fits a dataset"),
        ("classification_at_most: public", "", "", "match", "a match that fits a dataset"),
        ("", "uses_columns: [id, maul]", "", "when.uses_columns", "columns of the pack (nearest: mail)"),
        ("datasets: [loan]", "uses_pii: [direct]", "", "when.uses_pii", "PII levels of a column"),
        ("datasets: [loan]", "shows_pii: [direct]", "", "when.shows_pii", "PII levels of a column"),
        ("", "shows_columns: [maul]", "", "when.shows_columns", "columns of the pack (nearest: mail)"),
        ("tags_any: [credit]", "", "", "match.tags_any", "tags of the pack"),
        ("", "uses_tags: [credit]", "", "when.uses_tags", "tags of the pack's columns"),
        (
            "",
            "",
            "effect: hide\n    reason: r\n    hide: {columns: {names: [mial]}}",
            "hide.columns.names",
            "columns of the pack (nearest: mail)",
        ),
        (
            "datasets: [loan]",
            "",
            "effect: hide\n    reason: r\n    hide: {columns: {pii: [direct]}}",
            "hide.columns",
            "columns of a dataset",
        ),
        (
            "",
            "",
            "effect: mask\n    reason: r\n    mask: {columns: {names: [mial]}}",
            "mask.columns.names",
            "columns of the pack (nearest: mail)",
        ),
        (
            "datasets: [loan]",
            "",
            "effect: mask\n    reason: r\n    mask: {columns: {pii: [direct]}}",
            "mask.columns",
            "columns of a dataset",
        ),
        (
            "",
            "",
            "effect: filter\n    reason: r\n    filter: {column: mails, values: [x]}",
            "filter.column",
            "a column of each dataset it matches, borrower too (nearest: mail)",
        ),
    ],
)
def test_a_policy_that_matches_nothing_is_a_warning(
    pack: Path, match: str, when: str, effect: str, field: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = pack / "contracts" / "loan.odcs.yaml"
    text = contract.read_text().replace(
        "customProperties:\n", "domain: credit\ncustomProperties:\n  - {property: jurisdiction, value: EU}\n"
    )
    contract.write_text(text)
    text = POLICY.replace("MATCH", match).replace("WHEN", when).replace("EFFECT", effect or "effect: permit")
    (pack / "policies" / "more.policy.yaml").write_text(text)
    problems = [p for p in found(pack) if p.field == f"small.x.{field}"]
    assert [p.file for p in problems] == ["policies/more.policy.yaml"], found(pack)
    assert problems[0].line == {"match": 5, "when": 6, "mask": 9, "hide": 9, "filter": 9}[field.partition(".")[0]]
    assert expected in problems[0].expected
    assert problems[0].warning
    assert main(["pack", "validate", str(pack)]) == 0
    assert "warning: policies/more.policy.yaml" in capsys.readouterr().out


def test_a_policy_that_reaches_something_is_none(pack: Path) -> None:
    text = POLICY.replace("MATCH", "has_column: MAIL, has_pii: [direct], classification_at_least: internal")
    text = text.replace("WHEN", "uses_columns: [Mail], uses_pii: [direct]")
    for effect in ("mask: {columns: {names: [MAIL]}}", "mask: {columns: {pii: [direct]}}"):
        (pack / "policies" / "more.policy.yaml").write_text(
            text.replace("EFFECT", f"effect: mask\n    reason: r\n    {effect}")
        )
        assert found(pack) == []


def test_words_of_a_list_are_looked_for_and_its_name_is_not(pack: Path) -> None:
    text = POLICY.replace("MATCH", "").replace("WHEN", "uses_columns: [$known]").replace("EFFECT", "effect: permit")
    (pack / "policies" / "more.policy.yaml").write_text(text.replace("policies:", "lists: {known: [mail]}\npolicies:"))
    assert found(pack) == []
    (pack / "policies" / "more.policy.yaml").write_text(text)
    problem = one(pack)
    assert (problem.file, problem.warning) == ("policies/more.policy.yaml", False)
    assert "the name of one of the file's lists" in problem.found, "without it nothing may be read in a session"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("seeds/2.sql", b"#!/bin/sh\n"),
        ("notes.txt", b"\x7fELF\x02"),
        ("seeds/a.csv", b"MZ\x90"),
        ("x.json", b"PK\x03\x04"),
    ],
)
def test_a_program_under_another_name(pack: Path, name: str, data: bytes) -> None:
    (pack / name).write_bytes(data)
    assert (one(pack).file, one(pack).expected) == (name, "data, a pack holds no code")


def test_a_file_that_may_be_executed(pack: Path) -> None:
    (pack / "seeds" / "1.sql").chmod(0o755)
    assert (one(pack).file, one(pack).found) == ("seeds/1.sql", "one that may be executed")


def test_everything_wrong_is_said_in_one_run(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten mistakes in six files, of which three hide behind others; and nothing that only follows from them."""
    loan, borrower = pack / "contracts" / "loan.odcs.yaml", pack / "contracts" / "borrower.odcs.yaml"
    text = (
        loan.read_text()
        .replace("value: internal", "value: secret")
        .replace("classification: public", "classification: pubic")
    )
    loan.write_text(text.replace("value: 10, unit: y", "value: 10, unit: eons"))
    text = (
        borrower.read_text()
        .replace("value: direct", "value: dirct")
        .replace("physicalType: BIGINT", "physicalType: '1'")
    )
    borrower.write_text(text)
    (pack / "pack.yaml").write_text(
        (pack / "pack.yaml").read_text().replace("{kind: seeds, rows: 10}", "{kind: folder, path: gone}")
    )
    (pack / T).write_text(CASE + "{verdit: deny}}\n")
    (pack / "run.py").write_text("print()\n")
    (pack / A).write_text(
        (pack / A).read_text().replace("roles_any", "role_any").replace("effect: permit", "effect: permt")
    )
    assert main(["pack", "validate", str(pack)]) == 1
    told = capsys.readouterr().out
    places = {tuple(line.split(": ")[:2]) for line in told.splitlines()[:-1]}
    assert places == {
        ("contracts/borrower.odcs.yaml:12", "schema.0.properties.0.physicalType of id"),
        ("contracts/borrower.odcs.yaml:18", "schema.0.properties.1.customProperties.0.value of mail"),
        ("contracts/loan.odcs.yaml:7", "customProperties.0.value"),
        ("contracts/loan.odcs.yaml:9", "slaProperties.0"),
        ("contracts/loan.odcs.yaml:16", "schema.0.properties.0.classification of id"),
        ("pack.yaml:5", "connection.path"),
        ("policies/access.policy.yaml:7", "policies.0.when"),
        ("policies/access.policy.yaml:8", "policies.0.effect"),
        ("policies/access.policy_test.yaml:1", "0.expect"),
        ("run.py", "the file"),
    }
    assert told.endswith("small: 10 problems\n")
