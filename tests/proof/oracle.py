"""An independent judge: which rules of a contract each row breaks, where the row goes, and what each check measures.

Reads the contract as plain YAML data, in the grammar of ODCS 3.1 and 3.2. Written from the documents that describe the
meaning (`docs/semantics.md`, the standard), not from the library: where the two disagree, one of them is wrong.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import oracle_values as values
from oracle_values import Declared, Misfit, Value

Row = Mapping[str, Value]
_REMOVES = ("drop", "quarantine")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "mustBe": operator.eq,
    "mustNotBe": operator.ne,
    "mustBeGreaterThan": operator.gt,
    "mustBeGreaterOrEqualTo": operator.ge,
    "mustBeLessThan": operator.lt,
    "mustBeLessOrEqualTo": operator.le,
    "mustBeBetween": lambda value, pair: pair[0] <= value <= pair[1],
    "mustNotBeBetween": lambda value, pair: not pair[0] <= value <= pair[1],
}


@dataclass(frozen=True)
class Demand:
    """A rule on rows. `holds` speaks of the typed row; None for types and keys, which need more than the row."""

    id: str
    action: str
    holds: Callable[[Row], bool] | None = None


@dataclass(frozen=True)
class Check:
    """A rule on the published rows."""

    id: str
    action: str
    measure: Callable[[Sequence[Row]], float]
    passes: Callable[[float], bool]


@dataclass
class Judgement:
    """What becomes of rows, by their position in the input.

    `broken` are all rules that a row breaks, `held_for` those of them that keep it out of the published rows.
    """

    typed: list[Row] = field(default_factory=list)
    broken: list[set[str]] = field(default_factory=list)
    held_for: list[set[str]] = field(default_factory=list)
    published: list[int] = field(default_factory=list)
    quarantined: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    checks: dict[str, tuple[float, bool]] = field(default_factory=dict)


class Oracle:
    """The judge of one schema object of `document`. `policy` is the list of `actions` of a policy file."""

    def __init__(self, document: Mapping[str, Any], *, name: str, policy: Sequence[Mapping[str, str]] = ()) -> None:
        self._object = next(each for each in document["schema"] if each["name"] == name)
        self._policy = policy
        self._properties: list[Declared] = self._object["properties"]
        self.checks: list[Check] = []
        self.types = [self._type(each) for each in self._properties if each["logicalType"] not in ("string", "time")]
        self.values = list(self._values())
        keys = dict(self._keys())
        self.keys = {key: columns for key, columns in keys.items() if key.action in _REMOVES}
        # A key that holds no row back is a statement on the published table.
        self.checks += [_unique_check(key, columns) for key, columns in keys.items() if key not in self.keys]
        self._actions = {rule.id: rule.action for rule in (*self.types, *self.values, *self.keys)}

    def judge(self, rows: Sequence[Row], *, text: bool = False) -> Judgement:
        """What becomes of `rows`; with `text`, their values are texts that must fit their types first."""
        result = Judgement()
        misfits = [self._read(row, result.typed, text=text) for row in rows]
        colliding = {key: self._colliding(columns, result.typed) for key, columns in self.keys.items()}
        for position, row in enumerate(result.typed):
            before = misfits[position] | {key.id for key, rows_ in colliding.items() if position in rows_}
            broken = before | {rule.id for rule in self.values if rule.holds is not None and not rule.holds(row)}
            result.broken.append(broken)
            self._route(position, result)
        self._count(result)
        published = [result.typed[position] for position in result.published]
        for check in self.checks:
            value = check.measure(published)
            result.checks[check.id] = value, check.passes(value)
        return result

    def _read(self, row: Row, typed: list[Row], *, text: bool) -> set[str]:
        if not text:
            typed.append(row)
            return set()
        broken, read = set(), {}
        for declared in self._properties:
            name = declared["name"]
            try:
                read[name] = values.from_text(row[name], declared)
            except Misfit:
                read[name] = None
                broken.add(f"{self._object['name']}.{name}.type")
        typed.append(read)
        return broken

    def _colliding(self, columns: Sequence[str], rows: Sequence[Row]) -> set[int]:
        counted = Counter(_key(row, columns) for row in rows)
        return {
            position
            for position, row in enumerate(rows)
            if (key := _key(row, columns)) is not None and counted[key] > 1
        }

    def _route(self, position: int, result: Judgement) -> None:
        result.held_for.append({id_ for id_ in result.broken[position] if self._actions[id_] in _REMOVES})
        actions = {self._actions[id_] for id_ in result.held_for[position]}
        place = (
            result.quarantined if "quarantine" in actions else result.dropped if "drop" in actions else result.published
        )
        place.append(position)

    def _count(self, result: Judgement) -> None:
        """Failed rows by rule: value rules see what types and keys have let through, these see every row."""
        early = [*self.types, *self.keys]
        removing = {rule.id for rule in early if rule.action in _REMOVES}
        for rule in early:
            result.counts[rule.id] = sum(rule.id in broken for broken in result.broken)
        for rule in self.values:
            result.counts[rule.id] = sum(rule.id in broken and not broken & removing for broken in result.broken)

    def _type(self, declared: Declared) -> Demand:
        return self._demand(f"{declared['name']}.type", [declared], structure=True)

    def _values(self) -> Iterator[Demand]:
        for declared in self._properties:
            name = declared["name"]
            yield from self._of_property(declared, name, [declared], lambda row, name=name: [row[name]])
        yield from self._metrics(self._object, "", [], None)

    def _of_property(
        self, declared: Declared, path: str, owners: list[Declared], reach: Callable[[Row], list[Value]]
    ) -> Iterator[Demand]:
        """Rules on a property that is reached by `reach`: its values in a row, none where its parent is not there."""

        def every(test: Callable[[Value], bool]) -> Callable[[Row], bool]:
            return lambda row: all(value is None or test(value) for value in reach(row))

        if declared.get("required") or declared.get("primaryKey"):
            there = lambda row: all(value is not None for value in reach(row))  # noqa: E731
            yield self._demand(f"{path}.required", owners, there, structure=True)
        if declared["logicalType"] == "time":
            yield self._demand(f"{path}.time", owners, every(values.is_time), structure=True)
        for option, test in _option_tests(declared):
            structure = option == "required" or (option == "format" and declared["logicalType"] != "string")
            yield self._demand(f"{path}.{option}", owners, every(test), structure=structure)
        if allowed := declared.get("enum"):
            listed = [_listed(each["value"], declared) for each in allowed]
            yield self._demand(f"{path}.enum", owners, every(lambda value: value in listed))
        if len(owners) == 1:
            yield from self._metrics(declared, path, owners, declared)
        yield from self._inside(declared, path, owners, reach)

    def _inside(
        self, declared: Declared, path: str, owners: list[Declared], reach: Callable[[Row], list[Value]]
    ) -> Iterator[Demand]:
        def inner(step: Callable[[Value], list[Value]]) -> Callable[[Row], list[Value]]:
            return lambda row: [found for value in reach(row) if value is not None for found in step(value)]

        for child in declared.get("properties", ()):
            name = child["name"]
            yield from self._of_property(
                child, f"{path}.{name}", [*owners, child], inner(lambda value, name=name: [value[name]])
            )
        if (items := declared.get("items")) is not None:
            yield from self._of_property(items, f"{path}[]", [*owners, items], inner(lambda value: value))
        for part, step in (("key", lambda value: list(value)), ("value", lambda value: list(value.values()))):
            if (entry := declared.get("map", {}).get(part)) is not None:
                yield from self._of_property(entry, f"{path}{{{part}}}", [*owners, entry], inner(step))

    def _keys(self) -> Iterator[tuple[Demand, tuple[str, ...]]]:
        primary = [each for each in self._properties if each.get("primaryKey")]
        if primary:
            ordered = sorted(primary, key=lambda each: each.get("primaryKeyPosition", -1))
            owners = ordered if len(ordered) == 1 else []
            yield self._demand("primaryKey", owners, structure=True), tuple(each["name"] for each in ordered)
        for declared in self._properties:
            # `unique` on the only member of the primary key says the same thing again.
            if declared.get("unique") and primary != [declared]:
                yield self._demand(f"{declared['name']}.unique", [declared], structure=True), (declared["name"],)

    def _metrics(
        self, owner: Declared, path: str, owners: list[Declared], declared: Declared | None
    ) -> Iterator[Demand]:
        taken: Counter[str] = Counter()
        for rule in owner.get("quality", ()):
            said = rule.get("id") or rule["metric"]
            taken[said] += 1
            number = f"_{taken[said]}" if taken[said] > 1 else ""
            id_ = f"{path}.quality.{said}{number}".lstrip(".")
            breaks = _metric_breaks(rule, declared)
            if breaks is not None and rule.get("mustBe") == 0 and rule.get("unit", "rows") == "rows":
                yield self._demand(id_, owners, lambda row, breaks=breaks: not breaks(row), rule=rule)
            else:
                self.checks.append(self._check(id_, rule, owners, breaks, declared))

    def _check(
        self,
        id_: str,
        rule: Mapping[str, Any],
        owners: list[Declared],
        breaks: Callable[[Row], bool] | None,
        declared: Declared | None,
    ) -> Check:
        percent = rule.get("unit") == "percent"
        columns = rule.get("arguments", {}).get("properties") or ([declared["name"]] if declared else [])

        def count(rows: Sequence[Row]) -> int:
            if rule["metric"] == "rowCount":
                return len(rows)
            if rule["metric"] == "duplicateValues":
                return _surplus(rows, columns)
            return sum(1 for row in rows if breaks is not None and breaks(row))

        def measure(rows: Sequence[Row]) -> float:
            if not percent:
                return count(rows)
            return 100.0 * count(rows) / len(rows) if rows else 0.0

        wanted = [(test, rule[name]) for name, test in _OPERATORS.items() if name in rule]
        demand = self._demand(id_, owners, rule=rule, table=True)
        return Check(demand.id, demand.action, measure, lambda value: all(test(value, limit) for test, limit in wanted))

    def _demand(
        self,
        path: str,
        owners: list[Declared],
        holds: Callable[[Row], bool] | None = None,
        *,
        structure: bool = False,
        rule: Mapping[str, Any] | None = None,
        table: bool = False,
    ) -> Demand:
        id_ = f"{self._object['name']}.{path}"
        return Demand(id_, self._action(id_, owners, rule or {}, structure=structure, table=table), holds)

    def _action(
        self, id_: str, owners: list[Declared], rule: Mapping[str, Any], *, structure: bool, table: bool
    ) -> str:
        possible = ("warn", "fail") if table else ("warn", "drop", "quarantine", "fail")
        entry = next((each for each in self._policy if self._matches(each, id_, owners, rule)), None)
        decided = entry["action"] if entry else self._asked(rule, owners)
        if decided in possible:
            return decided
        if structure:
            return "quarantine"
        if str(rule.get("severity")).lower() == "error":
            return "fail" if table else "quarantine"
        critical = any(owner.get("criticalDataElement") for owner in owners[-1:])
        return "quarantine" if critical and not table else "warn"

    def _asked(self, rule: Mapping[str, Any], owners: Sequence[Declared]) -> str | None:
        """The nearest `lakepact.action`."""
        for place in (rule, *reversed(owners), self._object):
            for custom in place.get("customProperties", ()):
                if custom["property"] == "lakepact.action":
                    return str(custom["value"])
        return None

    def _matches(self, entry: Mapping[str, str], id_: str, owners: Sequence[Declared], rule: Mapping[str, Any]) -> bool:
        owned = ".".join([self._object["name"], *(each["name"] for each in owners if "name" in each)])
        asked = {"rule": id_, "property": owned}
        said = {"severity": rule.get("severity"), "dimension": rule.get("dimension")}
        return all(fnmatchcase(asked[name], entry[name]) for name in asked if name in entry) and all(
            said[name] == entry[name] for name in said if name in entry
        )


def _key(row: Row, columns: Sequence[str]) -> tuple[object, ...] | None:
    """The key of a row, None where a part of it is NULL."""
    parts = tuple(values.identity(row[name]) for name in columns)
    return None if any(part is None for part in parts) else parts


def _surplus(rows: Sequence[Row], columns: Sequence[str]) -> int:
    """Rows with a complete key minus distinct keys."""
    keys = [key for row in rows if (key := _key(row, columns)) is not None]
    return len(keys) - len(set(keys))


def _unique_check(key: Demand, columns: Sequence[str]) -> Check:
    return Check(key.id, key.action, lambda rows: _surplus(rows, columns), lambda value: value == 0)


def _listed(value: object, declared: Declared) -> Value:
    """A value of a list in the contract as one of the property's type."""
    if value is None or declared["logicalType"] in ("string", "boolean", "time"):
        return value
    return values.bound(value, declared)


def _option_tests(declared: Declared) -> Iterator[tuple[str, Callable[[Value], bool]]]:
    """Tests of a value that is not NULL, by option."""
    given, kind = values.options(declared), declared["logicalType"]
    for option in _BOUNDS:
        if option in given:
            limit = given[option]
            yield (
                option,
                lambda value, option=option, limit=limit: values.bounds_hold(value, declared, option, limit),
            )
    tests: Mapping[str, Callable[[Value], bool]] = {
        "multipleOf": lambda value: values.is_multiple(value, given["multipleOf"]),
        "minLength": lambda value: len(value) >= given["minLength"],
        "maxLength": lambda value: len(value) <= given["maxLength"],
        "pattern": lambda value: values.pattern_found(given["pattern"], value),
        "minItems": lambda value: len(value) >= given["minItems"],
        "maxItems": lambda value: len(value) <= given["maxItems"],
        "minProperties": lambda value: _filled(value) >= given["minProperties"],
        "maxProperties": lambda value: _filled(value) <= given["maxProperties"],
        "required": lambda value: all(value[name] is not None for name in given["required"]),
    }
    yield from ((option, test) for option, test in tests.items() if option in given)
    if given.get("uniqueItems"):
        yield "uniqueItems", lambda value: len({values.identity(each) for each in value}) == len(value)
    if kind == "string" and (test := values.format_test(given.get("format", ""))) is not None:
        yield "format", test
    if kind == "integer" and str(given.get("format", "")).startswith("u"):
        high = 2 ** int(given["format"][1:]) - 1
        yield "format", lambda value: 0 <= value <= high


def _filled(value: Mapping[str, Value]) -> int:
    return sum(each is not None for each in value.values())


def _metric_breaks(rule: Mapping[str, Any], declared: Declared | None) -> Callable[[Row], bool] | None:
    """Whether a row counts for a metric; None for metrics that do not count rows one by one."""
    if declared is None or rule["metric"] not in ("nullValues", "missingValues", "invalidValues"):
        return None
    name, arguments = declared["name"], rule.get("arguments", {})
    if rule["metric"] == "nullValues":
        return lambda row: row[name] is None
    if rule["metric"] == "missingValues":
        missing = [_listed(each, declared) for each in arguments["missingValues"]]
        return lambda row: row[name] in missing
    if "pattern" in arguments:
        return lambda row: row[name] is not None and not values.pattern_found(arguments["pattern"], row[name])
    valid = [_listed(each, declared) for each in arguments["validValues"]]
    return lambda row: row[name] is not None and row[name] not in valid
