"""What the versions of the standard write in different ways: header, team, bounds, types, servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lakepact.authoring.upgrade_draft import PREFIX, Draft, Note, Proposal, children, elements
from lakepact.contract.edits import Edit, Insert, Remove, RenameKey, SetValue, TextOf
from lakepact.contract.model import ApiVersion, LogicalType
from lakepact.contract.physical_types import parse_physical_type
from lakepact.contract.types import AtomicType, temporal_kind
from lakepact.contract.yaml_nodes import child_path

__all__ = ["bounds", "header", "servers", "team", "temporal_types"]

_BEFORE_MEMBERS = ("id", "name", "description")
_DEPRECATED = ("dataProduct", "slaDefaultElement")
_V3_0 = (ApiVersion.V3_0_0, ApiVersion.V3_0_1, ApiVersion.V3_0_2)


def header(draft: Draft) -> Iterator[Proposal]:
    """The version itself, and what it deprecates."""
    if draft.data.get("apiVersion") != draft.to.value:
        note = Note("LP701", "apiVersion", f"`apiVersion` is {draft.to.value}, was {draft.declared.value}")
        yield Proposal(edits=(SetValue(path="apiVersion", value=draft.to.value),), notes=(note,))
    if draft.one_operator and draft.declared in _V3_0:
        for key in _DEPRECATED:
            if draft.data.get(key) is not None:
                yield Proposal(notes=(Note("LP704", key, f"`{key}` is deprecated since v3.1.0; it is kept"),))


def team(draft: Draft) -> Iterator[Proposal]:
    """A list of members until v3.0.2, an object with `members` from v3.1.0 on."""
    found = draft.data.get("team")
    if draft.one_operator and isinstance(found, list):
        saved = _saved_team(draft)
        value: dict[str, object] = {key: entry for key, entry in saved[1].items() if key in _BEFORE_MEMBERS}
        value["members"] = TextOf("team")
        value |= {key: entry for key, entry in saved[1].items() if key not in _BEFORE_MEMBERS}
        note = Note("LP701", "team", "`team` is an object with `members`, was a list")
        yield Proposal(edits=(*saved[0], SetValue(path="team", value=value)), notes=(note,))
    elif not draft.one_operator and isinstance(found, dict):
        rest: dict[str, object] = {key: TextOf(child_path("team", key)) for key in found if key != "members"}
        members = found.get("members")
        edit: Edit = SetValue(path="team", value=TextOf("team.members")) if members else Remove(path="team")
        notes = [Note("LP701", "team", "`team` is a list of members, was an object")]
        if rest:
            names = ", ".join(f"`{key}`" for key in rest)
            notes.append(
                Note("LP702", "team", f"{names} of `team` came with v3.1.0; kept as the custom property `{PREFIX}team`")
            )
        customs = (("", f"{PREFIX}team", rest),) if rest else ()
        yield Proposal(edits=(edit,), customs=customs, notes=tuple(notes))


def _saved_team(draft: Draft) -> tuple[tuple[Edit, ...], dict[str, object]]:
    """What a downgrade has put aside of the team, with the edit that takes it from there."""
    customs = list(children(draft.data, "", "customProperties"))
    for path, entry in customs:
        value = entry.get("value")
        if entry.get("property") == f"{PREFIX}team" and isinstance(value, dict) and "members" not in value:
            gone = "customProperties" if len(customs) == 1 else path
            inner = child_path(path, "value")
            return (Remove(path=gone),), {key: TextOf(child_path(inner, key)) for key in value}
    return (), {}


def bounds(draft: Draft) -> Iterator[Proposal]:
    """`exclusiveMinimum` and `exclusiveMaximum`: a switch of the bound until v3.0.2, a bound from v3.1.0 on."""
    for path, element in elements(draft.data):
        options = element.get("logicalTypeOptions")
        if not isinstance(options, dict):
            continue
        for inclusive, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if options.get(exclusive) is not None:
                at = child_path(path, "logicalTypeOptions")
                yield from (_bound if draft.one_operator else _switch)(options, at, inclusive, exclusive)


def _bound(options: dict[str, Any], path: str, inclusive: str, exclusive: str) -> Iterator[Proposal]:
    switch = options[exclusive]
    if not isinstance(switch, bool):
        return
    at = child_path(path, exclusive)
    edits: tuple[Edit, ...] = (Remove(path=at),)
    if switch and options.get(inclusive) is not None:
        edits += (RenameKey(path=child_path(path, inclusive), key=exclusive),)
        message = f"`{exclusive}` is the bound itself, was a switch of `{inclusive}`"
    elif switch:
        message = f"`{exclusive}: true` is removed; there is no `{inclusive}` that it could exclude"
    else:
        message = f"`{exclusive}: false` is removed; `{inclusive}` is inclusive without it"
    yield Proposal(edits=edits, notes=(Note("LP701", at, message),))


def _switch(options: dict[str, Any], path: str, inclusive: str, exclusive: str) -> Iterator[Proposal]:
    bound, other = options[exclusive], options.get(inclusive)
    if isinstance(bound, bool):
        return
    at, beside = child_path(path, exclusive), child_path(path, inclusive)
    switch = Insert(parent=path, key=exclusive, value=True, after=exclusive)
    rename = RenameKey(path=at, key=inclusive)
    message = f"`{exclusive}` is a switch of `{inclusive}`, was a bound"
    if other is None:
        gone = (Remove(path=beside),) if inclusive in options else ()
        yield Proposal(edits=(*gone, rename, switch), notes=(Note("LP701", at, message),))
    elif _tighter(bound, other, lower=inclusive == "minimum"):
        message += f"; `{inclusive}: {other}` is removed, which it implies"
        yield Proposal(edits=(Remove(path=beside), rename, switch), notes=(Note("LP701", at, message),))
    elif _tighter(other, bound, lower=inclusive == "minimum"):
        message = f"`{exclusive}: {bound}` is removed; `{inclusive}` implies it"
        yield Proposal(edits=(Remove(path=at),), notes=(Note("LP701", at, message),))
    # Else the two are not numbers: the grammar finds the bound, and it is kept as a custom property.


def _tighter(bound: Any, other: Any, *, lower: bool) -> bool:
    """Whether an exclusive `bound` implies `other`; the other way round equal bounds never get here."""
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (bound, other)):
        return False
    return bool(bound >= other if lower else bound <= other)


def temporal_types(draft: Draft) -> Iterator[Proposal]:
    """Until v3.0.2 `date` is also what `timestamp` and `time` are from v3.1.0 on; the letters of the format tell."""
    if draft.one_operator and draft.declared not in _V3_0:
        return
    for path, element in elements(draft.data):
        kind = _kind(element)
        written = element.get("logicalType")
        at = child_path(path, "logicalType")
        if draft.one_operator and written == "date" and kind in ("timestamp", "time") and not _is_date(element):
            message = f"`logicalType` is {kind}, was date with the format of a {kind}"
            yield Proposal(edits=(SetValue(path=at, value=kind),), notes=(Note("LP701", at, message),))
        elif not draft.one_operator and written in ("timestamp", "time") and written == kind and not _is_date(element):
            message = f"`logicalType` is date with the format of a {kind}, was {kind}"
            yield Proposal(edits=(SetValue(path=at, value="date"),), notes=(Note("LP701", at, message),))


def _kind(element: dict[str, Any]) -> str:
    options = element.get("logicalTypeOptions")
    pattern = options.get("format") if isinstance(options, dict) else None
    return temporal_kind(pattern).value if isinstance(pattern, str) and pattern else LogicalType.DATE.value


def _is_date(element: dict[str, Any]) -> bool:
    """Whether the physical type says that there is no time in it."""
    physical = element.get("physicalType")
    if not isinstance(physical, str):
        return False
    found = parse_physical_type(physical).type
    return isinstance(found, AtomicType) and found.ddl == "DATE"


def servers(draft: Draft) -> Iterator[Proposal]:
    """Athena's staging folder, which v3.0.2 renamed."""
    old, new = "staging_dir", "stagingDir"
    if draft.to in (ApiVersion.V3_0_0, ApiVersion.V3_0_1):
        old, new = new, old
    for path, server in children(draft.data, "", "servers"):
        if server.get("type") == "athena" and old in server and new not in server:
            at = child_path(path, old)
            note = Note("LP701", at, f"`{new}` is what `{old}` was")
            yield Proposal(edits=(RenameKey(path=at, key=new),), notes=(note,))
