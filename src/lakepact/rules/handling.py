"""What a contract says is done about violations of its rules: the enforcement mode, and what each kind leads to.

customProperties:
  - {property: lakepact.enforcement, value: strict}               # strict | warn | disabled
  - {property: lakepact.onSchemaViolation, value: block}          # block | warn | quarantine
  - {property: lakepact.onQualityViolation, value: quarantine}
  - {property: lakepact.onSlaViolation, value: warn}
  - {property: lakepact.schemaContract, value: {strict_mode: true, allow_type_changes: false}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from lakepact.contract.model import Contract, CustomProperty, Place
from lakepact.errors import Problem, Severity
from lakepact.rules.model import Action

__all__ = [
    "Concern",
    "EnforcementMode",
    "Handling",
    "Response",
    "SchemaContract",
    "handling_of",
    "quarantine_turned_off",
]


class EnforcementMode(StrEnum):
    """How far rules act.

    STRICT: as the contract says, and where it says nothing a violation stops data. WARN: violations are recorded and
    stop nothing. DISABLED: nothing is evaluated; a pipeline, which cannot leave its rules out, takes it as WARN.
    """

    STRICT = "strict"
    WARN = "warn"
    DISABLED = "disabled"


class Response(StrEnum):
    """What is done about a violation: the data is not let through, it is recorded only, or data is set aside."""

    BLOCK = "block"
    WARN = "warn"
    QUARANTINE = "quarantine"

    @property
    def action(self) -> Action:
        """The action of rules that this is."""
        return _ACTIONS[self]


_ACTIONS = {Response.BLOCK: Action.FAIL, Response.WARN: Action.WARN, Response.QUARANTINE: Action.QUARANTINE}


class Concern(StrEnum):
    """What a rule is about.

    SCHEMA: columns, types, required values and keys. SLA: a service level. QUALITY: everything else.
    """

    SCHEMA = "schema"
    QUALITY = "quality"
    SLA = "sla"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaContract:
    """How data may differ from the schema; None where the contract does not say.

    `strict_mode`: whether a column that the contract does not have, or that the data does not have, is a violation.
    `allow_type_changes`: whether values of another type are converted, each one checked, instead of being a violation.
    `allow_nullable_expansion`: whether a missing value of a required column only warns.
    """

    strict_mode: bool | None = None
    allow_nullable_expansion: bool | None = None
    allow_type_changes: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What is done about violations; None where the contract does not say, and the default of each rule holds."""

    mode: EnforcementMode | None = None
    on_schema: Response | None = None
    on_quality: Response | None = None
    on_sla: Response | None = None
    schema: SchemaContract = SchemaContract()
    problems: tuple[Problem, ...] = ()

    @property
    def enabled(self) -> bool:
        """Whether rules are evaluated at all."""
        return self.mode is not EnforcementMode.DISABLED

    def response(self, concern: Concern) -> Response | None:
        """What a violation of that kind leads to; None where the default of its rule holds.

        >>> Handling(mode=EnforcementMode.STRICT, on_sla=Response.WARN).response(Concern.QUALITY).value
        'block'
        """
        if self.mode in (EnforcementMode.WARN, EnforcementMode.DISABLED):
            return Response.WARN
        said = {Concern.SCHEMA: self.on_schema, Concern.QUALITY: self.on_quality, Concern.SLA: self.on_sla}[concern]
        return said or (Response.BLOCK if self.mode is EnforcementMode.STRICT else None)

    @property
    def lowers(self) -> bool:
        """Whether every rule only warns, whatever it asks for itself."""
        return self.mode in (EnforcementMode.WARN, EnforcementMode.DISABLED)

    def with_mode(self, mode: EnforcementMode | None) -> Handling:
        """The same with another mode; unchanged where `mode` is None."""
        return self if mode is None else replace(self, mode=mode)


def handling_of(contract: Contract) -> Handling:
    """What the customProperties of the contract say; words that are none of theirs are in `problems` (LP211)."""
    reader = _Reader(contract.file, {entry.property: entry for entry in contract.custom_properties})
    mode = reader.one_of(EnforcementMode, "lakepact.enforcement", "lakepact.enforcementMode")
    return Handling(
        mode=mode,
        on_schema=reader.one_of(Response, "lakepact.onSchemaViolation"),
        on_quality=reader.one_of(Response, "lakepact.onQualityViolation"),
        on_sla=reader.one_of(Response, "lakepact.onSlaViolation"),
        schema=reader.schema("lakepact.schemaContract"),
        problems=tuple(reader.problems),
    )


def quarantine_turned_off(contract: Contract) -> CustomProperty | None:
    """The entry by which the contract turns its quarantine off: `lakepact.quarantine` with `enabled: false`."""
    said = next((entry for entry in contract.custom_properties if entry.property == "lakepact.quarantine"), None)
    off = said is not None and isinstance(said.value, Mapping) and said.value.get("enabled") is False
    return said if off else None


_Word = TypeVar("_Word", bound=StrEnum)
_FLAGS = ("strict_mode", "allow_nullable_expansion", "allow_type_changes")


class _Reader:
    def __init__(self, file: str, entries: Mapping[str, CustomProperty]) -> None:
        self._file = file
        self._entries = entries
        self.problems: list[Problem] = []

    def one_of(self, words: type[_Word], *names: str) -> _Word | None:
        entry = next((self._entries[name] for name in names if name in self._entries), None)
        if entry is None or entry.value is None:
            return None
        text = str(entry.value).casefold()
        found = next((word for word in words if word.value == text), None)
        if found is None:
            self._report(entry.place, f"`{entry.property}` is {entry.value!r}, not one of {', '.join(words)}")
        return found

    def schema(self, name: str) -> SchemaContract:
        entry = self._entries.get(name)
        if entry is None or entry.value is None:
            return SchemaContract()
        if not isinstance(entry.value, Mapping):
            self._report(entry.place, f"`{name}` is no mapping of {', '.join(_FLAGS)}")
            return SchemaContract()
        return SchemaContract(**dict(self._flags(entry, entry.value)))

    def _flags(self, entry: CustomProperty, said: Mapping[str, object]) -> Iterator[tuple[str, bool]]:
        for key, value in said.items():
            if key not in _FLAGS:
                self._report(entry.place, f"`{entry.property}` has {key!r}; known are {', '.join(_FLAGS)}")
            elif isinstance(value, bool):
                yield key, value
            elif value is not None:
                self._report(entry.place, f"`{entry.property}`: {key!r} is {value!r}, not true or false")

    def _report(self, place: Place, message: str) -> None:
        self.problems.append(
            Problem(
                code="LP211",
                severity=Severity.WARNING,
                message=f"{message}; it is not heeded",
                file=self._file,
                line=place.line,
                column=place.column,
                path=place.path,
            )
        )
