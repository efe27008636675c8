"""What a version has no place for goes into custom properties, and comes back with a version that has one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lakepact.authoring.upgrade_draft import (
    PREFIX,
    Draft,
    Note,
    Proposal,
    children,
    parent_path,
    steps_of,
    value_at,
)
from lakepact.contract.edits import Append, Edit, Insert, Remove, SetValue, TextOf
from lakepact.contract.grammar_check import check, sections_of
from lakepact.contract.grammar_shapes import Section, grammar_of
from lakepact.contract.grammar_values import Finding
from lakepact.contract.model import ApiVersion
from lakepact.contract.problems import Code
from lakepact.contract.variables import texts_in, variables_in
from lakepact.contract.yaml_nodes import child_path

__all__ = ["carry", "restore", "variables"]

_LOGICAL_TYPES = {"timestamp": "date", "time": "date", "map": "object", "vector": "array"}
_NUMBER = re.compile(r"-?[0-9]+\Z")


def carry(draft: Draft) -> list[Proposal]:
    """A proposal for each thing that the grammar of the version refuses; none where it refuses nothing."""
    findings = [finding for finding in check(draft.document, draft.grammar) if finding.error]
    return list(_Carrying(draft).all(findings)) if findings else []


class _Carrying:
    """One pass over what is refused; what stands inside of something that is moved waits for the next pass."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.sections = sections_of(draft.document, draft.grammar)
        self.elsewhere: list[dict[str, Section]] = []
        self.moved: set[str] = set()

    def all(self, findings: list[Finding]) -> Iterator[Proposal]:
        for finding in findings:
            proposal = self.one(finding)
            if proposal is None:
                continue
            touched = {edit.path for edit in proposal.edits if isinstance(edit, Remove | SetValue)}
            if not any(self.is_moved(path) for path in touched):
                self.moved |= touched
                yield proposal

    def is_moved(self, path: str) -> bool:
        """Whether it, what it stands in, or something in it has been moved in this pass."""
        if any(moved.startswith((f"{path}.", f"{path}[")) for moved in self.moved):
            return True
        while path and path not in self.moved:
            path = parent_path(path)
        return bool(path)

    def one(self, finding: Finding) -> Proposal | None:
        path = finding.path
        match finding.code:
            case Code.UNQUOTED_TEXT:
                text = self.draft.document.texts.get(path, str(self.draft.value(path)))
                return self.written(path, text, f"`{_last(path)}` is text in quotes")
            case Code.EMPTY_VALUE if finding.lenient:
                note = Note("LP701", path, f"`{_last(path)}` without a value is removed")
                return Proposal(edits=(Remove(path=path),), notes=(note,))
            case Code.EMPTY_VALUE | Code.MISSING_KEY if path == "status":
                return self.status()
            case Code.MISSING_KEY:
                return self.missing(path, finding.message)
            case Code.NOT_ALLOWED | Code.WRONG_TYPE:
                return self.replaced(path) or self.kept(path, finding.message)
            case Code.UNKNOWN_KEY if _last(path) == "semanticType" and self.draft.value(path) == "measure":
                return self.kept(parent_path(path))  # left where it is, it would become a stored column
            case Code.UNKNOWN_KEY:
                return self.kept(path)
        return self.kept(finding.unit, finding.message)

    def written(self, path: str, value: object, message: str) -> Proposal:
        return Proposal(edits=(SetValue(path=path, value=value),), notes=(Note("LP701", path, message),))

    def status(self) -> Proposal:
        """The status, which is optional from v3.2.0 on."""
        message = f"{self.draft.to.value} requires `status`, which is not there; `draft` is written"
        if "status" in self.draft.data:
            edit: Edit = SetValue(path="status", value="draft")
        else:
            edit = Insert(parent="", key="status", value="draft", after="version")
        return Proposal(edits=(edit,), notes=(Note("LP702", "", message, "write the status that is true"),))

    def missing(self, path: str, why: str) -> Proposal | None:
        """What can be written for a key that the version requires; else what needs it is kept elsewhere."""
        parent, key = parent_path(path), _last(path)
        section = self.sections.get(parent)
        if key == "value" and section is not None and section.rows.keys() == self.rows("custom"):
            note = Note("LP701", parent, "`value: null` is written, which a custom property without a value means")
            return Proposal(edits=(Insert(parent=parent, key=key, value=None),), notes=(note,))
        return self.kept(parent, why) if parent else None

    def rows(self, name: str) -> Any:
        return self.draft.grammar.sections[name].rows.keys()

    def replaced(self, path: str) -> Proposal | None:
        """A value that the version writes in another way, or the nearest one; what was written is kept."""
        value, key = self.draft.value(path), _last(path)
        section = self.sections.get(parent_path(path))
        if section is None:
            return None
        if isinstance(value, str) and _NUMBER.match(value) and key in ("port", "schema"):
            return self.written(path, int(value), f"`{key}` is a number")
        instead = None
        if key == "logicalType":
            instead = _LOGICAL_TYPES.get(str(value))
        elif key == "type" and "server" in section.rows:
            instead = "custom"
        if instead is None or value == instead:
            return None
        return self.saved(path, SetValue(path=path, value=instead), instead=instead)

    def kept(self, path: str, why: str = "") -> Proposal | None:
        """The element moved to the custom properties that are nearest; one that is required moves with its owner."""
        here = path
        while here and self.is_required(here):
            here = parent_path(here)
        return self.saved(here, Remove(path=here), why=why) if here else None

    def is_required(self, path: str) -> bool:
        step = steps_of(path)[-1]
        section = self.sections.get(parent_path(path))
        row = section.rows.get(step) if section is not None and isinstance(step, str) else None
        return row is not None and row.required

    def saved(self, path: str, edit: Edit, *, instead: str = "", why: str = "") -> Proposal:
        holder = parent_path(path)
        while holder and "customProperties" not in self.rows_at(holder):
            holder = parent_path(holder)
        relative = path[len(holder) :].removeprefix(".")
        own = parent_path(path) == holder and not self.is_standard(path) and not path.endswith("]")
        name = relative if own else f"{PREFIX}{relative}"
        version = self.draft.to.value
        message = f"{version} has no place for `{relative}`{f' ({why})' if why else ''}"
        if instead:
            message = f"{version} does not know `{relative}: {self.draft.value(path)}`; `{instead}` is written instead"
        message += f"; kept as the custom property `{name}`"
        note = Note("LP701" if own else "LP702", path, message)
        return Proposal(edits=(edit,), customs=((holder, name, TextOf(path)),), notes=(note,))

    def rows_at(self, path: str) -> Any:
        section = self.sections.get(path)
        return section.rows if section is not None else {}

    def is_standard(self, path: str) -> bool:
        """Whether some version of the standard knows the key at this place."""
        if not self.elsewhere:
            self.elsewhere = [sections_of(self.draft.document, grammar_of(version)) for version in ApiVersion]
        parent, key = parent_path(path), _last(path)
        if "server" in self.rows_at(parent):  # whose type may have been replaced
            return any(key in server.rows for version in ApiVersion for server in grammar_of(version).servers.values())
        return any(key in found[parent].rows for found in self.elsewhere if parent in found)


def _last(path: str) -> str:
    return str(steps_of(path)[-1])


def restore(draft: Draft) -> list[Proposal]:
    """What a downgrade has put into custom properties, at its place again where the version has that place."""
    saved = list(_saved(draft.data, ""))
    if not saved:
        return []
    base = len(check(draft.document, draft.grammar))
    restoring = _Restoring(draft)
    proposals: list[Proposal] = []
    for holder, entries in saved:
        count = len(value_at(draft.data, child_path(holder, "customProperties")))
        together = list(restoring.all(holder, entries))
        alone = [[proposal] for proposal in together] if len(together) > 1 else []
        for group in [together, *alone]:
            edits = [edit for proposal in group for edit in proposal.edits]
            # The version must take the document with these edits at least as well as without them.
            if edits and len(check(draft.preview(edits), draft.grammar)) <= base:
                proposals += _without_empty_list(group, holder, count)
                break
    return proposals


def _saved(value: Any, path: str) -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """Every element with custom properties of ours, innermost first."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _saved(entry, child_path(path, key))
        found = [
            (inner, entry)
            for inner, entry in children(value, path, "customProperties")
            if str(entry.get("property", "")).startswith(PREFIX) and "value" in entry
        ]
        if found:
            yield path, found
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _saved(entry, f"{path}[{index}]")


class _Restoring:
    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.sections = sections_of(draft.document, draft.grammar)

    def all(self, holder: str, saved: list[tuple[str, dict[str, Any]]]) -> Iterator[Proposal]:
        """A proposal for each custom property that names a place which is free."""
        targets = [_target(holder, entry) for _, entry in saved]
        for (custom, entry), target in zip(saved, targets, strict=True):
            if not steps_of(target) or target == "team":
                continue
            edit = self.edit(target, custom, entry["value"], targets)
            if edit is not None:
                name = entry["property"]
                message = f"`{name.removeprefix(PREFIX)}` is at its place again, was the custom property `{name}`"
                yield Proposal(edits=(edit, Remove(path=custom)), notes=(Note("LP701", custom, message),))

    def edit(self, target: str, custom: str, saved: object, targets: list[str]) -> Edit | None:
        value = TextOf(child_path(custom, "value"))
        step, parent = steps_of(target)[-1], parent_path(target)
        there, around = self.draft.value(target), self.draft.value(parent)
        if isinstance(step, int):
            numbers = [steps_of(other)[-1] for other in targets if parent_path(other) == parent]
            before = sum(isinstance(number, int) and number < step for number in numbers)
            return self.entry(parent, value, step - before)
        if isinstance(around, dict) and step not in around:
            return self.key(parent, step, value)
        if there is not None and there == _instead(step, saved, parent):
            return SetValue(path=target, value=value)
        return None

    def entry(self, path: str, value: TextOf, at: int) -> Edit | None:
        """An entry of a list at the number that it had; the list itself where it is not there any more."""
        entries = self.draft.value(path)
        if isinstance(entries, list):
            return Append(parent=path, value=value, before=at if at < len(entries) else None)
        around, key = self.draft.value(parent_path(path)), _last(path)
        return self.key(parent_path(path), key, [value]) if isinstance(around, dict) and key not in around else None

    def key(self, parent: str, key: str, value: object) -> Edit:
        """A key after the one that the standard lists before it, else before all others."""
        around = list(self.draft.value(parent))
        section = self.sections.get(parent)
        order = list(section.rows) if section is not None else []
        if key not in order or not around:
            return Insert(parent=parent, key=key, value=value)
        earlier = [other for other in order[: order.index(key)] if other in around]
        if earlier:
            return Insert(parent=parent, key=key, value=value, after=earlier[-1])
        return Insert(parent=parent, key=key, value=value, before=around[0])


def _target(holder: str, entry: dict[str, Any]) -> str:
    relative = str(entry["property"]).removeprefix(PREFIX)
    return holder + relative if relative.startswith("[") or not holder else f"{holder}.{relative}"


def _instead(key: str, value: object, holder: str) -> str | None:
    """What `carry` writes where it keeps a value as a custom property."""
    if key == "logicalType":
        return _LOGICAL_TYPES.get(str(value))
    if key == "type":
        return "custom" if holder.startswith("servers[") else "text"
    return None


def _without_empty_list(group: list[Proposal], holder: str, count: int) -> Iterator[Proposal]:
    """The proposals; where they take out all custom properties of the holder, they take out the list."""
    if len(group) < count:
        yield from group
        return
    edits = [edit for proposal in group for edit in proposal.edits if not isinstance(edit, Remove)]
    notes = tuple(note for proposal in group for note in proposal.notes)
    yield Proposal(edits=(*edits, Remove(path=child_path(holder, "customProperties"))), notes=notes)


def variables(draft: Draft) -> Iterator[Proposal]:
    """Variables, which came with v3.2.0: their text stays, what it means does not."""
    had, has = (version is ApiVersion.V3_2_0 for version in (draft.declared, draft.to))
    if had == has:
        return
    for path, text in texts_in(draft.data, ""):
        names = ", ".join(dict.fromkeys(f"`{variable.name}`" for variable in variables_in(text)))
        if names and had:
            message = f"{draft.to.value} has no variables; {names} is plain text there"
            yield Proposal(notes=(Note("LP702", path, message),))
        elif names:
            message = f"{names} is a variable from v3.2.0 on, was plain text"
            yield Proposal(notes=(Note("LP702", path, message, "give it a value where the contract is used"),))
