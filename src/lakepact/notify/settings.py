"""notify.yml: routes and channels as objects, and a notifier that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path as FilePath
from typing import Any, Final
from zoneinfo import ZoneInfo

from lakepact.errors import ConfigurationError, UsageError
from lakepact.notify.apprise_channel import AppriseChannel
from lakepact.notify.delivery import TIMEOUT
from lakepact.notify.durations import duration_of, moment_of
from lakepact.notify.email import Email, Security
from lakepact.notify.model import Channel, Grouping, Severity
from lakepact.notify.notifier import Notifier
from lakepact.notify.pagerduty import PAGERDUTY_EVENTS, PagerDuty
from lakepact.notify.places import FolderPlace
from lakepact.notify.reading import Path, SettingsDocument, read_settings_document
from lakepact.notify.routing import NAMED_BY_CONTRACT, ChannelPolicy, Escalation, QuietHours, Rate, Route
from lakepact.notify.schema import DAYS, settings_schema
from lakepact.notify.secret_references import Secret, SecretScopes, secret_of
from lakepact.notify.sending import RetryPolicy
from lakepact.notify.slack import SLACK_API, SlackBot, SlackWebhook
from lakepact.notify.teams import Teams
from lakepact.notify.webhook import Webhook

__all__ = ["SETTINGS_FILE", "NotifySettings", "open_notifier", "read_settings"]

SETTINGS_FILE: Final = "notify.yml"
"""The name of the file."""

_OUTBOX: Final = ".lakepact/notify"
_TLS_PORT: Final = 465


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """What notify.yml says. Secrets are not in it: the channels read them when they send."""

    channels: tuple[Channel, ...]
    routes: tuple[Route, ...]
    policies: Mapping[str, ChannelPolicy]
    retry: RetryPolicy
    outbox: FilePath
    mask: tuple[str, ...] | None = None
    link: str = ""


def open_notifier(
    file: FilePath,
    *,
    secrets: SecretScopes | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Notifier:
    """The notifier that the file describes. `secrets` reads `${secret:SCOPE/KEY}`, such as `dbutils.secrets.get`.

    Raises ConfigurationError LP950 for a file that cannot be read, and with all its problems where it has some.
    """
    try:
        source = file.read_bytes()
    except OSError as error:
        message = f"'{file}' cannot be read: {error.strerror or error}"
        raise ConfigurationError(message, "LP950", "check the path and its permissions") from None
    found = read_settings(source, str(file), secrets=secrets, environment=environment, clock=clock)
    return Notifier(
        found.routes,
        found.channels,
        FolderPlace(found.outbox),
        clock,
        policies=found.policies,
        retry=found.retry,
        mask=found.mask,
        link=found.link,
    )


def read_settings(
    source: bytes,
    file: str = SETTINGS_FILE,
    *,
    secrets: SecretScopes | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> NotifySettings:
    """The settings in the bytes of a file. Raises ConfigurationError LP950 with all their problems and places."""
    document = read_settings_document(source, file, settings_schema())
    building = _Building(document, FilePath(file).parent, secrets, environment, clock)
    # What the schema refused is reported already, and would only bring more of the same.
    found = None if document.problems else building.settings()
    if found is None or document.problems:
        count = len(document.problems)
        message = f"{count} error{'s' if count > 1 else ''} in '{file}'"
        problems = sorted(document.problems, key=lambda each: (each.line, each.column))
        raise ConfigurationError(message, "LP950", problems=problems)
    return found


class _Building:
    """Makes objects of data that fit the schema, and reports what the schema cannot say."""

    def __init__(
        self,
        document: SettingsDocument,
        folder: FilePath,
        secrets: SecretScopes | None,
        environment: Mapping[str, str] | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._document = document
        self._folder = folder
        self._secrets = secrets
        self._environment = environment
        self._clock = clock

    def settings(self) -> NotifySettings:
        data = self._document.data
        channels = [self._channel(name, entry) for name, entry in data["channels"].items()]
        retry = data.get("retry", {})
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
            outbox=self._folder / data.get("outbox", _OUTBOX),
            mask=tuple(data["mask"]) if "mask" in data else None,
            link=data.get("link", ""),
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
                    return Webhook(name, url, secret, timeout=timeout, clock=self._clock)
            return AppriseChannel(name, self._secret(entry["url"]))
        except ConfigurationError as error:
            self._document.report(error.code, error.message, ("channels", name), hint=error.hint)
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
            port=entry.get("port", _TLS_PORT if security is Security.TLS else 587),
            security=security,
            user=entry.get("user", ""),
            password=None if password is None else self._secret(password),
            fallback=entry.get("fallback", ()),
            ca=self._folder / entry["ca"] if "ca" in entry else None,
            timeout=timeout,
        )

    def _secret(self, reference: str) -> Secret:
        return secret_of(reference, folder=self._folder, environment=self._environment, scopes=self._secrets)

    def _route(self, index: int, entry: Mapping[str, Any]) -> Route:
        at: Path = ("routes", index)
        escalation = entry.get("escalate")
        repeat = entry.get("repeat", "1d")
        return Route(
            channels=self._known(entry["channels"], (*at, "channels")),
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
        channels = self._document.data["channels"]
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


def _policy(entry: Mapping[str, Any]) -> ChannelPolicy:
    rate = entry.get("rate")
    return ChannelPolicy(
        rate=rate and Rate(messages=rate["messages"], per=timedelta(seconds=_seconds(rate["per"], 0))),
        grouping=Grouping(entry["group"]) if "group" in entry else None,
    )


def _seconds(text: str | None, usual: float) -> float:
    """The seconds of a duration such as `30m`, which the schema has checked."""
    return duration_of(text).total_seconds() if text else usual
