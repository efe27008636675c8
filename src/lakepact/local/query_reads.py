"""What a query has read, from the plan that Spark made of it: only where every part of the plan is understood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["QueryReads", "TableRead", "reads_of"]

_CATALYST = "org.apache.spark.sql.catalyst."
_EXPRESSIONS = f"{_CATALYST}expressions."
_CLASS = re.compile(r'"class":"([\w.$]+)"')
_NODES = frozenset(
    f"{_CATALYST}plans.logical.{name}"
    for name in (
        *("Aggregate", "CTERelationDef", "CTERelationRef", "CollectMetrics", "Deduplicate", "Distinct", "Except"),
        *("Expand", "Filter", "Generate", "GlobalLimit", "Intersect", "Join", "LateralJoin", "LocalLimit"),
        *("LocalRelation", "Offset", "OneRowRelation", "Project", "Range", "RebalancePartitions", "Repartition"),
        *("RepartitionByExpression", "ResolvedHint", "Sort", "SubqueryAlias", "Union", "Window", "WithCTE"),
    )
) | {"org.apache.spark.sql.execution.datasources.LogicalRelation"}
# Functions of the user, and what a session can set without that the query changes.
_FOREIGN = frozenset(
    _EXPRESSIONS + name
    for name in (
        *("ApplyFunctionExpression", "CallMethodViaReflection", "PythonUDAF", "PythonUDF", "PythonUDTF", "ScalaUDF"),
        *("SQLFunctionExpression", "SQLScalarFunction", "VariableReference", "aggregate.V2Aggregator"),
    )
)
_MOVING_PATTERNS = (
    *("CURRENT_LIKE", "EXPRESSION_WITH_RANDOM_SEED", "PYTHON_UDF", "SCALA_UDF", "SQL_FUNCTION_EXPRESSION"),
    *("SQL_SCALAR_FUNCTION", "VARIABLE_REFERENCE", "CURSOR_REFERENCE"),
)
_FILES = "org.apache.spark.sql.execution.datasources.InMemoryFileIndex"
_DELTA = "org.apache.spark.sql.delta.files.TahoeLogFileIndex"


@dataclass(frozen=True, slots=True)
class TableRead:
    """A Delta table: its folder, and its version when the query was analysed (it may have read a newer one)."""

    folder: str
    version: int


@dataclass(frozen=True, slots=True)
class QueryReads:
    """The Delta tables, and the files and folders of other formats, that a query read."""

    tables: tuple[TableRead, ...]
    files: tuple[str, ...]


def reads_of(classic: Any, plan: Any) -> QueryReads | None:
    """What the analysed `plan` reads; None where it would give other rows another time, or is not understood.

    Understood is what the lists of this module name, on Delta tables of this machine without time travel and on files
    of this machine.
    """
    from py4j.protocol import Py4JError

    try:
        plans = [plan, *_elements(plan.subqueriesAll())]
        if not all(_is_steady(classic, each) for each in plans):
            return None
        sources = [_source(leaf) for each in plans for leaf in _elements(each.collectLeaves()) if _is_relation(leaf)]
    except Py4JError:
        return None
    if None in sources:
        return None
    tables = tuple(dict.fromkeys(source for source in sources if isinstance(source, TableRead)))
    files = tuple(dict.fromkeys(path for source in sources if isinstance(source, tuple) for path in source))
    return QueryReads(tables, files)


def _is_steady(classic: Any, plan: Any) -> bool:
    catalyst = classic._jvm.org.apache.spark.sql.catalyst
    patterns = catalyst.trees.TreePattern
    if not plan.deterministic() or any(plan.containsPattern(getattr(patterns, name)()) for name in _MOVING_PATTERNS):
        return False
    # `to_date('today')`: the optimiser puts the date of the day there.
    replaced = catalyst.optimizer.ReplaceExpressions.apply(plan)
    if not catalyst.optimizer.SpecialDatetimeValues.apply(replaced).equals(replaced):
        return False
    classes = set(_CLASS.findall(plan.toJSON()))
    return all(name in _NODES or name.startswith(_EXPRESSIONS) for name in classes) and not classes & _FOREIGN


def _is_relation(leaf: Any) -> bool:
    return str(leaf.nodeName()) == "LogicalRelation"


def _source(leaf: Any) -> TableRead | tuple[str, ...] | None:
    # A relation without a location, of a database for example, has no such method: that is a Py4JError.
    location = leaf.relation().location()
    kind = str(location.getClass().getName())
    if kind == _FILES:
        uris = [path.toUri() for path in _elements(location.rootPaths())]
        return tuple(str(uri.getPath()) for uri in uris) if all(map(_is_local, uris)) else None
    if kind == _DELTA and not location.versionToUse().isDefined():
        uri = location.path().toUri()
        snapshot = location.snapshotAtAnalysis()
        return TableRead(str(uri.getPath()), int(snapshot.version())) if _is_local(uri) else None
    return None


def _is_local(uri: Any) -> bool:
    return uri.getScheme() in {None, "file"} and not uri.getHost()


def _elements(sequence: Any) -> Iterator[Any]:
    return (sequence.apply(index) for index in range(sequence.size()))
