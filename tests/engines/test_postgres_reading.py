"""The server's own reading: nothing is pruned before it is seen, and only what is the server's own may take part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from ledger import STAFF, plan_of, planned

from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.core.dependencies import Dependencies, check_dependencies
from aureus_jupyter.errors import Refused, Unavailable
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.facts import TableUse
from aureus_jupyter.values.verdict import Verdict, VerdictKind

pytestmark = pytest.mark.postgres

# What a planner prunes, folds or never shows, so that its plan would name no relation at all.
UNPLANNED = [
    "SELECT s.id FROM staff s WHERE false AND EXISTS (SELECT 1 FROM bank.vip)",
    "SELECT id FROM staff UNION ALL SELECT length(secret) FROM bank.vip WHERE false",
    "WITH unused AS (SELECT * FROM bank.vip) SELECT id FROM staff",
    "SELECT s.id FROM staff s LEFT JOIN (SELECT DISTINCT secret FROM bank.vip) v ON v.secret = s.nick",
    "SELECT s.id FROM staff s LEFT JOIN (SELECT oid FROM pg_catalog.pg_class WHERE false) c ON c.oid = 1",
    "SELECT id FROM staff, (SELECT 1 FROM bank.staff LIMIT 0) AS b",
    "SELECT 1 AS one",
    "WITH staff AS (SELECT 1 AS id) SELECT id FROM staff",
]


@pytest.mark.parametrize("sql", UNPLANNED)
def test_what_a_planner_prunes_is_still_seen(sql: str, engine: PostgresEngine) -> None:
    with pytest.raises(Refused) as caught:
        engine.prepare(plan_of(sql), [STAFF])
    assert caught.value.code == "binder_disagrees"


NOT_ITS_OWN = {
    "SELECT bank.peek() AS p FROM staff": "binder_disagrees",
    "SELECT id FROM staff WHERE false AND bank.peek() = 'x'": "binder_disagrees",
    "SELECT id FROM staff WHERE nick OPERATOR(bank.===) nick": "binder_disagrees",
    "SELECT 'calm'::bank.mood AS m FROM staff": "binder_disagrees",
    "SELECT query_to_xml('select 1', true, true, '') AS x FROM staff": "function_not_allowed",
    # Refused before it is planned, so nothing sleeps.
    "SELECT pg_sleep(0) FROM staff WHERE false": "function_not_allowed",
    "SELECT id FROM staff WHERE 'bank.vip'::regclass IS NOT NULL": "binder_disagrees",
    "SELECT id FROM staff WHERE 'pg_class'::regclass IS NOT NULL": "type_not_allowed",
    "SELECT id FROM staff WHERE CAST(nick AS regclass) IS NULL": "type_not_allowed",
}


@pytest.mark.parametrize(("sql", "code"), NOT_ITS_OWN.items())
def test_only_reviewed_functions_and_types_of_the_server(sql: str, code: str, engine: PostgresEngine) -> None:
    with pytest.raises(Refused) as caught:
        engine.prepare(plan_of(sql), [STAFF])
    assert caught.value.code == code


def test_a_column_that_the_guard_did_not_find_is_refused(engine: PostgresEngine) -> None:
    for sql in (
        "SELECT b FROM staff s (a, b)",
        "SELECT count(*) AS n FROM staff a NATURAL JOIN (SELECT 1::bigint AS id) b",
    ):
        plan = planned(sql)
        engine.prepare(plan, [STAFF])
        with pytest.raises(Refused) as caught:
            engine.prepare(replace(plan, reads=(TableUse(dataset="staff", columns=("site",)),)), [STAFF])
        assert caught.value.code == "binder_disagrees"
        engine.prepare(replace(plan, reads=None), [STAFF])


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT id, nick FROM staff", ("id",)),
        ("SELECT id, nick FROM staff", ("nick", "id")),
        ('SELECT id AS "a) b", nick AS "\\", site AS "c""d" FROM staff', ("a) b", "\\", "c")),
    ],
)
def test_columns_of_the_result_that_the_guard_did_not_find_are_refused(
    sql: str, named: tuple[str, ...], engine: PostgresEngine
) -> None:
    plan = planned(sql)
    engine.prepare(plan, [STAFF])
    with pytest.raises(Refused) as caught:
        engine.prepare(replace(plan, names=named), [STAFF])
    assert caught.value.code == "binder_disagrees"
    engine.prepare(replace(plan, names=()), [STAFF])


def test_names_differ_where_servers_do() -> None:
    found = Dependencies(relations={}, names=("date_part", "unknown"))
    check_dependencies(found, {}, (), ("extract", "?column?"))


def test_a_row_as_a_whole_is_all_its_columns(engine: PostgresEngine) -> None:
    plan = planned("SELECT s FROM staff s")
    engine.prepare(plan, [STAFF])
    with pytest.raises(Refused):
        engine.prepare(replace(plan, reads=(TableUse(dataset="staff", columns=("id",)),)), [STAFF])


LEGITIMATE = [
    "SELECT bank.id FROM staff AS bank WHERE bank.id = 86;",
    "SELECT a.id, b.id FROM staff a JOIN staff b USING (id) -- two of a name",
    "SELECT 'x', NULL, 1.5 FROM staff /* unknown types */ ; ;",
    "SELECT site, count(*), avg(wage), max(born), percentile_cont(0.5) WITHIN GROUP (ORDER BY wage) FROM staff GROUP BY site",
    "SELECT id::text || nick, CAST(wage AS double precision), born + 1, extract(year FROM seen) FROM staff",
    "SELECT date_trunc('month', seen), to_char(seen, 'YYYY'), seen AT TIME ZONE 'UTC', age(seen), now() FROM staff",
    "SELECT upper(trim(nick)), substring(nick FROM 1 FOR 2), position('n' IN nick), overlay(nick PLACING 'x' FROM 1) FROM staff",
    "SELECT row_number() OVER (PARTITION BY site ORDER BY id), lag(wage) OVER (ORDER BY id) FROM staff",
    "WITH s AS (SELECT site, sum(wage) AS w FROM staff GROUP BY site) SELECT * FROM s ORDER BY w DESC LIMIT 3",
    "SELECT id FROM staff WHERE nick LIKE 'n1%' AND site IN ('OSLO', 'BERN') AND born BETWEEN '1980-01-01' AND current_date",
    "SELECT coalesce(round(wage, 2), 0), greatest(id, 3), nullif(id, 0), id % 7, id / 2, power(score, 2) FROM staff",
    "SELECT id FROM staff WHERE (id, site) IN (SELECT id, site FROM staff WHERE active) ORDER BY nick",
]


@pytest.mark.parametrize("sql", LEGITIMATE)
def test_what_is_legitimate_runs(sql: str, engine: PostgresEngine) -> None:
    plan = planned(sql)
    engine.prepare(plan, [STAFF])
    assert engine.run(plan, {}, Limits(seconds=20)).columns


@pytest.mark.parametrize("value", [7, 70_000, 2**40, 2**70, 0.5, True, "86", None])
def test_a_parameters_type_is_read_as_it_runs(value: Any, engine: PostgresEngine) -> None:
    plan = planned("SELECT id FROM staff WHERE id = 86 OR CAST(:v AS text) IS NULL LIMIT 2")
    engine.prepare(plan, [STAFF])
    assert engine.run(plan, {"v": value}, Limits(seconds=20)).rows


def test_the_reading_leaves_nothing_behind_and_is_remembered(engine: PostgresEngine) -> None:
    plan = planned("SELECT id FROM staff WHERE id = 86")
    engine.prepare(plan, [STAFF])
    left = "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() ORDER BY 1"
    assert [name for (name,) in engine._con.execute(left).fetchall()] == ["staff"]
    assert list(engine._read) == [(plan, ())]
    engine.prepare(planned("SELECT nick FROM staff", Verdict(kind=VerdictKind.ALLOW)), [STAFF])
    assert (plan, ()) not in engine._read


def test_an_account_without_temporary_views_is_told_so(admin: str) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC")
        try:
            with pytest.raises(Unavailable) as caught:
                PostgresEngine.open(admin.replace("bank@", "reader@"))
        finally:
            connection.execute("GRANT TEMPORARY ON DATABASE postgres TO PUBLIC")
    assert caught.value.code == "no_temporary_views"


def test_a_table_without_a_grant_is_told_before_anything_runs(engine: PostgresEngine) -> None:
    dataset = Dataset(name="sealed", pack="p", source="bank.sealed", columns=(Column(name="id", type="INTEGER"),))
    plan = planned("SELECT id FROM sealed", Verdict(kind=VerdictKind.ALLOW), catalog=Catalog(datasets=(dataset,)))
    with pytest.raises(Unavailable) as caught:
        engine.prepare(plan, [dataset])
    assert caught.value.code == "not_granted"


def test_a_server_whose_reading_cannot_be_compared_is_refused(admin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aureus_jupyter.adapters.engines.postgres._OLDEST", 10**9)
    with pytest.raises(Unavailable) as caught:
        PostgresEngine.open(admin.replace("bank@", "reader@"))
    assert caught.value.code == "server_too_old"


def test_a_system_column_and_a_place_beyond_the_contract_are_refused() -> None:
    every = (TableUse(dataset="staff", columns=tuple(c.name for c in STAFF.columns)),)
    check_dependencies(Dependencies(relations={1: frozenset({1, 2})}), {1: STAFF}, every)
    for place in (-1, len(STAFF.columns) + 1):
        with pytest.raises(Refused) as caught:
            check_dependencies(Dependencies(relations={1: frozenset({place})}), {1: STAFF}, every)
        assert caught.value.code == "binder_disagrees"
