"""What the tests of notifications share: a contract, results, a clock that stands, and a channel that remembers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from lakepact.contract import Contract, load_contract
from lakepact.notify import (
    Contacts,
    MemoryPlace,
    Notification,
    Notifier,
    Place,
    Receipt,
    RetryPolicy,
    Route,
    Severity,
    State,
    Traits,
    Violation,
)
from lakepact.results.model import RuleResult, RuleStatus, Verdict
from lakepact.rules.model import Action

NOW = datetime(2024, 1, 31, 12, 0, tzinfo=UTC)
DATASET = "main.sales.orders"

DOCUMENT = b"""apiVersion: v3.1.0
kind: DataContract
id: sales.orders
name: Orders
version: 1.2.0
status: active
domain: sales
team:
  name: sales-data
  members:
    - username: ann@example.com
      role: owner
    - username: gone@example.com
      dateOut: "2023-12-31"
    - username: bob
support:
  - channel: "#orders-help"
    tool: slack
  - channel: Mail
    tool: email
    url: mailto:help@example.com
  - channel: Hook
    tool: teams
    url: https://example.com/hook
schema:
  - name: orders
    physicalName: main.sales.orders
    properties:
      - name: order_id
        logicalType: integer
      - name: email
        logicalType: string
        classification: restricted
      - name: country
        logicalType: string
        classification: Public
      - name: address
        logicalType: object
        properties:
          - name: street
            logicalType: string
            classification: confidential
"""


def contract(version: str = "1.2.0") -> Contract:
    return load_contract(DOCUMENT.replace(b"version: 1.2.0", f"version: {version}".encode()))


def result(rule: str = "email.required", status: RuleStatus = RuleStatus.FAIL, **more: Any) -> RuleResult:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "contract_id": "sales.orders",
        "contract_version": "1.2.0",
        "object": "orders",
        "dataset": DATASET,
        "rule_id": rule,
        "rule_name": rule,
        "action": Action.FAIL,
        "status": status,
        "at": NOW,
        "violations": 3 if status is not RuleStatus.PASS else 0,
        "tested": 10,
    }
    return RuleResult(**{**values, **more})


def passed(rule: str = "email.required", **more: Any) -> RuleResult:
    return result(rule, RuleStatus.PASS, **more)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class Remembering:
    """A channel that takes everything, or raises what `fail` gives."""

    def __init__(self, name: str = "chat", traits: Traits | None = None) -> None:
        self.name = name
        self.traits = traits or Traits()
        self.taken: list[Notification] = []
        self.fail: Callable[[Notification], Exception | None] = lambda _: None

    def send(self, notification: Notification) -> Receipt:
        error = self.fail(notification)
        if error is not None:
            raise error
        self.taken.append(notification)
        return Receipt(remote_id=f"{self.name}-{len(self.taken)}")

    @property
    def told(self) -> list[tuple[str, list[str], list[str]]]:
        """State, broken rules and recovered rules of each message."""
        return [
            (str(each.state), [one.rule_id for one in each.violations], list(each.recovered)) for each in self.taken
        ]


def notifier(
    *channels: Any,
    routes: list[Route] | None = None,
    clock: Clock | None = None,
    place: Place | None = None,
    **more: Any,
) -> Notifier:
    names = tuple(each.name for each in channels)
    return Notifier(
        routes or [Route(channels=names)],
        channels,
        place or MemoryPlace(),
        clock or Clock(),
        **{"retry": RETRY, **more},
    )


RETRY = RetryPolicy(attempts=4, first=60.0, longest=600.0)


def violation(rule: str = "email.required", **more: Any) -> Violation:
    values: dict[str, Any] = {
        "rule_id": rule,
        "rule_name": rule,
        "status": "fail",
        "severity": Severity.ERROR,
        "violations": 3,
        "tested": 10,
        "message": "an address is missing",
        "samples": ({"order_id": "1", "email": "***"},),
    }
    return Violation(**{**values, **more})


def notification(**more: Any) -> Notification:
    values: dict[str, Any] = {
        "id": "1f" * 16,
        "cause": "ca" * 16,
        "contract_id": "sales.orders",
        "contract_version": "1.2.0",
        "contract_name": "Orders",
        "dataset": DATASET,
        "run_id": "run-1",
        "verdict": Verdict.FAIL,
        "state": State.FIRING,
        "severity": Severity.ERROR,
        "at": NOW,
        "domain": "sales",
        "owners": ("sales-data",),
        "contacts": Contacts(owner_addresses=("ann@example.com",), slack_channels=("orders-help",)),
        "violations": (violation(),),
        "quarantine": "https://lake.example.com/q?run=1&x=<y>",
    }
    return Notification(**{**values, **more})
