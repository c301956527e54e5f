"""The program of a regular expression: what its tree becomes for the machine that runs it.

A tree is nested tuples: char with a test, assert, sequence, either, group with its number, repeat with its bounds and whether it
prefers less. Source: R. Cox, as in `regex_syntax`; Go's regexp/syntax, where it chooses between ways to match nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure

__all__ = ["Emitter", "Program", "bad_pattern", "repeats"]

_MAX_PROGRAM: Final = 20_000


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled pattern. Each step is (kind, ...): char, jump, split, save, assert, match."""

    steps: tuple[tuple[Any, ...], ...]
    groups: int
    names: tuple[str, ...]


def bad_pattern(why: str) -> BuiltinFailure:
    """Return the failure of a pattern that does not compile."""
    return BuiltinFailure(f"a regular expression that cannot be used: {why}")


def repeats(tree: Any) -> int:
    """Return how often the repetitions inside a tree multiply, as Go's bound of 1000 counts them."""
    kind = tree[0]
    if kind == "repeat":
        times: int = max(tree[2], tree[3] or 0, 1)
        return times * repeats(tree[1])
    if kind in ("sequence", "either"):
        return max((repeats(t) for t in tree[1]), default=1)
    return repeats(tree[2]) if kind == "group" else 1


class Emitter:
    """Writes a tree's steps one after the other."""

    def __init__(self) -> None:
        self.steps: list[list[Any]] = []

    def add(self, *step: Any) -> list[Any]:
        """Append a step. Raises BuiltinFailure for too many."""
        if len(self.steps) >= _MAX_PROGRAM:
            raise bad_pattern("it is too large")
        self.steps.append(list(step))
        return self.steps[-1]

    def emit(self, tree: Any) -> None:
        """Append a tree's steps."""
        kind = tree[0]
        if kind in ("char", "assert"):
            self.add(*tree)
        elif kind == "sequence":
            for part in tree[1]:
                self.emit(part)
        elif kind == "group":
            self.add("save", 2 * tree[1])
            self.emit(tree[2])
            self.add("save", 2 * tree[1] + 1)
        elif kind == "either":
            self._either(tree[1])
        else:
            self._repeat(*tree[1:])

    def _either(self, branches: list[Any]) -> None:
        jumps = []
        for branch in branches[:-1]:
            split = self.add("split", len(self.steps) + 1, 0)
            self.emit(branch)
            jumps.append(self.add("jump", 0))
            split[2] = len(self.steps)
        self.emit(branches[-1])
        for jump in jumps:
            jump[1] = len(self.steps)

    def _repeat(self, tree: Any, low: int, high: int | None, lazy: bool) -> None:
        for _ in range(low - (high is None)):
            self.emit(tree)
        if high is None:
            self._many(tree, low == 0, lazy)
            return
        splits = []
        for _ in range(high - low):
            splits.append(self._split(lazy))
            self.emit(tree)
        for split in splits:
            self._join(split, lazy)

    def _many(self, tree: Any, none: bool, lazy: bool) -> None:
        """Emit one or more, or none or more. What may match nothing is (x+)? then, or the order of preference is lost."""
        if none and not _nullable(tree):
            start = len(self.steps)
            split = self._split(lazy)
            self.emit(tree)
            self.add("jump", start)
            self._join(split, lazy)
            return
        before = self._split(lazy) if none else None
        start = len(self.steps)
        self.emit(tree)
        again, on = start, len(self.steps) + 1
        self.add("split", *((on, again) if lazy else (again, on)))
        if before is not None:
            self._join(before, lazy)

    def _split(self, lazy: bool) -> list[Any]:
        step = len(self.steps) + 1
        return self.add("split", step, step)

    def _join(self, split: list[Any], lazy: bool) -> None:
        """Let the other way of a split go on from here; a lazy one prefers it."""
        split[1 if lazy else 2] = len(self.steps)


def _nullable(tree: Any) -> bool:
    """Whether a tree may match without taking a character."""
    kind = tree[0]
    if kind == "sequence":
        return all(map(_nullable, tree[1]))
    if kind == "either":
        return any(map(_nullable, tree[1]))
    if kind == "repeat":
        return tree[2] == 0 or _nullable(tree[1])
    return _nullable(tree[2]) if kind == "group" else bool(kind == "assert")
