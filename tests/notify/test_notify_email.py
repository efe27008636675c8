"""E-mail against a real mail server with STARTTLS and a login."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from notify_samples import notification, violation

from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable
from lakepact.notify import Contacts, Severity, State
from lakepact.notify.email import Email, Security

pytest.importorskip("aiosmtpd")

from lakepact.testing.notify_smtp import MailServer, write_certificate


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailServer]:
    with MailServer(tmp_path) as server:
        yield server


def channel(server: MailServer, *to: str, **more: Any) -> Email:
    values: dict[str, Any] = {
        "port": server.port,
        "user": server.user,
        "password": lambda: server.password,
        "ca": server.ca,
        "timeout": 2.0,
    }
    recipients = to or ("team@example.com",)
    return Email("mail", server.host, "lakepact@example.com", recipients, **{**values, **more})


def test_a_mail_has_text_and_html_and_comes_encrypted(mail: MailServer) -> None:
    receipt = channel(mail).send(notification())
    (message,) = mail.messages
    assert message["Subject"] == "[error] 1 rule of contract Orders 1.2.0 in main.sales.orders broken"
    assert (message["From"], message["To"]) == ("lakepact@example.com", "team@example.com")
    assert message["Message-ID"] == receipt.remote_id == f"<{'1f' * 16}.lakepact@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
    assert "email.required [error]\n  3 of 10 rows; an address is missing\n" in parts["text/plain"].replace(
        "\r\n", "\n"
    )
    assert "<b>email.required [error]</b><br>3 of 10 rows" in parts["text/html"]
    assert 'href="https://lake.example.com/q?run=1&amp;x=&lt;y&gt;"' in parts["text/html"]


def test_the_mails_of_an_incident_are_one_conversation(mail: MailServer) -> None:
    first = channel(mail).send(notification()).remote_id
    second = channel(mail).send(notification(id="2f" * 16, state=State.RESOLVED, violations=(), thread=first))
    assert second.remote_id == first
    assert [each["In-Reply-To"] for each in mail.messages] == [None, first]
    assert [each["References"] for each in mail.messages] == [None, first]
    assert mail.messages[1]["Message-ID"] == f"<{'2f' * 16}.lakepact@example.com>"


def test_a_mail_that_is_sent_again_has_the_same_id(mail: MailServer) -> None:
    for _ in range(2):
        channel(mail).send(notification())
    assert mail.messages[0]["Message-ID"] == mail.messages[1]["Message-ID"]


def test_owner_and_support_are_those_of_the_contract(mail: MailServer) -> None:
    people = Contacts(owner_addresses=("ann@example.com",), support_addresses=("help@example.com",))
    channel(mail, "owner", "support", "ann@example.com").send(notification(contacts=people))
    channel(mail, "owner", fallback=("team@example.com",)).send(notification(contacts=Contacts()))
    assert mail.recipients == [["ann@example.com", "help@example.com"], ["team@example.com"]]
    with pytest.raises(RemoteFailed, match="the contract names no address, and there is no fallback"):
        channel(mail, "owner").send(notification(contacts=Contacts()))


def test_only_a_critical_violation_is_important(mail: MailServer) -> None:
    channel(mail).send(notification())
    channel(mail).send(notification(severity=Severity.CRITICAL))
    assert [each["Importance"] for each in mail.messages] == [None, "high"]


def test_foreign_text_is_no_markup_and_no_header(mail: MailServer) -> None:
    nasty = "<script>alert(1)</script>\r\nBcc: evil@example.com\r\n\r\n.\r\nQUIT ü€"
    channel(mail).send(notification(contract_name=nasty, violations=(violation(nasty, message=nasty),)))
    (message,) = mail.messages
    assert message["Bcc"] is None
    assert mail.recipients == [["team@example.com"]]
    html = message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert "ü€" in html.get_content()


def test_a_wrong_password_is_refused(mail: MailServer) -> None:
    with pytest.raises(RemoteFailed, match=r"the mail server refuses the message: 535 5\.7\.8"):
        channel(mail, password=lambda: "wrong").send(notification())
    assert mail.messages == []


def test_a_server_that_nobody_vouches_for_gets_no_password(mail: MailServer, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    write_certificate(other)
    with pytest.raises(RemoteUnavailable, match="its certificate is not trusted"):
        channel(mail, ca=other).send(notification())


def test_without_starttls_nothing_is_sent(tmp_path: Path) -> None:
    with MailServer(tmp_path, secure=False) as plain:
        with pytest.raises(RemoteFailed, match="STARTTLS extension not supported by server"):
            channel(plain, ca=None).send(notification())
        assert plain.messages == []
        channel(plain, ca=None, security=Security.NONE, user="", password=None).send(notification())
        assert len(plain.messages) == 1


def test_a_login_without_encryption_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a login needs an encrypted connection"):
        Email("mail", "localhost", "a@b.c", ("a@b.c",), security=Security.NONE, password=lambda: "1234")


@pytest.mark.parametrize("address", ["team", "a@b\nBcc: c@d", "Team <a@b.c>"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is no e-mail address"):
        Email("mail", "localhost", "a@b.c", (address,))


def test_codes_tell_what_passes(mail: MailServer) -> None:
    mail.reply("451 4.7.1 try later", "554 5.7.1 spam")
    with pytest.raises(RemoteUnavailable, match=r"does not take messages: 451 4\.7\.1 try later"):
        channel(mail).send(notification())
    with pytest.raises(RemoteFailed, match=r"refuses the message: 554 5\.7\.1 spam"):
        channel(mail).send(notification())
    channel(mail).send(notification())
    assert len(mail.messages) == 1


def test_recipients_that_are_refused(mail: MailServer) -> None:
    mail.refused = {"gone@example.com": "550 5.1.1 unknown", "later@example.com": "450 4.2.0 greylisted"}
    receipt = channel(mail, "team@example.com", "gone@example.com").send(notification())
    assert receipt.note == "not taken for gone@example.com"
    with pytest.raises(RemoteFailed, match=r"all recipients are refused \(550\)"):
        channel(mail, "gone@example.com").send(notification())
    with pytest.raises(RemoteUnavailable, match=r"all recipients are refused \(450\)"):
        channel(mail, "gone@example.com", "later@example.com").send(notification())


def test_a_server_that_is_down(tmp_path: Path) -> None:
    with MailServer(tmp_path) as server:
        gone = channel(server)
    with pytest.raises(RemoteUnavailable, match="the mail server does not take messages: it cannot be reached"):
        gone.send(notification())
