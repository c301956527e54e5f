"""From an Open Data Contract Standard 3.1 contract to a dataset. The mapping is described in packs/README.md.

What says how data is protected must be right or the contract is refused; what is missing reads as the stricter case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aureus_jupyter.adapters.schemas import Schema, Violation
from aureus_jupyter.values.catalog import Classification, Column, Dataset, Pii, fold

__all__ = ["ACTIVE", "ContractError", "Place", "contract_problems", "dataset_of", "standard_problems", "status_of"]

_STANDARD = Schema("open_data_contract_standard", "schema.json")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Z0-9_ ]*(\(\d+(, ?\d+)?\))?(\[\d*\])*\Z", re.ASCII)
_NESTED = re.compile(r"(STRUCT|MAP|ENUM|UNION)\([\w ,()\[\]'\"]+\)(\[\d*\])*\Z", re.IGNORECASE)
_HOURS = {"h": 1, "hour": 1, "hours": 1, "d": 24, "day": 24, "days": 24}
_DAYS = {"d": 1, "day": 1, "days": 1, "y": 365, "yr": 365, "year": 365, "years": 365}
Place = list[str | int]
_OURS = {"classification", "jurisdiction", "pii", "unit"}
ACTIVE = "active"
"""The one status that opens a dataset; the standard also names proposed, draft, deprecated and retired, and allows any word."""


class ContractError(ValueError):
    """A contract that cannot become a dataset: where in it, what was expected, what was found."""

    def __init__(self, path: Place, expected: str, found: str) -> None:
        super().__init__(expected)
        self.path = path
        self.expected = expected
        self.found = found


def standard_problems(value: Any) -> list[ContractError]:
    """Return what the open-data-contract-standard package says against a contract.

    The package's model checks only the kinds of members it knows and lets the others through, so its JSON Schema is asked
    too, and first. Imports the package, jsonschema and pydantic on first use.
    """
    found = [_standard_problem(violation) for violation in _STANDARD.violations(value)]
    return found or _model_problems(value)


def _standard_problem(violation: Violation) -> ContractError:
    """Say what helps: the schema of the standard's 3.2 asks a column without a logicalType for the parts of a map."""
    if violation.expected == "the members map":
        return ContractError(
            [*violation.path], "a logicalType such as string or number", "none, or map without its parts"
        )
    return ContractError([*violation.path], violation.expected, violation.found)


def _model_problems(value: Any) -> list[ContractError]:
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
    own = _custom(contract, [])
    return Dataset(
        name=_name(table.get("name"), ["schema", 0, "name"]),
        pack=pack,
        source=_source(table),
        columns=_columns(table.get("properties"), ["schema", 0, "properties"]),
        description=_purpose(contract),
        classification=_classification(own.get("classification")),
        jurisdiction=_word(own.get("jurisdiction"), ["customProperties"], "jurisdiction as text"),
        domain=_word(contract.get("domain"), ["domain"], "text"),
        owner=_owner(contract),
        approvers=_approvers(contract),
        freshness_hours=_duration(contract, "frequency", _HOURS),
        retention_days=_duration(contract, "retention", _DAYS),
        version=str(contract.get("version", "")),
        contract_digest=digest,
        tags=tuple(dict.fromkeys([*_tags(contract, []), *_tags(table, ["schema", 0])])),
    )


def contract_problems(value: Any) -> list[ContractError]:
    """Return everything `dataset_of` would say against a contract, part by part, where the parts can be told apart.

    Of one column only the first thing is said. An empty list means that `dataset_of` returns a dataset.
    """
    found: list[ContractError] = []

    def ask(part: Callable[[], Any]) -> None:
        try:
            part()
        except ContractError as error:
            if error.path not in [known.path for known in found]:
                found.append(error)

    if isinstance(value, dict):
        ask(lambda: _duration(value, "frequency", _HOURS))
        ask(lambda: _duration(value, "retention", _DAYS))
        ask(lambda: _custom(value, []))
        ask(lambda: _word(value.get("domain"), ["domain"], "text"))
        ask(lambda: _approvers(value))
        ask(lambda: _tags(value, []))
    table = value["schema"][0] if isinstance(value, dict) and _list(value.get("schema")) else None
    if isinstance(table, dict):
        ask(lambda: _source(table))
        ask(lambda: _tags(table, ["schema", 0]))
        ask(lambda: _name(table.get("name"), ["schema", 0, "name"]))
        for index, item in enumerate(_list(table.get("properties"))):
            ask(partial(_column, item, ["schema", 0, "properties", index]))
    ask(lambda: dataset_of(value, "", ""))
    return found


def status_of(contract: Mapping[str, Any]) -> str:
    """Return a contract's status as it is written; nothing when it is missing or no text. Only `ACTIVE` opens a dataset."""
    status = contract.get("status")
    return status if isinstance(status, str) else ""


def _source(table: Mapping[str, Any]) -> str:
    source = table.get("physicalName") or table.get("name")
    if not isinstance(source, str) or not source.isprintable() or ".." in source.replace("\\", "/").split("/"):
        raise ContractError(["schema", 0, "physicalName"], "a table or a file inside the connection", _kind(source))
    return source


def _columns(properties: Any, path: Place) -> tuple[Column, ...]:
    if not isinstance(properties, list) or not properties:
        raise ContractError(path, "a list of columns", _kind(properties))
    columns = tuple(_column(item, [*path, i]) for i, item in enumerate(properties))
    if len({fold(c.name) for c in columns}) != len(columns):
        raise ContractError(path, "columns with different names", "a name twice")
    return columns


def _column(item: Any, path: Place) -> Column:
    entry = _mapping(item, path)
    own = _custom(entry, path)
    pii = own.get("pii", "none")
    if not isinstance(pii, str) or pii not in set(Pii):
        where = [item.get("property") for item in entry["customProperties"]].index("pii")
        place: Place = [*path, "customProperties", where, "value"]
        raise ContractError(place, f"pii as one of {', '.join(Pii)}", "another word")
    return Column(
        name=_name(entry.get("name"), [*path, "name"], column=True),
        type=_type(entry.get("physicalType"), [*path, "physicalType"]),
        nullable=not _flag(entry, "required", path),
        classification=_classification(entry.get("classification")),
        pii=Pii(pii),
        description=_word(entry.get("description"), [*path, "description"], "text"),
        unit=_word(own.get("unit"), [*path, "customProperties"], "unit as text"),
        key=_flag(entry, "primaryKey", path),
        references=_reference(entry, path),
        tags=_tags(entry, path),
    )


def _tags(entry: Mapping[str, Any], path: Place) -> tuple[str, ...]:
    tags = entry.get("tags")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise ContractError([*path, "tags"], "a list of words", _kind(tags))
    return tuple(tags or ())


def _type(value: Any, path: Place) -> str:
    """Return a DuckDB type: simple ones in capitals, nested ones as they are (their names count)."""
    text = value.strip() if isinstance(value, str) else ""
    if _TYPE.match(text.upper()):
        return text.upper()
    if _NESTED.match(text):
        return text
    raise ContractError(path, "a DuckDB type such as VARCHAR or DECIMAL(18,2)", _kind(value))


def _flag(entry: Mapping[str, Any], name: str, path: Place) -> bool:
    value = entry.get(name, False)
    if not isinstance(value, bool):
        raise ContractError([*path, name], "true or false", _kind(value))
    return value


def _reference(entry: Mapping[str, Any], path: Place) -> str:
    related = [r for r in _list(entry.get("relationships")) if isinstance(r, dict)]
    return _word(related[0].get("to"), [*path, "relationships", 0, "to"], "dataset.column") if related else ""


def _classification(word: Any) -> Classification:
    """Read a classification; what is missing or unknown is restricted."""
    return Classification(word) if isinstance(word, str) and word in set(Classification) else Classification.RESTRICTED


def _custom(value: Mapping[str, Any], path: Place) -> dict[str, Any]:
    """Return custom properties by name. Twice is refused: the second could undo the first. So is ours in other letters: it would
    protect nothing."""
    found: dict[str, Any] = {}
    for index, item in enumerate(_list(value.get("customProperties"))):
        where = [*path, "customProperties", index]
        entry = _mapping(item, where)
        name = str(entry.get("property"))
        if name not in _OURS and name.lower() in _OURS:
            raise ContractError([*where, "property"], f"{name.lower()} in small letters", "it in other letters")
        if name in found:
            raise ContractError([*where, "property"], "a property of its own", "the name of another property")
        found[name] = entry.get("value")
    return found


def _purpose(contract: Mapping[str, Any]) -> str:
    description = contract.get("description")
    return str(description.get("purpose") or "") if isinstance(description, dict) else ""


def _owner(contract: Mapping[str, Any]) -> str:
    """Return the first owner who has not left the team."""
    team = contract.get("team")
    members = team.get("members") if isinstance(team, dict) else team
    found = (m for m in _list(members) if isinstance(m, dict) and not m.get("dateOut"))
    owners = [m for m in found if str(m.get("role")).strip().lower() == "owner"]
    return str(owners[0].get("username") or owners[0].get("name") or "") if owners else ""


def _approvers(contract: Mapping[str, Any]) -> tuple[str, ...]:
    """Return who approves of reading, each once: whoever approves of writing only has no say in it."""
    found: dict[str, None] = {}
    for index, role in enumerate(_list(contract.get("roles"))):
        if isinstance(role, dict) and str(role.get("access")).strip().lower() != "write":
            place: Place = ["roles", index, "firstLevelApprovers"]
            names = _word(role.get("firstLevelApprovers"), place, "names separated by commas").split(",")
            found.update((name.strip(), None) for name in names if name.strip())
    return tuple(found)


def _duration(contract: Mapping[str, Any], name: str, units: Mapping[str, int]) -> int | None:
    """Return the shortest of the durations called `name`: the standard allows one for each element."""
    found: list[int] = []
    for index, item in enumerate(_list(contract.get("slaProperties"))):
        entry = _mapping(item, ["slaProperties", index])
        if entry.get("property") != name:
            continue
        value, unit = entry.get("value"), entry.get("unit")
        if type(value) is not int or value < 0 or not isinstance(unit, str) or unit not in units:
            expected = f"{name} as a whole number with a unit of {', '.join(units)}"
            raise ContractError(["slaProperties", index], expected, "another value or unit")
        found.append(value * units[unit])
    return min(found, default=None)


def _word(value: Any, path: Place, expected: str) -> str:
    if value is not None and not isinstance(value, str):
        raise ContractError(path, expected, _kind(value))
    return value or ""


def _name(value: Any, path: Place, column: bool = False) -> str:
    """Return a name: of a dataset one that needs no quotes, of a column any the engines can quote."""
    if isinstance(value, str) and _NAME.match(value):
        return value
    if column and isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable() and '"' not in value:
        return value
    expected = "a name of printable characters without quotes" if column else "a name of ASCII letters, digits and _"
    raise ContractError(path, expected, _kind(value))


def _one(value: Any, path: Place) -> Any:
    if not isinstance(value, list) or len(value) != 1:
        raise ContractError(
            path, "one table per contract", f"{len(value)} tables" if isinstance(value, list) else _kind(value)
        )
    return value[0]


def _mapping(value: Any, path: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ContractError(path, "members and values", _kind(value))
    return value


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _kind(value: Any) -> str:
    return "nothing" if value is None or value == "" else f"a value of kind {type(value).__name__}"
