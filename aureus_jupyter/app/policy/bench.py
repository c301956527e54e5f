"""Policies on the bench: a pack's catalog, a set of policies, somebody who asks, and no data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aureus_jupyter import plugins
from aureus_jupyter.adapters.catalogs.binding import Binder
from aureus_jupyter.adapters.policies.declarative import DeclarativePolicies, load_policies
from aureus_jupyter.app import build
from aureus_jupyter.app.opa import with_opa
from aureus_jupyter.app.text_reader import TextReader
from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.core.rewrite import without
from aureus_jupyter.errors import UserError
from aureus_jupyter.ports import PolicyEngine
from aureus_jupyter.service.decisions import Decider
from aureus_jupyter.values.catalog import Catalog, Dataset, fold
from aureus_jupyter.values.draft import Draft
from aureus_jupyter.values.facts import Facts
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.settings import Settings
from aureus_jupyter.values.verdict import Verdict

__all__ = ["Asking", "Bench", "Report", "bench", "dialect_of", "principal_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a command says: lines for people, `data` for machines (plain JSON values), and the exit code."""

    lines: Sequence[str]
    data: Any
    code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks and why, as the command line says it. Empty members come from the settings, roles and attributes with the name.

    `at` is RFC 3339, empty for now.
    """

    name: str = ""
    roles: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    purpose: str = ""
    environment: str = ""
    at: str = ""
    pack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """All that a question to the policies needs: `policies` are those of files, `engine` all, OPA's too where it is configured."""

    decider: Decider
    policies: DeclarativePolicies
    engine: PolicyEngine
    catalog: Catalog
    principal: Principal
    purpose: str
    environment: str
    at: str
    pack: str
    reader: TextReader = field(default_factory=lambda: TextReader("duckdb"))

    def dataset(self, name: str) -> Dataset:
        """Return a dataset of the pack. Raises UserError `unknown_dataset`."""
        found = self.catalog.dataset(name)
        if found is None:
            known = [d.name for d in self.catalog.datasets]
            raise UserError(
                "unknown_dataset",
                f"the pack {self.pack} has no dataset called {name[:60]!r}",
                hint=nearest_hint(name, known, f"It has {', '.join(known[:20])}."),
            )
        return found

    def judge(self, draft: Draft, purpose: str) -> tuple[Facts, Verdict]:
        """Return facts and verdict of a statement. Raises Refused and UserError for what the guard refuses on its own.

        That a statement names a hidden column shows in a session when the engine binds it; here, when it binds over empty tables
        only with that column (`unknown_column`).
        """
        facts, verdict = self.decider.judge(draft, self.reader, self.principal, purpose)
        if verdict.hidden and self.reader.dialect == "duckdb" and self._names_hidden(draft.sql, facts, verdict):
            raise UserError(
                "unknown_column",
                f"the statement names a column that is hidden from {self.principal.name}",
                hint="For the one who asks there is no such column. Leave it out.",
            )
        return facts, verdict

    def _names_hidden(self, sql: str, facts: Facts, verdict: Verdict) -> bool:
        whole = [self.catalog.index[fold(use.dataset)] for use in facts.tables]
        shown = [without(dataset, verdict.hidden) for dataset in whole]
        return not _binds(sql, shown, facts) and _binds(sql, whole, facts)

    @property
    def who(self) -> str:
        """The one who asks, in words."""
        roles = ", ".join(self.principal.roles) or "no role"
        attributes = "".join(f", {name}={value}" for name, value in self.principal.attributes)
        place = f", in {self.environment}" if self.environment else ""
        return (
            f"{self.principal.name} ({roles}{attributes}) for the purpose {self.purpose or 'none'}{place}, at {self.at}"
        )


def _binds(sql: str, datasets: Sequence[Dataset], facts: Facts) -> bool:
    """Whether a statement binds over empty tables made from contracts."""
    with Binder() as binder:
        for dataset in datasets:
            list(binder.create(dataset))
        binder.lock()
        return not binder.statement(sql, facts.parameters)


def principal_of(settings: Settings, asking: Asking) -> Principal:
    """Return who asks: the settings' own principal, unless another is named, who has only the roles given with the name."""
    if asking.name:
        attributes = tuple(sorted(asking.attributes))
        return Principal(
            name=asking.name, roles=tuple(sorted(asking.roles)), attributes=attributes, source="command line"
        )
    own = build.principal(settings)
    return replace(
        own,
        roles=tuple(sorted(asking.roles)) or own.roles,
        attributes=tuple(sorted(asking.attributes)) or own.attributes,
    )


def bench(settings: Settings, asking: Asking, folders: Iterable[Path] | None = None) -> Bench:
    """Return the bench for a question; `folders` are policies in place of the session's own.

    Raises UserError `bad_time`, `unknown_pack`, and what packs and policies raise that cannot be read.
    """
    pack = asking.pack or settings.pack
    at = _time(asking.at)
    catalog = build.catalog(settings, pack)
    policies = load_policies(build.policy_folders(settings, pack) if folders is None else folders)
    engine = with_opa(settings, policies)
    environment = asking.environment or settings.environment
    return Bench(
        decider=Decider(catalog, engine, environment, lambda: at),
        policies=policies,
        engine=engine,
        catalog=catalog,
        principal=principal_of(settings, asking),
        purpose=asking.purpose or settings.purpose,
        environment=environment,
        at=at,
        pack=pack,
        reader=TextReader(dialect_of(settings, pack)),
    )


def dialect_of(settings: Settings, pack: str) -> str:
    """Return the dialect of a pack's own connection, without connecting."""
    spec = plugins.load("catalog", "pack")(build.pack_folder(settings, pack)).about().get("connection", {})
    url = str(spec.get("url", "")) if spec.get("kind") == "sqlalchemy" else ""
    return "postgres" if url.startswith(("postgresql", "postgres:", "postgres+")) else "duckdb"


def _time(text: str) -> str:
    """Return a time as RFC 3339 in UTC, to the minute as a session asks; now when there is none."""
    try:
        found = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError:
        raise UserError(
            "bad_time", "--at takes a time as RFC 3339 writes it", hint="Write for example --at 2026-01-31T09:00:00Z."
        ) from None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z")
