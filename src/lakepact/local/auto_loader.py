"""Auto Loader (`cloudFiles`) and `read_files` on this machine, by the open-source file source.

Schemas are found as Auto Loader finds them: an explicit one; else from the files, where CSV, JSON and XML give STRING
columns unless `cloudFiles.inferColumnTypes` is set; then `cloudFiles.schemaHints`. An inferred schema has the column
`_rescued_data`: NULL for a row that fits; for CSV and JSON otherwise the whole record, where Databricks has the fields
that do not fit.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, NoReturn, Protocol

from lakepact.errors import ConfigurationError
from lakepact.local.auto_loader_schema import infer_schema
from lakepact.local.definitions import SourcePlace
from lakepact.sql import identifier

__all__ = ["SchemaReader", "auto_loader", "read_files"]

_PREFIX = "cloudfiles."
_FORMATS = {"avro", "binaryfile", "csv", "json", "orc", "parquet", "text", "xml"}
_SUFFIXES = {".avro": "avro", ".csv": "csv", ".json": "json", ".orc": "orc", ".parquet": "parquet", ".txt": "text"}
_RESCUED = "_rescued_data"
_LIMITS = {"maxfilespertrigger": "maxFilesPerTrigger", "maxbytespertrigger": "maxBytesPerTrigger"}
# How Databricks finds files, authenticates and keeps its own state: nothing of it changes the rows.
_WITHOUT_EFFECT = {
    "backfillinterval",
    "clientid",
    "clientsecret",
    "connectionstring",
    "fetchparallelism",
    "listonstart",
    "maxfileage",
    "projectid",
    "queuename",
    "queueurl",
    "region",
    "resourcegroup",
    "rolearn",
    "schemalocation",
    "subscription",
    "subscriptionid",
    "tenantid",
    "useincrementallisting",
    "usemanagedfileevents",
    "usenotifications",
    "usestrictglobber",
    "validateoptions",
}
_HANDLED = {"format", "infercolumntypes", "rescueddatacolumn", "schemahints"}
# Options that are read only with these values; any other would give other rows than Databricks.
_ONLY = {
    "allowoverwrites": {"false"},
    "cleansource": {"off"},
    "includeexistingfiles": {"true"},
    "schemaevolutionmode": {"addnewcolumns", "addnewcolumnswithtypewidening", "failonnewcolumns", "none"},
}
_READ_FILES_NAMES = _WITHOUT_EFFECT | _HANDLED | _LIMITS.keys() | _ONLY.keys() | {"partitioncolumns"}


class SchemaReader(Protocol):
    """Finds the schema of files outside of a pipeline; `auto_loader_schema.infer_schema` does it with a session."""

    def __call__(self, path: str, file_format: str, options: Mapping[str, str], *, typed: bool, hints: str) -> str:
        """The schema as DDL or Spark's JSON, '' without files; `typed` asks for types where the format has none."""


_SCHEMA_READER: ContextVar[SchemaReader] = ContextVar("lakepact_schema_reader")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A read as the open-source reader knows it; `empty_column` is added with NULLs."""

    file_format: str
    schema: str
    options: Mapping[str, str]
    empty_column: str = ""


@contextmanager
def auto_loader(classic: Any, *, infer: SchemaReader | None = None) -> Iterator[None]:
    """While active, `spark.readStream.format("cloudFiles")` of Spark Connect reads files, and `read_files` works.

    `classic` is the session that reads schemas, because analysis is refused to pipeline queries; `infer` replaces it.
    Reading raises ConfigurationError: LP550 (no files, so no schema), LP551 (an option that this machine cannot
    honour), LP552 (an option that is missing or wrong).
    """
    from pyspark.sql.connect.streaming.readwriter import DataStreamReader

    reader = functools.partial(infer_schema, classic) if infer is None else infer
    original = DataStreamReader.load

    @functools.wraps(original)
    def load(self: Any, path: Any = None, format: Any = None, schema: Any = None, **options: Any) -> Any:
        if (format or self._format or "").lower() != "cloudfiles":
            return original(self, path, format, schema, **options)
        self.options(**options)
        if schema is not None:
            self.schema(schema)
        return _cloud_files(self, path, original, reader)

    token = _SCHEMA_READER.set(reader)
    DataStreamReader.load = load  # type: ignore[method-assign]
    try:
        yield
    finally:
        DataStreamReader.load = original  # type: ignore[method-assign]
        _SCHEMA_READER.reset(token)


def _cloud_files(reader: Any, path: str | None, load: Any, infer: SchemaReader) -> Any:
    place = _caller()
    options = {name: value for name, value in reader._options.items() if name.lower() != "path"}
    path = path or next((value for name, value in reader._options.items() if name.lower() == "path"), None)
    if not path:
        _fail(place, "LP552", "cloudFiles needs a path", "give it to load(path)")
    reading = _translate(path, options, reader._schema, typed=False, infer=infer, place=place)
    plain = type(reader)(reader._client).format(reading.file_format).schema(reading.schema).options(**reading.options)
    return _with_empty_column(load(plain, path), reading)


def read_files(spark: Any, path: str, options: Mapping[str, str], *, streaming: bool, place: SourcePlace) -> Any:
    """The data frame of SQL's `read_files(path, option => value, ...)`, inside of `auto_loader`.

    Types are inferred unless `inferColumnTypes` is false, as documented for this function. Raises as `auto_loader`.
    """
    given = {_prefixed(name): value for name, value in options.items()}
    schema = next((given.pop(name) for name in list(given) if name.lower() == "schema"), "")
    if f"{_PREFIX}format" not in given:
        given[f"{_PREFIX}format"] = _SUFFIXES.get(PurePath(path).suffix.lower(), "")
    infer = _SCHEMA_READER.get(None)
    if infer is None:
        _fail(place, "LP552", "read_files is only known while a pipeline runs", "")
    reading = _translate(path, given, schema, typed=True, infer=infer, place=place)
    reader = spark.readStream if streaming else spark.read
    limits = set() if streaming else set(_LIMITS.values())
    kept = {name: value for name, value in reading.options.items() if name not in limits}
    frame = reader.format(reading.file_format).schema(reading.schema).options(**kept).load(path)
    return _with_empty_column(frame, reading)


def _prefixed(name: str) -> str:
    lowered = name.lower()
    if lowered == "filenamepattern":
        return "pathGlobFilter"
    return f"{_PREFIX}{lowered}" if lowered in _READ_FILES_NAMES else name


def _with_empty_column(frame: Any, reading: _Reading) -> Any:
    if not reading.empty_column:
        return frame
    return frame.selectExpr("*", f"CAST(NULL AS STRING) AS {identifier(reading.empty_column)}")


def _translate(
    path: str, options: Mapping[str, str], schema: str, *, typed: bool, infer: SchemaReader, place: SourcePlace
) -> _Reading:
    own = {name.lower()[len(_PREFIX) :]: value for name, value in options.items() if name.lower().startswith(_PREFIX)}
    plain = {name: value for name, value in options.items() if not name.lower().startswith(_PREFIX)}
    file_format = _checked(own, place)
    rescued = own.get("rescueddatacolumn", "")
    for name in list(plain):
        if name.lower() == "rescueddatacolumn":
            rescued = plain.pop(name)
        elif name.lower() in {"readercasesensitive", "singlevariantcolumn"}:
            _fail(place, "LP551", f"the option {name} is not supported on this machine", "leave it out")
    if not schema:
        rescued = rescued or _RESCUED
        typed = own.get("infercolumntypes", str(typed)).lower() == "true"
        schema = infer(path, file_format, plain, typed=typed, hints=own.get("schemahints", ""))
        if not schema:
            _fail(
                place,
                "LP550",
                f"there are no files at {path}, and no schema is given",
                "give a schema, or put files there",
            )
    limits = {_LIMITS[name]: value for name, value in own.items() if name in _LIMITS}
    if not rescued or file_format not in {"csv", "json"}:
        return _Reading(file_format=file_format, schema=schema, options=plain | limits, empty_column=rescued)
    schema = _with_text_column(schema, rescued)
    options = plain | limits | {"columnNameOfCorruptRecord": rescued}
    return _Reading(file_format=file_format, schema=schema, options=options)


def _checked(own: Mapping[str, str], place: SourcePlace) -> str:
    """The format, once every option is known to be harmless or handled."""
    file_format = own.get("format", "").lower()
    if file_format not in _FORMATS:
        known = ", ".join(sorted(_FORMATS))
        _fail(place, "LP552", f"cloudFiles.format is {file_format or 'missing'}", f"known are: {known}")
    for name, value in own.items():
        if name in _ONLY and value.lower() not in _ONLY[name]:
            allowed = " or ".join(sorted(_ONLY[name]))
            message = f"cloudFiles.{name} = {value} cannot be done on this machine"
            _fail(place, "LP551", message, f"it would give other rows than on Databricks; possible is {allowed}")
        known_name = name in _WITHOUT_EFFECT | _HANDLED | _LIMITS.keys() | _ONLY.keys()
        if not known_name and not name.startswith(("resourcetag", "cleansource.")):
            _fail(place, "LP551", f"the option cloudFiles.{name} is not supported on this machine", "leave it out")
    return file_format


def _with_text_column(schema: str, name: str) -> str:
    if not schema.lstrip().startswith("{"):
        return f"{schema}, {identifier(name)} STRING"
    document = json.loads(schema)
    document["fields"].append({"name": name, "type": "string", "nullable": True, "metadata": {}})
    return json.dumps(document)


def _caller() -> SourcePlace:
    """The place in the source that reads: the first that is neither ours nor Spark's."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).split(".")[0] in {"lakepact", "pyspark"}:
        frame = frame.f_back
    return SourcePlace(frame.f_code.co_filename, frame.f_lineno)


def _fail(place: SourcePlace, code: str, message: str, hint: str) -> NoReturn:
    raise ConfigurationError(f"{place}: {message}", code, hint, {"file": place.file, "line": place.line})
