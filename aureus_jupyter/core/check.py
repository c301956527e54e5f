"""Checking a pack against its signed statement: pure, offline, and complete about what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from aureus_jupyter.core.dsse import decode_envelope, encode_envelope, pae, strict_json
from aureus_jupyter.core.evidence import PAYLOAD_TYPE, PREDICATE_TYPE, RESULT_SUBJECT, STATEMENT_FILE, STATEMENT_TYPE
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.values.canonical import canonical_json, digest_bytes
from aureus_jupyter.values.evidence import Envelope, Finding, TrustedKey, Verification, is_plain_name
from aureus_jupyter.values.ids import is_run_id

__all__ = ["Verify", "check_pack", "signer_of"]

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, signature, data) to whether the signature verifies; never raises."""


def signer_of(envelope: Envelope, trust: Sequence[TrustedKey], role: str, verify: Verify) -> TrustedKey | None:
    """Return the trusted key with `role` that made one of the envelope's signatures, or None."""
    data = pae(envelope.payload_type, envelope.payload)
    return next(_signers(envelope, trust, role, data, verify), None)


def _signers(
    envelope: Envelope, trust: Sequence[TrustedKey], role: str, data: bytes, verify: Verify
) -> Iterator[TrustedKey]:
    """Yield every entry of the trust file that signed. One key may stand there for several owners."""
    for signature in envelope.signatures:
        for key in trust:
            if key.key_id == signature.key_id and role in key.roles and verify(key.public, signature.sig, data):
                yield key


def check_pack(path: str, files: Mapping[str, bytes], trust: Sequence[TrustedKey], verify: Verify) -> Verification:
    """Return everything that is wrong with the pack whose files are given by name.

    Does not read a disk. `path`'s last part must be the run's id. A pack without findings is whole, unchanged, and
    signed by a trusted key with the role `runner` whose owner is the run's principal.
    """
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    findings: list[Finding] = []
    if STATEMENT_FILE not in files:
        findings.append(Finding(file=STATEMENT_FILE, code="unsigned", why="the signed statement is missing"))
        return Verification(path=path, run_id=name, verdict="", signer="", findings=tuple(findings))
    try:
        envelope = decode_envelope(files[STATEMENT_FILE], STATEMENT_FILE)
    except EvidenceError as error:
        findings.append(Finding(file=STATEMENT_FILE, code=error.code, why=error.message))
        return Verification(path=path, run_id=name, verdict="", signer="", findings=tuple(findings))
    if encode_envelope(envelope) != files[STATEMENT_FILE]:
        # The signature covers the payload alone: whatever else the file held would ride along unsigned.
        why = "the envelope is not written as this program writes it, and no signature covers how it is written"
        findings.append(Finding(file=STATEMENT_FILE, code="malformed", why=why))
    statement = _statement(envelope, findings)
    predicate = statement.get("predicate") if isinstance(statement.get("predicate"), dict) else {}
    assert isinstance(predicate, dict), "just made sure"
    signer = _signer(envelope, trust, predicate, verify, findings)
    findings += _subjects(statement, files)
    findings += _identity(name, predicate)
    return Verification(
        path=path,
        run_id=str(predicate.get("run", name)),
        verdict=str(predicate.get("outcome", "")),
        signer=f"{signer.owner} ({signer.key_id[:19]})" if signer is not None else "",
        findings=tuple(findings),
        reviews=_reviews(predicate),
    )


def _reviews(predicate: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the reviews a statement asks for, in words; of one that is not written as we write it, that it asks."""
    reviews = predicate.get("reviews")
    told = []
    for review in reviews if isinstance(reviews, list) else []:
        try:
            people = " or ".join(map(str, review["reviewers"]))
            told.append(
                f"asks {people} for a review of {review['dataset']} until {review['by']} (policy {review['policy']})"
            )
        except (KeyError, TypeError):
            told.append("asks for a review")
    return tuple(told)


def _signer(
    envelope: Envelope,
    trust: Sequence[TrustedKey],
    predicate: Mapping[str, Any],
    verify: Verify,
    findings: list[Finding],
) -> TrustedKey | None:
    """Return who signed: the run's own principal where the trust file says so."""
    signers = list(_signers(envelope, trust, "runner", pae(envelope.payload_type, envelope.payload), verify))
    if not signers:
        findings.append(_unsigned(envelope, trust))
        return None
    principal = predicate.get("principal")
    name = principal.get("name") if isinstance(principal, dict) else None
    for key in signers:
        if key.owner == name:
            return key
    why = f"the run is another person's than the owner of the key that signed it, {signers[0].owner}"
    findings.append(Finding(file=STATEMENT_FILE, code="wrong_signer", why=why))
    return signers[0]


def _unsigned(envelope: Envelope, trust: Sequence[TrustedKey]) -> Finding:
    known = {key.key_id for key in trust}
    if not envelope.signatures:
        return Finding(file=STATEMENT_FILE, code="unsigned", why="the statement carries no signature")
    if not any(s.key_id in known for s in envelope.signatures):
        named = ", ".join(s.key_id[:19] for s in envelope.signatures)
        why = f"it is signed with the key {named}, which the trust file does not hold"
        return Finding(file=STATEMENT_FILE, code="unknown_key", why=why)
    return Finding(
        file=STATEMENT_FILE,
        code="bad_signature",
        why="the signature does not fit the statement, or the key may not sign runs",
    )


def _statement(envelope: Envelope, findings: list[Finding]) -> dict[str, Any]:
    if envelope.payload_type != PAYLOAD_TYPE:
        findings.append(Finding(file=STATEMENT_FILE, code="wrong_type", why="the payload is not an in-toto statement"))
    try:
        value = strict_json(envelope.payload, "the statement")
    except EvidenceError as error:
        findings.append(Finding(file=STATEMENT_FILE, code=error.code, why=error.message))
        return {}
    if (
        not isinstance(value, dict)
        or value.get("_type") != STATEMENT_TYPE
        or value.get("predicateType") != PREDICATE_TYPE
    ):
        findings.append(Finding(file=STATEMENT_FILE, code="wrong_type", why="the statement is not one about a run"))
        return {}
    try:
        exact = canonical_json(value) == envelope.payload
    except (ValueError, TypeError, RecursionError):
        exact = False
    if not exact:
        findings.append(Finding(file=STATEMENT_FILE, code="malformed", why="the statement is not in canonical form"))
    return value


def _subjects(statement: Mapping[str, Any], files: Mapping[str, bytes]) -> list[Finding]:
    """Compare the subjects with the files, both ways."""
    listed: dict[str, str] = {}
    findings: list[Finding] = []
    subjects = statement.get("subject")
    for subject in subjects if isinstance(subjects, list) else []:
        name, digest = _subject(subject)
        if name == RESULT_SUBJECT:
            continue
        if not is_plain_name(name) or name in listed or len(digest) != 64:
            findings.append(
                Finding(file=STATEMENT_FILE, code="malformed", why="a subject has no usable name or digest")
            )
            continue
        listed[name] = digest
    for name, digest in sorted(listed.items()):
        if name not in files:
            findings.append(
                Finding(file=name, code="missing", why="the file is listed in the statement and is not there")
            )
        elif digest_bytes(files[name]) != "sha256:" + digest:
            findings.append(Finding(file=name, code="changed", why="the file is not the one that was signed"))
    for name in sorted(set(files) - set(listed) - {STATEMENT_FILE}):
        findings.append(Finding(file=name, code="not_listed", why="the file is not part of what was signed"))
    return findings


def _subject(value: Any) -> tuple[str, str]:
    if not isinstance(value, dict) or not isinstance(value.get("digest"), dict):
        return "", ""
    return str(value.get("name", "")), str(value["digest"].get("sha256", ""))


def _identity(folder: str, predicate: Mapping[str, Any]) -> list[Finding]:
    run = predicate.get("run")
    if not isinstance(run, str) or not is_run_id(run):
        return [Finding(file=STATEMENT_FILE, code="malformed", why="the statement names no run")]
    if run != folder:
        return [
            Finding(file=STATEMENT_FILE, code="wrong_run", why="the statement is about another run than this folder's")
        ]
    return []
