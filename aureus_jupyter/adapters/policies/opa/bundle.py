"""An OPA bundle that holds a compiled plan, read whole into memory within bounds. Nothing is unpacked to disk.

Source: Open Policy Agent, "Bundles: Bundle File Format".
"""

from __future__ import annotations

import io
import posixpath
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure, MalformedPlan
from aureus_jupyter.adapters.policies.opa.signature import SIGNATURES, verify_bundle
from aureus_jupyter.adapters.policies.opa.terms import parse_json
from aureus_jupyter.values.canonical import digest_bytes, digest_json

__all__ = ["Bundle", "read_bundle"]

_MAX_FILE: Final = 32 * 1024 * 1024
_MAX_CONTENT: Final = 64 * 1024 * 1024
_MAX_MEMBERS: Final = 10_000
_REFUSED: Final = {
    "data.yaml": "data as YAML, which `opa build` turns into data.json",
    "data.yml": "data as YAML, which `opa build` turns into data.json",
    "patch.json": "a change of another bundle, not a whole one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a bundle holds: the parsed plan, its data, and what it is known by.

    `revision` is what its makers call it, `digest` is over the content of its files and not over how they were packed.
    """

    revision: str
    digest: str
    plan: Any
    data: Mapping[str, Any]
    signed: bool


def read_bundle(path: Path, key: bytes | None = None) -> Bundle:
    """Read a bundle. With a key its signature must hold; without one a bundle that is signed is refused too.

    Raises MalformedPlan, and OSError when the file cannot be read.
    """
    files = _files(path)
    if key is not None:
        verify_bundle(files, key)
    elif SIGNATURES in files:
        raise MalformedPlan("the bundle is signed, and no key to check it with is configured (opa_bundle_key)")
    if "plan.json" not in files:
        raise MalformedPlan("there is no plan.json (make the bundle with: opa build -t plan -e PACKAGE/RULE)")
    try:
        manifest = parse_json(files.get(".manifest", b"{}"))
        plan, data = parse_json(files["plan.json"]), _data(files)
    except EvaluationFailure as cause:
        raise MalformedPlan(f"a file of the bundle cannot be used: {cause}") from None
    content = sorted([name, digest_bytes(body)] for name, body in files.items() if name != SIGNATURES)
    try:
        _check_roots(manifest, data)
    except RecursionError:
        raise MalformedPlan("the bundle's data nests too deeply") from None
    return Bundle(
        revision=_revision(manifest),
        digest=digest_json(content),
        plan=plan,
        data=data,
        signed=key is not None,
    )


def _revision(manifest: Mapping[str, Any]) -> str:
    found = manifest.get("revision", "")
    if not isinstance(found, str) or not found.isprintable() or len(found) > 200:
        raise MalformedPlan("the .manifest's revision is no text of at most 200 characters")
    return found


def _files(path: Path) -> dict[str, bytes]:
    if path.stat().st_size > _MAX_FILE:
        raise MalformedPlan("the file is larger than a bundle may be")
    unpacker = zlib.decompressobj(31)
    try:
        content = unpacker.decompress(path.read_bytes(), _MAX_CONTENT + 1)
        if len(content) > _MAX_CONTENT or not unpacker.eof or unpacker.unused_data:
            raise MalformedPlan("the file is broken, or its content larger than a bundle may be")
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            return _members(archive)
    except (zlib.error, tarfile.TarError, EOFError, ValueError, RecursionError, OverflowError) as cause:
        raise MalformedPlan(f"the file is no tar.gz bundle ({type(cause).__name__})") from None


def _members(archive: tarfile.TarFile) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for count, member in enumerate(archive):
        if count >= _MAX_MEMBERS:
            raise MalformedPlan("the bundle holds too many files")
        if member.isdir():
            continue
        name = _name(member.name)
        if not member.isreg() or member.issparse():
            raise MalformedPlan("the bundle holds something that is no plain file")
        if name in found:
            raise MalformedPlan(f"the bundle holds the file {name[:80]} twice")
        base = name.rpartition("/")[2]
        if base in _REFUSED:
            raise MalformedPlan(f"the bundle holds {_REFUSED[base]}")
        body = archive.extractfile(member)
        found[name] = body.read() if body is not None else b""
        if len(found[name]) != member.size:
            raise MalformedPlan("the file is broken")
    return found


def _name(text: str) -> str:
    """Return a member's name from the bundle's root. Raises MalformedPlan for one that leads elsewhere."""
    name = text.removeprefix("./").lstrip("/")
    if (
        not name
        or not name.isprintable()
        or "\\" in name
        or posixpath.normpath(name) != name
        or ".." in name.split("/")
    ):
        raise MalformedPlan("the bundle holds a file whose name leads out of it")
    return name


def _data(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the data of every data.json, each below the folders it stands in."""
    root: dict[str, Any] = {}
    for name in sorted(n for n in files if n.rpartition("/")[2] == "data.json"):
        value = parse_json(files[name])
        node = root
        folders = name.split("/")[:-1]
        for folder in folders:
            node = node.setdefault(folder, {})
            if not isinstance(node, dict):
                raise MalformedPlan("two files of the bundle hold the same data")
        if not isinstance(value, dict) or set(value) & set(node):
            raise MalformedPlan("two files of the bundle hold the same data, or one holds no object")
        node.update(value)
    return root


def _check_roots(manifest: Any, data: Any) -> None:
    """Refuse data outside of what the bundle says is its own."""
    if not isinstance(manifest, dict):
        raise MalformedPlan("the .manifest is no object")
    roots = manifest.get("roots", [""])
    if not isinstance(roots, list) or not all(isinstance(r, str) for r in roots):
        raise MalformedPlan("the .manifest names no roots")
    split = [r.strip("/").split("/") if r.strip("/") else [] for r in roots]
    if not _covered(data, [], split):
        raise MalformedPlan("the bundle holds data outside of its roots")


def _covered(value: Any, path: list[str], roots: list[list[str]]) -> bool:
    if any(path[: len(root)] == root for root in roots):
        return True
    if not isinstance(value, dict) or not any(root[: len(path)] == path for root in roots):
        return False
    return all(_covered(item, [*path, key], roots) for key, item in value.items())
