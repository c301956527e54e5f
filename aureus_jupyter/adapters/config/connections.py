"""What a connection is, told from a URL, a path or a section of connections.ini; never with a secret in it."""

from __future__ import annotations

import ast
import configparser
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from aureus_jupyter.adapters.config.redact import redact
from aureus_jupyter.adapters.config.secrets import is_reference, resolve
from aureus_jupyter.errors import UserError

__all__ = ["Connection", "connection_of", "from_ini", "redact", "resolved_url"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MEMBERS = {"drivername", "username", "password", "host", "port", "database", "query"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where data is. `kind` is duckdb, folder or sqlalchemy; `location` a path or a URL whose secrets are references."""

    alias: str
    kind: str
    location: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The location without any secret."""
        return redact(self.location)


def connection_of(alias: str, url: str, base: Path | None = None) -> Connection:
    """Return the connection a URL or path means: a DuckDB file, a folder of Parquet or CSV files, a SQLAlchemy URL.

    Does not connect. Raises UserError `bad_connection`.
    """
    if is_reference(url):
        inner = connection_of(alias, resolve(url), base)
        return inner if inner.kind != "sqlalchemy" else Connection(alias=alias, kind="sqlalchemy", location=url)
    if url.startswith("duckdb://"):
        url = url.removeprefix("duckdb://").removeprefix("/") or ":memory:"
    elif _URL.match(url):
        return Connection(alias=alias, kind="sqlalchemy", location=_based(url, base))
    path = _path(url, base)
    if path.is_dir():
        return Connection(alias=alias, kind="folder", location=str(path))
    if path.is_file():
        return Connection(alias=alias, kind="duckdb", location=str(path))
    raise _bad("the connection is neither a file or folder that exists nor a database URL")


def _based(url: str, base: Path | None) -> str:
    """Return a URL of SQLite's with its file as seen from `base`; any other as it is."""
    found = re.fullmatch(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:|[A-Za-z]:)([^?]+)(.*)", url)
    return url if found is None or base is None else f"{found[1]}{base.absolute() / found[2]}{found[3]}"


def _path(text: str, base: Path | None) -> Path:
    """Return the path a text means, relative to `base`; options after a question mark are not ours to take."""
    try:
        path = Path(text).expanduser()
        path = path if path.is_absolute() or base is None else base / path
        return path if path.exists() or "?" not in text else _path(text.partition("?")[0], base)
    except (OSError, RuntimeError, ValueError):
        raise _bad("the connection is no path this system can have") from None


def _bad(message: str) -> UserError:
    return UserError(
        "bad_connection",
        message,
        hint="Give a DuckDB file, a folder of Parquet or CSV files, or a URL such as postgresql://user@host/database.",
    )


def resolved_url(location: str) -> str:
    """Return a URL with each secret in place of its reference: the whole, the password, or a value of the query.

    The answer holds secrets: for the driver only. Raises UserError `bad_connection` for what is no URL, Unavailable
    `secret_missing`; neither shows a part of it.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    text = resolve(location)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise _bad("the database URL cannot be read; it may not be shown here") from None
    changed = {name: _resolved_value(value) for name, value in url.query.items()}
    if url.password is None and changed == dict(url.query):
        return text
    password = None if url.password is None else resolve(str(url.password))
    return url.set(password=password, query=changed).render_as_string(hide_password=False)


def _resolved_value(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return resolve(value) if is_reference(value) else value
    return tuple(resolve(one) if is_reference(one) else one for one in value)


def from_ini(path: Path, broken: dict[str, UserError] | None = None) -> dict[str, str]:
    """Return alias to URL for each section of a connections.ini as JupySQL reads it; none when there is no file.

    The members are those of `sqlalchemy.engine.URL.create`; `query` is a Python dictionary. `%%` stands for `%`, as
    configparser has it, but a lone `%` is taken as it is. Passwords should be references. Raises UserError
    `connections_malformed` naming file and section, never a value; where `broken` is given, a section's error is put there
    instead, so that it spoils no other.
    """
    parser = configparser.ConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (configparser.Error, OSError, ValueError) as cause:
        raise _malformed(f"{path.name} cannot be read as sections of name = value ({type(cause).__name__})") from None
    found = {}
    for name in parser.sections():
        try:
            found[name] = _url(f"{path.name}, section [{name[:60]}]", _members(parser, name))
        except UserError as error:
            if broken is None:
                raise
            broken[name] = error
    return found


def _members(parser: configparser.ConfigParser, name: str) -> dict[str, str]:
    try:
        return dict(parser.items(name))
    except configparser.InterpolationError:
        return dict(parser.items(name, raw=True))


def _url(where: str, section: dict[str, str]) -> str:
    unknown = set(section) - _MEMBERS
    if unknown or not section.get("drivername"):
        found = f"not {min(unknown)[:40]!r}" if unknown else "and drivername is missing"
        raise _malformed(f"{where}: expected drivername, username, password, host, port, database or query, {found}")
    if not re.fullmatch(r"[0-9]*", section.get("port", "")):
        raise _malformed(f"{where}: port must be a whole number")
    if section["drivername"] == "duckdb":
        return section.get("database", "") or "duckdb://"
    user, password = section.get("username", ""), section.get("password", "")
    who = quote(user, safe="") + (f":{_encoded(password)}" if password else "")
    port = f":{section['port']}" if section.get("port") else ""
    address = f"{who + '@' if who else ''}{section.get('host', '')}{port}/{section.get('database', '')}"
    return f"{section['drivername']}://{address}{_query(where, section.get('query', ''))}"


def _encoded(secret: str) -> str:
    return secret if is_reference(secret) else quote(secret, safe="")


def _query(where: str, text: str) -> str:
    """Read `{'sslmode': 'require'}` as JupySQL does: a literal, never evaluated."""
    try:
        value = ast.literal_eval(text) if text else {}
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _malformed(f"{where}: query must be a dictionary such as {{'sslmode': 'require'}}")
    return f"?{urlencode(value, doseq=True, safe='/:')}" if value else ""


def _malformed(message: str) -> UserError:
    return UserError(
        "connections_malformed", message, hint="Each section needs a drivername, and members as SQLAlchemy's URLs have."
    )
