"""What the analysis says of PostgreSQL statements against what a real server says: relations, columns, functions and names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fuzz.mutations import mutated
from ledger import BOTH, SHIFT, SHIFTS, STAFF

from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.adapters.engines.postgres_parameters import Spelling
from aureus_jupyter.core.analyze import analyze
from aureus_jupyter.core.rewrite import rewrite
from aureus_jupyter.errors import Refused, UserError
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.facts import Facts
from aureus_jupyter.values.verdict import Verdict, VerdictKind

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

CORPUS = Path(__file__).parents[1] / "corpus"
STATEMENTS = (CORPUS / "postgres.sql").read_text("utf-8").splitlines()
VALUES = {"n": 3, "t": "x"}


@pytest.fixture(scope="module")
def shifts(admin: str) -> str:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(SHIFTS)
    return admin


@pytest.fixture(scope="module")
def both(shifts: str) -> Iterator[PostgresEngine]:
    made = PostgresEngine.open(shifts.replace("bank@", "reader@"))
    yield made
    made.close()


def prepared(sql: str, engine: PostgresEngine) -> tuple[Facts, Any]:
    """The facts, and the plan once the server has agreed: the same relations, and no columns but those we found."""
    facts = analyze(sql, None, BOTH, "postgres")
    plan = rewrite(sql, facts, Verdict(kind=VerdictKind.ALLOW), BOTH, "postgres")
    engine.prepare(plan, [STAFF, SHIFT])
    return facts, plan


def names(sql: str, admin: str, parameters: tuple[str, ...]) -> list[str]:
    """The names of the result's columns as the server gives them, over the tables themselves."""
    text, values = Spelling(sql).spelled({name: VALUES[name] for name in parameters})
    with psycopg.connect(admin.replace("bank@", "reader@")) as connection:
        connection.execute("SET search_path = bank, pg_catalog")
        found = connection.execute(text, values)
        assert found.description is not None
        return [column.name for column in found.description]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_server_reads_what_we_say_and_names_it_so(sql: str, both: PostgresEngine, shifts: str) -> None:
    facts, plan = prepared(sql, both)
    assert both.run(plan, {name: VALUES[name] for name in facts.parameters}, Limits(seconds=20, rows=5)).columns
    assert [output.name for output in facts.outputs] == names(sql, shifts, facts.parameters)


def test_changed_statements_are_refused_or_read_as_the_server_reads_them(both: PostgresEngine, shifts: str) -> None:
    """Nothing that the guard lets through reads other relations or columns, or calls other functions, than it said."""
    agreed = 0
    for sql in mutated(STATEMENTS, seed=21, count=3000):
        try:
            facts, _ = prepared(sql, both)
        except (UserError, Refused) as error:
            assert error.code not in {"binder_disagrees", "unreadable"}, sql
            continue
        agreed += 1
        if facts.outputs and not facts.parameters:
            with contextlib.suppress(psycopg.Error):
                assert [output.name for output in facts.outputs] == names(sql, shifts, ()), sql
    assert agreed > 120
