"""A cell that is only its `%%aureus` line.

IPython answers an empty cell magic itself, with a word about line magics; we give it an empty line, so that the answer
is ours: `empty_cell`, with a hint, and evidence that nothing ran.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["install", "uninstall"]

_LONE = re.compile(r"%%aureus(\s|\Z)")


class _Body:
    """Adds an empty line where there is nothing under `%%aureus`."""

    # A terminal asks the same transformations whether a cell is complete; there the person is still to write the body.
    has_side_effects = True

    def __call__(self, lines: list[str]) -> list[str]:
        alone = len(lines) == 1 and _LONE.match(lines[0]) is not None
        return [*lines, "\n"] if alone else lines


_with_a_body = _Body()


def install(shell: Any) -> None:
    """Add the transformation to the shell once."""
    if _with_a_body not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(_with_a_body)


def uninstall(shell: Any) -> None:
    """Take the transformation out."""
    if _with_a_body in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(_with_a_body)
