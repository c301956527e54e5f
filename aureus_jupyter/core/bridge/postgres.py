"""PostgreSQL's SQL: grammar, names, functions and types, reviewed by hand.

Nothing on the lists reads the catalog, a file, a setting or another statement.
Sources: the manual of PostgreSQL 15, chapters 4, 7 and 9; `FigureColname` in parse_target.c for the names of columns.
"""

from __future__ import annotations

from sqlglot import TokenType, exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.parsers.postgres import PostgresParser

from aureus_jupyter.core.bridge.rules import WINDOWS, Rules, plus
from aureus_jupyter.core.functions import BOUNDED
from aureus_jupyter.values.catalog import fold

__all__ = ["POSTGRES", "SERVER_FUNCTIONS", "SERVER_TYPES"]

_LONGEST = 63
_SPOKEN = ("CAST", "EXTRACT", "SUBSTRING", "TRIM", "POSITION", "OVERLAY")


class _Parser(PostgresParser):
    """PostgreSQL's grammar in which a call stays the call that was written, whatever its name."""

    FUNCTIONS = {}  # noqa: RUF012 - the parent's attribute
    UNARY_PARSERS = {**PostgresParser.UNARY_PARSERS, TokenType.PLUS: plus}  # noqa: RUF012 - the parent's attribute
    FUNCTION_PARSERS = {name: PostgresParser.FUNCTION_PARSERS[name] for name in _SPOKEN}  # noqa: RUF012 - the parent's attribute
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012 - the parent's attribute
        name: make for name, make in PostgresParser.NO_PAREN_FUNCTION_PARSERS.items() if name in {"ANY", "CASE"}
    }
    LAMBDAS = {TokenType.FARROW: PostgresParser.LAMBDAS[TokenType.FARROW]}  # noqa: RUF012 - an arrow reads JSON here


class _Grammar(Postgres):
    INDEX_OFFSET = 0  # a subscript is not to be counted anew: sqlglot would simplify it on the way

    Parser = _Parser


def _fold(identifier: exp.Identifier) -> str:
    """Return an identifier as the server compares it: in lower case without quotes, and no longer than it keeps."""
    name = str(identifier.this)
    name = name if identifier.args.get("quoted") else fold(name)
    if len(name) <= _LONGEST // 4:
        return name
    return name.encode("utf-8", "surrogatepass")[:_LONGEST].decode("utf-8", "ignore")


# -- names of columns --------------------------------------------------------------------------------------------------

_UNNAMED = "?column?"
_TYPE_NAMES = {
    "BOOLEAN": "bool",
    "SMALLINT": "int2",
    "INT": "int4",
    "BIGINT": "int8",
    "DECIMAL": "numeric",
    "FLOAT": "float4",
    "DOUBLE": "float8",
    "CHAR": "bpchar",
    "VARBINARY": "bytea",
}
_FIXED = {
    exp.Extract: "extract",
    exp.Substring: "substring",
    exp.Overlay: "overlay",
    exp.StrPosition: "position",
    exp.AtTimeZone: "timezone",
    exp.Overlaps: "overlaps",
    exp.Exists: "exists",
    exp.Array: "array",
    exp.Tuple: "row",
    exp.Interval: "interval",
    exp.CurrentDate: "current_date",
    exp.CurrentTime: "current_time",
    exp.CurrentTimestamp: "current_timestamp",
    exp.Localtime: "localtime",
    exp.Localtimestamp: "localtimestamp",
}
_WEAK = frozenset({"interval"})
_THROUGH = (exp.Window, exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.Paren, exp.Collate, exp.Bracket)


def _title(node: exp.Expr) -> str:
    """Return the name that the server gives a column without one of its own. A name that its author wrote is folded."""
    return _figured(node)[0]


def _figured(node: exp.Expr | None) -> tuple[str, bool]:
    """Return a name and whether it is a good one: a type's name gives way to that of what is cast."""
    if isinstance(node, exp.Identifier):
        return _fold(node), True
    if isinstance(node, (exp.Column, exp.Dot)):
        last = node.this if isinstance(node, exp.Column) else node.expression
        return (_fold(last), True) if isinstance(last, exp.Identifier) else (_UNNAMED, False)
    if isinstance(node, exp.Anonymous):
        written = node.this
        return _fold(written if isinstance(written, exp.Identifier) else exp.Identifier(this=written)), True
    if isinstance(node, exp.Alias):
        return _fold(node.args["alias"]), True
    return _figured_below(node)


def _figured_below(node: exp.Expr | None) -> tuple[str, bool]:
    if isinstance(node, _THROUGH):
        return _figured(node.this)
    if isinstance(node, exp.Cast):
        name, good = _figured(node.this)
        return (name, True) if good else (_type_title(node.args["to"]), False)
    if isinstance(node, exp.Case):
        name, good = _figured(node.args.get("default"))
        return (name, True) if good else ("case", False)
    if isinstance(node, exp.Trim):
        return {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position")).upper(), "btrim"), True
    if isinstance(node, exp.Subquery):
        first = node.this
        while isinstance(first, (exp.Subquery, exp.SetOperation)):
            first = first.this
        if isinstance(first, exp.Values):
            return "column1", True
        return _figured(first.expressions[0]) if first.expressions else (_UNNAMED, False)
    name = _FIXED.get(type(node), _UNNAMED) if node is not None else _UNNAMED
    return name, name != _UNNAMED and name not in _WEAK


def _type_title(node: exp.Expr) -> str:
    kind = node
    while kind.args.get("nested") and kind.expressions:
        kind = kind.expressions[0]
    name = str(getattr(kind.this, "value", kind.this))
    return _TYPE_NAMES.get(name, name.lower())


# -- functions ---------------------------------------------------------------------------------------------------------

_GRAMMAR = (
    "coalesce nullif greatest least grouping array row extract position substring overlay trim current_date "
    "current_time current_timestamp localtime localtimestamp".split()
)
"""Words of the grammar that stand where a function does, and what it makes of them."""

_SCALARS = frozenset(
    "abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log power pow mod width_bucket pi sin cos tan asin acos atan "
    "atan2 degrees radians log10 div gcd lcm factorial scale trim_scale min_scale num_nulls num_nonnulls "
    "lower upper length char_length character_length ltrim rtrim btrim substr left right replace concat concat_ws strpos "
    "split_part starts_with reverse initcap translate md5 lpad rpad repeat ascii chr octet_length bit_length format to_hex "
    "encode regexp_replace regexp_match regexp_like regexp_count regexp_substr regexp_instr regexp_split_to_array "
    "date_trunc date_part age to_char to_date to_timestamp to_number make_date make_time make_timestamp make_timestamptz "
    "make_interval now justify_days justify_hours justify_interval date_bin timezone isfinite "
    "array_length cardinality array_ndims array_lower array_upper array_to_string string_to_array array_position "
    "array_positions array_append array_prepend array_cat array_remove array_replace "
    "to_json to_jsonb row_to_json array_to_json json_build_object json_build_array jsonb_build_object jsonb_build_array "
    "json_array_length jsonb_array_length json_typeof jsonb_typeof json_extract_path json_extract_path_text "
    "jsonb_extract_path jsonb_extract_path_text json_strip_nulls jsonb_strip_nulls".split()
)
_ALIKE = {"ceiling": "ceil", "btrim": "trim", "pow": "power"}

_AGGREGATES = {
    name: name
    for name in (
        "count sum avg min max stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp regr_slope "
        "regr_intercept regr_r2 regr_count regr_avgx regr_avgy regr_sxx regr_sxy regr_syy bool_and bool_or any_value mode "
        "string_agg array_agg bit_and bit_or bit_xor".split()
    )
} | {
    "every": "bool_and",
    "percentile_cont": "quantile_cont",
    "percentile_disc": "quantile_disc",
    "json_agg": "json_group_array",
    "jsonb_agg": "json_group_array",
    "json_object_agg": "json_group_object",
    "jsonb_object_agg": "json_group_object",
}

_ROWS = frozenset(
    "generate_series unnest regexp_matches regexp_split_to_table string_to_table json_array_elements "
    "json_array_elements_text jsonb_array_elements jsonb_array_elements_text json_object_keys jsonb_object_keys "
    "json_each json_each_text jsonb_each jsonb_each_text".split()
)
_ROW_COLUMNS: dict[str, tuple[str, ...]] = {name: ("value",) for name in _ROWS if "elements" in name}
_ROW_COLUMNS |= {name: ("key", "value") for name in _ROWS if "_each" in name}

_TYPES = {
    "BOOLEAN": "BOOLEAN",
    "SMALLINT": "SMALLINT",
    "INT": "INTEGER",
    "BIGINT": "BIGINT",
    "DECIMAL": "DECIMAL",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "TEXT": "VARCHAR",
    "VARCHAR": "VARCHAR",
    "CHAR": "VARCHAR",
    "BPCHAR": "VARCHAR",
    "VARBINARY": "BLOB",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMETZ": "TIMETZ",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMPTZ": "TIMESTAMPTZ",
    "INTERVAL": "INTERVAL",
    "UUID": "UUID",
    "JSON": "JSON",
    "JSONB": "JSON",
    "BIT": "BIT",
    "ARRAY": "LIST",
}

POSTGRES = Rules(
    name="postgres",
    parser=_Grammar,
    fold=_fold,
    column_key=str,
    scalars={name: _ALIKE.get(name, name) for name in (*_GRAMMAR, *_SCALARS)},
    aggregates=_AGGREGATES,
    rows=_ROWS,
    row_columns=_ROW_COLUMNS,
    types=_TYPES,
    title=_title,
    values="column",
    hidden=frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"}),
    bounded={name: BOUNDED[name] for name in ("repeat", "lpad", "rpad")},
    forward=True,
)
"""`hidden` are system columns of every table."""

SERVER_FUNCTIONS = (
    _SCALARS
    | _AGGREGATES.keys()
    | WINDOWS.keys()
    | _ROWS
    | frozenset("extract position substring overlay overlaps like_escape similar_to_escape similar_escape".split())
)
"""The same functions as the server names them once it has resolved a statement. Its own casts are not listed."""

SERVER_TYPES = frozenset(
    "bool int2 int4 int8 numeric float4 float8 text varchar bpchar char bytea date time timetz timestamp timestamptz "
    "interval uuid json jsonb bit varbit unknown record _bool _int2 _int4 _int8 _numeric _float4 _float8 _text _varchar "
    "_bpchar _date _time _timetz _timestamp _timestamptz _interval _uuid _json _jsonb _record".split()
)
"""Types of values a statement may make, as `pg_type` names them. None of them looks a name up when it is read."""
