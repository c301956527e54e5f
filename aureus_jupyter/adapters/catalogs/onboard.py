"""From data to a drafted pack: contracts, guesses and a list of what to check, as files for a person to review."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from aureus_jupyter.adapters.catalogs.onboard_profile import (
    ColumnProfile,
    Join,
    RawSource,
    TableProfile,
    candidate_joins,
    profile,
)
from aureus_jupyter.adapters.yamlstrict import YamlError, load_yaml
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.catalog import Pii

__all__ = ["OnboardReport", "onboard"]

_LOGICAL = {
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BOOLEAN": "boolean",
    "DECIMAL": "number",
    "DOUBLE": "number",
    "FLOAT": "number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardReport:
    """What was drafted."""

    folder: Path
    tables: tuple[TableProfile, ...]
    joins: Mapping[tuple[str, str], Join]

    def text(self) -> str:
        """Return what to tell the person at the command line."""
        personal = sum(c.pii is not None for t in self.tables for c in t.columns)
        return (
            f"{len(self.tables)} contracts drafted in {self.folder}: {sum(t.rows for t in self.tables):,} rows, "
            f"{sum(bool(t.key) for t in self.tables)} keys, {len(self.joins)} joins, {personal} columns that may be personal data.\n"
            f"Read {self.folder / 'REVIEW.md'}, correct the contracts, then run: aureus pack validate {self.folder}"
        )


def onboard(
    reader: RawSource, connection: Mapping[str, Any], out: Path, *, name: str, force: bool = False
) -> OnboardReport:
    """Profile every table of `reader` and write a pack to `out`, whole or not at all.

    `connection` is what pack.yaml says about where the data is. The same data gives the same files. Holds no data value.
    Raises UserError `nothing_to_onboard`, `pack_exists` (a pack that was reviewed, or a draft without `force`).
    """
    _check_target(out, force)
    raw = [t for t in reader.tables() if t.columns]
    if not raw:
        raise UserError(
            "nothing_to_onboard",
            "there is no table and no file with columns there",
            hint="Give a folder of CSV or Parquet files.",
        )
    tables = _named([profile(reader, table) for table in raw])
    joins = candidate_joins(reader, tables)
    mine = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        _write(mine, connection, name, tables, joins)
        if out.exists():
            shutil.rmtree(out)
        mine.rename(out)
    finally:
        shutil.rmtree(mine, ignore_errors=True)
    return OnboardReport(folder=out, tables=tables, joins=joins)


def _check_target(out: Path, force: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        status = (load_yaml(out / "pack.yaml") or {}).get("status", "")
    except (YamlError, AttributeError):
        status = "unknown"
    if status != "draft" or not force:
        raise UserError(
            "pack_exists",
            f"{out} holds a pack already, with the status {status or 'unknown'}",
            hint="Choose another folder. A draft is replaced with --force; a reviewed pack never is.",
        )


def _named(tables: Sequence[TableProfile]) -> tuple[TableProfile, ...]:
    """Give tables that would share a name numbers, in a stable order."""
    from dataclasses import replace

    seen: dict[str, int] = {}
    named = []
    for table in sorted(tables, key=lambda t: t.source):
        count = seen[table.name.lower()] = seen.get(table.name.lower(), 0) + 1
        named.append(table if count == 1 else replace(table, name=f"{table.name}_{count}"))
    return tuple(named)


def _write(
    folder: Path,
    connection: Mapping[str, Any],
    name: str,
    tables: Sequence[TableProfile],
    joins: Mapping[tuple[str, str], Join],
) -> None:
    (folder / "contracts").mkdir(parents=True)
    (folder / "policies").mkdir()
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "pack"
    about = {
        "name": slug,
        "title": name,
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
    (folder / "REVIEW.md").write_text(_review(name, tables, joins), "utf-8")


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
        "description": {"purpose": f"Drafted from {table.source}; to be described."},
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
    kind = column.type.upper()
    made: dict[str, Any] = {
        "name": column.name,
        "logicalType": next(
            (v for k, v in _LOGICAL.items() if kind.startswith(k)), "integer" if "INT" in kind else "object"
        ),
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


def _review(name: str, tables: Sequence[TableProfile], joins: Mapping[tuple[str, str], Join]) -> str:
    lines = [
        f"# Review of {name}",
        "",
        "Everything here was guessed from the data. Nothing is sure until you have checked it. A table without a contract cannot be",
        "reached. Guesses begin at the classification internal; a guess at personal data raises it to confidential or restricted.",
        "",
        "Check: names and descriptions, keys, joins, every guess at personal data and what was *not* guessed, owner and approvers,",
        "jurisdiction, retention, and who may read for which purpose (policies/access.policy.yaml). Then set the status to active.",
    ]
    for table in tables:
        lines += [
            "",
            f"## {table.name}",
            "",
            f"{table.rows:,} rows from `{table.source}`. Key: {table.key or 'none found'}.",
            "",
        ]
        lines += ["| column | type | empty | distinct | guess | why |", "|---|---|--:|--:|---|---|"]
        for column in table.columns:
            join = joins.get((table.name, column.name))
            guesses = [f"{column.pii.what} ({column.pii.level})"] if column.pii is not None else []
            why = [column.pii.evidence] if column.pii is not None else []
            if join is not None:
                guesses.append(f"points to {join.target_table}.{join.target_column}")
                why.append(f"{join.share:.1%} of its distinct values are found there")
            cells = (
                column.name,
                column.type,
                f"{column.empty:,}",
                f"{column.distinct:,}",
                "; ".join(guesses),
                "; ".join(why),
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
