"""Channels, routes and the rest of notify.yml as objects, made of data that fits its schema."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from lakepact.contract.checked_document import CheckedDocument, Path, nearest
from lakepact.contract.yaml_nodes import clipped
from lakepact.errors import ConfigurationError, UsageError
from lakepact.notify.apprise_channel import AppriseChannel
from lakepact.notify.delivery import TIMEOUT
from lakepact.notify.durations import duration_of, moment_of
from lakepact.notify.email import TLS_PORT, Email, Security
from lakepact.notify.model import Channel, Grouping, Severity
from lakepact.notify.pagerduty import PAGERDUTY_EVENTS, PagerDuty
from lakepact.notify.routing import NAMED_BY_CONTRACT, ChannelPolicy, Escalation, QuietHours, Rate, Route
from lakepact.notify.schema import DAYS
from lakepact.notify.secret_references import Secret
from lakepact.notify.sending import RetryPolicy
from lakepact.notify.settings_model import NotifySettings, Origin
from lakepact.notify.slack import SLACK_API, SlackBot, SlackWebhook
from lakepact.notify.teams import Teams
from lakepact.notify.webhook import Webhook
from lakepact.notify.wording import PLACEHOLDERS, Wording, placeholders_in

__all__ = ["OUTBOX", "built_settings", "wording_of"]

OUTBOX: Final = ".lakepact/notify"
"""Where messages wait unless the settings say where: below their folder."""


def built_settings(document: CheckedDocument, data: Mapping[str, Any], at: Path, origin: Origin) -> NotifySettings:
    """The settings in data that fits the schema and stands at the path of the document.

    What the schema cannot say is reported to the document.
    """
    return _Building(document, data, at, origin).settings()


class _Building:
    """Makes objects of data that fit the schema, and reports what the schema cannot say."""

    def __init__(self, document: CheckedDocument, data: Mapping[str, Any], at: Path, origin: Origin) -> None:
        self._document = document
        self._data = data
        self._at = at
        self._origin = origin

    def settings(self) -> NotifySettings:
        data = self._data
        channels = [self._channel(name, entry) for name, entry in data["channels"].items()]
        retry, template = data.get("retry", {}), data.get("template")
        usual = RetryPolicy()
        return NotifySettings(
            channels=tuple(each for each in channels if each is not None),
            routes=tuple(self._route(index, entry) for index, entry in enumerate(data["routes"])),
            policies={name: _policy(entry) for name, entry in data["channels"].items()},
            retry=RetryPolicy(
                attempts=retry.get("attempts", usual.attempts),
                first=_seconds(retry.get("first"), usual.first),
                longest=_seconds(retry.get("longest"), usual.longest),
            ),
            outbox=self._origin.folder / data.get("outbox", OUTBOX),
            mask=tuple(data["mask"]) if "mask" in data else None,
            link=data.get("link", ""),
            wording=wording_of(self._document, template, (*self._at, "template")) if template else None,
        )

    def _channel(self, name: str, entry: Mapping[str, Any]) -> Channel | None:
        """The channel; None, and a problem, where its parts do not go together."""
        timeout = _seconds(entry.get("timeout"), TIMEOUT)
        try:
            match entry["type"]:
                case "slack":
                    return SlackWebhook(
                        name, self._secret(entry["webhook"]), mention=entry.get("mention", ()), timeout=timeout
                    )
                case "slack-bot":
                    return self._slack_bot(name, entry, timeout)
                case "email":
                    return self._email(name, entry, timeout)
                case "pagerduty":
                    address = entry.get("address", PAGERDUTY_EVENTS)
                    return PagerDuty(name, self._secret(entry["routing_key"]), address=address, timeout=timeout)
                case "teams":
                    return Teams(name, self._secret(entry["webhook"]), timeout=timeout)
                case "webhook":
                    url, secret = self._secret(entry["url"]), self._secret(entry["secret"])
                    return Webhook(name, url, secret, timeout=timeout, clock=self._origin.clock)
            return AppriseChannel(name, self._secret(entry["url"]))
        except ConfigurationError as error:
            self._document.report(error.code, error.message, (*self._at, "channels", name), hint=error.hint)
            return None

    def _slack_bot(self, name: str, entry: Mapping[str, Any], timeout: float) -> SlackBot:
        return SlackBot(
            name,
            self._secret(entry["token"]),
            entry["channel"],
            fallback=entry.get("fallback", ""),
            mention=entry.get("mention", ()),
            api=entry.get("api", SLACK_API),
            timeout=timeout,
        )

    def _email(self, name: str, entry: Mapping[str, Any], timeout: float) -> Email:
        security = Security(entry.get("security", Security.STARTTLS))
        password = entry.get("password")
        return Email(
            name,
            entry["host"],
            entry["from"],
            entry["to"],
            port=entry.get("port", TLS_PORT if security is Security.TLS else 587),
            security=security,
            user=entry.get("user", ""),
            password=None if password is None else self._secret(password),
            fallback=entry.get("fallback", ()),
            ca=self._origin.folder / entry["ca"] if "ca" in entry else None,
            timeout=timeout,
        )

    def _secret(self, reference: str) -> Secret:
        return self._origin.secret(reference)

    def _route(self, index: int, entry: Mapping[str, Any]) -> Route:
        at = (*self._at, "routes", index)
        escalation = entry.get("escalate")
        if "fallback" in entry and NAMED_BY_CONTRACT not in entry["channels"]:
            hint = f"add `{NAMED_BY_CONTRACT}` to its channels, for which the fallback stands in"
            self._document.report("LP952", "the route has nothing to fall back from", (*at, "fallback"), hint=hint)
        repeat = entry.get("repeat", "1d")
        return Route(
            channels=self._known(entry["channels"], (*at, "channels")),
            fallback=self._known(entry.get("fallback", []), (*at, "fallback")),
            severity=Severity(entry.get("severity", Severity.INFO)),
            domains=tuple(entry.get("domain", ())),
            owners=tuple(entry.get("owner", ())),
            contracts=tuple(entry.get("contract", ())),
            quiet=self._quiet(entry["quiet"], (*at, "quiet")) if "quiet" in entry else None,
            mute_until=self._moment(entry["mute_until"], (*at, "mute_until")) if "mute_until" in entry else None,
            repeat=None if repeat == "never" else timedelta(seconds=_seconds(repeat, 0)),
            escalation=escalation
            and Escalation(
                after=timedelta(seconds=_seconds(escalation["after"], 0)),
                channels=self._known(escalation["channels"], (*at, "escalate", "channels")),
            ),
        )

    def _known(self, names: list[str], at: Path) -> tuple[str, ...]:
        """The names, of which each must be that of a channel."""
        channels = self._data["channels"]
        for index, name in enumerate(names):
            if name not in (*channels, NAMED_BY_CONTRACT):
                hint = f"known: {', '.join(sorted(channels))}"
                self._document.report("LP954", f"there is no channel '{name}'", (*at, index), hint=hint)
        return tuple(names)

    def _quiet(self, entry: Mapping[str, Any], at: Path) -> QuietHours:
        zone = entry["timezone"]
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, LookupError):
            hint = "write a name such as Europe/Berlin, or UTC"
            self._document.report("LP952", f"'{zone}' is no time zone", (*at, "timezone"), hint=hint)
            zone = "UTC"
        return QuietHours(
            start=time.fromisoformat(entry["from"]),
            end=time.fromisoformat(entry["to"]),
            timezone=zone,
            days=frozenset(DAYS.index(day) for day in entry.get("days", DAYS)),
        )

    def _moment(self, text: str, at: Path) -> datetime:
        try:
            return moment_of(text)
        except UsageError as error:
            self._document.report(error.code, error.message, at, hint=error.hint)
            return datetime.now(UTC)


def wording_of(document: CheckedDocument, data: Mapping[str, Any], at: Path) -> Wording:
    """The words in a template at the path of the document; unknown names in braces are reported."""
    for key in ("subject", "body"):
        for name in placeholders_in(data[key]):
            if name not in PLACEHOLDERS:
                message = f"there is nothing to put in for '{{{clipped(name)}}}'"
                document.report("LP952", message, (*at, key), hint=nearest(name, PLACEHOLDERS))
    return Wording(data["subject"], data["body"])


def _policy(entry: Mapping[str, Any]) -> ChannelPolicy:
    rate = entry.get("rate")
    return ChannelPolicy(
        rate=rate and Rate(messages=rate["messages"], per=timedelta(seconds=_seconds(rate["per"], 0))),
        grouping=Grouping(entry["group"]) if "group" in entry else None,
    )


def _seconds(text: str | None, usual: float) -> float:
    """The seconds of a duration such as `30m`, which the schema has checked."""
    return duration_of(text).total_seconds() if text else usual
