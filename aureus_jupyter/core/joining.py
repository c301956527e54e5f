"""How tables are put together: the arms of a set operation, the sides of a join by USING."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from aureus_jupyter.core.exposure import pairs_soundly
from aureus_jupyter.core.scopes import Col, Level, Relation, Scope, Table, UnknownColumnsError, holder, joint
from aureus_jupyter.values.catalog import fold

__all__ = ["joined", "merged", "merges", "missing", "renamed", "tie_of", "ties"]


def merged(parts: Sequence[Table], scope: Scope) -> Table:
    """Join the arms of a set operation by position."""
    if len({len(part.columns) for part in parts}) != 1:
        raise UnknownColumnsError
    # Each arm's constants are values of their own.
    placed = [
        [c if c.places else replace(c, places=frozenset({scope.notes.place()})) for c in p.columns] for p in parts
    ]
    arms = list(zip(*placed, strict=True))
    columns = tuple(_either(same[0].name, same) for same in arms)
    measured = any(part.measured for part in parts)
    if measured:
        # Which arm a row comes from tells what is measured, so what tells the arms apart does.
        columns = tuple(c if _is_same(same) else _hidden(c) for c, same in zip(columns, arms, strict=True))
    return Table(columns, any(part.rows for part in parts), all(part.sound for part in parts), measured=measured)


def _is_same(same: Sequence[Col]) -> bool:
    """Whether a column is the same one of a dataset in every arm."""
    return all(c.how == "copied" and c.sources and c.sources == same[0].sources for c in same)


def _hidden(column: Col) -> Col:
    """Return a column that is there, or what it is, by what is measured of a person."""
    return replace(column, level=max(column.level, Level.MEASURE), key=False)


def missing(relations: Iterable[Relation]) -> list[Relation]:
    """Return the side of an outer join whose rows are missing by what is measured: that a column is NULL tells it."""
    return [
        replace(
            r,
            columns=tuple(_hidden(c) for c in r.columns),
            joined=tuple(_hidden(c) for c in r.joined),
        )
        for r in relations
    ]


def merges(columns: Iterable[Col]) -> bool:
    """Whether leaving out repeated rows compares what identifies with something else: how many are left tells which are equal."""
    return any(joint([c])[0] is Level.IDENTITY and not c.key for c in columns)


def joined(left: list[Relation], right: list[Relation], using: list[str]) -> tuple[list[Relation], bool]:
    """Put two sides next to each other; a USING column shows once and comes from both."""
    if not using:
        return left + right, True
    both = {name: [c for r in left + right for c in r.columns if c.name == name] for name in using}
    sound = all(pairs_soundly(same[0], other) for same in both.values() for other in same[1:])
    # A RIGHT or FULL join shows the right side's value, so it is only what both sides are.
    shared = {name: _either(name, same) for name, same in both.items()}
    first = [replace(r, columns=tuple(shared.get(c.name, c) for c in r.columns)) for r in left]
    rest = [_without(r, set(shared)) for r in right]
    return first + rest, sound


def _without(relation: Relation, shared: set[str]) -> Relation:
    """Return the right side of a join without what USING shows on the left."""
    joined = tuple(c for c in relation.columns if c.name in shared)
    columns = tuple(c for c in relation.columns if c.name not in shared)
    return replace(relation, columns=columns, whole=False, joined=(*relation.joined, *joined))


def _either(name: str, same: Sequence[Col]) -> Col:
    """Return a column that is one of several: only what all of them are."""
    sources = frozenset[str]().union(*(c.sources for c in same))
    how = same[0].how if len({c.how for c in same}) == 1 else "derived"
    level, places = max(c.level for c in same), frozenset[int]().union(*(c.places for c in same))
    return Col(
        name,
        sources,
        all(c.summary for c in same),
        level,
        how,
        places,
        all(c.key for c in same),
        all(c.unique for c in same),
    )


Tie = frozenset[int]


def ties(condition: Any, scope: Scope) -> list[Tie]:
    """Return which relations of a scope the comparisons of keys in a condition hold together."""
    if not isinstance(condition, dict):
        return []
    if condition.get("type") == "CONJUNCTION_AND":
        return [tie for child in condition["children"] for tie in ties(child, scope)]
    sides = [condition.get("left"), condition.get("right")]
    if condition.get("type") != "COMPARE_EQUAL" or not all(s and s["type"] == "COLUMN_REF" for s in sides):
        return []
    return tie_of([holder([fold(n) for n in side["column_names"]], scope) for side in sides if side])


def tie_of(found: Sequence[tuple[Relation, Col] | None]) -> list[Tie]:
    """Return that relations hang together, where all are known and one row of the one is one of the other's at most."""
    known = [f for f in found if f is not None]
    one = len(known) == len(found) and any(column.unique for _, column in known)
    return [frozenset(relation.mark for relation, _ in known)] if one else []


def renamed(columns: Iterable[Col], aliases: Any) -> tuple[Col, ...]:
    """Return columns under the names that an alias gives them, the first of them where it gives fewer."""
    names, columns = list(aliases or ()), list(columns)
    if (
        names
        and len(columns) > len(names)
        and ("" in (all_names := {c.name for c in columns}) or len(all_names) < len(columns))
    ):
        # The engine makes up names for the rest.
        raise UnknownColumnsError
    return tuple(replace(c, name=fold(names[i]) if i < len(names) else c.name) for i, c in enumerate(columns))
