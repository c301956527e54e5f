"""Keep an interrupt from cutting a step that must be whole, and deliver it right after."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Shield", "shielded"]


class Shield:
    """Holds SIGINT back, outside of `lifted`. Does nothing where Python delivers no signals: outside the main thread."""

    def __init__(self) -> None:
        self.came = False
        self._works = threading.current_thread() is threading.main_thread()
        self._previous: Any = signal.getsignal(signal.SIGINT) if self._works else None

    def hold(self) -> None:
        """Hold interrupts back from here on."""
        if self._works:
            signal.signal(signal.SIGINT, self._remember)

    def release(self) -> None:
        """Deliver interrupts again, as before."""
        if self._works:
            signal.signal(signal.SIGINT, self._previous)

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Let interrupts through while the body runs."""
        self.release()
        try:
            yield
        finally:
            self.hold()

    def _remember(self, number: int, frame: Any) -> None:
        self.came = True


@contextmanager
def shielded() -> Iterator[Shield]:
    """Hold back SIGINT while the body runs; raise KeyboardInterrupt afterwards if one came and the body did not take it.

    The body takes it by setting `came` back. Does not hold back SIGKILL or SIGTERM: the store's rename is what protects
    from those.
    """
    shield = Shield()
    shield.hold()
    try:
        yield shield
    finally:
        shield.release()
    if shield.came:
        raise KeyboardInterrupt
