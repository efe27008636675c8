"""How the receiver is set up: variables LAKEPACT_WEBHOOK_*, and where its secrets come from at every request."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from lakepact.collibra.secret_sources import Secret, environment_secret, secret_from
from lakepact.errors import ConfigurationError
from lakepact.rerun.authentication import Policy, Secrets, Way
from lakepact.rerun.journaled import Clock, utc_now
from lakepact.rerun.signatures import TOLERANCE, SigningSecret, read_secrets

__all__ = ["WEBHOOK_PREFIX", "ReceiverSettings", "SecretsNow", "active_signing_secrets", "read_receiver_settings"]

WEBHOOK_PREFIX: Final = "LAKEPACT_WEBHOOK_"
"""What the names of the variables start with."""

SecretsNow = Callable[[], Secrets]
"""Gives the secrets that are valid now; raises ConfigurationError LP931 where they cannot be had."""

_VARIABLES: Final[Mapping[Way, str]] = {
    Way.HMAC: f"{WEBHOOK_PREFIX}SECRET",
    Way.BEARER: f"{WEBHOOK_PREFIX}TOKEN",
    Way.BASIC: f"{WEBHOOK_PREFIX}PASSWORD",
}
_METRICS_TOKEN: Final = f"{WEBHOOK_PREFIX}METRICS_TOKEN"
_KNOWN: Final = (
    *(f"{name}{ending}" for name in _VARIABLES.values() for ending in ("", "_FROM")),
    *(f"{WEBHOOK_PREFIX}{name}" for name in ("AUTH", "INBOX", "HOST", "PORT", "TOLERANCE", "MAX_BODY", "RATE")),
    f"{WEBHOOK_PREFIX}JOB_ID",
    *(f"{_METRICS_TOKEN}{ending}" for ending in ("", "_FROM")),
)
_ACTIVE: Final = 2
_SHORTEST: Final = 16
# A secret scope is asked over the network: what it said counts for so many seconds.
_REMEMBERED: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings:
    """What the receiver needs to know. There is no way to let everybody send: `policy` names at least one way.

    Bodies have at most `max_body` bytes, which must arrive within `body_seconds`; an answer that could not be given
    within `answer_seconds` is 503, as is one where `max_busy` requests are at work already. More than `rate` authentic
    requests a second are answered with 429. `clock` gives the present time in UTC. `job_id` is the job of the workspace
    that works off the inbox, 0 where none is named. `kept` is called after each notice that was kept, before its
    answer: it neither waits nor raises. Who has a bearer token of `metrics` may read these; without it nobody may.
    """

    secrets: SecretsNow = field(repr=False)
    policy: Policy = (frozenset({Way.HMAC}),)
    tolerance: timedelta = TOLERANCE
    max_body: int = 64 * 1024
    body_seconds: float = 5.0
    answer_seconds: float = 8.0
    max_busy: int = 512
    rate: int = 1000
    clock: Clock = utc_now
    job_id: int = 0
    kept: Callable[[], None] | None = None
    metrics: SecretsNow | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.policy or not all(self.policy):
            raise ConfigurationError("the webhook would let everybody in", "LP931", "ask for hmac, bearer or basic")


def read_receiver_settings(environment: Mapping[str, str] | None = None) -> ReceiverSettings:
    """The settings in the environment; everything has a default but the secrets.

    LAKEPACT_WEBHOOK_AUTH is `hmac` (the default), `bearer`, `basic`, several that are all needed (`hmac+bearer`), or
    alternatives (`hmac,basic`). What a way needs is in LAKEPACT_WEBHOOK_SECRET, _TOKEN or _PASSWORD (`name:password`),
    or in the place that the variable of the same name and `_FROM` names (`file:/path`, `databricks:scope/key`,
    `env:NAME`), which is read again for every request. Each holds one value, or two while the first replaces the
    second. LAKEPACT_WEBHOOK_METRICS_TOKEN, or its _FROM, lets who has it read metrics.
    Raises ConfigurationError LP931 for what cannot be used, secrets included; no message holds one.
    """
    variables = os.environ if environment is None else environment
    unknown = sorted(name for name in variables if name.startswith(WEBHOOK_PREFIX) and name not in _KNOWN)
    if unknown:
        raise ConfigurationError(f"there is no setting {unknown[0]}", "LP931", f"known are {', '.join(_KNOWN)}")
    policy = _policy(variables.get(f"{WEBHOOK_PREFIX}AUTH", Way.HMAC.value))
    secrets = _secrets_now({way for ways in policy for way in ways}, variables)
    secrets()
    metrics = _metrics_now(variables)
    if metrics is not None:
        metrics()
    return ReceiverSettings(
        secrets=secrets,
        policy=policy,
        tolerance=timedelta(seconds=_number(variables, "TOLERANCE", int(TOLERANCE.total_seconds()), most=3600)),
        max_body=_number(variables, "MAX_BODY", 64 * 1024, most=1024 * 1024),
        rate=_number(variables, "RATE", 1000, most=100_000),
        job_id=_job_id(variables),
        metrics=metrics,
    )


def active_signing_secrets(environment: Mapping[str, str] | None = None) -> tuple[SigningSecret, ...]:
    """The signing secrets of the environment, newest first. Raises ConfigurationError LP931 where there are none."""
    return _secrets_now({Way.HMAC}, os.environ if environment is None else environment)().signing


def _policy(text: str) -> Policy:
    alternatives = [frozenset(part.strip() for part in each.split("+")) for each in text.lower().split(",")]
    known = {way.value for way in Way}
    if not all(ways and ways <= known for ways in alternatives):
        hint = "write hmac, bearer or basic; a + b asks for both, a, b for either; there is no way without"
        raise ConfigurationError(f"{WEBHOOK_PREFIX}AUTH names no way to prove who sends", "LP931", hint)
    if any({Way.BEARER, Way.BASIC} <= ways for ways in alternatives):
        message = f"{WEBHOOK_PREFIX}AUTH asks for bearer and basic together, which one header cannot hold"
        raise ConfigurationError(message, "LP931", "choose one of the two")
    return tuple(frozenset(Way(way) for way in ways) for ways in alternatives)


def _secrets_now(ways: set[Way], variables: Mapping[str, str]) -> SecretsNow:
    sources = {way: _source(_VARIABLES[way], variables) for way in ways}

    def now() -> Secrets:
        texts = {way: _text(_VARIABLES[way], source) for way, source in sources.items()}
        return Secrets(
            signing=read_secrets(texts[Way.HMAC]) if Way.HMAC in texts else (),
            bearer=_values(Way.BEARER, texts),
            basic=_values(Way.BASIC, texts),
        )

    return now


def _metrics_now(variables: Mapping[str, str]) -> SecretsNow | None:
    """The tokens of who may read metrics; None where that is nobody."""
    if not any(variables.get(f"{_METRICS_TOKEN}{ending}") for ending in ("", "_FROM")):
        return None
    source = _source(_METRICS_TOKEN, variables)
    return lambda: Secrets(bearer=_strong(_METRICS_TOKEN, _text(_METRICS_TOKEN, source)))


def _source(variable: str, variables: Mapping[str, str]) -> Secret:
    named = variables.get(f"{variable}_FROM", "")
    if not named:
        return environment_secret(variable, variables)
    try:
        source = secret_from(named, environment=variables)
    except ConfigurationError as error:
        raise ConfigurationError(f"{variable}_FROM names no place of a secret", "LP931", error.hint) from error
    return _remembered(source) if named.startswith("databricks:") else source


def _text(variable: str, source: Secret) -> str:
    try:
        return source()
    except ConfigurationError as error:
        hint = f"set {variable}, or {variable}_FROM to file:/path or databricks:scope/key"
        raise ConfigurationError(f"there is no secret in {variable} or its place", "LP931", hint) from error


def _values(way: Way, texts: Mapping[Way, str]) -> tuple[str, ...]:
    if way not in texts:
        return ()
    found = _strong(_VARIABLES[way], texts[way])
    if way is Way.BASIC and not all(re.fullmatch(r"[^:]+:.+", each) for each in found):
        message = f"{_VARIABLES[way]} holds no name:password"
        raise ConfigurationError(message, "LP931", "write for example collibra:…")
    return found


def _strong(variable: str, text: str) -> tuple[str, ...]:
    """One or two values that nobody guesses."""
    found = tuple(text.split())
    if len(found) > _ACTIVE or min(map(len, found), default=0) < _SHORTEST or not all(map(str.isascii, found)):
        message = f"{variable} is not one or two values of at least {_SHORTEST} ASCII characters"
        raise ConfigurationError(message, "LP931", "take long random values, with white space between two")
    return found


def _remembered(source: Secret) -> Secret:
    lock = threading.Lock()
    kept = ("", float("-inf"))

    def read() -> str:
        nonlocal kept
        with lock:
            if time.monotonic() - kept[1] > _REMEMBERED:
                kept = (source(), time.monotonic())
            return kept[0]

    return read


def _job_id(variables: Mapping[str, str]) -> int:
    text = variables.get(f"{WEBHOOK_PREFIX}JOB_ID", "") or "0"
    if not re.fullmatch(r"[0-9]{1,18}", text):
        message = f"{WEBHOOK_PREFIX}JOB_ID is no id of a job"
        raise ConfigurationError(message, "LP931", "`databricks jobs list` shows the ids: they are whole numbers")
    return int(text)


def _number(variables: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = variables.get(f"{WEBHOOK_PREFIX}{name}", str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise ConfigurationError(f"{WEBHOOK_PREFIX}{name} is no whole number from 1 to {most}", "LP931")
    return int(text)
