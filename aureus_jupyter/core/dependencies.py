"""What PostgreSQL itself says a statement depends on, judged against what we said it reads.

The server's analysis of the statement is the second reader: names are resolved there, before any optimizer could drop a
part. Pure: the adapter asks the server, this decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aureus_jupyter.core.bridge.postgres import SERVER_FUNCTIONS, SERVER_TYPES
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.facts import TableUse

__all__ = ["Dependencies", "check_dependencies"]

_REPORT = "Write the datasets' names alone, and please report the shape of this statement."


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """One statement as the server resolved it.

    `relations` has each relation's object id and the positions of the columns read, from 1; 0 is the row as a whole,
    less than 0 a system column. `functions` are names of `pg_catalog`, or `schema.name`. `types` likewise. Casts of the
    server's own and types of the shadows' own columns are in neither. `foreign` are the kinds of other objects that
    are not part of the server, such as an operator somebody made. `names` are the names of the result's columns; empty is not known.
    """

    relations: Mapping[int, frozenset[int]]
    functions: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()


def check_dependencies(
    found: Dependencies,
    shadows: Mapping[int, Dataset],
    reads: Sequence[TableUse] | None = None,
    names: Sequence[str] = (),
) -> None:
    """Refuse a statement whose server reading is not ours. `shadows` tells each shadow's object id.

    A shadow has the contract's columns in the contract's order. With `reads` the columns are compared as well: the
    server may see fewer than we said, never others; so are the result's columns with `names`, as labels go by their places.
    Raises Refused `binder_disagrees`, `function_not_allowed` or `type_not_allowed`.
    """
    if set(found.relations) != set(shadows):
        raise Refused(
            "binder_disagrees",
            "the server would read other relations than the statement's datasets",
            hint=_REPORT,
        )
    if found.foreign:
        raise Refused(
            "binder_disagrees",
            f"the statement would use something that is not the server's own ({', '.join(sorted(found.foreign))})",
            hint="Use PostgreSQL's own functions, operators and types, without a schema's name.",
        )
    unknown = sorted(found.functions - SERVER_FUNCTIONS)
    if unknown:
        raise Refused(
            "function_not_allowed",
            f"the server would call {unknown[0][:64]}, which is not on the reviewed list",
            hint="Use a standard aggregate, text or date function.",
        )
    unknown = sorted(found.types - SERVER_TYPES)
    if unknown:
        raise Refused(
            "type_not_allowed",
            f"the server would make a value of the type {unknown[0][:64]}, which is not on the reviewed list",
            hint="Use a standard type such as text, numeric, date or timestamp.",
        )
    for oid, dataset in shadows.items():
        _check_columns(found.relations[oid], dataset, reads)
    _check_names(found.names, names)


_ALIKE = frozenset({("extract", "date_part")})
"""A name as servers have it from PostgreSQL 14 on, and before."""


def _check_names(theirs: Sequence[str], ours: Sequence[str]) -> None:
    """Refuse other names, or another number of them. A parameter has no name to us, and its type's to a view, which has none."""
    pairs = list(zip(ours, theirs, strict=False))
    same = all(one in {other, "?column?"} or (one, other) in _ALIKE for one, other in pairs)
    if ours and theirs and (len(ours) != len(theirs) or not same):
        raise Refused(
            "binder_disagrees",
            "the server would make other columns of the result than the guard found",
            hint=_REPORT,
        )


def _check_columns(places: frozenset[int], dataset: Dataset, reads: Sequence[TableUse] | None) -> None:
    if reads is None:
        return
    said = {fold(name) for use in reads if fold(use.dataset) == fold(dataset.name) for name in use.columns}
    names = [fold(column.name) for column in dataset.columns]
    seen = set(names) if 0 in places else {names[place - 1] for place in places if 0 < place <= len(names)}
    if not seen <= said or any(place < 0 or place > len(names) for place in places):
        raise Refused(
            "binder_disagrees",
            f"the server would read other columns of {dataset.name} than the guard found",
            hint=_REPORT,
        )
