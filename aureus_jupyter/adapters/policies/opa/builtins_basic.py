"""Built-ins: comparison, numbers, bits, aggregates, types and casts. Source: Open Policy Agent, "Policy Reference"."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa import arithmetic
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure, OutOfBounds
from aureus_jupyter.adapters.policies.opa.machine import Builtin, Run
from aureus_jupyter.adapters.policies.opa.operands import items_of, large_integer, number_of, text_of
from aureus_jupyter.adapters.policies.opa.terms import (
    FALSE,
    NULL,
    TRUE,
    Array,
    Constant,
    Object,
    Real,
    Set,
    boolean,
    check_size,
    compare,
    is_number,
    order,
    size_of,
)

__all__ = ["BASIC"]

_MAX_SHIFT: Final = 20_000
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def _compared(test: Callable[[int], bool]) -> Builtin:
    return lambda run, a, b: boolean(test(compare(a, b)))


def _plus(run: Run, a: Any, b: Any) -> Any:
    return arithmetic.exact_or_float(number_of(a, 1), number_of(b, 2), lambda x, y: x + y)


def _minus(run: Run, a: Any, b: Any) -> Any:
    if a.__class__ is Set and b.__class__ is Set:
        return Set(set.difference(a, b))
    return arithmetic.exact_or_float(number_of(a, 1), number_of(b, 2), lambda x, y: x - y)


def _times(run: Run, a: Any, b: Any) -> Any:
    return arithmetic.exact_or_float(number_of(a, 1), number_of(b, 2), lambda x, y: x * y)


def _divide(run: Run, a: Any, b: Any) -> Any:
    return arithmetic.divide(number_of(a, 1), number_of(b, 2))


def _remainder(run: Run, a: Any, b: Any) -> Any:
    return arithmetic.remainder(number_of(a, 1), number_of(b, 2))


def _abs(run: Run, a: Any) -> Any:
    known = arithmetic.to_int(number_of(a))
    if known is not None and abs(known) < 1 << 31:
        return abs(known)
    return arithmetic.from_fraction(abs(arithmetic.fraction_of(a)))


def _range(run: Run, first: Any, last: Any, step: Any = 1) -> Any:
    low, high, by = large_integer(first, 1), large_integer(last, 2), large_integer(step, 3)
    if by <= 0:
        raise BuiltinFailure("numbers.range_step: step must be a positive integer")
    check_size(abs(high - low) // by)
    run.charge(abs(high - low) // by)
    return Array(range(low, high + 1, by) if low <= high else range(low, high - 1, -by))


def _bits(make: Callable[[int, int], int]) -> Builtin:
    def bits(run: Run, a: Any, b: Any) -> Any:
        return arithmetic.whole(make(large_integer(a, 1), large_integer(b, 2)))

    return bits


def _shift(places: int, most: int = _MAX_SHIFT) -> int:
    if places < 0:
        raise BuiltinFailure("operand 2 must be an unsigned integer number")
    if places > most:
        raise OutOfBounds("a number with too many digits")
    return places


def _count(run: Run, value: Any) -> Any:
    if value.__class__ in (str, Array, Object, Set):
        return len(value)
    raise BuiltinFailure("operand 1 must be one of array, object, set and string")


def _all_whole(items: list[Any]) -> list[int] | None:
    found = [arithmetic.to_int(number_of(item)) for item in items]
    return None if None in found else [f for f in found if f is not None]


def _sum(run: Run, value: Any) -> Any:
    items = items_of(value)
    run.charge(len(items))
    whole = _all_whole(items)
    if whole is not None:
        return arithmetic.whole(sum(whole))
    total = Fraction(0)
    for item in items:
        total = arithmetic.fraction_of(total + arithmetic.fraction_of(item))
    return arithmetic.from_fraction(total)


def _product(run: Run, value: Any) -> Any:
    items = items_of(value)
    run.charge(len(items))
    whole = _all_whole(items)
    if whole is not None:
        made = 1
        for factor in whole:
            made = arithmetic.whole(made * factor)
        return made
    total = Fraction(1)
    for item in items:
        # Go begins with a number of 53 bits, and keeps to them.
        total = arithmetic.fraction_of(total * arithmetic.fraction_of(item), 53)
    return arithmetic.from_fraction(total, 53)


def _max(run: Run, value: Any) -> Any:
    items = items_of(value)
    return max(reversed(items), key=order) if items else None


def _min(run: Run, value: Any) -> Any:
    items = items_of(value)
    return min(reversed(items), key=order) if items else None


def _sort(run: Run, value: Any) -> Any:
    items = items_of(value)
    run.charge(size_of(value) >> 2)
    return Array(sorted(items, key=order)) if value.__class__ is Array else Array(items)


def _member(run: Run, item: Any, held: Any) -> Any:
    if held.__class__ is Object:
        run.charge(len(held) >> 3)
        return boolean(any(item == value for value in held.values()))
    return boolean(held.__class__ in (Array, Set) and item in held)


def _member_with_key(run: Run, key: Any, item: Any, held: Any) -> Any:
    if held.__class__ is Set:
        return boolean(key in held and key == item)
    if held.__class__ is Object:
        return boolean(key in held and held[key] == item)
    if held.__class__ is Array and is_number(key):
        index = arithmetic.to_int(key)
        return boolean(index is not None and 0 <= index < len(held) and held[index] == item)
    return FALSE


_KINDS = {int: "number", Real: "number", str: "string", Array: "array", Object: "object", Set: "set"}


def _type_name(run: Run, value: Any) -> Any:
    return "null" if value is NULL else _KINDS.get(value.__class__, "boolean")


def _is(kind: str) -> Builtin:
    return lambda run, value: boolean(_type_name(run, value) == kind)


def _cast(kind: str) -> Builtin:
    def cast(run: Run, value: Any) -> Any:
        if _type_name(run, value) != kind:
            raise BuiltinFailure(f"operand 1 must be {kind}")
        return value

    return cast


def _to_number(run: Run, value: Any) -> Any:
    if value.__class__ is Constant:
        return 1 if value is TRUE else 0
    if is_number(value):
        return value
    text = text_of(value)
    if _NUMBER.fullmatch(text) is None:
        raise BuiltinFailure("operand 1 must be a valid number string")
    return arithmetic.number(text.removeprefix("+"))


def _format_int(run: Run, value: Any, base: Any) -> Any:
    code = {2: "b", 8: "o", 10: "d", 16: "x"}.get(base if base.__class__ is int else 0)
    if code is None:
        raise BuiltinFailure("operand 2 must be one of 2, 8, 10 and 16")
    return format(int(number_of(value, 1)), code)


BASIC: Final[dict[str, Builtin]] = {
    "abs": _abs,
    "all": lambda run, value: boolean(all(item is TRUE for item in items_of(value))),
    "any": lambda run, value: boolean(any(item is TRUE for item in items_of(value))),
    "bits.and": _bits(lambda a, b: a & b),
    "bits.lsh": _bits(lambda a, b: a << _shift(b)),
    "bits.negate": lambda run, a: ~large_integer(a),
    "bits.or": _bits(lambda a, b: a | b),
    "bits.rsh": _bits(lambda a, b: a >> min(_shift(b, 1 << 62), 1 << 20)),
    "bits.xor": _bits(lambda a, b: a ^ b),
    "cast_array": lambda run, value: Array(items_of(value)),
    "cast_boolean": _cast("boolean"),
    "cast_null": _cast("null"),
    "cast_object": _cast("object"),
    "cast_set": lambda run, value: Set(items_of(value)),
    "cast_string": _cast("string"),
    "ceil": lambda run, a: arithmetic.ceiling(number_of(a)),
    "count": _count,
    "div": _divide,
    "eq": _compared(lambda c: c == 0),
    "equal": _compared(lambda c: c == 0),
    "floor": lambda run, a: arithmetic.floor(number_of(a)),
    "format_int": _format_int,
    "gt": _compared(lambda c: c > 0),
    "gte": _compared(lambda c: c >= 0),
    "internal.member_2": _member,
    "internal.member_3": _member_with_key,
    # Says nothing: what a policy prints while it is written may be what nobody may read.
    "internal.print": lambda run, parts: TRUE,
    "is_array": _is("array"),
    "is_boolean": _is("boolean"),
    "is_null": _is("null"),
    "is_number": _is("number"),
    "is_object": _is("object"),
    "is_set": _is("set"),
    "is_string": _is("string"),
    "lt": _compared(lambda c: c < 0),
    "lte": _compared(lambda c: c <= 0),
    "max": _max,
    "min": _min,
    "minus": _minus,
    "mul": _times,
    "neq": _compared(lambda c: c != 0),
    "numbers.range": lambda run, a, b: _range(run, a, b),
    "numbers.range_step": _range,
    "plus": _plus,
    "product": _product,
    "rem": _remainder,
    "round": lambda run, a: arithmetic.round_half_away(number_of(a)),
    "sort": _sort,
    "sum": _sum,
    "to_number": _to_number,
    "trace": lambda run, note: boolean(text_of(note) is not None),
    "type_name": _type_name,
}
