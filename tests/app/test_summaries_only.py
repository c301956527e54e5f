"""A dataset that answers only in summaries, from the cell to the evidence."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aureus_jupyter.app import reset_app

POLICY = """version: 1
policies:
  - {id: test.few, description: d, effect: summary, reason: these are people, match: {datasets: [loan]},
     summary: {smallest: 10, person: borrower_id, protected: {names: [outstanding]}}}
"""
BY_COUNTRY = "SELECT currency, sum(outstanding) AS total FROM loan WHERE pd > 0.02 GROUP BY currency ORDER BY currency"


@pytest.fixture
def few(front: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "few.policy.yaml").write_text(POLICY, "utf-8")
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(folder))
    reset_app()
    return front


def record(front: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((front.runs[-1] / "record.json").read_text("utf-8"))
    return found


def statement(front: Any) -> str:
    envelope = json.loads((front.runs[-1] / "statement.dsse.json").read_text("utf-8"))
    return base64.b64decode(envelope["payload"]).decode()


def test_a_summary_is_answered_and_said_to_be_one(few: Any, quiet_home: Path) -> None:
    told = few.asked(BY_COUNTRY, "x <<")
    assert told.error is None, told.error
    assert told.card["outcome"] == "allowed"
    assert told.card["changes"] == ["answers about loan only for groups of at least 10 persons: these are people"]
    assert len(few.shell.user_ns["x"]) > 1
    assert record(few)["verdict"]["summaries"][0]["smallest"] == 10
    assert "every group has at least 10 persons" in statement(few)
    (ledger,) = quiet_home.rglob("summaries.sqlite")
    assert ledger.stat().st_mode & 0o777 == 0o600


def test_a_small_group_is_refused_and_the_variable_stays(few: Any) -> None:
    few.shell.user_ns["x"] = "before"
    told = few.asked("SELECT sum(outstanding) FROM loan WHERE pd > 0.9999", "x <<")
    assert told.code == "small_group"
    assert few.shell.user_ns["x"] == "before"
    assert record(few)["failure"]["code"] == "small_group"
    assert record(few)["result"] is None


def test_a_difference_is_refused_in_the_next_kernel_too(few: Any, quiet_home: Path) -> None:
    (seeds,) = (quiet_home / "data" / "aureus" / "seeds").glob("credit-risk-3000-*.duckdb")
    with duckdb.connect(str(seeds), read_only=True) as con:
        found = con.execute("SELECT pd FROM loan ORDER BY pd DESC LIMIT 1 OFFSET 3").fetchone()
    assert found is not None
    assert few.asked("SELECT count(*) FROM loan").error is None
    reset_app()
    all_but_a_few = "SELECT sum(outstanding) FROM loan WHERE pd < CAST(:most AS DOUBLE)"
    assert few.asked(all_but_a_few, f"--params most={found[0]!r}").code == "differencing"
    assert few.asked("SELECT sum(outstanding) FROM loan").error is None


def test_rows_are_refused_before_anything_is_read(few: Any) -> None:
    told = few.asked("SELECT * FROM loan LIMIT 5")
    assert told.code == "summaries_only"
    assert told.card["outcome"] == "refused"


def test_a_dry_run_asks_the_data_nothing(few: Any, quiet_home: Path) -> None:
    large, small = few.asked(BY_COUNTRY, "--dry-run"), few.asked(BY_COUNTRY.replace("0.02", "0.9999"), "--dry-run")
    assert large.error is None
    assert small.error is None
    pages = [json.dumps(told.bundles).replace("0.9999", "0.02") for told in (large, small)]
    assert "There is no estimate" in pages[0]
    assert not list(quiet_home.rglob("summaries.sqlite"))
    rows = few.asked("SELECT * FROM loan", "--dry-run")
    assert rows.code == "summaries_only"


def test_the_ledger_may_be_elsewhere(few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUREUS_SUMMARIES_LEDGER", str(tmp_path / "elsewhere" / "l.sqlite"))
    reset_app()
    assert few.asked(BY_COUNTRY).error is None
    assert (tmp_path / "elsewhere" / "l.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_ledger_that_cannot_be_kept_gives_no_rows(few: Any, quiet_home: Path) -> None:
    (quiet_home / "data" / "aureus" / "summaries.sqlite").write_text("in the way", "utf-8")
    few.shell.user_ns["x"] = "before"
    assert few.asked(BY_COUNTRY, "x <<").code == "ledger_unusable"
    assert few.shell.user_ns["x"] == "before"
