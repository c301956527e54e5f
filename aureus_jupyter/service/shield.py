"""Keep an interrupt from cutting a step that must be whole, and deliver it right after."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["shielded"]


@contextmanager
def shielded() -> Iterator[None]:
    """Hold back SIGINT while the body runs; raise KeyboardInterrupt afterwards if one came.

    Does nothing outside the main thread, where Python delivers no signals. Does not hold back SIGKILL or SIGTERM:
    the store's rename is what protects from those.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def remember(number: int, frame: Any) -> None:
        came.append(number)

    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if came:
        raise KeyboardInterrupt
