"""What Stripe sends: is it from Stripe and from now, and which object does it speak of? Nothing else is read from it.

The SDK checks the signature over the raw body. It refuses old timestamps and takes any from the future, so the clock is bounded
here, on both sides. https://docs.stripe.com/webhooks#verify-official-libraries
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import stripe

from access.errors import AccessError
from access.stripe_api import moment, ref
from access.stripe_facts import STRIPE

BODY_BYTES_MAX = 262_144
"""An invoice with the most lines that come in an event is a tenth of that."""
CLOCKS_APART_MAX = timedelta(minutes=5)
"""Stripe signs each attempt anew, so only a delivery that is held up on its way is older."""
HEADER_LENGTH_MAX = 2_000
ID_LENGTH_MAX = 255

LISTED = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
    "charge.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "payment_intent.payment_failed",
    "transfer.reversed",
)
"""Event types that may change something here; Stripe lists at most 20 at once."""
FOLLOWED = (*LISTED, "account.updated")
"""And what is told of connected accounts, which is in no list of ours: whoever looks at his account has it fetched."""


@dataclass(frozen=True, slots=True)
class Event:
    """`subject`: the object to look at, of a kind that StripeInbox knows; kind "" is nothing that concerns us."""

    provider: str
    id: str
    type: str
    kind: str
    subject: str
    at: datetime
    body_sha256: str = ""


def read_webhook(body: bytes, signature: str | None, secrets: Sequence[str], *, live: bool, now: datetime) -> Event:
    """Raises AccessError 400: bad_signature, stale_signature, bad_event."""
    header = signature or ""
    if len(header) > HEADER_LENGTH_MAX:
        raise AccessError(400, "bad_signature", "The signature is not Stripe's.")
    event = None
    for secret in secrets:
        try:
            # without its own one-sided check of the clock
            event = stripe.Webhook.construct_event(body, header, secret, tolerance=0, api_key="none")
            break
        except stripe.SignatureVerificationError:
            continue
        except (ValueError, RecursionError, AttributeError, TypeError) as error:
            raise AccessError(400, "bad_event", "The body is not an event of Stripe's.") from error
    if event is None:
        raise AccessError(400, "bad_signature", "The signature is not Stripe's.")
    if abs(_signed_at(header) - now.timestamp()) > CLOCKS_APART_MAX.total_seconds():
        raise AccessError(400, "stale_signature", "The signature is too old or from the future; check the clock.")
    try:
        return read_event(event, live=live, body_sha256=hashlib.sha256(body).hexdigest())
    except (ValueError, AttributeError, TypeError, KeyError, IndexError, OverflowError, OSError) as error:
        raise AccessError(400, "bad_event", "The body is not an event of Stripe's.") from error


def _signed_at(header: str) -> float:
    """Of a header that the SDK has read: its first `t=`."""
    stamps = [part.partition("=")[2] for part in header.split(",") if part.startswith("t=")]
    return float(int(stamps[0])) if stamps and len(stamps[0]) < 20 else float("inf")


def read_event(event: stripe.Event, *, live: bool, body_sha256: str = "") -> Event:
    """Raises ValueError, AttributeError, … for what has not the form of an event."""
    kind, subject = ("", "")
    elsewhere = getattr(event, "account", None) is not None  # of a connected account, whose objects are not ours
    if event.livemode == live and event.type in FOLLOWED and elsewhere == (event.type == "account.updated"):
        kind, subject = _subject(event.type, event.data.object)
    if not 0 < len(event.id) <= ID_LENGTH_MAX or len(subject) > ID_LENGTH_MAX:
        raise ValueError("an id of no possible length")
    return Event(STRIPE, event.id, event.type[:100], kind, subject, moment(event.created), body_sha256)


def _subject(event_type: str, told: Any) -> tuple[str, str]:
    match event_type.split("."):
        case ["checkout", "session", _]:
            return "checkout", str(told.id)
        case ["customer", "subscription", _]:
            return "agreement", str(told.id)
        case ["invoice", _]:
            return "invoice", str(told.id)
        case ["payment_intent", _]:
            return "payment", str(told.id)
        case ["charge", "updated"]:
            return _of_payment(told.payment_intent, told.id)
        case ["charge" | "refund", *_]:
            return _of_payment(told.payment_intent, told.charge)
        case ["account", "updated"]:
            return "payout_account", str(told.id)
        case ["transfer", _]:
            return "transfer", str(told.id)
    return "", ""


def _of_payment(intent: Any, charge: Any) -> tuple[str, str]:
    name = ref(intent)
    if name is not None:
        return "payment", name
    name = ref(charge)
    return ("", "") if name is None else ("charge", name)
