"""Go's layouts for times (`2006-01-02T15:04:05Z07:00`): writing a time in one, and reading one.

Source: the Go standard library, package time ("Layout", `Time.Format`, `Parse`). Of zone abbreviations only UTC is read as
more than a name, as Go does where the abbreviation is not the machine's own.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure

__all__ = ["LAYOUTS", "Moment", "parse_time", "write_time"]

LAYOUTS: Final = {
    "ANSIC": "Mon Jan _2 15:04:05 2006",
    "UnixDate": "Mon Jan _2 15:04:05 MST 2006",
    "RubyDate": "Mon Jan 02 15:04:05 -0700 2006",
    "RFC822": "02 Jan 06 15:04 MST",
    "RFC822Z": "02 Jan 06 15:04 -0700",
    "RFC850": "Monday, 02-Jan-06 15:04:05 MST",
    "RFC1123": "Mon, 02 Jan 2006 15:04:05 MST",
    "RFC1123Z": "Mon, 02 Jan 2006 15:04:05 -0700",
    "RFC3339": "2006-01-02T15:04:05Z07:00",
    "RFC3339Nano": "2006-01-02T15:04:05.999999999Z07:00",
}

_TOKEN: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|__2|_2(?!006)|2006|[1-5]|PM|pm"
    r"|[-Z]07:00:00|[-Z]07:00|[-Z]070000|[-Z]0700|[-Z]07|[.,](?:0+|9+)(?![0-9])"
)
_MONTHS: Final = tuple("January February March April May June July August September October November December".split())
_DAYS: Final = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in a zone: what a clock there shows to the second, and the nanoseconds beyond."""

    local: datetime
    nanos: int


def _offset_text(token: str, moment: Moment) -> str:
    seconds = round((moment.local.utcoffset() or timedelta(0)).total_seconds())
    if token[0] == "Z" and seconds == 0:
        return "Z"
    sign, seconds = "-" if seconds < 0 else "+", abs(seconds)
    parts = [f"{seconds // 3600:02d}", f"{seconds // 60 % 60:02d}", f"{seconds % 60:02d}"]
    shape = token[1:]
    count = 1 if shape == "07" else 2 if shape in ("0700", "07:00") else 3
    return sign + (":" if ":" in shape else "").join(parts[:count])


def _fraction_text(token: str, nanos: int) -> str:
    digits = f"{nanos:09d}"[: len(token) - 1].ljust(len(token) - 1, "0")
    if token[1] == "9":
        digits = digits.rstrip("0")
    return token[0] + digits if digits else ""


def _zone_name(local: datetime) -> str:
    name = local.tzname() or "UTC"
    return name if not name.startswith("UTC") or name == "UTC" else name.removeprefix("UTC").replace(":", "")


_WRITERS: Final[dict[str, Callable[[datetime], str]]] = {
    "January": lambda t: _MONTHS[t.month - 1],
    "Jan": lambda t: _MONTHS[t.month - 1][:3],
    "1": lambda t: str(t.month),
    "01": lambda t: f"{t.month:02d}",
    "Monday": lambda t: _DAYS[t.weekday()],
    "Mon": lambda t: _DAYS[t.weekday()][:3],
    "2": lambda t: str(t.day),
    "_2": lambda t: f"{t.day:2d}",
    "02": lambda t: f"{t.day:02d}",
    "__2": lambda t: f"{t.timetuple().tm_yday:3d}",
    "002": lambda t: f"{t.timetuple().tm_yday:03d}",
    "15": lambda t: f"{t.hour:02d}",
    "3": lambda t: str(t.hour % 12 or 12),
    "03": lambda t: f"{t.hour % 12 or 12:02d}",
    "4": lambda t: str(t.minute),
    "04": lambda t: f"{t.minute:02d}",
    "5": lambda t: str(t.second),
    "05": lambda t: f"{t.second:02d}",
    "2006": lambda t: f"{t.year:04d}",
    "06": lambda t: f"{t.year % 100:02d}",
    "PM": lambda t: "PM" if t.hour >= 12 else "AM",
    "pm": lambda t: "pm" if t.hour >= 12 else "am",
    "MST": _zone_name,
}


def write_time(layout: str, moment: Moment) -> str:
    """Return a time as a layout writes it."""

    def one(match: re.Match[str]) -> str:
        token = match[0]
        if token in _WRITERS:
            return _WRITERS[token](moment.local)
        return _fraction_text(token, moment.nanos) if token[0] in ".," else _offset_text(token, moment)

    return _TOKEN.sub(one, layout)


_NAMES = {"January": "|".join(_MONTHS), "Jan": "|".join(m[:3] for m in _MONTHS)}
_PATTERNS: Final = {
    "Monday": "(?i:" + "|".join(_DAYS) + ")",
    "Mon": "(?i:" + "|".join(d[:3] for d in _DAYS) + ")",
    "January": f"(?P<month>(?i:{_NAMES['January']}))",
    "Jan": f"(?P<month>(?i:{_NAMES['Jan']}))",
    "1": "(?P<month>[0-9]{1,2}+)",
    "01": "(?P<month>[0-9]{2})",
    "2": "(?P<day>[0-9]{1,2}+)",
    "_2": " ?(?P<day>[0-9]{1,2}+)",
    "02": "(?P<day>[0-9]{2})",
    "__2": " {0,2}(?P<yearday>[0-9]{1,3}+)",
    "002": "(?P<yearday>[0-9]{3})",
    "15": "(?P<hour>[0-9]{1,2}+)",
    "3": "(?P<half>[0-9]{1,2}+)",
    "03": "(?P<half>[0-9]{2})",
    "4": "(?P<minute>[0-9]{1,2}+)",
    "04": "(?P<minute>[0-9]{2})",
    "5": "(?P<second>[0-9]{1,2}+)",
    "05": "(?P<second>[0-9]{2})",
    "2006": "(?P<year>[0-9]{4})",
    "06": "(?P<short>[0-9]{2})",
    "PM": "(?P<mark>AM|PM)",
    "pm": "(?P<mark>am|pm)",
    "MST": "(?P<zone>UTC|[A-Z]{3,4}|[A-Z]{5}|[+-][0-9]{2,4})",
}


def _offset_pattern(token: str) -> str:
    shape = re.sub("[0-9]{2}", "[0-9]{2}", token[1:])
    return ("(?P<offset>Z|[+-]" if token[0] == "Z" else "(?P<offset>[+-]") + shape + ")"


@lru_cache(maxsize=64)
def _reader(layout: str) -> re.Pattern[str]:
    """Return the pattern of what a layout reads. Raises BuiltinFailure for a layout that names one part twice."""
    tokens = list(_TOKEN.finditer(layout))
    made, at = [], 0
    for index, match in enumerate(tokens):
        made.append(_spaced(layout[at : match.start()]))
        token, at = match[0], match.end()
        follower = tokens[index + 1][0] if index + 1 < len(tokens) else ""
        if token[0] in ".,":
            digits = len(token) - 1
            made.append(f"[.,](?P<fraction>[0-9]{{{digits}}})" if token[1] == "0" else "(?:[.,](?P<fraction>[0-9]+))?")
        else:
            made.append(_PATTERNS.get(token) or _offset_pattern(token))
        # A time may hold a fraction after its seconds that the layout does not name.
        if token in ("5", "05") and follower[:1] not in (".", ","):
            made.append("(?:[.,](?P<fraction>[0-9]+))?")
    try:
        return re.compile("".join([*made, _spaced(layout[at:])]))
    except re.error:
        raise BuiltinFailure("a layout that names one part twice") from None


def _spaced(text: str) -> str:
    return re.sub(r"(?:\\ )+", "(?: +|$)", re.escape(text))


def parse_time(layout: str, text: str) -> int:
    """Return the nanoseconds since 1970 of a time written in a layout. Raises BuiltinFailure."""
    found = _reader(layout).fullmatch(text)
    if found is None:
        raise BuiltinFailure("a text that is no time in that layout")
    parts = {k: v for k, v in found.groupdict().items() if v is not None}
    try:
        local = datetime(_year(parts), 1, 1, _hour(parts), int(parts.get("minute", 0)), int(parts.get("second", 0)))
        local = _day(local, parts).replace(tzinfo=_zone(parts))
        seconds = calendar.timegm(local.utctimetuple())
    except (ValueError, OverflowError):
        raise BuiltinFailure("a time that does not exist") from None
    return seconds * 10**9 + int(parts.get("fraction", "0")[:9].ljust(9, "0"))


def _year(parts: dict[str, str]) -> int:
    if "short" in parts:
        short = int(parts["short"])
        return short + (1900 if short >= 69 else 2000)
    return int(parts.get("year", "1"))


def _hour(parts: dict[str, str]) -> int:
    hour = int(parts.get("hour", parts.get("half", "0")))
    if "half" in parts and hour > 12:
        raise ValueError("an hour of half a day")
    mark = parts.get("mark", "").upper()
    if mark:
        return hour + 12 if mark == "PM" and hour < 12 else 0 if mark == "AM" and hour == 12 else hour
    return hour


def _day(local: datetime, parts: dict[str, str]) -> datetime:
    if "yearday" in parts:
        made = local + timedelta(days=int(parts["yearday"]) - 1)
        if made.year != local.year:
            raise ValueError("a day that is not in the year")
        return made
    word = parts.get("month", "1")
    month = (
        int(word) if word.isdigit() else next(i for i, m in enumerate(_MONTHS, 1) if m[:3].lower() == word[:3].lower())
    )
    return local.replace(month=month, day=int(parts.get("day", "1")))


def _zone(parts: dict[str, str]) -> timezone:
    text = parts.get("offset", "Z")
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if hours > 24 or minutes > 60 or seconds > 60:
        raise ValueError("an offset out of range")
    total = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-total if text[0] == "-" else total)
