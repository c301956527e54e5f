"""A small catalog and the engine's own parser, shared by the guard's tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Pii


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Two datasets that share column names."""
    return bank_catalog()


def bank_catalog() -> Catalog:
    """Return the two datasets of the guard's tests."""
    loan = [
        Column(name="loan_id", type="BIGINT", key=True),
        Column(name="borrower_id", type="BIGINT", references="borrower.borrower_id"),
        Column(name="country", type="VARCHAR"),
        Column(name="pd", type="DOUBLE"),
        Column(name="ead", type="DECIMAL(18,2)"),
        Column(name="originated_on", type="DATE"),
    ]
    borrower = [
        Column(name="borrower_id", type="BIGINT", key=True),
        Column(name="full_name", type="VARCHAR", pii=Pii.DIRECT),
        Column(name="country", type="VARCHAR"),
        Column(name="income", type="DOUBLE", pii=Pii.QUASI),
    ]
    return Catalog(
        datasets=(
            Dataset(name="loan", pack="p", source="loan", columns=tuple(loan)),
            Dataset(name="borrower", pack="p", source="borrower", columns=tuple(borrower)),
        )
    )


@pytest.fixture(scope="session")
def parse() -> Callable[[str], Any]:
    """DuckDB's own tree for a text, as plain values."""
    connection = duckdb.connect()

    def tree(sql: str) -> Any:
        row = connection.execute("select json_serialize_sql(?)", [sql]).fetchone()
        assert row is not None
        return json.loads(row[0])

    return tree
