"""The corpus's data: two databases, A and B, equal in all that the principal may see and different in all that policy hides.

Rows are made by a recipe (`tables.yaml`), the same on every machine: no randomness, no clock, no file of data. What is hidden
carries a marker that names its kind and its side, so that a leak is seen wherever it comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

__all__ = ["MARKERS", "SIDES", "Table", "load_tables", "rows_of"]

SIDES = ("A", "B")
MARKERS = tuple(
    f"QZ{kind}{side}" for kind in ("PIN", "IBN", "ROW", "VIP", "CMT", "LBL", "DEF", "COL") for side in SIDES
)
"""What every hidden text holds: the kind of secret, and the database it is in."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """One raw table: how many rows anybody may see, how many only one database has, and a recipe for each column.

    `masked` gives a column's raw value in each database; `hidden` are the columns that put a row out of sight.
    """

    name: str
    rows: int
    columns: Mapping[str, tuple[str, str]]
    beyond: Mapping[str, int]
    hidden: Mapping[str, str]
    masked: Mapping[str, str]


def load_tables(path: Path) -> tuple[Table, ...]:
    """Return the tables of a `tables.yaml`: column, type and recipe are one text, `type; recipe`."""
    value = yaml.safe_load(path.read_text("utf-8"))
    return tuple(_table(name, spec) for name, spec in value.items())


def _table(name: str, spec: Mapping[str, Any]) -> Table:
    columns = {}
    for column, text in spec["columns"].items():
        kind, _, recipe = text.partition(";")
        columns[column] = (kind.strip(), recipe.strip())
    return Table(
        name=name,
        rows=spec["rows"],
        columns=MappingProxyType(columns),
        beyond=MappingProxyType(spec.get("beyond", {"A": 0, "B": 0})),
        hidden=MappingProxyType(spec.get("hidden", {})),
        masked=MappingProxyType(spec.get("masked", {})),
    )


def _number(*parts: object) -> int:
    """Return a number that looks random and is the same everywhere."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=6).digest(), "big")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands. `row` counts from 1; `salt` is empty for what both databases share."""

    table: str
    column: str
    row: int
    side: str
    salt: str

    def below(self, limit: int) -> int:
        return _number(self.table, self.column, self.row, self.salt) % limit


@cache
def rows_of(table: Table, side: str) -> list[tuple[Any, ...]]:
    """Return the rows of one database in the order of insertion: shared ones in their own order, hidden ones between them."""
    shared = [_row(table, side, number, False) for number in range(1, table.rows + 1)]
    beyond = [_row(table, side, table.rows + number, True) for number in range(1, table.beyond[side] + 1)]
    places = sorted(
        [((number + 1) / (len(shared) + 1), 1, number) for number in range(len(shared))]
        + [(_number(table.name, side, number) % 10**6 / 10**6, 0, number) for number in range(len(beyond))]
    )
    return [shared[number] if kind else beyond[number] for _, kind, number in places]


def _row(table: Table, side: str, number: int, hidden: bool) -> tuple[Any, ...]:
    if not hidden:
        both = _shared(table, number)
        return tuple(
            _value(table, column, kind, recipe, side, number, hidden) if column in table.masked else both[place]
            for place, (column, (kind, recipe)) in enumerate(table.columns.items())
        )
    return tuple(
        _value(table, column, kind, recipe, side, number, hidden) for column, (kind, recipe) in table.columns.items()
    )


@cache
def _shared(table: Table, number: int) -> tuple[Any, ...]:
    """Return what both databases hold in a row that anybody may see; nothing in place of what is masked."""
    return tuple(
        None if column in table.masked else _value(table, column, kind, recipe, "", number, False)
        for column, (kind, recipe) in table.columns.items()
    )


def _value(table: Table, column: str, kind: str, recipe: str, side: str, number: int, hidden: bool) -> Any:
    if hidden and column in table.hidden:
        recipe = table.hidden[column]
    elif column in table.masked:
        recipe = table.masked[column]
    made, arguments = _parsed(recipe)
    own = hidden or column in table.masked
    place = _Place(table.name, column, number, side, side if own else "")
    value = _RECIPES[made](place, arguments)
    if hidden and made == "text":
        return f"QZROW{side}-{value}"
    return Decimal(value) if kind.startswith("DECIMAL") and value is not None else value


@cache
def _parsed(recipe: str) -> tuple[str, tuple[str, ...]]:
    name, *arguments = recipe.split(" ")
    return name, tuple(arguments)


def _pick(place: _Place, arguments: tuple[str, ...]) -> str:
    words = " ".join(arguments).split("|")
    return words[place.below(len(words))]


def _range(place: _Place, arguments: tuple[str, ...]) -> int:
    low, high = int(arguments[0]), int(arguments[1])
    return low + place.below(high - low + 1)


def _decimal(place: _Place, arguments: tuple[str, ...]) -> str:
    cents = _range(place, arguments)
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _date(place: _Place, arguments: tuple[str, ...]) -> date:
    first, last = date.fromisoformat(arguments[0]), date.fromisoformat(arguments[1])
    return first + timedelta(days=place.below((last - first).days + 1))


def _day(place: _Place, arguments: tuple[str, ...]) -> date:
    return date.fromisoformat(arguments[0]) + timedelta(days=place.row - 1)


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _of_day(place: _Place, arguments: tuple[str, ...]) -> Any:
    """A part of the date that the calendar table has in this row."""
    day = date.fromisoformat(arguments[0]) + timedelta(days=place.row - 1)
    months = (day.year - 1900) * 12 + day.month - 1
    parts: dict[str, Any] = {
        "year": day.year,
        "month": day.month,
        "dom": day.day,
        "qoy": (day.month - 1) // 3 + 1,
        "name": _DAYS[day.weekday()],
        "quarter": f"{day.year}Q{(day.month - 1) // 3 + 1}",
        "dow": day.isoweekday() % 7,
        "weeks": (day - date(1900, 1, 1)).days // 7,
        "months": months,
        "quarters": months // 3,
    }
    return parts[arguments[1]]


def _clock(place: _Place, arguments: tuple[str, ...]) -> Any:
    """A part of the time of day that the table of five minutes each has in this row."""
    hour, minute = divmod((place.row - 1) * 5, 60)
    meals = {"breakfast": range(6, 10), "lunch": range(11, 15), "dinner": range(17, 21)}
    parts: dict[str, Any] = {
        "seconds": hour * 3600 + minute * 60,
        "hour": hour,
        "minute": minute,
        "meal": next((meal for meal, hours in meals.items() if hour in hours), None),
    }
    return parts[arguments[0]]


def _sided(place: _Place, arguments: tuple[str, ...]) -> str:
    """A secret text: `sided PIN 4 6` ends in as many digits of the row as both databases may show."""
    kind, kept = arguments[0], int(arguments[1])
    middle = "x" * (2 + place.below(3)) if place.side == "A" else "yy" * (2 + place.below(3))
    return f"QZ{kind}{place.side}{middle}{place.row:0{kept}}"


def _wage(place: _Place, arguments: tuple[str, ...]) -> str:
    """A secret number outside every legitimate range: 91 million and more in A, 92 million in B, in another order."""
    step = place.below(900_000)
    return f"{91_000_000 + step}.50" if place.side == "A" else f"{92_900_000 - step}.25"


def _within(place: _Place, arguments: tuple[str, ...]) -> float:
    """A number in the bucket both databases share, at another place in each."""
    step = int(arguments[0])
    bucket = _number(place.table, place.column, place.row) % int(arguments[1])
    return bucket * step + 0.25 + place.below(step - 1)


def _in_year(place: _Place, arguments: tuple[str, ...]) -> date:
    """A day of the year both databases share."""
    year = int(arguments[0]) + _number(place.table, place.column, place.row) % int(arguments[1])
    return date(year, 1, 1) + timedelta(days=place.below(365))


def _maybe(place: _Place, arguments: tuple[str, ...]) -> Any:
    """Nothing in one row of so many, else what follows."""
    if _number(place.table, place.column, place.row, "null") % int(arguments[0]) == 0:
        return None
    return _RECIPES[arguments[1]](place, arguments[2:])


def _list(place: _Place, arguments: tuple[str, ...]) -> list[str]:
    words = " ".join(arguments).split("|")
    return [words[(place.below(97) + step) % len(words)] for step in range(place.below(3) + 1)]


def _times(place: _Place, arguments: tuple[str, ...]) -> int:
    """The row's number, counted within a parent that has so many children: `times 4 1` the parent, `times 4 0` the child."""
    children, parent = int(arguments[0]), arguments[1] == "1"
    return (place.row - 1) // children + 1 if parent else (place.row - 1) % children + 1


_RECIPES: Mapping[str, Callable[[_Place, tuple[str, ...]], Any]] = MappingProxyType(
    {
        "seq": lambda place, arguments: place.row + int(arguments[0] if arguments else 0),
        "int": _range,
        "cents": _decimal,
        "real": lambda place, arguments: _range(place, arguments) / 4.0,
        "pick": _pick,
        "turn": lambda place, arguments: " ".join(arguments).split("|")[
            (place.row - 1) % len(" ".join(arguments).split("|"))
        ],
        "date": _date,
        "day": _day,
        "of_day": _of_day,
        "clock": _clock,
        "text": lambda place, arguments: f"{arguments[0]}{place.row:04}",
        "sided": _sided,
        "wage": _wage,
        "within": _within,
        "in_year": _in_year,
        "maybe": _maybe,
        "list": _list,
        "times": _times,
        "is": lambda place, arguments: " ".join(arguments),
    }
)
