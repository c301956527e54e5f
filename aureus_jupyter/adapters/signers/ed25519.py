"""Ed25519 keys in Jupyter's data directory (RFC 8032, through the cryptography package)."""

from __future__ import annotations

import contextlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aureus_jupyter.core.dsse import pae
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.evidence import Envelope, Signature, TrustedKey

from .secret import read_private, write_secret

__all__ = ["Ed25519Signer", "key_ids", "load_or_create", "verify_ed25519"]


def verify_ed25519(public: bytes, sig: bytes, data: bytes) -> bool:
    """Whether `sig` (64 bytes) is the signature of `data` by the raw public key. Never raises."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(sig, data)
    except (InvalidSignature, ValueError):
        return False
    return True


class Ed25519Signer:
    """Signs with one private key, which it does not give away."""

    def __init__(self, key: Ed25519PrivateKey, owner: str, roles: tuple[str, ...]) -> None:
        self._key = key
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self._trusted = TrustedKey(key_id=digest_bytes(public), public=public, owner=owner, roles=roles)

    @property
    def key_id(self) -> str:
        """The SHA-256 of the raw public key."""
        return self._trusted.key_id

    def public(self) -> TrustedKey:
        """Return the public part for a trust file."""
        return self._trusted

    def sign(self, payload_type: str, payload: bytes) -> Envelope:
        """Return a DSSE envelope with one signature."""
        signature = Signature(key_id=self.key_id, sig=self._key.sign(pae(payload_type, payload)))
        return Envelope(payload_type=payload_type, payload=payload, signatures=(signature,))


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.key.pem"


def load_or_create(folder: Path, name: str, owner: str, roles: tuple[str, ...] = ("runner",)) -> Ed25519Signer:
    """Return the signer of the key `name`, making the key with mode 0600 on first use.

    Two kernels that start at once end with the same key. Raises EvidenceError: `key_unreadable`, `key_malformed`,
    `key_exposed` (others may read it), `key_not_written`.
    """
    path = _path(folder, name)
    if not path.exists():
        _create(path)
    return Ed25519Signer(_load(path), owner, roles)


def _create(path: Path) -> None:
    data = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(path, data)


def _load(path: Path, exposed: bool = False) -> Ed25519PrivateKey:
    """Read a private key; one that others can read only where it is not to sign with."""
    data = read_private(path, "so its signatures prove nothing", exposed)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as cause:
        raise _malformed(path) from cause
    if not isinstance(key, Ed25519PrivateKey):
        raise _malformed(path)
    return key


def _malformed(path: Path) -> EvidenceError:
    return EvidenceError(
        "key_malformed",
        f"the signing key {path.name} is not an Ed25519 key in PEM form",
        hint="Move the file away; a new key is made on the next run. Old evidence still verifies.",
    )


def key_ids(folder: Path) -> frozenset[str]:
    """Return the ids of all keys in `folder` that this account can read: none of them is another person's."""
    found = set()
    for path in folder.glob("*.key.pem"):
        with contextlib.suppress(EvidenceError):
            found.add(Ed25519Signer(_load(path, exposed=True), "", ()).key_id)
    return frozenset(found)
