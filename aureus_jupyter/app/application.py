"""One application per kernel: what a cell and each line command do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from aureus_jupyter import plugins
from aureus_jupyter.adapters.config.connections import connection_of
from aureus_jupyter.adapters.config.load import load_settings, locked_error
from aureus_jupyter.adapters.config.redact import has_secret
from aureus_jupyter.adapters.stores.folder import FolderRunStore
from aureus_jupyter.app import build, pages
from aureus_jupyter.app.resuming import held_cell
from aureus_jupyter.app.spending import budgets_page
from aureus_jupyter.display.bundle import bundle
from aureus_jupyter.display.provenance import attach
from aureus_jupyter.errors import AureusError, UserError
from aureus_jupyter.ports import Engine, Ledger, Progress, RunStore
from aureus_jupyter.service.decisions import Decider
from aureus_jupyter.service.outcome import Outcome
from aureus_jupyter.service.runs import Desk, Runner
from aureus_jupyter.service.sealing import seal_interrupted
from aureus_jupyter.values.canonical import digest_bytes, short_digest
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.ids import utc_text
from aureus_jupyter.values.run import Run
from aureus_jupyter.values.settings import Settings

__all__ = ["App", "Shown"]

_A_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the front door shows and gives: the bundle to display, the error to raise, and the frame on request."""

    bundle: dict[str, Any]
    error: AureusError | None
    run: Run
    frame: Callable[[str], Any]


class App:
    """Everything a kernel's cells share. Parts are made on first use and kept while the settings stand."""

    def __init__(self, overrides: Mapping[str, Any] | None = None, start: Path | None = None) -> None:
        self._overrides = dict(overrides or {})
        self._start = start
        self._settings: Settings | None = None
        self._deciders: dict[str, Decider] = {}
        self._watched: dict[str, tuple[tuple[str, ...], tuple[tuple[int, int], ...]]] = {}
        self._engines: dict[tuple[str, str], tuple[str, Engine]] = {}
        self._places: dict[tuple[str, str], str] = {}
        self._added: dict[str, str] = {}
        self._stores: dict[Path, FolderRunStore] = {}
        self._kept: dict[str, Any] = {}
        self._desks: dict[tuple[str, str, str], Desk] = {}
        self._spent = 0
        self._recovered: dict[RunStore, float] = {}
        self._told: set[str] = set()
        self._runs: list[Run] = []

    # -- settings --------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings, read once. Raises UserError `config_malformed`."""
        if self._settings is None:
            self._settings = load_settings(self._start or Path.cwd(), self._overrides)
        return self._settings

    def configure(self, **overrides: Any) -> None:
        """Change settings for this kernel, as `%config Aureus.name = value` does. Raises UserError and changes nothing."""
        changed = {**self._overrides, **overrides}
        settings = load_settings(self._start or Path.cwd(), changed)
        self._overrides, self._settings = changed, settings
        self._forget()

    def _forget(self) -> None:
        for _, engine in self._engines.values():
            engine.close()
        self._engines.clear()
        self._deciders.clear()
        self._desks.clear()
        # A setting that changes must not give back what has been spent.
        self._spent += getattr(self._kept.get("copilot"), "tokens_spent", 0)
        self._kept.clear()

    def close(self) -> None:
        """Close every connection. The application can be used again."""
        self._forget()

    # -- cells -----------------------------------------------------------------------------------------------------

    def run(self, cell: Cell, progress: Progress | None = None, resumes: str = "") -> Shown:
        """Run a cell. Never raises for what a cell, a policy, an engine or a file can do: the error is in the answer."""
        try:
            cell = self._with_defaults(cell)
            desk = self._desk(cell, progress)
            notices = self._notices(desk)
            outcome = Runner(desk).run(cell, progress, resumes)
        except AureusError as error:
            return self._not_started(cell, error)
        except KeyboardInterrupt:
            return self._not_started(cell, _interrupted())
        self._runs.append(outcome.run)
        rows = outcome.table.preview(self.settings.display_rows) if outcome.table is not None else None
        return self._shown(outcome, bundle(outcome.run, rows, notices))

    def dry_run(self, cell: Cell) -> Shown:
        """Judge a cell and estimate its cost. Touches no data, leaves no evidence."""
        try:
            cell = self._with_defaults(cell)
            outcome = Runner(self._desk(cell, None)).dry_run(cell)
        except AureusError as error:
            return self._not_started(cell, error)
        except KeyboardInterrupt:
            return self._not_started(cell, _interrupted())
        return self._shown(outcome, bundle(outcome.run, estimate=outcome.estimate))

    def resume(self, run_id: str, cell: Cell, progress: Progress | None = None) -> Shown:
        """Run a held cell again by its request, from any kernel that uses the notebook's folder."""
        asked, request = held_cell(build.evidence_folder(self.settings, cell.notebook), run_id)
        here = replace(asked, notebook=cell.notebook, cell_id=cell.cell_id, headless=cell.headless)
        return self.run(replace(here, why=cell.why or asked.why), progress, request)

    def _with_defaults(self, cell: Cell) -> Cell:
        """Fill in from the settings what a cell does not say. Raises UserError `config_locked`, `config_malformed`."""
        settings = self.settings
        for name, asked in (("purpose", cell.purpose), ("pack", cell.pack), ("engine", cell.engine)):
            self._check_locked(name, asked)
        most = [n for n in (cell.max_results, settings.max_results) if n is not None]
        return replace(
            cell,
            purpose=cell.purpose or settings.purpose,
            pack=cell.pack or settings.pack,
            engine=cell.engine or settings.engine,
            why=cell.why or settings.why,
            max_results=min(most) if most else None,
        )

    def _check_locked(self, name: str, asked: str) -> None:
        """Refuse an option that would change what an administrator set."""
        if asked and name in self.settings.fixed and asked != getattr(self.settings, name):
            raise locked_error(name)

    def _not_started(self, cell: Cell, error: AureusError) -> Shown:
        """Answer for what went wrong before a run existed: a broken setting, pack, policy or connection."""
        return Shown(bundle=pages.problem(error), error=error, run=pages.no_run(cell), frame=lambda kind: None)

    def _shown(self, outcome: Outcome, made: dict[str, Any]) -> Shown:
        table, run = outcome.table, outcome.run

        def frame(kind: str) -> Any:
            if table is None:
                return None
            make = {"pandas": table.to_pandas, "polars": table.to_polars, "arrow": table.to_arrow}[kind]
            return attach(make(), run)

        return Shown(bundle=made, error=outcome.error, run=run, frame=frame)

    # -- parts -----------------------------------------------------------------------------------------------------

    def _decider(self, pack: str) -> Decider:
        """Return what decides over a pack, made anew when a policy or a contract on disk has changed since."""
        files, seen = self._watched.get(pack, ((), ()))
        if pack not in self._deciders or build.stamp(files) != seen:
            self._deciders.pop(pack, None)
            self._desks.clear()
            files = build.rule_files(self.settings, pack)
            seen = build.stamp(files)
            clock = self._part("clock", plugins.load("clock", "system"))
            self._deciders[pack] = build.decider(self.settings, pack, clock)
            self._watched[pack] = (files, seen)
        return self._deciders[pack]

    def _engine(self, cell: Cell, progress: Progress | None) -> tuple[str, Engine]:
        key = (cell.pack, cell.engine)
        if key not in self._engines:
            if cell.engine:
                broken: dict[str, UserError] = {}
                found, start = self.connections(broken), self._start or Path.cwd()
                connection = build.choose(found, cell.engine, start, broken)
            else:
                connection = build.pack_connection(self.settings, cell.pack, progress)
            self._engines[key] = (connection.alias, build.engine(self.settings, connection))
            self._places[key] = short_digest(digest_bytes(connection.shown.encode()))
        return self._engines[key]

    def connections(self, broken: dict[str, UserError] | None = None) -> dict[str, str]:
        """Return where each connection leads, by alias; secrets stand in it as they were configured. Reads none.

        Puts the errors of those that cannot be used into `broken`.
        """
        return {**build.connections(self.settings, self._start or Path.cwd(), broken), **self._added}

    def _part(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def _ledger(self) -> Ledger:
        return cast("Ledger", self._part("ledger", lambda: build.ledger(self.settings)))

    def store(self, notebook: str) -> FolderRunStore:
        """Return the store beside a notebook."""
        folder = build.evidence_folder(self.settings, notebook)
        if folder not in self._stores:
            self._stores[folder] = plugins.load("store", "folder")(folder)
        return self._stores[folder]

    def _desk(self, cell: Cell, progress: Progress | None) -> Desk:
        """Return what a cell runs against, the same until a setting changes."""
        self._decider(cell.pack)
        key = (cell.pack, cell.engine, cell.notebook)
        if key not in self._desks:
            self._desks[key] = self._new_desk(cell, progress)
        return self._desks[key]

    def _new_desk(self, cell: Cell, progress: Progress | None) -> Desk:
        settings = self.settings
        store = self.store(cell.notebook)
        boxes = [store]
        if asked_from := os.environ.get("AUREUS_INPUT_NOTEBOOK"):
            # A pipeline's evidence lands beside its output; its requests may have been answered beside the notebook itself.
            boxes.append(FolderRunStore(build.evidence_folder(settings, asked_from)))
        if settings.approvals_folder:
            boxes.append(FolderRunStore(Path(settings.approvals_folder).expanduser()))
        alias, engine = self._engine(cell, progress)
        return Desk(
            engine=engine,
            # With a mark of where it leads, its secrets left out: a yes for one must not count for another of the same name.
            connection=f"{alias} ({engine.description}) {self._places[cell.pack, cell.engine]}",
            decider=self._decider(cell.pack),
            copilot=self._part("copilot", lambda: build.copilot(settings, self._spent)),
            store=store,
            signer=lambda: self._part("signer", lambda: build.runner_signer(settings)),
            approvals=build.approvals(settings, boxes),
            clock=self._part("clock", plugins.load("clock", "system")),
            ids=self._part("ids", plugins.load("ids", "system")),
            principal=build.principal(settings),
            pack=cell.pack,
            limits=build.limits(settings),
            ledger=self._ledger,
            environment=self._part("environment", lambda: build.environment(settings)),
            rows_in_evidence=build.rows_in_evidence(settings),
            overlaps=build.overlaps(settings),
        )

    def _notices(self, desk: Desk) -> tuple[str, ...]:
        """Say once what an engine tells; seal what other kernels left unfinished, looked for once a minute and folder."""
        store, now = desk.store, time.monotonic()
        told = tuple(notice for notice in desk.engine.notices if notice not in self._told)
        self._told.update(told)
        if now - self._recovered.get(store, -_A_MINUTE) < _A_MINUTE:
            return told
        self._recovered[store] = now
        left = [run for run in store.interrupted() if run.id not in self._told]
        self._told.update(run.id for run in left)
        return (*told, *(self._recover(run, desk) for run in left))

    def _recover(self, run: Run, desk: Desk) -> str:
        foreign = run.events and (run.principal != desk.principal or run.tier != "in-kernel" or run.state != "running")
        if foreign:
            return (
                f"Run {run.id} has a journal that tells of somebody or something else. Nothing was signed; look at it."
            )
        told = f"Run {run.id} was interrupted: its kernel ended before its evidence was written, and nothing of it was returned."
        try:
            sealed = seal_interrupted(run, desk.store, desk.signer(), utc_text(desk.clock.now()))
        except AureusError as error:
            return f"{told} Its evidence could not be written: {error.message}."
        return f"{told} Its evidence is now in {sealed.evidence}."

    # -- line commands ---------------------------------------------------------------------------------------------

    def status(self, notebook: str = "") -> dict[str, Any]:
        """Return connections, pack, purpose, requests that wait and runs of this kernel."""
        engines = [alias for alias, _ in self._engines.values()]
        return pages.status(self.settings, self.store(notebook), self._runs, engines, notebook)

    def whoami(self, notebook: str = "") -> dict[str, Any]:
        """Return who the guard takes the user for, and how it knows."""
        return pages.whoami(self.settings, notebook)

    def catalog(self, words: str = "", pack: str = "", purpose: str = "") -> dict[str, Any]:
        """Return the datasets and columns the principal may see whose names or descriptions hold all `words`."""
        self._check_locked("pack", pack)
        self._check_locked("purpose", purpose)
        every = len(self._decider(pack or self.settings.pack).catalog.datasets)
        return pages.catalog(self.visible(pack, purpose), words, every, purpose or self.settings.purpose)

    def budgets(self, pack: str = "", purpose: str = "") -> dict[str, Any]:
        """Return how the budgets stand that apply to what the principal may see for a purpose. Charges nothing."""
        self._check_locked("pack", pack)
        self._check_locked("purpose", purpose)
        clock = self._part("clock", plugins.load("clock", "system"))
        decider, who = self._decider(pack or self.settings.pack), build.principal(self.settings)
        found = decider.budgets(who, purpose or self.settings.purpose)
        return budgets_page(found, self._ledger, who.name, clock.now())

    def visible(self, pack: str = "", purpose: str = "") -> Catalog:
        """Return the catalog as the principal may see it for a purpose."""
        decider = self._decider(pack or self.settings.pack)
        return decider.visible(build.principal(self.settings), purpose or self.settings.purpose)

    def connect(self, url: str, alias: str = "") -> dict[str, Any]:
        """Add a connection and make it the default. Does not read data. Raises UserError, Unavailable.

        Refuses a password in plain: this text is kept in the notebook.
        """
        connection = connection_of(alias or "connected", url, Path.cwd())
        if "connections" in self.settings.fixed and connection.alias in dict(self.settings.connections):
            raise locked_error("connections")
        self._check_locked("engine", connection.alias)
        if connection.kind == "sqlalchemy" and has_secret(connection.location):
            raise UserError(
                "password_in_notebook",
                "a password in a cell is saved with the notebook",
                hint="Write env:NAME or keyring:service/user in its place, or the whole URL as env:NAME.",
            )
        build.engine(self.settings, connection).close()
        self.configure(engine=connection.alias)
        self._added[connection.alias] = connection.location
        return pages.connected(connection.alias, connection.shown)

    def explain(self, run_id: str = "", notebook: str = "") -> dict[str, Any]:
        """Return a run in full words: of this kernel, or from the evidence another kernel left beside the notebook."""
        runs = {run.id: run for run in self._runs}
        found = self._find(run_id, notebook)
        if found.name in runs:
            return pages.explain(runs[found.name])
        return pages.explain_pack(found, build.trust_path(self.settings))

    def evidence(self, run_id: str = "", notebook: str = "") -> dict[str, Any]:
        """Return where evidence is and whether it verifies."""
        one = self._find(run_id, notebook) if run_id or any(run.evidence for run in self._runs) else None
        return pages.evidence(self.store(notebook), one, build.trust_path(self.settings), notebook)

    def help(self) -> dict[str, Any]:
        """Return what can be typed."""
        return pages.help_page()

    def _find(self, run_id: str, notebook: str) -> Path:
        """Return the pack of the run whose id, or its last part, begins so; the last run where none is named.

        Raises UserError `unknown_run`, `ambiguous_run`.
        """
        own = {run.id: Path(run.evidence or run.id) for run in self._runs}
        every = {**{Path(pack).name: Path(pack) for pack in self.store(notebook).packs()}, **own}
        if not run_id and every:
            # Ids of one second are in no order; their folders were made in one.
            return every[self._runs[-1].id if self._runs else max(every, key=lambda n: (n[:16], _made(every[n])))]
        found = [n for n in every if run_id and (n.startswith(run_id) or n.rpartition("-")[2].startswith(run_id))]
        if len(found) == 1:
            return every[found[0]]
        if found:
            some = ", ".join(sorted(found)[:3])
            raise UserError(
                "ambiguous_run", f"{len(found)} runs have an id that begins so: {some}", hint="Write more of the id."
            )
        raise UserError(
            "unknown_run",
            "neither this kernel nor the evidence beside this notebook has such a run",
            hint="See %aureus evidence for the runs there are.",
        )

    @property
    def purposes(self) -> tuple[str, ...]:
        """Purposes this session has named."""
        return tuple(dict.fromkeys(p for p in (self.settings.purpose, *(r.cell.purpose for r in self._runs)) if p))

    def words(self, pack: str = "", purpose: str = "") -> dict[str, Any]:
        """Return names for completion: datasets and columns as the principal may see them. Reads no data, never raises."""
        try:
            return pages.words(self, pack, purpose)
        except AureusError:
            return {}


def _made(pack: Path) -> int:
    """Return when a pack was made, in nanoseconds; 0 for one that is gone."""
    try:
        return pack.stat().st_mtime_ns
    except OSError:
        return 0


def _interrupted() -> AureusError:
    return UserError("interrupted", "the cell was interrupted before it started", hint="Run it again.")
