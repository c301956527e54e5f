"""What the data itself says: row counts, emptiness, keys and joins, as counts and shares, never as values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aureus_jupyter.adapters.catalogs.pii import Guess, guess
from aureus_jupyter.ports import RawTable

__all__ = ["ColumnProfile", "Join", "RawSource", "TableProfile", "candidate_joins", "profile"]

_SAMPLED = 1000
_KEYS = ("INTEGER", "BIGINT", "HUGEINT", "SMALLINT", "UINTEGER", "UBIGINT", "VARCHAR", "UUID")


class RawSource(Protocol):
    """Raw data for onboarding, outside every policy."""

    def tables(self) -> Sequence[RawTable]: ...
    def relation(self, source: str) -> str: ...
    def fetch(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column: counts, whether it could be a key, and a guess about personal data."""

    name: str
    type: str
    empty: int
    distinct: int
    unique: bool
    pii: Guess | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """One table, the name it gets, and its key if one column is one."""

    name: str
    source: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    key: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """`column` probably points to `target_table.target_column`: `share` of its distinct values are found there."""

    column: str
    target_table: str
    target_column: str
    share: float


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def table_name(source: str) -> str:
    """Return the dataset name a table or file gets: its last part without the suffix, in ASCII letters, digits and _."""
    stem = re.sub(
        r"\.(parquet|csv|tsv|csv\.gz)$", "", source.replace("\\", "/").rpartition("/")[2], flags=re.IGNORECASE
    )
    name = re.sub(r"[^A-Za-z0-9_]+", "_", stem.rpartition(".")[2]).strip("_") or "t"
    return (name if not name[0].isdigit() else f"t_{name}")[:63]


def profile(reader: RawSource, table: RawTable) -> TableProfile:
    """Return a table's profile. Raises what the reader raises."""
    relation = reader.relation(table.source)
    counts = ", ".join(f"count({_quoted(c.name)}), count(DISTINCT {_quoted(c.name)})" for c in table.columns)
    found = reader.fetch(f"SELECT count(*), {counts} FROM {relation}")[0]
    rows = int(found[0])
    columns = []
    for place, column in enumerate(table.columns):
        filled, distinct = int(found[1 + 2 * place]), int(found[2 + 2 * place])
        columns.append(
            ColumnProfile(
                name=column.name,
                type=column.type,
                empty=rows - filled,
                distinct=distinct,
                unique=rows > 0 and distinct == rows,
                pii=guess(column.name, column.type, _samples(reader, relation, column.name, column.type)),
            )
        )
    name = table_name(table.source)
    return TableProfile(name=name, source=table.source, rows=rows, columns=tuple(columns), key=_key(name, columns))


def _samples(reader: RawSource, relation: str, column: str, kind: str) -> list[str]:
    """Return distinct values as text, the same ones every time, for checks only."""
    if not kind.upper().startswith(("VARCHAR", "BIGINT", "HUGEINT", "UBIGINT")):
        return []
    name = _quoted(column)
    sql = (
        f"SELECT v FROM (SELECT DISTINCT CAST({name} AS VARCHAR) AS v FROM {relation} WHERE {name} IS NOT NULL) "
        f"ORDER BY md5(v) LIMIT {_SAMPLED}"
    )
    return [str(value) for (value,) in reader.fetch(sql)]


def _key(table: str, columns: Sequence[ColumnProfile]) -> str:
    """Choose the key among unique columns: one named after the table, then one named like an id, then the first."""
    fitting = [c for c in columns if c.unique and c.empty == 0 and c.type.upper().startswith(_KEYS)]
    own = {f"{table.lower()}_id", f"{table.lower()}id", "id", table.lower()}
    ranked = sorted(fitting, key=lambda c: (c.name.lower() not in own, not _is_id(c.name), columns.index(c)))
    return ranked[0].name if ranked and (_is_id(ranked[0].name) or columns.index(ranked[0]) == 0) else ""


def _is_id(name: str) -> bool:
    return re.search(r"(id|no|nr|number|code|key)$", name.lower()) is not None


def candidate_joins(reader: RawSource, tables: Sequence[TableProfile]) -> dict[tuple[str, str], Join]:
    """Return (table, column) to the key it probably points to.

    A candidate has the key's name, or ends with it, the same kind of type, and at least 95 % of its distinct values among the
    key's.
    """
    found: dict[tuple[str, str], Join] = {}
    for table in tables:
        for column in table.columns:
            options = [t for t in tables if t.key and t.name != table.name and _alike(column, t)]
            scored = [(_share(reader, table, column.name, t), t) for t in options if column.name != table.key]
            good = [(share, t) for share, t in scored if share >= 0.95]
            if good:
                # The table named in the column comes first, then the one with fewer rows.
                share, target = min(good, key=lambda g: (g[1].name.lower() not in column.name.lower(), g[1].rows))
                found[table.name, column.name] = Join(
                    column=column.name, target_table=target.name, target_column=target.key, share=share
                )
    return found


def _alike(column: ColumnProfile, target: TableProfile) -> bool:
    key = next(c for c in target.columns if c.name == target.key)
    same_kind = ("VARCHAR" in column.type.upper()) == ("VARCHAR" in key.type.upper())
    if not column.type.upper().startswith(_KEYS) or not same_kind:
        return False
    name, wanted = column.name.lower(), key.name.lower()
    return name == wanted or (len(wanted) > 3 and name.endswith(wanted)) or name == f"{target.name.lower()}_id"


def _share(reader: RawSource, table: TableProfile, column: str, target: TableProfile) -> float:
    name, key = _quoted(column), _quoted(target.key)
    sql = (
        f"SELECT count(*), count(k) FROM (SELECT DISTINCT {name} AS v FROM {reader.relation(table.source)} WHERE {name} IS NOT NULL) "
        f"LEFT JOIN (SELECT DISTINCT {key} AS k FROM {reader.relation(target.source)}) ON v = k"
    )
    total, hit = reader.fetch(sql)[0]
    return hit / total if total else 0.0
