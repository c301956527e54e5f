"""Where a cell stands: its notebook, its id, and whether anybody can answer a prompt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    it names "notebook" in the working directory.
    """
    told = os.environ.get("AUREUS_NOTEBOOK") or namespace.get("PAPERMILL_OUTPUT_PATH")
    told = told or namespace.get("__vsc_ipynb_file__")
    if told:
        return str(Path(str(told)).absolute())
    session = os.environ.get("JPY_SESSION_NAME", "")
    if session and Path(session).is_file():
        return str(Path(session).absolute())
    return str(Path.cwd() / (Path(session).name if session.endswith(".ipynb") else "notebook"))
