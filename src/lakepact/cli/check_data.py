"""The data that `lakepact check` is given: files, folders and tables, as engines read them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakepact.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.quality.engine import Data, EngineContext, FileData, FrameData
    from lakepact.quality.evaluated import Evaluated
    from lakepact.results.model import RuleResult
    from lakepact.rules.model import ObjectRules, RuleSet

__all__ = ["Place", "SparkTable", "Unread", "file_data", "frame_of", "places_of", "session_for"]

_TABLE: Final = "spark:"


@dataclass(frozen=True, slots=True)
class SparkTable:
    """A table of the session that runs; as text it is its name."""

    name: str

    def __str__(self) -> str:
        return self.name


Place = Path | SparkTable


@dataclass(frozen=True, slots=True)
class Unread:
    """Stands for an engine where the data cannot be read: that is what comes of each of its rules."""

    name: str
    reason: str

    def takes(self, data: Data) -> bool:
        """Any data."""
        return True

    def evaluate(self, data: Data, rules: ObjectRules, context: EngineContext) -> tuple[RuleResult, ...]:
        """Nothing. Raises ConfigurationError LP430 with the reason."""
        return self.evaluate_data(data, rules, context).results

    def evaluate_data(self, data: Data, rules: ObjectRules, context: EngineContext) -> Evaluated:
        """Nothing. Raises ConfigurationError LP430 with the reason."""
        raise ConfigurationError(self.reason, "LP430", "see that the data is whole, and of the format")


def places_of(contract: Contract, data: Sequence[str]) -> dict[str, Place]:
    """The place of each object's data. Raises UsageError LP429 where nobody can tell which object it is of."""
    names = [each.name for each in contract.schema]
    found: dict[str, Place] = {}
    for text in data:
        name, separator, given = text.partition("=")
        if not separator or name not in names:
            name, given = names[0] if len(names) == 1 else _named(text), text
        if name not in names:
            listed = ", ".join(names) or "none"
            message = f"'{text}' is the data of no object of the contract"
            raise UsageError(message, "LP429", f"write OBJECT=PATH; the objects are {listed}")
        if name in found:
            raise UsageError(f"the object '{name}' has data twice", "LP429", "give one file or folder for each object")
        found[name] = SparkTable(given.removeprefix(_TABLE)) if given.startswith(_TABLE) else Path(given)
    return found


def _named(text: str) -> str:
    return text.rpartition(".")[2].strip("`") if text.startswith(_TABLE) else Path(text).name.partition(".")[0]


def file_data(path: Path, kind: str, options: Mapping[str, str]) -> FileData | None:
    """The files as DuckDB reads them; None where only Spark does."""
    from lakepact.quality.engine import FileData

    if kind not in ("csv", "json", "parquet"):
        return None
    paths = [path]
    if path.is_dir():
        below = [each.relative_to(path) for each in sorted(path.rglob("*")) if each.is_file()]
        named = [each for each in below if not any(part.startswith((".", "_")) for part in each.parts)]
        # The values of partition columns stand in the names of folders.
        if not named or any("=" in part for each in named for part in each.parts[:-1]):
            return None
        paths = [path / each for each in named]
    given = {"header": "true"} | dict(options) if kind == "csv" else dict(options)
    return FileData(paths=tuple(str(each.absolute()) for each in paths), format=kind, options=given)


@contextmanager
def session_for(places: Mapping[str, Place]) -> Iterator[Any]:
    """The session that runs, where a table is named; else a classic one for the length of the command.

    Raises EnvironmentLacking LP607 where a table is named and no session runs.
    """
    from lakepact.cli.progress import run_progress
    from lakepact.spark.connect import active_session
    from lakepact.spark.session import open_local_session

    if any(isinstance(place, SparkTable) for place in places.values()):
        yield active_session()
        return
    progress = run_progress()
    try:
        progress.phase("starting Spark")
        with (
            tempfile.TemporaryDirectory(prefix="lakepact-check-") as folder,
            open_local_session(warehouse=Path(folder), app_name="lakepact", connect_functions=False) as session,
        ):
            progress.phase("evaluating rules")
            yield session.classic
    finally:
        progress.close()


def frame_of(
    spark: Any, name: str, place: Place, rules: RuleSet, *, kind: str, options: Mapping[str, str]
) -> FrameData | str:
    """The data of an object, or what Spark says where it cannot read it.

    Raises ConfigurationError LP430 for a table that is not there or cannot be read.
    """
    from lakepact.io.files import read_files
    from lakepact.quality.engine import FrameData
    from lakepact.spark.quiet import errors_expected, failure_text, spark_failures

    described = rules.object(name)
    assert described is not None, "data is of objects that the contract has"
    try:
        with errors_expected():
            if isinstance(place, Path):
                frame = read_files(spark, place, described, kind=kind, options=options)
            else:
                frame = spark.table(place.name)
            # A session of Spark Connect looks at data when it is asked for columns, and not before.
            _ = frame.schema
    except spark_failures() as error:
        # Its text comes from Java, which is gone when the session is closed.
        told = f"'{place}' cannot be read: {failure_text(error)}"
        if isinstance(place, Path):
            return told
        raise ConfigurationError(told, "LP430", "name a table as the session knows it") from None
    return FrameData(frame)
