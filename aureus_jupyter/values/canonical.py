"""One byte form for a JSON value, so that equal values have equal digests.

The form follows RFC 8785 (JSON Canonicalization Scheme) for the values this package uses: objects with
string keys, arrays, strings, booleans, null, and integers within ±(2^53-1). Floats are refused, because their
text differs between writers; callers write decimals as strings.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

__all__ = ["DIGEST_PREFIX", "canonical_json", "digest_bytes", "digest_json", "short_digest"]

DIGEST_PREFIX = "sha256:"
_SAFE_INTEGER = 2**53 - 1
_PLAIN = frozenset({str, bool, type(None)})
_SORTED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
_AS_GIVEN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def canonical_json(value: Any) -> bytes:
    """Return `value` as canonical UTF-8 JSON.

    Does not accept floats, integers beyond ±(2^53-1), non-string keys or lone surrogates: raises `ValueError`
    or `TypeError`. Source: RFC 8785.
    """
    # The C encoder sorts by code points, which is the order asked for unless a key leaves the basic plane.
    if _check(value):
        return _AS_GIVEN.encode(_ordered(value)).encode("utf-8")
    return _SORTED.encode(value).encode("utf-8")


def _ordered(value: Any) -> Any:
    """Sort object members by UTF-16 code units, as RFC 8785 §3.2.3 asks."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    return value


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _check(value: Any) -> bool:
    """Refuse what has no canonical form; return whether a key lies beyond the basic multilingual plane."""
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return False
    if isinstance(value, dict):
        beyond = False
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"canonical JSON keys are text, found {type(key).__name__}")
            beyond |= not key.isascii() and max(key) > "\uffff"
            beyond |= type(item) not in _PLAIN and _check(item)
        return beyond
    if isinstance(value, (list, tuple)):
        # Not any(): every item is checked.
        return max([_check(item) for item in value if type(item) not in _PLAIN], default=False)
    if isinstance(value, int):
        if abs(value) > _SAFE_INTEGER:
            raise ValueError("canonical JSON holds integers within ±(2^53-1); write larger ones as text")
        return False
    raise TypeError(f"canonical JSON has no form for {type(value).__name__}")


def digest_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data` as `sha256:` and 64 hexadecimal digits (FIPS 180-4)."""
    return DIGEST_PREFIX + hashlib.sha256(data).hexdigest()


def digest_json(value: Any) -> str:
    """Return the digest of the canonical form of `value`. Raises what `canonical_json` raises."""
    return digest_bytes(canonical_json(value))


def short_digest(digest: str) -> str:
    """Return the first twelve hexadecimal digits, for people to compare. Not for machines to trust."""
    return digest.removeprefix(DIGEST_PREFIX)[:12]
