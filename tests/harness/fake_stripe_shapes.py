"""Stripe's objects as the fake makes them, with the fields that the SDK of the pinned version declares and we read.

Where each shape is from: the declarations of the SDK (which are generated from Stripe's public OpenAPI description) and the
public API reference, https://docs.stripe.com/api. None was held against what the live Stripe answers.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

METHOD_CARD = "card"


def page(url: str, data: list[Object], *, more: bool = False) -> Object:
    return {"object": "list", "url": url, "has_more": more, "data": data}


def product(ident: str, name: str, bag: Object, now: int) -> Object:
    return {
        "id": ident, "object": "product", "active": True, "created": now, "updated": now, "livemode": False, "name": name,
        "metadata": bag,
    }  # fmt: skip


def price(ident: str, form: Object, now: int) -> Object:
    return {
        "id": ident,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": form["currency"],
        "livemode": False,
        "lookup_key": form.get("lookup_key"),
        "metadata": form.get("metadata", {}),
        "product": form["product"],
        "recurring": {"interval": form["recurring"]["interval"], "interval_count": 1, "usage_type": "licensed"},
        "type": "recurring",
        "unit_amount": int(form["unit_amount"]),
    }


def session(ident: str, form: Object, total: int, currency: str, now: int) -> Object:
    return {
        "id": ident,
        "object": "checkout.session",
        "amount_total": total,
        "cancel_url": form.get("cancel_url"),
        "client_reference_id": form.get("client_reference_id"),
        "created": now,
        "currency": currency,
        "customer": None,
        "expires_at": int(form.get("expires_at", now + 86_400)),
        "invoice": None,
        "livemode": False,
        "metadata": form.get("metadata", {}),
        "mode": form["mode"],
        "payment_intent": None,
        "payment_method_types": [METHOD_CARD],
        "payment_status": "unpaid",
        "status": "open",
        "subscription": None,
        "success_url": form.get("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": f"https://checkout.stripe.invalid/c/pay/{ident}",
    }


def intent(ident: str, amount: int, currency: str, bag: Object, now: int) -> Object:
    return {
        "id": ident,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": 0,
        "capture_method": "automatic_async",
        "created": now,
        "currency": currency,
        "customer": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": bag,
        "payment_method_types": [METHOD_CARD],
        "status": "requires_payment_method",
    }


def charge(ident: str, paying: Object, entry: str | None, now: int) -> Object:
    return {
        "id": ident,
        "object": "charge",
        "amount": paying["amount"],
        "amount_captured": paying["amount"],
        "amount_refunded": 0,
        "balance_transaction": entry,
        "captured": True,
        "created": now,
        "currency": paying["currency"],
        "disputed": False,
        "livemode": False,
        "metadata": paying["metadata"],
        "paid": True,
        "payment_intent": paying["id"],
        "refunded": False,
        "status": "succeeded",
    }


def entry(ident: str, kind: str, amount: int, fee: int, currency: str, source: str, now: int) -> Object:
    return {
        "id": ident, "object": "balance_transaction", "amount": amount, "available_on": now, "created": now,
        "currency": currency, "exchange_rate": None, "fee": fee, "fee_details": [], "net": amount - fee,
        "reporting_category": kind, "source": source, "status": "available", "type": kind,
    }  # fmt: skip


def subscription(ident: str, form: Object, customer: str, now: int) -> Object:
    return {
        "id": ident,
        "object": "subscription",
        "billing_cycle_anchor": now,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": form["currency"],
        "customer": customer,
        "discounts": [],
        "ended_at": None,
        "items": page(f"/v1/subscription_items?subscription={ident}", []),
        "latest_invoice": None,
        "livemode": False,
        "metadata": form.get("metadata", {}),
        "pause_collection": None,
        "schedule": None,
        "start_date": now,
        "status": "active",
        "trial_end": None,
        "trial_start": None,
    }


def item(ident: str, subscription: str, priced: Object, start: int, end: int) -> Object:
    return {
        "id": ident, "object": "subscription_item", "created": start, "current_period_end": end,
        "current_period_start": start, "discounts": [], "metadata": {}, "price": priced, "quantity": 1,
        "subscription": subscription,
    }  # fmt: skip


def invoice(ident: str, subscribed: Object, reason: str, lines: list[Object], due: int, off: int, now: int) -> Object:
    return {
        "id": ident,
        "object": "invoice",
        "amount_due": due,
        "amount_paid": 0,
        "amount_remaining": due,
        "attempt_count": 0,
        "attempted": False,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": subscribed["currency"],
        "customer": subscribed["customer"],
        "discounts": [],
        "lines": page(f"/v1/invoices/{ident}/lines", lines),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"metadata": dict(subscribed["metadata"]), "subscription": subscribed["id"]},
        },
        "payments": page(f"/v1/invoice_payments?invoice={ident}", []),
        "period_end": now,
        "period_start": now,
        "status": "open",
        "status_transitions": {
            "finalized_at": now,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": due + off,
        "total": due,
        "total_taxes": [],
    }


def tax(amount: int, taxable: int, *, included: bool) -> Object:
    return {
        "amount": amount, "tax_behavior": "inclusive" if included else "exclusive", "tax_rate_details": None,
        "taxability_reason": "standard_rated", "taxable_amount": taxable, "type": "tax_rate_details",
    }  # fmt: skip


def line(ident: str, subscribed: Object, priced: Object, span: tuple[int, int], amount: int, off: int = 0) -> Object:
    return {
        "id": ident,
        "object": "line_item",
        "amount": amount,
        "currency": subscribed["currency"],
        "discount_amounts": [{"amount": off, "discount": "di_fake"}] if off else [],
        "discountable": True,
        "discounts": [],
        "livemode": False,
        "metadata": {},
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {
                "proration": amount < 0, "subscription": subscribed["id"],
                "subscription_item": subscribed["items"]["data"][0]["id"],
            },
        },
        "period": {"start": span[0], "end": span[1]},
        "pricing": {
            "type": "price_details",
            "price_details": {"price": priced["id"], "product": priced["product"]},
            "unit_amount_decimal": str(priced["unit_amount"]),
        },
        "quantity": 1,
        "subtotal": amount,
        "taxes": [],
    }  # fmt: skip


def invoice_payment(ident: str, billed: Object, paying: Object, now: int) -> Object:
    return {
        "id": ident, "object": "invoice_payment", "amount_paid": paying["amount"], "amount_requested": paying["amount"],
        "created": now, "currency": billed["currency"], "invoice": billed["id"], "is_default": True, "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": paying["id"]}, "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": now},
    }  # fmt: skip


def refund(ident: str, paying: Object, amount: int, bag: Object, entry: str, now: int) -> Object:
    return {
        "id": ident, "object": "refund", "amount": amount, "balance_transaction": entry, "charge": paying["latest_charge"],
        "created": now, "currency": paying["currency"], "metadata": bag, "payment_intent": paying["id"], "reason": None,
        "status": "succeeded",
    }  # fmt: skip


def dispute(ident: str, paying: Object, amount: int, entries: list[Object], now: int) -> Object:
    return {
        "id": ident, "object": "dispute", "amount": amount, "balance_transactions": entries,
        "charge": paying["latest_charge"], "created": now, "currency": paying["currency"], "is_charge_refundable": False,
        "livemode": False, "metadata": {}, "payment_intent": paying["id"], "reason": "fraudulent",
        "status": "needs_response",
    }  # fmt: skip


def transfer(ident: str, form: Object, now: int) -> Object:
    return {
        "id": ident, "object": "transfer", "amount": int(form["amount"]), "amount_reversed": 0, "created": now,
        "currency": form["currency"], "destination": form["destination"], "livemode": False,
        "metadata": form.get("metadata", {}), "reversals": page(f"/v1/transfers/{ident}/reversals", []),
        "reversed": False, "transfer_group": form.get("transfer_group"),
    }  # fmt: skip


def schedule(ident: str, subscribed: Object, phases: list[Object], now: int) -> Object:
    return {
        "id": ident,
        "object": "subscription_schedule",
        "created": now,
        "current_phase": {"start_date": phases[0]["start_date"], "end_date": phases[0]["end_date"]},
        "customer": subscribed["customer"],
        "end_behavior": "release",
        "livemode": False,
        "metadata": {},
        "phases": phases,
        "released_subscription": None,
        "status": "active",
        "subscription": subscribed["id"],
    }


def phase(priced: str, start: int, end: int, discounts: list[str], trial_end: int | None) -> Object:
    return {
        "add_invoice_items": [], "currency": "usd", "default_tax_rates": [],
        "discounts": [{"coupon": None, "discount": name, "promotion_code": None} for name in discounts],
        "end_date": end, "items": [{"discounts": [], "price": priced, "quantity": 1}], "metadata": {},
        "proration_behavior": "create_prorations", "start_date": start, "trial_end": trial_end,
    }  # fmt: skip


def account(ident: str, form: Object, now: int) -> Object:
    return {
        "id": ident, "object": "account", "capabilities": {"transfers": "inactive"}, "charges_enabled": False,
        "controller": form["controller"] | {"type": "application", "is_controller": True},
        "country": form.get("country", "US"), "created": now, "details_submitted": False,
        "metadata": form["metadata"], "payouts_enabled": False, "requirements": {"disabled_reason": None},
        "type": "express",
    }  # fmt: skip


def account_link(account: str, now: int) -> Object:
    url = f"https://connect.stripe.invalid/setup/e/{account}/{now}"
    return {"object": "account_link", "created": now, "expires_at": now + 300, "url": url}


def customer(ident: str, now: int) -> Object:
    return {"id": ident, "object": "customer", "created": now, "livemode": False, "metadata": {}}


def portal(ident: str, customer: str, back: str, now: int) -> Object:
    return {
        "id": ident, "object": "billing_portal.session", "configuration": "bpc_fake", "created": now,
        "customer": customer, "flow": None, "livemode": False, "locale": None, "on_behalf_of": None,
        "return_url": back, "url": f"https://billing.stripe.invalid/p/session/{ident}",
    }  # fmt: skip


def coupon(ident: str, form: Object, now: int) -> Object:
    percent, months, amount = (form.get(name) for name in ("percent_off", "duration_in_months", "amount_off"))
    return {
        "id": ident, "object": "coupon", "amount_off": None if amount is None else int(amount), "created": now,
        "currency": form.get("currency"), "duration": form["duration"],
        "duration_in_months": None if months is None else int(months), "livemode": False,
        "max_redemptions": None, "metadata": form.get("metadata", {}), "name": form.get("name"),
        "percent_off": None if percent is None else float(percent), "redeem_by": None, "times_redeemed": 0,
        "valid": True,
    }  # fmt: skip


def webhook_endpoint(ident: str, url: str, events: list[str], version: str | None, now: int) -> Object:
    return {
        "id": ident, "object": "webhook_endpoint", "api_version": version, "application": None, "created": now,
        "description": None, "enabled_events": events, "livemode": False, "metadata": {}, "status": "enabled",
        "url": url,
    }  # fmt: skip


def event(ident: str, kind: str, told: Object, now: int) -> Object:
    return {
        "id": ident, "object": "event", "api_version": "2026-10-28.endive", "created": now, "data": {"object": told},
        "livemode": False, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}, "type": kind,
    }  # fmt: skip


def error(kind: str, message: str, **more: Any) -> Object:
    return {"error": {"type": kind, "message": message, **more}}
