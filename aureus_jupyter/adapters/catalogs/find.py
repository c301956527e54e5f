"""Where packs and policies are."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import UserError

__all__ = ["data_dirs", "find_pack", "pack_names"]


def data_dirs(kind: str, extra: str = "", closed: bool = False) -> list[Path]:
    """Return the folders that hold packs or policies (`kind`), the first to look in first.

    In this order: the setting `extra` (several folders are separated as in PATH), Jupyter's data path under `aureus/`, the
    installed package, and a source checkout. When the places are `closed`, because an administrator set where rules come
    from, Jupyter's own data path counts only where it is the system's.
    """
    from jupyter_core.paths import SYSTEM_JUPYTER_PATH, jupyter_path

    package = Path(str(files("aureus_jupyter")))
    found = [folder for part in extra.split(os.pathsep) if (folder := _folder(part)) is not None]
    jupyter = SYSTEM_JUPYTER_PATH if closed else jupyter_path()
    found += [Path(part) / "aureus" / kind for part in jupyter]
    found.append(package / "_data" / kind)
    if (package.parent / "pyproject.toml").is_file():
        found.append(package.parent / kind)
    return [folder for folder in dict.fromkeys(found) if _is(folder.is_dir)]


def pack_names(extra: str = "", closed: bool = False) -> list[str]:
    """Return the names of all packs that can be found, sorted."""
    found = {p.parent.name for folder in data_dirs("packs", extra, closed) for p in folder.glob("*/pack.yaml")}
    return sorted(found)


def find_pack(name: str, extra: str = "", closed: bool = False) -> Path:
    """Return the folder of the pack called `name`, or of the pack at the path `name`.

    Where the places are `closed`, a path names only what is in one of them. Raises UserError `unknown_pack` with the nearest
    names.
    """
    folders = data_dirs("packs", extra, closed)
    if os.sep in name or name.startswith((".", "~")):
        place = _folder(name)
        places = [place] if place is not None and (not closed or _is_in(place, folders)) else []
    else:
        places = [folder / name for folder in folders] if name.strip() else []
    for place in places:
        if _is((place / "pack.yaml").is_file):
            return place.resolve()
    if places and _is(places[0].is_dir) and os.sep in name:
        raise UserError(
            "unknown_pack",
            f"the folder {name[-80:]!r} holds no pack.yaml, so it is no pack",
            hint="Name the folder that holds it, or draft a pack from data: aureus onboard DATA FOLDER.",
        )
    raise UserError(
        "unknown_pack",
        f"there is no pack called {name[:80]!r}",
        hint=nearest_hint(name, pack_names(extra, closed), _elsewhere(closed)),
    )


def _is_in(place: Path, folders: list[Path]) -> bool:
    return _is(lambda: place.resolve().parent in {folder.resolve() for folder in folders})


def _elsewhere(closed: bool) -> str:
    if closed:
        return "Your administrator says where packs come from; ask your platform team."
    return "Set packs_path to the folder that holds your packs."


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
