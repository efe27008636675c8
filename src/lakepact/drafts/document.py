"""Edits of a contract that are collected one by one and made all at once; every other byte stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from lakepact.contract import Contract
from lakepact.contract.edit_data import expected_data
from lakepact.contract.edits import Append, Edit, EditRefused, Insert, Remove, RenameKey, SetValue, TextOf, edited
from lakepact.contract.writing import write_document
from lakepact.contract.yaml_nodes import child_path
from lakepact.drafts.model import PROPOSALS_PROPERTY

__all__ = ["DocumentEdits", "plain"]


class DocumentEdits:
    """The edits of one document; paths are JSON paths of the document as it is."""

    def __init__(self, contract: Contract) -> None:
        """Nothing is edited yet."""
        self._contract = contract
        self._data: dict[str, Any] = {}
        _index(contract.document, "", self._data)
        self._edits: list[Edit] = []
        self._values: dict[str, tuple[str, str, Any]] = {}

    @property
    def contract(self) -> Contract:
        """The contract that is edited."""
        return self._contract

    def data(self, path: str) -> Any:
        """What stands at `path`; None where nothing does."""
        return self._data.get(path)

    def set(self, parent: str, key: str, value: object, *, after: str | None = None) -> None:
        """Give a mapping a key, or another value where it has it already; `after` names the key to stand behind."""
        path = child_path(parent, key)
        if parent not in self._data:
            outer, name = self._values[parent][2], key
            outer[name] = value
        elif path in self._data:
            self._edits.append(SetValue(path=path, value=value))
        else:
            beside = after if after is not None and child_path(parent, after) in self._data else None
            self._edits.append(Insert(parent=parent, key=key, value=value, after=beside))

    def put(self, parent: str, holder: str, key: str, value: object) -> None:
        """Give the mapping under `holder` of `parent` a key; the mapping is made where there is none."""
        path = child_path(parent, holder)
        if isinstance(self._data.get(path), Mapping):
            self.set(path, key, value)
        else:
            self._collected(parent, holder, {})[key] = value

    def append(self, parent: str, key: str, entries: Sequence[object]) -> None:
        """Give the list under `key` of `parent` more entries; it is made where there is none."""
        path = child_path(parent, key)
        if isinstance(self._data.get(path), list) and self._data[path]:
            self._edits += [Append(parent=path, value=entry) for entry in entries]
        else:
            self._collected(parent, key, []).extend(entries)

    def remove(self, path: str) -> None:
        """Take out the key at `path`."""
        self._edits.append(Remove(path=path))

    def rename(self, path: str, key: str) -> None:
        """Write the key at `path` otherwise."""
        self._edits.append(RenameKey(path=path, key=key))

    def custom(self, parent: str, name: str, value: object) -> None:
        """Give an element the custom property `name`, or another value where it has it."""
        holder = child_path(parent, "customProperties")
        for index, entry in enumerate(self._data.get(holder) or ()):
            if isinstance(entry, Mapping) and entry.get("property") == name:
                self.set(child_path(holder, index), "value", value)
                return
        self.append(parent, "customProperties", [{"property": name, "value": value}])

    def propose(self, parent: str, kind: str, clause: str, text: str) -> bool:
        """Note on an element what is proposed for it; False where it is noted there already."""
        holder = child_path(parent, "customProperties")
        entry = {"kind": kind} | ({"clause": clause} if clause else {}) | {"text": text}
        for index, found in enumerate(self._data.get(holder) or ()):
            if not isinstance(found, Mapping) or found.get("property") != PROPOSALS_PROPERTY:
                continue
            noted = found.get("value")
            known = [each for each in noted if isinstance(each, Mapping)] if isinstance(noted, list) else []
            if any(each.get("kind") == kind and (each.get("clause") or "") == clause for each in known):
                return False
            self.append(child_path(holder, index), "value", [entry])
            return True
        for pending in self._pending(parent, "customProperties"):
            if pending["property"] == PROPOSALS_PROPERTY:
                pending["value"].append(entry)
                return True
        self.append(parent, "customProperties", [{"property": PROPOSALS_PROPERTY, "value": [entry]}])
        return True

    def source(self) -> bytes:
        """The document with all edits. One that holds an alias where an edit is needed is written anew."""
        edits = [*self._edits, *self._collected_edits()]
        try:
            if self._contract.source:
                return edited(self._contract.source, edits, file=self._contract.file)
        except EditRefused:
            pass
        taken = {path: self._data[path] for edit in edits for path in _taken(edit)}
        return write_document(expected_data(self._contract.document, edits, taken))

    def _collected(self, parent: str, key: str, empty: Any) -> Any:
        return self._values.setdefault(child_path(parent, key), (parent, key, empty))[2]

    def _pending(self, parent: str, key: str) -> list[dict[str, Any]]:
        """The entries that a list will get, where it is made or appended to."""
        path = child_path(parent, key)
        made = self._values[path][2] if path in self._values else []
        appended = [edit.value for edit in self._edits if isinstance(edit, Append) and edit.parent == path]
        return [entry for entry in (*made, *appended) if isinstance(entry, dict)]

    def _collected_edits(self) -> list[Edit]:
        made: list[Edit] = []
        for path, (parent, key, value) in self._values.items():
            if path in self._data:
                made.append(SetValue(path=path, value=value))
            else:
                made.append(Insert(parent=parent, key=key, value=value))
        return made


def plain(value: object) -> Any:
    """`value` as a document holds it: mappings with text keys, lists and scalars; anything else as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def _index(value: Any, path: str, found: dict[str, Any]) -> None:
    found[path] = value
    if isinstance(value, Mapping):
        for key, entry in value.items():
            _index(entry, child_path(path, key), found)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            _index(entry, child_path(path, index), found)


def _taken(edit: Edit) -> list[str]:
    """The paths of the elements whose text the value of an edit takes."""
    values = [edit.value] if isinstance(edit, SetValue | Insert | Append) else []
    found = []
    while values:
        value = values.pop()
        if isinstance(value, TextOf):
            found.append(value.path)
        elif isinstance(value, Mapping):
            values += value.values()
        elif isinstance(value, list | tuple):
            values += value
    return found
