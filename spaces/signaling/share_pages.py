"""The page of a Space and of a creator as it looks where its link is shared: Open Graph's tags in its head, and a picture.

Whoever reads them is nobody in particular: nothing is in them that `GET /v1/spaces/{id}` does not tell without a token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import astuple, replace
from html import escape
from typing import Literal, TypeVar

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from access.errors import AccessError
from spaces import time_zones
from spaces.errors import RequestError
from spaces.room_record import Record
from spaces.room_rules import State
from spaces.schedule import clock_time
from spaces.share_card.draw import HEIGHT, WIDTH, Card
from spaces.signaling import first_view
from spaces.signaling.callers import account_of
from spaces.signaling.endpoint import Call
from spaces.signaling.pages import language_of, page_response, page_text, plain_page
from spaces.signaling.rest_spaces import public_record, show

BAR = ('<header class="bar">', "</header>")
MAIN = ('<main id="main" tabindex="-1">', "</main>")
TITLE, HEAD_END = "<title>Spaces</title>", "</head>"
PICTURE_SECONDS = 3_600
ACCESS = {
    "open": "Open to everyone",
    "members": "For people who are signed in",
    "subscribers": "For Super Followers",
    "ticketed": "With a ticket",
    "community": "For the community",
    "invite": "By invitation",
}
KINDS = {"person": "Creator", "publication": "Publication"}
Found = TypeVar("Found")
TONES: dict[State, Literal["live", "calm", "over"]] = {State.LIVE: "live", State.SCHEDULED: "calm"}


async def get_space_page(call: Call) -> web.StreamResponse:
    """With its first view, for whoever would be let in to listen."""
    path = f"/s/{call.match('space')}"
    card = await _or_none(call, _space_card)
    if card is None:
        return plain_page(call.request)
    drawn = await _or_none(call, _first_view)
    if drawn is None:
        return _page(call, card, path)
    text = page_text(call.request, drawn=True)
    for place, inside in zip((BAR, MAIN), drawn, strict=True):
        before, after = place
        assert before + after in text
        text = text.replace(before + after, before + inside + after)
    return page_response(call.request, _with_tags(text, card, call.services.url(), path), private=True)


async def get_creator_page(call: Call) -> web.StreamResponse:
    card = await _or_none(call, _creator_card)
    return plain_page(call.request) if card is None else _page(call, card, f"/@{card.handle}")


async def get_space_picture(call: Call) -> web.Response:
    return await _picture(call, await _space_card(call))


async def get_creator_picture(call: Call) -> web.Response:
    return await _picture(call, await _creator_card(call))


async def _space_card(call: Call) -> Card:
    record = await public_record(call)
    creator = (await call.services.access.accounts([record.creator]))[record.creator]
    note = " · ".join(dict.fromkeys(ACCESS.get(rule.policy, "") for rule in record.access))
    return Card(record.title, _mark(record), TONES.get(record.state, "over"), creator.name, creator.handle, note)


async def _first_view(call: Call) -> tuple[str, str] | None:
    """The inside of the page's bar and of its `main`, as whoever asks would see them. None: the page draws it itself."""
    account = await account_of(call.services, call.request)
    record = await public_record(call)
    if call.services.rooms.get(record.id) is None:
        return None  # another node knows who is there
    space = await show(replace(call, account=account), record)
    if not first_view.can_be_drawn(space):
        return None
    language = language_of(call.request)
    return first_view.bar(language, None if account is None else account.name), first_view.main(space, language)


async def _creator_card(call: Call) -> Card:
    creator = await call.services.access.creator(call.match("handle"))
    if await call.services.access.operators.creator_kept_back(creator.id):
        raise RequestError(403, "creator_suspended", "this creator is suspended")
    return Card(
        creator.name, KINDS[creator.kind], "calm", creator.name, creator.handle, "Live audio, and what is coming"
    )


def _mark(record: Record) -> str:
    if record.state is not State.SCHEDULED:
        return {State.LIVE: "Live now", State.ENDED: "Ended"}.get(record.state, "Cancelled")
    if record.scheduled_start is None:
        return "Planned"
    return clock_time(record.scheduled_start, None if record.time_zone is None else time_zones.zone(record.time_zone))


async def _or_none(call: Call, what: Callable[[Call], Awaitable[Found | None]]) -> Found | None:
    """The page itself says what is wrong."""
    try:
        return await what(call)
    except (RequestError, AccessError, SQLAlchemyError, OSError, KeyError):
        return None


def _page(call: Call, card: Card, path: str) -> web.Response:
    return page_response(call.request, _with_tags(page_text(call.request), card, call.services.url(), path))


def _with_tags(page: str, card: Card, url: str, path: str) -> str:
    version = hashlib.sha256(repr(astuple(card)).encode()).hexdigest()[:12]
    picture = f"{url}{path}/card.png?v={version}"
    about = (
        f"{card.mark} · {card.creator} · {card.note}" if card.title != card.creator else f"{card.mark} · {card.note}"
    )
    tags = [
        _tag("name", "description", about),
        f'<link rel="canonical" href="{escape(url + path)}">',
        *_calendar(card, path),
        *(
            _tag("property", f"og:{name}", text)
            for name, text in (
                ("type", "website"), ("site_name", "Spaces"), ("title", card.title), ("description", about),
                ("url", url + path), ("image", picture), ("image:type", "image/png"), ("image:width", str(WIDTH)),
                ("image:height", str(HEIGHT)), ("image:alt", f"{card.title}: {about}"),
            )
        ),
        *(
            _tag("name", f"twitter:{name}", text)
            for name, text in (
                ("card", "summary_large_image"), ("title", card.title), ("description", about), ("image", picture),
            )
        ),
    ]  # fmt: skip
    assert TITLE in page
    assert HEAD_END in page
    page = page.replace(TITLE, f"<title>{escape(card.title)} · Spaces</title>")
    return page.replace(HEAD_END, "\n".join([*tags, HEAD_END]))


def _calendar(card: Card, path: str) -> list[str]:
    """Of a creator's page: what calendars may subscribe to."""
    if not path.startswith("/@"):
        return []
    href = escape(f"/v1/creators/{card.handle}/calendar.ics")
    return [f'<link rel="alternate" type="text/calendar" title="{escape(card.creator)}" href="{href}">']


def _tag(key: str, name: str, text: str) -> str:
    return f'<meta {key}="{name}" content="{escape(text)}">'


async def _picture(call: Call, card: Card) -> web.Response:
    headers = {
        "Cache-Control": f"public, max-age={PICTURE_SECONDS}",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=await call.services.painter.picture(card), content_type="image/png", headers=headers)
