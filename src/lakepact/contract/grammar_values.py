"""Checks of plain values, lists and sections against their shape, with a note for every difference."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lakepact.contract.grammar_shapes import Grammar, Row, Section, Shape
from lakepact.contract.model import ApiVersion, Place
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import YamlDocument, child_path, clipped

__all__ = ["Finding", "ValueChecker", "shown"]

_ID_HINT = {False: "letters, digits, `_` and `-`", True: r"no space and none of . # / \ @ ! % & ^"}
_MAX_GUESSES = 200
# What documents of other formats begin with.
_FOREIGN = frozenset({"asset", "data_contract", "expectations"})
_CONVERT = "this is another format: `lakepact convert FILE -o CONTRACT` makes a contract of it"
_YAML_1_1_BOOLEANS = {"yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A difference from the grammar.

    `unit` is the path of the element that another version must accept for the finding to be one of versions: a quality
    rule or a relationship as a whole, else (`single`) just the value at `path`.
    `error` is False for unknown keys in open sections. A `lenient` finding is a warning in compatible mode.
    """

    code: Code
    message: str
    path: str
    place: Place
    unit: str
    single: bool
    hint: str = ""
    error: bool = True
    lenient: bool = False


class ValueChecker:
    """Collects in `findings` what differs from the grammar; `unit`, where set, is the element that they belong to."""

    def __init__(self, document: YamlDocument, grammar: Grammar) -> None:
        """Checks values of `document` against `grammar`."""
        self.document = document
        self.grammar = grammar
        self.widened = grammar.version is ApiVersion.V3_2_0
        self.findings: list[Finding] = []
        self.unit = ""
        self.checks: dict[str, Callable[[Any, str, Shape], object]] = {
            "any": lambda value, path, shape: None,
            "between": self._between,
            "bool": self._bool,
            "count": self._count,
            "distinct": self._distinct,
            "id": self._id,
            "integer": self._integer,
            "list": self._list,
            "mapping": self._mapping,
            "multiple": self._multiple,
            "number": self._number,
            "one_of": self._one_of,
            "position": self._position,
            "scalar": self._scalar,
            "text": self._text,
            "union": self._union,
            "url_sftp": self._url_sftp,
        }

    def note(self, code: Code, message: str, path: str, *, place: Place | None = None, **more: Any) -> None:
        """Notes a finding at `path`; `more` are fields of `Finding`."""
        place = place or self.document.places.get(path) or Place(path)
        self.findings.append(
            Finding(
                code=code, message=message, path=path, place=place, unit=self.unit or path, single=not self.unit, **more
            )
        )

    def wrong_type(self, value: object, path: str, wanted: str, hint: str = "") -> None:
        """Notes that the value is not what was `wanted`."""
        self.note(Code.WRONG_TYPE, f"`{shown(path)}` must be {wanted}, not {_what(value)}", path, hint=hint)

    def section(self, section: Section, data: Mapping[str, Any], path: str) -> None:
        """Checks each key of a mapping, and that the required ones are there."""
        rows = section.rows
        for key, value in data.items():
            row = rows.get(key)
            if row is None:
                self._unknown_key(section, key, path)
            elif value is None and row.shape.kind not in ("any", "scalar"):
                self._empty(row, child_path(path, key))
            else:
                self.value(row.shape, value, child_path(path, key))
        for key, row in rows.items():
            if row.required and key not in data:
                self._missing(section, key, path)

    def value(self, shape: Shape, value: Any, path: str) -> None:
        """Checks a value against its shape."""
        handler = self.checks.get(shape.kind)
        if handler is not None:
            handler(value, path, shape)
        elif isinstance(value, dict):
            self.section(self.grammar.sections[shape.kind], value, path)
        else:
            self.wrong_type(value, path, "a mapping")

    def _unknown_key(self, section: Section, key: str, path: str) -> None:
        near = self._near(key, section.rows)
        inner = child_path(path, key)
        self.note(
            Code.UNKNOWN_KEY,
            f"{section.title} has no key `{clipped(key)}`",
            inner,
            place=self.document.key_places.get(inner),
            hint=_CONVERT if inner in _FOREIGN else f"did you mean `{near}`?" if near else "",
            error=section.closed,
        )

    def _near(self, text: str, known: Iterable[str]) -> str:
        """The known word that `text` may stand for; not looked for in a document that is wrong throughout."""
        if len(self.findings) > _MAX_GUESSES:
            return ""
        return next(iter(difflib.get_close_matches(text, known, n=1)), "")

    def _missing(self, section: Section, key: str, path: str) -> None:
        place = self.document.places.get(path)
        self.note(Code.MISSING_KEY, f"{section.title} needs `{key}`", child_path(path, key), place=place)

    def _empty(self, row: Row, path: str) -> None:
        hint = "" if row.required else "remove the key or give it a value"
        message = f"`{shown(path)}` has no value"
        self.note(Code.EMPTY_VALUE, message, path, hint=hint, lenient=not row.required)

    def _text(self, value: Any, path: str, _shape: Shape) -> None:
        if isinstance(value, str):
            return
        if isinstance(value, bool | int | float):
            written = self.document.texts.get(path, str(value))
            kind = "a boolean" if isinstance(value, bool) else "a number"
            name = shown(path)
            hint = f'write {name}: "{written}"' if not name.endswith("]") else f'write "{written}"'
            message = f"`{name}` must be text, and {written} without quotes is {kind}"
            self.note(Code.UNQUOTED_TEXT, message, path, hint=hint, lenient=True)
        else:
            self.wrong_type(value, path, "text")

    def _id(self, value: Any, path: str, shape: Shape) -> None:
        self._text(value, path, shape)
        if isinstance(value, str) and not self.grammar.stable_id.fullmatch(value):
            message = f"`{shown(path)}` has characters that an id cannot have: `{clipped(value)}`"
            self.note(Code.WRONG_CHARACTERS, message, path, hint=_ID_HINT[self.widened])

    def _url_sftp(self, value: Any, path: str, shape: Shape) -> None:
        self._text(value, path, shape)
        if isinstance(value, str) and not value.startswith("sftp://"):
            self.note(Code.WRONG_CHARACTERS, f"`{shown(path)}` must start with sftp://", path)

    def _one_of(self, value: Any, path: str, shape: Shape) -> None:
        if not isinstance(value, str):
            self.wrong_type(value, path, "text")
        elif value not in shape.values:
            near = self._near(value, shape.values)
            guess = f"did you mean `{near}`? " if near else ""
            hint = f"{guess}accepted: {', '.join(shape.values)}"
            self.note(Code.NOT_ALLOWED, f"`{shown(path)}` cannot be `{clipped(value)}`", path, hint=hint)

    def _bool(self, value: Any, path: str, _shape: Shape) -> None:
        if not isinstance(value, bool):
            legacy = isinstance(value, str) and value.casefold() in _YAML_1_1_BOOLEANS
            hint = f"`{value}` is text; write true or false" if legacy else ""
            self.wrong_type(value, path, "true or false", hint)

    def _number(self, value: Any, path: str, _shape: Shape) -> bool:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return True
        self.wrong_type(value, path, "a number")
        return False

    def _integer(self, value: Any, path: str, _shape: Shape) -> bool:
        if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
            return True
        wanted = "a whole number"
        if isinstance(value, float):
            message = f"`{shown(path)}` must be {wanted}, not {self.document.texts.get(path, value)}"
            self.note(Code.WRONG_TYPE, message, path)
        else:
            self.wrong_type(value, path, wanted)
        return False

    def _count(self, value: Any, path: str, shape: Shape) -> None:
        if self._integer(value, path, shape) and value < 0:
            self.note(Code.OUT_OF_RANGE, f"`{shown(path)}` must be 0 or more, not {value}", path)

    def _position(self, value: Any, path: str, shape: Shape) -> None:
        if self._integer(value, path, shape) and value < 1:
            self.note(Code.OUT_OF_RANGE, f"`{shown(path)}` must be 1 or more, not {value}", path)

    def _multiple(self, value: Any, path: str, shape: Shape) -> None:
        if self._number(value, path, shape) and value <= 0:
            self.note(Code.OUT_OF_RANGE, f"`{shown(path)}` must be above 0, not {value}", path)

    def _scalar(self, value: Any, path: str, _shape: Shape) -> None:
        if isinstance(value, dict | list):
            self.wrong_type(value, path, "a single value")

    def _mapping(self, value: Any, path: str, _shape: Shape) -> None:
        if not isinstance(value, dict):
            self.wrong_type(value, path, "a mapping")

    def _union(self, value: Any, path: str, shape: Shape) -> None:
        for option in shape.options:
            if _fits(option, value):
                self.value(option, value, path)
                return
        self.wrong_type(value, path, " or ".join(_wanted(option) for option in shape.options))

    def _list(self, value: Any, path: str, shape: Shape) -> None:
        if not isinstance(value, list):
            self.wrong_type(value, path, "a list")
            return
        assert shape.of is not None
        for index, entry in enumerate(value):
            self.value(shape.of, entry, f"{path}[{index}]")

    def _distinct(self, value: Any, path: str, shape: Shape) -> None:
        self._list(value, path, shape)
        if not isinstance(value, list):
            return
        if not value:
            self.note(Code.OUT_OF_RANGE, f"`{shown(path)}` must have at least one entry", path)
        seen: dict[object, int] = {}
        for index, entry in enumerate(value):
            first = seen.setdefault(_identity(entry), index)
            if first != index:
                message = f"`{shown(path)}[{index}]` repeats `{shown(path)}[{first}]`"
                self.note(Code.NOT_UNIQUE, message, f"{path}[{index}]")

    def _between(self, value: Any, path: str, shape: Shape) -> None:
        if not isinstance(value, list):
            self.wrong_type(value, path, "a list of two numbers")
        elif not all([self._number(entry, f"{path}[{index}]", shape) for index, entry in enumerate(value)]):
            return  # noted, and the rest would only repeat it
        elif len(value) != 2:
            self.note(Code.OUT_OF_RANGE, f"`{shown(path)}` must have two numbers, not {len(value)}", path)
        elif value[0] == value[1]:
            self.note(Code.NOT_UNIQUE, f"`{shown(path)}` must have two different numbers", path)


def _fits(shape: Shape, value: Any) -> bool:
    if shape.kind == "text":
        return isinstance(value, str)
    if shape.kind == "integer":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, list if shape.kind == "list" else dict)


def _wanted(shape: Shape) -> str:
    return {"text": "text", "integer": "a whole number", "list": "a list"}.get(shape.kind, "a mapping")


def _what(value: object) -> str:
    if value is None:
        return "empty"
    for kinds, name in ((bool, "a boolean"), (str, "text"), ((int, float), "a number"), (list, "a list")):
        if isinstance(value, kinds):
            return name
    return "a mapping"


def shown(path: str) -> str:
    """The last part of a path, as messages name it."""
    return path.rsplit(".", 1)[-1]


def _identity(value: Any) -> object:
    """A hashable that is equal for equal JSON values only: `1` and `true` differ, `1` and `1.0` do not."""
    if isinstance(value, dict):
        return ("map", frozenset((key, _identity(entry)) for key, entry in value.items()))
    if isinstance(value, list):
        return ("list", tuple(_identity(entry) for entry in value))
    return (isinstance(value, bool), value)
