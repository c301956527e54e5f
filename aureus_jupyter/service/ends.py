"""How a run ends other than well: the errors, and which event each is."""

from __future__ import annotations

from aureus_jupyter.errors import AureusError, Bug, EvidenceError, Held, Refused, UserError
from aureus_jupyter.ports import ResultTable
from aureus_jupyter.values.run import EventKind, Run

__all__ = ["both", "bug", "check_cap", "held", "interrupted", "interrupted_late", "kind_of"]


def check_cap(table: ResultTable, rows: int | None) -> None:
    """Raise Bug `cap_exceeded` when an engine gave more rows than it may: none of them goes anywhere, not into evidence either."""
    if rows is not None and table.rows > rows:
        raise Bug("cap_exceeded", "the engine gave more rows than it was asked for", hint="Please report this.")


def kind_of(error: AureusError) -> EventKind:
    """Return the event an error is: a refusal denies, anything else is an error."""
    return EventKind.DENIED if isinstance(error, Refused) else EventKind.ERRORED


def bug(cause: Exception) -> Bug:
    """Return the error for what nobody foresaw: its kind, never its text."""
    made = Bug(
        "internal",
        f"a step failed in a way nobody foresaw ({type(cause).__name__})",
        hint="Nothing was returned. Please report this with the run's evidence folder.",
    )
    made.__cause__ = cause
    return made


def interrupted() -> AureusError:
    """Return the error for an interrupt that ended the work."""
    return UserError(
        "interrupted",
        "the cell was interrupted before it finished",
        hint="Run it again. Earlier results are unchanged.",
    )


def interrupted_late() -> AureusError:
    """Return the error for an interrupt that came when the work was done."""
    return UserError(
        "interrupted",
        "the cell was interrupted while its evidence was written; the evidence is whole, the rows were not handed over",
        hint="Run it again. Earlier results are unchanged.",
    )


def held(run: Run) -> Held:
    """Return the error that says whose yes a run waits for."""
    asked = run.request or run.id
    approvers = (
        " or ".join(run.verdict.approvers) if run.verdict is not None and run.verdict.approvers else "an approver"
    )
    return Held(
        "approval_required",
        f"this needs a yes from {approvers}",
        hint=f"Send them the request {asked}; when it is approved, run this cell again or %aureus resume {asked}.",
    )


def both(error: AureusError, failed: AureusError) -> AureusError:
    """Give the first error, and say that its evidence is missing too."""
    return EvidenceError(
        failed.code, f"{error.message}; and evidence of it could not be written: {failed.message}", hint=failed.hint
    )
