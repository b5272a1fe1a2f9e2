"""The page's media over its socket: offers by the server, promotion and demotion on one session, taking over, rights."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from spaces.demo.speech import read_speech
from spaces.node import Node
from spaces.signaling.page_media import Link
from spaces.signaling.socket import COMES_BACK, Connection
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import PageMedia, entered, hearing, offered, renegotiate
from tests.harness.client import speaking

pytestmark = [pytest.mark.sqlite, pytest.mark.thorough]


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what another task is about to do."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it has not happened")


def links(node: Node, space: str) -> list[Link]:
    """The page media sessions of a Space."""
    live = node.rooms.get(space)
    assert live is not None
    peers = [entry.peer for entry in live.entries.values() if isinstance(entry.peer, Connection)]
    return [link for peer in peers for link in peer.media._links()]


def flows(link: Link) -> str:
    return "stage" if link.on_stage else "mix"


async def packets(media: PageMedia, mid: str, at_least: int = 3) -> None:
    """Wait for sound on this m-line."""
    before = media.heard.get(media.sources[mid], 0)
    await eventually(lambda: media.heard.get(media.sources[mid], 0) >= before + at_least)


async def test_a_listener_hears_the_mix(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    async with (
        speaking(api, space, read_speech(), by=host),
        entered(api, space) as (channel, _),
        hearing(channel) as media,
    ):
        assert media.directions["mix"] == "sendonly"
        assert {media.directions[f"slot{i}"] for i in range(4)} | {media.directions["mic"]} == {"inactive"}
        assert len(set(media.sources.values())) == 5
        await packets(media, "mix")
        assert (await channel.event("speaking"))["levels"].keys() == {"1"}


async def test_the_stage_is_told_when_a_whip_speaker_comes_and_goes(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    async with entered(api, space) as (channel, _):
        async with speaking(api, space, read_speech(), by=host):
            assert (await channel.event("stage"))["stage"][0]["connected"] is True
        assert (await channel.event("stage"))["stage"][0]["connected"] is False


async def test_promotion_and_demotion_keep_the_session_and_the_sound(api: Api, node: Node) -> None:
    host, guest = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with (
        speaking(api, space, read_speech(), by=host),
        entered(api, space, host, client="desk") as (ada, _),
        entered(api, space, guest) as (bob, welcome),
        hearing(bob) as media,
    ):
        me = welcome["you"]["account"]["id"]
        await packets(media, "mix")
        await bob.ok("hand.raise")
        await ada.ok("hand.accept", account=me)
        (link,) = links(node, space)
        await packets(media, "mix")
        assert flows(link) == "mix", "until the page has answered"
        await renegotiate(bob, media)
        assert media.directions["mic"] == "recvonly"
        assert media.directions["slot0"] == "sendonly"
        assert flows(link) == "stage"
        await eventually(lambda: any(media.heard.get(media.sources[f"slot{i}"], 0) for i in range(4)))

        await ada.ok("speaker.remove", account=me)
        assert flows(link) == "mix", "before the page knows"
        await packets(media, "mix")
        await renegotiate(bob, media)
        assert media.directions["mic"] == "inactive"
        assert links(node, space) == [link]


async def test_a_change_of_mind_while_an_offer_is_out_is_offered_after_the_answer(api: Api, node: Node) -> None:
    host, guest = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with entered(api, space, guest) as (bob, welcome), hearing(bob) as media:
        me = welcome["you"]["account"]["id"]
        await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": me})
        offer = await bob.event("offer")
        await api.ok("DELETE", f"/v1/spaces/{space}/speakers/{me}", by=host)
        (link,) = links(node, space)
        await bob.ok("answer", session=media.session, sdp=media.answer(offer["sdp"]))
        assert not link.on_stage
        await renegotiate(bob, media)
        assert media.directions["mic"] == "inactive"
        assert (link.offered, link.described) == (None, False)
        assert await bob.refused("answer", session=media.session, sdp="v=0") == (409, "no_offer")


async def test_listening_again_replaces_the_session_once_the_new_one_is_connected(api: Api, node: Node) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    async with (
        speaking(api, space, read_speech(), by=host),
        entered(api, space, person("bob")) as (bob, _),
        hearing(bob) as old,
    ):
        new = await offered(bob)
        try:
            assert new.session != old.session
            assert not old.link.closed.is_set()
            await bob.event("media", session=new.session, state="connected")
            async with asyncio.timeout(5):
                await old.link.closed.wait()
            await packets(new, "mix")
            assert len(links(node, space)) == 1
        finally:
            await new.close()


async def test_leaving_ends_the_media_and_not_the_socket(api: Api, node: Node) -> None:
    space = await api.space(await api.creator("ada"))
    async with entered(api, space) as (channel, _), hearing(channel) as media:
        await channel.ok("leave")
        async with asyncio.timeout(5):
            await media.link.closed.wait()
        assert links(node, space) == []
        async with hearing(channel):
            pass


@pytest.mark.parametrize("noticed", [False, True], ids=["nobody noticed", "the client gave it up"])
async def test_sound_goes_on_when_the_socket_is_lost_and_comes_back(api: Api, node: Node, noticed: bool) -> None:
    host, fan = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with speaking(api, space, read_speech(), by=host), entered(api, space, fan) as (old, _):
        media = await offered(old)
        try:
            await old.event("media", state="connected")
            if noticed:
                await old.socket.close(code=COMES_BACK)
            else:
                transport = old.socket._response.connection.transport  # type: ignore[union-attr]
                assert transport is not None
                transport.abort()
            await packets(media, "mix")
            async with entered(api, space, fan) as (new, _):
                await packets(media, "mix")
                (link,) = links(node, space)
                assert link.session.id == media.session
                await new.ok("leave")
                async with asyncio.timeout(5):
                    await media.link.closed.wait()
        finally:
            await media.close()


async def test_a_bad_answer_is_refused_and_a_good_one_still_taken(api: Api) -> None:
    space = await api.space(await api.creator("ada"))
    async with entered(api, space) as (channel, _):
        await channel.ok("listen")
        offer = await channel.event("offer")
        media = PageMedia(offer["session"])
        try:
            good = media.answer(offer["sdp"])
            assert await channel.refused("answer", session=media.session, sdp="v=0") == (422, "no_audio")
            without = good.replace("a=fingerprint:", "a=x:")
            assert await channel.refused("answer", session=media.session, sdp=without) == (422, "bad_fingerprint")
            await channel.ok("answer", session=media.session, sdp=good)
            media.connect(offer["sdp"])
            await channel.event("media", state="connected")
        finally:
            await media.close()


async def test_a_mute_by_the_host_reaches_the_microphone(api: Api, node: Node) -> None:
    host = await api.creator("ada")
    guest = person("bob")
    space = await api.space(host)
    await api.to_stage(space, host, guest)
    async with entered(api, space, host) as (ada, _), entered(api, space, guest) as (bob, welcome), hearing(bob):
        await ada.ok("speaker.mute", account=welcome["you"]["account"]["id"])
        (link,) = links(node, space)
        assert link.session.muted  # type: ignore[attr-defined]
        await bob.ok("mute", muted=False)
        assert not link.session.muted  # type: ignore[attr-defined]
