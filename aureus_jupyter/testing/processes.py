"""Other processes for the suite of run stores: writers that race, and one that is killed or fails at each step.

A step is a call into the operating system, seen through Python's profiler just before it is made. The work is forked off a
fresh process, which has no threads, imports everything once, and ends with its check. Run as a program it takes one job, a
line of JSON, and prints its outcome.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from aureus_jupyter.core.run_state import fold_events
from aureus_jupyter.errors import AureusError
from aureus_jupyter.ports import RunStore
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.evidence import PackFile
from aureus_jupyter.values.ids import is_run_id
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Event, EventKind, Run

__all__ = ["AT", "BOUNDARY", "each_step", "holding", "made", "pack", "race", "run_ids", "run_with"]

BOUNDARY = ("posix", "io", "socket", "ssl", "fcntl", "sqlite3")
"""The modules whose calls leave the process."""

AT = "2026-03-01T10:00:00.000000Z"
_HARMLESS = {"fspath", "getpid", "getppid", "getuid", "geteuid", "getcwd", "urandom", "fsencode", "fsdecode", "close"}
_MOST_STEPS = 400


def made(factory: str, place: Path) -> RunStore:
    """Return the store that `module:name` makes at a place."""
    module, _, name = factory.partition(":")
    store: RunStore = getattr(import_module(module), name)(place)
    return store


def run_with(identifier: str, events: int = 2) -> Run:
    """Return a run with so many events: allowed, started, completed, sealed."""
    kinds = (EventKind.ALLOWED, EventKind.STARTED, EventKind.COMPLETED, EventKind.SEALED)[:events]
    start = Run(
        id=identifier,
        cell=Cell(source="SELECT 'ř' AS a", parameters=(("n", 1),), purpose="review"),
        principal=Principal(name="ana", roles=("analyst",)),
        decision_digest="sha256:" + "d" * 64,
    )
    return fold_events(start, [Event(kind=kind, at=AT, actor="conformance") for kind in kinds])


def run_ids(number: int) -> list[str]:
    """Return ids of runs, oldest first."""
    found = [f"20260301T10{n // 60:02}{n % 60:02}Z-{0xABC000 + n:012x}" for n in range(number)]
    assert all(map(is_run_id, found)), "these have the form of run ids"
    return found


def pack(mark: str) -> list[PackFile]:
    """Return the files of a pack, every one with the mark in it."""
    return [PackFile(name=n, data=f"{mark} {n} ".encode() * 200) for n in ("evidence.md", "record.json", "statement")]


def each_step(factory: str, place: Path, fault: str, boundary: Sequence[str]) -> list[dict[str, Any]]:
    """Append to a new run and seal it, once for each step, where the process is killed or the step fails (`fault`).

    Each time at a place of its own below `place`. Returns for each: the place, whether the fault struck, what append and
    seal came to: "ok", an error's code, "raw:" and the name of any other exception, or nothing when not come to.
    """
    found: list[dict[str, Any]] = _job(action=fault, factory=factory, place=str(place), boundary=list(boundary))
    return found


def race(factory: str, place: Path, what: str, runs: Sequence[str], writers: int = 4) -> list[list[str]]:
    """Let writers append to (`append`, `append_more`) or seal (`seal`) the same runs at once; return what each came to."""
    found: list[list[str]] = _job(
        action="race", factory=factory, place=str(place), what=what, runs=list(runs), writers=writers
    )
    return found


@contextmanager
def holding(factory: str, place: Path, run: str) -> Iterator[Callable[[], None]]:
    """Have another process start a run and live; what is given kills it."""
    child = _start()
    assert child.stdin is not None, "it was asked for"
    assert child.stdout is not None, "it was asked for"
    try:
        child.stdin.write(json.dumps({"action": "hold", "factory": factory, "place": str(place), "run": run}) + "\n")
        child.stdin.flush()
        assert child.stdout.readline() == "ready\n", "the other process could not start a run"
        yield lambda: _end(child)
    finally:
        _end(child)
        child.stdin.close()
        child.stdout.close()


def _end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()


def _start() -> subprocess.Popen[str]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-m", "aureus_jupyter.testing.processes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def _job(**job: Any) -> Any:
    with _start() as child:
        answer, _ = child.communicate(json.dumps(job) + "\n")
    assert child.returncode == 0, "the process that makes the others failed; its words are above"
    return json.loads(answer)


class _Steps:
    """Counts calls out of the process; does something before one of them."""

    def __init__(self, boundary: Sequence[str], left: int, act: Callable[[], None]) -> None:
        self.boundary, self.left, self.act, self.struck = frozenset(boundary), left, act, False

    def __call__(self, frame: FrameType, kind: str, call: Any) -> None:
        if kind != "c_call" or self.struck or getattr(call, "__name__", "") in _HARMLESS:
            return
        module = getattr(call, "__module__", None) or type(getattr(call, "__self__", None)).__module__
        if module.lstrip("_").partition(".")[0] not in self.boundary:
            return
        self.left -= 1
        if self.left < 0:
            self.struck = True
            self.act()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail() -> None:
    raise OSError(errno.ENOSPC, "no space left, says the suite")


def _outcome(work: Callable[[], object]) -> str:
    try:
        work()
    except AureusError as error:
        return error.code
    except Exception as error:
        return f"raw:{type(error).__name__}"
    return "ok"


def _at_each_step(job: dict[str, Any]) -> list[dict[str, Any]]:
    place, run = Path(job["place"]), run_ids(1)[0]
    _once(made(job["factory"], place / "warm"), run)  # what is imported on first use is no step
    found = []
    for step in range(_MOST_STEPS):
        here = place / str(step)
        steps = _Steps(job["boundary"], step, _kill if job["action"] == "kill" else _fail)
        said, died = _forked(partial(_watched, job["factory"], here, run, steps))
        words = said.split()
        struck = died or "struck" in words
        outcome = dict(word.split("=") for word in words if "=" in word)
        found.append({"place": str(here), "struck": struck, **outcome})
        if not struck:
            return found
    raise AssertionError(f"more than {_MOST_STEPS} steps to append and seal")


def _once(store: RunStore, run: str) -> None:
    store.append(run_with(run), 0)
    store.seal(run, pack("warm"))


def _watched(factory: str, place: Path, run: str, steps: _Steps, tell: Callable[[str], None]) -> None:
    store = made(factory, place)
    for name, work in (
        ("append", lambda: store.append(run_with(run), 0)),
        ("seal", lambda: store.seal(run, pack("whole"))),
    ):
        sys.setprofile(steps)
        came = _outcome(work)
        sys.setprofile(None)
        tell(f"{name}={came} ")
        if came != "ok":
            break
    if steps.struck:
        tell("struck ")


def _forked(work: Callable[[Callable[[str], None]], None]) -> tuple[str, bool]:
    """Run work in a fork; return what it told, and whether it was killed."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        work(lambda text: _void(os.write(write, text.encode())))
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status in {0, signal.SIGKILL}, f"a process ended with {status}"
    return said, status == signal.SIGKILL


def _void(_: object) -> None:
    """Take a value and give none."""


def _race(job: dict[str, Any]) -> list[list[str]]:
    """Start the writers, and let them go at each run together: one that is ahead would otherwise stay ahead."""
    gates = [os.pipe() for _ in job["runs"]]
    arrived, here = os.pipe()
    pipes, children = [], []
    for number in range(job["writers"]):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            for _, gate in gates:
                os.close(gate)
            came = _raced(job, str(number), [wait for wait, _ in gates], here)
            os.write(write, json.dumps(came).encode())
            os._exit(0)
        os.close(write)
        pipes.append(read)
        children.append(child)
    for _, gate in gates:
        for _ in children:
            os.read(arrived, 1)
        os.close(gate)  # the end of a pipe comes to all who wait for it at once
    answers = []
    for read, child in zip(pipes, children, strict=True):
        with os.fdopen(read) as pipe:
            answers.append(json.loads(pipe.read()))
        os.waitpid(child, 0)
    return answers


def _raced(job: dict[str, Any], mark: str, gates: Sequence[int], here: int) -> list[str]:
    store, what, came = made(job["factory"], Path(job["place"])), job["what"], []
    acts: dict[str, Callable[[str], object]] = {
        "append": lambda run: store.append(run_with(run), 0),
        "append_more": lambda run: store.append(run_with(run, 3), 2),
        "seal": lambda run: store.seal(run, pack(mark)),
    }
    for run, gate in zip(job["runs"], gates, strict=True):
        os.write(here, b".")
        os.read(gate, 1)
        came.append(_outcome(partial(acts[what], run)))
    return came


def _hold(job: dict[str, Any]) -> None:
    made(job["factory"], Path(job["place"])).append(run_with(job["run"]), 0)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


def _main() -> None:
    job = json.loads(sys.stdin.readline())
    if job["action"] == "hold":
        _hold(job)
        return
    answer = _race(job) if job["action"] == "race" else _at_each_step(job)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    _main()
