"""What a statement asks of a policy, in the shape of Trino's OPA plugin, so that policies written for Trino answer it.

Trino's own fields are where Trino puts them. What Trino does not know (purpose, attributes, labels of datasets and columns) is in
`context.properties`, as `request.schema.json` says; `request.example.json` shows one. Trino's groups are the user's roles and
the values of the attribute `group`. Names of physical tables come from
`Dataset.source`: `catalog.schema.table` and `schema.table` are taken apart; else the catalog is the pack, the schema
`default`, and the table the dataset's own name. Source: Trino, "Open Policy Agent access control".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from aureus_jupyter.values.catalog import Column, Dataset, fold
from aureus_jupyter.values.facts import TableUse
from aureus_jupyter.values.verdict import DecisionRequest

__all__ = ["Question", "Table", "Value", "context_of", "general_questions", "table_questions", "tables_of"]

_IDENTIFIERS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*){1,2}")
_FILES: Final = (".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".tsv", ".txt")
_TYPES: Final = {
    "TEXT": "varchar",
    "STRING": "varchar",
    "FLOAT": "real",
    "HUGEINT": "decimal(38,0)",
    "BLOB": "varbinary",
    "TIMESTAMP": "timestamp(6)",
    "TIMESTAMP WITH TIME ZONE": "timestamp(6) with time zone",
    "TIMESTAMPTZ": "timestamp(6) with time zone",
    "TIME": "time(6)",
}


Value = Callable[[Any], Any]
"""Turns plain JSON values into what the policy's side reads. Must be the same function each time, for its results are kept."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question to one rule. `columns` are those that the indices of an answer mean."""

    rule: str
    action: Mapping[str, Any]
    dataset: str = ""
    columns: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What it is about, for a refusal: the operation, and the resource's names."""
        names: list[str] = []
        for resource in (self.action.get("resource") or {}).values():
            names += [str(v) for k, v in resource.items() if k != "columns"]
        return f"{self.action['operation']} {'.'.join(names)}".strip()


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset of the request, what the statement uses and shows of it, and its name in Trino's terms."""

    dataset: Dataset
    used: tuple[str, ...]
    shown: tuple[str, ...]
    star: bool
    name: Mapping[str, str]


def tables_of(request: DecisionRequest) -> list[Table]:
    """Return the request's datasets by name. Raises LookupError for one whose use is not in the facts."""
    uses = {fold(use.dataset): use for use in request.facts.tables}
    sources = {fold(source) for output in request.facts.outputs for source in output.sources}
    made = [_table(dataset, uses[fold(dataset.name)], sources) for dataset in request.datasets]
    return sorted(made, key=lambda t: t.dataset.name)


def _table(dataset: Dataset, use: TableUse, sources: Collection[str]) -> Table:
    wanted = {fold(c) for c in use.columns}
    used = tuple(c.name for c in dataset.columns if fold(c.name) in wanted)
    # Where it is not known what comes into the result, all that is used may.
    shown = tuple(c for c in used if not sources or fold(f"{dataset.name}.{c}") in sources)
    return Table(dataset, used, shown, use.star, _name(dataset))


def _name(dataset: Dataset) -> dict[str, str]:
    parts = [dataset.name]
    if _IDENTIFIERS.fullmatch(dataset.source) and not dataset.source.lower().endswith(_FILES):
        parts = dataset.source.split(".")
    catalog, schema, table = ([dataset.pack, "default"][: 3 - len(parts)] + parts)[:3]
    return {"catalogName": catalog, "schemaName": schema, "tableName": table}


def context_of(request: DecisionRequest, value: Value) -> dict[str, Any]:
    """Return the context all questions of a request share. `value` turns its parts into what the policy's side reads."""
    who, facts = request.principal, request.facts
    attributes: dict[str, list[str]] = {}
    for name, held in sorted(who.attributes):
        attributes.setdefault(name, []).append(held)
    properties = {
        "version": 1,
        "roles": sorted(who.roles),
        "attributes": attributes,
        "identitySource": who.source,
        "purpose": request.purpose,
        "origin": request.origin,
        "environment": request.environment,
        "tier": request.tier,
        "at": request.at,
        "statement": {
            "aggregated": facts.aggregated,
            "joins": facts.joins,
            "hasFilter": facts.has_filter,
            "functions": sorted(set(facts.functions)),
        },
        "datasets": {t.dataset.name: _labels(t, value) for t in tables_of(request)},
    }
    return {
        "identity": {"user": who.name, "groups": sorted({*who.roles, *who.values_of("group")})},
        "queryId": "",
        "softwareStack": {"trinoVersion": "aureus"},
        "properties": {name: value(item) for name, item in properties.items()},
    }


def _labels(table: Table, value: Value) -> dict[str, Any]:
    dataset = table.dataset
    return {
        **table.name,
        "pack": dataset.pack,
        "domain": dataset.domain,
        "jurisdiction": dataset.jurisdiction,
        "classification": str(dataset.classification),
        "tags": sorted(dataset.tags),
        "owner": dataset.owner,
        "approvers": list(dataset.approvers),
        "retentionDays": dataset.retention_days,
        "columnsUsed": list(table.used),
        "columnsShown": list(table.shown),
        "star": table.star,
        "columns": {c.name: _column_labels(c, value) for c in dataset.columns},
    }


# A column's labels and its resource are the same in every decision, and most of what a request holds.
@lru_cache(maxsize=20_000)
def _column_labels(column: Column, value: Value) -> Any:
    return value(
        {
            "type": column.type,
            "classification": str(column.classification),
            "pii": str(column.pii),
            "tags": sorted(column.tags),
            "key": column.key,
            "references": column.references,
        }
    )


@lru_cache(maxsize=20_000)
def _column_resource(catalog: str, schema: str, table: str, column: Column, value: Value) -> Any:
    name = {"catalogName": catalog, "schemaName": schema, "tableName": table}
    return value({"column": {**name, "columnName": column.name, "columnType": _type(column)}})


def general_questions(request: DecisionRequest, tables: list[Table]) -> Iterator[Question]:
    """Return what is asked once for the whole statement, all of it of `allow`."""
    yield Question("allow", {"operation": "ExecuteQuery"})
    for catalog in sorted({t.name["catalogName"] for t in tables}):
        yield Question("allow", {"operation": "AccessCatalog", "resource": {"catalog": {"name": catalog}}})
    for function in sorted(set(request.facts.functions)):
        named = {"catalogName": "system", "schemaName": "builtin", "functionName": function}
        yield Question("allow", {"operation": "ExecuteFunction", "resource": {"function": named}})


def table_questions(table: Table, value: Value) -> Mapping[str, list[Question]]:
    """Return what is asked about one table, by rule. `value` as in `context_of`."""
    name, columns = dict(table.name), tuple(c.name for c in table.dataset.columns)
    select = {"operation": "SelectFromColumns", "resource": {"table": {**name, "columns": list(table.used)}}}
    single = [_column_resource(*name.values(), c, value) for c in table.dataset.columns]
    hidden = {"operation": "FilterColumns", "filterResources": [{"table": {**name, "columns": list(columns)}}]}

    def ask(rule: str, action: Mapping[str, Any], asked: tuple[str, ...] = ()) -> Question:
        return Question(rule, action, table.dataset.name, asked)

    return {
        "allow": [ask("allow", select)],
        "batch": [ask("batch", hidden, columns)],
        "rowFilters": [ask("rowFilters", {"operation": "GetRowFilters", "resource": {"table": name}})],
        "batchColumnMasks": [
            ask("batchColumnMasks", {"operation": "GetColumnMask", "filterResources": single}, columns)
        ],
        "columnMask": [
            ask("columnMask", {"operation": "GetColumnMask", "resource": one}, (column,))
            for column, one in zip(columns, single, strict=True)
        ],
        "aureus": [ask("aureus", select)],
    }


def _type(column: Column) -> str:
    name = " ".join(column.type.upper().split())
    return _TYPES.get(name, name.lower().replace(", ", ","))
