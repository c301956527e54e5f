"""What the translation of one statement carries along: what it has counted, found and doubted, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge.nodes import Node
from aureus_jupyter.core.bridge.places import Place, Query, resolve
from aureus_jupyter.core.bridge.rules import Rules
from aureus_jupyter.core.text import span_at
from aureus_jupyter.errors import AureusError, Refused, Span
from aureus_jupyter.values.catalog import Dataset

__all__ = ["Bridge", "place_of"]

_IN_WORDS = {
    "UnicodeString": "a text written U&'...'",
    "TableSample": "TABLESAMPLE",
    "Lateral": "LATERAL here",
    "Placeholder": "a parameter written so",
    "Parameter": "a parameter written so",
    "Dot": "a name of this form",
    "CurrentUser": "current_user",
    "SessionUser": "session_user",
    "CurrentCatalog": "current_catalog",
    "CurrentSchema": "current_schema",
    "HexString": "a text written x'...'",
    "BitString": "a text written b'...'",
    "Qualify": "QUALIFY",
}


@dataclass(slots=True)
class Bridge:
    """One statement on its way into the tree.

    `dataset` resolves a table of the catalog or refuses; `unknown` makes the refusal of a column nobody knows. `query` and
    `expression` translate what stands below. `sure` turns false where an engine's rule is not followed to the letter: the
    statement then counts as rows. `raises`: something may fail on a row that the tree no longer shows.
    """

    text: str
    rules: Rules
    dataset: Callable[[str, Span], Dataset]
    unknown: Callable[[str, Iterable[str]], AureusError]
    query: Callable[[Bridge, exp.Expr, Place], Query]
    expression: Callable[[Bridge, Any, Place], Node]
    functions: set[str] = field(default_factory=set)
    stars: set[str] = field(default_factory=set)
    sure: bool = True
    raises: bool = False
    number: int = 0
    depths: list[set[int]] = field(default_factory=list)

    def name(self, start: str) -> str:
        """Return a name that no cell can hold and no other thing in the tree has."""
        self.number += 1
        return f"{start}\0{self.number}"

    def doubt(self) -> None:
        """Note that the statement may mean something that the tree does not say: it counts as rows."""
        self.sure = False

    def check(self, node: exp.Expr, keys: frozenset[str]) -> None:
        """Refuse a node that carries an argument which is not on the list."""
        for key, value in node.args.items():
            if key not in keys and value is not None and value is not False and value != []:
                raise self.refused(node, f"{key.upper().strip('_').replace('_', ' ')}", "argument_not_allowed")

    def refused(self, node: exp.Expr, what: str = "", code: str = "node_not_allowed") -> Refused:
        """Return the refusal of something that is not on the lists."""
        kind = type(node).__name__
        return Refused(
            code,
            f"{what or _IN_WORDS.get(kind, f'the construct {kind}')} cannot be used in a governed cell",
            hint="A cell only reads, as things are now. Write it with SELECT, JOIN and WITH, and texts in plain quotes.",
            span=place_of(node, self.text),
        )

    def resolved(self, names: list[exp.Identifier], here: Place, node: exp.Expr) -> Node:
        """Return what a name means. Raises UserError `unknown_column` or `ambiguous_column`, Refused `hidden_column`."""
        keys = [self.rules.fold(name) for name in names]
        try:
            found = resolve(keys, here, self.rules.fields)
        except LookupError:
            found = None
        if found is None:
            hidden = next((key for key in map(str.lower, keys) if key in self.rules.hidden), None)
            if hidden is not None:
                raise Refused(
                    "hidden_column",
                    f"{hidden} is the engine's own numbering, whose gaps would show which rows a policy hides",
                    hint="Number the rows you see: row_number() OVER (ORDER BY ...).",
                    span=place_of(node, self.text),
                )
            known = {key for place in here.around() for key, _ in place.columns}
            error = self.unknown(names[-1].name, known)
            error.span = place_of(node, self.text)
            raise error
        for depths in self.depths:
            depths.add(found.depth)
        self.sure = self.sure and found.sure
        return found.node


def place_of(node: exp.Expr, text: str) -> Span | None:
    """Return where a node stands in the text, by the first word below it that knows."""
    for inner in node.walk():
        if "start" in inner.meta:
            return span_at(text, int(inner.meta["start"]), int(inner.meta["end"]) - int(inner.meta["start"]) + 1)
    return None
