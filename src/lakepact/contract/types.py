"""Spark and Delta types of contract properties: one resolver for DDL, casts, checks and comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakepact.contract.model import LogicalType, LogicalTypeOptions, SchemaProperty, SemanticType
from lakepact.contract.physical_types import PhysicalType, parse_physical_type
from lakepact.contract.spark_types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.errors import Problem, Severity

__all__ = [
    "ArrayType",
    "AtomicType",
    "MapType",
    "ResolvedType",
    "SparkType",
    "StructField",
    "StructType",
    "resolve",
    "resolve_type",
    "temporal_kind",
]

_STRING = AtomicType("STRING")

_INTEGER_FORMATS = {
    "i8": "TINYINT",
    "i16": "SMALLINT",
    "i32": "INT",
    "i64": "BIGINT",
    "i128": "DECIMAL(38,0)",
    "u8": "SMALLINT",
    "u16": "INT",
    "u32": "BIGINT",
    "u64": "DECIMAL(20,0)",
    "u128": "DECIMAL(38,0)",
}
_NUMBER_FORMATS = {"f32": "FLOAT", "f64": "DOUBLE"}
_VECTOR_ELEMENTS = {
    "float32": "FLOAT",
    "float16": "FLOAT",
    "bfloat16": "FLOAT",
    "float64": "DOUBLE",
    "int8": "TINYINT",
    "uint8": "SMALLINT",
    "binary": "TINYINT",
}

_DATE_LETTERS = frozenset("GuyDMLdQqYwWEecF")
_TIME_LETTERS = frozenset("ahKkHmsSAnN")


@dataclass(frozen=True, slots=True)
class ResolvedType:
    """A type, and what had to be said on the way to it."""

    type: SparkType
    problems: tuple[Problem, ...] = ()


def resolve_type(schema_property: SchemaProperty, *, variant: bool = False) -> SparkType:
    """The Spark type of a property; `resolve` also gives the problems met on the way.

    With `variant`, an object without properties is VARIANT, otherwise STRING. Rules: a `physicalType` that is Spark's,
    or that another database's name translates to, decides; else the logical type with its options does.

    >>> from lakepact.contract.model import Place
    >>> resolve_type(SchemaProperty(place=Place(), name="n", logical_type=LogicalType.INTEGER)).ddl
    'BIGINT'
    >>> resolve_type(SchemaProperty(place=Place(), name="n", physical_type="int4")).ddl
    'INT'
    """
    return resolve(schema_property, variant=variant).type


def resolve(schema_property: SchemaProperty, *, variant: bool = False) -> ResolvedType:
    """The Spark type of a property and the problems met on the way to it.

    LP201: a physical type of no known dialect. LP202: no type at all. LP203: physical and logical type describe
    different shapes. LP204: elements without a type.
    """
    problems: list[Problem] = []
    found = _Resolver(problems, variant=variant).resolve(schema_property)
    return ResolvedType(found, tuple(problems))


def temporal_kind(pattern: str) -> LogicalType:
    """What a Java date pattern describes: `date`, `time` or `timestamp` (both kinds of letters).

    >>> temporal_kind("yyyy-MM-dd'T'HH:mm").value, temporal_kind("HH:mm").value
    ('timestamp', 'time')
    """
    letters = set("".join(pattern.split("'")[::2]))
    if not letters & _TIME_LETTERS:
        return LogicalType.DATE
    return LogicalType.TIMESTAMP if letters & _DATE_LETTERS else LogicalType.TIME


class _Resolver:
    def __init__(self, problems: list[Problem], *, variant: bool) -> None:
        self._problems = problems
        self._variant = variant

    def resolve(self, prop: SchemaProperty) -> SparkType:
        logical = self._logical(prop)
        if prop.physical_type is None:
            return self._settled(prop, logical)
        is_array = prop.logical_type is LogicalType.ARRAY or prop.items is not None
        physical = parse_physical_type(prop.physical_type, array=is_array)
        if physical.type is None:
            if not physical.generic:
                self._refused(prop, logical)
            return self._generic(prop, logical)
        if not physical.exact and logical is not None:
            return self._open_width(physical, logical)
        return self._agreed(prop, physical.type, logical)

    def _agreed(self, prop: SchemaProperty, physical: SparkType, logical: SparkType | None) -> SparkType:
        if isinstance(physical, AtomicType):
            return _STRING if physical.ddl == "VARIANT" and not self._variant else physical
        if logical is None or not _declares_parts(prop) or _same_shape(physical, logical):
            return physical
        self._report(
            "LP203",
            f"physicalType {prop.physical_type!r} and the declared parts of {_label(prop)} have different shapes; "
            f"the declared parts are used: {logical.ddl}",
            prop,
            "physicalType",
            "make both say the same, or leave physicalType out",
        )
        return logical

    def _open_width(self, physical: PhysicalType, logical: SparkType) -> SparkType:
        assert isinstance(physical.type, AtomicType)
        if physical.type.ddl == "TIMESTAMP_NTZ":
            return logical if logical.ddl in ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ") else physical.type
        return logical if logical.ddl not in ("STRING", "BOOLEAN") else physical.type

    def _generic(self, prop: SchemaProperty, logical: SparkType | None) -> SparkType:
        if logical is not None:
            return logical
        name = (prop.physical_type or "").strip().casefold()
        if name in ("array", "list", "repeated", "vector"):
            return self._untyped_elements(prop, ArrayType(_STRING))
        if name in ("map", "dict"):
            return self._untyped_elements(prop, MapType(_STRING, _STRING))
        if name in ("json", "jsonb", "variant", "super", "object", "document"):
            return self._free_object()
        return self._settled(prop, None)

    def _settled(self, prop: SchemaProperty, logical: SparkType | None) -> SparkType:
        if logical is not None:
            return logical
        if prop.physical_type is None:
            self._report(
                "LP202",
                f"{_label(prop)} has neither logicalType nor physicalType; it is read as STRING",
                prop,
                "",
                "add a logicalType",
            )
        return _STRING

    def _refused(self, prop: SchemaProperty, logical: SparkType | None) -> None:
        instead = logical.ddl if logical is not None else "STRING"
        why = f"logicalType {prop.logical_type.value}" if prop.logical_type else "there is no logicalType either"
        self._report(
            "LP201",
            f"physicalType {prop.physical_type!r} of {_label(prop)} is a type of no known dialect; "
            f"{instead} is used ({why})",
            prop,
            "physicalType",
            "use a Spark type such as STRING, BIGINT or DECIMAL(18,2)",
        )

    def _logical(self, prop: SchemaProperty) -> SparkType | None:
        options = prop.options or LogicalTypeOptions(place=prop.place)
        match prop.logical_type:
            case LogicalType.STRING | LogicalType.TIME:
                return _STRING
            case LogicalType.BOOLEAN:
                return AtomicType("BOOLEAN")
            case LogicalType.INTEGER:
                return AtomicType(_INTEGER_FORMATS.get(options.format or "", "BIGINT"))
            case LogicalType.NUMBER:
                return AtomicType(_NUMBER_FORMATS.get(options.format or "", "DOUBLE"))
            case LogicalType.DATE:
                return _date_type(options)
            case LogicalType.TIMESTAMP:
                return AtomicType("TIMESTAMP_NTZ" if options.timezone is False else "TIMESTAMP")
            case LogicalType.VECTOR:
                return ArrayType(AtomicType(_VECTOR_ELEMENTS.get(options.element_type or "", "FLOAT")))
            case LogicalType.OBJECT:
                return self._struct(prop.properties) if prop.properties else self._free_object()
            case LogicalType.ARRAY:
                return self._array(prop)
            case LogicalType.MAP:
                return self._map(prop)
            case None:
                return self._by_parts(prop)

    def _by_parts(self, prop: SchemaProperty) -> SparkType | None:
        if prop.items is not None:
            return self._array(prop)
        if prop.map_key is not None or prop.map_value is not None:
            return self._map(prop)
        return self._struct(prop.properties) if prop.properties else None

    def _free_object(self) -> SparkType:
        return AtomicType("VARIANT") if self._variant else _STRING

    def _struct(self, properties: Sequence[SchemaProperty]) -> StructType:
        stored = (p for p in properties if p.semantic_type is not SemanticType.MEASURE)
        return StructType(tuple(StructField(p.column, self.resolve(p), p.required, p.description) for p in stored))

    def _array(self, prop: SchemaProperty) -> SparkType:
        if prop.items is None:
            known = parse_physical_type(prop.physical_type or "", array=True).type
            if isinstance(known, ArrayType):
                return known
            return self._untyped_elements(prop, ArrayType(_STRING))
        return ArrayType(self.resolve(prop.items))

    def _map(self, prop: SchemaProperty) -> SparkType:
        if prop.map_key is None and prop.map_value is None:
            known = parse_physical_type(prop.physical_type or "").type
            return known if isinstance(known, MapType) else self._untyped_elements(prop, MapType(_STRING, _STRING))
        key = self.resolve(prop.map_key) if prop.map_key else _STRING
        value = self.resolve(prop.map_value) if prop.map_value else _STRING
        return MapType(key, value)

    def _untyped_elements(self, prop: SchemaProperty, instead: SparkType) -> SparkType:
        part = "items" if isinstance(instead, ArrayType) else "map"
        self._report(
            "LP204",
            f"{_label(prop)} says nothing of its elements; it is read as {instead.ddl}",
            prop,
            "",
            f"add `{part}`",
            Severity.INFO,
        )
        return instead

    def _report(
        self, code: str, message: str, prop: SchemaProperty, key: str, hint: str, severity: Severity = Severity.WARNING
    ) -> None:
        place = prop.place
        path = f"{place.path}.{key}" if key else place.path
        self._problems.append(
            Problem(
                code=code,
                severity=severity,
                message=message,
                line=place.line,
                column=place.column,
                path=path,
                hint=hint,
            )
        )


def _date_type(options: LogicalTypeOptions) -> AtomicType:
    # v3.0 has no timestamp and no time: the letters of the format tell them apart.
    kind = temporal_kind(options.format) if options.format else LogicalType.DATE
    if kind is LogicalType.TIME:
        return _STRING
    if kind is LogicalType.TIMESTAMP:
        return AtomicType("TIMESTAMP_NTZ" if options.timezone is False else "TIMESTAMP")
    return AtomicType("DATE")


def _declares_parts(prop: SchemaProperty) -> bool:
    return bool(prop.properties) or prop.items is not None or prop.map_key is not None or prop.map_value is not None


def _same_shape(physical: SparkType, logical: SparkType) -> bool:
    if isinstance(physical, StructType) and isinstance(logical, StructType):
        known = {field.name.casefold(): field.type for field in physical.fields}
        return all(
            (found := known.get(field.name.casefold())) is not None and _same_shape(found, field.type)
            for field in logical.fields
        )
    if isinstance(physical, ArrayType) and isinstance(logical, ArrayType):
        return _same_shape(physical.element, logical.element)
    if isinstance(physical, MapType) and isinstance(logical, MapType):
        return _same_shape(physical.key, logical.key) and _same_shape(physical.value, logical.value)
    return isinstance(physical, AtomicType) and (isinstance(logical, AtomicType))


def _label(prop: SchemaProperty) -> str:
    return f"property {prop.name!r}" if prop.name else f"the element {prop.place.path}"
