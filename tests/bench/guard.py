"""`make bench-guard`: what the guard costs beside the engine, in one run.

Analysis, decision, rewriting and the engine's second reading of statements new to every cache, and of a repeated one; decisions
under a thousand policies and over ten thousand datasets; scans and point queries of ten million rows through a mask and a filter,
beside the same on the raw table; with and without the barrier.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.core.rewrite import rewrite
from aureus_jupyter.ports import Limits
from aureus_jupyter.service.decisions import Decider
from aureus_jupyter.testing.corpus import load_legitimate
from aureus_jupyter.values.catalog import Catalog, Classification, Column, Dataset, Pii
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.obligations import Condition, Filter, Mask, MaskMethod, Op, Within
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import Verdict, VerdictKind

CORPUS = Path(__file__).resolve().parents[1] / "corpus"

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
ROWS = int(os.environ.get("BENCH_ROWS", "10000000"))
ANA = Principal(name="ana", roles=("analyst",), attributes=(("jurisdiction", "CZ"),))
PERMIT = "  - {id: open, description: Open., effect: permit}\n"
HOUSE = PERMIT + (
    "  - {id: mask, description: Masks., effect: mask, reason: r, mask: {columns: {pii: [direct]}, text: redact}}\n"
    "  - {id: rows, description: Rows., effect: filter, reason: r, match: {has_column: country},"
    " filter: {column: country, attribute: jurisdiction}}\n"
)


def policies(folder: Path, text: str) -> Any:
    """Return the policies of one file."""
    folder.mkdir(exist_ok=True)
    (folder / "bench.policy.yaml").write_text(f"version: 1\npolicies:\n{text}", "utf-8")
    return load_policies([folder])


def median_ms(act: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Median milliseconds of one call."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def line(name: str, found: str, target: str = "", met: bool = True) -> None:
    """Print one row of the table."""
    print(f"  {name:58} {found:>22}   {target and ('' if met else 'NOT ') + f'met: {target}'}")


def wide(name: str, columns: int) -> Dataset:
    """Return a dataset of `columns` columns, one in ten about persons."""
    made = [Column(name=f"c{i}", type="VARCHAR", pii=Pii.DIRECT if i % 10 == 0 else Pii.NONE) for i in range(columns)]
    return Dataset(
        name=name,
        pack="bench",
        source=name,
        columns=(*made, Column(name="country", type="VARCHAR"), Column(name="amount", type="DOUBLE")),
        classification=Classification.INTERNAL,
        contract_digest=name,
    )


def statements(folder: Path) -> None:
    """Statements new to every cache, and one that is repeated."""
    small, large = wide("small", 8), wide("large", 200)
    catalog = Catalog(datasets=(small, large))
    path = folder / "statements.duckdb"
    create(path, catalog)
    engine = DuckDBEngine.open(str(path))
    decider = Decider(catalog, policies(folder / "statements", HOUSE))
    fresh = iter(range(10**9))

    def judged(sql: str) -> None:
        decided = decider.decide(Draft(sql=sql, origin=Origin.SQL), engine, ANA, "review")
        assert decided.plan is not None
        engine.prepare(decided.plan, decided.datasets)

    def new(sql: str) -> float:
        judged(sql)
        return median_ms(lambda: judged(f"{sql}\n-- {next(fresh)}"), 5 * ROUNDS)

    point = "SELECT c1, amount FROM small WHERE c2 = 'x' ORDER BY amount"
    found = new(point)
    line("small, new: analysis, decision, rewriting, second reading", f"{found:.2f} ms", "1.5 ms", found <= 1.5)
    found = median_ms(lambda: judged(point), 20 * ROUNDS)
    line("the same, repeated", f"{found:.3f} ms", "0.3 ms", found <= 0.3)
    every = ", ".join(f"upper(c{i}) AS u{i}" for i in range(200))
    for name, sql in {"SELECT *": "SELECT * FROM large", "200 expressions": f"SELECT {every} FROM large"}.items():
        found = new(sql)
        line(f"200 columns with lineage: {name}", f"{found:.1f} ms", "60 ms", found <= 60)
    engine.close()


def create(path: Path, catalog: Catalog) -> None:
    """Make empty tables for the datasets."""
    import duckdb

    with duckdb.connect(str(path)) as raw:
        for dataset in catalog.datasets:
            if "." in dataset.source:
                raw.execute(f"CREATE SCHEMA IF NOT EXISTS {dataset.source.rpartition('.')[0]}")
            raw.execute(f"CREATE TABLE {dataset.source} ({', '.join(f'{c.name} {c.type}' for c in dataset.columns)})")


def benchmark_queries() -> list[tuple[str, str]]:
    """Return the corpus's TPC-H shapes, by name."""
    found = load_legitimate(CORPUS / "legitimate")
    return [(one.id, one.sql) for one in found if one.id.startswith("tpch-") and one.dialect == "duckdb"]


def decisions(folder: Path) -> None:
    """Decisions alone: many policies, many datasets."""
    many = PERMIT + "".join(
        f"  - {{id: p{i}, description: d, match: {{domains: [d{i % 50}], classification_at_least: internal}},"
        f" when: {{roles_any: [r{i}, analyst], purpose_not_in: [x{i}]}}, effect: cap, reason: r, cap: {{rows: {1000 + i}}}}}\n"
        for i in range(1000)
    )
    engine = policies(folder / "many", many)
    times = {}
    for count in (100, 10_000):
        datasets = tuple(replace(wide(f"t{i}", 40), domain=f"d{i % 50}") for i in range(count))
        decider = Decider(Catalog(datasets=datasets), engine)
        facts = Facts(tables=tuple(TableUse(dataset=f"t{i}", columns=("c0", "c1", "country")) for i in range(8)))
        decider.rule(facts, ANA, "review")
        times[count] = median_ms(lambda d=decider, f=facts: d.rule(f, ANA, "review"), 5 * ROUNDS)
    line("a decision on 8 datasets under 1,000 policies", f"{times[100]:.2f} ms", "1 ms", times[100] <= 1)
    line(
        "the same in a catalog of 10,000 datasets",
        f"{times[10_000]:.2f} ms",
        "flat",
        times[10_000] <= 1.25 * times[100],
    )


BIG = Dataset(
    name="big",
    pack="bench",
    source="big",
    columns=tuple(
        Column(name=name, type=kind)
        for name, kind in {
            "id": "BIGINT",
            "iban": "VARCHAR",
            "branch": "INTEGER",
            "country": "VARCHAR",
            "amount": "DOUBLE",
        }.items()
    ),
)
BRANCH = Dataset(
    name="branch",
    pack="bench",
    source="branch",
    columns=(Column(name="id", type="INTEGER"), Column(name="country", type="VARCHAR")),
)
TABLES = f"""
CREATE TABLE big AS SELECT i AS id, 'CZ65' || lpad(i::VARCHAR, 20, '0') AS iban, (i % 1000)::INTEGER AS branch,
  ['CZ', 'SK', 'AT', 'DE'][1 + i % 4] AS country, (i % 100000)::DOUBLE / 7 AS amount FROM range({ROWS}) t(i);
CREATE TABLE branch AS SELECT i::INTEGER AS id, ['CZ', 'DE'][1 + i % 2] AS country FROM range(1000) t(i);
"""
SCANS = {
    "sum and group": "SELECT branch, sum(amount), max(iban) FROM big GROUP BY branch",
    "count distinct": "SELECT count(DISTINCT branch), avg(amount) FROM big WHERE amount > 10",
}
POINT = "SELECT id, amount FROM big WHERE id = 4711"


def scans(folder: Path) -> None:
    """Ten million rows: through a mask and a filter, and raw with the same condition written by hand."""
    import duckdb

    path = folder / "scans.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute(TABLES)
    catalog = Catalog(datasets=(BIG, BRANCH))
    engine = DuckDBEngine.open(str(path))
    mask = Mask(policy="p", dataset="big", column="iban", method=MaskMethod.LAST, reason="r")
    plain = Filter(policy="p", dataset="big", column="country", op=Op.IN, values=("CZ", "SK", "AT"), reason="r")
    other = Within(dataset="branch", column="id", conditions=(Condition(column="country", op=Op.IN, values=("CZ",)),))
    within = Filter(policy="p", dataset="big", column="branch", op=Op.WITHIN, values=(), within=other, reason="r")
    raw_of = {
        "plain": "country IN ('CZ', 'SK', 'AT')",
        "relational": "branch IN (SELECT id FROM r.branch WHERE country = 'CZ')",
    }

    def ours(sql: str, rule: Filter, barrier: bool) -> float:
        facts = Facts(tables=(TableUse(dataset="big", columns=tuple(c.name for c in BIG.columns)),), can_raise=barrier)
        plan = rewrite(sql, facts, Verdict(kind=VerdictKind.ALLOW, masks=(mask,), filters=(rule,)), catalog, "duckdb")
        engine.prepare(plan, catalog.datasets)
        return median_ms(lambda: engine.run(plan, {}, Limits()), max(5, ROUNDS // 2))

    found: dict[tuple[str, str], tuple[float, float]] = {}
    for kind, rule in (("plain", plain), ("relational", within)):
        for name, sql in {**SCANS, "point query": POINT}.items():
            found[kind, name] = ours(sql, rule, False), ours(sql, rule, True)
    engine.close()
    raw = duckdb.connect(config={"threads": os.cpu_count() or 1})
    raw.execute(f"ATTACH '{path}' AS r (READ_ONLY)")
    for (kind, name), (without, behind) in found.items():
        sql = {**SCANS, "point query": POINT}[name]
        text = sql.replace("FROM big", f"FROM (SELECT * FROM r.big WHERE {raw_of[kind]}) big")
        base = median_ms(lambda t=text: raw.sql(t).to_arrow_table(), max(5, ROUNDS // 2))
        ratio = without / base
        line(
            f"{ROWS:,} rows, {kind} filter: {name}",
            f"{without:.1f} / {base:.1f} = {ratio:.2f}",
            "1.25 x raw",
            ratio <= 1.25,
        )
        line("    the same behind a barrier", f"{behind:.1f} = {behind / base:.2f} x")


def tpch(folder: Path) -> None:
    """The corpus's TPC-H shapes, each new to every cache."""
    queries = benchmark_queries()
    path, catalog = folder / "tpch.duckdb", PackSource(CORPUS / "world").load()
    create(path, catalog)
    engine = DuckDBEngine.open(str(path))
    decider = Decider(catalog, policies(folder / "tpch", HOUSE))
    fresh = iter(range(10**9))

    def judged(sql: str) -> None:
        decided = decider.decide(Draft(sql=f"{sql}\n-- {next(fresh)}", origin=Origin.SQL), engine, ANA, "review")
        assert decided.plan is not None
        engine.prepare(decided.plan, decided.datasets)

    for _, sql in queries:
        judged(sql)
    times = [median_ms(partial(judged, sql)) for _, sql in queries]
    engine.close()
    found = statistics.median(times)
    line(
        f"TPC-H shapes, median of {len(times)} with lineage (worst {max(times):.1f} ms)",
        f"{found:.1f} ms",
        "8 ms",
        found <= 8,
    )


def main() -> None:
    """Measure and print."""
    print("The guard alone, in milliseconds; scans beside the raw table with the same condition.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        statements(folder)
        tpch(folder)
        decisions(folder)
        scans(folder)


if __name__ == "__main__":
    main()
