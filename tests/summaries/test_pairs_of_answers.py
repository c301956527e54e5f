"""No two answered summaries differ by a few persons: random tables and statements, judged by sets of rows in Python."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ward import STAY, Ward

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.core import overlap
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog, Dataset

SMALLEST = 3
TABLES, STATEMENTS = 4, 11
PERMIT = "{id: open, description: d, effect: permit}"
SUMMARY = (
    "{id: few, description: d, effect: summary, reason: r, "
    "summary: {smallest: 3, person: person, protected: {names: [cost, surcharge]}}}"
)
BY_ROW = SUMMARY.replace("person: person, ", "")
CONDITIONS = (
    "",
    "a < {n}",
    "a >= {n}",
    "a <> {n}",
    "b = 'x'",
    "b <> 'x' OR b IS NULL",
    "b IN ('x', 'y')",
    "a < {n} AND b IS NOT NULL",
    "NOT (a = {n} AND b = 'y')",
    "a BETWEEN 2 AND {n}",
)
KEYS = ("", "b", "a // 3", "a % 2", "CASE WHEN a < {n} THEN 0 ELSE 1 END", "b, a // 4")
SHOWN = ("count(*)", "sum(cost)", "avg(surcharge), count(*)", "count(surcharge)")
Rows = frozenset[int]


def table(chance: random.Random, path: Path) -> dict[int, Any]:
    """Make a small table and return whose each row is."""
    whose: dict[int, Any] = {}
    rows = []
    for row in range(chance.randint(8, 40)):
        whose[row] = chance.choice([None, *range(12)]) if chance.random() < 0.5 else row + 100
        surcharge = chance.choice([None, None, 1])
        rows.append((row, whose[row], chance.choice(["x", "y", "z", None]), chance.randrange(9), 10 + row, surcharge))
    with duckdb.connect(str(path)) as con:
        con.execute(
            "CREATE TABLE stay (stay_id BIGINT, person BIGINT, b VARCHAR, a INTEGER, cost DECIMAL(18,2), surcharge DECIMAL(18,2))"
        )
        con.executemany("INSERT INTO stay VALUES (?, ?, ?, ?, ?, ?)", rows)
    return whose


def catalog() -> Catalog:
    named = {"region": "b", "age": "a"}
    columns = tuple(c for c in STAY.columns if c.name in {"stay_id", "person", "region", "age", "cost", "surcharge"})
    renamed = tuple(replace(c, name=named.get(c.name, c.name)) for c in columns)
    return Catalog(datasets=(Dataset(name="stay", pack="p", source="stay", columns=renamed),))


def groups(con: duckdb.DuckDBPyConnection, where: str, keys: str, held: str = "") -> list[Rows]:
    """Return the groups of a statement as sets of rows, of those that hold a value in `held`."""
    tests = " AND ".join(f"({t})" for t in (where, held and f"{held} IS NOT NULL") if t)
    found: dict[Any, set[int]] = {}
    for row, *key in con.execute(
        f"SELECT stay_id{', ' * bool(keys)}{keys} FROM stay" + f" WHERE {tests}" * bool(tests)
    ).fetchall():
        found.setdefault(tuple(key), set()).add(row)
    return [frozenset(rows) for rows in found.values()]


def few(rows: Rows, whose: dict[int, Any], by_row: bool) -> bool:
    """Whether there are rows, and of too few persons."""
    persons = rows if by_row else {whose[row] for row in rows} - {None}
    return bool(rows) and len(persons) < SMALLEST


def unions(cells: list[Rows]) -> Iterable[Rows]:
    """Every union of groups, of at most ten."""
    for size in range(1, min(len(cells), 10) + 1):
        for chosen in itertools.combinations(cells[:10], size):
            yield frozenset().union(*chosen)


def tells(one: list[Rows], other: list[Rows], whose: dict[int, Any], by_row: bool) -> bool:
    """Whether a group of one, or all of it, differs from groups of the other by a few persons."""
    for cell in [*one, frozenset().union(*one)]:
        for union in unions(other):
            if cell & union and (few(cell - union, whose, by_row) or few(union - cell, whose, by_row)):
                single = union in other or union == frozenset().union(*other)
                # Of several groups it is what lies on both sides together that must be of a few.
                if single or few((cell - union) | (union - cell), whose, by_row):
                    return True
    return False


@pytest.mark.parametrize("way", ["persons", "bulk", "rows"])
@pytest.mark.parametrize("seed", range(TABLES))
def test_no_two_answers_differ_by_a_few(seed: int, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_row = way == "rows"
    # In a large table rows are counted before persons; here it must be asked for.
    monkeypatch.setattr(overlap, "_MANY", 0 if way == "bulk" else 20_000)
    chance = random.Random(seed)
    path = tmp_path / "data.duckdb"
    whose = table(chance, path)
    shutil.copy(path, tmp_path / "raw.duckdb")
    engine = DuckDBEngine.open(str(path), mask_key=b"k" * 32)
    ward = Ward(engine, tmp_path / "w", policies=(PERMIT, BY_ROW if by_row else SUMMARY), catalog=catalog())
    answered: list[tuple[str, str, str]] = []
    refused: list[tuple[str, str, str]] = []
    for _ in range(STATEMENTS):
        where, keys = (chance.choice(of).format(n=chance.randrange(1, 8)) for of in (CONDITIONS, KEYS))
        shown = chance.choice(SHOWN)
        sql = f"SELECT {shown} FROM stay" + f" WHERE {where}" * bool(where) + f" GROUP BY {keys}" * bool(keys)
        try:
            ward.ask(sql)
        except Refused as error:
            assert error.code in {"small_group", "differencing"}
            refused.append((where, keys, shown))
        else:
            answered.append((where, keys, shown))
    engine.close()
    with duckdb.connect(str(tmp_path / "raw.duckdb"), read_only=True) as con:
        for where, keys, shown in answered:
            assert not any(few(cell, whose, by_row) for cell in groups(con, where, keys))
            if "surcharge" in shown:
                assert not any(few(cell, whose, by_row) for cell in groups(con, where, keys, "surcharge"))
        for one, other in itertools.combinations(answered, 2):
            assert not tells(groups(con, *one[:2]), groups(con, *other[:2]), whose, by_row)
            assert not tells(groups(con, *other[:2]), groups(con, *one[:2]), whose, by_row)
            if "surcharge" in one[2] and "surcharge" in other[2]:
                held = [groups(con, *asked[:2], "surcharge") for asked in (one, other)]
                assert not any(held) or not tells(held[0], held[1], whose, by_row)
        for asked in refused:
            # Nothing is refused that tells nothing: each is small, or tells with what was answered.
            small = any(few(cell, whose, by_row) for cell in groups(con, *asked[:2])) or not groups(con, *asked[:2])
            held = "surcharge" in asked[2]
            small = small or (held and any(few(c, whose, by_row) for c in groups(con, *asked[:2], "surcharge")))
            pairs = [
                (groups(con, *asked[:2], column), groups(con, *other[:2], column))
                for other in answered
                for column in ("", *(("surcharge",) if held and "surcharge" in other[2] else ()))
            ]
            assert small or any(tells(a, b, whose, by_row) or tells(b, a, whose, by_row) for a, b in pairs)
    assert answered or refused
