"""RTP headers, extensions and RED, with aiortc's parser as second opinion."""

from __future__ import annotations

from struct import pack

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from spaces.errors import RemoteError
from spaces.sfu.rtp import build_header, parse_rtp_untrusted, sequence_after, split_red_untrusted, timestamp_after

LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"


def header(first: int = 0x80, *, rest: bytes = b"") -> bytes:
    return pack("!BBHII", first, 111, 1, 2, 3) + rest


def refused(data: bytes) -> str:
    with pytest.raises(RemoteError) as error:
        parse_rtp_untrusted(data, 1)
    return error.value.cause


def aiortc_packet(identifier: int, **extensions: object) -> bytes:
    parameters = RTCRtpParameters(
        headerExtensions=[
            RTCRtpHeaderExtensionParameters(id=identifier, uri=LEVEL_URI),
            RTCRtpHeaderExtensionParameters(id=identifier + 1, uri=MID_URI),
        ]
    )
    known = HeaderExtensionsMap()
    known.configure(parameters)
    packet = RtpPacket(payload_type=109, marker=1, sequence_number=65_535, timestamp=0xFFFFFFFE, ssrc=0x89ABCDEF)
    packet.payload = b"opus"
    for name, value in extensions.items():
        setattr(packet.extensions, name, value)
    return packet.serialize(known)


@pytest.mark.parametrize("identifier", [1, 2, 10, 13])
@pytest.mark.parametrize("voice", [True, False])
def test_reads_the_level_that_aiortc_writes(identifier: int, voice: bool) -> None:
    data = aiortc_packet(identifier, audio_level=(voice, 37), mid="audio0")
    assert parse_rtp_untrusted(data, identifier) == (109, True, 65_535, 0xFFFFFFFE, 0x89ABCDEF, b"opus", 37)
    assert parse_rtp_untrusted(data, None).level is None
    assert parse_rtp_untrusted(data, identifier + 2).level is None


def test_aiortc_reads_the_header_that_we_build() -> None:
    packet = RtpPacket.parse(build_header(97, True, 0x1FFFF, 0x1_0000_0001, 0xCAFE) + b"opus")
    assert (packet.payload_type, packet.marker, packet.sequence_number, packet.timestamp, packet.ssrc) == (
        97, 1, 0xFFFF, 1, 0xCAFE,
    )  # fmt: skip
    assert packet.payload == b"opus"


def test_csrcs_and_padding_are_stepped_over() -> None:
    data = header(0xA2, rest=bytes(8) + b"opus" + b"\0\0\3")
    assert parse_rtp_untrusted(data).payload == b"opus"
    assert RtpPacket.parse(data).payload == b"opus"


def test_level_in_two_byte_extensions() -> None:
    block = bytes((0, 200, 1, 0x80 | 50, 7, 0, 0, 0))
    assert parse_rtp_untrusted(header(0x90, rest=pack("!HH", 0x1000, 2) + block + b"x"), 200).level == 50
    assert parse_rtp_untrusted(header(0x90, rest=pack("!HH", 0x100F, 2) + block + b"x"), 7).level is None, "empty"


@pytest.mark.parametrize(
    ("profile", "block"),
    [
        (0xBEDE, b"\xf0\x11\x00\x00"),  # 15 ends one-byte extensions (RFC 8285 §4.2)
        (0xBEDE, b"\x00\x00\x00\x1f"),  # runs past the end
        (0x1000, b"\x00\x00\x00\x01"),
        (0x1000, b"\x00\x00\x01\x09"),
        (0x4242, b"\x10\x80\x00\x00"),  # somebody's own
    ],
)
def test_extensions_that_make_no_sense_give_no_level(profile: int, block: bytes) -> None:
    packet = parse_rtp_untrusted(header(0x90, rest=pack("!HH", profile, 1) + block + b"x"), 1)
    assert packet.level is None
    assert packet.payload == b"x"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        header()[:-1],
        header(0x40),
        header(0xC0),
        header(0x81, rest=b"abc"),
        header(0x8F, rest=bytes(59)),
        header(0x90, rest=b"\xbe\xde\x00"),
        header(0x90, rest=b"\xbe\xde\xff\xff" + bytes(100)),
        header(0xA0),
        header(0xA0, rest=b"abc\x00"),
        header(0xA0, rest=b"abc\x05"),
        header(0xB0, rest=b"\xbe\xde\x00\x01\x00\x00\x00\x04"),
    ],
)
def test_malformed(data: bytes) -> None:
    assert refused(data) == "rtp_malformed"


def test_a_packet_of_padding_alone_is_empty() -> None:
    assert parse_rtp_untrusted(header(0xA0, rest=b"\0\0\0\4")).payload == b""


def test_red_blocks_oldest_first() -> None:
    payload = pack("!II", 0xEF << 24 | 1_920 << 10 | 2, 0xEF << 24 | 960 << 10 | 3) + bytes((111,)) + b"aabbbcccc"
    assert split_red_untrusted(payload) == [(111, 1_920, b"aa"), (111, 960, b"bbb"), (111, 0, b"cccc")]
    assert split_red_untrusted(bytes((63,))) == [(63, 0, b"")]


@pytest.mark.parametrize(
    "payload", [b"", b"\xef", b"\xef\0\0\1", pack("!I", 0xEF0003FF) + b"\x6f" + b"short", pack("!I", 0xEF000000) * 20]
)
def test_red_malformed(payload: bytes) -> None:
    with pytest.raises(RemoteError) as error:
        split_red_untrusted(payload)
    assert error.value.cause == "red_malformed"


def test_distances_across_the_wrap() -> None:
    assert sequence_after(0, 65_535) == 1
    assert sequence_after(65_535, 0) == -1
    assert sequence_after(0x8000, 0) == -0x8000
    assert timestamp_after(10, 0xFFFFFFF6) == 20
    assert timestamp_after(0xFFFFFFF6, 10) == -20
