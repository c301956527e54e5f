"""Stays in a hospital that answer only in summaries, and one who asks: real policies, DuckDB and ledger, no front end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.ledgers.overlap import SQLiteOverlapLedger
from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.errors import Refused
from aureus_jupyter.ports import Engine, Limits
from aureus_jupyter.service.decisions import Decided, Decider
from aureus_jupyter.service.summaries import Gate
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Pii
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.plan import Parameter
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import VerdictKind

STAY = Dataset(
    name="stay",
    pack="ward",
    source="stay",
    columns=(
        Column(name="stay_id", type="BIGINT", key=True),
        Column(name="person", type="BIGINT", pii=Pii.DIRECT),
        Column(name="region", type="VARCHAR"),
        Column(name="ward", type="VARCHAR"),
        Column(name="age", type="INTEGER"),
        Column(name="admitted", type="DATE"),
        Column(name="nights", type="INTEGER"),
        Column(name="cost", type="DECIMAL(18,2)"),
        Column(name="surcharge", type="DECIMAL(18,2)"),
    ),
)
NURSE = Dataset(
    name="nurse",
    pack="ward",
    source="nurse",
    columns=(Column(name="nurse_id", type="BIGINT", key=True), Column(name="ward", type="VARCHAR")),
)
CATALOG = Catalog(datasets=(STAY, NURSE))
PERMIT = "{id: open, description: d, effect: permit}"
SUMMARY = (
    "{id: few, description: d, effect: summary, reason: health data, match: {datasets: [stay]}, "
    "summary: {smallest: 5, person: person, protected: {names: [cost, surcharge]}}}"
)
ROWS = """
CREATE TABLE stay AS
SELECT i AS stay_id, i // 2 AS person, ['north', 'south', 'east'][1 + i % 3] AS region,
  CASE WHEN i % 11 = 0 THEN NULL ELSE ['A', 'B'][1 + (i // 2) % 2] END AS ward,
  (20 + (i // 2) % 60)::INTEGER AS age, DATE '2024-01-01' + (i % 360)::INTEGER AS admitted,
  (1 + i % 9)::INTEGER AS nights, (100 + i)::DECIMAL(18,2) AS cost,
  CASE WHEN i % 4 = 0 THEN (i % 7)::DECIMAL(18,2) END AS surcharge
FROM range(240) r(i);
INSERT INTO stay VALUES (900, NULL, 'west', 'A', 50, '2024-03-01', 2, 1, NULL),
  (901, 901, 'islands', 'A', 99, '2024-03-01', 2, 999, 5),
  (902, 902, 'north', 'A', 33, '2024-03-01', 2, 77, NULL);
CREATE TABLE nurse AS SELECT i AS nurse_id, 'A' AS ward FROM range(20) r(i);
"""
"""Two stays for each of 120 persons, one stay of nobody, and one person alone on the islands."""


def ward_at(path: Path, rows: str = ROWS) -> Path:
    with duckdb.connect(str(path)) as con:
        con.execute(rows)
    return path


@dataclass
class Ward:
    """Asks as a cell does: decide, gate, run."""

    engine: Engine
    folder: Path
    policies: tuple[str, ...] = (PERMIT, SUMMARY)
    who: Principal = field(default_factory=lambda: Principal(name="ana"))
    catalog: Catalog = CATALOG

    def decide(self, sql: str, values: dict[str, Parameter] | None = None) -> Decided:
        self.folder.mkdir(exist_ok=True)
        text = "version: 1\npolicies:\n" + "".join(f"  - {policy}\n" for policy in self.policies)
        (self.folder / "a.policy.yaml").write_text(text, "utf-8")
        decider = Decider(self.catalog, load_policies([self.folder]))
        draft = Draft(sql=sql, origin=Origin.SQL, parameters=tuple((values or {}).items()))
        decided = decider.decide(draft, self.engine, self.who, "care")
        if decided.verdict.kind is VerdictKind.DENY:
            reason = decided.verdict.reasons[0]
            raise Refused(reason.code, reason.message, hint=reason.hint)
        assert decided.plan is not None
        self.engine.prepare(decided.plan, decided.datasets)
        return decided

    @property
    def ledger(self) -> SQLiteOverlapLedger:
        return SQLiteOverlapLedger(self.folder / "ledger" / "overlap.sqlite")

    def ask(self, sql: str, values: dict[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        decided = self.decide(sql, values)
        assert decided.plan is not None
        gate = Gate(engine=self.engine, ledger=self.ledger, principal=self.who, limits=Limits())
        gate.pass_through(decided, tuple((values or {}).items()))
        table = self.engine.run(decided.plan, values or {}, Limits()).to_arrow()
        return [tuple(row.values()) for row in table.to_pylist()]


def ward(tmp_path: Path, name: str = "ward", **more: Any) -> Ward:
    path = tmp_path / f"{name}.duckdb"
    if not path.exists():
        ward_at(path)
    return Ward(DuckDBEngine.open(str(path), mask_key=b"k" * 32), tmp_path / name, **more)
