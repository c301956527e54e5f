"""Looks for statements that are judged as summaries and tell one source row from another.

A summary stays the same when every person gets another number and every row another place, and has no more rows when there
are four times as many persons like those there are. Both are tried on every random statement that is judged as a summary.
Reads nothing but its own tables. `python tests/fuzz/summaries.py --seconds 60 --seed 1` prints what it finds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, the folder of the tests is not there
from fuzz.grammar import statement

from aureus_jupyter.core.analyze import analyze
from aureus_jupyter.core.size import check_size
from aureus_jupyter.errors import AureusError
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Pii

__all__ = ["Found", "Lab", "search"]

PERSONS, LOANS = 24, 60
DDL = """
create table loan (loan_id bigint, borrower_id bigint, country varchar, grade bigint, rate bigint);
create table borrower (borrower_id bigint, full_name varchar, country varchar, age bigint);
"""


def catalog() -> Catalog:
    """Return the contracts: two keys, one reference, a name, labels of three values each, a measure in each dataset."""
    loan = [
        Column(name="loan_id", type="BIGINT", key=True),
        Column(name="borrower_id", type="BIGINT", references="borrower.borrower_id"),
        Column(name="country", type="VARCHAR"),
        Column(name="grade", type="BIGINT"),
        Column(name="rate", type="BIGINT", pii=Pii.QUASI),
    ]
    borrower = [
        Column(name="borrower_id", type="BIGINT", key=True),
        Column(name="full_name", type="VARCHAR", pii=Pii.DIRECT),
        Column(name="country", type="VARCHAR"),
        Column(name="age", type="BIGINT", pii=Pii.QUASI),
    ]
    made = [Dataset(name=n, pack="p", source=n, columns=tuple(c)) for n, c in (("loan", loan), ("borrower", borrower))]
    return Catalog(datasets=tuple(made))


def database(copies: int, seed: int) -> duckdb.DuckDBPyConnection:
    """Return the two tables, `copies` times over; `seed` says who has which number and where each row lies."""
    base, other = random.Random(7), random.Random(seed)
    people = [(n, base.choice(["CZ", "DE", "SK"]), base.randint(20, 70)) for n in range(PERSONS)]
    loans = [
        (n, base.randrange(PERSONS), base.choice(["CZ", "DE", "SK"]), base.randint(1, 3), base.randint(1, 90))
        for n in range(LOANS)
    ]
    # One numbering for both keys, so that a person and a loan of one number keep having one.
    numbers = list(range(LOANS * copies))
    names = [f"n{i:05}" for i in range(PERSONS * copies)]
    other.shuffle(numbers)
    other.shuffle(names)
    borrower = [
        (numbers[c * LOANS + n], names[c * PERSONS + n], country, age)
        for c in range(copies)
        for n, country, age in people
    ]
    loan = [(numbers[c * LOANS + n], numbers[c * LOANS + b], *rest) for c in range(copies) for n, b, *rest in loans]
    other.shuffle(borrower)
    other.shuffle(loan)
    made = duckdb.connect(config={"threads": 1, "memory_limit": "1GB"})
    made.execute(DDL)
    made.executemany("insert into loan values (?, ?, ?, ?, ?)", loan)
    made.executemany("insert into borrower values (?, ?, ?, ?)", borrower)
    return made


@dataclass(frozen=True)
class Found:
    """A statement that is judged as a summary, and what gives it away."""

    sql: str
    why: str


@dataclass
class Lab:
    """The tables in four states, and how many statements came to what."""

    tally: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.catalog = catalog()
        self.parser = duckdb.connect()
        self.first, self.renamed = database(1, 1), database(1, 2)
        self.more, self.most = database(4, 3), database(16, 4)

    def judged(self, sql: str) -> bool:
        """Whether the guard lets the statement pass as a summary."""
        row = self.parser.execute("select json_serialize_sql(?)", [sql]).fetchone()
        tree = json.loads(row[0]) if row else {"error": True}
        if tree.get("error"):
            self.tally["not parsed"] += 1
            return False
        try:
            check_size(tree, self.catalog)
            summary = analyze(sql, tree, self.catalog, "duckdb").aggregated
        except AureusError as error:
            self.tally[f"refused: {error.code}"] += 1
            return False
        self.tally["a summary" if summary else "rows"] += 1
        return summary

    def look(self, sql: str) -> Found | None:
        """Return what gives the statement away, or nothing. It is run only where it is judged as a summary."""
        if not self.judged(sql):
            return None
        one, other = rows_of(self.first, sql), rows_of(self.renamed, sql)
        if one is None or other is None:
            self.tally["did not run"] += 1
            return None
        if one != other:
            return Found(sql, "who has which number changes the answer")
        more, most = rows_of(self.more, sql), rows_of(self.most, sql)
        if more is not None and most is not None and most.total() > max(more.total(), one.total()):
            return Found(sql, f"{one.total()}, {more.total()}, {most.total()} rows for 1, 4 and 16 times the persons")
        self.tally["held"] += 1
        return None


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> Counter[str] | None:
    """Return the rows as texts, or nothing where the statement fails or takes longer than two seconds."""
    timer = threading.Timer(2, connection.interrupt)
    timer.start()
    try:
        return Counter(repr(tuple(map(plain, row))) for row in connection.execute(sql).fetchall())
    except duckdb.Error:
        return None
    finally:
        timer.cancel()


def plain(value: object) -> object:
    """Return a number without what adding up in another order changes."""
    return round(value, 6) if isinstance(value, float) else value


def search(seed: int, statements: int, lab: Lab) -> Iterator[Found]:
    """Yield what is found among so many random statements."""
    rng = random.Random(seed)
    for _ in range(statements):
        found = lab.look(statement(rng))
        if found is not None:
            yield found


def main() -> int:
    """Search until the time is over; exit with 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    lab, end, seed, count = Lab(), time.monotonic() + options.seconds, options.seed, 0
    while time.monotonic() < end:
        for found in search(seed, 200, lab):
            count += 1
            print(f"{found.why}\n  {found.sql}", flush=True)
        seed += 1
    print(f"seeds {options.seed} to {seed - 1}: {count} found;", dict(lab.tally.most_common()))
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main())
