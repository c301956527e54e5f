"""Where a DuckDB connection's raw data is: a database file, a folder of Parquet and CSV files, or nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aureus_jupyter.errors import Unavailable

__all__ = ["Source", "file_in_use", "find_source", "quote", "text"]

_SUFFIXES = (".parquet", ".csv")
_MAGIC_AT, _MAGIC = 8, b"DUCK"
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What to open: `kind` is file, folder or memory; `path` is absolute with links resolved, empty for memory.

    `files` are a folder's data files by name. Says nothing about what is inside them.
    """

    kind: str
    path: str
    files: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """Return what it is, in words."""
        if self.kind == "file":
            return f"DuckDB file {Path(self.path).name}"
        if self.kind == "folder":
            return f"folder {Path(self.path).name} ({len(self.files)} data file{'s' * (len(self.files) != 1)})"
        return "DuckDB in memory"


def quote(name: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text literal in single quotes."""
    return "'" + value.replace("'", "''") + "'"


def find_source(location: str) -> Source:
    """Return what `location` names: a path, `duckdb:///path`, or `:memory:` or nothing for an empty database.

    Raises Unavailable: `file_missing`, `folder_empty`, `file_unreadable`, `file_not_duckdb`.
    """
    plain = _without_scheme(location.strip())
    if plain in {"", ":memory:"}:
        return Source(kind="memory", path="")
    path = Path(os.path.realpath(Path(plain).expanduser()))
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise Unavailable(
            "file_missing",
            f"there is no file or folder {path.name} at the place given",
            hint="Check the path; a relative one starts at the notebook's folder.",
        )
    _check_magic(path)
    return Source(kind="file", path=str(path))


def _without_scheme(location: str) -> str:
    if not location.startswith("duckdb:"):
        return location
    path = unquote(urlsplit(location).path)
    # As in SQLAlchemy: three slashes begin a relative path, four an absolute one.
    return path[1:] if path.startswith("/") else path


def _folder(path: Path) -> Source:
    try:
        names = [p.name for p in path.iterdir() if p.suffix.lower() in _SUFFIXES and p.is_file()]
    except OSError as error:
        raise _unreadable(path, error) from None
    if not names:
        raise Unavailable(
            "folder_empty",
            f"the folder {path.name} holds no .parquet or .csv file",
            hint="Connect the folder that holds the data files themselves.",
        )
    return Source(kind="folder", path=str(path), files=tuple(sorted(names)))


def _check_magic(path: Path) -> None:
    """Refuse what is no DuckDB file: DuckDB would look for an extension that can read it, over the network."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
    except OSError as error:
        raise _unreadable(path, error) from None
    if head == _SQLITE:
        raise Unavailable(
            "file_not_duckdb",
            f"{path.name} is a file of SQLite's, not of DuckDB's",
            hint="Write it as a URL: sqlite:///FILE.",
        )
    if head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] != _MAGIC:
        raise Unavailable(
            "file_not_duckdb",
            f"{path.name} is not a DuckDB database file",
            hint="Connect a .duckdb file, or the folder that holds Parquet or CSV files.",
        )


def _unreadable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        "file_unreadable",
        f"{path.name} cannot be read ({error.strerror})",
        hint="Check its permissions, and that the disk is there.",
    )


def file_in_use(path: str, why: str) -> Unavailable:
    """Return the error for a database file that something else holds open."""
    return Unavailable(
        "file_in_use",
        f"{Path(path).name} is open elsewhere: {why}",
        hint="Close the other connection (for example con.close(), or restart the other kernel), then connect again.",
    )
