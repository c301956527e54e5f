"""Spark's SQL: grammar, names, functions and types, reviewed by hand.

Not on the lists: what calls Java or a process (reflect, java_method, TRANSFORM), runs or names by a text (EXECUTE IMMEDIATE,
IDENTIFIER), reads files or tells of them (input_file_name, _metadata, files as tables), of the session (current_user, version),
or of how rows lie (spark_partition_id, monotonically_increasing_id); what changes from run to run; and what makes many rows of one
where a value is expected (window, stack).
Sources: the SQL reference of Spark 4 and `SqlBaseParser.g4`.
"""

from __future__ import annotations

import re

from sqlglot import TokenType, exp
from sqlglot.dialects.spark import Spark
from sqlglot.parsers.spark import SparkParser

from aureus_jupyter.core.bridge.rules import Rules, plus
from aureus_jupyter.errors import Refused
from aureus_jupyter.values.catalog import fold

__all__ = ["SPARK"]

_SPOKEN = ("CAST", "TRY_CAST", "EXTRACT", "SUBSTRING", "TRIM", "POSITION", "OVERLAY")


class _Parser(SparkParser):
    """Spark's grammar in which a call stays the call that was written, whatever its name."""

    FUNCTIONS = {}  # noqa: RUF012 - the parent's attribute
    UNARY_PARSERS = {**SparkParser.UNARY_PARSERS, TokenType.PLUS: plus}  # noqa: RUF012 - the parent's attribute
    FUNCTION_PARSERS = {name: SparkParser.FUNCTION_PARSERS[name] for name in _SPOKEN}  # noqa: RUF012 - the parent's attribute
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012 - the parent's attribute
        name: make for name, make in SparkParser.NO_PAREN_FUNCTION_PARSERS.items() if name == "CASE"
    }


class _Grammar(Spark):
    INDEX_OFFSET = 0

    Parser = _Parser


def _fold(identifier: exp.Identifier) -> str:
    """Return an identifier as Spark compares it, in back-ticks or not. Other alphabets' capitals it compares in ways of its own."""
    name = str(identifier.this)
    if not name.isascii() and (name.lower() != name or name.upper() != name):
        raise Refused(
            "odd_character",
            "a name has a letter outside of A to Z that has capitals, which Spark and the guard may compare differently",
            hint="Name it with ASCII letters, or give the column another name in a view.",
        )
    return fold(name)


def _title(node: exp.Expr) -> str:
    """Return the name of a column without one of its own, or nothing where Spark makes it of the expression's text."""
    inner = node.this if isinstance(node, exp.Column) else node.expression if isinstance(node, exp.Dot) else node
    return inner.name if isinstance(inner, exp.Identifier) else ""


_GRAMMAR = (
    "coalesce ifnull nvl nullif greatest least grouping array extract position substring overlay trim ltrim rtrim current_date "
    "current_timestamp localtimestamp exists".split()
)
_SCALARS = (
    "abs acos acosh asin asinh atan atan2 atanh bin bround cbrt ceil ceiling conv cos cosh cot csc degrees div e exp expm1 "
    "factorial floor gcd hex hypot isnan ln log log10 log1p log2 mod negative pi pmod positive pow power radians rint round sec "
    "shiftleft shiftright sign signum sin sinh sqrt tan tanh try_add try_divide try_mod try_multiply try_subtract unhex "
    "width_bucket bit_count "
    "ascii base64 bit_length btrim char char_length character_length chr concat concat_ws contains decode elt encode endswith "
    "find_in_set format_number format_string initcap instr lcase left length locate lower lpad luhn_check mask md5 octet_length "
    "printf regexp_count regexp_extract regexp_extract_all regexp_instr regexp_replace regexp_substr repeat replace reverse "
    "right rpad sha sha1 sha2 soundex space split split_part startswith substr substring_index to_char to_number translate "
    "try_to_number ucase unbase64 upper crc32 hash xxhash64 "
    "add_months convert_timezone curdate date_add date_diff date_format date_from_unix_date date_part date_sub date_trunc "
    "dateadd datediff datepart day dayname dayofmonth dayofweek dayofyear from_unixtime from_utc_timestamp hour last_day "
    "make_date make_dt_interval make_interval make_timestamp make_ym_interval minute month monthname months_between next_day "
    "now quarter second timestamp_micros timestamp_millis timestamp_seconds to_date to_timestamp to_unix_timestamp "
    "to_utc_timestamp trunc try_to_date try_to_timestamp unix_date unix_micros unix_millis unix_seconds unix_timestamp weekday "
    "weekofyear year "
    "if iff isnotnull isnull nanvl nullifzero nvl2 zeroifnull equal_null bigint binary boolean date decimal double float int "
    "smallint string timestamp tinyint "
    "aggregate array_append array_compact array_contains array_distinct array_except array_insert array_intersect array_join "
    "array_max array_min array_position array_prepend array_remove array_repeat array_size array_sort array_union "
    "arrays_overlap arrays_zip cardinality concat element_at filter flatten forall get map map_concat map_contains_key "
    "map_entries map_filter map_from_arrays map_from_entries map_keys map_values map_zip_with named_struct reduce sequence size "
    "slice sort_array str_to_map struct transform transform_keys transform_values try_element_at zip_with "
    "from_csv from_json get_json_object json_array_length json_object_keys to_csv to_json".split()
)
_ALIKE = {
    "ceiling": "ceil",
    "lcase": "lower",
    "ucase": "upper",
    "btrim": "trim",
    "pow": "power",
    "if": "if",
    "sequence": "generate_series",
}
_AGGREGATES = {
    name: name
    for name in (
        "count sum avg min max stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp regr_slope "
        "regr_intercept regr_r2 regr_count regr_avgx regr_avgy regr_sxx regr_sxy regr_syy bool_and bool_or any_value mode "
        "string_agg listagg array_agg bit_and bit_or bit_xor count_if skewness kurtosis median max_by min_by first last "
        "approx_count_distinct".split()
    )
} | {
    "mean": "avg",
    "std": "stddev",
    "every": "bool_and",
    "some": "bool_or",
    "any": "bool_or",
    "try_sum": "sum",
    "try_avg": "avg",
    "first_value": "first",
    "last_value": "last",
    "collect_list": "list",
    "collect_set": "list",
    "percentile": "quantile_cont",
    "percentile_cont": "quantile_cont",
    "percentile_disc": "quantile_disc",
    "approx_percentile": "approx_quantile",
    "percentile_approx": "approx_quantile",
    "histogram_numeric": "histogram",
}
_TYPES = {
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INT": "INTEGER",
    "BIGINT": "BIGINT",
    "DECIMAL": "DECIMAL",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "TEXT": "VARCHAR",
    "VARCHAR": "VARCHAR",
    "CHAR": "VARCHAR",
    "BINARY": "BLOB",
    "VARBINARY": "BLOB",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMPNTZ": "TIMESTAMP",
    "TIMESTAMPLTZ": "TIMESTAMPTZ",
    "TIMESTAMPTZ": "TIMESTAMPTZ",
    "INTERVAL": "INTERVAL",
    "ARRAY": "LIST",
    "MAP": "MAP",
    "STRUCT": "STRUCT",
}

SPARK = Rules(
    name="spark",
    parser=_Grammar,
    fold=_fold,
    column_key=fold,
    scalars={name: _ALIKE.get(name, name) for name in (*_GRAMMAR, *_SCALARS)},
    aggregates=_AGGREGATES,
    rows=frozenset({"explode", "explode_outer", "posexplode", "posexplode_outer", "range"}),
    row_columns={
        "explode": ("col",),
        "explode_outer": ("col",),
        "posexplode": ("pos", "col"),
        "posexplode_outer": ("pos", "col"),
        "range": ("id",),
    },
    growing=frozenset({"explode", "explode_outer", "posexplode", "posexplode_outer"}),
    united=frozenset({"dateadd", "date_add", "datediff", "date_diff"}),
    types=_TYPES,
    title=_title,
    values="col",
    hidden=frozenset({"_metadata", "_file_name"}),
    nodes=frozenset({"Lambda", "Identifier", "Alias", "TableSample", "Star.except", "Group.all", "Join.half"}),
    bounded={"repeat": ((1,), 10_000), "lpad": ((1,), 10_000), "rpad": ((1,), 10_000), "space": ((0,), 10_000)}
    | {"array_repeat": ((1,), 100_000)},
    texts='"',
    odd=re.compile(r"\$\{|\\\r?\n|\|>"),
    fields=True,
    laterals=True,
    late_aliases=True,
    forward=True,
    always_raises=True,
)
"""`odd`: `${` is put in before Spark reads, also in texts; a backslash makes a comment go on in the next line; `|>` names its
steps in ways of its own."""
