"""Built-ins: times and networks. Source: Open Policy Agent, "Policy Reference"; Go's time and net packages.

`time.now_ns` tells the one time of the decision, never a clock's. The zone `Local` is refused: a decision must not depend on
the machine it is made on.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

from aureus_jupyter.adapters.policies.opa.arithmetic import fraction_of
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure, EvaluationFailure
from aureus_jupyter.adapters.policies.opa.layouts import LAYOUTS, Moment, parse_time, write_time
from aureus_jupyter.adapters.policies.opa.machine import Builtin, Run
from aureus_jupyter.adapters.policies.opa.operands import integer, number_of, text_of
from aureus_jupyter.adapters.policies.opa.terms import Array

__all__ = ["TIME"]

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _now(run: Run) -> Any:
    if run.context.now_ns is None:
        raise EvaluationFailure("the policy asks for the time, and none was given for this decision")
    return run.context.now_ns


def _in_range(nanos: int) -> int:
    if not _LEAST <= nanos <= _MOST:
        raise BuiltinFailure("time outside of valid range")
    return nanos


def _zone(name: str) -> Any:
    if name in ("", "UTC"):
        return UTC
    try:
        if name == "Local":
            raise ValueError(name)
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise BuiltinFailure("a time zone that is not known") from None


def _moment(value: Any) -> tuple[Moment, str]:
    """Return the time an operand means, and the layout it names."""
    parts = value if value.__class__ is Array else [value]
    if not parts:
        raise BuiltinFailure("operand 1 must be a number, or [number, zone]")
    exact = fraction_of(number_of(parts[0]))
    if exact.denominator != 1 or not _LEAST <= exact <= _MOST:
        raise BuiltinFailure("timestamp too big")
    zone = _zone(text_of(parts[1])) if len(parts) > 1 else UTC
    seconds, nanos = divmod(int(exact), 10**9)
    local = (_BEGIN + timedelta(seconds=seconds)).astimezone(zone)
    return Moment(local, nanos), text_of(parts[2]) if len(parts) > 2 else ""


def _format(run: Run, value: Any) -> Any:
    moment, layout = _moment(value)
    return write_time(LAYOUTS.get(layout, layout or LAYOUTS["RFC3339Nano"]), moment)


def _date(run: Run, value: Any) -> Any:
    local = _moment(value)[0].local
    return Array([local.year, local.month, local.day])


def _clock(run: Run, value: Any) -> Any:
    local = _moment(value)[0].local
    return Array([local.hour, local.minute, local.second])


def _weekday(run: Run, value: Any) -> Any:
    return write_time("Monday", _moment(value)[0])


def _add_date(run: Run, value: Any, years: Any, months: Any, days: Any) -> Any:
    moment, _ = _moment(value)
    local = moment.local
    month = local.month - 1 + integer(months, 3)
    year = local.year + integer(years, 2) + month // 12
    try:
        first = local.replace(year=year, month=month % 12 + 1, day=1)
        made = first + timedelta(days=local.day - 1 + integer(days, 4))
        seconds = calendar.timegm(made.utctimetuple())
    except (ValueError, OverflowError):
        raise BuiltinFailure("time outside of valid range") from None
    return _in_range(seconds * 10**9 + moment.nanos)


def _diff(run: Run, a: Any, b: Any) -> Any:
    first, second = _moment(a)[0], _moment(b)[0]
    one, two = first.local, second.local.astimezone(first.local.tzinfo)
    if (one, first.nanos) > (two, second.nanos):
        one, two = two, one
    parts = [getattr(two, n) - getattr(one, n) for n in ("year", "month", "day", "hour", "minute", "second")]
    lengths = [0, 12, calendar.monthrange(one.year, one.month)[1], 24, 60, 60]
    for place in range(5, 0, -1):
        if parts[place] < 0:
            parts[place] += lengths[place]
            parts[place - 1] -= 1
    return Array(parts)


_UNITS: Final = {"ns": 1, "us": 10**3, "\u00b5s": 10**3, "\u03bcs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_UNITS["h"] = 3600 * 10**9
_HOURS: Final = {"d": 24, "w": 7 * 24, "y": 365 * 24}
_SEGMENT: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|[smhdwy])")


def _duration(run: Run, value: Any) -> Any:
    text = text_of(value)
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0
    if not body or _SEGMENT.sub("", body):
        raise BuiltinFailure("a text that is no duration")
    total = sum(_nanos(digits, unit) for digits, unit in _SEGMENT.findall(body))
    return _in_range(-total if text.startswith("-") else total)


def _nanos(digits: str, unit: str) -> int:
    if unit in _HOURS:
        # OPA multiplies these in floating point before Go reads them as hours.
        digits, unit = format(Decimal(repr(float(digits) * _HOURS[unit])), "f"), "h"
    return int(Fraction(Decimal(digits)) * _UNITS[unit])


def _parse(run: Run, layout: Any, text: Any) -> Any:
    name = text_of(layout, 1)
    return _in_range(parse_time(LAYOUTS.get(name, name), text_of(text, 2)))


TIME: Final[dict[str, Builtin]] = {
    "time.add_date": _add_date,
    "time.clock": _clock,
    "time.date": _date,
    "time.diff": _diff,
    "time.format": _format,
    "time.now_ns": _now,
    "time.parse_duration_ns": _duration,
    "time.parse_ns": _parse,
    "time.parse_rfc3339_ns": lambda run, text: _parse(run, "RFC3339", text_of(text)),
    "time.weekday": _weekday,
}
