"""The credit-risk pack: valid, its data as the contracts say, the same every time, and every question runs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from reviewed import opened
from stdnum import iban
from stdnum.at import vnr
from stdnum.cz import dic, rc
from stdnum.de import idnr
from stdnum.pl import pesel

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.seeds import ensure_seeds
from aureus_jupyter.adapters.catalogs.validate import validate_pack
from aureus_jupyter.app.onboarding import onboard_location
from aureus_jupyter.core.copilot.verified import slot_value
from aureus_jupyter.core.text import bind_names
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


def test_a_draft_of_the_data_says_what_the_contracts_say(catalog: Catalog, seeds: Path, tmp_path: Path) -> None:
    """Types, emptiness, keys, joins and personal data are guessed as people wrote them."""
    onboard_location(str(seeds), tmp_path / "draft", "draft")
    drafted = PackSource(opened(tmp_path / "draft")).load()

    def told(found: Catalog) -> dict[str, list[tuple[object, ...]]]:
        return {
            d.name: [(c.name, c.type, c.nullable, c.key, c.references, c.pii) for c in d.columns]
            for d in found.datasets
        }

    assert told(drafted) == told(catalog)


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


TABLES = ("borrower", "rating", "loan", "collateral", "exposure_limit", "rating_migration")


def checksums(data: duckdb.DuckDBPyConnection) -> list[object]:
    """Return one checksum a table, over its rows in their order."""
    return [
        one(data, f"select bit_xor(md5_number(rowid || ':' || {t}::varchar)) || count(*)::varchar from {t}")
        for t in TABLES
    ]


@pytest.mark.parametrize(("threads", "rows"), [(1, 6000), (2, 6000), (1, 130), (8, 130)])
def test_the_same_size_gives_the_same_rows(threads: int, rows: int, pack: Path, seeds: Path) -> None:
    connection = duckdb.connect(config={"threads": threads})
    connection.execute(f"set variable rows = {rows}")
    for script in sorted((pack / "seeds").glob("*.sql")):
        connection.execute(script.read_text("utf-8"))
    with duckdb.connect(str(ensure_seeds(pack, rows, seeds.parent)), read_only=True) as first:
        assert checksums(connection) == checksums(first)


def test_other_sizes_give_other_rows(pack: Path, seeds: Path, data: duckdb.DuckDBPyConnection) -> None:
    with duckdb.connect(str(ensure_seeds(pack, 130, seeds.parent)), read_only=True) as small:
        assert one(small, "select count(*) from loan") == 130
        assert set(checksums(small)).isdisjoint(checksums(data))


def test_persons_have_numbers_that_check(data: duckdb.DuckDBPyConnection) -> None:
    checks = {"CZ": rc.is_valid, "SK": rc.is_valid, "PL": pesel.is_valid, "AT": vnr.is_valid, "DE": idnr.is_valid}
    persons = data.execute(
        "select country, national_id, birth_date, iban from borrower where segment = 'retail'"
    ).fetchall()
    assert {country for country, *_ in persons} == set(checks)
    for country, number, born, account in persons:
        assert checks[country](number)
        assert iban.is_valid(account)
        assert country in {"DE", "AT"} or number[:2] == f"{born:%y}"
    firms = data.execute("select national_id from borrower where segment <> 'retail'").fetchall()
    assert all(dic.calc_check_digit_legal(number[:7]) == number[7] for (number,) in firms)
    assert (
        one(data, "select count(*) from borrower where not regexp_full_match(email, '[a-z.]+[0-9]+@example[.]com')")
        == 0
    )


def test_a_loan_has_its_borrowers_latest_grade(data: duckdb.DuckDBPyConnection) -> None:
    latest = "select borrower_id, arg_max(grade, rated_on) as grade from rating group by borrower_id"
    off = f"select count(*) from loan join ({latest}) using (borrower_id) where grade <> rating_grade"
    assert one(data, off) == 0
    assert one(data, "select count(*) from loan where (rating_grade = 'D') <> (days_past_due >= 90)") == 0


def test_migration_is_the_ratings(data: duckdb.DuckDBPyConnection) -> None:
    total = one(data, "select sum(borrowers) from rating_migration")
    assert total == 4 * int(str(one(data, "select count(*) from borrower")))
    stay = one(data, "select sum(borrowers) filter (from_grade = to_grade) / sum(borrowers) from rating_migration")
    assert 0.4 < float(str(stay)) < 0.8


def test_few_borrowers_have_many_loans(data: duckdb.DuckDBPyConnection) -> None:
    counts = [n for (n,) in data.execute("select count(*) from loan group by borrower_id order by 1 desc").fetchall()]
    assert counts[0] > 4 * sum(counts) / len(counts)
    assert (
        one(data, "select median(principal) < avg(principal) from loan where product = 'mortgage' and currency = 'EUR'")
        is True
    )


def test_every_question_runs(catalog: Catalog, data: duckdb.DuckDBPyConnection) -> None:
    for question in catalog.questions:
        sql, names = bind_names(question.sql)
        values = {s.name: slot_value(s, s.default) for s in question.slots}
        assert set(names) == set(values)
        assert data.execute(sql, values).fetchall(), question.id
