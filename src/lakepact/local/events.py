"""What the open-source engine says while it runs: sentences, read once into states of flows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lakepact.local.expectations import FAILED_MARK

__all__ = ["FlowEvent", "FlowState", "read_event", "readable_error"]


class FlowState(StrEnum):
    """States of a flow, under Databricks' names."""

    QUEUED = "QUEUED"
    PLANNING = "PLANNING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    EXCLUDED = "EXCLUDED"

    @property
    def rank(self) -> int:
        """Order of states; a failing streaming flow is first said to have completed, then to have failed."""
        return list(FlowState).index(self)


@dataclass(frozen=True, slots=True)
class FlowEvent:
    """A flow reached a state. `error` is the engine's text, on FAILED only."""

    flow: str
    state: FlowState
    error: str = ""


_SENTENCES: Mapping[str, FlowState] = {
    r"Flow '?(?P<flow>.+?)'? is (?P<state>QUEUED|PLANNING|STARTING|RUNNING|EXCLUDED)\.": FlowState.QUEUED,
    r"Flow '?(?P<flow>.+?)'? has COMPLETED\.": FlowState.COMPLETED,
    r"Flow '?(?P<flow>.+?)'? has FAILED(?:.*?)(?:\nError: (?P<error>.*))?": FlowState.FAILED,
    r"Flow '?(?P<flow>.+?)'? SKIPPED due to upstream failure\(s\)\.": FlowState.SKIPPED,
    r"Failed to resolve flow due to upstream failure: '(?P<flow>.+?)'\.\nError: .*": FlowState.SKIPPED,
    r"Failed to resolve flow: '(?P<flow>.+?)'\.\nError: (?P<error>.*)": FlowState.FAILED,
}
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), state) for pattern, state in _SENTENCES.items())


def read_event(sentence: str) -> FlowEvent | None:
    """The event in a sentence of the engine; None for sentences that are not about a flow.

    >>> read_event("Flow spark_catalog.sales.orders is RUNNING.")
    FlowEvent(flow='spark_catalog.sales.orders', state=<FlowState.RUNNING: 'RUNNING'>, error='')
    """
    for pattern, state in _PATTERNS:
        match = pattern.fullmatch(sentence)
        if match is not None:
            found = match.groupdict()
            return FlowEvent(found["flow"], FlowState(found.get("state") or state), (found.get("error") or "").strip())
    return None


# With the names as a list: the text of a query that cannot be analysed holds the mark too, before a call.
_EXPECTATION = re.compile(rf'{FAILED_MARK} (?P<dataset>[^\n]*?): \[(?P<names>"[^\n]*?")\](?: SQLSTATE: \w+|\s|$)')
_CLASSES = re.compile(
    r"^(?:An error occurred while calling \S+\s*: )?(?:\([\w.$]+\) )?(?:(?:[\w$]+\.)+[\w$]+(?:Exception|Error): )+"
)
_NOISE = re.compile(r"\n+JVM stacktrace:.*|\n+\s+at .*| SQLSTATE: \w+(?:; line \d+ pos \d+)?.*", re.DOTALL)
_WRITE_FAILED = re.compile(r"^\[TASK_WRITE_FAILED\][^\n]*\n")


def readable_error(text: str) -> str:
    """The engine's error text as one message for people: the cause, without stacks and query plans.

    >>> readable_error("[TASK_WRITE_FAILED] Task failed.\\n[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012")
    '[DIVIDE_BY_ZERO] Division by zero.'
    """
    expectation = _EXPECTATION.search(text)
    if expectation is not None:
        names = expectation["names"].replace('","', '", "')
        return f"a row of {expectation['dataset']} breaks {names}, which must stop the update"
    return _NOISE.sub("", _WRITE_FAILED.sub("", _CLASSES.sub("", text.strip()))).strip() or text.strip()
