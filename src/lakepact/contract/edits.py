"""Edits of a YAML document that leave every other byte, comments and layout included, as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lakepact.contract.edit_data import expected_data, same_data
from lakepact.contract.edit_model import (
    Append,
    Edit,
    EditRefused,
    Insert,
    Remove,
    RenameKey,
    Replace,
    SetValue,
    TextOf,
    texts_taken,
)
from lakepact.contract.edit_plan import changed_text
from lakepact.contract.edit_tree import Node, Tree, tree_of
from lakepact.contract.model import Place
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import YamlDocument, child_path, read_yaml
from lakepact.errors import Problem, Severity

__all__ = [
    "Append",
    "Edit",
    "EditRefused",
    "Insert",
    "Remove",
    "RenameKey",
    "Replace",
    "SetValue",
    "TextOf",
    "edited",
]

_BOM = b"\xef\xbb\xbf"


def edited(source: bytes, edits: Sequence[Edit], *, file: str = "") -> bytes:
    """`source` with all `edits` made; paths are those of the unedited document.

    The result is read again and its data compared with what the edits make of the data; nothing else can come out.
    Raises EditRefused (LP190) with the place and the reason where an edit is not possible with certainty: an element
    that is not there or comes from an alias or a merge key, or that has aliases of its own; edits of the same element.

    >>> edited(b"id: a # mine\\nversion: '1.0'\\n", [SetValue(path="version", value="2.0")])
    b"id: a # mine\\nversion: '2.0'\\n"
    """
    return _Editing(source, edits, file).result() if edits else source


class _Editing:
    """One call: what is edited, and the checks before and after."""

    def __init__(self, source: bytes, edits: Sequence[Edit], file: str) -> None:
        self.edits = edits
        self.file = file
        self.bom = source.startswith(_BOM)
        try:
            self.source = source.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.refused("the document is not UTF-8") from error
        self.document = self.read(self.source)
        self.tree = self.parsed()

    def result(self) -> bytes:
        self._check_targets()
        self._check_once()
        self._check_each_other()
        wanted = self._wanted()
        for careful in (False, True):
            text = self._changed(careful=careful)
            document, _ = read_yaml(text)
            if document is not None and same_data(document.data, wanted):
                return (_BOM if self.bom else b"") + text.encode()
        raise self.refused("the edited text would not hold what it should", self._only_path())

    def _changed(self, *, careful: bool) -> str:
        try:
            return changed_text(self.tree, self.document.data, self.edits, careful=careful)
        except ValueError as error:
            raise self.refused(str(error), self._only_path()) from error

    def _only_path(self) -> str:
        return _path(self.edits[0]) if len(self.edits) == 1 else ""

    def refused(self, reason: str, path: str = "", place: Place | None = None) -> EditRefused:
        document = getattr(self, "document", None)
        place = place or (document.places.get(path) if document is not None else None) or Place(path)
        problem = Problem(
            code=Code.EDIT_REFUSED,
            severity=Severity.ERROR,
            message=f"`{path}`: {reason}" if path else reason,
            file=self.file,
            line=place.line,
            column=place.column,
            path=path,
        )
        return EditRefused(
            "the document cannot be edited", Code.EDIT_REFUSED, facts={"path": path}, problems=(problem,)
        )

    def read(self, text: str) -> YamlDocument:
        document, problems = read_yaml(text)
        if document is None:
            problem = problems[-1]
            raise self.refused(problem.message, problem.path, Place(problem.path, problem.line, problem.column))
        return document

    def parsed(self) -> Tree:
        tree = tree_of(self.source)
        if tree is None:
            raise self.refused("the document is empty")
        return tree

    def _check_targets(self) -> None:
        for edit in self.edits:
            for path in (_path(edit), *texts_taken(edit)):
                self._check_target(path)
            node = self.tree.nodes[_path(edit)]
            match edit:
                case Insert():
                    self._check_insert(edit, node)
                case Append() if node.kind != "list":
                    raise self.refused("is not a list", edit.parent)
                case Append() if edit.before is not None and not 0 <= edit.before < len(node.entries):
                    raise self.refused(f"has no entry {edit.before}", edit.parent)
                case Replace() if not isinstance(self._data(node), str):
                    raise self.refused("is not text", edit.path)
                case RenameKey() | Remove() if node.parent is None:
                    raise self.refused("the document as a whole is not edited", edit.path)
                case RenameKey() if node.parent is not None and node.parent.kind != "map":
                    raise self.refused("has no key to rename", edit.path)

    def _check_target(self, path: str) -> None:
        node = self.tree.nodes.get(path)
        if node is None:
            known = path in self.document.places
            raise self.refused("comes from an alias or a merge key" if known else "is not in the document", path)
        here: Node | None = node
        while here is not None:
            if here.path in self.tree.repeated:
                raise self.refused("has a key that is written twice", here.path)
            if here.anchor is not None and here.anchor in self.tree.aliased:
                raise self.refused(f"is also used elsewhere, as *{here.anchor}", here.path)
            here = here.parent

    def _check_insert(self, edit: Insert, node: Node) -> None:
        if node.kind != "map":
            raise self.refused("is not a mapping", edit.parent)
        beside = edit.after if edit.after is not None else edit.before
        if beside is not None and all(entry.name != beside for entry in node.entries):
            raise self.refused(f"has no key `{beside}` of its own", edit.parent)

    def _check_once(self) -> None:
        """One edit of a key and one of a value at most; parts of one text may be replaced by several."""
        seen: dict[tuple[str, bool], type[Edit]] = {}
        for edit in self.edits:
            if isinstance(edit, Insert | Append):
                continue
            slot = edit.path, isinstance(edit, RenameKey)
            if slot in seen and not (isinstance(edit, Replace) and seen[slot] is Replace):
                raise self.refused("is edited twice", edit.path)
            seen[slot] = type(edit)

    def _check_each_other(self) -> None:
        """No edit inside of an element that another one replaces or takes out; no key twice."""
        whole = {edit.path for edit in self.edits if isinstance(edit, SetValue | Remove | Replace)}
        keys: set[str] = set()
        gone = {
            edit.path
            for edit in self.edits
            if isinstance(edit, Remove) or (isinstance(edit, RenameKey) and self._new_path(edit))
        }
        for edit in self.edits:
            for path in self._around(edit):
                if path in whole:
                    raise self.refused("is replaced or removed, and another edit is inside of it", path)
            target = self._new_path(edit)
            if target is None:
                continue
            if target in keys or (target in self.document.places and target not in gone):
                raise self.refused("is there already", target)
            keys.add(target)

    def _around(self, edit: Edit) -> Iterator[str]:
        """The elements that an edit lies in and must find as they are."""
        node = self.tree.nodes[_path(edit)]
        if isinstance(edit, Insert | Append):
            yield node.path
        if isinstance(edit, RenameKey) and any(
            isinstance(other, Remove) and other.path == edit.path for other in self.edits
        ):
            yield node.path
        while node.parent is not None:
            node = node.parent
            yield node.path

    def _new_path(self, edit: Edit) -> str | None:
        """The path of the key that an edit writes."""
        if isinstance(edit, Insert):
            return child_path(edit.parent, edit.key)
        if isinstance(edit, RenameKey):
            parent = self.tree.nodes[edit.path].parent
            target = child_path(parent.path if parent is not None else "", edit.key)
            return target if target != edit.path else None
        return None

    def _data(self, node: Node) -> Any:
        """What an element holds, without going through aliases."""
        if node.parent is None or node.entry is None:
            return self.document.data
        outer = self._data(node.parent)
        return outer[int(node.entry.name)] if node.parent.kind == "list" else outer.get(node.entry.name)

    def _wanted(self) -> Any:
        taken = {path: self._data(self.tree.nodes[path]) for edit in self.edits for path in texts_taken(edit)}
        return expected_data(self.document.data, self.edits, taken)


def _path(edit: Edit) -> str:
    return edit.parent if isinstance(edit, Insert | Append) else edit.path
