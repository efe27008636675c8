"""Names of the datasets of a plan."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from lakepact.errors import ConfigurationError
from lakepact.plan.model import DatasetRole, ObjectPlan

__all__ = ["API_NAME", "COUNT", "FAILED_RULES", "RAW", "RESERVED", "SET_ASIDE_AT", "check_names", "dataset_name"]

API_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
RAW = "_lakepact_raw"
COUNT = "_lakepact_rows"
FAILED_RULES = "_lakepact_failed_rules"
SET_ASIDE_AT = "_lakepact_quarantined_at"
RESERVED = "_lakepact_"

_LONGEST = 255
_DIGEST = 12


def dataset_name(table: str, role: DatasetRole, *, number: int = 0) -> str:
    """The name of a dataset that belongs to `table`; `number` tells several of one role apart.

    A name that a catalog would refuse for its length ends in a hash of the whole name instead.

    >>> dataset_name("orders", DatasetRole.INPUT), dataset_name("orders", DatasetRole.PUBLISHED)
    ('orders__input', 'orders')
    >>> len(dataset_name("x" * 255, DatasetRole.QUARANTINE))
    255
    """
    if role is DatasetRole.PUBLISHED:
        return table
    suffix = f"__{role.value}" + (f"_{number}" if number else "")
    if len(table) + len(suffix) <= _LONGEST:
        return table + suffix
    digest = hashlib.sha256(table.encode()).hexdigest()[:_DIGEST]
    return f"{table[: _LONGEST - len(suffix) - _DIGEST - 1]}_{digest}{suffix}"


def check_names(objects: Iterable[ObjectPlan]) -> None:
    """Raise ConfigurationError LP304 where two datasets have names that a catalog cannot tell apart."""
    seen: dict[str, tuple[str, str]] = {}
    for planned in objects:
        for dataset in planned.datasets:
            other = seen.setdefault(dataset.name.lower(), (planned.name, dataset.name))
            if other != (planned.name, dataset.name):
                message = (
                    f"dataset {dataset.name!r} of object {planned.name!r} has the same name as "
                    f"dataset {other[1]!r} of object {other[0]!r}"
                )
                hint = "give one of the objects another physicalName (case does not tell names apart)"
                raise ConfigurationError(message, "LP304", hint, {"objects": [other[0], planned.name]})
