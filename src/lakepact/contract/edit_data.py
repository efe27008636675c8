"""What a document holds after edits, computed on its data alone: what the edited text is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from lakepact.contract.edit_model import Append, Edit, Insert, Remove, RenameKey, Replace, SetValue, TextOf
from lakepact.contract.yaml_nodes import child_path, plain_value

__all__ = ["expected_data", "moved_paths", "same_data"]


def expected_data(data: Any, edits: Sequence[Edit], taken: Mapping[str, Any]) -> Any:
    """`data` with all edits made, sharing nothing with it; `taken` holds what stands at the path of each `TextOf`."""
    return _Expectation(edits, taken).of(data, "", "")


def moved_paths(data: Any, edits: Sequence[Edit], taken: Mapping[str, Any]) -> dict[str, str]:
    """For each path after the edits that held something before them: its path then."""
    expectation = _Expectation(edits, taken)
    expectation.of(data, "", "")
    return expectation.origins


class _Expectation:
    def __init__(self, edits: Sequence[Edit], taken: Mapping[str, Any]) -> None:
        self.taken = taken
        self.origins: dict[str, str] = {}
        self.values = {edit.path: edit.value for edit in edits if isinstance(edit, SetValue)}
        self.replaced: dict[str, list[Replace]] = {}
        self.renamed = {edit.path: edit.key for edit in edits if isinstance(edit, RenameKey)}
        self.removed = {edit.path for edit in edits if isinstance(edit, Remove)}
        self.inserted: dict[str, list[Insert]] = {}
        self.appended: dict[str, list[Append]] = {}
        for edit in edits:
            if isinstance(edit, Replace):
                self.replaced.setdefault(edit.path, []).append(edit)
            elif isinstance(edit, Insert):
                self.inserted.setdefault(edit.parent, []).append(edit)
            elif isinstance(edit, Append):
                self.appended.setdefault(edit.parent, []).append(edit)

    def of(self, value: Any, path: str, target: str) -> Any:
        """What stands at `target` after the edits, where `value` stood at `path` before."""
        self.origins[target] = path
        if path in self.values:
            return self.plain(self.values[path], target)
        if isinstance(value, dict):
            return self._mapping(value, path, target)
        if isinstance(value, list):
            return self._list(value, path, target)
        for edit in self.replaced.get(path, ()):
            value = value.replace(edit.old, edit.new)
        return value

    def _list(self, value: list[Any], path: str, target: str) -> list[Any]:
        result: list[Any] = []
        appended = self.appended.get(path, [])
        for index, entry in enumerate(value):
            self._append(result, [edit for edit in appended if edit.before == index], target)
            if f"{path}[{index}]" not in self.removed:
                result.append(self.of(entry, f"{path}[{index}]", f"{target}[{len(result)}]"))
        self._append(result, [edit for edit in appended if edit.before is None], target)
        return result

    def _append(self, result: list[Any], appended: Sequence[Append], target: str) -> None:
        for edit in appended:
            result.append(self.plain(edit.value, f"{target}[{len(result)}]"))

    def _mapping(self, value: dict[str, Any], path: str, target: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        inserted = self.inserted.get(path, [])
        for key, entry in value.items():
            inner = child_path(path, key)
            self._insert(result, [edit for edit in inserted if edit.before == key], target)
            if inner not in self.removed:
                name = self.renamed.get(inner, key)
                result[name] = self.of(entry, inner, child_path(target, name))
            self._insert(result, [edit for edit in inserted if edit.after == key], target)
        self._insert(result, [edit for edit in inserted if edit.after is None and edit.before is None], target)
        return result

    def _insert(self, result: dict[str, Any], inserted: Sequence[Insert], target: str) -> None:
        for edit in inserted:
            result[edit.key] = self.plain(edit.value, child_path(target, edit.key))

    def plain(self, value: object, target: str) -> Any:
        """A value of an edit as plain data."""
        if isinstance(value, TextOf):
            return self._taken(self.taken[value.path], value.path, target)
        if isinstance(value, Mapping):
            return {key: self.plain(entry, child_path(target, key)) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.plain(entry, f"{target}[{index}]") for index, entry in enumerate(value)]
        return plain_value(str(value)) if isinstance(value, Decimal) else value

    def _taken(self, value: Any, path: str, target: str) -> Any:
        self.origins[target] = path
        if isinstance(value, dict):
            return {
                key: self._taken(entry, child_path(path, key), child_path(target, key)) for key, entry in value.items()
            }
        if isinstance(value, list):
            return [self._taken(entry, f"{path}[{index}]", f"{target}[{index}]") for index, entry in enumerate(value)]
        return value


def same_data(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same; `1`, `1.0` and `true` differ, the order of keys does not count."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_data(entry, right[key]) for key, entry in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_data, left, right))
    return type(left) is type(right) and bool(left == right)
