"""Requests for a yes, and finding the yes that counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aureus_jupyter.core.approval import approval_counts
from aureus_jupyter.errors import AureusError, Refused
from aureus_jupyter.ports import ApprovalBox
from aureus_jupyter.values.approval import Approval, ApprovalRequest
from aureus_jupyter.values.evidence import Envelope, PackFile, TrustedKey
from aureus_jupyter.values.run import Run

__all__ = ["ApprovalBox", "Approvals", "Verify"]

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, signature, data) to whether it verifies."""


class Approvals:
    """Asks, and looks for answers in every box it was given, the first of which takes new requests."""

    def __init__(
        self,
        boxes: Sequence[ApprovalBox],
        trust: Callable[[], Sequence[TrustedKey]],
        verify: Verify,
        requester_keys: Callable[[], frozenset[str]],
    ) -> None:
        self.boxes = boxes
        self.trust = trust
        self.verify = verify
        self.requester_keys = requester_keys

    def ask(self, run: Run) -> str:
        """Put the request of a held run where approvers look and return its id.

        Where the same has been asked and nobody has answered, that request stands: an approver must not find it twice. Raises
        EvidenceError when it cannot be written.
        """
        verdict = run.verdict
        request = ApprovalRequest(
            run_id=run.id,
            digest=run.decision_digest,
            requester=run.principal.name,
            purpose=run.cell.purpose,
            approvers=verdict.approvers if verdict is not None else (),
            sql=run.draft.sql if run.draft is not None else "",
            reasons=tuple(r.message for r in verdict.reasons) if verdict is not None else (),
            connection=run.connection,
            environment=dict(run.environment).get("session", ""),
        )
        if earlier := self.boxes[0].waiting(request):
            return earlier
        self.boxes[0].ask(request, run)
        return run.id

    def find(self, run: Run, at: str, resumes: str = "") -> tuple[str, Sequence[PackFile]] | None:
        """Return the approver and the signed answer for exactly this run's digest, or None when nobody has answered.

        A rejection that counts raises Refused `approval_rejected`. An answer that does not count is passed over: it
        must not be able to block one that does; when no answer counts, the last one's reason is raised.
        """
        last: AureusError | None = None
        for box in self.boxes:
            for request_id, data, envelope in box.answers(run.decision_digest):
                if resumes and request_id != resumes:
                    continue
                try:
                    answer = self._counts(envelope, run, at)
                except Refused as error:
                    if error.code == "approval_rejected":
                        raise
                    last = error
                    continue
                self._check_quorum(run)
                return answer.approver, [PackFile(name="approval.dsse.json", data=data)]
        if last is not None:
            raise last
        return None

    def _check_quorum(self, run: Run) -> None:
        """Refuse where one yes is not enough: an answer holds one signature, and a pack one answer."""
        quorum = run.verdict.quorum if run.verdict is not None else 1
        if quorum > 1:
            raise Refused(
                "quorum_open",
                f"one approver said yes, and the policy asks for {quorum}",
                hint="Several answers to one request cannot be counted yet. Ask your platform team for another policy.",
            )

    def _counts(self, envelope: Envelope, run: Run, at: str) -> Approval:
        return approval_counts(envelope, run, self.trust(), at, self.verify, requester_keys=self.requester_keys())
