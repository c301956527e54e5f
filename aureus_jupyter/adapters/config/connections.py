"""What a connection is, told from a URL, a path or a section of connections.ini; never with a secret in it."""

from __future__ import annotations

import configparser
import re
from dataclasses import dataclass
from pathlib import Path

from aureus_jupyter.adapters.config.secrets import is_reference, resolve
from aureus_jupyter.errors import UserError

__all__ = ["Connection", "connection_of", "from_ini", "redact"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SECRET = re.compile(r"(?i)((?:password|passwd|pwd|sslpassword|token|secret|access_key|key)=)[^&;\s]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where data is. `kind` is duckdb, folder or sqlalchemy; `location` a path or a URL whose secrets are references."""

    alias: str
    kind: str
    location: str

    @property
    def shown(self) -> str:
        """The location without any secret."""
        return redact(self.location)


def redact(url: str) -> str:
    """Return a URL with every password taken out. A text that is no URL loses only what follows password= and the like."""
    if _URL.match(url):
        scheme, rest = url.split("://", 1)
        authority = re.split(r"[/?#](?![^@]*@)", rest, maxsplit=1)[0]
        if "@" in authority:
            user, _, host = authority.rpartition("@")
            name = user.partition(":")[0]
            rest = (f"{name}:•••@" if ":" in user else f"{name}@") + host + rest[len(authority) :]
        url = f"{scheme}://{rest}"
    return _SECRET.sub(r"\1•••", url)


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
        return Connection(alias=alias, kind="sqlalchemy", location=url)
    path = Path(url).expanduser()
    path = path if path.is_absolute() or base is None else base / path
    if path.is_dir():
        return Connection(alias=alias, kind="folder", location=str(path))
    if path.is_file():
        return Connection(alias=alias, kind="duckdb", location=str(path))
    raise UserError(
        "bad_connection",
        "the connection is neither a file or folder that exists nor a database URL",
        hint="Give a DuckDB file, a folder of Parquet or CSV files, or a URL such as postgresql://user@host/database.",
    )


def from_ini(path: Path) -> dict[str, str]:
    """Return alias to URL for each section of a connections.ini as JupySQL reads it; none when there is no file.

    The members are those of `sqlalchemy.engine.URL.create`. Passwords should be references. Raises UserError
    `connections_malformed` naming file and section.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        if not parser.read(path, encoding="utf-8"):
            return {}
        return {section: _url(parser[section]) for section in parser.sections()}
    except (configparser.Error, UnicodeDecodeError, ValueError, KeyError) as cause:
        raise UserError(
            "connections_malformed",
            f"{path.name} cannot be read as sections of name = value ({type(cause).__name__})",
            hint="Each section needs a drivername; username, host, port and database are optional.",
        ) from None


def _url(section: configparser.SectionProxy) -> str:
    from urllib.parse import quote

    driver = section["drivername"]
    user, password = section.get("username", ""), section.get("password", "")
    if driver == "duckdb":
        return section.get("database", "") or "duckdb://"
    who = quote(user, safe="") + (
        f":{password if is_reference(password) else quote(password, safe='')}" if password else ""
    )
    port = f":{int(section['port'])}" if section.get("port") else ""
    return f"{driver}://{who + '@' if who else ''}{section.get('host', '')}{port}/{section.get('database', '')}"
