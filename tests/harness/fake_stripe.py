"""A stand-in for Stripe over real HTTP: what the SDK needs for checkouts, subscriptions, refunds and events.

Shapes: see fake_stripe_shapes.py. How it behaves is from Stripe's public reference; none of it was held against the live
Stripe. It signs webhooks as Stripe does and honours idempotency keys; it knows nothing of taxes and settlement currencies.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import itertools
import json
import random
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.harness import fake_stripe_shapes as shapes
from tests.harness.fake_stripe_shapes import Object

SECRET_KEY = "sk_test_fakefakefake"
WEBHOOK_SECRET = "whsec_fakefakefake"
VERSION = "2026-10-28.endive"
HOUR, DAY = 3_600, 86_400
MONTH = 30 * DAY
"""This Stripe's months are all alike."""


class RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str = "", kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status, self.body = status, shapes.error(kind, message or code, code=code)


class FakeStripe:
    def __init__(self, now: int) -> None:
        self.now = now
        self.objects: dict[str, Object] = {}
        self.events: list[Object] = []
        self.requests: list[tuple[str, str]] = []
        self.away: list[str] = []
        """For each of the next writes: `before` it is done, or `after`, the connection breaks."""
        self._kept: dict[str, tuple[str, int, Object]] = {}
        self._numbers = itertools.count(1)

    # --- what the payer and the bank do

    def pay(self, name: str) -> Object:
        session = self.objects[name]
        assert session["status"] == "open"
        form = session["_form"]
        session |= {"status": "complete", "payment_status": "paid"}
        if session["mode"] == "payment":
            data = form["payment_intent_data"]
            intent = self._charged(session["amount_total"], session["currency"], data["metadata"])
            session["payment_intent"] = intent["id"]
        else:
            session["subscription"] = self._subscribe(form)["id"]
        self.tell("checkout.session.completed", session)
        return session

    def renew(self, name: str, *, succeed: bool = True) -> None:
        """The period is over: the clock goes to an hour after its end."""
        subscription = self.objects[name]
        item = subscription["items"]["data"][0]
        start = item["current_period_end"]
        self.now = start + HOUR
        if subscription["cancel_at_period_end"]:
            return self.end(subscription, start)
        item |= {"current_period_start": start, "current_period_end": start + MONTH}
        amount = item["price"]["unit_amount"]
        line = shapes.line(self.id("il"), subscription, item["price"], (start, start + MONTH), amount)
        invoice = self._invoice(subscription, "subscription_cycle", [line], amount)
        self._attempt(invoice, succeed=succeed)
        return None

    def retry(self, name: str, *, succeed: bool) -> None:
        self._attempt(self.objects[self.objects[name]["latest_invoice"]], succeed=succeed)

    def end(self, subscription: Object, at: int) -> None:
        subscription |= {"status": "canceled", "ended_at": at, "canceled_at": at}
        self.tell("customer.subscription.deleted", subscription)

    def dispute(self, intent: str) -> str:
        paying = self.objects[intent]
        taken = shapes.entry(
            self.id("txn"), "adjustment", -paying["amount"], 1_500, paying["currency"], intent, self.now
        )
        made = self.add(shapes.dispute(self.id("du"), paying, [taken], self.now))
        self.tell("charge.dispute.created", made)
        return str(made["id"])

    def decide(self, dispute: str, status: str) -> None:
        self.objects[dispute]["status"] = status
        self.tell("charge.dispute.closed", self.objects[dispute])

    # --- how it hangs together

    def id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers):08d}"

    def add(self, made: Object) -> Object:
        self.objects[made["id"]] = made
        return made

    def tell(self, kind: str, told: Object) -> None:
        self.events.append(shapes.event(self.id("evt"), kind, public(copy.deepcopy(told)), self.now))

    def _subscribe(self, form: Object) -> Object:
        priced = self.objects[form["line_items"][0]["price"]]
        data = form["subscription_data"]
        made = {"currency": priced["currency"], "metadata": data["metadata"]}
        subscription = self.add(shapes.subscription(self.id("sub"), made, self.id("cus"), self.now))
        trial = int(data.get("trial_period_days", 0)) * DAY
        end = self.now + (trial or MONTH)
        item = shapes.item(self.id("si"), subscription["id"], priced, self.now, end)
        subscription["items"]["data"] = [item]
        amount = 0 if trial else priced["unit_amount"]
        if trial:
            subscription |= {"status": "trialing", "trial_start": self.now, "trial_end": end}
        line = shapes.line(self.id("il"), subscription, priced, (self.now, end), amount)
        self._attempt(self._invoice(subscription, "subscription_create", [line], amount), succeed=True)
        self.tell("customer.subscription.created", subscription)
        return subscription

    def _invoice(self, subscription: Object, reason: str, lines: list[Object], due: int) -> Object:
        made = self.add(shapes.invoice(self.id("in"), subscription, reason, lines, due, 0, self.now))
        subscription["latest_invoice"] = made["id"]
        return made

    def _attempt(self, invoice: Object, *, succeed: bool) -> None:
        details = invoice["parent"]["subscription_details"]
        subscription = self.objects[details["subscription"]]
        invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        if not succeed:
            subscription["status"] = "past_due"
            self.tell("invoice.payment_failed", invoice)
        else:
            invoice |= {"status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0}
            invoice["status_transitions"]["paid_at"] = self.now
            if invoice["amount_due"]:
                intent = self._charged(invoice["amount_due"], invoice["currency"], {})
                made = self.add(shapes.invoice_payment(self.id("inpay"), invoice, intent, self.now))
                invoice["payments"]["data"].append(made)
            if invoice["amount_due"]:
                subscription["status"] = "active"
            self.tell("invoice.paid", invoice)
        self.tell("customer.subscription.updated", subscription)

    def _charged(self, amount: int, currency: str, bag: Object) -> Object:
        intent = self.add(shapes.intent(self.id("pi"), amount, currency, bag, self.now))
        fee = (amount * 29 + 500) // 1_000 + 30
        entry = self.add(shapes.entry(self.id("txn"), "charge", amount, fee, currency, "", self.now))
        charge = self.add(shapes.charge(self.id("ch"), intent, entry["id"], self.now))
        return intent | {"_": intent.update(status="succeeded", amount_received=amount, latest_charge=charge["id"])}

    # --- requests

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path, body = request.path, await request.text()
        form = nested(parse_qsl(body, keep_blank_values=True) or list(request.query.items()))
        if request.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            return web.json_response(shapes.error("invalid_request_error", "Invalid API Key"), status=401)
        assert request.headers["Stripe-Version"] == VERSION
        self.requests.append((request.method, path))
        fault = self.away.pop(0) if self.away and request.method == "POST" else ""
        if fault == "before":
            return broken(request)
        status, answer = self._answer(request, path, form, body)
        if fault == "after":
            return broken(request)
        return web.json_response(answer, status=status, headers={"Request-Id": self.id("req")})

    def _answer(self, request: web.Request, path: str, form: Object, body: str) -> tuple[int, Object]:
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        asked = f"{path} {body}"
        if key is not None and key in self._kept:
            before, status, answer = self._kept[key]
            if before != asked:
                return 400, shapes.error("idempotency_error", "Keys are for one request only.")
            return status, answer
        for method, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, path)
            if method == request.method and found:
                try:
                    made = handler(self, form, *found.groups())
                    answer = public(self._expanded(copy.deepcopy(made), form.get("expand", [])))
                    status = 200
                except RefusedError as refusal:
                    status, answer = refusal.status, refusal.body
                if key is not None:
                    self._kept[key] = asked, status, answer
                return status, answer
        raise AssertionError(f"the fake does not know {request.method} {path}")

    def _expanded(self, made: Object, wanted: list[str]) -> Object:
        for text in wanted:
            self._expand(made, text.split("."))
        return made

    def _expand(self, at: Any, path: list[str]) -> None:
        for part in at if isinstance(at, list) else [at]:
            if not path or part is None or part.get(path[0]) is None:
                continue
            if isinstance(part[path[0]], str):
                part[path[0]] = copy.deepcopy(self.objects[part[path[0]]])
            self._expand(part[path[0]], path[1:])

    def one(self, name: str) -> Object:
        if name not in self.objects:
            raise RefusedError(404, "resource_missing", f"No such object: '{name}'")
        return self.objects[name]

    def all(self, kind: str, **same: Any) -> Object:
        found = [
            o for o in self.objects.values() if o["object"] == kind and all(o.get(k) == v for k, v in same.items())
        ]
        return shapes.page(f"/v1/{kind}", found[::-1])


def broken(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def public(made: Any) -> Any:
    """Without what the fake keeps to itself."""
    if isinstance(made, dict):
        return {k: public(v) for k, v in made.items() if not k.startswith("_")}
    return [public(part) for part in made] if isinstance(made, list) else made


def nested(pairs: list[tuple[str, str]]) -> Object:
    """`a[b][0][c]=d` as {a: {b: [{c: d}]}}."""
    root: Object = {}
    for name, value in pairs:
        at, keys = root, re.findall(r"[^\[\]]+", name)
        for key in keys[:-1]:
            at = at.setdefault(key, {})
        at[keys[-1]] = value
    return _lists(root)  # type: ignore[no-any-return]


def _lists(at: Any) -> Any:
    if not isinstance(at, dict):
        return at
    if at and all(key.isdecimal() for key in at):
        return [_lists(at[key]) for key in sorted(at, key=int)]
    return {key: _lists(value) for key, value in at.items()}


def _new_product(fake: FakeStripe, form: Object) -> Object:
    if form["id"] in fake.objects:
        raise RefusedError(400, "resource_already_exists")
    return fake.add(shapes.product(form["id"], form["name"], form.get("metadata", {}), fake.now))


def _new_session(fake: FakeStripe, form: Object) -> Object:
    first = form["line_items"][0]
    if "price" in first:
        priced = fake.one(first["price"])
        total, currency = priced["unit_amount"], priced["currency"]
    else:
        total = int(first["price_data"]["unit_amount"]) * int(first["quantity"])
        currency = first["price_data"]["currency"]
    return fake.add(shapes.session(fake.id("cs_test"), form, total, currency, fake.now) | {"_form": form})


def _expire(fake: FakeStripe, form: Object, name: str) -> Object:
    session = fake.one(name)
    if session["status"] != "open":
        raise RefusedError(400, "checkout_session_not_open")
    session["status"] = "expired"
    fake.tell("checkout.session.expired", session)
    return session


def _update(fake: FakeStripe, form: Object, name: str) -> Object:
    subscription = fake.one(name)
    if "cancel_at_period_end" in form:
        subscription["cancel_at_period_end"] = form["cancel_at_period_end"] == "true"
    fake.tell("customer.subscription.updated", subscription)
    return subscription


def _cancel(fake: FakeStripe, form: Object, name: str) -> Object:
    subscription = fake.one(name)
    fake.end(subscription, fake.now)
    return subscription


def _new_refund(fake: FakeStripe, form: Object) -> Object:
    paying = fake.one(form["payment_intent"])
    charge = fake.objects[paying["latest_charge"]]
    amount = int(form["amount"])
    if amount > charge["amount"] - charge["amount_refunded"]:
        raise RefusedError(400, "amount_too_large")
    charge["amount_refunded"] += amount
    entry = fake.add(shapes.entry(fake.id("txn"), "refund", -amount, 0, paying["currency"], "", fake.now))
    made = fake.add(shapes.refund(fake.id("re"), paying, amount, form.get("metadata", {}), entry["id"], fake.now))
    fake.tell("refund.created", made)
    return made


def _of_intent(fake: FakeStripe, form: Object) -> Object:
    name = form["payment"]["payment_intent"]
    found = [o for o in fake.all("invoice_payment")["data"] if o["payment"]["payment_intent"] == name]
    return shapes.page("/v1/invoice_payments", found)


def _events(fake: FakeStripe, form: Object) -> Object:
    found = [event for event in fake.events if event["type"] in form["types"]]
    if "ending_before" in form:
        ids = [event["id"] for event in fake.events]
        if form["ending_before"] not in ids:
            raise RefusedError(404, "resource_missing")
        later = set(ids[ids.index(form["ending_before"]) + 1 :])
        found = [event for event in found if event["id"] in later][: int(form["limit"])]
    return shapes.page("/v1/events", found[-int(form["limit"]) :][::-1])


NAME = "([^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Object]]] = [
    ("POST", "/v1/products", _new_product),
    ("GET", "/v1/prices", lambda f, form: f.all("price", lookup_key=form["lookup_keys"][0])),
    ("POST", "/v1/prices", lambda f, form: f.add(shapes.price(f.id("price"), form, f.now))),
    ("GET", f"/v1/prices/{NAME}", lambda f, form, name: f.one(name)),
    ("POST", "/v1/checkout/sessions", _new_session),
    ("GET", "/v1/checkout/sessions", lambda f, form: f.all("checkout.session", payment_intent=form["payment_intent"])),
    ("GET", f"/v1/checkout/sessions/{NAME}", lambda f, form, name: f.one(name)),
    ("POST", f"/v1/checkout/sessions/{NAME}/expire", _expire),
    ("GET", f"/v1/subscriptions/{NAME}", lambda f, form, name: f.one(name)),
    ("POST", f"/v1/subscriptions/{NAME}", _update),
    ("DELETE", f"/v1/subscriptions/{NAME}", _cancel),
    ("GET", "/v1/invoices", lambda f, form: shapes.page("/v1/invoices", [
        o for o in f.all("invoice")["data"] if o["parent"]["subscription_details"]["subscription"] == form["subscription"]
    ])),
    ("GET", f"/v1/invoices/{NAME}", lambda f, form, name: f.one(name)),
    ("GET", "/v1/invoice_payments", _of_intent),
    ("GET", f"/v1/payment_intents/{NAME}", lambda f, form, name: f.one(name)),
    ("GET", f"/v1/charges/{NAME}", lambda f, form, name: f.one(name)),
    ("GET", "/v1/refunds", lambda f, form: f.all("refund", payment_intent=form["payment_intent"])),
    ("POST", "/v1/refunds", _new_refund),
    ("GET", "/v1/disputes", lambda f, form: f.all("dispute", payment_intent=form["payment_intent"])),
    ("GET", "/v1/events", _events),
]  # fmt: skip


def signature(body: bytes, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    stamp = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def deliveries(events: list[Object], seed: int) -> list[bytes]:
    """Each event once or twice, in any order."""
    chance = random.Random(seed)
    bodies = [json.dumps(event).encode() for event in events for _ in range(chance.choice((1, 1, 2)))]
    chance.shuffle(bodies)
    return bodies


@asynccontextmanager
async def fake_stripe(now: int) -> AsyncIterator[tuple[FakeStripe, str]]:
    """The fake and its address."""
    fake = FakeStripe(now)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield fake, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
