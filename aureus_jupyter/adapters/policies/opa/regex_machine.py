"""Runs a compiled regular expression over a text, all ways at once: linear in the text, whatever the pattern.

Of matches that begin leftmost the one that Perl would find is chosen, as in Go. Source: R. Cox, as in `regex_syntax`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aureus_jupyter.adapters.policies.opa.machine import Run
from aureus_jupyter.adapters.policies.opa.regex_program import Program

__all__ = ["find", "find_all"]

Spans = tuple[int, ...]
"""Begin and end of the match and of each group; -1 where a group took no part."""
_Threads = list[tuple[int, Spans]]


def _is_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at].isascii() and (text[at].isalnum() or text[at] == "_"))


def _holds(kind: str, text: str, at: int) -> bool:
    if kind == "start":
        return at == 0
    if kind == "end":
        return at == len(text)
    if kind == "line_start":
        return at == 0 or text[at - 1] == "\n"
    if kind == "line_end":
        return at == len(text) or text[at] == "\n"
    return (_is_word(text, at - 1) != _is_word(text, at)) == (kind == "word")


def _follow(program: Program, threads: _Threads, seen: set[int], pc: int, spans: Spans, text: str, at: int) -> None:
    """Add what can be reached without taking a character, the preferred first."""
    stack = [(pc, spans)]
    while stack:
        pc, spans = stack.pop()
        if pc in seen:
            continue
        seen.add(pc)
        step = program.steps[pc]
        kind = step[0]
        if kind == "jump":
            stack.append((step[1], spans))
        elif kind == "split":
            stack.append((step[2], spans))
            stack.append((step[1], spans))
        elif kind == "save":
            stack.append((pc + 1, (*spans[: step[1]], at, *spans[step[1] + 1 :])))
        elif kind == "assert":
            if _holds(step[1], text, at):
                stack.append((pc + 1, spans))
        else:
            threads.append((pc, spans))


def find(program: Program, text: str, start: int, run: Run) -> Spans | None:
    """Return the leftmost match at or after `start`, or None. Raises OutOfBounds when that takes too long."""
    nothing: Spans = (-1,) * (2 * program.groups)
    found: Spans | None = None
    threads: _Threads = []
    seen: set[int] = set()
    for at in range(start, len(text) + 1):
        if found is None:
            _follow(program, threads, seen, 0, nothing, text, at)
        run.charge(1 + len(seen))
        if not threads and found is not None:
            break
        char = text[at] if at < len(text) else None
        ahead: _Threads = []
        seen = set()
        for pc, spans in threads:
            step: tuple[Any, ...] = program.steps[pc]
            if step[0] == "match":
                found = spans
                break
            if char is not None and step[1](char):
                _follow(program, ahead, seen, pc + 1, spans, text, at + 1)
        threads = ahead
    return found


def find_all(program: Program, text: str, most: int, run: Run) -> Iterator[Spans]:
    """Return the matches that do not overlap, at most so many; all of them where `most` is negative."""
    at, previous, count = 0, -1, 0
    while at <= len(text) and count != most:
        spans = find(program, text, at, run)
        if spans is None:
            return
        accepted = not (spans[1] == at and spans[0] == previous)
        at = at + 1 if spans[1] == at else spans[1]
        previous = spans[1]
        if accepted:
            count += 1
            yield spans
