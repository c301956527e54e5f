"""A real `opa` for tests: found, asked to build bundles, and run as a server."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from needs import missing

__all__ = ["build", "opa", "running"]

ROOT = Path(__file__).resolve().parents[1]


def opa() -> str:
    """Return the `opa` to use; without one skip here and say how to get it, or fail in CI."""
    found = shutil.which("opa", path=f"{ROOT / '.stamp' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        missing(
            "opa: run `.ci/tools/bring_system.sh opa` (with Go), or take it from openpolicyagent.org and put it on PATH"
        )
    return str(found)


def build(
    folder: Path,
    sources: Mapping[str, str],
    entries: Sequence[str],
    data: Any = None,
    v0: bool = False,
    options: Sequence[str] = (),
    revision: str = "7",
) -> Path:
    """Write modules and data into a new folder below `folder` and return the bundle that `opa build -t plan` makes of them."""
    source = folder / f"source{len(list(folder.iterdir()))}"
    source.mkdir()
    for name, text in sources.items():
        (source / name).write_text(text, "utf-8")
    if data is not None:
        (source / "data.json").write_text(json.dumps(data), "utf-8")
    made = folder / f"{source.name}.tar.gz"
    named = [part for entry in entries for part in ("-e", entry)]
    version = ["--v0-compatible"] if v0 else []
    command = [
        opa(),
        "build",
        "-t",
        "plan",
        "-r",
        revision,
        *named,
        *version,
        *options,
        "-o",
        str(made),
        "-b",
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return made


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """Run an OPA server on the loopback over bundles or files, and give its address."""
    port = _free_port()
    command = [opa(), "run", "--server", "--addr", f"127.0.0.1:{port}", "--log-level", "error", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            assert process.poll() is None, "opa run --server ended at once"
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=1) as answer:
                    if answer.status == 200:
                        break
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)  # another process: there is nothing to wait on but its answer
        else:
            raise AssertionError("opa run --server did not come up")
        yield address
    finally:
        process.terminate()
        process.wait(10)
