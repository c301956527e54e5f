"""Tokens under a policy's budget: reserved before a model is asked, whatever the question comes to."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.ledgers.sqlite import SqliteLedger
from aureus_jupyter.app.application import App
from aureus_jupyter.app.build import data_folder
from aureus_jupyter.display.bundle import MIME
from aureus_jupyter.errors import Refused, UserError
from aureus_jupyter.service.spending import LEAST_TOKENS, MOST_TOKENS, Account, Metered
from aureus_jupyter.testing.copilots import (
    CATALOG,
    ModelServer,
    Scripted,
    context,
    good,
    hangs_up,
    never_asked,
    reply,
)
from aureus_jupyter.values.draft import Cell, Draft, Origin
from aureus_jupyter.values.obligations import Budget, Measure

ASKED = "How many borrowers are there in each country?"
GOOD = "SELECT country, count(*) AS borrowers FROM borrower GROUP BY country"
VERIFIED = "expected loss for loans with PD above 10 %"


@pytest.fixture(scope="session")
def model_seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeds made once for these tests."""
    return tmp_path_factory.mktemp("model-seeds")


@pytest.fixture
def asking(tmp_path: Path, quiet_home: Path, model_seeds: Path) -> Iterator[Callable[..., App]]:
    """Return what makes an application that asks a given server, under policies with one budget each."""
    (quiet_home / "data" / "aureus").mkdir(parents=True)
    (quiet_home / "data" / "aureus" / "seeds").symlink_to(model_seeds)
    made: list[App] = []

    def make(server: ModelServer, *budgets: str, when: str = "{}") -> App:
        folder = tmp_path / "budgets"
        folder.mkdir(exist_ok=True)
        text = "".join(
            f"  - {{id: b.{n}, description: d, effect: budget, reason: r., when: {when}, budget: {{{b}}}}}\n"
            for n, b in enumerate(budgets)
        )
        (folder / "b.policy.yaml").write_text(f"version: 1\npolicies:\n{text}", "utf-8")
        settings = {
            "principal": "ana.novak",
            "roles": ["data_scientist"],
            "attributes": {"jurisdiction": "CZ"},
            "seed_rows": 1000,
            "policies_path": str(folder),
            "copilot": "openai",
            "copilot_base_url": f"{server.url}/v1",
            "copilot_model": "m-1",
        }
        made.append(App(settings, tmp_path))
        return made[-1]

    yield make
    for app in made:
        app.close()


def question(text: str, folder: Path) -> Cell:
    return Cell(source=text, kind="question", purpose="credit_risk_review", notebook=str(folder / "n.ipynb"))


def charged() -> list[tuple[str, str, int]]:
    """Return what the ledger holds."""
    with closing(sqlite3.connect(data_folder() / "ledger.sqlite")) as con:
        return con.execute("SELECT policy, measure, whole FROM charge ORDER BY at, policy").fetchall()


def test_a_question_is_charged_what_it_took(asking: Any, tmp_path: Path) -> None:
    with ModelServer(good(reply("SELECT nosuch FROM loan"), tokens=700), good(reply(GOOD), tokens=300)) as server:
        app = asking(server, "measure: tokens, limit: 50000, per: day")
        shown = app.run(question(ASKED, tmp_path))
    assert shown.error is None, shown.error
    assert charged() == [("b.0", "tokens", 1000)]
    assert "This took 1,000 of 50,000 tokens of a model in a day" in shown.bundle[MIME]["notices"][-1]


def test_a_dry_run_of_a_question_costs_its_tokens(asking: Any, tmp_path: Path) -> None:
    with ModelServer(good(reply(GOOD), tokens=900)) as server:
        app = asking(server, "measure: tokens, limit: 50000, per: day")
        assert app.dry_run(question(ASKED, tmp_path)).error is None
    assert charged() == [("b.0", "tokens", 900)]


def test_an_empty_budget_refuses_before_a_model_is_asked(asking: Any, tmp_path: Path) -> None:
    with ModelServer(good(reply(GOOD), tokens=900), never_asked) as server:
        app = asking(server, "measure: tokens, limit: 1000, per: day")
        first = app.run(question(ASKED, tmp_path))
        assert first.error is not None, "the prompt alone is larger than what policy leaves"
        assert first.error.code == "copilot_budget"
        assert server.requests == []
        app = asking(server, "measure: tokens, limit: 100, per: day, shared: true")
        shown = app.run(question(ASKED, tmp_path))
        assert server.requests == []
    assert shown.error.code == "budget_spent"
    assert "b.0 allows 100 tokens of a model in a day" in shown.error.message
    assert shown.bundle[MIME]["outcome"] == "refused"


def test_a_verified_question_needs_no_tokens(asking: Any, tmp_path: Path) -> None:
    with ModelServer(never_asked) as server:
        shown = asking(server, "measure: tokens, limit: 0, per: day").run(question(VERIFIED, tmp_path))
        assert server.requests == []
    assert shown.error is None, shown.error
    assert not (data_folder() / "ledger.sqlite").exists()


def test_a_draft_that_fails_is_paid_for(asking: Any, tmp_path: Path) -> None:
    wrong = [good(reply("SELECT nosuch FROM loan"), tokens=400)] * 3
    with ModelServer(*wrong) as server:
        app = asking(server, "measure: tokens, limit: 50000, per: day")
        assert app.run(question(ASKED, tmp_path)).error is not None
    assert charged() == [("b.0", "tokens", 1200)]


def test_a_server_that_hangs_up_costs_what_it_may_have_taken(asking: Any, tmp_path: Path) -> None:
    with ModelServer(hangs_up) as server:
        app = asking(server, "measure: tokens, limit: 50000, per: day")
        assert app.run(question(ASKED, tmp_path)).error is not None
        (charge,) = charged()
    assert charge[2] < MOST_TOKENS, "what was not taken is given back"


def test_a_budget_that_only_the_statement_shows_is_charged_when_it_runs(asking: Any, tmp_path: Path) -> None:
    when = "{joins_at_least: 1}"
    joined = "SELECT count(*) AS n FROM loan JOIN borrower USING (borrower_id)"
    with ModelServer(good(reply(joined), tokens=600), good(reply(joined), tokens=600)) as server:
        app = asking(server, "measure: tokens, limit: 1000, per: day", when=when)
        first = app.run(question(ASKED, tmp_path))
        assert first.error is None, first.error
        assert charged() == [("b.0", "tokens", 600)]
        assert app.run(question(ASKED + " Please.", tmp_path)).error.code == "budget_spent"
    assert charged() == [("b.0", "tokens", 600)]


# -- a copilot of somebody else's --------------------------------------------------------------------------------------

BUDGET = Budget(policy="p", measure=Measure.TOKENS, limit="50000", seconds=3600, reason="r")
DRAFT = Draft(sql="SELECT 1", origin=Origin.QUESTION, by="model:x")


def metered(copilot: Any, tmp_path: Path, *budgets: Budget) -> tuple[Metered, Account]:
    ledger = SqliteLedger(tmp_path / "ledger")
    account = Account(lambda: ledger, "ana", lambda: datetime(2026, 3, 1, tzinfo=UTC))
    return Metered(copilot, account, "r1", lambda: budgets), account


def test_one_that_does_not_count_is_taken_to_have_spent_it_all(tmp_path: Path) -> None:
    for budgets, taken in (((BUDGET,), MOST_TOKENS), ((), MOST_TOKENS), ((replace(BUDGET, limit="900"),), 900)):
        copilot = Scripted(DRAFT)
        copilot.__dict__["tokens_spent"] = None
        folder = tmp_path / str(taken + len(budgets))
        made, account = metered(copilot, folder, *budgets)
        made.draft("zebra", context())
        assert account.tokens == taken


def test_each_round_may_take_what_the_ones_before_left(tmp_path: Path) -> None:
    class Counts(Scripted):
        def draft(self, question: str, asked: Any) -> Any:
            self.tokens_spent += 600
            return super().draft(question, asked)

    copilot = Counts(DRAFT, UserError("x", "no", hint="h"))
    made, account = metered(copilot, tmp_path, replace(BUDGET, limit="1000"))
    made.draft("zebra", context())
    with pytest.raises(UserError):
        made.draft("zebra", context(("unknown_column", "no")))
    assert [asked.tokens for _, asked in copilot.asked] == [1000, 400]
    assert (account.tokens, made.tokens_spent, made.name) == (1200, 1200, "scripted")


def test_less_than_any_question_takes_is_nothing(tmp_path: Path) -> None:
    copilot = Scripted(DRAFT)
    made, _ = metered(copilot, tmp_path, replace(BUDGET, limit=str(LEAST_TOKENS - 1)))
    with pytest.raises(Refused) as caught:
        made.draft("zebra", context())
    assert caught.value.code == "budget_spent"
    assert copilot.asked == []


def test_a_verified_question_may_not_ask_a_model(tmp_path: Path) -> None:
    for budgets, tokens in (((BUDGET,), 0), ((), None)):
        copilot = Scripted(DRAFT)
        made, account = metered(copilot, tmp_path, *budgets)
        made.draft(CATALOG.questions[0].phrasings[0].replace("{pd}", "7 %"), context())
        assert (copilot.asked[0][1].tokens, account.tokens) == (tokens, 0)
