"""Loosens one clause of a contract as far as a violation asks for, where that is safe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from lakepact.contract.model import Bound, Metric, Operator, QualityRule, QualityType, Threshold
from lakepact.contract.yaml_nodes import child_path
from lakepact.drafts.document import DocumentEdits, plain
from lakepact.drafts.elements import Element
from lakepact.drafts.model import Evidence, ProposalKind
from lakepact.rules.model import DatasetRule, RowRule

__all__ = ["Loosened", "Loosening", "Violation", "missing_values", "widen_list"]

_LOWER: Final = ("minimum", "exclusiveMinimum")
_UPPER: Final = ("maximum", "exclusiveMaximum")
_COUNTS: Final[Mapping[str, bool]] = {"minLength": True, "minItems": True, "maxLength": False, "maxItems": False}
_ATMOST: Final = Operator.MUST_BE_LESS_OR_EQUAL_TO
_ATLEAST: Final = Operator.MUST_BE_GREATER_OR_EQUAL_TO


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """How a rule is violated: rows that break it (`share` in percent), or the extremes of what was measured."""

    rows: int | None
    tested: int | None
    share: Decimal | None
    lowest: Decimal | None
    highest: Decimal | None
    observed: Evidence

    def words(self) -> str:
        """The evidence, for people.

        >>> one = Violation(rows=2, tested=10, share=None, lowest=None, highest=None, observed=Evidence(highest=7))
        >>> one.words()
        '2 of 10 rows break it; the highest value is 7'
        """
        parts = []
        if self.rows is not None:
            parts.append(f"{self.rows} of {self.tested} rows break it" if self.tested else f"{self.rows} rows break it")
        if self.lowest is not None and self.highest is not None:
            both = f"{self.lowest}" if self.lowest == self.highest else f"{self.lowest} to {self.highest}"
            parts.append(f"measured was {both}")
        found = self.observed
        parts += [f"the lowest value is {found.lowest}"] if found.lowest is not None else []
        parts += [f"the highest value is {found.highest}"] if found.highest is not None else []
        if found.values:
            parts.append("there is " + ", ".join(map(str, found.values[:10])) + (", ..." if found.values[10:] else ""))
        parts += [found.text] if found.text else []
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Loosened:
    """What was done: the kind of proposal, the clause of the element, and a sentence."""

    kind: ProposalKind
    clause: str
    text: str


class Loosening:
    """Loosens clauses of one element."""

    def __init__(self, edits: DocumentEdits, element: Element, violation: Violation) -> None:
        """`edits` are added to."""
        self._edits = edits
        self._element = element
        self._violation = violation

    def of(self, rule: RowRule | DatasetRule) -> Loosened | None:
        """Loosen the clause that the rule comes from; None, and nothing edited, where there is no safe way."""
        if self._element.quality is not None:
            return self._quality(self._element.quality)
        clauses = [path.removeprefix(self._element.path).lstrip(".") for path in rule.clauses]
        if clauses == ["required"]:
            self._edits.set(self._element.path, "required", False)
            return Loosened(ProposalKind.RELAXED, "required", f"{self._name} is not required")
        if clauses == ["enum"]:
            return self._enum()
        holder, _, option = clauses[0].partition(".")
        if holder != "logicalTypeOptions":
            return None
        if option in _COUNTS:
            return self._count(option, lower=_COUNTS[option])
        if option in (*_LOWER, *_UPPER):
            return self._bound(option, switched=len(clauses) > 1, lower=option in _LOWER)
        return None

    @property
    def _name(self) -> str:
        prop = self._element.prop
        return f"`{prop.name}`" if prop is not None and prop.name else "the element"

    def _extreme(self, *, lower: bool) -> Any:
        return self._violation.observed.lowest if lower else self._violation.observed.highest

    def _count(self, option: str, *, lower: bool) -> Loosened | None:
        path = child_path(child_path(self._element.path, "logicalTypeOptions"), option)
        seen, old = _number(self._extreme(lower=lower)), _number(self._edits.data(path))
        if seen is None or old is None or seen < 0 or seen != int(seen) or not (seen < old if lower else seen > old):
            return None
        self._edits.set(path.rpartition(".")[0], option, int(seen))
        return self._moved(option, str(old), str(seen))

    def _bound(self, option: str, *, switched: bool, lower: bool) -> Loosened | None:
        """Move a bound to what was seen, which is then allowed itself."""
        holder = child_path(self._element.path, "logicalTypeOptions")
        bound = self._bound_at(child_path(holder, option), lower=lower)
        seen = self._extreme(lower=lower)
        if bound is None or seen is None or not _breaks(bound, seen, lower=lower):
            return None
        value = seen if isinstance(bound.value, str) else plain(_number(seen))
        inclusive = (_LOWER if lower else _UPPER)[0]
        exclusive = (_LOWER if lower else _UPPER)[1]
        if option == exclusive:
            if self._edits.data(child_path(holder, inclusive)) is not None:
                return None  # both bounds hold, and only one key is there for the new one
            self._edits.rename(child_path(holder, option), inclusive)
        elif switched and not bound.inclusive:
            self._edits.set(holder, exclusive, False)
        self._edits.set(holder, option, value)
        return self._moved(inclusive, str(bound.value), str(seen))

    def _moved(self, option: str, old: str, new: str) -> Loosened:
        text = f"{option} of {self._name} is {new}, not {old}"
        return Loosened(ProposalKind.LOOSENED, f"logicalTypeOptions.{option}", text)

    def _bound_at(self, path: str, *, lower: bool) -> Bound | None:
        prop = self._element.prop
        options = prop.options if prop is not None else None
        bounds = (options.lower if lower else options.upper) if options is not None else ()
        return next((bound for bound in bounds if bound.place.path == path), None)

    def _enum(self) -> Loosened | None:
        prop = self._element.prop
        known = [entry.value for entry in prop.enum] if prop is not None else []
        new = missing_values(known, self._violation.observed.values)
        if not new:
            return None
        self._edits.append(self._element.path, "enum", [{"value": value} for value in new])
        return Loosened(ProposalKind.WIDENED, "enum", f"{self._name} may also be {_listed(new)}")

    def _quality(self, rule: QualityRule) -> Loosened | None:
        if rule.type is not QualityType.LIBRARY or rule.metric is None:
            return None
        if rule.metric is Metric.INVALID_VALUES and "pattern" not in rule.arguments:
            values = rule.arguments.get("validValues")
            new = missing_values(values, self._violation.observed.values) if isinstance(values, list | tuple) else []
            if new:
                widen_list(self._edits, rule.place.path, new)
                text = f"{self._name} may also be {_listed(new)}"
                return Loosened(ProposalKind.WIDENED, "validValues", text)
        return self._threshold(rule)

    def _threshold(self, rule: QualityRule) -> Loosened | None:
        """Move the threshold to what was measured."""
        lowest, highest = self._measured(rule)
        if lowest is None or highest is None or len(rule.thresholds) > 1:
            return None
        path = rule.place.path
        if not rule.thresholds:
            self._edits.set(path, _ATMOST.value, plain(highest))
            return Loosened(ProposalKind.LOOSENED, "threshold", f"{_said(rule)} {_ATMOST.value} {plain(highest)}")
        old = rule.thresholds[0]
        moved = _moved_threshold(old, lowest, highest)
        if moved is None:
            return None
        operator, value = moved
        where = child_path(path, old.operator.value)
        if operator is not old.operator:
            self._edits.rename(where, operator.value)
        self._edits.set(path, old.operator.value, value)
        before = f"{old.operator.value} {_shown(plain(old.value))}"
        text = f"{_said(rule)} {operator.value} {_shown(value)}, not {before}"
        return Loosened(ProposalKind.LOOSENED, "threshold", text)

    def _measured(self, rule: QualityRule) -> tuple[Decimal | None, Decimal | None]:
        """The lowest and the highest measured value; for a rule on rows the number, or the share, of those."""
        violation = self._violation
        if violation.lowest is not None:
            return violation.lowest, violation.highest
        if rule.metric is Metric.ROW_COUNT:
            return None, None
        if rule.unit == "percent":
            share = violation.share.quantize(Decimal("0.0001"), "ROUND_CEILING") if violation.share else None
            return share, share
        rows = Decimal(violation.rows) if violation.rows else None
        return rows, rows


def widen_list(edits: DocumentEdits, rule_path: str, new: Sequence[Any]) -> None:
    """Add values to the valid ones of a library rule, in either grammar."""
    holder = child_path(rule_path, "arguments")
    inside = isinstance(edits.data(child_path(holder, "validValues")), list)
    edits.append(holder if inside else rule_path, "validValues", list(new))


def missing_values(known: Sequence[Any], seen: Sequence[Any]) -> list[Any]:
    """The values of `seen` that are not known, each once, sorted; written as the known ones are."""
    texts = bool(known) and all(isinstance(value, str) for value in known)
    have = {_key(value) for value in known}
    new: dict[str, Any] = {}
    for value in seen:
        written = str(value) if texts else plain(value)
        if _key(written) not in have:
            new.setdefault(_key(written), written)
    return [new[key] for key in sorted(new)]


def _key(value: Any) -> str:
    number = _number(value) if not isinstance(value, str) else None
    return f"{type(value).__name__}:{value}" if number is None else f"number:{number.normalize()}"


def _number(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _breaks(bound: Bound, seen: Any, *, lower: bool) -> bool:
    """Whether a value that was seen lies outside of a bound."""
    old: Any
    new: Any
    if isinstance(bound.value, str):
        old, new = bound.value, seen if isinstance(seen, str) else None
    else:
        old, new = _number(bound.value), _number(seen)
    if old is None or new is None:
        return False
    if new == old:
        return not bound.inclusive
    return bool(new < old if lower else new > old)


def _moved_threshold(old: Threshold, lowest: Decimal, highest: Decimal) -> tuple[Operator, Any] | None:
    """The operator and value that also hold for what was measured; None where there is none, or nothing to move."""
    if isinstance(old.value, tuple):
        low, high = (_number(value) for value in old.value[:2]) if len(old.value) == 2 else (None, None)
        if old.operator is not Operator.MUST_BE_BETWEEN or low is None or high is None:
            return None
        wider = [plain(min(low, lowest)), plain(max(high, highest))]
        return (old.operator, wider) if wider != [plain(low), plain(high)] else None
    value = _number(old.value)
    if value is None:
        return None
    match old.operator:
        case Operator.MUST_BE if value == 0 and highest > 0:
            return _ATMOST, plain(highest)
        case Operator.MUST_BE if lowest != value or highest != value:
            return Operator.MUST_BE_BETWEEN, [plain(min(value, lowest)), plain(max(value, highest))]
        case Operator.MUST_BE_LESS_THAN if highest >= value:
            return _ATMOST, plain(highest)
        case Operator.MUST_BE_LESS_OR_EQUAL_TO if highest > value:
            return _ATMOST, plain(highest)
        case Operator.MUST_BE_GREATER_THAN if lowest <= value:
            return _ATLEAST, plain(lowest)
        case Operator.MUST_BE_GREATER_OR_EQUAL_TO if lowest < value:
            return _ATLEAST, plain(lowest)
    return None


def _said(rule: QualityRule) -> str:
    return rule.name or rule.metric_text or "the rule"


def _shown(value: Any) -> str:
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values[:10])) + (", ..." if values[10:] else "")
