"""Names of adapters to the code that makes them, loaded on first use.

Built-in and third-party adapters are found alike: a third party declares an entry point in the group `aureus.<kind>`.
A built-in name cannot be taken over, so that installing a package never changes who guards a cell.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import Unavailable

__all__ = ["BUILT_IN", "load"]

_ADAPTERS = "aureus_jupyter.adapters"

BUILT_IN: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "engine": {
            "duckdb": f"{_ADAPTERS}.engines.duckdb:DuckDBEngine",
            "postgres": f"{_ADAPTERS}.engines.postgres:PostgresEngine",
            "sqlalchemy": f"{_ADAPTERS}.engines.copied:CopyEngine",
        },
        "policies": {
            "declarative": f"{_ADAPTERS}.policies.declarative:load_policies",
            "opa_bundle": f"{_ADAPTERS}.policies.opa.in_process:load_bundle",
            "opa_server": f"{_ADAPTERS}.policies.opa.server:open_server",
        },
        "catalog": {"pack": f"{_ADAPTERS}.catalogs.pack:PackSource"},
        "copilot": {
            "none": f"{_ADAPTERS}.copilots.offline:VerifiedQuestions",
            "openai": f"{_ADAPTERS}.copilots.openai_copilot:OpenAICopilot",
        },
        "store": {"folder": f"{_ADAPTERS}.stores.folder:FolderRunStore"},
        "overlaps": {"sqlite": f"{_ADAPTERS}.ledgers.overlap:SQLiteOverlapLedger"},
        "ledger": {"sqlite": f"{_ADAPTERS}.ledgers.sqlite:SqliteLedger"},
        "signer": {"ed25519": f"{_ADAPTERS}.signers.ed25519:load_or_create"},
        "clock": {"system": f"{_ADAPTERS}.system:SystemClock"},
        "ids": {"system": f"{_ADAPTERS}.system:SystemIds"},
    }
)


def load(kind: str, name: str) -> Any:
    """Return the factory called `name` for the port `kind`.

    Does not call it. Raises Unavailable (`no_such_plugin`, `plugin_broken`).
    """
    built_in = BUILT_IN.get(kind, {})
    if name in built_in:
        try:
            return _resolve(built_in[name])
        except ImportError as cause:
            raise Unavailable(
                "plugin_broken",
                f"the {kind} {name!r} needs a package that is not installed ({cause.name})",
                hint=f"Install it: pip install 'aureus-jupyter[{name}]'",
            ) from cause
    others = {entry.name: entry for entry in entry_points(group=f"aureus.{kind}")}
    if name not in others:
        raise Unavailable(
            "no_such_plugin",
            f"there is no {kind} called {name!r}",
            hint=nearest_hint(name, [*built_in, *others], f"Install a package that offers it under aureus.{kind}."),
        )
    try:
        return others[name].load()
    except Exception as cause:
        raise Unavailable(
            "plugin_broken",
            f"the {kind} {name!r} cannot be loaded ({type(cause).__name__})",
            hint="Reinstall the package it comes from.",
        ) from cause


def _resolve(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)
