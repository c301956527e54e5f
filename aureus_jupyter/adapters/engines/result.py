"""A result held once, as Arrow, and given out as pandas, Polars or text when asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from aureus_jupyter.errors import Unavailable, UserError
from aureus_jupyter.ports import RawColumn

from .arrow import pa
from .digest import digest_of
from .frame import as_text, frame_of, unique_names

__all__ = ["ArrowResult"]

_LARGE = 100_000
"""Rows from which on a result is hashed ahead, and its memory shared with the frame."""


class ArrowResult:
    """Implements `ports.ResultTable` over a `pyarrow.Table`.

    `types` are the DuckDB type of each column; repeated names get `_1`, `_2`, ... as DuckDB's own frames do. A large
    result is hashed in a thread of its own from the start, while the caller converts it.
    """

    def __init__(self, table: Any, types: Sequence[str], truncated: bool = False) -> None:
        names = unique_names(table.column_names)
        self._columns = tuple(RawColumn(name=n, type=t) for n, t in zip(names, types, strict=True))
        self._table = table.rename_columns(names)
        self._truncated = truncated
        self._frame: Any = None
        self._digest: tuple[str, str] | None = None
        self._lock = threading.Lock()
        self._hashing: threading.Thread | None = None
        if table.num_rows >= _LARGE:
            self._hashing = threading.Thread(target=self._hash, args=(self._table,), name="aureus-digest", daemon=True)
            self._hashing.start()

    @property
    def columns(self) -> tuple[RawColumn, ...]:
        """The result's columns, with the engine's types."""
        return self._columns

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self._table.num_rows)

    @property
    def truncated(self) -> bool:
        """Whether the statement had more rows than its cap."""
        return self._truncated

    def digest(self) -> tuple[str, str]:
        """Return (digest, method); see `digest.py` for the method. Computed once."""
        if self._hashing is not None:
            self._hashing.join()
            self._hashing = None
        if self._digest is None:
            self._digest = digest_of(self._table)
        return self._digest

    def _hash(self, table: Any) -> None:
        self._digest = digest_of(table)

    def preview(self, rows: int) -> list[list[str | None]]:
        """Return the first rows as the text DuckDB writes for them; None is NULL. Times are in UTC."""
        head = self._table.slice(0, max(0, rows))
        return as_text([c.type for c in self._columns], head.columns)

    def to_pandas(self) -> Any:
        """Return a data frame with the types of DuckDB's own `.df()`; later changes to it do not reach this result.

        Raises UserError `no_frame_type` for a type pandas has no place for.
        """
        names, types = [c.name for c in self._columns], [c.type for c in self._columns]
        if self._table.num_rows < _LARGE:
            return frame_of(names, types, list(self._table.columns))
        with self._lock:
            if self._frame is None:
                columns = list(self._table.columns)
                self._frame = frame_of(names, types, columns)
                self._table = type(self._table).from_arrays(columns, names=names)
            # pandas copies on write as long as this result holds the memory too.
            return self._frame.copy(deep=False)

    def to_arrow(self) -> Any:
        """Return the `pyarrow.Table`."""
        return self._table

    def to_polars(self) -> Any:
        """Return a `polars.DataFrame`. Raises Unavailable `polars_missing` without Polars, UserError `no_frame_type`."""
        try:
            import polars
        except ImportError:
            raise Unavailable(
                "polars_missing",
                "Polars is not installed here",
                hint="Install it with: pip install 'aureus-jupyter[polars]'",
            ) from None
        for column, field in zip(self._columns, self._table.schema, strict=True):
            # Polars has none of these, and inside of a nested type it does not raise but panics.
            if _holds(field.type, pa.types.is_interval) or _holds(field.type, pa.types.is_union):
                raise _no_polars(f"column {column.name} of type {column.type}")
        try:
            return polars.from_arrow(self._table)
        except (polars.exceptions.PolarsError, polars.exceptions.PanicException) as error:
            problem = type(error).__name__
        raise _no_polars(f"this result ({problem})")


def _holds(kind: Any, is_one: Callable[[Any], bool]) -> bool:
    """Whether an Arrow type is one, or holds one at any depth."""
    return is_one(kind) or any(_holds(kind.field(i).type, is_one) for i in range(kind.num_fields))


def _no_polars(what: str) -> UserError:
    return UserError(
        "no_frame_type",
        f"a Polars frame has no place for {what}",
        hint="Cast it in the statement, for example CAST(x AS VARCHAR), or use --frame arrow.",
    )
