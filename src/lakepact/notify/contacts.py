"""Whom a contract names: its owners for routes, the addresses and Slack channels of its team and its support."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final
from urllib.parse import unquote, urlsplit

from lakepact.contract.model import Contract, TeamMember
from lakepact.notify.model import Contacts

__all__ = ["contacts_of", "is_address", "named_channels", "owners_of"]

_WISHES: Final = "lakepact.notification"
"""The custom property in which a contract says who wants to hear, and how; `lakepact convert` makes it, too."""


_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_LONGEST: Final = 254
_SLACK: Final = re.compile(r"#?[a-z0-9][a-z0-9_-]{0,79}|[CGD][A-Z0-9]{5,20}")


def is_address(text: str) -> bool:
    """Whether the text is one plain e-mail address, which fits into a header as it is.

    >>> is_address("data-team@example.com"), is_address("a@b\\nBcc: c@d"), is_address("Team <a@b.c>")
    (True, False, False)
    """
    return len(text) <= _LONGEST and _ADDRESS.fullmatch(text) is not None


def owners_of(contract: Contract, today: date) -> tuple[str, ...]:
    """The names by which a route can know the owner: of the team, and of its present members their user names."""
    team = contract.team
    if team is None:
        return ()
    names = [team.name or "", *(each.username for each in _present(contract, today))]
    return tuple(dict.fromkeys(name for name in names if name))


def named_channels(contract: Contract) -> tuple[str, ...]:
    """The names of channels under `channels` of the custom property `lakepact.notification`."""
    return _texts(contract, "channels")


def contacts_of(contract: Contract, today: date) -> Contacts:
    """The addresses of the present team and of the support channels, and the names of Slack channels among those.

    The `recipients` of the custom property `lakepact.notification` count as owners.

    No address of a web hook is taken from a contract: whoever may write a contract would choose where messages go.
    """
    names = [*(each.username for each in _present(contract, today)), *_texts(contract, "recipients")]
    owners = [each for each in names if is_address(each)]
    support: list[str] = []
    slack: list[str] = []
    for entry in _support(contract):
        tool, channel = str(entry.get("tool") or "").casefold(), str(entry.get("channel") or "").strip()
        url = str(entry.get("url") or "")
        address = _mail_address(url) or (channel if is_address(channel) else "")
        if address:
            support.append(address)
        elif tool == "slack" and _SLACK.fullmatch(channel):
            slack.append(channel)
    return Contacts(
        owner_addresses=tuple(dict.fromkeys(owners)),
        support_addresses=tuple(dict.fromkeys(support)),
        slack_channels=tuple(dict.fromkeys(slack)),
    )


def _present(contract: Contract, today: date) -> Iterator[TeamMember]:
    """The members who have not left."""
    for member in contract.team.members if contract.team else ():
        if not member.date_out or member.date_out[:10] > today.isoformat():
            yield member


def _support(contract: Contract) -> Iterator[Mapping[str, object]]:
    entries = contract.document.get("support")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield entry


def _texts(contract: Contract, key: str) -> tuple[str, ...]:
    """The texts of a list in the custom property; whatever else is there is passed over."""
    wishes = next((each.value for each in contract.custom_properties if each.property == _WISHES), None)
    found = wishes.get(key) if isinstance(wishes, dict) else None
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _mail_address(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    address = unquote(parts.path) if parts.scheme.casefold() == "mailto" else ""
    return address if is_address(address) else ""
