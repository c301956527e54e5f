"""The published corpus, whole: no attack gets through, and every legitimate statement runs as it is written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aureus_jupyter.adapters.engines import duckdb as duckdb_engine
from aureus_jupyter.app.selftest import corpus_folder, selftest
from aureus_jupyter.app.selftest_duckdb import DuckDBWorld
from aureus_jupyter.app.selftest_postgres import PostgresWorld
from aureus_jupyter.testing.corpus import Attack, Legitimate, load_attacks, load_legitimate
from aureus_jupyter.testing.corpus_report import Report
from aureus_jupyter.testing.corpus_world import load_tables

pytestmark = pytest.mark.slow

CORPUS = corpus_folder()
TABLES = load_tables(CORPUS / "world" / "tables.yaml")


@pytest.fixture(scope="module")
def sent() -> list[str]:
    """The texts that the engine was given to run."""
    return []


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory, sent: list[str]) -> Report:
    """The whole corpus on DuckDB, once; the call that hands a text to DuckDB is listened to."""
    folder, report, fetch = tmp_path_factory.mktemp("corpus"), Report(), duckdb_engine.fetch

    def listening(con: Any, text: str, *others: Any) -> Any:
        sent.append(text)
        return fetch(con, text, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb_engine, "fetch", listening)
        selftest(DuckDBWorld(TABLES, CORPUS / "world", folder / "world"), CORPUS, folder / "runs", report)
    shutil.rmtree(folder)
    return report


@pytest.fixture
def owner(postgres: str) -> Iterator[str]:
    """The URL of an account that may make schemas and no more."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE corpus_owner LOGIN; GRANT CREATE, TEMP ON DATABASE postgres TO corpus_owner")
    yield postgres.replace("bank@", "corpus_owner@")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP OWNED BY corpus_owner; DROP ROLE corpus_owner")


def test_duckdb(duck: Report) -> None:
    assert duck.holds, duck.text()


def test_every_legitimate_text_reaches_duckdb_as_it_is_written(duck: Report, sent: list[str]) -> None:
    ran = {line.case.sql for line in duck.lines if isinstance(line.case, Legitimate) and line.end == "same rows"}
    plain = {line.case.sql for line in duck.lines if isinstance(line.case, Legitimate) and not line.case.parameters}
    assert len(ran & plain) > 250
    assert ran & plain <= set(sent)


@pytest.mark.postgres
def test_postgres(owner: str, tmp_path: Path) -> None:
    report = Report()
    selftest(PostgresWorld(TABLES, CORPUS / "world", tmp_path / "world", owner), CORPUS, tmp_path / "runs", report)
    assert report.holds, report.text()
    with psycopg.connect(owner) as connection:
        left = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'aureus_selftest%'").fetchone()
    assert left == (0,), "the selftest leaves nothing behind"


def test_the_corpus_is_as_large_as_it_is_said_to_be(duck: Report) -> None:
    attacks = {case.id for case in load_attacks(CORPUS / "attacks")}
    legitimate = {case.id for case in load_legitimate(CORPUS / "legitimate")}
    assert len(attacks) >= 400
    assert len(legitimate) >= 250
    assert {f"tpch-{n:02}" for n in range(1, 23)} | {f"tpcds-{n:02}" for n in range(1, 100)} <= legitimate
    families = {line.case.family for line in duck.lines if isinstance(line.case, Attack)}
    assert len(families) >= 25


def test_a_legitimate_twin_names_an_attack_that_is_there() -> None:
    attacks = {case.id for case in load_attacks(CORPUS / "attacks")}
    likes = {case.like for case in load_legitimate(CORPUS / "legitimate")} - {""}
    assert likes <= attacks


def test_the_contracts_are_those_of_the_tables() -> None:
    from aureus_jupyter.adapters.catalogs.pack import PackSource

    catalog = PackSource(CORPUS / "world").load()
    tables = {table.name: table for table in TABLES}
    for dataset in catalog.datasets:
        described = [(column.name, column.type) for column in dataset.columns]
        assert described == [(name, kind) for name, (kind, _) in tables[dataset.name].columns.items()]
    assert set(tables) - {d.name for d in catalog.datasets} == {"ghost", "pay"}
