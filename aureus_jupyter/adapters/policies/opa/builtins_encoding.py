"""Built-ins: encodings, digests, units and versions. Source: Open Policy Agent, "Policy Reference".

A decoded text that is not UTF-8 is a failure here, where OPA would keep the bytes: no rule can then compare what no text says.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final
from urllib.parse import quote_plus

from aureus_jupyter.adapters.policies.opa.arithmetic import fraction_of, number
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure, EvaluationFailure
from aureus_jupyter.adapters.policies.opa.machine import Builtin, Run
from aureus_jupyter.adapters.policies.opa.operands import object_of, text_of
from aureus_jupyter.adapters.policies.opa.terms import (
    FALSE,
    TRUE,
    Array,
    Constant,
    Object,
    Real,
    Set,
    boolean,
    check_size,
    from_python,
    key_text,
    parse_json,
    size_of,
)

__all__ = ["ENCODING", "json_text"]


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise BuiltinFailure("the decoded text is not UTF-8") from None


def _base64(text: str, url: bool = False) -> str:
    return _decoded(_base64_bytes(text, url))


def _base64_bytes(text: str, url: bool = False) -> bytes:
    alphabet = r"[A-Za-z0-9_-]*={0,2}" if url else r"[A-Za-z0-9+/]*={0,2}"
    text = text.replace("\n", "").replace("\r", "")
    if url and not text.endswith("="):
        text += "=" * (-len(text) % 4)
    if not re.fullmatch(alphabet, text) or len(text) % 4:
        raise BuiltinFailure("illegal base64 data")
    try:
        return base64.b64decode(text, b"-_" if url else None, validate=True)
    except binascii.Error:
        raise BuiltinFailure("illegal base64 data") from None


def _valid(decode: Callable[[str], Any]) -> Builtin:
    def valid(run: Run, value: Any) -> Any:
        try:
            decode(text_of(value))
        except EvaluationFailure:
            return FALSE
        return TRUE

    return valid


def _hex_decoded(text: str) -> str:
    if not re.fullmatch(r"([0-9A-Fa-f]{2})*", text):
        raise BuiltinFailure("illegal hex data")
    return _decoded(bytes.fromhex(text))


def json_text(value: Any, indent: str | None = None, prefix: str = "") -> str:
    """Return a value as Go's encoder writes it: keys in order, <, > and & escaped. Raises OutOfBounds."""
    check_size(size_of(value))
    return _json(value, indent, "\n" + prefix, ":" if indent is None else ": ")


def _json(value: Any, indent: str | None, line: str, colon: str) -> str:
    kind = value.__class__
    if kind is Constant:
        return str(value.name)
    if kind is str:
        return _json_string(value)
    if kind not in (Array, Set, Object):
        return str(value.text if kind is Real else value)
    inner = "" if indent is None else line + indent
    if kind is Object:
        pairs = sorted((key_text(k), v) for k, v in value.items()) if value else []
        items = [_json_string(k) + colon + _json(v, indent, inner, colon) for k, v in pairs]
    else:
        items = [_json(v, indent, inner, colon) for v in (value.ordered() if kind is Set else value)]
    opening, closing = "{}" if kind is Object else "[]"
    if not items:
        return opening + closing
    return opening + inner + ("," + inner).join(items) + ("" if indent is None else line) + closing


_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029", "\x7f": "\x7f"}


def _json_string(text: str) -> str:
    made = json.dumps(text, ensure_ascii=False)
    return re.sub("[<>&\u2028\u2029]", lambda m: _ESCAPED[m[0]], made)


def _marshal_with(run: Run, value: Any, options: Any) -> Any:
    given = object_of(options, 2)
    if set(given) - {"prefix", "indent", "pretty"}:
        raise BuiltinFailure("operand 2 has an unknown key")
    pretty = given.get("pretty", boolean(len(given)))
    if pretty.__class__ is not Constant:
        raise BuiltinFailure("operand 2 key pretty must be a boolean")
    prefix, indent = text_of(given.get("prefix", ""), 2), text_of(given.get("indent", "\t"), 2)
    if pretty is not TRUE:
        return json_text(value)
    check_size((len(prefix) + len(indent)) * (size_of(value) + 1))
    return prefix + json_text(value, indent, prefix)


def _unmarshal(text: str) -> Any:
    try:
        return from_python(parse_json(text))
    except RecursionError:
        raise BuiltinFailure("a text that is no JSON") from None
    except EvaluationFailure as cause:
        raise BuiltinFailure("a text that is no JSON") from cause


def _query_decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise BuiltinFailure("invalid URL escape")
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes.fromhex(m[1].decode()), text.replace("+", " ").encode())
    return _decoded(raw)


def _query_encoded(text: str) -> str:
    return quote_plus(text, safe="")


def _query_of(run: Run, value: Any) -> Any:
    parts = []
    for key in sorted(map(key_text, object_of(value))):
        held = value[key]
        for item in [held] if held.__class__ is str else held if held.__class__ is Array else _ordered(held):
            parts.append(f"{_query_encoded(key)}={_query_encoded(text_of(item))}")
    return "&".join(parts)


def _ordered(value: Any) -> list[Any]:
    if value.__class__ is not Set:
        raise BuiltinFailure("values must be string, array[string], or set[string]")
    return value.ordered()


def _query_object(run: Run, text: Any) -> Any:
    made: dict[str, list[str]] = {}
    for part in filter(None, text_of(text).split("&")):
        if ";" in part:
            raise BuiltinFailure("invalid semicolon separator in query")
        key, _, value = part.partition("=")
        made.setdefault(_query_decoded(key), []).append(_query_decoded(value))
    return Object((k, Array(v)) for k, v in made.items())


def _digest(name: str) -> Builtin:
    return lambda run, text: hashlib.new(name, text_of(text).encode(), usedforsecurity=False).hexdigest()


def _hmac(name: str) -> Builtin:
    return lambda run, text, key: hmac.new(text_of(key, 2).encode(), text_of(text, 1).encode(), name).hexdigest()


_NUMBER_AND_UNIT: Final = re.compile(r"([0-9.+-]*(?:[eE](?=[0-9+-])[+-]?[0-9.+-]*)*)(.*)", re.DOTALL)
_SI: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}


def _amount(text: str) -> tuple[str, str]:
    text = text.replace('"', "")
    if " " in text:
        raise BuiltinFailure("spaces not allowed in resource strings")
    found = _NUMBER_AND_UNIT.fullmatch(text)
    if found is None or not found[1]:
        raise BuiltinFailure("no amount provided")
    if re.search(r"[eE][+-]?[0-9]{7,}", found[1]):
        raise BuiltinFailure("exponent too large")
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", found[1]):
        raise BuiltinFailure("could not parse amount to a number")
    return found[1].removeprefix("+"), found[2]


def _scale(unit: str, suffixes: tuple[str, ...]) -> int:
    """Return what a unit multiplies by: powers of 1000, or of 1024 with an i."""
    for suffix, base in zip(suffixes, (1000, 1024), strict=True):
        if unit and unit.endswith(suffix) and unit.removesuffix(suffix) in _SI and unit != suffix:
            return int(base ** _SI[unit.removesuffix(suffix)])
    if unit in _SI:
        return int(1000 ** _SI[unit])
    raise BuiltinFailure("unit not recognized")


def _units(run: Run, text: Any) -> Any:
    amount, unit = _amount(text_of(text))
    unit = unit[:1] + unit[1:].lower()
    value = Fraction(number(amount))
    if unit == "m":
        value *= Fraction(0.001)
    else:
        if len(unit) > 2 or (len(unit) == 2 and unit[1] != "i"):
            raise BuiltinFailure("unit not recognized")
        value *= _scale(unit.lower().removesuffix("i") + ("i" if unit.endswith("i") else ""), ("#", "i"))
    if value.denominator == 1:
        return value.numerator
    sign, scaled = "-" if value < 0 else "", abs(value) * 10**10
    whole = int(scaled + Fraction(1, 2))
    return Real(f"{sign}{whole // 10**10}.{whole % 10**10:010d}")


def _bytes(run: Run, text: Any) -> Any:
    amount, unit = _amount(text_of(text).lower())
    scale = _scale(unit.removesuffix("b") if len(unit) > 1 else unit, ("#", "i"))
    return int(fraction_of(fraction_of(number(amount)) * scale))


_VERSION: Final = re.compile(
    r"v?(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?"
)


def _version(text: str) -> tuple[Any, ...]:
    found = _VERSION.fullmatch(text)
    parts = re.split(r"\.", found[4]) if found and found[4] else []
    whole = [*parts, *(found[5].split(".") if found and found[5] else [])]
    if found is None or "" in whole or any(re.fullmatch(r"0[0-9]+", p) for p in parts):
        raise BuiltinFailure("a text that is no SemVer")
    before = tuple((0, int(p[:400]), "") if p.isdigit() else (1, 0, p) for p in parts)
    return (*(int(found[i]) for i in (1, 2, 3)), not parts, before)


def _version_compare(run: Run, a: Any, b: Any) -> Any:
    left, right = _version(text_of(a, 1)), _version(text_of(b, 2))
    return (left > right) - (left < right)


ENCODING: Final[dict[str, Builtin]] = {
    "base64.decode": lambda run, text: _base64(text_of(text)),
    "base64.encode": lambda run, text: base64.b64encode(text_of(text).encode()).decode(),
    "base64.is_valid": _valid(_base64_bytes),
    "base64url.decode": lambda run, text: _base64(text_of(text), url=True),
    "base64url.encode": lambda run, text: base64.urlsafe_b64encode(text_of(text).encode()).decode(),
    "base64url.encode_no_pad": lambda run, text: base64.urlsafe_b64encode(text_of(text).encode()).decode().rstrip("="),
    "crypto.hmac.equal": lambda run, a, b: boolean(hmac.compare_digest(text_of(a, 1).encode(), text_of(b, 2).encode())),
    "crypto.hmac.md5": _hmac("md5"),
    "crypto.hmac.sha1": _hmac("sha1"),
    "crypto.hmac.sha256": _hmac("sha256"),
    "crypto.hmac.sha512": _hmac("sha512"),
    "crypto.md5": _digest("md5"),
    "crypto.sha1": _digest("sha1"),
    "crypto.sha256": _digest("sha256"),
    "hex.decode": lambda run, text: _hex_decoded(text_of(text)),
    "hex.encode": lambda run, text: text_of(text).encode().hex(),
    "json.is_valid": _valid(_unmarshal),
    "json.marshal": lambda run, value: json_text(value),
    "json.marshal_with_options": _marshal_with,
    "json.unmarshal": lambda run, text: _unmarshal(text_of(text)),
    "semver.compare": _version_compare,
    "semver.is_valid": _valid(_version),
    "units.parse": _units,
    "units.parse_bytes": _bytes,
    "urlquery.decode": lambda run, text: _query_decoded(text_of(text)),
    "urlquery.decode_object": _query_object,
    "urlquery.encode": lambda run, text: _query_encoded(text_of(text)),
    "urlquery.encode_object": _query_of,
}
