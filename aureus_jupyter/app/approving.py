"""What an approver does: sign an answer, and let others know the key."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aureus_jupyter import plugins
from aureus_jupyter.adapters.config.load import load_settings
from aureus_jupyter.adapters.signers.ed25519 import load_or_create
from aureus_jupyter.adapters.signers.trust import add_trust, read_trust
from aureus_jupyter.adapters.stores.folder import APPROVAL_FILE, REQUEST_FILE
from aureus_jupyter.app.build import decider, keys_folder, trust_path
from aureus_jupyter.app.text_reader import TextReader
from aureus_jupyter.core.approval import APPROVAL_TYPE, approval_payload
from aureus_jupyter.core.dsse import encode_envelope, strict_json
from aureus_jupyter.errors import EvidenceError, UserError
from aureus_jupyter.service.decisions import decision_digest
from aureus_jupyter.values.approval import Approval, ApprovalRequest
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.codec import from_dict
from aureus_jupyter.values.draft import Cell, Draft
from aureus_jupyter.values.evidence import TrustedKey
from aureus_jupyter.values.ids import utc_text
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.settings import Settings
from aureus_jupyter.values.verdict import VerdictKind

__all__ = ["approve", "shown", "trust_public_key", "write_public_key"]


def _request_folder(path: Path) -> Path:
    """Return the request's folder, given itself or the evidence folder of the held run."""
    for folder in (path, path.parent.parent / "approvals" / path.name):
        if (folder / REQUEST_FILE).is_file():
            return folder
    raise UserError(
        "unknown_request",
        f"there is no {REQUEST_FILE} in {path} nor in the approvals beside it",
        hint="Give the folder that the held cell names.",
    )


def shown(path: Path) -> str:
    """Return what a request asks, for its approver to read. Signs nothing. Raises UserError, EvidenceError."""
    return _read(_request_folder(path)).in_words()


def approve(path: Path, name: str, yes: bool, note: str, days: int) -> str:
    """Sign an answer to a request with the approver's own key and write it beside the request.

    A request is a file its requester can edit. So a yes is signed only for the digest this process computes itself, from the
    SQL, the parameters and the person in the request and the approver's own pack and policies; and the text returned shows
    exactly that SQL. Neither is anything signed in the name of one who is no approver of it, nor over an answer of somebody
    else's. Does not check that the requester trusts the key: the kernel that honours the answer does. Raises UserError
    `self_approval`, `not_an_approver`, `request_differs`, `already_answered`, and EvidenceError.
    """
    folder = _request_folder(path)
    settings = load_settings(Path.cwd())
    asked = _read(folder)
    owner = name or settings.principal
    if owner == asked.principal.name:
        raise UserError(
            "self_approval",
            "the person who asks cannot be the one who approves",
            hint="Ask one of the approvers the contract names.",
        )
    approvers = _check(asked, settings, folder) if yes else asked.request.approvers
    if owner not in approvers:
        raise UserError(
            "not_an_approver",
            f"{owner[:60]} is no approver of this request: {', '.join(approvers) or 'nobody is'}",
            hint="Give your name as the contract writes it: aureus approve REQUEST --as NAME.",
        )
    _check_unanswered(folder, owner)
    signer = load_or_create(keys_folder(settings), f"approver-{_safe(owner)}", owner, ("approver",))
    now = datetime.now(UTC)
    approval = Approval(
        run_id=asked.request.run_id,
        digest=asked.request.digest,
        approver=owner,
        decision="approved" if yes else "rejected",
        at=utc_text(now),
        until=utc_text(now + timedelta(days=max(1, days))),
        note=note,
    )
    data = encode_envelope(signer.sign(APPROVAL_TYPE, approval_payload(approval)))
    (folder / APPROVAL_FILE).write_bytes(data)
    word = "approved" if yes else "rejected"
    told = f"{asked.in_words()}\n\n{word} by {owner} with key {signer.key_id[:19]}: {folder / APPROVAL_FILE}"
    return told if _is_trusted(signer.key_id, settings) else f"{told}\n{_UNKNOWN}"


_UNKNOWN = (
    "It counts where this key is trusted, which it is not for this account. Write it with: aureus key FILE. The requester, or "
    "their administrator, compares its id with you and runs: aureus trust FILE."
)


def _is_trusted(key_id: str, settings: Settings) -> bool:
    try:
        return any(k.key_id == key_id and "approver" in k.roles for k in read_trust(trust_path(settings)))
    except EvidenceError:
        return False


def _check_unanswered(folder: Path, owner: str) -> None:
    """Raise UserError `already_answered` when somebody else has answered: one answer must not take another's place."""
    try:
        value = strict_json((folder / APPROVAL_FILE).read_bytes(), APPROVAL_FILE)
        other = str(strict_json(base64.b64decode(value["payload"]), "the answer")["approver"])
    except (OSError, EvidenceError, ValueError, KeyError, TypeError):
        return
    if other != owner:
        raise UserError(
            "already_answered",
            f"{other[:60]} has answered this request",
            hint=f"Talk to them. If your answer is to stand, move their {APPROVAL_FILE} away first.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a request's file says."""

    request: ApprovalRequest
    cell: Cell
    principal: Principal
    draft: Draft
    dialect: str

    def in_words(self) -> str:
        """Return what the approver decides about, from the members the digest is computed of."""
        bound = ", ".join(f":{name} = {value!r}" for name, value in self.draft.parameters)
        roles = ", ".join(self.principal.roles) or "no role"
        lines = [
            f"{self.principal.name} ({roles}) asks, for the purpose {self.cell.purpose or 'none'}, "
            f"to run on {self.request.connection or 'an unnamed connection'}"
            + (f" in the environment {self.request.environment}:" if self.request.environment else ":"),
            self.draft.sql,
        ]
        return "\n".join(
            "".join(c if c.isprintable() or c == "\n" else "?" for c in line) for line in [*lines, bound] if line
        )


def _read(folder: Path) -> _Asked:
    try:
        value: dict[str, Any] = strict_json((folder / REQUEST_FILE).read_bytes(), REQUEST_FILE)
        return _Asked(
            request=from_dict(ApprovalRequest, value["request"]),
            cell=from_dict(Cell, value["cell"]),
            principal=from_dict(Principal, value["principal"]),
            draft=from_dict(Draft, value["draft"]),
            dialect=str(value["dialect"]),
        )
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as cause:
        raise EvidenceError(
            "malformed", f"the request in {folder} cannot be read", hint="Ask for the cell to be run again."
        ) from cause


def _check(asked: _Asked, settings: Settings, folder: Path) -> tuple[str, ...]:
    """Judge the request anew, as the requester, compare the digest, and return who may approve. Reads no data."""
    pack = asked.cell.pack
    if pack.startswith("."):
        # A pack beside the requester's notebook, whose folder holds the evidence folder.
        pack = str(folder.parents[2] / pack)
    judge = decider(settings, pack, plugins.load("clock", "system")(), asked.request.environment)
    found = judge.decide(
        asked.draft, TextReader(asked.dialect), asked.principal, asked.cell.purpose, asked.cell.max_results
    )
    digest = decision_digest(
        found.plan_digest,
        asked.draft.parameters,
        judge.catalog,
        found.verdict.policy_version,
        asked.principal,
        asked.cell.purpose,
        asked.request.connection,
    )
    if found.verdict.kind is not VerdictKind.APPROVAL or digest != asked.request.digest:
        raise UserError(
            "request_differs",
            "what the request shows is not what its digest stands for, or your pack or policies are not the requester's",
            hint="Nothing was signed. Compare your packs and policies; if they are the same, the request was changed.",
        )
    return found.verdict.approvers


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:60]


def write_public_key(out: Path, name: str) -> str:
    """Write the approver's public key for the trust files of others, making the key on first use."""
    settings = load_settings(Path.cwd())
    owner = name or settings.principal
    key = load_or_create(keys_folder(settings), f"approver-{_safe(owner)}", owner, ("approver",)).public()
    value = {"public": base64.b64encode(key.public).decode("ascii"), "owner": key.owner, "roles": list(key.roles)}
    out.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
    return f"{out}: compare its id with its owner before you trust it: {key.key_id}"


def trust_public_key(path: Path) -> str:
    """Add a public key to the trust file. Raises EvidenceError when the file is none."""
    settings = load_settings(Path.cwd())
    try:
        value = strict_json(path.read_bytes(), str(path))
        public = base64.b64decode(value["public"], validate=True)
        key = TrustedKey(
            key_id=digest_bytes(public), public=public, owner=str(value["owner"]), roles=tuple(value["roles"])
        )
    except (OSError, KeyError, TypeError, ValueError) as cause:
        raise EvidenceError(
            "malformed", f"{path} is not a public key file", hint="Ask for one made by: aureus key FILE"
        ) from cause
    add_trust(trust_path(settings), [key])
    return f"{trust_path(settings)} now trusts {key.owner} as {', '.join(key.roles)}: {key.key_id}"
