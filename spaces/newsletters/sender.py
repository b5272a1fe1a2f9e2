"""Carries queued deliveries to the mail server, one at a time, and writes down what became of each.

The order is what makes it at most once: claim (committed) → hand over → settle (committed). Killed anywhere in between,
a delivery is either still queued or a claim without an owner, and such a claim is never handed over again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.benefit_model import Delivery
from access.newsletter_service import Newsletters
from spaces.mail import Mailer, MailError, MailSession
from spaces.newsletters import letter
from spaces.newsletters.links import MailLinks
from spaces.newsletters.markdown import to_html
from spaces.tasks import Stop

log = structlog.get_logger()

POLL_SECONDS = 5.0
"""How often deliveries that are due again, and claims of the dead, are looked for."""
PAUSE_SECONDS = 30.0
"""After the mail server could not be reached."""


class NewsletterSender:
    def __init__(
        self, newsletters: Newsletters, mail: Mailer, links: MailLinks, stop: Stop, now: Callable[[], datetime]
    ) -> None:
        self._newsletters = newsletters
        self._mail = mail
        self._links = links
        self._stop = stop
        self._now = now
        self._nudged = asyncio.Event()
        self._rendered: tuple[tuple[int, int], str] | None = None

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
                log.warning("mail server away", error=str(error))
                pause = PAUSE_SECONDS
            except (SQLAlchemyError, OSError) as error:
                log.warning("newsletters wait for the database", error=type(error).__name__)
            except Exception as error:
                log.error("a newsletter could not be sent", exc_info=error)
            await self._wait(pause)

    async def work(self) -> None:
        """Send what is due. Raises MailError if the server cannot be reached at all."""
        await self._newsletters.tidy()
        if not self._mail.configured or not await self._newsletters.due():
            return
        async with self._mail.session() as session:
            while not self._stop.told:
                await session.connect()  # before the claim: a server that is away costs nobody an attempt
                delivery = await self._newsletters.claim()
                if delivery is not None:
                    await self._deliver(session, delivery)
                elif not await self._newsletters.due():
                    break
        await self._newsletters.tidy()

    async def _deliver(self, session: MailSession, delivery: Delivery) -> None:
        try:
            html = await self._html(delivery)
            message = letter.issue(delivery, html, self._mail.sender, self._links, self._now())
        except Exception:  # our own fault, and it would be the same the next time
            await self._newsletters.settle(delivery, "failed")
            raise
        outcome, bounced = "sent", False
        try:
            await session.send(message)
        except MailError as error:
            outcome, bounced = error.outcome, error.bounced
            log.info("newsletter not delivered", delivery=delivery.id, outcome=outcome, reply=error.reply)
        await self._newsletters.settle(delivery, outcome, bounced=bounced)

    async def _html(self, delivery: Delivery) -> str:
        """Rendered once per issue, beside the event loop."""
        key = (delivery.issue, delivery.version)
        if self._rendered is None or self._rendered[0] != key:
            self._rendered = (key, await asyncio.to_thread(to_html, delivery.markdown))
        return self._rendered[1]

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        except TimeoutError:
            return
