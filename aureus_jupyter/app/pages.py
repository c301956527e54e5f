"""What the line commands show."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.core.evidence import outcome_word
from aureus_jupyter.core.report import report
from aureus_jupyter.display.bundle import page
from aureus_jupyter.errors import AureusError
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.ids import short_id
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Run
from aureus_jupyter.values.settings import Settings

if TYPE_CHECKING:
    from aureus_jupyter.adapters.stores.folder import FolderRunStore
    from aureus_jupyter.app.application import App

__all__ = ["catalog", "connected", "evidence", "explain", "help_page", "no_run", "problem", "status", "whoami", "words"]

HELP = (
    ("%%aureus [options]", "run the cell's SQL or question under policy"),
    ("%%aureus name <<", "assign the data frame to name (or: -o name)"),
    ("--purpose WHY", "why you read; policies ask for it"),
    ("--params a=1 b=x", "bind :a and :b; values are never pasted into the text"),
    ("--dry-run", "show verdict, what would run and its cost; read nothing"),
    ("--pack NAME, --engine ALIAS", "another pack, another connection"),
    ("--max-results N", "at most N rows"),
    ("--as sql|question", "say what the cell is when it could be either"),
    ("--frame pandas|polars|arrow", "what to get"),
    ("%aureus status", "connections, requests that wait, runs of this kernel"),
    ("%aureus whoami", "who the guard takes you for"),
    ("%aureus catalog [words]", "datasets and columns you may see"),
    ("%aureus connect URL [--alias A]", "add a connection"),
    ("%aureus explain [run]", "a run in full words"),
    ("%aureus evidence [run]", "where its evidence is, and whether it verifies"),
    ("%aureus resume ID", "run a held cell after its approval"),
)


def problem(error: AureusError) -> dict[str, Any]:
    """Return an error as a small bundle."""
    what, hint = error.lines()
    return {
        "text/html": f"<p><strong>{escape(what)}</strong></p><p>{escape(hint)}</p>",
        "text/markdown": f"**{what}**\n\n{hint}",
        "text/plain": f"{what}\n{hint}",
    }


def no_run(cell: Cell) -> Run:
    """Return a run that never began."""
    return Run(id="", cell=cell, principal=Principal(name=""))


def status(settings: Settings, store: FolderRunStore, runs: Sequence[Run], engines: Sequence[str]) -> dict[str, Any]:
    """Return the session at a glance."""
    waiting = [p.parent.name for p in sorted((store.folder / "approvals").glob("*/request.json"))]
    answered = {p.parent.name for p in (store.folder / "approvals").glob("*/approval.dsse.json")}
    rows = [
        ("pack", settings.pack),
        ("connection", settings.engine or "the pack's own"),
        ("open", ", ".join(engines) or "none yet"),
        ("purpose", settings.purpose or "none; add --purpose"),
        ("evidence", str(store.folder)),
        *(("waits for a yes", run) for run in waiting if run not in answered),
        *(("approved or rejected", run) for run in waiting if run in answered),
        *((outcome_word(run), f"{run.id} {' '.join(run.cell.source.split())[:60]}") for run in runs[-10:]),
    ]
    return page("Aureus", rows)


def whoami(settings: Settings) -> dict[str, Any]:
    """Return the principal."""
    origins = dict(settings.origins)
    rows = [
        ("name", settings.principal, settings.principal_source),
        ("roles", ", ".join(settings.roles) or "none", origins.get("roles", "default")),
        (
            "attributes",
            ", ".join(f"{n}={v}" for n, v in settings.attributes) or "none",
            origins.get("attributes", "default"),
        ),
        ("purpose", settings.purpose or "none", origins.get("purpose", "default")),
        ("set by your administrator", ", ".join(settings.locked) or "nothing", ""),
    ]
    return page("Who you are to the guard", rows, ("", "value", "from"))


def catalog(found: Catalog, text: str, every: int, purpose: str) -> dict[str, Any]:
    """Return datasets and columns that hold all words. Hides the names of those whose contract is not active, and counts them."""
    wanted = text.lower().split()
    rows = []
    for dataset in found.datasets:
        about = (
            f"{dataset.name} {dataset.description} {' '.join(c.name + ' ' + c.description for c in dataset.columns)}"
        )
        if all(word in about.lower() for word in wanted):
            rows.append((dataset.name, str(dataset.classification), dataset.description))
            if wanted or len(found.datasets) == 1:
                rows += [(f"    {c.name}", c.type, _about(c.description, c.pii)) for c in dataset.columns]
    ask = [] if wanted else ["Give a word, such as a dataset's name, to see columns."]
    hidden = every - len(found.datasets)
    if hidden:
        told = f"for the purpose {purpose}" if purpose else "without a purpose; add --purpose"
        ask.append(f"{hidden} of {every} datasets are closed to you {told}.")
    if found.waiting:
        ask.append(
            f"{len(found.waiting)} more cannot be read yet, because their contracts are not active: "
            "aureus pack validate PATH, with the pack's folder, names each file and line to review."
        )
    return page(f"{len(found.datasets)} datasets", rows, ("name", "", "what it is"), " ".join(ask))


def _about(description: str, pii: str) -> str:
    return description if pii == "none" else f"{description} (personal data: {pii})"


def connected(alias: str, shown: str) -> dict[str, Any]:
    """Return that a connection works."""
    return page(
        f"Connected as {alias}",
        [("where", shown)],
        (),
        "It is the default for cells now. The catalog stays the pack's.",
    )


def explain(run: Run) -> dict[str, Any]:
    """Return a run's report."""
    text = report(run, outcome_word(run))
    return {"text/markdown": text, "text/plain": text, "text/html": f"<pre>{escape(text)}</pre>"}


def evidence(store: FolderRunStore, run: Run | None, trust: Path) -> dict[str, Any]:
    """Return packs and whether they verify."""
    paths = [run.evidence] if run is not None and run.evidence else list(store.packs())[-20:]
    found = verify_paths([Path(p) for p in paths], trust)
    rows = [(short_id(v.run_id), v.verdict, "verified" if v.ok else v.findings[0].why, v.path) for v in found]
    return page(
        "Evidence",
        rows,
        ("run", "outcome", "check", "folder"),
        f"Check it anywhere: aureus verify {os.fspath(store.folder)}",
    )


def help_page() -> dict[str, Any]:
    """Return what can be typed."""
    return page("What you can type", HELP)


def words(app: App, pack: str, purpose: str) -> dict[str, Any]:
    """Return names for completion."""
    from aureus_jupyter.adapters.catalogs.find import pack_names
    from aureus_jupyter.app.build import rules_are_fixed

    found = app.visible(pack, purpose)
    return {
        "packs": pack_names(app.settings.packs_path, rules_are_fixed(app.settings)),
        "engines": list(app.connections()),
        "purposes": list(app.purposes),
        "datasets": {d.name: [c.name for c in d.columns] for d in found.datasets},
    }
