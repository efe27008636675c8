"""Datasets and expectations of pipeline sources in Python, read from their syntax tree; nothing is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from lakepact.contract.model import Place
from lakepact.convert.building import Losses
from lakepact.convert.column_types import DeclaredColumn, read_json_type
from lakepact.convert.lakeflow_model import Dataset
from lakepact.convert.lakeflow_sql import column_items
from lakepact.convert.python_values import StaticValues, Unreadable, call_name
from lakepact.convert.reading import not_readable
from lakepact.convert.row_demands import RowDemand
from lakepact.sql_text import split_at_commas, tokenize

__all__ = ["python_datasets"]

_MODULES = {"dlt", "pyspark.pipelines"}
_DATASETS = {
    "table": "table",
    "create_table": "table",
    "materialized_view": "materialized view",
    "view": "view",
    "temporary_view": "view",
    "create_view": "view",
}
_STREAMING = {"create_streaming_table", "create_streaming_live_table", "create_target_table"}
_ONE = {"expect": "warn", "expect_or_drop": "drop", "expect_or_fail": "fail"}
_ALL = {"expect_all": "warn", "expect_all_or_drop": "drop", "expect_all_or_fail": "fail"}
# Arguments of a dataset that say how it is run, which is no matter of a contract.
_RUNNING = {"spark_conf", "refresh_policy", "cluster_by_auto", "temporary", "private", "format"}


def python_datasets(text: str, file: str, losses: Losses) -> list[Dataset]:
    """The datasets that the functions and calls of `text` define.

    Raises ConfigurationError (LP820) for text that is not Python.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        place = Place("", error.lineno or 0, error.offset or 0)
        raise not_readable(str(error.msg), file=file, what="Python", place=place) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise not_readable(str(error) or type(error).__name__, file=file, what="Python") from error
    return _Module(tree, losses).datasets()


class _Module:
    def __init__(self, tree: ast.Module, losses: Losses) -> None:
        self._tree = tree
        self._values = StaticValues(tree)
        self._losses = losses
        self._modules: set[str] = set()
        self._functions: dict[str, str] = {}
        for node in ast.walk(tree):
            self._imported(node)

    def _imported(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in _MODULES:
                    self._modules.add(alias.asname or alias.name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if f"{node.module}.{alias.name}" in _MODULES:
                    self._modules.add(alias.asname or alias.name)
                elif node.module in _MODULES:
                    self._functions[alias.asname or alias.name] = alias.name

    def _api(self, node: ast.expr) -> str:
        """The name in the API that is called or decorated with; '' for anything else."""
        *module, name = call_name(node)
        if not module:
            return self._functions.get(name, "")
        return name if ".".join(module) in self._modules else ""

    def datasets(self) -> list[Dataset]:
        found: list[Dataset] = []
        for node in ast.walk(self._tree):
            dataset = None
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                dataset = self._decorated(node)
            elif isinstance(node, ast.Call) and self._api(node) in _STREAMING:
                dataset = self._created(node)
            if dataset is None:
                continue
            if any(other.name.casefold() == dataset.name.casefold() for other in found):
                self._losses.lost(f"{dataset.name} is defined again; the first definition is taken", dataset.place)
            else:
                found.append(dataset)
        return sorted(found, key=lambda dataset: (dataset.place.line, dataset.place.column))

    def _decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Dataset | None:
        decorators = [(self._api(decorator), decorator) for decorator in node.decorator_list]
        maker = next(((name, each) for name, each in decorators if name in _DATASETS), None)
        expectations = [(name, each) for name, each in decorators if name in _ONE or name in _ALL]
        if maker is None:
            for name, each in expectations:
                self._losses.lost(f"{name} decorates {node.name}, which is no dataset", _place(each))
            return None
        arguments = _keywords(maker[1])
        dataset = self._dataset(arguments, node.name, _DATASETS[maker[0]], _place(maker[1]))
        if dataset is None:
            return None
        if not dataset.comment and (documentation := ast.get_docstring(node)):
            dataset.comment = documentation
        for name, each in expectations:
            dataset.demands += self._demands(name, each)
        return dataset if dataset.kind != "view" or dataset.demands else None

    def _created(self, node: ast.Call) -> Dataset | None:
        arguments = _keywords(node)
        if node.args:
            arguments.setdefault("name", node.args[0])
        dataset = self._dataset(arguments, "", "table", _place(node))
        if dataset is None:
            return None
        for name, action in _ALL.items():
            if name in arguments:
                dataset.demands += self._all(arguments[name], action, node)
        return dataset

    def _dataset(self, arguments: Mapping[str, ast.expr], default: str, kind: str, place: Place) -> Dataset | None:
        read = {name: self._read(name, node, default, place) for name, node in arguments.items()}
        name = read.get("name") or ("" if "name" in arguments else default)
        if not isinstance(name, str) or not name:
            self._losses.lost("a dataset whose name is computed", place, hint="its expectations are not read")
            return None
        dataset = Dataset(name=name, kind=kind, place=place, comment=_text(read.get("comment")))
        self._schema(dataset, read.get("schema"), place)
        for key, names in (("partition_cols", "partitions"), ("cluster_by", "clusters")):
            value = read.get(key)
            if isinstance(value, list):
                setattr(dataset, names, tuple(str(entry) for entry in value))
        properties = read.get("table_properties")
        if isinstance(properties, Mapping):
            dataset.properties |= {str(key): str(value) for key, value in properties.items()}
        if read.get("private") or read.get("temporary"):
            dataset.properties["lakeflow.private"] = True
        dataset.properties |= {"lakepact.rowFilter": read["row_filter"]} if read.get("row_filter") else {}
        if read.get("path"):
            dataset.properties["lakepact.location"] = read["path"]
        return dataset

    def _read(self, name: str, node: ast.expr, default: str, place: Place) -> Any:
        if name in _ALL or name in _RUNNING - {"private", "temporary"}:
            return None
        try:
            return self._values.value(node)
        except Unreadable as error:
            self._losses.lost(f"{default or 'a dataset'}: {name}: {error}", _place(node) if node.lineno else place)
            return None

    def _schema(self, dataset: Dataset, value: Any, place: Place) -> None:
        if isinstance(value, str):
            column_items(split_at_commas(tokenize(value, line=place.line, column=place.column)), dataset, self._losses)
        elif isinstance(value, Mapping) and isinstance(value.get("fields"), list):
            fields = [field for field in value["fields"] if isinstance(field, Mapping) and field.get("name")]
            dataset.columns = tuple(map(_column, fields))
        elif value is not None:
            self._losses.lost(f"{dataset.name}: its schema is no list of columns", place)

    def _demands(self, name: str, node: ast.expr) -> Iterator[RowDemand]:
        words = _keywords(node)
        positional = node.args if isinstance(node, ast.Call) else []
        if name in _ALL:
            expectations = positional[0] if positional else words.get("expectations")
            yield from self._all(expectations, _ALL[name], node)
            return
        title = positional[0] if positional else words.get("name") or words.get("description")
        predicate = positional[1] if len(positional) > 1 else words.get("inv") or words.get("expectation")
        try:
            if title is None or predicate is None:
                raise Unreadable("a name and a predicate are needed")
            yield RowDemand(
                name=self._values.text(title),
                predicate=self._values.text(predicate),
                action=_ONE[name],
                place=_place(node),
            )
        except Unreadable as error:
            self._losses.lost(f"an expectation: {error}", _place(node))

    def _all(self, node: ast.expr | None, action: str, at: ast.expr) -> Iterator[RowDemand]:
        try:
            found = self._values.value(node) if node is not None else None
        except Unreadable as error:
            self._losses.lost(f"expectations: {error}", _place(at))
            return
        for name, predicate in found.items() if isinstance(found, Mapping) else ():
            if isinstance(predicate, str):
                yield RowDemand(name=str(name), predicate=predicate, action=action, place=_place(node or at))
            else:
                self._losses.lost(f"expectation {name}: the predicate is not text", _place(node or at))


def _keywords(node: ast.expr) -> dict[str, ast.expr]:
    words = node.keywords if isinstance(node, ast.Call) else []
    return {word.arg: word.value for word in words if word.arg}


def _place(node: ast.expr) -> Place:
    return Place("", node.lineno, node.col_offset + 1)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _column(field: Mapping[str, Any]) -> DeclaredColumn:
    given = field.get("metadata")
    metadata = given if isinstance(given, Mapping) else {}
    return DeclaredColumn(
        name=str(field["name"]),
        type=read_json_type(field.get("type"), metadata),
        required=field.get("nullable") is False,
        comment=_text(metadata.get("comment")),
    )
