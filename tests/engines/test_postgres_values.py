"""What a PostgreSQL server says, kept as it says it: values, settings of an account, tables that change under a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from ledger import CATALOG, STAFF, plan_of, planned

from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.core.analyze import analyze
from aureus_jupyter.errors import AureusError, Unavailable, UserError
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.verdict import Verdict, VerdictKind

pytestmark = pytest.mark.postgres


@pytest.fixture
def boss(admin: str) -> Iterator[psycopg.Connection[Any]]:
    """The superuser, and a schema that is gone afterwards."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA shifting; GRANT USAGE ON SCHEMA shifting TO reader")
        yield connection
        connection.execute("DROP SCHEMA shifting CASCADE")


def read(engine: PostgresEngine, name: str, column: str = "v") -> list[Any]:
    """Read one column of a table of the schema, through a shadow."""
    dataset = Dataset(name=name, pack="p", source=f"shifting.{name}", columns=(Column(name=column, type="VARCHAR"),))
    catalog = Catalog(datasets=(dataset,))
    plan = planned(f"SELECT {column} FROM {name} ORDER BY 1", Verdict(kind=VerdictKind.ALLOW), catalog=catalog)
    engine.prepare(plan, [dataset])
    return [row[column] for row in engine.run(plan, {}, Limits(seconds=20)).to_arrow().to_pylist()]


VALUES = {
    "'1 mon'::interval": "1 mon",
    "'1 year 2 mons 3 days'::interval": "1 year 2 mons 3 days",
    """'{"a":1.10000000000000000001}'::json""": '{"a":1.10000000000000000001}',
    "'123456789012345678901234567890.5'::jsonb": "123456789012345678901234567890.5",
    "'true'::jsonb": "true",
    """'"1"'::jsonb""": '"1"',
    "'null'::jsonb": "null",
    "array['1 mon'::interval]": '{"1 mon"}',
}


@pytest.mark.parametrize(("written", "comes"), VALUES.items(), ids=VALUES)
def test_values_come_as_the_server_writes_them(engine: PostgresEngine, written: str, comes: str) -> None:
    plan = plan_of(f"SELECT {written} AS v FROM staff LIMIT 1")
    engine.prepare(plan, [STAFF])
    assert engine.run(plan, {}, Limits(seconds=20)).to_arrow().to_pylist() == [{"v": comes}]


def test_a_table_that_was_swapped_is_read_anew(engine: PostgresEngine, boss: psycopg.Connection[Any]) -> None:
    boss.execute("CREATE TABLE shifting.loads AS SELECT 'old'::varchar AS v; GRANT SELECT ON shifting.loads TO reader")
    assert read(engine, "loads") == ["old"]
    boss.execute(
        "ALTER TABLE shifting.loads RENAME TO loads_old; CREATE TABLE shifting.loads AS SELECT 'new'::varchar AS v"
    )
    boss.execute("GRANT SELECT ON shifting.loads TO reader")
    assert read(engine, "loads") == ["new"]
    boss.execute("DROP TABLE shifting.loads CASCADE; CREATE TABLE shifting.loads AS SELECT 'newest'::varchar AS v")
    boss.execute("GRANT SELECT ON shifting.loads TO reader")
    assert read(engine, "loads") == ["newest"]


@pytest.mark.parametrize("kind", ["folded", "folded[]", "narrow"])
def test_a_type_whose_comparisons_are_an_extensions_is_no_dataset(
    kind: str, engine: PostgresEngine, boss: psycopg.Connection[Any]
) -> None:
    boss.execute("CREATE TYPE shifting.folded")
    for name, words in (("come", "cstring) RETURNS shifting.folded"), ("go", "shifting.folded) RETURNS cstring")):
        inner = "textin" if name == "come" else "textout"
        boss.execute(f"CREATE FUNCTION shifting.{name}({words} LANGUAGE internal IMMUTABLE STRICT AS '{inner}'")
    boss.execute("CREATE TYPE shifting.folded (INPUT = shifting.come, OUTPUT = shifting.go, LIKE = text)")
    boss.execute("CREATE DOMAIN shifting.narrow AS shifting.folded")
    boss.execute(f"CREATE TABLE shifting.mails (v shifting.{kind}); GRANT SELECT ON shifting.mails TO reader")
    with pytest.raises(Unavailable) as caught:
        read(engine, "mails")
    assert caught.value.code == "contract_drift"
    assert "extension" in str(caught.value)


def test_what_an_account_sets_otherwise_changes_nothing(admin: str, boss: psycopg.Connection[Any]) -> None:
    boss.execute("DROP ROLE IF EXISTS odd; CREATE ROLE odd LOGIN; GRANT reader TO odd")
    for setting in (
        "IntervalStyle = 'iso_8601'",
        "DateStyle = 'SQL, DMY'",
        "extra_float_digits = -10",
        "default_transaction_read_only = on",
    ):
        boss.execute(f"ALTER ROLE odd SET {setting}")
    engine = PostgresEngine.open(admin.replace("bank@", "odd@"))
    plan = plan_of("SELECT '1 mon'::interval AS i, 0.1::float8 + 0.2 AS f, '01/02/2024'::date AS d FROM staff LIMIT 1")
    try:
        engine.prepare(plan, [STAFF])
        (row,) = engine.run(plan, {}, Limits(seconds=20)).to_arrow().to_pylist()
    finally:
        engine.close()
    assert (row["i"], row["f"], str(row["d"])) == ("1 mon", 0.30000000000000004, "2024-01-02")


def test_a_member_of_a_powerful_role_is_as_powerful(admin: str, boss: psycopg.Connection[Any]) -> None:
    boss.execute("DROP ROLE IF EXISTS deputy; CREATE ROLE deputy LOGIN; GRANT bank TO deputy")
    try:
        with pytest.raises(Unavailable) as caught:
            PostgresEngine.open(admin.replace("bank@", "deputy@"))
    finally:
        boss.execute("DROP ROLE deputy")
    assert caught.value.code == "role_too_powerful"


def test_a_server_that_is_well_is_not_called_gone(engine: PostgresEngine, boss: psycopg.Connection[Any]) -> None:
    boss.execute("CREATE MATERIALIZED VIEW shifting.empty AS SELECT 'x'::varchar AS v WITH NO DATA")
    boss.execute("GRANT SELECT ON shifting.empty TO reader")
    with pytest.raises(AureusError) as caught:
        read(engine, "empty")
    assert caught.value.code == "not_run"


@pytest.mark.parametrize("option", ["plugin=x", "row_factory=x", "cursor_factory=x", "prepare_threshold=x"])
def test_an_option_that_is_none_is_a_bad_connection(option: str, admin: str) -> None:
    with pytest.raises(UserError) as caught:
        PostgresEngine.open(f"{admin.replace('bank@', 'reader@')}&{option}")
    assert caught.value.code == "bad_connection"


def test_the_short_name_of_the_dialect_is_known(admin: str) -> None:
    PostgresEngine.open(admin.replace("bank@", "reader@").replace("postgresql:", "postgres:")).close()


UNTOLD: dict[str, tuple[str, dict[str, Any], int]] = {
    "an empty filter": ("WHERE :site IS NULL OR site = :site", {"site": None}, 100),
    "a filled filter": ("WHERE :site IS NULL OR site = :site", {"site": "OSLO"}, 50),
    "the other way round": ("WHERE site = :site OR :site IS NULL", {"site": "OSLO"}, 50),
    "two of them": (
        "WHERE (:site IS NULL OR site = :site) AND (:born IS NULL OR born >= :born)",
        {"site": None, "born": "1900-01-01"},
        100,
    ),
    "another type": ("WHERE :born IS NULL OR born >= :born", {"born": None}, 100),
    "any types": ("WHERE concat(:a, '%') = 'x%'", {"a": "x"}, 100),
    "a number": ("WHERE :n IS NULL OR id >= :n", {"n": 1}, 100),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_a_parameter_whose_place_says_no_type(engine: PostgresEngine, name: str) -> None:
    condition, parameters, rows = UNTOLD[name]
    plan = plan_of(f"SELECT id FROM staff {condition}")
    engine.prepare(plan, [STAFF])
    for _ in range(2):
        assert len(engine.run(plan, parameters, Limits(seconds=20)).to_arrow()) == rows
        assert "Estimate" in engine.estimate(plan, parameters)


EVERYDAY = {
    "string_agg(nick, ', ' ORDER BY nick) FILTER (WHERE id < 4)": "n1, n2, n3",
    "array_agg(id ORDER BY id) FILTER (WHERE id < 4)": "{1,2,3}",
    "count(*) FILTER (WHERE nick ~ '^n1')": "12",
    "count(*) FILTER (WHERE nick ~* '^N1' AND nick !~ '0$')": "10",
    "max(regexp_replace(nick, 'n', 'm', 'g'))": "m99",
    "min(lpad(nick, 4, '0'))": "00n1",
    "to_timestamp('2024-02-03', 'YYYY-MM-DD')::date": "2024-02-03",
    "to_number('12.5', '99.9')": "12.5",
    'max(nick COLLATE "C")': "n99",
    "round(pi()::numeric, 2)": "3.14",
    "bit_or(id::int & 3)": "3",
    "array_to_string(array[1, 2], '-')": "1-2",
    "array_length(string_to_array('a,b', ','), 1)": "2",
    "'{\"a\": {\"b\": 1}}'::jsonb -> 'a' ->> 'b'": "1",
    "format('%s of %s', count(*), 100)": "100 of 100",
    "make_timestamp(2024, 2, 3, 4, 5, 6)": "2024-02-03 04:05:06",
    "num_nulls(NULL, max(nick))": "1",
    "(DATE '2024-01-01', DATE '2024-02-01') OVERLAPS (DATE '2024-01-15', DATE '2024-03-01')": "True",
}


def asked(engine: PostgresEngine, sql: str) -> list[list[str | None]]:
    plan = planned(sql)
    engine.prepare(plan, [STAFF])
    return engine.run(plan, {}, Limits(seconds=20)).preview(20)


@pytest.mark.parametrize(("written", "comes"), EVERYDAY.items(), ids=EVERYDAY)
def test_everyday_functions_pass_the_guard_and_the_servers_reading(
    engine: PostgresEngine, written: str, comes: str
) -> None:
    ((found,),) = asked(engine, f"SELECT CAST({written} AS text) AS v FROM staff LIMIT 1")
    assert str(found).replace("true", "True") == comes


CLAUSES = {
    "SELECT id FROM staff ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY": [["2"], ["3"]],
    "SELECT site, grouping(site) AS g, count(*) AS n FROM staff GROUP BY ROLLUP (site) ORDER BY g, site": [
        ["BERN", "0", "50"],
        ["OSLO", "0", "50"],
        [None, "1", "100"],
    ],
    "SELECT g.n, count(s.id) AS c FROM generate_series(99, 101) AS g(n) LEFT JOIN staff s ON s.id = g.n GROUP BY 1 ORDER BY 1": [
        ["99", "1"],
        ["100", "1"],
        ["101", "0"],
    ],
    "SELECT u, o FROM unnest(array['a', 'b']) WITH ORDINALITY AS t(u, o) ORDER BY o": [["a", "1"], ["b", "2"]],
}


@pytest.mark.parametrize(("sql", "rows"), CLAUSES.items(), ids=CLAUSES)
def test_everyday_clauses(engine: PostgresEngine, sql: str, rows: list[list[str | None]]) -> None:
    assert asked(engine, sql) == rows


@pytest.mark.parametrize(
    "written", ["array_agg(s)", "string_agg(s::text, '')", "format('%s', s)", "num_nulls(s)", "concat(s)", "(s).nick"]
)
def test_a_whole_row_is_every_column(written: str) -> None:
    """What is closed by name must not come with the row, whatever function the row goes through."""
    (use,) = analyze(f"SELECT {written} AS v FROM staff s", None, CATALOG, "postgres").tables
    assert use.star
    assert use.columns == tuple(c.name for c in STAFF.columns)


def test_a_refusal_names_the_function_as_it_was_written(engine: PostgresEngine) -> None:
    for written in ("random()", "gen_random_uuid()", "xmlagg(id)", "json_populate_record(id)"):
        with pytest.raises(AureusError) as caught:
            asked(engine, f"SELECT {written} AS v FROM staff")
        assert caught.value.code == "function_not_allowed"
        assert written.partition("(")[0] in caught.value.message
