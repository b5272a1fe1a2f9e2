"""For operators: is it alive, is it ready, what does it count, what does it speak."""

from __future__ import annotations

import hmac

import msgspec
from aiohttp import hdrs, web

from spaces.errors import RequestError
from spaces.signaling.answers import HealthView
from spaces.signaling.callers import bearer_token
from spaces.signaling.client_address import caller, is_trusted, read_networks
from spaces.signaling.endpoint import Call

LOOPBACK = read_networks(("127.0.0.0/8", "::1/128"))
FORWARDED = (hdrs.X_FORWARDED_FOR, hdrs.FORWARDED, hdrs.VIA)
"""What proxies add to requests that they pass on."""


async def healthz(call: Call) -> web.Response:
    """Whether this process does its work: 503 asks for a restart."""
    checks = call.services.health()
    return _health(HealthView(status="ok" if all(checks.values()) else "failing", checks=checks))


async def readyz(call: Call) -> web.Response:
    """Whether to send it anybody new: 503 while it starts, drains or cannot reach the database."""
    checks = {**call.services.health(), "database": call.services.rights.knows}
    state = call.services.state()
    if state == "leaving":
        state = "draining"
    failing = state == "ok" and not all(checks.values())
    return _health(HealthView(status="failing" if failing else state, checks=checks))


def _health(view: HealthView) -> web.Response:
    return web.Response(
        status=200 if view.status == "ok" else 503,
        body=msgspec.json.encode(view),
        content_type="application/json",
        headers={"Cache-Control": "no-store"} | ({} if view.status == "ok" else {"Retry-After": "2"}),
    )


async def metrics(call: Call) -> web.Response:
    """RequestError(401) without the token that the operator has set; RequestError(403) from elsewhere if he has set none."""
    if not _may_read_metrics(call):
        if call.services.config.metrics_token:
            raise RequestError(401, "metrics_token", "the metrics ask for their own bearer token")
        raise RequestError(403, "metrics_private", "the metrics are for this server's own machine and networks")
    return web.Response(
        body=call.services.metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


def _may_read_metrics(call: Call) -> bool:
    services, request = call.services, call.request
    forwarded = request.headers.getall(hdrs.X_FORWARDED_FOR, [])
    address = caller(request.remote, forwarded, services.trusted_proxies)
    if is_trusted(address, services.metrics_networks):
        return True
    if token := services.config.metrics_token:
        return hmac.compare_digest((bearer_token(request) or "").encode(), token.encode())
    if not is_trusted(request.remote, services.trusted_proxies) and any(name in request.headers for name in FORWARDED):
        return False  # from a proxy on this machine that we were not told of: it speaks for anybody
    return is_trusted(address, LOOPBACK)
