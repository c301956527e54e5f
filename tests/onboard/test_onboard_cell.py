"""From a CSV file in an old code page to a governed cell: the draft alone already masks what it guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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


def test_a_join_over_the_draft(drafted: Any) -> None:
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


def test_guessed_persons_are_masked_at_once(drafted: Any) -> None:
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
