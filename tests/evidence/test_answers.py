"""A run that needed a yes is worth what the yes in its pack is worth to whoever checks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.signers.ed25519 import Ed25519Signer, load_or_create, verify_ed25519
from aureus_jupyter.core.answered import ANSWER_FILE, check_answer
from aureus_jupyter.core.approval import APPROVAL_TYPE, approval_payload
from aureus_jupyter.core.dsse import encode_envelope
from aureus_jupyter.core.evidence import PAYLOAD_TYPE, STATEMENT_FILE, pack_files, statement_bytes
from aureus_jupyter.values.approval import Approval
from aureus_jupyter.values.evidence import Envelope, TrustedKey
from aureus_jupyter.values.run import Event, EventKind, Run

AT = "2026-03-01T10:00:00.000000Z"


@pytest.fixture
def approver(tmp_path: Path) -> Ed25519Signer:
    return load_or_create(tmp_path / "petr", "approver-petr", "petr", ("approver",))


@pytest.fixture
def cleared(finished: Run) -> Run:
    assert finished.verdict is not None
    said = Event(kind=EventKind.APPROVED, at=AT, actor="petr", digest=finished.decision_digest)
    return replace(
        finished,
        verdict=replace(finished.verdict, approvers=("petr",)),
        events=(said, *finished.events[1:]),
    )


def answer(run: Run, signer: Ed25519Signer, kind: str = APPROVAL_TYPE, **changes: str) -> bytes:
    made = Approval(
        run_id="20260228T100000Z-0123456789ab",
        digest=run.decision_digest,
        approver="petr",
        decision="approved",
        at="2026-03-01T00:00:00.000000Z",
        until="2026-03-08T00:00:00.000000Z",
    )
    return encode_envelope(signer.sign(kind, approval_payload(replace(made, **changes))))


def pack(run: Run, signer: Ed25519Signer, given: bytes | None) -> dict[str, bytes]:
    files = {f.name: f.data for f in pack_files(run)}
    if given is not None:
        files[ANSWER_FILE] = given
    statement = statement_bytes(run, pack_files(run), AT)
    return files | {STATEMENT_FILE: encode_envelope(signer.sign(PAYLOAD_TYPE, statement))}


def codes(files: dict[str, bytes], trust: Sequence[TrustedKey]) -> list[str]:
    return [f.code for f in check_answer(files, trust, verify_ed25519)]


def test_a_yes_that_holds(cleared: Run, finished: Run, signer: Ed25519Signer, approver: Ed25519Signer) -> None:
    trust = [signer.public(), approver.public()]
    assert codes(pack(cleared, signer, answer(cleared, approver)), trust) == []
    assert codes(pack(finished, signer, None), trust) == [], "a run that needed none"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"approver": "eva"}, "is not the one it names"),
        ({"digest": "sha256:0"}, "another statement"),
        ({"until": AT}, "not valid"),
        ({"at": "2026-03-01T10:00:00.000001Z"}, "not valid"),
        ({"decision": "rejected"}, "says no"),
    ],
)
def test_a_yes_for_something_else(
    changes: dict[str, str], words: str, cleared: Run, signer: Ed25519Signer, approver: Ed25519Signer
) -> None:
    found = check_answer(
        pack(cleared, signer, answer(cleared, approver, **changes)), [approver.public()], verify_ed25519
    )
    assert {f.code for f in found} == {"approval_does_not_fit"}
    assert any(words in f.why for f in found)
    assert {f.file for f in found} == {ANSWER_FILE}


def test_who_may_say_yes(cleared: Run, signer: Ed25519Signer, approver: Ed25519Signer) -> None:
    given, trust = answer(cleared, approver), [approver.public()]
    assert cleared.verdict is not None
    nobody = replace(cleared, verdict=replace(cleared.verdict, approvers=()))
    assert codes(pack(nobody, signer, given), trust) == ["approval_does_not_fit"]
    without = replace(cleared, verdict=None)
    assert codes(pack(without, signer, given), trust) == ["approval_does_not_fit"]
    own = replace(cleared, principal=replace(cleared.principal, name="petr"))
    assert codes(pack(own, signer, given), trust) == ["approval_does_not_fit"]
    other = replace(cleared, events=(replace(cleared.events[0], actor="eva"), *cleared.events[1:]))
    assert codes(pack(other, signer, given), trust) == ["approval_does_not_fit"]


def test_a_key_nobody_here_trusts_to_approve(cleared: Run, signer: Ed25519Signer, approver: Ed25519Signer) -> None:
    """The requester may have trusted a key of her own making under another's name."""
    files = pack(cleared, signer, answer(cleared, approver))
    assert codes(files, []) == ["unknown_approver"]
    assert codes(files, [replace(approver.public(), roles=("runner",))]) == ["unknown_approver"]
    unsigned = encode_envelope(
        Envelope(payload_type=APPROVAL_TYPE, payload=approval_payload_of(cleared), signatures=())
    )
    assert codes(files | {ANSWER_FILE: unsigned}, [approver.public()]) == ["unknown_approver"]


def approval_payload_of(run: Run) -> bytes:
    made = Approval(run_id=run.id, digest=run.decision_digest, approver="petr", decision="approved", at=AT, until=AT)
    return approval_payload(made)


BROKEN: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "it is gone": (lambda f: {n: d for n, d in f.items() if n != ANSWER_FILE}, ["missing"]),
    "it is nonsense": (lambda f: f | {ANSWER_FILE: b"{}"}, ["malformed"]),
    "the statement is nonsense": (lambda f: f | {STATEMENT_FILE: b"{}"}, []),
    "the record is nonsense": (lambda f: f | {"record.json": b"[]"}, []),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken(name: str, cleared: Run, signer: Ed25519Signer, approver: Ed25519Signer) -> None:
    act, wanted = BROKEN[name]
    files = act(pack(cleared, signer, answer(cleared, approver)))
    assert codes(files, [approver.public()]) == wanted


def test_an_answer_of_another_kind_or_altered(cleared: Run, signer: Ed25519Signer, approver: Ed25519Signer) -> None:
    trust = [approver.public()]
    other = pack(cleared, signer, answer(cleared, approver, kind="application/json"))
    assert codes(other, trust) == ["malformed"]
    good = answer(cleared, approver)
    signature = answer(cleared, approver, note="x")
    forged = json.loads(good) | {"signatures": json.loads(signature)["signatures"]}
    altered = json.dumps(forged).encode()
    assert codes(pack(cleared, signer, altered), trust) == ["bad_signature"]
