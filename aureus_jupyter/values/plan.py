"""How a cleared statement runs: the user's own text over shadow relations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .canonical import digest_json
from .facts import TableUse

__all__ = ["INNER_PAD", "MARK", "OUTER_PAD", "RAW", "Parameter", "Plan", "Shadow", "raw_marker"]

MARK = "$aureus_"
"""Begins what an engine fills in in a shadow's text. No name and no constant of a contract or policy may hold it."""

RAW = "aureus_raw"
"""The alias of the raw relation inside its shadow: every column is written with it."""

INNER_PAD, OUTER_PAD = f"'{MARK}inner_pad$'", f"'{MARK}outer_pad$'"
"""Stand for the mask key, padded as HMAC pads it, in a shadow's text: no text, plan, evidence or screen ever holds the key."""


def raw_marker(source: str) -> str:
    """Return what stands in a shadow's text for the raw relation of another dataset, called `source` in its contract."""
    return '"' + MARK + "raw$" + source.replace('"', '""') + '"'


Parameter = str | int | float | bool | None
"""What a notebook may bind to `:name`; dates and decimals are bound as text and cast by the statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """The relation a cell reads under a dataset's name: masked columns over filtered raw rows.

    `projection` lists every column the one who asks may know of, in the contract's order; `where` is empty or a condition over
    raw columns, which are written with the alias `RAW`; with `barrier` no expression of the statement is evaluated on a row the
    filter hides. `others` are the sources of datasets that the condition compares with, `columns` the names of the projection;
    what the guard adds to the projection for itself, at its end, has no name there.
    """

    dataset: str
    source: str
    projection: tuple[str, ...]
    where: str = ""
    barrier: bool = False
    others: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def keyed(self) -> bool:
        """Whether the text needs the mask key."""
        return any(OUTER_PAD in column for column in self.projection)

    def select(
        self,
        raw: str,
        pads: tuple[str, str] = (INNER_PAD, OUTER_PAD),
        others: Mapping[str, str] = MappingProxyType({}),
        beside: str = "",
    ) -> str:
        """Return the SELECT over the relation `raw`, with expressions for the padded keys in place of the markers.

        `others` names the raw relations of `self.others` by source; `beside` is one more relation, of one row, that the
        expressions for the keys read.
        """
        columns = ", ".join(self.projection).replace(INNER_PAD, pads[0]).replace(OUTER_PAD, pads[1])
        condition = self.where
        for source in self.others:
            marker = raw_marker(source)
            named = others.get(source, marker)
            columns, condition = columns.replace(marker, named), condition.replace(marker, named)
        where = f" WHERE {condition}" if condition else ""
        more = f" CROSS JOIN {beside}" if beside and self.keyed else ""
        barrier = " OFFSET 0" if self.barrier else ""
        return f"SELECT {columns} FROM {raw} AS {RAW}{more}{where}{barrier}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A statement and the shadows it runs over.

    `sql` is exactly what the user or the draft wrote. `bound` is the same text with each `:name` spelled as the
    engine's own placeholder, character for character otherwise. `rows` caps the rows fetched, or None. `reads` are the
    datasets and columns the verdict is about, for an engine that can compare them with its own reading; None is not known.
    `names` are the result's columns as the analysis has them, for the same use; empty is not known.
    """

    sql: str
    bound: str
    dialect: str
    shadows: tuple[Shadow, ...]
    parameters: tuple[str, ...] = ()
    rows: int | None = None
    reads: tuple[TableUse, ...] | None = None
    names: tuple[str, ...] = ()

    def rewritten(self) -> str:
        """Return the whole as one readable text for evidence and display. It is not what is executed."""
        views = [
            f'CREATE TEMP VIEW "{s.dataset}" AS {s.select(f"raw.{s.source}", others={o: f"raw.{o}" for o in s.others})};'
            for s in self.shadows
        ]
        return "\n".join([*views, self.sql])

    def digest(self) -> str:
        """Return a digest over everything that decides what runs, except parameter values."""
        return digest_json([self.rewritten(), self.dialect, list(self.parameters), self.rows])
