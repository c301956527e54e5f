"""What every `ports.RunStore` must do, as tests an adapter's own suite inherits.

    class TestMine(RunStoreConformance):
        factory = "my_package.stores:MyStore"

Needs no test framework beyond one that runs methods called `test_*`, and fork(2). The factory is called with the folder of
one notebook, in this process and in others.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from aureus_jupyter.core.dsse import encode_envelope
from aureus_jupyter.errors import AureusError, EvidenceError
from aureus_jupyter.ports import ApprovalBox, RunStore
from aureus_jupyter.testing.engines import raised
from aureus_jupyter.testing.processes import BOUNDARY, each_step, holding, made, pack, race, run_ids, run_with
from aureus_jupyter.values.approval import ApprovalRequest
from aureus_jupyter.values.draft import Cell
from aureus_jupyter.values.evidence import Envelope, PackFile, Signature
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Run, State

__all__ = ["BAD_NAMES", "ODD_NAMES", "RunStoreConformance"]

ODD_NAMES = ("a", "two words.txt", "Příloha.md", ".hidden", "-rf", "a..b", "x" * 200, "%2e%2e", "c'\"d", "line\nbreak")
BAD_NAMES = ("", ".", "..", "a/b", "../a", "/a", "a\\b", "C:a", "a\x00b", " a", "a ")
RUN, LATER, LAST = run_ids(3)
ENVELOPE = Envelope(payload_type="t", payload=b"p", signatures=(Signature(key_id="k", sig=b"s"),))


class RunStoreConformance:
    """The suite. `factory` names what makes a store; `boundary` the modules through which it leaves the process."""

    factory = ""
    boundary: Sequence[str] = BOUNDARY

    def open(self, place: Path) -> RunStore:
        """Return a new store at the place, as another start of a kernel would make it."""
        return made(self.factory, place)

    def read(self, path: str) -> dict[str, bytes]:
        """Return the files of a sealed pack. Override for a store that is not on a disk."""
        return {entry.name: entry.read_bytes() for entry in Path(path).iterdir()}

    def answer(self, place: Path, run: str, data: bytes) -> None:
        """Put an approver's answer where the store looks for it, as `aureus approve` does."""
        (place / "approvals" / run / "approval.dsse.json").write_bytes(data)

    @contextmanager
    def _new(self) -> Iterator[tuple[Path, RunStore]]:
        with tempfile.TemporaryDirectory(prefix="store-") as folder:
            place = Path(folder).resolve() / "n.aureus"
            yield place, self.open(place)

    def _whole(self, path: str, marks: Sequence[str]) -> None:
        found = self.read(path)
        assert found in [{f.name: f.data for f in pack(mark)} for mark in marks], "a pack is whole and of one writer"

    def test_it_is_a_store_and_a_box(self) -> None:
        """It has the ports' methods, and a new place holds nothing."""
        with self._new() as (_, store):
            assert isinstance(store, RunStore)
            assert isinstance(store, ApprovalBox)
            assert list(store.packs()) == []
            assert list(store.interrupted()) == []
            assert list(store.answers("sha256:0")) == []

    def test_bytes_are_read_back_exactly(self) -> None:
        """Whatever the bytes are, and however many."""
        samples = (b"", bytes(range(256)) * 3, b"\r\n\n\r", "\ufeffř".encode(), b"\x1a\x00", b"x" * 3_000_001)
        files = [PackFile(name=f"f{n}", data=data) for n, data in enumerate(samples)]
        with self._new() as (place, store):
            path = store.seal(RUN, files)
            assert self.read(path) == {f.name: f.data for f in files}
            assert list(self.open(place).packs()) == [path]
            assert Path(path).name == RUN

    def test_plain_names_are_kept(self) -> None:
        """A name that stays in the folder is kept letter for letter."""
        with self._new() as (_, store):
            path = store.seal(RUN, [PackFile(name=n, data=n.encode()) for n in ODD_NAMES])
            assert self.read(path) == {n: n.encode() for n in ODD_NAMES}

    def test_names_that_lead_elsewhere_are_refused(self) -> None:
        """Nothing is written, inside or outside; neither a name twice nor an empty pack is sealed."""
        with self._new() as (place, store):
            packs: list[list[PackFile]] = [[PackFile(name=n, data=b"x")] for n in BAD_NAMES]
            packs += [[PackFile(name="a", data=b"1"), PackFile(name="a", data=b"2")], []]
            for files in packs:
                error = raised(EvidenceError, partial(store.seal, RUN, [*pack("good"), *files] if files else files))
                assert error.code == "bad_pack", files
                assert error.hint
                assert list(store.packs()) == [], files
                assert [p for p in place.parent.rglob("*") if p.is_file() and p.name in {"a", "b"}] == [], files

    def test_a_pack_is_never_replaced(self) -> None:
        """Not by this store, and not by another."""
        with self._new() as (place, store):
            path = store.seal(RUN, pack("first"))
            for other in (store, self.open(place)):
                assert raised(EvidenceError, partial(other.seal, RUN, pack("second"))).code == "pack_exists"
            self._whole(path, ["first"])
            assert list(store.packs()) == [path]

    def test_packs_are_listed_oldest_first(self) -> None:
        """In the order of their runs, whenever they were sealed."""
        with self._new() as (place, store):
            paths = {run: store.seal(run, pack(run)) for run in (LAST, RUN, LATER)}
            assert list(store.packs()) == [paths[run] for run in (RUN, LATER, LAST)]
            assert list(self.open(place).packs()) == list(store.packs())

    def test_the_journal_counts(self) -> None:
        """Events are added only to what the writer expects; what is refused changes nothing and starts no run."""
        with self._new() as (place, store):
            store.append(run_with(RUN), 0)
            for expected in (0, 1, 3):
                error = raised(EvidenceError, partial(store.append, run_with(RUN, 4), expected))
                assert error.code == "journal_conflict", expected
            self.open(place).append(run_with(RUN, 3), 2)
            store.append(run_with(RUN, 4), 3)
            assert raised(EvidenceError, lambda: store.append(run_with(LATER, 3), 2)).code == "journal_conflict"
            assert list(store.interrupted()) == [], "a refused event is no run"
            store.append(run_with(LATER), 0)

    def test_a_run_that_goes_on_is_not_interrupted(self) -> None:
        """Neither this process's nor another's; once its process is gone it is, and stays so until it is sealed."""
        with self._new() as (place, store):
            store.append(run_with(LATER), 0)
            with holding(self.factory, place, RUN) as kill:
                assert list(store.interrupted()) == []
                assert list(store.packs()) == []
                kill()
                for _ in range(2):
                    assert list(self.open(place).interrupted()) == [run_with(RUN)], "as it stood"
            store.seal(RUN, pack("late"))
            assert list(self.open(place).interrupted()) == []

    def test_interrupted_runs_come_oldest_first(self) -> None:
        """All of them, in the order of their runs."""
        with self._new() as (place, store):
            for run in (LAST, RUN, LATER):
                with holding(self.factory, place, run):
                    pass
            assert [run.id for run in store.interrupted()] == [RUN, LATER, LAST]

    def test_of_writers_that_come_at_once_one_appends(self) -> None:
        """At the start of a run and in its midst; the others are told."""
        with self._new() as (place, store):
            for what, runs in (("append", run_ids(40)), ("append_more", run_ids(41)[1:])):
                for run in runs if what == "append_more" else ():
                    with contextlib.suppress(EvidenceError):
                        store.append(run_with(run), 0)
                came = race(self.factory, place, what, runs)
                for outcomes in zip(*came, strict=True):
                    assert sorted(outcomes) == ["journal_conflict"] * 3 + ["ok"], what

    def test_of_writers_that_come_at_once_one_seals(self) -> None:
        """Each pack is of one writer alone; the others are told."""
        with self._new() as (place, store):
            runs = run_ids(40)
            came = race(self.factory, place, "seal", runs)
            for outcomes in zip(*came, strict=True):
                assert sorted(outcomes) == ["ok"] + ["pack_exists"] * 3
            paths = list(store.packs())
            assert [Path(path).name for path in paths] == runs
            for path, outcomes in zip(paths, zip(*came, strict=True), strict=True):
                self._whole(path, [str(outcomes.index("ok"))])

    def _after(self, step: dict[str, str]) -> list[str]:
        """Return the packs at the place of a fault, after looking that what is there is whole and the place works."""
        store = self.open(Path(step["place"]))
        packs = list(store.packs())
        for path in packs:
            self._whole(path, ["whole"])
        store.append(run_with(LATER), 0)
        again = store.seal(LATER, pack("again"))
        assert list(store.packs()) == [*packs, again]
        return packs

    def test_a_kill_at_each_step_leaves_a_whole_pack_or_none(self) -> None:
        """What had started and was not sealed is told at the next start."""
        with self._new() as (place, _):
            steps = each_step(self.factory, place, "kill", self.boundary)
            assert any(step.get("append") == "ok" and step["struck"] for step in steps), (
                "no step was seen while sealing"
            )
            for step in steps:
                told = [run.id for run in self.open(Path(step["place"])).interrupted()]
                packs = self._after(step)
                assert told == [] if packs else step.get("append") != "ok" or told == [RUN], step
                assert packs or step.get("seal") != "ok", step

    def test_a_failure_at_each_step_is_told_and_leaves_no_half(self) -> None:
        """A disk that is full is an error with a code; with it there is no pack, without it there is a whole one."""
        with self._new() as (place, _):
            steps = each_step(self.factory, place, "fail", self.boundary)
            assert any(step["struck"] and step.get("seal") != "ok" for step in steps), "no failure was ever told"
            for step in steps:
                assert not step["append"].startswith("raw:"), step
                assert not step.get("seal", "").startswith("raw:"), step
                assert len(self._after(step)) == (step.get("seal") == "ok"), step

    def test_links_are_not_written_through(self) -> None:
        """A link in the place of a journal or of a pack changes nothing where it leads, and is no pack."""
        with self._new() as (place, store), tempfile.TemporaryDirectory(prefix="other-") as folder:
            other = Path(folder)
            store.append(run_with(RUN), 0)
            journals = [p for p in place.rglob("*") if p.is_file()] if place.is_dir() else []
            for file in journals:
                _link(file, file.rename(other / file.name))
            _unchanged(other, lambda: store.append(run_with(RUN, 3), 2))
            for file in journals:
                file.unlink()
                _link(file, other / "new")
            _unchanged(other, lambda: store.append(run_with(RUN), 0))
            path = Path(store.seal(LATER, pack("elsewhere")))
            _link(path, path.rename(other / LATER))
            _unchanged(other, lambda: raised(EvidenceError, lambda: store.seal(LATER, pack("through"))))
            assert list(self.open(place).packs()) == []

    def _ask(self, store: RunStore, run: str, digest: str) -> None:
        assert isinstance(store, ApprovalBox)
        request = ApprovalRequest(
            run_id=run, digest=digest, requester="ana", purpose="p", approvers=("petr",), sql="SELECT 1"
        )
        cell = Cell(source="SELECT 1", purpose="p")
        store.ask(request, Run(id=run, cell=cell, principal=Principal(name="ana"), state=State.HELD))

    def _answers(self, place: Path, digest: str) -> list[tuple[str, bytes, Envelope]]:
        store = self.open(place)
        assert isinstance(store, ApprovalBox)
        return list(store.answers(digest))

    def test_requests_and_answers_are_kept(self) -> None:
        """An answer is found by what it answers, in its exact bytes, also after the same is asked again."""
        data = encode_envelope(ENVELOPE) + b" \n"
        with self._new() as (place, store):
            self._ask(store, RUN, "sha256:1")
            assert self._answers(place, "sha256:1") == []
            self.answer(place, RUN, data)
            for _ in range(2):
                assert self._answers(place, "sha256:1") == [(RUN, data, ENVELOPE)]
                assert self._answers(place, "sha256:2") == []
                self._ask(store, RUN, "sha256:1")
            self._ask(store, RUN, "sha256:2")
            assert self._answers(place, "sha256:1") == [], "the last request counts"

    def test_what_is_asked_already_is_found(self) -> None:
        """The oldest request that asks the very same and has no answer; not one that asks anything else."""
        same = ApprovalRequest(
            run_id=LAST, digest="sha256:1", requester="ana", purpose="p", approvers=("petr",), sql="SELECT 1"
        )
        with self._new() as (place, store):
            assert isinstance(store, ApprovalBox)
            assert store.waiting(same) == ""
            for run in (LATER, RUN):
                self._ask(store, run, "sha256:1")
            assert store.waiting(same) == RUN
            for other in ({"digest": "sha256:2"}, {"requester": "eva"}, {"sql": "SELECT 2"}, {"approvers": ("ana",)}):
                assert store.waiting(replace(same, **other)) == ""
            self.answer(place, RUN, encode_envelope(ENVELOPE))
            assert store.waiting(same) == LATER

    def test_a_broken_answer_hides_no_good_one(self) -> None:
        """Newest request first, without what cannot be read."""
        good = encode_envelope(ENVELOPE)
        named = encode_envelope(replace(ENVELOPE, payload=b"later"))
        with self._new() as (place, store):
            for run, data in ((RUN, good), (LAST, b"{"), (LATER, named)):
                self._ask(store, run, "sha256:1")
                self.answer(place, run, data)
            assert [(run, data) for run, data, _ in self._answers(place, "sha256:1")] == [(LATER, named), (RUN, good)]


def _link(where: Path, to: Path) -> None:
    where.symlink_to(to)


def _unchanged(folder: Path, work: Callable[[], object]) -> None:
    """Do the work, which may be refused, and look that nothing in the folder changed."""

    def state() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    before = state()
    with contextlib.suppress(AureusError):
        work()
    assert state() == before, "something was written through a link"
