"""Messages in the form of each channel, from one view: markup escaped, sizes within what the services take."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from lakepact.notify.masking import shortened
from lakepact.notify.model import Notification, State
from lakepact.notify.view import View, heading_of, view_of

__all__ = [
    "escaped",
    "html_text",
    "pagerduty_payload",
    "plain_text",
    "slack_message",
    "subject",
    "teams_card",
    "webhook_body",
]

# https://docs.slack.dev/reference/block-kit/blocks
_SLACK_HEADER: Final = 150
_SLACK_SECTION: Final = 3000
_SLACK_FIELD: Final = 2000
_SLACK_FIELDS: Final = 10
_SLACK_BLOCKS: Final = 50
_SLACK_TEXT: Final = 3500
# https://developer.pagerduty.com/docs/events-api-v2/trigger-events
_PAGERDUTY_SUMMARY: Final = 1024
_PAGERDUTY_DETAILS: Final = 100_000
# Messages to Teams have at most 28 KB; the envelope and what Teams adds need some of that.
_TEAMS_BYTES: Final = 24_000
_SUBJECT: Final = 200
_WEBHOOK_BYTES: Final = 250_000
_SLACK_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_HTML_COLOURS: Final = {State.FIRING: "#b3261e", State.ACKNOWLEDGED: "#8a6100", State.RESOLVED: "#1e7b34"}
_TEAMS_COLOURS: Final = {State.FIRING: "Attention", State.ACKNOWLEDGED: "Warning", State.RESOLVED: "Good"}


def subject(notification: Notification) -> str:
    """The title on one line, for the subject of an e-mail."""
    return shortened(heading_of(notification), _SUBJECT)


def plain_text(notification: Notification) -> str:
    """The whole message as lines of text."""
    view = view_of(notification)
    lines = [view.title, "", *(f"{label}: {value}" for label, value in view.facts)]
    for rule in view.rules:
        lines += ["", rule.heading, *([f"  {rule.detail}"] if rule.detail else [])]
        lines += [f"  e.g. {each}" for each in rule.samples]
    gap = [""] if view.facts else []
    lines += [*gap, *_tail(view)] if view.lines or view.more else []
    return "\n".join(lines) + "\n"


def html_text(notification: Notification) -> str:
    """The whole message as a page for mail programs: no script, no picture, nothing that is fetched."""
    view = view_of(notification)
    facts = "".join(
        f"<tr><th align=left>{_html(label)}</th><td>{_html(value)}</td></tr>" for label, value in view.facts
    )
    rules = "".join(
        f"<li><b>{_html(rule.heading)}</b><br>{_html(rule.detail)}"
        + "".join(f"<br><code>{_html(each)}</code>" for each in rule.samples)
        + "</li>"
        for rule in view.rules
    )
    tail = "".join(f"<p>{_html(each)}</p>" for each in _tail(view))
    link = f'<p><a href="{_html(view.link)}">Open the quarantine</a></p>' if view.link else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"></head>'
        f'<body style="font-family:sans-serif"><h2 style="color:{_HTML_COLOURS[view.state]}">{_html(view.title)}</h2>'
        f"<table>{facts}</table><ul>{rules}</ul>{tail}{link}</body></html>\n"
    )


def slack_message(notification: Notification, *, mention: Iterable[str] = ()) -> dict[str, Any]:
    """`text` for notices and `blocks` for the message. `mention` are ready marks such as `<!here>`."""
    view = view_of(notification)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": shortened(view.title, _SLACK_HEADER), "emoji": False}}
    ]
    marks = " ".join(mention)
    if marks:
        blocks.append(_section(marks))
    fields = [_mrkdwn(f"*{escaped(label)}*\n{escaped(value)}", _SLACK_FIELD) for label, value in view.facts]
    blocks += [
        {"type": "section", "fields": fields[start : start + _SLACK_FIELDS]}
        for start in range(0, len(fields), _SLACK_FIELDS)
    ]
    for rule in view.rules:
        samples = "".join(f"\n> {escaped(each)}" for each in rule.samples)
        blocks.append(_section(f"*{escaped(rule.heading)}*\n{escaped(rule.detail)}{samples}"))
    tail = list(_tail(view))
    if tail:
        blocks.append(_section("\n".join(escaped(each) for each in tail)))
    if view.link:
        blocks.append(_section(f"<{escaped(view.link).replace('|', '%7C')}|Open the quarantine>"))
    return {"text": _slack_cut(escaped(view.title), _SLACK_TEXT), "blocks": blocks[:_SLACK_BLOCKS]}


def teams_card(notification: Notification) -> dict[str, Any]:
    """A message with one Adaptive Card. Foreign text stands in runs, which know no markup."""
    view = view_of(notification)
    body = [_runs(view.title, size="Large", weight="Bolder", color=_TEAMS_COLOURS[view.state])]
    body += [_runs(f"{label}: {value}") for label, value in view.facts]
    # Teams shows no block without text.
    ending = [_runs(each) for each in _tail(view) if each]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [*body, *ending],
    }
    if view.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the quarantine", "url": view.link}]
    left = len(view.rules)
    for rule in view.rules:
        blocks = [_runs(rule.heading, weight="Bolder"), _runs(rule.detail), *(_runs(each) for each in rule.samples)]
        grown = [*body, *(each for each in blocks if each["inlines"][0]["text"]), *ending]
        if _size({**card, "body": grown}) > _TEAMS_BYTES:
            body.append(_runs(f"and {left} more rule{'s' if left > 1 else ''}, too long to show"))
            break
        body, left = grown[: len(grown) - len(ending)], left - 1
    card["body"] = [*body, *ending]
    content_type = "application/vnd.microsoft.card.adaptive"
    return {
        "type": "message",
        "attachments": [{"contentType": content_type, "contentUrl": None, "content": card}],
    }


def pagerduty_payload(notification: Notification) -> dict[str, Any]:
    """The `payload` of an event that triggers."""
    view = view_of(notification)
    details: dict[str, Any] = dict(view.facts)
    for number, rule in enumerate(view.rules, 1):
        grown = {**details, f"Rule {number}": "\n".join((rule.heading, rule.detail, *rule.samples))}
        if _size(grown) > _PAGERDUTY_DETAILS:
            break
        details = grown
    tail = "\n".join(_tail(view))
    return {
        "summary": shortened(view.title, _PAGERDUTY_SUMMARY),
        "source": shortened(notification.dataset, 500) or "lakepact",
        "severity": str(notification.severity),
        "timestamp": notification.at.isoformat(),
        "component": shortened(notification.contract_id, 500),
        "group": shortened(notification.domain, 500),
        "class": "data contract",
        "custom_details": details | ({"More": tail} if tail else {}),
    }


def webhook_body(notification: Notification) -> dict[str, Any]:
    """The event for machines: `type`, `timestamp` and `data`, as Standard Webhooks recommends."""
    view = view_of(notification)
    data: dict[str, Any] = {
        "id": notification.id,
        "cause": notification.cause,
        "title": view.title,
        "state": str(notification.state),
        "severity": str(notification.severity),
        "verdict": str(notification.verdict),
        "contract": {"id": notification.contract_id, "version": notification.contract_version},
        "dataset": notification.dataset,
        "run": notification.run_id,
        "domain": notification.domain,
        "owners": list(notification.owners),
        "escalated": notification.escalated,
        "quarantine": notification.quarantine,
        "recovered": list(notification.recovered),
        "held_back": list(notification.headings),
        "violations": [_violation(each) for each in notification.violations],
    }
    # What is left out is in the results of the run; how much it is, the number tells.
    data["violations_total"] = len(notification.violations)
    while _size(data) > _WEBHOOK_BYTES:
        longest = max(("violations", "recovered", "held_back"), key=lambda key: _size(data[key]))
        data[longest] = data[longest][: len(data[longest]) // 2]
    kind = "summary" if notification.headings else str(notification.state)
    return {"type": f"lakepact.contract.{kind}", "timestamp": notification.at.isoformat(), "data": data}


def _violation(violation: Any) -> dict[str, Any]:
    return {
        "rule": violation.rule_id,
        "name": violation.rule_name,
        "status": violation.status,
        "severity": str(violation.severity),
        "violations": violation.violations,
        "tested": violation.tested,
        "value": violation.value,
        "threshold": violation.threshold,
        "dimension": violation.dimension,
        "message": violation.message,
        "samples": [dict(row) for row in violation.samples],
    }


def _tail(view: View) -> Iterator[str]:
    yield from view.lines
    if view.more:
        yield view.more


def _html(text: str) -> str:
    return html.escape(text, quote=True)


def escaped(text: str) -> str:
    """Foreign text for Slack: no link, no mention; `*`, `_`, `~` and backticks change at most its looks."""
    return "".join(_SLACK_ENTITIES.get(each, each) for each in text)


def _slack_cut(text: str, longest: int) -> str:
    """Escaped text that is cut between its characters, never within an entity."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    start = cut.rfind("&")
    if start > cut.rfind(";"):
        cut = cut[:start]
    return f"{cut}…"


def _mrkdwn(text: str, longest: int) -> dict[str, str]:
    return {"type": "mrkdwn", "text": _slack_cut(text, longest)}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text, _SLACK_SECTION)}


def _runs(text: str, **style: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=True).encode())
