"""Finding a held cell again by its request."""

from __future__ import annotations

import json
from pathlib import Path

from aureus_jupyter.adapters.stores.folder import REQUEST_FILE
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.codec import from_dict
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.ids import is_run_id

__all__ = ["held_cell"]


def held_cell(evidence: Path, run_id: str) -> tuple[Cell, str]:
    """Return the cell and the whole id of a request beside a notebook, by its id or the last part. Raises UserError `unknown_request`."""
    found = [
        p
        for p in (evidence / "approvals").glob("*")
        if is_run_id(p.name) and run_id in {p.name, p.name.rpartition("-")[2]}
    ]
    try:
        value = json.loads((found[0] / REQUEST_FILE).read_bytes())
        return from_dict(Cell, value["cell"]), found[0].name
    except (IndexError, OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UserError(
            "unknown_request",
            "no request with this id waits beside this notebook",
            hint="See %aureus status for the requests that wait.",
        ) from None
