"""Settings from where they are set, lowest first.

defaults < user's `aureus.toml` in Jupyter's configuration folder < the project's `aureus.toml` or `[tool.aureus]` in
pyproject.toml (nearest folder upwards) < `AUREUS_*` < `%config Aureus.*` < administrator's `aureus.toml` in a system folder.

What an administrator sets is fixed, and numbers are bounds: a lower limit below stays. The system folders are named in code,
because an environment variable is the user's to set. Connections are joined by alias; everything else is replaced. Once an
administrator sets any of `RULE_SETTINGS`, nobody else says where rules come from.
"""

from __future__ import annotations

import difflib
import getpass
import os
import stat
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.config.checked import NAMES, checked, from_text, malformed
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.settings import Settings

__all__ = ["RULE_SETTINGS", "SYSTEM_FOLDERS", "load_settings", "locked_error"]

SYSTEM_FOLDERS = (Path("/etc/jupyter"), Path("/usr/local/etc/jupyter"))
"""Where an administrator's settings are; the first wins over the second."""

_BOUNDS = {"time_limit", "max_results", "seed_rows", "copilot_token_budget", "threads"}
"""Settings where the smaller number is the tighter one, and 0 or nothing is no bound."""

_PATHS = {"packs_path", "policies_path", "opa_bundles"}
_OPA = {"opa_bundle_key", "opa_server", "opa_token", "opa_package", "opa_rules", "opa_same"}

RULE_SETTINGS = frozenset({"pack", *_PATHS, *_OPA})
"""Where contracts and policies come from: a pack or a policy of one's own could permit what the house's do not."""

Found = list[tuple[str, dict[str, Any]]]


def load_settings(
    start: Path,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    user_folder: Path | None = None,
    system_folders: Sequence[Path] = SYSTEM_FOLDERS,
    writable: Callable[[Path], bool] | None = None,
) -> Settings:
    """Return the settings for a notebook in the folder `start`.

    Does not resolve a secret. `writable` tells whether the user could write a system file, which then still binds but is not
    called locked. Raises UserError `config_malformed` naming file, key and what was expected, and `config_locked` when
    `overrides` would loosen what an administrator set.
    """
    environ = os.environ if environ is None else environ
    layers: Found = []
    if user_folder is None:
        from jupyter_core.paths import jupyter_config_dir

        user_folder = Path(jupyter_config_dir())
    layers += _file(user_folder / "aureus.toml")
    layers += _project(start)
    layers.append(("environment", _from_environment(environ)))
    own = {k: checked("%config", k, v) for k, v in (overrides or {}).items()}
    layers.append(("%config", own))
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, found in layers:
        _join(values, found)
        origins.update(dict.fromkeys(found, origin))
    fixed: set[str] = set()
    locked: set[str] = set()
    for folder in reversed(system_folders):
        for origin, found in _file(folder / "aureus.toml", must_read=True):
            _impose(values, origins, found, origin, fixed)
            if not (writable or _writable)(folder / "aureus.toml"):
                locked.update(found)
    if fixed & RULE_SETTINGS:
        for name in ((_PATHS | _OPA) - fixed) & set(values):
            del values[name], origins[name]
        fixed |= _PATHS | _OPA
    for name in sorted(fixed & set(own) - {"connections"}):
        if values.get(name, "") != own[name]:
            raise locked_error(name)
    return _finished(values, origins, tuple(sorted(fixed)), tuple(sorted(locked)), environ)


def locked_error(name: str) -> UserError:
    """Return the error for a change of what an administrator set. Does not tell the value."""
    return UserError(
        "config_locked",
        f"{name} is set by your administrator and cannot be changed here",
        hint="Remove the change, or ask your platform team.",
    )


def _join(values: dict[str, Any], found: dict[str, Any]) -> None:
    """Put a higher layer's values over those below; of connections only the aliases it names."""
    below = values.get("connections", ())
    values.update(found)
    if "connections" in found:
        values["connections"] = tuple({**dict(below), **dict(found["connections"])}.items())


def _impose(
    values: dict[str, Any], origins: dict[str, str], found: dict[str, Any], origin: str, fixed: set[str]
) -> None:
    """Put an administrator's values over all others; a bound keeps a smaller number from below.

    Of two system files both name folders of rules; a connection is the administrator's where an alias is named twice.
    """
    for name, value in found.items():
        below = values.get(name)
        if name in _BOUNDS and below and (not value or below <= value):
            fixed.add(name)
            continue
        if name in _PATHS & fixed:
            value = os.pathsep.join([str(value), str(below)])
        if name == "connections":
            _join(values, found)
        else:
            values[name] = value
        origins[name] = origin
        fixed.add(name)


def _writable(path: Path) -> bool:
    """Whether the user could change a file or put another in its place. To root everything is: root is the administrator."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return False
    return os.access(path, os.W_OK) or os.access(path.parent, os.W_OK)


def _finished(
    values: dict[str, Any],
    origins: dict[str, str],
    fixed: tuple[str, ...],
    locked: tuple[str, ...],
    environ: Mapping[str, str],
) -> Settings:
    source = {"environment": "environment", "%config": "%config"}.get(origins.get("principal", ""), "settings")
    if not values.get("principal"):
        values["principal"], source = _os_user(environ)
    pairs = tuple(sorted(origins.items()))
    return Settings(**values, principal_source=source, origins=pairs, fixed=fixed, locked=locked)


def _os_user(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the account this process runs under. Not `USER` or `LOGNAME`, which anybody can set, where the system knows."""
    if sys.platform != "win32":
        import pwd

        try:
            return pwd.getpwuid(os.getuid()).pw_name, "os-user"
        except KeyError:
            # A container may run under a number that has no name.
            return environ.get("JUPYTERHUB_USER") or f"uid-{os.getuid()}", "environment"
    return getpass.getuser(), "os-user"


def _project(start: Path) -> Found:
    """Return the nearest project's settings upwards of `start`, at most up to the home folder.

    Does not look into a folder anybody may write, such as /tmp, unless work begins there: a stranger's file would count.
    """
    home = _home()
    for folder in [start, *start.parents]:
        if folder != start and _is_everybodys(folder):
            return []
        found = _file(folder / "aureus.toml") or _file(folder / "pyproject.toml", ("tool", "aureus"))
        if found or folder == home:
            return found
    return []


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


def _is_everybodys(folder: Path) -> bool:
    try:
        return bool(folder.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return False


def _file(path: Path, table: tuple[str, ...] = (), must_read: bool = False) -> Found:
    """Return the settings in one file; none when there is no such file, or, unless it must be read, when it is closed."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as cause:
        if must_read:
            raise malformed(
                str(path), "the file", "readable (an administrator's settings cannot be skipped)"
            ) from cause
        return []
    except OSError as cause:
        raise malformed(str(path), "the file", f"readable ({type(cause).__name__})") from cause
    if table and b"aureus" not in data:
        return []
    try:
        value = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as cause:
        raise malformed(str(path), "the file", f"TOML ({str(cause)[:80]})") from None
    for part in table:
        value = value.get(part, {})
        if not isinstance(value, dict):
            raise malformed(str(path), part, "a table")
    if table and not value:
        return []
    return [(str(path), {name: checked(str(path), name, item) for name, item in value.items()})]


def _check_near(name: str) -> None:
    """Raise UserError `config_malformed` for a variable that is a slip of a setting's: it would be passed over without a word."""
    if not name.startswith("AUREUS_") or name.removeprefix("AUREUS_").lower() in NAMES:
        return
    near = difflib.get_close_matches(name.removeprefix("AUREUS_").lower(), NAMES, n=1, cutoff=0.85)
    if near:
        raise UserError(
            "config_malformed",
            f"environment: {name[:60]} is no setting",
            hint=f"Did you mean AUREUS_{near[0].upper()}? Else unset it.",
        )


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in NAMES:
        text = environ.get(f"AUREUS_{name.upper()}")
        if text is not None:
            found[name] = checked("environment", name, from_text(name, text))
    for name in environ:
        _check_near(name)
    if environ.get("DATABASE_URL", "").strip():
        found["connections"] = (*found.get("connections", ()), ("database_url", "env:DATABASE_URL"))
    return found
