"""The expectations of Great Expectations 1.x with their arguments: rules can be judged without the library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ANY_ARGUMENTS", "EXPECTATIONS", "OLD_ARGUMENTS"]

_BOUNDS: Final = "min_value max_value strict_min strict_max"
_COLUMN: Final = {
    **dict.fromkeys(("distinct_values_to_be_in_set", "distinct_values_to_contain_set"), "value_set"),
    "distinct_values_to_equal_set": "value_set",
    "kl_divergence_to_be_less_than": "partition_object threshold internal_weight_holdout tail_weight_holdout "
    "bucketize_data min_value max_value",
    **dict.fromkeys(
        (
            *(f"{name}_to_be_between" for name in ("max", "mean", "median", "min", "stdev", "sum")),
            *(f"proportion_of_{name}_values_to_be_between" for name in ("non_null", "unique")),
            "unique_value_count_to_be_between",
            "value_lengths_to_be_between",
            "values_to_be_between",
        ),
        _BOUNDS,
    ),
    "most_common_value_to_be_in_set": "value_set ties_okay",
    "quantile_values_to_be_between": "quantile_ranges allow_relative_error",
    "to_exist": "column_index",
    "type_to_be": "type_",
    "value_lengths_to_equal": "value",
    "value_z_scores_to_be_less_than": "threshold double_sided",
    "values_to_be_dateutil_parseable": "",
    **dict.fromkeys(("values_to_be_decreasing", "values_to_be_increasing"), "strictly"),
    **dict.fromkeys(("values_to_be_in_set", "values_to_not_be_in_set"), "value_set"),
    "values_to_be_in_type_list": "type_list",
    **dict.fromkeys(("values_to_be_json_parseable", "values_to_be_null", "values_to_be_unique"), ""),
    "values_to_be_of_type": "type_",
    "values_to_match_json_schema": "json_schema",
    **dict.fromkeys(("values_to_match_like_pattern", "values_to_not_match_like_pattern"), "like_pattern escape"),
    "values_to_match_like_pattern_list": "like_pattern_list match_on escape",
    **dict.fromkeys(("values_to_match_regex", "values_to_not_match_regex"), "regex"),
    "values_to_match_regex_list": "regex_list match_on",
    "values_to_match_strftime_format": "strftime_format",
    "values_to_not_be_null": "",
    "values_to_not_be_outliers": "method multiplier",
    "values_to_not_match_like_pattern_list": "like_pattern_list escape",
    "values_to_not_match_regex_list": "regex_list",
}
_OTHERS: Final = {
    "expect_column_pair_values_a_to_be_greater_than_b": "column_A column_B or_equal ignore_row_if",
    "expect_column_pair_values_to_be_equal": "column_A column_B ignore_row_if",
    "expect_column_pair_values_to_be_in_set": "column_A column_B value_pairs_set ignore_row_if",
    "expect_compound_columns_to_be_unique": "column_list ignore_row_if",
    "expect_multicolumn_sum_to_equal": "column_list ignore_row_if sum_total",
    "expect_multicolumn_values_to_be_equal": "column_list ignore_row_if",
    "expect_select_column_values_to_be_unique_within_record": "column_list ignore_row_if",
    "expect_table_column_count_to_be_between": "min_value max_value",
    "expect_table_column_count_to_equal": "value",
    "expect_table_columns_to_match_ordered_list": "column_list",
    "expect_table_columns_to_match_set": "column_set exact_match",
    "expect_table_row_count_to_be_between": _BOUNDS,
    "expect_table_row_count_to_equal": "value",
    "expect_table_row_count_to_equal_other_table": "other_table_name",
    "unexpected_rows_expectation": "unexpected_rows_query",
}

EXPECTATIONS: Final[Mapping[str, frozenset[str]]] = {
    **{f"expect_column_{name}": frozenset(("column", *words.split())) for name, words in _COLUMN.items()},
    **{name: frozenset(words.split()) for name, words in _OTHERS.items()},
}
# Arguments that expectations on rows have in common.
ANY_ARGUMENTS: Final = frozenset(("mostly", "row_condition", "condition_parser"))
# Arguments of 0.x that asked for how a result is given, not for what is expected.
OLD_ARGUMENTS: Final = frozenset(
    ("result_format", "include_config", "catch_exceptions", "auto", "profiler_config", "batch_id", "meta")
)
