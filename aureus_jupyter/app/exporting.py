"""`aureus policy export`: the policies of a pack as the own statements of an engine that enforces them itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from aureus_jupyter import plugins
from aureus_jupyter.app.build import decider
from aureus_jupyter.core.exporting.postgres import postgres
from aureus_jupyter.core.exporting.trino import trino
from aureus_jupyter.core.exporting.warehouses import databricks, snowflake
from aureus_jupyter.errors import UserError
from aureus_jupyter.service.exporting import LEFT_OUT, grants
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.grant import Exported, Grant
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.settings import Settings

__all__ = ["TARGETS", "export"]

_ROLE = re.compile(r"[A-Za-z0-9_.-]{1,63}", re.ASCII)
TARGETS: Mapping[str, Callable[[Sequence[Grant], Catalog, Sequence[Principal]], Exported]] = MappingProxyType(
    {"postgres-rls": postgres, "trino": trino, "snowflake": snowflake, "databricks": databricks}
)


def export(
    settings: Settings,
    target: str,
    roles: Sequence[str],
    attributes: Sequence[tuple[str, str]] = (),
    purpose: str = "",
    left_out: Sequence[str] = (),
) -> Exported:
    """Return the statements for `target` that give each of `roles` what its cells would be given, and what they do not say.

    A role is one person with that role alone and `attributes`, asking for `purpose`: engines know roles, not purposes. Reads
    no data. Raises UserError `bad_option`, and what reading the pack and its policies raises.
    """
    if target not in TARGETS:
        raise UserError("bad_option", "there is no such engine to export to", hint=f"Use one of {', '.join(TARGETS)}.")
    if any(not _ROLE.fullmatch(role) for role in roles):
        raise UserError(
            "bad_option",
            "a role's name has a sign that engines take for something else",
            hint="Use letters, digits, _ . and -.",
        )
    unknown = [name for name in left_out if name not in LEFT_OUT]
    if unknown or not roles:
        what = "only a cap, a budget or a review can be left out" if unknown else "no role was named"
        raise UserError("bad_option", what, hint=f"--role analyst, and --without with some of {', '.join(LEFT_OUT)}.")
    judge = decider(settings, settings.pack, plugins.load("clock", "system")())
    people = [
        Principal(name=role, roles=(role,), attributes=tuple(sorted(attributes)), source="export")
        for role in dict.fromkeys(roles)
    ]
    found, notes = grants(judge, people, purpose, left_out)
    made = TARGETS[target](found, judge.catalog, people)
    return Exported(text=made.text, unexpressed=(*notes, *made.unexpressed))
