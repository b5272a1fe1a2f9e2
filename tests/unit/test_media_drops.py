"""Datagrams that nobody asked for: each ends as a counted drop, leaves no state, and the others hear nothing of it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator
from struct import pack

import pytest

from spaces.sfu.link import REPORTERS_MAX
from spaces.sfu.peer import EARLY_PACKETS_MAX
from spaces.sfu.rtcp import receiver_report
from tests.harness.eventually import until
from tests.harness.media_client import LISTENING, OPUS, SPEAKING, VOICE, Client, Plane, running


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async with running() as plane:
        yield plane


@pytest.fixture
async def stage(plane: Plane) -> AsyncIterator[tuple[Client, Client]]:
    """A speaker, and somebody on stage who hears him."""
    speaker, hearer = await plane.connected("ada", SPEAKING), await plane.connected("bob", SPEAKING)
    yield speaker, hearer
    for client in (speaker, hearer):
        client.session.close()
    assert plane.left_behind() == {}


async def still_heard(speaker: Client, hearer: Client) -> None:
    """A good packet is the next one that the other hears, as if nothing had been before."""
    before = len(hearer.rtp)
    speaker.send(speaker.packet(b"\xf8the next"))
    await until(lambda: len(hearer.rtp) > before)
    assert [p.payload for p in hearer.rtp[before:]] == [b"\xf8the next"]
    assert hearer.undecryptable == 0


async def test_from_an_unknown_address(plane: Plane) -> None:
    client = await plane.client(plan=SPEAKING)
    client.start()
    for data in (bytes((0x80, OPUS)) + bytes(40), bytes((0x80, 201)) + bytes(40), bytes((22, 254, 253)) + bytes(40)):
        client.send(data)
    await plane.dropped("unknown_address", 3)
    assert plane.media._incoming.addresses == {}
    assert plane.media._handshakes == {}, "DTLS begins after a validated check"


async def test_of_no_protocol(plane: Plane) -> None:
    client = await plane.client()
    for first in (4, 16, 19, 64, 79, 127, 192, 255):
        client.send(bytes((first,)) + secrets.token_bytes(30))
    client.send(b"short")
    await plane.dropped("unknown_protocol", 9)


async def test_stun_that_is_malformed_unauthenticated_or_for_nobody(plane: Plane) -> None:
    client = await plane.client()
    good = client.check()
    client.send(good[:-4])
    client.send(client.check(password="some other password"))
    client.send(good.replace(client.session.ufrag.encode(), b"x" * len(client.session.ufrag)))
    await plane.dropped("stun_malformed")
    await plane.dropped("ice_integrity")
    await plane.dropped("ice_unknown_ufrag")
    assert client.answers == 0
    assert client.session.path is None


async def test_of_a_second_stream(plane: Plane, stage: tuple[Client, Client]) -> None:
    speaker, hearer = stage
    await still_heard(speaker, hearer)
    for _ in range(5):
        speaker.send(speaker.packet(ssrc=speaker.ssrc ^ 1))
    await plane.dropped("rtp_unknown_ssrc", 5)
    await still_heard(speaker, hearer)


async def test_of_a_payload_type_that_was_not_agreed(plane: Plane, stage: tuple[Client, Client]) -> None:
    speaker, hearer = stage
    for payload_type in (0, 13, 96, 110, 127):
        speaker.send(speaker.packet(payload_type=payload_type))
    await plane.dropped("rtp_payload_type", 5)
    await still_heard(speaker, hearer)


async def test_with_huge_or_broken_extensions(plane: Plane, stage: tuple[Client, Client]) -> None:
    speaker, hearer = stage
    speaker.send(speaker.packet(b"\xf8huge", extension=pack("!HH", 0xBEDE, 250) + bytes(1_000)))
    await until(lambda: hearer.rtp)
    assert hearer.rtp[0].payload == b"\xf8huge", "stripped, and none of it passed on"
    speaker.send(speaker.packet(extension=pack("!HH", 0xBEDE, 1) + b"\x1f\xff\xff\xff"))
    await until(lambda: len(hearer.rtp) == 2)
    lies = bytearray(speaker.packet())
    lies[14:16] = b"\xff\xff"
    speaker.send(bytes(lies))
    await plane.dropped("srtp_rejected")
    speaker.send(pack("!BBHII", 0x80, OPUS, 1, 1, speaker.ssrc) + bytes(2_000))
    await plane.dropped("srtp_rejected", 2)
    await still_heard(speaker, hearer)


async def test_replayed_or_forged_or_truncated(plane: Plane, stage: tuple[Client, Client]) -> None:
    speaker, hearer = stage
    captured = speaker.packet()
    speaker.send(captured)
    await until(lambda: hearer.rtp)
    for data in (captured, captured, captured[:-1], captured[:20], captured[:-1] + bytes((captured[-1] ^ 1,))):
        speaker.send(data)
    await plane.dropped("srtp_rejected", 5)
    await still_heard(speaker, hearer)


async def test_captured_by_another_client(plane: Plane, stage: tuple[Client, Client]) -> None:
    speaker, hearer = stage
    captured = speaker.packet()
    hearer.send(captured)
    await plane.dropped("srtp_rejected")
    hearer.send(captured[:2] + bytes(6) + captured[8:])
    await plane.dropped("srtp_rejected", 2)
    await still_heard(speaker, hearer)


async def test_that_is_not_opus(plane: Plane, stage: tuple[Client, Client]) -> None:
    speaker, hearer = stage
    for payload in (b"", b"\xfb", b"\xfb\x3f" + bytes(20), b"\xf8" + bytes(1_290)):
        speaker.send(speaker.packet(payload))
    await plane.dropped("opus_malformed", 4)
    speaker.send(speaker.packet(b"\xff" * 3, payload_type=63))
    await plane.dropped("red_malformed")
    await still_heard(speaker, hearer)


async def test_from_somebody_who_is_not_on_stage(plane: Plane) -> None:
    listener = await plane.connected(plan=LISTENING)
    listener.send(listener.packet())
    await plane.dropped("rtp_not_expected")
    assert plane.media.levels("room") == {}


async def test_reports_from_too_many_ssrcs(plane: Plane) -> None:
    client = await plane.connected()
    for ssrc in range(REPORTERS_MAX + 5):
        client.send(client.report(receiver_report(ssrc, ())))
    await plane.dropped("rtcp_unknown_ssrc", 5)
    client.send(client.report(receiver_report(3, ())))
    client.send(client.report(receiver_report(3, ()))[:-1])
    await plane.dropped("srtcp_rejected")


async def test_reports_that_are_malformed_or_replayed(plane: Plane) -> None:
    client = await plane.connected()
    client.send(client.report(bytes((0x9F, 201, 0, 1)) + bytes(4)))
    await plane.dropped("rtcp_malformed")
    captured = client.report(receiver_report(1, ()))
    client.send(captured)
    client.send(captured)
    await plane.dropped("srtcp_rejected")


async def test_media_before_dtls_is_up_is_kept_for_a_while(plane: Plane) -> None:
    client = await plane.client(plan=SPEAKING)
    client.start()
    await client.checked()
    for _ in range(EARLY_PACKETS_MAX + 1):
        client.send(bytes((0x80, OPUS)) + bytes(60))
    client.send(bytes((0x80, 201)) + bytes(60))
    await plane.dropped("rtp_not_expected")
    await plane.dropped("rtcp_not_expected")
    await client.handshake()
    await plane.dropped("srtp_rejected", EARLY_PACKETS_MAX)


async def test_a_flood_of_dtls_is_bounded_and_the_handshake_goes_on(plane: Plane) -> None:
    client = await plane.client()
    await client.checked()  # no answer was given yet: nobody reads the queue
    for n in range(40):
        client.send(bytes((22, 254, 253)) + pack("!QQ", n, n))
    await until(lambda: plane.drops("dtls_queue_full") == 24)
    client.start()
    await client.handshake()
    await until(lambda: client.session.connected)


async def test_more_packets_than_opus_can_make(plane: Plane, stage: tuple[Client, Client]) -> None:
    speaker, hearer = stage
    for _ in range(300):
        speaker.send(speaker.packet())
    await until(lambda: plane.drops("rtp_rate") > 0)
    await until(lambda: len(hearer.rtp) + plane.drops("rtp_rate") == 300)
    assert len(hearer.rtp) == 250, "half a second's worth at once"
    plane.clock.now += 1.0
    await still_heard(speaker, hearer)


async def test_a_jump_in_the_sequence_does_not_break_the_stage(plane: Plane, stage: tuple[Client, Client]) -> None:
    speaker, hearer = stage
    for jump in (0, 30_000, 30_000, 5_000, 1):
        speaker.sequence += jump
        await still_heard(speaker, hearer)
    sequences = [p.sequence for p in hearer.rtp]
    assert [b - a for a, b in itertools.pairwise(sequences)] == [1, 1, 1, 2]


async def test_another_stream_of_the_same_speaker_goes_on_in_his_slot(
    plane: Plane, stage: tuple[Client, Client]
) -> None:
    speaker, hearer = stage
    speaker.sequence = 20_000
    await still_heard(speaker, hearer)
    for sequence in (3, 60_000, 17):  # each SSRC begins where it likes
        plane.clock.now += 1.0
        speaker.ssrc, speaker.sequence = speaker.ssrc ^ 1 << sequence % 32, sequence
        await still_heard(speaker, hearer)
    sequences = [p.sequence for p in hearer.rtp]
    assert [b - a for a, b in itertools.pairwise(sequences)] == [1, 1, 1]


async def test_noise_of_every_kind_from_a_connected_address(plane: Plane, stage: tuple[Client, Client]) -> None:
    speaker, hearer = stage

    def received() -> float:
        plane.metrics.refresh()
        return plane.metrics.registry.get_sample_value("spaces_packets_total", {"direction": "in"}) or 0.0

    before = received()
    for n in range(400):
        noise = secrets.token_bytes(1 + n * 3 % 300)
        first = bytes((noise[0] if n % 4 else (0x80, 22, 0, 0xBF)[n // 4 % 4],))
        hearer.send(first + noise[1:])
    await until(lambda: received() >= before + 400)
    await still_heard(speaker, hearer)
    assert VOICE not in [p.payload for p in hearer.rtp]
