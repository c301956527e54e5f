"""Summaries over a database that is read as a copy: every question of the guard copies anew, and holds all the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from ward import CATALOG, Ward

from aureus_jupyter.adapters.engines.copied import CopyEngine
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog

COLUMNS = ("stay_id", "person", "region", "ward", "age", "nights")


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path / 'ward.sqlite'}"
    engine = sqlalchemy.create_engine(made)
    with engine.begin() as con:
        con.execute(
            sqlalchemy.text(
                "CREATE TABLE stay (stay_id BIGINT, person BIGINT, region TEXT, ward TEXT, age INT, nights INT)"
            )
        )
        rows = [(i, i // 2, "north" if i % 2 else "south", "A", 20 + i // 2 % 60, 2) for i in range(240)]
        rows.append((900, 900, "islands", "A", 99, 9))
        for row in rows:
            con.execute(
                sqlalchemy.text("INSERT INTO stay VALUES (:stay_id, :person, :region, :ward, :age, :nights)"),
                dict(zip(COLUMNS, row, strict=True)),
            )
    engine.dispose()
    return made


def test_a_copied_database(url: str, tmp_path: Path) -> None:
    stay = replace(CATALOG.datasets[0], columns=tuple(c for c in CATALOG.datasets[0].columns if c.name in COLUMNS))
    engine = CopyEngine.open(url, mask_key=b"k" * 32)
    ward = Ward(engine, tmp_path / "w", catalog=Catalog(datasets=(stay,)))
    assert ward.ask("SELECT count(*), sum(nights) FROM stay") == [(241, 489)]
    for sql, code in (
        ("SELECT sum(nights) FROM stay WHERE region = 'islands'", "small_group"),
        ("SELECT sum(nights) FROM stay WHERE region <> 'islands'", "differencing"),
    ):
        with pytest.raises(Refused) as caught:
            ward.ask(sql)
        assert caught.value.code == code
    engine.close()
