"""A run's journal: one file that is there from just before the engine is touched until the run is sealed.

The first line is an object with the process (`host`, `pid`, `since`) and the `run` as it stood; each further line is an event.
"""

from __future__ import annotations

import json
import os
import time
from functools import cache
from pathlib import Path

from aureus_jupyter.core.run_state import fold_events
from aureus_jupyter.errors import Bug
from aureus_jupyter.values.codec import from_dict, from_json, to_json
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Event, Run

__all__ = ["alive", "first_line", "is_over", "older", "read_journal"]

_A_MINUTE, _A_DAY = 60.0, 86_400.0


def first_line(run: Run) -> bytes:
    """Return the line that begins a run's journal."""
    return b'{"host":%b,"pid":%d,"since":%d,"run":%b}\n' % (_host(), os.getpid(), _own_since(os.getpid()), to_json(run))


def read_journal(data: bytes, run_id: str) -> Run:
    """Return a run as its journal tells it, or with nothing but its id when the first line is torn.

    A torn last line is left out: whoever wrote it was not told that it is kept.
    """
    first, *later = data.split(b"\n")[:-1] or [b""]
    try:
        run = from_dict(Run, json.loads(first)["run"])
        if run.id == run_id:
            return fold_events(run, [from_json(Event, line) for line in later])
    except (ValueError, KeyError, TypeError, RecursionError, Bug):
        pass
    return Run(id=run_id, cell=Cell(source=""), principal=Principal(name="unknown"))


def is_over(path: Path) -> bool:
    """Whether nobody will go on with the run: the process that wrote the journal is gone.

    Only for journals of this account, as nobody else may say what became of them. What runs on another machine cannot be
    asked, so there a day must have passed; and a minute for a line that may only just be being written.
    """
    try:
        if path.lstat().st_uid != os.getuid():
            return False
        line = json.loads(path.read_bytes().split(b"\n")[0])
        if line["host"] != json.loads(_host()):
            return older(path, _A_DAY)
        return not alive(int(line["pid"]), int(line["since"]))
    except OSError:
        return False
    except (ValueError, KeyError, TypeError, RecursionError):
        return older(path, _A_MINUTE)


def older(path: Path, seconds: float = _A_MINUTE) -> bool:
    """Whether a file or folder was last changed longer ago than that."""
    try:
        return time.time() - path.lstat().st_mtime > seconds
    except OSError:
        return False


def alive(process: int, since: int) -> bool:
    """Whether the very process that began at `since` still runs; another one may have taken its number since."""
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return since in {0, _since(process)}


def _since(process: int) -> int:
    """Return when a process began, in ticks since the machine started (proc(5), field 22); 0 where that is not told."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


_own_since = cache(_since)
"""When this process began, by its number: a forked child has another."""


@cache
def _host() -> bytes:
    return json.dumps(os.uname().nodename).encode()
