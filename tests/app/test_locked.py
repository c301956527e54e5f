"""What an administrator set holds in every way a cell or a command could change it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.config import load
from aureus_jupyter.app import get_app

Locked = Callable[[str], None]
COUNT = "SELECT count(*) AS n FROM loan"


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Locked:
    """Put an administrator's settings in force."""
    system = tmp_path / "system"
    system.mkdir()
    monkeypatch.setattr(load.load_settings, "__defaults__", (None, None, None, [system], lambda path: False))

    def put(text: str) -> None:
        (system / "aureus.toml").write_text(text)

    return put


@pytest.fixture
def own(front: Any, root: Path) -> Path:
    """A pack of the user's own that copies the house's and permits more."""
    folder: Path = front.folder / "packs" / "own"
    shutil.copytree(root / "packs" / "credit-risk", folder)
    return folder


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('pack = "credit-risk"', "--pack ./packs/own"),
        ('pack = "credit-risk"', "--pack other"),
        ('purpose = "credit_risk_review"', "--purpose marketing"),
        ('engine = ""', "--engine other"),
    ],
)
def test_an_option_does_not_change_it(
    text: str, options: str, front: Any, locked: Locked, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(text)
    monkeypatch.setenv("AUREUS_PURPOSE", "credit_risk_review")
    front.purpose = ""
    told = front.asked(COUNT, f"x << {options}")
    assert told.code == "config_locked"
    assert "administrator" in str(told.error)
    assert told.bundles == [], "it is said once"
    assert "x" not in front.shell.user_ns
    assert front.asked(COUNT, f"x << --dry-run {options}").code == "config_locked"
    assert front.asked(COUNT, "x <<").code == "", "what agrees with it runs"


@pytest.mark.parametrize("text", ['packs_path = "/nowhere"', 'policies_path = "{house}"'])
def test_rules_come_from_nowhere_else(
    text: str, front: Any, locked: Locked, own: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(text.format(house=root / "policies"))
    permit = front.folder / "permits"
    permit.mkdir()
    (permit / "own.policy.yaml").write_text((root / "policies" / "access.policy.yaml").read_text())
    monkeypatch.setenv("AUREUS_PACKS_PATH", str(own.parent))
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(permit))
    assert front.asked(COUNT, f"--pack {own}").code == "unknown_pack"
    assert front.asked(COUNT, "--pack own").code == "unknown_pack"
    assert front.asked(COUNT).code == ""
    assert permit not in {p.parent for p in map(Path, get_app()._watched["credit-risk"][0])}


def test_a_pack_the_administrator_names_by_its_path(front: Any, locked: Locked, own: Path) -> None:
    locked(f'pack = "{own}"')
    assert front.asked(COUNT).code == ""


@pytest.mark.parametrize(
    ("text", "alias"),
    [('engine = ""', ""), ('engine = ""', "--alias mine"), ('[connections]\nbank = "env:BANK"', "--alias bank")],
)
def test_connect_does_not_lead_elsewhere(text: str, alias: str, front: Any, locked: Locked) -> None:
    locked(text)
    (front.folder / "data").mkdir()
    (front.folder / "data" / "t.csv").write_text("a\n1\n")
    assert front.line(f"connect data {alias}").code == "config_locked"
    assert "mine" not in get_app().connections()


def test_the_catalog_of_another_pack_is_closed(front: Any, locked: Locked, own: Path) -> None:
    locked('pack = "credit-risk"\npurpose = "credit_risk_review"')
    assert front.line("catalog --pack ./packs/own").code == "config_locked"
    assert front.line("catalog --purpose marketing").code == "config_locked"
    assert front.line("catalog loan").code == ""
