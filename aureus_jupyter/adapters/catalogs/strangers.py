"""Files that do not belong in a pack: links out of it, code, and YAML under a name that nothing reads."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from aureus_jupyter.adapters.catalogs.pack import is_inside

__all__ = ["printable", "strangers"]

_DATA = {".yaml", ".yml", ".md", ".sql", ".csv", ".parquet", ".json", ".txt", ".duckdb", ".rego"}
_READ = ("pack.yaml", "questions.yaml", "contracts/*.odcs.yaml", "semantic/*.yaml")
_READ_BELOW = (".policy.yaml", ".policy_test.yaml")
_PROGRAMS = (
    b"#!",
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\xfe\xed\xfa",
    b"\xca\xfe\xba\xbe",
    b"PK\x03\x04",
    b"\0asm",
)


def strangers(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield the path of each file that does not belong, with what was expected and what was found."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and not is_inside(path, folder):
            yield path, "a file of the pack", "a link to elsewhere"
        elif path.is_dir():
            continue
        elif not path.is_file():
            yield path, "a regular file", "a link to nothing, or a device"
        elif path.suffix not in _DATA and path.name != ".gitignore":
            yield path, "data, a pack holds no code", printable(path.suffix) or "no suffix"
        elif _is_program(path):
            yield path, "data, a pack holds no code", "a program or an archive under another name"
        elif path.stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH):
            yield path, "a file that nobody may execute (chmod -x)", "one that may be executed"
        elif path.suffix in {".yaml", ".yml"} and not _is_read(path.relative_to(folder)):
            yield path, "a name that is read, see packs/README.md", "one that is ignored"


def _is_program(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(_PROGRAMS)
    except OSError:
        return False


def _is_read(name: Path) -> bool:
    if name.parts[0] == "policies":
        return name.name.endswith(_READ_BELOW)
    return any(name.parent == Path(known).parent and name.match(known) for known in _READ)


def printable(name: str) -> str:
    """Return a file's name as text: one need not be."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
