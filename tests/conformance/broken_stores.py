"""Run stores with one thing broken each. In a module of their own, because other processes make them too."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aureus_jupyter.adapters.stores import folder
from aureus_jupyter.adapters.stores.folder import FolderRunStore
from aureus_jupyter.adapters.stores.journal import read_journal
from aureus_jupyter.core.dsse import decode_envelope, encode_envelope
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.values.evidence import PackFile
from aureus_jupyter.values.run import Run


class NoBox(FolderRunStore):
    ask = None  # type: ignore[assignment]  # the very thing that is broken: a store that is no box


class ChangesLineEnds(FolderRunStore):
    def seal(self, run_id: str, files: Sequence[PackFile]) -> str:
        return super().seal(run_id, [replace(f, data=f.data.replace(b"\r\n", b"\n")) for f in files])


class LowersNames(FolderRunStore):
    def seal(self, run_id: str, files: Sequence[PackFile]) -> str:
        return super().seal(run_id, [replace(f, name=f.name.lower()) for f in files])


class TakesAnyName(FolderRunStore):
    def seal(self, run_id: str, files: Sequence[PackFile]) -> str:
        with patch.object(folder, "_check_names"):
            return super().seal(run_id, files)


class Replaces(FolderRunStore):
    def seal(self, run_id: str, files: Sequence[PackFile]) -> str:
        shutil.rmtree(self.folder / "runs" / run_id, ignore_errors=True)
        return super().seal(run_id, files)


class NewestFirst(FolderRunStore):
    def packs(self) -> Sequence[str]:
        return super().packs()[::-1]


class DoesNotCount(FolderRunStore):
    def append(self, run: Run, expected: int) -> None:
        path = self.folder / "journal" / f"{run.id}.jsonl"
        held = len(read_journal(path.read_bytes(), run.id).events) if path.is_file() else 0
        super().append(run, held)


class StartsRefusedRuns(FolderRunStore):
    def append(self, run: Run, expected: int) -> None:
        path = self.folder / "journal" / f"{run.id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        if expected and not path.exists():
            path.touch()
        super().append(run, expected)


class Unlocked(FolderRunStore):
    def append(self, run: Run, expected: int) -> None:
        with patch.object(folder, "_held", late), patch.object(fcntl, "flock"):
            super().append(run, expected)


held = folder._held


@contextmanager
def late(path: Path) -> Iterator[Any]:
    """Lose time between looking and writing, as a busy machine does."""

    class Late:
        def __init__(self, file: Any) -> None:
            self.file = file

        def read(self) -> bytes:
            data: bytes = self.file.read()
            time.sleep(0.005)  # what the class is for: the other writer must come in between
            return data

        def write(self, data: bytes) -> None:
            self.file.write(data)

    with held(path) as file:
        yield Late(file)


class ForgetsInterrupted(FolderRunStore):
    def interrupted(self) -> Sequence[Run]:
        return []


class CallsTheLivingDead(FolderRunStore):
    def interrupted(self) -> Sequence[Run]:
        with patch.object(folder, "is_over", return_value=True):
            return super().interrupted()


class TellsOnce(FolderRunStore):
    def interrupted(self) -> Sequence[Run]:
        found = super().interrupted()
        for run in found:
            (self.folder / "journal" / f"{run.id}.jsonl").unlink()
        return found


class NewestInterruptedFirst(FolderRunStore):
    def interrupted(self) -> Sequence[Run]:
        return super().interrupted()[::-1]


class WritesInPlace(FolderRunStore):
    def seal(self, run_id: str, files: Sequence[PackFile]) -> str:
        folder._check_names(run_id, files)
        target = self.folder / "runs" / run_id
        try:
            target.mkdir(parents=True)
            for file in files:
                (target / file.name).write_bytes(file.data)
        except FileExistsError:
            raise EvidenceError("pack_exists", "m", hint="h") from None
        except OSError as cause:
            raise EvidenceError("evidence_not_written", "m", hint="h") from cause
        return str(target)


class RawErrors(FolderRunStore):
    def seal(self, run_id: str, files: Sequence[PackFile]) -> str:
        with patch.object(folder, "_failed", lambda cause, *_: cause):
            return super().seal(run_id, files)


class FailsAfterTheFact(FolderRunStore):
    def seal(self, run_id: str, files: Sequence[PackFile]) -> str:
        path = super().seal(run_id, files)
        try:
            Path(path).stat()
        except OSError as cause:
            raise EvidenceError("evidence_not_written", "m", hint="h") from cause
        return path


class WritesThroughLinks(FolderRunStore):
    def append(self, run: Run, expected: int) -> None:
        with patch.object(os, "O_NOFOLLOW", 0):
            super().append(run, expected)


class ListsLinks(FolderRunStore):
    def packs(self) -> Sequence[str]:
        with patch.object(folder, "_is_pack", Path.is_dir):
            return super().packs()


class LosesAnswers(FolderRunStore):
    def ask(self, request: Any, run: Any) -> None:
        shutil.rmtree(self.folder / "approvals" / request.run_id, ignore_errors=True)
        super().ask(request, run)


class FindsNoRequest(FolderRunStore):
    def waiting(self, request: Any) -> str:
        return ""


class FindsAnsweredRequests(FolderRunStore):
    def waiting(self, request: Any) -> str:
        with patch.object(folder, "APPROVAL_FILE", "other.json"):
            return super().waiting(request)


class WritesAnswersAnew(FolderRunStore):
    def answers(self, digest: str) -> Iterator[Any]:
        for run, data, envelope in super().answers(digest):
            yield run, encode_envelope(decode_envelope(data)), envelope


class StopsAtABrokenAnswer(FolderRunStore):
    def answers(self, digest: str) -> Iterator[Any]:
        for path in sorted(self.folder.glob("approvals/*/approval.dsse.json"), reverse=True):
            decode_envelope(path.read_bytes())
        yield from super().answers(digest)


class OldestAnswerFirst(FolderRunStore):
    def answers(self, digest: str) -> Iterator[Any]:
        yield from list(super().answers(digest))[::-1]
