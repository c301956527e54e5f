"""Connection texts without their secrets."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

__all__ = ["HIDDEN", "has_secret", "redact"]

HIDDEN = "•••"
_URL = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
_WORDS = r"pass(?:word|wd|phrase)?|pwd|token|secret|credentials?|api_?key|access_?key|key|sig|auth|odbc_connect"
_SECRET = re.compile(rf"(?:[\w-]*(?:{_WORDS})|{_WORDS}[\w-]*)\s*=", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:env:\w+|keyring:[^/@?&#]+/[^/@?&#]+)\Z")


def redact(text: str) -> str:
    """Return a URL, path or key=value text with every secret taken out.

    Shows neither the password position nor anything behind a name such as `password=`, also where the name is
    percent-encoded. Shows references (`env:NAME`, `keyring:service/user`), which are no secrets. Does not know a secret
    that stands where a host or a path should.
    """
    if not _URL.match(text):
        return _after_names(text)
    scheme, _, rest = text.partition("://")
    address, mark, query = rest.partition("?")
    if "@" in query and ("@" in address or _is_cut_password(address)):
        # A password that holds a question mark nobody encoded, or a query that holds an @: hide up to the last @.
        before, _, behind = rest.rpartition("@")
        host, mark, query = behind.partition("?")
        address = f"{before}@{host}"
    shown = "&".join(_pair(part) for part in query.split("&"))
    return f"{scheme}://{_address(address)}{mark}{shown}"


def has_secret(text: str) -> bool:
    """Whether a text holds a secret in plain: what `redact` would take out."""
    return redact(text) != text


def _is_cut_password(address: str) -> bool:
    """Whether an address stops inside its password: a colon that no port follows, and no host yet."""
    _, colon, behind = address.partition(":")
    return "@" not in address and bool(colon) and not re.match(r"\d*(?:/|\Z)", behind)


def _address(address: str) -> str:
    """Hide the password of user:password@host:port/path; the last @ ends it, as SQLAlchemy reads it."""
    user, at, host = address.rpartition("@")
    name, colon, password = user.partition(":")
    if not at or not colon or not password or _REFERENCE.match(password):
        return f"{user}{at}{_after_names(host)}"
    return f"{name}:{HIDDEN}@{_after_names(host)}"


def _pair(part: str) -> str:
    """Hide the value of one pair of a query when its name, or a name inside its value, is that of a secret."""
    name, sep, value = part.partition("=")
    plain = unquote_plus(unquote_plus(value))
    if not sep or not value or _REFERENCE.match(value):
        return part
    if _SECRET.fullmatch(unquote_plus(name) + "=") or _SECRET.search(plain) or _has_password(plain):
        return f"{name}={HIDDEN}"
    return part


def _has_password(text: str) -> bool:
    return _URL.match(text) is not None and has_secret(text)


def _after_names(text: str) -> str:
    """Hide all that follows the first name of a secret: where a value ends differs between drivers."""
    found = _SECRET.search(text)
    if found is None or _REFERENCE.match(text[found.end() :]) or not text[found.end() :].strip():
        return text
    return text[: found.end()] + HIDDEN
