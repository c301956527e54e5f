"""Where a cell stands: its notebook, its id, and whether anybody can answer a prompt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aureus_jupyter.errors import UserError
from aureus_magics.text import checked_text

__all__ = ["cell_id", "is_headless", "notebook_path"]


def _parent(shell: Any) -> Mapping[str, Any]:
    """Return the message that runs the cell; empty outside a kernel."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return {}
    parent = kernel.get_parent("shell")
    return parent if isinstance(parent, Mapping) else {}


def cell_id(shell: Any) -> str:
    """Return the notebook format's id of the running cell, or "" where the front end does not send it."""
    return str((_parent(shell).get("metadata") or {}).get("cellId") or "")


def is_headless(shell: Any) -> bool:
    """Whether nobody can be asked: papermill and nbclient say so in the message."""
    return (_parent(shell).get("content") or {}).get("allow_stdin") is False


def notebook_path(namespace: Mapping[str, Any]) -> str:
    """Return the notebook's path as far as the kernel can know it.

    Looks at `AUREUS_NOTEBOOK`, papermill's variable, VS Code's variable and Jupyter's session name, in this order; without any
    it names "notebook" in the working directory. A notebook in a remote store (`s3://...`) counts as if it were in the working
    directory. Raises UserError `bad_text`, `no_folder`.
    """
    told = os.environ.get("AUREUS_NOTEBOOK") or namespace.get("PAPERMILL_OUTPUT_PATH")
    told = checked_text(str(told or namespace.get("__vsc_ipynb_file__") or ""), "the notebook's path")
    if told and "://" not in told:
        return str(Path(told).absolute())
    session = told or os.environ.get("JPY_SESSION_NAME", "")
    if not told and session and Path(session).is_file():
        return str(Path(session).absolute())
    return str(_here() / (Path(session).name if session.endswith(".ipynb") else "notebook"))


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UserError(
            "no_folder",
            "the folder this kernel works in is gone, so evidence has no place",
            hint="Change to one that exists: %cd FOLDER.",
        ) from None
