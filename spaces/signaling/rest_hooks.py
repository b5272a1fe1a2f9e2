"""Webhooks to integrators over HTTP: by an operator, or by an integration with a token of its own (`aud`, no `sub`)."""

from __future__ import annotations

from access.hook_model import Delivery, Endpoint
from access.tokens import is_integration_token_untrusted
from spaces.errors import RequestError
from spaces.hooks.target import check_url
from spaces.signaling.callers import account_of, bearer_token
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.operator_right import need_operator
from spaces.signaling.rest_creators import read_id
from spaces.signaling.schemas_hooks import (
    NewWebhookEndpoint,
    NewWebhookEndpointView,
    Redelivery,
    RedeliveryView,
    WebhookDeliveriesView,
    WebhookDeliveryView,
    WebhookEndpointsView,
    WebhookEndpointView,
)

STATES = ("waiting", "delivered", "dead")
Caller = tuple[int | None, int | None]
"""The integration that asks and the account: one of them."""


async def add(call: Call) -> Answer:
    body: NewWebhookEndpoint = call.body
    owner, actor = await _caller(call)
    if owner is not None and body.integration is not None:
        raise RequestError(422, "bad_field", "integration: only an operator names one", field="integration")
    url = check_url(body.url, call.services.hooks.networks)
    made, secret = await call.services.access.hooks.add(
        owner, actor, url=url, integration=body.integration, kinds=body.kinds, description=body.description
    )
    return Answer(NewWebhookEndpointView(endpoint=_endpoint(made), secret=secret), 201)


async def list_all(call: Call) -> WebhookEndpointsView:
    owner, _ = await _caller(call)
    return WebhookEndpointsView(endpoints=[_endpoint(one) for one in await call.services.access.hooks.endpoints(owner)])


async def get(call: Call) -> WebhookEndpointView:
    owner, _ = await _caller(call)
    return _endpoint(await call.services.access.hooks.endpoint(owner, _id(call)))


async def rotate(call: Call) -> NewWebhookEndpointView:
    owner, actor = await _caller(call)
    endpoint, secret = await call.services.access.hooks.rotate(owner, actor, _id(call))
    return NewWebhookEndpointView(endpoint=_endpoint(endpoint), secret=secret)


async def disable(call: Call) -> WebhookEndpointView:
    owner, actor = await _caller(call)
    return _endpoint(await call.services.access.hooks.set_enabled(owner, actor, _id(call), False))


async def enable(call: Call) -> WebhookEndpointView:
    owner, actor = await _caller(call)
    enabled = _endpoint(await call.services.access.hooks.set_enabled(owner, actor, _id(call), True))
    call.services.hooks.nudge()
    return enabled


async def remove(call: Call) -> None:
    owner, actor = await _caller(call)
    await call.services.access.hooks.remove(owner, actor, _id(call))


async def list_deliveries(call: Call) -> WebhookDeliveriesView:
    owner, _ = await _caller(call)
    state = call.request.query.get("state", "dead")
    if state not in STATES:
        raise RequestError(422, "bad_field", f"state: one of {', '.join(STATES)}", field="state")
    before = call.request.query.get("before")
    found, following = await call.services.access.hooks.deliveries(
        owner, _id(call), state, None if before is None else read_id(before, "before")
    )
    return WebhookDeliveriesView(
        deliveries=[_delivery(one) for one in found], next=None if following is None else str(following)
    )


async def redeliver(call: Call) -> RedeliveryView:
    body: Redelivery = call.body
    owner, actor = await _caller(call)
    count = await call.services.access.hooks.redeliver(owner, actor, _id(call), body.id)
    call.services.hooks.nudge()
    return RedeliveryView(redelivered=count)


async def _caller(call: Call) -> Caller:
    """Raises RequestError(401 | 403), TokenError."""
    token = bearer_token(call.request)
    if token is not None and is_integration_token_untrusted(token):
        return await call.services.access.integration_of(token), None
    account = await account_of(call.services, call.request)
    if account is None:
        raise RequestError(401, "not_signed_in", "this needs an operator, or a token of the integration itself")
    await need_operator(call.services, account)
    return None, account.id


def _id(call: Call) -> int:
    return read_id(call.match("endpoint"), "endpoint")


def _endpoint(endpoint: Endpoint) -> WebhookEndpointView:
    return WebhookEndpointView(
        id=str(endpoint.id),
        url=endpoint.url,
        kinds=list(endpoint.kinds),
        description=endpoint.description,
        integration=endpoint.integration,
        created_at=endpoint.created_at,
        disabled_at=endpoint.disabled_at,
        disabled_why=endpoint.disabled_why,  # type: ignore[arg-type]
        failing_since=endpoint.failing_since,
        last_error=endpoint.last_error,
        waiting=endpoint.waiting,
        dead=endpoint.dead,
    )


def _delivery(delivery: Delivery) -> WebhookDeliveryView:
    return WebhookDeliveryView(
        id=delivery.id,
        kind=delivery.kind,
        space=delivery.space,
        state=delivery.state,  # type: ignore[arg-type]
        attempts=delivery.attempts,
        created_at=delivery.created_at,
        give_up_at=delivery.give_up_at,
        last_at=delivery.last_at,
        last_status=delivery.last_status,
        last_error=delivery.last_error,
        done_at=delivery.done_at,
    )
