"""Compares what documents hold beside the typed model (support, price, context, unknown keys) as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lakepact.contract.yaml_nodes import child_path
from lakepact.diff.effects import PATCH, Effect
from lakepact.diff.facts import difference, said
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.values import same

__all__ = ["compare_plain", "compare_rest"]

# What entries of lists are known by, in this order; a list whose entries lack all of them is one value.
_NAMING_KEYS = ("id", "name", "property", "channel", "username", "role", "synonym", "question", "constraint")


def compare_rest(
    findings: Findings, spot: Spot, known: frozenset[str], effects: Mapping[str, Effect] | None = None
) -> None:
    """Compare the keys that both documents have at `spot` beside the `known` ones; each is a patch unless `effects`."""
    old, new = findings.old.data(spot.old), findings.new.data(spot.new)
    for key in {**old, **new}:
        if key not in known:
            effect = (effects or {}).get(key, PATCH)
            compare_plain(findings, spot.inside(key), key, old.get(key), new.get(key), effect)


def compare_plain(findings: Findings, spot: Spot, words: str, old: object, new: object, effect: Effect = PATCH) -> None:
    """Note where two values differ, as deep as both are mappings or lists of named entries; `words` is their name."""
    before, after = said(old), said(new)
    if same(before, after):
        return
    inner = _entries(before, after)
    if inner is None:
        findings.changed(spot, "", effect, difference(spot, words, before, after), old=before, new=after)
        return
    for name, old_key, new_key in inner:
        child = Spot(child_path(spot.path, name), spot.label, _joined(spot.old, old_key), _joined(spot.new, new_key))
        entry_words = child_path(words, name)
        compare_plain(findings, child, entry_words, _entry(before, old_key), _entry(after, new_key), effect)


_Key = str | int | None


def _joined(path: str | None, key: _Key) -> str | None:
    """The path of an entry; that of its owner where it is not there."""
    return path if path is None or key is None else child_path(path, key)


def _entry(container: Any, key: _Key) -> object:
    if key is None:
        return None
    return container.get(key) if isinstance(container, Mapping) else container[key]


def _entries(old: object, new: object) -> list[tuple[str, _Key, _Key]] | None:
    """Name and keys on both sides of each entry; None where the values are to be compared as a whole."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return [(key, key, key) for key in {**old, **new}]
    if not isinstance(old, list) or not isinstance(new, list):
        return None
    naming = next((key for key in _NAMING_KEYS if _names(old, key) and _names(new, key)), None)
    if naming is None:
        return None
    before = {entry[naming]: index for index, entry in enumerate(old)}
    after = {entry[naming]: index for index, entry in enumerate(new)}
    return [(name, before.get(name), after.get(name)) for name in {**before, **after}]


def _names(entries: Sequence[Any], key: str) -> bool:
    names = [entry.get(key) if isinstance(entry, Mapping) else None for entry in entries]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
