"""Payment providers over HTTP: what they tell."""

from __future__ import annotations

import asyncio

from aiohttp import web

from access.errors import AccessError
from access.stripe_webhooks import BODY_BYTES_MAX
from spaces.errors import RequestError
from spaces.signaling.endpoint import Call

SIGNATURE = "Stripe-Signature"


async def stripe_webhook(call: Call) -> None:
    """204 once the event is written down. The body stays as it came: it is what was signed."""
    services = call.services
    if services.inbox is None:
        raise RequestError(404, "no_stripe", "Stripe is not set up on this server")
    body = await _raw_body(call.request, services.config.body_seconds_max)
    try:
        await services.inbox.receive(body, call.request.headers.get(SIGNATURE))
    except AccessError as error:
        services.metrics.webhooks.labels(outcome=error.code).inc()
        raise
    services.metrics.webhooks.labels(outcome="received").inc()
    services.rights.nudge()


async def _raw_body(request: web.Request, seconds_max: float) -> bytes:
    """Raises RequestError: 408 too slow, 413 too large, 400 broken off."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds_max):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    raise RequestError(413, "too_large", f"an event has at most {BODY_BYTES_MAX} bytes")
    except TimeoutError as error:
        raise RequestError(408, "body_too_slow", f"the body did not come within {seconds_max:g} s") from error
    except (web.RequestPayloadError, ConnectionResetError) as error:
        raise RequestError(400, "body_broken", "the body broke off or cannot be read") from error
    return bytes(body)
