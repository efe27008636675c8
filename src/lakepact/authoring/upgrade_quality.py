"""Quality rules between v3.0 (`rule`, any operators, `${object}`) and v3.1 (`metric`, one operator, `{object}`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lakepact.authoring.upgrade_draft import PREFIX, Draft, Note, Proposal, children, elements
from lakepact.contract.build_quality import ARGUMENTS
from lakepact.contract.edits import Append, Edit, Insert, Remove, RenameKey, Replace, SetValue, TextOf
from lakepact.contract.model import ApiVersion, Metric, Operator
from lakepact.contract.yaml_nodes import child_path

__all__ = ["library_rules", "operators", "placeholders", "range_rules"]

_OPERATORS = tuple(operator.value for operator in Operator)
_METRICS = {metric.value.casefold(): metric.value for metric in Metric} | {
    "nullcheck": Metric.NULL_VALUES.value,
    "duplicatecount": Metric.DUPLICATE_VALUES.value,
    "unique": Metric.DUPLICATE_VALUES.value,
    "validvalues": Metric.INVALID_VALUES.value,
    "countcheck": Metric.ROW_COUNT.value,
}
_RULES = {
    Metric.NULL_VALUES.value: "nullCheck",
    Metric.DUPLICATE_VALUES.value: "duplicateCount",
    Metric.ROW_COUNT.value: "rowCount",
}
# Without an operator these allow none, as the examples of v3.0 use them.
_ALLOW_NONE = frozenset(("unique", "validvalues", "nullcheck", "duplicatecount"))
_RANGES = {"between": ("min", "max"), "mincheck": ("min",), "maxcheck": ("max",)}
_BOUNDS = {"min": ("minimum", ">="), "max": ("maximum", "<=")}
_NUMERIC = ("number", "integer")
_OBJECT = re.compile(r"schema\[\d+\]")

_OLD_PLACEHOLDER = re.compile(r"\$\{\s*(object|table|property|column)\s*\}")
_NEW_PLACEHOLDER = re.compile(r"\{\s*(object|property)\s*\}")
_NEW_NAMES = {"object": "object", "table": "object", "property": "property", "column": "property"}


def _rules(draft: Draft) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every quality rule: its path, itself, and the element that it stands at."""
    for path, element in elements(draft.data):
        for inner, rule in children(element, path, "quality"):
            yield inner, rule, element


def _name(rule: Mapping[str, Any]) -> str:
    """The library rule that v3.0 names; the empty text for what is none or has a metric already."""
    written = rule.get("rule")
    library = rule.get("type") in (None, "library")
    return written.casefold() if library and isinstance(written, str) and "metric" not in rule else ""


def placeholders(draft: Draft) -> Iterator[Proposal]:
    """`${object}` and `${property}` in queries until v3.0.2, `{object}` and `{property}` from v3.1.0 on.

    From v3.2.0 on `${...}` is a variable, which is left alone.
    """
    if draft.one_operator and draft.declared is ApiVersion.V3_2_0:
        return
    for path, rule, _ in _rules(draft):
        query = rule.get("query")
        if isinstance(query, str):
            yield from _placeholders(child_path(path, "query"), query, old=draft.one_operator)


def _placeholders(path: str, query: str, *, old: bool) -> Iterator[Proposal]:
    """One proposal for a query, from the old form to the new one or back."""
    if old:
        found = {match[0]: "{" + _NEW_NAMES[match[1]] + "}" for match in _OLD_PLACEHOLDER.finditer(query)}
    else:
        found = {match[0]: "${" + match[1] + "}" for match in _NEW_PLACEHOLDER.finditer(query)}
    if not found or (not old and "$" in {query[match.start() - 1] for match in _NEW_PLACEHOLDER.finditer(query)}):
        return
    shown = ", ".join(f"`{new}`" for new in dict.fromkeys(found.values()))
    note = Note("LP701", path, f"the placeholders are {shown}, were {', '.join(f'`{text}`' for text in found)}")
    yield Proposal(edits=tuple(Replace(path=path, old=text, new=new) for text, new in found.items()), notes=(note,))


def library_rules(draft: Draft) -> Iterator[Proposal]:
    """`rule` until v3.0.2, `metric` from v3.1.0 on, with their arguments beside it or under `arguments`."""
    for path, rule, _ in _rules(draft):
        if draft.one_operator:
            yield from _to_metric(path, rule)
        elif isinstance(rule.get("metric"), str) and "rule" not in rule:
            yield from _to_rule(path, rule)


def _to_metric(path: str, rule: Mapping[str, Any]) -> Iterator[Proposal]:
    name = _name(rule)
    if not name or name in _RANGES:
        return
    written = [operator for operator in _OPERATORS if operator in rule]
    metric = _METRICS.get(name)
    at = child_path(path, "rule")
    if metric is None or (not written and name not in _ALLOW_NONE):
        why = "has no metric in v3.1.0" if metric is None else "measures and demands nothing"
        yield _as_text(path, rule, f"the rule `{rule['rule']}` {why}")
        return
    edits: list[Edit] = [RenameKey(path=at, key="metric"), SetValue(path=at, value=metric)]
    message = f"the metric {metric}, was the rule {rule['rule']}"
    if not written:
        edits.append(Insert(parent=path, key="mustBe", value=0, after="rule"))
        message += ", which allows none"
    yield Proposal(edits=(*edits, *_gathered(path, rule)), notes=(Note("LP701", at, message),))


def _gathered(path: str, rule: Mapping[str, Any]) -> Iterator[Edit]:
    """The arguments beside the rule, put under `arguments`."""
    beside = [key for key in ARGUMENTS if key in rule]
    inner = rule.get("arguments")
    at = child_path(path, "arguments")
    if isinstance(inner, dict):
        moved = [key for key in beside if key not in inner]
        yield from (Insert(parent=at, key=key, value=TextOf(child_path(path, key))) for key in moved)
    elif beside:
        value = {key: TextOf(child_path(path, key)) for key in beside}
        yield Insert(parent=path, key="arguments", value=value, after="rule")
    yield from (Remove(path=child_path(path, key)) for key in beside)


def _to_rule(path: str, rule: Mapping[str, Any]) -> Iterator[Proposal]:
    metric = rule["metric"]
    arguments = rule.get("arguments")
    given = arguments if isinstance(arguments, dict) else {}
    listed = metric == Metric.INVALID_VALUES.value and "validValues" in given
    name = "validValues" if listed else _RULES.get(metric, metric)
    at, inner = child_path(path, "metric"), child_path(path, "arguments")
    edits: list[Edit] = [RenameKey(path=at, key="rule"), SetValue(path=at, value=name)]
    moved = [key for key in ARGUMENTS if key in given and key not in rule]
    edits += [Insert(parent=path, key=key, value=TextOf(child_path(inner, key)), after="metric") for key in moved]
    if len(moved) == len(given):
        edits += [Remove(path=inner)] if "arguments" in rule else []
    else:
        edits += [Remove(path=child_path(inner, key)) for key in moved]
    yield Proposal(edits=tuple(edits), notes=(Note("LP701", at, f"the rule {name}, was the metric {metric}"),))


def operators(draft: Draft) -> Iterator[Proposal]:
    """Several operators in one rule, or none in a query, until v3.0.2; exactly one from v3.1.0 on."""
    if not draft.one_operator:
        return
    for path, rule, _ in _rules(draft):
        written = [operator for operator in _OPERATORS if operator in rule]
        measured = isinstance(rule.get("metric"), str) and rule.get("type") in (None, "library")
        if rule.get("type") == "sql" and not written:
            note = Note("LP701", path, "`mustBe: true` is written, which a query without an operator means")
            yield Proposal(edits=(Insert(parent=path, key="mustBe", value=True, after="query"),), notes=(note,))
        elif (rule.get("type") == "sql" or measured) and len(written) > 1:
            yield _between(path, rule, written) or _split(path, rule, written)


def _between(path: str, rule: Mapping[str, Any], written: Sequence[str]) -> Proposal | None:
    """`mustBeGreaterOrEqualTo` with `mustBeLessOrEqualTo` as the one operator that includes both bounds."""
    low, high = Operator.MUST_BE_GREATER_OR_EQUAL_TO.value, Operator.MUST_BE_LESS_OR_EQUAL_TO.value
    if set(written) != {low, high} or not (_is_number(rule[low]) and _is_number(rule[high]) and rule[low] < rule[high]):
        return None
    at = child_path(path, low)
    between = Operator.MUST_BE_BETWEEN.value
    edits = (
        RenameKey(path=at, key=between),
        SetValue(path=at, value=[TextOf(at), TextOf(child_path(path, high))]),
        Remove(path=child_path(path, high)),
    )
    return Proposal(edits=edits, notes=(Note("LP701", at, f"`{between}`, was `{low}` and `{high}`"),))


def _split(path: str, rule: Mapping[str, Any], written: Sequence[str]) -> Proposal:
    """The rule with its first operator, and a copy of it for each other one at the end of the list."""
    _first, *others = written
    edits: list[Edit] = [Remove(path=child_path(path, operator)) for operator in others]
    for operator in others:
        keys = [key for key in rule if key == operator or key not in (*_OPERATORS, "id")]
        copy = {key: TextOf(child_path(path, key)) for key in keys}
        edits.append(Append(parent=path[: path.rindex("[")], value=copy))
    shown = ", ".join(f"`{operator}`" for operator in written)
    return Proposal(edits=tuple(edits), notes=(Note("LP701", path, f"a rule for each of {shown}, was one"),))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def range_rules(draft: Draft) -> Iterator[Proposal]:
    """`between`, `minCheck` and `maxCheck` of the v3.0 examples, which have their limits in custom properties.

    They become options of the type where they say nothing else, else a predicate that keeps the name of the rule.
    """
    for path, rule, element in _rules(draft):
        if draft.one_operator and _name(rule) in _RANGES:
            yield _from_range(path, rule, element)
        elif not draft.one_operator:
            yield from _to_range(path, rule, element)


def _from_range(path: str, rule: Mapping[str, Any], element: dict[str, Any]) -> Proposal:
    limits = _limits(path, rule)
    sides = _RANGES[_name(rule)]
    owner = path[: path.rindex(".quality[")]
    at = child_path(path, "rule")
    if set(sides) - set(limits):
        return _as_text(path, rule, f"the rule `{rule['rule']}` has no limits")
    if _OBJECT.fullmatch(owner):
        return _as_text(path, rule, f"the rule `{rule['rule']}` measures a property and stands at an object")
    options = element.get("logicalTypeOptions")
    written = options if isinstance(options, dict) else {}
    free = not {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} & set(written)
    bare = set(rule) <= {"type", "rule", "customProperties"} and len(rule["customProperties"]) == len(sides)
    if bare and free and element.get("logicalType") in _NUMERIC:
        gone = path if len(element["quality"]) > 1 else child_path(owner, "quality")
        values = {_BOUNDS[side][0]: TextOf(child_path(limits[side][0], "value")) for side in sides}
        inner = child_path(owner, "logicalTypeOptions")
        edits: list[Edit] = [Remove(path=gone)]
        if written:
            edits += [Insert(parent=inner, key=key, value=value) for key, value in values.items()]
        else:
            edits += [Remove(path=inner)] if "logicalTypeOptions" in element else []
            edits.append(Insert(parent=owner, key="logicalTypeOptions", value=values, after="logicalType"))
        shown = " and ".join(f"`{key}`" for key in values)
        return Proposal(edits=tuple(edits), notes=(Note("LP701", at, f"{shown} of the type, was a rule"),))
    predicate = _predicate(sides, {side: value for side, (_, value) in limits.items()}, element)
    edits = [
        RenameKey(path=at, key="engine"),
        SetValue(path=at, value="lakepact"),
        Insert(parent=path, key="implementation", value=predicate, after="rule"),
        *_with_type(path, rule, "custom"),
    ]
    message = f"the rule `{rule['rule']}` has no metric in v3.1.0; written as a predicate for the engine lakepact"
    customs = ((path, f"{PREFIX}rule", rule["rule"]),)
    return Proposal(edits=tuple(edits), customs=customs, notes=(Note("LP701", at, message),))


def _limits(path: str, rule: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """The numbers that the custom properties `min` and `max` hold, with the paths of these."""
    return {
        str(entry["property"]).casefold(): (inner, entry["value"])
        for inner, entry in children(dict(rule), path, "customProperties")
        if str(entry.get("property")).casefold() in _BOUNDS and _is_number(entry.get("value"))
    }


def _predicate(sides: Sequence[str], limits: Mapping[str, Any], element: Mapping[str, Any]) -> str:
    tests = [f"{{property}} {_BOUNDS[side][1]} {limits[side]}" for side in sides]
    if "max" not in sides and element.get("logicalType") != "integer":
        tests.append("NOT isnan({property})")  # which is above every number
    return f"{{property}} IS NULL OR ({' AND '.join(tests)})"


def _to_range(path: str, rule: Mapping[str, Any], element: Mapping[str, Any]) -> Iterator[Proposal]:
    """The rule that an upgrade has written as a predicate."""
    saved = [
        (inner, entry.get("value"))
        for inner, entry in children(dict(rule), path, "customProperties")
        if entry.get("property") == f"{PREFIX}rule" and str(entry.get("value")).casefold() in _RANGES
    ]
    if not saved or rule.get("type") != "custom" or rule.get("engine") != "lakepact" or "rule" in rule:
        return
    inner, name = saved[0]
    limits = {side: value for side, (_, value) in _limits(path, rule).items()}
    sides = _RANGES[str(name).casefold()]
    if set(sides) - set(limits) or rule.get("implementation") != _predicate(sides, limits, element):
        return
    at = child_path(path, "engine")
    edits = (
        RenameKey(path=at, key="rule"),
        SetValue(path=at, value=name),
        Remove(path=child_path(path, "implementation")),
        SetValue(path=child_path(path, "type"), value="library"),
        Remove(path=inner),
    )
    yield Proposal(edits=edits, notes=(Note("LP701", at, f"the rule {name}, was a predicate"),))


def _with_type(path: str, rule: Mapping[str, Any], kind: str) -> Iterator[Edit]:
    if "type" in rule:
        yield SetValue(path=child_path(path, "type"), value=kind)
    else:
        yield Insert(parent=path, key="type", value=kind, after="rule")


def _as_text(path: str, rule: Mapping[str, Any], why: str) -> Proposal:
    """A rule that v3.1.0 cannot say: a text for people; what it demanded is kept as custom properties."""
    note = Note("LP702", path, f"{why}; written as a rule of type text, its keys as custom properties")
    moved = [key for key in rule if key in ("rule", *ARGUMENTS, *_OPERATORS)]
    customs = [(path, f"{PREFIX}{key}", TextOf(child_path(path, key))) for key in moved]
    edits = [*_with_type(path, rule, "text"), *(Remove(path=child_path(path, key)) for key in moved)]
    return Proposal(edits=tuple(edits), customs=((path, f"{PREFIX}type", "library"), *customs), notes=(note,))
