"""How a masked column is written: an expression over the raw column that keeps its type and cannot raise on any row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from aureus_jupyter.core.spelling import Spelling, quoted, spelling
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Column
from aureus_jupyter.values.obligations import Mask, MaskMethod, Scalar
from aureus_jupyter.values.plan import MARK, RAW

__all__ = ["cast_to", "literal", "masked", "masked_as"]

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*(\(\s*\d+\s*(,\s*\d+\s*)?\))?(\[\])*\Z", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,9})?\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_DOTS = "'•••'"
_AT = "'@'"
_LONGEST = 1000
"""Characters of a text that a token is made for: its cost grows with the length."""
_TEXTS = frozenset({"VARCHAR", "TEXT", "STRING", "CHAR", "CHARACTER VARYING", "BPCHAR"})
_DIGITS: Mapping[str, int] = MappingProxyType({"SMALLINT": 5, "INT": 10, "INTEGER": 10, "BIGINT": 19})
_DOUBLES = frozenset({"DOUBLE", "FLOAT", "REAL"})
_NUMBERS = frozenset({*_DIGITS, *_DOUBLES, "TINYINT", "HUGEINT", "DECIMAL", "NUMERIC"})


def literal(value: Scalar) -> str:
    """Return a constant of a policy as SQL text. Does not accept a float; NUL and the guard's own marks are refused."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if "\x00" in value or MARK in value:
        raise Refused(
            "policy_constant",
            "a policy's constant holds NUL, or a mark of the guard's own",
            hint="Ask the policy's owner to correct it.",
        )
    return "'" + value.replace("'", "''") + "'"


def masked(column: Column, mask: Mask, dialect: str) -> str:
    """Return the expression that shows `column` through `mask`. Does not write masks of the method expression.

    Raises Refused `cannot_mask` when the mask does not fit the column's type.
    """
    return masked_as(column, mask, spelling(dialect))


def masked_as(column: Column, mask: Mask, spell: Spelling) -> str:
    """Return the same in a spelling of the caller's."""
    return _MASKS[mask.method](column, mask, spell)


def cast_to(expression: str, column: Column, dialect: str) -> str:
    """Return an expression as a value of the column's type. Raises Refused `cannot_mask` for a type no mask can keep."""
    return _typed(expression, column, spelling(dialect))


def _raw(column: Column) -> str:
    return f"{RAW}.{quoted(column.name)}"


def _base(column: Column) -> str:
    return column.type.upper().split("(")[0].strip().removesuffix(" PRECISION")


def _is_text(column: Column) -> bool:
    return _base(column) in _TEXTS


def _is_date(column: Column) -> bool:
    return column.type.upper().startswith(("DATE", "TIMESTAMP"))


def _typed(expression: str, column: Column, spell: Spelling) -> str:
    if not _TYPE.match(column.type):
        raise Refused(
            "cannot_mask",
            f"the type of column {column.name} is not one a mask can keep",
            hint="Ask the dataset's owner to declare a simple type in its contract.",
        )
    return f"CAST({expression} AS {spell.kinds.get(column.type.upper(), column.type)})"


def _cannot(column: Column, mask: Mask) -> Refused:
    return Refused(
        "cannot_mask",
        f"the policy {mask.policy} masks {column.name} with {mask.method}, which its type {column.type} does not allow",
        hint="Ask the policy's owner for a mask that fits the column, such as null.",
    )


def _null(column: Column, mask: Mask, spell: Spelling) -> str:
    return _typed("NULL", column, spell)


def _constant(column: Column, mask: Mask, spell: Spelling) -> str:
    """Show one value in every row, also where there was none. The value must be one of the column's type."""
    text = str(mask.value)
    fits = (
        (_is_text(column) and isinstance(mask.value, str))
        or (_base(column) == "BOOLEAN" and isinstance(mask.value, bool))
        or (_base(column) in _NUMBERS and not isinstance(mask.value, bool) and bool(_NUMBER.match(text)))
        or (_is_date(column) and bool(_DATE.match(text)))
    )
    if not fits:
        raise _cannot(column, mask)
    return _typed(text if _base(column) in _NUMBERS else literal(mask.value), column, spell)


def _redact(column: Column, mask: Mask, spell: Spelling) -> str:
    if not _is_text(column):
        return _typed("NULL", column, spell)
    return _unless_null(_raw(column), _DOTS)


def _unless_null(name: str, *rest: str) -> str:
    """Return a CASE that keeps NULL; `rest` are `WHEN ... THEN ...` parts and last what it is otherwise."""
    return " ".join([f"CASE WHEN {name} IS NULL THEN NULL", *rest[:-1], f"ELSE {rest[-1]} END"])


def _ends(column: Column, mask: Mask, spell: Spelling) -> str:
    """Show the first and last characters; a value no longer than these would show whole, so it shows nothing."""
    start = mask.start if mask.method is MaskMethod.PARTIAL else 0
    if not _is_text(column) or mask.keep < 0 or start < 0:
        raise _cannot(column, mask)
    name = _raw(column)
    first = [spell.call("left", name, str(start))] if start else []
    short = f"WHEN {spell.call('length', name)} <= {start + mask.keep} THEN {_DOTS}"
    return _unless_null(name, short, spell.call("concat", *first, _DOTS, spell.call("right", name, str(mask.keep))))


def _email(column: Column, mask: Mask, spell: Spelling) -> str:
    """Show what follows the last @ (RFC 5321: a quoted local part may hold one)."""
    if not _is_text(column):
        raise _cannot(column, mask)
    name = _raw(column)
    turned = spell.call("split_part", spell.call("reverse", name), "'@'", "1")
    none = f"WHEN {spell.call('strpos', name, _AT)} = 0 THEN {_DOTS}"
    return _unless_null(name, none, spell.call("concat", "'•••@'", spell.call("reverse", turned)))


def _floor_date(column: Column, mask: Mask, spell: Spelling) -> str:
    if not _is_date(column):
        raise _cannot(column, mask)
    return _typed(spell.floor_date(mask.method.value, _raw(column)), column, spell)


def _step(text: str) -> Decimal:
    return Decimal(text) if _NUMBER.match(text) else Decimal(0)


def _round(column: Column, mask: Mask, spell: Spelling) -> str:
    """Cut a number to a multiple of the step towards zero: so it never leaves the range of its type."""
    if _base(column) not in _NUMBERS or _step(mask.step) <= 0:
        raise _cannot(column, mask)
    name = _raw(column)
    rest = spell.remainder(name, mask.step, _base(column) in _DOUBLES)
    return _typed(f"{name} - {rest}", column, spell)


def _bucket(column: Column, mask: Mask, spell: Spelling) -> str:
    """Show the lower edge of the value's bucket, NULL below the first."""
    edges = [Decimal(edge) for edge in mask.edges if _NUMBER.match(edge)]
    if _base(column) not in _NUMBERS or not edges or len(edges) != len(mask.edges) or edges != sorted(set(edges)):
        raise _cannot(column, mask)
    name = _raw(column)
    parts = [f"WHEN {name} >= {edge} THEN {_typed(edge, column, spell)}" for edge in reversed(mask.edges)]
    return f"CASE {' '.join(parts)} ELSE {_typed('NULL', column, spell)} END"


def _hash(column: Column, mask: Mask, spell: Spelling) -> str:
    """Show 64 bits of the keyed digest: as 16 hexadecimal digits, or as a number of a type that holds them."""
    name = _raw(column)
    if _is_text(column):
        return _unless_null(name, spell.call("left", spell.hmac(name), "16"))
    if _base(column) != "BIGINT":
        raise _cannot(column, mask)
    number = f"{spell.draw(spell.hmac(spell.text(name)), '0')} % 9223372036854775807"
    return _unless_null(name, _typed(number, column, spell))


def _token(column: Column, mask: Mask, spell: Spelling) -> str:
    """Show a digit for each digit and a letter for each letter, drawn from the keyed digest.

    Not reversible, so not FF1 (NIST SP 800-38G): two short values can show alike. A whole number keeps its sign and its number
    of digits, and starts with 1 where another first digit could leave its type.
    """
    name, most = _raw(column), _DIGITS.get(_base(column))
    if _is_text(column):
        cut = spell.call("left", name, str(_LONGEST))
        return _unless_null(name, spell.each(cut, spell.hmac(name), lambda h, n: _sign(cut, h, n, spell)))
    if most is None:
        raise _cannot(column, mask)
    text = spell.text(name)
    first = f"CASE WHEN {name} < 0 THEN 2 ELSE 1 END"
    full = f"{spell.call('length', text)} - ({first}) + 1 = {most}"

    def sign(digest: str, place: str) -> str:
        lead = f"WHEN {place} = {first} AND {full} THEN '1' WHEN {place} = {first} THEN"
        return f"CASE {lead} {_one_of(_CIPHERS[1:], digest, place, spell)} ELSE {_sign(text, digest, place, spell)} END"

    return _unless_null(name, _typed(spell.each(text, spell.hmac(text), sign), column, spell))


_CIPHERS, _SMALL, _CAPITAL = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _one_of(signs: str, digest: str, place: str, spell: Spelling) -> str:
    at = f"CAST({spell.draw(digest, place)} % {len(signs)} AS INTEGER) + 1"
    return spell.call("substr", f"'{signs}'", at, "1")


def _sign(value: str, digest: str, place: str, spell: Spelling) -> str:
    """Return what stands for one character: of its kind, itself where it is ASCII and neither digit nor letter, else x."""
    sign = spell.call("substr", value, place, "1")
    code = spell.call("ascii", sign)
    parts = [
        f"WHEN {code} BETWEEN {ord(signs[0])} AND {ord(signs[-1])} THEN {_one_of(signs, digest, place, spell)}"
        for signs in (_CIPHERS, _SMALL, _CAPITAL)
    ]
    return f"CASE {' '.join(parts)} WHEN {code} < 128 THEN {sign} ELSE 'x' END"


_MASKS: Mapping[MaskMethod, Callable[[Column, Mask, Spelling], str]] = MappingProxyType(
    {
        MaskMethod.NULL: _null,
        MaskMethod.CONSTANT: _constant,
        MaskMethod.REDACT: _redact,
        MaskMethod.HASH: _hash,
        MaskMethod.TOKEN: _token,
        MaskMethod.LAST: _ends,
        MaskMethod.PARTIAL: _ends,
        MaskMethod.EMAIL: _email,
        MaskMethod.YEAR: _floor_date,
        MaskMethod.BUCKET: _bucket,
        MaskMethod.ROUND: _round,
        MaskMethod.MONTH: _floor_date,
    }
)
