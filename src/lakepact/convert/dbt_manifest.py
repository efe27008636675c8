"""The `manifest.json` of a dbt project: what was resolved when dbt last read the project."""

from __future__ import annotations

from collections.abc import Mapping

from lakepact.convert.building import Losses
from lakepact.convert.dbt_model import DataTest, Freshness, Relation
from lakepact.convert.dbt_properties import column_of, constraint_of, freshness_of
from lakepact.convert.reading import Node

__all__ = ["manifest_relations"]

_RELATIONS = ("model", "seed", "snapshot")
_NO_CONTRACT = ("exposures", "metrics", "semantic_models", "saved_queries", "unit_tests")


def manifest_relations(root: Node, project: str, losses: Losses) -> list[Relation]:
    """The relations of the project itself; those of packages that it uses are left out."""
    found: dict[str, Relation] = {}
    foreign = 0
    nodes = [*root.get("nodes").pairs(), *root.get("sources").pairs()]
    for unique_id, node in nodes:
        kind = node.text("resource_type")
        if kind not in (*_RELATIONS, "source"):
            continue
        if project and node.text("package_name") not in ("", project):
            foreign += 1
            continue
        found[unique_id] = _relation(node, kind, losses)
    for _, node in root.get("nodes").pairs():
        if node.text("resource_type") == "test":
            _attach(node, found, losses)
    if foreign:
        losses.lost(f"{foreign} relations of other packages than {project}")
    if any(node.text("raw_code") or node.text("raw_sql") for _, node in nodes if node.text("resource_type") == "model"):
        losses.lost("the SQL of the models: a contract says what the data is, not how it is made")
    for section in _NO_CONTRACT:
        count = len(list(root.get(section).pairs()))
        if count:
            losses.lost(f"{section}: {count}, which are no part of a contract", root.get(section).place)
    return list(found.values())


def _relation(node: Node, kind: str, losses: Losses) -> Relation:
    config, name, version = node.get("config"), node.text("name"), node.text("version")
    shown = f"{name}_v{version}" if version else name
    enforced = node.get("contract").get("enforced").value or config.get("contract").get("enforced").value
    meta = {**_mapping(config.get("meta")), **_mapping(node.get("meta"))}
    custom = meta | {
        "dbt.unique_id": node.text("unique_id"),
        "dbt.contract.enforced": enforced or None,
        "dbt.access": node.text("access"),
        "dbt.group": node.text("group"),
        "dbt.deprecation_date": node.text("deprecation_date"),
        "dbt.version": version,
        "dbt.source": node.text("source_name"),
        "dbt.loader": node.text("loader"),
    }
    return Relation(
        name=shown,
        kind="view" if config.text("materialized") == "view" else "table",
        references=_references(node, kind, shown),
        physical_name=node.text("identifier") if kind == "source" else node.text("alias") or shown,
        database=node.text("database"),
        schema=node.text("schema"),
        description=node.text("description"),
        tags=tuple(str(tag.value) for tag in node.entries("tags")),
        custom=custom,
        columns=[column_of(column) for _, column in node.get("columns").pairs()],
        constraints=[constraint_of(each) for each in node.entries("constraints")],
        freshness=_freshness(node, losses),
        place=node.place,
    )


def _references(node: Node, kind: str, shown: str) -> tuple[tuple[str, ...], ...]:
    name = node.text("name")
    if kind == "source":
        return ((node.text("source_name"), name),)
    latest = not node.text("version") or node.text("version") == node.text("latest_version")
    own = ((name,), (node.text("package_name"), name)) if latest else ()
    alias = ((node.text("alias"),),) if node.text("alias") else ()
    return ((shown,), *own, *alias)


def _freshness(node: Node, losses: Losses) -> Freshness | None:
    found = freshness_of(node, losses)
    return found and Freshness(count=found.count, period=found.period, field=node.text("loaded_at_field"))


def _attach(node: Node, relations: Mapping[str, Relation], losses: Losses) -> None:
    """Give a test to the relation, or to the column, that it is of."""
    title = node.text("name")
    attached = node.text("attached_node") or _only(node)
    relation = relations.get(attached)
    metadata = node.get("test_metadata")
    if relation is None:
        losses.lost(f"the test {title}: it is of no relation of this project", node.place)
        return
    if not metadata.is_mapping:
        losses.lost(f"the test {title} is a query of its own, in {node.text('original_file_path')}", node.place)
        return
    given = dict(_mapping(metadata.get("kwargs")))
    given.pop("model", None)
    column = str(given.pop("column_name", "") or node.text("column_name"))
    nested = given.pop("arguments", {})
    namespace = metadata.text("namespace")
    test = DataTest(
        name=".".join(filter(None, (namespace, metadata.text("name")))),
        arguments=given | (dict(nested) if isinstance(nested, Mapping) else {}),
        config={key: value for key, value in _mapping(node.get("config")).items() if value is not None},
        description=node.text("description"),
        place=node.place,
    )
    holder = next((each for each in relation.columns if each.name.casefold() == column.strip('"`').casefold()), None)
    if holder is None and column:
        losses.lost(f"the test {title}: {relation.name} describes no column {column}", node.place)
        return
    (relation.tests if holder is None else holder.tests).append(test)


def _only(node: Node) -> str:
    """The one relation that a test of an older manifest depends on; the last one for a reference between two."""
    depends = [str(each.value) for each in node.get("depends_on").entries("nodes")]
    return depends[-1] if depends else ""


def _mapping(node: Node) -> Mapping[str, object]:
    value = node.whole()
    return value if isinstance(value, Mapping) else {}
