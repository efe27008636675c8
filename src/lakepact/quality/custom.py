"""The engine of checks that are Python functions: `type: custom`, `engine: custom` in a contract.

    quality:
      - type: custom
        engine: custom
        implementation:
          function: mycompany.checks.orders:totals_agree
          arguments: {tolerance: 0.01}
          data: pandas

A function takes the data and its arguments by name, and gives back whether the check is passed (bool), a number of
violations (int), a mapping with the names of `CheckOutcome`, or a `CheckOutcome`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from functools import partial
from numbers import Integral
from typing import Any, Final

from lakepact.contract.model import Operator, Threshold
from lakepact.errors import ExtraMissing, LakepactError
from lakepact.quality.custom_functions import CheckRefused, Ended, found_function, run_apart
from lakepact.quality.delegated import Finding, asked_object, described_fault, public_columns, result_of, shown_number
from lakepact.quality.engine import Data, EngineContext, FrameData
from lakepact.quality.shaped import ShapedData, opened
from lakepact.quality.stopping import Stop
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import EngineRule, ObjectRules
from lakepact.rules.thresholds import threshold_text
from lakepact.sql import identifier

__all__ = ["CheckOutcome", "CustomEngine"]

_KINDS: Final = ("spark", "duckdb", "pandas", "arrow")
_KEYS: Final = ("function", "arguments", "data")
_MOST_ROWS: Final = 100_000
_LONGEST_MESSAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """What a check found.

    `passed` None leaves it to the rule's `mustBe…` over `value` (or `violations`), and without one to whether there are
    `violations`. `tested` is the number of rows that were looked at. Of `samples`, values that break the rule, results
    quote as many as they may where the rule stands at a column that is classified as public.
    """

    passed: bool | None = None
    violations: int | None = None
    tested: int | None = None
    value: object = None
    message: str = ""
    samples: Sequence[object] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    function: str
    arguments: Mapping[str, Any]
    kind: str


class CustomEngine:
    """Runs the checks of `engine: custom`.

    `allow` are patterns of the functions that may be imported by path (`mycompany.checks.*`); without one only entry
    points of the group `lakepact.checks` are run. `rows` is the largest number of rows that is handed out as pandas or
    arrow: a check of more is an error that says so, never one of a part.
    """

    def __init__(self, allow: Sequence[str] = (), *, rows: int = _MOST_ROWS) -> None:
        self._allow = (allow,) if isinstance(allow, str) else tuple(allow)
        self._rows = rows

    @property
    def name(self) -> str:
        """What results carry in `engine`."""
        return "custom"

    def takes(self, data: Data) -> bool:
        """Data frames and files."""
        return True

    def evaluate(self, data: Data, rules: ObjectRules, context: EngineContext) -> tuple[RuleResult, ...]:
        """A result for each rule of `engine: custom`, in the order of the rules.

        The data has the columns and types of the contract; a value that does not fit is NULL. Each check has
        `context.seconds`; one that takes longer is ERROR, its queries are ended and its thread is left behind. Raises
        ExtraMissing for files where DuckDB is not installed.
        """
        asked = [rule for rule in rules.engine_rules if rule.engine == self.name]
        if not asked:
            return ()
        with ExitStack() as stack:
            try:
                shaped = stack.enter_context(opened(data, rules, context, extra="duckdb"))
            except ExtraMissing:
                raise
            except LakepactError as error:
                fault = Finding(status=RuleStatus.ERROR, message=f"{error.code}: {error.message}")
                return tuple(result_of(context.run, rule, self.name, fault) for rule in asked)
            return tuple(self._result(rule, data, shaped, context, rules) for rule in asked)

    def _result(
        self, rule: EngineRule, data: Data, shaped: ShapedData, context: EngineContext, rules: ObjectRules
    ) -> RuleResult:
        started, stop = time.monotonic(), Stop()
        try:
            if context.stop.asked:
                raise CheckRefused("nobody waits for it any more")
            wanted = _asked(rule.implementation, "spark" if isinstance(data, FrameData) else "duckdb")
            with context.stop.ending(stop.end_once):
                call = partial(self._called, wanted, shaped, stop)
                ended = run_apart(call, context.seconds, stop=stop, session=shaped.session)
            finding = self._finding(rule, wanted, ended, context, rules)
        except CheckRefused as reason:
            finding = _error(str(reason))
        return replace(result_of(context.run, rule, self.name, finding), seconds=time.monotonic() - started)

    def _called(self, wanted: _Asked, shaped: ShapedData, stop: Stop) -> Any:
        function = found_function(wanted.function, self._allow)
        if shaped.connection is None:
            return function(self._frame(wanted.kind, shaped), **wanted.arguments)
        # A cursor of its own: the thread of another check may still use its one.
        cursor = shaped.connection.cursor()
        with stop.ending(cursor.interrupt):
            return function(self._relation(wanted.kind, cursor.table(shaped.view)), **wanted.arguments)

    def _frame(self, kind: str, shaped: ShapedData) -> Any:
        frame = shaped.session.table(identifier(shaped.view))
        if kind == "spark":
            return frame
        if kind == "duckdb":
            raise CheckRefused("the data is a data frame, which is no relation of DuckDB")
        few = frame.limit(self._rows + 1)
        return self._bounded(few.toPandas() if kind == "pandas" else few.toArrow())

    def _relation(self, kind: str, relation: Any) -> Any:
        if kind == "spark":
            raise CheckRefused("the data are files, which are no data frame of Spark")
        if kind == "duckdb":
            return relation
        few = relation.limit(self._rows + 1)
        return self._bounded(few.df() if kind == "pandas" else few.to_arrow_table())

    def _bounded(self, table: Any) -> Any:
        if len(table) > self._rows:
            raise CheckRefused(f"the data has more than {self._rows} rows: let the check take 'spark' or 'duckdb'")
        return table

    def _finding(
        self, rule: EngineRule, wanted: _Asked, ended: Ended | None, context: EngineContext, rules: ObjectRules
    ) -> Finding:
        if ended is None:
            # It may be a computation without a query, and a function of Python cannot be ended.
            return _error(f"it took longer than {context.seconds:g} s; its queries are ended, the function goes on")
        if isinstance(ended.error, CheckRefused):
            raise ended.error
        if ended.error is not None:
            return _error(f"{wanted.function} raised {described_fault(ended.error)}")
        outcome = _outcome(wanted.function, ended.value)
        public = public_columns(asked_object(context.run.contract, rules.name))
        quoted = bool(rule.columns) and public.issuperset(rule.columns)
        return _judged(rule, outcome, outcome.samples[: context.samples] if quoted else ())


def _asked(implementation: object, default: str) -> _Asked:
    """What a rule asks for. Raises CheckRefused."""
    given: Mapping[str, Any] = implementation if isinstance(implementation, Mapping) else {"function": implementation}
    if strange := [str(key) for key in given if key not in _KEYS]:
        raise CheckRefused(f"the implementation has {strange[0]!r}; it may have {', '.join(_KEYS)}")
    function, arguments, kind = given.get("function"), given.get("arguments") or {}, given.get("data", default)
    if not isinstance(function, str) or not function:
        raise CheckRefused("the implementation names no function")
    if not isinstance(arguments, Mapping) or not all(isinstance(name, str) for name in arguments):
        raise CheckRefused("the arguments of a check are given by name")
    if kind not in _KINDS:
        raise CheckRefused(f"the data of a check is one of {', '.join(_KINDS)}, not {kind!r}")
    return _Asked(function=function, arguments=arguments, kind=kind)


def _outcome(function: str, value: Any) -> CheckOutcome:
    """What a function gave back. Raises CheckRefused for what is no outcome."""
    # The booleans of numpy are none of Python's.
    if isinstance(value, bool) or (type(value).__name__ in ("bool_", "bool") and hasattr(value, "dtype")):
        return CheckOutcome(passed=bool(value))
    if isinstance(value, Integral):
        return _checked(function, CheckOutcome(violations=int(value)))
    if isinstance(value, CheckOutcome):
        return _checked(function, value)
    if isinstance(value, Mapping):
        known = {each.name for each in fields(CheckOutcome)}
        if strange := sorted(str(key) for key in value if key not in known):
            raise CheckRefused(f"{function} gave back {strange[0]!r}, which an outcome does not have")
        return _checked(function, CheckOutcome(**value))
    raise CheckRefused(f"{function} gave back {type(value).__name__}, not a bool, an int, a mapping or a CheckOutcome")


def _checked(function: str, outcome: CheckOutcome) -> CheckOutcome:
    numbers: dict[str, object] = {"violations": outcome.violations, "tested": outcome.tested}
    for name, number in numbers.items():
        if number is not None and (isinstance(number, bool) or not isinstance(number, Integral) or number < 0):
            raise CheckRefused(f"{function} gave back {name} {number!r}, which is no count")
    kinds: dict[str, tuple[object, Any]] = {
        "passed": (outcome.passed, bool | None),
        "message": (outcome.message, str),
        "samples": (outcome.samples, list | tuple),
    }
    for name, (given, kind) in kinds.items():
        if not isinstance(given, kind):
            raise CheckRefused(f"{function} gave back {name} of the type {type(given).__name__}")
    if (outcome.passed, outcome.violations, outcome.value) == (None, None, None):
        raise CheckRefused(f"{function} gave back neither passed, nor violations, nor value")
    return outcome


def _judged(rule: EngineRule, outcome: CheckOutcome, examples: Sequence[object]) -> Finding:
    passed = outcome.passed
    measured = outcome.value if outcome.value is not None else outcome.violations
    if passed is None and rule.thresholds:
        passed = all(_holds(each, measured) for each in rule.thresholds)
    if passed is None:
        if outcome.violations is None:
            raise CheckRefused("the check measures a value, and the rule has no mustBe… to compare it with")
        passed = outcome.violations == 0
    threshold = threshold_text(rule.thresholds) or None
    message = outcome.message[:_LONGEST_MESSAGE]
    if not passed and not message and outcome.violations is None and outcome.value is None:
        message = "the check is not passed"
    return Finding(
        status=RuleStatus.PASS if passed else None,
        violations=None if outcome.violations is None else int(outcome.violations),
        tested=None if outcome.tested is None else int(outcome.tested),
        value=shown_number(outcome.value),
        threshold=threshold,
        message=message,
        examples=examples,
    )


def _holds(threshold: Threshold, measured: Any) -> bool:
    wanted: Any = threshold.value
    try:
        if isinstance(wanted, tuple):
            low, high = (float(each) for each in wanted)
            inside = low <= float(measured) <= high
            return inside is (threshold.operator is Operator.MUST_BE_BETWEEN)
        number, limit = float(measured), float(wanted)
    except (TypeError, ValueError):
        raise CheckRefused(f"the value {measured!r} cannot be compared with {wanted!r}") from None
    return {
        Operator.MUST_BE: number == limit,
        Operator.MUST_NOT_BE: number != limit,
        Operator.MUST_BE_GREATER_THAN: number > limit,
        Operator.MUST_BE_GREATER_OR_EQUAL_TO: number >= limit,
        Operator.MUST_BE_LESS_THAN: number < limit,
        Operator.MUST_BE_LESS_OR_EQUAL_TO: number <= limit,
    }[threshold.operator]


def _error(message: str) -> Finding:
    return Finding(status=RuleStatus.ERROR, message=message)
