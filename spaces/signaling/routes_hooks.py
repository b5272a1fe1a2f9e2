"""The addresses of webhooks to integrators."""

from __future__ import annotations

from spaces.signaling import rest_hooks
from spaces.signaling import schemas_hooks as schemas
from spaces.signaling.endpoint import Route

ALL = "/v1/webhook-endpoints"
ONE = f"{ALL}/{{endpoint}}"

HOOKS = [
    Route(
        method="POST", path=ALL, handler=rest_hooks.add, tag="webhooks", own_token=True, sign_in=True,
        summary="Have events sent to an address (operators, or the integration itself)",
        body=schemas.NewWebhookEndpoint, answer=schemas.NewWebhookEndpointView, status=201, problems=(403, 409),
    ),
    Route(
        method="GET", path=ALL, handler=rest_hooks.list_all, tag="webhooks", own_token=True, sign_in=True,
        summary="Where events are sent", answer=schemas.WebhookEndpointsView, problems=(403,),
    ),
    Route(
        method="GET", path=ONE, handler=rest_hooks.get, tag="webhooks", own_token=True, sign_in=True,
        summary="One of them", answer=schemas.WebhookEndpointView, problems=(403, 404),
    ),
    Route(
        method="POST", path=f"{ONE}/secret", handler=rest_hooks.rotate, tag="webhooks", own_token=True, sign_in=True,
        summary="A new secret; the one before signs beside it for 24 hours", answer=schemas.NewWebhookEndpointView,
        problems=(403, 404),
    ),
    Route(
        method="POST", path=f"{ONE}/disable", handler=rest_hooks.disable, tag="webhooks", own_token=True, sign_in=True,
        summary="Send nothing there", answer=schemas.WebhookEndpointView, problems=(403, 404),
    ),
    Route(
        method="POST", path=f"{ONE}/enable", handler=rest_hooks.enable, tag="webhooks", own_token=True, sign_in=True,
        summary="Send there again", answer=schemas.WebhookEndpointView, problems=(403, 404),
    ),
    Route(
        method="DELETE", path=ONE, handler=rest_hooks.remove, tag="webhooks", own_token=True, sign_in=True,
        summary="Forget it, with all that waits for it", status=204, problems=(403, 404),
    ),
    Route(
        method="GET", path=f"{ONE}/deliveries", handler=rest_hooks.list_deliveries, tag="webhooks", own_token=True,
        sign_in=True, summary="What became of events", answer=schemas.WebhookDeliveriesView, problems=(403, 404, 422),
        query=(("state", "dead (if left out), waiting or delivered"), ("before", "as the last answer gave it in `next`")),
    ),
    Route(
        method="POST", path=f"{ONE}/redeliver", handler=rest_hooks.redeliver, tag="webhooks", own_token=True,
        sign_in=True, summary="Send one event again, or all that were given up", body=schemas.Redelivery,
        body_optional=True, answer=schemas.RedeliveryView, problems=(403, 404),
    ),
]  # fmt: skip
