"""Every member a contract is promised to be read for: it comes from the contract, and stands in the catalog."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from aureus_jupyter.adapters.catalogs.contracts import ContractError, dataset_of
from aureus_jupyter.adapters.catalogs.labels import label_problems
from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.yamlstrict import load_yaml
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.catalog import Classification, Dataset, Pii

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def pack(root: Path, tmp_path: Path) -> Path:
    """A copy of the credit-risk pack."""
    return Path(shutil.copytree(root / "packs" / "credit-risk", tmp_path / "pack"))


def read(pack: Path, edit: Edit) -> Dataset:
    """Change the contract of borrower, and return the dataset as a catalog has it."""
    path = pack / "contracts" / "borrower.odcs.yaml"
    contract = load_yaml(path)
    edit(contract)
    path.write_text(yaml.safe_dump(contract, sort_keys=False), "utf-8")
    found = PackSource(pack).load().dataset("borrower")
    assert found is not None
    return found


def custom(contract: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the custom property of that name."""
    return next(p for p in contract["customProperties"] if p["property"] == name)


def column(contract: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the column of that name."""
    found: dict[str, Any] = next(c for c in contract["schema"][0]["properties"] if c["name"] == name)
    return found


MEMBERS: dict[str, tuple[str, Any, Edit, Any, Edit, Any]] = {
    # what it is in the catalog, as it stands, an edit, what it is then, its removal, what it is without
    "classification": (
        "classification",
        Classification.CONFIDENTIAL,
        lambda c: custom(c, "classification").update(value="internal"),
        Classification.INTERNAL,
        lambda c: c["customProperties"].remove(custom(c, "classification")),
        Classification.RESTRICTED,
    ),
    "jurisdiction": (
        "jurisdiction",
        "EU",
        lambda c: custom(c, "jurisdiction").update(value="CZ"),
        "CZ",
        lambda c: c["customProperties"].remove(custom(c, "jurisdiction")),
        "",
    ),
    "domain": ("domain", "credit-risk", lambda c: c.update(domain="lending"), "lending", lambda c: c.pop("domain"), ""),
    "owner": (
        "owner",
        "customer-data",
        lambda c: c["team"]["members"][0].update(username="lending-data"),
        "lending-data",
        lambda c: c.pop("team"),
        "",
    ),
    "approvers": (
        "approvers",
        ("dana.prokop", "privacy.office"),
        lambda c: c["roles"].append({"role": "x", "access": "read", "firstLevelApprovers": "eva, dana.prokop"}),
        ("dana.prokop", "privacy.office", "eva"),
        lambda c: c.pop("roles"),
        (),
    ),
    "freshness": (
        "freshness_hours",
        26,
        lambda c: c["slaProperties"][0].update(value=3, unit="days"),
        72,
        lambda c: c["slaProperties"].pop(0),
        None,
    ),
    "retention": (
        "retention_days",
        3650,
        lambda c: c["slaProperties"][1].update(value=2, unit="y"),
        730,
        lambda c: c["slaProperties"].pop(1),
        None,
    ),
    "version": ("version", "1.0.0", lambda c: c.update(version="2.1.0"), "2.1.0", lambda c: c.pop("version"), ""),
    "description": (
        "description",
        "One row per person or firm that owes a loan.",
        lambda c: c["description"].update(purpose="People."),
        "People.",
        lambda c: c.pop("description"),
        "",
    ),
    "source": (
        "source",
        "borrower",
        lambda c: c["schema"][0].update(physicalName="bank.borrower"),
        "bank.borrower",
        lambda c: c["schema"][0].pop("physicalName"),
        "borrower",
    ),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_of_the_dataset_is_the_contracts(name: str, pack: Path) -> None:
    member, before, edit, after, removal, without = MEMBERS[name]
    first = read(pack, lambda c: None)
    assert getattr(first, member) == before
    changed = read(pack, edit)
    assert getattr(changed, member) == after
    assert changed.contract_digest != first.contract_digest
    assert getattr(read(pack, removal), member) == without


COLUMNS: dict[str, tuple[str, str, Any, dict[str, Any], Any, str, Any]] = {
    # column, what it is in the catalog, as it stands, what is changed, what it is then, what is removed, what it is without
    "classification": (
        "iban",
        "classification",
        Classification.RESTRICTED,
        {"classification": "public"},
        Classification.PUBLIC,
        "classification",
        Classification.RESTRICTED,
    ),
    "pii": (
        "income",
        "pii",
        Pii.QUASI,
        {"customProperties": [{"property": "pii", "value": "sensitive"}]},
        Pii.SENSITIVE,
        "customProperties",
        Pii.NONE,
    ),
    "unit": (
        "income",
        "unit",
        "EUR",
        {"customProperties": [{"property": "unit", "value": "CZK"}]},
        "CZK",
        "customProperties",
        "",
    ),
    "type": ("income", "type", "DECIMAL(18,2)", {"physicalType": "double"}, "DOUBLE", "", None),
    "nullable": ("birth_date", "nullable", True, {"required": True}, False, "required", True),
    "key": ("borrower_id", "key", True, {"primaryKey": False}, False, "primaryKey", False),
    "description": (
        "country",
        "description",
        "Country of residence, ISO 3166-1 alpha-2.",
        {"description": "x"},
        "x",
        "description",
        "",
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_member_of_a_column_is_the_contracts(name: str, pack: Path) -> None:
    of, member, before, changes, after, removed, without = COLUMNS[name]

    def value(edit: Edit) -> Any:
        found = read(pack, edit).column(of)
        assert found is not None
        return getattr(found, member)

    assert value(lambda c: None) == before
    assert value(lambda c: column(c, of).update(changes)) == after
    if removed:
        assert value(lambda c: column(c, of).pop(removed)) == without


def test_a_reference_is_the_contracts(root: Path) -> None:
    loan = PackSource(root / "packs" / "credit-risk").load().dataset("loan")
    assert loan is not None
    assert {c.name: c.references for c in loan.columns if c.references} == {"borrower_id": "borrower.borrower_id"}


def test_the_owner_is_written_as_the_standard_does_and_has_not_left(pack: Path) -> None:
    """The standard's own example says `Owner`, and keeps those who left, with a date."""
    members = [
        {"username": "gone", "role": "Owner", "dateOut": "2024-01-01"},
        {"username": "ana", "role": "Data Scientist"},
        {"username": "eva", "role": " Owner "},
    ]
    assert read(pack, lambda c: c["team"].update(members=members)).owner == "eva"
    assert read(pack, lambda c: c["team"].update(members=members[:2])).owner == ""
    assert read(pack, lambda c: c.update(team=members)).owner == "eva", "a list, as before version 3.1"


def test_who_approves_of_writing_does_not_approve_of_reading(pack: Path) -> None:
    roles = [
        {"role": "loader", "access": "write", "firstLevelApprovers": "operations"},
        {"role": "reader", "access": "read", "firstLevelApprovers": "dana"},
        {"role": "other", "firstLevelApprovers": "eva"},
    ]
    assert read(pack, lambda c: c.update(roles=roles)).approvers == ("dana", "eva")


def test_approvers_that_are_no_text_are_refused(pack: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        read(pack, lambda c: c["roles"][0].update(firstLevelApprovers=["dana", "eva"]))
    assert caught.value.code == "contract_malformed"
    assert "roles.0.firstLevelApprovers must be names separated by commas" in caught.value.message


def test_of_two_durations_the_shorter_holds(pack: Path) -> None:
    more = [{"property": "retention", "value": 90, "unit": "d"}, {"property": "frequency", "value": 1, "unit": "hour"}]
    found = read(pack, lambda c: c["slaProperties"].extend(more))
    assert (found.retention_days, found.freshness_hours) == (90, 1)


MISPLACED: dict[str, tuple[Edit, list[str | int], str]] = {
    "classification at the table": (
        lambda c: c["schema"][0].update(customProperties=[{"property": "classification", "value": "restricted"}]),
        ["schema", 0, "customProperties", 0, "property"],
        "the contract's own customProperties",
    ),
    "jurisdiction at a column": (
        lambda c: column(c, "borrower_id").update(customProperties=[{"property": "jurisdiction", "value": "EU"}]),
        ["schema", 0, "properties", 0, "customProperties", 0, "property"],
        "the contract's own customProperties",
    ),
    "classification as a property of a column": (
        lambda c: column(c, "borrower_id").update(customProperties=[{"property": "classification", "value": "public"}]),
        ["schema", 0, "properties", 0, "customProperties", 0, "property"],
        "as a member of a column",
    ),
    "pii at the contract": (
        lambda c: c["customProperties"].append({"property": "pii", "value": "direct"}),
        ["customProperties", 2, "property"],
        "pii at the customProperties of a column",
    ),
    "freshness": (
        lambda c: c["slaProperties"][0].update(property="freshness"),
        ["slaProperties", 0, "property"],
        "frequency, which is read",
    ),
    "retention misspelt": (
        lambda c: c["slaProperties"][1].update(property="Retension"),
        ["slaProperties", 1, "property"],
        "retention, which is read",
    ),
}


@pytest.mark.parametrize("name", MISPLACED)
def test_a_label_where_nothing_reads_it_is_said(name: str, root: Path) -> None:
    edit, place, expected = MISPLACED[name]
    contract = load_yaml(root / "packs" / "credit-risk" / "contracts" / "borrower.odcs.yaml")
    assert list(label_problems(contract)) == []
    edit(contract)
    (problem,) = label_problems(contract)
    assert problem.path == place
    assert expected in problem.expected


@pytest.mark.parametrize(
    ("word", "good"),
    [("CZ", True), ("US-CA", True), ("EU", True), ("UK", True), ("EEA", True), ("GLOBAL", True)]
    + [(w, False) for w in ("cz", "XX", "CZ-", "US-CALI", "Europe", "", 1, None, ["EU"], "EU ")],
)
def test_a_jurisdiction_is_a_code(word: Any, good: bool) -> None:
    contract = {"customProperties": [{"property": "jurisdiction", "value": word}]}
    assert (list(label_problems(contract)) == []) is good


@pytest.mark.shared
def test_the_standards_own_examples_are_read_or_refused(shared: Path) -> None:
    """None makes it fail; where the standard keeps several tables in one contract, that is what is said."""
    read_, refused = [], []
    for path in sorted((shared / "fixtures" / "odcs" / "examples").rglob("*.yaml")):
        contract = load_yaml(path)
        assert list(label_problems(contract)) == [], path.name
        try:
            read_.append(dataset_of(contract, "p", "d").name)
        except ContractError as error:
            refused.append(error.expected)
    assert len(read_) >= 8
    assert set(refused) == {"one table per contract", "a list of columns"}
