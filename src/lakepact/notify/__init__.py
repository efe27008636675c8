"""Tells people of broken contracts: by Slack, e-mail, PagerDuty, Teams, signed webhooks and what apprise reaches."""

from lakepact.notify.model import (
    Channel,
    Contacts,
    Grouping,
    Notification,
    Receipt,
    Severity,
    State,
    Topic,
    Traits,
    Violation,
)
from lakepact.notify.notifier import Notifier, Status
from lakepact.notify.places import FolderPlace, MemoryPlace, Place
from lakepact.notify.routing import ChannelPolicy, Escalation, Mute, QuietHours, Rate, Route
from lakepact.notify.sending import Report, RetryPolicy
from lakepact.notify.settings import NotifySettings, notifier_of, open_notifier, read_settings
from lakepact.notify.wording import Wording

__all__ = [
    "Channel",
    "ChannelPolicy",
    "Contacts",
    "Escalation",
    "FolderPlace",
    "Grouping",
    "MemoryPlace",
    "Mute",
    "Notification",
    "Notifier",
    "NotifySettings",
    "Place",
    "QuietHours",
    "Rate",
    "Receipt",
    "Report",
    "RetryPolicy",
    "Route",
    "Severity",
    "State",
    "Status",
    "Topic",
    "Traits",
    "Violation",
    "Wording",
    "notifier_of",
    "open_notifier",
    "read_settings",
]
