"""Contracts with their rules, written by hand, for the tests of plans and targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakepact.contract.model import (
    ApiVersion,
    Contract,
    CustomProperty,
    LogicalType,
    Place,
    SchemaObject,
    SchemaProperty,
)
from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.plan.build import build_plan
from lakepact.plan.model import FileSource, Mode, Plan, SqlSource, TableSource
from lakepact.plan.sources import ObjectSource
from lakepact.rules.model import (
    Action,
    Aggregate,
    Coverage,
    DatasetRule,
    DuplicateRows,
    Measure,
    ObjectRules,
    OrphanRows,
    Query,
    RowRule,
    RowRuleKind,
    RuleSet,
    TypedColumn,
)
from lakepact.sql import identifier, string

BIGINT, DOUBLE, STRING, DATE = (AtomicType(ddl) for ddl in ("BIGINT", "DOUBLE", "STRING", "DATE"))
HERE = Place()


@dataclass(frozen=True)
class Sample:
    """A contract, its rules and its sources."""

    contract: Contract
    rules: RuleSet
    sources: Mapping[str, ObjectSource]
    pipeline: str = "sample"

    def plan(self) -> Plan:
        """The plan of the sample."""
        return build_plan(self.contract, self.rules, self.sources, pipeline=self.pipeline)


def column(name: str, type_: SparkType = STRING, *, required: bool = False, comment: str | None = None) -> TypedColumn:
    return TypedColumn(name=name, property=name, type=type_, required=required, comment=comment, place=HERE)


def row(id_: str, predicate: str, action: Action, name: str = "", columns: tuple[str, ...] = ()) -> RowRule:
    return _row(id_, RowRuleKind.VALUE, predicate, columns, action, name)


def type_rule(table: str, column_: str, action: Action = Action.QUARANTINE) -> RowRule:
    return _row(f"{table}.{column_}.type", RowRuleKind.TYPE, "", (column_,), action, "")


def key_rule(table: str, *columns: str, action: Action = Action.QUARANTINE) -> RowRule:
    return _row(f"{table}.{'_'.join(columns)}.key", RowRuleKind.KEY, "", columns, action, "")


def _row(id_: str, kind: RowRuleKind, predicate: str, columns: tuple[str, ...], action: Action, name: str) -> RowRule:
    return RowRule(
        id=id_,
        name=name or id_.split(".", 1)[1],
        object=id_.split(".", 1)[0],
        kind=kind,
        predicate=predicate,
        columns=columns,
        clauses=(),
        description="",
        action=action,
        action_from="default",
    )


def check(id_: str, measure: Measure, condition: str, action: Action = Action.WARN, threshold: str = "") -> DatasetRule:
    return DatasetRule(
        id=id_,
        name=id_.split(".", 1)[1],
        object=id_.split(".", 1)[0],
        measure=measure,
        condition=condition,
        threshold=threshold or condition,
        clauses=(),
        description="",
        action=action,
        action_from="default",
    )


def described(name: str, columns: tuple[TypedColumn, ...], **settings: object) -> SchemaObject:
    properties = tuple(
        SchemaProperty(place=HERE, name=c.property, physical_name=c.name, logical_type=LogicalType.STRING)
        for c in columns
    )
    values: dict[str, object] = {"properties": properties, **settings}
    return SchemaObject(place=HERE, name=name, **values)  # type: ignore[arg-type]


def rules_of(
    name: str,
    columns: tuple[TypedColumn, ...],
    rows: tuple[RowRule, ...] = (),
    checks: tuple[DatasetRule, ...] = (),
    *,
    table: str = "",
    primary_key: tuple[str, ...] = (),
) -> ObjectRules:
    return ObjectRules(
        name=name,
        table=table or name,
        columns=columns,
        row_rules=rows,
        dataset_rules=checks,
        primary_key=primary_key,
    )


def contract_of(*objects: SchemaObject, id_: str = "shop", version: str = "1.2.0", **settings: object) -> Contract:
    values: dict[str, object] = {"schema": objects, "source": id_.encode(), **settings}
    return Contract(id=id_, version=version, api_version=ApiVersion.V3_1_0, **values)  # type: ignore[arg-type]


def rule_set(contract: Contract, *objects: ObjectRules) -> RuleSet:
    return RuleSet(
        contract_id=contract.id, contract_version=contract.version, objects=objects, coverage=Coverage(clauses=())
    )


def batch() -> Sample:
    """Orders from a CSV file: types, a key, ranges with all four actions."""
    columns = (
        column("order_id", BIGINT, required=True, comment="Number of the order."),
        column("amount", DOUBLE),
        column("note"),
    )
    rows = (
        type_rule("orders", "order_id"),
        type_rule("orders", "amount", Action.DROP),
        row("orders.order_id.required", "`order_id` IS NOT NULL", Action.QUARANTINE),
        key_rule("orders", "order_id"),
        row("orders.amount.minimum", "`amount` IS NULL OR `amount` >= 0", Action.QUARANTINE),
        row("orders.amount.maximum", "`amount` IS NULL OR `amount` <= 1000", Action.DROP),
        row("orders.note.maxLength", "`note` IS NULL OR char_length(`note`) <= 5", Action.WARN),
    )
    checks = (
        check("orders.rowCount", Aggregate("count(*)"), "value >= 1", Action.FAIL, "mustBeGreaterOrEqualTo 1"),
        check("orders.mean", Aggregate("avg(`amount`)"), "value BETWEEN 1 AND 500"),
    )
    orders = described(
        "orders",
        columns,
        description="Orders of the shop.",
        custom_properties=(
            CustomProperty(place=HERE, property="delta.enableChangeDataFeed", value=True),
            CustomProperty(place=HERE, property="clusterBy", value=["order_id"]),
        ),
    )
    contract = contract_of(orders)
    rules = rule_set(contract, rules_of("orders", columns, rows, checks, primary_key=("order_id",)))
    source = FileSource(path="data/orders.csv", format="csv", options={"header": "true"})
    return Sample(contract, rules, {"orders": ObjectSource(source=source, rename={"order_id": "id"})})


def streaming() -> Sample:
    """Events from JSON files, as a stream with a quarantine, and a failing rule."""
    columns = (column("event_id", BIGINT), column("at", AtomicType("TIMESTAMP")), column("kind"))
    rows = (
        type_rule("events", "event_id"),
        type_rule("events", "at", Action.FAIL),
        row("events.kind.enum", "`kind` IS NULL OR `kind` IN ('a', 'b')", Action.QUARANTINE),
        row("events.kind.required", "`kind` IS NOT NULL", Action.FAIL),
    )
    contract = contract_of(described("events", columns), id_="tracking", version="0.3.1")
    rules = rule_set(contract, rules_of("events", columns, rows))
    source = FileSource(
        path="data/events", format="json", options={"cloudFiles.maxFilesPerTrigger": "10"}, mode=Mode.STREAM
    )
    return Sample(contract, rules, {"events": ObjectSource(source=source)}, "tracking")


HOSTILE = "Größe `x` 'y' \"z\" ${HOME} \\ 𝄞"
LONG = "n" * 255


def hostile() -> Sample:
    """Names and texts that break what is assembled carelessly."""
    nested = StructType((StructField("select", BIGINT), StructField("a`b", STRING)))
    columns = (
        column(HOSTILE, BIGINT),
        column("select", nested),
        column("from", ArrayType(nested)),
        column("map", MapType(STRING, BIGINT)),
        column(LONG, DATE),
    )
    quoted = identifier(HOSTILE)
    rows = (
        type_rule("order", HOSTILE),
        type_rule("order", LONG),
        row(
            "order.pattern",
            f"{quoted} IS NULL OR CAST({quoted} AS STRING) RLIKE {string(chr(92) + 'd+' + chr(34))}",
            Action.QUARANTINE,
            'it\'s "quoted" `ticked` ${x}\nand long',
        ),
        row("order.nested", '`select` IS NULL OR `select`.`a``b` IS NULL OR `select`.`a``b` <> \'"""\'', Action.WARN),
        key_rule("order", HOSTILE),
    )
    checks = (
        check(
            "order.q'1", Query("SELECT max(`select`.`select`) FROM {object:order}"), "value > 0", threshold="it's > '0'"
        ),
        check("order.dup", DuplicateRows((quoted, "`select`.`select`"), percent=True), "value <= 1"),
    )
    schema_object = described(
        "order",
        columns,
        physical_name=f"order {HOSTILE}",
        description='Says "hello"\n\'there\' """ ${y} \\',
    )
    contract = contract_of(schema_object, id_='id"\nimport os', version="1.0.0'")
    rules = rule_set(contract, rules_of("order", columns, rows, checks, table=f"order {HOSTILE}"))
    return Sample(contract, rules, {"order": ObjectSource(source=TableSource(name=("raw", "order items")))}, 'a"b\\')


def references() -> Sample:
    """A parent and a child with many dataset rules, one object without a source, and a query as source."""
    customer = (column("customer_id", BIGINT), column("country"))
    sale = (
        column("sale_id", BIGINT),
        column("customer_id", BIGINT),
        column("shop_id", BIGINT),
        column("price", DOUBLE),
    )
    shop = (column("shop_id", BIGINT),)
    checks = (
        check("sale.nulls", Aggregate("count_if(`price` IS NULL)"), "value <= 1"),
        check("sale.mean", Aggregate("avg(`price`)"), "value > 100", Action.FAIL),
        check("sale.unique", DuplicateRows(("`sale_id`",)), "value = 0", Action.FAIL),
        check("sale.uniquePercent", DuplicateRows(("`sale_id`",), percent=True), "value <= 30"),
        check("sale.pair", DuplicateRows(("`sale_id`", "`customer_id`")), "value = 0"),
        check("sale.customer", OrphanRows(("`customer_id`",), "customer", ("`customer_id`",)), "value = 0"),
        check("sale.shop", OrphanRows(("`shop_id`",), "shop", ("`shop_id`",)), "value = 0"),
        check("sale.query", Query("SELECT count(*) FROM {object:customer} WHERE country = 'NL';"), "value = 1"),
        check("sale.empty", Query("SELECT price FROM {object:sale} WHERE price > 10000"), "value > 0"),
    )
    contract = contract_of(described("customer", customer), described("sale", sale), described("shop", shop))
    rules = rule_set(
        contract,
        rules_of("customer", customer),
        rules_of("sale", sale, (), checks),
        rules_of("shop", shop),
    )
    sources = {
        "customer": ObjectSource(source=TableSource(name=("crm", "customer"))),
        "sale": ObjectSource(source=SqlSource(text="SELECT * FROM erp.sale;")),
    }
    return Sample(contract, rules, sources)


SAMPLES = {"batch": batch, "streaming": streaming, "hostile": hostile, "references": references}
