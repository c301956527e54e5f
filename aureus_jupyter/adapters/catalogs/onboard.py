"""From data to a drafted pack: contracts, guesses and a list of what to check, as files for a person to review."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from aureus_jupyter.adapters.catalogs.binding import Binder
from aureus_jupyter.adapters.catalogs.contracts import ACTIVE, ContractError, dataset_of, status_of
from aureus_jupyter.adapters.catalogs.onboard_files import Loaded
from aureus_jupyter.adapters.catalogs.onboard_profile import (
    ColumnProfile,
    Join,
    RawSource,
    TableProfile,
    candidate_joins,
    family,
    free_name,
    profile,
)
from aureus_jupyter.adapters.catalogs.onboard_review import review
from aureus_jupyter.adapters.yamlstrict import YamlError, line_of, load_yaml
from aureus_jupyter.errors import AureusError, UserError
from aureus_jupyter.ports import RawColumn, RawTable
from aureus_jupyter.values.catalog import Dataset, Pii

__all__ = ["OnboardReport", "check_target", "onboard"]

_LOGICAL = {"text": "string", "uuid": "string", "other": "object"}
_DATA_FILE = "seeds/data.duckdb"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardReport:
    """What was drafted."""

    folder: Path
    tables: tuple[TableProfile, ...]
    joins: Mapping[tuple[str, str], Join]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return what to tell the person at the command line."""
        personal = sum(c.pii is not None for t in self.tables for c in t.columns)
        return (
            f"{len(self.tables)} contracts drafted in {self.folder}: {sum(t.rows for t in self.tables):,} rows, "
            f"{sum(bool(t.key) for t in self.tables)} keys, {len(self.joins)} joins, {personal} columns that may be personal data.\n"
            + "".join(f"Left out: {file}: {why}.\n" for file, why in sorted(self.left_out.items()))
            + self._next()
        )

    def _next(self) -> str:
        """Say what opens the datasets: a person's review, contract by contract."""
        first = Path("contracts") / f"{self.tables[0].name}.odcs.yaml"
        line = line_of((self.folder / first).read_text("utf-8"), ["status"])
        return (
            "Next: nothing can be read yet, because every contract is a draft.\n"
            f"  1. Read {self.folder / 'REVIEW.md'} and correct the contracts.\n"
            f"  2. In each contract you have checked, change the line `status: draft` to `status: active` "
            f"({first}, line {line}).\n"
            f"  3. Run: aureus pack validate {self.folder} (it names each contract that is still a draft)."
        )


def onboard(
    reader: RawSource,
    connection: Mapping[str, Any],
    out: Path,
    *,
    name: str,
    force: bool = False,
    loaded: Loaded | None = None,
    about: Sequence[str] = (),
) -> OnboardReport:
    """Profile every table of `reader` and write a pack to `out`, whole or not at all.

    `connection` is what pack.yaml says about where the data is; with `loaded` the pack gets that DuckDB file, which is moved,
    and points to it. `about` are lines for REVIEW.md. The same data gives the same texts. None holds a data value, but for the
    members of an ENUM that no guess at personal data was made about: they are its type. Raises
    UserError `nothing_to_onboard`, `pack_exists` (a pack that was reviewed, or a draft without `force`), `pack_not_written`.
    """
    check_target(out, force)
    left_out = dict(loaded.left_out) if loaded else {}
    tables = _named(reader, loaded, left_out)
    if not tables:
        raise UserError(
            "nothing_to_onboard",
            "there is no table and no file with columns there"
            + "".join(f"; {file}: {why}" for file, why in sorted(left_out.items())[:3]),
            hint="Give a folder of CSV or Parquet files, a DuckDB file, or a URL of a database that holds tables.",
        )
    looked_at = candidate_joins(reader, tables)
    joins = {place: join for place, join in looked_at.items() if join.likely}
    if loaded is not None:
        connection = {"kind": "duckdb", "path": _DATA_FILE}
    mine = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        _write(mine, connection, name, tables, joins)
        (mine / "REVIEW.md").write_text(review(name, tables, looked_at, left_out, about), "utf-8")
        if loaded is not None:
            (mine / _DATA_FILE).parent.mkdir()
            (mine / _DATA_FILE).with_name(".gitignore").write_text(
                "# Made from the data by aureus onboard.\n*.duckdb\n"
            )
            shutil.move(loaded.path, mine / _DATA_FILE)
        _swap(mine, out)
    except OSError as cause:
        raise UserError(
            "pack_not_written",
            f"the folder {out.name} cannot be written ({cause.strerror or type(cause).__name__})",
            hint="Check the place, its permissions, and that the disk has room.",
        ) from None
    finally:
        shutil.rmtree(mine, ignore_errors=True)
    return OnboardReport(folder=out, tables=tables, joins=joins, left_out=left_out)


def _swap(mine: Path, out: Path) -> None:
    """Put the new folder in place. The old one is moved aside first, so that a kill loses neither."""
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    if out.exists():
        out.rename(old)
    mine.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def check_target(out: Path, force: bool) -> None:
    """Raise UserError `pack_exists` unless `out` is free, or a draft of which no contract was made active."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        status = status_of(load_yaml(out / "pack.yaml") or {})
        contracts = (out / "contracts").glob("*.odcs.yaml")
        opened = [path.name for path in contracts if status_of(load_yaml(path) or {}) == ACTIVE]
    except (YamlError, AttributeError, OSError):
        status, opened = "", []
    if opened and status == "draft":
        raise UserError(
            "pack_exists",
            f"{out.name} holds contracts that a person has made active, such as {min(opened)}",
            hint="Choose another folder. What was reviewed is never replaced, with --force or without.",
        )
    if status != "draft" or not force:
        raise UserError(
            "pack_exists",
            f"{out.name} holds a pack with the status {status[:20]}" if status else f"{out.name} exists and is no pack",
            hint="Choose another folder. A draft is replaced with --force; a reviewed pack or anything else never is.",
        )


def _named(reader: RawSource, loaded: Loaded | None, left_out: dict[str, str]) -> tuple[TableProfile, ...]:
    """Profile the tables in a stable order; leave out what no contract can hold, and say so."""
    named: list[TableProfile] = []
    for raw in sorted(reader.tables(), key=lambda t: t.source):
        fitting, wrong = _fitting(raw)
        if not fitting.columns:
            left_out[raw.source] = (
                "none of its columns fits a contract" if wrong else "it has no columns, or a dot in its name"
            )
            continue
        try:
            table = profile(reader, fitting)
        except AureusError as error:
            # A view over what is gone, a cast that fails for one row: the others can still be read.
            left_out[raw.source] = f"it cannot be read ({error.code})"
            continue
        more = loaded.notes.get(raw.source, ()) if loaded else ()
        table, told = _without_listed(table)
        wrong += told
        if not table.columns:
            left_out[raw.source] = "the types of its columns list values that may be personal data"
            continue
        if wrong:
            more = (
                *more,
                f"Out of reach, because no contract holds their name or type: {', '.join(wrong)}.",
            )
        named.append(
            replace(
                table,
                name=free_name(table.name, [t.name for t in named]),
                origin=loaded.origins.get(raw.source, "") if loaded else "",
                notes=more,
            )
        )
    return tuple(named)


def _without_listed(table: TableProfile) -> tuple[TableProfile, list[str]]:
    """Return the table without the columns whose type is a list of values that may be personal data, and what to say of them.

    A contract must name a type as the engine does, and an ENUM's name is its values: they would stand in files and in prompts.
    """
    listed = [c.name for c in table.columns if c.pii is not None and "ENUM(" in c.type.upper()]
    if not listed:
        return table, []
    kept = tuple(column for column in table.columns if column.name not in listed)
    key = "" if table.key in listed else table.key
    return replace(table, columns=kept, key=key), [
        f"{name} (its type lists what may be personal data)" for name in listed
    ]


def _fitting(raw: RawTable) -> tuple[RawTable, list[str]]:
    """Return the table with the columns a contract can hold, and the names of those it cannot.

    A type must be one DuckDB knows, of whatever database the column is: contracts write types as DuckDB does.
    """
    held = [column for column in raw.columns if _dataset(raw.source, [column]) is not None]
    dataset = _dataset(raw.source, held)
    unknown: set[int] = set()
    if dataset is not None:
        with Binder() as binder:
            unknown = {int(place[3]) for place, _, _ in binder.create(dataset)}
    kept = tuple(column for index, column in enumerate(held) if index not in unknown)
    return replace(raw, columns=kept), [_missed(column) for column in raw.columns if column not in kept]


def _missed(column: RawColumn) -> str:
    untyped = column.type.strip('"').upper() == "NULL"
    return f"{column.name} (it is always empty, so it has no type)" if untyped else column.name


def _dataset(source: str, columns: Sequence[RawColumn]) -> Dataset | None:
    entries = [{"name": column.name, "physicalType": column.type} for column in columns]
    table = {"name": "t", "physicalName": source, "properties": entries}
    try:
        return dataset_of({"apiVersion": "v3.1.0", "schema": [table]}, "", "")
    except ContractError:
        return None


def _write(
    folder: Path,
    connection: Mapping[str, Any],
    name: str,
    tables: Sequence[TableProfile],
    joins: Mapping[tuple[str, str], Join],
) -> None:
    (folder / "contracts").mkdir(parents=True)
    (folder / "policies").mkdir()
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:60] or "pack"
    about = {
        "name": slug,
        "title": name.strip() or slug,
        "version": "0.1.0",
        "status": "draft",
        "description": "Drafted from the data by aureus onboard; to be reviewed.",
        "connection": dict(connection),
    }
    _yaml(folder / "pack.yaml", about)
    _yaml(folder / "questions.yaml", {"questions": []})
    _yaml(folder / "policies" / "access.policy.yaml", _policy(slug))
    for table in tables:
        _yaml(folder / "contracts" / f"{table.name}.odcs.yaml", _contract(slug, table, joins))


def _yaml(path: Path, value: Any) -> None:
    path.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120), "utf-8")


def _policy(slug: str) -> dict[str, Any]:
    return {
        "version": 1,
        "description": "Drafted: who may read the pack, and what for. Review it.",
        "policies": [
            {
                "id": f"{slug.replace('_', '-')}.access.analysis",
                "description": "Data scientists and analysts read the pack for analysis.",
                "match": {"packs": [slug]},
                "when": {"roles_any": ["data_scientist", "analyst"], "purpose_in": ["analysis"]},
                "effect": "permit",
            }
        ],
    }


def _is_personal(table: TableProfile) -> bool:
    return any(c.pii is not None and c.pii.level in {Pii.DIRECT, Pii.SENSITIVE} for c in table.columns)


def _contract(slug: str, table: TableProfile, joins: Mapping[tuple[str, str], Join]) -> dict[str, Any]:
    classification = "confidential" if _is_personal(table) else "internal"
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"{slug}.{table.name}",
        "name": table.name,
        "version": "0.1.0",
        "status": "draft",
        "domain": slug,
        "description": {"purpose": f"Drafted from {table.origin or table.source}; to be described."},
        "customProperties": [{"property": "classification", "value": classification}],
        "schema": [
            {
                "name": table.name,
                "physicalName": table.source,
                "physicalType": "table",
                "logicalType": "object",
                "properties": [
                    _property(table, column, joins.get((table.name, column.name))) for column in table.columns
                ],
            }
        ],
    }


def _property(table: TableProfile, column: ColumnProfile, join: Join | None) -> dict[str, Any]:
    kind = family(column.type)
    made: dict[str, Any] = {
        "name": column.name,
        "logicalType": "array" if column.type.endswith("[]") else _LOGICAL.get(kind, kind),
        "physicalType": column.type,
        "required": column.empty == 0 and table.rows > 0,
    }
    if column.name == table.key:
        made |= {"primaryKey": True, "primaryKeyPosition": 1, "unique": True}
    if column.pii is not None:
        made["classification"] = "restricted" if column.pii.level is Pii.SENSITIVE else "confidential"
        made["customProperties"] = [
            {"property": "pii", "value": str(column.pii.level)},
            {"property": "piiEvidence", "value": column.pii.evidence},
        ]
    else:
        made["classification"] = "internal"
    if join is not None:
        made["relationships"] = [
            {
                "type": "foreignKey",
                "to": f"{join.target_table}.{join.target_column}",
                "customProperties": [{"property": "share", "value": f"{join.share:.4f}"}],
            }
        ]
    return made
