"""`lakepact check`: files held against a contract, without writing anything."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakepact.cli.output import printable, show_json, write
from lakepact.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.io import CheckResult
    from lakepact.rules import Policy
    from lakepact.rules.model import RuleSet

__all__ = ["check"]


class _Output(StrEnum):
    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"


class _FailOn(StrEnum):
    FAIL = "fail"
    WARN = "warn"
    NEVER = "never"


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
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="Actions that override the contract's.")] = None,
    output: Annotated[_Output, typer.Option(help="How results are printed.")] = _Output.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --output json.")] = False,
    fail_on: Annotated[_FailOn, typer.Option(help="What makes the exit code 1.")] = _FailOn.FAIL,
) -> int:
    """Hold data against a contract: every rule is evaluated, nothing is written.

    Exit code: 0 kept, 1 a rule is violated that does more than warn, or the columns do not fit.
    """
    from lakepact.contract import load_contract
    from lakepact.history import read_reference
    from lakepact.rules import compile_rules, load_policy

    read = read_reference(contract)
    document = load_contract(read.content, file=read.file)
    actions = load_policy(policy) if policy is not None else None
    rules = compile_rules(document, policy=actions)
    places = _places(document, data)
    given = dict(_pair(each) for each in options or ())
    with _session() as spark:
        checks = _checked(spark, document, rules, actions, places, kind, given)
    _show(checks, rules, read.file, _Output.JSON if as_json else output)
    return ExitCode.VIOLATED if any(_fails(each, fail_on) for each in checks) else ExitCode.OK


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


def _checked(
    spark: Any,
    contract: Contract,
    rules: RuleSet,
    policy: Policy | None,
    places: Mapping[str, Path],
    kind: str | None,
    options: Mapping[str, str],
) -> list[CheckResult]:
    import uuid

    from lakepact.io import check_with_contract
    from lakepact.io.files import format_of, read_files
    from lakepact.store import Status

    frames = {}
    for name, path in places.items():
        described = rules.object(name)
        assert described is not None
        frames[name] = read_files(spark, path, described, kind=kind or format_of(path), options=options)
    run_id = str(uuid.uuid4())
    return [
        check_with_contract(
            frame,
            contract,
            object_name=name,
            policy=policy,
            references=frames,
            dataset=str(places[name]),
            run_id=run_id,
            # Who names a document means it, whatever it calls itself.
            statuses=tuple(Status),
        )
        for name, frame in frames.items()
    ]


def _fails(check: CheckResult, fail_on: _FailOn) -> bool:
    from lakepact.io.checking import passes
    from lakepact.results import Verdict

    if fail_on is _FailOn.NEVER:
        return False
    return not passes(check) or (fail_on is _FailOn.WARN and check.verdict is not Verdict.PASS)


def _show(checks: Sequence[CheckResult], rules: RuleSet, file: str, output: _Output) -> None:
    from lakepact.io.reports import check_json, check_lines, junit_xml, places_of, sarif_log

    match output:
        case _Output.JSON:
            show_json([check_json(each) for each in checks])
        case _Output.JUNIT:
            write(junit_xml(checks))
        case _Output.SARIF:
            show_json(sarif_log(checks, places_of(rules), file))
        case _Output.TEXT:
            for each in checks:
                write("".join(printable(line).rstrip() + "\n" for line in check_lines(each)))
