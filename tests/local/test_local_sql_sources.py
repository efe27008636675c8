"""Pipeline SQL: tokens, statements, and what each statement records or why it is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakepact.errors import ConfigurationError
from lakepact.local.definitions import (
    AutoCdcFlow,
    DatasetDefinition,
    Definitions,
    ExpectationAction,
    ExpectationDefinition,
    ScdType,
    SourcePlace,
)
from lakepact.local.dp import PipelinesModule
from lakepact.local.sql_sources import load_sql
from lakepact.plan.model import DatasetKind
from lakepact.sql import string
from lakepact.sql_text import TokenKind, join, name_parts, statements, string_value, tokenize

_SQL_LIKE = st.lists(
    st.sampled_from([*"'\"`\\;()<>,.=*-/ \n\t$rR", "/*", "*/", "--", "r'", "\\'", "``", "x", "1.5", "é", "\r\n"])
).map("".join)


@given(st.one_of(st.text(), _SQL_LIKE))
def test_tokens_joined_are_the_text(text: str) -> None:
    tokens = tokenize(text)
    assert join(tokens) == text
    lines = text.split("\n")
    for token in tokens:
        assert lines[token.line - 1][token.column - 1 :].startswith(token.text.split("\n")[0])


@given(st.text())
def test_a_quoted_string_is_one_token_and_keeps_its_value(value: str) -> None:
    tokens = tokenize(string(value))
    assert [token.kind for token in tokens] == [TokenKind.STRING]
    assert string_value(tokens) == value


@given(st.lists(st.text(min_size=1), min_size=1))
def test_quoted_names_keep_their_parts(parts: list[str]) -> None:
    assert name_parts(".".join("`" + part.replace("`", "``") + "`" for part in parts)) == tuple(parts)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("r'a\\' x", [TokenKind.STRING, TokenKind.SPACE, TokenKind.WORD]),
        ("'a\\' x'", [TokenKind.STRING]),
        ("/* a /* b */ c */x", [TokenKind.COMMENT, TokenKind.WORD]),
        ("-- a\\\nb\nc", [TokenKind.COMMENT, TokenKind.SPACE, TokenKind.WORD]),
        ("'open", [TokenKind.UNTERMINATED]),
        ("x /* open /* */", [TokenKind.WORD, TokenKind.SPACE, TokenKind.UNTERMINATED]),
        ("1.5e3 2L .5", [TokenKind.NUMBER, TokenKind.SPACE] * 2 + [TokenKind.NUMBER]),
    ],
)
def test_kinds_of_tokens(text: str, kinds: list[TokenKind]) -> None:
    assert [token.kind for token in tokenize(text)] == kinds


def test_statements_end_at_semicolons_outside_of_strings_and_comments() -> None:
    text = "-- first; \nSELECT ';' /* ; */ ;\n;SELECT `;`, r'\\';"
    assert [join(statement) for statement in statements(tokenize(text))] == ["SELECT ';'", "SELECT `;`, r'\\'"]


class Session:
    def sql(self, text: str) -> str:
        return text


def _load(text: str, **options: Any) -> Definitions:
    dp = PipelinesModule(spark=Session())
    load_sql(text, "a.sql", spark=Session(), module=dp, **options)
    return dp.definitions


def _one(text: str, **options: Any) -> DatasetDefinition:
    (dataset,) = _load(text, **options).datasets
    return dataset


def _text(dataset: DatasetDefinition) -> Any:
    assert dataset.query is not None
    return dataset.query()


def test_a_streaming_table_with_everything() -> None:
    dataset = _one("""
-- comment; with semicolon
CREATE OR REFRESH PRIVATE STREAMING TABLE main.sales.`my orders` (
  id BIGINT NOT NULL COMMENT 'the id',
  total DECIMAL(10, 2),
  tags MAP<STRING, ARRAY<STRUCT<a: INT, b: INT>>> COMMENT 'it''s',
  `odd name` STRING MASK mask_fn USING COLUMNS (id),
  CONSTRAINT `has id` EXPECT (id IS NOT NULL AND tags <> ')') ON VIOLATION FAIL UPDATE,
  CONSTRAINT positive EXPECT (total > 0) ON VIOLATION DROP ROW,
  CONSTRAINT big EXPECT (total < 100),
  CONSTRAINT pk PRIMARY KEY (id) RELY
)
PARTITIONED BY (id, `odd name`)
CLUSTER BY AUTO
COMMENT "orders"
TBLPROPERTIES ('quality' = 'silver', pipelines.reset.allowed = false, "n" 3)
SCHEDULE REFRESH CRON '0 0 * * * ?' AT TIME ZONE 'UTC'
WITH ROW FILTER f ON (id)
AS SELECT *, 'as' AS x FROM STREAM(raw)
""")
    assert (dataset.name, dataset.kind) == ("main.sales.`my orders`", DatasetKind.STREAMING_TABLE)
    assert dataset.place == SourcePlace("a.sql", 3)
    assert dataset.schema == (
        "`id` BIGINT COMMENT 'the id', `total` DECIMAL(10, 2), "
        "`tags` MAP<STRING, ARRAY<STRUCT<a: INT, b: INT>>> COMMENT 'it\\'s', `odd name` STRING"
    )
    assert dataset.expectations == (
        ExpectationDefinition("has id", "id IS NOT NULL AND tags <> ')'", ExpectationAction.FAIL),
        ExpectationDefinition("positive", "total > 0", ExpectationAction.DROP),
        ExpectationDefinition("big", "total < 100", ExpectationAction.WARN),
    )
    assert (dataset.partition_cols, dataset.cluster_by) == (("id", "odd name"), ())
    assert (dataset.comment, dataset.private) == ("orders", True)
    assert dataset.table_properties == {"quality": "silver", "pipelines.reset.allowed": "false", "n": "3"}
    assert dataset.ignored == {
        "columns": ("id NOT NULL", "odd name MASK mask_fn USING COLUMNS (id)"),
        "constraints": ("CONSTRAINT pk PRIMARY KEY (id) RELY",),
        "cluster_by_auto": True,
        "schedule": "REFRESH CRON '0 0 * * * ?' AT TIME ZONE 'UTC'",
        "row_filter": "f ON (id)",
    }
    assert _text(dataset) == "SELECT *, 'as' AS x FROM STREAM(raw)"


STREAMING, MATERIALIZED, VIEW = DatasetKind.STREAMING_TABLE, DatasetKind.MATERIALIZED_VIEW, DatasetKind.TEMPORARY_VIEW


@pytest.mark.parametrize(
    ("statement", "kind", "query"),
    [
        ("CREATE STREAMING TABLE IF NOT EXISTS t", STREAMING, None),
        ("CREATE OR REFRESH STREAMING TABLE t AS SELECT * FROM STREAM x", STREAMING, "SELECT * FROM STREAM x"),
        ("CREATE MATERIALIZED VIEW t AS WITH a AS (SELECT 1) SELECT * FROM a", MATERIALIZED, None),
        ("create or replace materialized view t cluster by (a) as select 1 as a", MATERIALIZED, "select 1 as a"),
        ("CREATE TEMPORARY VIEW t AS SELECT 1 -- end", VIEW, "SELECT 1"),
        ("CREATE TEMPORARY LIVE VIEW t AS SELECT 1", VIEW, "SELECT 1"),
        ("CREATE LIVE VIEW t AS SELECT 1", VIEW, "SELECT 1"),
        ("CREATE OR REFRESH LIVE TABLE t AS SELECT * FROM LIVE.x", MATERIALIZED, "SELECT * FROM x"),
        ("CREATE LIVE TABLE LIVE.t USING DELTA AS SELECT live.`x y`.a FROM live.`x y`", MATERIALIZED, None),
        (
            "CREATE OR REFRESH STREAMING LIVE TABLE t AS SELECT * FROM STREAM(LIVE.x)",
            STREAMING,
            "SELECT * FROM STREAM(x)",
        ),
    ],
)
def test_kinds_of_datasets(statement: str, kind: DatasetKind, query: str | None) -> None:
    dataset = _one(statement)
    assert (dataset.name, dataset.kind) == ("t", kind)
    if query is not None:
        assert _text(dataset) == query


def test_live_prefixes_go_and_names_with_live_inside_stay() -> None:
    dataset = _one("CREATE LIVE TABLE t AS SELECT live.`x y`.a, s.live.b, 'LIVE.x' FROM LIVE.`x y`, go.live.z")
    assert _text(dataset) == "SELECT `x y`.a, s.live.b, 'LIVE.x' FROM `x y`, go.live.z"


def test_temporary_live_tables_are_private() -> None:
    assert _one("CREATE TEMPORARY LIVE TABLE t AS SELECT 1").private
    assert not _one("CREATE TEMPORARY VIEW t AS SELECT 1").private


def test_columns_without_types_rename_the_query() -> None:
    dataset = _one("CREATE MATERIALIZED VIEW t (a COMMENT 'first', `b c`, CONSTRAINT x EXPECT (a > 0)) AS SELECT 1, 2")
    assert _text(dataset) == "SELECT * FROM (\nSELECT 1, 2\n) AS renamed(`a`, `b c`)"
    assert (dataset.schema, dataset.ignored) == (None, {"columns": ("a COMMENT 'first'",)})
    assert [expectation.name for expectation in dataset.expectations] == ["x"]


def test_settings_hold_for_what_follows() -> None:
    definitions = _load(
        """
CREATE MATERIALIZED VIEW a AS SELECT '${day}', '${pipeline}';
SET day = '2024-01-01';
SET spark.sql.shuffle.partitions = 8;
CREATE MATERIALIZED VIEW b AS SELECT '${day}' AS d, ${ pipeline } AS p, '${nobody}';
""",
        configuration={"pipeline": "7", "day": "never"},
    )
    a, b = definitions.datasets
    assert (_text(a), a.spark_conf) == ("SELECT 'never', '7'", {})
    assert _text(b) == "SELECT '2024-01-01' AS d, 7 AS p, '${nobody}'"
    assert b.spark_conf == {"day": "2024-01-01", "spark.sql.shuffle.partitions": "8"}


def test_append_flows() -> None:
    definitions = _load("""
CREATE STREAMING TABLE t;
CREATE FLOW f COMMENT 'x' AS INSERT INTO t BY NAME SELECT * FROM STREAM a;
CREATE FLOW old AS INSERT INTO ONCE s.t BY NAME SELECT * FROM b;
CREATE FLOW odd AS INSERT INTO once BY NAME SELECT * FROM STREAM b;
""")
    found = [(flow.name, flow.target, flow.once, flow.query(), flow.place.line) for flow in definitions.flows]
    assert found == [
        ("f", "t", False, "SELECT * FROM STREAM a", 3),
        ("old", "s.t", True, "SELECT * FROM b", 4),
        ("odd", "once", False, "SELECT * FROM STREAM b", 5),
    ]


def test_auto_cdc_flows() -> None:
    definitions = _load("""
CREATE FLOW f AS AUTO CDC INTO users FROM STREAM(cdc.feed)
KEYS (id, `region code`) WHERE region > 0 IGNORE NULL UPDATES
APPLY AS DELETE WHEN operation = 'DELETE' APPLY AS TRUNCATE WHEN operation IN ('TRUNCATE', 'X')
SEQUENCE BY struct(ts, n) COLUMNS * EXCEPT (operation, ts) STORED AS SCD TYPE 1;
APPLY CHANGES INTO LIVE.people FROM STREAM LIVE.feed KEYS (id) SEQUENCE BY ts
COLUMNS id, name STORED AS SCD TYPE 2 TRACK HISTORY ON * EXCEPT (name)
""")
    first, second = definitions.auto_cdc_flows
    assert first == AutoCdcFlow(
        name="f",
        target="users",
        source="cdc.feed",
        place=SourcePlace("a.sql", 2),
        keys=("id", "region code"),
        where="region > 0",
        ignore_null_updates=True,
        apply_as_deletes="operation = 'DELETE'",
        apply_as_truncates="operation IN ('TRUNCATE', 'X')",
        sequence_by="struct(ts, n)",
        except_column_list=("operation", "ts"),
    )
    assert second == AutoCdcFlow(
        name="people",
        target="people",
        source="feed",
        place=SourcePlace("a.sql", 6),
        keys=("id",),
        sequence_by="ts",
        column_list=("id", "name"),
        stored_as_scd_type=ScdType.SCD_2,
        track_history_except_column_list=("name",),
    )


class Reader:
    """Records how it is asked to read."""

    def __init__(self, kind: str, log: list[Any]) -> None:
        self.kind, self.log = kind, log

    def format(self, name: str) -> Reader:
        self.log.append((self.kind, name))
        return self

    def schema(self, text: str) -> Reader:
        self.log.append(text)
        return self

    def options(self, **options: str) -> Reader:
        self.log.append(options)
        return self

    def load(self, path: str) -> str:
        self.log.append(path)
        return "frame"


def test_read_files_becomes_a_view() -> None:
    definitions = _load("""
CREATE STREAMING TABLE t AS SELECT a.*, b.x
FROM STREAM read_files('/in', format => 'csv', header => true, schema => 'id INT, x STRING', maxFilesPerTrigger => 3) a
JOIN read_files(path => "/two.json", schema => 'x INT', multiLine => false) AS b;
""")
    table, first, second = definitions.datasets
    assert _text(table) == ("SELECT a.*, b.x\nFROM STREAM _lakepact_read_files_0 a\nJOIN _lakepact_read_files_1 AS b")
    assert [(view.name, view.kind) for view in (first, second)] == [
        ("_lakepact_read_files_0", DatasetKind.TEMPORARY_VIEW),
        ("_lakepact_read_files_1", DatasetKind.TEMPORARY_VIEW),
    ]
    assert first.place == SourcePlace("a.sql", 2)


def test_read_files_needs_a_running_pipeline() -> None:
    definitions = _load("CREATE MATERIALIZED VIEW t AS SELECT * FROM read_files('/in.csv')")
    with pytest.raises(ConfigurationError, match=r"^LP552: a.sql:1: read_files is only known while a pipeline runs"):
        _text(definitions.datasets[1])


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "USE CATALOG main",
            "LP545: a.sql:1:1: USE is not a statement of pipeline SQL\n  hint: possible are CREATE STREAMING TABLE, "
            "CREATE MATERIALIZED VIEW, CREATE TEMPORARY VIEW, CREATE FLOW, APPLY CHANGES INTO, SET",
        ),
        (
            "CREATE  TABLE t (id INT)",
            "LP545: a.sql:1:9: CREATE TABLE is not a statement of pipeline SQL\n  hint: possible are CREATE STREAMING "
            "TABLE, CREATE MATERIALIZED VIEW, CREATE TEMPORARY VIEW, CREATE FLOW, APPLY CHANGES INTO, SET",
        ),
        (
            "CREATE VIEW v AS SELECT 1",
            "LP546: a.sql:1:8: CREATE VIEW is not supported on this machine\n  hint: use CREATE TEMPORARY VIEW",
        ),
        ("CREATE LIVE TABLE t\nAS", "LP545: a.sql:2:3: something is missing here"),
        ("CREATE LIVE TABLE t", "LP545: a.sql:1:20: AS and a query must come here, but the statement ends"),
        ("CREATE STREAMING TABLE 'x'", "LP545: a.sql:1:24: a name must come here"),
        (
            "CREATE LIVE TABLE t ORDER BY x",
            "LP545: a.sql:1:21: ORDER is not a clause of pipeline SQL\n  hint: possible are PARTITIONED BY, "
            "CLUSTER BY, COMMENT, TBLPROPERTIES, SCHEDULE, TRIGGER, WITH ROW FILTER, AS query",
        ),
        (
            "CREATE STREAMING TABLE t (\n  CONSTRAINT a EXPECT (x > 0) ON VIOLATION IGNORE)",
            "LP545: a.sql:2:44: after ON VIOLATION comes DROP ROW or FAIL UPDATE",
        ),
        (
            "CREATE STREAMING TABLE t (CONSTRAINT a EXPECT x > 0)",
            "LP545: a.sql:1:47: ( must come here, not x",
        ),
        ("CREATE STREAMING TABLE t (a INT, b)", "LP545: a.sql:1:36: either all columns have types, or none has"),
        ("CREATE STREAMING TABLE t (a INT", "LP545: a.sql:1:26: this parenthesis is never closed"),
        ("CREATE LIVE TABLE t AS SELECT 'x", "LP545: a.sql:1:31: this string is never closed"),
        ("CREATE LIVE TABLE t AS SELECT 1 /* x", "LP545: a.sql:1:33: this comment is never closed"),
        ("SET x", "LP545: a.sql:1:6: = must come here, but the statement ends"),
        ("CREATE FLOW f AS SELECT 1", "LP545: a.sql:1:18: INSERT must come here, not SELECT"),
        ("CREATE FLOW f AS INSERT INTO t SELECT 1", "LP545: a.sql:1:32: BY NAME must come here, not SELECT"),
        (
            "CREATE FLOW f AS AUTO CDC INTO t FROM STREAM s KEYS (id)",
            "LP545: a.sql:1:57: AUTO CDC needs KEYS (...) and SEQUENCE BY",
        ),
        (
            "CREATE LIVE TABLE t AS SELECT * FROM read_files('x', format => upper('a'))",
            "LP545: a.sql:1:64: the value of an option of read_files must be a string, a number, true or false",
        ),
        (
            "CREATE LIVE TABLE t AS SELECT * FROM cloud_files('x', 'csv')",
            "LP546: a.sql:1:38: cloud_files is not supported on this machine\n"
            "  hint: write STREAM read_files('path', format => '...')",
        ),
    ],
)
def test_refused_statements(statement: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message.splitlines()[0])}") as caught:
        _load(statement)
    assert str(caught.value) == message


def test_all_faults_of_a_file_come_together() -> None:
    with pytest.raises(ConfigurationError, match=r"^LP542: 2 faults in a\.sql") as caught:
        _load("DROP TABLE a;\nCREATE LIVE TABLE t AS SELECT 1;\nINSERT INTO t VALUES (1)")
    assert [(problem.line, problem.column) for problem in caught.value.problems] == [(1, 1), (3, 1)]


def test_names_are_defined_once_in_python_and_sql() -> None:
    with pytest.raises(ConfigurationError, match=r"^LP523: a\.sql:2: dataset 'T' is .* first at a\.sql:1"):
        _load("CREATE LIVE TABLE t AS SELECT 1;\nCREATE LIVE VIEW T AS SELECT 1")
