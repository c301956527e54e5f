"""Verifying packs on disk, offline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from aureus_jupyter.core.answered import check_answer
from aureus_jupyter.core.check import check_pack
from aureus_jupyter.core.evidence import STATEMENT_FILE
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.values.evidence import Finding, TrustedKey, Verification
from aureus_jupyter.values.ids import is_run_id

__all__ = ["verify_paths"]


def verify_paths(paths: Iterable[Path], trust: Path, must_exist: bool = False) -> list[Verification]:
    """Check every pack at or below each path against a trust file; without one no key is known, unless there must be one.

    A path without a pack is a finding, and so is a run that left none, and whatever lies among the packs and is none. Raises
    EvidenceError for the trust file.
    """
    from aureus_jupyter.adapters.signers.trust import read_trust

    keys = read_trust(trust, must_exist)
    found: list[Verification] = []
    for path in paths:
        packs = _packs(path)
        found += [_one(pack, keys) for pack in packs]
        others = [*_unsealed(path), *_strangers(path)]
        found += others
        if not packs and not others:
            found.append(_nothing(path, "no_evidence", "there is no evidence here"))
    return found


def _packs(path: Path) -> Sequence[Path]:
    if path.is_file():
        path = path.parent
    if (path / STATEMENT_FILE).exists() or is_run_id(path.name):
        return [path] if path.is_dir() else []
    below = [
        p
        for p in path.rglob("*")
        if is_run_id(p.name) and p.parent.name == "runs" and p.is_dir() and not p.is_symlink()
    ]
    return sorted(below)


def _unsealed(path: Path) -> list[Verification]:
    """Return a finding for every run whose journal is there and whose evidence is not."""
    why = "the run was started and has no evidence: it still runs, or its kernel ended; a cell of another kernel tells"
    return [
        _nothing(journal, "unsealed", why)
        for journal in sorted(path.rglob("journal/*.jsonl"))
        if is_run_id(journal.stem) and not (journal.parents[1] / "runs" / journal.stem).is_dir()
    ]


def _strangers(path: Path) -> list[Verification]:
    """Return a finding for what lies among packs under no run's name: it could be a pack that somebody renamed."""
    places = [p for p in path.rglob("runs") if p.parent.suffix == ".aureus"] if path.is_dir() else []
    if path.name == "runs" and path.parent.suffix == ".aureus":
        places.append(path)
    found = ((entry, _odd(entry)) for place in sorted(places) for entry in sorted(place.iterdir()))
    return [_nothing(entry, "not_a_pack", f"{why}, so nothing in it was checked") for entry, why in found if why]


def _odd(entry: Path) -> str:
    """Return why something among packs is none, or nothing. A link may lead anywhere, and elsewhere tomorrow."""
    if entry.name.startswith("."):
        # What file managers leave, and packs that a kill left half written.
        return ""
    if not is_run_id(entry.name):
        return "this is not named as a run's evidence is"
    if entry.is_symlink():
        return "this is a link where a run's folder should be"
    return "" if entry.is_dir() else "this is no folder, as a run's evidence is"


def _one(pack: Path, keys: Sequence[TrustedKey]) -> Verification:
    from aureus_jupyter.adapters.signers.ed25519 import verify_ed25519
    from aureus_jupyter.adapters.stores.folder import read_pack

    try:
        files = read_pack(pack)
        found = check_pack(str(pack.resolve()), files, keys, verify_ed25519)
        return replace(found, findings=(*found.findings, *check_answer(files, keys, verify_ed25519)))
    except EvidenceError as error:
        return _nothing(pack, error.code, error.message)


def _nothing(path: Path, code: str, why: str) -> Verification:
    finding = Finding(file=str(path), code=code, why=why)
    return Verification(path=str(path), run_id="", verdict="", signer="", findings=(finding,))
