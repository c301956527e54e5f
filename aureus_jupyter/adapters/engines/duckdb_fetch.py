"""Rows out of DuckDB, a batch at a time, so that caps and cancels hold and the text stays as it is."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

from aureus_jupyter.errors import Unavailable, UserError
from aureus_jupyter.values.plan import Parameter

from .arrow import pa
from .result import ArrowResult

__all__ = ["fetch"]

_BATCH = 1_000_000
_NO_ARROW = re.compile(r"\b(UHUGEINT|BIGNUM|TIME WITH TIME ZONE|TUPLE(?!\())")


def fetch(
    con: Any,
    text: str,
    values: Mapping[str, Parameter],
    rows: int | None,
    memory_bytes: int | None,
    stop: threading.Event,
) -> ArrowResult:
    """Run `text` and return at most `rows` rows; one more is read to know whether there are more.

    Ends early, with what it has, when `stop` is set. Raises UserError `no_result_type`, Unavailable `memory_limit` when
    the rows take more than `memory_bytes`, and DuckDB's or Arrow's own errors.
    """
    relation = con.sql(text, params=dict(values)) if values else con.sql(text)
    types = [str(kind) for kind in relation.types]
    _check_types(relation.columns, types)
    reader = relation.to_arrow_reader(_BATCH if rows is None else min(_BATCH, rows + 1))
    try:
        schema, batches, more = reader.schema, *_batches(reader, rows, memory_bytes, stop)
    finally:
        reader.close()
    table = pa.Table.from_batches(batches, schema)
    return ArrowResult(table if rows is None else table.slice(0, rows), types, truncated=more)


def _batches(reader: Any, rows: int | None, memory_bytes: int | None, stop: threading.Event) -> tuple[list[Any], bool]:
    """Return the batches up to the cap, and whether there are more rows."""
    batches, count, size = [], 0, 0
    for batch in reader:
        batches.append(batch)
        count += batch.num_rows
        size += batch.nbytes
        if memory_bytes is not None and size > memory_bytes:
            raise Unavailable(
                "memory_limit",
                f"the result takes more than the {memory_bytes // 2**20} MiB it may",
                hint="Select fewer columns or rows, or aggregate.",
            )
        if stop.is_set() or (rows is not None and count > rows):
            break
    return batches, rows is not None and count > rows


def _check_types(names: list[str], types: list[str]) -> None:
    for name, kind in zip(names, types, strict=True):
        if _NO_ARROW.search(kind):
            raise UserError(
                "no_result_type",
                f"the column {name} has the type {kind}, which a result cannot hold exactly",
                hint=f"Cast it in the statement, for example CAST({name} AS VARCHAR).",
            )
