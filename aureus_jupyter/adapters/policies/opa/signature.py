"""A bundle's signature: a JWT over the digests of its files, checked by hand because it is small and must be strict.

The key decides which algorithms may be used, never the token; a shared secret is not taken, for who can check with it could
sign with it. One signature must be there, over exactly the files of the bundle. Source: Open Policy Agent, "Bundles:
Signing"; RFC 7515; RFC 7518 section 3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure, MalformedPlan
from aureus_jupyter.adapters.policies.opa.terms import Real, parse_json

__all__ = ["SIGNATURES", "is_structured", "verify_bundle"]

SIGNATURES: Final = ".signatures.json"
_HASHES: Final = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}


def is_structured(name: str) -> bool:
    """Return whether a file is signed by what it says and not by its bytes."""
    return name.rpartition("/")[2] in ("data.json", ".manifest")


def verify_bundle(files: Mapping[str, bytes], key: bytes) -> None:
    """Check that `key`, a PEM public key, signed exactly these files. Raises MalformedPlan."""
    if SIGNATURES not in files:
        raise MalformedPlan("the bundle has no signature, and a key to check it with is configured")
    try:
        signatures = parse_json(files[SIGNATURES])
        tokens = signatures["signatures"]
        if len(tokens) != 1 or signatures.get("plugin", "_default") not in ("", "_default"):
            raise MalformedPlan("the bundle needs exactly one signature, made by OPA itself")
        signed = {f["name"]: f for f in _payload(tokens[0], key)["files"]}
        rest = {name: data for name, data in files.items() if name != SIGNATURES}
        if set(signed) != set(rest):
            raise MalformedPlan("the bundle's signature is over other files than it holds")
        for name, data in rest.items():
            _check(name, data, signed[name])
    except (EvaluationFailure, LookupError, TypeError, ValueError, AttributeError, RecursionError) as cause:
        raise MalformedPlan(f"the bundle's signature cannot be read ({type(cause).__name__})") from cause


def _check(name: str, data: bytes, entry: Mapping[str, Any]) -> None:
    algorithm = _HASHES.get(entry["algorithm"])
    if algorithm is None:
        raise MalformedPlan("the bundle's signature uses a digest that is not accepted")
    content = _canonical(parse_json(data)).encode() if is_structured(name) else data
    if not hmac.compare_digest(hashlib.new(algorithm, content).hexdigest(), str(entry["hash"]).lower()):
        raise MalformedPlan(f"the file {name[:80]} of the bundle is not the one that was signed")


def _canonical(value: Any) -> str:
    """Return the text OPA hashes for a parsed file: keys in order, numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_canonical(k)}:{_canonical(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, Real):
        return value.text
    made = json.dumps(value, ensure_ascii=False)
    return made.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _decoded(part: str) -> bytes:
    if not re.fullmatch("[A-Za-z0-9_-]+", part):
        raise MalformedPlan("the bundle's signature is no JWT")
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise MalformedPlan("the bundle's signature is no JWT") from None


def _payload(token: str, key: bytes) -> Any:
    """Return what a token says once its signature holds."""
    parts = token.split(".")
    if len(parts) != 3:
        raise MalformedPlan("the bundle's signature is no JWT")
    header = parse_json(_decoded(parts[0]))
    if header.get("crit") is not None:
        raise MalformedPlan("the bundle's signature asks for what is not known here")
    _verify(header["alg"], key, f"{parts[0]}.{parts[1]}".encode(), _decoded(parts[2]))
    return parse_json(_decoded(parts[1]))


def _verify(algorithm: str, pem: bytes, message: bytes, signature: bytes) -> None:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise MalformedPlan("the key for bundles is no public key in PEM") from None
    try:
        if isinstance(key, rsa.RSAPublicKey) and re.fullmatch("[RP]S(256|384|512)", algorithm):
            _verify_rsa(key, algorithm, message, signature)
        elif isinstance(key, ec.EllipticCurvePublicKey) and _CURVES.get(algorithm) == key.curve.name:
            _verify_curve(key, algorithm, message, signature)
        else:
            raise MalformedPlan("the bundle is signed with another kind of key than the one configured")
    except InvalidSignature:
        raise MalformedPlan("the bundle's signature does not hold for the key that is configured") from None


def _hash(algorithm: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]]


def _verify_rsa(key: Any, algorithm: str, message: bytes, signature: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import padding

    chosen = _hash(algorithm)
    if key.key_size < 2048:
        raise MalformedPlan("the key for bundles is too short")
    scheme = padding.PKCS1v15() if algorithm[0] == "R" else padding.PSS(padding.MGF1(chosen), padding.PSS.DIGEST_LENGTH)
    key.verify(signature, message, scheme, chosen)


def _verify_curve(key: Any, algorithm: str, message: bytes, signature: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    half = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * half:
        raise MalformedPlan("the bundle's signature has the wrong length")
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(_hash(algorithm)))
