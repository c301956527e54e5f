"""What an evidence pack is made of, and what checking one found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Envelope", "Finding", "PackFile", "Signature", "TrustedKey", "Verification", "is_plain_name"]


def is_plain_name(name: str) -> bool:
    """Whether `name` can name a file of a pack: it stays in the pack's folder and reads the same everywhere.

    Not plain are separators, drive and stream marks (`:`), NUL, `.` and `..`, space at either end, and nothing at all.
    """
    return bool(name) and name == name.strip() and not set(name) & set("/\\:\x00") and name not in {".", ".."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One DSSE signature: the key's id and the raw signature bytes (64 for Ed25519)."""

    key_id: str
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A DSSE 1.0.2 envelope: exact payload bytes, their type, and signatures over the PAE of both."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """One file of an evidence pack. `name` is one that `is_plain_name`: a pack has no folders inside."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key and what it may sign. `public` is 32 raw Ed25519 bytes. `roles`: `runner`, `approver`."""

    key_id: str
    public: bytes
    owner: str
    roles: tuple[str, ...] = ("runner",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wrong with a pack: which file, a stable code, and why in words."""

    file: str
    code: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What checking one pack found. `findings` is empty exactly when the pack is whole and signed.

    `reviews` says which reviews its statement asks for, one text each: no fault, and nothing about whether they were done.
    """

    path: str
    run_id: str
    verdict: str
    signer: str
    findings: tuple[Finding, ...] = ()
    reviews: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings
