"""A shell with the extension loaded, in a notebook folder of its own, over small seeds."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from aureus_jupyter.app import get_app, reset_app
from aureus_jupyter.display.bundle import MIME
from aureus_jupyter.errors import AureusError


@dataclass
class Told:
    """What a cell showed and raised."""

    bundles: list[dict[str, Any]]
    error: BaseException | None
    stdout: str
    stderr: str

    @property
    def card(self) -> dict[str, Any]:
        """The JSON of the first governed card."""
        return next(b[MIME] for b in self.bundles if MIME in b)

    @property
    def code(self) -> str:
        """The error's code, or nothing."""
        return self.error.code if isinstance(self.error, AureusError) else ""


@dataclass
class Front:
    """A notebook's front door."""

    shell: InteractiveShell
    folder: Path
    purpose: str = "--purpose credit_risk_review "
    said: list[Told] = field(default_factory=list)

    def cell(self, line: str, text: str) -> Told:
        """Run a `%%aureus` cell."""
        return self._run(lambda: self.shell.run_cell_magic("aureus", line, text))

    def asked(self, text: str, line: str = "") -> Told:
        """Run a cell for the purpose the pack allows."""
        return self.cell(self.purpose + line, text)

    def line(self, text: str) -> Told:
        """Run a `%aureus` line."""
        return self._run(lambda: self.shell.run_line_magic("aureus", text))

    def _run(self, act: Any) -> Told:
        error: BaseException | None = None
        with capture_output() as captured:
            try:
                act()
            except (AureusError, KeyboardInterrupt) as caught:
                error = caught
        told = Told(_stays(captured.outputs), error, captured.stdout, captured.stderr)
        self.said.append(told)
        return told

    @property
    def runs(self) -> list[Path]:
        """The sealed packs, oldest first."""
        return sorted((self.folder / "notebook.aureus" / "runs").glob("*"), key=lambda p: p.stat().st_mtime_ns)


def _stays(outputs: list[Any]) -> list[dict[str, Any]]:
    """Return what stays of a cell's outputs, as a front end keeps it: an update takes the place of what it updates."""
    stays: dict[Any, dict[str, Any]] = {}
    for place, output in enumerate(outputs):
        stays[(output.transient or {}).get("display_id", place)] = output.data
    return list(stays.values())


def new_shell() -> InteractiveShell:
    """Return a shell that keeps no history and says nothing when Python ends."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    atexit.unregister(shell.atexit_operations)
    return shell


@pytest.fixture(scope="session")
def seed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeds made once for all tests."""
    return tmp_path_factory.mktemp("seeds")


@pytest.fixture
def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed_folder: Path, quiet_home: Path) -> Iterator[Front]:
    """A front door for ana.novak, a data scientist in Czechia."""
    (quiet_home / "data" / "aureus").mkdir(parents=True)
    (quiet_home / "data" / "aureus" / "seeds").symlink_to(seed_folder)
    monkeypatch.setenv("AUREUS_PRINCIPAL", "ana.novak")
    monkeypatch.setenv("AUREUS_ROLES", "data_scientist")
    monkeypatch.setenv("AUREUS_ATTRIBUTES", "jurisdiction=CZ")
    monkeypatch.setenv("AUREUS_SEED_ROWS", "3000")
    monkeypatch.setenv("JPY_SESSION_NAME", "")
    notebook = tmp_path / "work"
    notebook.mkdir()
    monkeypatch.chdir(notebook)
    reset_app()
    shell = new_shell()
    shell.run_line_magic("load_ext", "aureus_jupyter")
    yield Front(shell, notebook)
    shell.run_line_magic("unload_ext", "aureus_jupyter")
    reset_app()
    InteractiveShell.clear_instance()


__all__ = ["Front", "Told", "get_app", "new_shell"]
