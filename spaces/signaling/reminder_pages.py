"""The page that the link in a reminder leads to. Looking changes nothing: a button does, or a mail program's one click."""

from __future__ import annotations

from aiohttp import web

from spaces.errors import RemoteError, RequestError
from spaces.signaling.endpoint import Call, read_whole
from spaces.signaling.mail_pages import bad_link, small_page


async def ask_withdraw(call: Call) -> web.Response:
    _, title, wanted = await _reminder(call)
    if not wanted:
        return small_page(call, "Withdrawn", f"You get no reminder of “{title}”.")
    return small_page(call, "No more reminders?", f"You will be told nothing more of “{title}”.", "Withdraw")


async def withdraw(call: Call) -> web.Response:
    """Idempotent."""
    (reminder, account), title, _ = await _reminder(call)
    await read_whole(call.request)
    await call.services.reminders.withdraw_by_id(reminder, account, call.services.now())
    return small_page(call, "Withdrawn", f"You get no reminder of “{title}”.")


async def _reminder(call: Call) -> tuple[tuple[int, int], str, bool]:
    try:
        reminder, account = call.services.links.read_withdraw_untrusted(call.match("token"))
    except RemoteError as error:
        raise bad_link(error) from error
    found = await call.services.reminders.find(reminder, account)
    if found is None:
        raise RequestError(404, "unknown_link", "this reminder is not there any more")
    space, wanted = found
    return (reminder, account), (await call.services.rooms.record(space)).title, wanted
