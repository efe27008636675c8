"""Primary keys and partitions: positions with gaps or twice, flags that contradict them, columns that cannot be one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakepact.contract.edit_model import SetValue
from lakepact.contract.model import SchemaObject, SchemaProperty, SemanticType
from lakepact.contract.types import AtomicType
from lakepact.contract.yaml_nodes import child_path
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, quoted

__all__ = ["check_keys"]


@dataclass(frozen=True, slots=True)
class _Key:
    """The two keys that a property may be part of, with the words of the standard."""

    flag: str
    position: str
    what: str
    is_member: Callable[[SchemaProperty], bool]
    position_of: Callable[[SchemaProperty], int | None]


_KEYS = (
    _Key("primaryKey", "primaryKeyPosition", "primary key", lambda p: p.primary_key, lambda p: p.primary_key_position),
    _Key(
        "partitioned",
        "partitionKeyPosition",
        "partition",
        lambda p: p.partitioned,
        lambda p: p.partition_key_position,
    ),
)


def check_keys(subject: Subject) -> None:
    """Both keys of every object, and marks on nested properties."""
    for schema_object in subject.contract.schema:
        for key in _KEYS:
            _positions(subject, schema_object.properties, key)
        _partition(subject, schema_object)
    columns = {id(prop) for schema_object in subject.contract.schema for prop in schema_object.properties}
    for _, prop in subject.properties:
        for key in _KEYS:
            if key.is_member(prop) and id(prop) not in columns:
                path = child_path(prop.place.path, key.flag)
                message = f"{quoted(prop.name or 'items')} is nested, it cannot be part of the {key.what} of a table"
                subject.report(LintCode.NESTED_KEY, message, path)


def _positions(subject: Subject, properties: Sequence[SchemaProperty], key: _Key) -> None:
    members = [each for each in properties if key.is_member(each)]
    for each in properties:
        position = key.position_of(each)
        if position is not None and not key.is_member(each):
            message = f"{quoted(each.name)} has `{key.position}` {position} and is no part of the {key.what}"
            hint = f"add {key.flag}: true, or remove the position"
            path = child_path(each.place.path, key.position)
            subject.report(LintCode.POSITION_WITHOUT_KEY, message, path, hint=hint)
    placed = [(position, each) for each in members if (position := key.position_of(each)) is not None]
    if not placed:
        return
    for each in members:
        if key.position_of(each) is None:
            message = f"{quoted(each.name)} has no `{key.position}`, other members of the {key.what} have one"
            path = child_path(each.place.path, key.flag)
            subject.report(LintCode.KEY_WITHOUT_POSITION, message, path, hint=f"add {key.position}")
    if not _twice(subject, placed, key) and len(placed) == len(members):
        _gaps(subject, placed, key)


def _twice(subject: Subject, placed: Sequence[tuple[int, SchemaProperty]], key: _Key) -> bool:
    first: dict[int, SchemaProperty] = {}
    found = False
    for position, each in placed:
        before = first.setdefault(position, each)
        if before is not each:
            message = f"{quoted(each.name)} and {quoted(before.name)} both have `{key.position}` {position}"
            subject.report(LintCode.POSITION_TWICE, message, child_path(each.place.path, key.position))
            found = True
    return found


def _gaps(subject: Subject, placed: Sequence[tuple[int, SchemaProperty]], key: _Key) -> None:
    """One finding a key, at the first position that is not the next one."""
    ordered = sorted(placed, key=lambda entry: entry[0])
    written = [position for position, _ in ordered]
    wanted = list(range(1, len(ordered) + 1))
    if written == wanted:
        return
    _, first = next(entry for entry, number in zip(ordered, wanted, strict=True) if entry[0] != number)
    edits = tuple(
        SetValue(path=child_path(each.place.path, key.position), value=number)
        for (position, each), number in zip(ordered, wanted, strict=True)
        if position != number
    )
    shown = ", ".join(map(str, written))
    message = f"the positions in the {key.what} are {shown}, not {', '.join(map(str, wanted))}"
    path = child_path(first.place.path, key.position)
    subject.report(LintCode.POSITION_GAP, message, path, edits=edits)


def _partition(subject: Subject, schema_object: SchemaObject) -> None:
    stored = [each for each in schema_object.properties if each.semantic_type is not SemanticType.MEASURE]
    members = [each for each in stored if each.partitioned]
    for each in members:
        field = subject.fields.get(each.place.path)
        if field is not None and not isinstance(field.type, AtomicType):
            message = f"{quoted(each.name)} is {field.type.ddl.split('<')[0]}; a table is partitioned by single values"
            subject.report(LintCode.UNFIT_PARTITION, message, child_path(each.place.path, "partitioned"))
    if members and len(members) == len(stored):
        message = f"every property of {quoted(schema_object.name)} is a partition column; Delta wants one that is none"
        subject.report(LintCode.UNFIT_PARTITION, message, child_path(members[-1].place.path, "partitioned"))
