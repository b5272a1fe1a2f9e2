"""Who gets in, over the media interface: paying fans, and nobody else; and out again within a second."""

from __future__ import annotations

import asyncio

from spaces.demo.speech import Speech
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import RtcClient, listening, speaking
from tests.harness.eventually import PATIENCE_SECONDS, until
from tests.harness.stalls import watching_stalls

REVOCATION_SECONDS_MAX = 1.0


async def stops(listener: RtcClient) -> None:
    """His sound has to, now that the answer to what ends it is here."""
    answered = asyncio.get_running_loop().time()
    async with watching_stalls() as stalls, asyncio.timeout(PATIENCE_SECONDS):
        await listener.link.closed.wait()
        await listener.caught_up()
    assert listener.last_arrival is not None
    stopped = listener.last_arrival - answered
    print(f"last datagram {stopped * 1000:.0f} ms after the answer")
    assert stopped <= REVOCATION_SECONDS_MAX + stalls.seconds()


async def test_a_fan_gets_in_by_paying_and_at_once(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    fan = person(f"{handle}fan")
    offer = RtcClient(api)
    path = f"/v1/spaces/{space}/whep"

    stranger = await api.offer(path, offer.offer_text("recvonly"))
    assert (stranger.status, stranger.code) == (401, "not_signed_in")
    unpaid = await api.offer(path, offer.offer_text("recvonly"), by=fan)
    assert (unpaid.status, unpaid.code) == (402, "no_subscription")
    assert [o["tier"] for o in unpaid.body["offers"]] == [tier]
    await offer.close()

    await api.subscribe(fan, host, tier)
    async with speaking(api, space, speech, by=host), listening(api, space, by=fan) as listener:
        await listener.hear_first()


async def test_a_declined_payment_opens_nothing(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    fan = person(f"{handle}fan")
    made = await api.ok("POST", f"/v1/creators/{handle}/subscriptions", by=fan, json={"tier": tier})
    await api.request("POST", made["checkout_url"], by=fan, json={"outcome": "decline"})
    offer = RtcClient(api)
    assert (await api.offer(f"/v1/spaces/{space}/whep", offer.offer_text("recvonly"), by=fan)).status == 402
    await offer.close()


async def test_media_stops_within_a_second_when_the_creator_ends_a_subscription(
    api: Api, handle: str, speech: Speech
) -> None:
    host = await api.creator(handle)
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    fan, other = person(f"{handle}fan"), person(f"{handle}other")
    subscription = await api.subscribe(fan, host, tier)
    await api.subscribe(other, host, tier)
    async with (
        speaking(api, space, speech, by=host),
        listening(api, space, by=other) as witness,
        listening(api, space, by=fan) as listener,
    ):
        await listener.hear_first()
        await api.ok("POST", f"/v1/subscriptions/{subscription}/cancel", by=host, json={"at": "now"})
        await stops(listener)
        count = witness.datagrams
        await until(lambda: witness.datagrams > count + 50)  # the others go on hearing
        again = await api.offer(f"/v1/spaces/{space}/whep", listener.offer_text("recvonly"), by=fan)
        assert again.status == 402


async def test_media_stops_within_a_second_when_a_comp_ends(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    fan = person(f"{handle}fan")
    await api.ok("GET", "/v1/me", by=fan)
    gift = {"account": f"@{fan.handle}", "tier": tier}
    comp = await api.ok("POST", f"/v1/creators/{handle}/comps", by=host, json=gift)
    async with speaking(api, space, speech, by=host), listening(api, space, by=fan) as listener:
        await listener.hear_first()
        ended = await api.request("DELETE", f"/v1/creators/{handle}/comps/{comp['id']}", by=host)
        assert ended.status // 100 == 2
        await stops(listener)


async def test_media_stops_when_the_space_ends(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host), listening(api, space) as listener:
        await listener.hear_first()
        await api.ok("POST", f"/v1/spaces/{space}/end", by=host)
        await stops(listener)
        late = await api.offer(f"/v1/spaces/{space}/whep", listener.offer_text("recvonly"))
        assert late.status == 410


async def test_a_seat_has_one_listening_session_and_the_newer_wins(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    fan = person(f"{handle}fan")
    async with (
        speaking(api, space, speech, by=host),
        listening(api, space, by=fan, client="kitchen") as kitchen,
        listening(api, space, by=fan) as old,
    ):
        await old.hear_first()
        async with listening(api, space, by=fan) as new:
            await new.hear_first()
            in_kitchen = kitchen.datagrams
            await old.hear_nothing(0.5)
            await until(lambda: kitchen.datagrams > in_kitchen)  # another seat is not touched


async def test_before_the_start_there_is_nothing_to_hear(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    space = await api.space(host, live=False)
    offer = RtcClient(api)
    early = await api.offer(f"/v1/spaces/{space}/whep", offer.offer_text("recvonly"))
    assert (early.status, early.code) == (409, "not_live")
    await offer.close()
