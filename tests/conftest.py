"""Fixtures every test may use: where things are, and what must not be skipped in CI."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from needs import missing

# A shell that starts the tests in the background has them ignore SIGINT, and every kernel they start with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real bank data beside the project."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        missing("the real bank data in ../shared")
    return folder


@pytest.fixture(autouse=True)
def quiet_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own Jupyter and IPython folders, so that no key or setting of the machine leaks in."""
    home = tmp_path_factory.mktemp("home")
    for name in [n for n in os.environ if n.startswith("AUREUS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(home / "data"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home / "config"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    return home


pytest_plugins = ["front", "database"]
