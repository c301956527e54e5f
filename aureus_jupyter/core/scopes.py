"""What names mean at one place of a statement: the columns in scope, and the scopes around it.

Where the tree does not say which columns there are, resolving raises `UnknownColumnsError` rather than guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Col", "Relation", "Scope", "UnknownColumnsError", "resolve", "within"]


class UnknownColumnsError(Exception):
    """The tree does not say which columns there are."""


@dataclass(frozen=True, slots=True)
class Col:
    """A column in scope: folded name, sources, whether one row of it can show one source row, and how it was made."""

    name: str
    sources: frozenset[str]
    summary: bool = False
    label: bool = False
    how: str = "copied"


@dataclass(frozen=True, slots=True)
class Relation:
    """What FROM names: a table, a WITH part or a subquery, by its folded alias, with its columns in order."""

    alias: str
    columns: tuple[Col, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean at one place. `outer` is the enclosing query's scope, for correlated subqueries.

    Where `wall` is true, a name that is found beyond makes a subquery in FROM give other rows for each outer row; that
    is noted in `escaped`, one list for the whole statement.
    """

    relations: tuple[Relation, ...]
    ctes: Mapping[str, tuple[Col, ...]]
    outer: Scope | None = None
    locals: frozenset[str] = frozenset()
    laterals: tuple[Col, ...] = ()
    wall: bool = False
    escaped: list[bool] = field(default_factory=list)


def within(scope: Scope, wall: bool) -> Scope:
    """Return the scope in which a subquery of `scope` begins."""
    return Scope((), scope.ctes, scope, wall=wall, escaped=scope.escaped)


def resolve(parts: list[str], scope: Scope) -> Col | None:
    """Find the column a name means: in a named relation, in any relation, as a field, as a lateral alias, outside."""
    if len(parts) > 1:
        for relation in scope.relations:
            if relation.alias == parts[0]:
                found = next((c for c in relation.columns if c.name == parts[1]), None)
                if found is not None:
                    return found
    for relation in scope.relations:
        found = next((c for c in relation.columns if c.name == parts[0]), None)
        if found is not None:
            return found
    if len(parts) == 1 and (whole := _whole(parts[0], scope)) is not None:
        return whole
    if any(_has_unsaid_names(relation) for relation in scope.relations):
        raise UnknownColumnsError
    return _beyond(parts, scope)


def _whole(alias: str, scope: Scope) -> Col | None:
    """Return a relation's row as one column."""
    relation = next((r for r in scope.relations if r.alias == alias), None)
    return None if relation is None else Col(alias, frozenset().union(*(c.sources for c in relation.columns)))


def _beyond(parts: list[str], scope: Scope) -> Col | None:
    """Find what FROM does not name: an alias of the same SELECT, or something outside."""
    lateral = next((c for c in scope.laterals if c.name == parts[0]), None)
    if lateral is not None:
        return lateral
    if scope.outer is None:
        return None
    if scope.wall:
        scope.escaped.append(True)
    return resolve(parts, scope.outer)


def _has_unsaid_names(relation: Relation) -> bool:
    """Whether the engine gave a column a name that the tree does not hold: to an expression, or to a repeated name."""
    names = {c.name for c in relation.columns}
    return "" in names or len(names) < len(relation.columns)
