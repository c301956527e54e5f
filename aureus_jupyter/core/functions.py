"""Which DuckDB functions a statement may call, reviewed name by name.

Default deny: a name that is not here is refused. The list was made from `duckdb_functions()` of the pinned
version; tests/guard lists every name of the running engine and fails when one is in neither this module's
allow-list nor its reviewed refusals, so that an upgrade cannot add a function unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "AGGREGATES",
    "ALLOWED",
    "BOUNDED",
    "CANNOT_RAISE",
    "DUCKDB",
    "OPERATORS",
    "PICKING",
    "SUMMARIES",
    "SUMMARIES_OF_LABELS",
    "TABLE_FUNCTIONS",
    "UNLISTED",
    "Surface",
    "why_refused",
]

OPERATORS = frozenset(
    "- !__postfix !~~ !~~* % & && * ** + ->> -> / // <-> << <@ >> @ @> ^ ^@ | || ~ ~~ ~~* ~~~".split()
)

_NAMES = """
abs acos acosh add age any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max
arg_max_null arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg array_append
array_apply array_cat array_concat array_contains array_cosine_distance array_cosine_similarity
array_cross_product array_distance array_distinct array_dot_product array_extract array_filter array_grade_up
array_has array_has_all array_has_any array_indexof array_inner_product array_intersect array_length
array_negative_dot_product array_negative_inner_product array_pop_back array_pop_front array_position
array_prepend array_push_back array_push_front array_reduce array_resize array_reverse array_reverse_sort
array_select array_slice array_sort array_to_json array_to_string array_to_string_comma_default array_transform
array_unique array_value array_where array_zip ascii asin asinh atan atan2 atanh avg base64 bin binom bit_and
bit_count bit_length bit_or bit_position bit_xor bitstring bitstring_agg bool_and bool_or cardinality cbrt ceil
ceiling century char_length character_length chr concat concat_ws contains corr cos cosh cot count count_if
count_star countif covar_pop covar_samp cume_dist current_date current_localtime current_localtimestamp date_add
date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek
dayofyear days_in_month decade decimal_average decimal_division degrees dense_rank divide element_at encode
ends_with entropy epoch epoch_ms epoch_ns epoch_us equi_width_bins era even exp factorial favg fdiv fill first
first_value flatten floor fmod format_bytes formatreadabledecimalsize formatreadablesize from_base64 from_binary
from_hex fsum gamma gcd generate_series geomean geometric_mean get_bit get_current_time get_current_timestamp
grade_up greatest greatest_common_divisor group_concat hamming hash hex histogram histogram_exact hour if
ilike_escape instr isfinite isinf isnan isodow isoyear jaccard jaro_similarity jaro_winkler_similarity
json_array json_array_length json_contains json_deep_merge json_exists json_extract json_extract_path
json_extract_path_text json_extract_string json_group_array json_group_object json_group_structure json_insert
json_keys json_merge_patch json_merge_patch_diff json_normalize json_object json_pretty json_quote json_remove
json_replace json_set json_strip_nulls json_structure json_type json_valid json_value julian kahan_sum kurtosis
kurtosis_pop lag last last_day last_value lcase lcm lead least least_common_multiple left left_grapheme len
length length_grapheme lgamma like_escape list list_any_value list_append list_apply list_approx_count_distinct
list_avg list_bit_and list_bit_or list_bit_xor list_bool_and list_bool_or list_cat list_concat list_contains
list_cosine_distance list_cosine_similarity list_count list_distance list_distinct list_dot_product list_element
list_entropy list_extract list_filter list_first list_grade_up list_has list_has_all list_has_any list_histogram
list_indexof list_inner_product list_intersect list_kurtosis list_kurtosis_pop list_last list_mad list_max
list_median list_min list_mode list_negative_dot_product list_negative_inner_product list_pack list_position
list_prepend list_product list_reduce list_resize list_reverse list_reverse_sort list_select list_sem
list_skewness list_slice list_sort list_stddev_pop list_stddev_samp list_string_agg list_sum list_transform
list_unique list_value list_var_pop list_var_samp list_where list_zip listagg ln log log10 log2 lower lpad ltrim
mad make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz map map_concat
map_contains map_contains_entry map_contains_value map_entries map_extract map_extract_value map_from_entries
map_keys map_values max max_by md5 md5_number md5_number_lower md5_number_upper mean median microsecond
millennium millisecond min min_by minute mismatches mod mode month monthname multiply nanosecond nextafter
not_ilike_escape not_like_escape now nth_value ntile nullif octet_length ord overlay percent_rank pi position
pow power prefix product quantile quantile_cont quantile_disc quarter radians range rank rank_dense reduce
regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace
regexp_split_to_array regexp_split_to_table regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
regr_sxx regr_sxy regr_syy repeat replace reverse right right_grapheme round round_even roundbankers row
row_number row_to_json rpad rtrim second sem set_bit sha1 sha256 sign signbit sin sinh skewness split split_part
sqrt starts_with stddev stddev_pop stddev_samp str_split str_split_regex strftime string_agg string_split
string_split_regex string_to_array strip_accents strlen strpos strptime struct_concat struct_contains
struct_extract struct_extract_at struct_has struct_indexof struct_insert struct_keys struct_pack struct_position
struct_update struct_values substr substring substring_grapheme subtract suffix sum sumkahan tan tanh
time_bucket timezone timezone_hour timezone_minute to_base to_base64 to_binary to_centuries to_days to_decades
to_hex to_hours to_json to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds
to_timestamp to_weeks to_years today transaction_timestamp translate trim trunc try_strptime typeof ucase unbin
unhex unnest unicode union_extract union_tag union_value upper url_decode url_encode var_pop var_samp variance wavg
week weekday weekofyear weighted_avg xor year yearweek
"""

ALLOWED = OPERATORS | frozenset(_NAMES.split())
"""Scalar, aggregate, window and macro names that read nothing but their arguments."""

TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree"})
"""Functions that may stand in FROM."""

BOUNDED = {
    "repeat": ((1,), 10_000),
    "lpad": ((1,), 10_000),
    "rpad": ((1,), 10_000),
    "range": ((0, 1, 2), 1_000_000),
    "generate_series": ((0, 1, 2), 1_000_000),
    "list_resize": ((1,), 100_000),
    "array_resize": ((1,), 100_000),
    "bitstring": ((1,), 100_000),
    "to_base": ((2,), 64),
    "equi_width_bins": ((2,), 10_000),
}
"""Functions whose cost grows with an argument: (places of the arguments that count, largest whole number)."""

SUMMARIES = frozenset(
    "avg count count_if count_star countif approx_count_distinct sum fsum sumkahan kahan_sum favg mean "
    "stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp regr_slope "
    "regr_intercept regr_r2 regr_count regr_avgx regr_avgy regr_sxx regr_sxy regr_syy skewness kurtosis "
    "kurtosis_pop entropy bool_and bool_or wavg "
    "weighted_avg geomean geometric_mean sem product".split()
)
"""Aggregates whose answer is about a group of rows."""

SUMMARIES_OF_LABELS = frozenset("min max median quantile quantile_cont quantile_disc approx_quantile mad".split())
"""Aggregates that show one row's value: a summary only over columns that identify nobody."""

AGGREGATES = (
    SUMMARIES
    | SUMMARIES_OF_LABELS
    | frozenset(
        "any_value approx_top_k arbitrary arg_max arg_max_null arg_max_nulls_last arg_min arg_min_null "
        "arg_min_nulls_last argmax argmin array_agg bit_and bit_or bit_xor bitstring_agg decimal_average "
        "first group_concat histogram histogram_exact json_group_array json_group_object last list listagg "
        "max_by min_by mode string_agg".split()
    )
)
"""Every aggregate on the allow-list. They run above a row filter, so they cannot reveal what it hides."""

PICKING = (
    AGGREGATES
    - SUMMARIES
    - SUMMARIES_OF_LABELS
    - frozenset("bit_and bit_or bit_xor histogram histogram_exact decimal_average".split())
)
"""Aggregates that give one of the rows, or all in a row: which one, and in which order, is where they happen to lie."""

CANNOT_RAISE = (
    AGGREGATES
    | frozenset(["~~", "~~*", "!~~", "!~~*", "&&", "<@", "@>"])
    | frozenset(
        "lower upper lcase ucase length len char_length character_length strlen contains starts_with "
        "ends_with prefix suffix trim ltrim rtrim concat concat_ws nullif greatest least year month day "
        "quarter week weekday dayofweek dayofmonth dayofyear isodow isoyear weekofyear dayname monthname "
        "list_contains list_has array_contains array_has row row_number rank dense_rank rank_dense "
        "percent_rank cume_dist ntile lag lead first_value last_value nth_value if today current_date now "
        "isnan isinf isfinite".split()
    )
)
"""Names that answer on every row, whatever the row holds. Anything else puts a barrier before hidden rows."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What an engine's statements may call: the functions' names, which of them answer on every row, and whose size is bounded."""

    functions: frozenset[str]
    cannot_raise: frozenset[str]
    bounded: Mapping[str, tuple[tuple[int, ...], int]]


DUCKDB = Surface(ALLOWED, CANNOT_RAISE, BOUNDED)

_FAMILIES = (
    (
        ("read_", "parquet_", "glob", "sniff_csv", "which_secret", "arrow_scan", "pandas_scan", "python_", "seq_scan"),
        "it reads files or objects outside the catalog",
    ),
    (
        ("query", "json_execute", "json_serialize", "json_deserialize", "summary", "histogram_values"),
        "it runs SQL or opens a table by a name in a text",
    ),
    (
        (
            "duckdb_",
            "pragma_",
            "pg_",
            "has_",
            "current_setting",
            "getvariable",
            "version",
            "in_search_path",
            "current_schema",
            "current_database",
            "user",
            "session_user",
            "current_user",
            "current_query",
            "inet_",
            "col_desc",
            "obj_desc",
        ),
        "it shows the session or the system catalog",
    ),
    (("stats", "enum_"), "it shows values that a row filter hides"),
    (
        ("nextval", "currval", "setval", "setseed", "random", "uuid", "gen_random_uuid", "txid_current"),
        "its answer changes from run to run, so that a result could not be reproduced",
    ),
    (
        ("sleep_ms", "write_log", "checkpoint", "force_checkpoint", "enable_", "disable_", "create_", "register_"),
        "it changes or delays the session",
    ),
    (("error", "assert_true"), "it raises an error on purpose"),
    (
        ("levenshtein", "damerau_levenshtein", "editdist3"),
        "its cost grows with the product of two texts; jaro_winkler_similarity is allowed",
    ),
)


UNLISTED = "it is not on the reviewed list of functions"


def why_refused(name: str) -> str:
    """Return why the function `name` (lowered) is not on the allow-list, in words that follow "because"."""
    for prefixes, why in _FAMILIES:
        if name.startswith(prefixes):
            return why
    return UNLISTED
