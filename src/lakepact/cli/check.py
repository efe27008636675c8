"""`lakepact check`: files held against a contract, without writing anything."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.arguments import NotifyFile, opened_notifier
from lakepact.cli.output import printable, show_json, write
from lakepact.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.io import CheckResult
    from lakepact.quality.asked_once import AskedOnce
    from lakepact.quality.engine import Data, FileData, FrameData, QualityEngine
    from lakepact.quality.report import QualityReport
    from lakepact.rules import Policy
    from lakepact.rules.handling import EnforcementMode
    from lakepact.rules.model import RuleSet

__all__ = ["check", "checked_files"]


class _Output(StrEnum):
    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"


class _FailOn(StrEnum):
    FAIL = "fail"
    WARN = "warn"
    NEVER = "never"


class _Enforce(StrEnum):
    STRICT = "strict"
    WARN = "warn"
    DISABLED = "disabled"


def check(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="A file, git:REV:PATH or store:ADDRESS#ID.")],
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA", help="Files or folders; OBJECT=PATH where the contract has several objects."),
    ],
    kind: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="csv, json, parquet, orc, avro or delta.")
    ] = None,
    options: Annotated[
        list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="An option of Spark's reader.")
    ] = None,
    engines: Annotated[
        list[str] | None,
        typer.Option("--engine", metavar="NAME", help="native, duckdb, soda, gx or custom; may be repeated."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="PATTERN", help="Python functions that custom checks may be, as package.*."),
    ] = None,
    enforce: Annotated[
        _Enforce | None, typer.Option(help="How far rules act, in place of what the contract says.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, help="Give an engine up that takes longer.")
    ] = None,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="Actions that override the contract's.")] = None,
    samples: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=100, help="Values that results of soda, gx and custom may quote."),
    ] = 0,
    output: Annotated[_Output, typer.Option(help="How results are printed.")] = _Output.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --output json.")] = False,
    fail_on: Annotated[_FailOn, typer.Option(help="What makes the exit code 1.")] = _FailOn.FAIL,
    notify: NotifyFile = None,
) -> int:
    """Hold data against a contract: every rule is evaluated, nothing is written.

    Without --engine, DuckDB evaluates files where it can do every rule, else Spark; Soda, Great Expectations and custom
    checks evaluate the rules that the contract has for them. The first --engine evaluates lakepact's own rules too.
    Exit code: 0 kept, 1 a rule is violated that does more than warn, or the columns do not fit.
    """
    from lakepact.contract import load_contract
    from lakepact.history import read_reference
    from lakepact.rules import compile_rules, load_policy
    from lakepact.rules.handling import EnforcementMode

    read = read_reference(contract)
    document = load_contract(read.content, file=read.file)
    given = _Given(
        contract=document,
        rules=compile_rules(document),
        policy=load_policy(policy) if policy is not None else None,
        places=_places(document, data),
        kind=kind,
        options=dict(_pair(each) for each in options or ()),
        engines=_known(engines or ()),
        allowed=tuple(allow or ()),
        seconds=timeout,
        samples=samples,
        mode=EnforcementMode(enforce.value) if enforce is not None else None,
    )
    notifier = opened_notifier(notify)
    reports = _reports(given)
    if notifier is not None:
        for each in reports:
            notifier.notify(each.results, document)
    _show(reports, given, read.file, _Output.JSON if as_json else output)
    return ExitCode.VIOLATED if any(_fails(_as_check(each), fail_on) for each in reports) else ExitCode.OK


def checked_files(
    contract: Contract, places: Mapping[str, Path], *, kind: str | None = None, options: Mapping[str, str] | None = None
) -> list[QualityReport]:
    """The report of each object's files, by every engine that the contract has rules for, as the command has it."""
    from lakepact.rules import compile_rules

    given = _Given(
        contract=contract,
        rules=compile_rules(contract),
        policy=None,
        places=places,
        kind=kind,
        options=options or {},
        engines=(),
        allowed=(),
        seconds=None,
        mode=None,
    )
    return _reports(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What the command was told."""

    contract: Contract
    rules: RuleSet
    policy: Policy | None
    places: Mapping[str, Path]
    kind: str | None
    options: Mapping[str, str]
    engines: tuple[str, ...]
    allowed: tuple[str, ...]
    seconds: float | None
    mode: EnforcementMode | None
    samples: int = 0
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def _known(engines: Sequence[str]) -> tuple[str, ...]:
    from lakepact.quality.opening import ENGINES

    for name in engines:
        if name not in ENGINES:
            raise UsageError(f"there is no quality engine '{name}'", "LP429", f"one of {', '.join(ENGINES)}")
    return tuple(dict.fromkeys(engines))


@contextmanager
def _session() -> Iterator[Any]:
    """A classic session for the length of the command."""
    from lakepact.cli.progress import run_progress
    from lakepact.spark.session import open_local_session

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


def _places(contract: Contract, data: Sequence[str]) -> dict[str, Path]:
    """The path of each object's data."""
    names = [each.name for each in contract.schema]
    found: dict[str, Path] = {}
    for text in data:
        name, separator, path = text.partition("=")
        if not separator or name not in names:
            name, path = names[0] if len(names) == 1 else Path(text).name.partition(".")[0], text
        if name not in names:
            listed = ", ".join(names) or "none"
            message = f"'{text}' is the data of no object of the contract"
            raise UsageError(message, "LP429", f"write OBJECT=PATH; the objects are {listed}")
        if name in found:
            raise UsageError(f"the object '{name}' has data twice", "LP429", "give one file or folder for each object")
        found[name] = Path(path)
    return found


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--option {text!r} has no value", "LP429", "write KEY=VALUE")
    return name, value


def _reports(given: _Given) -> list[QualityReport]:
    """The report of each object, by DuckDB where nothing needs Spark; every other engine is asked once."""
    from lakepact.io.files import format_of

    kinds = {name: given.kind or format_of(path) for name, path in given.places.items()}
    files = {name: _file_data(path, kinds[name], given.options) for name, path in given.places.items()}
    on_files = {name: data for name, data in files.items() if data is not None}
    if len(on_files) == len(files) and "native" not in given.engines:
        found = _evaluated(given, on_files) if given.engines else _on_files(given, on_files)
        if found:
            return found
    with _session() as spark:
        return _evaluated(given, _frames(spark, given, kinds))


def _on_files(given: _Given, data: Mapping[str, FileData]) -> list[QualityReport]:
    """The reports by DuckDB and the engines of the contract; none where DuckDB left a rule of lakepact undone.

    DuckDB is asked before all others, for they are to see the data that its rules are evaluated on.
    """
    from lakepact.quality.asked_once import AskedOnce
    from lakepact.quality.opening import ENGINES

    own = {each.name: each for each in given.rules.objects if each.row_rules or each.dataset_rules}
    kept = {name: AskedOnce() for name in data if name in own}
    first = _evaluated(given, data, {name: [engine] for name, engine in kept.items()})
    if any(map(_needs_spark, first)):
        return []
    engines: dict[str, list[QualityEngine | str]] = {
        name: [engine, *(each for each in ENGINES if each in {rule.engine for rule in own[name].engine_rules})]
        for name, engine in kept.items()
    }
    reports = _evaluated(given, data, {name: engines.get(name, []) for name in data})
    return [_with_time(report, kept.get(report.object)) for report in reports]


def _with_time(report: QualityReport, engine: AskedOnce | None) -> QualityReport:
    """The report with the time of the engine that had answered before."""
    if engine is None or engine.name not in report.seconds:
        return report
    total = report.total_seconds + engine.seconds
    return replace(report, seconds={**report.seconds, engine.name: engine.seconds}, total_seconds=total)


def _needs_spark(report: QualityReport) -> bool:
    """Whether DuckDB left something of the rules of lakepact undone."""
    from lakepact.results import RuleStatus

    undone = (RuleStatus.SKIPPED, RuleStatus.ERROR)
    return any(each.status in undone and each.engine in ("duckdb", "schema") for each in report.results)


def _file_data(path: Path, kind: str, options: Mapping[str, str]) -> FileData | None:
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


def _frames(spark: Any, given: _Given, kinds: Mapping[str, str]) -> dict[str, FrameData]:
    from lakepact.io.files import read_files
    from lakepact.quality.engine import FrameData

    frames = {}
    for name, path in given.places.items():
        described = given.rules.object(name)
        assert described is not None
        frames[name] = FrameData(read_files(spark, path, described, kind=kinds[name], options=given.options))
    return frames


def _evaluated(
    given: _Given, data: Mapping[str, Data], engines: Mapping[str, Sequence[QualityEngine | str]] | None = None
) -> list[QualityReport]:
    """The reports of the objects that `engines` names, by those; without, of all by the engines that are asked for."""
    from lakepact.quality.orchestration import check_quality

    asked = {name: given.engines for name in data} if engines is None else engines
    return [
        check_quality(
            each,
            given.contract,
            object_name=name,
            engines=asked[name],
            mode=given.mode,
            policy=given.policy,
            references=data,
            settings={"custom": {"allow": given.allowed}},
            seconds=given.seconds,
            samples=given.samples,
            dataset=str(given.places[name]),
            run_id=given.run_id,
        )
        for name, each in data.items()
        if name in asked
    ]


def _as_check(report: QualityReport) -> CheckResult:
    from lakepact.io import CheckResult
    from lakepact.quality.native import RowCounts
    from lakepact.results import RuleStatus

    tested = max((each.tested or 0 for each in report.results), default=0)
    return CheckResult(
        run_id=report.run_id,
        contract_id=report.contract_id,
        contract_version=report.contract_version,
        object=report.object,
        dataset=report.dataset,
        verdict=report.overall_result,
        counts=report.counts or RowCounts(rows=tested, quarantined=0, dropped=0, failing=0),
        results=report.results,
        drift=report.drift,
        lenient=any(each.rule_id == "schema" and each.status is RuleStatus.WARN for each in report.results),
    )


def _fails(check: CheckResult, fail_on: _FailOn) -> bool:
    from lakepact.io.checking import passes
    from lakepact.results import Verdict

    if fail_on is _FailOn.NEVER:
        return False
    return not passes(check) or (fail_on is _FailOn.WARN and check.verdict is not Verdict.PASS)


def _show(reports: Sequence[QualityReport], given: _Given, file: str, output: _Output) -> None:
    from lakepact.io.reports import check_json, check_lines, junit_xml, places_of, sarif_log

    checks = [_as_check(each) for each in reports]
    match output:
        case _Output.JSON:
            summed = [report.counted() | {"summary": report.summary()} for report in reports]
            show_json([check_json(each) | more for each, more in zip(checks, summed, strict=True)])
        case _Output.JUNIT:
            write(junit_xml(checks))
        case _Output.SARIF:
            show_json(sarif_log(checks, places_of(given.rules), file))
        case _Output.TEXT:
            for each in checks:
                write("".join(printable(line).rstrip() + "\n" for line in check_lines(each)))
            write("".join(f"{printable(each.dataset)}: {printable(each.summary())}\n" for each in reports))
