"""Settings in the form of `quality_violations`: three channels of fixed names, and a template for their messages.

    notifications:
      quality_violations:
        channels:
          slack: {webhook_url: "${SLACK_WEBHOOK_URL}"}

`${NAME}` is a variable of the environment. A contract is told of by the channels that it names, else by all that are
enabled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from lakepact.contract.checked_document import CheckedDocument, Path
from lakepact.errors import ConfigurationError
from lakepact.notify.building import OUTBOX, wording_of
from lakepact.notify.email import OWNER, Email
from lakepact.notify.model import Channel
from lakepact.notify.pagerduty import PagerDuty
from lakepact.notify.routing import NAMED_BY_CONTRACT, Route
from lakepact.notify.schema import SECRET_OR_VARIABLE, TEMPLATE, flag, mapping, text, texts
from lakepact.notify.secret_references import Secret
from lakepact.notify.sending import RetryPolicy
from lakepact.notify.settings_model import NotifySettings, Origin
from lakepact.notify.slack import EVERYBODY, SlackWebhook, is_slack_id

__all__ = ["QUALITY_VIOLATIONS", "quality_violations_schema", "violation_settings"]

QUALITY_VIOLATIONS: Final = "quality_violations"
"""The key by which this form is known."""

_ENABLED: Final = flag("Whether it is used (default: true)")


def _variable(description: str) -> dict[str, Any]:
    return text(f"{description}: ${{NAME}}, a variable of the environment", pattern=SECRET_OR_VARIABLE)


def quality_violations_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of the form."""
    slack = mapping(
        "Slack, by an incoming webhook",
        ("webhook_url",),
        enabled=_ENABLED,
        webhook_url=_variable("The address of the webhook"),
        channel=text("The channel that the webhook was made for; it alone decides"),
        mention_on_critical=texts("Who is called when something critical breaks: here, or ids; names are shown"),
    )
    email = mapping(
        "E-mail by SMTP with STARTTLS (on port 465 with TLS)",
        ("smtp_server", "from_email", "recipients"),
        enabled=_ENABLED,
        smtp_server=text("The server, and its port after a colon (default: 587); ${NAME}: as the variable says"),
        from_email=text("The address of the sender"),
        recipients=texts("Who gets it, beside the owners and recipients that the contract names", "An address"),
    )
    pagerduty = mapping(
        "PagerDuty, Events API v2",
        ("api_key",),
        enabled=_ENABLED,
        api_key=_variable("The integration key"),
        service_id=text("The service that the key belongs to; the key alone decides"),
    )
    channels = mapping("Ways to people", (), slack=slack, email=email, pagerduty=pagerduty)
    templates = mapping("Messages in words of your own", (), quality_violation=TEMPLATE)
    told = "Who is told when a data contract is broken"
    whole = mapping(told, ("channels",), enabled=_ENABLED, channels=channels, templates=templates)
    return mapping(told, (QUALITY_VIOLATIONS,), **{QUALITY_VIOLATIONS: whole})


def violation_settings(document: CheckedDocument, data: Mapping[str, Any], at: Path, origin: Origin) -> NotifySettings:
    """The settings in data that fits the schema and stands at the path of the document.

    What the schema cannot say is reported to the document.
    """
    said, at = data[QUALITY_VIOLATIONS], (*at, QUALITY_VIOLATIONS)
    enabled = {name: entry for name, entry in said["channels"].items() if said.get("enabled", True) and _is_on(entry)}
    channels: list[Channel] = []
    for name, entry in enabled.items():
        try:
            channels.append(_MAKERS[name](name, entry, origin))
        except ConfigurationError as error:
            document.report(error.code, error.message, (*at, "channels", name), hint=error.hint)
    template = said.get("templates", {}).get("quality_violation")
    named = (*at, "templates", "quality_violation")
    return NotifySettings(
        channels=tuple(channels),
        routes=(Route(channels=(NAMED_BY_CONTRACT,), fallback=tuple(enabled)),) if enabled else (),
        policies={},
        retry=RetryPolicy(),
        outbox=origin.folder / OUTBOX,
        wording=wording_of(document, template, named) if template else None,
        notes=tuple(_notes(enabled)),
    )


def _is_on(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("enabled", True))


def _notes(enabled: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    names = _names(enabled.get("slack", {}).get("mention_on_critical", ()))
    if names:
        listed = ", ".join(names)
        yield f"Slack calls nobody by name: {listed} will be shown; give the ids of users (U…) or groups (S…)"


def _names(mentioned: Iterable[str]) -> tuple[str, ...]:
    return tuple(each for each in mentioned if not _mention(each))


def _mention(each: str) -> str:
    """The mention as Slack knows it, '' where it does not."""
    bare = each.removeprefix("@")
    return bare if bare in EVERYBODY or is_slack_id(bare) else ""


def _slack(name: str, entry: Mapping[str, Any], origin: Origin) -> Channel:
    mentioned = entry.get("mention_on_critical", ())
    known = [mention for each in mentioned if (mention := _mention(each))]
    return SlackWebhook(name, _secret(entry["webhook_url"], origin), mention=known, names=_names(mentioned))


def _email(name: str, entry: Mapping[str, Any], origin: Origin) -> Channel:
    server: str = entry["smtp_server"]
    host = _secret(server, origin) if server.startswith("${") else lambda: server
    return Email(name, host, entry["from_email"], (OWNER, *entry["recipients"]))


def _pagerduty(name: str, entry: Mapping[str, Any], origin: Origin) -> Channel:
    return PagerDuty(name, _secret(entry["api_key"], origin))


def _secret(written: str, origin: Origin) -> Secret:
    is_reference = ":" in written
    return origin.secret(written if is_reference else f"${{env:{written[2:-1]}}}")


_MAKERS: Final = {"slack": _slack, "email": _email, "pagerduty": _pagerduty}
