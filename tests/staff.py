"""A table of staff whose wages are hidden, in a DuckDB file: what several suites of the engine ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.errors import AureusError
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.catalog import Column, Dataset
from aureus_jupyter.values.plan import Plan, Shadow

MARKER = "MARK-9043"
STAFF = Dataset(
    name="Staff",
    pack="p",
    source="staff",
    columns=(
        Column(name="id", type="BIGINT"),
        Column(name="nick", type="text"),
        Column(name="wage", type="DECIMAL(18,2)"),
    ),
)
SHOWN = Shadow(dataset="Staff", source="staff", projection=('"id"', '"nick"', 'NULL::DECIMAL(18,2) AS "wage"'))


def bank_at(path: Path) -> Path:
    with duckdb.connect(str(path)) as con:
        con.execute(
            f"CREATE TABLE staff (id BIGINT NOT NULL, nick VARCHAR, wage DECIMAL(18,2));"
            f"INSERT INTO staff SELECT i, '{MARKER}-' || i, i * 10 FROM range(1000) r(i);"
            "CREATE SCHEMA hq; CREATE TABLE hq.site AS SELECT 'OSLO' AS name; CREATE VIEW rich AS FROM staff"
        )
    return path


def parquet(sql: str, path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"COPY ({sql}) TO '{path}'")


def plan(sql: str, *shadows: Shadow, rows: int | None = None) -> Plan:
    return Plan(sql=sql, bound=sql, dialect="duckdb", shadows=shadows or (SHOWN,), rows=rows)


def ask(engine: DuckDBEngine, sql: str, *shadows: Shadow, **values):
    asked = plan(sql, *shadows)
    engine.prepare(asked, (STAFF,))
    return engine.run(asked, values, Limits())


def refusal(work: Callable[[], object]) -> AureusError:
    with pytest.raises(AureusError) as caught:
        work()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert MARKER not in str(caught.value)
    assert caught.value.hint
    return caught.value
