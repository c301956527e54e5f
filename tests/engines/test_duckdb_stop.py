"""Stopping: an interrupt, a cancel or a clock ends the statement, and the connection goes on."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.engines.duckdb_errors import keyboard
from aureus_jupyter.adapters.engines.supervise import Supervisor, _Work
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.plan import Plan, Shadow

SHADOW = Shadow(dataset="t", source="t", projection=('"i"',))
SLOW = "SELECT count(*) AS n FROM t a, t b WHERE (a.i * b.i) % 1009 = 3"


def plan(sql: str) -> Plan:
    return Plan(sql=sql, bound=sql, dialect="duckdb", shadows=(SHADOW,))


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "big.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE t AS SELECT i FROM range(3000000) r(i)")
    return path


@pytest.fixture
def engine(big: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine.open(str(big), threads=2, memory_limit="1GB")
    yield engine
    engine.close()


@pytest.fixture
def interrupts() -> Iterator[None]:
    """A shell may have told this process to ignore the keyboard."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_after(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


def usable(engine: DuckDBEngine) -> bool:
    small = plan("SELECT count(*) AS n FROM t")
    engine.prepare(small, ())
    return engine.run(small, {}, Limits()).preview(1) == [["3000000"]]


def test_the_keyboard_stops_a_statement(engine: DuckDBEngine, interrupts: None) -> None:
    engine.prepare(plan(SLOW), ())
    timer = press_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        engine.run(plan(SLOW), {}, Limits())
    timer.join()
    assert usable(engine)


def test_an_interrupt_at_any_moment_leaves_the_engine_usable(engine: DuckDBEngine, interrupts: None) -> None:
    """Before, while and after shadows are made, the statement binds, runs and is fetched."""
    moments = random.Random(7)
    statements = itertools.cycle(
        [
            plan("SELECT i, i::VARCHAR AS t FROM t WHERE i < 200000"),
            plan("SELECT i % 10 AS k, count(*) AS n FROM t GROUP BY 1"),
            Plan(sql="SELECT 1 AS one", bound="SELECT 1 AS one", dialect="duckdb", shadows=()),
        ]
    )
    stopped, pressed = 0, []
    for _ in range(60):
        ended = threading.Event()
        timer = threading.Thread(target=press_until, args=(ended, moments.uniform(0.0, 0.03), pressed))
        try:
            try:
                # On a busy machine the key is down before `start` returns.
                timer.start()
                for statement in statements:
                    engine.prepare(statement, ())
                    engine.run(statement, {}, Limits()).digest()
            finally:
                ended.set()
        except KeyboardInterrupt:
            stopped += 1
        timer.join()
    assert stopped == 60
    # Python itself drops an interrupt that comes while a weak reference is cleared; a person presses again.
    assert len(pressed) <= 63
    assert usable(engine)


def press_until(ended: threading.Event, seconds: float, pressed: list[float]) -> None:
    """Press the key after that time, and again each three seconds for as long as nothing has ended."""
    while not ended.wait(seconds):
        pressed.append(seconds)
        os.kill(os.getpid(), signal.SIGINT)
        seconds = 3.0


def test_cancel_from_many_threads(engine: DuckDBEngine) -> None:
    engine.prepare(plan(SLOW), ())
    timers = [threading.Timer(0.1 + 0.05 * i, engine.cancel) for i in range(4)]
    for timer in timers:
        timer.start()
    with pytest.raises(Unavailable) as caught:
        engine.run(plan(SLOW), {}, Limits())
    for timer in timers:
        timer.join()
    assert caught.value.code == "cancelled"
    assert usable(engine)


def test_closing_stops_what_another_thread_runs(big: Path) -> None:
    engine = DuckDBEngine.open(str(big), threads=2, memory_limit="1GB")
    engine.prepare(plan(SLOW), ())
    timer = threading.Timer(0.2, engine.cancel)
    timer.start()
    with pytest.raises(Unavailable):
        engine.run(plan(SLOW), {}, Limits())
    timer.join()
    engine.close()
    with duckdb.connect(str(big)) as con:  # the file is free again
        assert con.execute("SELECT count(*) FROM t").fetchone() == (3_000_000,)


def test_the_instance_has_a_time_limit_of_its_own(big: Path) -> None:
    engine = DuckDBEngine.open(str(big), threads=1, memory_limit="1GB", max_seconds=0.3)
    engine.prepare(plan(SLOW), ())
    with pytest.raises(Unavailable) as caught:
        engine.run(plan(SLOW), {}, Limits(seconds=None))
    assert caught.value.code == "time_limit"
    engine.close()


def test_memory_has_a_limit(big: Path) -> None:
    engine = DuckDBEngine.open(str(big), threads=2, memory_limit="40MB")
    hungry = plan("SELECT i, count(*) AS n FROM t GROUP BY i ORDER BY n, i")
    engine.prepare(hungry, ())
    with pytest.raises(Unavailable) as caught:
        engine.run(hungry, {}, Limits())
    assert caught.value.code == "memory_limit"
    assert usable(engine)
    engine.close()


def test_a_result_has_a_size_limit(engine: DuckDBEngine) -> None:
    wide = plan("SELECT i FROM t")
    engine.prepare(wide, ())
    with pytest.raises(Unavailable) as caught:
        engine.run(wide, {}, Limits(memory_bytes=2_000_000))
    assert caught.value.code == "memory_limit"
    assert usable(engine)


def test_progress_comes_after_a_second_and_can_stop_the_statement(engine: DuckDBEngine) -> None:
    shares = []

    def report(share: float) -> None:
        shares.append(share)
        raise LookupError("the display is gone")

    engine.prepare(plan(SLOW), ())
    begun = time.monotonic()
    with pytest.raises(LookupError):
        engine.run(plan(SLOW), {}, Limits(), report)
    assert time.monotonic() - begun >= 1.0
    assert len(shares) == 1
    assert -1.0 <= shares[0] <= 1.0
    assert usable(engine)


def test_only_an_interrupt_becomes_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), keyboard():
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="another"), keyboard():
        raise RuntimeError("another")


class Clock:
    """Moves by a second whenever it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self) -> float:
        self.reads += 1
        return float(self.reads)


def supervisor(interrupt, abandon=lambda: None, share=lambda: 0.5) -> Supervisor:
    return Supervisor(interrupt, share, abandon, Clock(), grace=3.0)


def test_work_is_given_back_with_its_value_or_its_error() -> None:
    runs = supervisor(lambda: None)
    assert runs.run(lambda stop: 42) == 42
    with pytest.raises(ZeroDivisionError):
        runs.run(lambda stop: 1 // 0)
    assert runs.run(lambda stop: stop.is_set()) is False


def test_work_that_cannot_be_interrupted_is_abandoned() -> None:
    """A long scalar call hears no interrupt; the caller gets the prompt back all the same."""
    release, calls = threading.Event(), []
    runs = supervisor(lambda: calls.append("interrupt"), lambda: calls.append("abandon"))
    with pytest.raises(Unavailable) as caught:
        runs.run(lambda stop: release.wait(60), seconds=2.0)
    release.set()
    assert caught.value.code == "time_limit"
    assert calls[-1] == "abandon"
    assert calls.count("interrupt") >= 2


def test_after_abandoned_work_the_next_does_not_wait_for_it() -> None:
    release, calls = threading.Event(), []
    runs = supervisor(lambda: calls.append("interrupt"), lambda: calls.append("abandon"))
    with pytest.raises(Unavailable):
        runs.run(lambda stop: release.wait(60), seconds=2.0)
    calls.clear()
    assert runs.run(lambda stop: threading.current_thread().name) == "aureus-query"
    release.set()
    assert calls == []


def test_work_that_has_not_begun_when_it_is_stopped_never_begins() -> None:
    """The thread is still stuck in the statement before: an interrupt of the next one has nothing to wait for."""
    release, begun, calls = threading.Event(), [], []
    runs = supervisor(lambda: calls.append("interrupt"), lambda: calls.append("abandon"))
    runs._ready().give(_Work(lambda stop: release.wait(60)))
    with pytest.raises(Unavailable):
        runs.run(lambda stop: begun.append(True), seconds=2.0)
    release.set()
    assert runs.run(lambda stop: "next") == "next"
    assert begun == []
    assert calls == []


def test_one_thread_does_all_work_and_ends_when_the_supervisor_closes() -> None:
    runs = supervisor(lambda: None)
    threads = {runs.run(lambda stop: threading.current_thread()) for _ in range(3)}
    assert len(threads) == 1
    runs.close()
    (thread,) = threads
    thread.join(5)
    assert not thread.is_alive()
    assert runs.run(lambda stop: threading.current_thread()) is not thread
    runs.close()


def test_a_result_is_not_kept_by_the_thread_that_made_it() -> None:
    class Large:
        pass

    runs = supervisor(lambda: None)
    seen = weakref.ref(runs.run(lambda stop: Large()))
    runs.run(lambda stop: None)
    assert seen() is None


FORKED = """
import os, time
from aureus_jupyter.adapters.engines.supervise import Supervisor
runs = Supervisor(lambda: None, lambda: -1.0, lambda: None, time.monotonic)
runs.run(lambda stop: None)
child = os.fork()
if child == 0:
    os._exit(runs.run(lambda stop: 7))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_takes_a_thread_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "7\n"


def test_a_second_interrupt_ends_the_waiting() -> None:
    release, calls = threading.Event(), []

    def interrupt() -> None:
        calls.append("interrupt")
        if len(calls) == 1:
            raise KeyboardInterrupt

    def share(_: float) -> None:
        raise KeyboardInterrupt

    runs = Supervisor(interrupt, lambda: -1.0, lambda: calls.append("abandon"), Clock(), grace=1e9)
    with pytest.raises(KeyboardInterrupt):
        runs.run(lambda stop: release.wait(60), progress=share)
    release.set()
    assert calls[:3] == ["interrupt", "interrupt", "abandon"]


def test_work_left_behind_is_stopped_before_the_next() -> None:
    """If an interrupt hits the stopping itself, the next statement stops what was left first."""
    release = threading.Event()
    left, calls = threading.Event(), []

    def interrupt() -> None:
        calls.append("interrupt")
        release.set()

    runs = supervisor(interrupt)
    runs._settle = lambda work: left.set()  # the stopping that never was
    with pytest.raises(Unavailable):
        runs.run(lambda stop: release.wait(60), seconds=2.0)
    assert left.is_set()
    del runs._settle
    assert runs.run(lambda stop: "next") == "next"
    assert calls == ["interrupt"]


def test_an_interrupt_while_what_was_left_is_stopped_is_not_lost() -> None:
    release, begun = threading.Event(), threading.Event()

    def interrupt() -> None:
        release.set()
        raise KeyboardInterrupt

    runs = supervisor(interrupt)
    runs._settle = lambda work: False  # the stopping that never was
    with pytest.raises(Unavailable):
        runs.run(lambda stop: release.wait(60), seconds=2.0)
    del runs._settle
    with pytest.raises(KeyboardInterrupt):
        runs.run(lambda stop: begun.set())
    assert not begun.is_set()


def test_an_abandoned_engine_goes_on_with_a_fresh_connection(engine: DuckDBEngine) -> None:
    engine.prepare(plan("SELECT count(*) AS n FROM t"), ())
    before = engine._con
    engine._renew()
    assert engine._con is not before
    assert usable(engine)


def test_an_interrupt_after_a_shadow_was_dropped_does_not_leave_it_believed(
    engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment between the engine's drop and our own forgetting of it."""
    over_t, over_none = (
        plan("SELECT count(*) AS n FROM t"),
        Plan(sql="SELECT 1", bound="SELECT 1", dialect="duckdb", shadows=()),
    )
    engine.prepare(over_t, ())
    shadows = engine._shadows

    class Pressed:
        """The connection, with the key pressed as soon as a drop is done."""

        def __init__(self, con: Any) -> None:
            self._con = con

        def __getattr__(self, name: str) -> Any:
            return getattr(self._con, name)

        def execute(self, sql: str) -> Any:
            done = self._con.execute(sql)
            if sql.startswith("DROP VIEW"):
                raise KeyboardInterrupt
            return done

    with monkeypatch.context() as patch:
        patch.setattr(shadows, "_con", Pressed(shadows._con))
        with pytest.raises(KeyboardInterrupt):
            engine.prepare(over_none, ())
    engine.prepare(over_t, ())
    assert engine.run(over_t, {}, Limits()).preview(1) == [["3000000"]]
