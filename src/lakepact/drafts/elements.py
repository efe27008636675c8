"""The elements of a contract by where they stand: their names as `lakepact diff` writes them, and their rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lakepact.contract import Contract
from lakepact.contract.model import QualityRule, SchemaObject, SchemaProperty
from lakepact.contract.yaml_nodes import child_path

__all__ = ["Element", "Elements"]


@dataclass(frozen=True, slots=True)
class Element:
    """An element that can hold custom properties: where it stands, its name, and which one of the model it is."""

    path: str
    name: str
    prop: SchemaProperty | None = None
    quality: QualityRule | None = None


@dataclass(slots=True)
class Elements:
    """All elements of one contract."""

    contract: Contract
    _known: dict[str, Element] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Look at every object, property and rule once."""
        self._known[""] = Element("", "")
        for schema_object in self.contract.schema:
            for found in _object(schema_object):
                self._known[found.path] = found

    def around(self, path: str) -> Element:
        """The innermost element that `path` is, or lies in; the root where it is no other."""
        inside = (each for each in self._known if each and path.startswith(each) and _ends(path, len(each)))
        return self._known[max(inside, key=len, default="")]


def _ends(path: str, at: int) -> bool:
    return len(path) == at or path[at] in ".["


def _object(found: SchemaObject) -> Iterator[Element]:
    name = child_path("schema", found.name)
    yield Element(found.place.path, name)
    yield from (_quality(rule, name) for rule in found.quality)
    for prop in found.properties:
        yield from _property(prop, child_path(child_path(name, "properties"), prop.name))


def _property(found: SchemaProperty, name: str) -> Iterator[Element]:
    yield Element(found.place.path, name, prop=found)
    yield from (_quality(rule, name, found) for rule in found.quality)
    for prop in found.properties:
        yield from _property(prop, child_path(child_path(name, "properties"), prop.name))
    for part, key in ((found.items, "items"), (found.map_key, "key"), (found.map_value, "value")):
        if part is not None:
            yield from _property(part, child_path(name, key))


def _quality(rule: QualityRule, at: str, prop: SchemaProperty | None = None) -> Element:
    said = rule.id or rule.name or rule.metric_text or rule.type.value
    return Element(rule.place.path, child_path(child_path(at, "quality"), said), prop=prop, quality=rule)
