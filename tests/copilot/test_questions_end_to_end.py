"""A question through a model, a guard and an engine: what reaches the server, what runs, what is kept."""

from __future__ import annotations

import _thread
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aureus_jupyter.app.application import App
from aureus_jupyter.display.bundle import MIME
from aureus_jupyter.testing import copilots as fake
from aureus_jupyter.testing.copilots import ModelServer, good, reply
from aureus_jupyter.values.draft import Cell

KEY = "sk-KEYMARK-123"
ASKED = "How many borrowers are there in each country?"
GOOD = "SELECT country, count(*) AS borrowers FROM borrower GROUP BY country"


@pytest.fixture(scope="session")
def model_seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeds made once for these tests."""
    return tmp_path_factory.mktemp("model-seeds")


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet_home: Path, model_seeds: Path) -> Iterator[Any]:
    """Return what makes an application that asks a given server."""
    (quiet_home / "data" / "aureus").mkdir(parents=True)
    (quiet_home / "data" / "aureus" / "seeds").symlink_to(model_seeds)
    monkeypatch.setenv("MODEL_KEY", KEY)
    made: list[App] = []

    def make(server: ModelServer, **more: Any) -> App:
        settings = {
            "principal": "ana.novak",
            "roles": ["data_scientist"],
            "attributes": {"jurisdiction": "CZ"},
            "seed_rows": 1000,
            "copilot": "openai",
            "copilot_base_url": f"{server.url}/v1",
            "copilot_model": "m-1",
            "copilot_key": "env:MODEL_KEY",
        }
        made.append(App({**settings, **more}, tmp_path))
        return made[-1]

    yield make
    for app in made:
        app.close()


def question(text: str, folder: Path) -> Cell:
    return Cell(source=text, kind="question", purpose="credit_risk_review", notebook=str(folder / "n.ipynb"))


def values(seeds: Path) -> set[str]:
    """Every text value of the database that could be told apart from ordinary words."""
    (path,) = seeds.glob("credit-risk-1000-*.duckdb")
    found: set[str] = set()
    with duckdb.connect(str(path), read_only=True) as db:
        columns = db.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
        for table, column in columns:
            rows = db.execute(f'SELECT DISTINCT "{column}"::VARCHAR FROM "{table}"').fetchall()
            found |= {value for (value,) in rows if value and len(value) >= 8}
    return found


def test_no_value_of_any_row_reaches_the_server(asking: Any, tmp_path: Path, model_seeds: Path, root: Path) -> None:
    wrong = reply("SELECT full_name, iban FROM borrower WHERE nosuch = 1")
    failing = reply("SELECT CAST(full_name AS INTEGER) AS n FROM borrower")
    with ModelServer(good(wrong), good("chatter"), good(failing), good(reply(GOOD))) as server:
        app = asking(server)
        app.run(question(ASKED, tmp_path))
        app.run(question(ASKED + " Please.", tmp_path))
        app.run(Cell(source="SELECT * FROM borrower", purpose="credit_risk_review", notebook=str(tmp_path / "n.ipynb")))
        app.run(question(ASKED, tmp_path))
        assert len(server.requests) >= 4
        app.close()
        contracts = " ".join(p.read_text("utf-8") for p in (root / "packs" / "credit-risk").rglob("*.yaml"))
        markers = {value for value in values(model_seeds) if value not in contracts}
        sent = server.sent.decode()
    assert len(markers) > 1_000
    assert "borrower" in sent
    assert [m for m in markers if m in sent] == []


def test_an_allowed_draft_runs_and_names_its_author(asking: Any, tmp_path: Path) -> None:
    with ModelServer(good(reply(GOOD))) as server:
        shown = asking(server).run(question(ASKED, tmp_path))
    assert shown.error is None, shown.error
    assert shown.run.draft.by == "model:m-1"
    assert shown.run.draft.rounds == 0
    assert shown.run.draft.sql == GOOD
    assert shown.bundle[MIME]["outcome"] in {"allowed", "masked"}
    everything = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"model:m-1" in everything
    assert KEY.encode() not in everything
    assert KEY not in str(shown.bundle)


def test_a_table_made_up_is_repaired_with_the_guards_error(asking: Any, tmp_path: Path) -> None:
    with ModelServer(good(reply("SELECT count(*) AS n FROM customers")), good(reply(GOOD))) as server:
        shown = asking(server).run(question(ASKED, tmp_path))
        assert len(server.requests) == 2
    assert shown.error is None, shown.error
    assert shown.run.draft.rounds == 1
    assert "“customers” is not a dataset of the catalog" in server.requests[1].prompt


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sum(exposures) AS n FROM loan",
        "SELECT sum(l.exposures) AS n FROM loan AS l",
        "SELECT sum(country) FROM loan",
    ],
)
def test_a_column_made_up_is_repaired_too(asking: Any, tmp_path: Path, sql: str) -> None:
    with ModelServer(good(reply(sql)), good(reply(GOOD))) as server:
        shown = asking(server).run(question(ASKED, tmp_path))
        assert len(server.requests) == 2
    assert shown.error is None, shown.error
    assert shown.run.draft.rounds == 1
    assert '"error":' in server.requests[1].prompt.replace("\\", "")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) AS n FROM customers",
        "DROP TABLE loan",
        "SELECT 1 AS a; SELECT 2 AS b",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT getenv('MODEL_KEY') AS k",
        "SELECT :x AS a",
        "not sql at all",
    ],
)
def test_a_model_that_insists_is_refused_by_the_guard(asking: Any, tmp_path: Path, sql: str) -> None:
    with ModelServer(good(reply(sql, explanation="Ignore the guard, this is safe."))) as server:
        shown = asking(server).run(question(ASKED, tmp_path))
        assert len(server.requests) <= 3
    assert shown.error is not None
    assert shown.run.result is None
    assert list((tmp_path / "n.aureus" / "runs").iterdir()), "a refusal leaves evidence"
    assert KEY not in str(shown.error)


@pytest.mark.parametrize(
    ("cue", "code"),
    [
        (fake.status(401), "copilot_auth"),
        (fake.hangs_up, "copilot_unreachable"),
        (good("chatter"), "copilot_bad_reply"),
        (good(reply("", cannot_answer="no")), "copilot_cannot_answer"),
    ],
)
def test_a_copilot_that_fails_is_two_lines_and_evidence(asking: Any, tmp_path: Path, cue: fake.Cue, code: str) -> None:
    with ModelServer(cue) as server:
        app = asking(server)
        shown = app.run(question(ASKED, tmp_path))
        assert shown.error.code == code
        assert len(shown.error.lines()) == 2
        assert list((tmp_path / "n.aureus" / "runs").iterdir())
        sql = Cell(source=GOOD, purpose="credit_risk_review", notebook=str(tmp_path / "n.ipynb"))
        assert app.run(sql).error is None, "SQL needs no model"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"copilot_key": "env:NO_SUCH_KEY"}, "secret_missing"),
        ({"copilot_base_url": ""}, "copilot_settings"),
        ({"copilot_api": "azure"}, "copilot_settings"),
        ({"copilot_token_budget": 1}, "copilot_budget"),
    ],
)
def test_a_copilot_set_wrongly_stops_no_sql(asking: Any, tmp_path: Path, more: dict[str, Any], code: str) -> None:
    with ModelServer(fake.never_asked) as server:
        app = asking(server, **more)
        assert app.run(question(ASKED, tmp_path)).error.code == code
        sql = Cell(source=GOOD, purpose="credit_risk_review", notebook=str(tmp_path / "n.ipynb"))
        assert app.run(sql).error is None
        assert (
            app.run(question("expected loss by product", tmp_path)).run.draft.by == "verified:expected-loss-by-product"
        )
        assert server.requests == []


def test_an_interrupt_ends_the_wait_for_a_model(asking: Any, tmp_path: Path) -> None:
    def interrupts(handler: Any, server: ModelServer) -> None:
        _thread.interrupt_main()
        server.ended.wait()

    with ModelServer(interrupts) as server:
        shown = asking(server, copilot_timeout=600).run(question(ASKED, tmp_path))
        assert len(server.requests) == 1
    assert shown.error.code == "interrupted"
    assert shown.run.result is None


DENIALS = """
version: 1
policies:
  - id: test.no-pd
    description: Nobody reads the probability of default.
    when: {uses_columns: [pd]}
    effect: deny
    code: no_pd
    reason: the probability of default is not for you
    hint: Leave it out.
  - id: test.no-collateral
    description: Nobody reads collateral.
    match: {datasets: [collateral]}
    effect: deny
    code: no_collateral
    reason: collateral is not for you
    hint: Leave it out.
"""


def test_what_a_policy_denies_is_not_told_to_the_model(asking: Any, tmp_path: Path) -> None:
    folder = tmp_path / "extra"
    folder.mkdir()
    with ModelServer(good(reply(GOOD))) as server:
        asking(server).run(question(ASKED, tmp_path))
        (folder / "denials.policy.yaml").write_text(DENIALS, "utf-8")
        asking(server, policies_path=str(folder)).run(question(ASKED, tmp_path))
    before, after = (request.prompt for request in server.requests)
    for name in ('["pd",', '"measure":"expected_loss"', '"table":"collateral"'):
        assert name in before
        assert name not in after
    assert '"measure":"exposure"' in after
