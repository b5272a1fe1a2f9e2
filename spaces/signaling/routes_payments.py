"""The address that the payment provider tells its news to."""

from __future__ import annotations

from spaces.signaling import rest_payments
from spaces.signaling.endpoint import Route

PAYMENTS = [
    Route(
        method="POST", path="/v1/webhooks/stripe", handler=rest_payments.stripe_webhook, status=204,
        summary="What Stripe tells; signed by Stripe", tag="payments", own_token=True, limit="webhooks",
        problems=(400, 404, 413),
    ),
]  # fmt: skip
