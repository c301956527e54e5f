"""Masks and row filters as expressions over one value, for engines whose policies are functions of columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aureus_jupyter.core.filters import Written, where
from aureus_jupyter.core.masks import masked_as
from aureus_jupyter.core.spelling import Spelling, quoted
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog, Column
from aureus_jupyter.values.grant import Grant, Unexpressed
from aureus_jupyter.values.obligations import Mask, MaskMethod, Op
from aureus_jupyter.values.plan import RAW
from aureus_jupyter.values.principal import Principal

__all__ = ["DATABRICKS", "SNOWFLAKE", "TRINO", "Shown", "filtered", "shown"]

_KEYED = frozenset({MaskMethod.HASH, MaskMethod.TOKEN})
_CALLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "trino": {"left": "substr({0}, 1, {1})", "right": "substr({0}, -{1})"},
        "snowflake": {"strpos": "position({1}, {0})"},
        "databricks": {"strpos": "locate({1}, {0})"},
    }
)
_KINDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "trino": {
            "HUGEINT": "DECIMAL(38, 0)",
            "BLOB": "VARBINARY",
            "FLOAT": "REAL",
            "TEXT": "VARCHAR",
            "STRING": "VARCHAR",
        },
        "snowflake": {"HUGEINT": "NUMBER(38, 0)", "BLOB": "BINARY"},
        "databricks": {
            "HUGEINT": "DECIMAL(38, 0)",
            "BLOB": "BINARY",
            "VARCHAR": "STRING",
            "TEXT": "STRING",
            "INTEGER": "INT",
        },
    }
)


def _spelling(dialect: str) -> Spelling:
    calls = _CALLS[dialect]

    def call(name: str, *arguments: str) -> str:
        return calls[name].format(*arguments) if name in calls else f"{name}({', '.join(arguments)})"

    def keyed(*_: object) -> str:
        raise Refused("cannot_mask", "a keyed mask has no key there", hint="Use another mask, such as redact.")

    return Spelling(
        call=call,
        text=lambda value: f"CAST({value} AS VARCHAR)",
        hmac=keyed,
        draw=keyed,
        each=keyed,
        floor_date=lambda unit, value: f"date_trunc('{unit}', {value})",
        remainder=lambda value, step, _double: f"{value} % {step}",
        kinds=MappingProxyType(dict(_KINDS[dialect])),
    )


TRINO, SNOWFLAKE, DATABRICKS = (_spelling(name) for name in ("trino", "snowflake", "databricks"))
_ESCAPES = re.compile(r"[\\']")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A column that a role reads through an expression over `value`; `note` when that is stricter than the policy."""

    column: Column
    expression: str
    note: str = ""


def shown(mask: Mask, column: Column, spell: Spelling, value: str, escapes: bool) -> Shown:
    """Return how a masked column is shown; NULL, with a note, where the engine cannot be told the mask.

    With `escapes` a backslash or a quote in a constant means something else to the engine, so that it is not passed on.
    """
    odd = mask.method is MaskMethod.CONSTANT and escapes and _ESCAPES.search(str(mask.value))
    if mask.method not in _KEYED | {MaskMethod.EXPRESSION} and not odd:
        text = masked_as(column, mask, spell)
        return Shown(column=column, expression=text.replace(f"{RAW}.{quoted(column.name)}", value))
    null = masked_as(column, _null(mask), spell)
    return Shown(column=column, expression=null, note=f"stricter: NULL instead of the mask {mask.method}")


def _null(mask: Mask) -> Mask:
    return Mask(
        policy=mask.policy, dataset=mask.dataset, column=mask.column, method=MaskMethod.NULL, reason=mask.reason
    )


def filtered(
    grant: Grant, catalog: Catalog, person: Principal, name: Callable[[str], str], escapes: bool
) -> str | Unexpressed:
    """Return the condition of a grant, its columns called as `name` says; or what cannot be told to the engine."""
    for rule in grant.filters:
        constants = [str(value) for value in rule.values]
        if rule.op in {Op.WITHIN, Op.EXPRESSION} or (escapes and any(map(_ESCAPES.search, constants))):
            why = "not granted: rows filtered by another dataset, an expression or a constant with a quote or backslash"
            return Unexpressed(dataset=grant.dataset.name, role=grant.role, policy=rule.policy, why=why)
    text = where(grant.filters, grant.dataset, Written(catalog, "postgres", person))
    for column in grant.dataset.columns:
        text = text.replace(f"{RAW}.{quoted(column.name)}", name(column.name))
    return text
