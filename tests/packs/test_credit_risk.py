"""The credit-risk pack: valid, its data as the contracts say, the same every time, and every question runs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from stdnum import iban

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.seeds import ensure_seeds
from aureus_jupyter.adapters.catalogs.validate import validate_pack
from aureus_jupyter.core.copilot.verified import slot_value
from aureus_jupyter.core.text import bind_names
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.catalog import Catalog


@pytest.fixture(scope="module")
def pack(root: Path) -> Path:
    return root / "packs" / "credit-risk"


@pytest.fixture(scope="module")
def catalog(pack: Path) -> Catalog:
    return PackSource(pack).load()


@pytest.fixture(scope="module")
def seeds(pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_seeds(pack, 6000, tmp_path_factory.mktemp("seeds"))


@pytest.fixture
def data(seeds: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(seeds), read_only=True)


def one(data: duckdb.DuckDBPyConnection, sql: str) -> object:
    row = data.execute(sql).fetchone()
    assert row is not None
    return row[0]


def test_the_pack_is_valid(pack: Path) -> None:
    assert validate_pack(pack) == []


def test_columns_and_types_are_the_contracts(catalog: Catalog, data: duckdb.DuckDBPyConnection) -> None:
    for dataset in catalog.datasets:
        found = [(n, t) for n, t, *_ in data.execute(f"describe {dataset.source}").fetchall()]
        assert found == [(c.name, c.type) for c in dataset.columns]
        for column in dataset.columns:
            if not column.nullable:
                assert one(data, f"select count(*) from {dataset.source} where {column.name} is null") == 0
            if column.key:
                assert one(data, f"select count(*) - count(distinct {column.name}) from {dataset.source}") == 0
            if column.references:
                target, _, key = column.references.partition(".")
                orphans = f"select count(*) from {dataset.source} a anti join {target} b on a.{column.name} = b.{key}"
                assert one(data, orphans) == 0


def test_the_numbers_are_a_banks(data: duckdb.DuckDBPyConnection) -> None:
    assert one(data, "select count(*) from loan") == 6000
    weighted = one(data, "select sum(pd * ead::double) / sum(ead::double) from loan where currency = 'EUR'")
    assert 0.01 < float(str(weighted)) < 0.12
    grades = [g for (g,) in data.execute("select rating_grade from loan group by 1 order by avg(pd)").fetchall()]
    assert grades == ["AAA", "AA", "A", "BBB", "BB", "B", "CCC", "D"]
    assert (
        one(
            data,
            "select count(*) from loan where outstanding > principal or outstanding < 0 or lgd not between 0 and 1",
        )
        == 0
    )
    assert one(data, "select count(*) from loan where (stage = 3) <> (days_past_due >= 90)") == 0
    off = "select count(*) from (select abs(sum(share) - 1) d from rating_migration group by year, from_grade) where d > 1e-9"
    assert one(data, off) == 0
    assert all(iban.is_valid(text) for (text,) in data.execute("select iban from borrower limit 500").fetchall())


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_size_gives_the_same_rows(threads: int, pack: Path, seeds: Path, tmp_path: Path) -> None:
    connection = duckdb.connect(config={"threads": threads})
    connection.execute("set variable rows = 6000")
    for script in sorted((pack / "seeds").glob("*.sql")):
        connection.execute(script.read_text("utf-8"))
    first = duckdb.connect(str(seeds), read_only=True)
    for table in ("borrower", "loan", "collateral", "rating", "exposure_limit", "rating_migration"):
        digest = f"select count(*), bit_xor(md5_number({table}::varchar)) from {table}"
        assert connection.execute(digest).fetchall() == first.execute(digest).fetchall()


def test_every_question_runs(catalog: Catalog, data: duckdb.DuckDBPyConnection) -> None:
    for question in catalog.questions:
        sql, names = bind_names(question.sql)
        values = {s.name: slot_value(s, s.default) for s in question.slots}
        assert set(names) == set(values)
        assert data.execute(sql, values).fetchall(), question.id


def test_seeds_are_made_once(pack: Path, seeds: Path) -> None:
    before = seeds.stat().st_mtime_ns
    assert ensure_seeds(pack, 6000, seeds.parent) == seeds
    assert seeds.stat().st_mtime_ns == before
    shares: list[float] = []
    other = ensure_seeds(pack, 100, seeds.parent, shares.append)
    assert other != seeds
    assert shares[-1] == 1.0


def test_seeds_that_cannot_be_made(tmp_path: Path, pack: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        ensure_seeds(tmp_path, 10, tmp_path / "out")
    assert caught.value.code == "seeds_missing"
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "1.sql").write_text("select * from read_csv('/etc/passwd')")
    with pytest.raises(Unavailable) as caught:
        ensure_seeds(tmp_path, 10, tmp_path / "out")
    assert caught.value.code == "seeds_failed"
    assert list((tmp_path / "out").iterdir()) == []
