"""A small catalog and the engine's own parser, shared by the guard's tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from shadows import KEY

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


@pytest.fixture(scope="module")
def raw() -> duckdb.DuckDBPyConnection:
    """The rows of `shadows` on a plain DuckDB."""
    connection = duckdb.connect()
    connection.execute(
        "create table raw as select 'CZ6508' as t, date '2024-05-17' as d, timestamp '2024-05-17 10:00' as ts, "
        "1234.56::decimal(18,2) as n, 17 as i, -9223372036854775808 as big, (-32768)::smallint as small, -2.5::double as f, "
        "true as b, {'a': 1} as s, interval 1 day as v "
        "union all select null,null,null,null,null,null,null,null,null,null,null"
    )
    connection.execute(
        "create table sites as select * from (values (17, 1, 'a'), (18, 2, 'b'), (19, null, 'c')) s(id, land, t)"
    )
    connection.execute("create table keys (inner_pad blob, outer_pad blob)")
    padded = KEY.ljust(64, b"\x00")
    connection.execute("insert into keys values (?, ?)", [bytes(b ^ pad for b in padded) for pad in (0x36, 0x5C)])
    return connection
