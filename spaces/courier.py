"""Carries what is queued to the mail server, one message at a time, and writes down what became of each.

The order is what makes it at most once: claim (committed) → hand over → settle (committed). Killed anywhere in between,
a message is either still queued or a claim without an owner, and such a claim is never handed over again.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from email.message import EmailMessage
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from spaces.mail import Mailer, MailError, MailSession
from spaces.tasks import Stop

log = structlog.get_logger()

POLL_SECONDS = 5.0
"""How often what is due again, and claims of the dead, are looked for."""
PAUSE_SECONDS = 30.0
"""After the mail server could not be reached."""


class Claimed(Protocol):
    @property
    def id(self) -> int: ...


C = TypeVar("C", bound=Claimed)


class Queue(Protocol[C]):
    """Each method is one transaction."""

    async def tidy(self) -> None:
        """Claims of those who died become `unknown`."""

    async def due(self) -> bool: ...

    async def claim(self) -> C | None: ...

    async def settle(self, claimed: C, outcome: str, *, bounced: bool = False) -> None: ...


class Courier(ABC, Generic[C]):
    what: str
    """What it carries, in the log."""

    def __init__(self, queue: Queue[C], mail: Mailer, stop: Stop) -> None:
        self._queue = queue
        self._mail = mail
        self._stop = stop
        self._nudged = asyncio.Event()

    @abstractmethod
    async def compose(self, claimed: C) -> EmailMessage:
        """The message. What it raises is a fault of ours, and would be the same the next time."""

    def nudge(self) -> None:
        """There is something to send, or it is time to stop."""
        self._nudged.set()

    async def run(self) -> None:
        """Until it is told to stop (and nudged)."""
        while not self._stop.told:
            self._nudged.clear()
            pause = POLL_SECONDS
            try:
                await self.work()
            except MailError as error:
                log.warning("mail server away", what=self.what, error=str(error))
                pause = PAUSE_SECONDS
            except (SQLAlchemyError, OSError) as error:
                log.warning("mail waits for the database", what=self.what, error=type(error).__name__)
            except Exception as error:
                log.error("a mail could not be sent", what=self.what, exc_info=error)
            await self._wait(pause)

    async def work(self) -> None:
        """Send what is due. Raises MailError if the server cannot be reached at all."""
        await self._queue.tidy()
        if not self._mail.configured or not await self._queue.due():
            return
        async with self._mail.session() as session:
            while not self._stop.told:
                await session.connect()  # before the claim: a server that is away costs nobody an attempt
                claimed = await self._queue.claim()
                if claimed is not None:
                    await self._deliver(session, claimed)
                elif not await self._queue.due():
                    break
        await self._queue.tidy()

    async def _deliver(self, session: MailSession, claimed: C) -> None:
        try:
            message = await self.compose(claimed)
        except Exception:
            await self._queue.settle(claimed, "failed")
            raise
        outcome, bounced = "sent", False
        try:
            await session.send(message)
        except MailError as error:
            outcome, bounced = error.outcome, error.bounced
            log.info("mail not delivered", what=self.what, id=claimed.id, outcome=outcome, reply=error.reply)
        await self._queue.settle(claimed, outcome, bounced=bounced)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        except TimeoutError:
            return
