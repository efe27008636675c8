"""What a pipeline does with bad data, in the words of other formats and in those of `lakepact.action`."""

from __future__ import annotations

from lakepact.convert.source import Element

__all__ = ["action_of"]

# What these words do is exactly what the action does: the load ends, it goes on, the rows are held back.
_ACTIONS = {
    "block": "fail",
    "strict": "fail",
    "fail": "fail",
    "warn": "warn",
    "quarantine": "quarantine",
    "drop": "drop",
}


def action_of(element: Element | None, key: str) -> str | None:
    """The action that the text under `key` stands for; None where there is none, or none of that meaning (LP808)."""
    written = element.text(key) if element is not None else None
    if element is None or written is None:
        return None
    action = _ACTIONS.get(written.casefold())
    if action is None and written.casefold() != "disabled":
        element.source.note(
            "LP808",
            f"`{key}` is `{written}`, which is no action of lakepact; the default of each rule holds",
            element.at(key),
            hint=f"one of {', '.join(dict.fromkeys(_ACTIONS))}",
        )
    return action
