"""The composition root: settings to one application object per kernel."""

from __future__ import annotations

from aureus_jupyter.app.application import App, Shown

__all__ = ["App", "Shown", "current_app", "get_app", "reset_app"]

_current: list[App] = []


def get_app() -> App:
    """Return this process's application, making it on first use. Reads settings, touches no data."""
    if not _current:
        _current.append(App())
    return _current[0]


def current_app() -> App | None:
    """Return this process's application if a cell or a command has made one. Makes none."""
    return _current[0] if _current else None


def reset_app() -> None:
    """Close this process's application; the next `get_app` starts anew."""
    while _current:
        _current.pop().close()
