"""Where packs and policies are."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import UserError

__all__ = ["data_dirs", "find_pack", "pack_names"]


def data_dirs(kind: str, extra: str = "") -> list[Path]:
    """Return the folders that hold packs or policies (`kind`), the first to look in first.

    In this order: the setting `extra` (several folders are separated as in PATH), `AUREUS_PACKS_PATH` or
    `AUREUS_POLICIES_PATH`, Jupyter's data path under `aureus/`, the installed package, and a source checkout.
    """
    from jupyter_core.paths import jupyter_path

    named = [extra, os.environ.get(f"AUREUS_{kind.upper()}_PATH", "")]
    package = Path(str(files("aureus_jupyter")))
    found = [folder for text in named for part in text.split(os.pathsep) if (folder := _folder(part)) is not None]
    found += [Path(part) for part in jupyter_path("aureus", kind)]
    found.append(package / "_data" / kind)
    if (package.parent / "pyproject.toml").is_file():
        found.append(package.parent / kind)
    return [folder for folder in dict.fromkeys(found) if _is(folder.is_dir)]


def pack_names(extra: str = "") -> list[str]:
    """Return the names of all packs that can be found, sorted."""
    found = {p.parent.name for folder in data_dirs("packs", extra) for p in folder.glob("*/pack.yaml")}
    return sorted(found)


def find_pack(name: str, extra: str = "") -> Path:
    """Return the folder of the pack called `name`, or of the pack at the path `name`.

    Raises UserError `unknown_pack` with the nearest names.
    """
    if os.sep in name or name.startswith((".", "~")):
        places = [_folder(name)]
    else:
        places = [folder / name for folder in data_dirs("packs", extra)] if name.strip() else []
    for place in places:
        if place is not None and _is((place / "pack.yaml").is_file):
            return place.resolve()
    raise UserError(
        "unknown_pack",
        f"there is no pack called {name[:80]!r}",
        hint=nearest_hint(name, pack_names(extra), "Set packs_path to the folder that holds your packs."),
    )


def _folder(text: str) -> Path | None:
    """Return the path a setting names, or None for one that cannot be: nobody's home, nothing at all."""
    try:
        return Path(text).expanduser() if text.strip() else None
    except RuntimeError:
        return None


def _is(check: Callable[[], bool]) -> bool:
    """Ask the file system; a name it cannot hold names nothing."""
    try:
        return check()
    except (OSError, ValueError):
        return False
