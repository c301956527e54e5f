"""From an Open Data Contract Standard 3.1 contract to a dataset. The mapping is described in packs/README.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aureus_jupyter.values.catalog import Classification, Column, Dataset, Pii

__all__ = ["ContractError", "dataset_of", "standard_problems"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Z0-9_ ]*(\(\d+(, ?\d+)?\))?(\[\])*\Z", re.ASCII)


class ContractError(ValueError):
    """A contract that cannot become a dataset: where in it, what was expected, what was found."""

    def __init__(self, path: list[str | int], expected: str, found: str) -> None:
        super().__init__(expected)
        self.path = path
        self.expected = expected
        self.found = found


def standard_problems(value: Any) -> list[ContractError]:
    """Return what the open-data-contract-standard package says against a contract. Imports the package on first use."""
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    try:
        OpenDataContractStandard.model_validate(value)
    except ValidationError as error:
        return [ContractError(list(e["loc"]), e["msg"], e["type"]) for e in error.errors(include_input=False)]
    return []


def dataset_of(value: Any, pack: str, digest: str) -> Dataset:
    """Return the dataset a contract describes. Raises ContractError for the first thing that is wrong."""
    contract = _mapping(value, [])
    if not str(contract.get("apiVersion", "")).startswith("v3."):
        raise ContractError(["apiVersion"], "v3.1.0", _kind(contract.get("apiVersion")))
    table = _mapping(_one(contract.get("schema"), ["schema"]), ["schema", 0])
    properties = table.get("properties")
    if not isinstance(properties, list) or not properties:
        raise ContractError(["schema", 0, "properties"], "a list of columns", _kind(properties))
    columns = tuple(_column(item, ["schema", 0, "properties", i]) for i, item in enumerate(properties))
    names = [c.name.lower() for c in columns]
    if len(set(names)) != len(names):
        raise ContractError(["schema", 0, "properties"], "columns with different names", "a name twice")
    own = _custom(contract)
    sla = {str(s.get("property")): s for s in _list(contract.get("slaProperties")) if isinstance(s, dict)}
    return Dataset(
        name=_name(table.get("name"), ["schema", 0, "name"]),
        pack=pack,
        source=str(table.get("physicalName") or table.get("name")),
        columns=columns,
        description=_purpose(contract),
        classification=_classification(own.get("classification")),
        jurisdiction=str(own.get("jurisdiction", "")),
        domain=str(contract.get("domain", "")),
        owner=_owner(contract),
        approvers=_approvers(contract),
        freshness_hours=_duration(sla.get("frequency"), {"h": 1, "d": 24}),
        retention_days=_duration(sla.get("retention"), {"d": 1, "y": 365}),
        version=str(contract.get("version", "")),
        contract_digest=digest,
    )


def _column(item: Any, path: list[str | int]) -> Column:
    entry = _mapping(item, path)
    own = _custom(entry)
    kind = str(entry.get("physicalType", "")).upper()
    if not _TYPE.match(kind) and not kind.startswith(("STRUCT(", "MAP(", "ENUM(", "UNION(")):
        raise ContractError([*path, "physicalType"], "a DuckDB type such as VARCHAR or DECIMAL(18,2)", _kind(kind))
    related = [r for r in _list(entry.get("relationships")) if isinstance(r, dict)]
    pii = str(own.get("pii", "none"))
    if pii not in set(Pii):
        raise ContractError([*path, "customProperties"], f"pii as one of {', '.join(Pii)}", "another word")
    return Column(
        name=_name(entry.get("name"), [*path, "name"], column=True),
        type=kind,
        nullable=not entry.get("required", False),
        classification=_classification(entry.get("classification", "internal")),
        pii=Pii(pii),
        description=str(entry.get("description") or ""),
        unit=str(own.get("unit", "")),
        key=bool(entry.get("primaryKey", False)),
        references=str(related[0].get("to", "")) if related else "",
    )


def _classification(word: Any) -> Classification:
    """Read a classification; what is missing or unknown is restricted."""
    return Classification(word) if word in set(Classification) else Classification.RESTRICTED


def _custom(value: Mapping[str, Any]) -> dict[str, Any]:
    entries = [e for e in _list(value.get("customProperties")) if isinstance(e, dict)]
    return {str(e.get("property")): e.get("value") for e in entries}


def _purpose(contract: Mapping[str, Any]) -> str:
    description = contract.get("description")
    return str(description.get("purpose") or "") if isinstance(description, dict) else ""


def _owner(contract: Mapping[str, Any]) -> str:
    team = contract.get("team")
    members = team.get("members") if isinstance(team, dict) else team
    owners = [m for m in _list(members) if isinstance(m, dict) and m.get("role") == "owner"]
    return str(owners[0].get("username") or owners[0].get("name") or "") if owners else ""


def _approvers(contract: Mapping[str, Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for role in _list(contract.get("roles")):
        if isinstance(role, dict):
            names = str(role.get("firstLevelApprovers") or "").split(",")
            found.update((name.strip(), None) for name in names if name.strip())
    return tuple(found)


def _duration(entry: Any, units: Mapping[str, int]) -> int | None:
    if not isinstance(entry, dict) or entry.get("unit") not in units:
        return None
    value = entry.get("value")
    return int(value) * units[entry["unit"]] if isinstance(value, int) and not isinstance(value, bool) else None


def _name(value: Any, path: list[str | int], column: bool = False) -> str:
    if not isinstance(value, str) or not (_NAME.match(value) or (column and value and '"' not in value)):
        raise ContractError(path, "a name of ASCII letters, digits and _", _kind(value))
    return value


def _one(value: Any, path: list[str | int]) -> Any:
    if not isinstance(value, list) or len(value) != 1:
        raise ContractError(
            path, "one table per contract", f"{len(value)} tables" if isinstance(value, list) else _kind(value)
        )
    return value[0]


def _mapping(value: Any, path: list[str | int]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ContractError(path, "members and values", _kind(value))
    return value


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _kind(value: Any) -> str:
    return "nothing" if value is None or value == "" else f"a value of kind {type(value).__name__}"
