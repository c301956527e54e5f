"""The only relations a statement finds: a temporary view per governed table, made for the plan, kept while it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.catalog import Column, Dataset, fold
from aureus_jupyter.values.plan import Plan, Shadow

from .duckdb_instance import PADS, Raw
from .duckdb_reading import DuckDBReader
from .duckdb_source import quote

__all__ = ["Shadows"]


@dataclass(frozen=True, slots=True)
class _Made:
    """A view that exists: its text, what the engine's name extraction says it reads, its columns' names and types."""

    select: str
    reads: frozenset[str]
    columns: tuple[tuple[str, str], ...]


class Shadows:
    """The shadow views of one connection.

    Views that the plan does not list are dropped, so that no statement finds a table nobody decided about.
    """

    def __init__(self, con: Any, raw: Mapping[str, Raw], reader: DuckDBReader, keys: str) -> None:
        self._con, self._raw, self._reader, self._keys = con, raw, reader, keys
        self._made: dict[str, _Made | None] = {}

    def make(self, plan: Plan, datasets: Sequence[Dataset]) -> bool:
        """Make what the plan lists and drop the rest; return whether anything changed.

        Raises Unavailable `contract_drift` when a dataset's raw relation is missing, or is not as its contract says.
        """
        by_name = {fold(d.name): d for d in datasets}
        changed = False
        for name in set(self._made) - {fold(s.dataset) for s in plan.shadows}:
            self._made[name] = None  # an interrupt between the next two lines must not leave it believed
            self._con.execute(f"DROP VIEW IF EXISTS temp.main.{quote(name)}")
            del self._made[name]
            changed = True
        for shadow in plan.shadows:
            changed |= self._make_one(shadow, by_name.get(fold(shadow.dataset)))
        return changed

    def reads(self) -> frozenset[str]:
        """Return the raw relations below the shadows, as the engine's name extraction writes them."""
        return frozenset().union(*(m.reads for m in self._made.values() if m is not None))

    def raw(self, plan: Plan) -> list[str]:
        """Return the SQL of every relation that the plan's shadows read, each once."""
        found = [self._find(source, s.dataset).sql for s in plan.shadows for source in (s.source, *s.others)]
        return list(dict.fromkeys([*found, *([self._keys] if any(s.keyed for s in plan.shadows) else [])]))

    def names(self) -> list[str]:
        """Return the folded names of shadows and of their columns: what a hint may show."""
        found = list(self._made)
        for made in self._made.values():
            found.extend(name for name, _ in (made.columns if made is not None else ()))
        return found

    def columns(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return each shadow's columns, name and type."""
        return {name: made.columns for name, made in self._made.items() if made is not None}

    def _make_one(self, shadow: Shadow, dataset: Dataset | None) -> bool:
        raw = self._find(shadow.source, shadow.dataset)
        others = {source: self._find(source, shadow.dataset).sql for source in shadow.others}
        name = fold(shadow.dataset)
        select = shadow.select(raw.sql, PADS, others, f"{self._keys} AS aureus_keys")
        known = self._made.get(name)
        if known is not None and known.select == select:
            return False
        if dataset is not None:
            self._check(dataset, raw)
        self._made[name] = None  # known to exist from here on, whatever interrupts
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS {select}")
        reads = self._con.get_table_names(f"SELECT * FROM {quote(name)}", qualified=True)
        rows = self._con.execute(f"DESCRIBE SELECT * FROM {quote(name)}").fetchall()
        self._made[name] = _Made(select, frozenset(reads), tuple((str(row[0]), str(row[1])) for row in rows))
        return True

    def _find(self, source: str, dataset: str) -> Raw:
        raw = self._raw.get(source) or self._raw.get(fold(source))
        if raw is None:
            raise _drift(f"the dataset {dataset}, or one that its rows are filtered by, is not in this connection")
        return raw

    def _check(self, dataset: Dataset, raw: Raw) -> None:
        """Compare the raw relation with the contract: each column there, each of the type it says."""
        rows = self._con.execute(f"DESCRIBE SELECT * FROM {raw.sql}").fetchall()
        physical = {fold(str(row[0])): str(row[1]) for row in rows}
        for column in dataset.columns:
            self._check_column(dataset, column, physical.get(fold(column.name)))

    def _check_column(self, dataset: Dataset, column: Column, found: str | None) -> None:
        if found is None:
            raise _drift(f"the column {dataset.name}.{column.name} of the contract is not in the data")
        if self._reader.type_name(column.type) != found:
            raise _drift(
                f"the column {dataset.name}.{column.name} is {column.type} in the contract and {found} in the data"
            )


def _drift(what: str) -> Unavailable:
    return Unavailable(
        "contract_drift",
        what,
        hint="Connect the data the contract describes, or ask the dataset's owner to correct the contract.",
    )
