"""Cells end to end: what each outcome shows, gives and leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from aureus_jupyter import provenance
from aureus_jupyter.app import get_app, reset_app
from aureus_jupyter.app.build import bytes_of, trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.display.bundle import MIME
from aureus_jupyter.errors import UserError

SUMMARY = "SELECT country, sum(pd * lgd * ead) AS el FROM loan GROUP BY country ORDER BY country"
PEOPLE = """SELECT b.full_name, b.iban, b.birth_date, b.country, l.outstanding
FROM borrower b JOIN loan l USING (borrower_id) LIMIT 50"""


def raw(front: Any) -> duckdb.DuckDBPyConnection:
    (path,) = (Path(get_app().settings.keys_dir or _data()) / "seeds").glob("credit-risk-3000-*.duckdb")
    return duckdb.connect(str(path), read_only=True)


def _data() -> str:
    from aureus_jupyter.app.build import data_folder

    return str(data_folder())


def test_allowed(front: Any) -> None:
    told = front.asked(SUMMARY, "exposure <<")
    assert told.error is None
    assert told.card["outcome"] == "allowed"
    assert told.card["changes"] == []
    frame = front.shell.user_ns["exposure"]
    assert isinstance(frame, pd.DataFrame)
    get_app().close()
    pd.testing.assert_frame_equal(frame, raw(front).execute(SUMMARY).df())
    about = provenance(frame)
    assert about["columns"]["el"]["sources"] == ["loan.ead", "loan.lgd", "loan.pd"]
    assert about["run"] == told.card["run"]
    assert told.stdout == told.stderr == ""


def test_masked_and_filtered(front: Any) -> None:
    told = front.asked(PEOPLE, "-o people")
    frame = front.shell.user_ns["people"]
    assert told.card["outcome"] == "masked"
    assert set(frame["full_name"]) == set(frame["iban"]) == {"•••"}
    assert set(frame["country"]) == {"CZ"}
    assert all(d.month == d.day == 1 for d in frame["birth_date"].dropna())
    assert provenance(frame)["masked"] == ["full_name", "iban", "birth_date"]
    assert any("only rows of borrower where country is one of CZ" in c for c in told.card["changes"])


def test_refused_leaves_the_variable_alone(front: Any) -> None:
    front.shell.user_ns["x"] = "before"
    told = front.cell("x << --purpose marketing", "SELECT full_name FROM borrower")
    assert told.code == "purpose_not_allowed"
    assert told.card["outcome"] == "refused"
    assert "policy house.purpose.no-marketing" in told.card["why"][0]
    assert front.shell.user_ns["x"] == "before"


def test_a_question(front: Any) -> None:
    told = front.asked("expected loss for loans with PD above 10 %")
    assert told.card["question"] == "expected loss for loans with PD above 10 %"
    get_app().close()
    expected = raw(front).execute("select sum(pd * lgd * ead) from loan where pd > 0.1 and currency = 'EUR'").fetchone()
    frame = front.shell.user_ns["_"]
    assert expected is not None
    assert frame.set_index("currency").loc["EUR", "expected_loss"] == pytest.approx(expected[0])


def test_every_outcome_leaves_evidence_that_verifies(front: Any) -> None:
    front.asked(SUMMARY)
    front.asked(PEOPLE)
    front.cell("--purpose marketing", "SELECT full_name FROM borrower")
    front.asked("SELECT borrower_id, limit_amount FROM exposure_limit LIMIT 3")
    front.asked("who is the best borrower of them all")
    front.asked("SELECT cast(country AS INTEGER) FROM loan")
    found = verify_paths([front.folder], trust_path(get_app().settings))
    assert all(one.ok for one in found), [one.findings for one in found]
    assert sorted(one.verdict for one in found) == ["allowed", "failed", "masked", "refused", "refused", "waiting"]
    everything = b"".join(p.read_bytes() for run in front.runs for p in run.iterdir())
    assert b"CZ65" not in everything
    journal = front.folder / "notebook.aureus" / "journal"
    assert not list(journal.glob("*.jsonl"))


def test_the_users_text_is_what_ran(front: Any) -> None:
    text = '-- a comment\nSELECT  country , count ( * )  AS "N n"\nFROM loan\nWHERE pd > :p GROUP BY 1 ORDER BY 1'
    told = front.asked(text, "--params p=0.05")
    (run,) = front.runs
    assert told.error is None
    record = json.loads((run / "record.json").read_text())
    assert (record["cell"], record["sql"]["original"]) == (text, text)
    assert record["sql"]["rewritten"].endswith(text)
    assert record["inputs"]["parameters"] == [{"name": "p", "type": "float", "value": "0.05"}]
    assert list(front.shell.user_ns["_"].columns) == ["country", "N n"]


def test_a_dry_run_touches_nothing(front: Any) -> None:
    told = front.asked(PEOPLE, "--dry-run")
    assert told.error is None
    assert told.card["outcome"] == "plan"
    assert "CREATE TEMP VIEW" in told.card["sql"]
    assert "no estimate" in told.card["what"]
    assert "Estimate" in front.asked(SUMMARY, "--dry-run").card["what"]
    held = front.asked("SELECT limit_amount FROM exposure_limit WHERE limit_amount > 46000000", "--dry-run")
    assert "would wait for a yes" in held.card["title"]
    assert "rows" not in held.card["what"], "an estimate would answer questions about rows nobody approved"
    assert front.runs == []
    assert front.asked("SELECT * FROM nosuch", "--dry-run").code == "unknown_dataset"
    refused = front.cell("--dry-run --purpose marketing", "SELECT full_name FROM borrower")
    assert "Nothing would run" in refused.card["what"]
    assert "would be refused" in refused.card["title"]


@pytest.mark.parametrize("text", ["FROM loan a", "SELECT 1 a", "FROM loan AS a", "TABLE loan"])
def test_what_a_parser_reads_is_no_question(text: str, front: Any) -> None:
    told = front.asked(text)
    assert told.error is None
    assert told.card["question"] == ""


@pytest.mark.parametrize(("kind", "module"), [("pandas", "pandas"), ("polars", "polars"), ("arrow", "pyarrow")])
def test_frames(kind: str, module: str, front: Any) -> None:
    front.asked(SUMMARY, f"--frame {kind} f <<")
    frame = front.shell.user_ns["f"]
    assert type(frame).__module__.partition(".")[0] == module
    if kind == "polars":  # has no place for it
        with pytest.raises(UserError):
            provenance(frame)
    else:
        assert provenance(frame)["run"] == front.runs[0].name


def test_metadata_that_is_none_of_ours() -> None:
    for told in (b"{", b"[" * 100_000, b"3"):
        with pytest.raises(UserError) as caught:
            provenance(pa.table({"a": [1]}).replace_schema_metadata({b"aureus": told}))
        assert caught.value.code == "no_provenance"


@pytest.mark.parametrize(
    ("size", "found"), [("4GB", 4 * 10**9), ("1.5 GiB", 3 * 2**29), ("10kb", 10_000), ("", None), ("80%", None)]
)
def test_sizes_in_settings(size: str, found: int | None) -> None:
    assert bytes_of(size) == found


def test_a_result_beyond_the_memory_limit(front: Any) -> None:
    front.shell.run_line_magic("config", "Aureus.memory_limit = '20MB'")
    told = front.asked("SELECT a.loan_id, b.borrower_id FROM loan a, loan b", "x <<")
    assert told.code == "memory_limit"
    assert "x" not in front.shell.user_ns


def test_a_cap_is_said(front: Any) -> None:
    told = front.asked("SELECT loan_id FROM loan", "--max-results 7 f <<")
    assert len(front.shell.user_ns["f"]) == 7
    assert told.card["truncated"]
    assert any("first 7 rows" in c for c in told.card["changes"])


def test_rows_go_into_evidence_only_when_asked(front: Any) -> None:
    front.asked(SUMMARY)
    assert not (front.runs[-1] / "rows.parquet").exists()
    front.shell.run_line_magic("config", "Aureus.include_rows = True")
    front.asked(SUMMARY)
    assert (front.runs[-1] / "rows.parquet").exists()
    assert all(one.ok for one in verify_paths([front.folder], trust_path(get_app().settings)))


def test_bundles_are_complete_and_repeatable(front: Any) -> None:
    told = front.asked(SUMMARY)
    (bundle,) = told.bundles
    assert set(bundle) == {MIME, "text/html", "text/markdown", "text/plain"}
    assert "<script" not in bundle["text/html"]
    assert str(front.folder) not in json.dumps(bundle), "no machine's path in an output"


def test_the_commands(front: Any) -> None:
    front.asked(SUMMARY)
    assert "ana.novak" in front.line("whoami").bundles[0]["text/plain"]
    assert "credit_risk_review" not in front.line("status").bundles[0]["text/plain"]
    shown = front.line("catalog iban --purpose credit_risk_review").bundles[0]["text/plain"]
    assert "borrower" in shown
    assert "personal data: direct" in shown
    assert "closed to you" in front.line("catalog").bundles[0]["text/plain"]
    assert "# Allowed" in front.line("explain").bundles[0]["text/markdown"]
    assert str(front.folder) not in front.line("explain").bundles[0]["text/markdown"].replace("\\", "")
    assert "verified" in front.line("evidence").bundles[0]["text/plain"]
    assert "--dry-run" in front.line("help").bundles[0]["text/plain"]
    assert "--dry-run" in front.line("").bundles[0]["text/plain"]
    run = front.runs[0].name
    assert "# Allowed" in front.line(f"explain {run[-12:]}").bundles[0]["text/markdown"]
    assert front.line("explain nosuch").code == "unknown_run"
    assert front.line("resume nosuch").code == "unknown_request"
    assert front.line("resume").code == "missing_value"
    assert front.line("connect").code == "missing_value"
    assert front.line("select 1").code == "unknown_command"


def test_connecting(front: Any, tmp_path: Path) -> None:
    path = tmp_path / "own.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute(
            "create table rating_migration as select 2025::INTEGER as year, 'A' as from_grade, 'B' as to_grade, "
            "3::BIGINT as borrowers, 0.5::DOUBLE as share"
        )
    told = front.line(f"connect {path} --alias own")
    assert "Connected as own" in told.bundles[0]["text/plain"]
    front.asked("SELECT borrowers FROM rating_migration", "m <<")
    assert front.shell.user_ns["m"]["borrowers"].tolist() == [3]
    assert front.asked("SELECT count(*) FROM loan").code == "contract_drift"
    assert front.asked("SELECT 1", "--engine nosuch").code == "unknown_connection"
    assert front.line("connect nosuch.duckdb").code == "bad_connection"


def test_provenance_of_a_plain_frame() -> None:
    with pytest.raises(UserError) as caught:
        provenance(pd.DataFrame())
    assert caught.value.code == "no_provenance"


def test_evidence_says_where_a_role_came_from(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUREUS_ROLES")
    (front.folder / "aureus.toml").write_text('roles = ["data_scientist", "pii_reader"]')
    told = front.asked(PEOPLE)
    assert any("rows of borrower" in change for change in told.card["changes"])
    report = (front.runs[0] / "evidence.md").read_text().replace("\\", "")
    assert "ana.novak (known from environment, roles from aureus.toml, attributes from environment)" in report


def test_a_condition_on_a_masked_column_is_told(front: Any) -> None:
    told = front.asked("SELECT country, birth_date FROM borrower WHERE full_name = 'x'")
    assert told.card["rowCount"] == 0
    said = [change for change in told.card["changes"] if "as it is masked" in change]
    assert len(said) == 1
    assert "borrower.full_name" in said[0]
    told = front.asked("SELECT full_name FROM borrower")
    assert not any("as it is masked" in change for change in told.card["changes"])


def test_a_run_of_an_earlier_kernel_is_explained_from_its_evidence(front: Any) -> None:
    front.asked(SUMMARY)
    front.asked("SELECT nosuch FROM loan")
    # Their ids may be of one second, in no order: the last is the one that was made last.
    first, second = (path.name for path in front.runs)
    said = {path.name: (path / "evidence.md").read_text().split("\n")[0] for path in front.runs}
    reset_app()
    assert said[first] in front.line(f"explain {first}").bundles[0]["text/plain"]
    assert "verifies" in front.line(f"explain {first.rpartition('-')[2][:6]}").bundles[0]["text/plain"]
    assert said[second] in front.line("explain").bundles[0]["text/plain"]
    assert front.line("explain 2").code == "ambiguous_run"
    assert first in str(front.said[-1].error)
    assert front.line("explain 1999").code == "unknown_run"
    (front.runs[0].with_name(first) / "record.json").write_text("{}")
    assert "does NOT verify" in front.line(f"explain {first}").bundles[0]["text/plain"]
    told = front.line(f"evidence {second}").bundles[0]["text/plain"]
    assert "verified" in told and first not in told
    assert "is not the one that was signed" in front.line("evidence").bundles[0]["text/plain"]


def test_line_commands_show_no_machines_paths(front: Any, tmp_path: Path) -> None:
    (front.folder / "aureus.toml").write_text('[attributes]\njurisdiction = ["CZ"]\n')
    front.asked(SUMMARY)
    for command in ("status", "whoami", "evidence", "explain", "catalog", "help"):
        shown = "\n".join(str(text) for text in front.line(command).bundles[0].values())
        assert str(tmp_path) not in shown, command


def test_a_catalog_without_a_hit_says_so(front: Any) -> None:
    told = front.line("catalog exposur --purpose credit_risk_review").bundles[0]["text/plain"]
    assert "2 datasets\n" in told, "those that hold the word, not all there are"
    told = front.line("catalog laon --purpose credit_risk_review").bundles[0]["text/plain"]
    assert "0 datasets" in told
    assert "No dataset or column that you may see holds these words. Did you mean loan" in told
    told = front.line("catalog zzzzzz --purpose credit_risk_review").bundles[0]["text/plain"]
    assert "Try fewer or other words" in told


def test_one_row_is_one_row(front: Any) -> None:
    told = front.asked("SELECT count(*) AS n FROM loan").bundles[0]
    assert "1 row." in told["text/plain"]
    assert "1 row." in told["text/markdown"]
    assert "1 row, digest" in (front.runs[0] / "evidence.md").read_text()
