"""Settings: who wins, what an administrator fixes, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aureus_jupyter.adapters.config.load import RULE_SETTINGS, SYSTEM_FOLDERS, load_settings
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.settings import Settings

Load = Callable[..., Settings]


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Any]:
    made: dict[str, Any] = {name: tmp_path / name for name in ("user", "system", "second", "project")}
    for path in made.values():
        path.mkdir()
    return made


@pytest.fixture
def load(folders: dict[str, Any]) -> Load:
    writable = folders["open"] = set[str]()

    def loaded(overrides: dict[str, Any] | None = None, start: str = "project", **environ: str) -> Settings:
        return load_settings(
            folders.get(start, folders["project"] / start),
            overrides,
            environ,
            folders["user"],
            [folders["system"], folders["second"]],
            lambda path: path.parent.name in writable,
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


def test_each_layer_wins_over_the_one_below(load: Load, folders: dict[str, Any]) -> None:
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


def test_the_nearest_project_counts(load: Load, folders: dict[str, Any]) -> None:
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
    assert load(DATABASE_URL="").connections == load(DATABASE_URL=" ").connections == ()
    assert "secret" not in repr(settings)


def test_an_administrator_cannot_be_loosened(load: Load, folders: dict[str, Any]) -> None:
    put(
        folders["system"],
        'principal = "svc"\nroles = ["analyst"]\ntime_limit = 60.0\nmax_results = 100\npolicies_path = "/bank"',
    )
    put(folders["user"], 'roles = ["root"]\npolicies_path = "/mine"')
    settings = load(AUREUS_PRINCIPAL="mallory", AUREUS_TIME_LIMIT="9999", AUREUS_MAX_RESULTS="0")
    assert (settings.principal, settings.roles) == ("svc", ("analyst",))
    assert (settings.time_limit, settings.max_results) == (60.0, 100)
    assert settings.policies_path == "/bank", "a policy of one's own could permit what the house's do not"
    assert set(settings.fixed) == {"max_results", "principal", "roles", "time_limit"} | RULE_SETTINGS - {"pack"}
    assert "roles" in settings.locked
    assert load(AUREUS_TIME_LIMIT="5", AUREUS_MAX_RESULTS="10").time_limit == 5.0
    assert load(AUREUS_MAX_RESULTS="10").max_results == 10
    with pytest.raises(UserError) as caught:
        load({"roles": ("root",)})
    assert caught.value.code == "config_locked"


@pytest.mark.parametrize("name", ["pack", "packs_path", "policies_path"])
def test_where_rules_come_from_is_fixed_as_a_whole(name: str, load: Load, folders: dict[str, Any]) -> None:
    put(folders["system"], f'{name} = "bank"')
    put(folders["user"], 'packs_path = "/mine"\npolicies_path = "/mine"')
    settings = load(AUREUS_PACKS_PATH="/own", AUREUS_POLICIES_PATH="/own")
    wanted = {"pack": "credit-risk", "packs_path": "", "policies_path": "", name: "bank"}
    assert {key: getattr(settings, key) for key in wanted} == wanted
    assert {"packs_path", "policies_path"} <= set(settings.fixed)
    for other in {"packs_path", "policies_path"} - {name}:
        with pytest.raises(UserError) as caught:
            load({other: "/own"})
        assert caught.value.code == "config_locked"


def test_an_administrators_connection_keeps_its_alias(load: Load, folders: dict[str, Any]) -> None:
    put(folders["system"], '[connections]\nbank = "env:BANK"')
    settings = load({"connections": {"bank": "mine.duckdb", "own": "own.duckdb"}})
    assert dict(settings.connections) == {"bank": "env:BANK", "own": "own.duckdb"}


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
        'roles = ["\\u0007"]',
        'purpose = "a\\u0000b"',
        "time_limit = nan",
        "time_limit = inf",
        "seed_rows = 99999999999999999999",
        "memory_limit = 'lots'",
        "copilot_api = 'other'",
        "copilot_key = 'hunter2'",
        "attributes = 3",
        "attributes = { a = 1 }",
        "connections = 'ab'",
        "connections = ['ab']",
        "connections = { pg = { url = 'postgresql://a:hunter2@h' } }",
        "a = " + "[" * 5000,
        "connections = [[1]]",
        "= broken",
        "\xff",
    ],
)
def test_malformed_files(text: str, load: Load, folders: dict[str, Any]) -> None:
    (folders["project"] / "aureus.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as caught:
        load()
    assert caught.value.code == "config_malformed"
    assert "aureus.toml" in caught.value.message
    assert "hunter2" not in str(caught.value)


def test_malformed_environment(load: Load) -> None:
    with pytest.raises(UserError) as caught:
        load(AUREUS_MAX_RESULTS="many")
    assert "AUREUS_MAX_RESULTS" in caught.value.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AUREUS_INCLUDE_ROWS", "perhaps"),
        ("AUREUS_TIME_LIMIT", "nan"),
        ("AUREUS_PRINCIPAL", "ana\udcff"),
        ("AUREUS_ROLES", "a,\x07b"),
        ("AUREUS_MAX_RESULTS", "9" * 5000),
    ],
)
def test_an_environment_nobody_can_use(name: str, text: str, load: Load) -> None:
    with pytest.raises(UserError) as caught:
        load(**{name: text})
    assert caught.value.code == "config_malformed"
    assert "environment" in caught.value.message


@pytest.mark.parametrize("text", ["[tool]\naureus = 3", "tool = 'aureus'", "[tool.aureus\n", "[tool.aureus]\nx = 1"])
def test_a_pyproject_that_means_us_is_not_skipped(text: str, load: Load, folders: dict[str, Any]) -> None:
    put(folders["project"], text, "pyproject.toml")
    with pytest.raises(UserError) as caught:
        load()
    assert "pyproject.toml" in caught.value.message


def test_a_broken_pyproject_of_others_does_not_stop_us(load: Load, folders: dict[str, Any]) -> None:
    put(folders["project"], "[tool.other\n", "pyproject.toml")
    assert load().pack == "credit-risk"


def test_connections_are_joined_by_alias(load: Load, folders: dict[str, Any]) -> None:
    put(folders["user"], '[connections]\na = "user.duckdb"\nb = "user.duckdb"')
    put(folders["project"], '[connections]\nb = "project.duckdb"')
    settings = load(AUREUS_CONNECTIONS="c=env.duckdb", DATABASE_URL="postgresql://u:hunter2@h/d")
    assert dict(settings.connections) == {
        "a": "user.duckdb",
        "b": "project.duckdb",
        "c": "env.duckdb",
        "database_url": "env:DATABASE_URL",
    }


def test_the_first_system_folder_wins_whatever_stands_in_the_second(load: Load, folders: dict[str, Any]) -> None:
    put(folders["system"], 'roles = ["analyst"]\ntime_limit = 60.0\npolicies_path = "/bank"')
    put(folders["second"], 'roles = ["root"]\ntime_limit = 600.0\npurpose = "audit"\npolicies_path = "/site"')
    settings = load()
    assert (settings.roles, settings.time_limit, settings.purpose) == (("analyst",), 60.0, "audit")
    assert settings.policies_path.split(":") == ["/bank", "/site"]


def test_a_file_the_user_can_write_is_not_called_locked(load: Load, folders: dict[str, Any]) -> None:
    put(folders["system"], 'roles = ["analyst"]')
    put(folders["second"], "time_limit = 60.0")
    folders["open"].add("second")
    settings = load(AUREUS_TIME_LIMIT="999")
    assert settings.locked == ("roles",)
    assert settings.time_limit == 60.0, "it still binds: it can only tighten"


def test_who_could_write_a_system_file(folders: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    put(folders["system"], 'roles = ["analyst"]')
    open_to_us: set[Path] = set()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) in open_to_us)

    def locked(user: int) -> tuple[str, ...]:
        monkeypatch.setattr(os, "geteuid", lambda: user)
        return load_settings(folders["project"], {}, {}, folders["user"], [folders["system"]]).locked

    assert locked(1000) == ("roles",)
    open_to_us.add(folders["system"])
    assert locked(1000) == (), "whoever may write the folder may put another file in its place"
    open_to_us.clear()
    open_to_us.add(folders["system"] / "aureus.toml")
    assert locked(1000) == ()
    assert locked(0) == ("roles",), "root is the administrator"


def test_a_home_nobody_has(load: Load, folders: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    put(folders["project"], 'purpose = "outer"')
    (folders["project"] / "a").mkdir()
    assert load(start="a").purpose == "outer"


def test_a_project_file_that_is_closed_to_us_does_not_count(
    load: Load, folders: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folders["project"], 'purpose = "outer"')
    read = Path.read_bytes

    def closed(path: Path) -> bytes:
        if path.parent == folders["project"]:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", closed)
    assert load().purpose == ""


def test_no_bound_loosens_nothing(load: Load, folders: dict[str, Any]) -> None:
    put(folders["system"], "time_limit = 0\nmax_results = 0")
    settings = load(AUREUS_TIME_LIMIT="5", AUREUS_MAX_RESULTS="7")
    assert (settings.time_limit, settings.max_results) == (5.0, 7)
    assert load(AUREUS_MAX_RESULTS="0").max_results is None


@given(st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 1000), st.sampled_from(["env", "config", "file"]))
def test_nobody_gets_past_a_bound(first: int, second: int, own: int, way: str) -> None:
    with TemporaryDirectory() as name:
        a, b, user = (Path(name) / part for part in "abu")
        for folder, value in ((a, first), (b, second), (user, own if way == "file" else 1000)):
            folder.mkdir()
            put(folder, f"max_results = {value}")
        try:
            settings = load_settings(
                user,
                {"max_results": own} if way == "config" else {},
                {"AUREUS_MAX_RESULTS": str(own)} if way == "env" else {},
                user,
                [a, b],
            )
        except UserError as error:
            assert error.code == "config_locked"
            assert own > min(first, second)
        else:
            assert settings.max_results == min(first, second, own)


def test_an_administrators_file_that_cannot_be_read_stops_everything(
    load: Load, folders: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folders["system"], 'roles = ["analyst"]')
    put(folders["user"], 'roles = ["root"]')
    read = Path.read_bytes

    def closed(path: Path) -> bytes:
        if path.parent in {folders["system"], folders["user"]}:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", closed)
    with pytest.raises(UserError) as caught:
        load()
    assert "system" in caught.value.message


@pytest.mark.parametrize("content", ["nonsense = 1", "broken"])
def test_an_administrators_file_that_is_wrong_stops_everything(
    content: str, load: Load, folders: dict[str, Any]
) -> None:
    put(folders["system"], content)
    with pytest.raises(UserError) as caught:
        load()
    assert caught.value.code == "config_malformed"


def test_a_users_environment_does_not_move_the_system_folders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folders: dict[str, Any]
) -> None:
    put(folders["system"], 'roles = ["analyst"]')
    put(folders["user"], 'roles = ["root"]')
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_CONFIG_DIR", "JUPYTER_PATH", "XDG_CONFIG_HOME", "HOME", "PROGRAMDATA"):
        monkeypatch.setenv(name, str(folders["user"]))
    settings = load_settings(tmp_path, {"roles": ["analyst"]}, {"AUREUS_ROLES": "root"}, None, [folders["system"]])
    assert settings.roles == ("analyst",)


def test_the_os_user_is_not_what_the_environment_says(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    honest = load().principal
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "mallory")
    assert load().principal == honest != "mallory"

    def nameless(number: int) -> Any:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    assert (load(JUPYTERHUB_USER="ana").principal, load().principal_source) == ("ana", "environment")
    assert load().principal.startswith("uid-")


def test_the_search_stops_at_home_and_where_everybody_writes(
    load: Load, folders: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folders["project"], 'purpose = "outer"')
    deep = folders["project"] / "a" / "b"
    deep.mkdir(parents=True)
    assert load(start="a/b").purpose == "outer"
    monkeypatch.setenv("HOME", str(folders["project"] / "a"))
    assert load(start="a/b").purpose == ""
    monkeypatch.setenv("HOME", str(tmp_path))
    folders["project"].chmod(0o1777)
    assert load(start="a/b").purpose == ""
    assert load().purpose == "outer", "where work begins there, it is the person's choice"


def test_a_folder_in_place_of_the_file(load: Load, folders: dict[str, Any]) -> None:
    (folders["project"] / "aureus.toml").mkdir()
    with pytest.raises(UserError) as caught:
        load()
    assert caught.value.code == "config_malformed"
