"""Completion on the `%%aureus` line and in its cell."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

from aureus_magics.options import COMMANDS, FLAGS

__all__ = ["install", "uninstall"]

_SQL = (
    "SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT JOIN LEFT RIGHT FULL INNER OUTER CROSS ON USING AS AND OR NOT IN BETWEEN LIKE "
    "IS NULL CASE WHEN THEN ELSE END WITH UNION ALL INTERSECT EXCEPT DISTINCT OVER PARTITION QUALIFY count sum avg min max"
).split()
_VALUES = {"--as": ("sql", "question"), "--frame": ("pandas", "polars", "arrow")}
_NAMES = {"--pack": "packs", "-e": "engines", "--engine": "engines", "--purpose": "purposes"}
_CELL = re.compile(r"%%aureus(?=\s|\Z)")
_LINE = re.compile(r"\s*(?:\w+\s*=\s*)?(%aureus(?:\s.*|\Z))", re.DOTALL)
_CLAUSE = re.compile(r"\b(select|from|join|where|on|using|group|order|having|limit|qualify|union|intersect|except)\b")
_RELATION = re.compile(r'\b(?:from|join|,)\s+"?(\w+)"?(?:\s+as)?\s+"?(\w+)"?', re.IGNORECASE)
_DOTTED = re.compile(r'(?:\b(\w+)|"([^"]*)")\.(\w*)\Z')


def _known(line: str) -> dict[str, Any]:
    """Return names from the application, made on first use: it reads settings, contracts and policies, and opens no database."""
    try:
        from aureus_jupyter.app import get_app

        found: dict[str, Any] = get_app().words(pack=_given(line, "--pack"), purpose=_given(line, "--purpose"))
    except Exception:
        # The words that need no application are offered all the same.
        return {}
    return found


def _given(line: str, flag: str) -> str:
    found = re.search(rf"\s{flag}[=\s]\s*(['\"]?)([^'\"\s]+)\1(?=\s|\Z)", line)
    return found[2] if found is not None else ""


def _answer(words: Any, token: str, kind: str) -> dict[str, Any]:
    found = [w for w in dict.fromkeys(words) if w.lower().startswith(token.lower())]
    return {
        "completions": [SimpleCompletion(word, type=kind) for word in found],
        "matched_fragment": token,
        "suppress": bool(found),
    }


def _nothing() -> dict[str, Any]:
    # A new one each time: IPython writes into it.
    return {"completions": []}


def aureus_matcher(context: Any) -> dict[str, Any]:
    """Complete options, packs, connections, datasets, columns and SQL words in `%%aureus` cells; else nothing."""
    try:
        return _matches(context)
    except Exception:
        # A completion that fails must not disturb typing.
        return _nothing()


# IPython tells matchers that take a context by this mark.
aureus_matcher = context_matcher()(aureus_matcher)


def _matches(context: Any) -> dict[str, Any]:
    lines = context.full_text.split("\n")
    top = next((number for number, line in enumerate(lines) if line.strip()), 0)
    before = context.text_until_cursor
    if _CELL.match(lines[top]):
        if context.cursor_line == top:
            return _line(before, lines[top])
        body = "\n".join(lines[top + 1 :])
        return _cell(lines[top], body, "\n".join([*lines[top + 1 : context.cursor_line], before]))
    found = _LINE.match(before)
    if found is not None and not lines[top].startswith("%%"):
        return _line(found[1], found[1])
    return _nothing()


def _line(before: str, line: str) -> dict[str, Any]:
    token = re.split(r"\s", before)[-1]
    done = before[: len(before) - len(token)].split()
    if not done:
        return _nothing()
    flag, sep, inline = token.partition("=")
    if token.startswith("-") and not sep:
        return _answer(FLAGS, token, "option")
    last, token = (flag, inline) if sep else (done[-1], token)
    if last in _VALUES:
        return _answer(_VALUES[last], token, "value")
    if last in _NAMES:
        return _answer(_known("").get(_NAMES[last], ()), token, _NAMES[last].removesuffix("s"))
    if done == ["%aureus"]:
        return _answer(COMMANDS, token, "command")
    if done[:2] == ["%aureus", "catalog"]:
        return _answer(_known(line).get("datasets", ()), token, "dataset")
    return _nothing()


def _cell(line: str, text: str, before: str) -> dict[str, Any]:
    if before.count("'") % 2 or "--" in before.rpartition("\n")[2]:
        # Inside a literal or a comment nothing of ours is meant.
        return _nothing()
    datasets: dict[str, list[str]] = _known(line).get("datasets", {})
    dotted = _DOTTED.search(before)
    if dotted is not None:
        return _answer(_columns(text, datasets, dotted[1] or dotted[2]), dotted[3], "column")
    word = re.split(r"\W", before)[-1]
    if _names_relation(before[: len(before) - len(word)].lower()):
        return _answer([*datasets, *_expressions(text)], word, "dataset")
    if not word:
        return _nothing()
    used = [d for d in datasets if re.search(rf"\b{re.escape(d)}\b", text, re.IGNORECASE)]
    columns = sorted({c for d in used for c in datasets[d]})
    return _answer([*columns, *used, *_SQL, *datasets], word, "sql")


def _names_relation(before: str) -> bool:
    """Whether the next word names a relation: right after FROM or JOIN, or after a comma in that clause."""
    clauses = list(_CLAUSE.finditer(before))
    if not clauses or clauses[-1][1] not in {"from", "join"}:
        return False
    rest = before[clauses[-1].end() :].strip()
    return not rest or rest.endswith(",")


def _columns(text: str, datasets: dict[str, list[str]], name: str) -> list[str]:
    """Return the columns of a dataset by its name or by an alias that FROM or JOIN gives it."""
    aliases = {m[2].lower(): m[1].lower() for m in _RELATION.finditer(text)}
    by_name = {d.lower(): columns for d, columns in datasets.items()}
    return by_name.get(name.lower()) or by_name.get(aliases.get(name.lower(), ""), [])


def _expressions(text: str) -> list[str]:
    """Return the names WITH gives."""
    return [m[1] for m in re.finditer(r"\b(\w+)\s+as\s*\(", text, re.IGNORECASE)]


def install(shell: Any) -> None:
    """Add the matcher to the shell's completer once."""
    completer = getattr(shell, "Completer", None)
    if completer is not None and aureus_matcher not in completer.custom_matchers:
        completer.custom_matchers.append(aureus_matcher)


def uninstall(shell: Any) -> None:
    """Take the matcher out."""
    completer = getattr(shell, "Completer", None)
    if completer is not None and aureus_matcher in completer.custom_matchers:
        completer.custom_matchers.remove(aureus_matcher)
