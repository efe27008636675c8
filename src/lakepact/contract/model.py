"""The typed model of one ODCS document, the same for every version from v3.0.0 to v3.2.0.

Names are those of the standard in snake case. What the versions spell differently is normalised by the loader (bounds,
`rule` and `metric`, the two forms of `team`); what was written stays in `Contract.document` and `Contract.source`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

__all__ = [
    "NOWHERE",
    "ApiVersion",
    "AuthoritativeDefinition",
    "Bound",
    "Contract",
    "CustomProperty",
    "Description",
    "EnumValue",
    "LogicalType",
    "LogicalTypeOptions",
    "Metric",
    "Operator",
    "Place",
    "QualityRule",
    "QualityType",
    "Relationship",
    "Role",
    "Scalar",
    "SchemaObject",
    "SchemaProperty",
    "SemanticType",
    "Server",
    "SlaProperty",
    "Team",
    "TeamMember",
    "Threshold",
]


Scalar = str | int | float | bool | Decimal | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element stands: JSON path (`schema[0].name`; the root is ``), line and column from 1 (0: unknown)."""

    path: str = ""
    line: int = 0
    column: int = 0


NOWHERE = Place()


class ApiVersion(StrEnum):
    """The versions of the standard that are read."""

    V3_0_0 = "v3.0.0"
    V3_0_1 = "v3.0.1"
    V3_0_2 = "v3.0.2"
    V3_1_0 = "v3.1.0"
    V3_2_0 = "v3.2.0"


class LogicalType(StrEnum):
    """ODCS logical types; `timestamp` and `time` from v3.1, `map` and `vector` from v3.2."""

    STRING = "string"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    NUMBER = "number"
    INTEGER = "integer"
    OBJECT = "object"
    ARRAY = "array"
    BOOLEAN = "boolean"
    MAP = "map"
    VECTOR = "vector"


class SemanticType(StrEnum):
    """What a property is; a measure is a computation, not a stored column (v3.2)."""

    COLUMN = "column"
    MEASURE = "measure"
    DIMENSION = "dimension"


class QualityType(StrEnum):
    """Kinds of quality rules."""

    TEXT = "text"
    LIBRARY = "library"
    SQL = "sql"
    CUSTOM = "custom"


class Metric(StrEnum):
    """Metrics of library rules, under their v3.1 names."""

    NULL_VALUES = "nullValues"
    MISSING_VALUES = "missingValues"
    INVALID_VALUES = "invalidValues"
    DUPLICATE_VALUES = "duplicateValues"
    ROW_COUNT = "rowCount"


class Operator(StrEnum):
    """Comparison of a measured value with what the contract demands."""

    MUST_BE = "mustBe"
    MUST_NOT_BE = "mustNotBe"
    MUST_BE_GREATER_THAN = "mustBeGreaterThan"
    MUST_BE_GREATER_OR_EQUAL_TO = "mustBeGreaterOrEqualTo"
    MUST_BE_LESS_THAN = "mustBeLessThan"
    MUST_BE_LESS_OR_EQUAL_TO = "mustBeLessOrEqualTo"
    MUST_BE_BETWEEN = "mustBeBetween"
    MUST_NOT_BE_BETWEEN = "mustNotBeBetween"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomProperty:
    """A key and value outside of the standard."""

    place: Place
    property: str
    value: object = None
    id: str | None = None
    description: str | None = None
    vendor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoritativeDefinition:
    """A link to where something is defined; never fetched."""

    place: Place
    type: str
    url: str
    description: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the data is for."""

    place: Place
    purpose: str | None = None
    limitations: str | None = None
    usage: str | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A lower or upper bound, already normalised from both grammars of `exclusiveMinimum` and `exclusiveMaximum`.

    `value` is a number, or for dates, times and timestamps the text of the document. `place` is that of the value.
    """

    value: int | float | Decimal | str
    inclusive: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalTypeOptions:
    """Constraints of `logicalTypeOptions`. Several lower bounds (`minimum` and `exclusiveMinimum`) all hold."""

    place: Place
    places: Mapping[str, Place] = field(default_factory=dict)  # option as written -> its place
    lower: tuple[Bound, ...] = ()
    upper: tuple[Bound, ...] = ()
    multiple_of: int | float | Decimal | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    timezone: bool | None = None
    default_timezone: str | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool | None = None
    min_properties: int | None = None
    max_properties: int | None = None
    required: tuple[str, ...] = ()
    dimensions: int | None = None
    element_type: str | None = None
    normalized: bool | None = None
    other: Mapping[str, object] = field(default_factory=dict)  # known to no version, or without a rule


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumValue:
    """An allowed value (v3.2)."""

    place: Place
    value: Scalar
    label: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """A reference. On a property `source` is empty: the property itself.

    `source` and `target` hold the addresses as written, one an element of a composite key.
    """

    place: Place
    type: str = "foreignKey"
    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    id: str | None = None
    custom_properties: tuple[CustomProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """An operator with its value: a scalar, or two bounds for the `between` operators."""

    operator: Operator
    value: Scalar | tuple[Scalar, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRule:
    """One entry of `quality`.

    `metric` is the v3.1 metric, also where v3.0 spelled it as `rule` (`metric_text` is what was written); None for an
    unknown name. `arguments` holds `validValues`, `missingValues`, `pattern`, `properties`, wherever they were written.
    `unit` is `rows` or `percent`.
    """

    place: Place
    type: QualityType
    id: str | None = None
    name: str | None = None
    description: str | None = None
    metric: Metric | None = None
    metric_text: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    query: str | None = None
    engine: str | None = None
    implementation: object = None
    thresholds: tuple[Threshold, ...] = ()
    unit: str = "rows"
    dimension: str | None = None
    severity: str | None = None
    business_impact: str | None = None
    method: str | None = None
    schedule: str | None = None
    scheduler: str | None = None
    tags: tuple[str, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()
    authoritative_definitions: tuple[AuthoritativeDefinition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaProperty:
    """A property: a column or a nested field. The `items`, `key` and `value` of arrays and maps have the name ''."""

    place: Place
    name: str = ""
    id: str | None = None
    physical_name: str | None = None
    physical_type: str | None = None
    business_name: str | None = None
    description: str | None = None
    logical_type: LogicalType | None = None
    options: LogicalTypeOptions | None = None
    required: bool = False
    unique: bool = False
    primary_key: bool = False
    primary_key_position: int | None = None
    partitioned: bool = False
    partition_key_position: int | None = None
    classification: str | None = None
    critical_data_element: bool = False
    encrypted_name: str | None = None
    transform_source_objects: tuple[str, ...] = ()
    transform_logic: str | None = None
    transform_description: str | None = None
    examples: tuple[object, ...] = ()
    semantic_type: SemanticType = SemanticType.COLUMN
    deprecated: bool = False
    synonyms: tuple[str, ...] = ()
    enum: tuple[EnumValue, ...] = ()
    properties: tuple[SchemaProperty, ...] = ()
    items: SchemaProperty | None = None
    map_key: SchemaProperty | None = None
    map_value: SchemaProperty | None = None
    relationships: tuple[Relationship, ...] = ()
    quality: tuple[QualityRule, ...] = ()
    tags: tuple[str, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()
    authoritative_definitions: tuple[AuthoritativeDefinition, ...] = ()

    @property
    def column(self) -> str:
        """The name in the data: `physicalName`, else `name`."""
        return self.physical_name or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaObject:
    """A table, view, topic or file."""

    place: Place
    name: str
    id: str | None = None
    physical_name: str | None = None
    physical_type: str | None = None
    business_name: str | None = None
    description: str | None = None
    data_granularity_description: str | None = None
    deprecated: bool = False
    synonyms: tuple[str, ...] = ()
    properties: tuple[SchemaProperty, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    quality: tuple[QualityRule, ...] = ()
    tags: tuple[str, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()
    authoritative_definitions: tuple[AuthoritativeDefinition, ...] = ()

    @property
    def table(self) -> str:
        """The name in the data: `physicalName`, else `name`."""
        return self.physical_name or self.name

    @property
    def columns(self) -> tuple[SchemaProperty, ...]:
        """The stored properties: all but measures."""
        return tuple(p for p in self.properties if p.semantic_type is not SemanticType.MEASURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaProperty:
    """A service level. `property` as written; `element` split at commas."""

    place: Place
    property: str
    value: Scalar = None
    value_ext: Scalar = None
    unit: str | None = None
    elements: tuple[str, ...] = ()
    driver: str | None = None
    description: str | None = None
    scheduler: str | None = None
    schedule: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the data lives. `settings` holds every key that is not common to all types."""

    place: Place
    server: str
    type: str
    description: str | None = None
    environment: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    custom_properties: tuple[CustomProperty, ...] = ()
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMember:
    """A person of the team."""

    place: Place
    username: str = ""
    name: str | None = None
    role: str | None = None
    date_in: str | None = None
    date_out: str | None = None
    replaced_by_username: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The team, from both forms (a list of members until v3.0.2, an object from v3.1)."""

    place: Place
    name: str | None = None
    description: str | None = None
    members: tuple[TeamMember, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An access role."""

    place: Place
    role: str
    access: str | None = None
    description: str | None = None
    first_level_approvers: str | None = None
    second_level_approvers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One version of one contract.

    `document` is the parsed YAML as plain data; `source` the bytes that were read, unchanged; `places` maps each JSON
    path of the document to where it stands.
    """

    id: str
    version: str
    api_version: ApiVersion
    status: str | None = None
    name: str | None = None
    tenant: str | None = None
    domain: str | None = None
    data_product: str | None = None
    description: Description | None = None
    tags: tuple[str, ...] = ()
    schema: tuple[SchemaObject, ...] = ()
    servers: tuple[Server, ...] = ()
    sla_default_element: str | None = None
    sla_properties: tuple[SlaProperty, ...] = ()
    team: Team | None = None
    roles: tuple[Role, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()
    authoritative_definitions: tuple[AuthoritativeDefinition, ...] = ()
    document: Mapping[str, object] = field(default_factory=dict, repr=False)
    source: bytes = field(default=b"", repr=False)
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    file: str = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes that were read, in hex."""
        return hashlib.sha256(self.source).hexdigest()

    def object(self, name: str) -> SchemaObject | None:
        """The schema object of that `name`, else of that `physicalName`; None where there is none."""
        for candidate in self.schema:
            if candidate.name == name:
                return candidate
        return next((candidate for candidate in self.schema if candidate.physical_name == name), None)

    def walk_properties(self) -> Iterator[tuple[SchemaObject, SchemaProperty]]:
        """Every property at any depth, `items`, `key` and `value` included, with its object, in document order."""
        for schema_object in self.schema:
            for schema_property in schema_object.properties:
                for nested in _walk(schema_property):
                    yield schema_object, nested


def _walk(schema_property: SchemaProperty) -> Iterator[SchemaProperty]:
    yield schema_property
    for child in schema_property.properties:
        yield from _walk(child)
    for part in (schema_property.items, schema_property.map_key, schema_property.map_value):
        if part is not None:
            yield from _walk(part)
