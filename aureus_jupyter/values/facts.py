"""What a statement would read, as the analysis found it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Facts", "OutputColumn", "TableUse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUse:
    """One dataset a statement reads, and the columns that can reach its result or its conditions.

    `columns` are the contract's spellings, in the contract's order: never fewer than the statement uses, all
    of them where the analysis cannot tell. `star` is true when the statement takes the row as a whole. `places` says of each
    column where it stands: output, predicate, join, group, order; never fewer than there are.
    """

    dataset: str
    columns: tuple[str, ...]
    star: bool = False
    places: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputColumn:
    """One column of the result and the `dataset.column` names it is computed from, sorted."""

    name: str
    sources: tuple[str, ...]
    how: str = "derived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the policies and the rewrite may know about a statement.

    `can_raise` is true unless every expression is known never to fail on any row; the rewrite then puts a
    barrier between the user's expressions and hidden rows. `aggregated` is true when no output row can be a
    single source row. `outputs` is empty when lineage per column is not known.
    """

    tables: tuple[TableUse, ...]
    functions: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    outputs: tuple[OutputColumn, ...] = ()
    aggregated: bool = False
    joins: int = 0
    has_filter: bool = False
    can_raise: bool = True
