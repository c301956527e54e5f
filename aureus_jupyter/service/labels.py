"""The labels that ride with a result's columns."""

from __future__ import annotations

from collections.abc import Iterable

from aureus_jupyter.ports import ResultTable
from aureus_jupyter.values.catalog import Catalog, Classification, Column, Pii, fold
from aureus_jupyter.values.facts import Facts
from aureus_jupyter.values.run import ResultColumn, ResultInfo
from aureus_jupyter.values.verdict import Verdict

__all__ = ["result_info"]

_CLASSES = [str(item) for item in Classification]
_PII = [str(item) for item in Pii]


def result_info(table: ResultTable, facts: Facts, verdict: Verdict, catalog: Catalog) -> ResultInfo:
    """Describe a result without its rows.

    Where lineage per column is not known, every column carries the strictest label of all columns the statement used.
    """
    masked = {(fold(m.dataset), fold(m.column)) for m in verdict.masks}
    known = facts.outputs if len(facts.outputs) == len(table.columns) else ()
    every = tuple(f"{use.dataset}.{name}" for use in facts.tables for name in use.columns)
    columns = []
    for position, raw in enumerate(table.columns):
        sources = known[position].sources if known else every
        labels = [_label(source, catalog) for source in sources]
        columns.append(
            ResultColumn(
                name=raw.name,
                type=raw.type,
                sources=sources,
                classification=_strictest((c.classification for c in labels), _CLASSES),
                pii=_strictest((c.pii for c in labels), _PII),
                masked=any(_key(source) in masked for source in sources),
            )
        )
    digest, method = table.digest()
    return ResultInfo(
        columns=tuple(columns), rows=table.rows, digest=digest, digest_method=method, truncated=table.truncated
    )


def _key(source: str) -> tuple[str, str]:
    dataset, _, column = source.partition(".")
    return fold(dataset), fold(column)


def _label(source: str, catalog: Catalog) -> Column:
    dataset, column = _key(source)
    return next(c for c in catalog.index[dataset].columns if fold(c.name) == column)


def _strictest(found: Iterable[str], order: list[str]) -> str:
    ranked = [order.index(str(item)) for item in found]
    return order[max(ranked)] if ranked else ""
