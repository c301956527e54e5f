"""The tables and views that a database's account can see, and which of them a contract means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aureus_jupyter.core.rewrite import quoted
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import RawColumn, RawTable
from aureus_jupyter.values.catalog import Dataset

__all__ = ["Tables"]

_TABLES = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
ORDER BY n.nspname, c.relname, a.attnum
"""


class Tables:
    """What is there, read on first use and again when something was missing."""

    def __init__(self, connection: Any) -> None:
        self._con = connection
        self._columns: dict[tuple[str, str], list[RawColumn]] = {}

    def all(self) -> Sequence[RawTable]:
        """Return the tables and views as they are now, without row counts."""
        self._columns = {}
        found = self._read()
        return [RawTable(source=f"{schema}.{name}", columns=tuple(c)) for (schema, name), c in found.items()]

    def of(self, dataset: Dataset) -> str:
        """Return the SQL that names the one table of a contract. Raises Unavailable `contract_drift`."""
        found = self._matching(dataset.source)
        have = {column.name for column in self._columns[found[0]]} if len(found) == 1 else set()
        missing = [column.name for column in dataset.columns if column.name not in have]
        if missing:
            what = f"has no column {missing[0]}" if have else f"is not one table but {len(found)}"
            raise self._drift(f"the source of {dataset.name} {what} in this database")
        return ".".join(map(quoted, found[0]))

    def named(self, source: str) -> str:
        """Return the SQL that names the one table that rows are filtered by. Raises Unavailable `contract_drift`."""
        found = self._matching(source)
        if len(found) != 1:
            raise self._drift(f"a table that rows are filtered by is not one table but {len(found)}")
        return ".".join(map(quoted, found[0]))

    def _read(self) -> dict[tuple[str, str], list[RawColumn]]:
        if not self._columns:
            for schema, name, column, kind, nullable in self._con.execute(_TABLES).fetchall():
                made = RawColumn(name=column, type=kind, nullable=nullable)
                self._columns.setdefault((schema, name), []).append(made)
        return self._columns

    def _matching(self, source: str) -> list[tuple[str, str]]:
        schema, _, table = source.rpartition(".")
        return [key for key in self._read() if key[1] == table and schema in {"", key[0]}]

    def _drift(self, what: str) -> Unavailable:
        self._columns = {}
        hint = "Correct the contract, or connect to the database it describes."
        return Unavailable("contract_drift", what, hint=hint)
