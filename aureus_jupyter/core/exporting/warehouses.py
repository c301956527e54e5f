"""Grants as masking and row policies of Snowflake and Databricks: one function for each column and table, a branch for each role.

Sources: Snowflake documentation, CREATE MASKING POLICY and CREATE ROW ACCESS POLICY; Databricks documentation, row filters and
column masks. Whoever has none of the roles sees no row and no value of a masked column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from aureus_jupyter.core.exporting.columns import DATABRICKS, SNOWFLAKE, filtered, shown
from aureus_jupyter.core.masks import literal
from aureus_jupyter.core.spelling import Spelling, quoted
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, fold
from aureus_jupyter.values.grant import Exported, Grant, Unexpressed
from aureus_jupyter.values.obligations import Mask
from aureus_jupyter.values.principal import Principal

__all__ = ["databricks", "snowflake"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Warehouse:
    """How one warehouse writes what the two have in common."""

    spell: Spelling
    name: Callable[[str], str]
    is_role: Callable[[str], str]
    mask: Callable[[str, str, str, str, str], list[str]]
    rows: Callable[[str, str, list[str], str, str], list[str]]
    grant: str
    apart: bool
    """Whether a column cannot be in a row policy and be masked at once."""


def _tick(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _snowflake_mask(policy: str, kind: str, body: str, table: str, column: str) -> list[str]:
    return [
        f"CREATE OR REPLACE MASKING POLICY {policy} AS (val {kind}) RETURNS {kind} -> {body};",
        f"ALTER TABLE {table} MODIFY COLUMN {column} SET MASKING POLICY {policy} FORCE;",
    ]


def _snowflake_rows(policy: str, signature: str, columns: list[str], table: str, body: str) -> list[str]:
    return [
        f"CREATE OR REPLACE ROW ACCESS POLICY {policy} AS ({signature}) RETURNS BOOLEAN -> {body};",
        f"ALTER TABLE {table} ADD ROW ACCESS POLICY {policy} ON ({', '.join(columns)});",
    ]


def _databricks_mask(policy: str, kind: str, body: str, table: str, column: str) -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {policy}(val {kind}) RETURNS {kind} RETURN {body};",
        f"ALTER TABLE {table} ALTER COLUMN {column} SET MASK {policy};",
    ]


def _databricks_rows(policy: str, signature: str, columns: list[str], table: str, body: str) -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {policy}({signature}) RETURNS BOOLEAN RETURN {body};",
        f"ALTER TABLE {table} SET ROW FILTER {policy} ON ({', '.join(columns)});",
    ]


_SNOWFLAKE = _Warehouse(
    spell=SNOWFLAKE,
    name=quoted,
    is_role=lambda role: f"CURRENT_ROLE() = {literal(role)}",
    mask=_snowflake_mask,
    rows=_snowflake_rows,
    grant="GRANT SELECT ON TABLE {table} TO ROLE {role};",
    apart=True,
)
_DATABRICKS = _Warehouse(
    spell=DATABRICKS,
    name=_tick,
    is_role=lambda role: f"is_account_group_member({literal(role)})",
    mask=_databricks_mask,
    rows=_databricks_rows,
    grant="GRANT SELECT ON TABLE {table} TO {role};",
    apart=False,
)


def snowflake(grants: Sequence[Grant], catalog: Catalog, people: Iterable[Principal]) -> Exported:
    """Return Snowflake's statements for `grants`; roles are Snowflake's roles of the same names."""
    return _exported(grants, catalog, people, _SNOWFLAKE)


def databricks(grants: Sequence[Grant], catalog: Catalog, people: Iterable[Principal]) -> Exported:
    """Return Databricks' statements for `grants`; roles are account groups of the same names."""
    return _exported(grants, catalog, people, _DATABRICKS)


def _exported(grants: Sequence[Grant], catalog: Catalog, people: Iterable[Principal], engine: _Warehouse) -> Exported:
    by_name = {person.name: person for person in people}
    lines: list[str] = []
    notes: list[Unexpressed] = []
    for dataset in catalog.datasets:
        mine = [grant for grant in grants if fold(grant.dataset.name) == fold(dataset.name)]
        kept: dict[str, str] = {}
        for grant in mine:
            condition = filtered(grant, catalog, by_name[grant.role], engine.name, escapes=True)
            if isinstance(condition, Unexpressed):
                notes.append(condition)
            elif grant.columns:
                kept[grant.role] = condition or "TRUE"
        granted = [grant for grant in mine if grant.role in kept]
        if engine.apart and (clash := _clash(granted)):
            notes += [
                _note(grant, f"not granted: {clash} is masked and filters rows, which cannot be both")
                for grant in granted
            ]
            kept, granted = {}, []
        lines += [
            "",
            f"-- {dataset.name}",
            *_rows(dataset, granted, kept, engine),
            *_masks(dataset, granted, engine, notes),
        ]
        lines += [engine.grant.format(table=_table(dataset, engine), role=engine.name(role)) for role in kept]
    return Exported(text="\n".join(lines).lstrip() + "\n", unexpressed=tuple(notes))


def _clash(granted: Sequence[Grant]) -> str:
    """Return a column that some role's rows are filtered by and some role's mask or hiding changes, or nothing."""
    filters = {fold(rule.column) for grant in granted for rule in grant.filters}
    changed = {fold(mask.column) for grant in granted for mask in grant.masks}
    changed |= {fold(c.name) for grant in granted for c in grant.dataset.columns if c.name not in grant.columns}
    return min(filters & changed, default="")


def _note(grant: Grant, why: str, policy: str = "") -> Unexpressed:
    return Unexpressed(dataset=grant.dataset.name, role=grant.role, policy=policy, why=why)


def _table(dataset: Dataset, engine: _Warehouse) -> str:
    return ".".join(engine.name(part) for part in dataset.source.split("."))


def _kind(column: Column, engine: _Warehouse) -> str:
    return engine.spell.kinds.get(column.type.upper(), column.type)


def _rows(dataset: Dataset, granted: Sequence[Grant], kept: Mapping[str, str], engine: _Warehouse) -> list[str]:
    """Return the row policy: one of the roles, and the condition of each role that the reader has.

    Its parameters are the columns that any condition reads, at least one.
    """
    folded = {fold(rule.column) for grant in granted for rule in grant.filters}
    used = [c for c in dataset.columns if fold(c.name) in folded] or [dataset.columns[0]]
    signature = ", ".join(f"{engine.name(c.name)} {_kind(c, engine)}" for c in used)
    some = " OR ".join(engine.is_role(role) for role in kept)
    each = [f"(NOT {engine.is_role(role)} OR ({condition}))" for role, condition in kept.items()]
    body = " AND ".join([f"({some})", *each]) if kept else "FALSE"
    policy = engine.name(f"aureus_{dataset.name}_rows")
    return engine.rows(policy, signature, [engine.name(c.name) for c in used], _table(dataset, engine), body)


def _masks(dataset: Dataset, granted: Sequence[Grant], engine: _Warehouse, notes: list[Unexpressed]) -> list[str]:
    """Return a policy for each column that some role does not see as it is. Who has roles that see it differently sees NULL."""
    lines: list[str] = []
    for column in dataset.columns:
        shows = {engine.is_role(grant.role): _shows(grant, column, engine, notes) for grant in granted}
        if granted and set(shows.values()) == {"val"}:
            continue
        pairs = [(a, b) for a, b in combinations(shows, 2) if shows[a] != shows[b]]
        branches = [f"WHEN {a} AND {b} THEN NULL" for a, b in pairs] + [f"WHEN {r} THEN {e}" for r, e in shows.items()]
        body = f"CASE {' '.join(branches)} ELSE NULL END" if branches else "NULL"
        policy = engine.name(f"aureus_{dataset.name}_{column.name}")
        lines += engine.mask(policy, _kind(column, engine), body, _table(dataset, engine), engine.name(column.name))
    return lines


def _shows(grant: Grant, column: Column, engine: _Warehouse, notes: list[Unexpressed]) -> str:
    """Return what a role sees of the value `val`. A column that is not granted shows NULL there."""
    if column.name not in grant.columns:
        notes.append(_note(grant, f"shown as NULL: the column {column.name}, which the role may not know of"))
        return "NULL"
    mask: Mask | None = next((m for m in grant.masks if fold(m.column) == fold(column.name)), None)
    if mask is None:
        return "val"
    found = shown(mask, column, engine.spell, "val", escapes=True)
    if found.note:
        notes.append(_note(grant, found.note, mask.policy))
    return found.expression
