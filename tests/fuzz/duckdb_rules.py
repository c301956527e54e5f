"""DuckDB's rules for the translation: no engine needs them, the tests compare what they give with DuckDB's own tree."""

from __future__ import annotations

from sqlglot import TokenType, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.parsers.duckdb import DuckDBParser

from aureus_jupyter.core.bridge.rules import Rules, plus
from aureus_jupyter.core.functions import AGGREGATES, ALLOWED
from aureus_jupyter.values.catalog import fold

_SPOKEN = ("CAST", "TRY_CAST", "EXTRACT", "SUBSTRING", "TRIM", "POSITION", "OVERLAY")


class _Parser(DuckDBParser):
    FUNCTIONS = {}  # noqa: RUF012 - the parent's attribute
    UNARY_PARSERS = {**DuckDBParser.UNARY_PARSERS, TokenType.PLUS: plus}  # noqa: RUF012 - the parent's attribute
    FUNCTION_PARSERS = {name: DuckDBParser.FUNCTION_PARSERS[name] for name in _SPOKEN}  # noqa: RUF012 - the parent's attribute
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012 - the parent's attribute
        name: make for name, make in DuckDBParser.NO_PAREN_FUNCTION_PARSERS.items() if name in {"ANY", "CASE"}
    }


class _Grammar(DuckDB):
    INDEX_OFFSET = 0

    Parser = _Parser


def _title(node: exp.Expr) -> str:
    inner = node.this if isinstance(node, exp.Column) else node
    return inner.name if isinstance(inner, exp.Identifier) else ""


_WORDS = (
    "coalesce grouping array extract position substring overlay trim ltrim rtrim current_date current_timestamp".split()
)
_TYPES = {
    "BOOLEAN": "BOOLEAN",
    "INT": "INTEGER",
    "BIGINT": "BIGINT",
    "INT128": "HUGEINT",
    "DECIMAL": "DECIMAL",
    "DOUBLE": "DOUBLE",
    "TEXT": "VARCHAR",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
    "INTERVAL": "INTERVAL",
}

DUCKDB_RULES = Rules(
    name="duckdb",
    parser=_Grammar,
    fold=lambda identifier: fold(str(identifier.this)),
    column_key=fold,
    scalars={name: name for name in (*_WORDS, *(ALLOWED - AGGREGATES - {"unnest"}))},
    aggregates={name: name for name in AGGREGATES},
    rows=frozenset({"unnest", "regexp_split_to_table"}),
    types=_TYPES,
    title=_title,
    values="col",
    first_value=0,
    nodes=frozenset({"Lambda", "Identifier", "TableSample", "Star.except", "Group.all", "Join.half", "Qualify"}),
    fields=True,
    laterals=True,
    where_aliases=True,
    late_aliases=True,
    lateral_always=True,
)
