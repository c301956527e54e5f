"""Which answers count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aureus_jupyter.adapters.signers.ed25519 import Ed25519Signer, load_or_create, verify_ed25519
from aureus_jupyter.core.approval import APPROVAL_TYPE, approval_counts, approval_payload
from aureus_jupyter.errors import Refused
from aureus_jupyter.service.approvals import Approvals
from aureus_jupyter.values.approval import Approval, ApprovalRequest
from aureus_jupyter.values.evidence import Envelope, PackFile
from aureus_jupyter.values.run import Run

NOW = "2026-03-02T00:00:00.000000Z"


@pytest.fixture
def approver(tmp_path: Path) -> Ed25519Signer:
    return load_or_create(tmp_path / "petr", "approver-petr", "petr", ("approver",))


def approval(run: Run, **changes: str) -> Approval:
    made = Approval(
        run_id=run.id,
        digest=run.decision_digest,
        approver="petr",
        decision="approved",
        at="2026-03-01T00:00:00.000000Z",
        until="2026-03-08T00:00:00.000000Z",
    )
    return replace(made, **changes)


def signed(signer: Ed25519Signer, made: Approval) -> Envelope:
    return signer.sign(APPROVAL_TYPE, approval_payload(made))


def test_a_yes_counts(finished: Run, approver: Ed25519Signer) -> None:
    made = approval(finished)
    assert approval_counts(signed(approver, made), finished, [approver.public()], NOW, verify_ed25519) == made


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"digest": "sha256:0"}, "approval_stale"),
        ({"until": "2026-03-02T00:00:00.000000Z"}, "approval_expired"),
        ({"at": "2026-03-02T00:00:00.000001Z"}, "approval_expired"),
        ({"approver": "eva"}, "approval_wrong_approver"),
        ({"approver": "ana"}, "self_approval"),
        ({"decision": "rejected"}, "approval_rejected"),
        ({"decision": "maybe"}, "approval_rejected"),
    ],
)
def test_what_does_not_count(changes: dict[str, str], code: str, finished: Run, approver: Ed25519Signer) -> None:
    with pytest.raises(Refused) as caught:
        approval_counts(
            signed(approver, approval(finished, **changes)), finished, [approver.public()], NOW, verify_ed25519
        )
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("hours", "at", "counts"),
    [
        (24, "2026-03-01T00:00:00.000000Z", True),
        (23, "2026-03-01T00:00:00.000000Z", False),
        (24, "2026-03-01T00:00:00", False),
        (24, "2026-03-0", False),
        (0, "2026-01-01T00:00:00.000000Z", True),
    ],
)
def test_a_yes_grows_old(hours: int, at: str, counts: bool, finished: Run, approver: Ed25519Signer) -> None:
    assert finished.verdict is not None
    run = replace(finished, verdict=replace(finished.verdict, valid_hours=hours))
    envelope = signed(approver, approval(run, at=at))
    if counts:
        assert approval_counts(envelope, run, [approver.public()], NOW, verify_ed25519)
    else:
        with pytest.raises(Refused) as caught:
            approval_counts(envelope, run, [approver.public()], NOW, verify_ed25519)
        assert caught.value.code == "approval_expired"


def test_one_yes_is_no_quorum(finished: Run, approver: Ed25519Signer) -> None:
    assert finished.verdict is not None
    run = replace(finished, verdict=replace(finished.verdict, quorum=2))
    with pytest.raises(Refused) as caught:
        desk(approver, Box(("a", signed(approver, approval(run))))).find(run, NOW)
    assert caught.value.code == "quorum_open"
    assert desk(approver, Box()).find(run, NOW) is None
    nobody = Approvals([], list, verify_ed25519, frozenset)
    assert nobody.find(replace(run, verdict=None), NOW) is None


def test_keys_that_do_not_count(finished: Run, approver: Ed25519Signer, signer: Ed25519Signer) -> None:
    def code(
        envelope: Envelope, run: Run = finished, own: frozenset[str] = frozenset(), keys: tuple = (approver.public(),)
    ) -> str:
        with pytest.raises(Refused) as caught:
            approval_counts(envelope, run, keys, NOW, verify_ed25519, own)
        return caught.value.code

    good = signed(approver, approval(finished))
    assert code(good, own=frozenset({approver.key_id})) == "self_approval"
    assert code(signed(signer, approval(finished))) == "approval_untrusted"
    assert code(good, keys=(replace(approver.public(), roles=("runner",)),)) == "approval_untrusted"
    assert code(good, keys=(replace(approver.public(), owner="ana"),)) == "self_approval"
    assert code(good, run=replace(finished, verdict=None)) == "approval_wrong_approver"
    assert code(approver.sign("text/plain", b"{}")) == "approval_unreadable"
    assert code(approver.sign(APPROVAL_TYPE, b"{}")) == "approval_unreadable"
    assert code(approver.sign(APPROVAL_TYPE, b"{")) == "approval_unreadable"


class Box:
    """An approval box in memory."""

    def __init__(self, *answers: tuple[str, Envelope]) -> None:
        self.found = answers
        self.asked: list[ApprovalRequest] = []

    def ask(self, request: ApprovalRequest, run: Run) -> None:
        self.asked.append(request)

    def waiting(self, request: ApprovalRequest) -> str:
        return next((r.run_id for r in self.asked if replace(r, run_id=request.run_id) == request), "")

    def answers(self, digest: str) -> list[tuple[str, bytes, Envelope]]:
        return [(identifier, b"exact", envelope) for identifier, envelope in self.found]


def desk(approver: Ed25519Signer, *boxes: Box) -> Approvals:
    return Approvals(boxes, lambda: [approver.public()], verify_ed25519, frozenset)


def test_looking_for_an_answer(finished: Run, approver: Ed25519Signer) -> None:
    good, bad = signed(approver, approval(finished)), signed(approver, approval(finished, digest="sha256:0"))
    no = signed(approver, approval(finished, decision="rejected"))
    assert desk(approver, Box()).find(finished, NOW) is None
    answer = desk(approver, Box(("a", bad)), Box(("b", good))).find(finished, NOW)
    assert answer == ("petr", [PackFile(name="approval.dsse.json", data=b"exact")])
    assert desk(approver, Box(("a", good))).find(finished, NOW, resumes="b") is None
    for box, code in ((Box(("a", bad)), "approval_stale"), (Box(("a", no), ("b", good)), "approval_rejected")):
        with pytest.raises(Refused) as caught:
            desk(approver, box).find(finished, NOW)
        assert caught.value.code == code


def test_asking(finished: Run, approver: Ed25519Signer) -> None:
    box = Box()
    assert desk(approver, box).ask(finished) == finished.id
    assert desk(approver, box).ask(replace(finished, id="later")) == finished.id, "an approver must not find it twice"
    assert desk(approver, box).ask(replace(finished, id="later", verdict=None, draft=None)) == "later"
    assert [r.approvers for r in box.asked] == [("petr",), ()]
    assert box.asked[0].digest == finished.decision_digest
