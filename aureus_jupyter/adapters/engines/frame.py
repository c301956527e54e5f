"""From Arrow columns to the data frame DuckDB itself would give, without going through Python objects, but never another value.

The types are those of `duckdb`'s own `.df()`: nullable integers where there are NULLs, `str` on Arrow memory,
microseconds for dates, floats for decimals. The common types are converted here, in place where possible; any other
type is handed to DuckDB's own conversion, so that it cannot differ. Where that would give another value, `frame_exact` keeps it:
sums of integers are integers, decimals beyond fifteen digits are Python's, and intervals with months are text.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from aureus_jupyter.errors import UserError

from . import frame_exact
from .arrow import pa

__all__ = ["as_text", "frame_of", "unique_names"]

_DAY = 86_400_000_000
_LAST_DAY = (2**63 - 1) // _DAY
_TEXT = pd.StringDtype(storage="pyarrow", na_value=np.nan)
_Texts: Any = pd.arrays.ArrowStringArray
_INTEGERS: dict[str, Any] = {
    "int8": pd.Int8Dtype(),
    "int16": pd.Int16Dtype(),
    "int32": pd.Int32Dtype(),
    "int64": pd.Int64Dtype(),
    "uint8": pd.UInt8Dtype(),
    "uint16": pd.UInt16Dtype(),
    "uint32": pd.UInt32Dtype(),
    "uint64": pd.UInt64Dtype(),
}


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names with `_1`, `_2`, ... added to repeats, upper and lower case being one, as DuckDB does."""
    taken: set[str] = set()
    counts: dict[str, int] = {}
    found = []
    for name in names:
        candidate, low = name, name.lower()
        while candidate.lower() in taken:
            counts[low] = counts.get(low, 0) + 1
            candidate = f"{name}_{counts[low]}"
        taken.add(candidate.lower())
        found.append(candidate)
    return tuple(found)


def frame_of(names: Sequence[str], types: Sequence[str], columns: list[Any]) -> Any:
    """Return a `pandas.DataFrame` of Arrow columns whose DuckDB types are `types`.

    Replaces an entry of `columns` by an Arrow column over the frame's own memory where the two can share it, so that
    the rows are not held twice. Raises UserError `no_frame_type` for a type pandas has no place for.
    """
    series: dict[str, Any] = {}
    for i, name in enumerate(names):
        series[name], columns[i] = _convert(name, types[i], columns[i])
    rows = len(columns[0]) if columns else 0
    return pd.DataFrame(series, index=pd.RangeIndex(rows), copy=False)


def as_text(types: Sequence[str], columns: Sequence[Any]) -> list[list[str | None]]:
    """Return the rows of Arrow columns as DuckDB writes them; None is NULL. Meant for few rows."""
    if not columns:
        return []
    simple = [_plain_text(column) for column in columns]
    if all(cells is not None for cells in simple):
        return [list(row) for row in zip(*(cells for cells in simple if cells is not None), strict=True)]
    renamed = [f"c{i}" for i in range(len(columns))]
    wanted = ", ".join(f"CAST({_cast(c, t)} AS VARCHAR)" for c, t in zip(renamed, types, strict=True))
    with _CONVERTER:
        rows = _converter().from_arrow(pa.table(list(columns), names=renamed)).project(wanted).fetchall()
    return [list(row) for row in rows]


def _plain_text(column: Any) -> list[str | None] | None:
    """Return a column as text without asking DuckDB, or None where its spelling is not simply Python's."""
    kind = str(column.type)
    if kind in _INTEGERS or kind in {"large_string", "string"} or kind.startswith("decimal128"):
        values = column.to_pylist()
        return [None if v is None else f"{v:f}" if kind.startswith("decimal") else str(v) for v in values]
    if kind == "date32[day]":
        days = column.cast("int32").to_pylist()
        # From the year 1 to 9999 Python and DuckDB write dates alike.
        if all(day is None or -719_162 <= day <= 2_932_896 for day in days):
            return [None if v is None else v.isoformat() for v in column.to_pylist()]
    if kind == "double":
        values = column.to_pylist()
        # Between these bounds both write the shortest digits without an exponent.
        if all(v is None or v == 0 or 1e-4 <= abs(v) < 1e15 for v in values):
            return [None if v is None else repr(v) for v in values]
    return None


def _convert(name: str, kind: str, column: Any) -> tuple[Any, Any]:
    kept = frame_exact.exact(name, kind, column)
    if kept is not None:
        return kept, column
    make = _fast(column) if len(column) and not _RETYPED.search(kind) else None
    made = make(column) if make is not None else None
    return made if made is not None else (_duckdb(name, kind, column), column)


def _fast(column: Any) -> Callable[[Any], tuple[Any, Any] | None] | None:
    """Return the conversion for the column's Arrow type, or None where DuckDB's own is to be used."""
    kind = column.type
    if str(kind) in _INTEGERS:
        return _integers
    if pa.types.is_timestamp(kind):
        return _times if kind.tz is None or kind.unit == "us" else None
    by_name: dict[str, Callable[[Any], tuple[Any, Any] | None]] = {
        "float": _floats,
        "double": _floats,
        "bool": _flags,
        "large_string": _texts,
        "date32[day]": _dates,
    }
    return by_name.get(str(kind))


def _integers(column: Any) -> tuple[Any, Any]:
    values, mask = _values(column)
    if mask is None:
        return values, _over(column.type, values)
    values[mask] = 1  # as DuckDB leaves it; the mask decides
    return pd.arrays.IntegerArray(values, mask), _over(column.type, values, mask)


def _floats(column: Any) -> tuple[Any, Any]:
    values, mask = _values(column)
    if mask is not None:
        values[mask] = np.nan
    return values, _over(column.type, values, mask)


def _flags(column: Any) -> tuple[Any, Any]:
    values = column.fill_null(False).to_numpy()
    if not values.flags.writeable:
        values = values.copy()
    return (pd.arrays.BooleanArray(values, _mask(column)) if column.null_count else values), column


def _texts(column: Any) -> tuple[Any, Any] | None:
    if column.null_count == len(column):
        return None
    whole = pa.chunked_array([column.combine_chunks()], column.type) if column.num_chunks > 1 else column
    return _Texts(whole, dtype=_TEXT), whole


def _dates(column: Any) -> tuple[Any, Any] | None:
    days, mask = _values(column)
    if mask is not None:
        days[mask] = 0
    if days.max(initial=0) > _LAST_DAY or days.min(initial=0) < -_LAST_DAY:
        return None
    values = np.multiply(days, _DAY, dtype=np.int64)
    return _moments(values, mask, "us"), column


def _times(column: Any) -> tuple[Any, Any]:
    values, mask = _values(column)
    shared = _over(column.type, values) if mask is None else column
    moments = _moments(values, mask, column.type.unit)
    if column.type.tz is None:
        return moments, shared
    return pd.Series(moments, copy=False).dt.tz_localize("UTC").dt.tz_convert(column.type.tz), shared


def _moments(values: Any, mask: Any, unit: str) -> Any:
    if mask is not None:
        values[mask] = np.iinfo(np.int64).min  # NaT
    return values.view(f"datetime64[{unit}]")


def _values(column: Any) -> tuple[Any, Any]:
    """Return (values, mask): one writable block of the column's fixed-width values, and where it is NULL or None."""
    kind = column.type
    dtype = np.dtype(f"int{kind.bit_width}") if pa.types.is_temporal(kind) else np.dtype(kind.to_pandas_dtype())
    values = np.empty(len(column), dtype)
    place = 0
    for chunk in column.chunks:
        part = np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * dtype.itemsize)
        values[place : place + len(chunk)] = part
        place += len(chunk)
    return values, _mask(column) if column.null_count else None


def _mask(column: Any) -> Any:
    mask = column.is_null().to_numpy()
    return mask if mask.flags.writeable else mask.copy()


def _over(kind: Any, values: Any, mask: Any = None) -> Any:
    """Return an Arrow column over the memory of `values`."""
    validity = None if mask is None else pa.array(~mask).buffers()[1]
    return pa.chunked_array([pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(values)])])


_CONVERTER = threading.Lock()


@cache
def _converter() -> Any:
    """Return a DuckDB without data or files, used for its conversions only."""
    import duckdb

    con = duckdb.connect()
    for setting in ("TimeZone='UTC'", "threads=1", "enable_external_access=false", "lock_configuration=true"):
        con.execute(f"SET GLOBAL {setting}")
    return con


_RETYPED = re.compile(r"\b(UUID|ENUM|TUPLE|HUGEINT)\b")


def _cast(name: str, kind: str) -> str:
    """Return the expression that gives the column its DuckDB type back where Arrow's type does not carry it."""
    return f"CAST({name} AS {kind})" if _RETYPED.search(kind) else name


def _duckdb(name: str, kind: str, column: Any) -> Any:
    import duckdb

    if kind == "BIT":
        return pd.Series([pd.NA if value is None else value for value in column.to_pylist()], dtype=object)
    problem = None
    with _CONVERTER:
        try:
            relation = _converter().from_arrow(pa.table([column], names=["c0"]))
            return relation.project(f"{_cast('c0', kind)} AS c0").df()["c0"]
        except duckdb.Error as error:
            problem = type(error).__name__
    raise UserError(
        "no_frame_type",
        f"a data frame has no place for column {name} of type {kind} ({problem})",
        hint=f"Cast it in the statement, for example CAST({name} AS VARCHAR), or take the result as Arrow.",
    )
