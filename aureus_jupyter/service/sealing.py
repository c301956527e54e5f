"""From a run to sealed evidence: the files, the statement over them, the signature, the folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aureus_jupyter.core.evidence import PAYLOAD_TYPE, STATEMENT_FILE, encode_envelope, pack_files, statement_bytes
from aureus_jupyter.core.run_state import advance
from aureus_jupyter.ports import RunStore, Signer
from aureus_jupyter.service.shield import shielded
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.evidence import PackFile
from aureus_jupyter.values.run import Event, EventKind, Failure, Run, State

__all__ = ["seal", "seal_interrupted"]


def seal(run: Run, store: RunStore, signer: Signer, at: str, extra: Sequence[PackFile] = ()) -> Run:
    """Write a run's signed evidence whole or not at all, and return the run with its place and digest.

    A held run stays held: its pack is the evidence of the request. Call it `shielded`, so that an interrupt waits.
    Raises EvidenceError when it cannot be written.
    """
    files = [*pack_files(run), *extra]
    envelope = encode_envelope(signer.sign(PAYLOAD_TYPE, statement_bytes(run, files, at)))
    path = store.seal(run.id, [*files, PackFile(name=STATEMENT_FILE, data=envelope)])
    digest = digest_bytes(envelope)
    if run.state is State.HELD:
        return replace(run, evidence=path, evidence_digest=digest)
    sealed = Event(kind=EventKind.SEALED, at=at, actor="aureus", digest=digest)
    return advance(run, sealed, evidence=path, evidence_digest=digest)


def seal_interrupted(run: Run, store: RunStore, signer: Signer, at: str) -> Run:
    """Write the evidence of a run whose kernel ended before it could, and return the run.

    The record says what the journal told; the journal is not signed, and the record says that too. Raises EvidenceError
    when it cannot be written, or when another kernel was first (`pack_exists`).
    """
    failure = Failure(
        family="Unavailable",
        code="never_sealed",
        message="the kernel ended before the run's evidence was written, and nothing was returned; its unsigned journal told this",
        hint="Run the cell again.",
    )
    ended = Event(kind=EventKind.ERRORED, at=at, actor="aureus", digest=run.decision_digest, detail=failure.code)
    with shielded():
        return seal(advance(run, ended, failure=failure), store, signer, at)
