"""Drafts from a schema that was seen: new columns, other types, and columns that are gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakepact.contract import ApiVersion, Contract
from lakepact.contract.edits import TextOf
from lakepact.contract.model import SchemaProperty, SemanticType
from lakepact.contract.physical_types import parse_physical_type
from lakepact.contract.types import (
    ArrayType,
    AtomicType,
    MapType,
    SparkType,
    StructField,
    StructType,
    resolve_type,
)
from lakepact.contract.yaml_nodes import child_path
from lakepact.diff.widening import Step, type_step
from lakepact.drafts.assembly import blank_contract, changed_draft, first_draft
from lakepact.drafts.document import DocumentEdits
from lakepact.drafts.model import Draft, Proposal, ProposalKind, Provenance
from lakepact.drafts.observed import HasSchema, schema_of
from lakepact.drafts.type_keys import OPTIONS_OF, VOID, field_entry, type_keys
from lakepact.errors import UsageError

__all__ = [
    "Adoption",
    "agree",
    "check_identity",
    "check_names",
    "draft_from_dataframe",
    "draft_from_schema",
    "new_object",
    "new_object_proposal",
]

_PARTS = ("properties", "items", "map")
_WIDTHS = ("integer", "number")


def draft_from_schema(
    base: Contract | None,
    object_name: str,
    observed: StructType,
    *,
    provenance: Provenance,
    contract_id: str | None = None,
) -> Draft | None:
    """The contract with the schema that was observed for one of its objects; None where nothing is to be proposed.

    New columns are added and other types adopted, at any depth. What the data does not have stays, with a proposal to
    remove it. Everything else, comments and layout included, stays as it is; that a value is never NULL, or may be, is
    no reason to change `required`. Without a base the draft is a new contract with the id `contract_id`. Raises
    UsageError LP881 where that is missing or is not the base's, LP882 where the data has two columns of one name.

    >>> observed = StructType((StructField("id", AtomicType("BIGINT")),))
    >>> draft = draft_from_schema(None, "orders", observed, provenance=Provenance(cause="new"), contract_id="orders")
    >>> [change.text for change in draft.changes], draft.contract.version.partition("-")[0]
    (['`orders` is new, with the column `id`'], '0.1.0')
    """
    check_identity(base, contract_id)
    check_names(observed, object_name)
    if base is None:
        assert contract_id is not None
        proposal = new_object_proposal(object_name, observed, provenance)
        blank = blank_contract(contract_id, [new_object(object_name, observed)])
        return first_draft(DocumentEdits(blank), (proposal,), provenance)
    adoption = Adoption(base, provenance)
    adoption.object(object_name, observed)
    return changed_draft(base, adoption.edits, adoption.changes, provenance)


def draft_from_dataframe(
    df: HasSchema,
    base: Contract | None,
    *,
    object_name: str,
    provenance: Provenance,
    contract_id: str | None = None,
) -> Draft | None:
    """As `draft_from_schema`, with the schema of a data frame of classic Spark or of Connect; no data is read."""
    return draft_from_schema(base, object_name, schema_of(df), provenance=provenance, contract_id=contract_id)


def new_object(name: str, observed: StructType, version: ApiVersion = ApiVersion.V3_1_0) -> dict[str, Any]:
    """A schema object for data that no contract describes yet; what is never NULL is required."""
    entries = [field_entry(each, version, required=True) for each in observed.fields]
    return {"name": name, "physicalType": "table", "properties": entries}


def new_object_proposal(name: str, observed: StructType, provenance: Provenance) -> Proposal:
    """The proposal of an object that no contract describes yet."""
    columns = [f"`{each.name}`" for each in observed.fields]
    listed = f"the column {columns[0]}" if len(columns) == 1 else f"{len(columns)} columns"
    return Proposal(
        kind=ProposalKind.ADDED,
        path=child_path("schema", name),
        text=f"`{name}` is new, with {listed}",
        evidence=_seen_in(provenance),
        target=observed.ddl,
    )


def _seen_in(provenance: Provenance) -> str:
    where = provenance.dataset or "the data"
    return f"seen in {where}" + (f", version {provenance.dataset_version}" if provenance.dataset_version else "")


def check_identity(base: Contract | None, contract_id: str | None) -> None:
    """Raise UsageError LP881 where it is not clear which contract the draft is of."""
    if base is None and not contract_id:
        hint = "name the new contract with contract_id, or give the contract that changes"
        raise UsageError("a draft without a base needs the id of its contract", "LP881", hint)
    if base is not None and contract_id not in (None, base.id):
        raise UsageError(f"the base is '{base.id}', not '{contract_id}'", "LP881", "leave contract_id out")


def check_names(observed: StructType, at: str) -> None:
    """Raise UsageError LP882 where two columns, or fields of one struct, have one name."""
    names = [each.name.casefold() for each in observed.fields]
    twice = next((each.name for each in observed.fields if names.count(each.name.casefold()) > 1), None)
    if twice is not None:
        hint = "a contract names each column once; capitals make no difference"
        raise UsageError(f"`{at}` has two columns named `{twice}`", "LP882", hint, {"column": twice})
    for each in observed.fields:
        for struct in _structs(each.type):
            check_names(struct, f"{at}.{each.name}")


def _structs(found: SparkType) -> Sequence[StructType]:
    match found:
        case StructType():
            return (found,)
        case ArrayType():
            return _structs(found.element)
        case MapType():
            return (*_structs(found.key), *_structs(found.value))
    return ()


@dataclass(slots=True)
class Adoption:
    """Takes over what was observed into one contract: collects the edits, and a proposal for each."""

    base: Contract
    provenance: Provenance
    edits: DocumentEdits = field(init=False)
    changes: list[Proposal] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Nothing is proposed yet."""
        self.edits = DocumentEdits(self.base)

    def object(self, name: str, observed: StructType) -> None:
        """Everything that differs between a schema object, or one that is new, and what was observed."""
        found = self.base.object(name)
        if found is None:
            entry = new_object(name, observed, self.base.api_version)
            self.edits.append("", "schema", [entry])
            self.changes.append(new_object_proposal(name, observed, self.provenance))
            return
        at = child_path("schema", found.name)
        self._fields(found.place.path, found.columns, observed, at)

    def _fields(self, path: str, declared: Sequence[SchemaProperty], observed: StructType, at: str) -> None:
        seen = {each.name: each for each in observed.fields}
        folded = {each.name.casefold(): each for each in observed.fields}
        matched: set[str] = set()
        for prop in declared:
            if prop.semantic_type is SemanticType.MEASURE:
                continue
            here = _below(at, prop.name)
            found = seen.get(prop.column) or folded.get(prop.column.casefold())
            if found is None:
                self._missing(prop, here)
            else:
                matched.add(found.name)
                self._property(prop, found.type, here)
        added = [each for each in observed.fields if each.name not in matched]
        for each in added:
            self._add(each, _below(at, each.name))
        if added:
            entries = [field_entry(each, self.base.api_version, required=False) for each in added]
            self.edits.append(path, "properties", entries)

    def _add(self, found: StructField, at: str) -> None:
        kind = "nothing but NULL" if found.type == VOID else found.type.ddl
        text = f"the column `{found.name}` is new: {kind}"
        self._changed(ProposalKind.ADDED, at, text, target=found.type.ddl)

    def _missing(self, prop: SchemaProperty, at: str) -> None:
        text = f"the data has no column `{prop.column}`; remove it?"
        if self.edits.propose(prop.place.path, ProposalKind.REMOVAL.value, "", text):
            self._changed(ProposalKind.REMOVAL, at, text, adopted=False)

    def _property(self, prop: SchemaProperty, observed: SparkType, at: str) -> None:
        known = resolve_type(prop, variant=True)
        if agree(known, observed) or _says(prop, observed):
            return
        before = len(self.changes)
        if not self._parts(prop, known, observed, at):
            self._replace_type(prop, observed, at, known)
            return
        physical = parse_physical_type(prop.physical_type or "", array=prop.items is not None).type
        if physical is None or isinstance(physical, AtomicType):
            return
        target = _adopted(physical, observed).ddl
        if target == physical.ddl:
            return
        self.edits.set(prop.place.path, "physicalType", target)
        if len(self.changes) == before:
            self._retyped(prop, at, known, observed)

    def _parts(self, prop: SchemaProperty, known: SparkType, observed: SparkType, at: str) -> bool:
        """Go through the declared parts of a type that is still of the same shape; False where it is not."""
        match known, observed:
            case StructType(), StructType() if prop.properties:
                self._fields(prop.place.path, prop.properties, observed, at)
            case ArrayType(), ArrayType() if prop.items is not None:
                self._property(prop.items, observed.element, child_path(at, "items"))
            case MapType(), MapType() if prop.map_key is not None and prop.map_value is not None:
                self._property(prop.map_key, observed.key, child_path(at, "key"))
                self._property(prop.map_value, observed.value, child_path(at, "value"))
            case _:
                return False
        return True

    def _replace_type(self, prop: SchemaProperty, observed: SparkType, at: str, known: SparkType) -> None:
        path = prop.place.path
        entry = self.edits.data(path)
        keys = type_keys(observed, self.base.api_version)
        only_physical = not any(entry.get(part) for part in _PARTS) and _describes(prop.physical_type)
        if only_physical and not isinstance(observed, AtomicType) and "map" not in keys:
            # A type that only the physical type describes stays described by it alone.
            keys = {key: value for key, value in keys.items() if key not in _PARTS} | {"physicalType": observed.ddl}
        aside = self._misfits(entry, keys, path)
        self._put_aside(path, aside, keep=keys.keys())
        if "logicalTypeOptions" not in aside:
            for key, value in keys.pop("logicalTypeOptions", {}).items():
                self.edits.put(path, "logicalTypeOptions", key, value)
        beside = "logicalType" if "logicalType" in entry else "name"
        for key, value in keys.items():
            if entry.get(key) != value:
                self.edits.set(path, key, value, after=beside)
        self._retyped(prop, at, known, observed)

    def _misfits(self, entry: Mapping[str, Any], keys: Mapping[str, Any], path: str) -> dict[str, str]:
        """The keys of a property that do not fit its new type, each with where it stands."""
        wrong = {key: child_path(path, key) for key in _PARTS if key in entry}
        for key in ("logicalType", "physicalType"):
            if key in entry and key not in keys:
                wrong[key] = child_path(path, key)
        options = entry.get("logicalTypeOptions")
        if not isinstance(options, Mapping) or not options:
            return wrong
        holder = child_path(path, "logicalTypeOptions")
        logical = str(keys.get("logicalType", ""))
        allowed = OPTIONS_OF.get(logical, frozenset())
        moved = {key for key in options if key not in allowed}
        moved |= {"format"} & set(options) if logical in _WIDTHS or logical != entry.get("logicalType") else set()
        if not _bounds_stay(entry.get("logicalType"), logical):
            moved |= {key for key in options if key.casefold().endswith("imum")}
        if moved >= set(options):
            wrong["logicalTypeOptions"] = holder
        else:
            wrong |= {f"logicalTypeOptions.{key}": child_path(holder, key) for key in options if key in moved}
        return wrong

    def _put_aside(self, path: str, aside: Mapping[str, str], *, keep: Collection[str]) -> None:
        if not aside:
            return
        former = {key: TextOf(where) for key, where in aside.items()}
        self.edits.append(path, "customProperties", [{"property": "lakepact.former", "value": former}])
        for key, where in aside.items():
            if key not in keep:
                self.edits.remove(where)

    def _retyped(self, prop: SchemaProperty, at: str, known: SparkType, observed: SparkType) -> None:
        name = f"`{prop.name}`" if prop.name else "the element"
        text = f"the type of {name} is {observed.ddl}, not {known.ddl}"
        self._changed(ProposalKind.RETYPED, at, text, target=observed.ddl)

    def _changed(self, kind: ProposalKind, path: str, text: str, *, target: str = "", adopted: bool = True) -> None:
        evidence = _seen_in(self.provenance)
        self.changes.append(
            Proposal(kind=kind, path=path, text=text, evidence=evidence, target=target, adopted=adopted)
        )


def _below(at: str, name: str) -> str:
    return child_path(child_path(at, "properties"), name)


def _says(prop: SchemaProperty, observed: SparkType) -> bool:
    """Whether the property names the observed type in a word that no known dialect has."""
    return prop.physical_type is not None and prop.physical_type.strip().upper() == observed.ddl.upper()


def agree(known: SparkType, observed: SparkType) -> bool:
    """Whether data of the observed type is what the contract describes."""
    if observed == VOID or known == observed:
        return True
    match known, observed:
        case StructType(), StructType():
            mine = {each.name.casefold(): each.type for each in known.fields}
            seen = {each.name.casefold(): each.type for each in observed.fields}
            return mine.keys() == seen.keys() and all(agree(mine[name], seen[name]) for name in mine)
        case ArrayType(), ArrayType():
            return agree(known.element, observed.element)
        case MapType(), MapType():
            return agree(known.key, observed.key) and agree(known.value, observed.value)
        case AtomicType(), AtomicType():
            return _atoms_agree(known.ddl, observed.ddl)
    return False


def _atoms_agree(known: str, observed: str) -> bool:
    # Spark hands VARCHAR(n) on as a string, and VARIANT stands for any object that says nothing of its parts.
    if observed == "STRING":
        return known.startswith(("VARCHAR", "CHAR")) or known == "VARIANT"
    if known == "STRING" and observed.startswith(("VARCHAR", "CHAR")):
        return True
    # Every value of a narrower type fits: that the data has less to say changes nothing in the contract.
    return type_step(AtomicType(observed), AtomicType(known)) is Step.WIDER


def _adopted(known: SparkType, observed: SparkType) -> SparkType:
    """The observed type, with the fields that only the known one has."""
    match known, observed:
        case StructType(), StructType():
            seen = {each.name.casefold(): each for each in observed.fields}
            kept = tuple(
                StructField(each.name, _adopted(each.type, seen[each.name.casefold()].type), each.required)
                if each.name.casefold() in seen
                else each
                for each in known.fields
            )
            names = {each.name.casefold() for each in known.fields}
            return StructType(kept + tuple(each for each in observed.fields if each.name.casefold() not in names))
        case ArrayType(), ArrayType():
            return ArrayType(_adopted(known.element, observed.element))
        case MapType(), MapType():
            return MapType(_adopted(known.key, observed.key), _adopted(known.value, observed.value))
    return known if agree(known, observed) else observed


def _describes(physical: str | None) -> bool:
    """Whether a physical type says of its parts what they are."""
    found = parse_physical_type(physical or "").type
    return found is not None and not isinstance(found, AtomicType)


def _bounds_stay(before: object, after: str) -> bool:
    return before == after or {str(before), after} <= {"integer", "number"}
