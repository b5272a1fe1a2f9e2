"""What a Space looks like elsewhere: in a calendar, and where its link is shared."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from icalendar import Calendar
from PIL import Image

from spaces.errors import RequestError
from spaces.node import Node
from spaces.share_card import painter
from spaces.share_card.draw import HEIGHT, WIDTH, Card, draw
from spaces.share_card.painter import KEPT_MAX, Painter
from tests.harness.accounts import person
from tests.harness.api import Api

pytestmark = pytest.mark.thorough

NASTY = "\"><script>alert(1)</script> & <img src=x> ' “evening”"
CARD = Card("An evening", "Live now", "live", "Ada Lovelace", "ada", "Open to everyone")


class Head(HTMLParser):
    """The tags that readers of shared links look at."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.metas: dict[str, str] = {}
        self.title, self._in_title = "", False
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title"
        if tag == "script":
            self.scripts.append(given.get("src", "inline").rpartition("/")[2])
        if tag == "meta" and (key := given.get("property") or given.get("name")):
            self.metas[key] = given["content"]

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False


async def head(api: Api, path: str) -> Head:
    reply = await api.request("GET", path)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    return Head(reply.body)


async def test_a_shared_link_is_told_what_everybody_may_see_and_nothing_else(api: Api, node: Node) -> None:
    host, guest = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"title": NASTY})
    await api.to_stage(space, host, guest)
    found = await head(api, f"/s/{space}")
    metas = found.metas
    assert metas["og:title"] == metas["twitter:title"] == NASTY
    assert found.title == f"{NASTY} · Spaces"
    assert found.scripts == ["ahead.js", "app.js"], "the page's own"
    assert metas["og:description"] == "Live now · Ada · For Super Followers"
    assert (metas["og:url"], metas["twitter:card"]) == (f"{node.url}/s/{space}", "summary_large_image")
    assert "grace" not in str(metas).lower(), "who is on stage is for the page to say"
    picture = metas["og:image"]
    async with api.http.get(picture) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        first = await answer.read()
    image = Image.open(io.BytesIO(first))
    assert (image.size, image.format) == ((WIDTH, HEIGHT), "PNG")
    await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"title": "Another"})
    assert (await head(api, f"/s/{space}")).metas["og:image"] != picture, "a new picture has a new address"
    creator = await head(api, "/@ada")
    assert (creator.metas["og:title"], creator.title) == ("Ada", "Ada · Spaces")
    assert (await api.request("HEAD", f"/s/{space}")).status == 200


async def test_a_page_that_has_not_changed_is_not_sent_again(api: Api) -> None:
    space = await api.space(await api.creator("ada"))
    async with api.http.get(f"{api.url}/s/{space}") as answer:
        etag = answer.headers["ETag"]
    async with api.http.get(f"{api.url}/s/{space}", headers={"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")


async def test_what_is_not_there_is_the_plain_page_without_a_picture(api: Api) -> None:
    for path in ("/s/nowhere", "/@nobody"):
        assert (await head(api, path)).title == "Spaces"
        assert (await api.request("GET", f"{path}/card.png")).status == 404


async def test_pictures_are_drawn_one_at_a_time_remembered_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[bytes] = []

    def drawing(card: bytes) -> bytes:
        drawn.append(card)
        return card

    monkeypatch.setattr(painter, "_run", drawing)
    paint = Painter()
    assert len(set(await asyncio.gather(*(paint.picture(CARD) for _ in range(5))))) == 1
    assert len(drawn) == 1
    asked = [Card(f"{n}", "", "calm", "A", "a", "") for n in range(KEPT_MAX + 1)]
    answers = await asyncio.gather(*(paint.picture(card) for card in asked), return_exceptions=True)
    busy = [answer for answer in answers if isinstance(answer, RequestError)]
    assert {error.status for error in busy} == {503}
    assert len(answers) - len(busy) == painter.WAITING_MAX
    for card in asked:
        await paint.picture(card)
    assert len(paint._pictures) == KEPT_MAX


@pytest.mark.parametrize(
    "title",
    [
        "An evening",
        "x" * 200,
        "w " * 100,
        "音楽の夜",
        "שלום עולם",
        "a\u202eb\u0000c 🎉",
        " ",
        "Ά" * 50,
        "\U0010ffff",
        "\ud800",
    ],
)
def test_every_title_has_a_picture(title: str) -> None:
    image = Image.open(io.BytesIO(draw(Card(title, title, "calm", title, "ada", title))))
    assert image.size == (WIDTH, HEIGHT)


def test_a_picture_shows_its_words() -> None:
    def ink(card: Card) -> int:
        image = Image.open(io.BytesIO(draw(card))).convert("L").crop((60, 180, WIDTH, 480))
        return sum(image.histogram()[:100])

    assert ink(CARD) > 5_000
    assert ink(Card("音楽", "Live", "live", "音楽", "ada", "")) > 1_000, "the handle stands in for what cannot be drawn"
    assert draw(CARD) == draw(CARD)


async def test_a_calendar_file_follows_its_space(api: Api, node: Node) -> None:
    host = await api.creator("ada")
    start = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    body = {
        "title": "Talk; with, commas\\", "access": {"policy": "open"}, "topics": ["jazz"],
        "scheduled_start": start.isoformat(), "time_zone": "Europe/Paris",
    }  # fmt: skip
    space = (await api.ok("POST", "/v1/spaces", by=host, json=body))["id"]
    path = f"/v1/spaces/{space}/calendar.ics"

    async def event(where: str = path) -> dict[str, Any]:
        reply = await api.request("GET", where)
        assert reply.headers["Content-Type"] == "text/calendar; charset=utf-8"
        assert f"{space}.ics" in reply.headers["Content-Disposition"] or "ada" in reply.headers["Content-Disposition"]
        assert all(len(line.encode()) <= 75 for line in reply.body.split("\r\n"))
        assert re.search(r"^DTSTART:\d{8}T\d{6}Z\r$", reply.body, re.MULTILINE)
        [found] = Calendar.from_ical(reply.body).walk("VEVENT")
        return {**found, "start": found.decoded("DTSTART")}

    first = await event()
    assert (first["SUMMARY"], first["STATUS"], first["SEQUENCE"]) == ("Talk; with, commas\\", "CONFIRMED", 0)
    assert (first["start"], first["URL"]) == (start, f"{node.url}/s/{space}")
    async with api.http.get(f"{api.url}{path}") as answer:
        etag = answer.headers["ETag"]
    async with api.http.get(f"{api.url}{path}", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    later = (start + timedelta(days=1)).isoformat()
    await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"scheduled_start": later})
    moved = await event()
    assert (moved["UID"], moved["SEQUENCE"], moved["start"]) == (first["UID"], 1, start + timedelta(days=1))
    assert await event("/v1/creators/ada/calendar.ics") == moved
    await api.ok("POST", f"/v1/spaces/{space}/cancel", by=host)
    gone = await event("/v1/creators/ada/calendar.ics")
    assert (gone["UID"], gone["SEQUENCE"], gone["STATUS"]) == (first["UID"], 2, "CANCELLED")
    whenever = await api.space(host, live=False)
    assert (await api.request("GET", f"/v1/spaces/{whenever}/calendar.ics")).code == "no_start"
    assert (await api.request("GET", "/v1/creators/nobody/calendar.ics")).status == 404
