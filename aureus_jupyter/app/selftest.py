"""`aureus selftest`: the published corpus against this installation, on DuckDB and on a PostgreSQL of yours.

Each case takes a cell's whole way: read, judged, bound, run, signed and written as evidence. Twice, over two databases that are
equal in what the principal may see and different in what policy hides. Nothing of yours is read: the world is made for it.
"""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from aureus_jupyter import plugins
from aureus_jupyter.app.selftest_duckdb import DuckDBWorld
from aureus_jupyter.core.text import bind_names
from aureus_jupyter.errors import AureusError
from aureus_jupyter.ports import Engine, Limits, ResultTable
from aureus_jupyter.service.approvals import Approvals
from aureus_jupyter.service.decisions import Decider
from aureus_jupyter.service.outcome import Outcome
from aureus_jupyter.service.runs import Desk, Runner
from aureus_jupyter.testing.corpus import Attack, Legitimate, load_attacks, load_legitimate
from aureus_jupyter.testing.corpus_judge import (
    Answer,
    Bare,
    Observed,
    attack_problems,
    bite_problem,
    bites,
    legitimate_problems,
    reordered,
)
from aureus_jupyter.testing.corpus_report import Report
from aureus_jupyter.testing.corpus_world import SIDES, load_tables
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.plan import Parameter
from aureus_jupyter.values.principal import Principal

__all__ = ["World", "corpus_folder", "run_selftest", "selftest"]

_WHO = Principal(name="corpus.analyst", roles=("analyst",), source="selftest")
_SECONDS, _CLOCK_SECONDS = 20.0, 0.3


class World(Protocol):
    """A database the corpus runs on: made anew for each side, with and without what guards it."""

    dialect: str
    place: Path

    def build(self, side: str) -> None: ...
    def engine(self) -> Engine: ...
    def secure(self, sql: str, parameters: Mapping[str, Parameter]) -> ResultTable: ...
    def bare(self, attack: Attack) -> Bare: ...
    def over_views(self, attack: Attack) -> Bare: ...
    def state(self) -> str: ...
    def close(self) -> None: ...


class _Clock:
    """A clock that both databases see alike: a second for each look."""

    def __init__(self) -> None:
        self._now = datetime(2024, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the next second."""
        self._now += timedelta(seconds=1)
        return self._now

    def monotonic(self) -> float:
        """Return the same in seconds."""
        return self._now.timestamp()


class _Ids:
    """Entropy that both databases see alike."""

    def __init__(self) -> None:
        self._count = 0

    def entropy(self, size: int) -> bytes:
        """Return the next number."""
        self._count += 1
        return self._count.to_bytes(size, "big")


def corpus_folder() -> Path:
    """Return where the corpus is: in the installed package, or in a source checkout."""
    package = Path(str(files("aureus_jupyter")))
    shipped = package / "_data" / "corpus"
    return shipped if shipped.is_dir() else package.parent / "tests" / "corpus"


@dataclass(frozen=True, slots=True)
class _Side:
    """All that was seen on one database."""

    seen: Mapping[str, Observed]
    bare: Mapping[str, Bare]
    wanted: Mapping[str, Answer]
    moved: bool


def selftest(world: World, corpus: Path, folder: Path, report: Report) -> None:
    """Run every case of the world's dialect on both databases, and add a line for each to `report`."""
    attacks = [a for a in load_attacks(corpus / "attacks") if a.dialect == world.dialect]
    legitimate = [c for c in load_legitimate(corpus / "legitimate") if c.dialect == world.dialect]
    ready, fit = _ready(attacks, world.place, report), _ready(legitimate, world.place, report)
    try:
        a = _run_side("A", world, corpus, folder / "A", ready, fit, {})
        b = _run_side("B", world, corpus, folder / "B", ready, fit, a.bare)
        worked = {attack.id: _worked(world, attack, a, b) for attack in ready}
    finally:
        world.close()
    for attack in ready:
        problems = attack_problems(attack, a.seen[attack.id], b.seen[attack.id])
        proves = bite_problem(attack, worked[attack.id])
        report.add(attack, [*problems, *([proves] if proves else [])])
    for case in fit:
        report.add(case, legitimate_problems(case, a.seen[case.id], b.seen[case.id], a.wanted[case.id]))
    cells = {c.id: c.cells for c in ready} | {c.id: (c.sql,) for c in fit}
    report.reordered += [
        f"{world.dialect} {key}" for key, of in cells.items() if reordered(a.seen[key], b.seen[key], of)
    ]
    report.moved += [f"{world.dialect} {side}" for side, one in zip(SIDES, (a, b), strict=True) if one.moved]


def _worked(world: World, attack: Attack, a: _Side, b: _Side) -> bool:
    """Whether an attack works where nothing guards. The secure views are asked only where the two databases do not tell."""
    if attack.bites == "declared":
        return False
    one, other = a.bare[attack.id], b.bare.get(attack.id, a.bare[attack.id])
    return bites(attack, one, other) or (
        attack.bites == "reads" and not attack.pair and bites(attack, one, other, world.over_views(attack))
    )


def _ready(cases: Iterable[Any], place: Path, report: Report) -> list[Any]:
    """Return the cases that can run, with the folder's name put in; those that need what is not built are reported."""
    found = []
    for case in cases:
        if case.needs:
            report.wait(case)
        elif isinstance(case, Attack):
            found.append(replace(case, cells=tuple(cell.replace("$DIR", str(place)) for cell in case.cells)))
        else:
            found.append(case)
    return found


def _run_side(
    side: str,
    world: World,
    corpus: Path,
    folder: Path,
    attacks: Sequence[Attack],
    legitimate: Sequence[Legitimate],
    before_it: Mapping[str, Bare],
) -> _Side:
    """Run all cases on one database; what `before_it` proves already is not tried again where nothing guards."""
    world.build(side)
    before = world.state()
    engine = world.engine()
    try:
        desk = _desk(engine, corpus / "world", folder)
        seen = {a.id: _observed(desk, a.cells, a.parameters, a.bites == "clock") for a in attacks}
        seen |= {c.id: _observed(desk, (c.sql,), c.parameters, False) for c in legitimate}
    finally:
        engine.close()
    moved = world.state() != before
    open_ = [a for a in attacks if a.bites != "declared" and not bites(a, before_it.get(a.id), before_it.get(a.id))]
    bare = {a.id: world.bare(a) for a in open_}
    wanted = {c.id: _wanted(world, c) for c in legitimate} if side == "A" else {}
    return _Side(seen, bare, wanted, moved)


def _desk(engine: Engine, pack: Path, folder: Path) -> Desk:
    folder.mkdir(parents=True, exist_ok=True)
    signer = plugins.load("signer", "ed25519")(folder.parent / "keys", "runner", _WHO.name, ("runner",))
    store = plugins.load("store", "folder")(folder / "selftest.aureus")
    catalog = plugins.load("catalog", "pack")(pack).load()
    policies = plugins.load("policies", "declarative")([pack / "policies"])
    ledger = plugins.load("ledger", "sqlite")(folder / "ledger.sqlite")
    return Desk(
        engine=engine,
        connection="corpus",
        decider=Decider(catalog, policies),
        copilot=plugins.load("copilot", "none")(),
        store=store,
        ledger=lambda: ledger,
        signer=lambda: signer,
        approvals=Approvals([store], list, lambda *_: False, frozenset),
        clock=_Clock(),
        ids=_Ids(),
        principal=_WHO,
        pack="corpus",
        limits=Limits(seconds=_SECONDS, memory_bytes=500_000_000),
    )


@contextlib.contextmanager
def _listening() -> Iterator[io.StringIO]:
    """Give what is printed and logged meanwhile."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
            yield heard
    finally:
        root.removeHandler(handler)


def _observed(desk: Desk, cells: Sequence[str], parameters: tuple[tuple[str, Parameter], ...], clock: bool) -> Observed:
    if clock:
        desk = replace(desk, limits=replace(desk.limits, seconds=_CLOCK_SECONDS))
    runner = Runner(desk)
    with _listening() as heard:
        outcomes = [runner.run(Cell(source=cell, kind="sql", parameters=parameters)) for cell in cells]
    return Observed(
        answers=tuple(_answer(outcome) for outcome in outcomes),
        evidence=tuple(_evidence(outcome) for outcome in outcomes),
        printed=heard.getvalue(),
        changed=next(filter(None, map(_changed, outcomes, cells)), ""),
    )


def _answer(outcome: Outcome) -> Answer:
    error = outcome.error
    if error is not None:
        return Answer(
            code=error.code, family=error.family, message=error.message, hint=error.hint, span=str(error.span or "")
        )
    assert outcome.table is not None, "a run without an error has a table"
    return _answer_of(outcome.table)


def _answer_of(table: ResultTable) -> Answer:
    columns = tuple((c.name, c.type) for c in table.columns)
    arrow = table.to_arrow()
    values = [column.to_pylist() for column in arrow.columns]
    rows = tuple(map(repr, zip(*values, strict=True))) if values else ()
    return Answer(columns=columns, rows=rows, truncated=table.truncated)


def _evidence(outcome: Outcome) -> Mapping[str, bytes]:
    folder = Path(outcome.run.evidence)
    if not outcome.run.evidence or not folder.is_dir():
        return {"missing": b""}
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _changed(outcome: Outcome, cell: str) -> str:
    """Say how the text that reached the engine differs from the user's: only a parameter's sign may."""
    plan = outcome.run.plan
    if plan is None:
        return ""
    bound = bind_names(cell)[0] if plan.dialect == "duckdb" else cell
    return "" if (plan.sql, plan.bound) == (cell, bound) else "the text that reached the engine is not the user's"


def _wanted(world: World, case: Legitimate) -> Answer:
    try:
        return _answer_of(world.secure(case.sql, dict(case.parameters)))
    except AureusError as error:
        return Answer(code=error.code, message=error.message)
    except Exception as error:
        return Answer(code=type(error).__name__, message=str(error))


def run_selftest(url: str = "", corpus: Path | None = None) -> Report:
    """Run the corpus on DuckDB, and with `url` on PostgreSQL: its account may make a schema, and owns no more than that."""
    corpus = corpus or corpus_folder()
    tables = load_tables(corpus / "world" / "tables.yaml")
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="aureus-selftest-"))
    try:
        worlds: list[World] = [DuckDBWorld(tables, corpus / "world", folder / "duckdb")]
        if url:
            from aureus_jupyter.app.selftest_postgres import PostgresWorld

            worlds.append(PostgresWorld(tables, corpus / "world", folder / "postgres", url))
        for world in worlds:
            selftest(world, corpus, folder / f"{world.dialect}-runs", report)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report
