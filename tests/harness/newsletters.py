"""A creator with a newsletter and people who want it, on a World."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from access.benefit_model import MailConsent, NewsletterIssue
from access.model import Account, Creator, Tier
from spaces.config import Config
from spaces.mail import Mailer
from spaces.newsletters.links import MailLinks
from spaces.newsletters.sender import NewsletterSender
from spaces.tasks import Stop
from tests.harness.smtp import Mailbox
from tests.harness.world import World

BENEFITS = ["space.join", "newsletter"]


@dataclass
class Press:
    world: World
    owner: Account
    creator: Creator
    tier: Tier
    readers: dict[str, Account] = field(default_factory=dict)
    """By address."""

    async def reader(self, address: str, *, tier: Tier | None = None, paying: bool = True) -> Account:
        """Somebody who has consented and confirmed, and has a right to the tier (as a comp)."""
        account = await self.world.person()
        if paying:
            await self.world.access.create_comp(self.owner, self.creator, account, tier=(tier or self.tier).id)
        await self.consent(account, address)
        self.readers[address] = account
        return account

    async def consent(self, account: Account, address: str) -> MailConsent:
        newsletters = self.world.access.newsletters
        given = await newsletters.subscribe(account, self.creator, address=address, source="test", can_ask=True)
        return await newsletters.confirm(given.id)

    async def sending(self, *, subject: str = "News", tiers: Sequence[int] = ()) -> NewsletterIssue:
        newsletters = self.world.access.newsletters
        issue = await newsletters.draft(
            self.owner, self.creator, subject=subject, markdown="Hello **all**", tiers=tiers
        )  # fmt: skip
        return await newsletters.send(self.owner, self.creator, issue.id)

    async def states(self, issue: NewsletterIssue) -> dict[str, int]:
        """Deliveries by state, those that there are."""
        counts = await self.world.access.newsletters.counts(issue.id)
        return {state: count for state, count in counts.items() if count}

    def sender(self, mailbox: Mailbox) -> NewsletterSender:
        mail = Mailer(Config(smtp_url=mailbox.url, mail_from="Live <no-reply@live.example>"))
        links = MailLinks(b"k" * 32, lambda: "https://live.example")
        return NewsletterSender(self.world.access.newsletters, mail, links, Stop(), self.world.clock)


async def a_press(world: World) -> Press:
    owner, creator = await world.creator()
    return Press(world, owner, creator, await world.tier(owner, creator, benefits=BENEFITS))
