"""Who asks, and why."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Principal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The person or service a run is for.

    Does not prove identity: in the in-kernel tier it is what the session was told, and `source` says by whom
    (`settings`, `environment`, `os-user`, `papermill`). `attributes` are (name, value) pairs such as
    `("jurisdiction", "CZ")`, sorted; a name may occur more than once.
    """

    name: str
    roles: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    source: str = "settings"

    def values_of(self, attribute: str) -> tuple[str, ...]:
        """Return every value of `attribute`, in order; empty when there is none."""
        return tuple(value for name, value in self.attributes if name == attribute)
