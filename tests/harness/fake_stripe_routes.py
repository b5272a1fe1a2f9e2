"""Requests that the fake Stripe understands. What it does not know is an error of the test's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tests.harness import fake_stripe_shapes as shapes
from tests.harness.fake_stripe_billing import SPANS, Billing, RefusedError
from tests.harness.fake_stripe_shapes import Object

NAME = "([^/]+)"
Handler = Callable[..., Object]
F = TypeVar("F", bound=Handler)
ROUTES: list[tuple[str, str, Handler]] = []


def route(method: str, pattern: str) -> Callable[[F], F]:
    def add(handler: F) -> F:
        ROUTES.append((method, pattern, handler))
        return handler

    return add


for plural in (
    "prices",
    "checkout/sessions",
    "subscriptions",
    "invoices",
    "payment_intents",
    "charges",
    "transfers",
    "accounts",
    "subscription_schedules",
):
    ROUTES.append(("GET", f"/v1/{plural}/{NAME}", lambda fake, form, name: fake.one(name)))

for kind, plural, field in (
    ("checkout.session", "checkout/sessions", "payment_intent"),
    ("refund", "refunds", "payment_intent"),
    ("dispute", "disputes", "payment_intent"),
    ("transfer", "transfers", "transfer_group"),
):
    ROUTES.append(
        (
            "GET",
            f"/v1/{plural}",
            lambda fake, form, kind=kind, field=field: fake.all(kind, **{field: form[field]}),
        )
    )


@route("GET", "/v1/prices")
def _prices(fake: Billing, form: Object) -> Object:
    return fake.all("price", lookup_key=form["lookup_keys"][0])


@route("POST", "/v1/prices")
def _new_price(fake: Billing, form: Object) -> Object:
    return fake.add(shapes.price(fake.id("price"), form, fake.now))


@route("POST", "/v1/products")
def _new_product(fake: Billing, form: Object) -> Object:
    _refuse_second(fake, form["id"])
    return fake.add(shapes.product(form["id"], form["name"], form.get("metadata", {}), fake.now))


@route("POST", "/v1/coupons")
def _new_coupon(fake: Billing, form: Object) -> Object:
    _refuse_second(fake, form["id"])
    return fake.add(shapes.coupon(form["id"], form, fake.now))


def _refuse_second(fake: Billing, name: str) -> None:
    if name in fake.objects:
        raise RefusedError(400, "resource_already_exists")


@route("POST", "/v1/checkout/sessions")
def _new_session(fake: Billing, form: Object) -> Object:
    first = form["line_items"][0]
    if "price" in first:
        priced = fake.one(first["price"])
        total, currency = priced["unit_amount"], priced["currency"]
    else:
        total = int(first["price_data"]["unit_amount"]) * int(first["quantity"])
        currency = first["price_data"]["currency"]
    for part in form.get("discounts", []):
        fake.one(part["coupon"])
    tax = fake.tax_of(total)
    total += 0 if fake.tax_included else tax
    made = fake.add(shapes.session(fake.id("cs_test"), form, total, currency, fake.now) | {"_form": form})
    made["total_details"]["amount_tax"] = tax
    return made


@route("POST", f"/v1/checkout/sessions/{NAME}/expire")
def _expire(fake: Billing, form: Object, name: str) -> Object:
    return fake.expire(name)


@route("POST", f"/v1/subscriptions/{NAME}")
def _update(fake: Billing, form: Object, name: str) -> Object:
    subscription = fake.one(name)
    by_hand = {"items", "cancel_at_period_end"} & form.keys()
    if subscription["status"] == "canceled" or (by_hand and subscription["schedule"] is not None):
        raise RefusedError(400, "", "It has ended, or is managed by a subscription schedule.")
    if form.get("billing_cycle_anchor", {}).get("type") == "now":
        fake.begin_anew(subscription, form)
    if form.get("discounts") == "":
        subscription["discounts"] = []
        subscription.pop("_coupon", None)
    if "items" in form:
        assert form["items"][0]["id"] == subscription["items"]["data"][0]["id"]
        fake.change(subscription, fake.one(form["items"][0]["price"]), form)
    if "cancel_at_period_end" in form:
        subscription["cancel_at_period_end"] = form["cancel_at_period_end"] == "true"
    if "pause_collection" in form:
        wanted = form["pause_collection"]
        subscription["pause_collection"] = {"behavior": wanted["behavior"], "resumes_at": None} if wanted else None
    subscription["metadata"] |= form.get("metadata", {})
    fake.tell("customer.subscription.updated", subscription)
    return subscription


@route("DELETE", f"/v1/subscriptions/{NAME}")
def _cancel(fake: Billing, form: Object, name: str) -> Object:
    subscription = fake.one(name)
    fake.end(subscription, fake.now)
    return subscription


@route("DELETE", f"/v1/customers/{NAME}")
def _delete_customer(fake: Billing, form: Object, name: str) -> Object:
    fake.one(name)
    for subscription in fake.all("subscription", customer=name)["data"]:
        if subscription["status"] != "canceled":
            fake.end(subscription, fake.now)
    del fake.objects[name]
    return {"id": name, "object": "customer", "deleted": True}


@route("POST", "/v1/subscription_schedules")
def _new_schedule(fake: Billing, form: Object) -> Object:
    assert form.keys() == {"from_subscription"}  # nothing else may be said with it
    subscription = fake.one(form["from_subscription"])
    if subscription["schedule"] is not None:
        raise RefusedError(400, "", "It has a schedule already.")
    item = subscription["items"]["data"][0]
    span = (item["current_period_start"], item["current_period_end"])
    phase = shapes.phase(item["price"]["id"], *span, subscription["discounts"], subscription["trial_end"])
    made = fake.add(shapes.schedule(fake.id("sub_sched"), subscription, [phase], fake.now))
    subscription["schedule"] = made["id"]
    fake.tell("customer.subscription.updated", subscription)
    return made


@route("POST", f"/v1/subscription_schedules/{NAME}")
def _update_schedule(fake: Billing, form: Object, name: str) -> Object:
    schedule = fake.one(name)
    running, *following = form["phases"]
    current = schedule["current_phase"]
    if int(running["start_date"]) != current["start_date"] or int(running["end_date"]) != current["end_date"]:
        raise RefusedError(400, "", "The phase that is under way cannot begin or end at another time.")
    at, phases = current["end_date"], schedule["phases"][:1]
    for wanted in following:
        assert "end_date" not in wanted
        end = at + SPANS[wanted["duration"]["interval"]] * int(wanted["duration"]["interval_count"])
        names = [part["discount"] for part in wanted.get("discounts") or []]
        phases.append(shapes.phase(fake.one(wanted["items"][0]["price"])["id"], at, end, names, None))
        at = end
    schedule["phases"] = phases
    fake.tell("customer.subscription.updated", fake.one(schedule["subscription"]))
    return schedule


@route("POST", f"/v1/subscription_schedules/{NAME}/release")
def _release(fake: Billing, form: Object, name: str) -> Object:
    schedule = fake.one(name)
    if schedule["status"] != "active":
        raise RefusedError(400, "", "It is not active.")
    subscription = fake.one(schedule["subscription"])
    schedule |= {"status": "released", "released_subscription": subscription["id"]}
    subscription["schedule"] = None
    fake.tell("customer.subscription.updated", subscription)
    return schedule


@route("GET", "/v1/invoices")
def _invoices(fake: Billing, form: Object) -> Object:
    found = [
        invoice
        for invoice in fake.all("invoice")["data"]
        if invoice["parent"]["subscription_details"]["subscription"] == form["subscription"]
    ]
    return shapes.page("/v1/invoices", found)


@route("GET", "/v1/invoice_payments")
def _of_intent(fake: Billing, form: Object) -> Object:
    name = form["payment"]["payment_intent"]
    found = [o for o in fake.all("invoice_payment")["data"] if o["payment"]["payment_intent"] == name]
    return shapes.page("/v1/invoice_payments", found)


@route("POST", "/v1/refunds")
def _new_refund(fake: Billing, form: Object) -> Object:
    paying = fake.one(form["payment_intent"])
    charge = fake.objects[paying["latest_charge"]]
    amount = int(form["amount"])
    disputes = fake.all("dispute", payment_intent=paying["id"])["data"]
    if any(fought["status"] == "needs_response" for fought in disputes):
        raise RefusedError(400, "charge_disputed")
    lost = sum(fought["amount"] for fought in disputes if fought["status"] == "lost")
    if amount > charge["amount"] - charge["amount_refunded"] - lost:
        raise RefusedError(400, "amount_too_large")
    charge["amount_refunded"] += amount
    entry = fake.add(shapes.entry(fake.id("txn"), "refund", -amount, 0, paying["currency"], "", fake.now))
    made = fake.add(shapes.refund(fake.id("re"), paying, amount, form.get("metadata", {}), entry["id"], fake.now))
    fake.tell("refund.created", made)
    return made


@route("POST", "/v1/billing_portal/sessions")
def _new_portal(fake: Billing, form: Object) -> Object:
    customer = fake.one(form["customer"])
    return fake.add(shapes.portal(fake.id("bps"), customer["id"], form["return_url"], fake.now))


@route("POST", "/v1/accounts")
def _new_account(fake: Billing, form: Object) -> Object:
    return fake.add(shapes.account(fake.id("acct"), form, fake.now))


@route("POST", "/v1/account_links")
def _new_link(fake: Billing, form: Object) -> Object:
    assert form["type"] == "account_onboarding"
    return shapes.account_link(fake.one(form["account"])["id"], fake.now)


@route("POST", "/v1/transfers")
def _new_transfer(fake: Billing, form: Object) -> Object:
    if fake.one(form["destination"])["capabilities"]["transfers"] != "active":
        raise RefusedError(400, "insufficient_capabilities_for_transfer")
    if fake.balance is not None and int(form["amount"]) > fake.balance:
        raise RefusedError(400, "balance_insufficient")
    made = fake.add(shapes.transfer(fake.id("tr"), form, fake.now))
    fake.tell("transfer.created", made)
    return made


@route("GET", "/v1/balance")
def _balance(fake: Billing, form: Object) -> Object:
    return {"object": "balance", "available": [], "livemode": False, "pending": []}


@route("GET", "/v1/webhook_endpoints")
def _endpoints(fake: Billing, form: Object) -> Object:
    return fake.all("webhook_endpoint")


@route("GET", "/v1/events")
def _events(fake: Billing, form: Object) -> Object:
    assert len(form["types"]) <= 20
    mine = [event for event in fake.events if "account" not in event]  # what connected accounts do is not in the list
    found = [event for event in mine if event["type"] in form["types"]]
    if "ending_before" in form:
        ids = [event["id"] for event in mine]
        if form["ending_before"] not in ids:
            raise RefusedError(404, "resource_missing")
        later = set(ids[ids.index(form["ending_before"]) + 1 :])
        found = [event for event in found if event["id"] in later][: int(form["limit"])]
    if "starting_after" in form:
        found = found[: [event["id"] for event in found].index(form["starting_after"])]
    return shapes.page("/v1/events", found[-int(form["limit"]) :][::-1])
