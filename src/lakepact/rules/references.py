"""`relationships` as drafts: a complete key of the child has a match in the parent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lakepact.contract.model import Relationship, SchemaProperty
from lakepact.rules import predicates
from lakepact.rules.drafting import DatasetDraft, Draft, Ledger, ObjectScope, Origin
from lakepact.rules.fields import Field, asked_action
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import Enforcement, OrphanRows
from lakepact.rules.options import origin_of

__all__ = ["find_field", "relationship_drafts"]

_EXTERNAL = re.compile(r"\.ya?ml(?:#|$)|#|^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_ELSEWHERE = "it refers to another document, whose data is not part of this pipeline"

Scopes = Mapping[str, ObjectScope]


def relationship_drafts(scope: ObjectScope, field: Field | None, scopes: Scopes, ledger: Ledger) -> Iterator[Draft]:
    """The relationships of a field, or of the object where `field` is None; refusals go to the ledger."""
    for relationship in field.prop.relationships if field else scope.object.relationships:
        path = relationship.place.path
        if any(_EXTERNAL.search(address) for address in (*relationship.source, *relationship.target)):
            ledger.note(path, Enforcement.METADATA, _ELSEWHERE)
            continue
        try:
            yield _draft(scope, field, relationship, scopes)
        except Inexpressible as refused:
            ledger.refuse(path, str(refused), code="LP207", place=relationship.place)


def _draft(scope: ObjectScope, field: Field | None, relationship: Relationship, scopes: Scopes) -> DatasetDraft:
    if relationship.type != "foreignKey":
        raise Inexpressible(f"relationships of type {relationship.type!r} are not known")
    children = (field,) if field else _side(relationship.source, scope, scopes)[1]
    parent, parents = _side(relationship.target, scope, scopes)
    if len(children) != len(parents):
        raise Inexpressible(f"{len(children)} properties refer to {len(parents)}")
    keys = [_comparable(child, other) for child, other in zip(children, parents, strict=True)]
    shown = ", ".join(relationship.target)
    return DatasetDraft(
        label=f"{field.label}.relationship" if field else "relationship",
        measure=OrphanRows(tuple(k for k, _ in keys), parent.object.name, tuple(p for _, p in keys)),
        condition="value = 0",
        threshold="mustBe 0 rows",
        clauses=(relationship.place.path,),
        description=f"{', '.join(child.label for child in children)} is found in {shown}",
        origin=_origin(scope, field, relationship),
    )


def _origin(scope: ObjectScope, field: Field | None, relationship: Relationship) -> Origin:
    base = origin_of(field) if field else None
    inherited = base.asked if base else asked_action(scope.object.custom_properties)
    return Origin(
        property=base.property if base else "",
        critical=base.critical if base else False,
        asked=asked_action(relationship.custom_properties, inherited),
        place=relationship.place,
    )


def _side(addresses: tuple[str, ...], scope: ObjectScope, scopes: Scopes) -> tuple[ObjectScope, tuple[Field, ...]]:
    found = [find_field(address, scope, scopes) for address in addresses]
    if not found:
        raise Inexpressible("the relationship does not say which properties")
    owner = found[0][0]
    if any(other is not owner for other, _ in found):
        raise Inexpressible(f"{', '.join(addresses)}: the properties of a key belong to one object")
    return owner, tuple(field for _, field in found)


def find_field(address: str, scope: ObjectScope | None, scopes: Scopes) -> tuple[ObjectScope, Field]:
    """What `object.property`, `schema/<id>/properties/<id>` or a property of `scope` stands for.

    Raises Inexpressible for an address that leads nowhere.
    """
    if re.match(r"/?schema/", address):
        return _by_path(address, scopes)
    for owner in scopes.values():
        for name in filter(None, (owner.object.name, owner.object.physical_name)):
            if address.startswith(f"{name}.") and (field := _labelled(owner, address[len(name) + 1 :])):
                return owner, field
    if scope is not None and (field := _labelled(scope, address)):
        return scope, field
    raise Inexpressible(f"{address!r} is no property of this contract")


def _labelled(owner: ObjectScope, label: str) -> Field | None:
    return owner.field(label) or next((f for f in owner.fields if f.label.replace("[]", "") == label), None)


def _by_path(address: str, scopes: Scopes) -> tuple[ObjectScope, Field]:
    parts = address.strip("/").split("/")
    wanted = Inexpressible(f"{address!r} is no property of this contract")
    if len(parts) < 4 or len(parts) % 2 or any(part not in ("properties", "items") for part in parts[2::2]):
        raise wanted
    owner = next((s for s in scopes.values() if parts[1] in (s.object.id, s.object.name)), None)
    if owner is None:
        raise wanted
    level: tuple[SchemaProperty, ...] = owner.object.properties
    found: SchemaProperty | None = None
    for part in parts[3::2]:
        found = next((p for p in level if p.id == part), None) or next((p for p in level if p.name == part), None)
        if found is None:
            raise wanted
        level = found.properties
    field = next((f for f in owner.fields if f.prop is found), None)
    if field is None:
        raise wanted
    return owner, field


def _comparable(child: Field, parent: Field) -> tuple[str, str]:
    for field in (child, parent):
        if not field.per_row:
            raise Inexpressible(f"{field.label} has many values in a row, it cannot be a key")
        predicates.check_comparable(field.type)
    if predicates.is_text(child.type) == predicates.is_text(parent.type):
        return child.expression, parent.expression
    # Spark would cast the text to the other type, which raises for a text that does not fit.
    return f"CAST({child.expression} AS STRING)", f"CAST({parent.expression} AS STRING)"
