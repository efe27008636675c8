"""Judges a document by the grammar of its version, and says which other version would accept what it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from lakepact.contract.grammar_check import check
from lakepact.contract.grammar_shapes import grammar_of
from lakepact.contract.grammar_values import Finding
from lakepact.contract.model import ApiVersion
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import YamlDocument
from lakepact.errors import Problem, Severity

__all__ = ["judge"]


def judge(document: YamlDocument, version: ApiVersion, *, strict: bool) -> list[Problem]:
    """What the grammar of `version` has against the document, whose root is a mapping.

    With `strict` everything that the grammar refuses is an error. Else what another version accepts, keys without a
    value and unquoted text are warnings; the paths of these two are added to `document.absent` and `document.as_text`.
    """
    findings = check(document, grammar_of(version))
    if not findings:
        return []
    problems = list((_strict if strict else _compatible)(findings, _Others(document, version)))
    document.as_text.update(problem.path for problem in problems if problem.code == Code.UNQUOTED_TEXT)
    document.absent.update(problem.path for problem in problems if problem.code == Code.EMPTY_VALUE)
    return problems


class _Others:
    """What the other versions find, computed only when the declared version finds something."""

    def __init__(self, document: YamlDocument, version: ApiVersion) -> None:
        self.document = document
        versions = list(ApiVersion)
        at = versions.index(version)
        self.versions = [*versions[at + 1 :], *reversed(versions[:at])]

    @cached_property
    def findings(self) -> dict[ApiVersion, list[Finding]]:
        return {version: check(self.document, grammar_of(version)) for version in self.versions}

    @cached_property
    def refused(self) -> dict[ApiVersion, set[str]]:
        """The paths at which each version has a finding."""
        return {version: {finding.path for finding in findings} for version, findings in self.findings.items()}

    @cached_property
    def index(self) -> dict[ApiVersion, dict[str, list[Finding]]]:
        """The findings of each version at a path and below it."""
        result: dict[ApiVersion, dict[str, list[Finding]]] = {}
        for version, findings in self.findings.items():
            paths = result[version] = {}
            for finding in findings:
                for path in (*_ancestors(finding.path), finding.path):
                    paths.setdefault(path, []).append(finding)
        return result

    def best(self, unit: str, own: Sequence[Finding]) -> tuple[ApiVersion, list[Finding]] | None:
        """The version that takes `unit` best, with its findings there; None where none takes it better than `own`.

        A unit that is a single value is taken better when the value itself has no finding, a quality rule or a
        relationship when it has fewer findings. What both refuse stays the error that it is in the declared version.
        """
        severe = {(finding.path, finding.code): finding for finding in own}
        single = all(finding.single for finding in own)
        candidates = []
        for version in self.versions:
            index = self.index[version]
            if any(path in self.refused[version] for path in _ancestors(unit)):
                continue  # this version refuses what the unit stands in, so it has not looked at the unit
            findings = [severe.get((finding.path, finding.code), finding) for finding in index.get(unit, ())]
            fewer = _weight(findings) < _weight(own)
            if all(finding.path != unit for finding in findings) if single else fewer:
                candidates.append((version, findings))
        return min(candidates, key=lambda candidate: _weight(candidate[1]), default=None)


def _weight(findings: Sequence[Finding]) -> tuple[int, int]:
    return sum(finding.error for finding in findings), len(findings)


def _ancestors(path: str) -> Iterator[str]:
    for index, char in enumerate(path):
        if char in ".[" and index:
            yield path[:index]


def _units(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    units: dict[str, list[Finding]] = {}
    for finding in findings:
        units.setdefault(finding.unit, []).append(finding)
    return units


def _strict(findings: Sequence[Finding], others: _Others) -> Iterator[Problem]:
    for unit, own in _units(findings).items():
        best = others.best(unit, own)
        accepted = {(finding.path, finding.code) for finding in best[1]} if best else set()
        for finding in own:
            foreign = best is not None and (finding.path, finding.code) not in accepted
            hint = f"{best[0].value} accepts this" if best and foreign else finding.hint
            yield _problem(finding, Severity.ERROR if finding.error else Severity.WARNING, hint=hint)


def _compatible(findings: Sequence[Finding], others: _Others) -> Iterator[Problem]:
    for unit, own in _units(findings).items():
        best = others.best(unit, own)
        if best is None:
            yield from map(_lenient, own)
            continue
        version, remaining = best
        kept = {(finding.path, finding.code) for finding in remaining}
        foreign = [finding for finding in own if (finding.path, finding.code) not in kept]
        yield from map(_lenient, remaining)
        for finding in sorted(foreign, key=lambda finding: not finding.error)[:1]:
            message = f"{finding.message}; {version.value} accepts this"
            hint = f"declare apiVersion: {version.value}"
            yield _problem(finding, Severity.WARNING, code=Code.OTHER_VERSION, message=message, hint=hint)


def _lenient(finding: Finding) -> Problem:
    warning = finding.lenient or not finding.error
    return _problem(finding, Severity.WARNING if warning else Severity.ERROR)


def _problem(
    finding: Finding, severity: Severity, *, code: Code | None = None, message: str = "", hint: str | None = None
) -> Problem:
    return Problem(
        code=code or finding.code,
        severity=severity,
        message=message or finding.message,
        line=finding.place.line,
        column=finding.place.column,
        path=finding.path,
        hint=finding.hint if hint is None else hint,
    )
