"""`%config Aureus`: settings of one kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.config import load
from aureus_jupyter.app import get_app
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.settings import Settings
from aureus_magics.config import AureusConfig


@pytest.fixture
def config(front: Any) -> Any:
    return next(c for c in front.shell.configurables if isinstance(c, AureusConfig))


def test_every_name_is_a_setting_and_shows_what_it_is_now(config: Any) -> None:
    names = set(config.traits(config=True))
    assert names <= set(Settings.__dataclass_fields__)
    assert not {"principal", "roles", "attributes", "keys_dir", "trust_file"} & names
    assert not {"copilot_key", "connections", "policies_path"} & names
    assert (config.pack, config.seed_rows) == ("credit-risk", 3000)


def test_a_change_counts_from_the_next_cell(front: Any, config: Any) -> None:
    for line in ("purpose = 'audit'", "max_results = 7"):
        front.shell.run_line_magic("config", f"Aureus.{line}")
    assert (get_app().settings.purpose, get_app().settings.max_results) == ("audit", 7)
    front.shell.run_line_magic("config", "Aureus.max_results = 0")
    assert get_app().settings.max_results is None
    assert config.max_results is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("display_rows", "x"),
        ("display_rows", -1),
        ("time_limit", float("nan")),
        ("pack", 3),
        ("purpose", None),
        ("purpose", "a\ud800"),
        ("include_rows", 1),
        ("memory_limit", "lots"),
    ],
)
def test_a_change_that_cannot_be_used_leaves_all_as_it_was(name: str, value: object, config: Any) -> None:
    before = get_app().settings
    with pytest.raises(UserError) as caught:
        setattr(config, name, value)
    assert caught.value.code == "config_malformed"
    assert name in caught.value.message
    assert get_app().settings == before
    assert getattr(config, name) == getattr(before, name)


def test_what_an_administrator_fixed_stays(
    front: Any, config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    system = tmp_path / "system"
    system.mkdir()
    (system / "aureus.toml").write_text('purpose = "credit_risk_review"\ntime_limit = 60.0\n')
    monkeypatch.setattr(load.load_settings, "__defaults__", (None, None, None, [system], lambda path: False))
    for name, value in (("purpose", "marketing"), ("time_limit", 600.0)):
        with pytest.raises(UserError) as caught:
            setattr(config, name, value)
        assert caught.value.code == "config_locked"
        assert "administrator" in caught.value.message
    config.time_limit = 5.0
    assert get_app().settings.time_limit == 5.0
    assert get_app().settings.locked == ("purpose", "time_limit")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("display_rows = 'x'", "display_rows"),
        ("purpos = 'audit'", "Did you mean purpose?"),
        ("principal = 'root'", "there is no setting 'principal'"),
    ],
)
def test_a_refused_change_stops_the_next_cell_once(line: str, said: str, front: Any) -> None:
    done = front.shell.run_cell(f"%config Aureus.{line}")
    assert done.success, "IPython goes on"
    told = front.asked("SELECT count(*) AS n FROM loan", "x <<")
    assert told.code == "config_malformed"
    assert said in str(told.error)
    assert "x" not in front.shell.user_ns
    assert front.asked("SELECT count(*) AS n FROM loan").code == "", "the person has read it twice"


def test_a_change_that_is_taken_clears_the_one_before(front: Any) -> None:
    front.shell.run_cell("%config Aureus.display_rows = 'x'")
    front.shell.run_cell("%config Aureus.display_rows = 3")
    assert front.asked("SELECT count(*) AS n FROM loan").code == ""


def test_a_configuration_file_of_ipython_counts(front: Any) -> None:
    front.shell.run_line_magic("unload_ext", "aureus_jupyter")
    front.shell.config.Aureus.purpose = "model_validation"
    front.shell.run_line_magic("load_ext", "aureus_jupyter")
    assert get_app().settings.purpose == "model_validation"


def test_settings_that_cannot_be_read_are_two_lines(front: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (front.folder / "aureus.toml").write_text("purpose = 3")
    for text in ("%aureus whoami", "%%aureus x <<\nSELECT 1 AS n FROM loan", "%config Aureus"):
        front.shell.run_cell(text)
        shown = capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err, text
        assert "x" not in front.shell.user_ns


def test_another_setting_does_not_make_a_refused_one_good(front: Any) -> None:
    """%config prints the error and goes on: a pipeline would run with other settings than its notebook says."""
    for line in ("max_results = 'ten'", "display_rows = 2"):
        front.shell.run_line_magic("config", f"Aureus.{line}")
    assert front.asked("SELECT 1").code == "config_malformed"
    assert front.asked("SELECT 1").error is None, "it is said once"
    for line in ("max_results = 'ten'", "max_results = 5"):
        front.shell.run_line_magic("config", f"Aureus.{line}")
    assert front.asked("SELECT 1").error is None
