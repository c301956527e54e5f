"""`%aureus connect`, and the connections a session knows."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aureus_jupyter.app import get_app


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ana:hunter2@127.0.0.1:1/d",
        "postgresql://127.0.0.1:1/d?user=ana&password=hunter2",
        "mysql://ana:hunter2@h/d",
        "postgresql://ana:hunter2@h:port/d",
    ],
)
def test_a_password_in_a_cell_is_refused_and_not_shown(front: Any, url: str) -> None:
    told = front.line(f"connect {url}")
    assert told.code == "password_in_notebook"
    assert "hunter2" not in str(told.error)
    assert get_app().connections() == {}


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://ana@h:port/d", "bad_connection"),
        ("postgresql://ana:env:NO_SUCH_NAME@h/d", "secret_missing"),
        ("env:NO_SUCH_NAME", "secret_missing"),
        ("nosuch://h/d", "dialect_unsupported"),
        ("postgresql://ana@127.0.0.1:1/d", "engine_gone"),
        ("env:", "secret_missing"),
        ("nosuch.duckdb", "bad_connection"),
    ],
)
def test_what_cannot_be_connected(front: Any, url: str, code: str) -> None:
    assert front.line(f"connect {url}").code == code
    assert get_app().settings.engine == ""


def test_a_secret_from_the_environment_is_used_and_never_shown(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_URL", "postgresql://ana:hunter2@127.0.0.1:1/d")
    told = front.line("connect env:PG_URL")
    assert told.code == "engine_gone"
    assert "hunter2" not in str(told.error) + told.stdout + told.stderr
    monkeypatch.setenv("PG_URL", "postgresql://ana:hunter2@127.0.0.1:port/d")
    told = front.line("connect env:PG_URL")
    assert told.code == "bad_connection"
    assert "hunter2" not in str(told.error)


def test_a_broken_connection_spoils_no_other(front: Any) -> None:
    with duckdb.connect(str(front.folder / "good.duckdb")) as made:
        made.execute("CREATE TABLE loan (loan_id VARCHAR)")
    (front.folder / "connections.ini").write_text(
        "[good]\ndrivername = duckdb\ndatabase = good.duckdb\n\n[gone]\ndrivername = duckdb\ndatabase = gone.duckdb\n"
    )
    assert set(get_app().connections()) == {"good", "gone"}
    assert front.asked("SELECT count(*) AS n FROM loan", "-e gone").code == "bad_connection"
    assert front.asked("SELECT count(*) AS n FROM loan", "-e good").code != "bad_connection"
    assert "Did you mean good" in str(front.asked("SELECT 1 AS n FROM loan", "-e god").error)


def test_a_connection_stays_where_it_was_when_the_folder_changes(
    front: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    duckdb.connect(str(front.folder / "here.duckdb")).close()
    assert front.line("connect here.duckdb -A here").error is None
    monkeypatch.chdir(tmp_path)
    assert get_app().connections()["here"] == str(front.folder / "here.duckdb")


def test_a_bad_section_spoils_no_other(front: Any, tmp_path: Path) -> None:
    data = tmp_path / "own.duckdb"
    with duckdb.connect(str(data)) as made:
        made.execute(
            "create table rating_migration as select 2025::INTEGER as year, 'A' as from_grade, 'B' as to_grade, "
            "3::BIGINT as borrowers, 0.5::DOUBLE as share"
        )
    (front.folder / "connections.ini").write_text(
        f"[good]\ndrivername = duckdb\ndatabase = {data}\n[bad]\ndrivername = x\nhunter = 2\n"
    )
    assert front.asked("SELECT borrowers FROM rating_migration", "--engine good").code == ""
    told = front.asked("SELECT borrowers FROM rating_migration", "--engine bad")
    assert told.code == "connections_malformed"
    assert "[bad]" in told.error.message


def test_a_database_of_another_dialect_is_read_as_a_copy(front: Any, tmp_path: Path) -> None:
    path = tmp_path / "own.sqlite"
    with sqlite3.connect(path) as made:
        made.execute(
            "create table rating_migration (year integer, from_grade text, to_grade text, borrowers integer, share real)"
        )
        made.execute("insert into rating_migration values (2025, 'A', 'B', 3, 0.5), (2025, 'B', 'C', 4, 0.25)")
    made.close()
    assert front.line(f"connect sqlite:///{path} --alias lite").error is None
    told = front.asked("SELECT sum(borrowers) AS n, max(share) AS s FROM rating_migration", "m <<")
    assert told.error is None, told.error
    assert front.shell.user_ns["m"].to_dict("list") == {"n": [7], "s": [0.5]}
    assert "sqlite database own.sqlite, copied for each statement" in (
        front.runs[-1] / "evidence.md"
    ).read_text().replace("\\", "")
    dry = front.asked("SELECT sum(borrowers) AS n FROM rating_migration", "--dry-run")
    assert "before the copy" in dry.bundles[0]["text/plain"]
    assert front.asked("SELECT * FROM rating_migration, sqlite_master").code == "unknown_dataset"
    assert front.asked("SELECT count(*) FROM loan").code == "database_unavailable"
