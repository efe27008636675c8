"""All converters: nothing is lost in silence, the result is valid, and bad input gives no other error than ours."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from convert_account import Converter, data_of, loaded, unseen_changes
from convert_samples import DATA_CONTRACT, FLAT_ASSET, NESTED_ASSET, SODACL, SUITE, VERSION_2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakepact.contract.writing import write_document
from lakepact.convert import convert, detect
from lakepact.convert.asset import convert_asset
from lakepact.convert.data_contract import convert_data_contract
from lakepact.convert.expectation_suite import convert_expectation_suite
from lakepact.convert.soda import convert_soda
from lakepact.convert.source import open_source
from lakepact.convert.v2 import convert_v2
from lakepact.errors import ConfigurationError

SAMPLES: list[tuple[str, str, Converter]] = [
    ("data-contract", DATA_CONTRACT, convert_data_contract),
    ("asset", NESTED_ASSET, convert_asset),
    ("asset", FLAT_ASSET, convert_asset),
    ("great-expectations", SUITE, convert_expectation_suite),
    ("soda", SODACL, convert_soda),
    ("odcs-v2", VERSION_2, convert_v2),
]
every_sample = pytest.mark.parametrize(("name", "text", "converter"), SAMPLES, ids=lambda value: str(value)[:18])


@every_sample
def test_each_value_of_a_source_is_seen_in_the_contract_or_in_the_problems(
    name: str, text: str, converter: Converter
) -> None:
    data = data_of(text.encode())
    loaded(converter(text.encode()))
    assert unseen_changes(converter, data) == []


@every_sample
def test_a_sample_is_recognised_and_its_contract_is_no_source(name: str, text: str, converter: Converter) -> None:
    assert detect(text.encode()) == name
    converted = convert(text.encode(), file="x")
    assert converted.document == converter(text.encode(), file="x").document
    with pytest.raises(ConfigurationError, match="LP812: b is an ODCS contract already"):
        detect(write_document(converted.document), file="b")


def test_the_account_finds_what_a_converter_forgets() -> None:
    def forgetful(source: bytes, *, file: str = "") -> Any:
        data = data_of(source)
        data["asset"]["governance"].pop("steward")
        return convert_asset(json.dumps(data).encode(), file=file)

    assert unseen_changes(forgetful, data_of(NESTED_ASSET.encode())) == ["asset.governance.steward"]


def test_what_is_not_taken_is_told_at_the_end() -> None:
    source = open_source(b"a: 1\nb: {c: [x, {d: null, e: false}], f: ''}\ng: {}\n", file="s.yaml")
    assert source.root.text("a") == "1"
    assert [str(problem) for problem in source.finish()] == [
        "s.yaml:2:9: warning LP803: `b.c[0]` has no place in ODCS and is not carried over",
        "s.yaml:2:22: warning LP803: `b.c[1].e` has no place in ODCS and is not carried over",
    ]


PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "x", "a.b", "1", "${V}", "bigint", "array<struct<a: int>>", "{property}", "(", "quarantine", "ü\n"]
    ),
)
JUNK = st.one_of(
    PLAIN, st.lists(PLAIN, max_size=2), st.dictionaries(st.sampled_from(["name", "type", "x y", ""]), PLAIN)
)


def holders(value: Any) -> list[tuple[Any, str | int]]:
    """Every place of a document where something stands."""
    if isinstance(value, dict):
        return [(value, key) for key in value] + [place for entry in value.values() for place in holders(entry)]
    if isinstance(value, list):
        return [(value, at) for at in range(len(value))] + [place for entry in value for place in holders(entry)]
    return []


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 10_000), JUNK), min_size=1, max_size=3))
def test_a_damaged_source_is_refused_or_becomes_a_valid_contract(
    sample: tuple[str, str, Converter], damages: list[tuple[int, Any]]
) -> None:
    data = copy.deepcopy(data_of(sample[1].encode()))
    for at, value in damages:
        places = holders(data)
        if places:
            holder, key = places[at % len(places)]
            holder[key] = value
    converted, refused = None, None
    try:
        converted = sample[2](json.dumps(data).encode())
    except ConfigurationError as error:
        refused = error
    if converted is not None:
        loaded(converted)
        assert unseen_kinds(converted.document) == set()
    else:
        assert refused is not None
        assert refused.code == "LP800"
        assert any(problem.severity == "error" for problem in refused.problems)


def unseen_kinds(value: Any) -> set[str]:
    """Types that JSON does not have."""
    if isinstance(value, dict):
        return {kind for entry in value.values() for kind in unseen_kinds(entry)}
    if isinstance(value, list):
        return {kind for entry in value for kind in unseen_kinds(entry)}
    return set() if value is None or type(value) in (str, int, float, bool) else {type(value).__name__}
