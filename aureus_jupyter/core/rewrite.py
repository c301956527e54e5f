"""From a verdict's obligations to shadows: the relations a statement reads in place of the raw ones.

The user's text is never edited. Filter first, then masks, explicit columns, every mask keeping its column's type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aureus_jupyter.core.analyze import bound_text
from aureus_jupyter.core.filters import Written, where
from aureus_jupyter.core.foreign import foreign
from aureus_jupyter.core.masks import cast_to, literal, masked
from aureus_jupyter.core.spelling import quoted
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, fold
from aureus_jupyter.values.facts import Facts
from aureus_jupyter.values.obligations import Hide, Mask, MaskMethod
from aureus_jupyter.values.plan import MARK, RAW, Plan, Shadow
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import Verdict

__all__ = ["literal", "quoted", "rewrite", "without"]

_NOBODY = Principal(name="")


def rewrite(
    sql: str,
    facts: Facts,
    verdict: Verdict,
    catalog: Catalog,
    dialect: str,
    rows: int | None = None,
    principal: Principal = _NOBODY,
    summarised: bool = False,
) -> Plan:
    """Return the plan for a statement the verdict lets run.

    `catalog` is whole, with the columns that the verdict hides. `rows` is the user's own cap; the smaller of it and the
    verdict's counts. `summarised`: the statement is a plain summary (`core.summary`), and whoever runs the plan asks for
    the size of its groups first. Raises Refused `cannot_meet`, `cannot_mask`, `cannot_filter` or `policy_expression` when an
    obligation cannot be met: the statement then does not run.
    """
    if verdict.summaries and not summarised:
        raise Refused(
            "cannot_meet",
            "a policy asks for summaries of a smallest size, and nobody has looked whether this is one",
            hint="Please report this.",
        )
    shadows = [
        _shadow(catalog.index[fold(use.dataset)], facts, verdict, catalog, dialect, principal) for use in facts.tables
    ]
    caps = [cap for cap in (rows, verdict.rows) if cap is not None]
    return Plan(
        sql=sql,
        bound=bound_text(sql, dialect),
        dialect=dialect,
        shadows=tuple(sorted(shadows, key=lambda s: s.dataset)),
        parameters=facts.parameters,
        rows=min(caps) if caps else None,
        reads=facts.tables,
        names=tuple(output.name for output in facts.outputs),
    )


def without(dataset: Dataset, hides: tuple[Hide, ...]) -> Dataset:
    """Return the dataset as it is for somebody from whom columns are hidden.

    What is left of a key whose other columns are hidden is no key: it need not be unique.
    """
    gone = {fold(hide.column) for hide in hides if fold(hide.dataset) == fold(dataset.name)}
    if not gone:
        return dataset
    broken = any(column.key for column in dataset.columns if fold(column.name) in gone)
    left = (column for column in dataset.columns if fold(column.name) not in gone)
    return replace(dataset, columns=tuple(replace(c, key=False) if broken else c for c in left))


def _shadow(
    dataset: Dataset, facts: Facts, verdict: Verdict, catalog: Catalog, dialect: str, principal: Principal
) -> Shadow:
    masks = {fold(m.column): m for m in verdict.masks if fold(m.dataset) == fold(dataset.name)}
    filters = tuple(f for f in verdict.filters if fold(f.dataset) == fold(dataset.name))
    written = Written(catalog, dialect, principal)
    condition = where(filters, dataset, written)
    shown = without(dataset, verdict.hidden)
    if not shown.columns:
        raise Refused("cannot_mask", f"a policy hides every column of {dataset.name}", hint="Ask its owner for access.")
    # What a policy engine wrote can raise, and then the error is about a row that the filter hides.
    raising = facts.can_raise or any(mask.method is MaskMethod.EXPRESSION for mask in masks.values())
    return Shadow(
        dataset=dataset.name,
        source=dataset.source,
        projection=tuple(_column(c, masks, dataset, dialect, principal) for c in shown.columns),
        where=condition,
        # Without a filter there is no hidden row whose value an error could show.
        barrier=bool(condition) and raising,
        others=tuple(sorted(set(written.sources))),
        columns=tuple(column.name for column in shown.columns),
    )


def _column(column: Column, masks: Mapping[str, Mask], dataset: Dataset, dialect: str, principal: Principal) -> str:
    if MARK in column.name:
        raise Refused("bad_name", "a column's name holds a mark of the guard's own", hint="Rename it in the contract.")
    name = quoted(column.name)
    mask = masks.get(fold(column.name))
    if mask is None:
        return f"{RAW}.{name}"
    if mask.method is MaskMethod.EXPRESSION:
        shown = cast_to(foreign(mask.expression, dataset, dialect, principal, mask.policy), column, dialect)
    else:
        shown = masked(column, mask, dialect)
    return f"{shown} AS {name}"
