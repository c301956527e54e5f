"""From sqlglot's tree to the tree that one analysis reads for every engine: DuckDB's serialised layout.

DuckDB shows its own tree. For any other engine sqlglot reads the grammar, and this package brings what it read into that layout,
by that engine's rules for names. Every relation, item and WITH part gets a name of its own on the way, so that nothing is left to
be resolved; what is not on the lists is refused, what is not understood to the letter makes the statement rows.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token

from aureus_jupyter.core.bridge.expressions import expression
from aureus_jupyter.core.bridge.nodes import Node
from aureus_jupyter.core.bridge.places import Place
from aureus_jupyter.core.bridge.queries import query
from aureus_jupyter.core.bridge.rules import Rules
from aureus_jupyter.core.bridge.state import Bridge
from aureus_jupyter.core.text import named_places, pieces
from aureus_jupyter.errors import AureusError, Refused, Span, UserError
from aureus_jupyter.values.catalog import Dataset

__all__ = ["MAX_TYPE_NESTING", "Translation", "check_types", "translate"]

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would write down the user's text

MAX_TYPE_NESTING = 6
_OPEN = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET})
_CLOSED = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET})


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A statement in the tree's layout. `sure`: the tree means what the engine will make of it, to the letter."""

    tree: Node
    names: tuple[str, ...]
    functions: frozenset[str]
    stars: frozenset[str]
    sure: bool
    raises: bool


def translate(
    sql: str,
    rules: Rules,
    dataset: Callable[[str, Span], Dataset],
    unknown: Callable[[str, Iterable[str]], AureusError],
) -> Translation:
    """Return `sql` in the layout of DuckDB's tree.

    `dataset` resolves a table or refuses, `unknown` makes the refusal of a column that nothing has. Raises UserError
    (`syntax_error`, `unknown_column`, `ambiguous_column`) or Refused.
    """
    bridge = Bridge(text=sql, rules=rules, dataset=dataset, unknown=unknown, query=query, expression=expression)
    root = _root(sql, rules)
    _check_parameters(root, sql)
    made = query(bridge, root, Place())
    return Translation(
        tree={"error": False, "statements": [{"node": made.node}]},
        names=tuple(output.name for output in made.outputs),
        functions=frozenset(bridge.functions),
        stars=frozenset(bridge.stars),
        sure=bridge.sure,
        raises=bridge.raises or rules.always_raises,
    )


def _root(sql: str, rules: Rules) -> exp.Expr:
    try:
        dialect = rules.parser()
        tokens = dialect.tokenize(sql)
        check_types(tokens, dialect.parser_class.TYPE_TOKENS)
        found = dialect.parser().parse(tokens, sql)
        roots = [root for root in found if root is not None and not isinstance(root, exp.Semicolon)]
    except SqlglotError as error:
        place = (getattr(error, "errors", None) or [{}])[0]
        span = Span(line=int(place["line"]), column=int(place["col"])) if place.get("line") else None
        raise UserError(
            "syntax_error",
            "this cannot be read as SQL from here on",
            hint="Check the word before this place. If this is a question, use --as question.",
            span=span,
        ) from None
    if len(roots) != 1:
        raise Refused(
            "one_statement",
            f"a cell holds one statement, this one holds {len(roots)}",
            hint="Put each statement in a cell of its own.",
        )
    if not isinstance(roots[0], (exp.Query, exp.Values)):
        raise Refused("not_a_query", "a cell holds one SELECT", hint="A cell only reads.")
    _check_texts(tokens, sql, rules)
    return roots[0]


def check_types(tokens: Iterable[Token], types: Container[object]) -> None:
    """Refuse (`too_deep`) names of types that nest with brackets.

    Such a name may begin a type or a call; sqlglot tries both each time, so that a hundred characters could take it hours.
    """
    before: object = None
    opened = list[bool]()
    for token in tokens:
        if token.token_type in _OPEN:
            opened.append(before in types)
            if sum(opened) > MAX_TYPE_NESTING:
                raise Refused(
                    "too_deep",
                    f"words that name a type, such as ARRAY, ROW or DATE, may nest {MAX_TYPE_NESTING} deep with brackets",
                    hint="Name the inner parts in a WITH clause, or write CAST(x AS DATE) and [1, 2].",
                )
        elif token.token_type in _CLOSED and opened:
            opened.pop()
        before = token.token_type


def _check_texts(tokens: Iterable[Token], sql: str, rules: Rules) -> None:
    """Refuse (`odd_text`) where two readers see a text begin or end at different places: one of them would take it for SQL."""
    texts = {TokenType.STRING, TokenType.BYTE_STRING, TokenType.HEREDOC_STRING, TokenType.RAW_STRING}
    theirs = list[tuple[int, int]]()
    for token in tokens:
        if token.token_type in texts:
            # To some a doubled quote ends a text and begins another one: the place where that ends is the same.
            start = theirs.pop()[0] if theirs and theirs[-1][1] == token.start else token.start
            theirs.append((start, token.end + 1))
    # To sqlglot a brace may begin a comment of a template.
    ours, braces = list[tuple[int, int]](), False
    for piece in pieces(sql):
        braces |= sql[piece.start] == "{"
        if piece.kind == "string" or sql[piece.start] == rules.texts:
            ours.append((piece.start, piece.end))
    if theirs != ours or braces or (rules.odd is not None and rules.odd.search(sql)):
        raise Refused(
            "odd_text",
            "two readers see the texts or comments of this statement begin and end at different places",
            hint="Write each text in plain quotes, 'like this', with a quote inside of it doubled, and no sign that escapes.",
        )


def _check_parameters(root: exp.Expr, sql: str) -> None:
    """Refuse where sqlglot takes for a parameter what the engine will not, or the reverse: a bound of a slice, arr[:n]."""
    if ":" not in sql and "%" not in sql:
        return
    theirs = Counter(str(node.this) for node in root.find_all(exp.Placeholder) if node.this is not None)
    if theirs != Counter(named_places(sql)):
        raise Refused(
            "odd_parameter",
            "a colon here could begin a parameter or a part of an array",
            hint="Write a space before a parameter, and name both bounds of a part of an array.",
        )
