"""Our prices as objects of Stripe's, made when they are first sold and found again by names of ours.

A price that is published never changes, with us as with Stripe. Names bear our server's, since others may use the account too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from access.errors import AccessError
from access.payments import Discount
from access.stripe_amounts import to_stripe
from access.stripe_api import StripeApi, asking, exists_already
from access.stripe_facts import PRICE, SERVER
from access.stripe_reader import StripeReader

if TYPE_CHECKING:
    from stripe.params import CouponCreateParams


class StripeCatalog:
    def __init__(self, api: StripeApi, reader: StripeReader) -> None:
        self._api = api
        self._reader = reader
        self._server = reader.server

    async def price(self, price: int, tier: int, name: str, amount_minor: int, currency: str, interval: str) -> str:
        """Stripe's name of our price."""
        lookup_key = f"{self._server}:price:{price}"
        with asking():
            found = await self._api.v1.prices.list_async({"lookup_keys": [lookup_key], "limit": 1})
        if found.data:
            self._reader.remember_price(found.data[0].id, price)
            return found.data[0].id
        product = await self._product(tier, name)
        with asking():
            made = await self._api.v1.prices.create_async(
                {
                    "product": product,
                    "currency": currency.lower(),
                    "unit_amount": to_stripe(amount_minor, currency),
                    "recurring": {"interval": interval},
                    "lookup_key": lookup_key,
                    "metadata": {SERVER: self._server, PRICE: str(price)},
                },
                {"idempotency_key": lookup_key},
            )
        self._reader.remember_price(made.id, price)
        return made.id

    async def coupon(self, discount: Discount, currency: str, interval: str) -> str:
        """Stripe's coupon for what one of ours takes off: the same for all that take off the same, for as long."""
        months = None if discount.payments is None else discount.payments * (12 if interval == "year" else 1)
        params: CouponCreateParams = {"duration": "forever", "name": "Coupon", "metadata": {SERVER: self._server}}
        if discount.payments == 1:
            params["duration"] = "once"
        elif months is not None:
            params |= {"duration": "repeating", "duration_in_months": months}
        if discount.percent_off_bp is not None:
            off = f"{discount.percent_off_bp}bp"
            params["percent_off"] = discount.percent_off_bp / 100
        else:
            amount = to_stripe(discount.amount_off_minor or 0, currency)
            off = f"{amount}{currency.lower()}"
            params |= {"amount_off": amount, "currency": currency.lower()}
        long = "once" if discount.payments == 1 else "forever" if months is None else f"{months}m"
        name = f"{self._server}_off_{off}_{long}"
        params["id"] = name
        try:
            with asking():
                await self._api.v1.coupons.create_async(params, {"idempotency_key": name})
        except AccessError as error:
            if not exists_already(error.__cause__):
                raise
        return name

    async def _product(self, tier: int, name: str) -> str:
        product = f"{self._server}_tier_{tier}"
        try:
            with asking():
                await self._api.v1.products.create_async(
                    {"id": product, "name": name, "metadata": {SERVER: self._server}},
                    {"idempotency_key": f"{product}:{name}"},
                )
        except AccessError as error:
            if not exists_already(error.__cause__):
                raise
        return product
