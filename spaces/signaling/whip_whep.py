"""WHIP (RFC 9725) for speakers and WHEP for listeners: one POST with an SDP offer, one answer."""

from __future__ import annotations

import secrets

from aiohttp import web

from access.errors import TokenError
from spaces.errors import RemoteError, RequestError
from spaces.room_record import Record
from spaces.room_rules import JOINABLE, Kind
from spaces.signaling import sdp
from spaces.signaling.callers import account_of
from spaces.signaling.door import CLIENT_DEFAULT
from spaces.signaling.endpoint import Call, need_content_type, read_whole
from spaces.signaling.messages import IceServer
from spaces.signaling.turn import ice_servers, link_headers

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"


async def post_whip(call: Call) -> web.Response:
    return await _post(call, Kind.WHIP)


async def post_whep(call: Call) -> web.Response:
    return await _post(call, Kind.WHEP)


async def _post(call: Call, kind: Kind) -> web.Response:
    services, space = call.services, call.match("space")
    record = await services.rooms.record(space)
    need_content_type(call.request, SDP_TYPE)
    body = await read_whole(call.request)
    account = await account_of(services, call.request, space)
    try:
        offer = sdp.parse_offer_untrusted(body, sending=kind is Kind.WHEP)
    except RemoteError:
        if refused := await services.door.look(record, account, kind):
            raise refused from None  # who may not come in is told that, whatever the offer
        raise
    client = call.request.query.get("client", CLIENT_DEFAULT)
    async with services.rooms.hold(space) as live:
        entry = await services.door.enter(live, account, kind, client, call.address, edge=call.edge)
        entry.anonymous = call.request.query.get("anonymous") == "1"
        peer, answer = services.sessions.start(entry, offer)
    response = web.Response(status=201, text=answer, content_type=SDP_TYPE)
    response.headers["Location"] = f"/v1/sessions/{entry.id}"
    response.headers["ETag"] = peer.etag
    response.headers["Cache-Control"] = "no-store"
    for link in link_headers(ice_servers(services.config, entry.owner, services.now())):
        response.headers.add("Link", link)
    return response


async def options_whip(call: Call) -> web.Response:
    return await _options(call, Kind.WHIP)


async def options_whep(call: Call) -> web.Response:
    return await _options(call, Kind.WHEP)


async def _options(call: Call, kind: Kind) -> web.Response:
    """What the endpoint takes (RFC 9725 §4.2), and for whoever may come in the TURN servers: some clients want them before
    their offer (§4.6). A CORS preflight is answered before it comes here, without any. RequestError(404)."""
    record = await call.services.rooms.record(call.match("space"))
    response = web.Response(status=204, headers={"Accept-Post": SDP_TYPE, "Allow": "OPTIONS, POST"})
    response.headers["Cache-Control"] = "no-store"
    for link in link_headers(await _servers_before(call, record, kind)):
        response.headers.add("Link", link)
    return response


async def _servers_before(call: Call, record: Record, kind: Kind) -> list[IceServer]:
    """Whoever would be refused, or brings a join token (which an offer uses up), gets none."""
    services = call.services
    if not services.config.turn_urls:
        return []
    try:
        account = await account_of(services, call.request)
        if record.state not in JOINABLE[kind] or await services.door.look(record, account, kind):
            return []
    except (RequestError, TokenError):
        return []
    owner = f"~/{secrets.token_urlsafe(9)}" if account is None else str(account.id)
    return ice_servers(services.config, owner, services.now())


async def delete_session(call: Call) -> None:
    call.services.sessions.leave(call.services.sessions.find(call.match("session"), call.account))


async def patch_session(call: Call) -> web.Response:
    """Candidates are taken and not needed: the server is ICE-lite and learns paths from checks. No ICE restart."""
    need_content_type(call.request, FRAGMENT_TYPE)
    peer = call.services.sessions.find(call.match("session"), call.account)
    if_match = call.request.headers.get("If-Match")
    if if_match is None:
        raise RequestError(428, "etag_missing", "If-Match with the session's ETag (RFC 9725 §4.3.1)")
    if if_match.strip() == "*":
        raise RequestError(
            422, "no_ice_restart", "ICE restarts are not supported: begin a new session", field="If-Match"
        )
    if peer.etag not in (tag.strip().removeprefix("W/") for tag in if_match.split(",")):
        raise RequestError(412, "etag_mismatch", "that ETag is not this session's")
    await read_whole(call.request)
    return web.Response(status=204, headers={"ETag": peer.etag})
