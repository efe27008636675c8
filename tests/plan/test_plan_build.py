"""Which datasets a plan has, what they carry, and what cannot be planned."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

import plan_samples as samples
from lakepact.contract.model import CustomProperty, Place, SchemaProperty
from lakepact.contract.types import ArrayType, MapType, StructField, StructType
from lakepact.errors import ConfigurationError, UsageError
from lakepact.plan.build import build_plan
from lakepact.plan.model import (
    DatasetKind,
    DatasetRole,
    FileSource,
    Mode,
    Plan,
    Select,
    SqlQuery,
    SqlSource,
    TableSource,
)
from lakepact.plan.sources import ObjectSource
from lakepact.rules.model import Action, DatasetRule, Query, RowRule, TypedColumn
from lakepact.targets import pipeline_python, pipeline_sql
from speed import cpu_limit

A = (samples.column("a"),)
FROM_TABLE = ObjectSource(source=TableSource(name=("raw", "t")))


def one(
    columns: tuple[TypedColumn, ...] = A,
    rows: tuple[RowRule, ...] = (),
    checks: tuple[DatasetRule, ...] = (),
    *,
    source: ObjectSource = FROM_TABLE,
    **settings: object,
) -> Plan:
    contract = samples.contract_of(samples.described("t", columns, **settings))
    rules = samples.rule_set(contract, samples.rules_of("t", columns, rows, checks))
    return build_plan(contract, rules, {"t": source}, pipeline="p")


def test_datasets_of_a_batch_object_in_order() -> None:
    datasets = samples.batch().plan().datasets
    assert [(d.name, d.kind.value, d.role.value, d.private) for d in datasets] == [
        ("orders__input", "temporary view", "input", False),
        ("orders__duplicates", "materialized view", "duplicates", True),
        ("orders", "materialized view", "published", False),
        ("orders__quarantine", "materialized view", "quarantine", False),
        ("orders__checks", "materialized view", "checks", False),
        ("orders__gate", "materialized view", "gate", True),
    ]


def test_datasets_of_a_stream() -> None:
    datasets = samples.streaming().plan().datasets
    assert [(d.name, d.kind) for d in datasets] == [
        ("events__input", DatasetKind.TEMPORARY_VIEW),
        ("events", DatasetKind.STREAMING_TABLE),
        ("events__quarantine", DatasetKind.STREAMING_TABLE),
    ]


def test_an_object_without_rules_is_its_input_and_its_table() -> None:
    assert [d.role for d in one().datasets] == [DatasetRole.INPUT, DatasetRole.PUBLISHED]


def test_dropping_a_value_needs_no_quarantine() -> None:
    plan = one(rows=(samples.row("t.a.required", "`a` IS NOT NULL", Action.DROP),))
    assert [d.role for d in plan.datasets] == [DatasetRole.INPUT, DatasetRole.PUBLISHED]


def test_several_keys_have_a_number_each() -> None:
    columns = (samples.column("a"), samples.column("b"))
    plan = one(columns, (samples.key_rule("t", "a"), samples.key_rule("t", "a", "b")))
    assert [d.name for d in plan.datasets] == [
        *("t__input", "t__duplicates_1", "t__duplicates_2", "t", "t__quarantine")
    ]


def test_raw_values_are_kept_for_type_rules_only() -> None:
    columns = (samples.column("a"), samples.column("n", samples.BIGINT), samples.column("m", samples.BIGINT))
    query = one(columns, (samples.type_rule("t", "n"),)).datasets[0].query
    assert isinstance(query, Select)
    assert query.columns[-1] == "named_struct('n', `n`) AS _lakepact_raw"


def test_renamed_columns_are_read_under_their_source_name() -> None:
    source = ObjectSource(source=TableSource(name=("raw",)), rename={"a": "A B"})
    query = one(source=source).datasets[0].query
    assert isinstance(query, Select)
    assert query.columns == ("CAST(`A B` AS STRING) AS `a`",)


def test_what_the_published_table_carries() -> None:
    published = samples.batch().plan().objects[0].dataset(DatasetRole.PUBLISHED)
    assert published is not None
    assert published.comment == "Orders of the shop."
    assert published.cluster_by == ("order_id",)
    assert dict(published.table_properties) == {
        "lakepact.contract.id": "shop",
        "lakepact.contract.version": "1.2.0",
        "lakepact.contract.sha256": samples.batch().contract.sha256,
        "lakepact.object": "orders",
        "delta.enableChangeDataFeed": "true",
    }
    assert [(c.name, c.type.ddl, c.required, c.comment) for c in published.columns] == [
        ("order_id", "BIGINT", True, "Number of the order."),
        ("amount", "DOUBLE", False, None),
        ("note", "STRING", False, None),
    ]


def test_partitions_follow_their_positions() -> None:
    properties = tuple(
        SchemaProperty(
            place=Place(), name=name, physical_name=name.upper(), partitioned=True, partition_key_position=position
        )
        for name, position in (("none", None), ("second", 2), ("first", 1), ("minus", -1))
    )
    plan = one(properties=properties)
    assert plan.datasets[1].partition_by == ("FIRST", "SECOND", "NONE", "MINUS")


@pytest.mark.parametrize("value", ["a", ["a"], " a ,"])
def test_clustering(value: object) -> None:
    cluster = CustomProperty(place=Place(), property="lakepact.clusterBy", value=value)
    assert one(custom_properties=(cluster,)).datasets[1].cluster_by == ("a",)


def test_clustering_by_an_unknown_column() -> None:
    cluster = CustomProperty(place=Place(), property="clusterBy", value="b")
    with pytest.raises(
        ConfigurationError, match=r"^LP305: clusterBy: object 't' has no column 'b'\n  hint: known are: 'a'$"
    ):
        one(custom_properties=(cluster,))


def test_partitions_and_clustering_exclude_each_other() -> None:
    cluster = CustomProperty(place=Place(), property="clusterBy", value="a")
    properties = (SchemaProperty(place=Place(), name="a", partitioned=True),)
    with pytest.raises(
        ConfigurationError, match=r"LP306: object 't' is partitioned and clustered; Delta has one of the two"
    ):
        one(custom_properties=(cluster,), properties=properties)


@pytest.mark.parametrize(
    ("kind", "options", "schema"),
    [
        ("csv", {}, "`x` STRING, `o` STRUCT<`f`: STRING>, `l` ARRAY<STRING>, `m` MAP<STRING, STRING>"),
        ("CSV", {"header": "false"}, "`x` STRING, `o` STRUCT<`f`: STRING>, `l` ARRAY<STRING>, `m` MAP<STRING, STRING>"),
        ("csv", {"HEADER": "True"}, ""),
        ("json", {}, "`x` STRING, `o` STRUCT<`f`: STRING>, `l` ARRAY<STRING>, `m` MAP<STRING, STRING>"),
        ("parquet", {}, ""),
    ],
)
def test_files_without_types_are_read_as_text(kind: str, options: dict[str, str], schema: str) -> None:
    columns = (
        samples.column("a", samples.BIGINT),
        samples.column("o", StructType((StructField("f", samples.BIGINT),))),
        samples.column("l", ArrayType(samples.DATE)),
        samples.column("m", MapType(samples.STRING, samples.BIGINT)),
    )
    source = ObjectSource(source=FileSource(path="p", format=kind, options=options), rename={"a": "x"})
    query = one(columns, source=source).datasets[0].query
    assert isinstance(query, Select)
    assert isinstance(query.source, FileSource)
    assert query.source.read_schema == schema


def test_a_schema_that_is_given_is_kept() -> None:
    source = ObjectSource(source=FileSource(path="p", format="json", read_schema="a INT"))
    query = one(source=source).datasets[0].query
    assert isinstance(query, Select)
    assert isinstance(query.source, FileSource)
    assert query.source.read_schema == "a INT"


def test_files_need_path_and_format() -> None:
    source = ObjectSource(source=FileSource(path="", format="csv"))
    with pytest.raises(ConfigurationError, match=r"^LP303: object 't': a source of files needs a path and a format$"):
        one(source=source)


def test_a_source_of_no_object() -> None:
    sample = samples.batch()
    with pytest.raises(
        UsageError, match=r"^LP301: the contract has no schema object 'order'\n  hint: did you mean 'orders'\?$"
    ):
        build_plan(sample.contract, sample.rules, {"order": FROM_TABLE}, pipeline="p")
    with pytest.raises(UsageError, match=r"hint: known are: 'orders'$"):
        build_plan(sample.contract, sample.rules, {"xyz": FROM_TABLE}, pipeline="p")


def test_a_rename_of_no_column() -> None:
    source = replace(FROM_TABLE, rename={"zzz": "b"})
    message = r"^LP302: rename: object 't' has no property or column 'zzz'\n  hint: known are: 'a'$"
    with pytest.raises(UsageError, match=message):
        one(source=source)


def test_names_that_differ_in_case_only_collide() -> None:
    contract = samples.contract_of(samples.described("a", A), samples.described("b", A))
    rules = samples.rule_set(
        contract, samples.rules_of("a", A, table="orders__input"), samples.rules_of("b", A, table="ORDERS")
    )
    message = (
        "LP304: dataset 'ORDERS__input' of object 'b' has the same name as dataset 'orders__input' of object 'a'\n"
        "  hint: give one of the objects another physicalName (case does not tell names apart)"
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        build_plan(contract, rules, {"a": FROM_TABLE, "b": FROM_TABLE}, pipeline="p")


def test_a_key_rule_on_a_stream() -> None:
    source = ObjectSource(source=TableSource(name=("raw",), mode=Mode.STREAM))
    with pytest.raises(UsageError, match=r"LP309: object 't' is a stream, .*\n  hint: compile .* streaming=\('t',\)"):
        one(rows=(samples.key_rule("t", "a"),), source=source)


def test_reserved_columns_and_no_columns() -> None:
    with pytest.raises(ConfigurationError, match=r"LP310: object 't' has columns with reserved names: _LAKEPACT_raw"):
        one((samples.column("_LAKEPACT_raw"),))
    with pytest.raises(ConfigurationError, match=r"LP310: object 't' has no columns"):
        one(())


def test_a_rule_that_reads_an_unknown_object() -> None:
    checks = (samples.check("t.q", Query("SELECT 1 FROM {object:u}"), "value = 1"),)
    with pytest.raises(
        ConfigurationError, match=r"^LP307: rule 't\.q' reads the object 'u', which the contract does not"
    ):
        one(checks=checks)


def test_objects_without_source_are_problems_of_the_plan() -> None:
    plan = samples.references().plan()
    assert [planned.name for planned in plan.objects] == ["customer", "sale"]
    assert [str(problem) for problem in plan.problems] == [
        "warning LP308: schema object 'shop' has no source in this pipeline: none of its rules is checked\n"
        "  hint: name its files, table or query under `objects`",
        "warning LP311: rule 'sale.shop' reads 'shop', which this pipeline does not make: its table must exist already",
    ]


def test_objects_without_source_are_an_error_where_all_are_required() -> None:
    sample = samples.references()
    with pytest.raises(
        ConfigurationError, match=r"^LP308: schema objects have no source\nwarning LP308: schema object 'sh"
    ):
        build_plan(sample.contract, sample.rules, sample.sources, pipeline="p", require_all=True)


def test_names_that_spark_rewrites_are_problems() -> None:
    codes = [problem.code for problem in samples.hostile().plan().problems]
    assert codes == ["LP313", "LP313"]


def test_a_derived_dataset_is_a_materialized_view() -> None:
    sample = samples.batch()
    plan = build_plan(
        sample.contract, sample.rules, sample.sources, pipeline="p", derived={"means": "SELECT 1 FROM orders;\n"}
    )
    dataset = plan.datasets[-1]
    assert (dataset.name, dataset.kind, dataset.expectations) == ("means", DatasetKind.MATERIALIZED_VIEW, ())
    assert dataset.query == SqlQuery("SELECT 1 FROM orders")


def test_names_of_255_characters_end_in_a_hash() -> None:
    contract = samples.contract_of(samples.described("t", A), samples.described("u", A))
    rules = samples.rule_set(
        contract,
        samples.rules_of("t", A, table="x" * 254 + "1"),
        samples.rules_of("u", A, table="x" * 254 + "2"),
    )
    names = [d.name for d in build_plan(contract, rules, {"t": FROM_TABLE, "u": FROM_TABLE}, pipeline="p").datasets]
    assert [len(name) for name in names] == [255, 255, 255, 255]
    assert len(set(names)) == 4
    assert names[0].endswith("__input")


def test_four_hundred_rules_are_planned_and_rendered_in_time() -> None:
    columns = tuple(samples.column(f"c{n}", samples.BIGINT) for n in range(100))
    rows = (
        *(samples.type_rule("t", column.name) for column in columns),
        *(
            samples.row(f"t.c{n % 100}.r{n}", f"`c{n % 100}` IS NULL OR `c{n % 100}` > {n}", Action.QUARANTINE)
            for n in range(300)
        ),
    )
    started = time.process_time()
    plan = one(columns, rows, source=ObjectSource(source=SqlSource(text="SELECT 1")))
    assert pipeline_python.render(plan)
    assert pipeline_sql.render(plan)
    assert time.process_time() - started < cpu_limit(2)
