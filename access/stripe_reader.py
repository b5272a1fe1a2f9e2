"""Looks at Stripe's objects: fetched anew each time, for what an event says of them may be old. Each look ends in facts.

Facts are told in the order in which they build on each other. A look costs one to four requests, and two more per invoice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime

import stripe
from sqlalchemy.ext.asyncio import AsyncEngine

from access import provider_versions
from access import stripe_facts as says
from access import stripe_payout_facts as of_payouts
from access.database import write
from access.errors import AccessError
from access.facts import AnyFact, Facts
from access.stripe_api import StripeApi, asking, is_missing, metadata, ref

PRICES_REMEMBERED_MAX = 10_000
"""A price of Stripe's never changes."""
INVOICES_MAX = 24
"""Of a subscription, the newest: two years of months. Those before were told of when they were new."""
HANGING_ON_MAX = 100
"""Refunds or disputes of one payment."""
SUBSCRIPTION_PARTS = ["schedule", "latest_invoice"]
INTENT_PARTS = ["latest_charge.balance_transaction"]


class StripeReader:
    """`server`: our name in the metadata of what is ours."""

    def __init__(self, api: StripeApi, engine: AsyncEngine, server: str) -> None:
        self._api = api
        self._engine = engine
        self.server = server
        self._prices: OrderedDict[str, int | None] = OrderedDict()

    async def checkout(self, name: str, now: datetime) -> Facts:
        with asking():
            session = await self._api.v1.checkout.sessions.retrieve_async(name)
        return await self.session(session, now)

    async def session(self, session: stripe.checkout.Session, now: datetime) -> Facts:
        purchase = says.purchase_of(session.metadata, self.server)
        if purchase is None:
            return ()
        intent = ref(session.payment_intent)
        known = None if intent is None else await self._intent(intent)
        with asking():
            fact = says.checkout(session, purchase, known, now)
        subscription = ref(session.subscription)
        more = () if subscription is None else await self.agreement(subscription, now)
        return (() if fact is None else (fact,)) + more

    async def agreement(self, name: str, now: datetime) -> Facts:
        """The subscription and its newest invoices."""
        told = await self.subscription(name)
        with asking():
            invoices = await self._api.v1.invoices.list_async(
                {"subscription": name, "limit": INVOICES_MAX, "expand": ["data.payments"]}
            )
        for invoice in reversed(invoices.data):
            told += await self._invoice(invoice, now)
        return told

    async def subscription(self, name: str) -> Facts:
        """Nothing if there is none, it is not ours, or a look that began later has been believed."""
        look = await self.begin_look(name)
        try:
            with asking():
                subscription = await self._api.v1.subscriptions.retrieve_async(name, {"expand": SUBSCRIPTION_PARTS})
        except AccessError as error:
            if is_missing(error.__cause__):
                return ()
            raise
        return await self.seen(subscription, look)

    async def begin_look(self, name: str) -> int:
        return await write(self._engine, provider_versions.draw, says.STRIPE, name)

    async def seen(self, subscription: stripe.Subscription, look: int) -> Facts:
        with asking():
            purchase = says.purchase_of(subscription.metadata, self.server)
            text = says.looks(subscription)
            following = says.next_price(subscription)
            wanted = [says.price(subscription)] + ([] if following is None else [following])
        if purchase is None:
            return ()
        prices = await self._ours(wanted)
        if len(prices) < len(set(wanted)):
            return ()  # changed by hand to a price that is none of ours: its invoices will tell
        version = await write(
            self._engine, provider_versions.observe, says.STRIPE, subscription.id, look, text
        )  # fmt: skip
        if version is None:
            return ()
        with asking():
            moved = says.trial_after_change(subscription, purchase)
            told = says.agreement(subscription, prices, purchase, version)
        return (told,) if moved is None else (told, moved)

    async def invoice(self, name: str, now: datetime) -> Facts:
        """An invoice and the subscription that it is of."""
        with asking():
            invoice = await self._api.v1.invoices.retrieve_async(name, {"expand": ["payments"]})
            mine = says.invoice_agreement(invoice, self.server)
        if mine is None:
            return ()
        return await self._invoice(invoice, now) + await self.subscription(mine[0])

    async def _invoice(self, invoice: stripe.Invoice, now: datetime) -> Facts:
        with asking():
            mine = says.invoice_agreement(invoice, self.server)
            if mine is None:
                return ()
            if invoice.status in ("open", "uncollectible") and invoice.attempt_count > 0:
                if invoice.billing_reason != "subscription_cycle":
                    return ()  # nothing was to be renewed
                return (says.invoice_failed(invoice, *mine, now),)
            if invoice.status != "paid":
                return ()
            names = {name for line in invoice.lines.data if (name := says.line_price(line)) is not None}
            paying = [
                name
                for part in (invoice.payments.data if invoice.payments is not None else [])
                if part.status == "paid" and (name := ref(part.payment.payment_intent)) is not None
            ]
        intent = await self._intent(paying[0]) if paying else None
        prices = await self._ours(names)
        with asking():
            return (says.invoice_paid(invoice, intent, prices, *mine),)

    async def payment(self, name: str, now: datetime) -> Facts:
        """What it paid for, its refunds and its disputes. `name`: of the PaymentIntent."""
        first = await self._paid_for(name, now)
        if not first:
            return ()
        with asking():
            refunds = await self._api.v1.refunds.list_async(
                {"payment_intent": name, "limit": HANGING_ON_MAX, "expand": ["data.balance_transaction"]}
            )
            disputes = await self._api.v1.disputes.list_async({"payment_intent": name, "limit": HANGING_ON_MAX})
            back: list[AnyFact] = [says.refund(entry, name) for entry in reversed(refunds.data)]
            fought = [says.dispute(entry, name) for entry in reversed(disputes.data)]
        return (*first, *back, *(fact for fact in fought if fact is not None))

    async def _paid_for(self, name: str, now: datetime) -> Facts:
        with asking():
            parts = await self._api.v1.invoice_payments.list_async(
                {"payment": {"type": "payment_intent", "payment_intent": name}, "limit": 1}
            )
            invoice = ref(parts.data[0].invoice) if parts.data else None
        if invoice is not None:
            return await self.invoice(invoice, now)
        with asking():
            sessions = await self._api.v1.checkout.sessions.list_async({"payment_intent": name, "limit": 1})
        return await self.session(sessions.data[0], now) if sessions.data else ()

    async def charge(self, name: str, now: datetime) -> Facts:
        with asking():
            charge = await self._api.v1.charges.retrieve_async(name)
            intent = ref(charge.payment_intent)
        return () if intent is None else await self.payment(intent, now)

    async def transfer(self, name: str) -> Facts:
        with asking():
            fact = of_payouts.payout(await self._api.v1.transfers.retrieve_async(name), self.server)
        return () if fact is None else (fact,)

    async def payout(self, number: str) -> Facts:
        """By our own number."""
        with asking():
            found = await self._api.v1.transfers.list_async({"transfer_group": self.group(number), "limit": 1})
            fact = of_payouts.payout(found.data[0], self.server) if found.data else None
        return () if fact is None else (fact,)

    async def payout_account(self, name: str) -> Facts:
        look = await self.begin_look(name)
        with asking():
            account = await self._api.v1.accounts.retrieve_async(name)
            text = of_payouts.account_looks(account)
            mine = of_payouts.account_creator(account, self.server) is not None
        version = await write(self._engine, provider_versions.observe, says.STRIPE, name, look, text) if mine else None
        with asking():
            fact = None if version is None else of_payouts.payout_account(account, self.server, version)
        return () if fact is None else (fact,)

    def group(self, payout: str | int) -> str:
        """The name under which the transfer of a payout is found again."""
        return f"{self.server}:payout:{payout}"

    async def _intent(self, name: str) -> stripe.PaymentIntent:
        with asking():
            return await self._api.v1.payment_intents.retrieve_async(name, {"expand": INTENT_PARTS})

    def remember_price(self, name: str, price: int | None) -> None:
        self._prices[name] = price
        self._prices.move_to_end(name)
        while len(self._prices) > PRICES_REMEMBERED_MAX:
            self._prices.popitem(last=False)

    async def _ours(self, names: Iterable[str]) -> dict[str, int]:
        """Our ids of those that are ours."""
        found: dict[str, int] = {}
        for name in names:
            if name not in self._prices:
                with asking():
                    known = metadata((await self._api.v1.prices.retrieve_async(name)).metadata)
                number = known.get(says.PRICE, "")
                mine = known.get(says.SERVER) == self.server and number.isdecimal()
                self.remember_price(name, int(number) if mine else None)
            price = self._prices[name]
            if price is not None:
                found[name] = price
        return found
