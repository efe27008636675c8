"""AUTO CDC as SQL, executed on Spark and judged by a simulator that takes the changes one by one."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lakepact.errors import ConfigurationError
from lakepact.local.auto_cdc import auto_cdc_sql, expand_auto_cdc, lower_auto_cdc
from lakepact.local.definitions import AutoCdcFlow, DatasetDefinition, Definitions, ScdType, SourcePlace
from lakepact.local.dp import PipelinesModule
from lakepact.plan.model import DatasetKind

PLACE = SourcePlace("a.py", 7)
COLUMNS = ("grp", "id", "seq", "op", "a", "b c")
SCHEMA = "grp INT, id INT, seq INT, op STRING, a INT, `b c` STRING"
DELETE = "op = 'D'"
Event = tuple[int, int | None, int, str | None, int | None, str | None]


def _flow(**options: Any) -> AutoCdcFlow:
    given: dict[str, Any] = {"keys": ("grp", "id"), "sequence_by": "seq", **options}
    return AutoCdcFlow(name="users", target="users", source="feed", place=PLACE, **given)


def _winners(events: list[Event]) -> list[Event]:
    """One event by sequence: a delete, else the one whose JSON sorts last; in order."""

    def text(event: Event) -> str:
        present = {name: value for name, value in zip(COLUMNS, event, strict=True) if value is not None}
        return json.dumps(present, separators=(",", ":")).removesuffix("}")

    kept = []
    for _, same in groupby(sorted(events, key=lambda event: event[2]), key=lambda event: event[2]):
        kept.append(max(same, key=lambda event: (event[3] == "D", text(event) + ',"__')))
    return kept


def _simulate(events: list[Event], *, tracked: tuple[int, ...], fill: bool) -> list[tuple[Any, ...]]:
    """All states of all keys: (grp, id, a, b, start, end), end None for the state that lasts."""
    rows: list[tuple[Any, ...]] = []
    keys = {event[:2] for event in events}
    for key in keys:
        state: list[Any] | None = None  # a, b, start
        for event in _winners([event for event in events if event[:2] == key]):
            sequence, values = event[2], [event[4], event[5]]
            if event[3] == "D":
                if state is not None:
                    rows.append((*key, *state, sequence))
                state = None
                continue
            if fill and state is not None:
                values = [old if new is None else new for new, old in zip(values, state, strict=False)]
            if state is not None and all(state[index] == values[index] for index in tracked):
                state = [*values, state[2]]
                continue
            if state is not None:
                rows.append((*key, *state, sequence))
            state = [*values, sequence]
        if state is not None:
            rows.append((*key, *state, None))
    return rows


def _order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)


def _run(spark: Any, flow: AutoCdcFlow, events: list[Event], columns: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
    spark.createDataFrame(events, SCHEMA).createOrReplaceTempView("lakepact_feed")
    text = auto_cdc_sql(flow, source="lakepact_feed", columns=columns)
    return _order([tuple(row) for row in spark.sql(text).collect()])


_DOMAIN: tuple[tuple[Any, ...], ...] = (
    tuple(range(40)),
    (1, 2, None),
    tuple(range(10)),
    ("U", "U", "U", "D", None),
    (None, 1, 2),
    (None, "x", "y"),
)


def _event(number: int) -> Event:
    """One number, one event: hypothesis draws hundreds of them cheaply."""
    values = []
    for choices in _DOMAIN:
        number, index = divmod(number, len(choices))
        values.append(choices[index])
    return tuple(values)


_EVENTS = st.lists(st.integers(0, math.prod(map(len, _DOMAIN)) - 1).map(_event), min_size=350, max_size=450)
# Few and large examples, and no shrinking: each one is a Spark query.
_FEW = settings(
    max_examples=2,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@_FEW
@given(events=_EVENTS)
@pytest.mark.parametrize("fill", [False, True])
def test_scd_1_keeps_the_last_state(spark: Any, fill: bool, events: list[Event]) -> None:
    flow = _flow(apply_as_deletes=DELETE, except_column_list=("op", "seq"), ignore_null_updates=fill)
    expected = [row[:4] for row in _simulate(events, tracked=(0, 1), fill=fill) if row[5] is None]
    assert _run(spark, flow, events, COLUMNS) == _order(expected)


@_FEW
@given(events=_EVENTS)
@pytest.mark.parametrize(
    ("tracking", "tracked", "fill"),
    [
        ({}, (0, 1), False),
        ({}, (0, 1), True),
        ({"track_history_column_list": ("a",)}, (0,), False),
        ({"track_history_except_column_list": ("a",)}, (1,), True),
        ({"column_list": ("grp", "id", "a", "b c")}, (0, 1), True),
        ({"column_list": ("grp", "id", "a", "b c"), "track_history_except_column_list": ("b c",)}, (0,), False),
    ],
)
def test_scd_2_keeps_all_states(
    spark: Any, tracking: dict[str, Any], tracked: tuple[int, ...], fill: bool, events: list[Event]
) -> None:
    excluded = {} if "column_list" in tracking else {"except_column_list": ("op", "seq")}
    flow = _flow(
        apply_as_deletes=DELETE,
        ignore_null_updates=fill,
        stored_as_scd_type=ScdType.SCD_2,
        **excluded,
        **tracking,
    )
    assert _run(spark, flow, events, COLUMNS) == _order(_simulate(events, tracked=tracked, fill=fill))


@_FEW
@given(events=_EVENTS, at=st.integers(0, 9))
def test_truncates_remove_what_is_not_after_them(spark: Any, events: list[Event], at: int) -> None:
    truncates: list[Event] = [(0, 1, at, "T", None, None), (0, 1, 1, "T", None, None)]
    flow = _flow(apply_as_deletes=DELETE, apply_as_truncates="op = 'T'", except_column_list=("op", "seq"))
    after = [event for event in events if event[2] > max(at, 1)]
    expected = [row[:4] for row in _simulate(after, tracked=(0, 1), fill=False) if row[5] is None]
    assert _run(spark, flow, [*events, *truncates], COLUMNS) == _order(expected)


DOCUMENTED: list[Event] = [  # the example of Databricks' documentation, in another order
    (0, 125, 6, "U", 2, "Guadalajara"),
    (0, 124, 1, "U", 1, "Oaxaca"),
    (0, 123, 1, "U", 1, "Monterrey"),
    (0, 123, 6, "D", None, None),
    (0, 125, 2, "U", 2, "Tijuana"),
    (0, 125, 5, "U", 2, "Mexicali"),
    (0, 123, 5, "U", 1, "Chihuahua"),
]


def test_the_documented_example_as_scd_1(spark: Any) -> None:
    flow = _flow(apply_as_deletes=DELETE, column_list=("id", "b c"))
    assert _run(spark, flow, DOCUMENTED) == [(124, "Oaxaca"), (125, "Guadalajara")]
    truncate: Event = (0, 0, 3, "T", None, None)
    flow = replace(flow, apply_as_truncates="op = 'T'")
    assert _run(spark, flow, [*DOCUMENTED, truncate]) == [(125, "Guadalajara")]


def test_the_documented_example_as_scd_2(spark: Any) -> None:
    flow = _flow(apply_as_deletes=DELETE, column_list=("id", "b c"), stored_as_scd_type=ScdType.SCD_2)
    assert _run(spark, flow, DOCUMENTED) == [
        (123, "Chihuahua", 5, 6),
        (123, "Monterrey", 1, 5),
        (124, "Oaxaca", 1, None),
        (125, "Guadalajara", 6, None),
        (125, "Mexicali", 5, 6),
        (125, "Tijuana", 2, 5),
    ]
    names = spark.sql(auto_cdc_sql(flow, source="lakepact_feed")).columns
    assert names == ["id", "b c", "__START_AT", "__END_AT"]


def test_a_sequence_may_be_a_struct_and_where_filters(spark: Any) -> None:
    events: list[Event] = [(0, 1, 1, None, 2, "later"), (0, 1, 1, None, 1, "first"), (0, 1, 9, "X", 9, "filtered")]
    flow = _flow(sequence_by="struct(seq, a)", where="op IS NULL", column_list=("id", "b c"))
    assert _run(spark, flow, events) == [(1, "later")]
    found = _run(spark, replace(flow, stored_as_scd_type=ScdType.SCD_2), events)
    assert [(row[1], tuple(row[2]), row[3] and tuple(row[3])) for row in found] == [
        ("first", (1, 1), (1, 2)),
        ("later", (1, 2), None),
    ]


@pytest.mark.parametrize("scd_type", list(ScdType))
def test_a_null_sequence_is_an_error(spark: Any, scd_type: ScdType) -> None:
    flow = _flow(sequence_by="nullif(seq, 2)", stored_as_scd_type=scd_type)
    events: list[Event] = [(0, 1, 1, None, 1, "x"), (0, 1, 2, None, 1, "x")]
    with pytest.raises(Exception, match=r"LP562: a change for users has no sequence: sequence_by is NULL"):
        _run(spark, flow, events)


class Session:
    def sql(self, text: str) -> str:
        return text


def _definitions(kind: str) -> Definitions:
    dp = PipelinesModule(spark=Session())
    getattr(dp, kind)(name="feed")(lambda: None)
    dp.create_streaming_table("sales.users", comment="c", expect_all={"has id": "id IS NOT NULL"})
    dp.create_auto_cdc_flow("sales.users", "feed", ["id"], "ts")
    return dp.definitions


def test_a_streaming_view_is_staged() -> None:
    definitions = expand_auto_cdc(_definitions("view"))
    feed, staging, users = definitions.datasets
    assert definitions.auto_cdc_flows == []
    assert (feed.name, staging.name, users.name) == ("feed", "`sales`.`__lakepact_cdc_users`", "sales.users")
    assert (staging.kind, staging.private) == (DatasetKind.STREAMING_TABLE, True)
    assert (users.kind, users.comment) == (DatasetKind.MATERIALIZED_VIEW, "c")
    assert [expectation.name for expectation in users.expectations] == ["has id"]
    assert staging.query is not None
    assert staging.query() == "SELECT * FROM STREAM `feed`"
    assert users.query is not None
    assert "FROM `sales`.`__lakepact_cdc_users`" in users.query()


def test_a_streaming_table_is_read_whole() -> None:
    _, users = expand_auto_cdc(_definitions("table")).datasets
    assert users.query is not None
    assert "FROM `feed`" in users.query()


def test_known_columns_may_be_given() -> None:
    target = DatasetDefinition(name="users", kind=DatasetKind.STREAMING_TABLE, place=PLACE)
    flow = _flow(ignore_null_updates=True)
    (users,) = lower_auto_cdc(flow, target, spark=Session(), source_is_streaming_view=False, columns=("grp", "id", "a"))
    assert users.query is not None
    assert "AS `a` FROM" not in users.query()
    assert "AS `a`, __lakepact_sequence" in users.query()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keys": ()}, "LP560: a.py:7: AUTO CDC needs at least one key"),
        (
            {"column_list": ("a",), "except_column_list": ("b",)},
            "LP560: a.py:7: column_list and except_column_list exclude each other",
        ),
        (
            {"track_history_column_list": ("a",)},
            "LP560: a.py:7: history is tracked by SCD type 2 only\n  hint: set stored_as_scd_type=2",
        ),
        (
            {"apply_as_truncates": "x", "stored_as_scd_type": ScdType.SCD_2},
            "LP560: a.py:7: apply_as_truncates is for SCD type 1 only\n"
            "  hint: leave it out, or set stored_as_scd_type=1",
        ),
        (
            {"ignore_null_updates": True},
            "LP561: a.py:7: ignore_null_updates needs the names of the columns on this machine\n"
            "  hint: list them in column_list (COLUMNS in SQL)",
        ),
    ],
)
def test_clauses_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message.split("\n")[0]) as caught:
        auto_cdc_sql(_flow(**options), source="feed")
    assert str(caught.value) == message


def test_targets_that_cannot_be() -> None:
    definitions = _definitions("table")
    dp = PipelinesModule(definitions, spark=Session())
    dp.append_flow(target="SALES.users", name="other")(lambda: None)
    with pytest.raises(ConfigurationError, match=r"LP560: \S+:\d+: sales.users has other flows beside AUTO CDC"):
        expand_auto_cdc(definitions)
    definitions.flows.clear()
    dp.create_auto_cdc_flow("nothing", "feed", ["id"], "ts")
    with pytest.raises(
        ConfigurationError, match="nothing must be a table of create_streaming_table, without other flows"
    ):
        expand_auto_cdc(definitions)
