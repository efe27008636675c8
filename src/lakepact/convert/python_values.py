"""Values that stand in Python source: literals, and what names, sums and merged dictionaries make of them.

Nothing is executed. A name counts when the module assigns it exactly once.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

__all__ = ["StaticValues", "Unreadable", "call_name"]

_TYPES = {
    "StringType": "string",
    "LongType": "long",
    "IntegerType": "integer",
    "ShortType": "short",
    "ByteType": "byte",
    "BooleanType": "boolean",
    "DoubleType": "double",
    "FloatType": "float",
    "DateType": "date",
    "TimestampType": "timestamp",
    "TimestampNTZType": "timestamp_ntz",
    "BinaryType": "binary",
    "VariantType": "variant",
    "NullType": "void",
}
_MAX_DEPTH = 60


class Unreadable(ValueError):
    """The value is known only when the source runs."""


def call_name(node: ast.expr) -> tuple[str, ...]:
    """The dotted name that is called or decorated with; () for anything else.

    >>> call_name(ast.parse("dp.expect('a', 'b')").body[0].value)
    ('dp', 'expect')
    """
    if isinstance(node, ast.Call):
        node = node.func
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (*([node.id] if isinstance(node, ast.Name) else [""]), *reversed(parts))


class StaticValues:
    """The values of one module."""

    def __init__(self, tree: ast.Module) -> None:
        """Collects the assignments of `tree`; functions and classes are not looked into."""
        self._assigned: dict[str, ast.expr | None] = {}
        for node in ast.walk(tree):
            for name, value in _bindings(node):
                self._assigned[name] = None if name in self._assigned else value

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """The value of an expression. Raises Unreadable where it is not known without running it."""
        if depth > _MAX_DEPTH:
            raise Unreadable("nested too deep")
        deeper = depth + 1
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                assigned = self._assigned.get(node.id)
                if assigned is None:
                    raise Unreadable(f"{node.id} is not known without running the source")
                return self.value(assigned, deeper)
            case ast.List() | ast.Tuple() | ast.Set():
                return [self.value(entry, deeper) for entry in node.elts]
            case ast.Dict():
                return self._mapping(node, deeper)
            case ast.BinOp(op=ast.Add() | ast.BitOr()):
                return self._joined(node, deeper)
            case ast.JoinedStr():
                return "".join(self._piece(piece, deeper) for piece in node.values)
            case ast.Call(func=ast.Name(id="dict"), args=[]):
                return {word.arg: self.value(word.value, deeper) for word in node.keywords if word.arg}
            case ast.Call():
                return self._type(node, deeper)
            case ast.UnaryOp(op=ast.USub()):
                number = self.value(node.operand, deeper)
                if isinstance(number, int | float):
                    return -number
        raise Unreadable(f"{ast.unparse(node)} is not known without running the source")

    def text(self, node: ast.expr) -> str:
        """As `value`, and a text."""
        found = self.value(node)
        if not isinstance(found, str):
            raise Unreadable(f"{ast.unparse(node)} is not text")
        return found

    def _mapping(self, node: ast.Dict, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            inner = self.value(value, depth)
            if key is not None:
                name = self.value(key, depth)
                if not isinstance(name, str | int | float | bool):
                    raise Unreadable("a key is no plain value")
                found[name] = inner
            elif isinstance(inner, Mapping):
                found |= inner
            else:
                raise Unreadable(f"{ast.unparse(value)} is no dictionary")
        return found

    def _joined(self, node: ast.BinOp, depth: int) -> Any:
        left, right = self.value(node.left, depth), self.value(node.right, depth)
        if isinstance(node.op, ast.Add):
            if isinstance(left, str) and isinstance(right, str):
                return left + right
            if isinstance(left, list) and isinstance(right, list):
                return left + right
        elif isinstance(left, dict) and isinstance(right, dict):
            return left | right
        raise Unreadable(f"{ast.unparse(node)} is not known without running the source")

    def _piece(self, node: ast.expr, depth: int) -> str:
        if isinstance(node, ast.FormattedValue) and node.conversion == -1 and node.format_spec is None:
            return str(self.value(node.value, depth))
        if isinstance(node, ast.FormattedValue):
            raise Unreadable(f"{ast.unparse(node)} is not known without running the source")
        return str(self.value(node, depth))

    def _type(self, node: ast.Call, depth: int) -> Any:
        """A type of pyspark as Spark's JSON has it."""
        name = call_name(node)[-1]
        if name in _TYPES and not node.args:
            return _TYPES[name]
        words = {word.arg: word.value for word in node.keywords if word.arg}
        given = [self.value(argument, depth) for argument in node.args]
        named = {key: self.value(value, depth) for key, value in words.items()}
        match name:
            case "DecimalType":
                precision, scale = _arguments(given, named, ("precision", "scale"), (10, 0))
                return f"decimal({precision},{scale})"
            case "VarcharType" | "CharType":
                (length,) = _arguments(given, named, ("length",), (0,))
                return f"{name.removesuffix('Type').lower()}({length})"
            case "ArrayType":
                element, contains_null = _arguments(given, named, ("elementType", "containsNull"), (None, True))
                return {"type": "array", "elementType": element, "containsNull": contains_null}
            case "MapType":
                key, value, contains = _arguments(
                    given, named, ("keyType", "valueType", "valueContainsNull"), (None, None, True)
                )
                return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": contains}
            case "StructField":
                field, kind, nullable, metadata = _arguments(
                    given, named, ("name", "dataType", "nullable", "metadata"), ("", None, True, None)
                )
                return {"name": field, "type": kind, "nullable": nullable, "metadata": metadata or {}}
            case "StructType" if given or named:
                (fields,) = _arguments(given, named, ("fields",), ([],))
                return {"type": "struct", "fields": fields}
        raise Unreadable(f"{ast.unparse(node)} is not known without running the source")


def _arguments(
    given: list[Any], named: Mapping[str, Any], names: tuple[str, ...], defaults: tuple[Any, ...]
) -> tuple[Any, ...]:
    return tuple(
        given[index] if index < len(given) else named.get(name, default)
        for index, (name, default) in enumerate(zip(names, defaults, strict=True))
    )


def _bindings(node: ast.AST) -> list[tuple[str, ast.expr | None]]:
    """The names that a statement binds, with the value where it is a plain assignment."""
    match node:
        case ast.Assign():
            found: list[tuple[str, ast.expr | None]] = []
            for target in node.targets:
                plain = isinstance(target, ast.Name)
                found += [(name, node.value if plain else None) for name in _names(target)]
            return found
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [(name, node.value)]
        case ast.AugAssign() | ast.NamedExpr() | ast.For() | ast.AsyncFor() | ast.comprehension():
            return [(name, None) for name in _names(node.target)]
        case ast.withitem() if node.optional_vars is not None:
            return [(name, None) for name in _names(node.optional_vars)]
        case ast.arg():
            return [(node.arg, None)]
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return [(name, None)]
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=name), attr="update" | "append" | "extend" | "pop" | "clear")
        ):
            return [(name, None)]
    return []


def _names(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
