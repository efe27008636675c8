"""Slack: messages by an incoming webhook, or by a bot, which keeps each incident in one thread."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from lakepact.errors import ConfigurationError
from lakepact.notify.delivery import TIMEOUT, away, post, refused
from lakepact.notify.masking import shortened
from lakepact.notify.model import Notification, Receipt, Severity, State, Traits
from lakepact.notify.secret_references import Secret
from lakepact.notify.templates import escaped, slack_message

__all__ = ["EVERYBODY", "SLACK_API", "SUPPORT", "SlackBot", "SlackWebhook", "is_slack_id"]

SLACK_API: Final = "https://slack.com/api"
"""Where Slack's methods are; GovSlack has `https://slack-gov.com/api`."""

SUPPORT: Final = "support"
"""Stands for the channel that the support section of the contract names."""

EVERYBODY: Final = frozenset({"here", "channel", "everyone"})
"""The mentions that are no ids."""

_WHAT: Final = "Slack"
_TRANSIENT: Final = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_USER: Final = re.compile(r"[UW][A-Z0-9]{5,20}")
_GROUP: Final = re.compile(r"S[A-Z0-9]{5,20}")


class SlackWebhook:
    """Posts through an incoming webhook: into the channel that it was made for, without threads.

    Slack takes a message as often as it is sent. `mention` are the users, groups (by id), or `here`, `channel` and
    `everyone` who are called when something critical breaks; ConfigurationError LP952 for anything else. `names` are
    written beside them as they are: they are seen, and nobody is called.
    """

    def __init__(
        self,
        name: str,
        webhook: Secret,
        *,
        mention: Sequence[str] = (),
        names: Sequence[str] = (),
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = name
        self._webhook = webhook
        self._mention = (*_marks(mention), *map(escaped, names))
        self._timeout = timeout

    @property
    def traits(self) -> Traits:
        """Not idempotent."""
        return Traits()

    def send(self, notification: Notification) -> Receipt:
        """Post the message, see `Channel.send`."""
        message = slack_message(notification, mention=_called(notification, self._mention))
        answer = post(self._webhook(), json.dumps(message).encode(), what=_WHAT, timeout=self._timeout)
        if answer.body.strip() != b"ok":
            raise refused(_WHAT, answer.text or "it does not answer ok")
        return Receipt()


class SlackBot:
    """Posts with `chat.postMessage`, as a bot with the scope `chat:write`: the later messages of an incident into the
    thread of its first one.

    `channel` is a name, an id, or SUPPORT; `fallback` stands in where the contract names none. Slack takes a message as
    often as it is sent.
    """

    def __init__(
        self,
        name: str,
        token: Secret,
        channel: str,
        *,
        fallback: str = "",
        mention: Sequence[str] = (),
        api: str = SLACK_API,
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = name
        self._token = token
        self._channel = channel
        self._fallback = fallback
        self._mention = _marks(mention)
        self._url = f"{api.rstrip('/')}/chat.postMessage"
        self._timeout = timeout

    @property
    def traits(self) -> Traits:
        """Not idempotent."""
        return Traits()

    def send(self, notification: Notification) -> Receipt:
        """Post the message, see `Channel.send`. The remote id is `channel/ts`."""
        message: dict[str, Any] = slack_message(notification, mention=_called(notification, self._mention))
        channel, _, thread = notification.thread.partition("/")
        message |= {"channel": channel or self._target(notification), "unfurl_links": False, "unfurl_media": False}
        if thread:
            message["thread_ts"] = thread
        headers = {"authorization": f"Bearer {self._token()}"}
        answer = post(self._url, json.dumps(message).encode(), what=_WHAT, headers=headers, timeout=self._timeout)
        data = answer.json()
        if data.get("ok") is not True:
            error = shortened(str(data.get("error") or "it does not answer with JSON"), 100)
            raise (away if error in _TRANSIENT else refused)(_WHAT, error)
        posted = f"{data.get('channel', '')}/{data.get('ts', '')}"
        return Receipt(remote_id=notification.thread or posted)

    def _target(self, notification: Notification) -> str:
        if self._channel != SUPPORT:
            return self._channel
        named = next(iter(notification.contacts.slack_channels), self._fallback)
        if not named:
            raise refused(_WHAT, "the contract names no Slack channel among its support, and there is no fallback")
        return named


def is_slack_id(text: str) -> bool:
    """Whether the text is the id of a user or a user group.

    >>> is_slack_id("U0123456789"), is_slack_id("data-platform")
    (True, False)
    """
    return bool(_USER.fullmatch(text) or _GROUP.fullmatch(text))


def _called(notification: Notification, marks: Sequence[str]) -> Iterable[str]:
    is_alarm = notification.state is State.FIRING and notification.severity is Severity.CRITICAL
    return marks if is_alarm else ()


def _marks(mention: Iterable[str]) -> tuple[str, ...]:
    marks = []
    for each in mention:
        if each in EVERYBODY:
            marks.append(f"<!{each}>")
        elif _USER.fullmatch(each):
            marks.append(f"<@{each}>")
        elif _GROUP.fullmatch(each):
            marks.append(f"<!subteam^{each}>")
        else:
            hint = "write here, channel, everyone, or the id of a user (U…) or a user group (S…)"
            raise ConfigurationError(f"Slack cannot mention '{each}'", "LP952", hint)
    return tuple(marks)
