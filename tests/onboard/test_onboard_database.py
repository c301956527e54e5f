"""Packs drafted from a real PostgreSQL: types, keys, joins, and no password in any file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from reviewed import opened

from aureus_jupyter.adapters.catalogs.onboard_sql import SqlReader, without_password
from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.validate import validate_pack
from aureus_jupyter.app.onboarding import onboard_location
from aureus_jupyter.errors import AureusError, Unavailable
from aureus_jupyter.values.catalog import Pii

TABLES = """
CREATE SCHEMA "Risk Dept";
CREATE TABLE customer (customer_id bigint PRIMARY KEY, full_name text NOT NULL, email varchar(80), code char(3),
  joined timestamp(3) with time zone, tags text[], extra jsonb, ref uuid, "odd%col" int);
CREATE TABLE loan (loan_id int PRIMARY KEY, customer_id bigint NOT NULL, amount numeric(12,2), rate double precision, due date,
  note "char", at time(2));
CREATE TABLE "Risk Dept"."Limits 100%" (limit_id int, customer_id bigint);
CREATE VIEW big_loan AS SELECT * FROM loan WHERE amount > 10;
CREATE TABLE part (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE part_2024 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE nothing ();
CREATE TABLE "dot.ted" (a int);
CREATE VIEW broken AS SELECT CAST(full_name AS int) AS n FROM customer;
INSERT INTO customer SELECT i, 'Jan ' || i, 'jan' || i || '@bank.example', 'CZE', now(), '{a}', '{"a": 1}', gen_random_uuid(), i
  FROM generate_series(1, 50) i;
INSERT INTO loan SELECT i, 1 + i % 50, i * 1.5, 0.1, '2024-01-01', 'x', '10:00' FROM generate_series(1, 200) i;
INSERT INTO "Risk Dept"."Limits 100%" SELECT i, i FROM generate_series(1, 30) i;
CREATE ROLE analyst LOGIN PASSWORD 'Tajné heslo/1';
GRANT SELECT ON loan TO analyst;
GRANT SELECT (customer_id, code) ON customer TO analyst;
"""

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def bank(postgres: str) -> str:
    """The URL of a database with two schemas."""
    with psycopg.connect(postgres, autocommit=True) as con:
        con.execute("CREATE DATABASE onboarding")
    url = postgres.replace("/postgres?", "/onboarding?")
    with psycopg.connect(url) as con:
        con.execute(TABLES)
    return url


def test_a_whole_database(bank: str, tmp_path: Path) -> None:
    onboard_location(bank, tmp_path / "pack", "Bank")
    assert validate_pack(opened(tmp_path / "pack")) == []
    catalog = {d.name: d for d in PackSource(tmp_path / "pack").load().datasets}
    assert set(catalog) == {"customer", "loan", "big_loan", "Limits_100", "part"}
    assert catalog["Limits_100"].source == "Risk Dept.Limits 100%"
    assert catalog["loan"].source == "public.loan"
    assert {c.name: c.type for c in catalog["customer"].columns} == {
        "customer_id": "BIGINT",
        "full_name": "TEXT",
        "email": "VARCHAR",
        "code": "BPCHAR",
        "joined": "TIMESTAMP WITH TIME ZONE",
        "tags": "TEXT[]",
        "ref": "UUID",
        "odd%col": "INTEGER",
    }
    assert {c.name: c.type for c in catalog["loan"].columns}["amount"] == "NUMERIC(12,2)"
    references = {(d.name, c.name): c.references for d in catalog.values() for c in d.columns if c.references}
    assert references["loan", "customer_id"] == "customer.customer_id"
    assert references["Limits_100", "customer_id"] == "customer.customer_id"
    pii = {c.name: c.pii for c in catalog["customer"].columns if c.pii is not Pii.NONE}
    assert pii == {"full_name": Pii.DIRECT, "email": Pii.DIRECT}
    review = (tmp_path / "pack" / "REVIEW.md").read_text("utf-8")
    assert "100% of 50 distinct values pass the form of an e-mail address" in review
    assert "@bank.example" not in review
    assert "no contract holds their name or type: extra." in review, "DuckDB has no JSONB"
    assert "- `public.dot.ted`: it has no columns, or a dot in its name" in review
    assert "- `public.broken`: it cannot be read (database_unavailable)" in review
    assert "nothing`: it has no columns" not in review, "a table without columns is no table here"


def test_only_what_the_account_may_read(bank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = bank.replace("bank@", f"analyst:{quote('Tajné heslo/1', safe='')}@")
    onboard_location(url, tmp_path / "pack", "pack")
    opened(tmp_path / "pack")
    found = {d.name: [c.name for c in d.columns] for d in PackSource(tmp_path / "pack").load().datasets}
    assert set(found) == {"customer", "loan"}
    assert found["customer"] == ["customer_id", "code"]
    texts = "".join(p.read_text("utf-8") for p in (tmp_path / "pack").rglob("*") if p.is_file())
    assert "heslo" not in texts
    assert "The password was left out" in texts
    monkeypatch.setenv("BANK_URL", url)
    onboard_location("env:BANK_URL", tmp_path / "other", "other")
    assert "url: env:BANK_URL" in (tmp_path / "other" / "pack.yaml").read_text("utf-8")
    monkeypatch.setenv("BANK_PASSWORD", "Tajné heslo/1")
    onboard_location(bank.replace("bank@", "analyst:env:BANK_PASSWORD@"), tmp_path / "third", "third")
    text = (tmp_path / "third" / "pack.yaml").read_text("utf-8")
    assert "BANK_PASSWORD" in text
    assert "heslo" not in text


def test_a_cell_over_the_reviewed_draft(bank: str, tmp_path: Path, front: Any) -> None:
    """The draft of a database, once opened, is enough for a governed cell: joined, filtered by a parameter, names masked."""
    with psycopg.connect(bank) as con:
        con.execute("CREATE ROLE scientist LOGIN")
        con.execute("GRANT SELECT ON loan, customer TO scientist")
    onboard_location(bank.replace("bank@", "scientist@"), tmp_path / "drafted", "drafted")
    opened(tmp_path / "drafted")
    front.purpose = f"--purpose analysis --pack {tmp_path / 'drafted'} "
    told = front.asked(
        "SELECT count(*) AS loans, sum(l.amount) AS amount FROM loan AS l JOIN customer AS c ON c.customer_id = l.customer_id "
        "WHERE l.amount > :least",
        "--params least=150 total << ",
    )
    assert told.error is None
    (total,) = front.shell.user_ns["total"].to_dict("records")
    assert total["loans"] == 100
    assert float(total["amount"]) == sum(1.5 * n for n in range(101, 201))
    told = front.asked("SELECT customer_id, full_name, email, code FROM customer ORDER BY customer_id", "people << ")
    assert told.error is None
    people = front.shell.user_ns["people"]
    assert list(people["customer_id"]) == list(range(1, 51))
    assert not any("Jan" in str(v) or "@" in str(v) for row in people.itertuples() for v in row)


def test_the_session_cannot_write(bank: str) -> None:
    reader = SqlReader.open(bank)
    try:
        with pytest.raises(Unavailable) as caught:
            reader.fetch("CREATE TABLE mine (a int)")
        assert "25006" in caught.value.message
        assert reader.fetch("SELECT 1 AS one") == [(1,)], "and goes on"
        with pytest.raises(Unavailable) as failed:
            reader.fetch("SELECT CAST('secret' AS int)")
        assert "secret" not in str(failed.value)
    finally:
        reader.close()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mysql://u:geheim@host/db", "driver_missing"),
        ("nosuch://u:geheim@host/db", "dialect_unsupported"),
        ("postgresql://u:geheim@host:port/db", "bad_connection"),
        ("postgresql://u:geheim@127.0.0.1:1/db", "database_unavailable"),
        ("postgresql://u:geheim@/db?host=/nowhere", "database_unavailable"),
    ],
)
def test_urls_that_lead_nowhere(url: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(AureusError) as caught:
        onboard_location(url, tmp_path / "pack", "pack")
    assert caught.value.code == code
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "kept", "cut"),
    [
        ("postgresql://u@h/d", "postgresql://u@h/d", False),
        ("postgresql://u:p@h:5/d", "postgresql://u@h:5/d", True),
        ("postgresql://u@h/d?password=p&sslmode=require", "postgresql://u@h/d?sslmode=require", True),
        ("oracle://u:p@h/d", "oracle://u@h/d", True),
        ("postgresql://u:keyring%3Abank%2Fu@h/d", "postgresql://u:keyring%3Abank%2Fu@h/d", False),
    ],
)
def test_passwords_are_cut_out_of_what_is_written(url: str, kept: str, cut: bool) -> None:
    assert without_password(url) == (kept, cut)
