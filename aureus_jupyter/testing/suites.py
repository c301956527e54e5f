"""Running a conformance suite without a test framework."""

from __future__ import annotations

__all__ = ["checks", "failures"]


def checks(suite: type) -> list[str]:
    """Return the names of a suite's checks, sorted."""
    return sorted(name for name in dir(suite) if name.startswith("test_"))


def failures(suite: object) -> dict[str, str]:
    """Run every check of a suite and return, by name, what those that failed said. Runs no `setUp` and no fixture."""
    found = {}
    for name in checks(type(suite)):
        try:
            getattr(suite, name)()
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found
