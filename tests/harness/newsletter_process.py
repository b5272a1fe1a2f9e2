"""A process of its own that sends what is due and ends – or is killed (SIGKILL) at a point of its work.

`python -m tests.harness.newsletter_process DATABASE_URL SMTP_URL NOW POINT NUMBER`: at POINT of the NUMBERth delivery.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime

from access.benefit_model import Delivery
from access.database import make_engine
from access.newsletter_service import Newsletters
from spaces.config import Config
from spaces.mail import Mailer
from spaces.newsletters.links import MailLinks
from spaces.newsletters.sender import NewsletterSender
from spaces.tasks import Stop

POINTS = ("before the claim", "after the claim", "before the settling", "after the settling")


class Mortal(Newsletters):
    point, number, claims = "", 0, 0

    def die_at(self, point: str) -> None:
        if point == self.point and self.claims == self.number:
            os.kill(os.getpid(), signal.SIGKILL)

    async def claim(self) -> Delivery | None:
        self.claims += 1
        self.die_at("before the claim")
        claimed = await super().claim()
        self.die_at("after the claim")
        return claimed

    async def settle(self, delivery: Delivery, outcome: str, *, bounced: bool = False) -> None:
        self.die_at("before the settling")
        await super().settle(delivery, outcome, bounced=bounced)
        self.die_at("after the settling")


async def main(database: str, smtp: str, now: str, point: str, number: str) -> None:
    engine = make_engine(database)
    moment = datetime.fromisoformat(now)
    newsletters = Mortal(engine, lambda: moment)
    newsletters.point, newsletters.number = point, int(number)
    mail = Mailer(Config(smtp_url=smtp, mail_from="no-reply@live.example"))
    links = MailLinks(b"k" * 32, lambda: "https://live.example")
    await NewsletterSender(newsletters, mail, links, Stop(), lambda: moment).work()
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
