"""Settings from where they are set, lowest first.

defaults < user's `aureus.toml` in Jupyter's configuration folder < the project's `aureus.toml` or `[tool.aureus]` in
pyproject.toml (nearest folder upwards) < `AUREUS_*` < `%config Aureus.*` < administrator's `aureus.toml` in a system folder.

What an administrator sets is fixed, and numbers are bounds: a lower limit below stays. The system folders are named in code,
because an environment variable is the user's to set.
"""

from __future__ import annotations

import dataclasses
import getpass
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.settings import Settings

__all__ = ["SYSTEM_FOLDERS", "load_settings"]

SYSTEM_FOLDERS = (Path("/etc/jupyter"), Path("/usr/local/etc/jupyter"))

_OWN = {"origins", "locked", "principal_source"}
_FIELDS = {f.name: f for f in dataclasses.fields(Settings) if f.name not in _OWN}
_BOUNDS = {"time_limit", "max_results", "seed_rows", "copilot_token_budget", "threads"}
"""Settings where the smaller number is the tighter one."""
_PAIRS = {"attributes", "connections"}
_TUPLES = {"roles"}


def load_settings(
    start: Path,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    user_folder: Path | None = None,
    system_folders: Sequence[Path] = SYSTEM_FOLDERS,
) -> Settings:
    """Return the settings for a notebook in the folder `start`.

    Does not resolve a secret. Raises UserError `config_malformed` naming file, key and what was expected, and
    `config_locked` when `overrides` would loosen what an administrator set.
    """
    environ = os.environ if environ is None else environ
    layers: list[tuple[str, dict[str, Any]]] = []
    if user_folder is None:
        from jupyter_core.paths import jupyter_config_dir

        user_folder = Path(jupyter_config_dir())
    layers += _file(user_folder / "aureus.toml")
    layers += _project(start)
    layers.append(("environment", _from_environment(environ)))
    layers.append(("%config", {k: _checked("%config", k, v) for k, v in (overrides or {}).items()}))
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, found in layers:
        values.update(found)
        origins.update(dict.fromkeys(found, origin))
    locked: dict[str, None] = {}
    for folder in system_folders:
        for origin, found in _file(folder / "aureus.toml"):
            _impose(values, origins, found, origin, overrides or {})
            locked.update(dict.fromkeys(found))
    return _finished(values, origins, tuple(locked), environ)


def _impose(
    values: dict[str, Any], origins: dict[str, str], found: dict[str, Any], origin: str, overrides: Mapping[str, Any]
) -> None:
    """Put an administrator's values over all others; a bound keeps a smaller number from below."""
    for name, value in found.items():
        own = values.get(name)
        if name in _BOUNDS and own and value and own <= value:
            continue
        if name in {"policies_path", "packs_path"} and own:
            values[name] = os.pathsep.join([str(value), str(own)])
            continue
        if name in overrides and own != value:
            raise UserError(
                "config_locked",
                f"{name} is set by your administrator and cannot be changed here",
                hint="Remove the change, or ask your platform team.",
            )
        values[name] = value
        origins[name] = origin


def _finished(
    values: dict[str, Any], origins: dict[str, str], locked: tuple[str, ...], environ: Mapping[str, str]
) -> Settings:
    source = {"environment": "environment", "%config": "%config"}.get(origins.get("principal", ""), "settings")
    if not values.get("principal"):
        values["principal"], source = _os_user(environ), "os-user"
    pairs = tuple(sorted(origins.items()))
    return Settings(**values, principal_source=source, origins=pairs, locked=tuple(sorted(locked)))


def _os_user(environ: Mapping[str, str]) -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return environ.get("JUPYTERHUB_USER", "unknown")


def _project(start: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the nearest project's settings upwards of `start`."""
    for folder in [start, *start.parents]:
        found = _file(folder / "aureus.toml") or _file(folder / "pyproject.toml", ("tool", "aureus"))
        if found:
            return found
    return []


def _file(path: Path, table: tuple[str, ...] = ()) -> list[tuple[str, dict[str, Any]]]:
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    except OSError as cause:
        raise _malformed(str(path), "the file", f"readable ({type(cause).__name__})") from cause
    try:
        value = tomllib.loads(data.decode("utf-8"))
    except ValueError as cause:
        if table:
            return []
        raise _malformed(str(path), "the file", f"TOML ({str(cause)[:80]})") from None
    for part in table:
        value = value.get(part, {}) if isinstance(value, dict) else {}
    if table and not value:
        return []
    return [(str(path), {name: _checked(str(path), name, item) for name, item in value.items()})]


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        text = environ.get(f"AUREUS_{name.upper()}")
        if text is not None:
            found[name] = _checked("environment", name, _parsed(name, str(field.type), text))
    if "DATABASE_URL" in environ and "connections" not in found:
        found["connections"] = (("database_url", "env:DATABASE_URL"),)
    return found


def _parsed(name: str, kind: str, text: str) -> Any:
    """Read a setting's text from the environment: lists are separated by commas, pairs are name=value."""
    if name in _PAIRS:
        return [part.partition("=")[::2] for part in text.split(",") if part.strip()]
    if name in _TUPLES:
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        if kind.startswith("int"):
            return int(text)
        if kind == "float":
            return float(text)
    except ValueError:
        raise _malformed("environment", f"AUREUS_{name.upper()}", "a number") from None
    return text.lower() in {"1", "true"} if kind == "bool" else text


def _checked(origin: str, name: str, value: Any) -> Any:
    """Return a value in the form Settings keeps, or refuse it."""
    if name not in _FIELDS:
        hint = nearest_hint(name, _FIELDS, "See the README for the settings there are.")
        raise UserError("config_malformed", f"{origin}: there is no setting {name[:60]!r}", hint=hint)
    if name in _PAIRS:
        return _pairs(origin, name, value)
    if name in _TUPLES:
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            raise _malformed(origin, name, "a list of texts")
        return tuple(value)
    kind = str(_FIELDS[name].type)
    wanted: tuple[type, ...] = {"int": (int,), "float": (int, float), "bool": (bool,)}.get(kind.split(" ")[0], (str,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise _malformed(origin, name, {"int": "a whole number", "float": "a number"}.get(kind.split(" ")[0], kind))
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        raise _malformed(origin, name, "not negative")
    return value


def _pairs(origin: str, name: str, value: Any) -> tuple[tuple[str, str], ...]:
    """Read a table, whose values may be lists, or a list of pairs."""
    items = value.items() if isinstance(value, Mapping) else value
    found: list[tuple[str, str]] = []
    try:
        for key, item in items:
            found += [(str(key), str(one)) for one in (item if isinstance(item, (list, tuple)) else [item])]
    except (TypeError, ValueError):
        raise _malformed(origin, name, "a table of names and texts") from None
    return tuple(sorted(found)) if name == "attributes" else tuple(found)


def _malformed(origin: str, name: str, expected: str) -> UserError:
    return UserError(
        "config_malformed", f"{origin}: {name} must be {expected}", hint="Correct it, then run the cell again."
    )
