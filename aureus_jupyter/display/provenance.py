"""Governance that rides with a data frame."""

from __future__ import annotations

from typing import Any

from aureus_jupyter.core.evidence import outcome_word
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.run import Run

__all__ = ["KEY", "attach", "provenance_of"]

KEY = "aureus"


def provenance(run: Run) -> dict[str, Any]:
    """Return what rides with a frame, as plain JSON values."""
    return {
        "run": run.id,
        "outcome": outcome_word(run),
        "principal": run.principal.name,
        "purpose": run.cell.purpose,
        "tier": run.tier,
        "columns": run.labels(),
        "masked": [name for name, label in run.labels().items() if label["masked"]],
        "result_digest": run.result.digest if run.result is not None else "",
        "evidence": run.evidence,
        "evidence_digest": run.evidence_digest,
    }


def attach(frame: Any, run: Run) -> Any:
    """Put the run's provenance into a pandas frame's `attrs` and return the frame."""
    frame.attrs[KEY] = provenance(run)
    return frame


def provenance_of(frame: Any) -> dict[str, Any]:
    """Return a frame's provenance. Raises UserError `no_provenance` when it carries none."""
    attrs = getattr(frame, "attrs", None)
    found = attrs.get(KEY) if isinstance(attrs, dict) else None
    if not isinstance(found, dict):
        raise UserError(
            "no_provenance",
            "this object carries no provenance",
            hint="Give a data frame that a %%aureus cell returned; some pandas operations drop attrs.",
        )
    return dict(found)
