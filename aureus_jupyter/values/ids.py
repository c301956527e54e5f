"""Run identifiers: sortable by time, hard to guess, safe in a file name."""

from __future__ import annotations

import re
from datetime import UTC, datetime

__all__ = ["is_run_id", "run_id", "short_id", "utc_text"]

_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}\Z", re.ASCII)


def run_id(at: datetime, entropy: bytes) -> str:
    """Return `YYYYMMDDTHHMMSSZ-` and twelve hexadecimal digits of `entropy` (six bytes).

    Does not read a clock: `at` must be aware, else ValueError.
    """
    if at.tzinfo is None or len(entropy) != 6:
        raise ValueError("a run id needs an aware time and six bytes of entropy")
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{entropy.hex()}"


def is_run_id(text: str) -> bool:
    """Whether `text` has the form of a run id; used before a name from a user touches a path."""
    return _RUN_ID.match(text) is not None


def short_id(identifier: str) -> str:
    """Return the random part, which people use to name a run."""
    return identifier.rpartition("-")[2]


def utc_text(at: datetime) -> str:
    """Return `at` in RFC 3339 with microseconds and `Z`. Raises ValueError when `at` is not aware."""
    if at.tzinfo is None:
        raise ValueError("a time in a record is aware")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
