"""Addresses of properties in relationships, service levels and rules, made comparable across both contracts.

`orders.id`, `schema/orders/properties/id` and the same by ids are one property; so are the old and the new name of one
that was renamed. Addresses of other documents stay as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lakepact.contract.model import Contract, SchemaObject, SchemaProperty
from lakepact.diff.tree import ObjectPair

__all__ = ["Addresses"]

_FULL = re.compile(r"(?:#?/)?schema/(.+)")


class Addresses:
    """Resolves addresses of the old and the new contract to dotted names of the new one, where there are such."""

    def __init__(self, old: Contract, new: Contract, schema: Sequence[ObjectPair]) -> None:
        self._old = old
        self._new = new
        self._renamed: dict[str, str] = {}
        for pair in schema:
            if pair.old is not None and pair.new is not None:
                self._renamed[pair.old.name] = pair.new.name
            for field in (inner for outer in pair.fields for inner in outer.walk()):
                if field.old is not None and field.new is not None:
                    self._renamed[_plain(field.labels[0])] = _plain(field.labels[1])

    def of_old(self, address: str, scope: SchemaObject | None = None) -> str:
        """What an address of the old contract is called in the new one."""
        return self.renamed(_resolved(address, self._old, scope))

    def renamed(self, name: str) -> str:
        """What the property of that dotted name in the old contract is called in the new one."""
        return self._renamed.get(_plain(name), _plain(name))

    def of_new(self, address: str, scope: SchemaObject | None = None) -> str:
        """The dotted name that an address of the new contract stands for."""
        return _resolved(address, self._new, scope)


def _plain(label: str) -> str:
    return label.replace("[]", "")


def _resolved(address: str, contract: Contract, scope: SchemaObject | None) -> str:
    if full := _FULL.fullmatch(address):
        return _by_path(full[1].split("/"), contract) or address
    for one in contract.schema:
        for name in filter(None, (one.name, one.physical_name)):
            if address == name:
                return one.name
            if address.startswith(f"{name}.") and _has(one.properties, address[len(name) + 1 :]):
                return f"{one.name}.{_plain(address[len(name) + 1 :])}"
    if scope is not None and _has(scope.properties, address):
        return f"{scope.name}.{_plain(address)}"
    return address


def _has(properties: Iterable[SchemaProperty], label: str) -> bool:
    """Whether the dotted label begins with one of the properties; names may hold dots themselves."""
    return any(label == prop.name or label.startswith((f"{prop.name}.", f"{prop.name}[")) for prop in properties)


def _by_path(parts: list[str], contract: Contract) -> str | None:
    owner = next((one for one in contract.schema if parts[0] in (one.id, one.name)), None)
    if owner is None:
        return None
    names = [owner.name]
    level: tuple[SchemaProperty, ...] = owner.properties
    for word, part in zip(parts[1::2], parts[2::2], strict=False):
        found = next((p for p in level if p.id == part), None) or next((p for p in level if p.name == part), None)
        if found is None or word not in ("properties", "items"):
            return None
        names.append(found.name)
        level = found.properties
    return ".".join(names)
