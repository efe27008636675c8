"""A mail server on loopback (aiosmtpd) with STARTTLS, a login, a certificate of its own, and faults."""

from __future__ import annotations

import ipaddress
import ssl
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

__all__ = ["MailServer", "write_certificate"]

_HOST = "127.0.0.1"


class MailServer:
    """Takes mail of whoever logs in with `user` and `password` after STARTTLS; `ca` is the certificate to trust.

    `messages` are the mails that were taken; `recipients` who each of them was for. `login=False` is a server that
    takes mail of everybody, `secure=False` one without STARTTLS too.
    """

    def __init__(self, folder: Path, *, secure: bool = True, login: bool = True) -> None:
        self._needs_login = login
        self.user, self.password = "lakepact", "1234 secret"
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.sessions = 0
        self.refused: dict[str, str] = {}
        self._replies: deque[str] = deque()
        self.ca = folder / "mail-server.pem"
        context = None
        if secure:
            write_certificate(self.ca)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca)
        # With port 0 the system chooses one; what aiosmtpd checks after its start needs the real one.
        self._controller = _Controller(self, context)

    @property
    def host(self) -> str:
        """The address to connect to."""
        return _HOST

    @property
    def port(self) -> int:
        """The port to connect to."""
        return int(self._controller.port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def reply(self, *replies: str) -> None:
        """What the server says to the next mails, such as `451 try later`; they are not taken."""
        self._replies.extend(replies)

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Whether the login is right."""
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            self.user.encode(),
            self.password.encode(),
        )
        return AuthResult(success=right, handled=False)

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: Sequence[str]
    ) -> list[str]:
        """A session begins, and begins again after STARTTLS."""
        session.host_name = hostname
        self.sessions += 1
        return list(responses)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Sequence[str]
    ) -> str:
        """Takes a recipient, unless `refused` says otherwise."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Takes a mail, unless a fault is due."""
        if self._replies:
            return self._replies.popleft()
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.messages.append(message_from_bytes(content, _class=EmailMessage, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


class _Controller(Controller):
    def __init__(self, server: MailServer, context: ssl.SSLContext | None) -> None:
        self._mail, self._context = server, context
        super().__init__(server, hostname=_HOST, port=0)

    def factory(self) -> SMTP:
        if self._context is None:
            return SMTP(self._mail)
        return SMTP(
            self._mail,
            tls_context=self._context,
            require_starttls=True,
            authenticator=self._mail.authenticate if self._mail._needs_login else None,
            auth_required=self._mail._needs_login,
        )

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def write_certificate(file: Path) -> None:
    """Write a key and a certificate for loopback that is its own authority, for an hour, into one PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(_HOST))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
