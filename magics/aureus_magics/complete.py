"""Completion on the `%%aureus` line and in its cell."""

from __future__ import annotations

import re
import sys
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

from aureus_magics.options import COMMANDS, FLAGS

__all__ = ["install", "uninstall"]

_SQL = (
    "SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT JOIN LEFT RIGHT FULL INNER OUTER CROSS ON USING AS AND OR NOT IN BETWEEN LIKE "
    "IS NULL CASE WHEN THEN ELSE END WITH UNION ALL INTERSECT EXCEPT DISTINCT OVER PARTITION QUALIFY count sum avg min max"
).split()
_VALUES = {"--as": ["sql", "question"], "--frame": ["pandas", "polars", "arrow"]}


def _known() -> dict[str, Any]:
    """Return names from the application, only when a cell has made one: a key press never loads a database."""
    module = sys.modules.get("aureus_jupyter.app")
    if module is None:
        return {}
    try:
        found = module.get_app().words()
    except Exception:
        # A completion that fails must not disturb typing.
        return {}
    return found if isinstance(found, dict) else {}


def _answer(words: list[str], token: str, kind: str) -> dict[str, Any]:
    found = [w for w in words if w.lower().startswith(token.lower())]
    return {
        "completions": [SimpleCompletion(word, type=kind) for word in found],
        "matched_fragment": token,
        "suppress": bool(found),
    }


def aureus_matcher(context: Any) -> dict[str, Any]:
    """Complete options, packs, connections, datasets, columns and SQL words in `%%aureus` cells; else nothing."""
    text = context.full_text
    before = context.text_until_cursor
    if not text.lstrip().startswith(("%%aureus", "%aureus")):
        return {"completions": []}
    if context.cursor_line == 0 and before.lstrip().startswith(("%%aureus", "%aureus")):
        return _line(before)
    return _cell(text, before)


# IPython tells matchers that take a context by this mark.
aureus_matcher = context_matcher()(aureus_matcher)


def _line(before: str) -> dict[str, Any]:
    token = re.split(r"\s", before)[-1]
    done = before[: len(before) - len(token)].split()
    if token.startswith("-"):
        return _answer(list(FLAGS), token, "option")
    last = done[-1] if done else ""
    known = _known()
    if last in _VALUES:
        return _answer(_VALUES[last], token, "value")
    if last == "--pack":
        return _answer(list(known.get("packs", ())), token, "pack")
    if last in {"-e", "--engine"}:
        return _answer(list(known.get("engines", ())), token, "connection")
    if done == ["%aureus"]:
        return _answer(list(COMMANDS), token, "command")
    if done[:2] == ["%aureus", "catalog"]:
        return _answer(list(known.get("datasets", ())), token, "dataset")
    return {"completions": []}


def _cell(text: str, before: str) -> dict[str, Any]:
    datasets: dict[str, list[str]] = _known().get("datasets", {})
    dotted = re.search(r"(\w+)\.(\w*)$", before)
    if dotted:
        name = _aliases(text).get(dotted[1].lower(), dotted[1].lower())
        return _answer(datasets.get(name, []), dotted[2], "column")
    token = re.search(r"\w*$", before)
    word = token.group() if token else ""
    previous = before[: len(before) - len(word)].split()
    if previous and previous[-1].lower() in {"from", "join"}:
        return _answer(list(datasets), word, "dataset")
    if not word:
        return {"completions": []}
    used = [d for d in datasets if re.search(rf"\b{re.escape(d)}\b", text, re.IGNORECASE)]
    columns = sorted({c for d in used for c in datasets[d]})
    return _answer([*columns, *used, *_SQL], word, "sql")


def _aliases(text: str) -> dict[str, str]:
    """Return alias to dataset for what FROM and JOIN name."""
    found = re.finditer(r"\b(?:from|join)\s+(\w+)(?:\s+as)?\s+(\w+)", text, re.IGNORECASE)
    return {m[2].lower(): m[1].lower() for m in found}


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
