"""What a notification says to people, before it takes the form of a channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lakepact.notify.masking import shortened
from lakepact.notify.model import Notification, Severity, State, Topic, Violation

__all__ = ["Rule", "View", "heading_of", "rules_of", "view_of"]

_MAX_RULES: Final = 20
_MAX_HEADINGS: Final = 20
_MAX_RECOVERED: Final = 20
_MAX_NAME: Final = 120
_MAX_CELLS: Final = 8
_MAX_TITLE: Final = 200
_MAX_LINE: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One broken rule: its name with severity, what was found, and sample rows, each as a line."""

    heading: str
    detail: str
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The parts of a message, as plain text on one line each. `more` tells how much of the lists is not in them.

    `link` is an address on the web, '' where there is none.
    """

    title: str
    state: State
    severity: Severity
    facts: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...] = ()
    lines: tuple[str, ...] = ()
    more: str = ""
    link: str = ""


def view_of(notification: Notification) -> View:
    """The view of a notification: bounded lists, and no text with an end of line in it."""
    if notification.headings:
        return _summary(notification)
    link = notification.quarantine if notification.quarantine.startswith(("https://", "http://")) else ""
    if notification.text:
        return View(
            title=heading_of(notification),
            state=notification.state,
            severity=notification.severity,
            facts=(),
            lines=tuple(_plain(each, _MAX_LINE) for each in notification.text),
            link="".join(link.split()),
        )
    recovered = [f"recovered: {_plain(each)}" for each in notification.recovered[:_MAX_RECOVERED]]
    return View(
        title=heading_of(notification),
        state=notification.state,
        severity=notification.severity,
        facts=tuple(_facts(notification)),
        rules=tuple(_rule(each) for each in notification.violations[:_MAX_RULES]),
        lines=tuple(recovered),
        more=_more(
            ("rule", len(notification.violations) - _MAX_RULES),
            ("recovered rule", len(notification.recovered) - _MAX_RECOVERED),
        ),
        link="".join(link.split()),
    )


def rules_of(notification: Notification) -> tuple[tuple[Rule, ...], str]:
    """The rules that a message shows, and how many more there are, in words."""
    shown = tuple(_rule(each) for each in notification.violations[:_MAX_RULES])
    return shown, _more(("rule", len(notification.violations) - _MAX_RULES))


def heading_of(notification: Notification) -> str:
    """The title of a notification: what happened to which contract, and where.

    It tells what a reader must know who sees nothing else.
    """
    if notification.headings:
        count = len(notification.headings)
        return f"{count} notification{'s' if count > 1 else ''} held back by the rate limit"
    if notification.title:
        return _plain(notification.title, _MAX_TITLE)
    name = _plain(notification.contract_name or notification.contract_id)
    where = f"{name} {_plain(notification.contract_version)} in {_plain(notification.dataset)}"
    about_rules = notification.topic is Topic.RULES
    match notification.state:
        case State.RESOLVED:
            solved = f"contract {where} holds" if about_rules else f"service levels of contract {where} are met"
            return f"Resolved: {solved} again"
        case State.ACKNOWLEDGED:
            return f"Acknowledged: {'' if about_rules else 'service levels of '}contract {where}"
    count = len(notification.violations)
    what = "rule" if about_rules else "service level"
    counted = f"{count} {what}{'s' if count > 1 else ''}" if count else f"{what}s"
    escalated = "Escalated: " if notification.escalated else ""
    broken = "broken" if about_rules else "missed"
    return f"{escalated}[{notification.severity}] {counted} of contract {where} {broken}"


def _summary(notification: Notification) -> View:
    headings = notification.headings
    return View(
        title=heading_of(notification),
        state=notification.state,
        severity=notification.severity,
        facts=(("Severity", str(notification.severity)), ("Time", _moment(notification.at))),
        lines=tuple(_plain(each, 300) or "-" for each in headings[:_MAX_HEADINGS]),
        more=_more(("notification", len(headings) - _MAX_HEADINGS)),
    )


def _facts(notification: Notification) -> Iterator[tuple[str, str]]:
    yield "Contract", _plain(f"{notification.contract_id} {notification.contract_version}", 300)
    yield "Dataset", _plain(notification.dataset, 300)
    yield "Severity", str(notification.severity)
    if notification.state is State.FIRING:
        yield "Verdict", str(notification.verdict)
    if notification.domain:
        yield "Domain", _plain(notification.domain)
    if notification.owners:
        yield "Owner", _plain(", ".join(notification.owners[:_MAX_CELLS]), 300)
    yield "Run", _plain(notification.run_id)
    yield "Time", _moment(notification.at)
    if notification.quarantine and notification.state is not State.RESOLVED:
        yield "Quarantine", _plain(notification.quarantine, 500)


def _rule(violation: Violation) -> Rule:
    samples = tuple(_plain(_cells(row), 300) for row in violation.samples)
    heading = f"{_plain(violation.rule_name or violation.rule_id)} [{violation.severity}]"
    return Rule(heading=heading, detail=_plain("; ".join(_details(violation)), 600), samples=samples)


def _details(violation: Violation) -> Iterator[str]:
    if violation.status == "error":
        yield "it could not be evaluated"
    if violation.violations is not None:
        of = f" of {violation.tested:,}" if violation.tested is not None else ""
        yield f"{violation.violations:,}{of} rows"
    if violation.value is not None:
        yield f"{violation.value}, should be {violation.threshold}" if violation.threshold else violation.value
    if violation.dimension:
        yield violation.dimension
    # Engines say in words what the numbers say.
    counted = (f"{violation.violations} of {violation.tested} rows", f"{violation.value}, {violation.threshold}")
    if violation.message and violation.message not in counted:
        yield violation.message


def _cells(row: Mapping[str, str]) -> str:
    cells = [f"{column}={value}" for column, value in row.items()]
    return ", ".join(cells[:_MAX_CELLS]) + (", …" if len(cells) > _MAX_CELLS else "")


def _more(*parts: tuple[str, int]) -> str:
    found = [f"{count} more {what}{'s' if count > 1 else ''}" for what, count in parts if count > 0]
    return f"and {', '.join(found)}" if found else ""


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _plain(text: str, longest: int = _MAX_NAME) -> str:
    """The text on one line, without what would control whatever shows it."""
    line = " ".join(text.split())
    return shortened("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line), longest)
