"""What a PostgreSQL server says, kept as it says it: values, settings of an account, tables that change under a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from ledger import STAFF, plan_of, planned

from aureus_jupyter.adapters.engines.postgres import PostgresEngine
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
