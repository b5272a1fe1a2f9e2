"""What a socket may ask around the talk: reactions, the chat, pinned links, captions."""

from __future__ import annotations

from typing import assert_never

from access.model import Account
from spaces.room_commands import PinLink, UnpinLink
from spaces.room_permit import need_account
from spaces.room_record import Pin
from spaces.signaling.live import Entry
from spaces.signaling.messages_talk import (
    CaptionSay,
    CaptionsWanted,
    ChatClear,
    ChatDelete,
    ChatWrite,
    PinAdd,
    PinRemove,
    React,
    TalkRequest,
)
from spaces.signaling.services import Services
from spaces.talk.links import safe_link
from spaces.talk.text import one_line

PIN_TITLE_CHARACTERS_MAX = 100
"""One line on a phone, or two."""


async def do(services: Services, entry: Entry, request: TalkRequest) -> None:
    """Raises what problems.as_request_error knows."""
    talks, live = services.talks, entry.live
    match request:
        case React(reaction=reaction):
            talks.react(entry, reaction)
        case ChatWrite(text=text):
            await talks.write(entry, text)
        case ChatDelete(line=line):
            await talks.delete(live, _me(entry), int(line))
        case ChatClear(account=account):
            await talks.clear(live, _me(entry), int(account))
        case PinAdd(url=url, title=title, place=place):
            await services.door.change(live, PinLink(_me(entry).id, read_pin(url, title), place))
        case PinRemove(url=url):
            await services.door.change(live, UnpinLink(_me(entry).id, url))
        case CaptionsWanted(on=on):
            talks.want_captions(entry, on)
        case CaptionSay(text=text, final=final):
            talks.caption(entry, text, final)
        case _:
            assert_never(request)


def read_pin(url: str, title: str, where: str = "") -> Pin:
    """`where`: what comes before the fields' names in a problem. Raises RequestError(422)."""
    if title.strip():
        title = one_line(title, field=f"{where}title", characters_max=PIN_TITLE_CHARACTERS_MAX)
    return Pin(safe_link(url, field=f"{where}url"), title.strip())


def _me(entry: Entry) -> Account:
    """Raises RequestError(401)."""
    need_account(entry.seat.account)
    assert entry.account is not None
    return entry.account
