"""Stripe's news: received by webhook or found in Stripe's own list, written down, and worked off until done.

An event is written down before anything follows from it. Then its object is looked at and the facts are taken into our rows,
each as often as anybody likes; last the event is marked. Whoever dies in between leaves it to be worked off again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import stripe
import structlog
from sqlalchemy.exc import SQLAlchemyError

from access import provider_tasks, stripe_checkouts, webhook_events
from access.database import read, write
from access.dealings import Dealings
from access.errors import AccessError
from access.facts import Facts
from access.payments import ProviderError
from access.stripe_api import asking, is_missing
from access.stripe_facts import STRIPE
from access.stripe_provider import StripeProvider
from access.stripe_webhooks import LISTED, read_event, read_webhook
from access.webhook_events import Received

if TYPE_CHECKING:
    from stripe.params import EventListParams

log = structlog.get_logger()

AT_ONCE_MAX = 8
"""Events that are worked off while their sender waits; of more the sender hears that they are written down."""
PAGE = 100
PAGES_MAX = 5
"""Of Stripe's list, in one go."""
SETTLED = timedelta(minutes=10)
"""Stripe's list may still get events of the last moments, so the cursor stays behind by that much."""


class StripeInbox:
    """`secrets`: of the webhook endpoints, several while one is being replaced. `wall`: the clock that signatures go by."""

    def __init__(
        self,
        provider: StripeProvider,
        desk: Dealings,
        secrets: Sequence[str],
        *,
        live: bool,
        wall: Callable[[], datetime],
    ) -> None:
        self._api = provider.api
        self._provider = provider
        self._desk = desk
        self._secrets = secrets
        self._live = live
        self._now = wall
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def receive(self, body: bytes, signature: str | None) -> None:
        """Returns once the event is in our hands: Stripe need not send it again. Raises AccessError 400."""
        now = self._now()
        event = read_webhook(body, signature, self._secrets, live=self._live, now=now)
        received = await write(self._desk.engine, webhook_events.store, event, now)
        if received is None or self._turns.locked():
            return
        async with self._turns:
            await self._work(received)

    async def work_off(self) -> int:
        """What was received and is not done, as far as it is due. How many."""
        waiting = await read(self._desk.engine, webhook_events.due, STRIPE, self._now())
        for received in waiting:
            try:
                async with self._turns:
                    await self._work(received)
            except Exception as error:
                if isinstance(error, SQLAlchemyError | OSError):
                    raise
                log.error("event failed", type=received.type, subject=received.subject, exc_info=error)
        return len(waiting)

    async def catch_up(self) -> int:
        """Read on in Stripe's list of events and write down those that nobody brought. How many. Raises ProviderError."""
        found = 0
        for _ in range(PAGES_MAX):
            new, more = await self._page()
            found += new
            if not more:
                break
        return found

    async def forget(self) -> None:
        await write(self._desk.engine, webhook_events.forget, self._now())
        await write(self._desk.engine, stripe_checkouts.forget, self._now())

    async def counts(self) -> dict[str, int]:
        return await read(self._desk.engine, webhook_events.counts)

    async def task_counts(self) -> dict[str, int]:
        """Of what Stripe is still to be told, and has refused."""
        return await read(self._desk.engine, provider_tasks.counts)

    async def _work(self, received: Received) -> None:
        now = self._now()
        try:
            await self._desk.take(await self._look(received, self._desk.now()))
        except ProviderError as error:
            if is_missing(error.__cause__):
                log.info("event of an object that is gone", type=received.type, subject=received.subject)
            else:
                await self._failed(received, error.detail)
                return
        except (SQLAlchemyError, OSError):
            raise  # nothing can be written down; whoever sent it sends it again, and it is due again
        except Exception as error:
            await self._failed(received, type(error).__name__)
            raise
        await write(self._desk.engine, webhook_events.applied, received, now)

    async def _failed(self, received: Received, error: str) -> None:
        dead = await write(self._desk.engine, webhook_events.failed, received, error, self._now())
        say = log.error if dead else log.warning
        say("event not applied", type=received.type, subject=received.subject, error=error, given_up=dead)

    async def _look(self, received: Received, now: datetime) -> Facts:
        reader, name = self._provider.reader, received.subject
        match received.kind:
            case "checkout":
                return await reader.checkout(name, now)
            case "agreement":
                return await reader.subscription(name)
            case "invoice":
                return await reader.invoice(name, now)
            case "payment":
                return await reader.payment(name, now)
            case "charge":
                return await reader.charge(name, now)
            case "payout_account":
                return await reader.payout_account(name)
            case "transfer":
                return await reader.transfer(name)
        raise AccessError(500, "internal", f"an event of the kind {received.kind}")

    async def _page(self) -> tuple[int, bool]:
        """The next page after the cursor, the oldest first; how many were new, and whether there is more."""
        engine, now = self._desk.engine, self._now()
        cursor = await read(engine, webhook_events.cursor, STRIPE)
        try:
            events = await self._list(None if cursor is None else cursor[0])
        except ProviderError as error:
            if cursor is None or not is_missing(error.__cause__):
                raise
            return await self._whole_list(), False
        found = 0
        with asking():
            told = [read_event(event, live=self._live) for event in reversed(events)]
        for event in told:
            found += await write(engine, webhook_events.store_missed, event, now)
        settled = [event for event in told if event.at <= now - SETTLED]
        if settled:
            await write(engine, webhook_events.move_cursor, STRIPE, settled[-1].id, settled[-1].at)
        return found, len(events) == PAGE and bool(settled)

    async def _whole_list(self) -> int:
        """Stripe has forgotten the cursor: what it still knows (30 days), from the newest back. How many were new."""
        engine, now = self._desk.engine, self._now()
        log.warning("stripe's list is read from its beginning: what came before it is not known")
        found, oldest, newest = 0, None, None
        while True:
            events = await self._list(None, before=oldest)
            with asking():
                told = [read_event(event, live=self._live) for event in events]
            for event in told:
                found += await write(engine, webhook_events.store_missed, event, now)
                if newest is None and event.at <= now - SETTLED:
                    newest = event
            if len(events) < PAGE:
                break
            oldest = events[-1].id
        if newest is not None:
            await write(engine, webhook_events.move_cursor, STRIPE, newest.id, newest.at)
        return found

    async def _list(self, after: str | None, *, before: str | None = None) -> Sequence[stripe.Event]:
        """At most a page, newest first: what follows `after`, or precedes `before`. Raises ProviderError."""
        params: EventListParams = {"types": list(LISTED), "limit": PAGE}
        if after is not None:
            params["ending_before"] = after
        if before is not None:
            params["starting_after"] = before
        with asking():
            page = await self._api.v1.events.list_async(params)
            return page.data
