"""Whatever goes wrong, a cell says so in two lines, keeps the previous variable, and leaves evidence whole."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aureus_jupyter.app import get_app, reset_app
from aureus_jupyter.app.build import keys_folder, trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.errors import AureusError, UserError

GOOD = "SELECT count(*) AS n FROM loan"

# code, options, cell
CELLS: dict[str, tuple[str, str, str]] = {
    "empty cell": ("empty_cell", "", " \n "),
    "an empty row": ("no_result_type", "", "SELECT () AS a"),
    "a row without a value inside": ("no_result_type", "", "SELECT {'a': [()]} AS a"),
    "values that do not go together": ("data_error", "", "VALUES (1, 'x'), (3, 4)"),
    "a text that takes all memory": (
        "too_large",
        "",
        "SELECT length(repeat(repeat(repeat('x', 10000), 10000), 20)) AS a",
    ),
    "types within types": ("too_deep", "", "SELECT " + "row(" * 40 + "1" + ")" * 40),
    "a cell of comments": ("empty_cell", "", "-- SELECT 1\n/* and /* more */ */ ;"),
    "a lone semicolon": ("empty_cell", "", " ; "),
    "parameters with and without a name": ("parameters", "--params p=1", "SELECT $1, $p"),
    "more joins than can be followed": (
        "unreadable",
        "",
        "SELECT 1 FROM " + ", ".join(f"loan l{i}" for i in range(1500)),
    ),
    "more words than a statement has": ("too_many_tokens", "", "SELECT 1" + " UNION ALL SELECT 1" * 3000),
    "1 MB cell": ("cell_too_large", "", "select 1 -- " + "x" * 1024 * 1024),
    "NUL": ("bad_text", "", "select 1\x00"),
    "a lone surrogate": ("bad_text", "", "select '\ud800'"),
    "an odd space": ("odd_character", "", "select\u00a0count(*) from loan"),
    "unknown option": ("unknown_option", "--purpos x", GOOD),
    "a stray word": ("unknown_option", "frame", GOOD),
    "an open quote": ("bad_option", '--purpose "x', GOOD),
    "an option without a value": ("missing_value", "--pack", GOOD),
    "a bad number": ("bad_option", "--max-results many", GOOD),
    "a bad kind": ("bad_option", "--as poem", GOOD),
    "a bad name": ("bad_name", "1x <<", GOOD),
    "missing purpose": ("missing_purpose", "--purpose ''", GOOD),
    "unknown table": ("unknown_dataset", "", "SELECT * FROM loans"),
    "unknown column": ("unknown_column", "", "SELECT l.pdd FROM loan l"),
    "unknown column without a name": ("unknown_column", "", "SELECT pdd FROM loan"),
    "ambiguous column": ("ambiguous_column", "", "SELECT country FROM loan JOIN borrower USING (borrower_id)"),
    "two statements": ("one_statement", "", "SELECT 1; SELECT 2"),
    "DDL": ("not_a_query", "", "CREATE TABLE x AS SELECT * FROM loan"),
    "DML": ("not_a_query", "", "DELETE FROM loan"),
    "a syntax error": ("syntax_error", "", "SELECT country, FROM FROM loan"),
    "missing parameter": ("missing_parameter", "", "SELECT count(*) FROM loan WHERE pd > :p"),
    "unknown parameter": ("unknown_parameter", "--params q=1", GOOD),
    "parameter of the wrong type": (
        "bad_parameter",
        "--params p=x",
        "SELECT count(*) FROM loan WHERE days_past_due > :p",
    ),
    "parameter that is a list": ("bad_parameter", "--params '{\"p\": [1]}'", "SELECT :p"),
    "parameter from no variable": ("bad_parameter", "--params p=$nosuch", "SELECT :p"),
    "unknown pack": ("unknown_pack", "--pack credit-risks", GOOD),
    "unknown connection": ("unknown_connection", "-e nosuch", GOOD),
    "a value that cannot be cast": ("data_error", "", "SELECT max(cast(country AS INTEGER)) FROM loan"),
    "a question nobody checked": ("cannot_answer_offline", "", "where did all the money go?"),
    "a file as a table": ("unknown_dataset", "", "SELECT * FROM '/etc/passwd'"),
    "a function that reads files": ("function_not_allowed", "", "SELECT * FROM read_text('/etc/passwd')"),
}


def calm(front: Any, told: Any, code: str, unsealed: int = 0) -> None:
    """Check what every failure must do; `unsealed` runs could leave no evidence, and verifying says so."""
    assert told.code == code, told.error
    assert isinstance(told.error, AureusError)
    lines = told.error._render_traceback_()
    assert len(lines) == 2
    assert lines[1].startswith("Hint: ")
    assert len(lines[1]) > 12
    assert "Traceback" not in told.stdout + told.stderr
    assert front.shell.user_ns["before"] == "kept"
    found = verify_paths([front.folder], trust_path(get_app().settings)) if front.runs else []
    broken = [[finding.code for finding in one.findings] for one in found if not one.ok]
    assert broken == [["unsealed"]] * unsealed


@pytest.mark.parametrize("name", CELLS)
def test_cells(name: str, front: Any) -> None:
    code, options, text = CELLS[name]
    front.shell.user_ns["before"] = "kept"
    line = f"before << {options}" if "<<" not in options else options
    told = front.cell(line, text) if "--purpose" in options else front.asked(text, line)
    calm(front, told, code)
    assert front.asked(GOOD).error is None, "the next cell works"


def break_file(path: Path, data: str = "{[") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data)


def own_pack(front: Any, root: Path) -> Path:
    """A copy of the credit-risk pack in the notebook's folder, free to be broken."""
    import shutil

    target = front.folder / "mine"
    shutil.copytree(root / "packs" / "credit-risk", target)
    return target


FILES: dict[str, tuple[str, str, str]] = {
    "pack": ("pack_malformed", "pack.yaml", "name: [x"),
    "pack with a yes": ("pack_malformed", "pack.yaml", "name: 1\n"),
    "contract": ("pack_malformed", "contracts/loan.odcs.yaml", "a: b\na: c\n"),
    "contract without columns": (
        "contract_malformed",
        "contracts/loan.odcs.yaml",
        "apiVersion: v3.1.0\nschema: [{name: loan}]\n",
    ),
    "questions": ("pack_malformed", "questions.yaml", "questions: {}\n"),
    "policy": ("policy_malformed", "policies/access.policy.yaml", "version: 1\npolicies: [{id: x}]\n"),
    "policy that is no text": ("policy_malformed", "policies/access.policy.yaml", "\x00"),
}


@pytest.mark.parametrize("name", FILES)
def test_broken_files_of_a_pack(name: str, front: Any, root: Path) -> None:
    code, file, text = FILES[name]
    front.shell.user_ns["before"] = "kept"
    break_file(own_pack(front, root) / file, text)
    told = front.asked(GOOD, "before << --pack ./mine")
    calm(front, told, code)
    assert Path(file).name in told.error.message


def test_a_broken_key(front: Any) -> None:
    front.shell.user_ns["before"] = "kept"
    key = keys_folder(get_app().settings) / "runner.key.pem"
    break_file(key, "nonsense")
    key.chmod(0o600)
    calm(front, front.asked(GOOD, "before <<"), "key_malformed")


def test_a_broken_trust_file(front: Any) -> None:
    front.shell.user_ns["before"] = "kept"
    break_file(trust_path(get_app().settings))
    told = front.asked(GOOD, "before <<")
    assert told.code == "trust_malformed"
    assert front.shell.user_ns["before"] == "kept"


@pytest.mark.parametrize("text", ["purpose = 3\n", "purpos = 'x'\n", "= =", "time_limit = -1\n", "roles = 'x'\n"])
def test_a_broken_setting(text: str, front: Any) -> None:
    front.shell.user_ns["before"] = "kept"
    break_file(front.folder / "aureus.toml", text)
    reset_app()
    told = front.asked(GOOD, "before <<")
    assert told.code == "config_malformed"
    assert "aureus.toml" in told.error.message
    (front.folder / "aureus.toml").unlink()


def test_a_disk_that_is_full(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    front.shell.user_ns["before"] = "kept"
    assert front.asked(GOOD).error is None
    real = os.write

    def full(file: int, data: bytes) -> int:
        if ".part" in str(Path(f"/proc/self/fd/{file}").readlink()):
            raise OSError(28, "No space left on device")
        return real(file, data)

    with monkeypatch.context() as m:
        m.setattr(os, "write", full)
        calm(front, front.asked(GOOD, "before <<"), "evidence_not_written", unsealed=1)
    assert len(front.runs) == 1
    assert front.asked(GOOD).error is None


def test_a_file_another_library_holds_open(front: Any, tmp_path: Path) -> None:
    front.shell.user_ns["before"] = "kept"
    path = tmp_path / "held.duckdb"
    holder = duckdb.connect(str(path))
    holder.execute("create table loan as select 1 as a")
    told = front.line(f"connect {path} --alias held")
    assert told.code == "file_in_use"
    holder.close()
    assert front.line(f"connect {path} --alias held").error is None


def test_an_engine_that_is_gone_mid_query(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    front.shell.user_ns["before"] = "kept"
    assert front.asked(GOOD).error is None
    (_, engine) = next(iter(get_app()._engines.values()))
    engine.close()
    calm(front, front.asked(GOOD, "before <<"), "engine_closed")


def test_a_clock_that_is_set_back(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from aureus_jupyter.adapters.system import SystemClock

    assert front.asked(GOOD).error is None
    monkeypatch.setattr(SystemClock, "now", lambda self: datetime(2001, 1, 1, tzinfo=UTC))
    assert front.asked(GOOD).error is None
    assert front.asked(GOOD).error is None
    assert len(front.runs) == 3
    assert all(one.ok for one in verify_paths([front.folder], trust_path(get_app().settings)))


STAGES: dict[str, str] = {
    "while drafting": "aureus_jupyter.service.runs.draft_and_decide",
    "while deciding": "aureus_jupyter.service.decisions.safe_rule",
    "while rewriting": "aureus_jupyter.service.decisions.rewrite",
    "while labelling": "aureus_jupyter.service.runs.result_info",
    "while sealing": "aureus_jupyter.service.sealing.pack_files",
}


@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupt_at_every_stage(stage: str, front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    front.shell.user_ns["before"] = "kept"
    module, _, name = STAGES[stage].rpartition(".")
    real: Callable[..., Any] = getattr(sys.modules[module], name)

    def interrupted(*arguments: Any, **more: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return real(*arguments, **more)

    monkeypatch.setattr(sys.modules[module], name, interrupted)
    calm(front, front.asked(GOOD, "before <<"), "interrupted")
    monkeypatch.setattr(sys.modules[module], name, real)
    assert len(front.runs) == 1, "evidence of the interrupted run is whole"
    assert front.asked(GOOD).error is None


def test_an_interrupt_while_the_engine_runs(front: Any) -> None:
    front.shell.user_ns["before"] = "kept"
    assert front.asked(GOOD).error is None
    timer = threading.Timer(0.7, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    slow = "SELECT sum(a.pd * b.pd * c.pd * d.pd) FROM loan a, loan b, loan c, loan d"
    told = front.asked(slow, "before <<")
    timer.join()
    calm(front, told, "interrupted")
    assert front.asked(GOOD).error is None


def test_a_time_limit(front: Any) -> None:
    front.shell.user_ns["before"] = "kept"
    front.shell.run_line_magic("config", "Aureus.time_limit = 0.3")
    slow = "SELECT sum(a.pd * b.pd * c.pd * d.pd) FROM loan a, loan b, loan c, loan d"
    calm(front, front.asked(slow, "before <<"), "time_limit")


def test_a_bug_of_ours_is_calm_too(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    front.shell.user_ns["before"] = "kept"

    def broken(*arguments: Any, **more: Any) -> Any:
        raise ZeroDivisionError("secret value")

    monkeypatch.setattr("aureus_jupyter.service.runs.result_info", broken)
    told = front.asked(GOOD, "before <<")
    calm(front, told, "internal")
    assert "secret" not in str(told.error)
    assert told.card["outcome"] == "failed", "the engine had run: evidence must not say that nothing was read"
    assert "started by aureus" in (front.runs[0] / "evidence.md").read_text()


def test_nobody_pushes_the_house_policies_aside(
    front: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for path in (root / "policies").glob("*.policy.yaml"):
        name = path.name.partition(".")[0]
        (own / path.name).write_text(
            f"version: 1\npolicies:\n  - {{id: mine.{name}, description: all, effect: permit}}\n", "utf-8"
        )
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(own))
    reset_app()
    assert front.cell("--purpose marketing", "SELECT full_name FROM borrower").code == "purpose_not_allowed"
    for path in (root / "policies").glob("*.policy.yaml"):
        (own / path.name).write_text(path.read_text("utf-8").replace("deny", "permit"), "utf-8")
    reset_app()
    assert front.cell("--purpose marketing", "SELECT full_name FROM borrower").code == "policy_malformed"


def test_a_policy_that_changes_counts_from_the_next_cell_on(front: Any, root: Path) -> None:
    pack = own_pack(front, root)
    assert front.asked(GOOD, "--pack ./mine").error is None
    deny = (
        "version: 1\npolicies:\n  - {id: new.deny, description: d, effect: deny, match: {datasets: [loan]}, code: closed, "
        "reason: closed today, hint: come back}\n"
    )
    (pack / "policies" / "new.policy.yaml").write_text(deny)
    assert front.asked(GOOD, "--pack ./mine").code == "closed"
    (pack / "policies" / "new.policy.yaml").write_text("version: 1\npolicies: [")
    assert front.asked(GOOD, "--pack ./mine").code == "policy_malformed"
    assert front.asked(GOOD, "--pack ./mine").code == "policy_malformed", "and stays closed"
    (pack / "policies" / "new.policy.yaml").unlink()
    assert front.asked(GOOD, "--pack ./mine").error is None
    contract = pack / "contracts" / "loan.odcs.yaml"
    contract.write_text(contract.read_text().replace("physicalName: loan", "physicalName: borrower"))
    assert front.asked(GOOD, "--pack ./mine").code == "contract_drift"


def test_policies_that_are_not_there(front: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    front.shell.user_ns["before"] = "kept"
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(tmp_path / "gone"))
    reset_app()
    calm(front, front.asked(GOOD, "before <<"), "policies_missing")


@pytest.mark.parametrize("name", ["deny.policy.YAML", "deny.policy.yaml ", "deny.yml"])
def test_a_policy_file_of_another_name(name: str, front: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    front.shell.user_ns["before"] = "kept"
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(tmp_path))
    (tmp_path / name).write_text("policies: []")
    reset_app()
    calm(front, front.asked(GOOD, "before <<"), "policy_malformed")


def test_a_refused_connection_is_not_kept(front: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "mine.duckdb"
    duckdb.connect(str(path)).close()

    def locked(**_: Any) -> None:
        raise UserError("config_locked", "an administrator fixed this", hint="Ask.")

    monkeypatch.setattr(get_app(), "configure", locked)
    assert front.line(f"connect {path} --alias warehouse").code == "config_locked"
    assert "warehouse" not in get_app().connections()


def test_a_hint_does_not_name_what_a_purpose_closes(front: Any) -> None:
    assert "loan" in str(front.asked("SELECT 1 FROM laon").error)
    told = front.cell("--purpose marketing", "SELECT 1 FROM laon")
    assert told.code == "unknown_dataset"
    assert "loan" not in str(told.error).replace("laon", "")
