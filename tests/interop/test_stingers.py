"""A host's sound on its whole way: a file uploaded, played, and heard by the audience and by the stage, without a click."""

from __future__ import annotations

import asyncio

import numpy as np

from tests.harness.api import Api
from tests.harness.channel import entered, hearing
from tests.harness.client import Packet, decode, listening, parse
from tests.harness.opus import Samples
from tests.harness.sound_files import sound_file, tone

HERTZ = 1_000.0


async def test_audience_and_stage_hear_a_tone_that_neither_begins_nor_ends_with_a_click(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    path = f"/v1/spaces/{space}/stingers"
    file = sound_file(tone(HERTZ, 2.0), "flac")
    made = await api.request("POST", f"{path}?name=Intro", by=host, data=file, content_type="audio/flac")
    assert made.status == 201, made.body
    on_stage: list[Packet] = []

    def heard_on_stage(data: bytes) -> None:
        on_stage.append(parse(data, asyncio.get_running_loop().time()))

    async with (
        entered(api, space, host) as (ada, _),
        hearing(ada, heard_on_stage) as media,
        listening(api, space) as fan,
    ):
        for stopped in (False, True):
            on_stage.clear()
            fan.packets.clear()
            await ada.ok("stinger.play", stinger=made.body["id"])
            if stopped:
                await asyncio.sleep(0.8)
                await ada.ok("stinger.stop")
            await ada.event("stinger", playing=None)
            await asyncio.sleep(0.7)
            await fan.caught_up()
            slots = {source for mid, source in media.sources.items() if mid.startswith("slot")}
            stage = [packet for packet in on_stage if packet.ssrc in slots]
            assert len({packet.ssrc for packet in stage}) == 1, "a slot of its own, one after the other"
            for who, packets in (("audience", fan.packets), ("stage", stage)):
                sound = decode(packets)
                assert_tone_without_click(sound, 0.6 if stopped else 1.9, who)


def assert_tone_without_click(sound: Samples, seconds_min: float, who: str) -> None:
    loud = np.flatnonzero(np.abs(sound) > 0.02)
    begin, end = int(loud[0]), int(loud[-1])
    assert end - begin > seconds_min * 48_000, f"{who}: {(end - begin) / 48_000:.2f} s"
    middle = sound[begin + 4_800 : end - 2_400]
    loudness = 10 * np.log10(np.mean(middle**2))
    assert -21 < loudness < -16, f"{who}: −18 LUFS; {loudness:.1f}"
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    hertz = np.fft.rfftfreq(len(middle), 1 / 48_000)
    tone_power = power[np.abs(hertz - HERTZ) < 0.02 * HERTZ].sum()  # the mix may stretch it by 0.4 %
    assert tone_power > 0.95 * power.sum(), f"{who}: {tone_power / power.sum():.2f} of it is the tone"
    smooth = 2 * np.pi * HERTZ / 48_000 * np.sqrt(2) * 10 ** (loudness / 20)
    for where, part in (
        ("begins", sound[max(0, begin - 2_400) : begin + 960]),
        ("ends", sound[end - 960 : end + 2_400]),
    ):
        largest = np.abs(np.diff(part)).max()
        assert largest < 1.6 * smooth, f"{who} {where}: a step of {largest:.4f}, where the tone's own are {smooth:.4f}"
