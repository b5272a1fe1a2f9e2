"""Two nodes of one server: a Space lives on one, and whoever reaches the other is in it as well."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from spaces.config import ConfigError
from spaces.demo.speech import Speech
from spaces.mixing.opus import FRAME
from spaces.mixing.phases import TICK_SAMPLES
from spaces.node import Node
from spaces.signaling.edge_links import EdgeLinks, Held
from spaces.signaling.link_messages import Close, FromOwner, Told
from spaces.signaling.moments import Moments
from spaces.signaling.owner_link import OwnerLink
from spaces.signaling.remote_media import Planes, RemotePlane
from tests.harness.accounts import person
from tests.harness.channel import PageMedia, entered, hearing, socket
from tests.harness.client import Refused, RtcClient, duplicates_and_losses, listening, speaking
from tests.harness.eventually import until, until_so
from tests.harness.node import node_config
from tests.harness.nodes import Together, talking, together
from tests.harness.page import staying
from tests.harness.patience import until_speech

pytestmark = pytest.mark.needs("redis")


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Together]:
    async with together(tmp_path, 2) as nodes:
        yield nodes


def ports(client: RtcClient) -> set[int]:
    return {port for _, port in client.answer.candidates}


def relayed(node: Node, direction: str) -> float:
    return node.metrics.registry.get_sample_value("spaces_relayed_packets_total", {"direction": direction}) or 0.0


async def test_a_listener_hears_from_the_node_he_has_reached(two: Together, speech: Speech) -> None:
    here, there = two.apis
    host, fan = await here.creator("ada"), person("bob")
    space = await here.space(host)
    async with speaking(here, space, speech, by=host) as speaker:
        asked_at = time.monotonic()
        async with listening(there, space, by=fan) as listener, listening(here, space) as beside:
            await listener.hear_first()
            print(f"the first packet at a node that had none of the Space: after {time.monotonic() - asked_at:.3f} s")
            assert ports(speaker) == ports(beside) == {two.nodes[0].media.udp_port}
            assert ports(listener) == {two.nodes[1].media.udp_port}

            async def both_counted() -> bool:
                return bool((await there.ok("GET", f"/v1/spaces/{space}", by=fan))["listeners"] == 2)

            await until_so(both_counted)
            await until_speech(listener)
        assert duplicates_and_losses(listener.packets) == (0, 0)
        assert {p.ssrc for p in listener.packets} == {listener.answer.ssrc}
        steps = {(b.timestamp - a.timestamp) % (1 << 32) for a, b in itertools.pairwise(listener.packets)}
        assert all(step >= FRAME and step % TICK_SAMPLES == 0 for step in steps), (
            "ticks that came too late are left out"
        )

        async def nobody() -> bool:
            return bool((await here.ok("GET", f"/v1/spaces/{space}", by=host))["listeners"] == 0)

        await until_so(nobody)

        async def nothing_for_nobody() -> bool:
            before = relayed(two.nodes[0], "out")
            await asyncio.sleep(0.5)
            return relayed(two.nodes[0], "out") == before

        await until_so(nothing_for_nobody)


async def test_a_speaker_is_at_the_owner_whichever_node_he_reaches(two: Together, speech: Speech) -> None:
    here, there = two.apis
    host = await here.creator("ada")
    space = await here.space(host)
    async with speaking(there, space, speech, by=host) as speaker, listening(there, space) as listener:
        assert ports(speaker) == {two.nodes[0].media.udp_port}
        await listener.hear_first()
        session = listener.session_path
        assert (await here.request("DELETE", session)).status == 204, "a session is found from every node"
        async with asyncio.timeout(30):
            await listener.link.closed.wait()


async def test_sockets_of_both_nodes_are_told_the_same_in_the_same_order(two: Together) -> None:
    here, there = two.apis
    host, fan = await here.creator("ada"), person("bob")
    space = await here.space(host)
    async with entered(here, space, host) as (ada, _), entered(there, space, fan) as (bob, welcome):
        me = welcome["you"]["account"]["id"]
        await bob.ok("hand.raise")
        hands = await ada.event("hands")
        assert [hand["account"]["id"] for hand in hands["hands"]] == [me]
        await bob.ok("hand.lower")
        await there.ok("PUT", f"/v1/spaces/{space}/hand", by=fan)
        await bob.event("hand", raised=False)
        await bob.event("hand", raised=True)
        await there.ok("POST", f"/v1/spaces/{space}/hands/@bob/accept", by=host)
        await bob.event("role", account=me, role="speaker")
        for api in (here, there):
            await api.ok("POST", f"/v1/spaces/{space}/reactions", by=fan, json={"reaction": "clap"})
            await ada.event("reactions")
        await there.ok("POST", f"/v1/spaces/{space}/lock", by=host)
        await bob.ok("chat.write", text="one")
        for api, text in ((there, "two"), (here, "three")):
            await api.ok("POST", f"/v1/spaces/{space}/chat", by=fan, json={"text": text})
        heard = []
        for channel in (ada, bob):
            events = [await channel.event("chat") for _ in range(3)]
            heard.append([(event["seq"], event["line"]["text"]) for event in events])
        assert heard[0] == heard[1]
        assert [text for _, text in heard[0]] == ["one", "two", "three"]
        await there.ok("POST", f"/v1/spaces/{space}/end", by=host)
        assert await ada.until_closed() == await bob.until_closed() == 4410


async def test_a_promotion_moves_the_sound_to_the_owner_without_a_gap(two: Together, speech: Speech) -> None:
    here, there = two.apis
    host, fan = await here.creator("ada"), person("bob")
    space = await here.space(host)
    async with (
        speaking(here, space, speech, by=host),
        entered(there, space, fan) as (bob, welcome),
        hearing(bob) as old,
    ):
        port = f" {two.nodes[1].media.udp_port} typ host"
        await until(lambda: old.heard)
        me = welcome["you"]["account"]["id"]
        await here.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": me})
        offer = await bob.event("offer")
        assert offer["session"] != old.session
        assert port not in offer["sdp"]
        assert f" {two.nodes[0].media.udp_port} typ host" in offer["sdp"]
        new = PageMedia(offer["session"])
        await bob.ok("answer", session=new.session, sdp=new.answer(offer["sdp"]))
        assert not old.link.closed.is_set()
        new.connect(offer["sdp"])
        try:
            await bob.event("media", session=new.session, state="connected")
            await until(lambda: new.sources["slot0"] in new.heard)
            async with asyncio.timeout(30):
                await old.link.closed.wait()
        finally:
            await new.close()


async def test_whoever_is_put_out_at_one_node_hears_nothing_at_the_other(two: Together, speech: Speech) -> None:
    here, there = two.apis
    host, fan = await here.creator("ada"), person("bob")
    space = await here.space(host)
    async with (
        speaking(here, space, speech, by=host),
        listening(there, space, by=fan) as listener,
        entered(there, space, fan, client="page") as (bob, welcome),
        hearing(bob) as media,
    ):
        await listener.hear_first()
        me = welcome["you"]["account"]["id"]
        await here.ok("POST", f"/v1/spaces/{space}/blocks", by=host, json={"account": me})
        async with asyncio.timeout(30):
            await listener.link.closed.wait()
            await media.link.closed.wait()
        assert await bob.until_closed() == 4403
        with pytest.raises(Refused) as refused:
            async with listening(there, space, by=fan):
                pass
        assert refused.value.reply.status == 403


async def test_who_loses_his_right_hears_nothing_also_where_his_owner_cannot_say_so(
    two: Together, speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = EdgeLinks._hear

    def hear_no_end(links: EdgeLinks, link: OwnerLink, message: FromOwner) -> None:
        if not isinstance(message, Close):
            hear(links, link, message)

    monkeypatch.setattr(EdgeLinks, "_hear", hear_no_end)
    here, there = two.apis
    host, fan = await here.creator("ada"), person("bob")
    space = await here.space(host)
    async with (
        speaking(here, space, speech, by=host),
        listening(there, space, by=fan) as listener,
        listening(there, space, by=person("cleo")) as other,
        listening(there, space, by=person("dan")) as last,
    ):
        for one in (listener, other, last):
            await one.hear_first()
            one.session_path = ""

        async def block(name: str) -> None:
            me = await there.ok("GET", "/v1/me", by=person(name))
            await here.ok("POST", f"/v1/spaces/{space}/blocks", by=host, json={"account": me["account"]["id"]})

        await block("bob")
        async with asyncio.timeout(30):
            await listener.link.closed.wait()
        assert not other.link.closed.is_set()

        look, failed = EdgeLinks._look_at_right, asyncio.Event()

        async def fail(links: EdgeLinks, held: Held) -> None:
            failed.set()
            raise RuntimeError("a bug")

        monkeypatch.setattr(EdgeLinks, "_look_at_right", fail)
        await block("cleo")
        async with asyncio.timeout(30):
            await failed.wait()
        monkeypatch.setattr(EdgeLinks, "_look_at_right", look)
        await block("dan")
        async with asyncio.timeout(30):
            await last.link.closed.wait()


async def test_a_node_that_drains_has_another_serve_what_nobody_has(two: Together) -> None:
    here, _ = two.apis
    host = await here.creator("ada")
    space = await here.space(host, live=False)
    rooms = two.nodes[0].rooms
    assert rooms.get(space) is None
    assert rooms.custody is not None
    rooms.custody.draining = True
    shown = await here.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"title": "Later"})
    assert shown["title"] == "Later"
    assert rooms.get(space) is None
    assert two.nodes[1].rooms.get(space) is not None


async def test_limits_hold_over_both_nodes(two: Together) -> None:
    here, there = two.apis
    host = await here.creator("ada")
    space = await here.space(host)
    await here.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"capacity": 2})
    async with entered(here, space), entered(there, space):
        for api in (here, there):
            async with socket(api, space) as late:
                reply = await late.request("hello", v=1, client="x")
                assert reply["problem"]["code"] == "full"


async def test_an_account_has_so_many_seats_over_both_nodes(two: Together) -> None:
    """The oldest gives way, wherever it is; a ticket or subscription is not had twice by reaching another node."""
    here, there = two.apis
    host, fan = await here.creator("ada"), person("bob")
    space = await here.space(host, access={"policy": "members"})
    async with (
        entered(there, space, fan, client="first") as (oldest, _),
        entered(here, space, fan, client="second"),
        entered(there, space, fan, client="third"),
        entered(here, space, fan, client="fourth"),
    ):
        evicted = await oldest.event("evicted")
        assert evicted["problem"]["code"] == "displaced"
        mine = [live.room.seats for node in two.nodes if (live := node.rooms.get(space)) is not None]
        assert [len(seats) for seats in mine] == [3]


async def test_every_node_counts_the_same_people(two: Together) -> None:
    here, there = two.apis
    host = await here.creator("ada")
    space = await here.space(host)

    def gauge(node: Node, name: str, /, **labels: str) -> float | None:
        return node.metrics.registry.get_sample_value(name, labels)

    async with entered(here, space, host), entered(there, space), entered(there, space):

        async def told() -> bool:
            counts = []
            for api in (here, there):
                found = await api.ok("GET", f"/2/spaces/{space}?space.fields=participant_count", by=host)
                listed = await api.ok("GET", "/v1/spaces", by=host)
                counts.append((found["data"]["participant_count"], listed["spaces"][0]["listeners"]))
            return counts == [(3, 2), (3, 2)]

        await until_so(told)
        await until(lambda: gauge(two.nodes[0], "spaces_space_listeners", space=space) == 2)
        assert gauge(two.nodes[1], "spaces_space_listeners", space=space) is None, "of its owner alone"
        for number, node in enumerate(two.nodes):
            await until(lambda: gauge(node, "spaces_nodes") == 2)  # noqa: B023
            assert gauge(node, "spaces_node_info", name=f"node{number}") == 1
        assert [gauge(node, "spaces_owned") for node in two.nodes] == [1, 0]


async def test_a_second_node_of_the_same_name_does_not_start_and_says_why(two: Together, tmp_path: Path) -> None:
    config = two.nodes[0].config
    for changes, said in (
        ({"node_name": "node1"}, "'node1'.*node_name"),
        (
            {"node_name": "third", "public_addresses": (f"127.0.0.1:{two.nodes[0].media.udp_port}",)},
            "'node0' has the UDP address",
        ),
    ):
        third = Node(node_config(tmp_path, database_url=config.database_url, redis_url=config.redis_url, **changes))
        with pytest.raises(ConfigError, match=said):
            await third.start()


async def test_nobody_without_the_key_speaks_for_a_node(two: Together) -> None:
    _, there = two.apis
    for headers in ({}, {"X-Spaces-Node": "v1;node0.x;127.0.0.1;1;00"}):
        async with there.http.get(f"{there.url}/v1/nodes/link", headers=headers) as reply:
            assert reply.status == 403
            assert (await reply.json())["code"] == "bad_stamp"


async def test_what_all_are_told_of_the_moment_goes_to_a_node_once_and_from_there_to_all_its_sockets(
    two: Together, speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = two.apis
    host, fan = await here.creator("ada"), person("bob")
    space = await here.space(host)
    sent: list[Told] = []
    say = RemotePlane.say

    def saying(plane: RemotePlane, message: FromOwner) -> None:
        if isinstance(message, Told):
            sent.append(message)
        say(plane, message)

    monkeypatch.setattr(RemotePlane, "say", saying)
    async with (
        entered(here, space) as (near, _),
        entered(there, space) as (far, _),
        entered(there, space) as (farther, _),
        entered(there, space, fan) as (tapper, _),
        speaking(here, space, speech, by=host),
    ):
        everybody = (near, far, farther, tapper)
        for channel in everybody:
            channel.patience_seconds = 30.0
            await channel.event("speaking")
            assert (await channel.event("count"))["listeners"] <= 4
        await tapper.ok("react", reaction="heart")
        for channel in everybody:
            assert await channel.event("reactions")
        assert sent, "it went by the link"
        with monkeypatch.context() as lost:
            lost.setattr(Moments, "tell", lambda *told: None)
            await near.event("speaking")
            for channel in (far, farther, tapper):  # what was under way
                await channel.drain(0.5)
            far.patience_seconds = 1.5
            with pytest.raises(TimeoutError):
                await far.event("speaking")
            assert await near.event("speaking"), "and by nothing else"
        far.patience_seconds = 30.0
        for channel in everybody:
            await channel.event("speaking")


async def test_without_a_link_each_socket_is_told_by_itself(
    two: Together, speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a version that knows no better, too."""
    here, there = two.apis
    host = await here.creator("ada")
    space = await here.space(host)
    monkeypatch.setattr(Planes, "tell", lambda planes, space, edges, frame: frozenset())
    async with entered(there, space) as (far, _), speaking(here, space, speech, by=host):
        far.patience_seconds = 30.0
        assert await far.event("speaking")


async def test_a_space_of_which_nobody_says_how_long_it_is_on_air_is_not(two: Together, speech: Speech) -> None:
    here, there = two.apis
    host = await here.creator("ada")
    space = await here.space(host)
    owner = two.nodes[0]
    async with speaking(here, space, speech, by=host), listening(here, space) as own, listening(there, space) as other:
        await own.hear_first()
        await other.hear_first()
        custody = owner.rooms.custody
        assert custody is not None
        told, custody.deadlines = custody.deadlines, lambda deadlines: None
        owner.media.set_deadlines({})
        dropped = partial(owner.metrics.registry.get_sample_value, "spaces_drops_total", {"cause": "off_air"})
        await until(lambda: (dropped() or 0) > 100, seconds=30)
        heard = len(own.packets), len(other.packets)
        await until(lambda: (dropped() or 0) > 200, seconds=30)
        assert (len(own.packets), len(other.packets)) == heard, "the speaker goes on, and nothing of it leaves"
        custody.deadlines = told
        await until(lambda: len(own.packets) > heard[0] and len(other.packets) > heard[1], seconds=30)


async def test_a_node_that_stops_hands_its_spaces_over(two: Together, speech: Speech) -> None:
    here, there = two.apis
    host, fan = await here.creator("ada"), person("bob")
    space = await here.space(host)
    async with listening(there, space, by=fan) as listener, entered(there, space, fan, client="page") as (bob, _):
        async with talking(here, space, speech, host):
            await listener.hear_first()
            await bob.ok("hand.raise")
            closed, _ = await asyncio.gather(bob.until_closed(), two.nodes[0].stop())
        assert closed in (1001, 1012)

        async def moved() -> bool:
            reply = await there.request("GET", f"/v1/spaces/{space}", by=host)
            return reply.status == 200 and two.nodes[1].rooms.get(space) is not None

        await until_so(moved)
        async with (
            speaking(there, space, speech, by=host) as speaker,
            entered(there, space, fan, client="page") as (_, hi),
        ):
            assert ports(speaker) == {two.nodes[1].media.udp_port}
            assert hi["you"]["hand"] is True
            first = len(listener.packets)
            await until(lambda: len(listener.packets) > first + 10)
        assert not listener.link.closed.is_set()
        assert duplicates_and_losses(listener.packets)[0] == 0
        assert len({p.ssrc for p in listener.packets}) == 1


async def test_pages_of_a_node_that_stops_have_their_sound_elsewhere_before_it_ends(
    two: Together, speech: Speech
) -> None:
    here, there = two.apis
    host, fan = await here.creator("ada"), person("bob")
    space = await here.space(host)
    ports_of = [node.media.udp_port for node in two.nodes]
    async with (
        staying([here, there], space, host, speech) as ada,
        staying([here, there], space, fan) as bob,
        listening(there, space) as listener,
    ):
        await until(lambda: len(bob.arrivals) > 10, seconds=30)
        await listener.hear_first(30.0)
        async with asyncio.timeout(30):
            await two.nodes[0].stop()
        for page in (ada, bob):
            assert page.closed == [1012]
            assert page.ports == ports_of
        assert ada.welcome["you"]["role"] == "host"
        count, heard = len(listener.packets), len(bob.arrivals)
        await until(lambda: len(listener.packets) > count + 10 and len(bob.arrivals) > heard + 10, seconds=30)
        assert duplicates_and_losses(listener.packets)[0] == 0
        assert len({packet.ssrc for packet in listener.packets}) == 1
