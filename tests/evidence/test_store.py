"""The folder store: whole packs or none, journals that survive, and words for what goes wrong."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.signers.ed25519 import Ed25519Signer
from aureus_jupyter.adapters.stores.folder import FolderRunStore, read_pack
from aureus_jupyter.adapters.stores.journal import first_line
from aureus_jupyter.core.evidence import STATEMENT_FILE
from aureus_jupyter.core.run_state import advance
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.service.sealing import seal
from aureus_jupyter.values.approval import ApprovalRequest
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.evidence import PackFile
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Event, EventKind, Run, State

RUN = "20260301T100000Z-0123456789ab"
AT = "2026-03-01T10:00:00.000000Z"


def event(kind: EventKind = EventKind.STARTED) -> Event:
    return Event(kind=kind, at=AT, actor="aureus")


def started(identifier: str = RUN) -> Run:
    return Run(
        id=identifier,
        cell=Cell(source="select 1", parameters=(("n", 1),)),
        principal=Principal(name="ana"),
        state=State.RUNNING,
        events=(event(EventKind.ALLOWED), event()),
        decision_digest="sha256:" + "d" * 64,
    )


def dead(store: FolderRunStore, identifier: str = RUN, **changed: Any) -> None:
    """Make a journal one that another process left: by default one that is gone."""
    path = store.folder / "journal" / f"{identifier}.jsonl"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    first, _, rest = path.read_text().partition("\n")
    path.write_text(json.dumps({**json.loads(first), "pid": gone.pid, **changed}) + "\n" + rest)


def request(digest: str = "sha256:1") -> ApprovalRequest:
    return ApprovalRequest(run_id=RUN, digest=digest, requester="ana", purpose="p", approvers=("petr",), sql="select 1")


def test_the_journal_is_lines_of_json(tmp_path: Path) -> None:
    store = FolderRunStore(tmp_path / "n.aureus")
    run = started()
    store.append(run, 0)
    done = advance(run, event(EventKind.COMPLETED))
    store.append(done, 2)
    lines = (store.folder / "journal" / f"{RUN}.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["run"]["id"] == RUN
    assert [json.loads(line)["kind"] for line in lines[1:]] == ["completed"]
    dead(store)
    assert store.interrupted() == [done]


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "may not be written"), (errno.EIO, "OSError")],
)
def test_a_disk_that_fails_leaves_nothing_half(
    number: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderRunStore(tmp_path / "n.aureus")
    real = os.write

    def failing(file: int, data: bytes) -> int:
        if bytes(data) == b"o":
            raise OSError(number, "no")
        return real(file, data[:1])  # as a disk that is nearly full does

    monkeypatch.setattr(os, "write", failing)
    with pytest.raises(EvidenceError) as caught:
        store.seal(RUN, [PackFile(name="a", data=b"1"), PackFile(name="b", data=b"two")])
    assert caught.value.code == "evidence_not_written"
    assert words in caught.value.message
    assert list((store.folder / "runs").iterdir()) == []


def test_a_disk_that_takes_a_little_at_a_time_gets_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:7]))
    store = FolderRunStore(tmp_path / "n.aureus")
    path = store.seal(RUN, [PackFile(name="a", data=bytes(range(256)))])
    assert read_pack(Path(path)) == {"a": bytes(range(256))}


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "n.aureus").write_text("")
    store = FolderRunStore(tmp_path / "n.aureus")
    for act in (
        lambda: store.append(started(), 0),
        lambda: store.seal(RUN, []),
        lambda: store.ask(request(), Run.__new__(Run)),
    ):
        with pytest.raises(EvidenceError):
            act()


def test_a_journal_that_cannot_be_removed_undoes_no_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderRunStore(tmp_path / "n.aureus")
    store.append(started(), 0)

    def denied(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", denied)
        path = store.seal(RUN, [PackFile(name="a", data=b"1")])
    assert store.packs() == [path]
    assert (store.folder / "journal" / f"{RUN}.jsonl").exists()
    assert store.interrupted() == []
    assert list((store.folder / "journal").iterdir()) == []


def test_what_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderRunStore(tmp_path / "n.aureus")
    assert store.interrupted() == []
    store.append(started(), 0)
    assert store.interrupted() == [], "this very process is still at it"
    journal = store.folder / "journal" / f"{RUN}.jsonl"
    dead(store, pid=os.getpid(), since=1)
    assert store.interrupted() == [started()], "another process has the number now"
    dead(store)
    assert store.interrupted() == [started()]
    with journal.open("a") as file:
        file.write('{"kind": "compl')
    assert store.interrupted() == [started()], "what was not written whole was not told to anybody"
    (store.folder / "runs" / RUN).mkdir(parents=True)
    assert store.interrupted() == []
    assert not journal.exists()

    def denied(pid: int, signal: int) -> None:
        raise PermissionError

    other = "20260301T100002Z-0123456789ac"
    store.append(started(other), 0)
    dead(store, other)
    monkeypatch.setattr(os, "kill", denied)
    assert store.interrupted() == [], "a process of another user is alive"


def test_what_cannot_be_asked_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderRunStore(tmp_path / "n.aureus")
    store.append(started(), 0)
    journal = store.folder / "journal" / f"{RUN}.jsonl"
    dead(store, host="elsewhere")
    assert store.interrupted() == [], "it may still run on the other machine"
    os.utime(journal, (time.time() - 90_000,) * 2)
    assert store.interrupted() == [started()]
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: 4711)
        assert store.interrupted() == [], "it is another account's to tell"
    (journal.parent / "notes.jsonl").write_text("")
    for torn in (b"", b'{"pid": 1', b"[]\n", b"{}\n", b"\xff\n"):
        journal.write_bytes(torn)
        assert store.interrupted() == [], "it may be about to be written"
        os.utime(journal, (0, 0))
        (only,) = store.interrupted()
        assert (only.id, only.principal.name, only.events) == (RUN, "unknown", ())
    journal.write_bytes(first_line(started("20260301T100002Z-0123456789ac")))
    dead(store)
    assert store.interrupted()[0].events == (), "the line is of another run"
    journal.unlink()
    journal.symlink_to(tmp_path / "gone")
    assert store.interrupted() == []


def test_what_a_killed_kernel_left_is_cleared(tmp_path: Path) -> None:
    store = FolderRunStore(tmp_path / "n.aureus")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, ours = (store.folder / "runs" / f".{RUN}.{pid}.part" for pid in (gone.pid, os.getpid()))
    for folder in (left, ours):
        folder.mkdir(parents=True)
        (folder / "evidence.md").write_text("x")
    store.interrupted()
    assert left.exists(), "a kernel on another machine may be writing it"
    for folder in (left, ours):
        os.utime(folder, (0, 0))
    store.interrupted()
    assert not left.exists()
    assert ours.exists(), "this process may be writing it"


def test_two_kernels_in_one_folder(sealed: Run, finished: Run, signer: Ed25519Signer) -> None:
    store = FolderRunStore(Path(sealed.evidence).parents[1])
    with pytest.raises(EvidenceError):
        seal(finished, store, signer, AT)
    assert STATEMENT_FILE in read_pack(Path(sealed.evidence))


def test_links_are_not_followed(sealed: Run, tmp_path: Path) -> None:
    pack = Path(sealed.evidence)
    (pack / "link").symlink_to("/etc/hostname")
    assert read_pack(pack)["link"] == b""
    with pytest.raises(EvidenceError) as caught:
        read_pack(tmp_path / "nosuch")
    assert caught.value.code == "pack_unreadable"


def test_a_folder_that_leads_nowhere_is_no_conflict(tmp_path: Path) -> None:
    (tmp_path / "n.aureus").symlink_to(tmp_path / "gone")
    with pytest.raises(EvidenceError) as caught:
        FolderRunStore(tmp_path / "n.aureus").append(started(), 0)
    assert caught.value.code == "evidence_not_written"


def test_a_pack_does_not_follow_a_link_in_its_place(tmp_path: Path) -> None:
    store = FolderRunStore(tmp_path / "n.aureus")
    (store.folder / "runs").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (store.folder / "runs" / RUN).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EvidenceError) as caught:
        store.seal(RUN, [PackFile(name="a", data=b"1")])
    assert caught.value.code == "pack_exists"
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert [p.name for p in (store.folder / "runs").iterdir()] == [RUN]


def test_a_link_seals_no_run(tmp_path: Path) -> None:
    store = FolderRunStore(tmp_path / "n.aureus")
    store.append(started(), 0)
    (tmp_path / "elsewhere").mkdir()
    (store.folder / "runs").mkdir()
    (store.folder / "runs" / RUN).symlink_to(tmp_path / "elsewhere")
    store.interrupted()
    assert (store.folder / "journal" / f"{RUN}.jsonl").exists(), "the journal of a run that has no pack is kept"
    assert store.packs() == []
