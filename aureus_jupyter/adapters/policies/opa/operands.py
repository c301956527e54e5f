"""What a built-in's operands must be; anything else is the failure that OPA calls an operand error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aureus_jupyter.adapters.policies.opa.arithmetic import to_int
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure
from aureus_jupyter.adapters.policies.opa.terms import Array, Object, Set, is_number

__all__ = [
    "array_of",
    "integer",
    "items_of",
    "large_integer",
    "number_of",
    "object_of",
    "set_of",
    "text_of",
    "texts_of",
]


def text_of(value: Any, place: int = 1) -> str:
    """Return a text."""
    if value.__class__ is not str:
        raise BuiltinFailure(f"operand {place} must be a string")
    return value


def number_of(value: Any, place: int = 1) -> Any:
    """Return a number."""
    if not is_number(value):
        raise BuiltinFailure(f"operand {place} must be a number")
    return value


def large_integer(value: Any, place: int = 1) -> int:
    """Return a whole number of any size."""
    whole = to_int(number_of(value, place))
    if whole is None:
        raise BuiltinFailure(f"operand {place} must be an integer number")
    return whole


def integer(value: Any, place: int = 1) -> int:
    """Return a whole number that fits a machine's word."""
    whole = large_integer(value, place)
    if not -(1 << 63) <= whole < 1 << 63:
        raise BuiltinFailure(f"operand {place} must be an integer number")
    return whole


def array_of(value: Any, place: int = 1) -> Array:
    """Return an array."""
    if value.__class__ is not Array:
        raise BuiltinFailure(f"operand {place} must be an array")
    return value


def object_of(value: Any, place: int = 1) -> Object:
    """Return an object."""
    if value.__class__ is not Object:
        raise BuiltinFailure(f"operand {place} must be an object")
    return value


def set_of(value: Any, place: int = 1) -> Set:
    """Return a set."""
    if value.__class__ is not Set:
        raise BuiltinFailure(f"operand {place} must be a set")
    return value


def items_of(value: Any, place: int = 1) -> list[Any]:
    """Return the elements of an array, or of a set in order."""
    if value.__class__ is Array:
        return value
    if value.__class__ is Set:
        return value.ordered()
    raise BuiltinFailure(f"operand {place} must be an array or a set")


def texts_of(value: Any, place: int = 1) -> list[str]:
    """Return the texts of an array or a set that holds nothing else."""
    items: Iterable[Any] = items_of(value, place)
    return [text_of(item, place) for item in items]
