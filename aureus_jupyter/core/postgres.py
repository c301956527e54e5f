"""What a PostgreSQL statement may be made of, reviewed by hand: sqlglot node classes and function names."""

from __future__ import annotations

__all__ = [
    "AGGREGATE_NODES",
    "ALLOWED_FUNCTIONS",
    "ALLOWED_NODES",
    "HIDDEN_COLUMNS",
    "SAFE_NODES",
    "SERVER_FUNCTIONS",
    "SERVER_TYPES",
]

SAFE_NODES = frozenset(
    "Select Union Intersect Except Subquery With CTE Table TableAlias Identifier Column Star Alias From Join "
    "Where Group Having Order Ordered Limit LimitOptions Offset Fetch Distinct Literal Boolean Null Placeholder Parameter "
    "Paren Tuple Not And Or EQ NEQ LT LTE GT GTE Is In Between Like ILike Exists Case If Coalesce Var "
    "NullSafeEQ NullSafeNEQ Values Lateral Window WindowSpec WindowFilter Filter Rollup Cube GroupingSets "
    "Lower Upper Length Trim Concat DataType DataTypeParam".split()
)
"""Nodes whose evaluation cannot raise on any row."""

AGGREGATE_NODES = frozenset(
    "Count Sum Avg Min Max Stddev StddevPop StddevSamp Variance VariancePop Corr CovarPop CovarSamp RowNumber Rank "
    "DenseRank Lag Lead FirstValue LastValue NthValue PercentRank CumeDist Ntile CountIf".split()
)
"""Aggregates and window functions; they run above the barrier."""

ALLOWED_NODES = (
    SAFE_NODES
    | AGGREGATE_NODES
    | frozenset(
        "Add Sub Mul Div Mod Neg Cast TryCast Interval Any All Array Bracket Dot DPipe RegexpLike RegexpILike "
        "SimilarTo Escape Collate AtTimeZone WithinGroup Extract IntDiv Pow Overlaps BitwiseAnd BitwiseOr BitwiseXor BitwiseNot "
        "BitwiseLeftShift BitwiseRightShift JSONPath JSONPathRoot JSONPathKey JSONPathSubscript".split()
    )
)

ALLOWED_FUNCTIONS = frozenset(
    "count sum avg min max stddev stddev_pop stddev_samp variance variance_pop var_pop var_samp corr covar_pop "
    "covar_samp regr_slope regr_intercept regr_r2 percentile_cont percentile_disc mode bool_and bool_or every count_if "
    "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value "
    "abs ceil floor round trunc sign sqrt cbrt exp ln log power pow mod greatest least coalesce nullif width_bucket "
    "lower upper length char_length character_length trim ltrim rtrim btrim substring substr left right replace concat "
    "concat_ws position strpos str_position split_part starts_with reverse initcap overlay translate md5 "
    "date_trunc timestamp_trunc date_part extract age to_char to_date make_date current_date current_timestamp now "
    "justify_days justify_hours date_bin cast try_cast case if exists array array_length cardinality "
    "any all any_value logical_and logical_or within_group str_to_date timestamp time_to_str "
    "group_concat array_agg bitwise_and_agg bitwise_or_agg grouping regexp_like regexp_i_like regexp_replace regexp_match "
    "regexp_count regexp_substr regexp_instr pad ascii chr octet_length bit_length format hex encode collate "
    "unix_to_time str_to_time timestamp_from_parts make_timestamptz make_time localtimestamp isfinite justify_interval "
    "to_number pi sin cos tan asin acos atan atan2 degrees radians log10 div gcd lcm scale trim_scale min_scale "
    "num_nulls num_nonnulls array_size array_to_string string_to_array array_position array_append array_prepend "
    "array_concat array_contains_all array_overlaps json_extract json_extract_scalar jsonb_extract jsonb_extract_scalar "
    "exploding_generate_series unnest".split()
)
"""Names as sqlglot prints them, lowered. Nothing here reads the catalog, a file, a setting or another statement."""

HIDDEN_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"})
"""System columns of every PostgreSQL table."""

SERVER_FUNCTIONS = frozenset(
    "count sum avg min max stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp regr_slope "
    "regr_intercept regr_r2 percentile_cont percentile_disc mode bool_and bool_or every any_value "
    "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value "
    "abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log power pow mod width_bucket "
    "lower upper length char_length character_length trim ltrim rtrim btrim substring substr left right replace concat "
    "concat_ws position strpos split_part starts_with reverse initcap overlay translate md5 "
    "date_trunc date_part extract age to_char to_date to_timestamp make_date now justify_days justify_hours date_bin "
    "array_length cardinality timezone like_escape similar_to_escape "
    "string_agg array_agg bit_and bit_or regexp_replace regexp_match regexp_like regexp_count regexp_substr regexp_instr "
    "lpad rpad ascii chr octet_length bit_length format to_hex encode make_timestamp make_timestamptz make_time "
    "isfinite justify_interval to_number pi sin cos tan asin acos atan atan2 degrees radians log10 div gcd lcm "
    "scale trim_scale min_scale num_nulls num_nonnulls array_to_string string_to_array array_position array_append "
    "array_prepend array_cat overlaps json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text "
    "generate_series unnest".split()
)
"""The same functions as the server names them once it has resolved a statement. Its own casts are not listed."""

SERVER_TYPES = frozenset(
    "bool int2 int4 int8 numeric float4 float8 text varchar bpchar char bytea date time timetz timestamp timestamptz "
    "interval uuid json jsonb bit varbit unknown record _bool _int2 _int4 _int8 _numeric _float4 _float8 _text _varchar "
    "_bpchar _date _time _timetz _timestamp _timestamptz _interval _uuid".split()
)
"""Types of values a statement may make, as `pg_type` names them. None of them looks a name up when it is read."""
