"""A summary as the guard's own questions about it are made of it: stretches of the user's text, and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass

from .plan import Parameter

__all__ = ["Answered", "Summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One plain summary of one dataset.

    `table` is the dataset's name and `alias` what the statement calls it; `where` (may be empty) and `keys` are its condition and
    group keys: all of them as the user wrote them, without the words around them. `counted` are the columns it counts, adds up
    or averages, as the contract spells them, sorted. `used` are the columns of the condition and the keys, likewise.
    """

    dataset: str
    table: str
    alias: str
    where: str = ""
    keys: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A summary that was answered, and over which rows: what the ledger keeps, and nothing of the answer.

    `values` are the parameters' values by name. `seen` is the condition of the row filter over raw columns, empty for all rows, and
    `others` the sources it compares with. `shown` is a digest of how the columns in `used` were shown.
    """

    summary: Summary
    values: tuple[tuple[str, Parameter], ...] = ()
    seen: str = ""
    others: tuple[str, ...] = ()
    shown: str = ""
