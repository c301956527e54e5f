"""What an approver does: sign an answer, and let others know the key."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.config.load import load_settings
from aureus_jupyter.adapters.signers.ed25519 import load_or_create
from aureus_jupyter.adapters.signers.trust import add_trust
from aureus_jupyter.adapters.stores.folder import APPROVAL_FILE, REQUEST_FILE
from aureus_jupyter.app.build import keys_folder, trust_path
from aureus_jupyter.core.approval import APPROVAL_TYPE, approval_payload
from aureus_jupyter.core.dsse import encode_envelope, strict_json
from aureus_jupyter.errors import EvidenceError, UserError
from aureus_jupyter.values.approval import Approval
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.evidence import TrustedKey
from aureus_jupyter.values.ids import utc_text

__all__ = ["approve", "trust_public_key", "write_public_key"]


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


def approve(path: Path, name: str, yes: bool, note: str, days: int) -> str:
    """Sign an answer to a request with the approver's own key and write it beside the request.

    Does not check that the approver is named in the request: the kernel that honours it does. Returns what to tell the
    approver. Raises UserError and EvidenceError.
    """
    folder = _request_folder(path)
    settings = load_settings(Path.cwd())
    try:
        request: dict[str, Any] = strict_json((folder / REQUEST_FILE).read_bytes(), REQUEST_FILE)["request"]
        run_id, digest, requester = request["run_id"], request["digest"], request["requester"]
    except (OSError, KeyError, TypeError) as cause:
        raise EvidenceError(
            "malformed", f"the request in {folder} cannot be read", hint="Ask for the cell to be run again."
        ) from cause
    owner = name or settings.principal
    if owner == requester:
        raise UserError(
            "self_approval",
            "the person who asks cannot be the one who approves",
            hint=f"Ask {' or '.join(request.get('approvers', []))}.",
        )
    signer = load_or_create(keys_folder(settings), f"approver-{_safe(owner)}", owner, ("approver",))
    now = datetime.now(UTC)
    approval = Approval(
        run_id=run_id,
        digest=digest,
        approver=owner,
        decision="approved" if yes else "rejected",
        at=utc_text(now),
        until=utc_text(now + timedelta(days=max(1, days))),
        note=note,
    )
    data = encode_envelope(signer.sign(APPROVAL_TYPE, approval_payload(approval)))
    (folder / APPROVAL_FILE).write_bytes(data)
    word = "approved" if yes else "rejected"
    return f"{word} by {owner} with key {signer.key_id[:19]}: {folder / APPROVAL_FILE}"


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
