"""Opens a quarantine by its address."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from lakepact.contract.model import Contract
from lakepact.errors import UsageError
from lakepact.quarantine.protocol import QuarantinePlace
from lakepact.quarantine.records import Quarantine

__all__ = ["open_place", "open_quarantine"]

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
_FORM: Final = "write delta:PATH, spark:TABLE, or files:URL; a path alone is a Delta table or a folder of batches"


def open_quarantine(
    address: str,
    *,
    contract: Contract | None = None,
    retention: timedelta | None = None,
    dataset: str = "",
    object_name: str = "",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Quarantine:
    """The quarantine at `delta:PATH` (no Java needed), `spark:TABLE` (the active session) or `files:URL` (batches).

    A path alone is a Delta table where it has a log, else a folder of batches; a URL alone is that of batches. See
    `Quarantine` for `contract`, `retention` and `clock`, and the places for `dataset` and `object_name`. Raises
    UsageError LP984 where the address is none, ExtraMissing where a library is not installed.
    """
    place = open_place(address, dataset=dataset, object_name=object_name)
    return Quarantine(place, contract=contract, retention=retention, clock=clock)


def open_place(address: str, *, dataset: str = "", object_name: str = "") -> QuarantinePlace:
    """The place at an address, see `open_quarantine`."""
    found = _SCHEME.fullmatch(address)
    scheme, rest = (found[1].lower(), found[2]) if found else ("", address)
    if found is None or rest.startswith("//"):
        is_table = "://" not in address and (Path(address) / "_delta_log").is_dir()
        scheme, rest = ("delta" if is_table else "files"), address
    if not rest:
        raise UsageError(f"'{address}' is no address of a quarantine", "LP984", _FORM)
    if scheme == "delta":
        from lakepact.quarantine.delta_place import DeltaPlace

        return DeltaPlace(rest, dataset=dataset, object_name=object_name)
    if scheme == "spark":
        from lakepact.io.tables import table_at, table_named
        from lakepact.quarantine.spark_place import SparkPlace
        from lakepact.spark.connect import active_session

        table = table_at(rest) if "/" in rest else table_named(rest)
        return SparkPlace(active_session(), table, dataset=dataset, object_name=object_name)
    if scheme == "files":
        from lakepact.quarantine.file_place import FilePlace

        return FilePlace(rest)
    raise UsageError(f"'{address}' is no address of a quarantine", "LP984", _FORM)
