"""Checking the yes in a pack: a run that needed one holds the answer it was given, signed by somebody who may say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aureus_jupyter.core.approval import APPROVAL_TYPE, is_young
from aureus_jupyter.core.check import Verify, signer_of
from aureus_jupyter.core.dsse import decode_envelope, strict_json
from aureus_jupyter.core.evidence import STATEMENT_FILE
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.values.approval import Approval
from aureus_jupyter.values.codec import from_dict
from aureus_jupyter.values.evidence import Finding, TrustedKey

__all__ = ["ANSWER_FILE", "check_answer"]

ANSWER_FILE = "approval.dsse.json"


def check_answer(files: Mapping[str, bytes], trust: Sequence[TrustedKey], verify: Verify) -> list[Finding]:
    """Return what is wrong with the yes of a pack whose files are given by name; nothing for a run that needed none.

    Expects a pack whose statement and files `check_pack` has looked at, and says nothing about them. The key must be trusted
    here, whatever the requester's own trust file said when the run was cleared.
    """
    try:
        statement = strict_json(decode_envelope(files[STATEMENT_FILE], STATEMENT_FILE).payload, "the statement")
        predicate, record = statement["predicate"], strict_json(files["record.json"], "record.json")
        given = [event for event in predicate["events"] if event["kind"] == "approved"]
        if not given:
            return []
        return [
            Finding(file=ANSWER_FILE, code=code, why=why)
            for code, why in _problems(files, predicate, record, given[-1], trust, verify)
        ]
    except (EvidenceError, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        # `check_pack` says what is wrong with a statement or a record like this.
        return []


def _problems(
    files: Mapping[str, bytes],
    predicate: Mapping[str, Any],
    record: Mapping[str, Any],
    event: Mapping[str, Any],
    trust: Sequence[TrustedKey],
    verify: Verify,
) -> list[tuple[str, str]]:
    if ANSWER_FILE not in files:
        return [("missing", "the run needed a yes, and none is there")]
    try:
        envelope = decode_envelope(files[ANSWER_FILE], ANSWER_FILE)
        if envelope.payload_type != APPROVAL_TYPE:
            raise ValueError("another payload")
        answer = from_dict(Approval, strict_json(envelope.payload, "the approval"))
    except (EvidenceError, ValueError, RecursionError):
        return [("malformed", "it is not an approval")]
    key = signer_of(envelope, trust, "approver", verify)
    if key is None:
        held = {k.key_id for k in trust if "approver" in k.roles}
        if any(signature.key_id in held for signature in envelope.signatures):
            return [("bad_signature", "the signature does not fit the approval")]
        named = ", ".join(signature.key_id[:19] for signature in envelope.signatures) or "none"
        return [("unknown_approver", f"it is signed with the key {named}, which the trust file holds for no approver")]
    verdict = record.get("verdict") or {}
    named_approvers = verdict.get("approvers") or ()
    wrong = {
        "its signer is not the one it names": answer.approver != key.owner,
        "the run names another approver": answer.approver != event["actor"],
        "its signer is not among those who may approve": answer.approver not in named_approvers,
        "the person who asked gave it": answer.approver == predicate["principal"]["name"],
        "it is for another statement, person or purpose": answer.digest != predicate["decision_digest"],
        "it was not valid when the run was cleared": not answer.at <= event["at"] < answer.until
        or not is_young(answer.at, event["at"], verdict.get("valid_hours") or 0),
        "it says no": answer.decision != "approved",
    }
    return [("approval_does_not_fit", why) for why, is_wrong in wrong.items() if is_wrong]
