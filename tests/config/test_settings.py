"""Settings: who wins, what an administrator fixes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.config.load import SYSTEM_FOLDERS, load_settings
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.settings import Settings

Load = Callable[..., Settings]


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    made = {name: tmp_path / name for name in ("user", "system", "project")}
    for path in made.values():
        path.mkdir()
    return made


@pytest.fixture
def load(folders: dict[str, Path]) -> Load:
    def loaded(overrides: dict[str, Any] | None = None, start: str = "project", **environ: str) -> Settings:
        return load_settings(
            folders.get(start, folders["project"] / start),
            overrides,
            environ,
            folders["user"],
            [folders["system"]],
        )

    return loaded


def put(folder: Path, text: str, name: str = "aureus.toml") -> None:
    (folder / name).write_text(text, "utf-8")


def test_defaults(load: Load) -> None:
    settings = load()
    assert (settings.pack, settings.purpose, settings.copilot) == ("credit-risk", "", "none")
    assert settings.principal
    assert settings.principal_source == "os-user"
    assert settings.locked == ()


def test_each_layer_wins_over_the_one_below(load: Load, folders: dict[str, Path]) -> None:
    put(folders["user"], 'purpose = "user"\npack = "user"\nroles = ["user"]\nengine = "user"')
    put(folders["project"], 'purpose = "project"\npack = "project"\nroles = ["project"]')
    settings = load({"purpose": "override"}, AUREUS_PURPOSE="env", AUREUS_PACK="env")
    assert (settings.purpose, settings.pack, settings.roles, settings.engine) == (
        "override",
        "env",
        ("project",),
        "user",
    )
    origins = dict(settings.origins)
    assert origins["purpose"] == "%config"
    assert origins["pack"] == "environment"
    assert origins["roles"].endswith("project/aureus.toml")


def test_the_nearest_project_counts(load: Load, folders: dict[str, Path]) -> None:
    deep = folders["project"] / "a" / "b"
    deep.mkdir(parents=True)
    put(folders["project"], '[tool.aureus]\npurpose = "outer"\n', "pyproject.toml")
    assert load(start="a/b").purpose == "outer"
    put(folders["project"] / "a", "[project]\nname = 'x'\n", "pyproject.toml")
    assert load(start="a/b").purpose == "outer"
    put(folders["project"] / "a", 'purpose = "inner"')
    assert load(start="a/b").purpose == "inner"


def test_kinds_from_the_environment(load: Load) -> None:
    settings = load(
        AUREUS_ROLES="a, b",
        AUREUS_ATTRIBUTES="jurisdiction=SK,jurisdiction=CZ",
        AUREUS_TIME_LIMIT="2.5",
        AUREUS_MAX_RESULTS="7",
        AUREUS_INCLUDE_ROWS="true",
        AUREUS_PRINCIPAL="ana",
        DATABASE_URL="postgresql://u:secret@h/d",
    )
    assert settings.roles == ("a", "b")
    assert settings.attributes == (("jurisdiction", "CZ"), ("jurisdiction", "SK"))
    assert (settings.time_limit, settings.max_results, settings.include_rows) == (2.5, 7, True)
    assert (settings.principal, settings.principal_source) == ("ana", "environment")
    assert settings.connections == (("database_url", "env:DATABASE_URL"),)
    assert "secret" not in repr(settings)


def test_an_administrator_cannot_be_loosened(load: Load, folders: dict[str, Path]) -> None:
    put(
        folders["system"],
        'principal = "svc"\nroles = ["analyst"]\ntime_limit = 60.0\nmax_results = 100\npolicies_path = "/bank"',
    )
    put(folders["user"], 'roles = ["root"]\npolicies_path = "/mine"')
    settings = load(AUREUS_PRINCIPAL="mallory", AUREUS_TIME_LIMIT="9999", AUREUS_MAX_RESULTS="0")
    assert (settings.principal, settings.roles) == ("svc", ("analyst",))
    assert (settings.time_limit, settings.max_results) == (60.0, 100)
    assert settings.policies_path.split(":") == ["/bank", "/mine"], "a user may add policies, never remove one"
    assert "roles" in settings.locked
    assert load(AUREUS_TIME_LIMIT="5", AUREUS_MAX_RESULTS="10").time_limit == 5.0
    assert load(AUREUS_MAX_RESULTS="10").max_results == 10
    with pytest.raises(UserError) as caught:
        load({"roles": ("root",)})
    assert caught.value.code == "config_locked"


def test_the_system_folders_are_fixed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    assert [str(p) for p in SYSTEM_FOLDERS] == ["/etc/jupyter", "/usr/local/etc/jupyter"]


@pytest.mark.parametrize(
    "text",
    [
        "purpose = 1",
        "nonsense = 1",
        "max_results = 1.5",
        "max_results = true",
        "time_limit = -1",
        "include_rows = 'yes'",
        "roles = [1]",
        "attributes = 3",
        "connections = [[1]]",
        "= broken",
        "\xff",
    ],
)
def test_malformed_files(text: str, load: Load, folders: dict[str, Path]) -> None:
    (folders["project"] / "aureus.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as caught:
        load()
    assert caught.value.code == "config_malformed"
    assert "aureus.toml" in caught.value.message


def test_malformed_environment(load: Load) -> None:
    with pytest.raises(UserError) as caught:
        load(AUREUS_MAX_RESULTS="many")
    assert "AUREUS_MAX_RESULTS" in caught.value.message


def test_a_folder_in_place_of_the_file(load: Load, folders: dict[str, Path]) -> None:
    (folders["project"] / "aureus.toml").mkdir()
    with pytest.raises(UserError) as caught:
        load()
    assert caught.value.code == "config_malformed"
