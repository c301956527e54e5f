"""The committed front end: built from the sources beside it, whole, and free of the machine it was built on.

`make test-ts` builds it again and compares every byte; here only what needs no Node.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from tools import tool


@pytest.fixture(scope="module")
def front_end() -> ModuleType:
    module: ModuleType = tool("front_end")
    return module


@pytest.fixture(scope="module")
def built(root: Path) -> Path:
    return root / "aureus_jupyter" / "labextension"


def test_the_build_is_of_these_sources(root: Path, front_end: ModuleType) -> None:
    recorded = (root / "labextension" / "built-from.sha256").read_text("utf-8").strip()
    assert front_end.sources_digest(root) == recorded, "run `make front-end` and commit what it changed"


def test_the_digest_sees_every_source(tmp_path: Path, front_end: ModuleType) -> None:
    sources = tmp_path / "labextension" / "src"
    sources.mkdir(parents=True)
    seen = {front_end.sources_digest(tmp_path)}
    for step in (("a.ts", "x"), ("a.ts", "y"), ("b.ts", ""), ("../package.json", "{}"), ("../yarn.lock", "")):
        (sources / step[0]).write_text(step[1], "utf-8")
        seen.add(front_end.sources_digest(tmp_path))
    assert len(seen) == 6
    (sources / "a.ts").rename(sources / "c.ts")
    assert front_end.sources_digest(tmp_path) not in seen


def test_the_build_names_files_that_are_there(root: Path, built: Path) -> None:
    package = json.loads((built / "package.json").read_text("utf-8"))
    source = json.loads((root / "labextension" / "package.json").read_text("utf-8"))
    assert package["name"] == "@aureus/lab"
    assert package["version"] == source["version"]
    assert set(package["jupyterlab"]["_build"]) == {"load", "extension", "mimeExtension", "style"}
    assert (built / package["jupyterlab"]["_build"]["load"]).is_file()
    assert (built / "static" / "style.js").is_file()


def test_the_build_is_for_production_and_of_no_machine(built: Path) -> None:
    names = [p.name for p in built.rglob("*")]
    assert not [n for n in names if n.endswith(".map") or n == "build_log.json"]
    mark = re.compile(r"/(?:home|root|work|Users)/|node_modules/\.cache")
    assert [p.name for p in built.rglob("*.*") if mark.search(p.read_text("utf-8"))] == []


def test_the_lock_file_names_no_registry(root: Path) -> None:
    lock = (root / "labextension" / "yarn.lock").read_text("utf-8")
    assert re.findall(r"https?://\S+", lock) == []
    assert lock.count('resolution: "') > 100
