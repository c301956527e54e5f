"""Nearest names, for hints."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest", "nearest_hint"]


def nearest(name: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Return up to `count` of `known` that are spelled like `name`, best first. Compares without case."""
    by_lower = {item.lower(): item for item in known}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=count, cutoff=0.5)
    return tuple(by_lower[match] for match in matches)


def nearest_hint(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return "Did you mean a, b or c?" with the nearest names, or `otherwise` when none is near."""
    found = nearest(name, known)
    if not found:
        return otherwise
    *most, last = found
    return f"Did you mean {', '.join(most)} or {last}?" if most else f"Did you mean {last}?"
