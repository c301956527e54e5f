"""What counts as a summary on PostgreSQL: the statements that must and must not, as far as a server binds them, and random ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fuzz.postgres import ServerLab, spellings
from guard.conftest import bank_catalog

from aureus_jupyter.values.catalog import Catalog

pytestmark = pytest.mark.postgres

CORPUS = Path(__file__).parents[1] / "corpus"
CONTRACTS: Catalog = bank_catalog()


@pytest.fixture(scope="module")
def lab(postgres: str) -> Iterator[ServerLab]:
    with psycopg.connect(postgres) as connection:
        yield ServerLab(connection)


def bound(name: str, lab: ServerLab) -> list[str]:
    """The corpus's statements in PostgreSQL's spelling, as far as the server binds them."""
    lines = (CORPUS / name).read_text("utf-8").splitlines()
    found = [next((s for s in spellings(line) if lab.binds(s.replace("$x", "null"), "_bank")), None) for line in lines]
    return [sql.replace("$x", ":x") for sql in found if sql is not None]


OTHERWISE = (
    # One group of all persons, whatever they are.
    "select 1 as one from borrower group by 1",
    "select distinct 1 as one from borrower group by 1",
    # PostgreSQL makes up no names: these are columns of the label they are written with.
    "select country_1, count(*) from (select country, full_name as country",
    "select \"concat(full_name, '')\", count(*) from",
    "select x_1, count(*) from (select country, full_name, country as x_1",
    "select v.loan_id, (select sum(pd) from (select * from (select loan_id, pd, loan_id from loan) i) t(x, pd)",
    "select v.loan_id, (select sum(pd) from (select loan_id, pd, loan_id from loan) t(x, pd)",
    'select sum(pd) from (select true, loan_id as "true"',
    'with t as (select ead + 1, loan_id as "(ead + 1)"',
    'with t as (select true, loan_id as "true"',
    # Without LATERAL, and in the condition of a join, x is the one outside, not the one beside it.
    "select v.g, count(*) from (select generate_series(0, 59) as g) v, loan x where exists",
    # A condition does not see the names that the select list gives, and current_date is never a column.
    "select x.i, count(*) from (select generate_series(0, 59) as i) x, (select 1 as k) v where exists",
    "select i, count(*) from (select loan_id as current_date, current_date as i from loan) t",
    "select y, sum(a) from (select full_name as localtime, localtime as y",
)
"""How the statements begin that are rows to DuckDB and summaries to PostgreSQL."""


def test_rows_are_no_summary(lab: ServerLab) -> None:
    found = bound("rows.sql", lab)
    assert len(found) > 150
    passed = [sql for sql in found if lab.judged(sql, CONTRACTS)]
    assert [sql for sql in passed if not sql.startswith(OTHERWISE)] == []
    assert all(any(sql.startswith(start) for sql in passed) for start in OTHERWISE)
    # What passes is one: the answer stays when every person gets another number.
    assert [lab.look(sql, "_bank") for sql in passed] == [None] * len(passed)


def test_summaries_are(lab: ServerLab) -> None:
    found = bound("summaries.sql", lab)
    assert len(found) > 60
    assert [sql for sql in found if not lab.judged(sql, CONTRACTS)] == []
    assert [lab.look(sql, "_bank") for sql in found] == [None] * len(found)


def test_no_random_summary_tells_rows_apart(lab: ServerLab) -> None:
    lab.tally.clear()
    assert list(lab.search(seed=5, count=3000)) == []
    assert lab.tally["held"] > 30


def test_the_search_can_find_something(lab: ServerLab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab.look("select rate, count(*) from loan where loan_id = 5 group by 1") is not None
    assert lab.look("select rate from loan") is not None
