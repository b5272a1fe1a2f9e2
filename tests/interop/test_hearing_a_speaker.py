"""A WHIP speaker and WHEP listeners, whatever number they give to Opus."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import numpy as np
import pytest

from spaces.demo.offer import Direction
from spaces.demo.speech import SPEECH_FILE, Speech
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import RtcClient, duplicates_and_losses, listening, speaking
from tests.harness.measure import correlations
from tests.harness.opus import decode_file


async def test_a_listener_hears_the_speech_as_it_was_spoken(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host), listening(api, space) as listener:
        await asyncio.sleep(1)
        heard = await listener.heard(8)
    found = correlations(heard, decode_file(str(SPEECH_FILE)))
    assert len(found) >= 8
    assert np.median(found) >= 0.9


@pytest.mark.parametrize("opus_payload_type", [96, 109, 111])
async def test_every_client_is_answered_under_its_own_number(
    api: Api, handle: str, speech: Speech, opus_payload_type: int
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with (
        speaking(api, space, speech, by=host, opus_payload_type=opus_payload_type) as speaker,
        listening(api, space, opus_payload_type=opus_payload_type) as listener,
        listening(api, space, opus_payload_type=100) as another,
    ):
        assert speaker.answer.opus_payload_type == opus_payload_type
        await asyncio.sleep(1)
        heard = await listener.heard(3)
        assert {p.payload_type for p in listener.packets} == {opus_payload_type}
        assert {p.payload_type for p in another.packets} == {100}
    assert np.median(correlations(heard, decode_file(str(SPEECH_FILE)))) >= 0.9


async def test_the_mix_is_one_stream_without_holes_or_repeats(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host), listening(api, space) as listener:
        await listener.hear_first()
        await asyncio.sleep(3)
    packets = listener.packets
    assert {p.ssrc for p in packets} == {packets[0].ssrc}
    assert listener.answer.ssrc in (None, packets[0].ssrc)
    assert duplicates_and_losses(packets) == (0, 0)
    assert packets[0].sequence < 1 << 14, (
        "a listener who misses the first packets must guess the rollover counter right"
    )
    steps = {(b.timestamp - a.timestamp) % (1 << 32) for a, b in itertools.pairwise(packets)}
    assert steps <= {n * 960 for n in range(1, 40)}, "multiples of a frame; more than one only in silence"
    assert listener.reports > 0, "sender reports"


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
        await player.connect(f"/v1/spaces/{space}/whep", "recvonly")
        assert re.search(r"m=video 0 .*m=audio [1-9]", player.sdp, re.DOTALL), player.sdp
        assert "a=group:BUNDLE 0\r\n" in player.sdp
        await player.hear_first()
        await player.leave()


async def test_nobody_hears_himself(api: Api, handle: str, speech: Speech) -> None:
    """A speaker's own WHEP carries the mix without him: alone on stage he hears silence."""
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host), listening(api, space, by=host) as himself:
        await asyncio.sleep(1)
        heard = await himself.heard(3)
    assert float(np.sqrt(np.mean(heard.astype(np.float64) ** 2))) < 1e-3


async def test_whoever_leaves_gets_no_further_datagram(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host):
        listener = RtcClient(api)
        await listener.connect(f"/v1/spaces/{space}/whep", "recvonly")
        await listener.hear_first()
        gone = await api.request("DELETE", listener.session_path)
        assert gone.status in (200, 204)
        before = listener.datagrams
        await asyncio.sleep(0.5)
        assert listener.datagrams == before
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
