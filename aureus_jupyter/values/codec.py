"""Values to plain JSON and back, strictly, through pydantic.

pydantic is imported on first use: loading the extension does not pay for it.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

__all__ = ["from_dict", "from_json", "to_dict", "to_json"]

T = TypeVar("T")


_adapters: dict[type[Any], Any] = {}


def _adapter(kind: type[Any]) -> Any:
    from pydantic import TypeAdapter

    adapter = _adapters.get(kind)
    if adapter is None:
        adapter = _adapters[kind] = TypeAdapter(kind)
    return adapter


def to_dict(value: Any) -> dict[str, Any]:
    """Return a frozen value as a dictionary of JSON values.

    Does not sort or canonicalise: see `values.canonical`. Enumerations become their text, tuples lists.
    """
    return cast("dict[str, Any]", _adapter(type(value)).dump_python(value, mode="json"))


def from_dict(kind: type[T], data: Any) -> T:
    """Return the value of class `kind` that `data` describes.

    Does not guess: a missing or wrongly typed member raises `ValueError` (pydantic's
    `ValidationError` is one), whose text names the member but is not meant for a person.
    """
    return cast("T", _adapter(kind).validate_python(data))


def to_json(value: Any) -> bytes:
    """Return a frozen value as one line of JSON.

    Not canonical, so nothing to sign: see `values.canonical`.
    """
    return cast("bytes", _adapter(type(value)).dump_json(value))


def from_json(kind: type[T], data: bytes | str) -> T:
    """Return the value of class `kind` that one JSON text describes. Raises what `from_dict` raises."""
    return cast("T", _adapter(kind).validate_json(data))
