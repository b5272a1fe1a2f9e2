"""A payment provider's life with one customer, made up from a list of deeds, and ways to tell of it badly.

What happens is worked out by the pure agreements of test money; what is told is a list of facts, which tests repeat, shuffle,
hold back and lose. `coarse` counts versions in whole seconds, as some providers do, so that several changes tie.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from access import embedded_agreements as agreements
from access.embedded_agreements import Agreement, Terms
from access.facts import (
    AnyFact,
    CheckoutChanged,
    DisputeChanged,
    Facts,
    InvoicePaid,
    RefundChanged,
    SubscriptionChanged,
)
from access.payments import PriceChange

PROVIDER = "test"


@dataclass
class FakeLife:
    """`prices`: cheap and dear, in the order of their levels."""

    name: str
    purchase: str
    prices: list[Terms]
    now: datetime
    coarse: bool = False
    trial_days: int = 0
    tax_percent: int = 0
    agreement: Agreement | None = None
    facts: list[AnyFact] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    """By payment: what has not been paid back or disputed."""
    disputes: list[DisputeChanged] = field(default_factory=list)
    refunds: list[RefundChanged] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def do(self, deed: str, number: int) -> None:
        """What cannot be done now is left undone."""
        if deed == "wait":
            self._wait(timedelta(hours=number))
        elif self.agreement is None:
            self._begin()
        elif deed in ("refund", "refund_part", "dispute"):
            self._take_back(deed, number)
        elif deed in ("won", "lost") and self.disputes:
            self._close_dispute("won" if deed == "won" else "lost", number)
        elif deed == "refund_fails" and self.refunds:
            self._refund_fails(number)
        elif self.agreement.status != "canceled":
            self._change(deed, self.agreement)

    def _begin(self) -> None:
        ref = f"{self.name}:sub"
        agreement = Agreement(
            ref=ref,
            purchase=self.purchase,
            terms=self.prices[0],
            anchor=self.now,
            paid_from=self.now,
            paid_until=self.now,
            paid_minor=0,
        )
        checkout = CheckoutChanged(
            provider=PROVIDER,
            event=f"{self.name}:checkout",
            at=self.now,
            checkout=f"{self.name}:cs",
            purchase=self.purchase,
            state="paid",
            agreement=ref,
        )
        self.agreement, told = agreements.begin(agreement, self.trial_days, self.now)
        self._tell((checkout, *told))

    def _change(self, deed: str, agreement: Agreement) -> None:
        now = self.now
        match deed:
            case "fail":
                self.agreement = structs.replace(agreement, outcome="decline")
                return
            case "mend":
                mended = structs.replace(agreement, outcome="succeed")
                step = agreements.collect(mended, now) if agreement.attempts else (mended, ())
            case "upgrade":
                if agreement.attempts or agreement.status == "paused":
                    return
                step = agreements.change_now(agreement, self._to(1, "now"), now)
            case "downgrade":
                step = agreements.change_later(agreement, self._to(0, "period_end"), now)
            case "cancel":
                step = agreements.cancel_later(agreement, now)
            case "resume":
                step = agreements.resume(agreement, now)
            case "pause":
                step = agreements.pause(agreement, now)
            case "end":
                step = agreements.end(agreement, now)
            case _:
                return
        self.agreement = step[0]
        self._tell(step[1])

    def _wait(self, time: timedelta) -> None:
        self.now += time
        while self.agreement is not None and (due := self.agreement.due_at) is not None and due <= self.now:
            self.agreement, told = agreements.advance(self.agreement)
            self._tell(told)

    def _take_back(self, deed: str, number: int) -> None:
        payments = [payment for payment, left in self.left.items() if left > 0]
        if not payments:
            return
        payment = payments[number % len(payments)]
        amount = self.left[payment] if deed != "refund_part" else max(self.left[payment] * (1 + number % 3) // 4, 1)
        self.left[payment] -= amount
        common: dict[str, Any] = {"provider": PROVIDER, "at": self.now, "payment": payment, "amount_minor": amount}
        if deed == "dispute":
            ref = f"{payment}:dp{next(self.numbers)}"
            opened = DisputeChanged(
                event=f"{ref}:open", dispute=ref, state="open", opened_at=self.now, fee_minor=15, **common
            )
            self.disputes.append(opened)
            self._tell((opened,))
        else:
            ref = f"{payment}:re{next(self.numbers)}"
            made = RefundChanged(event=f"{ref}:1", refund=ref, state="succeeded", fee_minor=number % 2, **common)
            self.refunds.append(made)
            self._tell((structs.replace(made, event=f"{ref}:0", state="pending"), made))

    def _close_dispute(self, state: Any, number: int) -> None:
        opened = self.disputes.pop(number % len(self.disputes))
        if state == "won":
            self.left[opened.payment] += opened.amount_minor
        self._tell((structs.replace(opened, event=f"{opened.dispute}:{state}", state=state, at=self.now),))

    def _refund_fails(self, number: int) -> None:
        made = self.refunds.pop(number % len(self.refunds))
        self.left[made.payment] += made.amount_minor
        self._tell((structs.replace(made, event=f"{made.refund}:2", state="failed", at=self.now),))

    def _to(self, number: int, at: Any) -> PriceChange:
        terms = self.prices[number]
        return PriceChange(terms.price, number, terms.amount_minor, terms.currency, terms.interval, "", at)

    def _tell(self, facts: Facts) -> None:
        for fact in facts:
            told = fact
            if isinstance(told, InvoicePaid) and told.payment is not None:
                tax = told.amounts.gross_minor * self.tax_percent // 100
                told = structs.replace(told, amounts=structs.replace(told.amounts, tax_minor=tax))
                self.left[told.payment] = told.amounts.gross_minor  # type: ignore[index]
            if isinstance(told, SubscriptionChanged) and self.coarse:
                told = structs.replace(told, version=int(told.at.timestamp()))
            self.facts.append(told)


def badly_told(facts: list[AnyFact], seed: int) -> list[AnyFact]:
    """Every fact at least once, some twice or thrice, in any order."""
    chance = random.Random(seed)
    told = facts + [fact for fact in facts for _ in range(chance.choice((0, 0, 1, 2)))]
    chance.shuffle(told)
    return told
