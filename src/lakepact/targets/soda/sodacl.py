"""Rules of a contract that are written for Soda, as checks of Soda 4: SodaCL of version 3 and mappings.

What is read: SodaCL checks (`missing_count(id) = 0`, also as YAML with options under them and under `checks for …`),
the mappings of ODCS examples (`type: duplicate_percent`, `columns`, `must_be_less_than`), the short ones (`regex`,
`uniqueness`, `range`, `freshness` as `type`), and checks of Soda 4 as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import Action, EngineRule
from lakepact.rules.queries import author_predicate, author_query
from lakepact.targets.foreign import parsed_implementation
from lakepact.targets.queries import Tables, complete
from lakepact.targets.soda.checks import SodaCheck, levelled, soda_threshold

__all__ = ["translate_soda"]

_KINDS: Final = ("missing", "invalid", "duplicate", "aggregate", "metric", "failed_rows", "row_count", "freshness")
_AGGREGATES: Final = {
    **{name: name for name in ("avg", "sum", "min", "max")},
    **{"avg_length": "avgLength", "min_length": "minLength", "max_length": "maxLength"},
}
_COUNTS: Final = {
    f"{kind}_{unit}": (kind, unit) for kind in ("missing", "invalid", "duplicate") for unit in ("count", "percent")
}
# An option of a SodaCL check, and what it is called in Soda 4.
_OPTIONS: Final = {
    **{f"valid {name}": f"valid_{name.replace(' ', '_')}" for name in ("values", "min", "max", "length")},
    **{f"valid {side} length": f"valid_{side}_length" for side in ("min", "max")},
    **{"invalid values": "invalid_values", "missing values": "missing_values", "filter": "filter"},
}
_REGEXES: Final = {
    "valid regex": "valid_format",
    "invalid regex": "invalid_format",
    "missing regex": "missing_format",
}
_LINE: Final = re.compile(r"(?P<metric>[a-z_]+) *(?:\((?P<columns>[^()]*)\))? *(?P<condition>.*)", re.DOTALL)
_NUMBER: Final = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_BETWEEN: Final = re.compile(rf"(?P<no>not +)?between +(?P<low>{_NUMBER}) *%? +and +(?P<high>{_NUMBER}) *%?")
_COMPARED: Final = re.compile(rf"(?P<operator><=|>=|!=|<>|=|<|>) *(?P<value>{_NUMBER}) *%?")
_AGE: Final = re.compile(r"(?P<operator><=|<) *(?P<age>(?:\d+[dhm])+)")
_OPERATORS: Final = {
    "=": "must_be",
    "!=": "must_not_be",
    "<>": "must_not_be",
    ">": "must_be_greater_than",
    ">=": "must_be_greater_than_or_equal",
    "<": "must_be_less_than",
    "<=": "must_be_less_than_or_equal",
}
# `fail: when > 5` says what is wrong, a threshold of Soda 4 what is right.
_OPPOSITES: Final = {"=": "!=", "!=": "=", "<>": "=", ">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_MINUTES: Final = {"d": 1_440, "h": 60, "m": 1}


def translate_soda(rule: EngineRule, tables: Tables) -> tuple[SodaCheck, ...]:
    """The checks that a rule for Soda asks for, at least one. Raises Inexpressible where one of them is not known."""
    found = list(_Reader(rule, tables).checks())
    if not found:
        raise Inexpressible("the implementation holds no check")
    several = len(found) > 1
    return tuple(
        SodaCheck(
            rule=rule.id,
            kind=kind,
            column=column,
            body=levelled(body, warns=rule.action is Action.WARN),
            qualifier=f"{rule.name} {number}" if several else rule.name,
            name=rule.description,
        )
        for number, (kind, column, body) in enumerate(found, 1)
    )


_Found = tuple[str, str | None, dict[str, object]]


class _Reader:
    def __init__(self, rule: EngineRule, tables: Tables) -> None:
        self._rule = rule
        self._tables = tables

    def checks(self) -> Iterator[_Found]:
        yield from self._of(parsed_implementation(self._rule.implementation))

    def _of(self, given: object) -> Iterator[_Found]:
        match given:
            case str():
                yield self._line(given, {})
            case list() | tuple():
                for entry in given:
                    yield from self._of(entry)
            case Mapping() if "type" in given:
                yield self._typed({str(key): value for key, value in given.items()})
            case Mapping():
                for key, value in given.items():
                    yield from self._entry(str(key), value)
            case _:
                raise Inexpressible(f"{given!r} is no check of Soda")

    def _entry(self, key: str, value: object) -> Iterator[_Found]:
        if key in ("checks", "quality_checks") or key.startswith("checks for "):
            yield from self._of(value)
        elif key in _KINDS and (value is None or (isinstance(value, Mapping) and not value.keys() & {"warn", "fail"})):
            yield self._native(key, dict(value or {}))
        elif key == "failed rows" and isinstance(value, Mapping):
            yield self._failed_rows(value)
        elif value is None or isinstance(value, Mapping):
            yield self._line(key, dict(value or {}))
        else:
            raise Inexpressible(f"{key!r} is no check of Soda")

    def _native(self, kind: str, body: dict[str, object]) -> _Found:
        """A check of Soda 4, which stands at the rule's column or names its own."""
        column = None
        if kind in ("missing", "invalid", "aggregate") or (kind == "duplicate" and "columns" not in body):
            column = self._column(body.pop("column", None))
        if kind == "freshness":
            body["column"] = self._column(body.pop("column", None))
        for key in ("name", "qualifier", "attributes"):
            body.pop(key, None)
        return kind, column, body

    def _failed_rows(self, options: Mapping[object, object]) -> _Found:
        unknown = sorted(str(key) for key in options if key not in ("name", "fail condition", "fail query"))
        if unknown:
            raise Inexpressible(f"'failed rows' has the option {unknown[0]!r}, which is not known")
        if isinstance(condition := options.get("fail condition"), str):
            return "failed_rows", None, {"expression": author_predicate(condition, self._own_column())}
        if isinstance(query := options.get("fail query"), str):
            text = author_query(query, self._rule.object, self._own_column())
            return "failed_rows", None, {"query": self._tables.named_in(text)}
        raise Inexpressible("'failed rows' needs a 'fail condition' or a 'fail query'")

    def _own_column(self) -> str:
        return self._tables.quote(self._rule.columns[0]) if self._rule.columns else ""

    def _line(self, text: str, options: Mapping[object, object]) -> _Found:
        match = _LINE.fullmatch(text.strip())
        metric = match["metric"] if match else ""
        if match is None or metric not in (*_COUNTS, *_AGGREGATES, "row_count", "freshness"):
            raise Inexpressible(f"Soda's check {text.strip()!r} is not known")
        columns = [_unquoted(name) for name in (match["columns"] or "").split(",") if name.strip()]
        condition = match["condition"].strip().removesuffix(":").rstrip()
        body, thresholds = self._options(options)
        if condition:
            read = _age if metric == "freshness" else _condition
            thresholds = {**read(condition), **thresholds}
        return self._check(metric, columns, body, thresholds)

    def _options(self, options: Mapping[object, object]) -> tuple[dict[str, object], dict[str, object]]:
        body: dict[str, object] = {}
        for key, value in options.items():
            if key in _OPTIONS:
                body[_OPTIONS[str(key)]] = value
            elif key in _REGEXES:
                body[_REGEXES[str(key)]] = {"name": self._rule.name, "regex": str(value)}
            elif key not in ("name", "attributes", "warn", "fail"):
                raise Inexpressible(f"the option {key!r} of a check is not known")
        fails = _opposite(options["fail"]) if "fail" in options else {}
        warns = {**_opposite(options["warn"]), "level": "warn"} if "warn" in options else {}
        return body, {**fails, "additional": warns} if fails and warns else {**fails, **warns}

    def _typed(self, given: dict[str, object]) -> _Found:
        kind = str(given.pop("type"))
        for key in ("name", "severity", "description"):
            given.pop(key, None)
        columns = _names(given.pop("columns", None)) or _names(given.pop("column", None))
        if kind in (*_COUNTS, *_AGGREGATES, "row_count"):
            thresholds = {key: given.pop(key) for key in list(given) if key.startswith("must_be")}
            self._all_known(kind, given, known=_OPTIONS.values())
            return self._check(kind, columns, dict(given), {key: _number(value) for key, value in thresholds.items()})
        if kind not in ("regex", "uniqueness", "range", "freshness"):
            raise Inexpressible(f"Soda has no check of type {kind!r}")
        return self._short(kind, columns, given)

    def _short(self, kind: str, columns: Sequence[str], given: Mapping[str, object]) -> _Found:
        """The check types of short forms, which allow no violation."""
        keys = {"regex": ("pattern",), "range": ("min", "max"), "freshness": ("max_age_hours",)}.get(kind, ())
        self._all_known(kind, given, known=keys)
        if kind == "uniqueness":
            return self._check("duplicate_count", columns, {}, {"must_be": 0})
        if not any(key in given for key in keys):
            raise Inexpressible(f"a check of type {kind!r} needs {' or '.join(repr(key) for key in keys)}")
        if kind == "freshness":
            return self._check("freshness", columns, {}, {"unit": "hour", "must_be_less_than": given["max_age_hours"]})
        body: dict[str, object] = {f"valid_{key}": given[key] for key in keys if key in given}
        if kind == "regex":
            body = {"valid_format": {"name": self._rule.name, "regex": str(given["pattern"])}}
        return self._check("invalid_count", columns, body, {"must_be": 0})

    def _all_known(self, kind: str, given: Mapping[str, object], *, known: Collection[str]) -> None:
        unknown = sorted(key for key in given if key not in known)
        if unknown:
            raise Inexpressible(f"a check of type {kind!r} has the key {unknown[0]!r}, which is not known")

    def _check(
        self, metric: str, columns: Sequence[str], body: dict[str, object], thresholds: Mapping[str, object]
    ) -> _Found:
        threshold = thresholds or soda_threshold(self._rule.thresholds)
        if not threshold:
            raise Inexpressible(f"{metric} is compared with nothing")
        if metric == "row_count":
            return "row_count", None, {**body, "threshold": dict(threshold)}
        if metric == "freshness":
            return "freshness", None, {"column": self._column(columns), "threshold": dict(threshold)}
        if metric in _AGGREGATES:
            function = {"function": _AGGREGATES[metric]}
            return "aggregate", self._column(columns), {**function, **body, "threshold": dict(threshold)}
        kind, unit = _COUNTS[metric]
        counted = {"metric": "percent", **threshold} if unit == "percent" else dict(threshold)
        if kind == "duplicate" and len(columns) > 1:
            # Rows whose key is not complete never counted in version 3, and a check of several columns counts them.
            whole = complete([self._tables.quote(name) for name in columns])
            if "filter" in body:
                whole = f"({body['filter']}) AND {whole}"
            return "duplicate", None, {**body, "columns": list(columns), "filter": whole, "threshold": counted}
        if kind == "invalid" and not any(key.startswith(("valid_", "invalid_")) for key in body):
            raise Inexpressible("invalid_count needs to know what is valid, for example 'valid regex'")
        return kind, self._column(columns), {**body, "threshold": counted}

    def _column(self, named: object) -> str:
        names = _names(named) or list(self._rule.columns)
        if len(names) != 1:
            raise Inexpressible("the check names no column" if not names else "the check speaks of one column")
        return names[0]


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(name) for name in value] if isinstance(value, list | tuple) else []


def _unquoted(name: str) -> str:
    stripped = name.strip()
    return stripped[1:-1] if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in '"`' else stripped


def _condition(text: str) -> dict[str, object]:
    if match := _BETWEEN.fullmatch(text):
        low, high = _number(match["low"]), _number(match["high"])
        if match["no"]:
            return {"must_be_not_between": {"greater_than": high, "less_than": low}}
        return {"must_be_between": {"greater_than_or_equal": low, "less_than_or_equal": high}}
    match = _COMPARED.fullmatch(text)
    if match is None:
        raise Inexpressible(f"the condition {text!r} is not known")
    return {_OPERATORS[match["operator"]]: _number(match["value"])}


def _age(text: str) -> dict[str, object]:
    match = _AGE.fullmatch(text)
    if match is None:
        raise Inexpressible(f"the condition {text!r} is no age, such as < 24h")
    minutes = sum(int(count) * _MINUTES[unit] for count, unit in re.findall(r"(\d+)([dhm])", match["age"]))
    unit, size = ("hour", 60) if minutes % 60 == 0 else ("minute", 1)
    return {"unit": unit, _OPERATORS[match["operator"]]: minutes // size}


def _opposite(value: object) -> dict[str, object]:
    text = str(value).removeprefix("when").strip()
    match = _COMPARED.fullmatch(text)
    if match is None:
        raise Inexpressible(f"the condition {value!r} is not known")
    return {_OPERATORS[_OPPOSITES[match["operator"]]]: _number(match["value"])}


def _number(value: object) -> object:
    if not isinstance(value, str):
        return value
    return float(value) if re.search(r"[.eE]", value) else int(value)
