"""What the nodes of one server ask of each other."""

from __future__ import annotations

from aiohttp import web

from spaces.errors import RequestError
from spaces.signaling.endpoint import Call
from spaces.signaling.node_stamp import SENDER
from spaces.signaling.remote_media import LINK_BYTES_MAX, LINK_HEARTBEAT_SECONDS


async def link(call: Call) -> web.WebSocketResponse:
    """Another node has listeners of Spaces here: what is said of their media. RequestError(403 | 426)."""
    sender = call.request.get(SENDER)
    if sender is None:
        raise RequestError(403, "bad_stamp", "this is for nodes of this server alone")
    socket = web.WebSocketResponse(heartbeat=LINK_HEARTBEAT_SECONDS, max_msg_size=LINK_BYTES_MAX, compress=False)
    if not socket.can_prepare(call.request):
        raise RequestError(426, "no_websocket", "this address speaks WebSocket")
    await socket.prepare(call.request)
    await call.services.planes.serve(sender.node, socket)
    return socket
