"""The readable part of a document that the grammar refuses, so that its meaning can be judged in the same pass.

What the grammar refuses is left out, element by element, and the rest is built as if it had been written like that.
Quality rules, relationships and entries of other lists are left out as a whole: half of one means something else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lakepact.contract.build import build_contract
from lakepact.contract.grammar import judge
from lakepact.contract.model import ApiVersion, Contract
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import YamlDocument, child_path, read_yaml
from lakepact.errors import Problem, Severity
from lakepact.lint.catalogue import LintCode
from lakepact.lint.paths import parent_of
from lakepact.lint.subject import parents_of

__all__ = ["Readable", "readable"]

# Faults of a value that can be read all the same.
_HARMLESS = {Code.DUPLICATE_KEY, Code.UNQUOTED_TEXT, Code.EMPTY_VALUE, Code.WRONG_KIND, Code.UNKNOWN_API_VERSION}
_UNIT = re.compile(
    r".*\.(?:quality|relationships|enum|synonyms)\[\d+\]|(?:slaProperties|servers|roles)\[\d+\]"
    r"|.*\.authoritativeDefinitions\[\d+\]|.*customProperties\[\d+\]"
)
_BOUNDS = re.compile(r"(.*\.must(?:Not)?BeBetween)\[\d+\]")
# Left out of a property, these leave its type in doubt.
_TYPE = re.compile(r".*\.(?:logicalType|physicalType|items|map|properties)(?:\[\d+\])?")
_NAME = re.compile(r"(?:schema|.*\.properties)(?:\[\d+\](?:\.(?:name|physicalName|id))?)?|.*\.(?:items|map)(?:\..*)?")
# What must have been left out nowhere for a finding of lint to be certain.
_DOUBTS: Mapping[str, re.Pattern[str]] = {
    LintCode.LEADS_NOWHERE: _NAME,
    LintCode.TYPES_DIFFER: _TYPE,
    LintCode.TARGET_NOT_UNIQUE: re.compile(r".*(?:unique|primaryKey|\.quality\[\d+\])"),
    LintCode.KEY_WITHOUT_POSITION: re.compile(r".*Position"),
    LintCode.POSITION_GAP: re.compile(r".*Position|" + _NAME.pattern),
    LintCode.UNFIT_PARTITION: _NAME,
}
_RULES_ON_REFERENCES = (206, 207, 208)


class Readable:
    """What could be read: `data` is the document as it is; the contract lacks what could not be read."""

    def __init__(self, contract: Contract, data: Mapping[str, Any], left_out: Collection[str]) -> None:
        """`left_out` are the paths of what the contract lacks."""
        self.contract = contract
        self.data = data
        self._left_out = left_out
        self._around = {parent for path in left_out for parent in parents_of(path)}
        self._of_doubtful_type = {parent_of(path) for path in left_out if _TYPE.fullmatch(path)}
        self._doubtful = {code for code, what in _DOUBTS.items() if self._lacks(what)}
        self._references_are_doubtful = self._lacks(_NAME) or self._lacks(_TYPE)

    def is_certain(self, problem: Problem) -> bool:
        """Whether a problem would be there if the document had no fault of grammar."""
        if isinstance(problem.code, LintCode):
            return problem.code not in self._doubtful
        if self._references_are_doubtful and int(problem.code[2:]) in _RULES_ON_REFERENCES:
            return False
        if problem.path in self._around or problem.path in self._of_doubtful_type:
            return False
        return not any(parent in self._of_doubtful_type for parent in parents_of(problem.path))

    def _lacks(self, what: re.Pattern[str]) -> bool:
        return any(what.fullmatch(path) for path in self._left_out)


def readable(content: bytes, file: str, problems: Sequence[Problem]) -> Readable | None:
    """The contract without what `problems` speak of; None where nothing is left that could be read."""
    try:
        document, _ = read_yaml(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None
    if document is None or not isinstance(document.data, dict):
        return None
    written = document.data.get("apiVersion")
    if isinstance(written, str) and written.startswith("v2."):
        return None
    known = {version.value: version for version in ApiVersion}
    version = known.get(written, ApiVersion.V3_2_0) if isinstance(written, str) else ApiVersion.V3_2_0
    judge(document, version, strict=False)
    left_out = frozenset(_left_out(problems))
    part = YamlDocument(
        data=_without(document.data, "", left_out),
        places=document.places,
        key_places=document.key_places,
        texts=document.texts,
        as_text=document.as_text,
        absent=document.absent,
    )
    contract = build_contract(part, api_version=version, source=content, file=file)
    return Readable(contract, document.data, left_out)


def _left_out(problems: Sequence[Problem]) -> Iterator[str]:
    for problem in problems:
        if problem.severity is not Severity.ERROR or not problem.path or problem.code in _HARMLESS:
            continue
        path = problem.path
        unit = None if problem.code == Code.UNKNOWN_KEY else _UNIT.match(path)
        bounds = _BOUNDS.fullmatch(path)
        if unit:
            path = unit[0]
        elif bounds:
            path = bounds[1]
        yield path
        if path.endswith(".logicalType"):
            # Which options there may be depends on it, so nothing has looked at them.
            yield f"{path}Options"


def _without(value: Any, path: str, left_out: Collection[str]) -> Any:
    """A copy without the elements at `left_out`; entries of lists become null, so that paths stay true."""
    if isinstance(value, dict):
        inner = ((key, child_path(path, key), entry) for key, entry in value.items())
        return {key: _without(entry, at, left_out) for key, at, entry in inner if at not in left_out}
    if isinstance(value, list):
        entries = ((f"{path}[{index}]", entry) for index, entry in enumerate(value))
        return [None if at in left_out else _without(entry, at, left_out) for at, entry in entries]
    return value
