"""Schema objects, properties and their options as the model has them; both grammars of exclusive bounds become one."""

from __future__ import annotations

from decimal import Decimal

from lakepact.contract.build_parts import (
    Element,
    authoritative_definitions,
    custom_properties,
    enum_values,
    relationships,
)
from lakepact.contract.build_quality import quality_rules
from lakepact.contract.model import (
    Bound,
    LogicalType,
    LogicalTypeOptions,
    SchemaObject,
    SchemaProperty,
    SemanticType,
)

__all__ = ["schema_object"]

_KNOWN_OPTIONS = {
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern"),
    *("format", "timezone", "defaultTimezone", "minItems", "maxItems", "uniqueItems", "minProperties"),
    *("maxProperties", "required", "dimensions", "elementType", "normalized"),
}


def schema_object(element: Element) -> SchemaObject:
    """A table, view, topic or file."""
    return SchemaObject(
        place=element.place,
        name=element.text("name") or "",
        id=element.text("id"),
        physical_name=element.text("physicalName"),
        physical_type=element.text("physicalType"),
        business_name=element.text("businessName"),
        description=element.text("description"),
        data_granularity_description=element.text("dataGranularityDescription"),
        deprecated=element.flag("deprecated"),
        synonyms=_synonyms(element),
        properties=element.each("properties", _schema_property),
        relationships=relationships(element),
        quality=quality_rules(element),
        tags=element.texts("tags"),
        custom_properties=custom_properties(element),
        authoritative_definitions=authoritative_definitions(element),
    )


def _schema_property(element: Element) -> SchemaProperty:
    logical_type = element.text("logicalType")
    parts = element.element("map")
    return SchemaProperty(
        place=element.place,
        name=element.text("name") or "",
        id=element.text("id"),
        physical_name=element.text("physicalName"),
        physical_type=element.text("physicalType"),
        business_name=element.text("businessName"),
        description=element.text("description"),
        logical_type=LogicalType(logical_type) if logical_type else None,
        options=_options(element.element("logicalTypeOptions")),
        required=element.flag("required"),
        unique=element.flag("unique"),
        primary_key=element.flag("primaryKey"),
        primary_key_position=_position(element, "primaryKeyPosition"),
        partitioned=element.flag("partitioned"),
        partition_key_position=_position(element, "partitionKeyPosition"),
        classification=element.text("classification"),
        critical_data_element=element.flag("criticalDataElement"),
        encrypted_name=element.text("encryptedName"),
        transform_source_objects=element.texts("transformSourceObjects"),
        transform_logic=element.text("transformLogic"),
        transform_description=element.text("transformDescription"),
        examples=tuple(element.data.get("examples") or ()),
        semantic_type=SemanticType(element.text("semanticType") or "column"),
        deprecated=element.flag("deprecated"),
        synonyms=_synonyms(element),
        enum=enum_values(element),
        properties=element.each("properties", _schema_property),
        items=_part(element, "items"),
        map_key=_part(parts, "key"),
        map_value=_part(parts, "value"),
        relationships=relationships(element),
        quality=quality_rules(element),
        tags=element.texts("tags"),
        custom_properties=custom_properties(element),
        authoritative_definitions=authoritative_definitions(element),
    )


def _part(element: Element | None, key: str) -> SchemaProperty | None:
    part = element.element(key) if element else None
    return _schema_property(part) if part else None


def _position(element: Element, key: str) -> int | None:
    """The position in a key; the standard's default -1 means that there is none."""
    position = element.integer(key)
    return None if position == -1 else position


def _synonyms(element: Element) -> tuple[str, ...]:
    return tuple(synonym.text("synonym") or "" for synonym in element.elements("synonyms"))


def _options(element: Element | None) -> LogicalTypeOptions | None:
    if element is None:
        return None
    return LogicalTypeOptions(
        place=element.place,
        places={key: element.place_of(key) for key in element.data},
        lower=_bounds(element, "minimum", "exclusiveMinimum"),
        upper=_bounds(element, "maximum", "exclusiveMaximum"),
        multiple_of=_number(element, "multipleOf"),
        min_length=element.integer("minLength"),
        max_length=element.integer("maxLength"),
        pattern=element.text("pattern"),
        format=element.text("format"),
        timezone=element.maybe_flag("timezone"),
        default_timezone=element.text("defaultTimezone"),
        min_items=element.integer("minItems"),
        max_items=element.integer("maxItems"),
        unique_items=element.maybe_flag("uniqueItems"),
        min_properties=element.integer("minProperties"),
        max_properties=element.integer("maxProperties"),
        required=element.texts("required"),
        dimensions=element.integer("dimensions"),
        element_type=element.text("elementType"),
        normalized=element.maybe_flag("normalized"),
        other={key: value for key, value in element.data.items() if key not in _KNOWN_OPTIONS},
    )


def _number(element: Element, key: str) -> int | float | Decimal | None:
    value: int | float | Decimal | None = element.exact(key)
    return value


def _bounds(element: Element, inclusive: str, exclusive: str) -> tuple[Bound, ...]:
    """The bounds of one side: until v3.0.2 `exclusive` is a switch of `inclusive`, from v3.1 on a bound of its own."""
    switch = element.data.get(exclusive)
    bounds = []
    if element.has(inclusive):
        bounds.append(Bound(element.exact(inclusive), switch is not True, element.place_of(inclusive)))
    if switch is not None and not isinstance(switch, bool):
        bounds.append(Bound(element.exact(exclusive), False, element.place_of(exclusive)))
    return tuple(bounds)
