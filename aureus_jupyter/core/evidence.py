"""Evidence of a run: its files, and the in-toto statement over them.

The statement follows in-toto Attestation Framework v1 (`https://in-toto.io/Statement/v1`); each file is a subject with
its SHA-256. The result's rows are never in a pack unless the caller adds them; the digest of the result is a subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aureus_jupyter.core.dsse import encode_envelope
from aureus_jupyter.core.report import is_changed, report
from aureus_jupyter.core.reviews import reviews_due
from aureus_jupyter.values.canonical import DIGEST_PREFIX, canonical_json, digest_bytes
from aureus_jupyter.values.codec import to_dict
from aureus_jupyter.values.evidence import PackFile
from aureus_jupyter.values.plan import Parameter
from aureus_jupyter.values.run import Run, State

__all__ = [
    "PAYLOAD_TYPE",
    "PREDICATE_TYPE",
    "STATEMENT_FILE",
    "STATEMENT_TYPE",
    "encode_envelope",
    "outcome_word",
    "pack_files",
    "statement_bytes",
    "without_secrets",
]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://aureus.dev/evidence/run/v1"
STATEMENT_FILE = "statement.dsse.json"
RESULT_SUBJECT = "result"

_HIDDEN = "(hidden)"
_SECRET_NAMES = ("password", "passwd", "secret", "token", "apikey", "api_key")


def outcome_word(run: Run) -> str:
    """Return what the run came to: allowed, masked, refused, waiting or failed."""
    if run.state is State.HELD:
        return "waiting"
    kinds = [str(event.kind) for event in run.events]
    if "completed" in kinds:
        return "masked" if is_changed(run) else "allowed"
    return "failed" if "started" in kinds else "refused"


def _is_secret(name: str) -> bool:
    return any(mark in name.lower() for mark in _SECRET_NAMES)


def _parameter(name: str, value: Parameter) -> dict[str, Any]:
    return {"name": name, "type": type(value).__name__, "value": _HIDDEN if _is_secret(name) else str(value)}


def without_secrets(run: Run) -> Run:
    """Return the run without the values of parameters whose names say that they are secret, to keep outside of memory."""

    def hidden(given: tuple[tuple[str, Parameter], ...]) -> tuple[tuple[str, Parameter], ...]:
        return tuple((name, _HIDDEN if _is_secret(name) else value) for name, value in given)

    if not any(_is_secret(name) for name, _ in run.cell.parameters):
        return run
    draft = None if run.draft is None else replace(run.draft, parameters=hidden(run.draft.parameters))
    return replace(run, cell=replace(run.cell, parameters=hidden(run.cell.parameters)), draft=draft)


def _utf8(text: str) -> bytes:
    """Return the text's bytes; half a surrogate pair, which has none, becomes a question mark."""
    return text.encode("utf-8", "replace")


def pack_files(run: Run) -> list[PackFile]:
    """Return the files of a run's pack, without its statement. The same run gives the same bytes.

    `evidence.md` is for people. `record.json` holds everything a machine asks for: the cell, the SQL as it was written and
    with the relations it ran over, inputs, verdict with every policy that fired, lineage, result schema and digest, failure,
    environment. What a run does not have (a plan, a result) is null. There are no more files than that, because on a busy
    disk making one costs as much as everything else that is done for evidence.
    """
    return [
        PackFile(name="evidence.md", data=_utf8(report(run, outcome_word(run)))),
        PackFile(name="record.json", data=canonical_json(_record(run)) + b"\n"),
    ]


def _record(run: Run) -> dict[str, Any]:
    cell, draft = run.cell, run.draft
    parameters = draft.parameters if draft is not None else cell.parameters
    return {
        "cell": _utf8(cell.source).decode(),
        "sql": {
            "original": None if draft is None else _utf8(draft.sql).decode(),
            "rewritten": None if run.plan is None else run.plan.rewritten(),
        },
        "inputs": {
            "as": cell.kind,
            "connection": run.connection,
            "engine": cell.engine,
            "headless": cell.headless,
            "max_results": cell.max_results,
            "pack": run.pack,
            "parameters": [_parameter(name, value) for name, value in parameters],
            "purpose": cell.purpose,
            "why": _utf8(cell.why).decode(),
        },
        "draft": None
        if draft is None
        else {
            "by": draft.by,
            "origin": str(draft.origin),
            "question": draft.question,
            "note": draft.note,
            "rounds": draft.rounds,
        },
        "verdict": _member(run.verdict),
        "budgets": [to_dict(use) for use in run.budgets],
        "lineage": _member(run.facts),
        "result": _member(run.result),
        "failure": _member(run.failure),
        "environment": dict(run.environment),
    }


def _member(value: Any) -> Any:
    return None if value is None else to_dict(value)


def statement_bytes(run: Run, files: Sequence[PackFile], at: str) -> bytes:
    """Return the in-toto statement over `files` as canonical JSON, the payload that is signed."""
    subjects = [{"name": f.name, "digest": {"sha256": _hex(digest_bytes(f.data))}} for f in files]
    if run.result is not None:
        subjects.append({"name": RESULT_SUBJECT, "digest": {_algorithm(run.result.digest): _hex(run.result.digest)}})
    subjects.sort(key=lambda s: str(s["name"]))
    return canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": subjects,
            "predicateType": PREDICATE_TYPE,
            "predicate": _predicate(run, at),
        }
    )


def _algorithm(digest: str) -> str:
    return digest.partition(":")[0]


def _hex(digest: str) -> str:
    return digest.removeprefix(DIGEST_PREFIX)


def _predicate(run: Run, at: str) -> dict[str, Any]:
    verdict = run.verdict
    return {
        "run": run.id,
        "sealed_at": at,
        "state": str(run.state),
        "outcome": outcome_word(run),
        "tier": run.tier,
        "principal": to_dict(run.principal),
        "purpose": run.cell.purpose,
        "notebook": run.cell.notebook,
        "cell": {"id": run.cell.cell_id, "source_digest": digest_bytes(_utf8(run.cell.source))},
        "pack": run.pack,
        "connection": run.connection,
        "catalog_version": run.catalog_version,
        "policy_version": verdict.policy_version if verdict is not None else "",
        "policies_fired": list(verdict.fired) if verdict is not None else [],
        "decision_digest": run.decision_digest,
        "events": [to_dict(event) for event in run.events],
        "failure": run.failure.code if run.failure is not None else "",
        "reviews": [to_dict(review) for review in reviews_due(run)],
        "why": _utf8(run.cell.why).decode(),
    }
