"""A real JupyterLab with our front end in it, and a real browser looking at it.

`.ci/tools/lab_browser.py` starts both; here are the fixtures. Nothing of the machine's own Jupyter settings is used.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from needs import missing
from tools import tool


@pytest.fixture(scope="session")
def lab_browser() -> Any:
    """The module that starts JupyterLab and the browser; a machine without Chromium cannot run these tests."""
    module = tool("lab_browser")
    if module.chromium() is None:
        missing("Chromium (Debian: apt-get install chromium)")
    return module


@pytest.fixture(scope="session")
def lab(root: Path, lab_browser: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running lab over an empty folder; see `.ci/tools/lab_browser.py` for what it can do."""
    with lab_browser.running_lab(root, tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="session")
def demo(root: Path, lab: Any) -> str:
    """The demo notebook, run headless into the lab's folder with its evidence; returns its path there."""
    sources = lab.folder / "sources"
    shutil.copytree(root / "notebooks", sources, ignore=shutil.ignore_patterns("*.aureus", ".ipynb_checkpoints"))
    code = (
        "import sys; from pathlib import Path; from aureus_jupyter.app.demo import run_demo; "
        "sys.exit(run_demo(Path(sys.argv[1]), rows=2000))"
    )
    command = [sys.executable, "-c", code, str(lab.folder / "stored")]
    done = subprocess.run(command, env=lab.env, cwd=lab.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return "stored/demo.ipynb"


@pytest.fixture
def notebook(lab: Any) -> Callable[..., str]:
    """Write a notebook of code cells into the lab's folder, each with its outputs, and return its path there."""

    def write(name: str, sources: Sequence[str], outputs: Sequence[list[dict[str, Any]]] = ()) -> str:
        cells = [new_code_cell(text, outputs=list(outs)) for text, outs in zip_longest(sources, outputs, fillvalue=[])]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        book = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
        nbformat.write(nbformat.from_dict(book), lab.folder / name)
        return name

    return write
