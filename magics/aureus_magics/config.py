"""`%config Aureus.name = value`."""

from __future__ import annotations

from typing import Any

from traitlets import Bool, Float, Int, List, Unicode, observe
from traitlets.config import Configurable

__all__ = ["AureusConfig"]


class AureusConfig(Configurable):
    """Settings of this kernel. What an administrator fixed cannot be changed here; the change is then refused."""

    purpose = Unicode("", help="Why you read, such as credit_risk_review.").tag(config=True)
    pack = Unicode("", help="The pack cells use.").tag(config=True)
    engine = Unicode("", help="Alias of the connection cells use; empty for the pack's own.").tag(config=True)
    roles = List(Unicode(), help="Your roles.").tag(config=True)
    display_rows = Int(10, help="How many rows a cell shows.").tag(config=True)
    max_results = Int(0, help="How many rows a cell returns at most; 0 for all that policy allows.").tag(config=True)
    time_limit = Float(300.0, help="Seconds a statement may take.").tag(config=True)
    include_rows = Bool(False, help="Whether evidence holds the rows.").tag(config=True)

    @classmethod
    def class_name(cls) -> str:
        """Return the name `%config` knows."""
        return "Aureus"

    @observe("purpose", "pack", "engine", "roles", "display_rows", "max_results", "time_limit", "include_rows")
    def _changed(self, change: Any) -> None:
        from aureus_jupyter.app import get_app

        value = tuple(change.new) if isinstance(change.new, list) else change.new
        get_app().configure(**{change.name: value or None if change.name == "max_results" else value})


AureusConfig.__name__ = "Aureus"
