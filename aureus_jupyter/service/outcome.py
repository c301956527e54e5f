"""What a cell came to."""

from __future__ import annotations

from dataclasses import dataclass

from aureus_jupyter.errors import AureusError
from aureus_jupyter.ports import ResultTable
from aureus_jupyter.values.run import Run

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A sealed run, and its rows when it finished.

    `error` is set exactly when there are no rows to give: refused, held, failed, or evidence that could not be written.
    `estimate` is set for a dry run, which has neither rows nor evidence.
    """

    run: Run
    table: ResultTable | None = None
    error: AureusError | None = None
    estimate: str = ""
