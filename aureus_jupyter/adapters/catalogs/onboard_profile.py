"""What the data itself says: row counts, emptiness, keys and joins, as counts and shares, never as values.

The SQL here is plain enough for DuckDB and for PostgreSQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aureus_jupyter.adapters.catalogs.pii import Guess, guess
from aureus_jupyter.ports import RawColumn, RawTable

__all__ = [
    "ColumnProfile",
    "Join",
    "RawSource",
    "TableProfile",
    "candidate_joins",
    "family",
    "free_name",
    "profile",
    "quoted",
    "table_name",
]

_SAMPLED, _READ = 1000, 4000
_SAMPLED_KINDS = {"text", "integer", "number"}
_NESTED = re.compile(r"\[\d*\]$|^(STRUCT|MAP|UNION|JSON|JSONB|VARIANT)\b", re.IGNORECASE)
_LONGEST = 63
_SHARE, _WORTH = 0.95, 0.2
_FAMILIES = (
    ("text", re.compile(r"(VARCHAR|TEXT|CHAR|CHARACTER|CHARACTER VARYING|BPCHAR|STRING|CITEXT)(\(\d+\))?|ENUM\(.*")),
    ("integer", re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|INT[248]?")),
    ("number", re.compile(r"(DECIMAL|NUMERIC)(\(.*\))?|DOUBLE( PRECISION)?|FLOAT[48]?|REAL")),
    ("timestamp", re.compile(r"TIMESTAMP.*")),
    ("date", re.compile(r"DATE")),
    ("time", re.compile(r"TIME.*")),
    ("boolean", re.compile(r"BOOLEAN|BOOL")),
    ("uuid", re.compile(r"UUID")),
)
_BARE = {"id", "no", "nr", "num", "number", "code", "key", "name"}
_KEY_FAMILIES = {"text", "integer", "uuid"}


class RawSource(Protocol):
    """Raw data for onboarding, outside every policy."""

    def tables(self) -> Sequence[RawTable]: ...
    def relation(self, source: str) -> str: ...
    def fetch(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column: counts, whether it could be a key, a guess about personal data, and what else to check.

    `distinct` is None for kinds of values that are not compared, such as lists.
    """

    name: str
    type: str
    empty: int
    distinct: int | None
    unique: bool
    pii: Guess | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """One table, the name it gets, the file it comes from if any, its key if one column is one, and what to know."""

    name: str
    source: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    key: str
    origin: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """`column` probably points to `target_table.target_column`: `share` of its distinct values are found there."""

    column: str
    target_table: str
    target_column: str
    share: float

    @property
    def likely(self) -> bool:
        """Whether enough values are found to take it for a join."""
        return self.share >= _SHARE


def quoted(name: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def family(kind: str) -> str:
    """Return text, integer, number, date, timestamp, time, boolean, uuid or other for the name of a type."""
    return next((name for name, pattern in _FAMILIES if pattern.fullmatch(kind.upper())), "other")


def table_name(source: str) -> str:
    """Return the dataset name a table or file gets: its last part without the suffix, in ASCII letters, digits and _."""
    last = source.replace("\\", "/").rpartition("/")[2]
    stem = re.sub(r"\.(parquet|csv|tsv)(\.gz)?$", "", last, flags=re.IGNORECASE)
    if stem == last:
        stem = last.rpartition(".")[2]
    name = re.sub(r"[^A-Za-z0-9_]+", "_", stem).strip("_") or "t"
    return (name if not name[0].isdigit() else f"t_{name}")[:_LONGEST]


def free_name(name: str, taken: Sequence[str]) -> str:
    """Return the name, or the name with the first number that makes it a new one, whatever the case."""
    used = {t.lower() for t in taken}
    numbered = (name if n == 1 else f"{name[: _LONGEST - len(str(n)) - 1]}_{n}" for n in range(1, len(used) + 2))
    return next(n for n in numbered if n.lower() not in used)


def profile(reader: RawSource, table: RawTable) -> TableProfile:
    """Return a table's profile. Raises what the reader raises."""
    relation = reader.relation(table.source)
    rows = int(reader.fetch(f"SELECT count(*) FROM {relation}")[0][0])
    columns = [_column(reader, relation, rows, column) for column in table.columns]
    name = table_name(table.source)
    return TableProfile(name=name, source=table.source, rows=rows, columns=tuple(columns), key=_key(name, columns))


def _column(reader: RawSource, relation: str, rows: int, column: RawColumn) -> ColumnProfile:
    name, kind = quoted(column.name), family(column.type)
    compared = kind != "other"
    counts = f"count({name}), {f'count(DISTINCT {name})' if compared else '0'}, "
    counts += f"count(CASE WHEN trim(CAST({name} AS VARCHAR)) = '' THEN 1 END)" if kind == "text" else "0"
    filled, distinct, blank = (int(n) for n in reader.fetch(f"SELECT {counts} FROM {relation}")[0])
    samples = _samples(reader, relation, name) if kind in _SAMPLED_KINDS or _NESTED.search(column.type) else []
    return ColumnProfile(
        name=column.name,
        type=column.type,
        empty=rows - filled,
        distinct=distinct if compared else None,
        unique=compared and 1 < rows == distinct,
        pii=guess(column.name, _judged(samples, kind), kind, _fields(column.type)),
        note="; ".join(filter(None, (_blank(rows, blank), _note(rows, filled, distinct, kind, samples)))),
    )


def _fields(kind: str) -> list[str]:
    """Return the names inside a nested type."""
    found = re.findall(r'[(,]\s*(?:"((?:[^"]|"")+)"|(\w+))\s+[A-Za-z]', kind)
    return [quoted_name or bare for quoted_name, bare in found]


def _judged(samples: Sequence[str], kind: str) -> list[str]:
    """Return the texts to check: of numbers the whole ones, without the zero a missing value made them end in; of nested values the
    parts."""
    if kind == "number":
        return [text.partition(".")[0] for text in samples if re.fullmatch(r"\d+(\.0+)?", text, re.ASCII)]
    if kind == "other":
        parts = (part.strip(" '\"") for text in samples for part in re.split(r"[\[\]{},=]|: |'", text[:_READ]))
        return sorted({part for part in parts if part})[:_SAMPLED]
    return list(samples)


def _samples(reader: RawSource, relation: str, name: str) -> list[str]:
    """Return distinct values as text, the same ones every time, for checks only."""
    sql = (
        f"SELECT v FROM (SELECT DISTINCT CAST({name} AS VARCHAR) AS v FROM {relation} WHERE {name} IS NOT NULL) AS d "
        f"ORDER BY md5(v) LIMIT {_SAMPLED}"
    )
    return [str(value) for (value,) in reader.fetch(sql)]


def _blank(rows: int, blank: int) -> str:
    """Say that text is blank: for the engine that is a value, so that the column counts as never empty."""
    # Rounded down, but never to nothing.
    return f"{max(blank * 1000 // rows, 1) / 10}% of rows hold blank text, which is no empty value" if blank else ""


def _note(rows: int, filled: int, distinct: int, kind: str, samples: Sequence[str]) -> str:
    if rows and not filled:
        return "always empty"
    if rows > 1 and filled == rows and distinct == 1 and kind != "other":
        return "one value only"
    if len(samples) >= 20 and all(_yymmdd(text) for text in samples):
        return "reads as dates written yymmdd; the engine sees no dates"
    return (_dated(samples) or _numeric(samples)) if kind == "text" else ""


def _dated(samples: Sequence[str]) -> str:
    """Say that a column's texts are dates in one of the common ways to write them."""
    form = r"\d{1,2}[-/. ]{1,2}([A-Za-z]{3,9}|\d{1,2})[-/. ]{1,2}(\d{2}|\d{4})|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|[A-Za-z]{3,9} \d{1,2}, \d{4}"
    dates = sum(re.fullmatch(form, text.strip(), re.ASCII) is not None for text in samples)
    return "reads as dates; the engine sees text" if len(samples) >= 20 and dates >= _SHARE * len(samples) else ""


def _numeric(samples: Sequence[str]) -> str:
    """Say that most of a column's texts are numbers: a few that are not made text of it, or a comma did."""
    numbers = sum(re.fullmatch(r"[-+]?\d+([.,]\d+)?", text, re.ASCII) is not None for text in samples)
    if len(samples) < 20 or numbers < _SHARE * len(samples):
        return ""
    if any("," in text for text in samples):
        return "reads as numbers with a comma in them; the engine sees text"
    return "reads as numbers but for a few values, so the engine sees text" if numbers < len(samples) else ""


def _yymmdd(text: str) -> bool:
    found = re.fullmatch(r"\d{2}(\d{2})(\d{2})", text, re.ASCII)
    return found is not None and 1 <= int(found[1]) <= 12 and 1 <= int(found[2]) <= 31


def _key(table: str, columns: Sequence[ColumnProfile]) -> str:
    """Choose the key among unique columns: one named after the table, then one named like an id, then the first."""
    fitting = [c for c in columns if c.unique and c.empty == 0 and family(c.type) in _KEY_FAMILIES]
    own = {f"{table.lower()}_id", f"{table.lower()}id", "id", table.lower()}
    ranked = sorted(fitting, key=lambda c: (c.name.lower() not in own, not _is_id(c.name), columns.index(c)))
    return ranked[0].name if ranked and (_is_id(ranked[0].name) or columns.index(ranked[0]) == 0) else ""


def _is_id(name: str) -> bool:
    return re.search(r"(id|no|nr|num|number|code|key)$", name.lower()) is not None


def candidate_joins(reader: RawSource, tables: Sequence[TableProfile]) -> dict[tuple[str, str], Join]:
    """Return (table, column) to the key it may point to.

    A candidate has the key's name, or ends with it, the same kind of type, and at least a fifth of its distinct values among
    the key's. Only one with 95 % (`likely`) is taken for a join; the others are worth a look.
    """
    found: dict[tuple[str, str], Join] = {}
    for table in tables:
        for column in table.columns:
            options = [t for t in tables if t.key and t.name != table.name and _alike(table, column, t)]
            joins = [
                Join(
                    column=column.name,
                    target_table=target.name,
                    target_column=target.key,
                    share=_share(reader, table, column.name, target),
                )
                for target in options
            ]
            rows = {target.name: target.rows for target in options}
            best = min((j for j in joins if j.share >= _WORTH), key=lambda j: _rank(j, rows), default=None)
            if best is not None:
                found[table.name, column.name] = best
    return found


def _rank(join: Join, rows: Mapping[str, int]) -> tuple[bool, float, bool, int, str]:
    """Order joins: a likely one, else the one with most values; the table named in the column; the one with fewer rows."""
    named = join.target_table.lower() in join.column.lower()
    return not join.likely, 0.0 if join.likely else -join.share, not named, rows[join.target_table], join.target_table


def _alike(table: TableProfile, column: ColumnProfile, target: TableProfile) -> bool:
    key = next(c for c in target.columns if c.name == target.key)
    kind = family(column.type)
    if kind not in _KEY_FAMILIES or kind != family(key.type):
        return False
    name, wanted, named = column.name.lower(), key.name.lower(), f"{target.name.lower()}_id"
    if column.name == table.key:
        # A table's own key points elsewhere only when it is named after the other table.
        return name == named == wanted
    # A bare id says nothing about whose it is, and a name that is no id's may be any two columns'.
    shared = wanted not in _BARE and _is_id(wanted) and (name == wanted or (len(wanted) > 3 and name.endswith(wanted)))
    return shared or name == named


def _share(reader: RawSource, table: TableProfile, column: str, target: TableProfile) -> float:
    name, key = quoted(column), quoted(target.key)
    sql = (
        f"SELECT count(*), count(k) FROM (SELECT DISTINCT {name} AS v FROM {reader.relation(table.source)} WHERE {name} IS NOT NULL) AS f "
        f"LEFT JOIN (SELECT DISTINCT {key} AS k FROM {reader.relation(target.source)}) AS t ON v = k"
    )
    total, hit = reader.fetch(sql)[0]
    return hit / total if total else 0.0
