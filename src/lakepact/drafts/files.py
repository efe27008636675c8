"""Drafts from files: their schema, and clauses that their statistics suggest, as far as they are sure enough."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final

from lakepact.contract import ApiVersion, Contract, load_contract
from lakepact.contract.model import Metric, SchemaObject, SchemaProperty
from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructType, resolve_type
from lakepact.drafts.assembly import blank_contract, changed_draft, first_draft
from lakepact.drafts.document import DocumentEdits, plain
from lakepact.drafts.elements import Elements
from lakepact.drafts.model import Draft, Proposal, ProposalKind, Provenance
from lakepact.drafts.parquet_footers import parquet_facts
from lakepact.drafts.places import found_files, head_of
from lakepact.drafts.samples import csv_facts, json_facts
from lakepact.drafts.schema import Adoption, check_identity, check_names, new_object, new_object_proposal
from lakepact.drafts.statistics import Candidate, FileFacts, candidates
from lakepact.drafts.type_keys import OPTIONS_OF, VOID
from lakepact.errors import UsageError

__all__ = ["SAMPLE_BYTES", "THRESHOLD", "draft_from_files", "file_facts"]

SAMPLE_BYTES: Final = 1 << 20
"""How much of a CSV or JSON file is read."""

THRESHOLD: Final = 0.95
"""How sure a clause must be to get into a draft."""

_KINDS: Final = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
_SIDES: Final = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
_INTEGERS: Final = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def file_facts(names: Sequence[str], *, form: str | None = None, sample_bytes: int = SAMPLE_BYTES) -> FileFacts:
    """What the files (or all files of folders) hold: Parquet by its footers, CSV and JSON by their first bytes.

    `form` is `parquet`, `csv` or `json`; without it the names tell. Raises UsageError (LP885) for nothing, or for files
    of several forms, ConfigurationError (LP883) for a file that cannot be read, ExtraMissing (LP884) where a library is
    missing.
    """
    places = found_files(names)
    forms = {form} if form else {_KINDS.get(PurePath(place.name).suffix.casefold(), "") for place in places}
    if len(forms) != 1 or not forms <= set(_KINDS.values()):
        hint = "say which form they have: parquet, csv or json"
        raise UsageError("the names do not say that all files have one form that is known", "LP885", hint)
    if forms == {"parquet"}:
        return parquet_facts(places)
    samples = {place.name: head_of(place, sample_bytes) for place in places}
    return csv_facts(samples) if forms == {"csv"} else json_facts(samples)


def draft_from_files(
    base: Contract | None,
    object_name: str,
    facts: FileFacts,
    *,
    provenance: Provenance,
    contract_id: str | None = None,
    threshold: float = THRESHOLD,
) -> Draft | None:
    """The contract with the schema of files, and with the clauses that their statistics suggest.

    A clause is written where the contract has none of its kind and its confidence is at least `threshold`; the others
    are listed among the proposals. A type that was inferred from text replaces none that can hold the same values.
    A column that is new in a contract with a base is not required, since the data that is there does not have it.
    Raises as `draft_from_schema`.
    """
    check_identity(base, contract_id)
    known = base.object(object_name) if base is not None else None
    observed = facts.schema if facts.exact or known is None else _settled(known.columns, facts.schema)
    check_names(observed, object_name)
    changes: list[Proposal]
    if base is None:
        assert contract_id is not None
        optional = replace(observed, fields=tuple(replace(each, required=False) for each in observed.fields))
        middle = blank_contract(contract_id, [new_object(object_name, optional)])
        changes = [new_object_proposal(object_name, observed, provenance)]
    else:
        adoption = Adoption(base, provenance)
        adoption.object(object_name, observed)
        middle = load_contract(adoption.edits.source(), file=base.file) if adoption.changes else base
        changes = adoption.changes
    clauses = _Clauses(middle, object_name, known if base is not None else None, base is None, threshold)
    for candidate in candidates(facts):
        clauses.suggest(candidate)
    said = {"files": facts.files, "rows": facts.rows, "sample": not facts.whole} | dict(provenance.statistics)
    named = replace(provenance, statistics=said)
    if base is None:
        return first_draft(clauses.edits, [*changes, *clauses.changes], named)
    return changed_draft(base, clauses.edits, [*changes, *clauses.changes], named)


@dataclass(slots=True)
class _Clauses:
    """Writes the clauses of one object that are sure enough, and lists the others."""

    contract: Contract
    name: str
    known: SchemaObject | None
    is_new: bool
    threshold: float
    edits: DocumentEdits = field(init=False)
    elements: Elements = field(init=False)
    changes: list[Proposal] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.edits = DocumentEdits(self.contract)
        self.elements = Elements(self.contract)

    def suggest(self, candidate: Candidate) -> None:
        """Write or list a clause, where the contract says nothing of its kind."""
        found = self.contract.object(self.name)
        prop = _property_at(found.columns, candidate.path) if found is not None else None
        if prop is None or self._said(prop, candidate):
            return
        adopted = candidate.confidence >= self.threshold
        if adopted:
            self._write(prop, candidate)
        value = plain(candidate.value)
        shown = (
            ", ".join(map(str, value)) if isinstance(value, list) else str(value).lower() if value is True else value
        )
        self.changes.append(
            Proposal(
                kind=ProposalKind.ADDED,
                path=self.elements.around(prop.place.path).name,
                text=f"{candidate.clause.rpartition('.')[2]} of `{prop.name}`: {shown}",
                evidence=candidate.evidence,
                clause=candidate.clause,
                confidence=min(candidate.confidence, 0.9999),
                adopted=adopted,
            )
        )

    def _said(self, prop: SchemaProperty, candidate: Candidate) -> bool:
        """Whether the clause is there, cannot be, or would say what is not so."""
        holder, _, option = candidate.clause.partition(".")
        options = prop.options.places if prop.options is not None else {}
        if holder == "logicalTypeOptions":
            logical = prop.logical_type.value if prop.logical_type is not None else ""
            fits = option in OPTIONS_OF.get(logical, ())
            return not fits or option in options or _SIDES.get(option, "") in options or _lists_values(prop)
        match holder:
            case "required":
                new = not self.is_new and (
                    self.known is None or _property_at(self.known.columns, candidate.path) is None
                )
                return prop.required or prop.primary_key or new
            case "unique":
                return prop.unique or prop.primary_key
        return _lists_values(prop) or "pattern" in options

    def _write(self, prop: SchemaProperty, candidate: Candidate) -> None:
        path = prop.place.path
        holder, _, option = candidate.clause.partition(".")
        value = plain(candidate.value)
        if holder == "logicalTypeOptions":
            self.edits.put(path, holder, option, value)
        elif holder != "enum":
            self.edits.set(path, holder, value)
        elif self.contract.api_version is ApiVersion.V3_2_0:
            self.edits.append(path, "enum", [{"value": each} for each in value])
        else:
            self.edits.append(path, "quality", [_valid_values(value, self.contract.api_version)])


def _valid_values(values: Sequence[Any], version: ApiVersion) -> Mapping[str, Any]:
    if version is ApiVersion.V3_1_0:
        return {"type": "library", "metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0}
    return {"type": "library", "rule": "invalidValues", "validValues": values, "mustBe": 0}


def _lists_values(prop: SchemaProperty) -> bool:
    return bool(prop.enum) or any(rule.metric is Metric.INVALID_VALUES for rule in prop.quality)


def _property_at(properties: Sequence[SchemaProperty], path: Sequence[str]) -> SchemaProperty | None:
    """The property of a column, or of a field of structs."""
    found: SchemaProperty | None = None
    for name in path:
        exact = next((prop for prop in properties if prop.column == name), None)
        found = exact or next((prop for prop in properties if prop.column.casefold() == name.casefold()), None)
        if found is None:
            return None
        properties = found.properties
    return found


def _settled(properties: Sequence[SchemaProperty], inferred: StructType) -> StructType:
    """The inferred types, with those of the contract in their place where they hold the same values."""
    fields = []
    for each in inferred.fields:
        prop = _property_at(properties, (each.name,))
        known = resolve_type(prop, variant=True) if prop is not None else None
        fields.append(each if known is None else replace(each, type=_held(known, each.type)))
    return StructType(tuple(fields))


def _held(known: SparkType, inferred: SparkType) -> SparkType:
    match known, inferred:
        case StructType(), StructType():
            types = {each.name.casefold(): each.type for each in known.fields}
            return StructType(
                tuple(
                    replace(each, type=_held(types[each.name.casefold()], each.type))
                    if each.name.casefold() in types
                    else each
                    for each in inferred.fields
                )
            )
        case ArrayType(), ArrayType():
            return ArrayType(_held(known.element, inferred.element))
        case MapType(), StructType() if all(_holds(known.value, each.type) for each in inferred.fields):
            return known
    return known if _holds(known, inferred) else inferred


def _holds(known: SparkType, inferred: SparkType) -> bool:
    """Whether values that look like `inferred` can be of the known type."""
    if inferred == VOID or known == inferred or known == AtomicType("VARIANT"):
        return True
    if not isinstance(known, AtomicType) or not isinstance(inferred, AtomicType):
        return isinstance(known, MapType) and isinstance(inferred, StructType)
    if known.ddl.startswith(("STRING", "VARCHAR", "CHAR")):
        return True
    into, out = _DECIMAL.fullmatch(known.ddl), _DECIMAL.fullmatch(inferred.ddl)
    if inferred.ddl == "BIGINT":
        return known.ddl in (*_INTEGERS, "FLOAT", "DOUBLE") or into is not None
    if out is not None:
        if into is None:
            return known.ddl in ("FLOAT", "DOUBLE")
        return int(out[2]) <= int(into[2]) and int(out[1]) - int(out[2]) <= int(into[1]) - int(into[2])
    if inferred.ddl == "DOUBLE":
        return known.ddl == "FLOAT" or into is not None
    return inferred.ddl in ("DATE", "TIMESTAMP_NTZ") and known.ddl in ("TIMESTAMP", "TIMESTAMP_NTZ")
