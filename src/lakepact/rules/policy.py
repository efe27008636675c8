"""Which action a rule has: the policy file, `lakepact.action`, what the contract says of all rules, then defaults.

version: 1
actions:                     # the first entry that matches decides; all its conditions must hold
  - rule: "flights.*.required"    # rule id, * and ? as in file names
    action: fail
  - property: flights.dep_delay
    severity: warning
    action: quarantine
  - dimension: completeness
    action: warn
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import yaml

from lakepact.errors import ConfigurationError, Problem, Severity
from lakepact.rules.drafting import DatasetDraft, Draft, EngineDraft, Origin
from lakepact.rules.handling import Concern, Handling
from lakepact.rules.model import Action

__all__ = ["Decision", "Policy", "PolicyEntry", "decide", "load_policy"]

_CONDITIONS = ("rule", "property", "dimension", "severity")
_HINT = "write `version: 1` and a list `actions` of entries such as {rule: 'orders.*', action: fail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEntry:
    """One line of a policy: the action of every rule that meets all conditions (None: any)."""

    action: Action
    rule: str | None = None
    property: str | None = None
    dimension: str | None = None
    severity: str | None = None

    def matches(self, rule_id: str, object_name: str, origin: Origin) -> bool:
        """Whether the entry speaks of that rule."""
        owned = f"{object_name}.{origin.property}" if origin.property else object_name
        return (
            _matches(self.rule, rule_id)
            and _matches(self.property, owned)
            and _same(self.dimension, origin.dimension)
            and _same(self.severity, origin.severity)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """Overrides of actions; `source` is the file's name for reports."""

    entries: tuple[PolicyEntry, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """An action, where it came from, and what was asked for but is not possible ('' if nothing)."""

    action: Action
    source: str
    note: str = ""


def decide(
    draft: Draft,
    rule_id: str,
    object_name: str,
    policy: Policy,
    handling: Handling = Handling(),  # noqa: B008
) -> Decision:
    """The action of a rule. A dataset rule cannot drop or quarantine rows: then its default stands, with a note."""
    asked = next((e.action for e in policy.entries if e.matches(rule_id, object_name, draft.origin)), None)
    source = f"policy {policy.source}".rstrip()
    note = ""
    if asked is None and draft.origin.asked is not None:
        asked, source = _action(draft.origin.asked), "customProperties"
        if asked is None:
            note = f"lakepact.action {draft.origin.asked!r} is not one of {', '.join(Action)}"
    if handling.lowers:
        return Decision(Action.WARN, "lakepact.enforcement", note)
    default = _handled(draft, handling)
    if asked is None:
        return Decision(default.action, default.source, note)
    if not _possible(draft, asked):
        kind = "a rule of a quality engine" if isinstance(draft, EngineDraft) else "a rule on the whole dataset"
        return Decision(default.action, default.source, f"{source} asks for {asked}, which {kind} cannot do")
    return Decision(asked, source)


def _possible(draft: Draft, action: Action) -> bool:
    """Whether the rule can do that: a rule of an engine knows no rows, only all of the data can be set aside."""
    match draft:
        case DatasetDraft():
            return action in (Action.WARN, Action.FAIL)
        case EngineDraft():
            return action is not Action.DROP
    return True


def _handled(draft: Draft, handling: Handling) -> Decision:
    """What the contract says of all rules of that kind, where the rule can do it; else the default."""
    origin = draft.origin
    if origin.presence and handling.schema.allow_nullable_expansion:
        return Decision(Action.WARN, "lakepact.schemaContract")
    concern = Concern.SLA if origin.level else Concern.SCHEMA if origin.structural else Concern.QUALITY
    said = handling.response(concern)
    only_warns = (origin.severity or "error").casefold() != "error"
    if said is None or only_warns or not _possible(draft, said.action):
        return _default(draft)
    return Decision(said.action, f"lakepact.on{concern.capitalize()}Violation")


def _default(draft: Draft) -> Decision:
    origin = draft.origin
    is_error = (origin.severity or "").casefold() == "error"
    source = "severity" if origin.severity else "default"
    if isinstance(draft, DatasetDraft | EngineDraft):
        return Decision(Action.FAIL if is_error else Action.WARN, source)
    if origin.structural:
        return Decision(Action.QUARANTINE, "default")
    if is_error:
        return Decision(Action.QUARANTINE, source)
    return Decision(Action.QUARANTINE, "criticalDataElement") if origin.critical else Decision(Action.WARN, source)


def _action(value: object) -> Action | None:
    text = str(value).casefold()
    return Action(text) if text in set(Action) else None


def _matches(pattern: str | None, text: str) -> bool:
    # `[]` in an id stands for the items of an array, not for a set of characters.
    return pattern is None or fnmatchcase(text, re.sub(r"\[", "[[]", pattern))


def _same(wanted: str | None, found: str | None) -> bool:
    return wanted is None or (found is not None and wanted.casefold() == found.casefold())


def load_policy(source: Path | bytes, *, name: str = "") -> Policy:
    """A policy from a file or its bytes. Raises ConfigurationError LP210 with every problem and its place."""
    shown = name or (str(source) if isinstance(source, Path) else "")
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
        root = yaml.compose(data.decode("utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"policy {shown or '(bytes)'} cannot be read: {error}", "LP210", _HINT) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{shown}:{mark.line + 1}:{mark.column + 1}" if mark else shown
        raise ConfigurationError(f"{where} is not YAML: {getattr(error, 'problem', error)}", "LP210", _HINT) from error
    reader = _Reader(shown)
    entries = reader.policy(root)
    if reader.problems:
        raise ConfigurationError(f"the policy {shown or '(bytes)'} is not valid", "LP210", _HINT, {}, reader.problems)
    return Policy(entries, Path(shown).name)


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self.problems: list[Problem] = []

    def _report(self, node: yaml.Node, message: str) -> None:
        mark = node.start_mark
        problem = Problem(
            code="LP210",
            severity=Severity.ERROR,
            message=message,
            file=self._file,
            line=mark.line + 1,
            column=mark.column + 1,
        )
        self.problems.append(problem)

    def policy(self, root: yaml.Node | None) -> tuple[PolicyEntry, ...]:
        if root is None:
            return ()
        if not isinstance(root, yaml.MappingNode):
            self._report(root, "a policy is a mapping with `version` and `actions`")
            return ()
        entries: list[PolicyEntry | None] = []
        for key, value in root.value:
            if key.value == "version":
                if value.value != "1":
                    self._report(value, f"version {value.value!r} is not known, only 1 is")
            elif key.value != "actions":
                self._report(key, f"unknown key {key.value!r}")
            elif not isinstance(value, yaml.SequenceNode):
                self._report(value, "`actions` is a list")
            else:
                entries += [self._entry(node) for node in value.value]
        return tuple(entry for entry in entries if entry is not None)

    def _entry(self, node: yaml.Node) -> PolicyEntry | None:
        if not isinstance(node, yaml.MappingNode):
            self._report(node, "an entry of `actions` is a mapping")
            return None
        found: dict[str, str] = {}
        for key, value in node.value:
            if key.value not in (*_CONDITIONS, "action") or not isinstance(value, yaml.ScalarNode):
                self._report(key, f"unknown key {key.value!r}; known are {', '.join((*_CONDITIONS, 'action'))}")
            else:
                found[key.value] = cast("str", value.value)
        action = _action(found.pop("action", ""))
        if action is None:
            self._report(node, f"`action` is one of {', '.join(Action)}")
            return None
        if not found:
            self._report(node, f"an entry needs a condition: {', '.join(_CONDITIONS)}")
            return None
        return PolicyEntry(action=action, **found)
