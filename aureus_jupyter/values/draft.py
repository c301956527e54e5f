"""What came in with a cell, and the statement that will be judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .plan import Parameter

__all__ = ["Cell", "Draft", "Origin"]


class Origin(StrEnum):
    """Where a statement came from."""

    SQL = "sql"
    QUESTION = "question"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell as the user ran it.

    `parameters` are (name, value) pairs sorted by name. `kind` is `sql`, `question` or empty for "tell them
    apart". `notebook` is a path relative to nothing: as the kernel knows it, or empty. `cell_id` is the
    notebook format's cell id, or empty. `headless` means nobody can answer a prompt. `why` is the reason a review asks for.
    """

    source: str
    kind: str = ""
    purpose: str = ""
    engine: str = ""
    pack: str = ""
    parameters: tuple[tuple[str, Parameter], ...] = ()
    max_results: int | None = None
    notebook: str = ""
    cell_id: str = ""
    headless: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A statement to be judged, and how it came to be.

    `parameters` are the cell's, joined by those a verified question filled from its slots. `by` names the
    author: `user`, `verified:<question id>` or `model:<model>`. `rounds` counts repair rounds.
    """

    sql: str
    origin: Origin
    by: str = "user"
    question: str = ""
    parameters: tuple[tuple[str, Parameter], ...] = ()
    note: str = ""
    rounds: int = 0
