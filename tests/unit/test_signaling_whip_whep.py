"""WHIP and WHEP over HTTP: who is answered what, sessions and their addresses, conditional requests, replacement."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from spaces.node import Node
from spaces.room_rules import Kind
from spaces.sfu.peer import Peer as MediaPeer
from spaces.signaling.whip_sessions import WhipPeer
from tests.harness.accounts import mint, person
from tests.harness.api import Api
from tests.harness.client import RtcClient, listening
from tests.harness.node import served

pytestmark = pytest.mark.sqlite

FRAGMENT = "application/trickle-ice-sdpfrag"


def sdp(api: Api, direction: str = "recvonly") -> str:
    return RtcClient(api).offer_text(direction)  # type: ignore[arg-type]


async def admissions_live(node: Node) -> int:
    return sum(len(live.entries) for live in node.rooms.alive())


async def test_a_listener_comes_and_goes(api: Api, node: Node) -> None:
    space = await api.space(await api.creator("ada"))
    async with listening(api, space):
        assert (await api.ok("GET", f"/v1/spaces/{space}"))["listeners"] == 1
    assert (await api.ok("GET", f"/v1/spaces/{space}"))["listeners"] == 0
    assert await admissions_live(node) == 0


async def test_the_answer_carries_what_rfc_9725_asks_for(api: Api) -> None:
    space = await api.space(await api.creator("ada"))
    reply = await api.offer(f"/v1/spaces/{space}/whep", sdp(api))
    assert reply.status == 201
    assert reply.headers["Content-Type"].startswith("application/sdp")
    assert reply.headers["Location"].startswith("/v1/sessions/")
    assert reply.headers["Etag"].startswith('"')
    assert reply.body.startswith("v=0\r\n")


@pytest.mark.parametrize("way", ["whip", "whep", "socket"])
async def test_an_unknown_space_is_404(api: Api, way: str) -> None:
    if way == "socket":
        assert (await api.request("GET", "/v1/spaces/nowhere")).code == "unknown_space"
    else:
        reply = await api.offer(f"/v1/spaces/nowhere/{way}", sdp(api))
        assert (reply.status, reply.code) == (404, "unknown_space")


async def test_before_the_start_a_listener_is_told_to_wait_and_the_stage_may_check_its_sound(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host, live=False)
    reply = await api.offer(f"/v1/spaces/{space}/whep", sdp(api))
    assert (reply.status, reply.code) == (409, "not_live")
    assert (await api.offer(f"/v1/spaces/{space}/whip", sdp(api, "sendonly"), by=host)).status == 201


async def test_after_the_end_it_is_gone(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    await api.ok("POST", f"/v1/spaces/{space}/end", by=host)
    for way, direction in (("whip", "sendonly"), ("whep", "recvonly")):
        reply = await api.offer(f"/v1/spaces/{space}/{way}", sdp(api, direction), by=host)
        assert (reply.status, reply.code) == (410, "ended")


async def test_whip_is_for_the_stage(api: Api) -> None:
    host = await api.creator("ada")
    tier = await api.tier(host)
    for space in (await api.space(host), await api.space(host, access={"policy": "subscribers", "tier": tier})):
        anonymous = await api.offer(f"/v1/spaces/{space}/whip", sdp(api, "sendonly"))
        assert (anonymous.status, anonymous.code) == (401, "not_signed_in")
        listener = await api.offer(f"/v1/spaces/{space}/whip", sdp(api, "sendonly"), by=person("bob"))
        assert (listener.status, listener.code) == (403, "not_on_stage")


async def test_a_subscribers_space_says_what_would_let_one_in(api: Api) -> None:
    host, fan = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    path = f"/v1/spaces/{await api.space(host, access={'policy': 'subscribers', 'tier': tier})}/whep"
    anonymous = await api.offer(path, sdp(api))
    assert (anonymous.status, anonymous.code) == (401, "not_signed_in")
    assert anonymous.body["offers"][0]["tier"] == tier
    refused = await api.offer(path, sdp(api), by=fan)
    assert (refused.status, refused.code) == (402, "no_subscription")
    assert refused.body["offers"] == [
        {
            "kind": "tier", "tier": tier, "name": "Level 1", "creator": "ada", "amount_minor": 499, "currency": "USD",
            "interval": "month",
            "benefits": ["space.join", "space.replay", "space.speak"], "url": f"{api.url}/@ada",
        }
    ]  # fmt: skip
    await api.subscribe(fan, host, tier)
    assert (await api.offer(path, sdp(api), by=fan)).status == 201


async def test_who_may_not_come_in_is_told_that_before_his_offer_is_judged(api: Api) -> None:
    host = await api.creator("ada")
    tier = await api.tier(host)
    paid = await api.space(host, access={"policy": "subscribers", "tier": tier})
    assert (await api.offer(f"/v1/spaces/{paid}/whep", "not sdp", by=person("bob"))).status == 402
    free = await api.space(host)
    for body, code in (
        ("not sdp", "bad_sdp"),
        (sdp(api).replace("m=audio", "m=video"), "no_audio"),
        (sdp(api).replace("opus/48000/2", "PCMU/8000"), "no_opus"),
        (sdp(api).replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:"), "bad_fingerprint"),
    ):
        reply = await api.offer(f"/v1/spaces/{free}/whep", body)
        assert (reply.status, reply.code) == (422, code)
        assert reply.body["field"] == "sdp"


async def test_bodies_of_the_wrong_kind_or_size(api: Api, node: Node) -> None:
    path = f"/v1/spaces/{await api.space(await api.creator('ada'))}/whep"
    wrong = await api.request("POST", path, data=sdp(api).encode(), content_type="application/json")
    assert (wrong.status, wrong.code) == (415, "bad_content_type")
    large = io.BytesIO(b"v=0\r\n" + b"a=x\r\n" * 2_000_000)
    async with api.http.post(api.url + path, data=large, headers={"Content-Type": "application/sdp"}) as reply:
        assert (reply.status, (await reply.json(content_type=None))["code"]) == (413, "too_large")
    assert await admissions_live(node) == 0


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        mint("ada", lives_seconds=-10),
        mint("ada", secret="some other secret that is long enough"),
        mint("ada", key="unknown"),
        mint("ada", algorithm="none"),
    ],
)
async def test_a_bad_token_is_401_also_where_none_is_needed(api: Api, token: str) -> None:
    space = await api.space(await api.creator("host"))
    for reply in (
        await api.offer(f"/v1/spaces/{space}/whep", sdp(api), token=token),
        await api.request("GET", f"/v1/spaces/{space}", token=token),
    ):
        assert reply.status == 401
        assert reply.code.startswith("token_")
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_newer_whep_takes_the_seat_and_another_client_has_another(api: Api) -> None:
    space, fan = await api.space(await api.creator("ada")), person("bob")
    old, phone, newer = RtcClient(api), RtcClient(api), RtcClient(api)
    await old.connect(f"/v1/spaces/{space}/whep", "recvonly", by=fan)
    await phone.connect(f"/v1/spaces/{space}/whep?client=phone", "recvonly", by=fan)
    await newer.connect(f"/v1/spaces/{space}/whep", "recvonly", by=fan)
    async with asyncio.timeout(5):
        await old.link.closed.wait()
    assert (await api.ok("GET", f"/v1/spaces/{space}"))["listeners"] == 2
    assert not phone.link.closed.is_set()
    assert (await api.request("DELETE", old.session_path)).status == 404
    for client in (old, phone, newer):
        await client.close()


async def test_seats_of_one_account_are_limited(tmp_path: Path) -> None:
    async with served(tmp_path, seats_per_account_max=2, seats_policy="reject") as api:
        space, fan = await api.space(await api.creator("ada")), person("bob")
        for client in ("a", "b"):
            assert (await api.offer(f"/v1/spaces/{space}/whep?client={client}", sdp(api), by=fan)).status == 201
        third = await api.offer(f"/v1/spaces/{space}/whep?client=c", sdp(api), by=fan)
        assert (third.status, third.code) == (409, "too_many_seats")
        assert (await api.offer(f"/v1/spaces/{space}/whep?client=b", sdp(api), by=fan)).status == 201


async def test_a_full_space_is_503_with_a_time_to_come_back(tmp_path: Path) -> None:
    async with served(tmp_path, capacity_max=1) as api:
        space = await api.space(await api.creator("ada"))
        assert (await api.offer(f"/v1/spaces/{space}/whep", sdp(api))).status == 201
        full = await api.offer(f"/v1/spaces/{space}/whep", sdp(api))
        assert (full.status, full.code) == (503, "full")
        assert int(full.headers["Retry-After"]) > 0


async def test_offers_of_one_address_are_limited(tmp_path: Path) -> None:
    async with served(tmp_path, offers_per_minute_max=3) as api:
        space = await api.space(await api.creator("ada"))
        replies = [await api.offer(f"/v1/spaces/{space}/whep", "not sdp") for _ in range(4)]
        assert [reply.status for reply in replies] == [422, 422, 422, 429]
        assert replies[-1].code == "too_many_offers"
        assert int(replies[-1].headers["Retry-After"]) > 0


async def test_patches_are_conditional_and_candidates_not_needed(api: Api) -> None:
    space = await api.space(await api.creator("ada"))
    reply = await api.offer(f"/v1/spaces/{space}/whep", sdp(api))
    session, etag = reply.headers["Location"], reply.headers["Etag"]

    async def patch(if_match: str | None, content_type: str = FRAGMENT) -> int:
        headers = {"Content-Type": content_type} | ({} if if_match is None else {"If-Match": if_match})
        async with api.http.patch(api.url + session, headers=headers, data="a=end-of-candidates\r\n") as answer:
            return answer.status

    assert await patch(etag) == 204
    assert await patch(None) == 428
    assert await patch('"another"') == 412
    assert await patch("*") == 422
    assert await patch(etag, "text/plain") == 415


async def test_only_its_owner_ends_a_session_and_only_once(api: Api) -> None:
    space = await api.space(await api.creator("ada"))
    reply = await api.offer(f"/v1/spaces/{space}/whep", sdp(api), by=person("bob"))
    session = reply.headers["Location"]
    assert (await api.request("DELETE", session, by=person("carol"))).status == 403
    assert (await api.request("DELETE", session, token="bad")).status == 401
    assert (await api.request("DELETE", session, by=person("bob"))).status == 204
    assert (await api.request("DELETE", session, by=person("bob"))).status == 404
    assert (await api.request("GET", session)).status == 405


async def test_the_endpoint_says_what_it_takes(api: Api) -> None:
    space = await api.space(await api.creator("ada"))
    reply = await api.request("OPTIONS", f"/v1/spaces/{space}/whip")
    assert (reply.status, reply.headers["Accept-Post"]) == (204, "application/sdp")


async def test_a_join_token_lets_in_once(api: Api) -> None:
    host, fan = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    refused = await api.request("POST", f"/v1/spaces/{space}/admissions", by=fan)
    assert (refused.status, refused.code) == (402, "no_subscription")
    await api.subscribe(fan, host, tier)
    made = await api.request("POST", f"/v1/spaces/{space}/admissions", by=fan)
    assert made.status == 201
    token = made.body["join_token"]
    elsewhere = await api.space(host)
    assert (await api.offer(f"/v1/spaces/{elsewhere}/whep", sdp(api), token=token)).status == 401
    assert (await api.offer(f"/v1/spaces/{space}/whep", sdp(api), token=token)).status == 201
    again = await api.offer(f"/v1/spaces/{space}/whep", sdp(api), token=token)
    assert (again.status, again.code) == (401, "token_used")


async def test_a_muted_speaker_who_comes_back_is_still_muted(api: Api, node: Node) -> None:
    host, guest = await api.creator("ada"), person("bob")
    space = await api.space(host)
    await api.to_stage(space, host, guest)
    await api.ok("POST", f"/v1/spaces/{space}/mutes", by=host, json={"account": "@bob"})
    live = node.rooms.get(space)
    assert live is not None
    for _ in range(2):
        assert (await api.offer(f"/v1/spaces/{space}/whip", sdp(api, "sendonly"), by=guest)).status == 201
        [peer] = [entry.peer for entry in live.entries.values() if entry.kind is Kind.WHIP]
        assert isinstance(peer, WhipPeer)
        assert isinstance(peer.session, MediaPeer)
        assert peer.session.muted


async def test_who_is_off_the_stage_has_no_session_and_gets_none(api: Api) -> None:
    host, guest = await api.creator("ada"), person("bob")
    space = await api.space(host)
    await api.to_stage(space, host, guest)
    first = await api.offer(f"/v1/spaces/{space}/whip", sdp(api, "sendonly"), by=guest)
    assert first.status == 201
    await api.ok("DELETE", f"/v1/spaces/{space}/speakers/@bob", by=host)
    assert (await api.request("DELETE", first.headers["Location"], by=guest)).status == 404
    again = await api.offer(f"/v1/spaces/{space}/whip", sdp(api, "sendonly"), by=guest)
    assert again.code == "not_on_stage"


async def test_an_offer_that_is_never_followed_by_media_leaves_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, handshake_seconds_max=0.3) as api:
        space = await api.space(await api.creator("ada"))
        session = (await api.offer(f"/v1/spaces/{space}/whep", sdp(api))).headers["Location"]
        for _ in range(100):
            if not (await api.ok("GET", f"/v1/spaces/{space}"))["listeners"]:
                break
            await asyncio.sleep(0.05)
        assert (await api.request("DELETE", session)).status == 404
