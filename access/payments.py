"""How money is asked for: the interface that a payment provider fills, and the values that pass through it.

Rights never ask the provider: they are answered from our own rows. A provider is told what to do, outside of any
transaction of ours; what became of it comes back as facts (`access.facts`), at once as an answer, by webhook, or fetched.

Every write takes an idempotency key and says the same when it is asked again with it, however long ago the first time was,
so a request whose answer was lost is simply made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from access.errors import AccessError
from access.facts import Facts

ObjectKind = Literal["checkout", "agreement", "payment", "payout", "payout_account"]


class ProviderError(AccessError):
    """The provider refused, or cannot be reached (503 provider_away: it may be asked again)."""

    @property
    def may_pass(self) -> bool:
        return self.status == 503


def provider_away(detail: str) -> ProviderError:
    return ProviderError(503, "provider_away", detail)


def provider_refused(detail: str) -> ProviderError:
    return ProviderError(409, "provider_refused", detail)


@dataclass(frozen=True, slots=True)
class Discount:
    """Of a coupon: a part (basis points) or an amount of each payment."""

    percent_off_bp: int | None
    amount_off_minor: int | None
    payments: int | None
    """How many payments it is for: 1 once, n for n months of a monthly price, None forever."""


@dataclass(frozen=True, slots=True)
class Recurring:
    """A subscription rather than a single payment."""

    price: int
    """Our tier_prices.id: what facts name."""
    tier: int
    interval: str
    trial_days: int = 0
    discount: Discount | None = None


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What somebody is to pay for."""

    purchase: str
    """Our own name of it, `subscription:17`; comes back in facts."""
    account: int
    creator: int
    name: str
    """What the payer reads."""
    amount_minor: int
    currency: str
    quantity: int = 1
    recurring: Recurring | None = None
    lifetime: timedelta = timedelta(hours=24)
    """How long it may be paid."""
    return_path: str = "/"
    """Where the payer is sent afterwards, below the server's public address."""


@dataclass(frozen=True, slots=True)
class Checkout:
    provider_ref: str
    """The provider's name for the checkout; unique, not guessable."""
    expires_at: datetime
    """Unpaid by then: the purchase is given up."""
    url: str | None = None
    """Where the person pays, if the provider chooses the address anew each time; else `checkout_url` knows."""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """To another price: at once, the rest of the running period set off against the new price, or from the next period on."""

    price: int
    tier: int
    amount_minor: int
    currency: str
    interval: str
    name: str
    at: Literal["now", "period_end"]
    keeps_discount: bool = True
    """False: what a coupon takes off ends with the old price."""


@dataclass(frozen=True, slots=True)
class PayoutRequest:
    payout: int
    """Our payouts.id; comes back in facts."""
    creator: int
    destination: str | None
    """The provider's name for whom it goes to."""
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """A creator wants to be paid out to an account of his own with the provider."""

    creator: int
    account: str | None
    """The provider's name of the one he has begun to connect."""
    country: str | None
    """ISO 3166, of a new one; None: that of the platform."""
    return_path: str = "/"


@dataclass(frozen=True, slots=True)
class Onboarding:
    account: str
    url: str
    """A page of the provider's that asks him for what it must know; good once, for minutes."""


class PaymentProvider(Protocol):
    @property
    def name(self) -> str:
        """Stored with each purchase. `test`: no real money moves."""

    @property
    def pays_to_accounts(self) -> bool:
        """Whether a creator is paid out only to an account that he has connected."""

    @property
    def renewal_slack(self) -> timedelta:
        """How long after the end of a period its renewal may still be told of without anything being wrong."""

    # Each of these raises ProviderError. `key` is the idempotency key; `now` our own time.

    async def begin_checkout(self, request: CheckoutRequest, *, key: str, now: datetime) -> Checkout: ...
    async def expire_checkout(self, checkout: str, *, key: str, now: datetime) -> Facts:
        """It can be paid no more; or the answer tells that it has been."""

    async def change_price(self, agreement: str, change: PriceChange, *, key: str, now: datetime) -> Facts: ...
    async def cancel(self, agreement: str, *, at_period_end: bool, key: str, now: datetime) -> Facts:
        """Take no further payment after this period, or end the agreement now."""

    async def resume(self, agreement: str, *, key: str, now: datetime) -> Facts:
        """Take a cancellation at the end of the period back, or a pause."""

    async def pause(self, agreement: str, *, key: str, now: datetime) -> Facts:
        """No payment and no period after this one, until resumed."""

    async def forget_payer(self, agreement: str, *, key: str, now: datetime) -> Facts:
        """Delete what is known of who pays for it: means of payment, address, credit. It ends; payments stay."""

    async def refund(self, payment: str, *, amount_minor: int, key: str, now: datetime) -> Facts: ...
    async def pay_out(self, request: PayoutRequest, *, key: str, now: datetime) -> Facts:
        """What is refused for good is answered as failed."""

    async def connect_account(self, request: AccountRequest, *, key: str, now: datetime) -> Onboarding:
        """Only where `pays_to_accounts`. What becomes of it is told as facts."""

    async def fetch(self, kind: ObjectKind, ref: str, *, now: datetime) -> Facts:
        """Everything that is known of an object now, with what hangs on it (an agreement's invoices, a payment's refunds and
        disputes). `payout`: by our own id. Nothing if there is no such object."""

    def checkout_url(self, provider_ref: str) -> str | None:
        """Where the person pays, if that can be told from the reference."""

    async def portal_url(self, agreement: str, *, return_path: str, now: datetime) -> str | None:
        """A page of the provider's where the payer changes his means of payment; None: there is none."""
