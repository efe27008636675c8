"""E-mail: text and HTML by SMTP, encrypted, with the messages of an incident in one conversation."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import closing
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from lakepact.errors import ConfigurationError, RemoteFailed
from lakepact.notify.contacts import is_address
from lakepact.notify.delivery import TIMEOUT, away, refused
from lakepact.notify.masking import shortened
from lakepact.notify.model import Notification, Receipt, Severity, State, Traits
from lakepact.notify.secret_references import Secret
from lakepact.notify.slack import SUPPORT
from lakepact.notify.templates import html_text, plain_text, subject

__all__ = ["OWNER", "TLS_PORT", "Email", "Security"]

OWNER: Final = "owner"
"""Stands among the recipients for the team members of the contract whose user name is an address."""

TLS_PORT: Final = 465
"""The port on which a server expects TLS from the first byte."""

_STARTTLS_PORT: Final = 587
_WHAT: Final = "the mail server"
_TEMPORARY: Final = range(400, 500)


class Security(StrEnum):
    """How the connection is encrypted. NONE is for a server on this machine, and never with a login."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Email:
    """Sends through an SMTP server.

    `host` may be what gives it when a message is sent; then its text may end with a colon and the port, and on TLS_PORT
    the connection is encrypted from its first byte. `to` are addresses, OWNER and SUPPORT (those that the contract
    names); `fallback` are used where that gives none. `ca` is a file of certificates for a server with one of your own.
    Every message has the same Message-ID whenever it is sent again, by which many mail systems, but not SMTP itself,
    take it once.

    Raises ConfigurationError LP952 for what is no address, and for a login without encryption.
    """

    def __init__(
        self,
        name: str,
        host: str | Secret,
        sender: str,
        to: Sequence[str],
        *,
        port: int = _STARTTLS_PORT,
        security: Security = Security.STARTTLS,
        user: str = "",
        password: Secret | None = None,
        fallback: Sequence[str] = (),
        ca: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        for address in (sender, *(each for each in (*to, *fallback) if each not in (OWNER, SUPPORT))):
            if not is_address(address):
                raise ConfigurationError(f"'{address}' is no e-mail address", "LP952", "write name@example.com")
        if password is not None and security is Security.NONE:
            raise ConfigurationError("a login needs an encrypted connection", "LP952", "use starttls or tls")
        self.name = name
        self._host, self._port = host, port
        self._sender, self._to, self._fallback = sender, tuple(to), tuple(fallback)
        self._security = security
        self._user, self._password = user, password
        self._ca = ca
        self._timeout = timeout

    @property
    def traits(self) -> Traits:
        """Not idempotent: a mail server takes a Message-ID as often as it comes."""
        return Traits()

    def send(self, notification: Notification) -> Receipt:
        """Send the message, see `Channel.send`. The remote id is the Message-ID of the first of the incident."""
        message = self._message(notification)
        try:
            with closing(_Closing(self._connected())) as server:
                refusals = server.smtp.send_message(message, self._sender, self._recipients(notification))
        except (smtplib.SMTPException, OSError) as error:
            raise _failure(error) from None
        note = f"not taken for {', '.join(sorted(refusals))}" if refusals else ""
        return Receipt(remote_id=notification.thread or str(message["Message-ID"]), note=note)

    def _message(self, notification: Notification) -> EmailMessage:
        message = EmailMessage()
        prefix = "Re: " if notification.thread else ""
        message["Subject"] = prefix + subject(notification)
        message["From"] = Address(addr_spec=self._sender)
        message["To"] = [Address(addr_spec=each) for each in self._recipients(notification)]
        message["Date"] = format_datetime(notification.at)
        message["Message-ID"] = f"<{notification.id}.lakepact@{self._sender.rpartition('@')[2]}>"
        if notification.thread:
            message["In-Reply-To"] = notification.thread
            message["References"] = notification.thread
        if notification.severity is Severity.CRITICAL and notification.state is State.FIRING:
            message["Importance"] = "high"
        # So that out-of-office replies do not answer.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(plain_text(notification))
        message.add_alternative(html_text(notification), subtype="html")
        return message

    def _recipients(self, notification: Notification) -> tuple[str, ...]:
        contacts = notification.contacts
        named = {OWNER: contacts.owner_addresses, SUPPORT: contacts.support_addresses}
        found = [address for each in self._to for address in named.get(each, (each,))]
        recipients = tuple(dict.fromkeys(found or self._fallback))
        if not recipients:
            raise refused(_WHAT, "the contract names no address, and there is no fallback")
        return recipients

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self._ca)
        host, port, security = self._server()
        if security is Security.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=self._timeout, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=self._timeout)
        try:
            if security is Security.STARTTLS:
                server.starttls(context=context)
            if self._password is not None:
                server.login(self._user, self._password())
        except BaseException:
            server.close()
            raise
        return server

    def _server(self) -> tuple[str, int, Security]:
        if isinstance(self._host, str):
            return self._host, self._port, self._security
        text = self._host()
        host, _, port = text.rpartition(":")
        if not host or ":" in host or not re.fullmatch(r"[0-9]{1,5}", port):
            return text, self._port, self._security
        return host, int(port), Security.TLS if int(port) == TLS_PORT else self._security


class _Closing:
    """Ends the session politely, which cannot undo that the message was taken."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        self.smtp = smtp

    def close(self) -> None:
        try:
            self.smtp.quit()
        except (smtplib.SMTPException, OSError):
            self.smtp.close()


def _failure(error: smtplib.SMTPException | OSError) -> RemoteFailed:
    """What it means for the message: codes 4xx pass, 5xx stay, and whatever has no code is the network."""
    match error:
        case ssl.SSLCertVerificationError():
            return away(_WHAT, f"its certificate is not trusted ({error.verify_message})")
        case smtplib.SMTPNotSupportedError():
            return refused(_WHAT, str(error))
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
            is_passing = any(code in _TEMPORARY for code in codes)
            return (away if is_passing else refused)(_WHAT, f"all recipients are refused ({min(codes)})")
        case smtplib.SMTPResponseException():
            text = error.smtp_error
            words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
            reason = shortened(f"{error.smtp_code} {' '.join(words.split())}", 200)
            return (refused if error.smtp_code >= 500 else away)(_WHAT, reason)
        case TimeoutError():
            return away(_WHAT, "it does not answer in time")
        case ConnectionRefusedError():
            return away(_WHAT, "it cannot be reached")
    return away(_WHAT, "the connection broke")
