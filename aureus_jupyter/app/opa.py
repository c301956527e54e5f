"""The policy engines of OPA that settings name, beside the policies of YAML."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from aureus_jupyter import plugins
from aureus_jupyter.adapters.config.secrets import resolve
from aureus_jupyter.adapters.policies.combined import agreeing, all_of
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import PolicyEngine
from aureus_jupyter.values.settings import Settings

__all__ = ["bundle_files", "with_opa"]


def bundle_files(settings: Settings) -> list[Path]:
    """Return the files whose change would change what OPA's policies in this process say."""
    return [*_bundles(settings), *([_key(settings)] if settings.opa_bundle_key else [])]


def with_opa(settings: Settings, declarative: PolicyEngine) -> PolicyEngine:
    """Return one engine of all that is configured: what any of them denies is denied, and what `opa_same` names must agree.

    Raises Unavailable: what the engines raise when they are made, and `opa_same` where it names what is not configured.
    """
    made = {"policies": declarative, **_opa(settings)}
    same = settings.opa_same.split()
    missing = [name for name in same if name not in made]
    if missing or len(set(same)) != len(same):
        raise Unavailable(
            "opa_same",
            f"opa_same names {' '.join(missing) or 'one engine twice'}, which is not configured",
            hint="Set opa_bundles or opa_server, or correct opa_same. Until then nothing may be read.",
        )
    together = [agreeing([made.pop(name) for name in same])] if same else []
    return all_of([*together, *made.values()])


def _opa(settings: Settings) -> dict[str, PolicyEngine]:
    found: dict[str, PolicyEngine] = {}
    paths = _bundles(settings)
    if paths:
        load: Callable[..., PolicyEngine] = plugins.load("policies", "opa_bundle")
        key = _key(settings) if settings.opa_bundle_key else None
        found["bundles"] = all_of([load(p, settings.opa_package, settings.opa_rules, key) for p in paths])
    if settings.opa_server.strip():
        found["server"] = plugins.load("policies", "opa_server")(
            settings.opa_server.strip(),
            settings.opa_package,
            settings.opa_rules,
            settings.opa_timeout,
            lambda: resolve(settings.opa_token),
        )
    return found


def _bundles(settings: Settings) -> list[Path]:
    return [_path(part) for part in settings.opa_bundles.split(os.pathsep) if part.strip()]


def _key(settings: Settings) -> Path:
    return _path(settings.opa_bundle_key)


def _path(text: str) -> Path:
    try:
        return Path(text.strip()).expanduser()
    except RuntimeError:
        return Path(text.strip())
