"""Files of properties of a dbt project (`schema.yml`, `sources.yml`): old and new spellings alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lakepact.convert.building import Losses
from lakepact.convert.dbt_model import Column, Constraint, DataTest, Freshness, Relation
from lakepact.convert.reading import Node

__all__ = ["column_of", "constraint_of", "data_test_of", "freshness_of", "property_relations"]

_TEST_CONFIG = (
    "severity",
    "where",
    "error_if",
    "warn_if",
    "limit",
    "enabled",
    "fail_calc",
    "tags",
    "meta",
    "store_failures",
)
_KINDS = {"models": "table", "seeds": "table", "snapshots": "table"}


def property_relations(root: Node, losses: Losses) -> list[Relation]:
    """The relations that the file describes."""
    root.skip("version")
    found: list[Relation] = []
    for section, kind in _KINDS.items():
        for node in root.entries(section):
            found += _versions(node, _relation(node, kind), losses)
    for source in root.entries("sources"):
        found += _tables(source, losses)
    return found


def _relation(node: Node, kind: str) -> Relation:
    config = node.get("config")
    name = node.text("name")
    contract = config.get("contract")
    custom = _meta(node) | {
        "dbt.contract.enforced": contract.get("enforced").value or None,
        "dbt.access": node.text("access") or config.text("access"),
        "dbt.group": node.text("group") or config.text("group"),
        "dbt.deprecation_date": node.text("deprecation_date"),
        "dbt.latest_version": node.get("latest_version").value,
    }
    contract.skip("alias_types")
    node.skip("docs")
    kind = "view" if config.text("materialized") == "view" else kind
    return Relation(
        name=name,
        kind=kind,
        references=((name,),),
        physical_name=config.text("alias") or name,
        database=config.text("database"),
        schema=config.text("schema"),
        description=node.text("description"),
        tags=_tags(node),
        custom=custom,
        columns=[column_of(column) for column in node.entries("columns")],
        constraints=[constraint_of(each) for each in node.entries("constraints")],
        tests=list(_tests(node)),
        place=node.place,
    )


def _versions(node: Node, relation: Relation, losses: Losses) -> Iterator[Relation]:
    """One relation for each version of a model, or the model itself."""
    versions = node.entries("versions")
    if not versions:
        yield relation
        return
    for version in versions:
        number = version.text("v")
        own = _relation(version, relation.kind)
        included = [entry for entry in version.entries("columns") if "include" in (entry.value or {})]
        columns = _included(relation.columns, included[0] if included else None) + [c for c in own.columns if c.name]
        version.skip("defined_in")
        name = f"{relation.name}_v{number}"
        latest = relation.custom.get("dbt.latest_version")
        references = ((name,), *(relation.references if str(latest) == number or latest is None else ()))
        yield Relation(
            name=name,
            kind=own.kind,
            references=references,
            physical_name=version.text("alias") or version.get("config").text("alias") or name,
            database=own.database or relation.database,
            schema=own.schema or relation.schema,
            description=own.description or relation.description,
            tags=own.tags or relation.tags,
            custom=relation.custom
            | {key: value for key, value in own.custom.items() if value is not None and value != ""}
            | {"dbt.version": number},
            columns=columns,
            constraints=own.constraints or relation.constraints,
            tests=own.tests or relation.tests,
            place=version.place,
        )


def _included(columns: list[Column], selection: Node | None) -> list[Column]:
    if selection is None:
        return list(columns)
    chosen = {str(name.value) for name in selection.entries("include")}
    excluded = {str(name.value) for name in selection.entries("exclude")}
    every = bool(chosen & {"all", "*"})
    return [column for column in columns if (every or column.name in chosen) and column.name not in excluded]


def _tables(source: Node, losses: Losses) -> Iterator[Relation]:
    name = source.text("name")
    for table in source.entries("tables"):
        relation = _relation(table, "table")
        relation.references = ((name, relation.name), (relation.name,))
        relation.physical_name = table.text("identifier") or relation.name
        relation.database = source.text("database") or source.text("catalog")
        relation.schema = source.text("schema") or name
        relation.tags = (*_tags(source), *relation.tags)
        relation.custom = {**_meta(source), "dbt.source": name, "dbt.loader": source.text("loader"), **relation.custom}
        relation.freshness = freshness_of(table, losses) or freshness_of(source, losses)
        loaded_at = table.text("loaded_at_field") or table.get("config").text("loaded_at_field")
        loaded_at = loaded_at or source.text("loaded_at_field") or source.get("config").text("loaded_at_field")
        if relation.freshness is not None:
            relation.freshness = Freshness(
                count=relation.freshness.count, period=relation.freshness.period, field=loaded_at
            )
        yield relation
    description = source.text("description")
    if description:
        losses.lost(f"the description of the source {name}: the tables have their own", source.get("description").place)


def freshness_of(node: Node, losses: Losses) -> Freshness | None:
    """The limit of `freshness`; `error_after` where both are there."""
    for holder in (node, node.get("config")):
        freshness = holder.get("freshness")
        if not freshness.is_mapping:
            continue
        limits = [(key, freshness.get(key)) for key in ("error_after", "warn_after")]
        found = [(key, limit) for key, limit in limits if limit.get("count").value is not None]
        for key, limit in found[1:]:
            limit.whole()
            losses.lost(f"{key}: a contract has one limit, that of error_after", limit.place)
        if found and isinstance(found[0][1].get("count").value, int):
            return Freshness(count=found[0][1].get("count").value, period=found[0][1].text("period"), field="")
    return None


def column_of(node: Node) -> Column:
    """A column of a list of columns."""
    node.skip("quote")
    if "include" in (node.value if node.is_mapping else {}):
        return Column(name="")
    return Column(
        name=node.text("name"),
        data_type=node.text("data_type"),
        description=node.text("description"),
        tags=_tags(node),
        custom=_meta(node),
        constraints=[constraint_of(each) for each in node.entries("constraints")],
        tests=list(_tests(node)),
        place=node.place,
    )


def constraint_of(node: Node) -> Constraint:
    """A constraint of a model or a column."""
    node.skip("warn_unenforced", "warn_unsupported")
    return Constraint(
        type=node.text("type"),
        name=node.text("name"),
        expression=node.text("expression"),
        columns=tuple(str(each.value) for each in node.entries("columns")),
        to=node.text("to"),
        to_columns=tuple(str(each.value) for each in node.entries("to_columns")),
        place=node.place,
    )


def _tests(node: Node) -> Iterator[DataTest]:
    for key in ("tests", "data_tests"):
        for each in node.entries(key):
            if (found := data_test_of(each)) is not None:
                yield found


def data_test_of(node: Node) -> DataTest | None:
    """A test as it is written: a name; a name with arguments; or `test_name` among the arguments."""
    value = node.whole()
    if isinstance(value, str):
        return DataTest(name=value, place=node.place)
    if not isinstance(value, Mapping) or not value:
        return None
    if "test_name" in value:
        name, given = str(value["test_name"]), {key: entry for key, entry in value.items() if key != "test_name"}
    else:
        name, given = next(iter(value.items()))
        given = dict(given) if isinstance(given, Mapping) else {}
        # Keys beside the name belong to the test: a list entry that was indented one step too little.
        given |= {key: entry for key, entry in value.items() if key != name}
    nested = given.pop("arguments", {})
    config = given.pop("config", {})
    own = {key: given.pop(key) for key in _TEST_CONFIG if key in given}
    return DataTest(
        name=str(name),
        title=str(given.pop("name", "") or ""),
        description=str(given.pop("description", "") or ""),
        arguments=given | (dict(nested) if isinstance(nested, Mapping) else {}),
        config=own | (dict(config) if isinstance(config, Mapping) else {}),
        place=node.place,
    )


def _meta(node: Node) -> dict[str, Any]:
    found: dict[Any, Any] = {}
    for holder in (node, node.get("config")):
        meta = holder.get("meta").whole()
        found.update(meta if isinstance(meta, Mapping) else {})
    return {str(key): value for key, value in found.items()}


def _tags(node: Node) -> tuple[str, ...]:
    both = (*node.entries("tags"), *node.get("config").entries("tags"))
    return tuple(dict.fromkeys(str(each.value) for each in both))
