"""The demo notebook, run in JupyterLab by a person who presses "run all"."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_demo_runs_in_the_browser(lab: Any, root: Path) -> None:
    folder = lab.folder / "live"
    shutil.copytree(root / "notebooks", folder, ignore=shutil.ignore_patterns("*.aureus", ".ipynb_checkpoints"))
    with lab.page("live/demo.ipynb", height=7000) as view:
        view.run_all()
        view.page.wait_for_function("document.querySelectorAll('.jp-AureusRun-badge').length === 5")
        words = [text.split(" ", 1)[1] for text in view.page.locator(".jp-AureusRun-badge").all_inner_texts()]
        assert words == ["Allowed", "Allowed", "Masked", "Refused", "Waiting for approval"]
        assert "Traceback" not in view.page.locator(".jp-Notebook").inner_text()
        view.page.locator(".jp-AureusRun-masked .jp-AureusRun-evidence a").click()
        view.page.wait_for_selector(".jp-MarkdownViewer >> text=Masked")
        assert (view.errors, view.outside) == ([], [])
    assert len(list((folder / "demo.aureus" / "runs").iterdir())) == 5
