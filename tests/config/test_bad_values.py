"""Every setting with a value that cannot be used ends in an error a person can act on, never in a bug of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.config.checked import NAMES
from aureus_jupyter.adapters.config.load import load_settings
from aureus_jupyter.app import reset_app
from aureus_jupyter.errors import UserError

GOOD = "SELECT count(*) AS n FROM loan"
VALUES = ["~nosuchuser/x", "/dev/null/x", "{file}", "{closed}", "nosuch", "\u00e9\u2028", "-1", "1e400", ",,=", "=x"]


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_that_cannot_be_used(
    name: str, front: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file, closed = tmp_path / "file", tmp_path / "closed"
    file.write_text("x")
    closed.mkdir()
    for value in VALUES:
        monkeypatch.setenv(f"AUREUS_{name.upper()}", value.format(file=file, closed=closed))
        reset_app()
        for told in (front.asked(GOOD, "x <<"), front.line("whoami"), front.line("evidence"), front.line("catalog")):
            assert told.code not in {"front_door", "internal"}, (name, value, told.error)
    reset_app()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("where", ["keys_dir", "trust_file", "evidence_folder"])
def test_a_place_nobody_can_write(where: str, front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"AUREUS_{where.upper()}", "/proc/nowhere/x")
    reset_app()
    told = front.asked(GOOD, "x <<")
    assert told.code in {"key_not_written", "trust_not_written", "evidence_not_written"}
    assert "x" not in front.shell.user_ns
    reset_app()


def test_a_home_nobody_has(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    reset_app()
    assert front.asked(GOOD).code == ""
    assert front.asked(GOOD, "--engine nosuch").code == "unknown_connection"
    assert front.line("status").code == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AUREUS_ATTRIBUTES", "x", "name=value pairs"),
        ("AUREUS_CONNECTIONS", "x", "name=value pairs"),
        ("AUREUS_ROLES", '["data_scientist"', "separated by commas"),
        ("AUREUS_THREADS", "100000", "at most 256"),
        ("AUREUS_PURPSE", "x", "no setting"),
    ],
)
def test_a_variable_that_means_nothing_is_refused(name: str, value: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_settings(tmp_path, environ={name: value}, system_folders=[])
    assert caught.value.code == "config_malformed"
    assert said in caught.value.message
    assert load_settings(tmp_path, environ={"AUREUS_UNHEARD_OF": "1"}, system_folders=[]).roles == ()
