"""Newsletters on their way to the mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage

from access.benefit_model import Delivery
from access.newsletter_service import Newsletters
from spaces.courier import Courier
from spaces.mail import Mailer
from spaces.newsletters import letter
from spaces.newsletters.links import MailLinks
from spaces.newsletters.markdown import to_html
from spaces.tasks import Stop


class NewsletterSender(Courier[Delivery]):
    what = "newsletter"

    def __init__(
        self, newsletters: Newsletters, mail: Mailer, links: MailLinks, stop: Stop, now: Callable[[], datetime]
    ) -> None:
        super().__init__(newsletters, mail, stop)
        self._links = links
        self._now = now
        self._rendered: tuple[tuple[int, int], str] | None = None

    async def compose(self, claimed: Delivery) -> EmailMessage:
        return letter.issue(claimed, await self._html(claimed), self._mail.sender, self._links, self._now())

    async def _html(self, delivery: Delivery) -> str:
        """Rendered once per issue, beside the event loop."""
        key = (delivery.issue, delivery.version)
        if self._rendered is None or self._rendered[0] != key:
            self._rendered = (key, await asyncio.to_thread(to_html, delivery.markdown))
        return self._rendered[1]
