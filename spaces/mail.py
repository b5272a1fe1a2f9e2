"""Mail out, through any SMTP server (RFC 5321). One message, one recipient: of each it is known what became of it.

A server that has been given the whole message and then falls silent may have taken it or not. That is an outcome of its
own, `unknown`: whoever must not send twice does not send again.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parseaddr
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException

from spaces.config import Config

SECONDS_MAX = 30.0
"""For an answer of the server to one command."""
NO_SUCH_MAILBOX = re.compile(r"5\.(1\.(1|2|3|6|10)|2\.1)\b")
"""Enhanced status codes (RFC 3463 §3.2, §3.3; RFC 7505) that speak of the address. A bare 550 may be about anything."""
PORTS = {"smtp": 587, "smtps": 465}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

VERBATIM = frozenset({"list-unsubscribe", "list-unsubscribe-post", "list-id", "message-id"})
"""Headers whose value is one long word, which the standard library would break up into encoded words."""

Outcome = Literal["refused", "not_sent", "unknown"]


class MailPolicy(EmailPolicy):
    """RFC 5322 as it goes over the wire, with the headers of RFC 2369, RFC 2919 and RFC 8058 left in one piece."""

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in VERBATIM:
            assert str(value).isascii()
            return f"{name}: {value}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii") if name.lower() in VERBATIM else super().fold_binary(name, value)


SMTP_POLICY = MailPolicy(linesep="\r\n")


class MailError(Exception):
    """A message that did not certainly leave. `reply` is the server's code, if it gave one.

    refused: the server will not have this message or this recipient (5xx); not_sent: not now, another time perhaps;
    unknown: it may or may not have taken it.
    """

    def __init__(self, outcome: Outcome, detail: str, reply: int | None = None, *, bounced: bool = False) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.reply = reply
        self.bounced = bounced
        """The server says that there is no such mailbox, and never will be."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """What `smtp_url` says. `smtp://`: STARTTLS where it is offered; `smtps://`: TLS from the first byte."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None = field(repr=False)

    @property
    def start_tls(self) -> bool | None:
        """None: if it is offered. A password is only ever said inside TLS, or to this very machine."""
        if self.tls:
            return False
        return True if self.username and self.host not in LOOPBACK else None


def read_server(url: str) -> MailServer:
    """`url` has passed Config's check."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    return MailServer(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class Mailer:
    """Sends messages that lack nothing but From, which is added if it is missing."""

    def __init__(self, config: Config) -> None:
        self._server = read_server(config.smtp_url) if config.smtp_url else None
        self._from = sender_address(config.mail_from)

    @property
    def configured(self) -> bool:
        """False: no SMTP server is known, and `send` raises MailError(not_sent)."""
        return self._server is not None

    @property
    def sender(self) -> Address:
        return self._from

    async def send(self, message: EmailMessage) -> None:
        """One message on a connection of its own. Raises MailError."""
        async with self.session() as session:
            await session.send(message)

    async def check(self) -> None:
        """Connect, sign in, and say goodbye. Raises MailError."""
        async with self.session() as session:
            await session.connect()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[MailSession]:
        """For several messages: one connection, made when it is first needed and again after it broke."""
        session = MailSession(self._server, self._from)
        try:
            yield session
        finally:
            await session.close()


class MailSession:
    def __init__(self, server: MailServer | None, sender: Address) -> None:
        self._server = server
        self._from = sender
        self._smtp: aiosmtplib.SMTP | None = None

    async def connect(self) -> aiosmtplib.SMTP:
        """The connection, signed in. Raises MailError(not_sent)."""
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        server = self._server
        if server is None:
            raise MailError("not_sent", "no SMTP server is configured: set smtp_url and mail_from")
        self._smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.start_tls,
            timeout=SECONDS_MAX,
        )
        try:
            await self._smtp.connect()
        except (SMTPException, OSError, ValueError) as error:
            raise MailError("not_sent", _words(error), _reply(error)) from error
        return self._smtp

    async def send(self, message: EmailMessage) -> None:
        """Hand one message to the server for its one recipient (To). Raises MailError."""
        if "From" not in message:
            message["From"] = self._from
        recipient = message["To"].addresses[0].addr_spec
        data = message.as_bytes(policy=SMTP_POLICY)
        smtp = await self.connect()
        try:
            await smtp.mail(self._from.addr_spec)
            await smtp.rcpt(recipient)
        except SMTPResponseException as error:
            await self._forget_envelope(smtp)
            raise _of_reply(error) from error
        except (SMTPException, OSError, ValueError) as error:
            smtp.close()
            raise MailError("not_sent", _words(error)) from error
        try:
            await smtp.data(data)
        except SMTPResponseException as error:
            await self._forget_envelope(smtp)
            raise _of_reply(error) from error
        except (SMTPException, OSError) as error:
            smtp.close()
            raise MailError("unknown", _words(error)) from error

    async def close(self) -> None:
        if self._smtp is None or not self._smtp.is_connected:
            return
        try:
            await self._smtp.quit()
        except (SMTPException, OSError):
            self._smtp.close()

    @staticmethod
    async def _forget_envelope(smtp: aiosmtplib.SMTP) -> None:
        """After a refusal the next message begins anew; a server that will not is left."""
        try:
            await smtp.rset()
        except (SMTPException, OSError):
            smtp.close()


def sender_address(mail_from: str) -> Address:
    """`Name <address>` or a bare address, which has passed Config's check; empty: nobody in particular."""
    name, address = parseaddr(mail_from)
    return Address(display_name=name, addr_spec=address or "spaces@localhost")


def _of_reply(error: SMTPResponseException) -> MailError:
    bounced = error.code >= 500 and NO_SUCH_MAILBOX.match(error.message) is not None
    return MailError("refused" if error.code >= 500 else "not_sent", _words(error), error.code, bounced=bounced)


def _reply(error: Exception) -> int | None:
    return error.code if isinstance(error, SMTPResponseException) else None


def _words(error: Exception) -> str:
    """What happened, without the address that a server may repeat in its answer: this is logged."""
    code = _reply(error)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"
