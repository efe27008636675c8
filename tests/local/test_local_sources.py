"""Loading sources: what they import, what is left behind, and how their errors read."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lakepact.errors import ConfigurationError
from lakepact.local.definitions import Definitions
from lakepact.local.dp import PipelinesModule
from lakepact.local.sources import SourceFile, load_sources


class Session:
    """Answers like a session: the SQL text it was asked for."""

    def sql(self, text: str) -> str:
        return text


def _load(*files: SourceFile, **options: Any) -> Definitions:
    return load_sources(files, spark=Session(), module=PipelinesModule(), **options)


def _names(definitions: Definitions) -> list[str]:
    return [dataset.name for dataset in definitions.datasets]


def test_every_way_to_import_the_api_records() -> None:
    source = """
from pyspark import pipelines as dp
import pyspark.pipelines as sdp
import pyspark.pipelines
import dlt
from dlt import *
from pyspark.pipelines import table as t

@dp.table
def a(): return spark.sql("A")
@sdp.materialized_view
def b(): return spark.sql("B")
@pyspark.pipelines.table
def c(): return spark.sql("C")
@dlt.view
@expect_or_drop("x", "y > 0")
def d(): return spark.sql("D")
@t
def e(): return spark.sql("E")
"""
    definitions = _load(SourceFile("pipelines/all.py", source))
    assert _names(definitions) == ["a", "b", "c", "d", "e"]
    assert [dataset.query() for dataset in definitions.datasets if dataset.query] == ["A", "B", "C", "D", "E"]
    assert str(definitions.datasets[0].place) == "pipelines/all.py:9"
    assert definitions.datasets[3].expectations[0].name == "x"


@pytest.mark.parametrize("fault", ["", "raise ValueError('x')"])
def test_nothing_stays_behind(fault: str, tmp_path: Path) -> None:
    import pyspark
    import pyspark.pipelines as real

    (tmp_path / "shared_columns.py").write_text("COLUMN = 'id'\n")
    modules, path, finders = set(sys.modules), list(sys.path), list(sys.meta_path)
    source = "import dlt, shared_columns\nassert type(dlt).__name__ == 'PipelinesModule'\n" + fault
    file = SourceFile(str(tmp_path / "one.py"), source)
    if fault:
        with pytest.raises(ConfigurationError, match="ValueError: x"):
            _load(file)
    else:
        _load(file)
    assert sys.modules["pyspark.pipelines"] is real
    assert pyspark.pipelines is real
    assert (set(sys.modules) - modules, sys.path, sys.meta_path) == (set(), path, finders)


def test_sources_import_each_other_once() -> None:
    first = "from second import LIMIT\nfrom pyspark import pipelines as dp\n@dp.table\ndef a(): return LIMIT\n"
    second = "from pyspark import pipelines as dp\nLIMIT = 3\nspark\n@dp.table\ndef b(): return LIMIT\n"
    definitions = _load(SourceFile("p/first.py", first), SourceFile("p/second.py", second))
    assert _names(definitions) == ["b", "a"]


def test_sources_of_the_same_name_and_of_the_names_of_modules() -> None:
    source = "from pyspark import pipelines as dp\n@dp.table(name={!r})\ndef t(): ...\n"
    paths = ["bronze/orders.py", "silver/orders.py", "json.py", "01-load.py"]
    definitions = _load(*(SourceFile(path, source.format(path)) for path in paths))
    assert _names(definitions) == paths


def test_modules_below_the_root_and_imports_inside_of_queries(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "limits.py").write_text("LIMIT = 7\n")
    (tmp_path / "late.py").write_text("LIMIT = 8\n")
    source = """
from pyspark import pipelines as dp
from rules.limits import LIMIT
@dp.table
def a():
    import late, rules.limits as again
    from pyspark import pipelines
    return (LIMIT, late.LIMIT, again.LIMIT, pipelines is dp)
dp.create_streaming_table("s")
@dp.append_flow(target="s")
def flow():
    import late
    return late.LIMIT
"""
    definitions = _load(SourceFile("a.py", source), root=tmp_path)
    query = definitions.datasets[0].query
    assert query is not None
    assert query() == (7, 8, 7, True)
    assert definitions.flows[0].query() == 8
    assert "late" not in sys.modules


def test_loading_happens_inside_of_the_given_context() -> None:
    seen: list[str] = []

    @contextmanager
    def around() -> Iterator[None]:
        seen.append("before")
        yield
        seen.append("after")

    class Recording(Session):
        def table(self, name: str) -> None:
            seen.append(name)

    load_sources([SourceFile("a.py", "spark.table('t')")], spark=Recording(), module=PipelinesModule(), around=around)
    assert seen == ["before", "t", "after"]


def test_sql_sources_are_loaded_in_their_place() -> None:
    python = "from pyspark import pipelines as dp\n@dp.table\ndef a(): ...\n"
    definitions = _load(
        SourceFile("a.py", python), SourceFile("b.sql", "CREATE MATERIALIZED VIEW b AS SELECT 1", "sql")
    )
    assert _names(definitions) == ["a", "b"]


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("x = 1\nif x\n", "LP540: a.py:2:5: expected ':'", ""),
        ("\nraise ValueError('no\\nmore')", "LP541: a.py:2: ValueError: no", ""),
        ("def f():\n    1 / 0\nf()", "LP541: a.py:2: ZeroDivisionError: division by zero", ""),
        (
            "import json\njson.loads('')",
            "LP541: a.py:2: JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
            "",
        ),
        ("import nowhere", "LP541: a.py:1: ModuleNotFoundError: No module named 'nowhere'", ""),
        ("raise SystemExit", "LP541: a.py:1: SystemExit", ""),
        (
            "dbutils.widgets",
            "LP541: a.py:1: NameError: name 'dbutils' is not defined",
            "dbutils does not exist on this machine; read settings with spark.conf.get",
        ),
        (
            "import dlt\ndlt.tabel",
            "LP541: a.py:2: AttributeError: module 'pyspark.pipelines' has no attribute 'tabel'",
            "",
        ),
        ("import dlt\n\ndlt.table(nam='x')", "LP520: a.py:3: table has no argument 'nam'", "did you mean name?"),
    ],
)
def test_errors_in_a_source(source: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}") as caught:
        _load(SourceFile("a.py", source))
    assert str(caught.value) == message + (f"\n  hint: {hint}" if hint else "")


def test_errors_of_all_sources_come_together() -> None:
    files = [
        SourceFile("a.py", "x ="),
        SourceFile("b.py", "import dlt\ndlt.foreach_batch_sink()"),
        SourceFile("c.sql", "DROP TABLE x; CREATE LIVE TABLE t", "sql"),
    ]
    with pytest.raises(ConfigurationError, match=r"^LP542: 4 faults in the sources") as caught:
        _load(*files)
    places = [(problem.code, problem.file, problem.line, problem.column) for problem in caught.value.problems]
    assert places == [
        ("LP540", "a.py", 1, 4),
        ("LP521", "b.py", 2, 0),
        ("LP545", "c.sql", 1, 1),
        ("LP545", "c.sql", 1, 34),
    ]
    assert caught.value.problems[1].message == "foreach_batch_sink is not supported on this machine"
