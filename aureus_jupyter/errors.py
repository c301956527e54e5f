"""The errors a caller can catch, each with a stable code and a hint that helps.

Nothing here ever carries a data value: an error text names options, tables, columns, policies, files and
positions, never the contents of a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = [
    "AureusError",
    "Bug",
    "EvidenceError",
    "Held",
    "Refused",
    "Span",
    "Unavailable",
    "UserError",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where in the user's text something was found.

    Does not hold the text itself. `line` and `column` count from 1, `length` is in characters.
    """

    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class AureusError(Exception):
    """Base of every error this package raises on purpose.

    Does not print a traceback in a notebook: IPython shows the two lines of `lines()` instead.
    `code` is stable and searchable, `message` says what was expected and what was found, `hint` says what to
    do next, `span` points into the cell when the cause has a place there.
    """

    family: ClassVar[str] = "Error"

    def __init__(self, code: str, message: str, *, hint: str, span: Span | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.hint = hint
        self.span = span
        self.run_id: str | None = None

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> tuple[str, str]:
        """Return the two lines a person reads: what happened, and what to do."""
        where = f" ({self.span})" if self.span is not None else ""
        return (_shown(f"{self.family} [{self.code}]{where}: {self.message}"), _shown(f"Hint: {self.hint}"))

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain JSON values. Does not include the cause or a traceback."""
        span = self.span
        place = None if span is None else {"line": span.line, "column": span.column, "length": span.length}
        return {
            "family": self.family,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "span": place,
        }

    def _render_traceback_(self) -> list[str]:
        """Give IPython the two lines to show in place of a traceback."""
        return list(self.lines())


def _shown(text: str) -> str:
    """Return text for a terminal, which would act on controls and on signs that turn a line's direction."""
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


class UserError(AureusError):
    """The input cannot be used as it stands: an option, a parameter, a file, a question."""

    family = "Not run"


class Refused(AureusError):
    """The guard or a policy said no. Nothing was read."""

    family = "Refused"


class Held(AureusError):
    """The run waits for an approval. Nothing was read."""

    family = "Waiting for approval"


class Unavailable(AureusError):
    """Something outside is missing or broke: an engine, a model, a file, a key."""

    family = "Unavailable"


class EvidenceError(AureusError):
    """Evidence is missing, changed, unsigned, or could not be written."""

    family = "Evidence"


class Bug(AureusError):
    """This package broke one of its own promises; the run failed closed."""

    family = "Internal error"
