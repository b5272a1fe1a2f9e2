"""For operators: is it alive, is it ready, what does it count, what does it speak."""

from __future__ import annotations

import msgspec
from aiohttp import web

from spaces.signaling.answers import HealthView
from spaces.signaling.endpoint import Call


async def healthz(call: Call) -> web.Response:
    """Whether this process does its work: 503 asks for a restart."""
    checks = call.services.health()
    return _health(HealthView(status="ok" if all(checks.values()) else "failing", checks=checks))


async def readyz(call: Call) -> web.Response:
    """Whether to send it anybody new: 503 while it starts, drains or cannot reach the database."""
    checks = {**call.services.health(), "database": call.services.rights.knows}
    state = call.services.state()
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
    return web.Response(
        body=call.services.metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )
