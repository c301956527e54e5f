"""Any other SQLAlchemy dialect, read as a copy; SQLite stands for them all."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.engines.copied import CopyEngine
from aureus_jupyter.errors import AureusError, Unavailable
from aureus_jupyter.ports import Limits
from aureus_jupyter.testing.engines import MARKER, EngineConformance
from aureus_jupyter.values.catalog import Column, Dataset
from aureus_jupyter.values.plan import Plan, Shadow


def make(path: Path) -> str:
    with sqlite3.connect(path) as con:
        con.execute("CREATE TABLE account (id BIGINT, holder VARCHAR, amount DECIMAL(18, 2), site VARCHAR)")
        con.executemany(
            "INSERT INTO account VALUES (?, ?, ?, ?)",
            [(i, f"{MARKER}-{i}", i + 0.25, "OSLO" if i % 2 == 0 else "BERN") for i in range(100)],
        )
        con.execute("CREATE TABLE other (id BIGINT)")
    con.close()
    return f"sqlite:///{path}"


class TestCopied(EngineConformance):
    scans = 1

    @pytest.fixture(autouse=True)
    def data(self, tmp_path: Path) -> None:
        self.url = make(tmp_path / "bank.db")

    def connect(self) -> CopyEngine:
        return CopyEngine.open(self.url, threads=2)


DATASET = Dataset(
    name="account",
    pack="p",
    source="account",
    columns=(Column(name="id", type="BIGINT"), Column(name="amount", type="DECIMAL(18,2)")),
)
PLAN = Plan(
    sql="SELECT count(*) AS n, sum(amount) AS s FROM account",
    bound="SELECT count(*) AS n, sum(amount) AS s FROM account",
    dialect="duckdb",
    shadows=(Shadow(dataset="account", source="account", projection=('"id"', '"amount"')),),
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return make(tmp_path / "bank.db")


def code(work: Any) -> str:
    with pytest.raises(AureusError) as caught:
        work()
    assert MARKER not in str(caught.value)
    assert caught.value.__context__ is None or MARKER.encode() not in repr(caught.value.__context__).encode()
    return caught.value.code


def test_each_run_sees_the_rows_of_its_moment_and_keeps_none(url: str) -> None:
    engine = CopyEngine.open(url)
    engine.prepare(PLAN, [DATASET])
    assert engine.run(PLAN, {}, Limits()).preview(1) == [["100", "4975.00"]]
    with sqlite3.connect(url.removeprefix("sqlite:///")) as con:
        con.execute("DELETE FROM account WHERE id >= 50")
    con.close()
    assert engine.run(PLAN, {}, Limits()).preview(1) == [["50", "1237.50"]]
    left = engine._con.execute(f"SELECT count(*) FROM {engine._raw['account'].sql}").fetchall()
    assert left == [(0,)], "no copy stays"
    assert "copy account" in engine.estimate(PLAN, {})
    assert engine.description == "sqlite database bank.db, copied for each statement"
    engine.close()
    engine.close()


def test_preparing_reads_no_row(url: str) -> None:
    engine = CopyEngine.open(url)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as con:
        con.execute("DROP TABLE account")
    con.close()
    engine.prepare(PLAN, [DATASET])
    assert code(lambda: engine.run(PLAN, {}, Limits())) == "database_unavailable"
    engine.close()


def test_limits_hold_while_rows_are_copied(url: str) -> None:
    engine = CopyEngine.open(url, max_rows=99)
    engine.prepare(PLAN, [DATASET])
    assert code(lambda: engine.run(PLAN, {}, Limits())) == "source_too_large"
    engine.close()
    engine = CopyEngine.open(url)
    engine.prepare(PLAN, [DATASET])
    assert code(lambda: engine.run(PLAN, {}, Limits(seconds=0.0))) == "time_limit"
    engine._check = lambda *_: engine.cancel() or CopyEngine._check(engine, "account", 1, None)
    assert code(lambda: engine.run(PLAN, {}, Limits())) == "cancelled"
    engine.close()


def test_values_that_are_not_of_the_contracts_type(url: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as con:
        con.execute(f"INSERT INTO account VALUES ('{MARKER}', '{MARKER}', 'x', 'OSLO')")
    con.close()
    engine = CopyEngine.open(url)
    engine.prepare(PLAN, [DATASET])
    assert code(lambda: engine.run(PLAN, {}, Limits())) == "contract_drift"
    engine.close()


def test_a_type_duckdb_does_not_know(url: str) -> None:
    engine = CopyEngine.open(url)
    odd = Dataset(name="account", pack="p", source="account", columns=(Column(name="id", type="NOSUCH"),))
    assert code(lambda: engine.prepare(PLAN, [odd])) == "contract_drift"
    engine.close()


def test_tables_are_listed_for_a_look(url: str) -> None:
    engine = CopyEngine.open(url)
    found = {t.source: [c.name for c in t.columns] for t in engine.tables()}
    assert found == {"account": ["id", "holder", "amount", "site"], "other": ["id"]}
    engine.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nosuch://h/d", "dialect_unsupported"),
        ("mysql+nosuchdriver://h/d", "dialect_unsupported"),
        ("mysql+pymysql://h/d", "driver_missing"),
        ("not a url", "bad_connection"),
        ("sqlite:////nosuch/folder/x.db", "bad_connection"),
    ],
)
def test_what_cannot_be_connected(url: str, said: str) -> None:
    assert code(lambda: CopyEngine.open(url)) == said


def test_a_column_that_is_not_there(url: str) -> None:
    engine = CopyEngine.open(url)
    wrong = Dataset(name="account", pack="p", source="account", columns=(Column(name=f"no {MARKER}", type="BIGINT"),))
    shadow = Shadow(dataset="account", source="account", projection=(f'"no {MARKER}"',))
    plan = Plan(
        sql="SELECT 1 AS a FROM account", bound="SELECT 1 AS a FROM account", dialect="duckdb", shadows=(shadow,)
    )
    engine.prepare(plan, [wrong])
    with pytest.raises(Unavailable) as caught:
        engine.run(plan, {}, Limits())
    assert caught.value.code == "contract_drift"
    assert "without a column" in caught.value.message
    engine.close()


def test_an_interrupt_while_rows_are_copied_leaves_none(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = CopyEngine.open(url)
    engine.prepare(PLAN, [DATASET])
    real = engine._insert

    def pressed(*arguments: Any) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "_insert", pressed)
    with pytest.raises(KeyboardInterrupt):
        engine.run(PLAN, {}, Limits())
    assert engine._con.execute(f"SELECT count(*) FROM {engine._raw['account'].sql}").fetchall() == [(0,)]
    monkeypatch.setattr(engine, "_insert", real)
    assert engine.run(PLAN, {}, Limits()).rows == 1
    engine.close()


def test_drift_names_the_column_and_a_lock_is_told_from_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as con:
        con.execute(f"UPDATE account SET amount = '{MARKER}' WHERE id = 3")
        con.execute("UPDATE account SET id = 1.5 WHERE id = 4")
    con.close()
    engine = CopyEngine.open(url + "?timeout=0.1")
    engine.prepare(PLAN, [DATASET])
    with pytest.raises(Unavailable) as caught:
        engine.run(PLAN, {}, Limits())
    assert caught.value.code == "contract_drift"
    with sqlite3.connect(url.removeprefix("sqlite:///")) as con:
        con.execute("UPDATE account SET id = 4 WHERE id = 1.5")
    con.close()
    with pytest.raises(Unavailable) as caught:
        engine.run(PLAN, {}, Limits())
    assert "in the column amount" in caught.value.message
    writer = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable) as caught:
        engine.run(PLAN, {}, Limits())
    assert (caught.value.code, "locked" in caught.value.message) == ("database_unavailable", True)
    writer.execute("ROLLBACK")
    writer.close()
    engine.close()
