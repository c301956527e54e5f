"""A secret of random bytes in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from aureus_jupyter.errors import EvidenceError

__all__ = ["load_or_create_secret", "read_private", "write_secret"]

_SIZE = 32


def load_or_create_secret(path: Path) -> bytes:
    """Return the 32 bytes of a secret, making them with mode 0600 on first use.

    Two kernels that start at once end with the same. Does not sign. Raises EvidenceError: `key_unreadable`, `key_malformed`,
    `key_exposed` (others may read it), `key_not_written`.
    """
    if not path.exists():
        write_secret(path, os.urandom(_SIZE))
    data = read_private(path, "who could undo the pseudonyms made with it")
    if len(data) != _SIZE:
        raise EvidenceError(
            "key_malformed",
            f"the key {path.name} does not hold {_SIZE} bytes",
            hint="Move the file away; a new key is made on the next run. Pseudonyms will then be others than before.",
        )
    return data


def read_private(path: Path, harm: str, exposed: bool = False) -> bytes:
    """Return what a key's file holds; one that others can read only where that is `exposed` on purpose. `harm` says why not.

    Raises EvidenceError `key_unreadable`, `key_exposed`.
    """
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as cause:
        raise EvidenceError(
            "key_unreadable",
            f"the key {path.name} cannot be read ({type(cause).__name__})",
            hint=f"Give yourself read access to the files in {path.parent}.",
        ) from cause
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and not exposed:
        raise EvidenceError(
            "key_exposed",
            f"the key {path.name} can be read by others, {harm}",
            hint=f"Move it away so that a new one is made, or run: chmod 600 {path}",
        )
    return data


def write_secret(path: Path, data: bytes) -> None:
    """Write a new secret under a name of its own and link it into place: whoever comes second uses the first's.

    Raises EvidenceError `key_not_written`.
    """
    mine = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
    except OSError as cause:
        raise EvidenceError(
            "key_not_written",
            f"the key {path.name} cannot be written to {path.parent} ({type(cause).__name__})",
            hint="Make the folder writable, or name another one in the setting keys_dir.",
        ) from cause
    finally:
        with contextlib.suppress(OSError):
            mine.unlink()
