"""Reactions, the chat, pinned links and captions over HTTP: for tools of hosts and speakers, and for replays."""

from __future__ import annotations

from spaces.errors import RequestError
from spaces.room_commands import PinLink, SetPins, UnpinLink
from spaces.room_rules import Act
from spaces.signaling.accounts import need_account
from spaces.signaling.answers_talk import CaptionsView, CaptionView, ChatLineView, ChatView, PinsView
from spaces.signaling.endpoint import Call
from spaces.signaling.rest_creators import read_id
from spaces.signaling.rest_spaces import inside, present
from spaces.signaling.schemas_talk import NewCaption, NewLine, NewPinAt, NewPins, NewReaction
from spaces.signaling.talk_requests import read_pin
from spaces.signaling.views import account_view, line_view, pins_view

LINES_AT_ONCE = 100
CAPTIONS_AT_ONCE = 200


async def react(call: Call) -> None:
    body: NewReaction = call.body
    async with present(call, Act.REACT) as entry:
        call.services.talks.react(entry, body.reaction)


async def write(call: Call) -> ChatLineView:
    body: NewLine = call.body
    async with present(call, Act.WRITE) as entry:
        return await call.services.talks.write(entry, body.text)


async def list_lines(call: Call) -> ChatView:
    services, before = call.services, _asked(call, "before")
    async with services.rooms.hold(call.match("space")) as live:
        lines = await services.talks.lines(live, call.account, LINES_AT_ONCE + 1, before)
    accounts = await services.access.accounts({line.account for line in lines})
    more = len(lines) > LINES_AT_ONCE
    shown = lines[1:] if more else lines
    return ChatView(
        lines=[line_view(line, accounts[line.account]) for line in shown],
        before=str(shown[0].id) if more else None,
    )


async def delete_line(call: Call) -> None:
    line = read_id(call.match("line"), "line")
    async with inside(call) as live:
        await call.services.talks.delete(live, call.me, line)


async def clear_lines(call: Call) -> None:
    account = await need_account(call.services.access, call.me, call.match("account"))
    async with inside(call) as live:
        await call.services.talks.clear(live, call.me, account.id)


async def list_pins(call: Call) -> PinsView:
    services = call.services
    async with services.rooms.hold(call.match("space")) as live:
        if (refused := await services.door.look_again(live.room.record, call.account)) is not None:
            raise refused
        return PinsView(pins=pins_view(live.room.record))


async def set_pins(call: Call) -> PinsView:
    body: NewPins = call.body
    pins = tuple(read_pin(pin.url, pin.title, f"pins[{index}].") for index, pin in enumerate(body.pins))
    async with inside(call) as live:
        await call.services.door.change(live, SetPins(call.me.id, pins))
        return PinsView(pins=pins_view(live.room.record))


async def add_pin(call: Call) -> PinsView:
    body: NewPinAt = call.body
    pin = read_pin(body.url, body.title)
    async with inside(call) as live:
        await call.services.door.change(live, PinLink(call.me.id, pin, body.place))
        return PinsView(pins=pins_view(live.room.record))


async def remove_pin(call: Call) -> None:
    async with inside(call) as live:
        await call.services.door.change(live, UnpinLink(call.me.id, call.request.query.get("url", "")))


async def caption(call: Call) -> None:
    body: NewCaption = call.body
    async with present(call, Act.CAPTION) as entry:
        call.services.talks.caption(entry, body.text, body.final)


async def list_captions(call: Call) -> CaptionsView:
    services, after = call.services, _asked(call, "after") or 0
    async with services.rooms.hold(call.match("space")) as live:
        found = await services.talks.captions(live, call.account, CAPTIONS_AT_ONCE + 1, after)
    accounts = await services.access.accounts({caption.account for _, caption in found})
    shown = found[:CAPTIONS_AT_ONCE]
    return CaptionsView(
        captions=[
            CaptionView(
                id=str(number),
                account=account_view(accounts[caption.account], call.account),
                began_at=caption.began_at,
                ended_at=caption.ended_at,
                text=caption.text,
                source=caption.source.value,
            )
            for number, caption in shown
        ],
        after=str(shown[-1][0]) if len(found) > len(shown) else None,
    )


def _asked(call: Call, name: str) -> int | None:
    """Raises RequestError(422)."""
    text = call.request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise RequestError(422, "bad_field", f"{name}: an id", field=name)
    return int(text)
