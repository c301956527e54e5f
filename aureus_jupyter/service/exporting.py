"""From policies to grants: what a role may read whatever it asks, and what depends on more than an engine can know."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from aureus_jupyter.core.rewrite import without
from aureus_jupyter.service.decisions import Decider
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.grant import Grant, Unexpressed
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import Verdict, VerdictKind

__all__ = ["LEFT_OUT", "grants"]

LEFT_OUT = ("cap", "budget", "review")
"""Obligations that somebody may say the engine need not hold. Nothing else can be left out."""


def grants(
    decider: Decider, people: Iterable[Principal], purpose: str, left_out: Collection[str] = ()
) -> tuple[tuple[Grant, ...], tuple[Unexpressed, ...]]:
    """Return what each of `people`, one for a role and called like it, may read row by row, for a purpose.

    Never more than a cell would be given: what is held for approval, or would be granted to summaries alone, is not granted;
    nor is a dataset with an obligation that is not in `left_out` and that no engine holds.
    """
    found: list[Grant] = []
    notes: list[Unexpressed] = []
    for person in people:
        for dataset in decider.catalog.datasets:
            grant, more = _grant(decider, person, dataset, purpose, left_out)
            found.append(grant)
            notes.extend(more)
    return tuple(found), tuple(notes)


def _grant(
    decider: Decider, person: Principal, dataset: Dataset, purpose: str, left_out: Collection[str]
) -> tuple[Grant, list[Unexpressed]]:
    def asked(columns: Collection[str], aggregated: bool = False) -> Verdict:
        use = TableUse(dataset=dataset.name, columns=tuple(columns), star=True)
        return decider.rule(Facts(tables=(use,), aggregated=aggregated, can_raise=True), person, purpose)

    def note(policy: str, why: str) -> Unexpressed:
        return Unexpressed(dataset=dataset.name, role=person.name, policy=policy, why=why)

    nothing = Grant(role=person.name, dataset=dataset, columns=())
    shown = [c.name for c in without(dataset, asked(()).hidden).columns]
    columns = [name for name in shown if asked([name]).kind is not VerdictKind.DENY]
    verdict = asked(columns)
    if not columns or verdict.kind is not VerdictKind.ALLOW:
        return nothing, [note(r.policy, f"not granted: {r.message}") for r in (verdict.reasons or asked(shown).reasons)]
    kept = _not_held(verdict, left_out)
    if kept:
        return nothing, [note(policy, f"not granted: the engine does not hold {what}") for policy, what in kept]
    notes = [note(policy, f"left out: {what}") for policy, what in _not_held(verdict, ())]
    notes += [
        note("", f"not granted: the column {name}, which is not read row by row")
        for name in shown
        if name not in columns
    ]
    summary = asked(columns, aggregated=True)
    if (summary.masks, summary.filters) != (verdict.masks, verdict.filters):
        notes.append(note("", "stricter: summaries get the masks and filters of single rows"))
    used = {fold(name) for name in columns}
    masks = tuple(mask for mask in verdict.masks if fold(mask.column) in used)
    return Grant(role=person.name, dataset=dataset, columns=tuple(columns), masks=masks, filters=verdict.filters), notes


def _not_held(verdict: Verdict, left_out: Collection[str]) -> list[tuple[str, str]]:
    """Return (policy, what it asks for) of each obligation that no engine's statement can hold."""
    found = [(rule.policy, f"summaries of at least {rule.smallest}") for rule in verdict.summaries]
    if "cap" not in left_out and verdict.rows is not None:
        found.append(("", f"at most {verdict.rows} rows in an answer"))
    if "budget" not in left_out:
        found += [(budget.policy, f"a budget of {budget.limit} {budget.measure}") for budget in verdict.budgets]
    if "review" not in left_out:
        found += [(review.policy, "a review afterwards") for review in verdict.reviews]
    return found
