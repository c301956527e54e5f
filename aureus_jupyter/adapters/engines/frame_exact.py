"""Values that pandas has no type of its own for, kept as they are: a sum of money must not change on its way into a data frame.

DuckDB's own conversion makes floats of all of them. `pandas.DataFrame` columns of Python's own integers and decimals are slow, so
they are made only where a float would be another amount.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from aureus_jupyter.errors import UserError

from .arrow import pa

__all__ = ["exact"]

_DIGITS = 15
"""So many decimal digits survive a float and back (IEEE 754 binary64)."""
_ENDLESS = 2**63 - 1


def exact(name: str, kind: str, column: Any) -> Any:
    """Return a column of whole numbers, decimals or intervals with months as pandas holds it; None for any other.

    Raises UserError `no_frame_type` for a time that is infinite, which pandas would show as a date.
    """
    if kind == "HUGEINT":
        return _whole(column)
    if pa.types.is_decimal128(column.type):
        return _decimals(column) if len(column) else None
    if kind == "INTERVAL":
        return _with_months(column) if _has_months(column) else None
    if pa.types.is_timestamp(column.type) and _is_endless(column):
        raise UserError(
            "no_frame_type",
            f"the column {name} holds an infinite time, which a data frame would show as a date",
            hint=f"Filter it out, cast it in the statement, CAST({name} AS VARCHAR), or take the result as Arrow.",
        )
    return None


def _whole(column: Any) -> Any:
    """Return int64, or pandas' Int64 where there are NULLs; Python's own integers where one is larger."""
    values = np.empty(len(column), np.int64)
    place = 0
    for chunk in column.chunks:
        part, _, fits = _words(chunk)
        if not fits:
            return pd.Series([None if v is None else int(v) for v in column.to_pylist()], dtype=object)
        values[place : place + len(chunk)] = part
        place += len(chunk)
    if not column.null_count:
        return values
    values[_nulls(column)] = 1
    return pd.arrays.IntegerArray(values, _nulls(column))


def _decimals(column: Any) -> Any:
    """Divide the unscaled value by the power of ten, as DuckDB does; None where DuckDB itself must, as its words are long.

    Python's decimals where a float would not hold cents, or the value's own digits when it has fewer than two decimals.
    """
    kind, place = column.type, 0
    values = np.empty(len(column), np.float64)
    bound = 10 ** (_DIGITS + max(0, kind.scale - 2))
    for chunk in column.chunks:
        part, high, fits = _words(chunk)
        if kind.precision > _DIGITS and _largest(part, high, fits) > bound:
            return pd.Series(column.to_pylist(), dtype=object)
        if not fits:
            return None
        np.divide(part, 10.0**kind.scale, out=values[place : place + len(chunk)])
        place += len(chunk)
    if column.null_count:
        values[_nulls(column)] = np.nan
    return values


def _largest(low: Any, high: Any, fits: bool) -> int:
    """Return the largest magnitude, or a little more where values take both words."""
    if fits:
        return max(int(low.max(initial=0)), -int(low.min(initial=0)))
    return (max(int(high.max(initial=0)), -int(high.min(initial=0))) + 1) << 64


def _words(chunk: Any) -> tuple[Any, Any, bool]:
    """Return the low and high halves of 128-bit integers, and whether the low ones are the whole of each; NULLs are 0."""
    if not len(chunk):
        return np.empty(0, np.int64), np.empty(0, np.int64), True
    words = np.frombuffer(chunk.buffers()[1], "<i8", 2 * len(chunk), 16 * chunk.offset)
    low, high = words[::2], words[1::2]
    if chunk.null_count:
        nulls = chunk.is_null().to_numpy(zero_copy_only=False)
        low, high = np.where(nulls, 0, low), np.where(nulls, 0, high)
    if chunk.type.precision <= _DIGITS:
        return low, high, True
    return low, high, bool(np.array_equal(high, low >> 63))


def _has_months(column: Any) -> bool:
    return any(value is not None and value.months for value in column.to_pylist())


def _with_months(column: Any) -> Any:
    from .frame import as_text

    return pd.Series([value for (value,) in as_text(["INTERVAL"], [column])], dtype=object)


def _is_endless(column: Any) -> bool:
    """Whether a time is DuckDB's infinity, which is the largest number there is, or the smallest but one."""
    for chunk in column.chunks:
        if len(chunk):
            values = np.frombuffer(chunk.buffers()[1], np.int64, len(chunk), 8 * chunk.offset)
            if values.max() == _ENDLESS or (values == -_ENDLESS).any():
                return not chunk.null_count or any(abs(v or 0) == _ENDLESS for v in chunk.cast("int64").to_pylist())
    return False


def _nulls(column: Any) -> Any:
    return column.is_null().to_numpy()
