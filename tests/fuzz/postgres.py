"""The search for rows that pass as summaries, on a PostgreSQL server: its names and its scopes are not DuckDB's.

Statements are DuckDB's, spelled as PostgreSQL has them; those that a server does not bind are left out. What is judged as a summary is
run over the same persons under other numbers, and over more persons.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
from fuzz import grammar
from fuzz.summaries import DDL, Found, catalog, database

from aureus_jupyter.core.analyze import analyze
from aureus_jupyter.errors import AureusError
from aureus_jupyter.values.catalog import Catalog

__all__ = ["ServerLab", "spellings", "statements"]

STATES = {"one": (1, 1), "renamed": (1, 2), "more": (4, 3), "most": (16, 4)}
VIEWS = """
CREATE SCHEMA {0}_bank;
CREATE VIEW {0}_bank.loan AS SELECT loan_id, borrower_id, country::text AS country, rate::float8 AS pd,
  grade::numeric AS ead, date '2018-01-01' + grade::int AS originated_on FROM {0}.loan;
CREATE VIEW {0}_bank.borrower AS SELECT borrower_id, full_name::text AS full_name, country::text AS country, age::float8 AS income
  FROM {0}.borrower;
"""


def spellings(sql: str) -> Iterator[str]:
    """Yield a DuckDB statement as PostgreSQL may have it: the first that a server binds is the one that is meant."""
    sql = re.sub(r"unnest\(range\((\d+)\)\)", lambda m: f"generate_series(0, {int(m[1]) - 1})", sql)
    sql = re.sub(r"unnest\(range\((\d+), (\d+)\)\)", lambda m: f"generate_series({m[1]}, {int(m[2]) - 1})", sql)
    sql = re.sub(r"unnest\(\[([^\]]*)\]\)", r"unnest(array[\1])", sql)
    sql = re.sub(r"quantile_(cont|disc)\((\w+), ([\d.]+)\)", r"percentile_\1(\3) within group (order by \2)", sql)
    sql = re.sub(r"\byear\((\w+)\)", r"extract(year from \1)", sql)
    sql = sql.replace("::hugeint", "::numeric").replace("::varchar", "::text")
    yield sql
    yield re.sub(r"\) *$", ") q", sql)
    yield sql.replace("group by all", "group by 1")
    yield sql.replace("group by all", "group by 1, 2")
    yield re.sub(r"\)( group by| where|$)", r") zz\1", sql)


class ServerLab:
    """The tables of `fuzz.summaries` in four states, and the bank's names over each of them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.tally: Counter[str] = Counter()
        connection.autocommit = True
        for name, (copies, seed) in STATES.items():
            connection.execute(f"DROP SCHEMA IF EXISTS {name}, {name}_bank CASCADE; CREATE SCHEMA {name}")
            connection.execute(f"SET search_path = {name}; {DDL}")
            self._fill(database(copies, seed))
            connection.execute(VIEWS.format(name))
        connection.execute("SET statement_timeout = '2s'")

    def _fill(self, made: Any) -> None:
        for table in ("loan", "borrower"):
            rows = made.execute(f"from {table}").fetchall()
            marks = ", ".join(["%s"] * len(rows[0]))
            with self.connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def binds(self, sql: str, bank: str = "") -> bool:
        """Whether the server can make sense of the statement."""
        self.connection.execute(f"SET search_path = one{bank}")
        try:
            self.connection.execute(f"EXPLAIN {sql}")
        except psycopg.Error:
            return False
        return True

    def judged(self, sql: str, contracts: Catalog) -> bool:
        """Whether the guard lets the statement pass as a summary."""
        try:
            summary = analyze(sql, None, contracts, "postgres").aggregated
        except AureusError as error:
            self.tally[f"refused: {error.code}"] += 1
            return False
        self.tally["a summary" if summary else "rows"] += 1
        return summary

    def look(self, sql: str, bank: str = "") -> Found | None:
        """Return what gives a statement away, or nothing."""
        with self.connection.transaction():  # in which the clock stands
            one, other, more, most = (self._rows(name + bank, sql) for name in STATES)
        if one is None or other is None:
            self.tally["did not run"] += 1
            return None
        if one != other:
            return Found(sql, "who has which number changes the answer")
        if more is not None and most is not None and most.total() > max(more.total(), one.total()):
            return Found(sql, f"{one.total()}, {more.total()}, {most.total()} rows for 1, 4 and 16 times the persons")
        self.tally["held"] += 1
        return None

    def _rows(self, schema: str, sql: str) -> Counter[str] | None:
        try:
            with self.connection.transaction():
                self.connection.execute(f"SET search_path = {schema}")
                rows = self.connection.execute(sql).fetchall()
        except psycopg.Error:
            return None
        return Counter(repr([f"{v:.6g}" if isinstance(v, float) else str(v) for v in row]) for row in rows)

    def search(self, seed: int, count: int) -> Iterator[Found]:
        """Yield what is found among so many random statements."""
        contracts = catalog()
        for sql in statements(seed, count):
            if not self.binds(sql):
                self.tally["not bound"] += 1
            elif self.judged(sql, contracts) and (found := self.look(sql)) is not None:
                yield found


class _Grammar(grammar.Grammar):
    """Random statements with the joins and aggregates that PostgreSQL has."""

    def some(self, *choices: str) -> str:
        fitting = [choice for choice in choices if not choice.startswith(("semi", "anti", "asof", "positional"))]
        return super().some(*(fitting or choices))

    def aggregate(self, depth: int, relations: Any) -> str:
        made = super().aggregate(depth, relations)
        named = {"any_value(": "min(", "first(": "max(", "list(": "array_agg(", "median(": "avg(", "arg_max(": "corr("}
        for ours, theirs in named.items():
            made = made.replace(ours, theirs)
        return made


def statements(seed: int, count: int) -> Iterator[str]:
    """Yield random statements in PostgreSQL's spelling; the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(count):
        sql = _Grammar(rng).statement().replace(" group by all", " group by 1").replace(" order by all", " order by 1")
        yield next(spellings(re.sub(r" qualify .*?(?= order by| limit|\)|$)", "", sql)))
