"""The run's state machine, as one table.

The table is the design's (architecture, run states). The diagram in aureus_jupyter/README.md is generated from
it, so neither can drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from aureus_jupyter.errors import Bug
from aureus_jupyter.values.run import Event, EventKind, Run, State

__all__ = ["TRANSITIONS", "advance", "diagram", "fold_events", "terminal"]

_E, _S = EventKind, State

TRANSITIONS: Mapping[tuple[State, EventKind], State] = MappingProxyType(
    {
        (_S.DRAFTED, _E.ALLOWED): _S.CLEARED,
        (_S.DRAFTED, _E.APPROVAL_REQUIRED): _S.HELD,
        (_S.DRAFTED, _E.DENIED): _S.REFUSED,
        (_S.DRAFTED, _E.ERRORED): _S.REFUSED,
        (_S.DRAFTED, _E.WITHDRAWN): _S.REFUSED,
        (_S.HELD, _E.APPROVED): _S.CLEARED,
        (_S.HELD, _E.REJECTED): _S.REFUSED,
        (_S.HELD, _E.EXPIRED): _S.REFUSED,
        (_S.HELD, _E.WITHDRAWN): _S.REFUSED,
        (_S.HELD, _E.ERRORED): _S.REFUSED,
        (_S.HELD, _E.STALE): _S.DRAFTED,
        (_S.CLEARED, _E.STARTED): _S.RUNNING,
        (_S.CLEARED, _E.STALE): _S.DRAFTED,
        (_S.CLEARED, _E.WITHDRAWN): _S.REFUSED,
        (_S.CLEARED, _E.EXPIRED): _S.REFUSED,
        (_S.CLEARED, _E.ERRORED): _S.REFUSED,
        (_S.RUNNING, _E.COMPLETED): _S.FINISHED,
        (_S.RUNNING, _E.ERRORED): _S.FAILED,
        (_S.RUNNING, _E.WITHDRAWN): _S.FAILED,
        (_S.REFUSED, _E.SEALED): _S.SEALED,
        (_S.FINISHED, _E.SEALED): _S.SEALED,
        (_S.FAILED, _E.SEALED): _S.SEALED,
    }
)


def advance(run: Run, event: Event, **learned: Any) -> Run:
    """Return `run` after `event`, with what was `learned` on the way (fields of `Run`); `run` itself is never changed.

    Raises `Bug` when the table has no such move.
    """
    target = TRANSITIONS.get((run.state, event.kind))
    if target is None:
        raise Bug(
            "run_state",
            f"a run that is {run.state} cannot take the event {event.kind}",
            hint="Nothing was read. Please report this with the run's evidence folder.",
        )
    return replace(run, state=target, events=(*run.events, event), **learned)


def fold_events(run: Run, events: Iterable[Event]) -> Run:
    """Return `run` after `events` in order. Raises what `advance` raises."""
    for event in events:
        run = advance(run, event)
    return run


def terminal(state: State) -> bool:
    """Whether only sealing is left, or not even that."""
    return state in {_S.REFUSED, _S.FINISHED, _S.FAILED, _S.SEALED}


def diagram() -> str:
    """Return the table as a Mermaid state diagram, one arrow for each pair of states."""
    labels: dict[tuple[State, State], list[str]] = {}
    for (source, kind), target in TRANSITIONS.items():
        labels.setdefault((source, target), []).append(kind)
    arrows = [f"    {a.upper()} --> {b.upper()}: {', '.join(kinds)}" for (a, b), kinds in labels.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> DRAFTED", *arrows, "    SEALED --> [*]"])
