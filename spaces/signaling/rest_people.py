"""One's own account over HTTP: what it is called, where it is signed in, what is stored of it"""

from __future__ import annotations

from aiohttp import web

from spaces.errors import RequestError
from spaces.room_rules import State
from spaces.signaling.answers import MeView
from spaces.signaling.callers import SESSION, session_of, set_cookie
from spaces.signaling.endpoint import Call, json_response
from spaces.signaling.rest_creators import get_me, read_id
from spaces.signaling.schemas_people import (
    CONFIRMATION,
    Deletion,
    ExportView,
    ProfileChanges,
    SessionsView,
    SessionView,
)


async def change_me(call: Call) -> MeView:
    body: ProfileChanges = call.body
    await call.services.access.people.rename(call.me, handle=body.handle, name=body.name)
    return await get_me(call)


async def list_sessions(call: Call) -> SessionsView:
    current = await _current(call)
    found = await call.services.access.people.sessions(call.me)
    return SessionsView(
        sessions=[
            SessionView(
                id=str(one.id),
                current=one.id == current,
                method=one.method,  # type: ignore[arg-type]
                user_agent=one.user_agent,
                client_address=one.client_address,
                created_at=one.created_at,
                last_seen_at=one.last_seen_at,
                expires_at=one.expires_at,
            )
            for one in found
        ]
    )


async def revoke_session(call: Call) -> None:
    await call.services.access.people.revoke(call.me, read_id(call.match("session"), "session"))


async def revoke_other_sessions(call: Call) -> None:
    await call.services.access.people.revoke_others(call.me, await _current(call))


async def export(call: Call) -> ExportView:
    call.services.limiters.exports.take(call.address, call.services.clock())
    return ExportView(**await call.services.access.people.export(call.me))


async def delete_me(call: Call) -> web.Response:
    services, body = call.services, call.body
    assert isinstance(body, Deletion)
    if body.confirm != CONFIRMATION:
        raise RequestError(422, "bad_field", f"confirm: the words “{CONFIRMATION}”", field="confirm")
    if await services.rooms.listed((State.LIVE, State.SCHEDULED), creator=call.me.id):
        raise RequestError(409, "still_live", "a Space of yours is live or scheduled: end or cancel it first")
    await services.access.people.delete(call.me)
    services.talks.erase(call.me.id)
    services.rights.nudge()
    response = json_response(None, 204)
    set_cookie(services, call.request, response, SESSION, "", 0)
    return response


async def _current(call: Call) -> int | None:
    """The session this is asked in; None: by a token."""
    if "Authorization" in call.request.headers:
        return None
    session = await session_of(call.services, call.request)
    return None if session is None else session[1]
