"""Spark's JSON form of a schema, as our types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakepact.contract.spark_schema import read_spark_schema
from lakepact.sql import string

_COLUMNS = (
    "`a` TINYINT, `b` SMALLINT, `c` INT, `d` BIGINT, `e` FLOAT, `f` DOUBLE, `g` DECIMAL(38,18), `h` STRING, "
    "`i` BINARY, `j` BOOLEAN, `k` DATE, `l` TIMESTAMP, `m` TIMESTAMP_NTZ, `n` ARRAY<STRUCT<`x y`: MAP<STRING, INT>>>, "
    "`o` VARIANT"
)


@pytest.mark.spark
def test_every_type_is_read_as_spark_writes_it(spark: Any) -> None:
    schema = spark.createDataFrame([], _COLUMNS.replace("`: ", "` ")).schema
    read = read_spark_schema(schema.json())
    assert ", ".join(f"`{field.name}` {field.type.ddl}" for field in read.fields) == _COLUMNS


@pytest.mark.spark
def test_nullability_comments_and_declared_lengths_are_kept(spark: Any, tmp_path: Path) -> None:
    place = string(str(tmp_path / "table"))
    columns = "a VARCHAR(5), b INT NOT NULL COMMENT 'key'"
    spark.sql(f"CREATE TABLE spark_schema_test ({columns}) USING delta LOCATION {place}")
    read = read_spark_schema(spark.table("spark_schema_test").schema.json())
    spark.sql("DROP TABLE spark_schema_test")
    assert [(field.type.ddl, field.comment) for field in read.fields] == [("VARCHAR(5)", None), ("INT", "key")]
    assert [field.required for field in read_spark_schema(spark.range(1).schema.json()).fields] == [True]
