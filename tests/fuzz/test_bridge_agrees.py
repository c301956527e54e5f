"""Two ways to one tree: DuckDB's own, and sqlglot's by way of the translation. What both can read they must read alike."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from fuzz.duckdb_rules import DUCKDB_RULES
from fuzz.grammar import statement
from fuzz.summaries import Lab
from guard.conftest import bank_catalog

from aureus_jupyter.core import analyze as analysis
from aureus_jupyter.errors import AureusError
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.facts import Facts

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).parents[1] / "corpus"


@pytest.fixture(autouse=True)
def translated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(analysis._RULES, "translated", DUCKDB_RULES)


def both(sql: str, catalog: Catalog, parser: duckdb.DuckDBPyConnection) -> tuple[Facts, Facts] | None:
    """What either reading says, or nothing where one of them refuses."""
    row = parser.execute("select json_serialize_sql(?)", [sql]).fetchone()
    assert row is not None
    try:
        own = analysis.analyze(sql, json.loads(row[0]), catalog, "duckdb")
        return own, analysis.analyze(sql, None, catalog, "translated")
    except AureusError:
        return None


def compare(own: Facts, other: Facts) -> None:
    """The same tables and no columns beside those that DuckDB's names could mean; each output from no others."""
    assert {use.dataset for use in own.tables} == {use.dataset for use in other.tables}
    found = {use.dataset: set(use.columns) for use in own.tables}
    assert all(set(use.columns) <= found[use.dataset] for use in other.tables)
    assert own.parameters == other.parameters
    if own.outputs and other.outputs:
        assert len(own.outputs) == len(other.outputs)
        assert {s for o in other.outputs for s in o.sources} <= {s for o in own.outputs for s in o.sources}


BY_NAMES = (
    # DuckDB makes up a name for what has none or one that is there already; the translation has no such names.
    "select \"concat(full_name, '')\", count(*) from",
    "select y, count(*) from (select * exclude (c) from",
    "select x_1, count(*) from (select country, full_name, country as x_1",
    "select x.i, count(*) from (select unnest(range(60)) as i) x, (select 1 as k) unnamed_subquery",
    "select v.i, count(*) from (values ('a'), ('b')) v(i), (select 1 as full_name_1) b, loan z",
    "select v.loan_id, (select sum(pd) from (select",
    'select sum(pd) from (select true, loan_id as "true"',
    'with t as (select ead + 1, loan_id as "(ead + 1)"',
    'with t as (select true, loan_id as "true"',
    # In a join's condition DuckDB finds what stands to the left of the whole join.
    "select v.g, count(*) from (select unnest(range(60)) as g) v, loan x where exists",
    # A field of a column that is also a relation's name further out.
    "select z.b.loan_id, (select sum(b.pd) from loan b",
)
"""How the statements begin of which DuckDB's names mean something else than the translation says."""


@pytest.mark.parametrize("name", ["rows.sql", "summaries.sql"])
def test_the_corpus_is_read_alike(name: str) -> None:
    catalog, parser, tally = bank_catalog(), duckdb.connect(), Counter[str]()
    for sql in (CORPUS / name).read_text("utf-8").splitlines():
        read = both(sql, catalog, parser)
        tally["refused" if read is None else "read"] += 1
        if read is not None:
            compare(*read)
            assert read[0].aggregated or not read[1].aggregated or sql.startswith(BY_NAMES), sql
            assert read[1].aggregated or not read[0].aggregated, sql
    assert tally["read"] > 10 * tally["refused"]


def test_random_statements_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    lab, rng, tally = Lab(), random.Random(11), Counter[str]()
    monkeypatch.setattr(lab, "judged", lambda sql: True)
    for _ in range(1200):
        sql = statement(rng)
        try:
            lab.first.execute(f"explain {sql}")
        except duckdb.Error:
            continue
        read = both(sql, lab.catalog, lab.parser)
        tally["refused" if read is None else "read"] += 1
        if read is None:
            continue
        compare(*read)
        if read[1].aggregated and not read[0].aggregated:
            # Exact names let the translation know more. What it calls a summary must be one.
            tally["sure of more"] += 1
            assert lab.look(sql) is None, sql
    assert tally["read"] > 100
