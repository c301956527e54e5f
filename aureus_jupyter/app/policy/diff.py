"""`aureus policy diff`: what changes for the cells of a notebook when one folder of policies takes another's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aureus_jupyter.app import build
from aureus_jupyter.app.policy.bench import Asking, Bench, Report, bench
from aureus_jupyter.app.policy.compare import Change, changes
from aureus_jupyter.app.policy.notebooks import SqlCell, cells_of
from aureus_jupyter.errors import AureusError, UserError
from aureus_jupyter.values.catalog import fold
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.settings import Settings
from aureus_jupyter.values.verdict import Verdict

__all__ = ["FAILED", "LOOSENED", "SAME", "TIGHTENED", "diff"]

SAME, LOOSENED, FAILED, TIGHTENED = 0, 1, 3, 4
"""Exit codes. 2 is a wrong call, as in every command; a gate in CI that must not loosen fails on 1 and 3 and takes 0 and 4."""


def diff(settings: Settings, asking: Asking, before: Path, after: Path, notebook: Path) -> Report:
    """Return, for each SQL cell of a notebook, what changes in verdict and obligations when `after` replaces `before`.

    Where `before` is one of the session's folders, or holds what one holds, `after` takes its place among all of them;
    otherwise each stands alone beside the pack's own policies. Questions are skipped, and said so. A cell that the guard
    refuses before any policy is asked counts as refused. Nothing is read. Raises UserError `folder_unreadable`,
    `notebook_unreadable`, and what policies raise that cannot be read.
    """
    for folder in (before, after):
        if not folder.is_dir():
            raise UserError(
                "folder_unreadable",
                f"{folder} is no folder of policies",
                hint="Name two folders that hold *.policy.yaml.",
            )
    pack = asking.pack or settings.pack
    asked = replace(asking, at=asking.at)
    sets = _sets(settings, pack, before, after)
    old = bench(settings, asked, sets[0])
    new = bench(settings, replace(asked, at=old.at), sets[1])
    lines = [f"As {old.who}:"]
    cells: list[dict[str, Any]] = []
    found: list[Change] = []
    for cell in cells_of(notebook, old.reader):
        told, data, changed = _cell(cell, old, new)
        lines += ["", *told]
        cells.append(data)
        found += changed
    looser = sum(change.loosens for change in found)
    code = LOOSENED if looser else TIGHTENED if found else SAME
    words = {
        SAME: "Nothing changes.",
        LOOSENED: "Something is loosened.",
        TIGHTENED: "Something changes, and only tightens.",
    }
    return Report(
        lines=[*lines, "", f"{len(cells)} cells, {len(found)} changes, {looser} of them loosen. {words[code]}"],
        data={"cells": cells, "changes": len(found), "loosened": looser},
        code=code,
    )


def _sets(settings: Settings, pack: str, before: Path, after: Path) -> tuple[Sequence[Path], Sequence[Path]]:
    session = build.policy_folders(settings, pack)
    held = _held(before)
    place = next((i for i, one in enumerate(session) if one.resolve() == before.resolve() or _held(one) == held), None)
    if place is not None:
        return session, [*session[:place], after, *session[place + 1 :]]
    own = build.pack_folder(settings, pack) / "policies"
    return [before, own], [after, own]


def _held(folder: Path) -> list[tuple[str, bytes]]:
    return sorted((p.name, p.read_bytes()) for p in folder.rglob("*.policy.yaml") if p.is_file())


def _cell(cell: SqlCell, old: Bench, new: Bench) -> tuple[list[str], dict[str, Any], list[Change]]:
    if cell.skipped:
        return [f"{cell.name}: skipped, {cell.skipped}"], {"cell": cell.name, "skipped": cell.skipped}, []
    found = _compared(_judged(cell, old), _judged(cell, new))
    told = [f"  {'LOOSENED' if c.loosens else 'tightened'}: {c.words}" for c in found]
    data = {"cell": cell.name, "changes": [{"words": c.words, "loosens": c.loosens} for c in found]}
    return [f"{cell.name}: {cell.first}", *(told or ["  no change"])], data, found


def _judged(cell: SqlCell, on: Bench) -> Verdict | AureusError:
    """Return the verdict with the masks of those columns alone that the statement uses."""
    draft = Draft(sql=cell.sql, origin=Origin.SQL, parameters=cell.parameters)
    try:
        facts, verdict = on.judge(draft, cell.purpose or on.purpose)
    except AureusError as error:
        return error
    used = {(fold(use.dataset), fold(column)) for use in facts.tables for column in use.columns}
    return replace(verdict, masks=tuple(m for m in verdict.masks if (fold(m.dataset), fold(m.column)) in used))


def _compared(old: Verdict | AureusError, new: Verdict | AureusError) -> list[Change]:
    """Compare two answers; a statement that the guard refuses, such as for a hidden column, is refused."""
    if isinstance(old, AureusError) and isinstance(new, AureusError):
        return []
    if isinstance(new, AureusError):
        return (
            [Change(words=f"judged by policies, then refused by the guard [{new.code}]", loosens=False)]
            if _runs(old)
            else []
        )
    if isinstance(old, AureusError):
        return (
            [Change(words=f"refused by the guard [{old.code}], then judged by policies", loosens=True)]
            if _runs(new)
            else []
        )
    return changes(old, new)


def _runs(found: Verdict | AureusError) -> bool:
    return isinstance(found, Verdict) and found.kind != "deny"
