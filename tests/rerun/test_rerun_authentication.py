"""Ways to prove who sends, their combinations, and where their secrets come from."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakepact.errors import ConfigurationError
from lakepact.rerun.authentication import Headers, Policy, Secrets, Way, authenticate
from lakepact.rerun.settings import ReceiverSettings, read_receiver_settings
from lakepact.rerun.signatures import NotAuthentic, read_secrets
from webhook_samples import OTHER_SECRET, PASSWORD, SECRET, TOKEN, body, headers

BODY = body()
# The headers are signed when the tests are collected, which may be an hour before they run.
NOW = datetime.now(UTC)
SECRETS = Secrets(signing=read_secrets(SECRET), bearer=("old-bearer-token-1", TOKEN), basic=(PASSWORD,))
HMAC, BEARER, BASIC = frozenset({Way.HMAC}), frozenset({Way.BEARER}), frozenset({Way.BASIC})


def signed() -> Headers:
    return {name: (value,) for name, value in headers(BODY).items()}


def bearer(text: str = f"Bearer {TOKEN}") -> Headers:
    return {"authorization": (text,)}


def basic(text: str = PASSWORD) -> Headers:
    return {"authorization": (f"Basic {base64.b64encode(text.encode()).decode()}",)}


def accepted(policy: Policy, given: Headers, secrets: Secrets = SECRETS) -> bool:
    try:
        authenticate(policy, secrets, given, BODY, now=NOW)
    except NotAuthentic:
        return False
    return True


@pytest.mark.parametrize(
    ("policy", "given", "expected"),
    [
        ((HMAC,), signed(), True),
        ((HMAC,), bearer(), False),
        ((HMAC,), {}, False),
        ((BEARER,), bearer(), True),
        ((BEARER,), bearer(f"bearer   {TOKEN}"), True),
        ((BEARER,), bearer("Bearer old-bearer-token-1"), True),
        ((BEARER,), bearer(TOKEN), False),
        ((BEARER,), bearer("Bearer "), False),
        ((BEARER,), bearer(f"Bearer {TOKEN}x"), False),
        ((BEARER,), bearer(f"Basic {TOKEN}"), False),
        ((BEARER,), bearer("Bearer caf\u00e9\ud800"), False),
        ((BEARER,), {"authorization": (f"Bearer {TOKEN}", f"Bearer {TOKEN}")}, False),
        ((BEARER,), signed(), False),
        ((BASIC,), basic(), True),
        ((BASIC,), basic("collibra:other"), False),
        ((BASIC,), basic(""), False),
        ((BASIC,), {"authorization": ("Basic !!!",)}, False),
        ((BASIC,), {"authorization": ("Basic /////w==",)}, False),
        ((HMAC, BASIC), basic(), True),
        ((HMAC, BASIC), signed(), True),
        ((HMAC, BASIC), bearer(), False),
        ((HMAC | BEARER,), {**signed(), **bearer()}, True),
        ((HMAC | BEARER,), signed(), False),
        ((HMAC | BEARER,), bearer(), False),
        ((), {**signed(), **bearer()}, False),
        ((frozenset(),), {**signed(), **bearer()}, False),
    ],
)
def test_policies(policy: Policy, given: Headers, expected: bool) -> None:
    assert accepted(policy, given) is expected


def test_without_secrets_nobody_is_let_in() -> None:
    for policy, given in (((HMAC,), signed()), ((BEARER,), bearer()), ((BASIC,), basic())):
        assert not accepted(policy, given, Secrets())
    assert not accepted((BEARER,), bearer("Bearer "), Secrets(bearer=("",)))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_headers_that_are_missing_or_repeated(name: str) -> None:
    given = dict(signed())
    for values in ((), (*given[name], *given[name])):
        with pytest.raises(NotAuthentic, match=rf"^LP932: the header {name} is there {len(values)} times$"):
            authenticate((HMAC,), SECRETS, {**given, name: values}, BODY, now=datetime.now(UTC))


def test_secrets_are_not_in_their_repr() -> None:
    assert repr(SECRETS) == "Secrets()"


def test_settings_have_defaults() -> None:
    found = read_receiver_settings({"LAKEPACT_WEBHOOK_SECRET": SECRET})
    assert found.policy == (HMAC,)
    assert (found.max_body, found.tolerance, found.rate) == (65536, timedelta(minutes=5), 1000)
    assert found.secrets().signing == read_secrets(SECRET)
    assert SECRET[6:] not in repr(found)


def test_settings_of_the_environment() -> None:
    found = read_receiver_settings(
        {
            "LAKEPACT_WEBHOOK_AUTH": "hmac+bearer, Basic",
            "LAKEPACT_WEBHOOK_SECRET": f"{SECRET} {OTHER_SECRET}",
            "LAKEPACT_WEBHOOK_TOKEN": TOKEN,
            "LAKEPACT_WEBHOOK_PASSWORD": PASSWORD,
            "LAKEPACT_WEBHOOK_TOLERANCE": "60",
            "LAKEPACT_WEBHOOK_MAX_BODY": "1000",
            "LAKEPACT_WEBHOOK_RATE": "5",
            "LAKEPACT_STORE": "file:x",
        }
    )
    assert found.policy == (HMAC | BEARER, BASIC)
    assert (found.max_body, found.tolerance, found.rate) == (1000, timedelta(minutes=1), 5)
    secrets = found.secrets()
    assert (len(secrets.signing), secrets.bearer, secrets.basic) == (2, (TOKEN,), (PASSWORD,))


def test_a_file_is_read_again_for_every_request(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET, encoding="utf-8")
    now = read_receiver_settings({"LAKEPACT_WEBHOOK_SECRET_FROM": f"file:{file}"}).secrets
    assert now().signing == read_secrets(SECRET)
    file.write_text(f"{OTHER_SECRET}\n{SECRET}\n", encoding="utf-8")
    assert now().signing == read_secrets(f"{OTHER_SECRET} {SECRET}")
    file.unlink()
    with pytest.raises(ConfigurationError, match=r"^LP931: there is no secret in LAKEPACT_WEBHOOK_SECRET or its place"):
        now()


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({}, "there is no secret in LAKEPACT_WEBHOOK_SECRET or its place"),
        ({"AUTH": "none"}, "LAKEPACT_WEBHOOK_AUTH names no way to prove who sends"),
        ({"AUTH": ""}, "LAKEPACT_WEBHOOK_AUTH names no way to prove who sends"),
        ({"AUTH": "hmac,"}, "LAKEPACT_WEBHOOK_AUTH names no way to prove who sends"),
        ({"AUTH": "bearer+basic"}, "LAKEPACT_WEBHOOK_AUTH asks for bearer and basic together"),
        ({"AUTH": "bearer", "SECRET": SECRET}, "there is no secret in LAKEPACT_WEBHOOK_TOKEN or its place"),
        ({"AUTH": "bearer", "TOKEN": "s3cret"}, "LAKEPACT_WEBHOOK_TOKEN is not one or two values of at least 16 ASCII"),
        ({"AUTH": "bearer", "TOKEN": f"{TOKEN} " * 3}, "LAKEPACT_WEBHOOK_TOKEN is not one or two values"),
        ({"AUTH": "basic", "PASSWORD": "s3cret" * 5}, "LAKEPACT_WEBHOOK_PASSWORD holds no name:password"),
        ({"SECRET": "s3cret"}, "signing secret 1 is not `whsec_` and base64 of 24 to 64 bytes"),
        ({"SECRET_FROM": "s3cret"}, "LAKEPACT_WEBHOOK_SECRET_FROM names no place of a secret"),
        ({"SECRET": SECRET, "PORTS": "1"}, "there is no setting LAKEPACT_WEBHOOK_PORTS"),
        ({"SECRET": SECRET, "TOLERANCE": "0"}, "LAKEPACT_WEBHOOK_TOLERANCE is no whole number from 1 to 3600"),
        ({"SECRET": SECRET, "MAX_BODY": "1e3"}, "LAKEPACT_WEBHOOK_MAX_BODY is no whole number from 1 to 1048576"),
        ({"SECRET": SECRET, "RATE": "-1"}, "LAKEPACT_WEBHOOK_RATE is no whole number from 1 to 100000"),
    ],
)
def test_settings_that_cannot_be_used(variables: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^LP931: {why}") as caught:
        read_receiver_settings({f"LAKEPACT_WEBHOOK_{name}": value for name, value in variables.items()})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("policy", [(), (frozenset[Way](),)])
def test_there_is_no_way_to_let_everybody_in(policy: Policy) -> None:
    with pytest.raises(ConfigurationError, match=r"^LP931: the webhook would let everybody in\n"):
        ReceiverSettings(secrets=lambda: SECRETS, policy=policy)
