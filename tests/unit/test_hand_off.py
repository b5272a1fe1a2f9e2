"""A Space's sound goes to another node: who hears it here hears on, who speaks here is heard there, and nobody twice."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from spaces.sfu.relay_packet import RelayPacket
from tests.harness.eventually import until
from tests.harness.media_client import LISTENING, SPEAKING, Client, Plane, running


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async with running() as plane:
        yield plane


@pytest.fixture
async def other() -> AsyncIterator[Plane]:
    async with running() as plane:
        yield plane


async def hand_off(plane: Plane) -> None:
    going = asyncio.create_task(plane.media.hand_off("room"))
    while not going.done():
        plane.tick()
        await asyncio.sleep(0)
    going.result()


async def speak(plane: Plane, speaker: Client, packets: int = 1) -> None:
    for _ in range(packets):
        before = plane.media._incoming.received
        speaker.send(speaker.packet())
        await until(lambda: plane.media._incoming.received > before)  # noqa: B023


async def test_a_listener_hears_on_from_the_next_owner_under_the_same_numbers(plane: Plane) -> None:
    sound = plane.media.join_others(lambda made: None)
    plane.media.set_deadlines({"room": math.inf})  # of several nodes this one may be on air
    ada, bob = await plane.connected("ada", SPEAKING), await plane.connected("bob", LISTENING)
    plane.tick()
    for _ in range(3):
        await speak(plane, ada)
        plane.tick()
    await until(lambda: bob.rtp)
    await hand_off(plane)
    before = len(bob.rtp)
    for n in range(3):
        sound.packet(RelayPacket("room", 7, 1, 1 + n, 77_000 + 960 * n, b"\xf8\xff\xfe"))
    await until(lambda: len(bob.rtp) == before + 3)
    first = bob.rtp[0].sequence
    assert [p.sequence for p in bob.rtp] == list(range(first, first + before + 3))
    assert {p.ssrc for p in bob.rtp} == {bob.session.mix_ssrc}
    steps = [b.timestamp - a.timestamp for a, b in zip(bob.rtp[before - 1 :], bob.rtp[before:], strict=False)]
    assert all(0 < step < 48_000 and step % 960 == 0 for step in steps), steps
    assert bob.undecryptable == 0
    assert bob.closed == []
    sound.packet(RelayPacket("room", 6, 1, 99, 0, b"\xf8\xff\xfe"))  # of an owner before
    await plane.dropped("relay_fenced")
    for client in (ada, bob):
        client.session.close()
    assert plane.media._relayed_spaces == {}


async def test_who_has_come_before_the_hand_off_is_closed_with_his_space(plane: Plane) -> None:
    plane.media.join_others(lambda made: None)
    left: list[str] = []
    plane.media.relayed_space_left = left.append
    bob = await plane.connected("bob", LISTENING)
    await hand_off(plane)
    assert left == []
    bob.session.close()
    assert left == ["room"]
    plane.media.open_space("room")  # and it may come back
    cleo = await plane.connected("cleo", LISTENING)
    assert cleo.session.connected


async def test_who_speaks_at_the_node_before_is_heard_at_the_next_until_he_is_there(plane: Plane, other: Plane) -> None:
    plane.media.join_others(lambda made: None)
    ada = await plane.connected("ada", SPEAKING)
    host, fan = await other.connected("host", SPEAKING), await other.connected("fan", LISTENING)
    await hand_off(plane)
    plane.media.give_speech("room", lambda spoken: other.media.hear_speech("room", spoken))
    for _ in range(5):
        await speak(plane, ada)
        other.tick()
    await until(lambda: host.rtp and fan.rtp)
    assert set(other.media.levels("room")) == {"ada"}
    slots = len(host.rtp)
    here = await other.connected("ada", SPEAKING)
    await speak(plane, ada, 3)
    other.tick()
    assert other.media._distant._speakers == {}
    await speak(other, here, 3)
    await until(lambda: len(host.rtp) == slots + 3)
    assert len(other.media._engine._spaces["room"].sources) == 2, "host and ada, once"


async def test_a_distant_speaker_who_falls_silent_gives_his_place_up(plane: Plane, other: Plane) -> None:
    plane.media.join_others(lambda made: None)
    ada = await plane.connected("ada", SPEAKING)
    await hand_off(plane)
    plane.media.give_speech("room", lambda spoken: other.media.hear_speech("room", spoken))
    await speak(plane, ada)
    other.tick()
    assert len(other.media._engine._spaces["room"].sources) == 1
    other.media._distant.sweep(other.clock.now + 10)
    other.tick()
    assert other.media._engine._spaces["room"].sources == []
    assert other.media.levels("room") == {}
