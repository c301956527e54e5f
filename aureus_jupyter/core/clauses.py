"""Where the clauses of a plain SELECT stand in its text.

Works on the text alone, so it can be wrong about a statement; whoever uses a stretch compares what a parser reads in it with
what the parser reads in the whole (`core.summary`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aureus_jupyter.core.text import Piece, pieces
from aureus_jupyter.values.catalog import fold

__all__ = ["UnclearError", "clauses", "items", "named", "without_alias"]

_CLAUSES = frozenset(
    "select from where group having order limit offset fetch qualify window using union except".split()
)
_CLAUSES |= {"intersect"}


class UnclearError(Exception):
    """The text does not show where a clause begins or ends."""


def _depths(text: str) -> Iterator[tuple[Piece, int]]:
    """Yield each piece that says something, with how many brackets are open before it, or after it when it closes one."""
    depth = 0
    for piece in pieces(text):
        sign = text[piece.start : piece.end]
        depth -= sign in {")", "]", "}"}
        if piece.kind not in {"space", "comment"}:
            yield piece, depth
        depth += sign in {"(", "[", "{"}


def clauses(text: str) -> Mapping[str, str]:
    """Return the text of each clause of a SELECT by its first word, from its first sign to its last.

    `FROM` after `DISTINCT` is part of a comparison. Does not look into brackets. Raises UnclearError for a clause that stands
    twice, and for GROUP and ORDER without BY.
    """
    found: dict[str, tuple[int, int]] = {}
    current, before = "", ""
    for piece, depth in _depths(text):
        word = text[piece.start : piece.end].lower()
        if depth == 0 and word == ";":
            current = ";"
        elif depth == 0 and piece.kind == "word" and word in _CLAUSES and not (word == "from" and before == "distinct"):
            if word in found:
                raise UnclearError
            current = word
            found[word] = (piece.end, piece.end)
        elif current in found:
            start, end = found[current]
            found[current] = (piece.start if start == end else start, piece.end)
        before = word
    cut = {name: text[start:end] for name, (start, end) in found.items()}
    return {name: _after_by(part) if name in {"group", "order"} else part for name, part in cut.items()}


def _after_by(part: str) -> str:
    tokens = [piece for piece, _ in _depths(part)]
    if len(tokens) < 2 or part[tokens[0].start : tokens[0].end].lower() != "by":
        raise UnclearError
    return part[tokens[1].start :]


def items(text: str) -> tuple[str, ...]:
    """Split a list at its own commas. Raises UnclearError for an item of nothing."""
    found: list[list[Piece]] = [[]]
    for piece, depth in _depths(text):
        if depth == 0 and text[piece.start : piece.end] == ",":
            found.append([])
        else:
            found[-1].append(piece)
    if not all(found):
        raise UnclearError
    return tuple(text[part[0].start : part[-1].end] for part in found)


def without_alias(item: str, alias: str) -> str:
    """Return an item of a SELECT list without its alias, where that is its last word and not all there is."""
    if not alias:
        return item
    tokens = [piece for piece, _ in _depths(item)]
    last = item[tokens[-1].start : tokens[-1].end]
    left = tokens[:-1]
    before = item[left[-1].start : left[-1].end].lower() if left else "."
    if tokens[-1].kind not in {"word", "quoted"} or _plain(last) != fold(alias) or before == ".":
        # It has no alias, or none that stands at its end: a column under its own name has no other.
        return item
    left = left[:-1] if before == "as" else left
    return item[left[0].start : left[-1].end] if left else item


def _plain(name: str) -> str:
    return fold(name[1:-1].replace('""', '"') if name.startswith('"') else name)


def named(text: str) -> tuple[str, str]:
    """Return what a FROM clause of one table names, and what it calls it, as written. Raises UnclearError for anything else."""
    tokens = [piece for piece, _ in _depths(text)]
    words = [text[p.start : p.end] for p in tokens]
    if len(words) == 3 and words[1].lower() == "as":
        tokens, words = [tokens[0], tokens[2]], [words[0], words[2]]
    if len(words) not in {1, 2} or any(p.kind not in {"word", "quoted"} for p in tokens):
        raise UnclearError
    return words[0], words[-1]
