"""The gate of a contracts repository: may the contracts that changed between two revisions be published so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from lakepact.contract import Contract
from lakepact.contract.model import NOWHERE
from lakepact.contract.versions import parsed_version
from lakepact.diff import Waiver, compare
from lakepact.diff.model import Comparison, Level
from lakepact.diff.required import required_version
from lakepact.diff.waivers import reasons_for
from lakepact.errors import Problem, Severity
from lakepact.history.changes import Changed, Changes, changes_between
from lakepact.history.documents import ContractFile
from lakepact.history.layout import Layout
from lakepact.history.lifecycle import REMOVAL_PATH, is_published, removal_level
from lakepact.history.revisions import Happening

__all__ = ["GateReport", "Judged", "Pair", "Verdict", "gate"]


class Verdict(StrEnum):
    """What the gate says about one contract."""

    OK = "ok"
    DRAFT = "draft"
    WAIVED = "waived"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One comparison of a changed contract, with the file before or another version of it.

    `binding`: the new version must cover the changes. It need not where the old one was a draft or no semantic version,
    or where the new one is a draft beside published versions. The same version again is judged by its bytes.
    """

    old_file: str
    comparison: Comparison
    binding: bool

    @property
    def fails(self) -> bool:
        """Whether the new version had to cover the changes, and does not."""
        return self.binding and not self.comparison.version_ok


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One changed contract with all that was found; `old_version` and `new_version` are None where there is none.

    `path` is that of the newer file, `old_path` that of the older one (None: added); both start at the root.
    """

    path: str
    old_path: str | None
    happening: Happening
    id: str
    old_version: str | None
    new_version: str | None
    draft: bool
    pairs: tuple[Pair, ...]
    problems: tuple[Problem, ...]
    waived: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Failed where a problem is an error, else whether that took a waiver, or was not asked of a draft."""
        if any(problem.severity is Severity.ERROR for problem in self.problems):
            return Verdict.FAILED
        if self.waived is not None:
            return Verdict.WAIVED
        return Verdict.DRAFT if self.draft else Verdict.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What the gate found between `base` and `head`; `ok` where nothing failed."""

    base: str
    head: str
    judged: tuple[Judged, ...]

    @property
    def ok(self) -> bool:
        """Whether all contracts may be published so."""
        return not any(each.verdict is Verdict.FAILED for each in self.judged)


def gate(
    span: str, *, directory: Path | None = None, waivers: Sequence[Waiver] = (), layout: Layout | None = None
) -> GateReport:
    """Judge the contracts of a folder that changed in `span` (`BASE..HEAD`, `BASE...HEAD`, or `BASE`: the work tree).

    A contract fails where it is invalid; where a published version has other bytes (LP788) or was removed without
    being retired first (LP788); where its version does not cover what changed since the file before, the version
    before, or any published version of the same major (LP789); where another file holds the same version, or it does
    not stand where `layout` wants it (LP787).

    Raises UsageError LP782 for a span that names no revisions, ConfigurationError LP781 and LP785 where Git fails.
    """
    changes = changes_between(span, directory=directory or Path())
    judged = []
    for changed in changes.changed:
        match changed:
            case Changed(new=ContractFile() as new):
                judged.append(_judged(changed, new, changes, waivers, layout))
            case Changed(old=ContractFile() as old):
                judged.append(_removed(old, waivers))
    return GateReport(base=changes.base, head=changes.head, judged=tuple(judged))


def _judged(
    changed: Changed, new: ContractFile, changes: Changes, waivers: Sequence[Waiver], layout: Layout | None
) -> Judged:
    before = changed.old.contract if changed.old else None
    contract = new.contract
    known = contract or before
    pairs: tuple[Pair, ...] = ()
    problems = list(new.problems)
    if changed.old and before is None:
        problems.append(_unread(changed.old, new))
    if contract is not None:
        others = [file for file in changes.related[contract.id] if file.path != new.path]
        pairs = tuple(_pairs(changed.old, new, contract, others, waivers))
        problems += _placing(new, contract, others, changes.prefix, layout)
        problems += _changed_in_place(changed.old, new, contract, pairs)
        problems += _uncovered(new, contract, [pair.comparison for pair in pairs if pair.fails])
    reasons = [pair.comparison.waived for pair in pairs if pair.binding and pair.comparison.waived]
    return Judged(
        path=new.path,
        old_path=changed.old.path if changed.old else None,
        happening=changed.happening,
        id=known.id if known else "",
        old_version=before.version if before else None,
        new_version=contract.version if contract else None,
        draft=contract is not None and not is_published(contract),
        pairs=pairs,
        problems=tuple(problems),
        waived="; ".join(dict.fromkeys(reasons)) if reasons else None,
    )


def _pairs(
    old: ContractFile | None,
    new: ContractFile,
    contract: Contract,
    others: Sequence[ContractFile],
    waivers: Sequence[Waiver],
) -> Iterator[Pair]:
    """The file before, and the published releases below: those of the same major, and the highest of all."""
    before = old.contract if old else None
    if old and before and old.content != new.content:
        same = _same_number(old, new) and before.id == contract.id
        binding = is_published(before) and old.version is not None and not same
        yield Pair(old_file=old.path, comparison=compare(before, contract, waivers=waivers), binding=binding)
    version = new.version
    if version is None:
        return
    below = [file for file in others if _is_release(file) and file.version and file.version < version]
    below.sort(key=lambda file: file.version or version, reverse=True)
    for index, file in enumerate(below):
        if file.contract and file.version and (index == 0 or file.version.major == version.major):
            comparison = compare(file.contract, contract, waivers=waivers)
            yield Pair(old_file=file.path, comparison=comparison, binding=is_published(contract))


def _is_release(file: ContractFile) -> bool:
    return (
        file.contract is not None
        and is_published(file.contract)
        and file.version is not None
        and not file.version.is_prerelease
    )


def _same_number(old: ContractFile, new: ContractFile) -> bool:
    if old.contract is None or new.contract is None:
        return False
    return (old.version or old.contract.version) == (new.version or new.contract.version)


def _changed_in_place(
    old: ContractFile | None, new: ContractFile, contract: Contract, pairs: Sequence[Pair]
) -> Iterator[Problem]:
    """A published version has other bytes than before; then the first pair is that with what it was."""
    before = old.contract if old else None
    if old is None or before is None or before.id != contract.id or not _same_number(old, new):
        return
    if is_published(before) and old.content != new.content:
        level = pairs[0].comparison.level
        asked = required_version(before.version, Level.PATCH if level is Level.NONE else level)
        message = f"version {before.version} of '{contract.id}' is published and must not change"
        yield _problem(contract, "LP788", message, f"raise `version`: this change asks for {asked or 'another one'}")


def _uncovered(new: ContractFile, contract: Contract, comparisons: Sequence[Comparison]) -> Iterator[Problem]:
    """The version covers less than what changed, or is none that could be compared."""
    if new.version is not None:
        yield from (_too_low(contract, comparison) for comparison in comparisons)
    elif comparisons or is_published(contract):
        message = f"version `{contract.version}` is not a semantic version, so that nobody can tell what it covers"
        yield _problem(contract, "LP789", message, "write MAJOR.MINOR.PATCH, for example 1.4.0")


def _too_low(contract: Contract, comparison: Comparison) -> Problem:
    """The level is that of the changes without a waiver."""
    old, new = parsed_version(comparison.old_version), parsed_version(comparison.new_version)
    unwaived = (change.level for change in comparison.changes if change.waived is None)
    level = max(unwaived, key=lambda each: each.rank, default=Level.NONE)
    needed = required_version(comparison.old_version, level)
    if old is not None and new is not None and new < old:
        message = f"version {new} is lower than the version {old} before it"
    else:
        message = (
            f"version {comparison.new_version} does not cover a {level.value} change since {comparison.old_version}"
        )
    hint = f"set `version` to {needed} or higher, undo the change, or waive it" if needed else ""
    return _problem(contract, "LP789", message, hint)


def _placing(
    new: ContractFile, contract: Contract, others: Iterable[ContractFile], prefix: str, layout: Layout | None
) -> Iterator[Problem]:
    """The same version in another file, and a place other than that of the layout."""
    for file in others:
        if _same_number(file, new):
            message = f"version {contract.version} of '{contract.id}' is in '{file.path}' too"
            yield _problem(contract, "LP787", message, "give one of them another version, or remove it")
    if layout is not None:
        yield from layout.problems([replace(new, path=new.path.removeprefix(prefix))])


def _removed(old: ContractFile, waivers: Sequence[Waiver]) -> Judged:
    contract = old.contract
    reason = reasons_for(contract.id, [REMOVAL_PATH], waivers).get(REMOVAL_PATH) if contract else None
    problems = []
    if removal_level(contract) is Level.MAJOR and reason is None:
        what = f"version {contract.version} of '{contract.id}'" if contract else f"'{old.path}'"
        hint = "publish a version with `status: retired` first and remove it in a later change, or waive it"
        message = f"{what} was published and is removed without having been retired"
        problems.append(Problem(code="LP788", severity=Severity.ERROR, message=message, file=old.path, hint=hint))
    return Judged(
        path=old.path,
        old_path=old.path,
        happening=Happening.DELETED,
        id=contract.id if contract else "",
        old_version=contract.version if contract else None,
        new_version=None,
        draft=contract is not None and not is_published(contract),
        pairs=(),
        problems=tuple(problems),
        waived=reason if removal_level(contract) is Level.MAJOR else None,
    )


def _unread(old: ContractFile, new: ContractFile) -> Problem:
    """What came before is not valid, so that nothing is compared with it."""
    faults = [problem.message for problem in old.problems if problem.severity is Severity.ERROR]
    message = f"not compared with what was there before, which is invalid: {faults[0]}"
    return Problem(code="LP100", severity=Severity.WARNING, message=message, file=new.path)


def _problem(contract: Contract, code: str, message: str, hint: str) -> Problem:
    """A problem at the version of a contract."""
    place = contract.places.get("version", NOWHERE)
    return Problem(
        code=code,
        severity=Severity.ERROR,
        message=message,
        file=contract.file,
        line=place.line,
        column=place.column,
        path="version",
        hint=hint,
    )
