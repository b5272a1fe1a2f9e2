"""A subscription as test money's provider keeps it: pure functions from an agreement and a time to what becomes of it.

It renews by itself: a little before a period ends the next one is charged, and what was chosen to happen happens. A charge that
fails is tried again after 1, 3 and 5 days; a week after the end of what was paid the agreement ends.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, structs

from access.facts import Amounts, AnyFact, InvoiceFailed, InvoicePaid, Line, SubscriptionChanged
from access.payments import PriceChange
from access.periods import next_end, period_end
from access.shares import BASIS, in_proportion, round_half_even

TEST_MONEY = "test"
LEAD = timedelta(seconds=10)
"""Before a period ends its renewal is charged, so that nobody loses his seat for a moment."""
RETRIES = (timedelta(days=1), timedelta(days=3), timedelta(days=5), timedelta(days=7))
"""After the end of what was paid; at the last the agreement ends."""
FEE_BP, FEE_MINOR = 290, 30
"""What the processor keeps, as many do: 2.9 % and 30 minor units."""

Outcome = Literal["succeed", "decline", "requires_action"]


class Terms(Struct, frozen=True, kw_only=True):
    price: int
    amount_minor: int
    currency: str
    interval: str


class Agreement(Struct, frozen=True, kw_only=True):
    ref: str
    purchase: str
    terms: Terms
    anchor: datetime
    """Periods begin at its day of the month."""
    paid_from: datetime
    paid_until: datetime
    paid_minor: int
    """What [paid_from, paid_until) was charged, before credit."""
    status: Literal["trialing", "active", "past_due", "paused", "canceled"] = "active"
    version: int = 1
    invoices: int = 0
    attempts: int = 0
    """Failed, for the next period."""
    cancel_at_period_end: bool = False
    pausing: bool = False
    next_terms: Terms | None = None
    percent_off_bp: int = 0
    amount_off_minor: int = 0
    discounted_left: int | None = 0
    """Payments that the discount is still for; None: all until `discounted_until`."""
    discounted_until: datetime | None = None
    """Periods that begin from then on are not discounted."""
    next_keeps_discount: bool = True
    """With `next_terms`."""
    credit_minor: int = 0
    outcome: Outcome = "succeed"
    """Of its charges, until chosen anew."""
    ended_at: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        """When `advance` has something to do."""
        if self.status == "canceled" or (self.pausing and self.status == "paused"):
            return None
        if self.cancel_at_period_end or self.pausing:
            return self.paid_until
        return self.paid_until - LEAD if not self.attempts else self.paid_until + RETRIES[self.attempts - 1]


Step = tuple[Agreement, tuple[AnyFact, ...]]


def begin(agreement: Agreement, trial_days: int, now: datetime) -> Step:
    """`agreement` with anchor, paid_from and paid_until at `now`; a discount for several payments is one until a date."""
    end = now + timedelta(days=trial_days)
    payments = agreement.discounted_left
    if payments is not None and payments > 1:
        until = period_end(end, agreement.terms.interval, payments)
        agreement = structs.replace(agreement, discounted_left=None, discounted_until=until)
    if not trial_days:
        return _charge(agreement, now)
    line = Line(price=agreement.terms.price, kind="trial", start=now, end=end, amount_minor=0)
    begun = structs.replace(agreement, status="trialing", anchor=end, paid_until=end, invoices=1)
    return begun, (_paid(begun, 0, (line,), now), changed(begun, now))


def advance(agreement: Agreement) -> Step:
    """What its clock brings at `due_at`."""
    now = agreement.due_at
    assert now is not None
    if agreement.cancel_at_period_end:
        return end(agreement, now)
    if agreement.pausing:
        return _change(agreement, now, status="paused")
    if agreement.attempts == len(RETRIES) and now >= agreement.paid_until + RETRIES[-1]:
        return end(agreement, now)
    return collect(agreement, now)


def collect(agreement: Agreement, now: datetime) -> Step:
    """Charge the next period."""
    if agreement.outcome == "succeed":
        return _charge(agreement, now)
    failed, told = _change(agreement, now, status="past_due", attempts=min(agreement.attempts + 1, len(RETRIES)))
    invoice = InvoiceFailed(
        provider=TEST_MONEY,
        event=f"{_invoice(agreement)}:failed:{failed.attempts}",
        at=now,
        invoice=_invoice(agreement),
        agreement=agreement.ref,
        purchase=agreement.purchase,
        period_start=agreement.paid_until,
        attempt=failed.attempts,
    )
    return failed, (invoice, *told)


def end(agreement: Agreement, now: datetime) -> Step:
    return _change(agreement, now, status="canceled", ended_at=now)


def cancel_later(agreement: Agreement, now: datetime) -> Step:
    return _change(agreement, now, cancel_at_period_end=True)


def pause(agreement: Agreement, now: datetime) -> Step:
    return _change(agreement, now, pausing=True)


def resume(agreement: Agreement, now: datetime) -> Step:
    """A pause that has begun ends with a charge, for a period from now on."""
    if agreement.status == "paused":
        return _charge(structs.replace(agreement, pausing=False, anchor=now, paid_until=now), now)
    return _change(agreement, now, cancel_at_period_end=False, pausing=False)


def change_later(agreement: Agreement, change: PriceChange, now: datetime) -> Step:
    """To the price that it has: it stays."""
    new = _terms(change)
    if new == agreement.terms:
        return _change(agreement, now, next_terms=None, next_keeps_discount=True)
    return _change(agreement, now, next_terms=new, next_keeps_discount=change.keeps_discount)


def change_now(agreement: Agreement, change: PriceChange, now: datetime) -> Step:
    """The rest of what was paid is set off against the rest at the new price; a new interval begins anew."""
    new = _terms(change)
    agreement = _discount_kept(agreement, change.keeps_discount)
    if agreement.status == "trialing":
        line = Line(price=new.price, kind="trial", start=now, end=agreement.paid_until, amount_minor=0)
        moved = structs.replace(agreement, terms=new, next_terms=None, invoices=agreement.invoices + 1)
        after, told = _change(moved, now)
        return after, (_paid(after, 0, (line,), now), *told)
    rest = _seconds(now, agreement.paid_until)
    unused = in_proportion(agreement.paid_minor, rest, _seconds(agreement.paid_from, agreement.paid_until))
    full = _discounted(agreement, new.amount_minor, now)
    if new.interval == agreement.terms.interval:
        until, anchor = agreement.paid_until, agreement.anchor
        asked = in_proportion(full, rest, _seconds(_before(agreement), until))
    else:
        until, anchor, asked = period_end(now, new.interval), now, full
    due = asked - unused - agreement.credit_minor
    lines = (
        Line(price=agreement.terms.price, kind="credit", start=now, end=agreement.paid_until, amount_minor=-unused),
        Line(price=new.price, kind="paid", start=now, end=until, amount_minor=asked),
    )
    moved = structs.replace(
        agreement,
        terms=new,
        next_terms=None,
        anchor=anchor,
        paid_from=now,
        paid_until=until,
        paid_minor=asked,
        credit_minor=max(-due, 0),
        invoices=agreement.invoices + 1,
    )
    after, told = _change(moved, now)
    return after, (_paid(after, max(due, 0), lines, now), *told)


def changed(agreement: Agreement, now: datetime) -> SubscriptionChanged:
    """The agreement as a fact."""
    return SubscriptionChanged(
        provider=TEST_MONEY,
        event=f"{agreement.ref}:{agreement.version}",
        at=now,
        agreement=agreement.ref,
        purchase=agreement.purchase,
        version=agreement.version,
        status=agreement.status,
        price=agreement.terms.price,
        next_price=None if agreement.next_terms is None else agreement.next_terms.price,
        cancel_at_period_end=agreement.cancel_at_period_end,
        ended_at=agreement.ended_at,
    )


def fee(gross_minor: int) -> int:
    return min(round_half_even(gross_minor * FEE_BP, BASIS) + FEE_MINOR, gross_minor)


def _charge(agreement: Agreement, now: datetime) -> Step:
    """The period after `paid_until`, at the price that is next."""
    terms = agreement.next_terms or agreement.terms
    agreement = _discount_kept(agreement, agreement.next_keeps_discount)
    start = agreement.paid_until
    asked = _discounted(agreement, terms.amount_minor, start)
    anchor = agreement.anchor if terms.interval == agreement.terms.interval else start
    until = next_end(anchor, terms.interval, start)
    due = asked - agreement.credit_minor
    left = agreement.discounted_left
    line = Line(price=terms.price, kind="paid", start=start, end=until, amount_minor=asked)
    charged = structs.replace(
        agreement,
        terms=terms,
        next_terms=None,
        anchor=anchor,
        paid_from=start,
        paid_until=until,
        paid_minor=asked,
        credit_minor=max(-due, 0),
        discounted_left=None if left is None else max(left - 1, 0),
        invoices=agreement.invoices + 1,
    )
    after, told = _change(charged, now, status="active", attempts=0)
    return after, (_paid(after, max(due, 0), (line,), now), *told)


def _paid(agreement: Agreement, gross: int, lines: tuple[Line, ...], now: datetime) -> InvoicePaid:
    invoice = f"{agreement.ref}:in:{agreement.invoices}"
    return InvoicePaid(
        provider=TEST_MONEY,
        event=f"{invoice}:paid",
        at=now,
        invoice=invoice,
        agreement=agreement.ref,
        purchase=agreement.purchase,
        payment=f"{invoice}:pay" if gross else None,
        amounts=Amounts(currency=agreement.terms.currency, gross_minor=gross, fee_minor=fee(gross)),
        lines=lines,
    )


def _invoice(agreement: Agreement) -> str:
    """Of the next charge."""
    return f"{agreement.ref}:in:{agreement.invoices + 1}"


def _change(agreement: Agreement, now: datetime, **changes: object) -> Step:
    after = structs.replace(agreement, version=agreement.version + 1, **changes)
    return after, (changed(after, now),)


def _discount_kept(agreement: Agreement, kept: bool) -> Agreement:
    """With the next price, with which the discount is `kept` or ends."""
    left = agreement.discounted_left if kept else 0
    return structs.replace(agreement, discounted_left=left, next_keeps_discount=True)


def _discounted(agreement: Agreement, amount_minor: int, at: datetime) -> int:
    until = agreement.discounted_until
    if agreement.discounted_left == 0 or (until is not None and at >= until):
        return amount_minor
    off = round_half_even(amount_minor * agreement.percent_off_bp, BASIS) + agreement.amount_off_minor
    return max(amount_minor - off, 0)


def _before(agreement: Agreement) -> datetime:
    """Where the period that ends at `paid_until` began, before any change within it."""
    begun = agreement.anchor
    while (following := next_end(agreement.anchor, agreement.terms.interval, begun)) < agreement.paid_until:
        begun = following
    return begun


def _terms(change: PriceChange) -> Terms:
    return Terms(
        price=change.price, amount_minor=change.amount_minor, currency=change.currency, interval=change.interval
    )


def _seconds(start: datetime, end: datetime) -> int:
    return max(int((end - start).total_seconds()), 0)
