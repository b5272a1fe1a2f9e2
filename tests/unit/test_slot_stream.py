"""A slot towards one receiver is one stream: SSRC, sequence and timestamp go on while its speakers change."""

from __future__ import annotations

import struct

from pylibsrtp import Policy, Session

from spaces.sfu.forward import FIRST_SEQUENCE_MAX, JUMP_PACKETS_MAX, REORDER_PACKETS_MAX, SlotStream
from spaces.sfu.rtp import parse_rtp_untrusted, sequence_after, timestamp_after

SSRC = 0xFEEDFACE


class Wire:
    """What the receiver gets of a slot: (marker, sequence, timestamp) of every packet."""

    def __init__(self, first_sequence: int = 100, first_timestamp: int = 5_000) -> None:
        self.slot = SlotStream(SSRC, first_sequence, first_timestamp)
        self.out: list[tuple[bool, int, int]] = []

    def send(self, tenure: int, sequence: int, timestamp: int, now: float = 0.0, *, marker: bool = False) -> bool:
        header = self.slot.rewrite(tenure, sequence, timestamp, marker, 109, now)
        if header is None:
            return False
        packet = parse_rtp_untrusted(header + b"x")
        assert (packet.ssrc, packet.payload_type, packet.payload) == (SSRC, 109, b"x")
        self.out.append((packet.marker, packet.sequence, packet.timestamp))
        return True


def test_the_first_packet_has_the_first_sequence_and_timestamp_and_the_marker() -> None:
    wire = Wire()
    wire.send(1, 70_000, 123, now=4.0)
    wire.send(1, 70_001, 1_083, now=4.02)
    assert wire.out == [(True, 100, 5_000), (False, 101, 5_960)]


def test_a_talk_spurts_marker_is_passed_on() -> None:
    wire = Wire()
    wire.send(1, 0, 0, 1.0)
    wire.send(1, 1, 960, 1.02, marker=True)
    assert [m for m, _, _ in wire.out] == [True, True]


def test_a_new_holder_goes_on_where_the_one_before_stopped() -> None:
    wire = Wire()
    wire.send(1, 10, 0, 1.0)
    wire.send(2, 40_000, 0xFFFFFF00, 1.02)
    wire.send(2, 40_001, 0xFFFFFF00 + 960 - (1 << 32), 1.04)
    assert wire.out == [(True, 100, 5_000), (True, 101, 5_960), (False, 102, 6_920)]


def test_time_without_packets_passes_in_the_stream() -> None:
    wire = Wire()
    wire.send(1, 10, 0, 1.0)
    wire.send(2, 7, 77, 3.0)
    assert wire.out[1] == (True, 101, 5_000 + 2 * 48_000)


def test_the_same_speaker_in_a_later_tenure_is_joined_without_a_gap_in_sequence() -> None:
    wire = Wire()
    wire.send(1, 10, 0, 1.0)
    wire.send(2, 500, 9, 1.02)
    wire.send(3, 900, 900 * 960, 1.04)
    assert [s for _, s, _ in wire.out] == [100, 101, 102]


def test_sequence_and_timestamp_wrap() -> None:
    wire = Wire(first_sequence=0xFFFF, first_timestamp=0xFFFFFFFF - 959)
    wire.send(1, 3, 0, 1.0)
    wire.send(1, 4, 960, 1.02)
    assert wire.out == [(True, 0xFFFF, 0xFFFFFFFF - 959), (False, 0, 0)]


def test_reordered_packets_keep_their_places_and_a_loss_stays_a_gap() -> None:
    wire = Wire()
    for sequence in (10, 13, 12):
        wire.send(1, sequence, sequence * 960, 1.0)
    assert [s for _, s, _ in wire.out] == [100, 103, 102]
    assert wire.slot.last[0] == 103, "an older packet does not take the end of the stream back"


def test_packets_from_before_the_tenure_and_very_old_ones_are_dropped() -> None:
    wire = Wire()
    assert wire.send(1, 1_000, 0, 1.0)
    assert not wire.send(1, 999, 0, 1.0), "it was not heard here: its number belongs to somebody else's packet"
    assert wire.send(1, 1_000 + REORDER_PACKETS_MAX + 1, 0, 1.0)
    assert not wire.send(1, 1_000, 0, 1.0)
    assert wire.slot.packets == 2


def test_a_speaker_who_begins_anew_within_his_tenure_leaves_no_jump() -> None:
    wire = Wire()
    wire.send(1, 10, 0, 1.0)
    wire.send(1, 10 + 40_000, 0xABCDEF, 1.02)
    assert wire.out[1] == (True, 101, 5_960)
    wire.send(1, 10 + 40_000 + JUMP_PACKETS_MAX, 0xABCDEF + 960, 1.04)
    assert wire.out[2] == (False, 101 + JUMP_PACKETS_MAX, 6_920), "up to there it is loss"


def test_whatever_speakers_do_libsrtp_can_protect_it() -> None:
    """A step of half the sequence space looks like a step back to SRTP, which then refuses the packet."""
    key = bytes(28)
    policy = Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    session = Session(policy)
    slot = SlotStream(SSRC, FIRST_SEQUENCE_MAX - 1, 0)
    sequence, now = 0, 1.0
    for step in [1, 30_000, 32_768, 40_000, 65_535, 1, 2_999, 65_536] * 4:
        sequence, now = sequence + step, now + 0.02
        header = slot.rewrite(1, sequence, sequence * 960, False, 111, now)
        assert header is not None
        session.protect(header + b"opus")


def test_a_stream_never_steps_back_when_holders_take_turns() -> None:
    wire = Wire()
    now = 1.0
    for tenure in range(1, 40):
        for n in range(3):
            now += 0.02
            wire.send(tenure, (tenure * 7_919 % 1_000) + n, (tenure * 104_729 + n * 960) & 0xFFFFFFFF, now)
    for (_, a, s), (_, b, t) in zip(wire.out, wire.out[1:], strict=False):
        assert sequence_after(b, a) == 1
        assert timestamp_after(t, s) in range(959, 962)


def test_header_is_the_fixed_twelve_bytes() -> None:
    header = SlotStream(1, 2, 3).rewrite(1, 0, 0, False, 111, 0.0)
    assert header == struct.pack("!BBHII", 0x80, 0x80 | 111, 2, 3, 1)
