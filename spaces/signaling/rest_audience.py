"""Who listens, over HTTP."""

from __future__ import annotations

from spaces.signaling.answers import AudienceView
from spaces.signaling.audience import audience
from spaces.signaling.endpoint import Call
from spaces.signaling.rest_creators import read_id
from spaces.signaling.rest_spaces import inside


async def list_audience(call: Call) -> AudienceView:
    after = read_id(call.request.query.get("after", "0"), "after")
    async with inside(call) as live:
        return audience(live, call.me, after)
