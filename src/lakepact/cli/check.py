"""`lakepact check`: files and tables held against a contract, which leaves them where they are."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.arguments import NotifyFile, opened_notifier
from lakepact.cli.check_data import Place, Unread, file_data, frame_of, places_of, session_for
from lakepact.cli.check_handling import DataQuarantine, ResultsTable, batches_url, record, set_aside, tell
from lakepact.cli.output import printable, say, show_json, write
from lakepact.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.io import CheckResult
    from lakepact.quality.asked_once import AskedOnce
    from lakepact.quality.engine import Data, FileData, QualityEngine
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


_Contract = Annotated[str, typer.Argument(metavar="CONTRACT", help="A file, git:REV:PATH or store:ADDRESS#ID.")]
_Data = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        help="Files, folders, or spark:TABLE of the running session; OBJECT=DATA where the contract has several "
        "objects.",
    ),
]
_Format = Annotated[
    str | None, typer.Option("--format", metavar="NAME", help="csv, json, parquet, orc, avro or delta.")
]
_Options = Annotated[
    list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="An option of Spark's reader.")
]
_Engines = Annotated[
    list[str] | None,
    typer.Option("--engine", metavar="NAME", help="native, duckdb, soda, gx or custom; may be repeated."),
]
_Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="PATTERN", help="Python functions that custom checks may be, as package.*."),
]
_Timeout = Annotated[
    float | None, typer.Option(metavar="SECONDS", min=0.1, help="Give an engine up that takes longer.")
]
_Samples = Annotated[
    int, typer.Option(metavar="N", min=0, max=100, help="Rows and values that results quote of what is public.")
]
_Docs = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Write the Data Docs of Great Expectations here.", show_default=False),
]
_Dataset = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="What results call the data (default: its place).", show_default=False),
]


def check(
    contract: _Contract,
    data: _Data,
    kind: _Format = None,
    options: _Options = None,
    engines: _Engines = None,
    allow: _Allow = None,
    enforce: Annotated[
        _Enforce | None, typer.Option(help="How far rules act, in place of what the contract says.")
    ] = None,
    timeout: _Timeout = None,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="Actions that override the contract's.")] = None,
    samples: _Samples = 0,
    data_docs: _Docs = None,
    dataset: _Dataset = None,
    output: Annotated[_Output, typer.Option(help="How results are printed.")] = _Output.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --output json.")] = False,
    fail_on: Annotated[_FailOn, typer.Option(help="What makes the exit code 1.")] = _FailOn.FAIL,
    quarantine: DataQuarantine = None,
    results: ResultsTable = None,
    notify: NotifyFile = None,
) -> int:
    """Hold data against a contract: every rule is evaluated, and the data is left where it is.

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
    places = places_of(document, data)
    if dataset is not None and len(places) != 1:
        raise UsageError("--dataset names one data, and there are several", "LP429", "check each object by itself")
    given = _Given(
        contract=document,
        rules=compile_rules(document),
        policy=load_policy(policy) if policy is not None else None,
        places=places,
        kind=kind,
        options=dict(_pair(each) for each in options or ()),
        engines=_known(engines or ()),
        allowed=tuple(allow or ()),
        seconds=timeout,
        samples=samples,
        docs=data_docs,
        dataset=dataset,
        mode=EnforcementMode(enforce.value) if enforce is not None else None,
    )
    _say_what_is_public(given)
    notifier, url = opened_notifier(notify), batches_url(document, quarantine)
    reports = _reports(given)
    aside = set_aside(reports, document, places, url=url, kind=kind, options=given.options, dataset=dataset)
    tell(reports, document, notifier, aside)
    _show(reports, given, read.file, _Output.JSON if as_json else output)
    record(results, reports)
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
        places=dict(places),
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
    places: Mapping[str, Place]
    kind: str | None
    options: Mapping[str, str]
    engines: tuple[str, ...]
    allowed: tuple[str, ...]
    seconds: float | None
    mode: EnforcementMode | None
    samples: int = 0
    docs: Path | None = None
    dataset: str | None = None
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def _known(engines: Sequence[str]) -> tuple[str, ...]:
    from lakepact.quality.opening import ENGINES

    for name in engines:
        if name not in ENGINES:
            raise UsageError(f"there is no quality engine '{name}'", "LP429", f"one of {', '.join(ENGINES)}")
    return tuple(dict.fromkeys(engines))


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--option {text!r} has no value", "LP429", "write KEY=VALUE")
    return name, value


def _reports(given: _Given) -> list[QualityReport]:
    """The report of each object, by DuckDB where nothing needs Spark; every other engine is asked once."""
    from lakepact.io.files import format_of

    paths = {name: place for name, place in given.places.items() if isinstance(place, Path)}
    kinds = {name: given.kind or format_of(path) for name, path in paths.items()}
    files = {name: file_data(path, kinds[name], given.options) for name, path in paths.items()}
    on_files = {name: data for name, data in files.items() if data is not None}
    if len(on_files) == len(given.places) and "native" not in given.engines:
        found = _evaluated(given, on_files) if given.engines else _on_files(given, on_files)
        if found:
            return found
    with session_for(given.places) as spark:
        return _on_spark(spark, given, kinds)


def _on_spark(spark: Any, given: _Given, kinds: Mapping[str, str]) -> list[QualityReport]:
    """The reports of what Spark reads; of data that it cannot read every rule is an error, and hides no other data."""
    from lakepact.quality.engine import FileData

    frames: dict[str, Data] = {}
    unread: dict[str, str] = {}
    for name, place in given.places.items():
        kind = kinds.get(name, "")
        found = frame_of(spark, name, place, given.rules, kind=kind, options=given.options)
        if isinstance(found, str):
            frames[name], unread[name] = FileData(paths=(str(place),), format=kind), found
        else:
            frames[name] = found
    engines: dict[str, list[QualityEngine | str]] = {name: list(given.engines) for name in frames}
    for name, reason in unread.items():
        engines[name] = [Unread(each, reason) for each in given.engines or _needed(given.rules, name)]
    there = {name: data for name, data in frames.items() if name not in unread}
    return _evaluated(given, frames, engines, references=there)


def _needed(rules: RuleSet, name: str) -> list[str]:
    """The engines that an object is evaluated by where nobody names one."""
    from lakepact.quality.opening import ENGINES

    described = rules.object(name)
    wanted = {rule.engine for rule in described.engine_rules} if described is not None else set()
    return [each for each in ENGINES if each == "native" or each in wanted]


def _on_files(given: _Given, data: Mapping[str, FileData]) -> list[QualityReport]:
    """The reports by DuckDB and the engines of the contract; none where DuckDB left a rule of lakepact undone.

    DuckDB is asked before all others, for they are to see the data that its rules are evaluated on.
    """
    from lakepact.quality.asked_once import AskedOnce
    from lakepact.quality.opening import ENGINES

    own = {each.name: each for each in given.rules.objects if each.row_rules or each.dataset_rules}
    kept = {name: AskedOnce() for name in data if name in own}
    first = _evaluated(replace(given, samples=0), data, {name: [engine] for name, engine in kept.items()})
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


def _evaluated(
    given: _Given,
    data: Mapping[str, Data],
    engines: Mapping[str, Sequence[QualityEngine | str]] | None = None,
    references: Mapping[str, Data] | None = None,
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
            references=data if references is None else references,
            settings=_settings(given, name),
            seconds=given.seconds,
            samples=given.samples,
            dataset=given.dataset or str(given.places[name]),
            run_id=given.run_id,
        )
        for name, each in data.items()
        if name in asked
    ]


def _settings(given: _Given, name: str) -> dict[str, dict[str, Any]]:
    """The settings of engines; of several objects each has Data Docs of its own."""
    found: dict[str, dict[str, Any]] = {"custom": {"allow": given.allowed}}
    if given.docs is not None:
        found["gx"] = {"docs": given.docs if len(given.places) == 1 else given.docs / name}
    return found


def _say_what_is_public(given: _Given) -> None:
    from lakepact.quality.delegated import public_columns

    objects = [each for each in given.contract.schema if each.name in given.places]
    if given.samples and not any(map(public_columns, objects)):
        say("--samples quotes nothing: the contract classifies no column as public")


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
