"""From a CSV file in an old code page to a governed cell: nothing before a review, and then what was guessed is masked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from reviewed import opened

from aureus_jupyter.cli import main

PEOPLE = "klient_id;příjmení;email;věk;částka\n" + "".join(
    f"{n};Dvořák{n};jan{n}@bank.example;{20 + n % 50};{1000 + n},50\n" for n in range(60)
)
LOANS = "loan_id;klient_id;amount;due\n" + "".join(
    f"{n};{n % 60};{n * 10};{1 + n % 28:02d}.03.2024\n" for n in range(200)
)


@pytest.fixture
def drafted(front: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A front door beside a drafted pack."""
    source = tmp_path / "export"
    source.mkdir()
    (source / "klient.csv").write_bytes(PEOPLE.encode("cp1250"))
    (source / "úvěry 2024.csv").write_bytes(LOANS.encode("cp1250"))
    assert main(["onboard", str(source), str(tmp_path / "pack")]) == 0
    front.purpose = f"--purpose analysis --pack {tmp_path / 'pack'} "
    return front


def test_a_draft_is_out_of_reach_until_its_contract_is_opened(drafted: Any, tmp_path: Path) -> None:
    sql = "SELECT count(*) AS n FROM klient"
    told = drafted.asked(sql)
    assert told.code == "contract_not_active"
    assert "contracts/klient.odcs.yaml" in told.error.hint
    lines = (tmp_path / "pack" / "contracts" / "klient.odcs.yaml").read_text("utf-8").splitlines()
    line = lines.index("status: draft") + 1
    assert f"line {line} read: status: active" in told.error.hint
    opened(tmp_path / "pack", "klient")
    told = drafted.asked(sql, "answer << ")
    assert told.error is None
    assert drafted.shell.user_ns["answer"].to_dict("records") == [{"n": 60}]
    assert drafted.asked("SELECT count(*) AS n FROM v_ry_2024").code == "contract_not_active", (
        "contracts open one by one"
    )


def test_the_catalog_counts_drafts_and_does_not_name_them(drafted: Any, tmp_path: Path) -> None:
    def shown() -> str:
        told = drafted.line(f"catalog --pack {tmp_path / 'pack'} --purpose analysis")
        assert told.error is None
        return str(told.bundles[0]["text/plain"])

    assert "2 more cannot be read yet" in shown()
    assert "klient" not in shown()
    opened(tmp_path / "pack", "klient")
    assert "1 more cannot be read yet" in shown()
    assert "klient" in shown()
    opened(tmp_path / "pack", "v_ry_2024")
    assert "cannot be read yet" not in shown()


@pytest.mark.parametrize("status", ["deprecated", "retired", "Active", "'active '", "true", "[active]", ""])
def test_only_the_word_active_opens(drafted: Any, tmp_path: Path, status: str) -> None:
    path = tmp_path / "pack" / "contracts" / "klient.odcs.yaml"
    path.write_text(path.read_text("utf-8").replace("status: draft", f"status: {status}"), "utf-8")
    assert drafted.asked("SELECT count(*) AS n FROM klient").code == "contract_not_active"


def test_a_contract_without_a_status_is_no_active_one(drafted: Any, tmp_path: Path) -> None:
    path = tmp_path / "pack" / "contracts" / "klient.odcs.yaml"
    path.write_text(path.read_text("utf-8").replace("status: draft\n", ""), "utf-8")
    told = drafted.asked("SELECT count(*) AS n FROM klient")
    assert told.code == "contract_not_active"
    assert "add a line to it: status: active" in told.error.hint


def test_a_join_over_the_reviewed_draft(drafted: Any, tmp_path: Path) -> None:
    opened(tmp_path / "pack")
    told = drafted.asked(
        "SELECT month(l.due) AS due_month, count(*) AS loans, sum(l.amount) AS amount, count(DISTINCT k.klient_id) AS clients\n"
        "FROM v_ry_2024 AS l JOIN klient AS k USING (klient_id) GROUP BY ALL",
        "answer << ",
    )
    assert told.error is None
    frame = drafted.shell.user_ns["answer"]
    assert frame.to_dict("records") == [
        {"due_month": 3, "loans": 200, "amount": sum(10 * n for n in range(200)), "clients": 60}
    ]


def test_guessed_persons_are_masked_at_once(drafted: Any, tmp_path: Path) -> None:
    opened(tmp_path / "pack")
    told = drafted.asked('SELECT klient_id, "příjmení", email FROM klient ORDER BY klient_id', "people << ")
    assert told.error is None
    frame = drafted.shell.user_ns["people"]
    assert list(frame["klient_id"]) == list(range(60))
    assert not any("Dvo" in str(v) for v in frame["příjmení"])
    assert not any("@" in str(v) for v in frame["email"])


def test_what_has_no_contract_is_unreachable(drafted: Any, tmp_path: Path) -> None:
    (tmp_path / "pack" / "contracts" / "klient.odcs.yaml").unlink()
    told = drafted.asked("SELECT count(*) AS n FROM klient")
    assert told.code == "unknown_dataset"
