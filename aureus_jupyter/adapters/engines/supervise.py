"""Work that a person or a clock can stop: it runs on a thread of its own while the caller waits and listens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import Progress

__all__ = ["Supervisor"]

T = TypeVar("T")

_TICK = 0.2
_QUIET = 1.0
_GRACE = 5.0


class _Work(Generic[T]):
    """One piece of work. As a context it keeps what is raised inside, for the caller's thread."""

    def __init__(self, work: Callable[[threading.Event], T]) -> None:
        self._work = work
        self.stop, self.done = threading.Event(), threading.Event()
        self.values: list[T] = []
        self.error: BaseException | None = None
        self._ticket = [True]

    def _take(self) -> bool:
        """Whether this caller has the one ticket: the thread that begins the work, or whoever withdraws it."""
        try:
            return self._ticket.pop()
        except IndexError:
            return False

    def begin(self) -> None:
        """Do it, on the thread that calls, unless it was withdrawn. Raises nothing."""
        if self._take():
            with self:
                self.values.append(self._work(self.stop))

    def withdraw(self) -> bool:
        """Whether it had not begun, and now never will."""
        if not self._take():
            return False
        self.done.set()
        return True

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        self.done.set()
        return True

    @property
    def alive(self) -> bool:
        """Whether it has begun and not ended."""
        return not self._ticket and not self.done.is_set()

    def result(self) -> T:
        """Return what the work returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return self.values[0]


class _Worker:
    """A thread that does one piece of work after another until it is told to end: starting one for each costs more."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Work[Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._body, name="aureus-query", daemon=True)
        self._thread.start()

    def _body(self) -> None:
        while (work := self._queue.get()) is not None:
            work.begin()
            # What it returned and raised belongs to the caller alone; a waiting thread would keep it alive.
            del work

    def usable(self) -> bool:
        """Whether its thread runs; a forked child has none of its parent's threads."""
        return self._thread.is_alive()

    def give(self, work: _Work[Any]) -> None:
        """Let it do this next."""
        self._queue.put(work)

    def end(self) -> None:
        """Let the thread end once it has done what it has."""
        self._queue.put(None)


class Supervisor:
    """Runs one piece of work at a time.

    `interrupt` asks the work to stop, from any thread and as often as needed; `share` tells how much is done (0 to 1,
    or -1); `abandon` is called when work does not stop within `grace` seconds, and must give up what it holds.
    """

    def __init__(
        self,
        interrupt: Callable[[], None],
        share: Callable[[], float],
        abandon: Callable[[], None],
        monotonic: Callable[[], float],
        grace: float = _GRACE,
    ) -> None:
        self._interrupt, self._share, self._abandon = interrupt, share, abandon
        self._monotonic, self._grace = monotonic, grace
        self._cancelled = threading.Event()
        self._current: _Work[Any] | None = None
        self._worker: _Worker | None = None

    def cancel(self) -> None:
        """Stop the work that runs, if any. From any thread."""
        self._cancelled.set()
        self._interrupt()

    def run(
        self, work: Callable[[threading.Event], T], seconds: float | None = None, progress: Progress | None = None
    ) -> T:
        """Return what `work(stop)` returns; `stop` is set when it should end early.

        Raises what `work` raises; `Unavailable` (`time_limit`, `cancelled`); what `progress` raises; and
        KeyboardInterrupt when the caller's thread is interrupted. Whatever is raised, the work has ended, or has been
        abandoned.
        """
        if self._current is not None and self._current.alive and self._settle(self._current):
            raise KeyboardInterrupt
        self._cancelled.clear()
        current = _Work(work)
        self._current, ended = current, False
        try:
            self._ready().give(current)
            ended = self._wait(current.done, seconds, progress)
        finally:
            if not ended:
                self._settle(current)
            if not current.alive:
                # Not kept: it holds the result.
                self._current = None
        return current.result()

    def close(self) -> None:
        """Let the thread end. The supervisor can be used again: it takes another."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()

    def _ready(self) -> _Worker:
        if self._worker is None or not self._worker.usable():
            self._worker = _Worker()
        return self._worker

    def _give_up(self) -> None:
        """Leave the thread to what it is stuck in; the next statement must not wait for that once more."""
        self._current = None
        self.close()
        self._abandon()

    def _wait(self, done: threading.Event, seconds: float | None, progress: Progress | None) -> bool:
        """Wait for the work, reporting after a second; return whether it ended. Raises when it must be stopped."""
        begun = self._monotonic()
        while not done.wait(_TICK if seconds is None else max(0.0, min(_TICK, begun + seconds - self._monotonic()))):
            spent = self._monotonic() - begun
            if self._cancelled.is_set():
                raise Unavailable("cancelled", "the statement was cancelled", hint="Run the cell again when ready.")
            if seconds is not None and spent >= seconds:
                raise Unavailable(
                    "time_limit",
                    f"the statement took longer than the {seconds:g} second{'s' * (seconds != 1)} it may",
                    hint="Filter earlier, join fewer datasets, or ask for a higher limit.",
                )
            if progress is not None and spent >= _QUIET:
                progress(self._share())
        return True

    def _settle(self, work: _Work[Any]) -> bool:
        """Stop the work; return whether the caller was interrupted meanwhile, which ends the waiting, not the stopping."""
        work.stop.set()
        if work.withdraw():
            return False
        patience, interrupted = self._monotonic() + self._grace, False
        while work.alive:
            try:
                self._interrupt()
                if work.done.wait(0.02):
                    break
                if self._monotonic() >= patience:
                    self._give_up()
                    break
            except KeyboardInterrupt:
                patience, interrupted = self._monotonic(), True
        return interrupted
