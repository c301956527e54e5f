"""What the line commands show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aureus_jupyter.adapters.stores.folder import read_pack
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.core.evidence import outcome_word
from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.core.report import fenced, inline, report
from aureus_jupyter.display.bundle import escape, page
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

__all__ = [
    "catalog",
    "connected",
    "evidence",
    "explain",
    "explain_pack",
    "help_page",
    "no_run",
    "problem",
    "status",
    "whoami",
    "words",
]

HELP = (
    ("%%aureus [options]", "run the cell's SQL or question under policy"),
    ("%%aureus name <<", "assign the data frame to name (or: -o name)"),
    ("--purpose WHY", "why you read; policies ask for it"),
    ("--params a=1 b=x", "bind :a and :b; values are never pasted into the text"),
    ("--why REASON", "why you need it now, where a review asks for it"),
    ("--dry-run", "show verdict, what would run and its cost; read nothing"),
    ("--pack NAME, --engine ALIAS", "another pack, another connection"),
    ("--max-results N", "at most N rows"),
    ("--as sql|question", "say what the cell is when it could be either"),
    ("--frame pandas|polars|arrow", "what to get"),
    ("%aureus status", "connections, requests that wait, runs of this kernel"),
    ("%aureus whoami", "who the guard takes you for"),
    ("%aureus catalog [words]", "datasets and columns you may see"),
    ("%aureus budgets", "what is left of the budgets that apply to you"),
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
        "text/markdown": f"**{inline(what)}**\n\n{inline(hint)}",
        "text/plain": f"{what}\n{hint}",
    }


def no_run(cell: Cell) -> Run:
    """Return a run that never began."""
    return Run(id="", cell=cell, principal=Principal(name=""))


def shown_path(path: str | Path, notebook: str) -> str:
    """Return a path as it may stand in a notebook: from the notebook's folder, or from home; a machine's own only as a last way."""
    for start, sign in ((Path(notebook or "x").absolute().parent, ""), (_home(), "~")):
        if start is not None and Path(path).is_relative_to(start):
            return str(Path(sign, Path(path).relative_to(start)))
    return str(path)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


def status(
    settings: Settings, store: FolderRunStore, runs: Sequence[Run], engines: Sequence[str], notebook: str
) -> dict[str, Any]:
    """Return the session at a glance."""
    waiting = [p.parent.name for p in sorted((store.folder / "approvals").glob("*/request.json"))]
    answered = {p.parent.name for p in (store.folder / "approvals").glob("*/approval.dsse.json")}
    rows = [
        ("pack", settings.pack),
        ("connection", settings.engine or "the pack's own"),
        ("open", ", ".join(engines) or "none yet"),
        ("purpose", settings.purpose or "none; add --purpose"),
        ("evidence", shown_path(store.folder, notebook)),
        *(("waits for a yes", run) for run in waiting if run not in answered),
        *(("approved or rejected", run) for run in waiting if run in answered),
        *((outcome_word(run), f"{run.id} {' '.join(run.cell.source.split())[:60]}") for run in runs[-10:]),
    ]
    return page("Aureus", rows)


def whoami(settings: Settings, notebook: str) -> dict[str, Any]:
    """Return the principal."""
    origins = {name: shown_path(origin, notebook) for name, origin in settings.origins}
    rows = [
        ("name", settings.principal, origins.get("principal", settings.principal_source)),
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
    hits = sum(not name.startswith(" ") for name, *_ in rows)
    if not hits and found.datasets:
        names = [name for d in found.datasets for name in (d.name, *(c.name for c in d.columns))]
        near = nearest_hint(text, names, "Try fewer or other words; %aureus catalog alone lists all you may see.")
        ask.append(f"No dataset or column that you may see holds these words. {near}")
    hidden = every - len(found.datasets)
    if hidden:
        told = f"for the purpose {purpose}" if purpose else "without a purpose; add --purpose"
        ask.append(f"{hidden} of {every} datasets are closed to you {told}.")
    if found.waiting:
        ask.append(
            f"{len(found.waiting)} more cannot be read yet, because their contracts are not active: "
            "aureus pack validate PATH, with the pack's folder, names each file and line to review."
        )
    return page(f"{hits} dataset{'s' * (hits != 1)}", rows, ("name", "", "what it is"), " ".join(ask))


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
    """Return a run's report. It has no HTML of its own: every front end makes that from Markdown.

    A notebook names itself without its folder, as it may be passed on.
    """
    shown = replace(run, cell=replace(run.cell, notebook=Path(run.cell.notebook).name))
    text = report(shown, outcome_word(run))
    return {"text/markdown": text, "text/plain": text}


def explain_pack(path: Path, trust: Path) -> dict[str, Any]:
    """Return the report of a run of another kernel, from its evidence, and whether that can be believed."""
    (checked,) = verify_paths([path], trust)
    text = read_pack(path).get("evidence.md", b"").decode("utf-8", "replace")
    said = "The evidence this is taken from verifies."
    if not checked.ok:
        said = f"The evidence this is taken from does NOT verify: {'; '.join(f.why for f in checked.findings)}."
    return {
        # What cannot be believed is not rendered either: its Markdown may be anyone's.
        "text/markdown": f"{inline(said)}\n\n{text if checked.ok else fenced(text)}",
        "text/plain": f"{said}\n\n{text}",
    }


def evidence(store: FolderRunStore, one: Path | None, trust: Path, notebook: str) -> dict[str, Any]:
    """Return packs and whether they verify: one, or the last of the notebook."""
    paths = [one] if one is not None else [Path(p) for p in store.packs()][-20:]
    found = verify_paths(paths, trust)
    rows = [
        (short_id(v.run_id), v.verdict, "verified" if v.ok else v.findings[0].why, shown_path(v.path, notebook))
        for v in found
    ]
    return page(
        "Evidence",
        rows,
        ("run", "outcome", "check", "folder"),
        f"Check it anywhere: aureus verify {shown_path(store.folder, notebook)}",
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
