"""The text of a cell before any parser sees it: bounds, characters, parameters, and what kind of text it is."""

from __future__ import annotations

import difflib
import functools
import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aureus_jupyter.errors import Refused, Span, UserError

__all__ = [
    "MAX_BYTES",
    "MAX_GROUPING_BITS",
    "MAX_NESTING",
    "MAX_TOKENS",
    "Piece",
    "bind_names",
    "check_cell",
    "check_sql",
]
__all__ += ["looks_like_sql", "might_be_sql", "named_places", "pieces", "span_at", "spell_names"]

MAX_BYTES = 64 * 1024
MAX_TOKENS = 8_000
MAX_NESTING = 64
MAX_GROUPING_BITS = 12

_SETS = re.compile(r"\b(cube|rollup|sets)\b", re.IGNORECASE)

_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SCAN = re.compile(
    r"""
      (?P<comment>--[^\n\r]*|/\*)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'|[xX]?'(?:[^']|'')*'|\$(?P<tag>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$)
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<cast>::|:=)
    | (?P<param>:[A-Za-z_]\w*)
    | (?P<space>[\ \t\n\r]+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text: its kind (a group of the scanner) and where it starts and ends."""

    kind: str
    start: int
    end: int


def span_at(text: str, offset: int, length: int = 1) -> Span:
    """Return the place of a character offset. An offset beyond the end is the end."""
    before = text[: max(0, offset)]
    return Span(line=before.count("\n") + 1, column=len(before) - (before.rfind("\n") + 1) + 1, length=length)


def check_cell(text: str) -> None:
    """Refuse what no cell may hold: nothing but comments, too much, NUL, lone surrogates, control characters.

    Raises UserError with `empty_cell`, `cell_too_large` or `bad_text`.
    """
    if not text.strip():
        raise _empty("no SQL and no question")
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise UserError(
            "cell_too_large",
            f"a cell holds at most {MAX_BYTES // 1024} KiB, this one is larger",
            hint="Move long value lists into a dataset and join it, or split the statement into several cells.",
        )
    bad = _BAD.search(text)
    if bad is not None:
        raise UserError(
            "bad_text",
            f"the cell holds the character U+{ord(bad.group()):04X}, which no statement or question needs",
            hint="Delete the character there; it often comes along when text is pasted.",
            span=span_at(text, bad.start()),
        )
    if text.lstrip()[0] in "-/;" and all(
        piece.kind in {"space", "comment"} or text[piece.start : piece.end] == ";" for piece in pieces(text)
    ):
        raise _empty("nothing but comments")


def _empty(what: str) -> UserError:
    return UserError(
        "empty_cell", f"the cell holds {what}", hint="Write a statement or a question below the %%aureus line."
    )


def pieces(text: str) -> Iterator[Piece]:
    """Split SQL text into comments, strings, quoted names, words and the rest; every character is in one piece.

    Does not judge: an unfinished string or comment becomes a piece of kind `open` up to the end.
    """
    position = 0
    while position < len(text):
        match = _SCAN.match(text, position)
        assert match is not None, "the last alternative matches any character"
        kind, end = str(match.lastgroup), match.end()
        if kind == "tag" or (kind == "string" and text[position] == "$"):
            closing = text.find(match.group("string"), end)
            kind, end = ("string", closing + len(match.group("string"))) if closing >= 0 else ("open", len(text))
        elif kind == "comment" and match.group() == "/*":
            kind, end = _block_comment(text, end)
        elif kind == "other" and match.group() in "'\"":
            kind, end = "open", len(text)
        yield Piece(kind, position, end)
        position = end


def _block_comment(text: str, position: int) -> tuple[str, int]:
    """Find the end of a block comment; DuckDB and PostgreSQL nest them."""
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(text, position):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return "comment", match.end()
    return "open", len(text)


def check_sql(text: str) -> None:
    """Refuse SQL text that readers read differently or that costs too much to read.

    Outside string literals: no byte-order mark, no space but U+0020, no invisible character. Bounds: `MAX_TOKENS`
    pieces that are not space, `MAX_NESTING` open brackets or CASE, `MAX_GROUPING_BITS` of grouping sets. Raises Refused
    (`odd_character`, `too_deep`, `too_many_tokens`, `too_large`) or UserError (`unfinished_text`).
    """
    tokens = depth = 0
    _check_grouping_sets(text)
    for piece in pieces(text):
        if piece.kind == "open":
            raise UserError(
                "unfinished_text",
                "a string, a quoted name or a comment is opened and never closed",
                hint="Close it with the character it began with.",
                span=span_at(text, piece.start),
            )
        if piece.kind != "string":
            _check_characters(text, piece)
        if piece.kind in {"space", "comment"}:
            continue
        tokens += 1
        depth += _depth_change(text[piece.start : piece.end])
        if depth > MAX_NESTING:
            raise Refused(
                "too_deep",
                f"brackets and CASE may nest {MAX_NESTING} deep, these go deeper",
                hint="Name the inner parts in a WITH clause.",
                span=span_at(text, piece.start),
            )
    if tokens > MAX_TOKENS:
        raise Refused(
            "too_many_tokens",
            f"a statement may hold {MAX_TOKENS} words and signs, this one holds {tokens}",
            hint="Move long value lists into a dataset and join it.",
        )


def _check_grouping_sets(text: str) -> None:
    """Bound CUBE, ROLLUP and GROUPING SETS: sets multiply with each other, and the engine writes all of them out to parse."""
    if not _SETS.search(text):
        return
    words = [text[p.start : p.end].lower() for p in pieces(text) if p.kind not in {"space", "comment", "string"}]
    bits = 0.0
    for place in range(1, len(words)):
        if words[place] == "(" and words[place - 1] in {"cube", "rollup", "sets"}:
            size = _arguments(words, place)
            bits += size if words[place - 1] == "cube" else math.log2(size + 1)
    if bits > MAX_GROUPING_BITS:
        raise Refused(
            "too_large",
            f"CUBE, ROLLUP and GROUPING SETS make more than {2**MAX_GROUPING_BITS:,} groupings here",
            hint="Group by fewer columns at once, or write the groupings you need in cells of their own.",
        )


def _arguments(words: list[str], place: int) -> int:
    """Count what stands between the bracket at `place` and the one that closes it, separated by commas."""
    depth, count = 0, 1
    for word in words[place:]:
        depth += (word in "([{") - (word in ")]}")
        count += depth == 1 and word == ","
        if not depth:
            break
    return count


def _depth_change(word: str) -> int:
    lowered = word.lower()
    if word in "([{" or lowered == "case":
        return 1
    return -1 if word in ")]}" or lowered == "end" else 0


def _check_characters(text: str, piece: Piece) -> None:
    for offset in range(piece.start, piece.end):
        char = text[offset]
        if char.isascii():
            continue
        if unicodedata.category(char) in {"Zs", "Zl", "Zp", "Cf", "Cc", "Cn", "Co"}:
            raise Refused(
                "odd_character",
                f"outside a string the text holds U+{ord(char):04X}, which one reader takes for a space "
                "and another for a part of a name",
                hint="Replace it with an ordinary space, or delete it.",
                span=span_at(text, offset),
            )


def bind_names(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text with each `:name` spelled `$name`, and the names in order of first use.

    Changes nothing else, and no length. A colon after a digit, a name, a quote or a bracket is part of a slice, a
    struct or a cast and stays.
    """
    names: dict[str, None] = {}

    def spelled(name: str) -> str:
        names[name] = None
        return "$" + name

    return spell_names(text, spelled, lambda other: other), tuple(names)


def spell_names(text: str, spell: Callable[[str], str], other: Callable[[str], str]) -> str:
    """Return the text with each `:name` replaced by `spell(name)` and every other stretch by `other(stretch)`."""
    out: list[str] = []
    for piece in pieces(text):
        part = text[piece.start : piece.end]
        before = text[piece.start - 1] if piece.start else " "
        named = piece.kind == "param" and not (before.isalnum() or before in "_\"'])}[:$")
        out.append(spell(part[1:]) if named else other(part))
    return "".join(out)


def named_places(text: str) -> list[str]:
    """Return the name of each `:name` in the text, as often as it stands there."""
    found: list[str] = []

    def seen(name: str) -> str:
        found.append(name)
        return name

    spell_names(text, seen, lambda other: other)
    return found


_QUERY_WORDS = frozenset({"select", "with", "from", "values", "pivot", "unpivot", "table"})
_WRITE_WORDS = frozenset({"insert", "update", "delete", "merge", "create", "drop", "alter", "truncate", "replace"})
_COMMAND_WORDS = frozenset(
    "attach detach copy export import install load set reset pragma explain describe show summarize call begin start "
    "commit rollback abort vacuum analyze checkpoint use grant revoke prepare execute deallocate lock comment refresh "
    "declare do listen notify".split()
)
_ENGLISH = frozenset(
    "the a an me us my our your all every each how many much what which who whose when where why is are was were do "
    "does did please of for by in to and than above below over under between best worst most least largest smallest "
    "top".split()
)
_SQL_SIGNS = frozenset("()*,;=<>[]{}\"'")
_BEFORE_A_VALUE = frozenset(
    {"=", "<", ">", "<=", ">=", "<>", "!=", "(", ",", "+", "-", "*", "/", "in", "like", "and", "limit"}
)


@functools.lru_cache(maxsize=256)
def looks_like_sql(text: str) -> bool:
    """Tell SQL from a question, by its shape alone.

    Text that begins with a word of SQL counts as SQL unless it reads as an English sentence: only words, an English
    function word among them, and none of the signs its statement would need. Does not parse: SQL with a mistake in it
    is still SQL, so that its author hears of the mistake.
    """
    tokens = [text[p.start : p.end] for p in pieces(text) if p.kind not in {"space", "comment"}]
    first = next((t.lower() for t in tokens if t not in {"(", ";"}), "")
    words = [t.lower() for t in tokens]
    if first not in _QUERY_WORDS | _WRITE_WORDS | _COMMAND_WORDS:
        return _is_misspelt(first, words)
    if words[-1] == "?":
        # A question mark where a value is due is a parameter's, as other tools have it.
        return first in _QUERY_WORDS and words[-2:][0] in _BEFORE_A_VALUE
    english = sum(word in _ENGLISH for word in words[1:])
    if first in _QUERY_WORDS:
        return not english or bool(_SQL_SIGNS.intersection(tokens)) or _has_clause(first, words)
    signs = _SQL_SIGNS.intersection(tokens)
    return bool(signs) or len(words) <= 2 or not (english and _reads_as_sentence(first, words))


def _is_misspelt(first: str, words: list[str]) -> bool:
    """Whether it is a query but for a slip in its first word: SELEC count(*) FROM loan."""
    near = difflib.get_close_matches(first, ("select", "with"), n=1, cutoff=0.8)
    return bool(near) and "from" in words and bool(_SQL_SIGNS.intersection(words))


def might_be_sql(text: str) -> bool:
    """Whether text that reads as a sentence should be shown to a parser all the same: FROM loan a, SELECT 1 a.

    SELECT with nothing but words stays a question: "select all loans" is SQL to a parser too.
    """
    kinds = [p for p in pieces(text) if p.kind not in {"space", "comment"}]
    first = text[kinds[0].start : kinds[0].end].lower() if kinds else ""
    return first in _QUERY_WORDS and (first != "select" or any(p.kind == "number" for p in kinds))


def _has_clause(first: str, words: list[str]) -> bool:
    """Whether the words hold the clause that makes a query of `first`."""
    wanted = {"select": {"from"}, "with": {"as", "select"}, "from": {"select", "where", "group", "order", "limit"}}
    return bool(wanted.get(first, set()).intersection(words[1:]))


def _reads_as_sentence(first: str, words: list[str]) -> bool:
    statements = {"insert": {"into"}, "delete": {"from"}, "update": {"set"}, "create": {"table", "view", "schema"}}
    statements |= {"drop": {"table", "view", "schema"}, "alter": {"table"}, "copy": {"to"}, "merge": {"into"}}
    statements |= {"explain": {"select"}, "summarize": {"select"}, "describe": {"select"}}
    return not statements.get(first, set()).intersection(words[1:3])
