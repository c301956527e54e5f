"""Budgets in cells: what is spent, what is refused, what is told, and what no kernel's end can change."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.ledgers.sqlite import SqliteLedger
from aureus_jupyter.adapters.stores.folder import FolderRunStore
from aureus_jupyter.app import get_app, reset_app
from aureus_jupyter.app.build import data_folder, trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.service.runs import Runner

COUNT = "SELECT count(*) AS n FROM loan"
ROWS = "SELECT loan_id FROM loan ORDER BY loan_id LIMIT "
PEOPLE = "SELECT full_name, country FROM borrower LIMIT 2"
SLOW = "SELECT sum(a.pd * b.pd * c.pd * d.pd) AS s FROM loan a, loan b, loan c, loan d"

Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, front: Any) -> Put:
    """Return what puts policies with one budget each beside the house's."""
    folder = tmp_path / "budgets"
    folder.mkdir()
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(folder))

    def make(*budgets: str) -> None:
        text = "".join(
            f"  - {{id: budget.{n}, description: d, effect: budget, reason: The engine is shared., budget: {{{b}}}}}\n"
            for n, b in enumerate(budgets)
        )
        (folder / "budget.policy.yaml").write_text(f"version: 1\npolicies:\n{text}", "utf-8")
        reset_app()

    return make


def ledger() -> Path:
    return data_folder() / "ledger.sqlite"


def charged() -> dict[str, float]:
    """Return what the ledger holds by policy."""
    if not ledger().exists():
        return {}
    with closing(sqlite3.connect(ledger())) as con:
        rows = con.execute("SELECT policy, sum(whole + nano / 1e9) FROM charge GROUP BY policy").fetchall()
    return dict(rows)


def test_without_a_budget_there_is_no_ledger(front: Any) -> None:
    assert front.asked(COUNT).error is None
    assert "No policy keeps a budget" in front.line("budgets").bundles[0]["text/plain"]
    assert not ledger().exists()


def test_queries_are_counted_over_every_kernel(front: Any, put: Put) -> None:
    put("measure: queries, limit: 2, per: hour")
    told = front.asked(COUNT, "a <<")
    assert told.error is None
    assert (
        "This took 1 of 2 queries in an hour, the budget of the policy budget.0; 1 is left" in told.card["notices"][-1]
    )
    reset_app()
    assert front.asked(COUNT).error is None
    reset_app()
    told = front.asked(COUNT, "b <<")
    assert told.code == "budget_spent"
    assert told.card["outcome"] == "refused"
    assert "budget.0 allows 2 queries in an hour: this asks for 1, and 0 are left" in told.card["what"]
    assert "Enough is free again at 20" in told.card["next"]
    assert "b" not in front.shell.user_ns
    assert ledger().stat().st_mode & 0o777 == 0o600
    record = json.loads((front.runs[0] / "record.json").read_text())
    (use,) = record["budgets"]
    assert (use["asked"], use["left"], use["budget"]["policy"]) == ("1", "1", "budget.0")
    assert "## Budgets" in (front.runs[0] / "evidence.md").read_text()
    found = verify_paths([front.folder], trust_path(get_app().settings))
    assert [one.ok for one in found] == [True] * 3


def test_the_ledger_is_where_the_settings_say(
    front: Any, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUREUS_LEDGER", str(tmp_path / "shared" / "house.sqlite"))
    put("measure: queries, limit: 2, per: hour")
    assert front.asked(COUNT).error is None
    assert not ledger().exists()
    assert (tmp_path / "shared" / "house.sqlite").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o700


def test_a_runner_that_runs_twice_pays_twice(front: Any, put: Put) -> None:
    put("measure: queries, limit: 2, per: hour")
    assert front.asked(COUNT).error is None
    (desk,) = get_app()._desks.values()
    runner, cell = Runner(desk), get_app()._runs[-1].cell
    assert runner.run(cell).error is None
    error = runner.run(cell).error
    assert error is not None
    assert error.code == "budget_spent"


def test_what_does_not_start_costs_nothing(front: Any, put: Put) -> None:
    put("measure: queries, limit: 5, per: hour", "measure: result_rows, limit: 10, per: day")
    front.asked("SELECT nosuch FROM loan")
    front.cell("--purpose marketing", "SELECT full_name FROM borrower")
    front.asked("SELECT limit_amount FROM exposure_limit")
    front.asked("SELECT * FROM nosuch")
    front.asked(COUNT, "--dry-run")
    assert charged() == {}


def test_a_run_that_fails_costs_its_query_and_gives_no_rows(front: Any, put: Put) -> None:
    put("measure: queries, limit: 5, per: hour", "measure: result_rows, limit: 10, per: day")
    assert front.asked("SELECT cast(country AS INTEGER) FROM loan").code == "data_error"
    assert charged() == {"budget.0": 1, "budget.1": 0}


def test_rows_given_out_are_cut_to_what_is_left(front: Any, put: Put) -> None:
    put("measure: result_rows, limit: 5, per: day")
    front.shell.run_line_magic("config", "Aureus.include_rows = True")
    assert len(_frame(front, ROWS + "3")) == 3
    told = front.asked(ROWS + "10", "rest <<")
    assert len(front.shell.user_ns["rest"]) == 2
    assert told.card["truncated"]
    assert (told.card["rowCount"], len(told.card["rows"])) == (2, 2)
    assert pq.read_table(front.runs[-1] / "rows.parquet").num_rows == 2, "evidence holds no more rows than the cell"
    assert "This took 2 of 5 rows given out in a day" in told.card["notices"][-1]
    assert front.asked(ROWS + "1").code == "budget_spent"
    assert charged() == {"budget.0": 5}


def test_the_row_cap_holds_for_the_rows_in_evidence(front: Any) -> None:
    front.shell.run_line_magic("config", "Aureus.include_rows = True")
    front.asked(ROWS + "10", "--max-results 4 x <<")
    assert len(front.shell.user_ns["x"]) == pq.read_table(front.runs[-1] / "rows.parquet").num_rows == 4


def _frame(front: Any, sql: str) -> Any:
    told = front.asked(sql, "f <<")
    assert told.error is None, told.error
    return front.shell.user_ns["f"]


def test_scanned_rows_are_those_of_the_raw_table(front: Any, put: Put) -> None:
    put(
        "measure: scanned_rows, limit: 7000, per: day",
        "measure: cost, limit: '10', price: '1000', currency: EUR, per: day",
    )
    told = front.asked(COUNT + " WHERE pd > 0.99", "--dry-run")
    assert "This would take 3,000 of 7,000 scanned rows in a day" in told.card["notices"][-2]
    assert "This would take 3 of 10 EUR for scanned rows in a day" in told.card["notices"][-1]
    assert front.asked(COUNT + " WHERE pd > 0.99").error is None
    assert charged() == {"budget.0": 3000, "budget.1": 3}
    told = front.asked("SELECT count(*) AS n FROM loan a JOIN loan b USING (loan_id)")
    assert told.code == "budget_spent"
    assert "this asks for 6,000" in told.card["what"]
    assert front.asked(COUNT).error is None
    told = front.asked(COUNT, "--dry-run")
    assert "This would be refused now: the policy budget.0" in told.card["what"]


def test_a_recursion_cannot_be_counted(front: Any, put: Put) -> None:
    put("measure: scanned_rows, limit: 1000000, per: day")
    told = front.asked(
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r JOIN loan ON loan.loan_id = r.n WHERE n < 3) SELECT * FROM r"
    )
    assert told.code in {"scan_unknown", "node_not_allowed"}
    assert charged() == {}


def test_where_rows_are_hidden_no_number_of_scanned_rows_is_told(front: Any, put: Put) -> None:
    put("measure: scanned_rows, limit: 1000000, per: day")
    told = front.asked(PEOPLE)
    spent = charged()["budget.0"]
    assert spent > 100
    words = (
        json.dumps(told.bundles)
        + (front.runs[-1] / "record.json").read_text()
        + (front.runs[-1] / "evidence.md").read_text()
    )
    words += json.dumps(front.asked(PEOPLE, "--dry-run").bundles) + json.dumps(front.line("budgets").bundles)
    for number in (spent, 1_000_000 - spent):
        assert not {f"{number:,.0f}", f"{number:.0f}"} & set(words.replace('"', " ").replace(";", " ").split())
    assert "counted in 1,000,000 scanned rows" in words
    assert "tenths" in words


def test_everybodys_budget_is_one(front: Any, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    put("measure: queries, limit: 1, per: day, shared: true", "measure: queries, limit: 5, per: day")
    assert front.asked(COUNT).error is None
    monkeypatch.setenv("AUREUS_PRINCIPAL", "eva.mala")
    reset_app()
    assert front.asked(COUNT).code == "budget_spent"
    page = front.line("budgets --purpose credit_risk_review").bundles[0]["text/plain"]
    assert "1 queries in a day of everybody's together  0" in page
    assert "5 queries in a day  5" in page, "hers are all there"


def test_a_policy_that_changes_refills_nothing(front: Any, put: Put) -> None:
    put("measure: queries, limit: 2, per: hour")
    assert front.asked(COUNT).error is front.asked(COUNT).error is None
    for other in ("measure: queries, limit: 2, per: day", "measure: queries, limit: 2, per: day, shared: true"):
        put(other)
        assert front.asked(COUNT).code == "budget_spent"


@pytest.mark.parametrize("spoil", ["link", "text", "open", "folder", "other"])
def test_a_ledger_that_cannot_be_trusted_refuses(spoil: str, front: Any, put: Put, tmp_path: Path) -> None:
    put("measure: queries, limit: 5, per: hour")
    assert front.asked(COUNT).error is None
    elsewhere = tmp_path / "elsewhere"
    ledger().rename(elsewhere)
    if spoil == "link":
        ledger().symlink_to(elsewhere)
    elif spoil == "text":
        ledger().write_text("no database " * 1000)
    elif spoil == "folder":
        ledger().mkdir()
    elif spoil == "other":
        with closing(sqlite3.connect(ledger())) as con:
            con.execute("CREATE TABLE mine (n)")
    else:
        elsewhere.rename(ledger())
        ledger().chmod(0o666)
    before = elsewhere.read_bytes() if elsewhere.exists() else b""
    told = front.asked(COUNT, "x <<")
    assert told.code in {"ledger_unusable", "ledger_failed"}
    assert told.card["outcome"] == "refused"
    assert "x" not in front.shell.user_ns
    assert (elsewhere.read_bytes() if elsewhere.exists() else b"") == before
    assert front.asked(COUNT, "--dry-run").code == told.code


def test_a_ledger_that_is_busy_for_long_refuses(front: Any, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    put("measure: queries, limit: 5, per: hour")
    assert front.asked(COUNT).error is None
    monkeypatch.setattr("aureus_jupyter.adapters.ledgers.sqlite._PATIENCE", 0.2)
    with closing(sqlite3.connect(ledger(), isolation_level=None)) as con:
        con.execute("BEGIN IMMEDIATE")
        told = front.asked(COUNT)
        assert told.code == "ledger_busy"
        con.execute("ROLLBACK")
    assert front.asked(COUNT).error is None


def test_what_cannot_be_settled_stays_charged(front: Any, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    put("measure: result_rows, limit: 5, per: day")

    def fail(*_: Any) -> None:
        raise OSError("gone")

    monkeypatch.setattr(SqliteLedger, "settle", fail)
    assert len(_frame(front, ROWS + "2")) == 2
    assert charged() == {"budget.0": 5}


def test_where_the_run_cannot_start_everything_is_given_back(
    front: Any, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("measure: queries, limit: 5, per: hour")

    def full(*_: Any) -> None:
        raise EvidenceError("evidence_not_written", "the disk is full", hint="Make room.")

    monkeypatch.setattr(FolderRunStore, "append", full)
    assert front.asked(COUNT).code == "evidence_not_written"
    assert charged() == {"budget.0": 0}


def test_an_engine_that_gives_too_many_rows_gives_none(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = DuckDBEngine.run

    def greedy(self: Any, plan: Any, parameters: Any, limits: Any, progress: Any = None) -> Any:
        free = replace(plan, rows=None)
        self._prepared = free
        return honest(self, free, parameters, replace(limits, rows=None), progress)

    monkeypatch.setattr(DuckDBEngine, "run", greedy)
    front.shell.run_line_magic("config", "Aureus.include_rows = True")
    told = front.asked(ROWS + "10", "--max-results 4 x <<")
    assert told.code == "cap_exceeded"
    assert not (front.runs[-1] / "rows.parquet").exists()
    assert "x" not in front.shell.user_ns


# -- other processes ---------------------------------------------------------------------------------------------------


def kernel(front: Any, root: Path, notebook: str, *cells: str) -> subprocess.Popen[str]:
    """Start another kernel that runs these cells and prints how each ended."""
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()\n"
        "from aureus_jupyter.errors import AureusError\n"
        "s.run_line_magic('load_ext', 'aureus_jupyter')\n"
        f"for cell in {cells!r}:\n"
        "    try: s.run_cell_magic('aureus', '--purpose credit_risk_review', cell); print('END ok')\n"
        "    except AureusError as error: print('END', error.code)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": f"{root}{os.pathsep}{root / 'magics'}",
            "AUREUS_NOTEBOOK": str(front.folder / notebook),
        },
        stdout=subprocess.PIPE,
        text=True,
        cwd=front.folder,
    )


@pytest.mark.slow
def test_kernels_that_run_at_once_never_exceed(front: Any, put: Put, root: Path) -> None:
    put("measure: queries, limit: 7, per: day", "measure: result_rows, limit: 1000, per: day")
    assert front.asked(ROWS + "1").error is None
    kernels = [kernel(front, root, f"n{n}.ipynb", *[f"{ROWS}{n + 2}"] * 3) for n in range(4)]
    ended = [line.split()[1] for one in kernels for line in one.communicate()[0].splitlines() if line.startswith("END")]
    assert len(ended) == 12
    assert set(ended) <= {"ok", "budget_spent"}
    packs = list(front.folder.glob("*.aureus/runs/*/record.json"))
    results = [json.loads(p.read_text())["result"] for p in packs]
    given = [result["rows"] for result in results if result is not None]
    assert len(given) == ended.count("ok") + 1
    assert charged() == {"budget.0": len(given), "budget.1": sum(given)}
    assert len(given) <= 7


@pytest.mark.slow
def test_a_kernel_killed_while_it_ran_has_spent_what_it_reserved(front: Any, put: Put, root: Path) -> None:
    put("measure: queries, limit: 2, per: day", "measure: result_rows, limit: 10, per: day")
    killed = kernel(front, root, "notebook.ipynb", SLOW)
    journals = front.folder / "notebook.aureus" / "journal"
    patience = time.monotonic() + 60
    while not list(journals.glob("*.jsonl")) and time.monotonic() < patience:
        time.sleep(0.05)  # another process: there is nothing to wait on but its file
    killed.kill()
    killed.communicate()
    assert charged() == {"budget.0": 1, "budget.1": 10}
    told = front.asked(COUNT)
    assert told.code == "budget_spent"
    assert "budget.1" in told.card["what"]
    assert charged() == {"budget.0": 1, "budget.1": 10}
