"""What Collibra reads from a manifest, and the manifests it writes itself.

Only documents of the Open Data Contract Standard are understood; those of the Data Contract Specification and any
other text are stored as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from lakepact.testing.collibra_seed import SLA_ATTRIBUTES

__all__ = ["Manifest", "document_of", "read_manifest", "sla_values", "write_manifest"]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Manifest:
    """The `format` of a document (`ODCS`, `DCS` or `CUSTOM`), and what an ODCS document says of itself."""

    format: str
    id: str | None = None
    version: str | None = None


def read_manifest(content: bytes) -> Manifest:
    """What the top level of the document says.

    Only scalars of the top level are looked at, so neither size nor aliases cost more than reading the text once.

    >>> read_manifest(b"apiVersion: v3.1.0\\nkind: DataContract\\nid: sales.orders\\nversion: 1.0.0\\n")
    Manifest(format='ODCS', id='sales.orders', version='1.0.0')
    >>> read_manifest(b"kind: DatasetContract\\nid: sales.orders\\n").format
    'CUSTOM'
    """
    found: dict[str, str] = {}
    try:
        for key, value in _top_level(content):
            found.setdefault(key, value)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return Manifest("CUSTOM")
    if "dataContractSpecification" in found:
        return Manifest("DCS")
    if found.get("kind") != "DataContract" or "apiVersion" not in found:
        return Manifest("CUSTOM")
    return Manifest("ODCS", found.get("id") or None, found.get("version") or None)


def document_of(content: bytes) -> dict[str, Any]:
    """The document as values, empty where it is no mapping."""
    try:
        document = yaml.load(content, Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def sla_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the attributes that the `slaProperties` stand for: value and unit joined, by attribute name."""
    found: dict[str, Any] = {}
    listed = document.get("slaProperties")
    for entry in listed if isinstance(listed, list) else []:
        name = SLA_ATTRIBUTES.get(str(entry.get("property"))) if isinstance(entry, dict) else None
        if name is None:
            continue
        joined = " ".join(str(entry[key]) for key in ("value", "unit") if entry.get(key) is not None)
        found[name] = joined.lower() == "true" if name == "Unlimited Retention" else joined
    return found


def write_manifest(
    base: Mapping[str, Any], *, tables: Mapping[str, Sequence[str]], sla: Mapping[str, Any] | None = None
) -> bytes:
    """The document `base` as YAML, with the tables that it lacks, and with the values of SLA attributes."""
    document = dict(base)
    schema = [entry for entry in document.get("schema") or [] if isinstance(entry, dict)]
    present = {str(entry.get("physicalName") or entry.get("name")) for entry in schema}
    schema += [
        {
            "name": table.rsplit(">", 1)[-1],
            "physicalName": table,
            "properties": [{"name": column} for column in columns],
        }
        for table, columns in tables.items()
        if not {table, table.rsplit(">", 1)[-1]} & present
    ]
    if schema:
        document["schema"] = schema
    properties = {attribute: name for name, attribute in SLA_ATTRIBUTES.items()}
    terms = [{"property": properties[name], "value": value} for name, value in (sla or {}).items()]
    if terms:
        mapped = {term["property"] for term in terms}
        kept = [each for each in document.get("slaProperties") or [] if each.get("property") not in mapped]
        document["slaProperties"] = kept + terms
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


def _top_level(content: bytes) -> Iterator[tuple[str, str]]:
    depth, key = 0, None
    for event in yaml.parse(content, Loader=_Loader):
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if depth == 0 and isinstance(event, yaml.SequenceStartEvent):
                return
            depth, key = depth + 1, None
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent) and depth == 1:
            if key is None:
                key = str(event.value)
            else:
                yield key, str(event.value)
                key = None
        elif isinstance(event, yaml.AliasEvent) and depth == 1:
            key = None
