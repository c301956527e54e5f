"""One setting's value: read from text, and put into the form Settings keeps, or refused."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.settings import Settings

__all__ = ["NAMES", "PAIRS", "checked", "from_text", "malformed"]

_OWN = {"origins", "fixed", "locked", "principal_source"}
_KINDS = {f.name: str(f.type).split(" ")[0] for f in dataclasses.fields(Settings) if f.name not in _OWN}
NAMES = tuple(_KINDS)
"""Every setting a person may set."""
PAIRS = {"attributes", "connections"}
_TUPLES = {"roles", "opa_rules"}
_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,)}
_WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}
_LARGEST = 2**53 - 1
"""The largest number every record can hold."""
_MOST = {"threads": 256}
"""An engine makes as many as it is told, and is then busy with nothing else."""
_FORMS = {
    "copilot_key": (re.compile(r"|(env|keyring):.+"), "a reference: env:NAME or keyring:service/user"),
    "opa_token": (re.compile(r"|(env|keyring):.+"), "a reference: env:NAME or keyring:service/user"),
    "opa_package": (re.compile(r"[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*"), "a package, such as bank/trino"),
    "opa_same": (
        re.compile(r"|(policies|bundles|server) (policies|bundles|server)( (policies|bundles|server))?"),
        "two or three of policies, bundles and server",
    ),
    "copilot_api": (re.compile(r"openai|azure"), "openai or azure"),
    "memory_limit": (re.compile(r"|[0-9]+(\.[0-9]+)? ?([KMGT]i?B|%)", re.IGNORECASE), "a size such as 4GB"),
}


_PLACES = {
    "opa_bundle_key",
    "evidence_folder",
    "approvals_folder",
    "keys_dir",
    "trust_file",
    "ledger",
    "summaries_ledger",
}


def malformed(origin: str, name: str, expected: str) -> UserError:
    """Return the error for a setting that cannot be used; it tells place, name and what was expected, never the value."""
    return UserError(
        "config_malformed", f"{origin}: {name} must be {expected}", hint="Correct it, then run the cell again."
    )


def from_text(name: str, text: str) -> Any:
    """Read a setting from the environment: lists are separated by commas, pairs are name=value. Raises UserError."""
    if name in PAIRS:
        parts = [part for part in text.split(",") if part.strip()]
        if not all("=" in part for part in parts):
            raise malformed("environment", f"AUREUS_{name.upper()}", "name=value pairs, separated by commas")
        return [part.partition("=")[::2] for part in parts]
    if name in _TUPLES:
        if re.search(r"[\[\]{}\"']", text):
            raise malformed(
                "environment", f"AUREUS_{name.upper()}", "names separated by commas, without brackets or quotes"
            )
        return [part.strip() for part in text.split(",") if part.strip()]
    kind, shown = _KINDS[name], f"AUREUS_{name.upper()}"
    if kind == "bool":
        if text.lower() not in _TRUE | _FALSE:
            raise malformed("environment", shown, _WORDS[kind])
        return text.lower() in _TRUE
    if kind == "str":
        return text
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:
        raise malformed("environment", shown, _WORDS[kind]) from None


def checked(origin: str, name: str, value: Any) -> Any:
    """Return a value in the form Settings keeps. Raises UserError `config_malformed`."""
    if name not in _KINDS:
        hint = nearest_hint(name, NAMES, "README.md lists the settings there are.")
        raise UserError("config_malformed", f"{origin}: there is no setting {name[:60]!r}", hint=hint)
    if name in PAIRS:
        return _pairs(origin, name, value)
    if name in _TUPLES:
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            raise malformed(origin, name, "a list of texts")
        return tuple(_text(origin, name, v) for v in value)
    kind = _KINDS[name]
    if value is None and name == "max_results":
        return None
    wanted = _TYPES.get(kind, (str,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise malformed(origin, name, _WORDS[kind])
    if isinstance(value, str):
        return _text(origin, name, value)
    number: Any = value
    if kind != "bool" and not (math.isfinite(number) and 0 <= number <= _LARGEST):
        raise malformed(origin, name, "neither negative nor endless")
    if number > _MOST.get(name, _LARGEST):
        raise malformed(origin, name, f"at most {_MOST[name]:,}")
    return number or None if name == "max_results" else number


def _text(origin: str, name: str, value: str) -> str:
    """Refuse what no record can hold or a terminal would act on."""
    if any(c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c <= "\udfff" for c in value):
        raise malformed(origin, name, "a text without control characters")
    if name == "why" and origin != "environment":
        # A reason that stands in a file would be given for every run there is.
        raise malformed(origin, name, "given with --why or by AUREUS_WHY")
    form, words = _FORMS.get(name, (None, ""))
    if form is not None and not form.fullmatch(value):
        raise malformed(origin, name, words)
    if name in _PLACES:
        try:
            Path(value).expanduser()
        except RuntimeError:
            raise malformed(origin, name, "a path; nobody here has the home it begins with") from None
    return value


def _pairs(origin: str, name: str, value: Any) -> tuple[tuple[str, str], ...]:
    """Read a table, whose values may be lists, or a list of pairs."""
    items = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(i, (list, tuple)) and len(i) == 2 for i in items):
        raise malformed(origin, name, "a table of names and texts")
    found: list[tuple[str, str]] = []
    for key, item in items:
        for one in item if isinstance(item, (list, tuple)) else [item]:
            if not isinstance(key, str) or not isinstance(one, str):
                raise malformed(origin, name, "a table of names and texts")
            found.append((_text(origin, name, key), _text(origin, name, one)))
    return tuple(sorted(found)) if name == "attributes" else tuple(found)
