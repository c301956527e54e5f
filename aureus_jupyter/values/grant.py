"""What one role may read of one dataset, for engines that enforce it themselves."""

from __future__ import annotations

from dataclasses import dataclass

from .catalog import Dataset
from .obligations import Filter, Mask

__all__ = ["Exported", "Grant", "Unexpressed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexpressed:
    """Something a policy asks for that the engine is not asked to hold, and why."""

    dataset: str
    role: str
    policy: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The columns of `dataset` that `role` may read, with masks and filters that hold for every statement.

    `columns` are names in the contract's order; empty means nothing is granted. `dataset` is the whole contract.
    """

    role: str
    dataset: Dataset
    columns: tuple[str, ...]
    masks: tuple[Mask, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An engine's own statements, and what they do not say."""

    text: str
    unexpressed: tuple[Unexpressed, ...]
