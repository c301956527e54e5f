"""What names mean at one place of a statement: the columns in scope, and the scopes around it.

Where the tree does not say which columns there are, or a name can be read in two ways, resolving raises
`UnknownColumnsError` rather than guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

__all__ = [
    "MAX_QUERIES",
    "MAX_READ",
    "Col",
    "Level",
    "Notes",
    "Relation",
    "Scope",
    "Table",
    "UnknownColumnsError",
    "hang_together",
    "holder",
    "joint",
    "own",
    "resolve",
    "within",
]


_CLOCK = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
"""Functions that SQL writes without brackets, so that they look like columns."""
_CONSTANTS = frozenset({"true", "false", "null"})
_MADE_UP = ("unnamed_subquery", "valueslist")
"""How the engine calls what has no name."""

MAX_QUERIES = 1_000
MAX_READ = 100_000


class UnknownColumnsError(Exception):
    """The tree does not say which columns there are, or which of two a name means."""


class Level(IntEnum):
    """How much a value tells about one source row: nothing, something about a person, or which row it is."""

    LABEL = 0
    MEASURE = 1
    IDENTITY = 2


@dataclass(frozen=True, slots=True)
class Col:
    """A column in scope: folded name, sources, whether it is a summary, what it tells, and how it was made.

    `places` are the relations its values come from. A statement could enumerate persons by comparing what one relation says
    of them with what another one holds, so values of two places are kept apart. `key`: it is a dataset's own column that
    tells which row it is; `unique`: no two rows of that dataset have the same.
    """

    name: str
    sources: frozenset[str]
    summary: bool = False
    level: Level = Level.IDENTITY
    how: str = "copied"
    places: frozenset[int] = frozenset()
    key: bool = False
    unique: bool = False

    @property
    def label(self) -> bool:
        """Whether it identifies nobody."""
        return self.level is Level.LABEL


def joint(columns: Iterable[Col]) -> tuple[Level, frozenset[int]]:
    """Return what columns tell together: what is measured of a person, held against another relation, can tell who it is."""
    columns = list(columns)
    level = max((c.level for c in columns), default=Level.LABEL)
    places = frozenset[int]().union(*(c.places for c in columns))
    return (Level.IDENTITY if level is Level.MEASURE and len(places) > 1 else level), places


@dataclass(frozen=True, slots=True)
class Table:
    """What a query gives. `rows`: one row of it can be one source row. `sound`: nothing in it picks or enumerates rows."""

    columns: tuple[Col, ...]
    rows: bool
    sound: bool
    fixed: bool = True
    """Of a WITH part: whether it reads no name outside of its own text, so that it is the same each time it is named."""
    reach: int = MAX_QUERIES
    """Of a WITH part: as in `Notes`."""
    measured: bool = False
    """Whether which of its rows are there was decided by what is measured of a person."""
    single: bool = False
    """Whether it has one row and no more, as an aggregate without groups has."""

    def spoilt(self) -> Table:
        """Return the table with columns that may each tell which row they come from."""
        return Table(
            tuple(replace(c, summary=False, level=Level.IDENTITY, key=False) for c in self.columns), True, False
        )


@dataclass(frozen=True, slots=True)
class Relation:
    """What FROM names: a table, a WITH part or a subquery, by its folded alias, with its columns in order."""

    alias: str
    columns: tuple[Col, ...]
    rows: bool = True
    whole: bool = True
    """Whether `columns` are all it has, in order: a column joined by USING stands on the left side only."""
    joined: tuple[Col, ...] = ()
    """Columns of its own that USING put on the left side: to be had by the relation's name."""
    single: bool = False
    """As in `Table`."""
    mark: int = 0
    """A number no other relation has."""
    repeats: bool = field(init=False, compare=False)
    """Whether a name stands twice. The engine then makes up names that the tree does not hold."""
    unnamed: bool = field(init=False, compare=False)
    """Whether a column has no name. The engine then names it by its text."""
    index: Mapping[str, Col] = field(init=False, compare=False)
    """The first column of each name."""

    def __post_init__(self) -> None:
        """Look once at the names: every name of a query is looked up in every relation."""
        index: dict[str, Col] = {}
        for column in self.columns:
            index.setdefault(column.name, column)
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "repeats", len(index) < len(self.columns))
        object.__setattr__(self, "unnamed", "" in index)


@dataclass(slots=True)
class Notes:
    """What is noted over a whole statement: `escaped` names of subqueries in FROM, places given out, and what
    was read: queries and columns.

    `told`: a subquery that is watched read a column outside which tells something of a row. `outside`: how often a name
    led out of its query. `reach`: the depth of the outermost scope in which such a name found a column that is no label.
    `tested`: a condition or a key reads what is measured of a person. `listed`: somewhere rows are multiplied, counted anew or
    told apart: a list beside them, a UNION, groups of rows, a subquery that reads more than keys outside. Both together could
    spell out, bit by bit, what is measured of each. `ties`: marks of two relations that a comparison of keys holds together.
    """

    escaped: bool = False
    told: bool = False
    ties: set[frozenset[int]] = field(default_factory=set)
    tested: bool = False
    listed: bool = False
    outside: int = 0
    reach: int = MAX_QUERIES
    places: int = 0
    queries: int = 0
    columns: int = 0

    def count(self, columns: int = 0) -> None:
        """Count a query, or columns that are read. A subquery is read for each question about it, so deep nests multiply."""
        self.queries += not columns
        self.columns += columns
        if self.queries > MAX_QUERIES or self.columns > MAX_READ:
            raise UnknownColumnsError

    def place(self) -> int:
        """Return a place that no other relation has."""
        self.places += 1
        return self.places


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean at one place. `outer` is the enclosing query's scope, for correlated subqueries.

    Where `wall` is true, a name that is found beyond makes a subquery in FROM give other rows for each outer row; that
    is noted. `grouped`: what is read here sees groups, so that a window counts those and no rows. `keys`: the columns it may
    name then; any other the engine looks for further outside.
    """

    relations: tuple[Relation, ...]
    ctes: Mapping[str, Table]
    outer: Scope | None = None
    locals: frozenset[str] = frozenset()
    laterals: tuple[Col, ...] = ()
    wall: bool = False
    watched: bool = False
    grouped: bool = False
    keys: frozenset[Col] | None = None
    depth: int = 0
    notes: Notes = field(default_factory=Notes)


def within(scope: Scope, wall: bool, watched: bool = False) -> Scope:
    """Return the scope in which a subquery of `scope` begins."""
    return Scope((), scope.ctes, scope, wall=wall, watched=watched, depth=scope.depth + 1, notes=scope.notes)


def resolve(parts: list[str], scope: Scope) -> Col | None:
    """Find the column a name means: in a named relation, in any relation, as a field, as a lateral alias, outside."""
    if len(parts) > 2 and scope.outer is not None:
        # A schema, a relation, a struct and its field: which of them it begins with, the engine tries in many places.
        raise UnknownColumnsError
    here = own(parts, scope)
    if here is not None:
        return here
    if len(parts) == 1 and (whole := _whole(parts[0], scope)) is not None:
        if _is_borne(parts[0], scope) or any(c.name == parts[0] for c in scope.laterals):
            raise UnknownColumnsError
        return whole
    if any(relation.unnamed for relation in scope.relations):
        raise UnknownColumnsError
    if len(parts) == 1 and parts[0] in _CLOCK and not _is_borne(parts[0], scope):
        if any(c.name == parts[0] for c in scope.laterals):
            raise UnknownColumnsError
        return Col(parts[0], frozenset(), summary=True, level=Level.LABEL, how="derived")
    return _beyond(parts, scope)


def own(parts: list[str], scope: Scope) -> Col | None:
    """Find the column of this scope's own relations that a name means, or of which it means a field."""
    found = dict.fromkeys(_qualified(parts, scope))
    for relation in scope.relations:
        plain = _column(relation, parts[0])
        if plain is not None:
            found.setdefault(plain if len(parts) == 1 or found else _field(plain, scope))
            break
    if len(found) > 1 or any(_may_hold(relation, parts) for relation in scope.relations):
        raise UnknownColumnsError
    # Names that the engine makes up for repeats are not in the tree.
    if not found and (_is_named_here(parts, scope) or any(r.repeats for r in scope.relations)):
        raise UnknownColumnsError
    return next(iter(found), None)


def _is_named_here(parts: list[str], scope: Scope) -> bool:
    """Whether a name begins with a relation of this scope, also one that the engine named, and so leads nowhere else."""
    begun = {relation.alias for relation in scope.relations}.intersection(parts[:-1])
    return bool(begun) or any(part.startswith(_MADE_UP) for part in parts[:-1])


def _is_borne(name: str, scope: Scope) -> bool:
    """Whether anything outside bears a name that is no column here: the engine may take that for it."""
    outer = scope.outer
    while outer is not None:
        columns = [c for r in outer.relations for c in (*r.columns, *r.joined)]
        if name in {r.alias for r in outer.relations} or any(c.name == name for c in (*columns, *outer.laterals)):
            return True
        outer = outer.outer
    return False


def holder(parts: list[str], scope: Scope) -> tuple[Relation, Col] | None:
    """Return the relation of this scope whose key a name means, and the key, or None."""
    column = own(parts, scope)
    if column is None or not column.key:
        return None
    named = [r for r in scope.relations if len(parts) == 1 or r.alias == parts[-2]]
    return next(((r, column) for r in named if column in r.columns or column in r.joined), None)


def hang_together(relations: Iterable[Relation], ties: Iterable[frozenset[int]]) -> bool:
    """Whether comparisons of keys hold all these relations together, so that a row of one is about what a row of another is."""
    groups = [{relation.mark} for relation in relations]
    for tie in ties:
        touched = [g for g in groups if g & tie]
        groups = [g for g in groups if not g & tie] + ([set().union(*touched)] if touched else [])
    return len(groups) < 2


def _field(whole: Col, scope: Scope) -> Col:
    """Return what a field of a column is: no key. A column without that field leaves the name to what is outside."""
    outer = scope.outer
    while outer is not None:
        if outer.relations or outer.laterals:
            raise UnknownColumnsError
        outer = outer.outer
    return replace(whole, key=False)


def _qualified(parts: list[str], scope: Scope) -> Iterable[Col]:
    """Yield each column that `relation.column` can mean, with or without a schema and a database before it."""
    for place in range(len(parts) - 1):
        for relation in scope.relations:
            if relation.alias != parts[place]:
                continue
            column = _column(relation, parts[place + 1])
            column = column or next((c for c in relation.joined if c.name == parts[place + 1]), None)
            if column is not None:
                yield column if place + 2 == len(parts) else _field(column, scope)


def _column(relation: Relation, name: str) -> Col | None:
    return relation.index.get(name)


def _whole(alias: str, scope: Scope) -> Col | None:
    """Return a relation's row as one column."""
    relation = next((r for r in scope.relations if r.alias == alias), None)
    if relation is None:
        return None
    level, places = joint(relation.columns)
    sources = frozenset[str]().union(*(c.sources for c in relation.columns))
    return Col(alias, sources, level=level, places=places)


def _beyond(parts: list[str], scope: Scope) -> Col | None:
    """Find what FROM does not name: an alias of the same SELECT, or something outside."""
    lateral = [c for c in scope.laterals if c.name == parts[0]]
    if lateral:
        if len(lateral) > 1 or len(parts) > 1 or _is_borne(parts[0], scope):
            raise UnknownColumnsError
        return lateral[0]
    if scope.outer is None:
        return None
    scope.notes.outside += 1
    if scope.wall:
        scope.notes.escaped = True
    if scope.outer.keys is not None:
        named = own(parts, scope.outer)
        if named is not None and named not in scope.outer.keys:
            raise UnknownColumnsError
    found = resolve(parts, scope.outer)
    scope.notes.listed |= found is None or not found.key
    if found is None or not found.label:
        scope.notes.told |= scope.watched
        scope.notes.reach = min(scope.notes.reach, scope.outer.depth)
    return found


def _may_hold(relation: Relation, parts: list[str]) -> bool:
    """Whether the engine may have made up one of the names, which then means another column than the one that bears it.

    It numbers a repeated name, and names an expression by its text, which is no plain word.
    """
    unsaid = relation.unnamed and not all(p.isidentifier() and p not in _CONSTANTS for p in parts)
    return (relation.repeats or unsaid) and any(p == relation.alias or p in relation.index for p in parts)
