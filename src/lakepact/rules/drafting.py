"""Rules before their ids and actions are known, and the ledger of what became of each clause."""

from __future__ import annotations

from dataclasses import dataclass, field

from lakepact.contract.model import Place, SchemaObject, Threshold
from lakepact.contract.yaml_nodes import child_path
from lakepact.errors import Problem, Severity
from lakepact.rules.fields import Field
from lakepact.rules.model import Enforcement, Measure, RowRuleKind

__all__ = [
    "Claim",
    "DatasetDraft",
    "Draft",
    "EngineDraft",
    "KeyDraft",
    "Ledger",
    "ObjectScope",
    "Origin",
    "RowDraft",
]

_NOWHERE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the action of a rule is decided by: where it comes from and what the contract says beside it.

    `structural` rules (types, required, keys) quarantine by default. `asked` is the value of `lakepact.action`.
    `level` says that it is a service level, `presence` that it demands a value.
    """

    property: str = ""
    structural: bool = False
    dimension: str | None = None
    severity: str | None = None
    critical: bool = False
    asked: object = None
    place: Place = _NOWHERE
    level: bool = False
    presence: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    label: str
    clauses: tuple[str, ...]
    description: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDraft(_Draft):
    """A demand on each row."""

    predicate: str
    columns: tuple[str, ...]
    kind: RowRuleKind = RowRuleKind.VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft(_Draft):
    """Columns whose values together occur once; a row rule or a dataset rule, as mode and action have it."""

    columns: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDraft(_Draft):
    """A demand on the whole dataset."""

    measure: Measure
    condition: str
    threshold: str
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDraft(_Draft):
    """A demand that a quality engine understands; `columns` is the one that it stands at, if any."""

    engine: str
    implementation: object
    columns: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()


Draft = RowDraft | KeyDraft | DatasetDraft | EngineDraft


@dataclass(slots=True)
class Claim:
    """What became of one clause."""

    enforcement: Enforcement
    rules: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


_STRONGER = (
    Enforcement.ROW,
    Enforcement.DATASET,
    Enforcement.ENGINE,
    Enforcement.TABLE,
    Enforcement.METADATA,
    Enforcement.NOT_ENFORCEABLE,
)


@dataclass(slots=True)
class Ledger:
    """Collects claims on clauses, reasons for whole sections, and problems."""

    file: str = ""
    claims: dict[str, Claim] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def claim(self, path: str, enforcement: Enforcement, rule: str = "", reason: str = "") -> None:
        """Note what became of a clause; a clause may become several rules."""
        known = self.claims.setdefault(path, Claim(enforcement))
        if _STRONGER.index(enforcement) < _STRONGER.index(known.enforcement):
            known.enforcement = enforcement
        if rule and rule not in known.rules:
            known.rules.append(rule)
        if reason and reason not in known.reasons:
            known.reasons.append(reason)

    def note(self, path: str, enforcement: Enforcement, reason: str = "") -> None:
        """Claim for a clause that became no rule."""
        self.claim(path, enforcement, reason=reason)

    def refuse(self, path: str, reason: str, *, code: str = "", place: Place = _NOWHERE) -> None:
        """A clause that nothing checks; with a `code`, because something is wrong with it, which is a problem too."""
        self.claim(path, Enforcement.NOT_ENFORCEABLE, reason=reason)
        if code:
            self.problem(code, f"{path}: {reason}", place=place, path=path)

    def problem(self, code: str, message: str, *, place: Place, path: str = "") -> None:
        """Add a warning at a place of the document."""
        self.problems.append(
            Problem(
                code=code,
                severity=Severity.WARNING,
                message=message,
                file=self.file,
                line=place.line,
                column=place.column,
                path=path or place.path,
            )
        )


@dataclass(frozen=True, slots=True)
class ObjectScope:
    """A schema object with its fields at any depth."""

    object: SchemaObject
    fields: tuple[Field, ...]

    @property
    def columns(self) -> tuple[Field, ...]:
        """The top-level fields."""
        return tuple(f for f in self.fields if not f.nested)

    def field(self, label: str) -> Field | None:
        """The field of that label (`address.city`), else of that physical name."""
        return next((f for f in self.fields if f.label == label), None) or next(
            (f for f in self.columns if f.column == label), None
        )

    def path(self, key: str) -> str:
        """The JSON path of a key of the object."""
        return child_path(self.object.place.path, key)
