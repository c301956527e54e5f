"""`aureus policy explain`: which policies fire for a statement, which nearly do, and what the verdict is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.policies.asked import Asked
from aureus_jupyter.adapters.policies.declarative import asked_of
from aureus_jupyter.adapters.policies.language import about
from aureus_jupyter.adapters.policies.rules import Rule
from aureus_jupyter.app.policy.bench import Asking, Bench, Report, bench
from aureus_jupyter.app.policy.notebooks import SqlCell, cells_of
from aureus_jupyter.app.policy.words import verdict_words
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.errors import AureusError
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.codec import to_dict
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.settings import Settings
from aureus_jupyter.values.verdict import DecisionRequest, Verdict

__all__ = ["explain", "request_for", "whole"]

_LONGEST = 120
"""Characters of a condition's value that are shown: a list of countries tells no more than its beginning."""


def explain(
    settings: Settings, asking: Asking, dataset: str = "", sql: str = "", notebook: Path | None = None
) -> Report:
    """Explain the verdict on a statement, on each SQL cell of a notebook, or on a dataset read whole; by default on each dataset.

    Raises UserError `unknown_dataset` and what a pack, a policy or a notebook raises that cannot be read. What the guard
    refuses before any policy is asked is told, and no error.
    """
    on = bench(settings, asking)
    parts: list[tuple[list[str], Any]] = []
    if sql:
        parts.append(_statement(on, Draft(sql=sql, origin=Origin.SQL), on.purpose))
    elif notebook is not None:
        for cell in cells_of(notebook, on.reader):
            parts.append(_cell(on, cell))
    else:
        wanted: Iterable[Dataset] = [on.dataset(dataset)] if dataset else on.catalog.datasets
        parts += [_dataset(on, one) for one in wanted]
    lines = [f"As {on.who}:"]
    for told, _ in parts:
        lines += ["", *told]
    return Report(lines=lines, data={"who": to_dict(on.principal), "at": on.at, "answers": [data for _, data in parts]})


def _cell(on: Bench, cell: SqlCell) -> tuple[list[str], Any]:
    if cell.skipped:
        return [f"{cell.name}: skipped, {cell.skipped}"], {"cell": cell.name, "skipped": cell.skipped}
    draft = Draft(sql=cell.sql, origin=Origin.SQL, parameters=cell.parameters)
    lines, data = _statement(on, draft, cell.purpose or on.purpose)
    return [f"{cell.name}: {cell.first}", *(f"  {line}" for line in lines)], {"cell": cell.name, **data}


def _statement(on: Bench, draft: Draft, purpose: str) -> tuple[list[str], dict[str, Any]]:
    try:
        facts, verdict = on.judge(draft, purpose)
    except AureusError as error:
        return ["The guard refuses it:", *error.lines()], {"error": error.to_dict()}
    return _told(on, request_for(on, facts, purpose), verdict)


def _dataset(on: Bench, dataset: Dataset) -> tuple[list[str], dict[str, Any]]:
    """Explain reading a dataset row by row, with all of its columns that are not hidden."""
    request = request_for(on, whole(on, dataset, on.purpose), on.purpose)
    lines, data = _told(on, request, safe_rule(on.engine, request))
    return [f"{dataset.name}, row by row with every column:", *(f"  {line}" for line in lines)], data


def whole(on: Bench, dataset: Dataset, purpose: str) -> Facts:
    """Return the facts of a statement that reads a dataset row by row, all that is not hidden of it."""
    bare = Facts(tables=(TableUse(dataset=dataset.name, columns=()),), aggregated=True, can_raise=False)
    gone = {fold(hide.column) for hide in safe_rule(on.engine, request_for(on, bare, purpose)).hidden}
    columns = tuple(c.name for c in dataset.columns if fold(c.name) not in gone)
    return Facts(tables=(TableUse(dataset=dataset.name, columns=columns),), can_raise=False)


def request_for(on: Bench, facts: Facts, purpose: str) -> DecisionRequest:
    """Return what the policies are asked about facts."""
    return DecisionRequest(
        principal=on.principal,
        purpose=purpose,
        origin=str(Origin.SQL),
        facts=facts,
        datasets=tuple(on.catalog.index[fold(use.dataset)] for use in facts.tables),
        environment=on.environment,
        at=on.at,
    )


def _told(on: Bench, request: DecisionRequest, verdict: Verdict) -> tuple[list[str], dict[str, Any]]:
    lines = verdict_words(verdict)
    told = []
    for asked in asked_of(request):
        fired, nearly = _rules(on.policies.rules, asked)
        name = asked.dataset.name
        lines += [f"Policies that fire for {name}:", *(f"  {r.id} ({r.effect}): {r.description}" for r in fired)]
        lines += [] if fired else ["  none"]
        lines += [f"Nearly, but for one condition, for {name}:"] if nearly else []
        lines += [f"  {rule.id} ({rule.effect}): {_missed(rule, place)}" for rule, place in nearly]
        told.append(
            {
                "dataset": name,
                "fired": [r.id for r in fired],
                "nearly": [{"policy": rule.id, "condition": place} for rule, place in nearly],
            }
        )
    return lines, {"verdict": to_dict(verdict), "policies": told}


def _rules(rules: Sequence[Rule], asked: Asked) -> tuple[list[Rule], list[tuple[Rule, str]]]:
    """Return the policies that make a ruling, and those of whose conditions exactly one does not hold, with that one."""
    fired, nearly = [], []
    for rule in rules:
        match = [f"match.{name}" for name, test in rule.match if not test(asked)]
        failing = [*match, *(f"when.{name}" for name, test in rule.when if not test(asked))]
        if len(failing) == 1:
            nearly.append((rule, failing[0]))
        elif not failing and _rules_on(rule, asked):
            fired.append(rule)
    return fired, nearly


def _rules_on(rule: Rule, asked: Asked) -> bool:
    try:
        return bool(rule.make(asked))
    except ValueError:
        return True  # it fires, and cannot be met


def _missed(rule: Rule, place: str) -> str:
    part, _, name = place.partition(".")
    return f"{name} [{_value_words(rule.policy[part][name])[:_LONGEST]}] does not hold. {about(part, name)}"


def _value_words(value: Any) -> str:
    """Return the value of a condition as a person writes it."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_value_words(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
