"""Signatures: the vector of the specification, several secrets and signatures, and that every change is refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lakepact.errors import ConfigurationError
from lakepact.rerun.signatures import DELIVERY_ID, NotAuthentic, SigningSecret, read_secrets, sign, verify
from lakepact.testing.collibra_workflow import webhook_signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# The vector that the reference implementations share.
ID, SENT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(SENT, UTC)
(KEY,) = read_secrets(SECRET)
OTHER = SigningSecret(b"x" * 32)


def check(
    *,
    secrets: tuple[SigningSecret, ...] = (KEY,),
    delivery_id: str = ID,
    timestamp: str = str(SENT),
    signature: str = SIGNATURE,
    body: bytes = BODY,
    now: datetime = NOW,
) -> None:
    verify(secrets, delivery_id=delivery_id, timestamp=timestamp, signature=signature, body=body, now=now)


def test_the_vector_of_the_specification() -> None:
    assert sign(KEY, ID, SENT, BODY) == SIGNATURE
    check()


def test_the_collibra_of_the_tests_signs_alike() -> None:
    assert webhook_signature(SECRET, ID, SENT, BODY) == sign(KEY, ID, SENT, BODY)


@pytest.mark.parametrize(
    "signature",
    [
        f"v1,AAAA {SIGNATURE}",
        f"{SIGNATURE} v1,AAAA",
        f"v2,{SIGNATURE[3:]} v1a,abc {SIGNATURE}",
        f" {SIGNATURE}  nothing",
        f"v1,caf\u00e9 {SIGNATURE}",
        f"{sign(OTHER, ID, SENT, BODY)} {SIGNATURE}",
    ],
)
def test_one_good_signature_among_others_is_enough(signature: str) -> None:
    check(signature=signature)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1",
        "v1,",
        SIGNATURE[3:],
        f"v2,{SIGNATURE[3:]}",
        SIGNATURE[:-1],
        f"v1,,{SIGNATURE[3:]}",
        "v1,\ud800",
        "\x00",
        sign(OTHER, ID, SENT, BODY),
        SIGNATURE.replace("OE=", "OF="),
        SIGNATURE.upper(),
        f"{SIGNATURE}\n",
    ],
)
def test_no_good_signature(signature: str) -> None:
    with pytest.raises(NotAuthentic, match=r"^LP932: no signature belongs to this request and an active secret$"):
        check(signature=signature)


def test_too_many_signatures() -> None:
    check(signature=" ".join(["v1,x"] * 15 + [SIGNATURE]))
    with pytest.raises(NotAuthentic, match=r"^LP932: there are too many signatures$"):
        check(signature=" ".join(["v1,x"] * 16 + [SIGNATURE]))


def test_two_secrets_while_one_replaces_the_other() -> None:
    check(secrets=(OTHER, KEY))
    check(secrets=(KEY, OTHER))
    check(secrets=(OTHER, KEY), signature=sign(OTHER, ID, SENT, BODY))
    for none in ((), (OTHER,)):
        with pytest.raises(NotAuthentic, match=r"^LP932: no signature belongs"):
            check(secrets=none)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_the_window(seconds: int) -> None:
    check(now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, -(10**6), 10**6])
def test_outside_of_the_window(seconds: int) -> None:
    with pytest.raises(NotAuthentic, match=r"^LP932: the time of sending is too far from now$"):
        check(now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("timestamp", ["", "x", "1614265330.0", "+1614265330", " 1614265330", "1_614", "9" * 12, "١٢"])
def test_a_time_that_is_none(timestamp: str) -> None:
    with pytest.raises(NotAuthentic, match=r"^LP932: the time of sending is missing, or not in whole seconds$"):
        check(timestamp=timestamp)


@pytest.mark.parametrize("delivery_id", ["", "a.b", "a b", "x" * 129, "\u00e9", "a\n", "a:b"])
def test_an_id_that_is_none(delivery_id: str) -> None:
    with pytest.raises(NotAuthentic, match=r"^LP932: the delivery has no id, or one with other characters"):
        check(delivery_id=delivery_id)


@pytest.mark.parametrize(
    "text",
    [
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_!!!!",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        f"{SECRET} s3cret",
    ],
)
def test_a_secret_that_is_none_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^LP931: signing secret [12] is not `whsec_` and base64") as caught:
        read_secrets(text)
    assert text.split()[-1].removeprefix("whsec_") == "" or text.split()[-1] not in str(caught.value)


@pytest.mark.parametrize(("text", "count"), [("", 0), (f"{SECRET} {SECRET} {SECRET}", 3)])
def test_one_or_two_secrets(text: str, count: int) -> None:
    with pytest.raises(ConfigurationError, match=f"^LP931: there are {count} signing secrets, not one or two\n"):
        read_secrets(text)
    assert len(read_secrets(f"{SECRET}\n{SECRET}\n")) == 2


def test_a_secret_is_not_in_its_repr() -> None:
    assert repr(KEY) == "SigningSecret()"


@hypothesis_settings(max_examples=200)
@given(
    key=st.binary(min_size=24, max_size=64),
    delivery_id=st.from_regex(DELIVERY_ID, fullmatch=True),
    sent=st.integers(0, 10**11 - 1),
    body=st.binary(max_size=300),
    change=st.data(),
)
def test_any_change_of_one_byte_is_refused(
    key: bytes, delivery_id: str, sent: int, body: bytes, change: st.DataObject
) -> None:
    secret = SigningSecret(key)
    given_parts = {"id": delivery_id, "timestamp": str(sent), "signature": sign(secret, delivery_id, sent, body)}

    def judge(parts: dict[str, str], content: bytes) -> None:
        verify(
            [secret],
            delivery_id=parts["id"],
            timestamp=parts["timestamp"],
            signature=parts["signature"],
            body=content,
            now=datetime.fromtimestamp(0, UTC),
            tolerance=timedelta(days=10**7),
        )

    judge(given_parts, body)
    part = change.draw(st.sampled_from(["body", *given_parts] if body else [*given_parts]))
    content = body if part == "body" else given_parts[part].encode("ascii")
    at = change.draw(st.integers(0, len(content) - 1))
    other = change.draw(st.integers(0, 127 if part != "body" else 255).filter(lambda byte: byte != content[at]))
    changed = content[:at] + bytes([other]) + content[at + 1 :]
    parts = given_parts if part == "body" else {**given_parts, part: changed.decode("ascii")}
    with pytest.raises(NotAuthentic, match=r"^LP932: "):
        judge(parts, changed if part == "body" else body)
