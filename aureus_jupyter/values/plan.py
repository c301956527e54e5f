"""How a cleared statement runs: the user's own text over shadow relations."""

from __future__ import annotations

from dataclasses import dataclass

from .canonical import digest_json
from .facts import TableUse

__all__ = ["KEY_MARKER", "Parameter", "Plan", "Shadow"]

KEY_MARKER = "'$aureus_mask_key$'"
"""Stands for the mask key in a shadow's text, so that neither evidence nor a screen ever holds the key."""

Parameter = str | int | float | bool | None
"""What a notebook may bind to `:name`; dates and decimals are bound as text and cast by the statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """The relation a cell reads under a dataset's name: masked columns over filtered raw rows.

    `projection` lists every column of the contract in order; `where` is empty or a condition over raw columns;
    with `barrier` no expression of the statement is evaluated on a row the filter hides.
    """

    dataset: str
    source: str
    projection: tuple[str, ...]
    where: str = ""
    barrier: bool = False

    def select(self, raw: str, key: str = KEY_MARKER) -> str:
        """Return the SELECT over the relation `raw`, with `key` (a quoted literal) in place of the marker."""
        columns = ", ".join(self.projection).replace(KEY_MARKER, key)
        where = f" WHERE {self.where}" if self.where else ""
        barrier = " OFFSET 0" if self.barrier else ""
        return f"SELECT {columns} FROM {raw}{where}{barrier}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A statement and the shadows it runs over.

    `sql` is exactly what the user or the draft wrote. `bound` is the same text with each `:name` spelled as the
    engine's own placeholder, character for character otherwise. `rows` caps the rows fetched, or None. `reads` are the
    datasets and columns the verdict is about, for an engine that can compare them with its own reading; None is not known.
    """

    sql: str
    bound: str
    dialect: str
    shadows: tuple[Shadow, ...]
    parameters: tuple[str, ...] = ()
    rows: int | None = None
    reads: tuple[TableUse, ...] | None = None

    def rewritten(self) -> str:
        """Return the whole as one readable text for evidence and display. It is not what is executed."""
        views = [f'CREATE TEMP VIEW "{s.dataset}" AS {s.select("raw." + s.source)};' for s in self.shadows]
        return "\n".join([*views, self.sql])

    def digest(self) -> str:
        """Return a digest over everything that decides what runs, except parameter values."""
        return digest_json([self.rewritten(), self.dialect, list(self.parameters), self.rows])
