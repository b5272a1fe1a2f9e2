"""What becomes of subscriptions and payments at the fake Stripe: invoices, periods, prorations, disputes, transfers.

How it behaves is from Stripe's public reference; none of it was held against the live Stripe.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

from tests.harness import fake_stripe_shapes as shapes
from tests.harness.fake_stripe_shapes import Object

HOUR, DAY = 3_600, 86_400
MONTH = 30 * DAY
"""This Stripe's months are all alike."""
SPANS = {"month": MONTH, "year": 12 * MONTH}


class RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str = "", kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status, self.body = status, shapes.error(kind, message or code, code=code)


class Billing:
    def __init__(self, now: int) -> None:
        self.now = now
        self.objects: dict[str, Object] = {}
        self.events: list[Object] = []
        self.declining: set[str] = set()
        """Customers whose card is declined."""
        self.fees_late = False
        """Charges have no balance transaction until `tell_fees`."""
        self.tax_percent = 0
        """Of everything that is sold; part of its price (inclusive), or on top of it."""
        self.tax_included = True
        self.settles: tuple[str, float] | None = None
        """The currency in which the platform has its money, if it is not the charge's, and the rate."""
        self.balance: int | None = None
        """What may be transferred; None: enough."""
        self._numbers = itertools.count(1)

    def id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers):08d}"

    def add(self, made: Object) -> Object:
        self.objects[made["id"]] = made
        return made

    def one(self, name: str) -> Object:
        if name not in self.objects:
            raise RefusedError(404, "resource_missing", f"No such object: '{name}'")
        return self.objects[name]

    def all(self, kind: str, **same: Any) -> Object:
        found = [
            o for o in self.objects.values() if o["object"] == kind and all(o.get(k) == v for k, v in same.items())
        ]
        return shapes.page(f"/v1/{kind}", found[::-1])

    def tell(self, kind: str, told: Object) -> None:
        self.events.append(shapes.event(self.id("evt"), kind, public(copy.deepcopy(told)), self.now))

    # --- what the payer does

    def pay(self, name: str) -> Object:
        session = self._open(name)
        session |= {"status": "complete", "payment_status": "paid"}
        if session["mode"] == "payment":
            session["payment_intent"] = self._take(self._intent(session))["id"]
        else:
            session["subscription"] = self._subscribe(session["_form"], pays=True)["id"]
        self.tell("checkout.session.completed", session)
        return session

    def fail(self, name: str, *, action: bool = False) -> None:
        """The bank declines, or wants to see him first. Of a subscription Stripe tells nothing before it is paid."""
        session = self._open(name)
        if session["mode"] == "payment":
            intent = self._intent(session)
            session["payment_intent"] = intent["id"]
            if action:
                intent["status"] = "requires_action"
            else:
                intent["last_payment_error"] = {"type": "card_error", "code": "card_declined"}
                self.tell("payment_intent.payment_failed", intent)

    def pay_later(self, name: str) -> None:
        """Agreed to; the money comes in days (`arrive`), or does not."""
        session = self._open(name)
        session |= {"status": "complete", "payment_status": "unpaid"}
        if session["mode"] == "payment":
            intent = self._intent(session)
            intent["status"] = "processing"
            session["payment_intent"] = intent["id"]
        else:
            session["subscription"] = self._subscribe(session["_form"], pays=False)["id"]
        self.tell("checkout.session.completed", session)

    def arrive(self, name: str, *, succeed: bool = True) -> None:
        session = self.objects[name]
        if session["mode"] == "payment":
            intent = self.objects[session["payment_intent"]]
            if succeed:
                self._take(intent)
            else:
                intent |= {"status": "requires_payment_method", "last_payment_error": {"type": "card_error"}}
        else:
            self._attempt(self.objects[self.objects[session["subscription"]]["latest_invoice"]], succeed=succeed)
        session["payment_status"] = "paid" if succeed else "unpaid"
        self.tell(f"checkout.session.async_payment_{'succeeded' if succeed else 'failed'}", session)

    def expire(self, name: str) -> Object:
        session = self.one(name)
        if session["status"] != "open":
            raise RefusedError(400, "checkout_session_not_open")
        session["status"] = "expired"
        self.tell("checkout.session.expired", session)
        return session

    def _open(self, name: str) -> Object:
        session = self.objects[name]
        assert session["status"] == "open"
        return session

    # --- what time and banks do

    def renew(self, name: str, *, succeed: bool = True) -> None:
        """The period is over: the clock goes to an hour after its end."""
        subscription = self.objects[name]
        item = subscription["items"]["data"][0]
        start = item["current_period_end"]
        self.now = start + HOUR
        if subscription["cancel_at_period_end"]:
            return self.end(subscription, start)
        self._next_phase(subscription, start)
        self._period(subscription, start)
        invoice = self._bill(subscription, "subscription_cycle")
        if subscription["pause_collection"] is not None:
            invoice["status"] = "void"
            subscription["status"] = "active"
            return self.tell("customer.subscription.updated", subscription)
        return self._attempt(invoice, succeed=succeed)

    def retry(self, name: str, *, succeed: bool) -> None:
        self._attempt(self.objects[self.objects[name]["latest_invoice"]], succeed=succeed)

    def end(self, subscription: Object, at: int) -> None:
        subscription |= {"status": "canceled", "ended_at": at, "canceled_at": at}
        self.tell("customer.subscription.deleted", subscription)

    def dispute(self, intent: str, amount: int | None = None) -> str:
        paying = self.objects[intent]
        amount = amount or paying["amount"]
        taken = shapes.entry(self.id("txn"), "adjustment", -amount, 1_500, paying["currency"], intent, self.now)
        made = self.add(shapes.dispute(self.id("du"), paying, amount, [taken], self.now))
        self.tell("charge.dispute.created", made)
        return str(made["id"])

    def decide(self, dispute: str, status: str) -> None:
        self.objects[dispute]["status"] = status
        self.tell("charge.dispute.closed", self.objects[dispute])

    def refund_fails(self, refund: str) -> None:
        self.objects[refund]["status"] = "failed"
        self.tell("refund.failed", self.objects[refund])

    def tell_fees(self) -> None:
        """What was captured asynchronously has its balance transaction now."""
        for charge in self.all("charge")["data"]:
            if charge["balance_transaction"] is None:
                charge["balance_transaction"] = self._entry(charge["amount"], charge["currency"])
                self.tell("charge.updated", charge)

    def onboard(self, account: str, *, transfers: str = "active") -> None:
        """The creator has told Stripe about himself; `transfers`: what Stripe lets him."""
        known = self.objects[account]
        known |= {"details_submitted": True, "payouts_enabled": transfers == "active"}
        known["capabilities"]["transfers"] = transfers
        known["requirements"]["disabled_reason"] = None if transfers == "active" else "requirements.past_due"
        self.tell("account.updated", known)
        self.events[-1]["account"] = account

    def reverse(self, transfer: str, part: int | None = None) -> None:
        """So much of it, or all that is left."""
        known = self.objects[transfer]
        back = known["amount"] if part is None else known["amount_reversed"] + part
        known |= {"reversed": back == known["amount"], "amount_reversed": back}
        self.tell("transfer.reversed", known)

    # --- how it hangs together

    def _subscribe(self, form: Object, *, pays: bool) -> Object:
        priced = self.objects[form["line_items"][0]["price"]]
        data = form["subscription_data"]
        customer = self.add(shapes.customer(self.id("cus"), self.now))
        made = {"currency": priced["currency"], "metadata": data["metadata"]}
        subscription = self.add(shapes.subscription(self.id("sub"), made, customer["id"], self.now))
        if coupons := form.get("discounts"):
            subscription["discounts"] = [self.id("di")]
            subscription["_coupon"] = self.one(coupons[0]["coupon"])
            subscription["_discount_began"] = self.now
        trial = int(data.get("trial_period_days", 0)) * DAY
        end = self.now + (trial or SPANS[priced["recurring"]["interval"]])
        item = shapes.item(self.id("si"), subscription["id"], priced, self.now, end)
        subscription["items"]["data"] = [item]
        if trial:
            subscription |= {"status": "trialing", "trial_start": self.now, "trial_end": end}
        invoice = self._bill(subscription, "subscription_create", free=bool(trial))
        if pays:
            self._attempt(invoice, succeed=True)
        else:
            subscription["status"] = "incomplete"
        self.tell("customer.subscription.created", subscription)
        return subscription

    def _period(self, subscription: Object, start: int) -> None:
        item = subscription["items"]["data"][0]
        end = start + SPANS[item["price"]["recurring"]["interval"]]
        item |= {"current_period_start": start, "current_period_end": end}

    def _next_phase(self, subscription: Object, start: int) -> None:
        schedule = self.objects.get(subscription["schedule"] or "")
        if schedule is None:
            return
        following = [phase for phase in schedule["phases"] if phase["start_date"] == start]
        if not following:
            schedule["status"], subscription["schedule"] = "released", None
            return
        if not following[0]["discounts"]:
            subscription["discounts"] = []
            subscription.pop("_coupon", None)
        schedule["current_phase"] = {key: following[0][key] for key in ("start_date", "end_date")}
        subscription["items"]["data"][0]["price"] = self.objects[following[0]["items"][0]["price"]]

    def _bill(self, subscription: Object, reason: str, *, free: bool = False) -> Object:
        """The invoice of the period that has begun."""
        item = subscription["items"]["data"][0]
        amount = 0 if free else item["price"]["unit_amount"]
        off = self._off(subscription, amount)
        span = (item["current_period_start"], item["current_period_end"])
        line = shapes.line(self.id("il"), subscription, item["price"], span, amount, off)
        return self._invoice(subscription, reason, [line], amount - off, off)

    def _off(self, subscription: Object, amount: int) -> int:
        coupon = subscription.get("_coupon")
        if coupon is None or not amount:
            return 0
        if coupon["duration"] == "once":
            subscription["discounts"] = []
            del subscription["_coupon"]
        months = coupon["duration_in_months"]
        if months is not None and self.now >= subscription["_discount_began"] + months * MONTH:
            return 0
        if coupon["percent_off"] is not None:
            off: int = round(amount * coupon["percent_off"] / 100)
            return off
        return min(int(coupon["amount_off"]), amount)

    def tax_of(self, amount: int) -> int:
        return round(amount * self.tax_percent / (100 + (self.tax_percent if self.tax_included else 0)))

    def _invoice(self, subscription: Object, reason: str, lines: list[Object], due: int, off: int = 0) -> Object:
        tax = self.tax_of(due)
        total = self._set_off(subscription, due if self.tax_included else due + tax)
        made = self.add(shapes.invoice(self.id("in"), subscription, reason, lines, total, off, self.now))
        if tax:
            made["total_taxes"] = [shapes.tax(tax, total - tax, included=self.tax_included)]
        subscription["latest_invoice"] = made["id"]
        return made

    def _set_off(self, subscription: Object, total: int) -> int:
        """What is to be paid, against the customer's credit balance; less than nothing is added to that."""
        credit: int = subscription.get("_credit", 0)
        subscription["_credit"] = max(credit - total, 0)
        return max(total - credit, 0)

    def _attempt(self, invoice: Object, *, succeed: bool) -> None:
        details = invoice["parent"]["subscription_details"]
        subscription = self.objects[details["subscription"]]
        invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        if not succeed:
            first = invoice["billing_reason"] == "subscription_create"
            subscription["status"] = "incomplete_expired" if first else "past_due"
            self.tell("invoice.payment_failed", invoice)
        else:
            invoice |= {"status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0}
            invoice["status_transitions"]["paid_at"] = self.now
            if invoice["amount_due"]:
                bag: Object = {}
                intent = self.add(
                    shapes.intent(self.id("pi"), invoice["amount_due"], invoice["currency"], bag, self.now)
                )
                made = self.add(shapes.invoice_payment(self.id("inpay"), invoice, self._take(intent), self.now))
                invoice["payments"]["data"].append(made)
            if invoice["lines"]["data"][0]["amount"]:
                subscription["status"] = "active"
            self.tell("invoice.paid", invoice)
        self.tell("customer.subscription.updated", subscription)

    def _intent(self, session: Object) -> Object:
        bag = session["_form"]["payment_intent_data"]["metadata"]
        known = self.objects.get(session["payment_intent"] or "")
        return known or self.add(
            shapes.intent(self.id("pi"), session["amount_total"], session["currency"], bag, self.now)
        )

    def _take(self, intent: Object) -> Object:
        entry = None if self.fees_late else self._entry(intent["amount"], intent["currency"])
        charge = self.add(shapes.charge(self.id("ch"), intent, entry, self.now))
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
        return intent

    def _entry(self, amount: int, currency: str) -> str:
        settled, rate = self.settles or (currency, None)
        amount = round(amount * (rate or 1))
        fee = (amount * 29 + 500) // 1_000 + 30
        made = self.add(shapes.entry(self.id("txn"), "charge", amount, fee, settled, "", self.now))
        made["exchange_rate"] = rate
        return str(made["id"])

    # --- changes of what runs

    def change(self, subscription: Object, priced: Object, form: Object) -> None:
        item = subscription["items"]["data"][0]
        old, now, end = item["price"], self.now, item["current_period_end"]
        if subscription["status"] == "trialing" or form.get("proration_behavior") == "none":
            item["price"] = priced
            return
        assert form["proration_behavior"] == "always_invoice"
        rest, whole = end - now, end - item["current_period_start"]
        same = old["recurring"]["interval"] == priced["recurring"]["interval"]
        unused = round(old["unit_amount"] * rest / whole)
        asked = round(priced["unit_amount"] * rest / whole) if same else priced["unit_amount"]
        until = end if same else now + SPANS[priced["recurring"]["interval"]]
        due = asked - unused
        if due > 0:
            self.decline(subscription, form)
        credit = shapes.line(self.id("il"), subscription, old, (now, end), -unused)
        item["price"] = priced
        if not same:
            item |= {"current_period_start": now, "current_period_end": until}
        paid = shapes.line(self.id("il"), subscription, priced, (now, until), asked)
        self._attempt(self._invoice(subscription, "subscription_update", [credit, paid], due), succeed=True)

    def begin_anew(self, subscription: Object, form: Object) -> None:
        """The billing cycle begins now."""
        assert form["proration_behavior"] == "none"
        self.decline(subscription, form)
        self._period(subscription, self.now)
        self._attempt(self._bill(subscription, "subscription_update"), succeed=True)

    def decline(self, subscription: Object, form: Object) -> None:
        if subscription["customer"] in self.declining:
            assert form["payment_behavior"] == "error_if_incomplete"
            raise RefusedError(402, "card_declined", "Your card was declined.", "card_error")


def public(made: Any) -> Any:
    """Without what the fake keeps to itself."""
    if isinstance(made, dict):
        return {k: public(v) for k, v in made.items() if not k.startswith("_")}
    return [public(part) for part in made] if isinstance(made, list) else made
