"""Governed analytics for Jupyter.

`%load_ext aureus_jupyter` registers `%%aureus` and `%aureus`; nothing heavy is imported until a cell runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "provenance", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics in `shell`. Does not import an engine, pandas, sqlglot or openai."""
    from aureus_magics import register

    register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics and the completer out of `shell` again and close the session's connections."""
    from aureus_magics import unregister

    unregister(shell)


def provenance(frame: Any) -> dict[str, Any]:
    """Return what governance knows about a data frame a cell returned.

    Does not follow a frame through pandas operations that drop `attrs`. Raises UserError
    (`no_provenance`) for a frame that did not come from a cell.
    """
    from .display.provenance import provenance_of

    return provenance_of(frame)
