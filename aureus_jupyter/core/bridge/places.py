"""What names mean at one place of a statement, by the rules of the engine that will run it.

The answer is a path that can mean nothing else: every relation has an alias of its own there, made with a character no cell can
hold, and every item of a select list too. So nothing that reads the path needs to know the engine's rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.nodes import Node
from aureus_jupyter.errors import UserError

__all__ = ["Found", "Output", "Part", "Place", "Query", "Relation", "ambiguous", "resolve"]


@dataclass(frozen=True, slots=True)
class Output:
    """A column of a query: the name the engine gives it, that name as it is looked up, and what bears its values in the tree."""

    name: str
    key: str
    alias: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query in the tree's layout, with its columns."""

    node: Node
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A WITH part: its name in the tree, and its columns. `ready` is false where it cannot be named yet, which refuses."""

    name: str
    outputs: tuple[Output, ...] = ()
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Relation:
    """What FROM names. `key` is the name as it is looked up, `columns` are its keys and what they mean, `dataset` its name if it is one."""

    key: str
    alias: str
    columns: tuple[tuple[str, Node], ...]
    dataset: str = ""


@dataclass(slots=True)
class Place:
    """What can be named at one place, and what is around it.

    `columns` are those to be had by their name alone, in the order of `*`. `aliases` are items of the same SELECT, where the
    engine looks for those as well. `locals` are parameters of a lambda. `depth` counts the queries around.
    """

    outer: Place | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    depth: int = 0
    relations: list[Relation] = field(default_factory=list)
    columns: list[tuple[str, Node]] = field(default_factory=list)
    aliases: dict[str, list[Node]] = field(default_factory=dict)
    windows: dict[str, Any] = field(default_factory=dict)
    locals: Mapping[str, str] = field(default_factory=dict)
    _index: dict[str, list[Node]] = field(default_factory=dict)
    _indexed: int = 0

    def below(self, parts: Mapping[str, Part] | None = None) -> Place:
        """Return the place in which a query of this place begins."""
        return Place(self, self.parts if parts is None else parts, self.depth + 1)

    def beside(self, relations: Sequence[Relation], columns: Sequence[tuple[str, Node]]) -> Place:
        """Return a place of the same query that sees these and no others."""
        return Place(self.outer, self.parts, self.depth, list(relations), list(columns))

    def named(self, key: str) -> list[Node]:
        """Return the columns that can be had by this name alone. `columns` only ever grows."""
        for name, node in self.columns[self._indexed :]:
            self._index.setdefault(name, []).append(node)
        self._indexed = len(self.columns)
        return self._index.get(key, [])

    def around(self) -> Iterator[Place]:
        """Yield this place and those around it, innermost first."""
        place: Place | None = self
        while place is not None:
            yield place
            place = place.outer


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means, and the depth of the query it belongs to. `sure`: no other reading is possible. `item`: it is an item's."""

    node: Node
    depth: int
    sure: bool = True
    item: bool = False


def ambiguous(name: str) -> UserError:
    """Return the refusal of a name that means several columns."""
    kept = "".join(c if c.isalnum() or c in "_ " else "?" for c in name[:64])
    return UserError(
        "ambiguous_column",
        f"the name {kept} could mean more than one column here",
        hint="Write the table before it: table.column.",
    )


def resolve(parts: Sequence[str], place: Place, fields: bool) -> Found | None:
    """Return what a name of keys means at a place, or None. `fields`: whether dots lead into structs, too.

    A column wins over a relation's whole row wherever it stands, and an inner one over an outer one. A name that an engine could
    also take otherwise means all that it could. Raises UserError `ambiguous_column`, and LookupError where a relation is meant
    that has no such column.
    """
    for here in place.around():
        found = _here(parts, here, fields)
        if found is not None and found.item and here.outer is not None:
            return _either(found, resolve(parts, here.outer, fields))
        if found is not None:
            return found
    if len(parts) > 1:
        return None
    for here in place.around():
        named = [r for r in here.relations if r.key == parts[0]]
        if named:
            return Found(nodes.column(_only(parts[0], named).alias), here.depth)
    return None


def _either(found: Found, other: Found | None) -> Found:
    """Return an item, or both it and what is outside under the same name."""
    return found if other is None else Found(nodes.call("row", [found.node, other.node]), found.depth, sure=False)


def _here(parts: Sequence[str], here: Place, fields: bool) -> Found | None:
    if parts[0] in here.locals:
        return Found(_fields(nodes.column(here.locals[parts[0]]), parts[1:]), here.depth)
    if len(parts) == 1:
        return _alone(parts[0], here)
    found = list(_qualified(parts, here, fields))
    whole = _alone(parts[0], here) if fields else None
    if whole is not None:
        found.append(_fields(whole.node, parts[1:]))
    if len(found) > 1:
        return Found(nodes.call("row", found), here.depth, sure=False)
    return Found(found[0], here.depth, item=whole is not None and whole.item) if found else None


def _qualified(parts: Sequence[str], here: Place, fields: bool) -> Iterator[Node]:
    """Yield what `relation.column` means; with fields behind it and a schema before it, if names can go that far."""
    for start in range(len(parts) - 1 if fields else 1):
        named = [r for r in here.relations if r.key == parts[start]]
        if not named:
            continue
        hits = [node for key, node in _only(parts[start], named).columns if key == parts[start + 1]]
        if hits and (fields or len(parts) == 2):
            yield _fields(_only(parts[start + 1], hits), parts[start + 2 :])
        elif not fields:
            # The relation is the one that is meant, and has no such column: nothing further out is looked at.
            raise LookupError(parts[1])


def _alone(name: str, here: Place) -> Found | None:
    hits = here.named(name)
    aliases = here.aliases.get(name, [])
    if hits:
        node = _only(name, hits)
        return Found(node, here.depth, sure=all(_same(node, alias) for alias in aliases))
    return Found(aliases[0], here.depth, sure=len(aliases) == 1, item=True) if aliases else None


def _same(node: Node, alias: Node) -> bool:
    """Whether an item is the very column that it is named like."""
    return alias.get("of") == node.get("column_names")


def _only(name: str, hits: Sequence[Any]) -> Any:
    if len(hits) > 1:
        raise ambiguous(name)
    return hits[0]


def _fields(node: Node, names: Sequence[str]) -> Node:
    for name in names:
        node = nodes.field(node, name)
    return node
