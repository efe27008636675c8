"""References: names that lead nowhere, and the two ends of a relationship that do not fit."""

from __future__ import annotations

from lakepact.contract.model import Metric, Operator, QualityRule, Relationship
from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType
from lakepact.contract.yaml_nodes import child_path
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, quoted
from lakepact.rules.drafting import ObjectScope
from lakepact.rules.fields import Field
from lakepact.rules.literals import INTEGER_RANGES, Inexpressible
from lakepact.rules.references import find_field

__all__ = ["check_references"]

_Ends = list[tuple[ObjectScope, Field]]


def check_references(subject: Subject) -> None:
    """Every relationship that leads somewhere, and names of team members and service levels."""
    for scope in subject.objects:
        for field in scope.fields:
            for relationship in field.prop.relationships:
                _relationship(subject, relationship, [(scope, field)], scope)
        for relationship in scope.object.relationships:
            children = _ends(subject, relationship.source, scope)
            if children is not None:
                _relationship(subject, relationship, children, scope)
    _elements(subject)
    _successors(subject)


def _ends(subject: Subject, addresses: tuple[str, ...], scope: ObjectScope) -> _Ends | None:
    """What the addresses stand for; None where one leads nowhere or to another document, which the rules report."""
    try:
        return [find_field(address, scope, subject.scopes) for address in addresses]
    except Inexpressible:
        return None


def _relationship(subject: Subject, relationship: Relationship, children: _Ends, scope: ObjectScope) -> None:
    parents = _ends(subject, relationship.target, scope)
    if not parents or len(parents) != len(children):
        return
    path = child_path(relationship.place.path, "to")
    if all(child is parent for (_, child), (_, parent) in zip(children, parents, strict=True)):
        message = f"{quoted(relationship.target[0])} is where the relationship starts"
        subject.report(LintCode.REFERS_TO_ITSELF, message, path)
        return
    for (_, child), (owner, parent) in zip(children, parents, strict=True):
        here, there = _family(child.type), _family(parent.type)
        if here != there:
            target = f"{owner.object.name}.{parent.label}"
            message = f"{quoted(child.label)} is {child.type.ddl}, {quoted(target)} is {parent.type.ddl}"
            subject.report(LintCode.TYPES_DIFFER, message, path)
    owner = parents[0][0]
    if all(scope is owner for scope, _ in parents) and not _is_unique(owner, [parent for _, parent in parents]):
        shown = ", ".join(f"{owner.object.name}.{parent.label}" for _, parent in parents)
        message = f"{quoted(shown)} is neither the primary key of {quoted(owner.object.name)} nor unique"
        subject.report(LintCode.TARGET_NOT_UNIQUE, message, path)


def _family(found: SparkType) -> str:
    """Types whose values can be equal have the same family."""
    if not isinstance(found, AtomicType):
        return {ArrayType: "array", MapType: "map"}.get(type(found), "struct")
    if found.ddl == "STRING" or found.ddl.startswith("VARCHAR"):
        return "text"
    if found.ddl in INTEGER_RANGES or found.ddl.startswith("DECIMAL"):
        return "number"
    return {"FLOAT": "number", "DOUBLE": "number", "TIMESTAMP_NTZ": "TIMESTAMP"}.get(found.ddl, found.ddl)


def _is_unique(owner: ObjectScope, parents: list[Field]) -> bool:
    """Whether values of the parents occur once: they hold a whole key, or something in them is declared unique."""
    names = {parent.label for parent in parents}
    key = {field.label for field in owner.columns if field.prop.primary_key}
    if key and key <= names:
        return True
    for parent in parents:
        if parent.prop.unique or any(_forbids_duplicates(rule) for rule in parent.prop.quality):
            return True
    for rule in owner.object.quality:
        listed = rule.arguments.get("properties")
        if _forbids_duplicates(rule) and isinstance(listed, list | tuple) and {str(name) for name in listed} <= names:
            return True
    return False


def _forbids_duplicates(rule: QualityRule) -> bool:
    none = any(each.operator is Operator.MUST_BE and each.value == 0 for each in rule.thresholds)
    return rule.metric is Metric.DUPLICATE_VALUES and none


def _elements(subject: Subject) -> None:
    """Elements of service levels, each name once; those of which the rules have said it are left to them."""
    contract = subject.contract
    if not contract.schema:
        return
    found = {name.lower() for each in contract.schema for name in (each.name, each.table)} | {"*"}
    for sla in contract.sla_properties:
        if child_path(sla.place.path, "element") in subject.known:
            found.update(name.lower() for name in sla.elements)
    wanted = [(child_path(sla.place.path, "element"), name) for sla in contract.sla_properties for name in sla.elements]
    if contract.sla_default_element:
        wanted.insert(0, ("slaDefaultElement", contract.sla_default_element))
    for path, name in wanted:
        if name.removesuffix(".*").lower() not in found and "${" not in name and not _is_property(subject, name):
            found.add(name.lower())
            message = f"{quoted(name)} is no object and no property of this contract"
            subject.report(LintCode.LEADS_NOWHERE, message, path, hint="write object.property")


def _is_property(subject: Subject, name: str) -> bool:
    try:
        find_field(name, None, subject.scopes)
    except Inexpressible:
        return name in subject.measures
    return True


def _successors(subject: Subject) -> None:
    team = subject.contract.team
    members = team.members if team else ()
    names = {member.username for member in members} | {member.name for member in members}
    for member in members:
        if member.replaced_by_username and member.replaced_by_username not in names:
            message = f"{quoted(member.replaced_by_username)} is no member of the team"
            path = child_path(member.place.path, "replacedByUsername")
            subject.report(LintCode.LEADS_NOWHERE, message, path, hint="add the member, or correct the name")
