"""From a speaker's SRTP to Opus for the stage and the mix: what is taken, what is dropped and under which name."""

from __future__ import annotations

import secrets
from struct import pack
from typing import NamedTuple

import pytest
from pylibsrtp import Policy

from spaces.errors import RemoteError
from spaces.mixing.level import SILENCE_DBFS
from spaces.mixing.sound import Source
from spaces.sfu.claims import CLAIM_TRUSTED_DB
from spaces.sfu.session import Receive
from spaces.sfu.srtp import Keys
from spaces.sfu.uplink import SSRC_CHANGES_MAX, SSRC_SILENT_SECONDS, Uplink

OPUS, RED, LEVEL_ID = 111, 63, 3
FRAME_20_MS = bytes((0xF8, 1, 2, 3, 4, 5))  # CELT, full band, 20 ms, one frame
SSRC = 0xDECAFBAD


class Heard(NamedTuple):
    dbfs: float
    seconds: float
    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    now: float


class Arrival(NamedTuple):
    source: Source
    sequence: int
    timestamp: int
    payload: bytes
    samples: int
    at: float
    behind: int = 0


class Sound:
    """What the mixer is given, and what it would say of a source's loudness."""

    def __init__(self) -> None:
        self.inbox: list[Arrival] = []
        self.level = (SILENCE_DBFS, 0.0)

    def packet(self, *arrival: object) -> None:
        self.inbox.append(Arrival(*arrival))  # type: ignore[arg-type]

    def measured(self, source: Source) -> tuple[float, float]:
        return self.level


class Speaker:
    """An uplink and the client at its other end."""

    def __init__(self, ssrcs: set[int] | None = None) -> None:
        key, other = secrets.token_bytes(28), secrets.token_bytes(28)
        theirs = Keys(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, send=key, receive=other)
        ours = Keys(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, send=other, receive=key)
        self.out = theirs.sending()
        self.heard: list[Heard] = []
        self.sound = Sound()
        self.source = Source("space", "17")
        receive = Receive(OPUS, RED, LEVEL_ID)
        self.uplink = Uplink(receive, ours.receiving(), self.sound, self.source, self._heard, ssrcs=ssrcs)
        self.now = 1_000.0

    def _heard(self, *heard: object) -> None:
        self.heard.append(Heard(*heard))  # type: ignore[arg-type]

    def rtp(
        self,
        sequence: int,
        payload: bytes = FRAME_20_MS,
        *,
        payload_type: int = OPUS,
        ssrc: int = SSRC,
        level: int | None = None,
        extension: bytes = b"",
    ) -> bytes:
        if level is not None:
            extension = pack("!HHBBxx", 0xBEDE, 1, LEVEL_ID << 4, 0x80 | level)
        first = 0x90 if extension else 0x80
        header = pack("!BBHII", first, payload_type, sequence & 0xFFFF, sequence * 960 & 0xFFFFFFFF, ssrc)
        return self.out.protect(header + extension + payload)

    def send(self, data: bytes, *, muted: bool = False) -> None:
        self.uplink.packet_untrusted(data, self.now, muted=muted)
        self.now += 0.02

    def refused(self, data: bytes) -> str:
        before = (len(self.heard), len(self.sound.inbox))
        with pytest.raises(RemoteError) as error:
            self.uplink.packet_untrusted(data, self.now, muted=False)
        assert (len(self.heard), len(self.sound.inbox)) == before, "a dropped packet is heard nowhere"
        return error.value.cause

    @property
    def received(self) -> int:
        return 0 if self.uplink.reception is None else self.uplink.reception.received

    @property
    def mixed(self) -> list[tuple[int, bytes]]:
        return [(a.sequence, a.payload) for a in self.sound.inbox]


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


def red(*older: tuple[int, int, bytes], primary: bytes = FRAME_20_MS, kind: int = OPUS) -> bytes:
    """A RED payload of (payload type, timestamp offset, block), oldest first, and the primary."""
    headers = b"".join(pack("!I", (0x80 | t) << 24 | offset << 10 | len(block)) for t, offset, block in older)
    return headers + bytes((kind,)) + b"".join(block for _, _, block in older) + primary


def test_a_packet_goes_to_the_stage_and_to_the_mix(speaker: Speaker) -> None:
    speaker.sound.level = (-20.0, speaker.now)
    speaker.send(speaker.rtp(65_535, level=20))
    speaker.send(speaker.rtp(65_536, level=21))
    assert [(h.dbfs, h.seconds, h.sequence, h.payload) for h in speaker.heard] == [
        (-20.0, 0.02, 65_535, FRAME_20_MS),
        (-21.0, 0.02, 65_536, FRAME_20_MS),
    ]
    assert speaker.mixed == [(65_535, FRAME_20_MS), (65_536, FRAME_20_MS)]


def test_forged_and_replayed_packets_are_dropped_and_take_no_state(speaker: Speaker) -> None:
    good = speaker.rtp(1)
    assert speaker.refused(good[:-1] + bytes((good[-1] ^ 1,))) == "srtp_rejected"
    assert speaker.refused(pack("!BBHII", 0x80, OPUS, 1, 1, 77) + secrets.token_bytes(40)) == "srtp_rejected"
    assert speaker.refused(secrets.token_bytes(1_700)[:1_600]) == "srtp_rejected"
    assert speaker.received == 0
    speaker.send(good)
    assert speaker.refused(good) == "srtp_rejected"
    assert speaker.received == 1


def test_a_payload_type_that_was_not_agreed_is_dropped(speaker: Speaker) -> None:
    assert speaker.refused(speaker.rtp(1, payload_type=96)) == "rtp_payload_type"
    assert speaker.received == 0


def test_padding_alone_and_what_is_not_opus_is_dropped(speaker: Speaker) -> None:
    assert speaker.refused(speaker.rtp(1, b"")) == "opus_malformed"
    assert speaker.refused(speaker.rtp(2, bytes((0xFB,)))) == "opus_malformed", "code 3 without its frame count"
    assert speaker.refused(speaker.rtp(3, bytes((0xFB, 63)) + bytes(40))) == "opus_malformed", "longer than 120 ms"
    assert speaker.refused(speaker.rtp(4, bytes((0xF8,)) + bytes(1_300))) == "opus_malformed", "longer than a packet"


def test_a_huge_header_extension_is_stepped_over(speaker: Speaker) -> None:
    words = 300
    speaker.send(speaker.rtp(1, extension=pack("!HH", 0xBEDE, words) + bytes(4 * words)))
    assert speaker.mixed == [(1, FRAME_20_MS)]
    too_long = pack("!HH", 0xBEDE, 0xFFFF) + bytes(40)  # libsrtp or the parser: it must not get through
    assert speaker.refused(pack("!BBHII", 0x90, OPUS, 2, 0, SSRC) + too_long) == "srtp_rejected"


def test_a_second_stream_at_the_same_time_is_dropped(speaker: Speaker) -> None:
    speaker.send(speaker.rtp(1))
    assert speaker.refused(speaker.rtp(1, ssrc=2)) == "rtp_unknown_ssrc"


def test_another_stream_after_the_first_has_fallen_silent_goes_on_behind_it(speaker: Speaker) -> None:
    speaker.send(speaker.rtp(40_000))
    speaker.now += 0.5
    speaker.send(speaker.rtp(5, ssrc=2))
    sequences = [h.sequence for h in speaker.heard]
    assert sequences == [40_000, 65_536 + 5]
    assert speaker.uplink.reception is not None
    assert speaker.uplink.reception.ssrc == 2


def test_streams_of_one_client_are_bounded(speaker: Speaker) -> None:
    for ssrc in range(SSRC_CHANGES_MAX):
        speaker.send(speaker.rtp(1, ssrc=ssrc))
        speaker.now += 1.0
    assert speaker.refused(speaker.rtp(1, ssrc=999)) == "rtp_unknown_ssrc"
    speaker.send(speaker.rtp(2, ssrc=3))


def test_streams_are_bounded_whatever_their_packets_hold(speaker: Speaker) -> None:
    """libsrtp has state for every stream of which one packet was authentic, and nothing else of it need be right."""
    for ssrc in range(SSRC_CHANGES_MAX):
        header = pack("!BBHII", 0xA0, OPUS, 1, 960, ssrc)  # padded, by no bytes
        assert speaker.refused(speaker.out.protect(header + b"\0")) == "rtp_malformed"
    assert speaker.refused(speaker.rtp(1, ssrc=999)) == "rtp_unknown_ssrc"
    speaker.send(speaker.rtp(2, ssrc=3))


def test_a_packet_from_before_another_streams_first_is_left_out(speaker: Speaker) -> None:
    """Its number would be one that the stream before has had, and the stage's SRTP takes no number twice."""
    for sequence in range(990, 1_001):
        speaker.send(speaker.rtp(sequence))
    speaker.now += SSRC_SILENT_SECONDS
    late = speaker.rtp(998, ssrc=2)
    speaker.send(speaker.rtp(1_005, ssrc=2))
    assert speaker.refused(late) == "rtp_before_begin"
    speaker.send(speaker.rtp(1_006, ssrc=2))
    assert [sequence for sequence, _ in speaker.mixed][-2:] == [1_005, 1_006]


def test_muted_packets_are_counted_and_heard_nowhere(speaker: Speaker) -> None:
    speaker.send(speaker.rtp(1), muted=True)
    assert speaker.heard == []
    assert speaker.mixed == []
    assert speaker.received == 1


# --- RED (RFC 2198)

FIRST, SECOND = bytes((0xF8, 11)), bytes((0xF8, 22))


def test_redundant_copies_fill_what_was_lost_and_only_that(speaker: Speaker) -> None:
    speaker.send(speaker.rtp(7, red(primary=FIRST), payload_type=RED))
    # 8 is lost
    speaker.send(speaker.rtp(9, red((OPUS, 1_920, FIRST), (OPUS, 960, SECOND)), payload_type=RED))
    assert speaker.mixed == [(7, FIRST), (8, SECOND), (9, FRAME_20_MS)]
    assert [a.timestamp for a in speaker.sound.inbox] == [7 * 960, 8 * 960, 9 * 960]
    assert [a.behind for a in speaker.sound.inbox] == [0, 960, 0]
    assert [h.payload for h in speaker.heard] == [FIRST, FRAME_20_MS], "the stage gets each packet once, without RED"


def test_copies_from_before_the_first_packet_are_left_out(speaker: Speaker) -> None:
    speaker.send(speaker.rtp(0, red((OPUS, 960, FIRST)), payload_type=RED))
    assert speaker.mixed == [(0, FRAME_20_MS)]


def test_blocks_of_another_payload_type_are_not_opus(speaker: Speaker) -> None:
    speaker.send(speaker.rtp(6))
    speaker.send(speaker.rtp(8, red((13, 960, FIRST)), payload_type=RED))
    assert speaker.mixed == [(6, FRAME_20_MS), (8, FRAME_20_MS)]
    assert speaker.refused(speaker.rtp(9, red(kind=13), payload_type=RED)) == "rtp_payload_type"


def test_a_malformed_copy_is_found_before_anything_is_kept(speaker: Speaker) -> None:
    assert speaker.refused(speaker.rtp(1, red((OPUS, 960, bytes((0xFB,)))), payload_type=RED)) == "opus_malformed"
    assert speaker.refused(speaker.rtp(2, b"\xff" * 3, payload_type=RED)) == "red_malformed"
    assert speaker.received == 0


def test_an_empty_copy_is_nothing(speaker: Speaker) -> None:
    speaker.send(speaker.rtp(6))
    speaker.send(speaker.rtp(8, red((OPUS, 960, b"")), payload_type=RED))
    assert speaker.mixed == [(6, FRAME_20_MS), (8, FRAME_20_MS)]


def test_streams_are_bounded_for_as_long_as_their_keys_live() -> None:
    ssrcs: set[int] = set()
    speaker = Speaker(ssrcs)
    for ssrc in range(SSRC_CHANGES_MAX):
        speaker.send(speaker.rtp(1, ssrc=ssrc))
        speaker.now += 1.0
    again = Speaker(ssrcs)  # the microphone was taken away and given back
    assert again.refused(again.rtp(1, ssrc=999)) == "rtp_unknown_ssrc"
    again.send(again.rtp(1, ssrc=3))


def test_the_level_of_a_packet_is_his_claim_as_far_as_it_is_true(speaker: Speaker) -> None:
    speaker.sound.level = (-60.0, speaker.now)
    speaker.send(speaker.rtp(1, level=0))
    assert speaker.heard[-1].dbfs == -60.0 + CLAIM_TRUSTED_DB
