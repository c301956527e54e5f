"""What a value can be taken for without a cast that could fail.

DuckDB casts by itself where kinds meet: `badge = 5` casts every badge to a number, and the first that is none stops the statement.
A kind is the set of classes a value may become on any row: `int` values may become `dec` and `double`, a constant text that
is a day may become a `date`. Two expressions meet where their sets do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

__all__ = ["ANY", "BOOL", "TEXT", "Kind", "kind_of_literal", "kind_of_type", "kind_of_value", "meet"]

Kind = frozenset[str] | None
"""The classes; `ANY` meets everything, None nothing: nobody knows what it is."""

ANY: Kind = frozenset("*")
BOOL: Kind = frozenset(["bool"])
TEXT: Kind = frozenset(["text"])
DOUBLE: Kind = frozenset(["double"])
DECIMAL: Kind = frozenset(["dec", "double"])
INT: Kind = frozenset(["int", "dec", "double"])

_TYPE = re.compile(r"([A-Z ]+?)\s*(?:\(\s*(\d+)\s*(?:,\s*\d+\s*)?\))?\Z", re.ASCII)
_TYPES: Mapping[str, Kind] = MappingProxyType(
    {
        **dict.fromkeys(("VARCHAR", "TEXT", "STRING", "CHAR", "BPCHAR", "CHARACTER VARYING"), TEXT),
        **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), INT),
        **dict.fromkeys(("DOUBLE", "FLOAT", "REAL", "DOUBLE PRECISION"), DOUBLE),
        "BOOLEAN": BOOL,
        "BOOL": BOOL,
    }
)
_EXACT = frozenset("DATE TIME TIMESTAMP UUID BLOB INTERVAL HUGEINT UHUGEINT UBIGINT".split())
_WIDEST = 18
"""Digits of a decimal that fits beside any other of at most as many, and beside a BIGINT, in DuckDB's 38."""


def kind_of_type(name: str) -> Kind:
    """Return the kind of a column of a type; a type that is not plain meets only its own spelling."""
    text = name.strip().upper()
    found = _TYPE.match(text)
    if found is None:
        return None
    base, width = found[1], found[2]
    if base in {"DECIMAL", "NUMERIC"}:
        return DECIMAL if int(width or _WIDEST) <= _WIDEST else frozenset([text])
    if base in _EXACT or base.startswith("TIMESTAMP"):
        return frozenset([base])
    return _TYPES.get(base)


def kind_of_literal(literal: Mapping[str, Any]) -> Kind:
    """Return the kind of a constant of the engine's tree."""
    kind, text = literal.get("kind"), str(literal.get("text", ""))
    if kind == "NULL_LITERAL":
        return ANY
    if kind == "BOOLEAN":
        return BOOL
    if kind == "STRING":
        return _of_text(text)
    digits = text.lstrip("-").replace(".", "", 1)
    if kind not in {"INTEGER", "NUMERIC"} or not digits.isdigit() or len(digits) > _WIDEST:
        return DOUBLE if kind == "NUMERIC" and "e" in text.lower() else None
    return INT if kind == "INTEGER" else DECIMAL


def kind_of_value(value: Any) -> Kind:
    """Return the kind of what is bound to a parameter."""
    if value is None:
        return ANY
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT if abs(value) < 10**_WIDEST else None
    return DOUBLE if isinstance(value, float) else _of_text(str(value))


def _of_text(text: str) -> Kind:
    found = {"text"}
    for name, parse, size in (("DATE", date.fromisoformat, 10), ("TIMESTAMP", datetime.fromisoformat, 19)):
        try:
            if len(text) == size and text[4] == "-" and text.isascii() and parse(text):
                found.add(name)
        except ValueError:
            continue
    return frozenset(found)


def meet(kinds: Iterable[Kind]) -> Kind:
    """Return what expressions are together, or None where a cast that can fail would have to bring them together."""
    known: Kind = ANY
    for kind in kinds:
        if kind is None or known is None:
            return None
        if kind != ANY:
            known = kind if known == ANY else known & kind or None
    return known
