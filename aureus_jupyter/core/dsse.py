"""Dead Simple Signing Envelopes, version 1.0.2: the bytes that are signed, and the envelope as JSON."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.values.canonical import canonical_json
from aureus_jupyter.values.evidence import Envelope, Signature

__all__ = ["MAX_ENVELOPE", "decode_envelope", "encode_envelope", "pae", "strict_json"]

MAX_ENVELOPE = 32 * 1024 * 1024


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding, which is what a key signs (DSSE 1.0.2, "PAE definition")."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode_envelope(envelope: Envelope) -> bytes:
    """Return the envelope as JSON with standard base64, ending in a newline."""
    signatures = [{"keyid": s.key_id, "sig": base64.b64encode(s.sig).decode("ascii")} for s in envelope.signatures]
    payload = base64.b64encode(envelope.payload).decode("ascii")
    return canonical_json({"payload": payload, "payloadType": envelope.payload_type, "signatures": signatures}) + b"\n"


def strict_json(data: bytes, what: str) -> Any:
    """Parse JSON, refusing a member that occurs twice, NaN, and text that is not UTF-8.

    Raises EvidenceError `malformed`, which names `what` and never its content.
    """
    if len(data) > MAX_ENVELOPE:
        raise _malformed(what, "it is larger than any file this program writes")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_no_twice, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _malformed(what, f"it is not strict JSON ({type(error).__name__})") from None


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member occurs twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _malformed(what: str, why: str) -> EvidenceError:
    return EvidenceError("malformed", f"{what} cannot be read: {why}", hint="Restore the file from a copy.")


def decode_envelope(data: bytes, what: str = "the envelope") -> Envelope:
    """Return the envelope in `data`. Accepts both base64 alphabets on reading, as the specification asks.

    Does not verify a signature. Raises EvidenceError `malformed`.
    """
    value = strict_json(data, what)
    try:
        signatures = tuple(
            Signature(key_id=_text(item.get("keyid", "")), sig=_base64(item["sig"])) for item in value["signatures"]
        )
        return Envelope(
            payload_type=_text(value["payloadType"]), payload=_base64(value["payload"]), signatures=signatures
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _malformed(what, f"it is not a DSSE envelope ({type(error).__name__})") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _base64(value: Any) -> bytes:
    text = _text(value).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("base64 expected") from error
