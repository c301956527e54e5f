"""Rows of a PostgreSQL cursor as Arrow."""

from __future__ import annotations

from typing import Any

from aureus_jupyter.adapters.engines.arrow import pa
from aureus_jupyter.adapters.engines.result import ArrowResult
from aureus_jupyter.errors import Unavailable

__all__ = ["fetch"]

_BATCH = 50_000
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
    """Return (name, Arrow type). A numeric without a precision becomes DOUBLE; what Arrow has no place for, text."""
    if column.type_code == 1700:
        if column.precision and column.precision <= 38:
            scale = max(0, column.scale or 0)
            return f"DECIMAL({column.precision},{scale})", pa.decimal128(column.precision, scale)
        return "DOUBLE", pa.float64()
    return _TYPES.get(column.type_code, ("VARCHAR", pa.large_string()))


def fetch(cursor: Any, rows: int | None, memory_bytes: int | None) -> ArrowResult:
    """Return at most `rows` rows; one more is read to know whether there are more. Raises Unavailable `memory_limit`."""
    columns = cursor.description or ()
    kinds = [_type_of(column) for column in columns]
    schema = pa.schema([pa.field(c.name, kind) for c, (_, kind) in zip(columns, kinds, strict=True)])
    batches, count, size = [], 0, 0
    while batch := cursor.fetchmany(_BATCH if rows is None else min(_BATCH, rows + 1 - count)):
        arrays = [_array([row[i] for row in batch], kind) for i, (_, kind) in enumerate(kinds)]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
        count += len(batch)
        size += batches[-1].nbytes
        if memory_bytes is not None and size > memory_bytes:
            raise Unavailable(
                "memory_limit",
                f"the result takes more than the {memory_bytes // 2**20} MiB it may",
                hint="Select fewer columns or rows, or aggregate.",
            )
        if rows is not None and count > rows:
            break
    table = pa.Table.from_batches(batches, schema)
    more = rows is not None and count > rows
    return ArrowResult(table.slice(0, rows) if more else table, [name for name, _ in kinds], truncated=more)


def _array(values: list[Any], kind: Any) -> Any:
    if pa.types.is_float64(kind):
        return pa.array([None if v is None else float(v) for v in values], kind)
    if pa.types.is_large_string(kind):
        return pa.array([None if v is None else str(v) for v in values], kind)
    return pa.array(values, kind)
