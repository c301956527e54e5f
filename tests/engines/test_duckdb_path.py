"""Guard and engine together, over the guard's corpora: what passes gives DuckDB's own answer, what must not run does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import yaml

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.core.analyze import analyze, bound_text
from aureus_jupyter.core.rewrite import rewrite
from aureus_jupyter.errors import AureusError, UserError
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Pii
from aureus_jupyter.values.plan import Plan, Shadow
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Verdict, VerdictKind

DATES = {"since": "2020-02-01", "d": "2020-02-01", "from_": "2020-02-01"}
CORPUS = Path(__file__).resolve().parents[1] / "corpus"
ALLOWED = yaml.safe_load((CORPUS / "guard_allowed.yaml").read_text("utf-8"))
REFUSED = yaml.safe_load((CORPUS / "guard_refused.yaml").read_text("utf-8"))
MARKER = "MARK-3307"

LOAN = Dataset(
    name="loan",
    pack="p",
    source="loan",
    columns=(
        Column(name="loan_id", type="BIGINT", key=True),
        Column(name="borrower_id", type="BIGINT"),
        Column(name="country", type="VARCHAR"),
        Column(name="pd", type="DOUBLE"),
        Column(name="ead", type="DECIMAL(18,2)"),
        Column(name="originated_on", type="DATE"),
    ),
)
BORROWER = Dataset(
    name="borrower",
    pack="p",
    source="borrower",
    columns=(
        Column(name="borrower_id", type="BIGINT", key=True),
        Column(name="full_name", type="VARCHAR", pii=Pii.DIRECT),
        Column(name="country", type="VARCHAR"),
    ),
)
CATALOG = Catalog(datasets=(LOAN, BORROWER))
OPEN = Verdict(kind=VerdictKind.ALLOW)
CLOSED = Verdict(
    kind=VerdictKind.ALLOW,
    masks=(
        Mask(dataset="borrower", column="full_name", method=MaskMethod.HASH, policy="p", reason="r"),
        Mask(dataset="loan", column="originated_on", method=MaskMethod.YEAR, policy="p", reason="r"),
    ),
    filters=(
        Filter(dataset="loan", column="country", op=Op.IN, values=("NO", "CH"), policy="p", reason="r"),
        Filter(dataset="borrower", column="country", op=Op.IN, values=("NO", "CH"), policy="p", reason="r"),
    ),
)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bank") / "bank.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            "CREATE TABLE loan AS SELECT i AS loan_id, i % 50 AS borrower_id, ['NO', 'CH', 'XX'][i % 3 + 1] AS country,"
            " (i % 17) / 100.0::DOUBLE AS pd, (i * 10.5)::DECIMAL(18,2) AS ead, date '2020-01-01' + i::INTEGER AS "
            "originated_on FROM range(200) r(i)"
        )
        con.execute(
            f"CREATE TABLE borrower AS SELECT i AS borrower_id, '{MARKER} ' || i AS full_name, "
            "['NO', 'CH', 'XX'][i % 3 + 1] AS country FROM range(50) r(i)"
        )
    return path


@pytest.fixture(scope="module")
def engine(bank: Path):
    engine = DuckDBEngine.open(str(bank), threads=1)
    yield engine
    engine.close()


def plan_of(engine: DuckDBEngine, sql: str, verdict: Verdict) -> Plan:
    tree = engine.read(bound_text(sql, "duckdb")).tree
    return rewrite(sql, analyze(sql, tree, CATALOG, "duckdb"), verdict, CATALOG, "duckdb")


def values_of(case: dict[str, Any]) -> dict[str, Any]:
    return {name: DATES.get(name, 1) for name in case.get("parameters", [])}


@pytest.mark.parametrize("case", ALLOWED, ids=[c["sql"][:60] for c in ALLOWED])
def test_what_the_guard_allows_gives_duckdbs_own_answer(engine: DuckDBEngine, bank: Path, case: dict[str, Any]) -> None:
    """With nothing to mask, a governed statement is the same as the ungoverned one: rows, names and types."""
    plan, values = plan_of(engine, case["sql"], OPEN), values_of(case)
    with duckdb.connect() as con:
        for table in ("loan", "borrower"):
            # The raw table itself, in an instance of its own: the file is held by the engine.
            con.from_arrow(whole(engine, table)).create(table)
        con.execute("SET threads=1")
        try:
            raw = con.execute(plan.bound, values or None).df()
        except duckdb.Error:
            raw = None
    if raw is None:  # what DuckDB cannot bind is the user's error here too
        with pytest.raises(UserError):
            answer(engine, plan, values)
        return
    ours = answer(engine, plan, values)
    assert [c.name for c in ours.columns] == list(raw.columns)
    if "using sample" not in plan.sql:  # whose rows are drawn by lot
        pd.testing.assert_frame_equal(in_order(ours.to_pandas()), in_order(raw))


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame.columns), key=lambda s: s.map(repr)).reset_index(drop=True)


def answer(engine: DuckDBEngine, plan: Plan, values: dict[str, Any]) -> Any:
    engine.prepare(plan, CATALOG.datasets)
    return engine.run(plan, values, Limits())


def whole(engine: DuckDBEngine, table: str) -> Any:
    plan = plan_of(engine, f"SELECT * FROM {table}", OPEN)
    engine.prepare(plan, CATALOG.datasets)
    return engine.run(plan, {}, Limits()).to_arrow()


@pytest.mark.parametrize("case", ALLOWED, ids=[c["sql"][:60] for c in ALLOWED])
def test_under_masks_and_filters_no_hidden_value_shows(engine: DuckDBEngine, case: dict[str, Any]) -> None:
    plan = plan_of(engine, case["sql"], CLOSED)
    try:
        shown = repr(answer(engine, plan, values_of(case)).preview(1000))
    except UserError as error:
        shown = str(error)
    assert MARKER not in shown
    assert "XX" not in shown


UNREAD = [
    "SELECT loan_id, sum(ead) OVER (ORDER BY originated_on RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW) "
    "AS s FROM loan",
    "SELECT l.loan_id, y FROM (SELECT loan_id, list(pd) AS ps FROM loan GROUP BY 1) l, unnest(l.ps) x(y)",
    "SELECT loan_id FROM loan WHERE (borrower_id, country) IN (SELECT borrower_id, country FROM borrower)",
    "SELECT quantile_cont(ead, [0.1, 0.9]) AS q FROM loan",
]


@pytest.mark.parametrize("sql", UNREAD)
def test_what_only_the_plan_can_tell(engine: DuckDBEngine, bank: Path, sql: str, monkeypatch) -> None:
    """DuckDB's name extraction fails on these; they run, and reading another table is still seen."""
    plan = plan_of(engine, sql, OPEN)
    monkeypatch.setattr(engine, "_extracted", lambda texts: None)
    for verdict in (OPEN, CLOSED):
        asked = plan_of(engine, sql, verdict)
        assert answer(engine, asked, {}).rows
    raw = engine._instance.raw["borrower"].sql
    loans = Plan(sql=sql, bound=sql, dialect="duckdb", shadows=tuple(s for s in plan.shadows if s.dataset == "loan"))
    engine._shadows.make(loans, CATALOG.datasets)
    scans = engine._scans(f"SELECT * FROM loan, {raw}", {})
    assert not scans <= engine._scans("SELECT * FROM loan", {})
    engine._bound.clear()


# Odd characters outside of strings, and types within types, are a trouble to readers, not to the engine: only the guard looks for them.
BY_THE_ENGINE = [c for c in REFUSED if c["code"] not in {"bad_text", "odd_character"} and not c.get("guard_only")]


@pytest.mark.parametrize("case", BY_THE_ENGINE, ids=[c["sql"][:60] for c in BY_THE_ENGINE])
def test_the_engine_alone_refuses_what_the_guard_refuses(engine: DuckDBEngine, case: dict[str, Any]) -> None:
    """Even handed a plan that claims the tables it reads, without any guard before it."""
    shadows = {
        d.name: Shadow(dataset=d.name, source=d.source, projection=tuple(f'"{c.name}"' for c in d.columns))
        for d in CATALOG.datasets
    }
    for names in ((), ("loan",), ("borrower",), ("loan", "borrower")):
        plan = Plan(sql=case["sql"], bound=case["sql"], dialect="duckdb", shadows=tuple(shadows[n] for n in names))
        with pytest.raises(AureusError):
            engine.prepare(plan, CATALOG.datasets)
