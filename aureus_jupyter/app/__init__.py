"""The composition root: settings to one application object per kernel."""

from __future__ import annotations

from aureus_jupyter.app.application import App, Shown

__all__ = ["App", "Shown", "get_app", "reset_app"]

_current: list[App] = []


def get_app() -> App:
    """Return this process's application, making it on first use. Reads settings, touches no data."""
    if not _current:
        _current.append(App())
    return _current[0]


def reset_app() -> None:
    """Close this process's application; the next `get_app` starts anew."""
    while _current:
        _current.pop().close()
