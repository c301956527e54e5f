"""From a verdict's obligations to shadows: the relations a statement reads in place of the raw ones.

The user's text is never edited. Filter first, then masks, explicit columns, every function written with its system
schema so that no session object can take its place, every mask keeping its column's type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from aureus_jupyter.core.analyze import bound_text
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, fold
from aureus_jupyter.values.facts import Facts
from aureus_jupyter.values.plan import KEY_MARKER, Plan, Shadow
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Scalar, Verdict

__all__ = ["literal", "quoted", "rewrite"]

_SCHEMA = MappingProxyType({"duckdb": "system.main.", "postgres": "pg_catalog."})
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*(\(\s*\d+\s*(,\s*\d+\s*)?\))?(\[\])*\Z", re.ASCII)
_STEP = re.compile(r"\d{1,18}(\.\d{1,9})?\Z", re.ASCII)


def rewrite(sql: str, facts: Facts, verdict: Verdict, catalog: Catalog, dialect: str, rows: int | None = None) -> Plan:
    """Return the plan for a statement the verdict lets run.

    `rows` is the user's own cap; the smaller of it and the verdict's counts. Raises Refused `cannot_mask` when an
    obligation cannot be met for a column's type: the statement then does not run.
    """
    shadows = []
    for use in facts.tables:
        dataset = catalog.index[fold(use.dataset)]
        masks = {fold(m.column): m for m in verdict.masks if fold(m.dataset) == fold(dataset.name)}
        filters = tuple(f for f in verdict.filters if fold(f.dataset) == fold(dataset.name))
        shadows.append(_shadow(dataset, masks, filters, dialect, facts.can_raise))
    caps = [cap for cap in (rows, verdict.rows) if cap is not None]
    return Plan(
        sql=sql,
        bound=bound_text(sql, dialect),
        dialect=dialect,
        shadows=tuple(sorted(shadows, key=lambda s: s.dataset)),
        parameters=facts.parameters,
        rows=min(caps) if caps else None,
        reads=facts.tables,
    )


def _shadow(
    dataset: Dataset, masks: Mapping[str, Mask], filters: tuple[Filter, ...], dialect: str, can_raise: bool
) -> Shadow:
    projection = tuple(_column(column, masks.get(fold(column.name)), dialect) for column in dataset.columns)
    conditions = [_condition(f, dataset, dialect) for f in filters]
    return Shadow(
        dataset=dataset.name,
        source=dataset.source,
        projection=projection,
        where=" AND ".join(conditions),
        # Without a filter there is no hidden row whose value an error could show.
        barrier=bool(conditions) and can_raise,
    )


def quoted(name: str) -> str:
    """Return an identifier in double quotes (SQL:2016 <delimited identifier>)."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Scalar) -> str:
    """Return a constant of a policy as SQL text. Does not accept a float; NUL in a text is refused."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if "\x00" in value:
        raise Refused("policy_constant", "a policy's constant holds NUL", hint="Ask the policy's owner to correct it.")
    return "'" + value.replace("'", "''") + "'"


def _column(column: Column, mask: Mask | None, dialect: str) -> str:
    name = quoted(column.name)
    if mask is None:
        return name
    make = _MASKS[mask.method]
    return f"{make(column, mask, dialect)} AS {name}"


_POSTGRES_TYPES = MappingProxyType(
    {"DOUBLE": "DOUBLE PRECISION", "FLOAT": "REAL", "HUGEINT": "NUMERIC", "TINYINT": "SMALLINT", "BLOB": "BYTEA"}
)
"""Contracts speak DuckDB; these types have another name in PostgreSQL."""


def _typed(expression: str, column: Column, dialect: str) -> str:
    if not _TYPE.match(column.type):
        raise Refused(
            "cannot_mask",
            f"the type of column {column.name} is not one a mask can keep",
            hint="Ask the dataset's owner to declare a simple type in its contract.",
        )
    kind = _POSTGRES_TYPES.get(column.type.upper(), column.type) if dialect == "postgres" else column.type
    return f"CAST({expression} AS {kind})"


def _is_text(column: Column) -> bool:
    return column.type.upper().split("(")[0].strip() in {
        "VARCHAR",
        "TEXT",
        "STRING",
        "CHAR",
        "CHARACTER VARYING",
        "BPCHAR",
    }


def _is_date(column: Column) -> bool:
    return column.type.upper().startswith(("DATE", "TIMESTAMP"))


_NUMBERS = frozenset(
    {"TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL"}
)


def _is_number(column: Column) -> bool:
    return column.type.upper().split("(")[0].strip().removesuffix(" PRECISION") in _NUMBERS


def _cannot(column: Column, mask: Mask) -> Refused:
    return Refused(
        "cannot_mask",
        f"the policy {mask.policy} masks {column.name} with {mask.method}, which its type {column.type} does not allow",
        hint="Ask the policy's owner for a mask that fits the column, such as null.",
    )


def _null(column: Column, mask: Mask, dialect: str) -> str:
    return _typed("NULL", column, dialect)


def _redact(column: Column, mask: Mask, dialect: str) -> str:
    if not _is_text(column):
        return _typed("NULL", column, dialect)
    return f"CASE WHEN {quoted(column.name)} IS NULL THEN NULL ELSE '•••' END"


def _last(column: Column, mask: Mask, dialect: str) -> str:
    if not _is_text(column) or mask.keep < 0:
        raise _cannot(column, mask)
    schema, name = _SCHEMA[dialect], quoted(column.name)
    # A value no longer than what is kept would show whole, so it shows nothing.
    return (
        f"CASE WHEN {name} IS NULL THEN NULL WHEN {schema}length({name}) <= {mask.keep} THEN '•••' "
        f"ELSE {schema}concat('•••', {schema}right({name}, {mask.keep})) END"
    )


def _floor_date(unit: str) -> Callable[[Column, Mask, str], str]:
    def make(column: Column, mask: Mask, dialect: str) -> str:
        if not _is_date(column):
            raise _cannot(column, mask)
        return _typed(f"{_SCHEMA[dialect]}date_trunc('{unit}', {quoted(column.name)})", column, dialect)

    return make


def _round(column: Column, mask: Mask, dialect: str) -> str:
    if not _is_number(column) or not _STEP.match(mask.step) or not mask.step.strip("0."):
        raise _cannot(column, mask)
    name, step = quoted(column.name), mask.step
    return _typed(f"{_SCHEMA[dialect]}floor({name} / {step}) * {step}", column, dialect)


def _hash(column: Column, mask: Mask, dialect: str) -> str:
    if not _is_text(column):
        raise _cannot(column, mask)
    schema, name = _SCHEMA[dialect], quoted(column.name)
    if dialect == "duckdb":
        digest = f"{schema}sha256({schema}concat({KEY_MARKER}, {name}))"
    else:
        text = f"{schema}convert_to({KEY_MARKER} || {name}, 'UTF8')"
        digest = f"{schema}encode({schema}sha256({text}), 'hex')"
    return f"CASE WHEN {name} IS NULL THEN NULL ELSE {schema}left({digest}, 16) END"


_MASKS: Mapping[MaskMethod, Callable[[Column, Mask, str], str]] = MappingProxyType(
    {
        MaskMethod.NULL: _null,
        MaskMethod.REDACT: _redact,
        MaskMethod.LAST: _last,
        MaskMethod.YEAR: _floor_date("year"),
        MaskMethod.MONTH: _floor_date("month"),
        MaskMethod.ROUND: _round,
        MaskMethod.HASH: _hash,
    }
)


def _condition(rule: Filter, dataset: Dataset, dialect: str) -> str:
    column = dataset.column(rule.column)
    if column is None:
        raise Refused(
            "cannot_filter",
            f"the policy {rule.policy} filters by a column that {dataset.name} does not have",
            hint="Ask the policy's owner to correct it.",
        )
    name = quoted(column.name)
    if rule.op is Op.IS_NULL:
        return f"{name} IS NULL"
    if rule.op is Op.NOT_NULL:
        return f"{name} IS NOT NULL"
    values = [literal(v) for v in rule.values if v is not None]
    if rule.op in {Op.IN, Op.NOT_IN}:
        if not values:
            return "FALSE" if rule.op is Op.IN else f"{name} IS NOT NULL"
        return f"{name} {'IN' if rule.op is Op.IN else 'NOT IN'} ({', '.join(values)})"
    if len(values) != 1:
        raise Refused(
            "cannot_filter",
            f"the policy {rule.policy} compares {column.name} with {len(values)} constants, one is needed",
            hint="Ask the policy's owner to correct it.",
        )
    sign = {Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}[rule.op]
    return f"{name} {sign} {values[0]}"
