"""Digests of queries and of files: equal for what is equal, and only for that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakepact.local.fingerprints import covering, files_state, local_path, query_facts

proto: Any = pytest.importorskip("pyspark.sql.connect.proto")


def sql(text: str) -> Any:
    return proto.Relation(sql=proto.SQL(query=text))


def column(name: str, plan: int) -> Any:
    return proto.Expression(
        unresolved_attribute=proto.Expression.UnresolvedAttribute(unparsed_identifier=name, plan_id=plan)
    )


def join(*, left: int, right: int, of: int) -> Any:
    """Two tables, numbered as a session may number them, and a column of one of them."""
    tables = [
        proto.Relation(
            common=proto.RelationCommon(plan_id=plan),
            read=proto.Read(named_table=proto.Read.NamedTable(unparsed_identifier=name)),
        )
        for name, plan in (("a", left), ("b", right))
    ]
    joined = proto.Relation(join=proto.Join(left=tables[0], right=tables[1], join_type=1))
    return proto.Relation(project=proto.Project(input=joined, expressions=[column("id", of)]))


def test_the_numbers_of_plans_do_not_count_but_what_they_refer_to_does() -> None:
    first, later = join(left=1, right=2, of=1), join(left=71, right=75, of=71)
    other = join(left=1, right=2, of=2)
    digests = [query_facts(plan, prefix="x:").digest for plan in (first, later, other)]  # type: ignore[union-attr]
    assert digests[0] == digests[1] != digests[2]


def test_the_prefix_of_a_run_does_not_count() -> None:
    facts = [query_facts(sql(f"SELECT '{run}:a'"), prefix=f"{run}:") for run in ("one", "two")]
    assert facts[0] == facts[1]
    assert facts[0] != query_facts(sql("SELECT 'b'"), prefix="one:")


@pytest.mark.parametrize(
    ("text", "moving"),
    [
        ("SELECT DATE '2020-01-01', TIMESTAMP ' 2020-01-01', DATE r'2020-01-01'", False),
        ("SELECT typeof(x) IN ('date', 'timestamp'), date AS time FROM t -- today's", False),
        ("SELECT DATE 'today'", True),
        ('SELECT DATE /* x */ -- y\n "Today"', True),
        (r"SELECT timestamp_ntz '\u006eow'", True),
        ("SELECT DATE '' 'now'", True),
        ("SELECT to_date(' yesterday UTC')", True),
        ("SELECT * FROM identifier ('a' || 'b')", True),
        ("SELECT identifier FROM t", False),
        ("SELECT '${spark.app.id}'", True),
        ("SELECT 'today", True),
    ],
)
def test_text_that_means_something_else_another_day_is_known(text: str, moving: bool) -> None:
    facts = query_facts(sql(text), prefix="x:")
    assert facts is not None
    assert facts.moving is moving


def test_a_query_says_what_it_reads() -> None:
    source = proto.Read.DataSource(format="csv", paths=["/data/a"], options={"header": "true"})
    facts = query_facts(proto.Relation(read=proto.Read(data_source=source)), prefix="x:")
    assert facts is not None
    assert (facts.paths, facts.known_sources) == (("/data/a",), True)
    kafka = query_facts(proto.Relation(read=proto.Read(data_source=proto.Read.DataSource(format="kafka"))), prefix="x:")
    assert kafka is not None
    assert not kafka.known_sources
    table = query_facts(join(left=1, right=2, of=1), prefix="x:")
    assert table is not None
    assert {"a", "b", "id"} <= table.words


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/data/a", "/data/a"),
        ("file:/data/../a", "/a"),
        ("file:///data/a%20b", "/data/a%20b"),
        ("/data/year=*/x", "/data"),
        ("/*", "/"),
        ("data/a", None),
        ("s3://bucket/a", None),
        ("file://host/a", None),
        ("dbfs:/a", None),
    ],
)
def test_paths_of_this_machine(written: str, path: str | None) -> None:
    assert local_path(written) == path


def test_a_folder_covers_what_lies_in_it() -> None:
    assert covering("/data/a/b", ["/dat", "/data/a"]) == "/data/a"
    assert covering("/data/ab", ["/data/a"]) is None
    assert covering("/a", ["/"]) == "/"


def rewrite(path: Path) -> None:
    """Other content of the same size, with the times of the old."""
    status = path.stat()
    path.write_text("b")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


FILE_CHANGES: dict[str, Callable[[Path], Any]] = {
    "touched": lambda root: (root / "in" / "a").touch(),
    "rewritten with old times": lambda root: rewrite(root / "in" / "a"),
    "longer": lambda root: (root / "in" / "a").write_text("aa"),
    "another": lambda root: (root / "in" / "c").write_text("a"),
    "hidden": lambda root: (root / "_c").write_text("a"),
    "renamed": lambda root: (root / "in" / "a").rename(root / "in" / "z"),
    "gone": lambda root: (root / "in" / "a").unlink(),
    "all gone": shutil.rmtree,
}


@pytest.mark.parametrize("change", FILE_CHANGES)
def test_each_change_of_files_changes_their_state(tmp_path: Path, change: str) -> None:
    root = tmp_path / "data"
    (root / "in").mkdir(parents=True)
    (root / "in" / "a").write_text("a")
    before = files_state(str(root))
    assert before == files_state(str(root))
    FILE_CHANGES[change](root)
    assert files_state(str(root)) != before


def test_a_linked_folder_has_no_state(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    assert files_state(str(tmp_path / "data")) is None
