"""Quarantined rows as data frames again, held against the contract of today with their ids beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final

from lakepact.contract.types import AtomicType, SparkType, StructField
from lakepact.errors import ContractViolated
from lakepact.io.resolving import Governed
from lakepact.plan.names import FAILED_RULES
from lakepact.quality.native import NativeEvaluation, Run
from lakepact.quarantine.content import python_value
from lakepact.quarantine.model import Record
from lakepact.rules.model import ObjectRules, RowRuleKind
from lakepact.sql import identifier

__all__ = ["SCHEMA", "judged", "typed"]

SCHEMA: Final = "schema"
"""Stands for a rule where a row has a value in a column that the contract no longer has."""

_ID: Final = "_lakepact_record_id"
_STRING: Final = AtomicType("STRING")


@dataclass(frozen=True, slots=True)
class _Typed:
    """Rows in the types of the contract, with their ids, and the rules that the others break, by id."""

    frame: Any | None
    broken: dict[str, tuple[str, ...]]


@contextmanager
def typed(
    spark: Any,
    records: Sequence[Record],
    columns: Sequence[StructField],
    run: Run,
    governed: Governed,
    *,
    checked: bool = True,
) -> Iterator[Any]:
    """The rows as a data frame with the contract's columns, which lives as long as the `with` block.

    A value that was lost when the row was set aside is taken from what it was in the source; without `checked` it is
    NULL where it does not fit. Raises ContractViolated LP985 for rows that do not fit the columns of the contract.
    """
    with _typed(spark, records, columns, run, governed, checked=checked) as found:
        if found.frame is None or found.broken:
            listed = ", ".join(sorted(each[:12] for each in found.broken)) or "no record"
            raise ContractViolated(f"rows do not fit the columns of the contract: {listed}", "LP985", "correct them")
        yield found.frame.drop(_ID)


def judged(
    spark: Any,
    records: Sequence[Record],
    columns: Sequence[StructField],
    run: Run,
    governed: Governed,
    *,
    existing: Callable[[NativeEvaluation], Any | None],
    checked: bool = True,
) -> dict[str, tuple[str, ...]]:
    """The ids of the records that break the contract, with the rules. `existing` gives rows whose keys count too.

    Without `checked` only rows that cannot be written at all break it.
    """
    with _typed(spark, records, columns, run, governed, checked=checked) as found:
        broken = dict(found.broken)
        if checked and found.frame is not None:
            with NativeEvaluation(spark, found.frame, rules=governed.rules, run=run, carried=[_ID]) as rows:
                rows.find_clashes(existing(rows))
                broken |= _reasons(rows)
    return broken


@contextmanager
def _typed(
    spark: Any,
    records: Sequence[Record],
    columns: Sequence[StructField],
    run: Run,
    governed: Governed,
    *,
    checked: bool,
) -> Iterator[_Typed]:
    only_types = tuple(rule for rule in governed.rules.row_rules if rule.kind is RowRuleKind.TYPE)
    rules = replace(governed.rules, row_rules=only_types, dataset_rules=())
    known = {each.name.casefold() for each in rules.columns}
    broken, groups = dict[str, tuple[str, ...]](), dict[tuple[str, ...], list[Record]]()
    for each in records:
        values = _values(each)
        if any(value is not None and name.casefold() not in known for name, value in values.items()):
            broken[each.id] = (SCHEMA,)
            continue
        lost = sorted(name for name in each.raw_values if name not in each.corrected)
        groups.setdefault(tuple(lost), []).append(each)
    with ExitStack() as stack:
        frames = []
        for lost_columns, group in sorted(groups.items()):
            frame = _frame(spark, group, columns, rules, lost_columns)
            rows = stack.enter_context(NativeEvaluation(spark, frame, rules=rules, run=run, carried=[_ID]))
            if checked:
                broken |= _reasons(rows)
            frames.append(rows.kept() if checked else rows.aligned())
        yield _Typed(reduce(lambda one, other: one.unionByName(other), frames) if frames else None, broken)


def _reasons(rows: NativeEvaluation) -> dict[str, tuple[str, ...]]:
    found = rows.quarantined(added={}).select(_ID, FAILED_RULES).collect()
    return {row[0]: tuple(row[1]) for row in found}


def _frame(
    spark: Any, records: Sequence[Record], columns: Sequence[StructField], rules: ObjectRules, lost: Sequence[str]
) -> Any:
    """Rows whose lost values are in the same columns: those columns are text, as they were in the source."""
    known = {each.name.casefold() for each in rules.columns}
    kinds: dict[str, SparkType] = {each.name: each.type for each in columns if each.name.casefold() in known}
    texts = [name for name in lost if name in kinds]
    kinds |= dict.fromkeys(texts, _STRING)
    rows = []
    for each in records:
        values = _values(each) | {name: each.raw_values[name] for name in texts}
        rows.append((*(python_value(values.get(name), kind) for name, kind in kinds.items()), each.id))
    ddl = ", ".join(f"{identifier(name)} {kind.ddl}" for name, kind in {**kinds, _ID: _STRING}.items())
    there = {name.casefold() for name in kinds}
    absent = [each for each in rules.columns if each.name.casefold() not in there]
    frame = spark.createDataFrame(rows, ddl)
    return frame.selectExpr("*", *(f"CAST(NULL AS {each.type.ddl}) AS {identifier(each.name)}" for each in absent))


def _values(record: Record) -> dict[str, Any]:
    return {**(record.row or {}), **record.corrected}
