"""The JSON Schema of notify.yml: what may be written, for the reader and for editors."""

from __future__ import annotations

from typing import Any, Final

from lakepact.notify.durations import DURATION
from lakepact.notify.email import Security
from lakepact.notify.model import Grouping, Severity
from lakepact.notify.secret_references import REFERENCE

__all__ = [
    "CHANNEL_KINDS",
    "DAYS",
    "SECRET",
    "SECRET_OR_VARIABLE",
    "TEMPLATE",
    "flag",
    "mapping",
    "settings_schema",
    "text",
    "texts",
]

SECRET: Final = f"^{REFERENCE.pattern}$"
"""The pattern of a text that says where a secret is."""

SECRET_OR_VARIABLE: Final = rf"{SECRET}|^\$\{{[A-Za-z_][A-Za-z0-9_]*\}}$"
"""The pattern of a text that says where a secret is, or names a variable of the environment as `${NAME}`."""

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The names of days, Monday first."""

_CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_HTTPS: Final = r"^https?://[^\s@]+$"


def text(description: str, **more: Any) -> dict[str, Any]:
    """The schema of a text that is not empty."""
    return {"type": "string", "minLength": 1, "description": description, **more}


def _secret(description: str) -> dict[str, Any]:
    return text(f"{description}: ${{env:NAME}}, ${{file:PATH}} or ${{secret:SCOPE/KEY}}", pattern=SECRET)


def _duration(description: str) -> dict[str, Any]:
    return text(f"{description}: a number with s, m, h or d, such as 30m", pattern=DURATION)


def texts(description: str, item: str = "") -> dict[str, Any]:
    """The schema of a list of texts that is not empty."""
    return {"type": "array", "minItems": 1, "items": text(item or "One of them"), "description": description}


def _number(description: str, low: int, high: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "description": description}


def _choice(description: str, choices: Any) -> dict[str, Any]:
    return {"enum": [str(each) for each in choices], "description": description}


def flag(description: str) -> dict[str, Any]:
    """The schema of true or false."""
    return {"type": "boolean", "description": description}


def mapping(description: str, required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    """The schema of a mapping with these keys and no others."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


TEMPLATE: Final = mapping(
    "Messages in words of your own, with names in braces such as {contract_name}",
    ("subject", "body"),
    subject=text("The title"),
    body=text("The text"),
)
"""The schema of a template."""

_RATE: Final = mapping(
    "At most so many messages in a time; what is above waits and comes as a summary. Critical ones pass.",
    ("messages", "per"),
    messages=_number("How many", 1, 1000),
    per=_duration("In what time"),
)

_COMMON: Final[dict[str, Any]] = {
    "rate": _RATE,
    "group": _choice("What shares a message: the rules of a dataset, or each rule alone", Grouping),
    "timeout": _duration("How long the service has for one message (default: 10s)"),
}

_MENTION: Final = texts(
    "Who is called when something critical breaks", "here, channel, everyone, or the id of a user or user group"
)


def _channel(kind: str, description: str, required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return mapping(description, ("type", *required), **{"type": {"const": kind}, **properties, **_COMMON})


CHANNEL_KINDS: Final[dict[str, dict[str, Any]]] = {
    "slack": _channel(
        "slack",
        "Slack, by an incoming webhook",
        ("webhook",),
        webhook=_secret("The address of the webhook"),
        mention=_MENTION,
    ),
    "slack-bot": _channel(
        "slack-bot",
        "Slack, by a bot with chat:write; each incident has a thread",
        (
            "token",
            "channel",
        ),
        token=_secret("The token of the bot"),
        channel=text("Name or id of a channel, or `support`: that of the contract"),
        fallback=text("The channel where the contract names none"),
        mention=_MENTION,
        api=text("Where Slack's methods are (default: https://slack.com/api)", pattern=_HTTPS),
    ),
    "email": _channel(
        "email",
        "E-mail by SMTP",
        (
            "host",
            "from",
            "to",
        ),
        host=text("The server"),
        port=_number("Its port (default: 587, with tls 465)", 1, 65535),
        security=_choice("How the connection is encrypted (default: starttls)", Security),
        user=text("The name for the login"),
        password=_secret("The password for the login"),
        to=texts("Who gets it", "An address, `owner` or `support`"),
        fallback=texts("Who gets it where the contract names nobody", "An address"),
        ca=text("A file of certificates, for a server with one of your own"),
        **{"from": text("The address of the sender")},
    ),
    "pagerduty": _channel(
        "pagerduty",
        "PagerDuty, Events API v2; each rule has an incident",
        ("routing_key",),
        routing_key=_secret("The integration key"),
        address=text("Where events go (default: https://events.pagerduty.com)", pattern=_HTTPS),
    ),
    "teams": _channel(
        "teams", "Microsoft Teams, by the webhook of a workflow", ("webhook",), webhook=_secret("The address")
    ),
    "webhook": _channel(
        "webhook",
        "Any service that takes Standard Webhooks",
        (
            "url",
            "secret",
        ),
        url=_secret("The address"),
        secret=_secret("The secret for signatures, whsec_…"),
    ),
    "apprise": _channel(
        "apprise", "Any service of apprise (extra `apprise`)", ("url",), url=_secret("The address for apprise")
    ),
}
_QUIET: Final = mapping(
    "When nothing is told that is not critical; it is told afterwards",
    ("from", "to", "timezone"),
    to=text("When it ends: HH:MM; not after `from`: on the next day", pattern=_CLOCK),
    timezone=text("Whose clock: a name such as Europe/Berlin"),
    days={**texts("The days on which it begins (default: all)"), "items": _choice("A day", DAYS)},
    **{"from": text("When it begins: HH:MM", pattern=_CLOCK)},
)

_ESCALATION: Final = mapping(
    "Who hears, too, of what is neither resolved nor acknowledged in time",
    ("after", "channels"),
    after=_duration("After what time"),
    channels=texts("The channels"),
)

_ROUTE: Final = mapping(
    "Which violations go to which channels; every route that fits applies",
    ("channels",),
    channels=texts("The channels; `contract` stands for those that the contract names"),
    fallback=texts("The channels for contracts that name none, where `contract` is among the channels"),
    severity=_choice("The least severity (default: info)", Severity),
    domain=texts("Only of these domains; patterns"),
    owner=texts("Only of these owners: names of teams and user names of members; patterns"),
    contract=texts("Only of these contracts, by id; patterns"),
    quiet=_QUIET,
    repeat=text(
        "After what time an open incident is told again, or `never` (default: 1d)", pattern=f"{DURATION}|^never$"
    ),
    mute_until=text("Nothing is told before that time (ISO 8601; UTC where it names no zone)"),
    escalate=_ESCALATION,
)


def settings_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of the whole file."""
    retry = mapping(
        "How failed messages are tried again",
        (),
        attempts=_number("How often a message is tried (default: 12)", 1, 100),
        first=_duration("The first pause (default: 30s); each is twice the one before"),
        longest=_duration("The longest pause (default: 1h)"),
    )
    whole = mapping(
        "Who is told when a data contract is broken",
        ("channels", "routes"),
        outbox=text("The folder where messages wait, from that of this file (default: .lakepact/notify)"),
        link=text("Address of the quarantine, with {contract}, {version}, {dataset} and {run}", pattern=_HTTPS),
        mask=texts("The classifications whose values are hidden in sample rows (default: all but public)"),
        retry=retry,
        template=TEMPLATE,
        channels={
            "type": "object",
            "description": "Ways to people, by a name of your own",
            "minProperties": 1,
            "propertyNames": {"pattern": r"^(?!contract$)[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"},
            "additionalProperties": {"oneOf": list(CHANNEL_KINDS.values())},
        },
        routes={"type": "array", "minItems": 1, "items": _ROUTE, "description": "What goes where"},
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "notify.yml of lakepact", **whole}
