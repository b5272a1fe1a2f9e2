"""Reminders over HTTP: asked for, withdrawn, and what is to be told on the page."""

from __future__ import annotations

from spaces.errors import RequestError
from spaces.room_permit import permit
from spaces.room_rules import Act
from spaces.signaling.answers import ReminderView
from spaces.signaling.endpoint import Call
from spaces.signaling.rest_spaces import SUSPENDED, reminder_view, show_many
from spaces.signaling.schemas_reminders import (
    NewReminder,
    NoticesSeenView,
    NoticeView,
    RemindersView,
    SeenNotices,
    SpaceReminderView,
)

KEPT_OUT = SUSPENDED | {"blocked"}


async def ask(call: Call) -> ReminderView:
    body: NewReminder = call.body
    services = call.services
    record = await services.rooms.record(call.match("space"))
    refused = await services.door.look(record, call.me)
    if refused is not None and refused.code in KEPT_OUT:
        raise refused  # who is only not in yet may be by then
    permit(record, Act.REMIND, call.me.id)
    if body.mail and not services.mail.configured:
        raise RequestError(409, "no_mail", "this server sends no mail: the page will tell you")
    reminder = await services.reminders.ask(record.id, call.me.id, body.mail, services.now())
    return reminder_view(reminder)


async def withdraw(call: Call) -> None:
    record = await call.services.rooms.record(call.match("space"))
    await call.services.reminders.withdraw(record.id, call.me.id, call.services.now())


async def list_mine(call: Call) -> RemindersView:
    services = call.services
    mine = await services.reminders.of_account(call.me.id)
    due = await services.reminders.notices(call.me.id, services.now())
    records = await services.rooms.records(list({one.space for one in mine} | {one.space for one in due}))
    views = {view.id: view for view in await show_many(call, list(records.values()))}
    return RemindersView(
        reminders=[SpaceReminderView(space=views[one.space], reminder=reminder_view(one)) for one in mine],
        notices=[
            NoticeView(
                id=str(one.id), kind=one.kind, at=one.at, starts_at=one.starts_at, was_at=one.was_at,
                space=views[one.space],
            )
            for one in due
        ],
    )  # fmt: skip


async def see(call: Call) -> NoticesSeenView:
    body: SeenNotices = call.body
    which = [int(notice) for notice in body.notices]
    seen = await call.services.reminders.see(call.me.id, which, call.services.now())
    return NoticesSeenView(notices=[str(notice) for notice in seen])
