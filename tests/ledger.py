"""A PostgreSQL database of staff, its contract and its policy, for the suites that need them."""

from __future__ import annotations

from aureus_jupyter.core.analyze import analyze
from aureus_jupyter.core.rewrite import rewrite
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Pii
from aureus_jupyter.values.plan import Plan
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Verdict, VerdictKind

MARKER = "ZQ-SECRET-77"
SETUP = f"""
DROP SCHEMA IF EXISTS bank CASCADE;
CREATE SCHEMA bank;
CREATE TABLE bank.staff (id bigint PRIMARY KEY, nick varchar, pin varchar, wage numeric(18,2), score double precision,
  site varchar, born date, seen timestamp, active boolean);
INSERT INTO bank.staff SELECT i, 'n' || i, 'CZ65' || i, i * 1.25, i / 3.0, CASE WHEN i % 2 = 0 THEN 'OSLO' ELSE 'BERN' END,
  DATE '1980-05-17' + i, TIMESTAMP '2024-01-02 03:04:05' + i * INTERVAL '1 hour', i % 3 = 0 FROM generate_series(1, 100) AS g(i);
INSERT INTO bank.staff VALUES (0, '{MARKER}', '{MARKER}', NULL, NULL, 'VIP', NULL, NULL, NULL);
CREATE TABLE bank.vip (secret varchar);
INSERT INTO bank.vip VALUES ('{MARKER}');
CREATE TABLE bank.sealed (id integer);
CREATE TYPE bank.mood AS ENUM ('calm');
CREATE FUNCTION bank.peek() RETURNS text LANGUAGE sql AS 'SELECT max(secret)::text FROM bank.vip';
CREATE FUNCTION bank.same(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR bank.=== (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = bank.same);
DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN DROP OWNED BY reader; END IF; END $$;
DROP ROLE IF EXISTS reader;
CREATE ROLE reader LOGIN;
DROP ROLE IF EXISTS owner;
CREATE ROLE owner LOGIN CREATEROLE;
GRANT USAGE ON SCHEMA bank TO reader;
GRANT SELECT ON bank.staff, bank.vip TO reader;
"""
TYPES = {
    "id": "BIGINT",
    "nick": "VARCHAR",
    "pin": "VARCHAR",
    "wage": "DECIMAL(18,2)",
    "score": "DOUBLE",
    "site": "VARCHAR",
    "born": "DATE",
    "seen": "TIMESTAMP",
    "active": "BOOLEAN",
}
STAFF = Dataset(
    name="staff", pack="p", source="bank.staff", columns=tuple(Column(name=n, type=t) for n, t in TYPES.items())
)
CATALOG = Catalog(datasets=(STAFF,))
SHIFTS = """
DROP TABLE IF EXISTS bank.shift;
CREATE TABLE bank.shift (id bigint, staff_id bigint, site varchar, badge varchar, hours numeric(18,2), tags text[], info jsonb);
INSERT INTO bank.shift SELECT i, i % 7, 'OSLO', 'b' || i, i, ARRAY['a', 'b' || i], jsonb_build_object('a', i, 'list', jsonb_build_array())
  FROM generate_series(1, 20) AS g(i);
GRANT SELECT ON bank.shift TO reader;
"""
SHIFT = Dataset(
    name="shift",
    pack="p",
    source="bank.shift",
    columns=(
        Column(name="id", type="BIGINT", key=True),
        Column(name="staff_id", type="BIGINT", references="staff.id"),
        Column(name="site", type="VARCHAR"),
        Column(name="badge", type="VARCHAR", pii=Pii.DIRECT),
        Column(name="hours", type="DECIMAL(18,2)", pii=Pii.QUASI),
        Column(name="tags", type="VARCHAR[]"),
        Column(name="info", type="JSON"),
    ),
)
BOTH = Catalog(datasets=(STAFF, SHIFT))
MASKS = tuple(
    Mask(policy="p", dataset="staff", column=c, method=m, reason="r", step="100")
    for c, m in {
        "pin": MaskMethod.HASH,
        "wage": MaskMethod.ROUND,
        "score": MaskMethod.NULL,
        "born": MaskMethod.YEAR,
    }.items()
)
FILTER = Filter(policy="p", dataset="staff", column="site", op=Op.IN, values=("OSLO", "BERN"), reason="r")
GOVERNED = Verdict(kind=VerdictKind.ALLOW, masks=MASKS, filters=(FILTER,))


def planned(sql: str, verdict: Verdict = GOVERNED, rows: int | None = None, catalog: Catalog = CATALOG) -> Plan:
    return rewrite(sql, analyze(sql, None, catalog, "postgres"), verdict, catalog, "postgres", rows)


def plan_of(sql: str) -> Plan:
    """A plan the guard would never make: the engine must stand alone. Its columns are not compared."""
    return Plan(sql=sql, bound=sql, dialect="postgres", shadows=planned("SELECT id FROM staff").shadows)
