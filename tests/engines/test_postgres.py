"""The PostgreSQL engine on a real server: shadows, the planner's reading, limits, and errors without values."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from ledger import MARKER, STAFF, TYPES, plan_of, planned

from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.errors import AureusError, Refused, Unavailable, UserError
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.verdict import Verdict, VerdictKind

pytestmark = pytest.mark.postgres


def run(
    engine: PostgresEngine, sql: str, limits: Limits | None = None, rows: int | None = None, **values: Any
) -> list[Any]:
    plan = planned(sql, rows=rows)
    engine.prepare(plan, [STAFF])
    frame: list[Any] = engine.run(plan, values, limits or Limits(seconds=20)).to_arrow().to_pylist()
    return frame


def test_masks_and_filters(engine: PostgresEngine) -> None:
    (row,) = run(engine, "SELECT * FROM staff WHERE id = 86")
    assert (row["id"], row["nick"], row["site"], row["active"]) == (86, "n86", "OSLO", False)
    assert row["pin"] != "CZ6586"
    assert len(row["pin"]) == 16
    assert (str(row["wage"]), row["score"], str(row["born"])) == ("100.00", None, "1980-01-01")
    assert run(engine, "SELECT count(*) AS n FROM staff") == [{"n": 100}]
    assert run(engine, "SELECT count(*) AS n FROM staff WHERE pin LIKE 'CZ%'") == [{"n": 0}]


def test_parameters_casts_and_percent_signs(engine: PostgresEngine) -> None:
    sql = "SELECT nick, '100 %'::text AS p FROM staff WHERE id = :id AND nick LIKE 'n%' AND site = :site"
    assert run(engine, sql, id=86, site="OSLO") == [{"nick": "n86", "p": "100 %"}]
    assert run(engine, "SELECT nick FROM staff WHERE nick LIKE 'n8%' AND id < 9") == [{"nick": "n8"}]
    assert run(engine, sql, id=86, site="x' OR true --") == []


def test_caps_and_frames(engine: PostgresEngine) -> None:
    plan = planned("SELECT id, wage, seen FROM staff ORDER BY id", rows=3)
    engine.prepare(plan, [STAFF])
    result = engine.run(plan, {}, Limits())
    assert (result.rows, result.truncated) == (3, True)
    assert result.to_pandas()["id"].tolist() == [1, 2, 3]
    again = engine.run(plan, {}, Limits())
    assert again.digest() == result.digest()
    assert result.preview(1)[0][0] == "1"


def raw(engine: PostgresEngine, sql: str) -> Any:
    """Run what the guard would not let through, to see how values come out."""
    plan = plan_of(sql)
    engine.prepare(plan, [STAFF])
    return engine.run(plan, {}, Limits(seconds=20))


def test_numbers_keep_every_digit(engine: PostgresEngine) -> None:
    found = raw(
        engine,
        "SELECT sum(12345678901234567.89::numeric) AS s, NULL::numeric AS n, 1.5::numeric AS a FROM staff WHERE id = 2",
    )
    assert [c.type for c in found.columns] == ["DECIMAL(38,2)", "DECIMAL(38,0)", "DECIMAL(38,1)"]
    assert [str(v) for v in found.to_arrow().to_pylist()[0].values()] == ["12345678901234567.89", "None", "1.5"]
    assert found.preview(1) == [["12345678901234567.89", None, "1.5"]]
    average = raw(engine, "SELECT avg(x) AS m FROM (VALUES (1::numeric), (2), (2)) v(x), staff WHERE id = 2")
    assert str(average.to_arrow().to_pylist()[0]["m"]).startswith("1.66666666")


def test_json_and_arrays_are_json(engine: PostgresEngine) -> None:
    found = raw(
        engine,
        """SELECT '{"a": null, "b": true}'::jsonb AS j, ARRAY[1, 2] AS a, '{}'::text AS t FROM staff WHERE id = 2""",
    )
    assert found.to_arrow().to_pylist() == [{"j": '{"a": null, "b": true}', "a": "[1, 2]", "t": "{}"}]


@pytest.mark.parametrize(
    "value",
    ["'NaN'::numeric", "'NaN'::numeric(5,2)", "10::numeric ^ 50", "'infinity'::timestamp", "'0044-03-15 BC'::date"],
)
def test_what_a_frame_cannot_hold_is_said(value: str, engine: PostgresEngine) -> None:
    with pytest.raises(UserError) as caught:
        raw(engine, f"SELECT {value} AS v FROM staff")
    assert caught.value.code == "no_result_type"
    assert run(engine, "SELECT count(*) AS n FROM staff") == [{"n": 100}]


def test_what_the_server_cannot_do_is_not_a_lost_connection(engine: PostgresEngine) -> None:
    with pytest.raises(UserError) as caught:
        raw(engine, "SELECT a.id FROM staff a FULL JOIN staff b ON a.id < b.id")
    assert caught.value.code == "not_supported"


def test_the_time_limit_is_for_the_whole_run(engine: PostgresEngine) -> None:
    many = "SELECT a.id FROM staff a, staff b, staff c, staff d"
    with pytest.raises(Unavailable) as caught:
        run(engine, many, Limits(seconds=0.3))
    assert caught.value.code == "time_limit"


def test_an_unprepared_plan_does_not_run(engine: PostgresEngine) -> None:
    with pytest.raises(Refused) as caught:
        engine.run(planned("SELECT id FROM staff"), {}, Limits())
    assert caught.value.code == "engine_locked"


BEYOND = [
    "SELECT * FROM bank.vip",
    "SELECT * FROM bank.staff",
    "SELECT count(*) FROM pg_catalog.pg_class",
    "SELECT * FROM information_schema.tables",
    "SELECT (SELECT max(secret) FROM bank.vip) FROM staff",
    "WITH v AS (SELECT * FROM bank.vip) SELECT * FROM v",
    'SELECT * FROM U&"b\\0061nk".staff',
    'SELECT * FROM U&"b\\0061nk".vip',
    "DELETE FROM bank.staff",
    "INSERT INTO bank.vip VALUES ('x')",
    "CREATE TABLE x (a int)",
    "SELECT 1; DELETE FROM bank.vip",
    "COPY bank.vip TO '/tmp/x'",
]


@pytest.mark.parametrize("sql", BEYOND)
def test_nothing_beyond_the_shadows_runs(sql: str, engine: PostgresEngine, admin: str) -> None:
    plan = plan_of(sql)
    with pytest.raises(AureusError) as caught:
        engine.prepare(plan, [STAFF])
        engine.run(plan, {}, Limits())
    assert MARKER not in str(caught.value)
    with psycopg.connect(admin) as connection:
        assert connection.execute(
            "SELECT (SELECT count(*) FROM bank.staff), (SELECT count(*) FROM bank.vip)"
        ).fetchone() == (101, 1)
    assert run(engine, "SELECT count(*) AS n FROM staff") == [{"n": 100}]


def test_an_operator_somebody_made_does_not_take_a_built_in_ones_place(admin: str) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            "GRANT CREATE ON SCHEMA public TO reader; SET ROLE reader;"
            "CREATE FUNCTION public.yes(varchar, varchar) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';"
            "CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.yes)"
        )
    engine = PostgresEngine.open(admin.replace("bank@", "reader@"))
    try:
        assert run(engine, "SELECT count(*) AS n FROM staff") == [{"n": 100}]
        assert run(engine, "SELECT nick FROM staff WHERE site = 'VIP'") == []
    finally:
        engine.close()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("DROP OPERATOR public.= (varchar, varchar); DROP FUNCTION public.yes(varchar, varchar)")


def test_the_mask_key_is_in_no_views_text(engine: PostgresEngine, admin: str) -> None:
    run(engine, "SELECT pin FROM staff LIMIT 1")
    with psycopg.connect(admin) as other:
        texts = other.execute(
            "SELECT pg_get_viewdef(oid) FROM pg_class WHERE relname = 'staff' AND relkind = 'v'"
        ).fetchall()
        seen = other.execute("SELECT current_setting('aureus.mask_key', true)").fetchone()
    assert texts
    assert not any((b"k" * 32).hex() in text for (text,) in texts)
    assert seen == (None,)


def test_an_unlisted_table_is_not_found_by_its_name(engine: PostgresEngine) -> None:
    with pytest.raises(UserError) as caught:
        engine.prepare(plan_of("SELECT * FROM vip"), [STAFF])
    assert caught.value.code == "unknown_table"


LEAKS = [
    "SELECT id FROM staff WHERE CAST(nick AS integer) = 1",
    "SELECT id FROM staff WHERE 1 / (CASE WHEN site = 'VIP' THEN 0 ELSE 1 END) = 1",
    "SELECT id FROM staff ORDER BY CAST(pin AS integer)",
]


@pytest.mark.parametrize("sql", LEAKS)
def test_no_message_and_no_hidden_row_leaks(sql: str, engine: PostgresEngine) -> None:
    plan = planned(sql)
    engine.prepare(plan, [STAFF])
    try:
        assert len(engine.run(plan, {}, Limits()).to_arrow()) == 100
    except AureusError as error:
        assert error.code == "data_error"
        assert MARKER not in str(error)
        assert "n1" not in str(error)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT nosuch FROM staff", "unknown_column"),
        ("SELECT a.id FROM staff a JOIN staff b ON id = 1", "ambiguous_column"),
        ("SELECT id, count(*) FROM staff", "not_grouped"),
        ("SELECT sum(nick) FROM staff", "unknown_function"),
        ("SELECT CASE WHEN active THEN id ELSE born END FROM staff", "wrong_types"),
    ],
)
def test_what_does_not_bind(sql: str, code: str, engine: PostgresEngine) -> None:
    with pytest.raises(UserError) as caught:
        engine.prepare(planned(sql), [STAFF])
    assert caught.value.code == code


def test_contract_drift(engine: PostgresEngine) -> None:
    for source, columns in (("bank.staff", ("id", "gone")), ("nosuch", ("id",))):
        dataset = Dataset(
            name="staff", pack="p", source=source, columns=tuple(Column(name=c, type="BIGINT") for c in columns)
        )
        catalog = Catalog(datasets=(dataset,))
        plan = planned("SELECT id FROM staff", Verdict(kind=VerdictKind.ALLOW), catalog=catalog)
        with pytest.raises(Unavailable) as caught:
            engine.prepare(plan, [dataset])
        assert caught.value.code == "contract_drift"


SLOW = "SELECT count(*) FROM staff a, staff b, staff c, staff d, staff e WHERE a.id + b.id + c.id + d.id + e.id < 0"


def test_time_limit_cancel_and_interrupt(engine: PostgresEngine) -> None:
    with pytest.raises(Unavailable) as caught:
        run(engine, SLOW, Limits(seconds=0.2))
    assert caught.value.code == "time_limit"
    timer = threading.Timer(0.3, engine.cancel)
    timer.start()
    with pytest.raises(Unavailable) as caught:
        run(engine, SLOW)
    timer.join()
    assert caught.value.code == "cancelled"
    killer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    killer.start()
    with pytest.raises(KeyboardInterrupt):
        run(engine, SLOW)
    killer.join()
    assert run(engine, "SELECT count(*) AS n FROM staff") == [{"n": 100}]


def test_a_server_that_goes_away(engine: PostgresEngine, admin: str) -> None:
    def end() -> None:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")

    timer = threading.Timer(0.3, end)
    timer.start()
    with pytest.raises(Unavailable) as caught:
        run(engine, SLOW)
    timer.join()
    assert caught.value.code == "engine_gone"
    engine.close()
    engine.cancel()


def test_who_may_not_connect(admin: str) -> None:
    for url, code in (
        (admin, "role_too_powerful"),
        ("sqlite:///x.db", "dialect_unsupported"),
        (admin.replace("bank@", "nobody:hunter2@"), "engine_gone"),
        (admin.replace("bank@", "owner@"), "role_too_powerful"),
    ):
        with pytest.raises(Unavailable) as caught:
            PostgresEngine.open(url)
        assert caught.value.code == code
        assert "hunter2" not in str(caught.value)


def test_a_url_that_is_none() -> None:
    with pytest.raises(UserError) as caught:
        PostgresEngine.open("nonsense with hunter2")
    assert caught.value.code == "bad_connection"
    assert "hunter2" not in str(caught.value)


def test_what_the_connection_says(engine: PostgresEngine) -> None:
    assert engine.description == "PostgreSQL database postgres"
    assert {t.source for t in engine.tables()} >= {"bank.staff", "bank.vip"}
    plan = planned("SELECT id FROM staff WHERE id > :id")
    engine.prepare(plan, [STAFF])
    assert engine.estimate(plan, {"id": 5}).startswith("Estimate: up to about")


def test_a_cell_over_postgres(front: Any, admin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = front.folder / "mine"
    (pack / "contracts").mkdir(parents=True)
    (pack / "pack.yaml").write_text("name: mine\ntitle: Mine\nversion: 1.0.0\nstatus: active\n")
    properties = [{"name": n, "logicalType": "string", "physicalType": t} for n, t in TYPES.items()]
    properties[2] |= {"classification": "confidential", "customProperties": [{"property": "pii", "value": "direct"}]}
    contract = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "mine.staff",
        "version": "1.0.0",
        "status": "active",
        "customProperties": [{"property": "classification", "value": "internal"}],
        "schema": [{"name": "staff", "physicalName": "bank.staff", "properties": properties}],
    }
    (pack / "contracts" / "staff.odcs.yaml").write_text(yaml.safe_dump(contract))
    monkeypatch.setenv("PG_URL", admin.replace("bank@", "reader@"))
    monkeypatch.setenv("AUREUS_CONNECTIONS", "pg=env:PG_URL")
    told = front.cell(
        "--pack ./mine -e pg --params site=OSLO f <<",
        "SELECT id, pin FROM staff WHERE site = :site ORDER BY id LIMIT 2",
    )
    assert told.error is None, told.error
    assert told.card["outcome"] == "masked"
    assert front.shell.user_ns["f"]["pin"].tolist() == ["•••", "•••"]
    assert front.cell("--pack ./mine -e pg", "SELECT * FROM bank.vip").code == "qualified_name"
    everything = b"".join(Path(p).read_bytes() for run in front.runs for p in run.iterdir())
    assert str(admin).encode() not in everything


def test_an_account_that_may_write_is_told_of(postgres: str) -> None:
    def notices() -> tuple[str, ...]:
        engine = PostgresEngine.open(postgres.replace("bank@", "writer@").replace("/postgres?", "/writing?"))
        engine.close()
        return tuple(engine.notices)

    with psycopg.connect(postgres, autocommit=True) as boss:
        boss.execute("CREATE ROLE writer LOGIN")
        boss.execute("CREATE DATABASE writing")
    try:
        with psycopg.connect(postgres.replace("/postgres?", "/writing?"), autocommit=True) as boss:
            boss.execute("CREATE SCHEMA bank; CREATE TABLE bank.staff (id integer)")
            boss.execute("GRANT USAGE ON SCHEMA bank TO writer; GRANT SELECT ON bank.staff TO writer")
            assert notices() == ()
            boss.execute("GRANT INSERT ON bank.staff TO writer")
            assert "may change data" in notices()[0]
            boss.execute("REVOKE INSERT ON bank.staff FROM writer; GRANT CREATE ON SCHEMA bank TO writer")
            assert notices()
    finally:
        with psycopg.connect(postgres, autocommit=True) as boss:
            boss.execute("DROP DATABASE writing")
            boss.execute("DROP ROLE writer")
