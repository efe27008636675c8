"""The recorder behind `dp` and `dlt`: what each call of Databricks' API records, and what is refused."""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any

import pytest
from pyspark.sql.connect import functions as cf

from lakepact.errors import ConfigurationError
from lakepact.local.definitions import ExpectationAction, ExpectationDefinition, ScdType, SinkDefinition
from lakepact.local.dp import PipelinesModule
from lakepact.plan.model import DatasetKind


@pytest.fixture
def dp() -> PipelinesModule:
    return PipelinesModule()


def _query() -> str:
    return "rows"


def _line(offset: int = 0) -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno + offset


def test_table_with_all_arguments(dp: PipelinesModule) -> None:
    place = _line(1)
    dp.table(
        name="main.sales.orders",
        comment="orders",
        spark_conf={"a": "1"},
        table_properties={"quality": "silver", "pipelines.reset.allowed": False},  # type: ignore[dict-item]
        path="/x",
        partition_cols=["day"],
        cluster_by=["id"],
        cluster_by_auto=True,
        schema="id INT",
        row_filter="ROW FILTER f ON (id)",
        private=True,
        refresh_policy="auto",
    )(_query)
    (dataset,) = dp.definitions.datasets
    assert (dataset.name, dataset.kind, dataset.comment) == (
        "main.sales.orders",
        DatasetKind.STREAMING_TABLE,
        "orders",
    )
    assert dataset.table_properties == {"quality": "silver", "pipelines.reset.allowed": "false"}
    assert (dataset.spark_conf, dataset.partition_cols, dataset.cluster_by) == ({"a": "1"}, ("day",), ("id",))
    assert (dataset.schema, dataset.private, dataset.expectations) == ("id INT", True, ())
    assert dataset.ignored == {
        "path": "/x",
        "cluster_by_auto": True,
        "row_filter": "ROW FILTER f ON (id)",
        "refresh_policy": "auto",
    }
    assert (dataset.place.file, dataset.place.line) == (__file__, place)
    assert dataset.query is not None
    assert dataset.query() == "rows"


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("table", DatasetKind.STREAMING_TABLE),
        ("create_table", DatasetKind.STREAMING_TABLE),
        ("materialized_view", DatasetKind.MATERIALIZED_VIEW),
        ("temporary_view", DatasetKind.TEMPORARY_VIEW),
        ("view", DatasetKind.TEMPORARY_VIEW),
    ],
)
def test_decorators_work_with_and_without_parentheses(dp: PipelinesModule, method: str, kind: DatasetKind) -> None:
    def bare() -> None: ...
    def called() -> None: ...

    assert getattr(dp, method)(bare) is None
    assert getattr(dp, method)()(called) is None
    assert [(dataset.name, dataset.kind) for dataset in dp.definitions.datasets] == [("bare", kind), ("called", kind)]


def test_place_is_the_line_of_the_dataset_decorator(dp: PipelinesModule) -> None:
    expected = _line(2)

    @dp.table
    @dp.expect("a", "x > 0")
    def t() -> None: ...

    assert dp.definitions.datasets[0].place.line == expected


def test_expectations_keep_their_order_of_reading(dp: PipelinesModule) -> None:
    @dp.materialized_view
    @dp.expect("a", "a > 0")
    @dp.expect_all_or_drop({"b": "b > 0", "c": "c > 0"})
    @dp.expect_or_fail("d", "d > 0")
    @dp.expect_all({"e": "e > 0"})
    @dp.expect_or_drop("f", "f > 0")
    @dp.expect_all_or_fail({"g": "g > 0"})
    def t() -> str:
        return "rows"

    warn, drop, fail = ExpectationAction.WARN, ExpectationAction.DROP, ExpectationAction.FAIL
    (dataset,) = dp.definitions.datasets
    assert dataset.expectations == tuple(
        ExpectationDefinition(name, f"{name} > 0", action)
        for name, action in zip("abcdefg", [warn, drop, drop, fail, warn, drop, fail], strict=True)
    )
    assert dataset.name == "t"
    assert dataset.query is not None
    assert dataset.query() == "rows"


def test_one_function_becomes_datasets_with_expectations_of_their_own(dp: PipelinesModule) -> None:
    for number in range(2):
        dp.table(name=f"t{number}")(dp.expect(f"e{number}", f"x > {number}")(_query))
    dp.table(name="plain")(_query)
    names = [[expectation.name for expectation in dataset.expectations] for dataset in dp.definitions.datasets]
    assert names == [["e0"], ["e1"], []]


def test_expectations_survive_other_decorators(dp: PipelinesModule) -> None:
    def other(function: Any) -> Any:
        @functools.wraps(function)
        def wrapped() -> Any:
            return function()

        return wrapped

    dp.table(other(dp.expect("a", "x > 0")(_query)))
    assert [expectation.name for expectation in dp.definitions.datasets[0].expectations] == ["a"]


def test_partials_and_bound_methods_are_queries(dp: PipelinesModule) -> None:
    dp.table(name="p")(dp.expect("a", "x > 0")(functools.partial(str.upper, "rows")))
    dp.table(name="m")(dp.expect("a", "x > 0")("rows".upper))
    queries = [dataset.query for dataset in dp.definitions.datasets]
    assert [query() for query in queries if query is not None] == ["ROWS", "ROWS"]


def test_create_streaming_table(dp: PipelinesModule) -> None:
    dp.create_streaming_table(
        "target", comment="c", expect_all={"a": "1"}, expect_all_or_drop={"b": "2"}, expect_all_or_fail={"c": "3"}
    )
    dp.create_streaming_live_table(name="old")
    target, old = dp.definitions.datasets
    assert (target.kind, target.query, target.comment) == (DatasetKind.STREAMING_TABLE, None, "c")
    assert [(item.name, item.constraint, item.action.value) for item in target.expectations] == [
        ("a", "1", "warn"),
        ("b", "2", "drop"),
        ("c", "3", "fail"),
    ]
    assert (old.name, old.expectations) == ("old", ())


def test_append_flows(dp: PipelinesModule) -> None:
    dp.append_flow(target="t", name="backfill", once=True, spark_conf={"a": "b"}, comment="x")(_query)
    dp.append_flow(target="t")(_query)
    backfill, plain = dp.definitions.flows
    assert (backfill.name, backfill.target, backfill.once, backfill.spark_conf) == ("backfill", "t", True, {"a": "b"})
    assert (plain.name, plain.once, plain.query()) == ("_query", False, "rows")


def test_auto_cdc_flow(dp: PipelinesModule) -> None:
    dp.create_auto_cdc_flow(
        target="users",
        source="feed",
        keys=["id", cf.col("region code")],
        sequence_by=cf.struct("ts", "n"),
        where="ok",
        ignore_null_updates=True,
        apply_as_deletes=cf.expr("op = 'D'"),
        column_list=["id", cf.col("name")],
        stored_as_scd_type="2",
        track_history_except_column_list=["seen"],
        name="f",
    )
    (flow,) = dp.definitions.auto_cdc_flows
    assert (flow.name, flow.target, flow.source, flow.keys) == ("f", "users", "feed", ("id", "region code"))
    assert (flow.sequence_by, flow.where, flow.apply_as_deletes) == ("struct(`ts`, `n`)", "ok", "(op = 'D')")
    assert (flow.ignore_null_updates, flow.column_list, flow.except_column_list) == (True, ("id", "name"), ())
    assert (flow.stored_as_scd_type, flow.track_history_except_column_list) == (ScdType.SCD_2, ("seen",))


def test_auto_cdc_defaults(dp: PipelinesModule) -> None:
    dp.apply_changes("users", "feed", ["id"], "ts", apply_as_truncates="op = 'T'")
    (flow,) = dp.definitions.auto_cdc_flows
    assert (flow.name, flow.stored_as_scd_type, flow.apply_as_truncates) == ("users", ScdType.SCD_1, "op = 'T'")
    assert (flow.where, flow.apply_as_deletes, flow.ignore_null_updates) == (None, None, False)


def test_sinks(dp: PipelinesModule) -> None:
    dp.create_sink("out", "delta", {"path": "/x"})
    (sink,) = dp.definitions.sinks
    assert sink == SinkDefinition(name="out", format="delta", options={"path": "/x"}, place=sink.place)


def test_reading_goes_to_the_session() -> None:
    class Reader:
        def __init__(self, prefix: str) -> None:
            self.prefix = prefix

        def table(self, name: str) -> str:
            return f"{self.prefix} {name}"

    class Session:
        read = Reader("batch")
        readStream = Reader("stream")

    dlt = PipelinesModule(spark=Session(), name="dlt")
    assert (dlt.read("a"), dlt.read_stream("LIVE.a")) == ("batch a", "stream a")


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (cf.expr("a between 1 and 2"), "(a between 1 and 2)"),
        (cf.col("a.b c") > 3, "(`a`.`b c` > 3)"),
        ((cf.col("a") != "it's") | ~cf.col("b").isNull(), "((NOT (`a` == 'it\\'s')) or (NOT (`b` IS NULL)))"),
        (cf.col("a").isin(1, None), "(`a` IN (1, NULL))"),
        (cf.col("a").cast("int").isNotNull(), "(CAST(`a` AS int) IS NOT NULL)"),
        (cf.col("a").try_cast("int") == 1, "(TRY_CAST(`a` AS int) == 1)"),
        (cf.when(cf.col("a"), 1.5).otherwise(cf.lit(True)), "CASE WHEN `a` THEN 1.5D ELSE TRUE END"),
        (cf.col("m")["k"].alias("x"), "`m`['k']"),
        (cf.length(cf.col("`odd``name`")), "length(`odd``name`)"),
    ],
)
def test_columns_become_sql_text(dp: PipelinesModule, column: Any, text: str) -> None:
    dp.table(dp.expect("a", column)(_query))
    assert dp.definitions.datasets[0].expectations[0].constraint == text


def _refuse(dp: PipelinesModule, case: str) -> None:
    match case:
        case "unknown":
            dp.table(table_propertys={})  # type: ignore[call-arg]
        case "unknown everywhere":
            dp.append_flow(target="t", name=3)(_query)  # type: ignore[arg-type]
        case "not a function":
            dp.table("orders")  # type: ignore[arg-type]
        case "wrong order":
            dp.expect("a", "x")(dp.table(_query))
        case "arguments":
            dp.table(lambda x: x)  # type: ignore[arg-type, misc]
        case "no name":
            dp.table(lambda: 1)
        case "flow expectations":
            dp.append_flow(target="t")(dp.expect("a", "x")(_query))
        case "duplicate expectation":
            dp.table(dp.expect("a", "x")(dp.expect_or_drop("a", "y")(_query)))
        case "duplicate dataset":
            dp.table(name="T")(_query)
            dp.view(name="t")(_query)
        case "duplicate flow":
            dp.apply_changes("t", "s", ["k"], "ts")
            dp.append_flow(target="x", name="t")(_query)
        case "not text":
            dp.expect("a", 3)
        case "no SQL":
            dp.expect("a", cf.count_distinct(cf.col("a")))
        case "key expression":
            dp.apply_changes("t", "s", [cf.col("a") + 1], "ts")
        case "scd":
            dp.apply_changes("t", "s", ["k"], "ts", stored_as_scd_type=3)
        case "snapshot":
            dp.apply_changes_from_snapshot(target="t", source="s", keys=["k"], stored_as_scd_type=1)
        case "foreach":
            dp.foreach_batch_sink(name="x")
        case "hook":
            dp.on_event_hook()
        case "no session":
            dp.read("x")


@pytest.mark.parametrize(
    ("case", "code", "message", "hint"),
    [
        ("unknown", "LP520", "table has no argument 'table_propertys'", "did you mean table_properties?"),
        ("unknown everywhere", "LP520", "append_flow: name must be a string, not int", ""),
        (
            "not a function",
            "LP520",
            "table decorates a function, not str",
            "write @dp.table(name=...) above a function",
        ),
        (
            "wrong order",
            "LP520",
            "expect stands above the dataset decorator",
            "put expectations below @dp.table and its like",
        ),
        ("arguments", "LP520", "the query function takes no arguments, this one needs x", ""),
        ("no name", "LP520", "table: the function has no name, so give name=...", ""),
        (
            "flow expectations",
            "LP520",
            "append_flow takes no expectations",
            "put them on create_streaming_table(expect_all=...)",
        ),
        (
            "duplicate expectation",
            "LP522",
            "_query has two expectations named 'a'",
            "the name of an expectation is unique in its dataset",
        ),
        (
            "not text",
            "LP520",
            "expect: expectation 'a': int is neither SQL text nor a column of this pipeline's session",
            "give the constraint as SQL text",
        ),
        (
            "no SQL",
            "LP520",
            "expect: expectation 'a': count(distinct a) has no SQL text",
            "give the constraint as SQL text",
        ),
        (
            "key expression",
            "LP520",
            "create_auto_cdc_flow: keys: +(a, 1) is not the plain name of a column",
            "give the name of the column as a string",
        ),
        ("scd", "LP520", "create_auto_cdc_flow: stored_as_scd_type must be 1 or 2, not 3", ""),
        (
            "snapshot",
            "LP521",
            "create_auto_cdc_from_snapshot_flow is not supported on this machine",
            "feed the changes themselves with create_auto_cdc_flow",
        ),
        (
            "foreach",
            "LP521",
            "foreach_batch_sink is not supported on this machine",
            "use create_sink with a format, or keep this source out of local runs",
        ),
        (
            "hook",
            "LP521",
            "on_event_hook is not supported on this machine",
            "keep hooks in a source of their own that only Databricks runs",
        ),
        (
            "no session",
            "LP520",
            "read needs a running session",
            "use spark.read.table in the query function",
        ),
    ],
)
def test_refused_calls(dp: PipelinesModule, case: str, code: str, message: str, hint: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^{code}: {re.escape(__file__)}:\d+: {re.escape(message)}"
    ) as caught:
        _refuse(dp, case)
    assert caught.value.message.endswith(f": {message}")
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("case", "message"),
    [("duplicate dataset", "dataset 't' is defined a second time"), ("duplicate flow", "flow 't' is defined a second")],
)
def test_names_are_defined_once(dp: PipelinesModule, case: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^LP523: \S+:\d+: {message}.*first at {re.escape(__file__)}:\d+"):
        _refuse(dp, case)


def test_every_public_name_is_there(dp: PipelinesModule) -> None:
    assert all(callable(getattr(dp, name)) for name in dp.__all__)
    assert "expect_all_or_drop" in dp.__all__
