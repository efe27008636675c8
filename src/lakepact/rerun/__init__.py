"""Where the news comes in that a contract was validated: signed notices, and the inbox that keeps them."""

from lakepact.rerun.inbox import (
    Arrival,
    Effect,
    EffectKey,
    EffectState,
    Inbox,
    InboxEvent,
    InboxState,
    Origin,
    Receipt,
)
from lakepact.rerun.opening import open_inbox

__all__ = [
    "Arrival",
    "Effect",
    "EffectKey",
    "EffectState",
    "Inbox",
    "InboxEvent",
    "InboxState",
    "Origin",
    "Receipt",
    "open_inbox",
]
