"""Runs and evidence in a folder beside the notebook.

    <stem>.aureus/
        journal/<run id>.jsonl    runs that have started and are not sealed, with their events
        runs/<run id>/            sealed packs; never changed
        approvals/<run id>/       request.json and, once answered, approval.dsse.json

A pack is written into a hidden folder and renamed, so a kill of the kernel at any moment leaves a whole pack or none, and
the journal line `started` is handed to the operating system before the engine is touched. Nothing is forced to the disk
file by file, which would cost more than the cell: after a power cut a renamed pack may hold a short file, which `aureus
verify` names, and the last journal lines may be gone.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from aureus_jupyter.core.dsse import decode_envelope
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.values.approval import ApprovalRequest
from aureus_jupyter.values.codec import from_dict, to_dict, to_json
from aureus_jupyter.values.evidence import Envelope, PackFile, is_plain_name
from aureus_jupyter.values.ids import is_run_id
from aureus_jupyter.values.run import Run

from .journal import alive, first_line, is_over, older, read_journal

__all__ = ["APPROVAL_FILE", "REQUEST_FILE", "FolderRunStore", "read_pack"]

T = TypeVar("T")

REQUEST_FILE = "request.json"
APPROVAL_FILE = "approval.dsse.json"


def _failed(cause: OSError, what: str, folder: Path) -> EvidenceError:
    if cause.errno in {errno.ENOSPC, errno.EDQUOT}:
        why, hint = "the disk is full", "Free some space and run the cell again. Nothing was returned without evidence."
    elif cause.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        why, hint = "the folder may not be written to", "Make it writable, or set evidence_folder to one that is."
    else:
        why, hint = type(cause).__name__, "Check the folder, or set evidence_folder to another one."
    return EvidenceError("evidence_not_written", f"{what} cannot be written to {folder}: {why}", hint=hint)


class FolderRunStore:
    """One notebook's runs. Safe beside another kernel that uses the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs, self._journals = folder / "runs", folder / "journal"

    # -- journal ---------------------------------------------------------------------------------------------------

    def append(self, run: Run, expected: int) -> None:
        """Keep a run's events beyond the first `expected`, and with the very first ones the run itself.

        They survive the death of the kernel. Raises EvidenceError `journal_conflict` when another process wrote first,
        `evidence_not_written`.
        """
        path = self._journal(run.id)
        try:
            if not expected:
                line = first_line(run)
                _in_folder(path, lambda: _begin(path, line))
                return
            with _held(path) as file:
                if len(read_journal(file.read(), run.id).events) != expected:
                    raise _conflict(path)
                file.write(b"".join(to_json(event) + b"\n" for event in run.events[expected:]))
        except OSError as cause:
            raise _failed(cause, "the run's journal", path.parent) from cause

    def _journal(self, run_id: str) -> Path:
        assert is_run_id(run_id), "a run id is made by us and names a file"
        return self._journals / f"{run_id}.jsonl"

    def interrupted(self) -> Sequence[Run]:
        """Return runs whose process is gone and which were never sealed, oldest first; forget those sealed after all."""
        for part in self._runs.glob(".*.part"):
            if older(part) and not alive(_process_of(part.name), 0):
                shutil.rmtree(part, ignore_errors=True)
        found = []
        for path in sorted(self._journals.glob("*.jsonl")):
            if _is_pack(self._runs / path.stem):
                path.unlink(missing_ok=True)
            elif is_run_id(path.stem) and is_over(path):
                found.append(read_journal(path.read_bytes(), path.stem))
        return found

    # -- packs -----------------------------------------------------------------------------------------------------

    def seal(self, run_id: str, files: Sequence[PackFile]) -> str:
        """Write a pack whole or not at all and return its path. Never replaces one.

        Raises EvidenceError `evidence_not_written`, `pack_exists` or `bad_pack`.
        """
        _check_names(run_id, files)
        target, mine = self._runs / run_id, self._runs / f".{run_id}.{os.getpid()}.part"
        try:
            try:
                _in_folder(mine, mine.mkdir)
                for file in files:
                    _write_new(f"{mine}/{file.name}", file.data)
                mine.rename(target)
            except BaseException:
                shutil.rmtree(mine, ignore_errors=True)
                raise
        except OSError as cause:
            if cause.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR} and target.exists():
                raise EvidenceError(
                    "pack_exists",
                    f"there is evidence of run {run_id} already",
                    hint="Run the cell again for a new run.",
                ) from cause
            raise _failed(cause, "evidence", self._runs) from cause
        # The pack is there: a journal that cannot be removed now is forgotten at the next start.
        with suppress(OSError):
            self._journal(run_id).unlink(missing_ok=True)
        return str(target)

    def packs(self) -> Sequence[str]:
        """Return the paths of sealed packs, oldest first."""
        found = [p for p in self._runs.glob("*") if is_run_id(p.name) and _is_pack(p)]
        return [str(p) for p in sorted(found)]

    # -- requests and answers --------------------------------------------------------------------------------------

    def ask(self, request: ApprovalRequest, run: Run) -> None:
        """Keep a request where an approver and another kernel find it. Raises EvidenceError."""
        folder = self.folder / "approvals" / request.run_id
        try:
            folder.mkdir(parents=True, exist_ok=True)
            data: dict[str, Any] = {
                "request": to_dict(request),
                "cell": to_dict(run.cell),
                "principal": to_dict(run.principal),
            }
            data["draft"] = to_dict(run.draft) if run.draft is not None else None
            data["dialect"] = run.plan.dialect if run.plan is not None else ""
            _write_whole(folder / REQUEST_FILE, json.dumps(data, ensure_ascii=False, indent=2).encode() + b"\n")
        except OSError as cause:
            raise _failed(cause, "the request", folder) from cause

    def waiting(self, request: ApprovalRequest) -> str:
        """Return the id of the oldest unanswered request that asks the same. Passes over what cannot be read."""
        for path in sorted((self.folder / "approvals").glob(f"*/{REQUEST_FILE}")):
            try:
                found = from_dict(ApprovalRequest, json.loads(path.read_bytes())["request"])
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                continue
            same = found.run_id == path.parent.name and replace(found, run_id=request.run_id) == request
            if same and not (path.parent / APPROVAL_FILE).exists():
                return found.run_id
        return ""

    def answers(self, digest: str) -> Iterable[tuple[str, bytes, Envelope]]:
        """Return every answer to a request for `digest`, newest request first. Skips what cannot be read."""
        for path in sorted((self.folder / "approvals").glob(f"*/{APPROVAL_FILE}"), reverse=True):
            try:
                request = json.loads((path.parent / REQUEST_FILE).read_bytes())["request"]
                data = path.read_bytes()
                if request["digest"] == digest:
                    yield path.parent.name, data, decode_envelope(data, str(path))
            except (OSError, ValueError, KeyError, TypeError, RecursionError, EvidenceError):
                continue


def _check_names(run_id: str, files: Sequence[PackFile]) -> None:
    """Refuse what would not be a pack, before anything is written: a name becomes part of a path."""
    names = [file.name for file in files]
    if not names or len(set(names)) < len(names) or not all(map(is_plain_name, names)):
        raise EvidenceError(
            "bad_pack",
            f"the evidence of run {run_id} has no file, a name twice, or a name that leads out of its folder",
            hint="Give each file a name of its own without a path.",
        )


def _is_pack(path: Path) -> bool:
    """Whether a sealed pack is there. A link is none: what it leads to can change."""
    return path.is_dir() and not path.is_symlink()


def _begin(path: Path, lines: bytes) -> None:
    """Write a journal's first lines. Needs no lock: only one process can make the file."""
    try:
        _write_new(str(path), lines)
    except FileExistsError:
        raise _conflict(path) from None


def _conflict(path: Path) -> EvidenceError:
    return EvidenceError(
        "journal_conflict",
        f"the journal of run {path.stem} is not as this process left it",
        hint="Another process works on this run. Run the cell again.",
    )


def _in_folder(path: Path, make: Callable[[], T]) -> T:
    """Make `path`; the folder it lies in is there already, except for the first one."""
    try:
        return make()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return make()


def _write_new(path: str, data: bytes) -> None:
    """Write a file that is not there. One is made for every part of every pack: without the layers of `open`."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO]:
    """Open a journal to read from its start and add to its end, with no other process doing the same.

    Makes none, and opens no link: its events would land in the file it leads to.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise _conflict(path) from None
    with os.fdopen(handle, "ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file


def _write_whole(path: Path, data: bytes) -> None:
    mine = path.with_name(f".{path.name}.{os.getpid()}")
    mine.unlink(missing_ok=True)
    _write_new(str(mine), data)
    mine.replace(path)


def _process_of(part: str) -> int:
    """Return the process in the name of an unfinished pack, `.<run id>.<process>.part`."""
    number = part.removesuffix(".part").rpartition(".")[2]
    return int(number) if number.isdigit() else 0


_MOST_BYTES = 2**31


def read_pack(folder: Path) -> dict[str, bytes]:
    """Return a pack's files by name. Follows no link; a link or a folder inside is returned as an unlisted file.

    Raises EvidenceError `pack_unreadable`, `pack_too_large`.
    """
    try:
        entries = sorted(folder.iterdir())
        large = [e.name for e in entries if e.is_file() and e.stat().st_size > _MOST_BYTES]
        if large:
            raise EvidenceError(
                "pack_too_large",
                f"{large[0][:60]} in {folder} is larger than the {_MOST_BYTES // 2**30} GiB that a file of evidence can be",
                hint="It was not written by a run. Restore the folder from a copy.",
            )
        return {e.name: b"" if e.is_symlink() or not e.is_file() else e.read_bytes() for e in entries}
    except OSError as cause:
        raise EvidenceError(
            "pack_unreadable",
            f"the evidence in {folder} cannot be read ({type(cause).__name__})",
            hint="Give yourself read access to the folder.",
        ) from cause
