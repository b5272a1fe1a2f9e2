"""Asks again for what a payment provider told and did not arrive, or could not be applied."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.payments import ProviderError
from access.stripe_inbox import StripeInbox
from spaces.metrics import Metrics
from spaces.tasks import Stop

log = structlog.get_logger()

ROUND_SECONDS = 10.0
"""How soon an event that could not be applied, and is due again, is tried."""
CATCH_UP_SECONDS = 60.0
"""An event whose webhook never came is found that much later."""
CATCH_UP_SECONDS_MAX = 900.0
"""While Stripe cannot be reached."""
FORGET_SECONDS = 3_600.0


class Reconciler:
    """Does what no webhook brings: events that could not be applied, and events that never came."""

    def __init__(
        self, inbox: StripeInbox, nudge: Callable[[], None], metrics: Metrics, stop: Stop, clock: Callable[[], float]
    ) -> None:
        self._inbox = inbox
        self._nudge = nudge
        self._metrics = metrics
        self._stop = stop
        self._clock = clock
        self._pause = CATCH_UP_SECONDS
        self._catch_up_at = self._forget_at = 0.0

    async def run(self) -> None:
        """Until it is told to stop."""
        while not self._stop.told:
            try:
                await self.round()
            except (SQLAlchemyError, OSError) as error:
                log.warning("payment events wait", error=type(error).__name__)
            await self._stop.within(ROUND_SECONDS)

    async def round(self) -> None:
        now = self._clock()
        if now >= self._catch_up_at:
            await self._catch_up()
            self._catch_up_at = now + self._pause
        if await self._inbox.work_off():
            self._nudge()
        for state, count in (await self._inbox.counts()).items():
            self._metrics.webhook_backlog.labels(state=state).set(count)
        for state, count in (await self._inbox.task_counts()).items():
            self._metrics.payment_tasks.labels(state=state).set(count)
        if now >= self._forget_at:
            await self._inbox.forget()
            self._forget_at = now + FORGET_SECONDS

    async def _catch_up(self) -> None:
        try:
            found = await self._inbox.catch_up()
        except ProviderError as error:
            log.warning("payment provider cannot be asked what was missed", error=error.detail)
            self._pause = min(self._pause * 2, CATCH_UP_SECONDS_MAX)
            return
        self._pause = CATCH_UP_SECONDS
        if found:
            self._metrics.webhooks.labels(outcome="missed").inc(found)
            log.info("events that no webhook brought", count=found)
