"""JSON Schema, draft 4 to 2020-12, as schema objects; nothing is fetched, references stay inside of the document."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from lakepact.convert.building import Losses, add_custom, new_document, slug
from lakepact.convert.json_schema_merge import Part, Schema, Schemas, UnresolvedReference
from lakepact.convert.json_schema_types import TypeWriter
from lakepact.convert.model import Converted
from lakepact.convert.reading import not_readable, read_node

__all__ = ["convert_json_schema"]

_WHAT = "JSON Schema"


def convert_json_schema(source: bytes, *, file: str = "") -> Converted:
    """One schema object for a schema that describes an object, or a list of objects.

    `required` becomes `required` where the value cannot be null. Raises ConfigurationError (LP820) for a source that is
    no JSON Schema of an object, or that refers to itself, to another document, or to nothing.

    >>> schema = b'{"title": "orders", "properties": {"id": {"type": "integer"}}, "required": ["id"]}'
    >>> convert_json_schema(schema).document["schema"][0]["properties"]
    [{'name': 'id', 'logicalType': 'integer', 'required': True}]
    """
    root = read_node(source, file=file, what=_WHAT)
    losses = Losses(file)
    schemas = Schemas(root, losses)
    try:
        schema = schemas.resolved(Part(root))
        if "array" in schema.types and not schema.properties and schema.items is not None:
            losses.kept("the schema is of a list; each entry of it is a row", root.place)
            schema = schemas.resolved(schema.items)
        if not schema.properties:
            reason = "it describes no object with properties"
            raise not_readable(reason, file=file, what=_WHAT, place=root.place)
        name = root.text("title") or PurePath(file).stem.removesuffix(".schema") or "schema"
        element = _object(name, schema, TypeWriter(schemas, losses), losses)
    except UnresolvedReference as error:
        raise not_readable(str(error), file=file, what=_WHAT, place=error.place) from error
    except RecursionError:
        raise not_readable("it is nested too deep", file=file, what=_WHAT) from None
    document = new_document(name.lower(), name=name)
    if address := root.text("$id") or root.text("id"):
        document["authoritativeDefinitions"] = [{"type": "jsonSchema", "url": address}]
    document["schema"] = [element]
    return Converted(document=document, problems=losses.problems)


def _object(name: str, schema: Schema, writer: TypeWriter, losses: Losses) -> dict[str, Any]:
    element: dict[str, Any] = {"name": slug(name, fallback="schema").replace("-", "_")}
    if element["name"] != name:
        element["businessName"] = name
    if schema.description:
        element["description"] = schema.description
    element["properties"] = writer.properties(schema)
    add_custom(element, schema.custom)
    if schema.closed:
        losses.kept("additionalProperties: false: lakepact publishes the declared properties only", schema.place)
    return element
