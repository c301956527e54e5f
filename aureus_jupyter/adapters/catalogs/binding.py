"""Whether a pack's SQL means something over its contracts: bound by DuckDB over empty tables, and never run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aureus_jupyter.adapters.catalogs.contracts import Place
from aureus_jupyter.adapters.catalogs.questions import Fault
from aureus_jupyter.core.copilot.verified import slot_value
from aureus_jupyter.core.text import bind_names
from aureus_jupyter.values.catalog import Dataset, Question, Slot

__all__ = ["Binder"]

_EXAMPLES: Mapping[str, str] = {"number": "1", "percent": "1 %", "date": "2000-01-01", "text": "x"}
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "threads": "1",
    "memory_limit": "256MB",
}


class Binder:
    """An empty, locked database in memory with one table per dataset. Holds no data and reads none."""

    def __init__(self) -> None:
        import duckdb

        self._duckdb = duckdb
        self._connection: Any = duckdb.connect(":memory:", config=_CONFIG)

    def __enter__(self) -> Binder:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def create(self, dataset: Dataset) -> Iterator[tuple[Place, str, str]]:
        """Make the dataset's table. Yields the place, expectation and finding for each type DuckDB does not know."""
        fields = []
        for index, column in enumerate(dataset.columns):
            why = self._why(f"SELECT CAST(NULL AS {column.type})", {})
            if why:
                yield ["schema", 0, "properties", index, "physicalType"], "a type DuckDB knows", why
                continue
            fields.append(f"{_quoted(column.name)} {column.type}")
        why = self._make(f"CREATE TABLE {_quoted(dataset.name)} ({', '.join(fields)})") if fields else ""
        if why:
            yield ["schema", 0], "a table DuckDB can hold", why

    def _make(self, sql: str) -> str:
        try:
            self._connection.execute(sql)
        except self._duckdb.Error as error:
            return _first_line(error)
        return ""

    def lock(self) -> None:
        """Forbid the statements that follow to change how the database is set up."""
        self._connection.execute("SET lock_configuration = true")

    def metric(self, sql: str, dataset: str) -> str:
        """Return why an expression does not stand over a dataset, or nothing."""
        return self._why(f"SELECT {sql} FROM {_quoted(dataset)}", {})

    def questions(self, questions: Sequence[Question]) -> Iterator[Fault]:
        """Yield a fault for each question whose SQL does not bind."""
        for index, question in enumerate(questions):
            values = {slot.name: slot_value(slot, slot.default or _example(slot)) for slot in question.slots}
            why = self._why(bind_names(question.sql)[0], values)
            if why:
                yield Fault(
                    path=("questions", index, "sql"),
                    field=f"{question.id}.sql",
                    expected="one SELECT over the pack's datasets",
                    found=why,
                )

    def statement(self, sql: str, parameters: Iterable[str]) -> str:
        """Return why a statement does not bind, or nothing. Its parameters are bound as NULL."""
        return self._why(bind_names(sql)[0], dict.fromkeys(parameters))

    def _why(self, sql: str, values: Mapping[str, Any]) -> str:
        try:
            statements = self._connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != self._duckdb.StatementType.SELECT:
                return "another kind of statement" if len(statements) == 1 else f"{len(statements)} statements"
            self._connection.execute(f"EXPLAIN {statements[0].query}", dict(values))
        except self._duckdb.Error as error:
            return _first_line(error)
        return ""


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _example(slot: Slot) -> str:
    return slot.choices[0] if slot.choices else _EXAMPLES.get(slot.kind, "")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
