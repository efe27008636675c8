"""Before a run writes anything: whether every source can be read as the contract says, and every written rule is SQL.

Each fault is told with the line of the contract or of lakepact.yml that it comes from, all of them together. Only what
is cheap is looked at: schemas that sources carry with them, and the analysis of expressions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lakepact.contract.model import Place
from lakepact.errors import ConfigurationError, Problem, Severity
from lakepact.local.events import readable_error
from lakepact.local.names import DatasetName, Namespace
from lakepact.plan.model import DatasetRole, FileSource, ObjectPlan, Plan, Select, TableSource
from lakepact.project.model import Project, ResolvedPipeline
from lakepact.rules.model import Aggregate, DatasetRule, Query, RowRule, RowRuleKind
from lakepact.sql import identifier

__all__ = ["check_pipeline", "refuse", "source_place"]

_OBJECT = re.compile(r"\{object:([^{}]*)\}")
_WRITTEN_RULE = re.compile(r"\.quality\[")
_MOST_NAMES = 30


def check_pipeline(
    classic: Any,
    plan: Plan,
    *,
    project: Project,
    resolved: ResolvedPipeline,
    namespace: Namespace,
    made_here: Collection[DatasetName] | None,
) -> Iterator[Problem]:
    """What keeps `plan` from running: sources that cannot be read or typed (LP543), rules that are no SQL (LP544).

    `made_here` are tables that the run itself writes and that are not looked at; None where hand-written sources may
    write any.
    """
    scratch = classic.newSession()
    sources = _Sources(scratch, project, resolved, namespace)
    rules = _Rules(scratch, plan, file=resolved.contract.file if resolved.contract else "")
    for planned in plan.objects:
        yield from sources.problems(planned, made_here, rules.file)
    yield from rules.problems()


def source_place(project: Project, resolved: ResolvedPipeline, name: str) -> Mapping[str, Any]:
    """Where lakepact.yml says how the object `name` is fed, as arguments of a Problem."""
    entry = resolved.objects.get(name)
    place = entry.place if entry is not None else Place()
    return {"file": str(project.file), "line": place.line, "column": place.column, "path": place.path}


class _Sources:
    """The sources of one pipeline, read for their schemas only."""

    def __init__(self, scratch: Any, project: Project, resolved: ResolvedPipeline, namespace: Namespace) -> None:
        self._scratch = scratch
        self._project = project
        self._resolved = resolved
        self._namespace = namespace

    def problems(
        self, planned: ObjectPlan, made_here: Collection[DatasetName] | None, contract_file: str
    ) -> Iterator[Problem]:
        dataset = planned.dataset(DatasetRole.INPUT)
        if dataset is None or not isinstance(dataset.query, Select):
            return
        match dataset.query.source:
            case FileSource() as source:
                what = f"{source.path} ({source.format})"
            case TableSource() as source:
                table = self._namespace.resolve(".".join(source.name))
                if made_here is None or table in made_here:
                    return
                what = f"table {table}"
            case _:
                return
        from py4j.protocol import Py4JJavaError
        from pyspark.errors import PySparkException

        try:
            rows = self._rows(source)
        except (PySparkException, Py4JJavaError) as error:
            message = f"object {planned.name}: {what} cannot be read: {_said(error)}"
            yield _problem("LP543", message, source_place(self._project, self._resolved, planned.name))
            return
        yield from self._misfits(planned, dataset.query, rows, what, contract_file)

    def _rows(self, source: FileSource | TableSource) -> Any:
        if isinstance(source, TableSource):
            return self._scratch.table(self._namespace.resolve(".".join(source.name)).sql)
        options = {key: value for key, value in source.options.items() if not key.lower().startswith("cloudfiles.")}
        reader = self._scratch.read.format(source.format).options(**options)
        return (reader.schema(source.read_schema) if source.read_schema else reader).load(source.path)

    def _misfits(
        self, planned: ObjectPlan, query: Select, rows: Any, what: str, contract_file: str
    ) -> Iterator[Problem]:
        from pyspark.errors import AnalysisException

        try:
            rows.selectExpr(*query.columns)
        except AnalysisException:
            missing: list[str] = []
            for name, expression in zip(_column_names(planned), query.columns, strict=False):
                try:
                    rows.selectExpr(expression)
                except AnalysisException as error:
                    if str(error.getCondition() or "").startswith("UNRESOLVED_COLUMN"):
                        missing.append(str((error.getMessageParameters() or {}).get("objectName", name)))
                        continue
                    message = (
                        f"object {planned.name}: column {name} cannot be made from {_kind(rows, name)} of {what}: "
                        f"{_said(error)}"
                    )
                    yield _problem("LP543", message, _type_place(planned, name, contract_file))
            if missing:
                message = (
                    f"object {planned.name}: {what} has no {'column' if len(missing) == 1 else 'columns'} "
                    f"{_listed(missing)}; it has {_listed(rows.columns)}"
                )
                place = source_place(self._project, self._resolved, planned.name)
                hint = "give the source's name of a column under `rename`, or correct the contract"
                yield _problem("LP543", message, place, hint)


class _Rules:
    """The rules that people have written as SQL, analysed over empty tables with the contract's columns."""

    def __init__(self, scratch: Any, plan: Plan, *, file: str) -> None:
        self.file = file
        self._scratch = scratch
        self._plan = plan
        self._datasets = {planned.name: planned.table for planned in plan.objects}

    def problems(self) -> Iterator[Problem]:
        written = [(planned, list(_written(planned))) for planned in self._plan.objects]
        if not any(rules for _, rules in written):
            return
        for planned in self._plan.objects:
            self._empty(planned)
        for planned, rules in written:
            for rule in rules:
                yield from self._problem_of(planned, rule)

    def _empty(self, planned: ObjectPlan) -> None:
        """A temporary view in the place of the published dataset; derived datasets have no columns before a run."""
        published = planned.dataset(DatasetRole.PUBLISHED)
        if published is not None and published.columns:
            columns = (f"CAST(NULL AS {column.type.ddl}) AS {identifier(column.name)}" for column in published.columns)
            self._scratch.range(0).selectExpr(*columns).createOrReplaceTempView(identifier(published.name))

    def _problem_of(self, planned: ObjectPlan, rule: RowRule | DatasetRule) -> Iterator[Problem]:
        from pyspark.errors import AnalysisException, ParseException

        try:
            self._analyse(planned, rule)
        except AnalysisException as error:
            # What a table that is not here holds, or whether the run makes it, is for the engine to say.
            if not isinstance(error, ParseException) and "TABLE_OR_VIEW_NOT_FOUND" in str(error.getCondition()):
                return
            message = f"rule {rule.id} is not SQL that Spark understands: {_said(error)}"
            yield _problem("LP544", message, _at(rule.place, self.file))

    def _analyse(self, planned: ObjectPlan, rule: RowRule | DatasetRule) -> None:
        if isinstance(rule, RowRule):
            self._table(planned).where(rule.predicate)
        elif isinstance(rule.measure, Query):
            named = _OBJECT.sub(lambda found: self._name(found[1]), rule.measure.text)
            self._scratch.sql(named)
        elif isinstance(rule.measure, Aggregate):
            self._table(planned).selectExpr(rule.measure.expression)

    def _table(self, planned: ObjectPlan) -> Any:
        return self._scratch.table(self._name(planned.name))

    def _name(self, name: str) -> str:
        return identifier(self._datasets.get(name, name))


def _written(planned: ObjectPlan) -> Iterator[RowRule | DatasetRule]:
    values = (rule for rule in planned.row_rules if rule.kind is RowRuleKind.VALUE)
    rules: tuple[RowRule | DatasetRule, ...] = (*values, *planned.dataset_rules)
    yield from (rule for rule in rules if any(_WRITTEN_RULE.search(clause) for clause in rule.clauses))


def _column_names(planned: ObjectPlan) -> list[str]:
    published = planned.dataset(DatasetRole.PUBLISHED)
    return [column.name for column in published.columns] if published is not None else []


def _kind(rows: Any, name: str) -> str:
    found = {column.lower(): kind for column, kind in rows.dtypes}.get(name.lower())
    return f"the {found.upper()}" if found else "what is there"


def _type_place(planned: ObjectPlan, column: str, file: str) -> Mapping[str, Any]:
    rules = (rule for rule in planned.row_rules if rule.kind is RowRuleKind.TYPE and rule.columns == (column,))
    found = next(rules, None)
    return _at(found.place, file) if found is not None else {}


def _at(place: Place, file: str) -> Mapping[str, Any]:
    return {"file": file, "line": place.line, "column": place.column, "path": place.path}


def _problem(code: str, message: str, place: Mapping[str, Any], hint: str = "") -> Problem:
    return Problem(code=code, severity=Severity.ERROR, message=message, hint=hint, **place)


def _said(error: Exception) -> str:
    java = getattr(error, "java_exception", None)
    text = str(java.getMessage() or java) if java is not None else str(error)
    return " ".join(readable_error(text).split())


def _listed(names: Collection[str]) -> str:
    shown = [name if name.startswith("`") else identifier(name) for name in list(names)[:_MOST_NAMES]]
    plain = [name[1:-1] if name[1:-1].isidentifier() else name for name in shown]
    more = len(names) - len(shown)
    return ", ".join(plain) + (f" and {more} more" if more > 0 else "") if plain else "no columns at all"


def refuse(problems: list[Problem]) -> None:
    """Raise ConfigurationError with the problems, where there are any; the first one's code stands for all."""
    if problems:
        count = "1 fault" if len(problems) == 1 else f"{len(problems)} faults"
        raise ConfigurationError(f"nothing was run: {count}", problems[0].code, problems=problems)
