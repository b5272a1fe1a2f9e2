"""How money is asked for: the interface that a payment provider fills, and the values that pass through it.

Rights never ask the provider: they are answered from our own rows. A provider begins a checkout and ends an agreement;
what became of a payment comes back as a PaymentResult and is applied by `access.subscriptions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What somebody is to pay for."""

    subscription: int
    account: int
    creator: int
    tier: int
    amount_minor: int
    currency: str
    interval: str


@dataclass(frozen=True, slots=True)
class Checkout:
    provider_ref: str
    """The provider's name for the agreement; unique, not guessable."""
    expires_at: datetime
    """Unpaid by then: the subscription is given up."""


class PaymentProvider(Protocol):
    @property
    def name(self) -> str:
        """Stored with each subscription. `test`: no real money moves."""

    async def begin_checkout(self, request: CheckoutRequest, now: datetime) -> Checkout: ...
    def checkout_url(self, provider_ref: str) -> str:
        """Where the person pays."""

    async def cancel(self, provider_ref: str, *, at_period_end: bool) -> None:
        """Take no further payment, or end the agreement now. Idempotent."""
