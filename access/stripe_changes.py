"""Changes of a running subscription at Stripe: another price, a pause, an end.

Each looks first whether what it is to bring about is there already. A lower price waits in a *subscription schedule* for the
end of the period; Stripe changes nothing by hand of what a schedule manages, so the schedule is released before all else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import stripe

from access import stripe_facts as says
from access.payments import PriceChange
from access.stripe_api import StripeApi, asking, ref, seconds
from access.stripe_catalog import StripeCatalog

if TYPE_CHECKING:
    from stripe.params import (
        SubscriptionScheduleUpdateParamsPhase,
        SubscriptionScheduleUpdateParamsPhaseDiscount,
        SubscriptionUpdateParams,
    )


class StripeChanges:
    """`key`: our idempotency keys as Stripe is told them. A declined payment is AccessError 402, and nothing has changed."""

    def __init__(self, api: StripeApi, catalog: StripeCatalog, key: Callable[[str], str]) -> None:
        self._api = api
        self._catalog = catalog
        self._key = key

    async def price(self, found: stripe.Subscription, change: PriceChange, key: str, now: datetime) -> None:
        name = await self._catalog.price(
            change.price, change.tier, change.name, change.amount_minor, change.currency, change.interval
        )
        with asking():
            held, following = says.price(found), says.next_price(found)
        if name == held:
            await self._release(found, key)  # it stays after all
        elif change.at == "now":
            await self._release(found, key)
            await self._price_now(found, name, change, key, now)
        elif following != name:
            await self._price_later(found, name, change, key)

    async def _price_now(
        self, found: stripe.Subscription, name: str, change: PriceChange, key: str, now: datetime
    ) -> None:
        """Stripe sets the rest of the period off against the new price and takes the difference, or changes nothing."""
        with asking():
            params: SubscriptionUpdateParams = {
                "items": [{"id": says.item(found).id, "price": name}],
                "proration_behavior": "always_invoice",
                "payment_behavior": "error_if_incomplete",
            }
        if found.status == "trialing":  # nothing to be paid and no invoice: what the trial is of now is written on it
            params["proration_behavior"] = "none"
            params["metadata"] = {says.TRIAL: f"{change.price}:{seconds(now)}"}
        if not change.keeps_discount:
            params["discounts"] = ""
        await self._update(found.id, params, key)

    async def _price_later(self, found: stripe.Subscription, name: str, change: PriceChange, key: str) -> None:
        schedules = self._api.v1.subscription_schedules
        schedule = found.schedule
        if not isinstance(schedule, stripe.SubscriptionSchedule):
            with asking():
                schedule = await schedules.create_async(
                    {"from_subscription": found.id}, {"idempotency_key": self._key(f"{key}:schedule")}
                )
        with asking():
            running = _running(schedule)
            after: SubscriptionScheduleUpdateParamsPhase = {
                "items": [{"price": name, "quantity": 1}],
                "duration": {"interval": change.interval, "interval_count": 1},
                "proration_behavior": "none",
            }
            if not change.keeps_discount:
                after["discounts"] = ""
            elif "discounts" in running:
                after["discounts"] = running["discounts"]
            await schedules.update_async(
                schedule.id,
                {"phases": [running, after], "end_behavior": "release", "proration_behavior": "none"},
                {"idempotency_key": self._key(f"{key}:{schedule.id}")},
            )

    async def cancel_later(self, found: stripe.Subscription, key: str) -> None:
        """A lower price that was to come is forgotten."""
        await self._release(found, key)
        await self._update(found.id, {"cancel_at_period_end": True}, key)

    async def pause(self, found: stripe.Subscription, key: str) -> None:
        """Stripe goes on making invoices and voids them; its status stays. See `stripe_facts`."""
        if found.pause_collection is None:
            await self._update(found.id, {"pause_collection": {"behavior": "void"}}, key)

    async def resume(self, found: stripe.Subscription, key: str) -> None:
        """A pause that has begun ends with a payment, for a period from now on."""
        params: SubscriptionUpdateParams = {}
        with asking():
            if found.cancel_at_period_end:
                params["cancel_at_period_end"] = False
            elif found.cancel_at is not None:
                params["cancel_at"] = ""
            if found.pause_collection is not None:
                params["pause_collection"] = ""
            if says.is_paused(found):
                params["billing_cycle_anchor"] = {"type": "now"}
                params["proration_behavior"] = "none"
                params["payment_behavior"] = "error_if_incomplete"
        if params:
            await self._update(found.id, params, key)

    async def _release(self, found: stripe.Subscription, key: str) -> None:
        schedule = ref(found.schedule)
        if schedule is not None:
            with asking():
                options: stripe.RequestOptions = {"idempotency_key": self._key(f"{key}:release:{schedule}")}
                await self._api.v1.subscription_schedules.release_async(schedule, None, options)

    async def _update(self, name: str, params: SubscriptionUpdateParams, key: str) -> None:
        with asking():
            await self._api.v1.subscriptions.update_async(name, params, {"idempotency_key": self._key(key)})


def _running(schedule: stripe.SubscriptionSchedule) -> SubscriptionScheduleUpdateParamsPhase:
    """The phase that is under way, to be sent back as it is: Stripe takes all phases at once."""
    current = schedule.current_phase
    for phase in schedule.phases:
        if current is not None and phase.start_date == current.start_date:
            break
    else:
        raise ValueError("a schedule without a phase that is under way")
    running: SubscriptionScheduleUpdateParamsPhase = {
        "items": [{"price": ref(item.price) or "", "quantity": item.quantity or 1} for item in phase.items],
        "start_date": phase.start_date,
        "end_date": phase.end_date,
    }
    if phase.trial_end is not None:
        running["trial_end"] = phase.trial_end
    discounts: list[SubscriptionScheduleUpdateParamsPhaseDiscount] = [
        {"discount": name} for part in phase.discounts if (name := ref(part.discount)) is not None
    ]
    if discounts:
        running["discounts"] = discounts
    return running
