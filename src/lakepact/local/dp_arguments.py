"""The arguments of Databricks' pipeline API: their names, and the checks as they are taken from a call."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypedDict

from lakepact.errors import ConfigurationError
from lakepact.local.column_sql import NoSqlText, column_name, column_sql
from lakepact.local.definitions import (
    AutoCdcFlow,
    DatasetDefinition,
    ExpectationAction,
    ExpectationDefinition,
    QueryFunction,
    ScdType,
    SourcePlace,
)
from lakepact.plan.model import DatasetKind

__all__ = [
    "AutoCdcOptions",
    "Call",
    "Mark",
    "StreamingTableOptions",
    "TableOptions",
    "ViewOptions",
    "wrong_call",
]

_WITHOUT_EFFECT = (
    "auto_ttl",
    "cluster_by_auto",
    "format",
    "import_checkpoint",
    "path",
    "refresh_policy",
    "replace_where",
    "row_filter",
)


class ViewOptions(TypedDict, total=False):
    """Arguments of `temporary_view` and `view`."""

    name: str | None
    comment: str | None
    spark_conf: Mapping[str, str] | None


class _StoredOptions(TypedDict, total=False):
    comment: str | None
    spark_conf: Mapping[str, str] | None
    table_properties: Mapping[str, str] | None
    path: str | None
    partition_cols: Sequence[str] | None
    cluster_by: Sequence[str] | None
    cluster_by_auto: bool | None
    schema: Any
    row_filter: str | None
    private: bool | None
    format: str | None


class TableOptions(_StoredOptions, total=False):
    """Arguments of `table` and `materialized_view`; `format` is open-source Spark's, `temporary` is `dlt`'s."""

    name: str | None
    temporary: bool | None
    refresh_policy: str | None
    replace_where: str | None
    auto_ttl: Any
    import_checkpoint: Any


class StreamingTableOptions(_StoredOptions, total=False):
    """Arguments of `create_streaming_table` beside the name. The `expect_all` kinds take `{name: constraint}`."""

    expect_all: Mapping[str, Any] | None
    expect_all_or_drop: Mapping[str, Any] | None
    expect_all_or_fail: Mapping[str, Any] | None


class AutoCdcOptions(TypedDict, total=False):
    """Optional arguments of `create_auto_cdc_flow`; columns are names or `Column`s, conditions also SQL text."""

    where: Any
    ignore_null_updates: bool
    apply_as_deletes: Any
    apply_as_truncates: Any
    column_list: Sequence[Any] | None
    except_column_list: Sequence[Any] | None
    stored_as_scd_type: int | str | None
    track_history_column_list: Sequence[Any] | None
    track_history_except_column_list: Sequence[Any] | None
    name: str | None
    flow_name: str | None
    once: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """An expectation that waits on its function for the dataset decorator above it."""

    expectation: ExpectationDefinition
    place: SourcePlace


class Call:
    """One call of the API: where it stands, and its arguments, checked as they are taken."""

    def __init__(self, method: str, place: SourcePlace, options: Mapping[str, Any], known: frozenset[str]):
        """Raises LP520 for an option that is not in `known`."""
        self.method, self.place, self.options = method, place, options
        for name in options:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else "known are: " + ", ".join(sorted(known))
                self.fail(f"{method} has no argument {name!r}", hint)

    def fail(self, message: str, hint: str = "") -> NoReturn:
        """Raise LP520 at this call."""
        raise wrong_call(self.place, message, hint)

    def _typed(self, name: str, kind: type | tuple[type, ...], words: str) -> Any:
        value = self.options.get(name)
        if value is not None and not isinstance(value, kind):
            self.fail(f"{self.method}: {name} must be {words}, not {type(value).__name__}")
        return value

    def text(self, name: str) -> str | None:
        """A string, or None where it is not given."""
        value: str | None = self._typed(name, str, "a string")
        return value

    def required_text(self, name: str) -> str:
        """A string that must be there."""
        return self.text(name) or self.fail(f"{self.method}: {name} is missing")

    def flag(self, name: str) -> bool:
        """A truth value; False where it is not given."""
        return bool(self._typed(name, bool, "True or False"))

    def mapping(self, name: str, *, text: bool = True) -> dict[str, Any]:
        """A dictionary, by default with its values as text."""
        value = self._typed(name, Mapping, "a dictionary") or {}
        return {str(key): _property(item) if text else item for key, item in value.items()}

    def columns(self, name: str) -> tuple[str, ...]:
        """Plain names of columns, given as strings or columns."""
        value = self._typed(name, (list, tuple), "a list of columns") or ()
        try:
            return tuple(column_name(column) for column in value)
        except NoSqlText as error:
            self.fail(f"{self.method}: {name}: {error}", "give the name of the column as a string")

    def expression(self, name: str) -> str | None:
        """SQL text, given as text or as a column."""
        value = self.options.get(name)
        try:
            return None if value is None else column_sql(value)
        except NoSqlText as error:
            self.fail(f"{self.method}: {name}: {error}", "give the expression as SQL text")

    def mark(self, name: str, constraint: Any, action: ExpectationAction) -> Mark:
        """An expectation of this call."""
        if not isinstance(name, str) or not name:
            self.fail(f"{self.method}: the name of an expectation must be a string that is not empty")
        try:
            text = column_sql(constraint)
        except NoSqlText as error:
            self.fail(f"{self.method}: expectation {name!r}: {error}", "give the constraint as SQL text")
        return Mark(ExpectationDefinition(name, text, action), self.place)

    def check_query(self, query: object) -> None:
        """Raises LP520 unless `query` can be called without arguments."""
        if query is None:
            self.fail(f"{self.method} stands above a decorator that returned nothing", "a function is one dataset only")
        if not callable(query):
            hint = f"write @dp.{self.method}(name=...) above a function"
            self.fail(f"{self.method} decorates a function, not {type(query).__name__}", hint)
        needed = [name for name, parameter in _parameters(query) if parameter.default is parameter.empty]
        if needed:
            self.fail(f"the query function takes no arguments, this one needs {', '.join(needed)}")

    def function_name(self, query: object) -> str:
        """The name of the function, which names its dataset or flow."""
        name = str(getattr(query, "__name__", ""))
        return name if name.isidentifier() else self.fail(f"{self.method}: the function has no name, so give name=...")

    def dataset(
        self, kind: DatasetKind, name: str, query: QueryFunction | None, marks: Iterable[Mark]
    ) -> DatasetDefinition:
        """This call as a dataset."""
        return DatasetDefinition(
            name=name,
            kind=kind,
            place=self.place,
            query=query,
            comment=self.text("comment"),
            expectations=tuple(mark.expectation for mark in marks),
            spark_conf=self.mapping("spark_conf"),
            table_properties=self.mapping("table_properties"),
            partition_cols=self.columns("partition_cols"),
            cluster_by=self.columns("cluster_by"),
            schema=self.options.get("schema"),
            private=self.flag("private") or self.flag("temporary"),
            ignored={key: self.options[key] for key in _WITHOUT_EFFECT if self.options.get(key) not in (None, False)},
        )

    def auto_cdc(self) -> AutoCdcFlow:
        """This call as an AUTO CDC flow."""
        scd_type = str(self.options.get("stored_as_scd_type") or 1)
        if scd_type not in {"1", "2"}:
            self.fail(f"{self.method}: stored_as_scd_type must be 1 or 2, not {scd_type}")
        target = self.required_text("target")
        return AutoCdcFlow(
            name=self.text("name") or self.text("flow_name") or target,
            target=target,
            source=self.required_text("source"),
            keys=self.columns("keys"),
            sequence_by=self.expression("sequence_by") or self.fail(f"{self.method}: sequence_by is missing"),
            place=self.place,
            stored_as_scd_type=ScdType(scd_type),
            where=self.expression("where"),
            ignore_null_updates=self.flag("ignore_null_updates"),
            apply_as_deletes=self.expression("apply_as_deletes"),
            apply_as_truncates=self.expression("apply_as_truncates"),
            column_list=self.columns("column_list"),
            except_column_list=self.columns("except_column_list"),
            track_history_column_list=self.columns("track_history_column_list"),
            track_history_except_column_list=self.columns("track_history_except_column_list"),
        )


def _parameters(query: Callable[..., Any]) -> list[tuple[str, inspect.Parameter]]:
    variadic = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    try:
        parameters = inspect.signature(query).parameters
    except ValueError:  # some callables written in C have no signature
        return []
    return [(name, parameter) for name, parameter in parameters.items() if parameter.kind not in variadic]


def _property(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def wrong_call(place: SourcePlace, message: str, hint: str = "") -> ConfigurationError:
    """The error LP520 for a call at `place`."""
    return ConfigurationError(f"{place}: {message}", "LP520", hint, {"file": place.file, "line": place.line})
