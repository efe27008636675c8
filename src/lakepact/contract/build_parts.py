"""Typed access to a mapping of the document, and the parts of the model that all sections share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from lakepact.contract.model import (
    AuthoritativeDefinition,
    CustomProperty,
    EnumValue,
    Place,
    Relationship,
    Scalar,
)
from lakepact.contract.yaml_nodes import YamlDocument, child_path

__all__ = ["Element", "authoritative_definitions", "custom_properties", "enum_values", "relationships"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Element:
    """A mapping of the document with its path; a key whose value is null counts as absent."""

    document: YamlDocument
    path: str
    data: Mapping[str, Any]

    @property
    def place(self) -> Place:
        """Where the mapping stands."""
        return self.document.places.get(self.path, Place(self.path))

    def place_of(self, key: str) -> Place:
        """Where the value of `key` stands; the place of the mapping when it has no such key."""
        return self.document.places.get(child_path(self.path, key), self.place)

    def has(self, key: str) -> bool:
        """Whether `key` has a value other than null."""
        return self.data.get(key) is not None

    def text(self, key: str) -> str | None:
        """The text under `key`, for numbers and booleans as written."""
        return self._as_text(self.data.get(key), child_path(self.path, key))

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of the list under `key`."""
        path = child_path(self.path, key)
        values = self.data.get(key) or ()
        texts = (self._as_text(value, f"{path}[{index}]") for index, value in enumerate(values))
        return tuple(text for text in texts if text is not None)

    def flag(self, key: str) -> bool:
        """The boolean under `key`; False when absent."""
        return self.data.get(key) is True

    def maybe_flag(self, key: str) -> bool | None:
        """The boolean under `key`."""
        value = self.data.get(key)
        return value if isinstance(value, bool) else None

    def integer(self, key: str) -> int | None:
        """The whole number under `key`; `1.0` is one."""
        value = self.data.get(key)
        return None if value is None or isinstance(value, bool | str) else int(value)

    def exact(self, key: str) -> Any:
        """The value under `key` with every decimal fraction as the `Decimal` that was written."""
        return self._exact(self.data.get(key), child_path(self.path, key))

    def scalar(self, key: str) -> Scalar:
        """The scalar under `key`, decimal fractions exact."""
        value: Scalar = self.exact(key)
        return value

    def meant(self, key: str) -> Any:
        """The value under `key`, as text where the standard wants text and the quotes were forgotten."""
        return self.text(key) if child_path(self.path, key) in self.document.as_text else self.data[key]

    def element(self, key: str) -> Element | None:
        """The mapping under `key`."""
        value = self.data.get(key)
        return Element(self.document, child_path(self.path, key), value) if isinstance(value, dict) else None

    def elements(self, key: str) -> tuple[Element, ...]:
        """The mappings of the list under `key`."""
        path = child_path(self.path, key)
        values = self.data.get(key)
        if not isinstance(values, list):
            return ()
        return tuple(
            Element(self.document, f"{path}[{index}]", value)
            for index, value in enumerate(values)
            if isinstance(value, dict)
        )

    def each(self, key: str, build: Callable[[Element], _T]) -> tuple[_T, ...]:
        """What `build` makes of each mapping of the list under `key`."""
        return tuple(build(element) for element in self.elements(key))

    def _as_text(self, value: object, path: str) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return self.document.texts.get(path, str(value))

    def _exact(self, value: Any, path: str) -> Any:
        if isinstance(value, float):
            return Decimal(self.document.texts.get(path, repr(value)))
        if isinstance(value, list):
            return tuple(self._exact(entry, f"{path}[{index}]") for index, entry in enumerate(value))
        if isinstance(value, dict):
            return {key: self._exact(entry, child_path(path, key)) for key, entry in value.items()}
        return value


def custom_properties(element: Element) -> tuple[CustomProperty, ...]:
    """The `customProperties` of an element."""
    return element.each("customProperties", _custom_property)


def authoritative_definitions(element: Element) -> tuple[AuthoritativeDefinition, ...]:
    """The `authoritativeDefinitions` of an element."""
    return element.each("authoritativeDefinitions", _authoritative_definition)


def enum_values(element: Element) -> tuple[EnumValue, ...]:
    """The allowed values of a property."""
    return element.each("enum", _enum_value)


def relationships(element: Element) -> tuple[Relationship, ...]:
    """The references of a property or an object."""
    return element.each("relationships", _relationship)


def _custom_property(element: Element) -> CustomProperty:
    return CustomProperty(
        place=element.place,
        property=element.text("property") or "",
        value=element.data.get("value"),
        id=element.text("id"),
        description=element.text("description"),
        vendor=element.text("vendor"),
    )


def _authoritative_definition(element: Element) -> AuthoritativeDefinition:
    return AuthoritativeDefinition(
        place=element.place,
        type=element.text("type") or "",
        url=element.text("url") or "",
        description=element.text("description"),
        id=element.text("id"),
    )


def _enum_value(element: Element) -> EnumValue:
    return EnumValue(
        place=element.place,
        value=element.scalar("value"),
        label=element.text("label"),
        description=element.text("description"),
    )


def _relationship(element: Element) -> Relationship:
    return Relationship(
        place=element.place,
        type=element.text("type") or "foreignKey",
        source=_addresses(element, "from"),
        target=_addresses(element, "to"),
        id=element.text("id"),
        custom_properties=custom_properties(element),
    )


def _addresses(element: Element, key: str) -> tuple[str, ...]:
    value = element.data.get(key)
    if isinstance(value, list):
        return element.texts(key)
    text = element.text(key)
    return () if text is None else (text,)
