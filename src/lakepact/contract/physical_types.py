"""Reads `physicalType`: Spark's own types, and the names that other databases use.

The standard ties physical types to no dialect. A name that is Spark's keeps Spark's meaning; a name of another database
is translated where its meaning is beyond doubt; everything else is refused, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakepact.contract.spark_types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType

__all__ = ["GENERIC_NAMES", "PhysicalType", "parse_physical_type"]

# Databricks refuses longer VARCHAR columns; such a length is no limit.
_LONGEST_VARCHAR = 65535
_LARGEST_PRECISION = 38

# Words that say no more than the logical type does.
GENERIC_NAMES = {
    *("array", "list", "object", "struct", "record", "row", "map", "dict", "nested", "json", "jsonb", "variant"),
    *("super", "document", "vector", "repeated"),
}

_ATOMIC = {
    "STRING": "string text tinytext mediumtext longtext ntext clob nclob character_large_object long_text utf8 "
    "uuid uniqueidentifier xml citext sysname enum inet cidr macaddr macaddr8 tsvector bpchar char nchar varchar "
    "nvarchar varchar2 nvarchar2 character national_character character_varying national_character_varying "
    "char_varying lvarchar long_varchar time timetz time_without_time_zone time_with_time_zone rowid",
    "BOOLEAN": "boolean bool bit logical",
    "TINYINT": "tinyint byte",
    "SMALLINT": "smallint short int2 int16 smallserial serial2",
    "INT": "int integer int4 int32 mediumint serial serial4 year",
    "BIGINT": "bigint long int8 int64 bigserial serial8",
    "FLOAT": "float real float4 float32 binary_float",
    "DOUBLE": "double double_precision float8 float64 binary_double",
    "DATE": "date date32",
    "TIMESTAMP": "timestamp timestamp_ltz timestamptz timestamp_tz timestamp_with_time_zone "
    "timestamp_with_local_time_zone datetimeoffset",
    "TIMESTAMP_NTZ": "timestamp_ntz timestamp_without_time_zone timestampntz datetime datetime2 smalldatetime",
    "BINARY": "binary bytea varbinary binary_varying blob tinyblob mediumblob longblob image bytes raw long_raw "
    "binary_large_object rowversion",
    "DECIMAL(19,4)": "money",
    "DECIMAL(10,4)": "smallmoney",
}
_NAMES = {name: ddl for ddl, names in _ATOMIC.items() for name in names.split()}
_UNSIGNED = {
    "tinyint": "SMALLINT",
    "smallint": "INT",
    "mediumint": "INT",
    "int": "BIGINT",
    "integer": "BIGINT",
    "bigint": "DECIMAL(20,0)",
}
_UNSIGNED_NAMES = {"uint8": "SMALLINT", "uint16": "INT", "uint32": "BIGINT", "uint64": "DECIMAL(20,0)"}
_DECIMAL_NAMES = {"decimal", "dec", "numeric", "number", "bignumeric", "bigdecimal"}
_LENGTH_NAMES = {
    *("string", "char", "nchar", "varchar", "nvarchar", "varchar2", "nvarchar2", "character", "national_character"),
    *("character_varying", "national_character_varying", "char_varying", "bpchar", "lvarchar", "text"),
}

_TOKEN = re.compile(r"\s*(?:(`(?:[^`]|``)*`)|([^\W\d]\w*)|(\d+)|([<>(),:\[\]])|(\S))")


@dataclass(frozen=True, slots=True)
class PhysicalType:
    """What a physical type says: a type; nothing beyond the logical type (`generic`); or nothing known (both unset).

    `exact` is False for a name whose width or scale is open (`numeric`): there the logical type decides, if given.
    """

    type: SparkType | None = None
    generic: bool = False
    exact: bool = True


class _Unreadable(Exception):
    """The text is not a type; caught here, never shown."""


def parse_physical_type(text: str, *, array: bool = False) -> PhysicalType:
    """What `text` says. `array` tells that the logical type is an array, which decides what `varchar[50]` means.

    >>> parse_physical_type("STRUCT<a: INT, b: ARRAY<STRING>>").type.ddl
    'STRUCT<`a`: INT, `b`: ARRAY<STRING>>'
    >>> parse_physical_type("varchar[50]").type.ddl, parse_physical_type("number(10, 2)").type.ddl
    ('VARCHAR(50)', 'DECIMAL(10,2)')
    >>> parse_physical_type("hierarchyid")
    PhysicalType(type=None, generic=False, exact=True)
    """
    if text.strip().casefold() in GENERIC_NAMES:
        return PhysicalType(generic=True)
    try:
        reader = _Reader(text, array=array)
        found = reader.type()
        reader.end()
    except _NoFurther:
        return PhysicalType(generic=True)
    except (_Unreadable, RecursionError):
        return PhysicalType()
    return PhysicalType(found, exact=reader.exact)


class _NoFurther(Exception):
    """A part of the type is a bare STRUCT or ARRAY, which the logical type describes; caught here."""


class _Reader:
    """A recursive descent over the words of one type."""

    def __init__(self, text: str, *, array: bool) -> None:
        self._tokens: list[str] = []
        self._position = 0
        self._array = array
        self.exact = True
        for quoted, word, number, mark, other in _TOKEN.findall(text):
            if other:
                raise _Unreadable
            self._tokens.append(quoted or word or number or mark)

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _take(self, expected: str | None = None) -> str:
        token = self._peek()
        if not token or (expected is not None and token != expected):
            raise _Unreadable
        self._position += 1
        return token

    def _accept(self, mark: str) -> bool:
        if self._peek() != mark:
            return False
        self._position += 1
        return True

    def end(self) -> None:
        if self._peek():
            raise _Unreadable

    def type(self) -> SparkType:
        name = self._words()
        if self._accept("<"):
            return self._suffixed(self._composite(name))
        arguments = self._arguments()
        rest = self._words() if self._peek() and (self._peek()[0].isalpha()) else ""
        if rest:
            name = f"{name}_{rest}"
        if self._peek() == "[" and name in _LENGTH_NAMES and not self._array and not arguments:
            arguments = self._bracketed_length()
        return self._suffixed(self._atomic(name, arguments))

    def _words(self) -> str:
        words: list[str] = []
        while (token := self._peek()) and (token[0].isalpha() or token[0] == "_"):
            words.append(self._take().casefold())
        if not words:
            raise _Unreadable
        return "_".join(words)

    def _arguments(self) -> tuple[str, ...]:
        if not self._accept("("):
            return ()
        found: list[str] = []
        while not self._accept(")"):
            token = self._take()
            if token != ",":
                found.append(token)
        return tuple(found)

    def _bracketed_length(self) -> tuple[str, ...]:
        if self._tokens[self._position + 1 : self._position + 2] == ["]"]:
            return ()
        self._take("[")
        length = self._take()
        self._take("]")
        return (length,)

    def _suffixed(self, base: SparkType) -> SparkType:
        while self._accept("["):
            if self._peek().isdigit():
                self._take()
            self._take("]")
            base = ArrayType(base)
        return base

    def _composite(self, name: str) -> SparkType:
        found: SparkType
        if name in ("array", "list"):
            found = ArrayType(self.type())
        elif name == "map":
            key = self.type()
            self._take(",")
            found = MapType(key, self.type())
        elif name in ("struct", "record", "row"):
            found = self._struct()
        else:
            raise _Unreadable
        self._take(">")
        return found

    def _struct(self) -> StructType:
        fields = [self._field()]
        while self._accept(","):
            fields.append(self._field())
        return StructType(tuple(fields))

    def _field(self) -> StructField:
        token = self._take()
        if token[0] == "`":
            name = token[1:-1].replace("``", "`")
        elif token[0].isalpha() or token[0] == "_":
            name = token
        else:
            raise _Unreadable
        self._accept(":")
        required = False
        field_type, words = self._field_type()
        if words == "not_null":
            required = True
        return StructField(name, field_type, required)

    def _field_type(self) -> tuple[SparkType, str]:
        start = self._position
        position = start
        depth = 0
        while position < len(self._tokens) and (depth or self._tokens[position] not in (",", ">")):
            depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(self._tokens[position], 0)
            position += 1
        tail = [token.casefold() for token in self._tokens[max(start, position - 2) : position]]
        if tail != ["not", "null"]:
            return self.type(), ""
        inner = self._tokens
        self._tokens = inner[: position - 2] + inner[position:]
        return self.type(), "not_null"

    def _atomic(self, name: str, arguments: tuple[str, ...]) -> SparkType:
        if name in _DECIMAL_NAMES:
            return self._decimal(arguments)
        if name in _LENGTH_NAMES and arguments:
            return _sized_string(arguments)
        if name in ("float", "binary_float") and arguments:
            return AtomicType("FLOAT" if _number(arguments[0]) <= 24 else "DOUBLE")
        if name == "bit" and arguments and arguments[0] != "1":
            return AtomicType("BINARY")
        if name == "hstore":
            return MapType(AtomicType("STRING"), AtomicType("STRING"))
        if name.endswith("_unsigned"):
            name = name.removesuffix("_unsigned")
            found = _UNSIGNED.get(name)
        else:
            found = "VARIANT" if name == "variant" else _NAMES.get(name) or _UNSIGNED_NAMES.get(name)
        if found is None:
            raise _NoFurther if name in GENERIC_NAMES else _Unreadable
        if name in ("datetime", "datetime2", "smalldatetime"):
            self.exact = False
        return AtomicType(found)

    def _decimal(self, arguments: tuple[str, ...]) -> AtomicType:
        if not arguments:
            # Spark reads DECIMAL as DECIMAL(10,0) and Oracle or PostgreSQL as any scale: the logical type knows better.
            self.exact = False
            return AtomicType("DECIMAL(38,18)")
        precision = _number(arguments[0])
        scale = _number(arguments[1]) if len(arguments) > 1 else 0
        if len(arguments) > 2 or not 0 < precision <= _LARGEST_PRECISION or scale > precision:
            raise _Unreadable
        return AtomicType(f"DECIMAL({precision},{scale})")


def _number(text: str) -> int:
    if not text.isdigit() or len(text) > 12:
        raise _Unreadable
    return int(text)


def _sized_string(arguments: tuple[str, ...]) -> AtomicType:
    # Oracle writes VARCHAR2(10 CHAR); SQL Server writes VARCHAR(MAX).
    if arguments[0].casefold() == "max":
        return AtomicType("STRING")
    length = _number(arguments[0])
    if len(arguments) > 2 or (len(arguments) == 2 and arguments[1].casefold() not in ("char", "byte")) or length == 0:
        raise _Unreadable
    return AtomicType(f"VARCHAR({length})" if length <= _LONGEST_VARCHAR else "STRING")
