"""Messages in words of one's own: a subject and a body with names in braces, filled in when a message is planned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from lakepact.notify.masking import shortened
from lakepact.notify.model import Notification, State
from lakepact.notify.view import rules_of

__all__ = ["PLACEHOLDERS", "Wording", "placeholders_in"]

PLACEHOLDERS: Final = (
    "asset_name",
    "contract_id",
    "contract_name",
    "contract_version",
    "domain",
    "owners",
    "quarantine_path",
    "quarantine_ui_url",
    "run_id",
    "severity",
    "tenant_id",
    "time",
    "violation_count",
    "violations_list",
)
"""The names that may stand in braces."""

_NOTHING: Final = "-"
_NAME: Final = re.compile(r"\{\{|\}\}|\{([^{}\s]*)\}")
_MAX_SUBJECT: Final = 200
_MAX_BODY: Final = 10_000
_MAX_LINES: Final = 200


@dataclass(frozen=True, slots=True)
class Wording:
    """The words for broken contracts; `{{` and `}}` are braces. What resolves or takes an incident keeps its own."""

    subject: str
    body: str

    def given_to(self, notification: Notification) -> Notification:
        """The notification in these words; as it is where it tells of no violation."""
        if notification.state is not State.FIRING or notification.headings:
            return notification
        values = _values(notification)
        body = shortened(_filled(self.body[:_MAX_BODY], values), _MAX_BODY)
        escalated = "Escalated: " if notification.escalated else ""
        subject = " ".join((escalated + _filled(self.subject[:_MAX_BODY], values)).split())
        return replace(
            notification, title=shortened(subject, _MAX_SUBJECT), text=tuple(body.strip().split("\n")[:_MAX_LINES])
        )


def placeholders_in(text: str) -> tuple[str, ...]:
    """The names in braces, in order.

    >>> placeholders_in("{contract_name} has {violation_count} {{violations}}")
    ('contract_name', 'violation_count')
    """
    return tuple(match[1] for match in _NAME.finditer(text) if match[1] is not None)


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Values are taken as they are, and never filled in again."""
    return _NAME.sub(lambda match: match[0][0] if match[1] is None else values.get(match[1]) or _NOTHING, text)


def _values(notification: Notification) -> dict[str, str]:
    is_link = notification.quarantine.startswith(("https://", "http://"))
    one_line = {
        "asset_name": notification.dataset,
        "contract_id": notification.contract_id,
        "contract_name": notification.contract_name or notification.contract_id,
        "contract_version": notification.contract_version,
        "domain": notification.domain,
        "owners": ", ".join(notification.owners),
        "quarantine_path": notification.quarantine_place or notification.quarantine,
        "quarantine_ui_url": notification.quarantine if is_link else "",
        "run_id": notification.run_id,
        "severity": str(notification.severity),
        "tenant_id": notification.tenant,
        "time": notification.at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        "violation_count": str(len(notification.violations)),
    }
    # A name with an end of line in it could look like a line of the message.
    values = {name: " ".join(value.split()) for name, value in one_line.items()}
    return values | {"violations_list": "\n".join(_lines(notification))}


def _lines(notification: Notification) -> list[str]:
    rules, more = rules_of(notification)
    lines = [f"- {each.heading}{f': {each.detail}' if each.detail else ''}" for each in rules]
    return [*lines, *([more] if more else [])]
