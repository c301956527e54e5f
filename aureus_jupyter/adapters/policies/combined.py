"""Several policy engines as one.

`all_of` adds up: whatever one of them denies is denied, and one that fails stops everything, for the core adds up rulings so.
`agreeing` is for engines that say the same policy twice (a file of YAML and its twin in Rego, a bundle and a server): where
they disagree, one of them is wrong, and nobody knows which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aureus_jupyter.values.verdict import DecisionRequest, Ruling

__all__ = ["Disagreement", "agreeing", "all_of"]


class Disagreement(Exception):
    """Two engines of one policy ruled differently. Says nothing of what they ruled."""


class _Engine(Protocol):
    @property
    def version(self) -> str: ...
    @property
    def timed(self) -> bool: ...
    def rule(self, request: DecisionRequest) -> Sequence[Ruling]: ...


class _Combined:
    def __init__(self, kind: str, engines: Sequence[_Engine]) -> None:
        if not engines:
            raise ValueError("no policy engine to combine")
        self._kind = kind
        self._engines = tuple(engines)

    @property
    def version(self) -> str:
        """Every engine's version, in their order: + between those that add up, = between those that must agree."""
        return f" {self._kind} ".join(e.version for e in self._engines)

    @property
    def timed(self) -> bool:
        """Whether any of them asks for the time."""
        return any(e.timed for e in self._engines)

    def rule(self, request: DecisionRequest) -> Sequence[Ruling]:
        """Return the rulings of every engine. Raises what any of them raises."""
        return [ruling for engine in self._engines for ruling in engine.rule(request)]


class _Agreeing(_Combined):
    def rule(self, request: DecisionRequest) -> Sequence[Ruling]:
        """Return the first engine's rulings. Raises Disagreement unless every other's are the same, names and words included."""
        first, *others = (engine.rule(request) for engine in self._engines)
        for other in others:
            if set(first) != set(other):
                raise Disagreement
        return first


def all_of(engines: Sequence[_Engine]) -> _Engine:
    """Return one engine that rules what each of them rules. Raises ValueError for none at all."""
    return engines[0] if len(engines) == 1 else _Combined("+", engines)


def agreeing(engines: Sequence[_Engine]) -> _Engine:
    """Return one engine that rules only where all of them agree. Raises ValueError for none at all."""
    return _Agreeing("=", engines)
