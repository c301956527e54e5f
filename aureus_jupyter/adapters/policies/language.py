"""The policy language in words, from its JSON Schema: the one source for explanations and documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

__all__ = ["about", "members", "tables"]


@lru_cache(maxsize=1)
def _schema() -> Mapping[str, Any]:
    text = files("aureus_jupyter.adapters.policies").joinpath("policy.schema.json").read_text("utf-8")
    return MappingProxyType(json.loads(text)["$defs"])


def about(part: str, name: str) -> str:
    """Return what a member means, in a sentence; `part` is match, when or another definition of the schema."""
    return str(_schema()[part]["properties"].get(name, {}).get("description", ""))


def members(part: str) -> dict[str, str]:
    """Return what each member of a definition means, by name, in the schema's order."""
    return {name: str(node.get("description", "")) for name, node in _schema()[part]["properties"].items()}


_EFFECTS: Mapping[str, str] = MappingProxyType(
    {
        "permit": "Opens the dataset. What nothing permits is refused.",
        "deny": "Refuses the statement. It wins over every permit.",
        "approve": "Holds the statement until approvers say yes.",
        "mask": "Shows columns in another form, before any condition, join or group sees them.",
        "filter": "Leaves rows out. Filters are ANDed; those that share an `any_of` are alternatives.",
        "cap": "Bounds the rows of a result.",
        "hide": "Takes columns away: there is no such column.",
        "summary": "Answers in summaries of a smallest size only.",
        "budget": "Bounds what is spent in a sliding window of time.",
        "review": "Lets the statement run and asks for a review afterwards.",
    }
)


def tables() -> str:
    """Return Markdown tables of effects and conditions."""
    effects = [f"| `{name}` | {words} | {_given(name)} |" for name, words in _EFFECTS.items()]
    parts = ["| effect | what it does | its members |\n|---|---|---|\n" + "\n".join(effects)]
    details = [row for name in _EFFECTS for row in _details(name)]
    parts.append("| member | what it says |\n|---|---|\n" + "\n".join(details))
    for part, title in (("match", "`match`: about the dataset"), ("when", "`when`: about who asks, why, when and how")):
        rows = [f"| `{name}` | {words} |" for name, words in members(part).items()]
        parts.append(f"| {title} | holds when |\n|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _details(effect: str) -> list[str]:
    own = _schema()["policy"]["properties"].get(effect, {}).get("properties", {})
    return [f"| `{effect}.{name}` | {node['description']} |" for name, node in own.items()]


def _given(effect: str) -> str:
    schema = _schema()["policy"]
    conditions = ((one["if"]["properties"]["effect"]["const"], one["then"]["required"]) for one in schema["allOf"])
    wanted: list[str] = next((required for name, required in conditions if name == effect), [])
    more = ["quorum", "valid_hours"] if effect == "approve" else []
    return ", ".join(f"`{name}`" for name in (*wanted, *more)) or "none of its own"
