"""Listeners who say that they hear nothing, who never read, who vanish: the others hear what they would without them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from spaces.sfu.rounds import REPORT_SPEAKERS_SECONDS
from spaces.sfu.rtcp import ReportBlock, receiver_report
from spaces.sfu.session import Plan, Send
from tests.harness.eventually import until
from tests.harness.media_client import LISTENING, SPEAKING, Client, Plane, running
from tests.harness.sound import encode, sine

pytestmark = pytest.mark.thorough

TONE = encode(sine(440, 1.0))
FRAMES = 500


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async with running() as plane:
        yield plane


async def says_all_is_lost(client: Client) -> None:
    """A receiver report of 100 % loss, arrived."""
    session, before = client.session, client.session.heard_at
    client.plane.clock.now += 0.1
    client.send(client.report(receiver_report(1, (ReportBlock(session.mix_ssrc, 255, 0x7FFFFF, 1, 0, 0, 0),))))
    await until(lambda: session.heard_at > before)


async def talk(plane: Plane, speaker: Client, hearers: list[Client], frames: int) -> list[int]:
    """So many frames; returns how many packets of them each hearer got."""
    before = [len(client.rtp) for client in hearers]
    for n in range(frames):
        speaker.send(speaker.packet(TONE[n % len(TONE)]))
        await asyncio.sleep(0)
        plane.tick()
        if n % 20 == 0:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    return [len(client.rtp) - count for client, count in zip(hearers, before, strict=True)]


async def test_who_reports_that_all_is_lost_changes_only_what_he_gets(plane: Plane) -> None:
    speaker = await plane.connected("ada", SPEAKING)
    with_red = Plan(mix=Send(111, 63))
    liar, plain_liar = await plane.connected("liar", with_red), await plane.connected("plain liar", LISTENING)
    others = [await plane.connected(f"listener {n}", (LISTENING, with_red)[n % 2]) for n in range(18)]
    for client in (liar, plain_liar):
        await says_all_is_lost(client)
    plane.clock.now += REPORT_SPEAKERS_SECONDS
    await asyncio.sleep(0.3)  # the timers come round
    assert await talk(plane, speaker, others, 50) == [50] * len(others)
    assert {p.payload_type for p in liar.rtp[-40:]} == {63}
    assert {p.payload_type for client in others for p in client.rtp} == {111}, "no RED for who did not ask"
    sound = plane.media._engine._spaces["room"]
    assert sound.expected_loss_percent == plane.media._config.audience_expected_loss_percent, "no FEC for one in twenty"


async def test_who_never_reads_and_who_vanishes_cost_the_others_nothing(plane: Plane) -> None:
    speaker = await plane.connected("ada", SPEAKING)
    deaf, gone, good = [await plane.connected(name, LISTENING) for name in ("deaf", "gone", "good")]
    asyncio.get_running_loop().remove_reader(deaf.socket)  # what arrives stays in the kernel, which soon drops more
    gone.vanish()
    assert await talk(plane, speaker, [good], FRAMES) == [FRAMES]
    counted = plane.media._engine.counts()
    assert (counted["late"], counted["lost"], counted["underruns"]) == (0, 0, 0)
    plane.clock.now += plane.media._config.silence_seconds_max + 1
    for client in (speaker, good):
        await client.checked()
    await until(lambda: bool(gone.closed and deaf.closed))
    assert not good.closed
    assert not speaker.closed
