"""Test money: the payment provider of a fresh install. No real money moves, and everything it touches says so.

Its checkout is a page of ours, `…/pay/{ref}`, where whoever holds the address chooses what becomes of the payment. It
never charges again by itself: what was bought lapses at the end of its period.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from access.payments import Checkout, CheckoutRequest

TEST_MONEY = "test"
CHECKOUT_LIFETIME = timedelta(hours=24)


class EmbeddedTestMoney:
    """`base_url`: the address of the page without a trailing slash, asked anew for each checkout."""

    def __init__(self, base_url: Callable[[], str]) -> None:
        self._base_url = base_url

    @property
    def name(self) -> str:
        return TEST_MONEY

    async def begin_checkout(self, request: CheckoutRequest, now: datetime) -> Checkout:
        return Checkout(f"test_{secrets.token_urlsafe(16)}", now + CHECKOUT_LIFETIME)

    def checkout_url(self, provider_ref: str) -> str:
        return f"{self._base_url()}/pay/{provider_ref}"

    async def cancel(self, provider_ref: str, *, at_period_end: bool) -> None:
        """There is nobody to tell: test money takes no further payment anyway."""
