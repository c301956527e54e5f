"""Rego values as Python ones, equal and ordered as OPA has them.

    undefined  None            null     NULL             boolean  TRUE, FALSE
    number     int, Real       string   str              array    Array
    object     Object          set      Set

Booleans are values of their own because Python's `True == 1` would make a set of both lose one. Containers carry the size
of the whole tree below them, so that a value that doubles at each step (ten lines of policy, a billion elements when it is
compared or printed) is refused while it is still small.
Source: Open Policy Agent, "Policy Language", and the order in which its `sort` puts values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure, OutOfBounds

__all__ = ["ABSENT", "FALSE", "MAX_SIZE", "NULL", "TRUE", "Array", "Constant", "Object", "Real", "Set"]
__all__ += [
    "boolean",
    "check_size",
    "compare",
    "from_python",
    "is_number",
    "order",
    "parse_json",
    "size_of",
    "to_python",
]

MAX_SIZE: Final = 1_000_000
"""Elements and characters one value may hold, counted through the whole tree."""
_MAX_EXPONENT = 400
_MAX_DIGITS = 4000


class Constant:
    """One of null, true and false: equal only to itself."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: bool | None) -> None:
        self.name = name
        self.value = value

    def __repr__(self) -> str:
        return self.name


NULL: Final = Constant("null", None)
TRUE: Final = Constant("true", True)
FALSE: Final = Constant("false", False)


ABSENT: Final = Constant("absent", None)
"""Stands for an input that is not there at all."""


class Real(Decimal):
    """A number that is not written as a whole one, with the text it was written in."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Real:
        """Raises EvaluationFailure for what is no number, OutOfBounds for one of absurd size."""
        try:
            made = super().__new__(cls, text)
        except InvalidOperation:
            raise EvaluationFailure("a text that is no number") from None
        if not made.is_finite():
            raise EvaluationFailure("a text that is no number")
        if abs(made.adjusted()) > _MAX_EXPONENT or len(text) > _MAX_DIGITS:
            raise OutOfBounds("a number with too many digits")
        made.text = text
        return made

    __hash__ = Decimal.__hash__


def size_of(value: Any) -> int:
    """Return how many elements and characters a value holds, itself counted once."""
    kind = value.__class__
    if kind is str:
        return len(value) + 1
    return value.size if kind in _CONTAINERS else 1


def check_size(size: int) -> None:
    """Raise OutOfBounds where a value of that size may not be made."""
    if size > MAX_SIZE:
        raise OutOfBounds("a value larger than a decision may make")


def _check_open(is_open: bool) -> None:
    """Refuse a plan that changes what it did not make: inputs and data are shared between decisions and policies."""
    if not is_open:
        raise EvaluationFailure("a plan changes a value that it did not make")


def _adopt(item: Any) -> None:
    """Note that a container stands in another now. In a second place it is closed: what stands twice must not grow any more.

    Else ten rows of lists, linked before they are filled, would hold more elements than anybody counted.
    """
    if isinstance(item, (Array, Object, Set)) and item.is_open:
        item.is_open, item.is_child = not item.is_child, True


class Array(list[Any]):
    """A list. It can be added to only where it was made open."""

    __slots__ = ("is_child", "is_open", "size")

    def __init__(self, items: Iterable[Any] = ()) -> None:
        super().__init__(items)
        self.size = 1 + sum(map(size_of, self))
        check_size(self.size)
        self.is_open = self.is_child = False

    @classmethod
    def opened(cls) -> Array:
        """Return an empty one that can be added to."""
        made = cls()
        made.is_open = True
        return made

    def add(self, item: Any) -> None:
        """Append one element."""
        _check_open(self.is_open)
        _adopt(item)
        self.size += size_of(item)
        check_size(self.size)
        self.append(item)

    def __hash__(self) -> int:  # type: ignore[override]  # Rego values may be keys; Python's own of this kind may not
        return hash(tuple(self))


class Object(dict[Any, Any]):
    """A mapping whose keys are any values. `is_base` says that it stands in a bundle's data as it is."""

    __slots__ = ("_counted", "_keys", "is_base", "is_child", "is_open", "size")

    def __init__(self, items: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = ()) -> None:
        super().__init__(items)
        size = 1
        for key, value in self.items():
            # Most are texts, and this is done for every object of every request.
            size += len(key) + 1 if key.__class__ is str else size_of(key)
            size += len(value) + 1 if value.__class__ is str else size_of(value)
        check_size(size)
        self.size = size
        self.is_base = self.is_open = self.is_child = False
        self._keys: list[Any] | None = None
        self._counted: dict[Any, int] = {}

    @classmethod
    def opened(cls) -> Object:
        """Return an empty one that can be added to."""
        made = cls()
        made.is_open = True
        return made

    def put(self, key: Any, value: Any) -> None:
        """Set one member."""
        _check_open(self.is_open)
        if self.get(key) is not value:
            _adopt(value)
        # A rule of sets by key takes a set out, adds to it, and puts it back: only what has come to it is new.
        size = size_of(value)
        self.size += size - self._counted[key] if key in self._counted else size + size_of(key)
        check_size(self.size)
        self._counted[key] = size
        if key not in self:
            self._keys = None
        self[key] = value

    def ordered(self) -> list[Any]:
        """Return the keys in OPA's order."""
        if self._keys is None:
            self._keys = _sorted(self)
        return self._keys

    def __hash__(self) -> int:  # type: ignore[override]  # Rego values may be keys; Python's own of this kind may not
        return hash(frozenset(self.items()))


class Set(set[Any]):
    """A set of any values."""

    __slots__ = ("_order", "is_child", "is_open", "size")

    def __init__(self, items: Iterable[Any] = ()) -> None:
        super().__init__(items)
        self.size = 1 + sum(map(size_of, self))
        check_size(self.size)
        self.is_open = self.is_child = False
        self._order: list[Any] | None = None

    @classmethod
    def opened(cls) -> Set:
        """Return an empty one that can be added to."""
        made = cls()
        made.is_open = True
        return made

    def put(self, item: Any) -> None:
        """Add one member."""
        _check_open(self.is_open)
        if item not in self:
            _adopt(item)
            self.size += size_of(item)
            check_size(self.size)
            self.add(item)
            self._order = None

    def ordered(self) -> list[Any]:
        """Return the members in OPA's order."""
        if self._order is None:
            self._order = _sorted(self)
        return self._order

    def __hash__(self) -> int:  # type: ignore[override]  # Rego values may be keys; Python's own of this kind may not
        return hash(frozenset(self))


_CONTAINERS = frozenset({Array, Object, Set})


def boolean(value: object) -> Constant:
    """Return TRUE or FALSE."""
    return TRUE if value else FALSE


def is_number(value: Any) -> bool:
    """Return whether a value is a number."""
    return value.__class__ is int or value.__class__ is Real


_RANKS = {int: 2, Real: 2, str: 3, Array: 4, Object: 5, Set: 6}


def order(value: Any) -> Any:
    """Return a key that sorts values of all kinds as OPA does: null, booleans, numbers, strings, arrays, objects, sets."""
    kind = value.__class__
    if kind is Constant:
        return (0 if value is NULL else 1, value is TRUE)
    rank = _RANKS[kind]
    if rank <= 3:
        return (rank, value)
    if kind is Array:
        return (rank, [order(v) for v in value])
    if kind is Set:
        return (rank, [order(v) for v in value.ordered()])
    # Of two objects the keys decide first, one by one with their values.
    return (rank, [(order(k), order(value[k])) for k in value.ordered()])


def compare(a: Any, b: Any) -> int:
    """Return -1, 0 or 1, in OPA's order."""
    if a.__class__ is b.__class__ and a.__class__ in (int, str):
        return int(a > b) - int(a < b)
    if a == b:
        return 0
    return -1 if order(a) < order(b) else 1


def _sorted(items: Iterable[Any]) -> list[Any]:
    found = list(items)
    kinds = {item.__class__ for item in found}
    return sorted(found) if len(kinds) == 1 and kinds <= {int, str} else sorted(found, key=order)


def _no_constant(word: str) -> NoReturn:
    raise EvaluationFailure("JSON holds no such number")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise EvaluationFailure("a JSON object with one key twice")
    return found


def parse_json(data: bytes | str) -> Any:
    """Return a JSON text as plain Python values, its numbers exact. Raises EvaluationFailure.

    An object with a key twice is refused: two readers would see two documents.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        return json.loads(text, parse_float=Real, parse_constant=_no_constant, object_pairs_hook=_members)
    except EvaluationFailure:
        raise
    except (ValueError, RecursionError):
        raise EvaluationFailure("a text that is no JSON") from None


def from_python(value: Any) -> Any:
    """Return plain JSON values as Rego ones. Raises EvaluationFailure for what JSON cannot hold, and for a lone surrogate."""
    kind = value.__class__
    if kind is str:
        if not value.isascii():
            _well_formed(value)
        return value
    if kind in (int, Real, Constant) or kind in _CONTAINERS:
        return value
    if value is None:
        return NULL
    if kind is bool:
        return boolean(value)
    if kind in (list, tuple):
        return Array(map(from_python, value))
    if kind is dict:
        return Object((from_python(k), from_python(v)) for k, v in value.items())
    raise EvaluationFailure("a value that is no JSON")


def mark_base(value: Any) -> None:
    """Mark every object of a bundle's data."""
    if value.__class__ is Object:
        value.is_base = True
    for item in value.values() if value.__class__ is Object else value if value.__class__ is Array else ():
        mark_base(item)


def _well_formed(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise EvaluationFailure("a text that is no Unicode") from None


def to_python(value: Any) -> Any:
    """Return a Rego value as plain ones: a set as a list in order, an object's keys as texts, numbers as int or Real."""
    kind = value.__class__
    if kind is Constant:
        return value.value
    if kind is Array:
        return [to_python(v) for v in value]
    if kind is Set:
        return [to_python(v) for v in value.ordered()]
    if kind is Object:
        return {key_text(k): to_python(value[k]) for k in value.ordered()}
    return value


def key_text(key: Any) -> str:
    """Return an object's key as JSON has it: a text stays, anything else becomes its JSON text."""
    if key.__class__ is str:
        return key
    return json.dumps(to_python(key), separators=(",", ":"), ensure_ascii=False, default=str)
