"""The trust file: which public keys may sign runs and approvals."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aureus_jupyter.core.dsse import strict_json
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.evidence import TrustedKey

__all__ = ["add_trust", "read_trust"]

_ROLES = frozenset({"runner", "approver"})


def read_trust(path: Path, must_exist: bool = False) -> tuple[TrustedKey, ...]:
    """Return the keys of a trust file; none when there is no file, unless there must be one.

    Raises EvidenceError `trust_malformed`, `trust_missing` or `trust_unreadable`, which name the file.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if not must_exist:
            return ()
        raise EvidenceError(
            "trust_missing",
            f"there is no trust file {path}, so nothing can be said of any signature",
            hint="Name the file with the keys you trust: aureus verify --trust FILE.",
        ) from None
    except OSError as cause:
        raise EvidenceError(
            "trust_unreadable",
            f"the trust file {path} cannot be read ({type(cause).__name__})",
            hint="Give yourself read access to it, or name another one with --trust.",
        ) from cause
    try:
        value = strict_json(data, str(path))
        if not isinstance(value, dict) or value.get("version", 1) != 1:
            raise ValueError("a version this release does not know")
        return tuple(_key(item) for item in value["keys"])
    except (EvidenceError, KeyError, TypeError, ValueError) as cause:
        raise EvidenceError(
            "trust_malformed",
            f"the trust file {path} is not a list of keys with key_id, public, owner and roles",
            hint="Restore it from a copy. Nothing verifies without it.",
        ) from cause


def _key(item: Any) -> TrustedKey:
    public = base64.b64decode(item["public"], validate=True)
    key = TrustedKey(key_id=item["key_id"], public=public, owner=item["owner"], roles=tuple(item["roles"]))
    if not isinstance(key.owner, str) or not isinstance(item["roles"], list):
        raise TypeError("owner is text and roles are a list")
    if key.key_id != digest_bytes(public) or len(public) != 32 or not key.owner or not set(key.roles) <= _ROLES:
        raise ValueError("the key's id is not its digest, or a member is out of range")
    return key


def add_trust(path: Path, keys: Sequence[TrustedKey]) -> None:
    """Add keys that are not there yet, all or nothing, safely beside another process that does the same.

    Raises EvidenceError `trust_not_written`, and what `read_trust` raises: a malformed file is never replaced.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (path.parent / f".{path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = read_trust(path)
            new = [k for k in keys if k not in known]
            if new:
                _write(path, [*known, *new])
    except OSError as cause:
        raise EvidenceError(
            "trust_not_written",
            f"the trust file {path} cannot be written ({type(cause).__name__})",
            hint="Make its folder writable, or name another one in the setting trust_file.",
        ) from cause


def _write(path: Path, keys: Sequence[TrustedKey]) -> None:
    items = [
        {
            "key_id": k.key_id,
            "public": base64.b64encode(k.public).decode("ascii"),
            "owner": k.owner,
            "roles": list(k.roles),
        }
        for k in keys
    ]
    mine = path.with_name(f".{path.name}.{os.getpid()}")
    mine.write_text(json.dumps({"version": 1, "keys": items}, indent=2) + "\n", "utf-8")
    mine.replace(path)
