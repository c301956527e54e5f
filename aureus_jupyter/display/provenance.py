"""Governance that rides with a data frame."""

from __future__ import annotations

import json
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
    """Return the frame with the run's provenance: in a pandas frame's `attrs`, in an Arrow table's metadata.

    A Polars frame has no place for it and is returned as it is.
    """
    if hasattr(frame, "attrs"):
        frame.attrs[KEY] = provenance(run)
    elif hasattr(frame, "replace_schema_metadata"):
        told = json.dumps(provenance(run), ensure_ascii=False).encode()
        return frame.replace_schema_metadata({**(frame.schema.metadata or {}), KEY.encode(): told})
    return frame


def provenance_of(frame: Any) -> dict[str, Any]:
    """Return a pandas frame's or an Arrow table's provenance. Raises UserError `no_provenance` when it carries none."""
    attrs = getattr(frame, "attrs", None)
    found = attrs.get(KEY) if isinstance(attrs, dict) else _of_arrow(frame)
    if not isinstance(found, dict):
        raise UserError(
            "no_provenance",
            "this object carries no provenance",
            hint="Give a data frame that a %%aureus cell returned; some pandas operations drop attrs.",
        )
    return dict(found)


def _of_arrow(table: Any) -> Any:
    told = (getattr(getattr(table, "schema", None), "metadata", None) or {}).get(KEY.encode())
    try:
        return json.loads(told) if isinstance(told, bytes) else None
    except (ValueError, RecursionError):
        return None
