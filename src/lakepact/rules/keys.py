"""`unique` and `primaryKey` as drafts."""

from __future__ import annotations

from collections.abc import Iterator

from lakepact.contract.yaml_nodes import child_path
from lakepact.rules import predicates
from lakepact.rules.drafting import DatasetDraft, Draft, KeyDraft, Ledger, ObjectScope, Origin
from lakepact.rules.fields import Field, asked_action
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import DuplicateRows, Enforcement
from lakepact.rules.options import origin_of

__all__ = ["key_drafts", "primary_key"]


def primary_key(scope: ObjectScope) -> tuple[Field, ...]:
    """The columns of the primary key, by `primaryKeyPosition`; without positions in the order of the document."""
    members = [field for field in scope.columns if field.prop.primary_key]
    return tuple(sorted(members, key=lambda field: field.prop.primary_key_position or len(members) + 1))


def key_drafts(scope: ObjectScope, ledger: Ledger) -> Iterator[Draft]:
    """The keys of one object: its primary key first, then every `unique`."""
    members = primary_key(scope)
    unique = [field for field in scope.fields if field.prop.unique]
    # `unique` on the only member of the primary key says the same thing again.
    same = [field for field in unique if len(members) == 1 and field is members[0]]
    try:
        if members:
            yield _primary_key_draft(scope, members, same)
    except Inexpressible as refused:
        path = child_path(members[0].prop.place.path, "primaryKey")
        ledger.refuse(path, str(refused), code="LP205", place=members[0].prop.place)
    for field in unique:
        if field in same:
            continue
        try:
            yield _unique_draft(field)
        except Inexpressible as refused:
            path = child_path(field.prop.place.path, "unique")
            ledger.refuse(path, str(refused), code="LP205", place=field.prop.place)
    for field in scope.fields:
        if field.nested and field.prop.primary_key:
            path = child_path(field.prop.place.path, "primaryKey")
            ledger.note(path, Enforcement.ROW, "a nested property is no part of the table's key; it is required")


def _primary_key_draft(scope: ObjectScope, members: tuple[Field, ...], same: list[Field]) -> KeyDraft:
    for field in members:
        predicates.check_comparable(field.type)
    clauses: list[str] = []
    for field in members:
        keys = ["primaryKey"] + (["primaryKeyPosition"] if field.prop.primary_key_position else [])
        clauses += [child_path(field.prop.place.path, key) for key in keys]
    clauses += [child_path(field.prop.place.path, "unique") for field in same]
    names = ", ".join(field.label for field in members)
    return KeyDraft(
        label="primaryKey",
        columns=tuple(field.column for field in members),
        keys=tuple(field.expression for field in members),
        clauses=tuple(clauses),
        description=f"({names}) occurs once",
        origin=Origin(
            structural=True,
            property=members[0].label if len(members) == 1 else "",
            critical=any(field.critical for field in members),
            asked=members[0].action if len(members) == 1 else asked_action(scope.object.custom_properties),
            place=members[0].prop.place,
        ),
    )


def _unique_draft(field: Field) -> Draft:
    clauses = (child_path(field.prop.place.path, "unique"),)
    if not field.per_row:
        raise Inexpressible("an element of an array or map: the standard does not say among which values it is unique")
    predicates.check_comparable(field.type)
    origin = origin_of(field, structural=True)
    label, description = f"{field.label}.unique", f"{field.label} occurs once"
    if field.nested:
        return DatasetDraft(
            label=label,
            measure=DuplicateRows((field.expression,)),
            condition="value = 0",
            threshold="mustBe 0 rows",
            clauses=clauses,
            description=description,
            origin=origin,
        )
    return KeyDraft(
        label=label,
        columns=(field.column,),
        keys=(field.expression,),
        clauses=clauses,
        description=description,
        origin=origin,
    )
