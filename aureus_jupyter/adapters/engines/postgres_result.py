"""Rows of a PostgreSQL cursor as Arrow."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aureus_jupyter.adapters.engines.arrow import pa
from aureus_jupyter.adapters.engines.postgres_errors import time_limit
from aureus_jupyter.adapters.engines.result import ArrowResult
from aureus_jupyter.errors import Unavailable, UserError

__all__ = ["fetch"]

_FIRST, _BATCH = 500, 50_000
_BATCH_BYTES = 32 * 2**20
_DIGITS = 38
# Object identifiers of built-in types are part of PostgreSQL's interface (pg_type.dat).
_TYPES = {
    16: ("BOOLEAN", pa.bool_()),
    17: ("BLOB", pa.large_binary()),
    20: ("BIGINT", pa.int64()),
    21: ("SMALLINT", pa.int16()),
    23: ("INTEGER", pa.int32()),
    700: ("FLOAT", pa.float32()),
    701: ("DOUBLE", pa.float64()),
    1082: ("DATE", pa.date32()),
    1114: ("TIMESTAMP", pa.timestamp("us")),
    1184: ("TIMESTAMP WITH TIME ZONE", pa.timestamp("us", tz="UTC")),
}


def _type_of(column: Any) -> tuple[str, Any]:
    """Return (name, Arrow type): None for a numeric without a precision, whose scale the values decide; else text."""
    if column.type_code == 1700:
        if column.precision and column.precision <= 38:
            scale = max(0, column.scale or 0)
            return f"DECIMAL({column.precision},{scale})", pa.decimal128(column.precision, scale)
        return "DECIMAL", None
    return _TYPES.get(column.type_code, ("VARCHAR", pa.large_string()))


def fetch(cursor: Any, rows: int | None, memory_bytes: int | None, expired: Callable[[], bool]) -> ArrowResult:
    """Return at most `rows` rows; one more is read to know whether there are more.

    `expired` is asked between batches. Raises Unavailable `memory_limit` and `time_limit`, UserError `no_result_type`.
    """
    kinds = [_type_of(column) for column in cursor.description or ()]
    names = [column.name for column in cursor.description or ()]
    parts: list[list[Any]] = [[] for _ in kinds]
    count, size, step = 0, 0, _FIRST
    while batch := cursor.fetchmany(step if rows is None else min(step, rows + 1 - count)):
        for place, (_, kind) in enumerate(kinds):
            values = [row[place] for row in batch]
            parts[place].append(values if kind is None else _array(values, kind))
            size += 16 * len(values) if kind is None else parts[place][-1].nbytes
        count += len(batch)
        # Wide rows come few at a time, so that the limit is seen before the memory is gone.
        step = min(_BATCH, max(1, _BATCH_BYTES * count // max(1, size)))
        if memory_bytes is not None and size > memory_bytes:
            raise Unavailable(
                "memory_limit",
                f"the result takes more than the {memory_bytes // 2**20} MiB it may",
                hint="Select fewer columns or rows, or aggregate.",
            )
        if expired():
            raise time_limit()
        if rows is not None and count > rows:
            break
    return _result(names, kinds, parts, rows if rows is not None and count > rows else None)


def _result(names: list[str], kinds: list[tuple[str, Any]], parts: list[list[Any]], cut: int | None) -> ArrowResult:
    columns, types = [], []
    for name, (word, kind), chunks in zip(names, kinds, parts, strict=True):
        column = (
            _exact(name, [v for chunk in chunks for v in chunk]) if kind is None else pa.chunked_array(chunks, kind)
        )
        columns.append(column)
        types.append(f"DECIMAL({column.type.precision},{column.type.scale})" if kind is None else word)
    table = pa.Table.from_arrays(columns, names=names)
    return ArrowResult(table if cut is None else table.slice(0, cut), types, truncated=cut is not None)


def _exact(name: str, values: list[Any]) -> Any:
    """Return numerics without a declared precision as decimals that hold every digit, or refuse: never a rounded one."""
    finite = [v for v in values if v is not None]
    digits = [v.as_tuple() for v in finite]
    if all(isinstance(d.exponent, int) for d in digits):
        scale = max((-d.exponent for d in digits if d.exponent < 0), default=0)
        whole = max((len(d.digits) + d.exponent for d in digits), default=1)
        if max(whole, 1) + scale <= _DIGITS:
            return pa.chunked_array([pa.array(values, pa.decimal128(_DIGITS, scale))])
    raise _no_place(name)


def _no_place(name: str) -> UserError:
    return UserError(
        "no_result_type",
        f"the column {name} holds numbers that a result cannot hold exactly",
        hint=f"Cast it in the statement, for example CAST({name} AS numeric(38, 10)).",
    )


def _array(values: list[Any], kind: Any) -> Any:
    if pa.types.is_large_string(kind):
        return pa.array([None if v is None else _text(v) for v in values], kind)
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, OverflowError):
        raise UserError(
            "no_result_type", "a value of the result is not a number a data frame can hold", hint="Filter NaN out."
        ) from None


def _text(value: Any) -> str:
    """Return a value as text: JSON and arrays as JSON, not as Python writes them."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list)) else str(value)
