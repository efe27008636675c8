"""Files as Spark's readers see them, read by DuckDB; what Spark would read in another way is refused by name."""

from __future__ import annotations

import csv
import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.errors import ConfigurationError
from lakepact.quality.duckdb_csv import Dialect, check_lines, first_line, is_empty
from lakepact.quality.duckdb_regex import NeedsSpark
from lakepact.quality.duckdb_text import quoted, spark_type, text_literal
from lakepact.quality.engine import FileData
from lakepact.rules.model import ObjectRules

__all__ = ["FileColumns", "FoundColumn", "open_files", "unreadable"]

_STRING: Final = AtomicType("STRING")
_FORMATS: Final = ("parquet", "csv", "json")
_CSV_OPTIONS: Final = frozenset({"header", "sep", "delimiter", "quote", "escape", "nullvalue", "encoding", "charset"})
_SPARK_ONLY: Final = "let Spark check it: `--engine native`"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundColumn:
    """A column of the files: `sql` over their relation, and the type that Spark reads.

    `undecided` is SQL that is TRUE for values that only Spark reads as it does, '' where there are none. Where not even
    `readable` is true, only Spark reads the column.
    """

    name: str
    sql: str
    type: SparkType
    undecided: str = ""
    readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumns:
    """What files hold: SQL of a relation, and its columns."""

    relation: str
    columns: tuple[FoundColumn, ...]

    @property
    def schema(self) -> StructType:
        """The columns as Spark describes them."""
        return StructType(tuple(StructField(each.name, each.type) for each in self.columns))


def open_files(connection: Any, data: FileData, rules: ObjectRules) -> FileColumns:
    """The columns of `data`; text formats have texts, so that every value is typed where it is counted.

    Raises ConfigurationError LP970 for files that are not there or cannot be read, LP971 for what only Spark's reader
    understands as it does.
    """
    import duckdb

    kind = data.format.lower()
    if kind not in _FORMATS:
        raise _refused(f"DuckDB does not read the format {data.format!r} as Spark does")
    options = {name.lower(): value for name, value in data.options.items()}
    paths = [path for each in data.paths for path in _files(each)]
    try:
        if kind == "parquet":
            _check_options(options, frozenset())
            return _parquet(connection, paths)
        if kind == "csv":
            _check_options(options, _CSV_OPTIONS)
            return _csv(paths, options, rules)
        _check_options(options, frozenset())
        return _json(connection, paths, rules)
    except (duckdb.Error, OSError, UnicodeError) as error:
        raise unreadable(", ".join(data.paths), error) from error


def unreadable(what: str, error: Exception) -> ConfigurationError:
    """The error of files that cannot be read."""
    told = str(error).strip().partition("\n")[0]
    return ConfigurationError(
        f"'{what}' cannot be read: {told}", "LP970", "see that the files are whole, and of the format"
    )


def _refused(message: str) -> ConfigurationError:
    return ConfigurationError(message, "LP971", _SPARK_ONLY)


def _check_options(options: Mapping[str, str], known: frozenset[str]) -> None:
    strange = sorted(options.keys() - known)
    if strange:
        raise _refused(f"the reader's option {strange[0]!r} is Spark's")


def _files(place: str) -> list[Path]:
    """The files of a path, a folder or a pattern; names that begin with '_' or '.' are not data."""
    path = Path(place)
    found = [path] if path.exists() else [Path(each) for each in sorted(glob.glob(place))]
    if not found:
        raise ConfigurationError(f"there is no '{place}'", "LP970", "name a file, a folder or a pattern of data")
    files: list[Path] = []
    for each in found:
        if each.is_dir():
            inside = [file for file in sorted(each.rglob("*")) if file.is_file() and _is_data(file.relative_to(each))]
            if any("=" in part for file in inside for part in file.relative_to(each).parts[:-1]):
                raise _refused(f"'{each}' has columns in the names of its folders")
            files += inside
        else:
            files.append(each)
    if not files:
        raise ConfigurationError(
            f"'{place}' holds no file of data", "LP970", "name a file, a folder or a pattern of data"
        )
    return files


def _is_data(path: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in path.parts)


def _listed(paths: Sequence[Path]) -> str:
    # The names of files are no patterns any more.
    escaped = (glob.escape(str(path)) for path in paths)
    return "[" + ", ".join(map(text_literal, escaped)) + "]"


def _parquet(connection: Any, paths: Sequence[Path]) -> FileColumns:
    columns = [_parquet_columns(connection, path) for path in paths]
    if any(each != columns[0] for each in columns):
        raise _refused(f"the files of '{paths[0].parent}' have not all the same columns")
    names = [name for name, _, _ in columns[0]]
    aliases = ", ".join(f"r{number}" for number in range(len(names)))
    found = []
    for number, (name, physical, shown) in enumerate(columns[0]):
        sql = f"r{number}"
        kind = _parquet_type(connection, shown)
        if shown.startswith("U") and isinstance(kind, AtomicType):
            sql = f"CAST({sql} AS {'INTEGER' if kind.ddl == 'INT' else kind.ddl})"
        elif shown.startswith("ENUM"):
            sql = f"CAST({sql} AS VARCHAR)"
        elif physical == "INT96":
            # Spark's old way to write moments; DuckDB gives them without their zone, which is UTC.
            sql, kind = f"timezone('UTC', CAST({sql} AS TIMESTAMP))", AtomicType("TIMESTAMP")
        found.append(FoundColumn(name=name, sql=sql, type=kind or AtomicType(shown), readable=kind is not None))
    relation = f"read_parquet({_listed(paths)}, hive_partitioning = false) AS files({aliases})"
    return FileColumns(relation=relation, columns=tuple(found))


def _parquet_columns(connection: Any, path: Path) -> list[tuple[str, str, str]]:
    """Name, physical type and DuckDB's type of each column."""
    place = text_literal(glob.escape(str(path)))
    tree = connection.execute(f"SELECT name, type, num_children FROM parquet_schema({place})").fetchall()
    described = connection.execute(
        f"DESCRIBE SELECT * FROM read_parquet({place}, hive_partitioning = false)"
    ).fetchall()
    top: list[tuple[str, str]] = []
    at = 1
    for _ in range(tree[0][2] or 0):
        top.append((tree[at][0], tree[at][1] or ""))
        at = _after(tree, at)
    return [(name, physical, line[1]) for (name, physical), line in zip(top, described, strict=True)]


def _after(tree: Sequence[tuple[str, str, int | None]], at: int) -> int:
    """The place of the element after the one at `at` and all that it holds."""
    children = tree[at][2] or 0
    at += 1
    for _ in range(children):
        at = _after(tree, at)
    return at


def _parquet_type(connection: Any, shown: str) -> SparkType | None:
    return spark_type(connection.execute(f"SELECT CAST(NULL AS {shown})").description[0][1])


def _csv(paths: Sequence[Path], options: Mapping[str, str], rules: ObjectRules) -> FileColumns:
    header = options.get("header", "true").lower() == "true"
    encoding = options.get("encoding", options.get("charset", "utf-8"))
    if encoding.lower() not in ("utf-8", "utf8"):
        raise _refused(f"the encoding {encoding!r} is read by Spark")
    dialect = Dialect(
        separator=options.get("sep", options.get("delimiter", ",")),
        quote=options.get("quote", '"'),
        escape=options.get("escape", "\\"),
    )
    full = [path for path in paths if not is_empty(path)]
    if header:
        heads = [first_line(path) for path in full]
        if any(each != heads[0] for each in heads):
            raise _refused(f"the files of '{full[0].parent}' have not all the same header")
        names = _header(heads[0], dialect, options.get("nullvalue", "")) if heads else []
    else:
        names = [column.name for column in rules.columns]
    for path in full:
        if problem := check_lines(path, dialect, columns=len(names)):
            raise _refused(f"'{path}', {problem}")
    columns = tuple(FoundColumn(name=name, sql=f"r{n}", type=_STRING) for n, name in enumerate(names))
    if not full:
        nothing = ", ".join(f"CAST(NULL AS VARCHAR) AS r{n}" for n in range(len(names))) or "1 AS r"
        return FileColumns(relation=f"(SELECT {nothing} WHERE FALSE) AS files", columns=columns)
    return FileColumns(relation=_csv_relation(full, dialect, options, header=header, names=names), columns=columns)


def _csv_relation(
    paths: Sequence[Path], dialect: Dialect, options: Mapping[str, str], *, header: bool, names: Sequence[str]
) -> str:
    kinds = ", ".join(f"'r{number}': 'VARCHAR'" for number in range(len(names)))
    # Lines that use the escape have been refused, but for the one that doubles the quote.
    settings = {
        "auto_detect": "false",
        "header": "true" if header else "false",
        "delim": text_literal(dialect.separator),
        "quote": text_literal(dialect.quote),
        "escape": text_literal(dialect.quote),
        "columns": "{" + kinds + "}",
        "nullstr": text_literal(options.get("nullvalue", "")),
        "null_padding": "true",
    }
    shown = ", ".join(f"{name} = {value}" for name, value in settings.items())
    return f"read_csv({_listed(paths)}, {shown}) AS files"


def _header(line: str, dialect: Dialect, null: str) -> list[str]:
    """The names of columns as Spark gives them."""
    names = next(csv.reader([line], delimiter=dialect.separator, quotechar=dialect.quote or None), [])
    lower = [name.lower() for name in names]
    made = []
    for number, name in enumerate(names):
        if name in ("", null):
            made.append(f"_c{number}")
        else:
            made.append(f"{name}{number}" if lower.count(name.lower()) > 1 else name)
    return made


def _json(connection: Any, paths: Sequence[Path], rules: ObjectRules) -> FileColumns:
    relation = f"read_ndjson_objects({_listed(paths)}) AS files(j)"
    odd, twice = connection.execute(
        "SELECT count(CASE WHEN json_type(j) <> 'OBJECT' THEN 1 END), "
        f"count(CASE WHEN len(json_keys(j)) > len(list_distinct(json_keys(j))) THEN 1 END) FROM {relation}"
    ).fetchone()
    if odd:
        raise _refused(f"'{paths[0]}' has {odd} lines that are no JSON objects")
    if twice:
        raise _refused(f"'{paths[0]}' has {twice} objects that name something twice")
    columns = []
    for column in rules.columns:
        kind = _as_text(column.type)
        try:
            sql, doubts = _json_value(_member("j", column.name), column.type, 1)
        except NeedsSpark:
            columns.append(FoundColumn(name=column.name, sql="NULL", type=kind, readable=False))
            continue
        doubt = " OR ".join(f"({each})" for each in doubts)
        columns.append(FoundColumn(name=column.name, sql=sql, type=kind, undecided=doubt))
    return FileColumns(relation=relation, columns=tuple(columns))


def _as_text(kind: SparkType) -> SparkType:
    """The type with text for every leaf."""
    match kind:
        case ArrayType(element=element):
            return ArrayType(_as_text(element))
        case MapType(value=value):
            return MapType(_STRING, _as_text(value))
        case StructType(fields=fields):
            return StructType(tuple(StructField(each.name, _as_text(each.type)) for each in fields))
    return _STRING


def _member(owner: str, name: str) -> str:
    if '"' in name or "\\" in name:
        raise NeedsSpark(f"the name {name!r} in JSON")
    return f"json_extract({owner}, {text_literal('$.' + quoted(name))})"


def _json_value(member: str, wanted: SparkType, depth: int) -> tuple[str, list[str]]:
    """SQL of a member of JSON as Spark reads it with text for every leaf, and when only Spark can tell."""
    match wanted:
        case AtomicType(ddl=ddl):
            doubts = [f"json_type({member}) IN ('OBJECT', 'ARRAY')"]
            if ddl == "STRING" or ddl.startswith("VARCHAR"):
                # Spark keeps the digits as they are written.
                doubts.append(f"json_type({member}) = 'DOUBLE'")
            elif ddl.startswith("DECIMAL"):
                doubts.append(f"json_type({member}) = 'DOUBLE' AND regexp_matches(CAST(j AS VARCHAR), '[0-9.]{{17}}')")
            return f"json_extract_string({member}, '$')", doubts
        case ArrayType(element=element):
            item = f"_j{depth}"
            sql, doubts = _json_value(item, element, depth + 1)
            items = f"CAST(CASE WHEN json_type({member}) = 'ARRAY' THEN {member} END AS JSON[])"
            inner = " OR ".join(f"({each})" for each in doubts)
            wrong = [f"json_type({member}) NOT IN ('ARRAY', 'NULL')"]
            wrong.append(f"len(list_filter({items}, lambda {item}: {inner})) > 0")
            return f"list_transform({items}, lambda {item}: {sql})", wrong
        case StructType(fields=fields):
            return _json_struct(member, fields, depth)
    raise NeedsSpark(f"{wanted.ddl} in JSON")


def _json_struct(member: str, fields: Sequence[StructField], depth: int) -> tuple[str, list[str]]:
    parts, doubts = [], [f"json_type({member}) NOT IN ('OBJECT', 'NULL')"]
    for field in fields:
        sql, wrong = _json_value(_member(member, field.name), field.type, depth)
        parts.append(f"{quoted(field.name)} := {sql}")
        doubts += wrong
    return f"CASE WHEN json_type({member}) = 'OBJECT' THEN struct_pack({', '.join(parts)}) END", doubts
