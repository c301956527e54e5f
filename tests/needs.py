"""What to do when something a test needs is not there."""

from __future__ import annotations

import os

import pytest

__all__ = ["missing"]


def missing(what: str) -> None:
    """Skip here and now with a message; in CI, where nothing may be skipped, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}", pytrace=False)
    # On a newcomer's machine the rest of the suite is worth more than a failure about a missing package.
    pytest.skip(f"needs {what}")
