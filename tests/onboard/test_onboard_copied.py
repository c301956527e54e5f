"""Packs drafted from a database that is neither DuckDB nor PostgreSQL: SQLite stands for them all."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from reviewed import opened
from sqlalchemy import Column, MetaData, Table, create_engine, types

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.validate import validate_pack
from aureus_jupyter.adapters.engines import copied_reader
from aureus_jupyter.adapters.engines.copied_reader import CopyReader
from aureus_jupyter.app.onboarding import onboard_location
from aureus_jupyter.app.packs import check_pack
from aureus_jupyter.errors import AureusError
from aureus_jupyter.values.catalog import Pii
from aureus_jupyter.values.settings import Settings

TABLES = """
CREATE TABLE client (client_id INTEGER PRIMARY KEY, full_name VARCHAR(80) NOT NULL, email TEXT, born DATE, active BOOLEAN);
CREATE TABLE account (account_id BIGINT PRIMARY KEY, client_id INTEGER NOT NULL, balance DECIMAL(12,2), rate FLOAT,
  opened TIMESTAMP, score NUMERIC, grade, photo BLOB, mixed INTEGER, empty NUMERIC, odd DATE);
CREATE VIEW rich AS SELECT account_id, balance FROM account WHERE balance > 100;
CREATE VIEW broken AS SELECT nosuch FROM client;
CREATE TABLE "dot.ted" (a INTEGER);
CREATE TABLE "Odd name" (a INTEGER);
"""


def bank(folder: Path, *more: str) -> Path:
    path = folder / "bank.db"
    with sqlite3.connect(path) as con:
        con.executescript(TABLES)
        con.executemany(
            "INSERT INTO client VALUES (?, ?, ?, ?, ?)",
            [(i, f"Jan Novák {i}", f"jan{i}@bank.example", f"19{i % 90 + 10}-05-06", i % 2) for i in range(1, 41)],
        )
        con.executemany(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
            [
                (i, 1 + i % 40, i * 1.25, 0.5, f"2024-01-02 03:04:{i % 60:02}", i, i / 4, b"\x00", i, "2024-01-02")
                for i in range(1, 201)
            ],
        )
        for statement in more:
            con.execute(statement)
    con.close()
    return path


def kinds(pack: Path, name: str) -> dict[str, str]:
    return {c.name: c.type for d in PackSource(pack).load().datasets if d.name == name for c in d.columns}


def test_a_whole_database(tmp_path: Path) -> None:
    path = bank(tmp_path)
    report = onboard_location(f"sqlite:///{path}", tmp_path / "pack", "Bank")
    assert validate_pack(opened(tmp_path / "pack")) == []
    catalog = {d.name: d for d in PackSource(tmp_path / "pack").load().datasets}
    assert set(catalog) == {"account", "client", "rich", "Odd_name"}
    assert report.left_out["dot.ted"] == "it has no columns, or a dot in its name"
    assert set(report.left_out) == {"dot.ted", "broken"}
    assert kinds(tmp_path / "pack", "client") == {
        "client_id": "BIGINT",
        "full_name": "VARCHAR",
        "email": "VARCHAR",
        "born": "DATE",
        "active": "BOOLEAN",
    }
    assert kinds(tmp_path / "pack", "account") == {
        "account_id": "BIGINT",
        "client_id": "BIGINT",
        "balance": "DECIMAL(12,2)",
        "rate": "DOUBLE",
        "opened": "TIMESTAMP",
        "score": "BIGINT",
        "grade": "DOUBLE",
        "photo": "BLOB",
        "mixed": "BIGINT",
        "empty": "VARCHAR",
        "odd": "DATE",
    }
    account = {c.name: c for c in catalog["account"].columns}
    assert account["client_id"].references == "client.client_id"
    assert [c.name for c in catalog["client"].columns if c.pii is not Pii.NONE] == ["full_name", "email", "born"]
    texts = "".join(p.read_text("utf-8") for p in (tmp_path / "pack").rglob("*") if p.is_file())
    assert "Novák" not in texts
    assert str(tmp_path) not in texts
    assert "url: sqlite:///../bank.db" in texts


def test_a_cell_over_the_reviewed_draft(tmp_path: Path, front: Any) -> None:
    bank(tmp_path)
    onboard_location(f"sqlite:///{tmp_path / 'bank.db'}", tmp_path / "drafted", "drafted")
    opened(tmp_path / "drafted")
    front.purpose = f"--purpose analysis --pack {tmp_path / 'drafted'} "
    told = front.asked(
        "SELECT count(*) AS n, sum(balance) AS total FROM account JOIN client USING (client_id) WHERE active", "out << "
    )
    assert told.error is None
    (found,) = front.shell.user_ns["out"].to_dict("records")
    even = [i for i in range(1, 201) if (1 + i % 40) % 2]
    assert found == {"n": len(even), "total": Decimal("1.25") * sum(even)}


def test_what_the_values_do_not_fit_is_text_and_said(tmp_path: Path) -> None:
    path = bank(
        tmp_path,
        "UPDATE account SET mixed = 'tajné' WHERE account_id = 150",
        "UPDATE account SET odd = 20240102 WHERE account_id = 3",
        "UPDATE account SET client_id = 1.5 WHERE account_id = 4",
        "UPDATE account SET score = 'A+' WHERE account_id = 5",
        "UPDATE account SET grade = NULL",
    )
    onboard_location(f"sqlite:///{path}", tmp_path / "pack", "Bank")
    found = kinds(opened(tmp_path / "pack"), "account")
    assert {n: found[n] for n in ("mixed", "odd", "client_id", "score", "grade")} == {
        "mixed": "VARCHAR",
        "odd": "VARCHAR",
        "client_id": "VARCHAR",
        "score": "VARCHAR",
        "grade": "VARCHAR",
    }
    review = (tmp_path / "pack" / "REVIEW.md").read_text("utf-8")
    assert "account.mixed holds values that are no BIGINT: it is read as text." in review
    assert "tajné" not in review


def test_only_the_first_rows_of_a_large_table_are_looked_at_and_it_is_said(
    tmp_path: Path,
) -> None:
    reader = CopyReader.open(f"sqlite:///{bank(tmp_path)}", tmp_path / "copy.duckdb", most=60)
    found = {t.source: t.rows for t in reader.tables()}
    assert (found["account"], found["client"]) == (60, 40)
    assert reader.notes == [
        f"{name}: only its first 60 rows were looked at. Its counts, keys and joins are of those."
        for name in ("account", "rich")
    ]
    with pytest.raises(AureusError) as caught:
        reader.relation("nosuch")
    assert caught.value.code == "unknown_table"
    with pytest.raises(AureusError) as caught:
        reader.fetch("SELECT CAST('tajné' AS INTEGER)")
    assert "tajné" not in str(caught.value)
    reader.close()
    reader.close()


def test_a_type_told_by_values_in_every_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second batch of a column may be of another kind than the first; the type must hold for both."""
    monkeypatch.setattr("aureus_jupyter.adapters.engines.copied_source._BATCH", 50)
    path = bank(tmp_path, "UPDATE account SET score = 0.5, mixed = 'x' WHERE account_id = 199")
    onboard_location(f"sqlite:///{path}", tmp_path / "pack", "Bank")
    found = kinds(opened(tmp_path / "pack"), "account")
    assert (found["score"], found["mixed"]) == ("DOUBLE", "VARCHAR")


def test_a_relative_file_is_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank(tmp_path)
    monkeypatch.chdir(tmp_path)
    onboard_location("sqlite:///bank.db", tmp_path / "deep" / "pack", "Bank")
    assert "url: sqlite:///../../bank.db" in (tmp_path / "deep" / "pack" / "pack.yaml").read_text("utf-8")
    with pytest.raises(AureusError) as caught:
        onboard_location("sqlite:///none.db", tmp_path / "other", "Bank")
    assert caught.value.code == "bad_connection"
    assert not (tmp_path / "none.db").exists(), "looking makes no file"


DECLARED = (
    (types.SmallInteger(), "SMALLINT"),
    (types.Integer(), "BIGINT"),
    (types.BigInteger(), "BIGINT"),
    (types.Numeric(10, 3), "DECIMAL(10,3)"),
    (types.Numeric(60, 3), ""),
    (types.Numeric(), ""),
    (types.Double(), "DOUBLE"),
    (types.Boolean(), "BOOLEAN"),
    (types.DateTime(timezone=True), "TIMESTAMP WITH TIME ZONE"),
    (types.DateTime(), "TIMESTAMP"),
    (types.Date(), "DATE"),
    (types.Time(), "TIME"),
    (types.Interval(), "INTERVAL"),
    (types.LargeBinary(), "BLOB"),
    (types.Uuid(), "UUID"),
    (types.Enum("a", "b"), "VARCHAR"),
    (types.JSON(), "VARCHAR"),
    (types.NullType(), ""),
    (types.ARRAY(types.Integer()), ""),
)


@pytest.mark.parametrize(("declared", "kind"), DECLARED)
def test_types_of_any_dialect(declared: Any, kind: str) -> None:
    assert copied_reader._kind(declared) == kind


def test_values_come_through_sqlalchemys_own_types(tmp_path: Path) -> None:
    """Dates, amounts and flags that SQLAlchemy itself wrote are read as what they are."""
    engine = create_engine(f"sqlite:///{tmp_path / 'own.db'}")
    table = Table(
        "t",
        MetaData(),
        *(Column(f"c{n}", kind) for n, kind in enumerate((types.Date(), types.DateTime(), types.Boolean()))),
    )
    table.create(engine)
    with engine.begin() as con:
        con.execute(table.insert().values(c0=date(2024, 1, 2), c1=datetime(2024, 1, 2, 3, 4), c2=True))
    engine.dispose()
    reader = CopyReader.open(f"sqlite:///{tmp_path / 'own.db'}", tmp_path / "copy.duckdb")
    reader.tables()
    assert reader.fetch(f"SELECT * FROM {reader.relation('t')}") == [
        (date(2024, 1, 2), datetime(2024, 1, 2, 3, 4), True)
    ]
    reader.close()


def test_validate_looks_into_a_file_of_sqlites(tmp_path: Path) -> None:
    path = bank(tmp_path)
    onboard_location(f"sqlite:///{path}", tmp_path / "pack", "Bank")
    pack = opened(tmp_path / "pack")
    assert [p for p in check_pack(pack, Settings()) if not p.warning] == []
    with sqlite3.connect(path) as con:
        con.execute("DROP VIEW broken")
        con.execute("DROP VIEW rich")
        con.execute("ALTER TABLE account RENAME COLUMN balance TO saldo")
    con.close()
    found = {(p.file, p.field) for p in check_pack(pack, Settings()) if not p.warning}
    assert found == {
        ("contracts/rich.odcs.yaml", "schema.0.physicalName"),
        ("contracts/account.odcs.yaml", "schema.0.properties.2.name"),
    }
    path.write_bytes(b"nonsense" * 200)
    assert [p.field for p in check_pack(pack, Settings()) if not p.warning] == ["connection.url"]
    path.unlink()
    assert [p.field for p in check_pack(pack, Settings()) if not p.warning] == ["connection.url"]
