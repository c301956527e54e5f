"""The DuckDB engine meets the port: over a database file, and over folders of Parquet and of CSV."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.testing.engines import CREATE, INSERT, EngineConformance


def make(path: Path) -> None:
    """Write the suite's table as a database file, a Parquet file and a CSV file."""
    with duckdb.connect(str(path / "bank.duckdb")) as con:
        con.execute(CREATE)
        con.execute(INSERT)
        for kind in ("parquet", "csv"):
            (path / kind).mkdir()
            con.execute(f"COPY account TO '{path / kind / f'account.{kind}'}'")


class TestFile(EngineConformance):
    location = "bank.duckdb"

    @pytest.fixture(autouse=True)
    def data(self, tmp_path: Path) -> None:
        make(tmp_path)
        self.path = tmp_path

    def connect(self) -> DuckDBEngine:
        return DuckDBEngine.open(str(self.path / self.location), threads=2)


class TestParquetFolder(TestFile):
    location = "parquet"
    source = "account.parquet"


class TestCsvFolder(TestFile):
    location = "csv"
    source = "account.csv"

    def dataset(self):
        # CSV carries no types: DuckDB reads the amounts as doubles.
        dataset = super().dataset()
        columns = [c if c.name != "amount" else type(c)(name="amount", type="DOUBLE") for c in dataset.columns]
        return type(dataset)(name="account", pack="conformance", source=self.source, columns=tuple(columns))
