"""The IPython front door: `%%aureus`, `%aureus`, and completion inside them.

Registers nothing but its own names and never touches `%sql`. The application behind it is made on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["register", "unregister"]


def register(shell: InteractiveShell) -> None:
    """Put the magics, `%config Aureus` and the completer into `shell`. A second call changes nothing."""
    from aureus_magics import complete, empty
    from aureus_magics.config import AureusConfig, forget_refused
    from aureus_magics.magic import AureusMagics

    if "aureus" in shell.magics_manager.magics["cell"]:
        return
    forget_refused()
    shell.register_magics(AureusMagics(shell))
    if not any(isinstance(c, AureusConfig) for c in shell.configurables):
        configurables: list[Any] = shell.configurables
        configurables.append(AureusConfig(parent=shell))
    complete.install(shell)
    empty.install(shell)


def unregister(shell: InteractiveShell) -> None:
    """Take everything out again and close the application's connections."""
    import sys

    from aureus_magics import complete, empty
    from aureus_magics.config import AureusConfig
    from aureus_magics.magic import AureusMagics

    shell.magics_manager.magics["cell"].pop("aureus", None)
    shell.magics_manager.magics["line"].pop("aureus", None)
    shell.configurables[:] = [c for c in shell.configurables if not isinstance(c, (AureusConfig, AureusMagics))]
    complete.uninstall(shell)
    empty.uninstall(shell)
    if "aureus_jupyter.app" in sys.modules:
        sys.modules["aureus_jupyter.app"].reset_app()
