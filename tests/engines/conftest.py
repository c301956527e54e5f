"""What several suites of the engine ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from ledger import SETUP
from staff import bank_at

from aureus_jupyter.adapters.engines.postgres import PostgresEngine


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    return bank_at(tmp_path / "bank.duckdb")


@pytest.fixture(scope="session")
def admin(postgres: str) -> str:
    """The database with tables and an ordinary account; the URL is the superuser's."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(SETUP)
    return postgres


@pytest.fixture
def engine(admin: str) -> Iterator[PostgresEngine]:
    made = PostgresEngine.open(admin.replace("bank@", "reader@"), mask_key=b"k" * 32)
    yield made
    made.close()
