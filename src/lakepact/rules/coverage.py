"""Lists every clause of a document exactly once, with what became of it.

The clauses come from the document itself and not from the rules, so a clause that nobody thought of is reported as not
enforceable instead of being skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lakepact.contract.model import Contract, Place
from lakepact.contract.yaml_nodes import child_path
from lakepact.rules.drafting import Ledger
from lakepact.rules.model import Clause, Coverage, Enforcement

__all__ = ["MEASURE", "cover", "enumerate_clauses"]

_UNKNOWN = "lakepact does not know this clause"

_TABLE, _METADATA = Enforcement.TABLE, Enforcement.METADATA

# What keys become that make no rule. A key that is neither here nor claimed by a rule is not enforceable.
_ROOT = {
    **dict.fromkeys(("apiVersion", "kind"), (_METADATA, "how the document is read")),
    **dict.fromkeys(("id", "name", "version", "status"), (_METADATA, "identifies the contract")),
    **dict.fromkeys(("tenant", "domain", "dataProduct"), (_METADATA, "belongs to the contract")),
    "contractCreatedTs": (_METADATA, "belongs to the contract"),
    "tags": (_METADATA, "tags of the contract"),
    "slaDefaultElement": (_METADATA, "the element of service levels that name none"),
    "context": (_METADATA, "for people and agents"),
    "price": (_METADATA, "a price"),
}
_DESCRIPTION = dict.fromkeys(("purpose", "limitations", "usage"), (_METADATA, "description of the contract"))
_LISTS = {
    "servers": "where the data lives",
    "roles": "an access role",
    "support": "a support channel",
    "authoritativeDefinitions": "a link",
    "customProperties": "outside of the standard",
}
_ELEMENT = {
    "id": (_METADATA, "identifies the element"),
    "name": (_METADATA, "the name in rules"),
    "physicalName": (_TABLE, "the name in the data"),
    "description": (_TABLE, "comment"),
    "businessName": (_METADATA, "for people"),
    "dataGranularityDescription": (_METADATA, "for people"),
    "deprecated": (_METADATA, "for people"),
    "synonyms": (_METADATA, "for people"),
    "context": (_METADATA, "for people and agents"),
    "tags": (_METADATA, "catalog tags"),
}
_OBJECT = {
    **_ELEMENT,
    "logicalType": (_METADATA, "an object of the schema"),
    "physicalType": (_METADATA, "the pipeline decides how it is stored"),
}
_PROPERTY = {
    **_ELEMENT,
    "logicalType": (_TABLE, "decides the type"),
    "physicalType": (_TABLE, "decides the type"),
    "classification": (_METADATA, "catalog tag, and column mask where one is configured"),
    "criticalDataElement": (_METADATA, "raises warnings of its row rules to quarantine"),
    "encryptedName": (_METADATA, "names the column with the encrypted value"),
    "transformSourceObjects": (_METADATA, "lineage"),
    "transformLogic": (_METADATA, "lineage"),
    "transformDescription": (_METADATA, "lineage"),
    "examples": (_METADATA, "for people"),
    "semanticType": (_METADATA, "tells measures from columns"),
    "partitioned": (_TABLE, "partitioning or clustering"),
    "partitionKeyPosition": (_TABLE, "partitioning or clustering"),
    "primaryKeyPosition": (_METADATA, "a position in no key"),
}
_FLAGS = ("required", "unique", "primaryKey", "partitioned", "criticalDataElement", "deprecated")
MEASURE: Final = "a measure is computed by its reader, not stored"
"""Why nothing checks a property of that semantic type, which is no fault."""

_Known = Mapping[str, tuple[Enforcement, str]]


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    key: str
    value: object
    known: tuple[Enforcement, str] | None


def enumerate_clauses(contract: Contract) -> Iterator[str]:
    """The JSON path of every clause, in the order of the document."""
    return (found.path for found in _root(contract.document))


def cover(contract: Contract, ledger: Ledger) -> Coverage:
    """The coverage of the document; a claim in the ledger goes before what a key usually becomes."""
    clauses: list[Clause] = []
    for found in _root(contract.document):
        claim = ledger.claims.get(found.path)
        if claim is not None:
            enforcement, rules, reason = claim.enforcement, tuple(claim.rules), "; ".join(claim.reasons)
        else:
            enforcement, reason = _unclaimed(found, ledger)
            rules = ()
        clauses.append(
            Clause(
                path=found.path,
                place=contract.places.get(found.path, Place(found.path)),
                text=_text(found),
                enforcement=enforcement,
                rules=rules,
                reason=reason,
            )
        )
    return Coverage(tuple(clauses))


def _unclaimed(found: _Found, ledger: Ledger) -> tuple[Enforcement, str]:
    if found.value is None or (found.key in _FLAGS and found.value is False):
        return _METADATA, "demands nothing"
    if found.known is not None:
        return found.known
    for path, reason in ledger.sections.items():
        if found.path.startswith((f"{path}.", f"{path}[")):
            return (_METADATA if reason == MEASURE else Enforcement.NOT_ENFORCEABLE), reason
    return Enforcement.NOT_ENFORCEABLE, _UNKNOWN


def _text(found: _Found) -> str:
    value = found.value
    if isinstance(value, Mapping):
        shown = value.get("name") or value.get("property") or value.get("server") or value.get("description")
        value = shown if isinstance(shown, str) else value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return f"{found.key}: {text if len(text) <= 80 else text[:77] + '...'}"


def _root(document: Mapping[str, object]) -> Iterator[_Found]:
    for key, value in document.items():
        path = child_path("", key)
        if key == "schema" and isinstance(value, list):
            for index, entry in enumerate(value):
                yield from _object(f"{path}[{index}]", entry)
        elif key == "description" and isinstance(value, Mapping):
            yield from _keys(path, value, _DESCRIPTION)
        elif key == "slaProperties" and isinstance(value, list):
            yield from _entries(path, "slaProperties", value, None)
        elif key == "team":
            yield from _team(path, value)
        else:
            yield from _plain(path, key, value, _ROOT)


def _plain(path: str, key: str, value: object, known: _Known) -> Iterator[_Found]:
    if key in _LISTS and isinstance(value, list):
        yield from _entries(path, key, value, (_METADATA, _LISTS[key]))
    else:
        yield _Found(path, key, value, known.get(key))


def _keys(path: str, value: Mapping[str, object], known: _Known) -> Iterator[_Found]:
    for key, inner in value.items():
        yield from _plain(child_path(path, key), key, inner, known)


def _entries(path: str, key: str, value: list[object], known: tuple[Enforcement, str] | None) -> Iterator[_Found]:
    if not value:
        yield _Found(path, key, value, (_METADATA, "demands nothing"))
    for index, entry in enumerate(value):
        yield _Found(f"{path}[{index}]", key, entry, known)


def _team(path: str, value: object) -> Iterator[_Found]:
    known = (_METADATA, "who is responsible")
    if isinstance(value, list):
        yield from _entries(path, "team", value, known)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "members" and isinstance(inner, list):
                yield from _entries(child_path(path, key), "members", inner, known)
            else:
                names = ("id", "name", "description", "tags")
                yield from _plain(child_path(path, key), key, inner, dict.fromkeys(names, known))
    else:
        yield _Found(path, "team", value, None if value is not None else known)


def _object(path: str, value: object) -> Iterator[_Found]:
    if not isinstance(value, Mapping):
        yield _Found(path, "schema", value, None)
        return
    yield from _element(path, value, _OBJECT)


def _element(path: str, value: Mapping[str, object], known: _Known) -> Iterator[_Found]:
    for key, inner in value.items():
        inner_path = child_path(path, key)
        if key == "properties" and isinstance(inner, list):
            for index, entry in enumerate(inner):
                yield from _property(f"{inner_path}[{index}]", entry)
        elif key == "items":
            yield from _property(inner_path, inner)
        elif key == "map" and isinstance(inner, Mapping):
            for part, described in inner.items():
                yield from _property(child_path(inner_path, part), described)
        elif key == "logicalTypeOptions" and isinstance(inner, Mapping):
            for option, setting in inner.items():
                yield _Found(child_path(inner_path, option), option, setting, None)
        elif key in ("quality", "relationships") and isinstance(inner, list):
            yield from _entries(inner_path, key, inner, None)
        else:
            yield from _plain(inner_path, key, inner, known)


def _property(path: str, value: object) -> Iterator[_Found]:
    if isinstance(value, Mapping):
        yield from _element(path, value, _PROPERTY)
    else:
        yield _Found(path, path.rpartition(".")[2], value, None)
