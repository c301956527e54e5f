"""What a statement may hold, as tables for aureus_jupyter/core/README.md: read from the lists that the guard itself uses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = ["functions", "nodes", "refused"]

ROOT = Path(__file__).resolve().parents[2]


def _code(names: Iterable[str]) -> str:
    """Names in code spans; a bar would end a table's cell."""
    return " ".join(f"`{name}`" for name in sorted(names)).replace("|", "\\|") or "none"


def functions() -> str:
    """Every function that a statement may call, by dialect and kind."""
    from aureus_jupyter.core import functions as duckdb
    from aureus_jupyter.core.bridge.postgres import POSTGRES
    from aureus_jupyter.core.bridge.spark import SPARK

    plain = duckdb.ALLOWED - duckdb.AGGREGATES - duckdb.OPERATORS
    rows = [
        ("DuckDB", "scalar and window", plain),
        ("DuckDB", "aggregate", duckdb.AGGREGATES & duckdb.ALLOWED),
        ("DuckDB", "operator", duckdb.OPERATORS),
        ("DuckDB", "in FROM", duckdb.TABLE_FUNCTIONS),
        ("DuckDB", "with a size written down", duckdb.BOUNDED),
    ]
    for rules in (POSTGRES, SPARK):
        name = {"postgres": "PostgreSQL", "spark": "Spark"}[rules.name]
        rows += [
            (name, "scalar and window", rules.scalars),
            (name, "aggregate", rules.aggregates),
            (name, "many rows", rules.rows),
            (name, "with a size written down", rules.bounded),
        ]
    lines = [f"| {dialect} | {kind} | {len(set(names))} | {_code(names)} |" for dialect, kind, names in rows]
    return "\n".join(["| dialect | kind | how many | names |", "|---|---|---|---|", *lines]) + "\n"


def refused() -> str:
    """Every function of DuckDB that was looked at and left out, by the reason."""
    from aureus_jupyter.core.functions import UNLISTED, why_refused

    by_reason: dict[str, list[str]] = {}
    for name in (ROOT / "tests" / "corpus" / "functions_refused.txt").read_text("utf-8").split():
        by_reason.setdefault(why_refused(name), []).append(name)
    order = sorted(by_reason, key=lambda why: (why == UNLISTED, why))
    lines = [f"| {why} | {len(by_reason[why])} | {_code(by_reason[why])} |" for why in order]
    return "\n".join(["| it is left out because | how many | names |", "|---|---|---|", *lines]) + "\n"


def nodes() -> str:
    """Every kind of node that a statement may be made of."""
    from aureus_jupyter.core import reading
    from aureus_jupyter.core.bridge import expressions, relations

    known = {kind.__name__ for kind in expressions._KNOWN} | {kind.__name__ for kind in relations._RELATIONS}
    why = {kind: what for kind, (_, what, _) in reading._REFUSED_NODES.items()}
    lines = [
        f"| queries, in DuckDB's tree | {_code(reading._QUERY_NODES)} |",
        f"| all else, in DuckDB's tree | {_code(reading._OTHER_NODES)} |",
        f"| sqlglot's classes, for the other dialects | {_code(known)} |",
        *(f"| refused: {what} | `{kind}` |" for kind, what in sorted(why.items())),
    ]
    return "\n".join(["| nodes | names |", "|---|---|", *lines]) + "\n"
