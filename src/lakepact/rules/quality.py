"""`quality` rules as drafts: library metrics, queries, and engines that take a predicate.

A metric asks each row one question. `mustBe: 0` makes that question a row rule; any other threshold counts the rows
that fail it. Rows are counted, also where the question is about items of an array.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lakepact.contract.model import Metric, Operator, QualityRule, QualityType, Threshold
from lakepact.rules import predicates
from lakepact.rules.drafting import DatasetDraft, Draft, EngineDraft, Ledger, ObjectScope, Origin, RowDraft
from lakepact.rules.fields import Field, asked_action
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import Aggregate, DuplicateRows, Measure, Query
from lakepact.rules.queries import author_predicate, author_query
from lakepact.rules.thresholds import is_zero, numeric_condition, query_condition, threshold_text

__all__ = ["quality_drafts"]

_PREDICATE_ENGINES = frozenset(("lakepact", "lakeflow-expectations", "lakeflowexpectations", "lakeflow", "dlt"))
# What documents call quality engines, without case and punctuation, and what results call them.
_ENGINES = {
    **dict.fromkeys(("soda", "sodacore", "sodacl"), "soda"),
    **dict.fromkeys(("greatexpectations", "gx", "gxcore"), "gx"),
    **dict.fromkeys(("custom", "python", "lakepactpython"), "custom"),
}
_PREDICATE_KEYS = ("predicate", "expression", "constraint", "condition", "sql", "expect")
# v3.0 examples name these checks and put the limits into customProperties.
_RANGE_RULES = {"between": ("min", "max"), "mincheck": ("min",), "maxcheck": ("max",)}
_ALLOW_NONE = frozenset(("nullcheck", "duplicatecount", "missingcheck", "invalidcheck"))


def quality_drafts(scope: ObjectScope, field: Field | None, ledger: Ledger) -> Iterator[Draft]:
    """The rules of the `quality` of a field, or of the object where `field` is None; refusals go to the ledger."""
    rules = field.prop.quality if field else scope.object.quality
    for rule in rules:
        try:
            yield from _QualityDrafts(scope, field, rule).all()
        except Inexpressible as refused:
            by_nature = rule.type in (QualityType.TEXT, QualityType.CUSTOM)
            ledger.refuse(rule.place.path, str(refused), code="" if by_nature else "LP206", place=rule.place)


class _QualityDrafts:
    """The drafts of one quality rule."""

    def __init__(self, scope: ObjectScope, field: Field | None, rule: QualityRule) -> None:
        self._scope = scope
        self._field = field
        self._rule = rule
        self._label = (f"{field.label}." if field else "") + f"quality.{_slug(rule)}"
        self._thresholds = rule.thresholds

    def all(self) -> Iterator[Draft]:
        match self._rule.type:
            case QualityType.LIBRARY:
                yield from self._library()
            case QualityType.SQL:
                yield self._sql()
            case QualityType.CUSTOM:
                yield self._custom()
            case QualityType.TEXT:
                raise Inexpressible("a text for people, no engine can check it")

    def _origin(self) -> Origin:
        field, rule = self._field, self._rule
        inherited = field.action if field else asked_action(self._scope.object.custom_properties)
        return Origin(
            property=field.label if field else "",
            dimension=rule.dimension,
            severity=rule.severity,
            critical=field.critical if field else False,
            asked=asked_action(rule.custom_properties, inherited),
            place=rule.place,
        )

    def _row(self, predicate: str, fields: tuple[Field, ...]) -> RowDraft:
        return RowDraft(
            label=self._label,
            predicate=predicate,
            columns=tuple(dict.fromkeys(field.column for field in fields)),
            clauses=(self._rule.place.path,),
            description=self._description(),
            origin=self._origin(),
        )

    def _dataset(self, measure: Measure, condition: str, threshold: str) -> DatasetDraft:
        return DatasetDraft(
            label=self._label,
            measure=measure,
            condition=condition,
            threshold=threshold,
            thresholds=self._thresholds,
            clauses=(self._rule.place.path,),
            description=self._description(),
            origin=self._origin(),
        )

    def _description(self) -> str:
        rule = self._rule
        if rule.description:
            return rule.description
        of = f" of {self._field.label}" if self._field else ""
        return rule.name or f"{rule.metric_text or rule.type.value}{of}"

    def _library(self) -> Iterator[Draft]:
        rule = self._rule
        name = (rule.metric_text or "").casefold()
        if rule.metric is None and name in _RANGE_RULES:
            yield self._range(_RANGE_RULES[name])
            return
        if rule.metric is None:
            raise Inexpressible(
                f"the library has no metric {rule.metric_text!r}" if rule.metric_text else "the rule names no metric"
            )
        if not self._thresholds and name in _ALLOW_NONE:
            self._thresholds = (Threshold(Operator.MUST_BE, 0, rule.place),)
        if not self._thresholds:
            raise Inexpressible(f"the rule measures {rule.metric.value} and compares it with nothing (no mustBe...)")
        yield self._measured(rule.metric)

    def _measured(self, metric: Metric) -> Draft:
        if metric is Metric.ROW_COUNT:
            if self._rule.unit == "percent":
                raise Inexpressible("rowCount in percent: the standard does not say of what")
            return self._compared(Aggregate("count(1)"))
        if metric is Metric.DUPLICATE_VALUES:
            return self._compared(DuplicateRows(self._keys(), percent=self._rule.unit == "percent"))
        predicate = self._question(metric, self._one_field(metric))
        if is_zero(self._thresholds, self._rule.unit):
            return self._row(predicate, (self._one_field(metric),))
        failed = f"count_if(NOT ({predicate}))"
        if self._rule.unit == "percent":
            failed = f"coalesce(100.0D * {failed} / nullif(count(1), 0), 0.0D)"
        return self._compared(Aggregate(failed))

    def _compared(self, measure: Measure) -> DatasetDraft:
        text = threshold_text(self._thresholds, self._rule.unit)
        return self._dataset(measure, numeric_condition(self._thresholds), text)

    def _one_field(self, metric: Metric) -> Field:
        if self._field is not None:
            return self._field
        named = self._named_fields()
        if len(named) != 1:
            raise Inexpressible(f"{metric.value} measures a property, the rule stands on the object")
        return named[0]

    def _named_fields(self) -> tuple[Field, ...]:
        names = self._rule.arguments.get("properties")
        found: list[Field] = []
        for name in names if isinstance(names, list | tuple) else ():
            field = self._scope.field(str(name))
            if field is None:
                raise Inexpressible(f"the object has no property {name!r}")
            found.append(field)
        return tuple(found)

    def _keys(self) -> tuple[str, ...]:
        named = self._named_fields()
        fields = named if self._field is None else (named or (self._field,))
        if not fields:
            raise Inexpressible("duplicateValues of an object needs arguments.properties")
        for field in fields:
            if not field.per_row:
                raise Inexpressible(f"{field.label} has many values in a row, which cannot be compared across rows")
            predicates.check_comparable(field.type)
        return tuple(field.expression for field in fields)

    def _question(self, metric: Metric, field: Field) -> str:
        """What a row must answer with TRUE."""
        arguments = self._rule.arguments
        if metric is Metric.NULL_VALUES:
            return field.present()
        if metric is Metric.MISSING_VALUES:
            return self._not_missing(field, arguments.get("missingValues"))
        tests: list[str] = []
        if "validValues" in arguments:
            tests.append(predicates.member_test(field.expression, field.type, _listed(arguments["validValues"])))
        if "pattern" in arguments:
            tests.append(predicates.pattern_test(field.expression, field.type, str(arguments["pattern"])))
        if not tests:
            raise Inexpressible("invalidValues needs arguments.validValues or arguments.pattern")
        return field.holds(" AND ".join(tests))

    def _not_missing(self, field: Field, listed: object) -> str:
        if listed is None:
            return field.present()
        values = _listed(listed)
        member = predicates.member_test(field.expression, field.type, values)
        tests = [] if member == "FALSE" else [field.holds(f"NOT ({member})")]
        if None in values:
            tests.append(field.present())
        return " AND ".join(f"({test})" for test in tests) if len(tests) > 1 else (tests[0] if tests else "TRUE")

    def _range(self, sides: tuple[str, ...]) -> Draft:
        if self._field is None:
            raise Inexpressible(f"{self._rule.metric_text} measures a property, the rule stands on the object")
        limits = {entry.property.casefold(): entry.value for entry in self._rule.custom_properties}
        missing = [side for side in sides if side not in limits]
        if missing:
            raise Inexpressible(f"{self._rule.metric_text} needs the custom property {missing[0]!r}")
        tests = [
            predicates.bound_test(
                self._field.expression, self._field.type, limits[side], lower=side == "min", inclusive=True
            )
            for side in sides
        ]
        return self._row(self._field.holds(" AND ".join(tests)), (self._field,))

    def _sql(self) -> Draft:
        if not self._rule.query:
            raise Inexpressible("the rule has no query")
        many = self._field is not None and not self._field.per_row
        if self._field is not None and many and re.search(r"\{\s*(column|property|field)", self._rule.query):
            raise Inexpressible(f"{self._field.label} has many values in a row, the query cannot name it")
        column = self._field.expression if self._field else ""
        text = author_query(self._rule.query, self._scope.object.name, column)
        shown = threshold_text(self._thresholds, "percent" if self._rule.unit == "percent" else "") or "TRUE"
        return self._dataset(Query(text), query_condition(self._thresholds), shown)

    def _custom(self) -> Draft:
        engine = self._rule.engine or ""
        known = _ENGINES.get(re.sub(r"[-_ ]", "", engine.casefold()))
        if known is not None:
            return self._of_engine(known)
        if engine.casefold() not in _PREDICATE_ENGINES:
            raise Inexpressible(f"engine {engine!r} runs it, lakepact does not")
        text = self._rule.implementation
        if isinstance(text, Mapping):
            text = next((text[key] for key in _PREDICATE_KEYS if key in text), None)
        if not isinstance(text, str):
            raise Inexpressible(f"engine {engine!r}: the implementation is no SQL predicate")
        if self._field is not None and not self._field.per_row:
            predicate = self._field.wrapped(author_predicate(text, self._field.expression))
        else:
            predicate = author_predicate(text, self._field.expression if self._field else "")
        return self._row(predicate, (self._field,) if self._field else ())

    def _of_engine(self, engine: str) -> EngineDraft:
        if self._rule.implementation in (None, "", {}, []):
            raise Inexpressible(f"engine {self._rule.engine!r}: the rule has no implementation")
        field = self._field
        return EngineDraft(
            label=self._label,
            clauses=(self._rule.place.path,),
            description=self._description(),
            origin=self._origin(),
            engine=engine,
            implementation=self._rule.implementation,
            columns=(field.column,) if field else (),
            thresholds=self._thresholds,
        )


def _listed(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _slug(rule: QualityRule) -> str:
    text = rule.id or rule.name or rule.metric_text or rule.engine or rule.type.value
    return re.sub(r"[^\w-]+", "_", text).strip("_")[:60] or rule.type.value
