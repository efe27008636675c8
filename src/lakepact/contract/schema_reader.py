"""The walk over a document and its JSON Schema that grammars of settings share: mappings, lists, names and keys.

What is wrong is reported and left out of the data, so that the rest can still be checked in the same pass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from lakepact.contract.checked_document import MISSING, CheckedDocument, Path, nearest, subject_at, within
from lakepact.contract.yaml_nodes import clipped

__all__ = ["WORDS", "Codes", "SchemaReader"]

WORDS: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping of keys to values",
}
"""What messages call the JSON types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The codes under which a grammar reports what is wrong."""

    unknown_key: str
    missing_key: str
    wrong_value: str


class SchemaReader(ABC):
    """Walks data and schema together; recursion is as deep as the schema, whatever the document holds.

    Each grammar says what values and names are in it, with `wrong`, `array` and `mapping` for what all have.
    """

    codes: ClassVar[Codes]

    def __init__(self, document: CheckedDocument) -> None:
        self.document = document

    @abstractmethod
    def value(self, value: object, schema: Mapping[str, Any], at: Path) -> Any:
        """The value that stands at the path, or `MISSING` where it does not fit, which is reported."""

    @abstractmethod
    def is_name(self, key: str, rule: Mapping[str, Any], at: Path) -> bool:
        """Whether a key of the mapping at the path is a name by the rule; where it is none, that is reported."""

    def wrong(self, at: Path, message: str, hint: str = "") -> object:
        """Report a value that does not fit; gives `MISSING`."""
        self.document.report(self.codes.wrong_value, f"{subject_at(at)} {message}", at, hint=hint)
        return MISSING

    def array(self, value: list[object], schema: Mapping[str, Any], at: Path) -> list[Any]:
        """The items that fit."""
        if len(value) < schema.get("minItems", 0):
            self.wrong(at, "must not be empty")
        values = [self.value(item, schema["items"], (*at, index)) for index, item in enumerate(value)]
        return [item for item in values if item is not MISSING]

    def mapping(self, value: dict[str, object], schema: Mapping[str, Any], at: Path) -> dict[str, Any]:
        """The entries that fit, by their known keys or names."""
        known: Mapping[str, Any] = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        if len(value) < schema.get("minProperties", 0):
            self.wrong(at, "must not be empty")
        result: dict[str, Any] = {}
        for key, entry in value.items():
            inner = known.get(key, rest)
            if not inner:
                message = f"unknown key '{clipped(key)}'{within(at)}"
                self.document.report(self.codes.unknown_key, message, (*at, key), hint=nearest(key, known), key=True)
            elif self.is_name(key, schema.get("propertyNames", {}), at):
                read = self.value(entry, inner, (*at, key))
                if read is not MISSING:
                    result[key] = read
        for key in schema.get("required", ()):
            if key not in value:
                self.document.report(self.codes.missing_key, f"key '{key}' is missing{within(at)}", at, key=True)
        return result
