"""The machine's clock and entropy."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

__all__ = ["SystemClock", "SystemIds"]


class SystemClock:
    """The operating system's clock; `now` follows it even when it is set back."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from a point that does not move."""
        return time.monotonic()


class SystemIds:
    """Entropy from the operating system."""

    def entropy(self, size: int) -> bytes:
        """Return `size` random bytes fit for names nobody should guess."""
        return secrets.token_bytes(size)
