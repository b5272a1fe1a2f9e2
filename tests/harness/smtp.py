"""A real SMTP server (aiosmtpd) that keeps what it is sent, and misbehaves where a test asks it to."""

from __future__ import annotations

import asyncio
import os
import signal
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as policy
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

HANG_UP = "hang up"
"""Instead of an answer."""


@dataclass(frozen=True, slots=True)
class Letter:
    sender: str
    recipient: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        message = message_from_bytes(self.raw, policy=policy)
        assert isinstance(message, EmailMessage)
        return message


@dataclass
class Mailbox:
    """What came, in order; and how the server answers: a reply, or HANG_UP."""

    port: int = 0
    letters: list[Letter] = field(default_factory=list)
    to_recipient: dict[str, str] = field(default_factory=dict)
    """Answers to RCPT."""
    asked: list[str] = field(default_factory=list)
    """Recipients that were named, taken or not."""
    after_message: dict[str, str] = field(default_factory=dict)
    """Answers after the whole message has been taken, by recipient; the message is kept all the same."""
    connections: int = 0
    client: int = 0
    """The process that sends, if a test has one killed."""
    kill_at: tuple[str, str] | None = None
    """`at RCPT` or `after the message`, and the recipient at whom `client` is killed."""

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, recipient: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.recipient == recipient]

    # --- aiosmtpd calls these by their names

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._kill("at RCPT", address)
        self.asked.append(address)
        if (answer := self.to_recipient.get(address)) is not None:
            return self._hang_up(server) if answer == HANG_UP else answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.original_content, bytes)
        for recipient in envelope.rcpt_tos:
            self.letters.append(Letter(envelope.mail_from or "", recipient, envelope.original_content))
            self._kill("after the message", recipient)
            if (answer := self.after_message.get(recipient)) is not None:
                return self._hang_up(server) if answer == HANG_UP else answer
        return "250 OK"

    def _kill(self, point: str, recipient: str) -> None:
        if self.kill_at == (point, recipient):
            os.kill(self.client, signal.SIGKILL)

    @staticmethod
    def _hang_up(server: SMTP) -> str:
        _abort(server)
        return "421 gone"


def _abort(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


@asynccontextmanager
async def receiving_mail(**options: Any) -> AsyncIterator[Mailbox]:
    """`options` are aiosmtpd's, such as `authenticator`."""
    mailbox, protocols = Mailbox(), []

    def accept() -> SMTP:
        mailbox.connections += 1
        with warnings.catch_warnings(action="ignore"):  # it thinks little of passwords without TLS
            protocols.append(SMTP(mailbox, hostname="mail.test", **options))
        return protocols[-1]

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        for protocol in protocols:
            _abort(protocol)
        await asyncio.sleep(0)


def only(username: str, password: str) -> dict[str, Any]:
    """Options of a server that takes mail from nobody else, and listens to passwords without TLS."""

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
        right = (login.login, login.password) == (username.encode(), password.encode())
        return AuthResult(success=right, handled=right)

    return {"authenticator": check, "auth_required": True, "auth_require_tls": False}
