"""A WHIP speaker and WHEP listeners, whatever number they give to Opus."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import numpy as np

from spaces.demo.offer import Direction
from spaces.demo.speech import Speech
from spaces.mixing.opus import FRAME
from spaces.mixing.phases import TICK_SAMPLES
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import RtcClient, decode, duplicates_and_losses, listening, speaking
from tests.harness.eventually import until
from tests.harness.patience import until_speech


async def test_a_listener_hears_the_speech_as_it_was_spoken(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host), listening(api, space) as listener:
        await until_speech(listener, 6)


async def test_every_client_is_answered_under_its_own_number(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)

    async def under(opus_payload_type: int) -> None:
        space = await api.space(host)
        async with (
            speaking(api, space, speech, by=host, opus_payload_type=opus_payload_type) as speaker,
            listening(api, space, opus_payload_type=opus_payload_type) as listener,
            listening(api, space, opus_payload_type=100) as another,
        ):
            assert speaker.answer.opus_payload_type == opus_payload_type
            await asyncio.gather(until_speech(listener), another.hear_first())
            assert {p.payload_type for p in listener.packets} == {opus_payload_type}
            assert {p.payload_type for p in another.packets} == {100}

    async with asyncio.TaskGroup() as spaces:
        for number in (96, 109, 111):
            spaces.create_task(under(number))


async def test_the_mix_is_one_stream_without_holes_or_repeats(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host), listening(api, space) as listener:
        await until(lambda: len(listener.packets) > 100 and listener.reports > 0)  # sender reports
    packets = listener.packets
    assert {p.ssrc for p in packets} == {packets[0].ssrc}
    assert listener.answer.ssrc in (None, packets[0].ssrc)
    assert duplicates_and_losses(packets) == (0, 0)
    assert packets[0].sequence < 1 << 14, (
        "a listener who misses the first packets must guess the rollover counter right"
    )
    steps = {(b.timestamp - a.timestamp) % (1 << 32) for a, b in itertools.pairwise(packets)}
    # More than a frame only in silence, or where the machine was late: then ticks are left out.
    assert all(FRAME <= step < 40 * FRAME and step % TICK_SAMPLES == 0 for step in steps), steps


VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=mid:video0\r\na=recvonly\r\n"
    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
)


async def test_video_is_refused_and_audio_answered_where_both_are_offered(
    api: Api, handle: str, speech: Speech
) -> None:
    """Some players ask for both, video first."""
    host = await api.creator(handle)
    space = await api.space(host)

    class Player(RtcClient):
        def offer_text(self, direction: Direction, *numbers: Any, **more: Any) -> str:
            text = super().offer_text(direction, *numbers, **more)
            session, audio = text.split("m=audio", 1)
            return session.replace("BUNDLE 0", "BUNDLE video0 0") + VIDEO + "m=audio" + audio

    player = Player(api)
    async with speaking(api, space, speech, by=host):
        try:
            await player.connect(f"/v1/spaces/{space}/whep", "recvonly")
            assert re.search(r"m=video 0 .*m=audio [1-9]", player.sdp, re.DOTALL), player.sdp
            assert "a=group:BUNDLE 0\r\n" in player.sdp
            await player.hear_first()
        finally:
            await player.leave()


async def test_nobody_hears_himself(api: Api, handle: str, speech: Speech) -> None:
    """A speaker's own WHEP carries the mix without him: alone on stage he hears silence."""
    host = await api.creator(handle)
    space = await api.space(host)
    async with (
        speaking(api, space, speech, by=host),
        listening(api, space, by=host) as himself,
        listening(api, space) as another,
    ):
        await until_speech(another)
    heard = decode(himself.packets).astype(np.float64)
    assert len(heard) == 0 or np.sqrt(np.mean(heard**2)) < 1e-3


async def test_whoever_leaves_gets_no_further_datagram(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host):
        listener = RtcClient(api)
        await listener.connect(f"/v1/spaces/{space}/whep", "recvonly")
        await listener.hear_first()
        gone = await api.request("DELETE", listener.session_path)
        assert gone.status in (200, 204)
        await listener.hear_nothing(0.5)
        await listener.close()
        again = await api.request("DELETE", listener.session_path)
        assert again.status == 404


async def test_a_listener_cannot_speak(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    speaker = RtcClient(api)
    fan = person(f"{handle}fan")
    refused = await api.offer(f"/v1/spaces/{space}/whip", speaker.offer_text("sendonly"), by=fan)
    assert (refused.status, refused.code) == (403, "not_on_stage")
    nobody = await api.offer(f"/v1/spaces/{space}/whip", speaker.offer_text("sendonly"))
    assert nobody.status == 401
    await speaker.close()
