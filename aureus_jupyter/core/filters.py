"""A row filter as a condition over raw columns. Every column is qualified, so that no name can mean another relation's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from types import MappingProxyType

from aureus_jupyter.core.foreign import foreign
from aureus_jupyter.core.masks import literal
from aureus_jupyter.core.spelling import quoted
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.obligations import Condition, Filter, Op, Within
from aureus_jupyter.values.plan import RAW, raw_marker
from aureus_jupyter.values.principal import Principal

__all__ = ["Written", "where"]

_SIGNS: Mapping[Op, str] = MappingProxyType({Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="})
_DEEPEST = 5
"""Datasets that one relational filter may go through."""


class Written:
    """A condition being written: the sources of other datasets it reads, and names for them that nothing else has."""

    def __init__(self, catalog: Catalog, dialect: str, principal: Principal) -> None:
        self.catalog, self.dialect, self.principal = catalog, dialect, principal
        self.sources: list[str] = []
        self._numbers = count(1)

    def alias(self) -> str:
        """Return the next name."""
        return f"aureus_{next(self._numbers)}"


def where(filters: Sequence[Filter], dataset: Dataset, written: Written) -> str:
    """Return the condition that all filters of one dataset make, empty when there is none.

    Filters that share an `any_of` are alternatives. Raises Refused `cannot_filter` and what `foreign` raises.
    """
    groups: dict[str, list[str]] = {}
    for number, rule in enumerate(filters):
        condition = _rule(rule, dataset, written)
        groups.setdefault(f"any {rule.any_of}" if rule.any_of else f"all {number}", []).append(condition)
    parts = [
        f"({' OR '.join(f'({one})' for one in alternatives)})" if len(alternatives) > 1 else alternatives[0]
        for alternatives in groups.values()
    ]
    return " AND ".join(parts)


def _rule(rule: Filter, dataset: Dataset, written: Written) -> str:
    if rule.op is Op.EXPRESSION:
        return "(" + foreign(rule.expression, dataset, written.dialect, written.principal, rule.policy) + ")"
    condition = Condition(column=rule.column, op=rule.op, values=rule.values, within=rule.within)
    return _condition(condition, dataset, RAW, written, rule.policy, 0)


def _condition(rule: Condition, dataset: Dataset, alias: str, written: Written, policy: str, depth: int) -> str:
    name = f"{alias}.{quoted(_column(rule.column, dataset, policy).name)}"
    if rule.op is Op.WITHIN:
        return f"{name} IN ({_within(rule.within, written, policy, depth + 1)})"
    if rule.op is Op.IS_NULL:
        return f"{name} IS NULL"
    if rule.op is Op.NOT_NULL:
        return f"{name} IS NOT NULL"
    values = [literal(v) for v in rule.values if v is not None]
    if rule.op in {Op.IN, Op.NOT_IN}:
        if not values:
            return "FALSE" if rule.op is Op.IN else f"{name} IS NOT NULL"
        return f"{name} {'IN' if rule.op is Op.IN else 'NOT IN'} ({', '.join(values)})"
    if len(values) != 1 or rule.op not in _SIGNS:
        raise _cannot(policy, f"compares {rule.column} with {len(values)} constants, one is needed")
    return f"{name} {_SIGNS[rule.op]} {values[0]}"


def _within(within: Within | None, written: Written, policy: str, depth: int) -> str:
    """Return a subquery over the other dataset's raw rows: its own filters are not applied, the policy said the condition."""
    if within is None or depth > _DEEPEST:
        raise _cannot(policy, f"goes through more than {_DEEPEST} datasets, or names none")
    other = written.catalog.dataset(within.dataset)
    if other is None:
        raise _cannot(policy, "compares with a dataset that is not in the catalog")
    written.sources.append(other.source)
    alias = written.alias()
    column = _column(within.column, other, policy)
    parts = [_condition(one, other, alias, written, policy, depth) for one in within.conditions]
    ending = f" WHERE {' AND '.join(parts)}" if parts else ""
    return f"SELECT {alias}.{quoted(column.name)} FROM {raw_marker(other.source)} AS {alias}{ending}"


def _column(name: str, dataset: Dataset, policy: str) -> Column:
    column = dataset.column(name)
    if column is None:
        raise _cannot(policy, f"filters by a column that {dataset.name} does not have")
    return column


def _cannot(policy: str, what: str) -> Refused:
    return Refused("cannot_filter", f"the policy {policy} {what}", hint="Ask the policy's owner to correct it.")
