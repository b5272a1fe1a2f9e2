"""RTCP read and written, with aiortc's parser as second opinion."""

from __future__ import annotations

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
)

from spaces.errors import RemoteError
from spaces.sfu.rtcp import (
    ReportBlock,
    goodbye,
    ntp_middle,
    ntp_time,
    parse_rtcp_untrusted,
    receiver_report,
    round_trip_seconds,
    sender_report,
    source_description,
)

BLOCK = ReportBlock(0xFEED, 64, -5, 0x00012345, 480, 0xAABBCCDD, 0x00010000)
NOW = 1_700_000_000.25


def test_aiortc_reads_our_sender_report() -> None:
    data = sender_report(7, NOW, 0x1_0000_0010, 20, 4_000, (BLOCK,)) + source_description(7, "c" * 30) + goodbye((7, 8))
    sender, name, bye = RtcpPacket.parse(data)
    assert isinstance(sender, RtcpSrPacket)
    assert sender.ssrc == 7
    info = sender.sender_info
    assert (info.rtp_timestamp, info.packet_count, info.octet_count) == (0x10, 20, 4_000)
    assert info.ntp_timestamp == (1_700_000_000 + 2_208_988_800) << 32 | 1 << 30
    (report,) = sender.reports
    assert (report.ssrc, report.fraction_lost, report.packets_lost) == (0xFEED, 64, -5)
    assert (report.highest_sequence, report.jitter, report.lsr, report.dlsr) == (0x12345, 480, 0xAABBCCDD, 0x10000)
    assert isinstance(name, RtcpSdesPacket)
    assert name.chunks[0].ssrc == 7
    assert name.chunks[0].items == [(1, b"c" * 30)]
    assert isinstance(bye, RtcpByePacket)
    assert bye.sources == [7, 8]


@pytest.mark.parametrize("length", range(8))
def test_sdes_is_padded_whatever_the_length_of_the_name(length: int) -> None:
    data = receiver_report(1, ()) + source_description(1, "n" * length)
    assert len(data) % 4 == 0
    _, name = RtcpPacket.parse(data)
    assert isinstance(name, RtcpSdesPacket)
    assert name.chunks[0].items == [(1, b"n" * length)]
    assert parse_rtcp_untrusted(data).blocks == ()


def test_we_read_what_aiortc_writes() -> None:
    receiver = RtcpReceiverInfo(
        ssrc=5, fraction_lost=255, packets_lost=-2, highest_sequence=70_000, jitter=9, lsr=1, dlsr=2
    )
    sender = RtcpSenderInfo(ntp_timestamp=0x1122334455667788, rtp_timestamp=1, packet_count=2, octet_count=3)
    data = (
        bytes(RtcpSrPacket(ssrc=9, sender_info=sender, reports=[receiver]))
        + bytes(RtcpRrPacket(ssrc=9, reports=[receiver, receiver]))
        + bytes(RtcpByePacket(sources=[9, 10]))
    )
    reports = parse_rtcp_untrusted(data)
    assert reports.blocks == (ReportBlock(5, 255, -2, 70_000, 9, 1, 2),) * 3
    assert reports.sender_reports == ((9, 0x33445566),)
    assert reports.bye == (9, 10)


def test_what_we_write_we_read() -> None:
    extreme = ReportBlock(0xFFFFFFFF, 255, -(1 << 23), 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    assert parse_rtcp_untrusted(receiver_report(1, (BLOCK, extreme))).blocks == (BLOCK, extreme)


def test_unknown_packets_are_skipped() -> None:
    feedback = bytes((0x81, 205, 0, 2)) + bytes(8)  # NACK
    extended = bytes((0x80, 207, 0, 1)) + bytes(4)  # XR
    assert parse_rtcp_untrusted(feedback + receiver_report(1, (BLOCK,)) + extended).blocks == (BLOCK,)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",
        bytes((0x40, 201, 0, 1)) + bytes(4),
        bytes((0x80, 201, 0, 2)) + bytes(4),
        bytes((0x81, 200, 0, 6)) + bytes(24),
        bytes((0x81, 201, 0, 1)) + bytes(4),
        bytes((0x9F, 203, 0, 1)) + bytes(4),
        receiver_report(1, (BLOCK,)) + b"\x80\xc9",
        bytes((0x80, 200, 0, 0)),
        bytes((0x80, 201, 0xFF, 0xFF)) + bytes(100),
    ],
)
def test_malformed(data: bytes) -> None:
    with pytest.raises(RemoteError) as error:
        parse_rtcp_untrusted(data)
    assert error.value.cause == "rtcp_malformed"


def test_round_trip() -> None:
    sent = ntp_middle(NOW)
    block = BLOCK._replace(last_sender_report=sent, delay_since_last_sender_report=65_536 // 2)
    assert round_trip_seconds(block, NOW + 0.5 + 0.125) == pytest.approx(0.125, abs=1e-4)
    assert round_trip_seconds(block, NOW + 0.4) == 0.0, "clocks differ a little: never negative"
    assert round_trip_seconds(block._replace(last_sender_report=0), NOW) is None


def test_round_trip_across_the_wrap_of_the_middle_bits() -> None:
    wrap = (1 << 16) * 60_000 - 2_208_988_800  # the middle 32 bits are zero here
    block = BLOCK._replace(last_sender_report=ntp_middle(wrap - 0.05), delay_since_last_sender_report=0)
    assert round_trip_seconds(block, wrap + 0.05) == pytest.approx(0.1, abs=1e-4)


def test_ntp_is_the_middle_of_the_long_form() -> None:
    assert ntp_middle(NOW) == ntp_time(NOW) >> 16 & 0xFFFFFFFF
