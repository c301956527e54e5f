"""Grants as rules of Trino's file-based access control.

Source: Trino documentation, file-based access control: the first table rule that matches a user, catalog, schema and table
decides; a rule without privileges denies. So each dataset ends with a rule that gives nobody anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from re import escape
from typing import Any

from aureus_jupyter.core.exporting.columns import TRINO, filtered, shown
from aureus_jupyter.core.spelling import quoted
from aureus_jupyter.values.catalog import Catalog, Dataset
from aureus_jupyter.values.grant import Exported, Grant, Unexpressed
from aureus_jupyter.values.principal import Principal

__all__ = ["trino"]


_NOT_BOTH = Unexpressed(
    dataset="",
    role="",
    policy="",
    why="not expressed: who is in two of these groups gets what the first rule of a table gives",
)


def trino(grants: Sequence[Grant], catalog: Catalog, people: Iterable[Principal]) -> Exported:
    """Return `rules.json` for `grants`; roles are Trino's groups of the same names."""
    by_name = {person.name: person for person in people}
    rules: list[dict[str, Any]] = []
    notes: list[Unexpressed] = []
    for grant in grants:
        rule = _rule(grant, catalog, by_name[grant.role], notes)
        rules += [rule] if rule is not None else []
    notes += [_NOT_BOTH] if len(by_name) > 1 else []
    rules += [{**_place(dataset), "privileges": []} for dataset in catalog.datasets]
    return Exported(text=json.dumps({"tables": rules}, indent=2, ensure_ascii=False) + "\n", unexpressed=tuple(notes))


def _place(dataset: Dataset) -> dict[str, str]:
    """Return the patterns (Java regular expressions) that mean exactly one table."""
    schema, _, table = dataset.source.rpartition(".")
    return {**({"schema": escape(schema)} if schema else {}), "table": escape(table)}


def _rule(grant: Grant, catalog: Catalog, person: Principal, notes: list[Unexpressed]) -> dict[str, Any] | None:
    condition = filtered(grant, catalog, person, quoted, escapes=False)
    if isinstance(condition, Unexpressed):
        notes.append(condition)
        return None
    if not grant.columns:
        return None
    columns: list[dict[str, Any]] = []
    masks = {mask.column.lower(): mask for mask in grant.masks}
    for column in grant.dataset.columns:
        mask = masks.get(column.name.lower())
        if column.name not in grant.columns:
            columns.append({"name": column.name, "allow": False})
        elif mask is not None:
            found = shown(mask, column, TRINO, quoted(column.name), escapes=False)
            columns.append({"name": column.name, "mask": found.expression})
            if found.note:
                notes.append(
                    Unexpressed(dataset=grant.dataset.name, role=grant.role, policy=mask.policy, why=found.note)
                )
    return {
        "group": escape(grant.role),
        **_place(grant.dataset),
        "privileges": ["SELECT"],
        **({"columns": columns} if columns else {}),
        **({"filter": condition} if condition else {}),
    }
