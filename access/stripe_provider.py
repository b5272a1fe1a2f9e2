"""Stripe as a PaymentProvider. Stripe's own pages take the money (Checkout), keep cards (portal) and ask creators (Connect).

Stripe forgets idempotency keys after a day or more, so each write first looks whether what it is to bring about is there
already. An answer is read as anything else that is told of an object: `StripeReader` turns it into facts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import stripe
from sqlalchemy.ext.asyncio import AsyncEngine

from access import stripe_checkouts
from access import stripe_facts as says
from access.database import write
from access.errors import AccessError
from access.facts import Facts
from access.payments import (
    AccountRequest,
    Checkout,
    CheckoutRequest,
    ObjectKind,
    Onboarding,
    PayoutRequest,
    PriceChange,
    provider_refused,
)
from access.stripe_amounts import to_stripe
from access.stripe_api import StripeApi, asking, is_missing, metadata, moment, seconds
from access.stripe_catalog import StripeCatalog
from access.stripe_changes import StripeChanges
from access.stripe_connect import StripeConnect
from access.stripe_reader import SUBSCRIPTION_PARTS, StripeReader

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

LIFETIME_MIN, LIFETIME_MAX = timedelta(minutes=31), timedelta(hours=24)
"""Of a checkout: Stripe takes 30 minutes to 24 hours from when it gets the request."""
RENEWAL_SLACK = timedelta(hours=3)
"""A renewal's invoice is a draft for about an hour before it is charged."""
SERVER_LENGTH_MAX = 24


class StripeProvider:
    """`server`: our name within the Stripe account. `base_url`: of the page, without a trailing slash.
    `automatic_tax`: Stripe computes the tax of whatever a checkout sells."""

    def __init__(
        self,
        api: StripeApi,
        engine: AsyncEngine,
        server: str,
        base_url: Callable[[], str],
        *,
        automatic_tax: bool = False,
    ) -> None:
        assert 0 < len(server) <= SERVER_LENGTH_MAX
        self.api = api
        self._engine = engine
        self._base_url = base_url
        self.reader = StripeReader(api, engine, server)
        self.catalog = StripeCatalog(api, self.reader)
        self.changes = StripeChanges(api, self.catalog, self._key)
        self.connect = StripeConnect(api, self.reader)
        self._server = server
        self._automatic_tax = automatic_tax

    @property
    def name(self) -> str:
        return says.STRIPE

    @property
    def pays_to_accounts(self) -> bool:
        return True

    @property
    def renewal_slack(self) -> timedelta:
        return RENEWAL_SLACK

    async def close(self) -> None:
        await self.api.close()

    # --- checkouts

    async def begin_checkout(self, request: CheckoutRequest, *, key: str, now: datetime) -> Checkout:
        begun_at, known = await write(self._engine, stripe_checkouts.begin, key, now)
        if known is not None:
            return known
        params = await self._session(request)
        if request.lifetime < LIFETIME_MAX:
            params["expires_at"] = seconds(begun_at + max(request.lifetime, LIFETIME_MIN))
        with asking():
            session = await self.api.v1.checkout.sessions.create_async(params, {"idempotency_key": self._key(key)})
            checkout = Checkout(session.id, moment(session.expires_at), session.url)
        await write(self._engine, stripe_checkouts.begun, key, checkout)
        return checkout

    async def _session(self, request: CheckoutRequest) -> SessionCreateParams:
        bag = {says.SERVER: self._server, says.PURCHASE: request.purchase}
        back = self._base_url() + request.return_path
        params: SessionCreateParams = {
            "client_reference_id": request.purchase,
            "metadata": bag,
            "success_url": back,
            "cancel_url": back,
        }
        if self._automatic_tax:
            params["automatic_tax"] = {"enabled": True}
        recurring = request.recurring
        if recurring is None:
            amount = to_stripe(request.amount_minor, request.currency)
            product = {"name": request.name}
            price = {"currency": request.currency.lower(), "unit_amount": amount, "product_data": product}
            params["mode"] = "payment"
            params["line_items"] = [{"price_data": price, "quantity": request.quantity}]  # type: ignore[typeddict-item]
            # captured at once, for only then the processor's fee is known with the payment
            params["payment_intent_data"] = {"metadata": bag, "capture_method": "automatic"}
            return params
        name = await self.catalog.price(
            recurring.price, recurring.tier, request.name, request.amount_minor, request.currency, recurring.interval
        )
        params["mode"] = "subscription"
        params["line_items"] = [{"price": name, "quantity": 1}]
        params["subscription_data"] = {"metadata": bag}
        if recurring.trial_days:
            params["subscription_data"]["trial_period_days"] = recurring.trial_days
        if recurring.discount is not None:
            coupon = await self.catalog.coupon(recurring.discount, request.currency, recurring.interval)
            params["discounts"] = [{"coupon": coupon}]
        return params

    async def expire_checkout(self, checkout: str, *, key: str, now: datetime) -> Facts:
        try:
            with asking():
                session = await self.api.v1.checkout.sessions.expire_async(
                    checkout, None, {"idempotency_key": self._key(key)}
                )
        except AccessError as error:
            if error.status == 503:
                raise
            return await self.fetch("checkout", checkout, now=now)  # it is not open: paid, or expired already
        return await self.reader.session(session, now)

    def checkout_url(self, provider_ref: str) -> str | None:
        return None

    # --- agreements

    async def change_price(self, agreement: str, change: PriceChange, *, key: str, now: datetime) -> Facts:
        await self.changes.price(await self._agreement(agreement), change, key, now)
        return await self.reader.agreement(agreement, now)

    async def cancel(self, agreement: str, *, at_period_end: bool, key: str, now: datetime) -> Facts:
        found = await self._agreement(agreement)
        if found.status in ("canceled", "incomplete_expired") or (at_period_end and found.cancel_at_period_end):
            return await self.reader.subscription(agreement)
        if at_period_end:
            await self.changes.cancel_later(found, key)
        else:
            with asking():
                options: stripe.RequestOptions = {"idempotency_key": self._key(key)}
                await self.api.v1.subscriptions.cancel_async(agreement, None, options)
        return await self.reader.subscription(agreement)

    async def resume(self, agreement: str, *, key: str, now: datetime) -> Facts:
        await self.changes.resume(await self._agreement(agreement), key)
        return await self.reader.agreement(agreement, now)

    async def pause(self, agreement: str, *, key: str, now: datetime) -> Facts:
        await self.changes.pause(await self._agreement(agreement), key)
        return await self.reader.subscription(agreement)

    async def forget_payer(self, agreement: str, *, key: str, now: datetime) -> Facts:
        """Each checkout has made a customer of its own. To delete it ends its subscription; payments can still go back."""
        customer = says.customer(await self._agreement(agreement))
        try:
            with asking():
                await self.api.v1.customers.delete_async(customer, None, {"idempotency_key": self._key(key)})
        except AccessError as error:
            if not is_missing(error.__cause__):
                raise
        return await self.reader.subscription(agreement)

    async def portal_url(self, agreement: str, *, return_path: str, now: datetime) -> str | None:
        """Good once, for minutes: a new one each time."""
        customer = says.customer(await self._agreement(agreement))
        with asking():
            session = await self.api.v1.billing_portal.sessions.create_async(
                {"customer": customer, "return_url": self._base_url() + return_path},
                {"idempotency_key": self._key(f"portal:{secrets.token_hex(16)}")},
            )
            return str(session.url)

    async def _agreement(self, name: str) -> stripe.Subscription:
        try:
            with asking():
                return await self.api.v1.subscriptions.retrieve_async(name, {"expand": SUBSCRIPTION_PARTS})
        except AccessError as error:
            if is_missing(error.__cause__):
                raise provider_refused("There is no such agreement.") from error
            raise

    # --- money back, money out

    async def refund(self, payment: str, *, amount_minor: int, key: str, now: datetime) -> Facts:
        with asking():
            intent = await self.api.v1.payment_intents.retrieve_async(payment)
            done = await self.api.v1.refunds.list_async({"payment_intent": payment, "limit": 100})
            again = any(metadata(entry.metadata).get(says.KEY) == key for entry in done.data)
        if not again:
            amount = to_stripe(amount_minor, intent.currency.upper())
            with asking():
                await self.api.v1.refunds.create_async(
                    {
                        "payment_intent": payment,
                        "amount": amount,
                        "metadata": {says.SERVER: self._server, says.KEY: key},
                    },
                    {"idempotency_key": self._key(key)},
                )
        return await self.reader.payment(payment, now)

    async def pay_out(self, request: PayoutRequest, *, key: str, now: datetime) -> Facts:
        return await self.connect.pay_out(request, self._key(key), now)

    async def connect_account(self, request: AccountRequest, *, key: str, now: datetime) -> Onboarding:
        return await self.connect.begin(request, self._key(key), self._base_url() + request.return_path)

    async def fetch(self, kind: ObjectKind, ref: str, *, now: datetime) -> Facts:
        try:
            match kind:
                case "checkout":
                    return await self.reader.checkout(ref, now)
                case "agreement":
                    return await self.reader.agreement(ref, now)
                case "payment":
                    return await self.reader.payment(ref, now)
                case "payout":
                    return await self.reader.payout(ref)
                case "payout_account":
                    return await self.reader.payout_account(ref)
        except AccessError as error:
            if is_missing(error.__cause__):
                return ()
            raise

    def _key(self, key: str) -> str:
        """Idempotency keys are of the whole Stripe account."""
        return f"{self._server}:{key}"
