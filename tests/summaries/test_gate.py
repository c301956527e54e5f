"""What stands before a summary beside its groups: the ledger, filters, masks, hidden persons, and what cannot be asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ward import CATALOG, PERMIT, STAY, SUMMARY, Ward, ward_at

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.errors import AureusError, Refused, Unavailable
from aureus_jupyter.ports import Limits
from aureus_jupyter.service import summaries
from aureus_jupyter.service.summaries import Gate
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.principal import Principal

NORTH = (
    "{id: north, description: d, effect: filter, reason: r, match: {datasets: [stay]}, when: {roles_any: [north]}, "
    "filter: {column: region, values: [north, south]}}"
)
NURSED = (
    "{id: nursed, description: d, effect: filter, reason: r, match: {datasets: [stay]}, when: {roles_any: [nursed]}, "
    "filter: {column: ward, within: {dataset: nurse, column: ward}}}"
)
HIDE = (
    "{id: hide, description: d, effect: hide, reason: r, match: {datasets: [stay]}, hide: {columns: {names: [person]}}}"
)
MASK = (
    "{id: mask, description: d, effect: mask, reason: r, match: {datasets: [stay]}, mask: {columns: {names: [%s]}, %s}}"
)
TOTAL, ISLANDS = "SELECT sum(cost) FROM stay", "SELECT sum(cost) FROM stay WHERE region <> 'islands'"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ward_at(tmp_path_factory.mktemp("raw") / "raw.duckdb")


@pytest.fixture
def engine(raw: Path, tmp_path: Path) -> Iterator[DuckDBEngine]:
    shutil.copy(raw, tmp_path / "ward.duckdb")
    made = DuckDBEngine.open(str(tmp_path / "ward.duckdb"), mask_key=b"k" * 32)
    yield made
    made.close()


@pytest.fixture
def ward(engine: DuckDBEngine, tmp_path: Path) -> Ward:
    return Ward(engine, tmp_path / "w")


def as_role(ward: Ward, *roles: str) -> Ward:
    return replace(ward, who=replace(ward.who, roles=roles))


def refusal(ward: Ward, sql: str, **values: Any) -> AureusError:
    with pytest.raises(AureusError) as caught:
        ward.ask(sql, values)
    assert caught.value.hint
    return caught.value


def test_the_ledger_outlives_a_kernel(ward: Ward, engine: DuckDBEngine) -> None:
    ward.ask(TOTAL)
    assert refusal(Ward(engine, ward.folder), ISLANDS).code == "differencing"


def test_everyone_has_a_ledger_of_their_own(ward: Ward) -> None:
    ward.ask(TOTAL)
    other = replace(ward, who=Principal(name="ben"))
    assert other.ask(ISLANDS)
    assert refusal(other, TOTAL).code == "differencing"


def test_what_was_refused_may_be_asked_in_another_way(ward: Ward) -> None:
    assert refusal(ward, "SELECT sum(cost) FROM stay WHERE age = 99").code == "small_group"
    assert ward.ask(ISLANDS)


def test_no_refusal_holds_a_number_of_the_data(ward: Ward) -> None:
    ward.ask(TOTAL)
    nobody = refusal(ward, "SELECT count(*) FROM stay WHERE region = 'nowhere'")
    one = refusal(ward, "SELECT count(*) FROM stay WHERE region = 'islands'")
    assert (nobody.message, nobody.hint, nobody.code) == (one.message, one.hint, one.code)
    assert "islands" not in f"{one.message} {one.hint}"


def test_without_a_ledger_nothing_passes(ward: Ward) -> None:
    decided = ward.decide(TOTAL)
    gate = Gate(engine=ward.engine, ledger=None, principal=ward.who, limits=Limits())
    with pytest.raises(Refused) as caught:
        gate.pass_through(decided, ())
    assert caught.value.code == "cannot_meet"


def test_other_datasets_pass_and_leave_nothing(ward: Ward) -> None:
    decided = ward.decide("SELECT * FROM nurse")
    gate = Gate(engine=ward.engine, ledger=None, principal=ward.who, limits=Limits())
    assert gate.pass_through(decided, ()) == ""


def test_the_record_says_what_was_asked(ward: Ward) -> None:
    gate = Gate(engine=ward.engine, ledger=ward.ledger, principal=ward.who, limits=Limits())
    assert "at least 5 persons" in gate.pass_through(ward.decide(TOTAL), ())


def test_a_ledger_that_cannot_be_written(ward: Ward) -> None:
    ward.ask(TOTAL)
    path = ward.folder / "ledger" / "overlap.sqlite"
    path.chmod(0o644)
    assert refusal(ward, ISLANDS).code == "ledger_unusable"


@pytest.mark.parametrize("entry", ["", "{}", '{"summary": {}, "values": [], "others": []}'])
def test_an_entry_that_cannot_be_read(ward: Ward, entry: str) -> None:
    owner = '["ana", "ward", "stay", "stay"]'
    ward.ledger.record(owner, entry, lambda earlier: None)
    assert refusal(ward, TOTAL).code == "ledger_unusable"


def test_a_ledger_that_is_full_refuses_what_is_new(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "MOST_REMEMBERED", 1)
    first = ward.ask(TOTAL)
    assert refusal(ward, "SELECT count(*) FROM stay WHERE age < 50").code == "differencing_limit"
    assert ward.ask(TOTAL) == first


def test_what_cannot_be_found_out_is_refused(ward: Ward) -> None:
    error = refusal(ward, "SELECT sum(cost) FROM stay WHERE region::INTEGER > 3")
    assert error.code == "groups_unknown"
    assert "north" not in str(error)


def test_an_engine_that_stops_is_no_refusal(ward: Ward) -> None:
    decided = ward.decide(TOTAL)
    gate = Gate(engine=ward.engine, ledger=ward.ledger, principal=ward.who, limits=Limits(memory_bytes=0))
    with pytest.raises(Unavailable):
        gate.pass_through(decided, ())


def test_rows_that_a_filter_hides_are_in_no_group(ward: Ward) -> None:
    ward = replace(ward, policies=(PERMIT, SUMMARY, NORTH))
    north = as_role(ward, "north")
    assert north.ask("SELECT region, count(*) FROM stay GROUP BY region ORDER BY region") == [
        ("north", 81),
        ("south", 80),
    ]
    assert refusal(north, "SELECT count(*) FROM stay WHERE region = 'east'").code == "small_group"


def test_what_another_filter_showed_counts(ward: Ward) -> None:
    all_but_few = NORTH.replace("[north, south]", "[north, south, east, west]")
    ward = replace(ward, policies=(PERMIT, SUMMARY, all_but_few))
    few = as_role(ward, "north")
    assert few.ask(TOTAL)
    assert refusal(ward, TOTAL).code == "differencing"
    assert ward.ask("SELECT sum(cost) FROM stay WHERE age < 40 AND region = 'north'")
    assert few.ask("SELECT sum(cost) FROM stay WHERE age < 40 AND region = 'north'")


def test_two_filters_and_one_over_another_dataset(ward: Ward) -> None:
    ward = replace(ward, policies=(PERMIT, SUMMARY, NORTH, NURSED))
    assert as_role(ward, "nursed").ask("SELECT ward, count(*) FROM stay GROUP BY ward") == [("A", 112)]
    assert as_role(ward, "north").ask("SELECT count(*) FROM stay") == [(161,)]
    error = refusal(as_role(ward, "nursed"), "SELECT count(*) FROM stay WHERE region <> 'islands'")
    assert error.code == "differencing"


def test_persons_who_are_hidden_or_masked_are_counted_all_the_same(ward: Ward) -> None:
    for more in (HIDE, MASK % ("person", "number: 'null'"), MASK % ("person", "number: round, step: '1000'")):
        asker = replace(ward, policies=(PERMIT, SUMMARY, more))
        asker = replace(asker, who=Principal(name=more))
        assert asker.ask("SELECT ward, sum(cost) FROM stay GROUP BY ward ORDER BY ward NULLS FIRST")[0][0] is None
        assert refusal(asker, "SELECT sum(cost) FROM stay WHERE age = 99").code == "small_group"
        assert refusal(asker, "SELECT sum(cost) FROM stay WHERE age < 80").code == "differencing"


def test_groups_are_those_of_the_masked_values(ward: Ward) -> None:
    masked = replace(ward, policies=(PERMIT, SUMMARY, MASK % ("age", "number: round, step: '50'")))
    assert masked.ask("SELECT age, count(*) FROM stay GROUP BY age ORDER BY age") == [(0, 121), (50, 122)]
    assert refusal(masked, "SELECT count(*) FROM stay WHERE age = 51").code == "small_group"
    # What was answered over other values cannot be held against these.
    assert refusal(ward, "SELECT count(*) FROM stay WHERE age < 50").code == "differencing_limit"


def test_each_row_a_person_where_the_policy_names_none(engine: DuckDBEngine, tmp_path: Path) -> None:
    by_row = SUMMARY.replace("person: person, ", "")
    ward = Ward(engine, tmp_path / "rows", policies=(PERMIT, by_row))
    # Two persons, four rows; and with three persons, six.
    error = refusal(ward, "SELECT sum(nights) FROM stay WHERE age = 40")
    assert error.code == "small_group"
    assert "at least 5 rows" in error.message
    assert ward.ask("SELECT count(person), sum(nights) FROM stay WHERE age IN (40, 41)")[0][0] == 8
    assert refusal(ward, "SELECT sum(nights) FROM stay WHERE age IN (40, 41) OR age = 99").code == "differencing"


def test_two_policies_both_hold(engine: DuckDBEngine, tmp_path: Path) -> None:
    more = SUMMARY.replace("id: few", "id: many").replace(
        "smallest: 5, person: person", "smallest: 100, person: stay_id"
    )
    ward = Ward(engine, tmp_path / "two", policies=(PERMIT, SUMMARY, more))
    assert refusal(ward, "SELECT sum(cost) FROM stay WHERE age < 40").code == "small_group"
    assert refusal(ward, "SELECT sum(stay_id) FROM stay").code == "summaries_only"
    assert ward.ask("SELECT sum(cost) FROM stay WHERE age < 50")
    assert refusal(ward, "SELECT sum(cost) FROM stay WHERE age < 60").code == "differencing"


def test_a_second_source_of_the_same_name_has_a_ledger_of_its_own(ward: Ward) -> None:
    ward.ask(TOTAL)
    moved = Catalog(datasets=(replace(STAY, pack="other"), CATALOG.datasets[1]))
    assert replace(ward, catalog=moved).ask(ISLANDS)


def test_large_tables_count_rows_first(tmp_path: Path) -> None:
    path = tmp_path / "large.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            "CREATE TABLE stay AS SELECT i AS stay_id, i // 2 AS person, ['north', 'south'][1 + i % 2] AS region, 'A' AS ward, "
            "(i // 2 % 90)::INTEGER AS age, DATE '2024-01-01' AS admitted, 1 AS nights, i::DECIMAL(18,2) AS cost, "
            "NULL::DECIMAL(18,2) AS surcharge FROM range(60000) r(i); "
            "INSERT INTO stay SELECT 70000 + i, 70000, 'north', 'B', 200, DATE '2024-01-01', 1, 1, NULL FROM range(50) r(i)"
        )
    engine = DuckDBEngine.open(str(path))
    ward = Ward(engine, tmp_path / "w")
    assert ward.ask("SELECT count(*) FROM stay") == [(60050,)]
    # Fifty rows, and one person.
    assert refusal(ward, "SELECT count(*) FROM stay WHERE age < 100").code == "differencing"
    assert ward.ask("SELECT count(*) FROM stay WHERE age < 45") == [(30030,)]
    engine.close()
