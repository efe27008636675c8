"""Two documents about the same data as one: the first says who the contract is, the second what its data looks like."""

from __future__ import annotations

from typing import Any

__all__ = ["joined"]

# Parts that have custom properties of their own, in which the other's word can stand.
_PARTS = ("team", "description")


def joined(contract: dict[str, Any], asset: dict[str, Any] | None = None) -> dict[str, Any]:
    """One document that holds all of both. Where they say different things, the contract's holds and the asset's stays
    beside it as a custom property `asset.KEY`.

    >>> joined({"id": "a", "tags": ["x"]}, {"id": "b", "tags": ["y"]})
    {'id': 'a', 'tags': ['x', 'y'], 'customProperties': [{'property': 'asset.id', 'value': 'b'}]}
    """
    return contract if asset is None else _merged(contract, asset)


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    found = dict(first)
    others: dict[str, Any] = {}
    for key, value in second.items():
        there = first.get(key)
        if key == "customProperties":
            continue
        if there is None:
            found[key] = value
        elif key == "schema":
            found[key] = [_merged(there[0], value[0])]
        elif key == "properties":
            found[key] = _by_name(there, value)
        elif key in _PARTS:
            found[key] = _merged(there, value)
        elif isinstance(there, list):
            found[key] = _united(there, value)
        else:
            if isinstance(there, dict):
                found[key] = {**value, **there}
            if found[key] != value:
                others[key] = value
    custom = _custom(first.get("customProperties", []), second.get("customProperties", []))
    custom += [{"property": f"asset.{key}", "value": value} for key, value in others.items()]
    return found | ({"customProperties": custom} if custom else {})


def _by_name(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Columns in the order of the second, then those that only the first has."""
    given = {entry["name"]: entry for entry in first}
    known = [_merged(given.pop(entry["name"], {}), entry) for entry in second]
    return [*({"name": entry["name"], **entry} for entry in known), *given.values()]


def _united(first: list[Any], second: list[Any]) -> list[Any]:
    return [*first, *(entry for entry in second if entry not in first)]


def _custom(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All entries; what the second says otherwise under a name of the first is kept as the asset's."""
    known = {entry["property"]: entry["value"] for entry in first}
    found = list(first)
    for entry in second:
        name = entry["property"]
        if name not in known:
            found.append(entry)
        elif known[name] != entry["value"]:
            found.append({**entry, "property": f"asset.{name}"})
    return found
