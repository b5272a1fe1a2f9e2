"""The front door of newsletters: each method is one transaction. All refusals are AccessError."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import deliveries, mail_consents, newsletter_audience, newsletters
from access.benefit_model import Delivery, MailConsent, NewsletterIssue
from access.database import read, write
from access.model import Account, Creator


class Newsletters:
    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    # --- issues
    async def draft(
        self, actor: Account, creator: Creator, *, subject: str, markdown: str, tiers: Sequence[int] = ()
    ) -> NewsletterIssue:
        return await write(self._engine, newsletters.draft, actor, creator.id, subject, markdown, tiers, self._now())

    async def change(
        self,
        actor: Account,
        creator: Creator,
        issue: int,
        *,
        subject: str | None = None,
        markdown: str | None = None,
        tiers: Sequence[int] | None = None,
    ) -> NewsletterIssue:
        return await write(
            self._engine, newsletters.change, actor, creator.id, issue, subject, markdown, tiers, self._now()
        )

    async def discard(self, actor: Account, creator: Creator, issue: int) -> None:
        await write(self._engine, newsletters.discard, actor, creator.id, issue, self._now())

    async def send(self, actor: Account, creator: Creator, issue: int) -> NewsletterIssue:
        return await write(self._engine, newsletters.send, actor, creator.id, issue, self._now())

    async def stop(self, actor: Account, creator: Creator, issue: int) -> NewsletterIssue:
        return await write(self._engine, newsletters.stop, actor, creator.id, issue, self._now())

    async def get(self, actor: Account, creator: Creator, issue: int) -> NewsletterIssue:
        return await read(self._engine, newsletters.get, actor, creator.id, issue)

    async def of_creator(self, actor: Account, creator: Creator, *, before: int | None = None) -> list[NewsletterIssue]:
        return await read(self._engine, newsletters.of_creator, actor, creator.id, before)

    async def counts(self, issue: int) -> dict[str, int]:
        """Deliveries by state."""
        return await read(self._engine, deliveries.counts, issue)

    async def audience(self, creator: int, tiers: Sequence[int]) -> int:
        """To how many it would go now."""
        return await read(self._engine, newsletter_audience.size, creator, tiers, self._now())

    # --- consent
    async def subscribe(
        self, account: Account, creator: Creator, *, address: str | None = None, source: str, can_ask: bool
    ) -> MailConsent:
        return await write(self._engine, mail_consents.give, account, creator.id, address, source, can_ask, self._now())

    async def consent(self, consent: int) -> MailConsent:
        return await read(self._engine, mail_consents.by_id, consent)

    async def confirm(self, consent: int) -> MailConsent:
        return await write(self._engine, mail_consents.confirm, consent, self._now())

    async def unsubscribe(self, account: int, creator: int, *, by: str) -> bool:
        """`by`: account, link or one_click. Whether there was anything to end."""
        return await write(self._engine, mail_consents.withdraw, account, creator, by, self._now())

    async def consents(self, account: Account) -> list[MailConsent]:
        return await read(self._engine, mail_consents.of_account, account.id)

    # --- deliveries
    async def due(self) -> bool:
        return await read(self._engine, deliveries.due, self._now())

    async def claim(self) -> Delivery | None:
        return await write(self._engine, deliveries.claim, self._now())

    async def settle(self, claimed: Delivery, outcome: str, *, bounced: bool = False) -> None:
        await write(self._engine, deliveries.settle, claimed, outcome, self._now(), bounced=bounced)

    async def tidy(self) -> None:
        await write(self._engine, deliveries.tidy, self._now())

    async def bounced(self, kind: str, *, delivery: int | None = None, address: str | None = None) -> bool:
        """`kind`: bounce or complaint, told by whoever carries our mail. False: of a delivery that is not known."""
        return await write(self._engine, _bounced, kind, delivery, address, self._now())

    async def suppress(self, kind: str, address_sha256: str) -> None:
        """The same of an address that is known by its digest alone."""
        await write(self._engine, mail_consents.suppress, address_sha256, kind, self._now())


async def _bounced(
    connection: AsyncConnection, kind: str, delivery: int | None, address: str | None, now: datetime
) -> bool:
    known = None if address is None else mail_consents.digest(address)
    if delivery is not None:
        known = await deliveries.address_sha256(connection, delivery)
    if known is None:
        return False
    await mail_consents.suppress(connection, known, kind, now)
    return True
