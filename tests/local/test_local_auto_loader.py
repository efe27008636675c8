"""Auto Loader on the open-source reader: which schema, which options, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql.connect.readwriter import DataFrameReader
from pyspark.sql.connect.streaming.readwriter import DataStreamReader
from pyspark.sql.types import StructType

from lakepact.errors import ConfigurationError
from lakepact.local.auto_loader import auto_loader, read_files
from lakepact.local.auto_loader_schema import infer_schema
from lakepact.local.definitions import SourcePlace

INFERRED = '{"type":"struct","fields":[{"name":"id","type":"string","nullable":true,"metadata":{}}]}'
PLACE = SourcePlace("a.sql", 4)


class Files:
    """A schema reader that remembers what it was asked, and knows one folder."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def __call__(self, path: str, file_format: str, options: Mapping[str, str], *, typed: bool, hints: str) -> str:
        self.asked.append((path, file_format, dict(options), typed, hints))
        return INFERRED if path == "/in" else ""


@pytest.fixture
def files() -> Iterator[Files]:
    reader = Files()
    with auto_loader(None, infer=reader):
        yield reader


def _session() -> Any:
    session: Any = SimpleNamespace()
    session.read = DataFrameReader(session)
    session.readStream = DataStreamReader(session)
    return session


def _stream(**options: str) -> Any:
    names = {name.replace("__", "."): value for name, value in options.items()}
    return _session().readStream.format("cloudFiles").options(**names)


def _source(frame: Any) -> Any:
    plan = frame._plan
    while plan._child is not None:
        plan = plan._child
    return plan


def test_an_explicit_schema_is_taken_as_it_is(files: Files) -> None:
    reader = _stream(
        cloudFiles__format="CSV",
        header="true",
        cloudFiles__maxFilesPerTrigger="7",
        cloudFiles__schemaLocation="/x",
        cloudFiles__useNotifications="true",
        cloudFiles__includeExistingFiles="true",
        pathGlobFilter="*.csv",
    )
    source = _source(reader.schema("id INT").load("/in"))
    assert (source._format, source._schema, source._paths, source._is_streaming) == ("csv", "id INT", ["/in"], True)
    assert source._options == {"header": "true", "maxFilesPerTrigger": "7", "pathGlobFilter": "*.csv"}
    assert files.asked == []


def test_an_inferred_schema_rescues_records_of_text_formats(files: Files) -> None:
    reader = _stream(cloudFiles__format="json", multiLine="true", cloudFiles__schemaHints="id INT")
    source = _source(reader.load("/in"))
    assert files.asked == [("/in", "json", {"multiLine": "true"}, False, "id INT")]
    assert [field["name"] for field in json.loads(source._schema)["fields"]] == ["id", "_rescued_data"]
    assert source._options == {"multiLine": "true", "columnNameOfCorruptRecord": "_rescued_data"}


def test_an_inferred_schema_of_typed_formats_has_an_empty_column(files: Files) -> None:
    frame = _stream(cloudFiles__format="parquet").option("path", "/in").load()
    columns = [str(column._expr) for column in frame._plan._columns]
    assert columns == ["*", "CAST(NULL AS STRING) AS `_rescued_data`"]
    source = _source(frame)
    assert (source._format, source._schema, source._options, source._paths) == ("parquet", INFERRED, {}, ["/in"])


@pytest.mark.parametrize(("given", "typed"), [({}, False), ({"cloudFiles__inferColumnTypes": "true"}, True)])
def test_types_are_inferred_when_asked_for(files: Files, given: dict[str, str], typed: bool) -> None:
    _stream(cloudFiles__format="csv", **given).load("/in")
    assert [asked[3] for asked in files.asked] == [typed]


def test_a_named_rescue_column_joins_an_explicit_schema(files: Files) -> None:
    source = _source(_stream(cloudFiles__format="csv", rescuedDataColumn="odd").schema("id INT").load("/in"))
    assert source._schema == "id INT, `odd` STRING"
    assert source._options == {"columnNameOfCorruptRecord": "odd"}


def test_other_formats_are_left_alone_and_everything_is_restored() -> None:
    original = DataStreamReader.load

    def failing() -> None:
        with auto_loader(None, infer=Files()):
            assert DataStreamReader.load is not original
            source = _source(_session().readStream.format("parquet").load("/elsewhere", schema="id INT"))
            assert (source._format, source._schema, source._paths) == ("parquet", "id INT", ["/elsewhere"])
            raise ValueError("out")

    with pytest.raises(ValueError, match="out"):
        failing()
    assert DataStreamReader.load is original


def test_read_files_as_a_stream_and_as_a_batch(files: Files) -> None:
    options = {"format": "csv", "header": "true", "maxFilesPerTrigger": "2", "fileNamePattern": "*.csv"}
    stream = _source(read_files(_session(), "/in", options, streaming=True, place=PLACE))
    batch = _source(read_files(_session(), "/in", options, streaming=False, place=PLACE))
    shared = {"header": "true", "pathGlobFilter": "*.csv", "columnNameOfCorruptRecord": "_rescued_data"}
    assert (stream._is_streaming, stream._options) == (True, {**shared, "maxFilesPerTrigger": "2"})
    assert (bool(batch._is_streaming), batch._options) == (False, shared)
    assert [asked[3] for asked in files.asked] == [True, True]


def test_read_files_knows_formats_by_their_suffix(files: Files) -> None:
    frame = read_files(_session(), "/a.json", {"schema": "x INT"}, streaming=False, place=PLACE)
    assert (_source(frame)._format, _source(frame)._schema) == ("json", "x INT")
    with pytest.raises(ConfigurationError, match=r"^LP552: a\.sql:4: cloudFiles\.format is missing"):
        read_files(_session(), "/a", {}, streaming=False, place=PLACE)


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        (
            {"cloudFiles__format": "csv"},
            "/nothing",
            "LP550: {place}: there are no files at /nothing, and no schema is given\n"
            "  hint: give a schema, or put files there",
        ),
        (
            {},
            "/in",
            "LP552: {place}: cloudFiles.format is missing\n"
            "  hint: known are: avro, binaryfile, csv, json, orc, parquet, text, xml",
        ),
        (
            {"cloudFiles__format": "csv"},
            None,
            "LP552: {place}: cloudFiles needs a path\n  hint: give it to load(path)",
        ),
        (
            {"cloudFiles__format": "csv", "cloudFiles__schemaEvolutionMode": "rescue"},
            "/in",
            "LP551: {place}: cloudFiles.schemaevolutionmode = rescue cannot be done on this machine\n  hint: it would "
            "give other rows than on Databricks; possible is addnewcolumns or addnewcolumnswithtypewidening or "
            "failonnewcolumns or none",
        ),
        (
            {"cloudFiles__format": "csv", "cloudFiles__includeExistingFiles": "false"},
            "/in",
            "LP551: {place}: cloudFiles.includeexistingfiles = false cannot be done on this machine\n"
            "  hint: it would give other rows than on Databricks; possible is true",
        ),
        (
            {"cloudFiles__format": "csv", "cloudFiles__pathRewrites": "{}"},
            "/in",
            "LP551: {place}: the option cloudFiles.pathrewrites is not supported on this machine\n  hint: leave it out",
        ),
        (
            {"cloudFiles__format": "json", "singleVariantColumn": "v"},
            "/in",
            "LP551: {place}: the option singleVariantColumn is not supported on this machine\n  hint: leave it out",
        ),
    ],
)
def test_refused_reads(files: Files, options: dict[str, str], path: str | None, message: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^LP55[012]: ") as caught:
        _stream(**options).load(path)
    assert str(caught.value) == message.replace("{place}", f"{__file__}:{caught.value.facts['line']}")


def _infer(spark: Any, path: Path, file_format: str, *, typed: bool = False, hints: str = "", **options: str) -> str:
    text = infer_schema(spark, str(path), file_format, options, typed=typed, hints=hints)
    return StructType.fromJson(json.loads(text)).simpleString() if text else ""


def test_schemas_of_csv(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,day,odd name\n1,2024-01-01,x\n")
    assert _infer(spark, tmp_path, "csv", header="true") == "struct<id:string,day:string,odd name:string>"
    typed = _infer(
        spark, tmp_path, "csv", typed=True, hints="`odd name` VARCHAR(3), more DECIMAL(10, 2)", header="true"
    )
    assert typed == "struct<id:int,day:date,odd name:varchar(3),more:decimal(10,2)>"
    assert _infer(spark, tmp_path, "csv") == "struct<_c0:string,_c1:string,_c2:string>"


def test_schemas_of_json(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"id": 1, "a": {"b": 2, "c": [{"d": 1.5}]}, "m": [1]}\n')
    assert _infer(spark, tmp_path, "json") == "struct<a:string,id:string,m:string>"
    assert (
        _infer(spark, tmp_path, "json", typed=True)
        == "struct<a:struct<b:bigint,c:array<struct<d:double>>>,id:bigint,m:array<bigint>>"
    )
    assert (
        _infer(spark, tmp_path, "json", hints="A.c.element.d DECIMAL(3,1), ID INT, a.new MAP<STRING, INT>")
        == "struct<a:struct<b:string,c:array<struct<d:decimal(3,1)>>,new:map<string,int>>,id:int,m:string>"
    )


def test_schemas_of_parquet(spark: Any, tmp_path: Path) -> None:
    spark.sql("SELECT 1 AS id, map('k', 2) AS m").write.parquet(str(tmp_path / "p"))
    assert _infer(spark, tmp_path / "p", "parquet") == "struct<id:int,m:map<string,int>>"
    assert _infer(spark, tmp_path / "p", "parquet", hints="m.value BIGINT") == "struct<id:int,m:map<string,bigint>>"


@pytest.mark.parametrize("file_format", ["csv", "json", "parquet"])
def test_no_files_give_no_schema(spark: Any, tmp_path: Path, file_format: str) -> None:
    assert _infer(spark, tmp_path / "nowhere", file_format) == ""
    assert _infer(spark, tmp_path, file_format) == ""
