"""What a cell leaves behind: the frame under its name, or everything as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aureus_jupyter.app import App
from aureus_jupyter.errors import Bug, UserError
from aureus_magics import magic

GOOD = "SELECT count(*) AS n FROM loan"


@pytest.mark.parametrize("line", ["x <<", "-o x", "--output=x", "x<<"])
def test_the_frame_goes_to_the_name_and_is_shown_once(front: Any, line: str) -> None:
    told = front.asked(GOOD, line)
    assert told.error is None
    assert isinstance(front.shell.user_ns["x"], pd.DataFrame)
    assert len(told.bundles) == 1


def test_without_a_name_the_frame_is_the_last_answer(front: Any) -> None:
    told = front.asked(GOOD)
    assert len(told.bundles) == 1
    assert front.shell.user_ns["_"]["n"][0] == 3000


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("x <<", "SELECT * FROM nosuch"),
        ("x <<", "SELECT 1; SELECT 2"),
        ("x <<", "DROP TABLE loan"),
        ("x <<", "\ud800"),
        ("x <<", "\x00"),
        ("x <<", "-- nothing"),
        ("x <<", "x" * 1_100_000),
        ("x << --nosuch", GOOD),
        ("x << --max-results -1", GOOD),
        ("x << --params '{'", GOOD),
        ("x << --params a=\ud800", GOOD),
        ("x << -e nosuch", GOOD),
        ("x << --pack nosuch", GOOD),
        ("x << --pack ../../..", GOOD),
        ("x << nonsense", GOOD),
        ("x << --dry-run", GOOD),
        ("x <<", "SELECT CAST('x' AS INTEGER) AS n FROM loan"),
    ],
)
def test_the_variable_stays_unless_the_run_finished(front: Any, line: str, text: str) -> None:
    before = front.shell.user_ns["x"] = object()
    told = front.asked(text, line)
    assert (told.error is None) == ("--dry-run" in line)
    assert told.error is None or (told.code and len(told.error.lines()) == 2)
    assert front.shell.user_ns["x"] is before


@pytest.mark.parametrize("stage", ["run", "display", "frame", "parse"])
@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt(), "interrupted"), (MemoryError(), "front_door")])
def test_whatever_stops_a_stage_leaves_the_variable(
    front: Any, monkeypatch: pytest.MonkeyPatch, stage: str, raised: BaseException, code: str
) -> None:
    def stop(*given: Any, **named: Any) -> Any:
        raise raised

    if stage == "frame":
        run = App.run

        def without_frame(self: App, *given: Any) -> Any:
            shown = run(self, *given)
            object.__setattr__(shown, "frame", stop)
            return shown

        monkeypatch.setattr(App, "run", without_frame)
    else:
        place: tuple[Any, str] = {"run": (App, "run"), "display": (magic, "_show"), "parse": (magic, "parse_line")}[
            stage
        ]
        monkeypatch.setattr(*place, stop)
    before = front.shell.user_ns["x"] = object()
    told = front.asked(GOOD, "x <<")
    assert told.code == code
    assert isinstance(told.error, (UserError, Bug))
    assert front.shell.user_ns["x"] is before


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("frobnicate", "unknown_command"),
        ("--nosuch", "unknown_option"),
        ("resume", "missing_value"),
        ("resume ../..", "unknown_request"),
        ("explain nosuch", "unknown_run"),
        ("evidence ../../etc", "unknown_run"),
        ("connect", "missing_value"),
        ("SELECT 1", "unknown_command"),
        ("catalog \ud800", "bad_text"),
    ],
)
def test_commands_that_cannot_be_run(front: Any, text: str, code: str) -> None:
    assert front.line(text).code == code


def test_alone_it_helps(front: Any) -> None:
    told = front.line("")
    assert told.error is None
    assert "%aureus status" in told.bundles[0]["text/plain"]


class Bar:
    """Notes what a progress bar is told."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.updates = 0

    def show(self, data: dict[str, Any], **more: Any) -> Bar:
        self.shown.append(data["text/plain"])
        return self

    def update(self, data: dict[str, Any], **more: Any) -> None:
        self.updates += 1
        self.shown.append(data["text/plain"])


def test_the_answer_takes_the_place_of_a_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    bar, now = Bar(), [100.0]
    monkeypatch.setattr(magic.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(magic, "_show", bar.show)
    with magic._Progress() as progress:
        progress.end({"text/plain": "quick"})
    assert (bar.shown, bar.updates) == (["quick"], 0)
    with magic._Progress() as progress:
        now[0] += 1.5
        progress(0.5)
        progress.end({"text/plain": "slow"})
    assert (bar.shown, bar.updates) == (["quick", "Running… 50%", "slow"], 1)


def test_progress_shows_after_a_second_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    bar, now = Bar(), [100.0]
    monkeypatch.setattr(magic.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(magic, "_show", bar.show)
    with magic._Progress() as progress:
        progress(0.1)
        assert bar.shown == []
        now[0] += 1.5
        progress(0.5)
        progress(-1)
    assert bar.shown == ["Running… 50%", "Running…", ""]
    with magic._Progress() as progress:
        progress(0.9)
    assert len(bar.shown) == 3


def test_a_folder_that_is_gone_is_said(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert front.asked(GOOD).error is None

    def gone() -> Path:
        raise FileNotFoundError

    monkeypatch.setattr("pathlib.Path.cwd", gone)
    assert front.asked(GOOD).code == "no_folder"


def test_a_terminal_shows_two_lines(root: Path, tmp_path: Path) -> None:
    typed = "%load_ext aureus_jupyter\n%aureus nosuch\n%%aureus --nosuch\nSELECT 1\n\n\n'still ' + 'here'\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor"],
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'magics'}"},
    )
    assert "[unknown_command]" in done.stdout
    assert "[unknown_option]" in done.stdout
    assert "still here" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "usage:" not in done.stdout + done.stderr
