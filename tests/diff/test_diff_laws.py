"""Laws of the comparison on random contracts: nothing differs from itself, both ways agree, all is explained."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from diff_oracle import applied, meaning, reordered
from diff_samples import Data, loaded
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lakepact.contract import load_contract
from lakepact.diff import Breaks, ChangeKind, Level, compare

some = settings(
    max_examples=100,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

NAMES = ("a", "b c", "D", "x.y")
WORDS = st.sampled_from(["x", "y", "it's `|`"])
Strategy = st.SearchStrategy[Data]


def maybe(**choices: Any) -> Strategy:
    return st.fixed_dictionaries({}, optional=choices)


def merged(*parts: Strategy) -> Strategy:
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


def kind(logical: str, option: Strategy, **more: Any) -> Strategy:
    return option.map(lambda o: {"logicalType": logical, **({"logicalTypeOptions": o} if o else {}), **more})


NUMBERS = st.integers(-3, 3)
BOUNDS = {key: NUMBERS for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")}
TYPES = st.one_of(
    kind("integer", maybe(**BOUNDS, multipleOf=st.sampled_from([1, 2, 3, 4]), format=st.sampled_from(["i32", "i64"]))),
    kind("number", maybe(**BOUNDS)),
    st.sampled_from(["DECIMAL(9,2)", "decimal(12,3)", "INT", "varchar(9)", "STRING", "DATE", "TIMESTAMP_NTZ"]).map(
        lambda name: {"physicalType": name}
    ),
    kind("string", maybe(minLength=st.integers(0, 2), maxLength=st.integers(3, 5), pattern=WORDS)),
    kind("timestamp", maybe(timezone=st.booleans())),
    kind("boolean", st.just({})),
)
FAMILIES = (
    kind("integer", maybe(**BOUNDS, multipleOf=st.sampled_from([1, 2, 3, 4]))),
    kind("number", maybe(**BOUNDS)),
    kind("string", maybe(minLength=st.integers(0, 2), maxLength=st.integers(3, 5), pattern=WORDS)),
    TYPES,
    TYPES.map(lambda item: {"logicalType": "array", "items": item}),
)
FLAG = maybe(required=st.booleans())
ABOUT = maybe(description=WORDS, physicalName=WORDS, tags=st.lists(WORDS, unique=True))
FLAGS = maybe(required=st.booleans(), unique=st.booleans(), primaryKey=st.booleans(), partitioned=st.booleans())
SAID = maybe(
    description=WORDS,
    physicalName=WORDS,
    classification=st.sampled_from(["public", "internal", "restricted"]),
    tags=st.lists(WORDS, unique=True),
    deprecated=st.booleans(),
    enum=st.lists(st.sampled_from([1, 2, "3"]), min_size=1, unique=True).map(lambda v: [{"value": one} for one in v]),
)
THRESHOLDS = st.one_of(
    st.integers(0, 3).map(lambda n: {"mustBe": n}),
    st.integers(0, 3).map(lambda n: {"mustBeLessThan": n}),
    st.integers(0, 3).map(lambda n: {"mustBeBetween": [n, n + 2]}),
)
RULES = st.lists(
    merged(
        st.sampled_from([{"id": "r1", "metric": "nullValues"}, {"id": "r2", "metric": "duplicateValues"}]),
        THRESHOLDS,
        maybe(severity=st.sampled_from(["error", "warning"]), unit=st.sampled_from(["rows", "percent"])),
    ),
    max_size=2,
    unique_by=lambda rule: rule["id"],
)


def fields(depth: int = 0, ids: bool = False) -> st.SearchStrategy[list[Data]]:
    inner = TYPES
    if depth < 2:
        inside = fields(depth + 1, ids)
        inner = TYPES | inside.map(
            lambda p: {"logicalType": "object", "properties": p} if p else {"logicalType": "object"}
        )
        inner |= TYPES.map(lambda item: {"logicalType": "array", "items": item})
    flags = FLAGS if depth == 0 else FLAG
    quality = RULES.map(lambda rules: {"quality": rules} if rules else {})
    identity = maybe(id=st.sampled_from(["i", "j"])) if ids else st.just({})
    one = merged(st.sampled_from(NAMES).map(lambda name: {"name": name}), inner, flags, SAID, quality, identity)
    return st.lists(one, max_size=3, unique_by=lambda field: field["name"]).map(_distinct_ids)


def _distinct_ids(elements: list[Data]) -> list[Data]:
    seen: set[Any] = set()
    for element in elements:
        if "id" in element:
            if element["id"] in seen:
                del element["id"]
            else:
                seen.add(element["id"])
    return elements


def objects(ids: bool) -> st.SearchStrategy[list[Data]]:
    one = merged(
        st.sampled_from(["t", "u"]).map(lambda name: {"name": name}),
        ABOUT,
        fields(ids=ids).map(lambda found: {"properties": found}),
        RULES.map(lambda rules: {"quality": rules} if rules else {}),
        maybe(id=st.sampled_from(["o", "q"])) if ids else st.just({}),
    )
    return st.lists(one, max_size=2, unique_by=lambda found: found["name"]).map(_distinct_ids)


LEVELS = st.sampled_from(
    [
        {"property": "latency", "value": 4, "unit": "h"},
        {"property": "latency", "value": 1, "unit": "d"},
        {"property": "availability", "value": 99.5, "unit": "%"},
        {"property": "availability", "value": 99, "unit": "%"},
    ]
)
SERVERS = merged(
    st.just({"server": "p", "type": "databricks", "schema": "s"}),
    st.fixed_dictionaries({"catalog": WORDS}),
    maybe(host=WORDS, environment=WORDS),
)


@st.composite
def contracts(draw: st.DrawFn, ids: bool = False) -> Data:
    head = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "c",
        "version": draw(st.sampled_from(["1.0.0", "2.0.0"])),
    }
    rest = draw(
        maybe(
            status=st.sampled_from(["draft", "active", "deprecated", "retired"]),
            tags=st.lists(WORDS, unique=True),
            servers=SERVERS.map(lambda one: [one]),
            slaProperties=st.lists(LEVELS, max_size=2, unique_by=lambda one: one["property"]),
            roles=maybe(access=WORDS).map(lambda one: [{"role": "r", **one}]),
            customProperties=WORDS.map(lambda value: [{"property": "p", "value": value}]),
            price=maybe(priceAmount=NUMBERS),
            support=WORDS.map(lambda value: [{"channel": "k", "url": value}]),
        )
    )
    return head | {"schema": draw(objects(ids))} | rest


@st.composite
def related_fields(draw: st.DrawFn, ids: bool, depth: int = 0) -> tuple[list[Data], list[Data]]:
    """The columns of two versions of an object: most of them in both, of one family of types, with other clauses."""
    sides: tuple[list[Data], list[Data]] = ([], [])
    for name in draw(st.permutations(NAMES[:3])):
        family = draw(st.sampled_from(FAMILIES))
        inner = draw(related_fields(ids, depth + 1)) if depth < 2 and draw(st.integers(0, 3)) == 0 else None
        for side, nested in zip(sides, inner or (None, None), strict=True):
            if draw(st.integers(0, 5)) == 0:
                continue
            typed = {"logicalType": "object", **({"properties": nested} if nested else {})}
            found = draw(family if inner is None or draw(st.integers(0, 5)) == 0 else st.just(typed))
            rules = draw(RULES)
            side.append({"name": name, **found, **draw(FLAGS if depth == 0 else FLAG), **draw(SAID)})
            side[-1] |= {"quality": rules} if rules else {}
            side[-1] |= draw(maybe(id=st.sampled_from(["i", "j"]))) if ids else {}
    if draw(st.booleans()):
        sides[1].reverse()
    return _distinct_ids(sides[0]), _distinct_ids(sides[1])


@st.composite
def relatives(draw: st.DrawFn, ids: bool = False) -> tuple[Data, Data]:
    """Two contracts that share much."""
    sides = (draw(contracts(ids)), draw(contracts(ids)))
    for side, fields_ in zip(sides, draw(related_fields(ids)), strict=True):
        side["schema"] = [one for one in side["schema"] if one["name"] != "t"]
        rules = draw(RULES)
        described = {"name": "t", **draw(ABOUT), "properties": fields_} | ({"quality": rules} if rules else {})
        side["schema"].append(described)
    return sides


PAIRS = relatives()
PAIRS_WITH_IDS = relatives(ids=True)


@given(data=contracts(ids=True))
@some
def test_nothing_differs_from_itself_however_it_is_laid_out(data: Data) -> None:
    contract = loaded(data)
    assert compare(contract, contract).changes == ()
    for layout in (
        yaml.safe_dump(data, sort_keys=True, allow_unicode=True),
        yaml.safe_dump(_reversed(data), sort_keys=False, default_flow_style=True),
        json.dumps(data, indent=1),
    ):
        assert compare(contract, load_contract(layout.encode())).changes == ()
        assert compare(load_contract(layout.encode()), contract).changes == ()


def _reversed(value: Any) -> Any:
    """The same with the keys of every mapping in reverse order."""
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(entry) for entry in value] if isinstance(value, list) else value


@given(data=contracts())
@some
def test_what_is_implied_may_be_written_out(data: Data) -> None:
    explicit = copy.deepcopy(data)
    for described in explicit["schema"]:
        described.setdefault("physicalName", described["name"])
        for field in _all_fields(described["properties"]):
            _write_out(field)
    assert compare(loaded(data), loaded(explicit)).changes == ()
    assert compare(loaded(explicit), loaded(data)).changes == ()


def _all_fields(found: Sequence[Data]) -> Iterator[Data]:
    for field in found:
        yield field
        yield from _all_fields(field.get("properties", []))
        yield from _all_fields([field["items"]] if "items" in field else [])


def _write_out(field: Data) -> None:
    if "name" in field:
        field.setdefault("physicalName", field["name"])
    for flag in ("required", "unique", "deprecated", "partitioned"):
        field.setdefault(flag, False)
    option = field.get("logicalTypeOptions", {})
    implied = {"integer": "BIGINT", "number": "DOUBLE", "string": "STRING", "boolean": "BOOLEAN"}
    if field.get("logicalType") in implied and "format" not in option:
        field["physicalType"] = implied[field["logicalType"]]
    if field.get("logicalType") == "integer" and "minimum" in option and "exclusiveMinimum" not in option:
        option["exclusiveMinimum"] = option.pop("minimum") - 1
    if field.get("logicalType") == "timestamp" and "timezone" not in option:
        field["logicalTypeOptions"] = {"timezone": True, "defaultTimezone": "Etc/UTC"}
    for rule in field.get("quality", []):
        rule.setdefault("unit", "rows")
        rule["type"] = "library"
        if "mustBeLessThan" in rule and rule["unit"] == "rows" and rule["mustBeLessThan"]:
            rule["mustBeBetween"] = [-1, rule.pop("mustBeLessThan") - 1]


_BACK = {ChangeKind.ADDED: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.ADDED}
_OTHER = {Breaks.CONSUMER: Breaks.PRODUCER, Breaks.PRODUCER: Breaks.CONSUMER}
_SETS = ("required", "unique", "minimum", "maximum", "minLength", "maxLength", "multipleOf", "pattern", "enum")


@given(pair=PAIRS)
@some
def test_both_ways_tell_of_the_same_differences(pair: tuple[Data, Data]) -> None:
    old, new = map(loaded, pair)
    there = {change.path: change for change in compare(old, new).changes}
    back = {change.path: change for change in compare(new, old).changes}
    assert there.keys() == back.keys()
    for path, change in there.items():
        mirror = back[path]
        assert mirror.kind is _BACK.get(change.kind, change.kind)
        assert (mirror.old, mirror.new) == (change.new, change.old)
        if path.rpartition(".")[2] in _SETS or (path.endswith((".r1", ".r2"))):
            assert (mirror.level, mirror.breaks) == (change.level, _OTHER.get(change.breaks, change.breaks))
        if change.level is Level.PATCH:
            assert mirror.level is Level.PATCH


@given(pair=PAIRS_WITH_IDS)
@some
def test_paths_are_distinct_and_levels_follow_the_law(pair: tuple[Data, Data]) -> None:
    old, new = map(loaded, pair)
    found = compare(old, new)
    paths = [change.path for change in found.changes if change.kind is not ChangeKind.REMOVED]
    assert len(set(paths)) == len(paths)
    for change in found.changes:
        assert change.level is not Level.NONE
        assert (change.level is Level.MAJOR) is (change.breaks is not Breaks.NOBODY)
        assert change.old_place.line or change.new_place.line
    assert found.level is max((c.level for c in found.changes), key=lambda one: one.rank, default=Level.NONE)


@given(pair=PAIRS)
@some
def test_the_changes_applied_to_the_old_meaning_give_the_new_one(pair: tuple[Data, Data]) -> None:
    old, new = meaning(pair[0]), meaning(pair[1])
    changes = compare(loaded(pair[0]), loaded(pair[1])).changes
    assert applied(changes, old, new) == new
    moved = {change.path for change in changes if change.kind is ChangeKind.MOVED}
    assert {path for path in moved if path.endswith("properties")} == reordered(*pair)
