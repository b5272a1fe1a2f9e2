"""RTCP (RFC 3550 §6): sender and receiver reports, SDES CNAME, BYE; what others send besides is skipped."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from spaces.errors import RemoteError

SR, RR, SDES, BYE = 200, 201, 202, 203
NTP_EPOCH_OFFSET_SECONDS = 2_208_988_800
"""Seconds from 1900 (NTP) to 1970 (Unix)."""

_HEADER = Struct("!BBH")
_SENDER = Struct("!IIIIII")
_BLOCK = Struct("!IIIIII")


class ReportBlock(NamedTuple):
    """What a receiver tells of one stream (RFC 3550 §6.4.1). Jitter in RTP clock units, delay in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_sender_report: int
    delay_since_last_sender_report: int


class Reports(NamedTuple):
    """The parts of a compound packet that matter here."""

    blocks: tuple[ReportBlock, ...]
    sender_reports: tuple[tuple[int, int], ...]
    """(SSRC, middle 32 bits of its NTP time) of every sender report."""
    bye: tuple[int, ...]


def parse_rtcp_untrusted(data: bytes) -> Reports:
    """Read a compound packet. Raises RemoteError `rtcp_malformed`."""
    blocks: list[ReportBlock] = []
    senders: list[tuple[int, int]] = []
    bye: list[int] = []
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise RemoteError("rtcp_malformed", "header")
        first, kind, words = _HEADER.unpack_from(data, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2 or end > len(data):
            raise RemoteError("rtcp_malformed", "length or version")
        count = first & 0x1F
        if kind == SR:
            if end - at < 28 + 24 * count:
                raise RemoteError("rtcp_malformed", "sender report")
            ssrc, ntp_high, ntp_low, *_ = _SENDER.unpack_from(data, at + 4)
            senders.append((ssrc, ((ntp_high & 0xFFFF) << 16) | (ntp_low >> 16)))
            blocks += _blocks(data, at + 28, count)
        elif kind == RR:
            if end - at < 8 + 24 * count:
                raise RemoteError("rtcp_malformed", "receiver report")
            blocks += _blocks(data, at + 8, count)
        elif kind == BYE:
            if end - at < 4 + 4 * count:
                raise RemoteError("rtcp_malformed", "bye")
            bye += [int.from_bytes(data[at + 4 + 4 * i : at + 8 + 4 * i], "big") for i in range(count)]
        at = end
    return Reports(tuple(blocks), tuple(senders), tuple(bye))


def _blocks(data: bytes, at: int, count: int) -> list[ReportBlock]:
    blocks = []
    for i in range(count):
        ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(data, at + 24 * i)
        lost = loss & 0xFFFFFF
        blocks.append(
            ReportBlock(ssrc, loss >> 24, lost - (1 << 24) if lost >> 23 else lost, highest, jitter, lsr, dlsr)
        )
    return blocks


def ntp_time(unix_seconds: float) -> int:
    """64-bit NTP timestamp."""
    return int((unix_seconds + NTP_EPOCH_OFFSET_SECONDS) * (1 << 32))


def ntp_middle(unix_seconds: float) -> int:
    """The middle 32 bits, in 1/65536 s: what LSR carries."""
    return (ntp_time(unix_seconds) >> 16) & 0xFFFFFFFF


def round_trip_seconds(block: ReportBlock, now_unix: float) -> float | None:
    """RTT from a report on a stream of ours (RFC 3550 §6.4.1); None if the receiver had no report of ours yet."""
    if block.last_sender_report == 0:
        return None
    middle = (ntp_middle(now_unix) - block.last_sender_report - block.delay_since_last_sender_report) & 0xFFFFFFFF
    return middle / 65536 if middle < 0x8000_0000 else 0.0


def sender_report(
    ssrc: int, unix_seconds: float, rtp_timestamp: int, packets: int, octets: int, blocks: tuple[ReportBlock, ...] = ()
) -> bytes:
    ntp = ntp_time(unix_seconds)
    body = _SENDER.pack(
        ssrc, ntp >> 32, ntp & 0xFFFFFFFF, rtp_timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF
    ) + b"".join(map(_pack_block, blocks))
    return _HEADER.pack(0x80 | len(blocks), SR, len(body) // 4) + body


def receiver_report(ssrc: int, blocks: tuple[ReportBlock, ...]) -> bytes:
    body = ssrc.to_bytes(4, "big") + b"".join(map(_pack_block, blocks))
    return _HEADER.pack(0x80 | len(blocks), RR, len(body) // 4) + body


def _pack_block(block: ReportBlock) -> bytes:
    loss = (block.fraction_lost << 24) | (block.cumulative_lost & 0xFFFFFF)
    return _BLOCK.pack(
        block.ssrc,
        loss,
        block.highest_sequence,
        block.jitter & 0xFFFFFFFF,
        block.last_sender_report,
        block.delay_since_last_sender_report & 0xFFFFFFFF,
    )


def source_description(ssrc: int, cname: str) -> bytes:
    name = cname.encode()[:255]
    chunk = ssrc.to_bytes(4, "big") + bytes((1, len(name))) + name + b"\0"
    chunk += bytes(-len(chunk) % 4)
    return _HEADER.pack(0x81, SDES, len(chunk) // 4) + chunk


def goodbye(ssrcs: tuple[int, ...]) -> bytes:
    body = b"".join(ssrc.to_bytes(4, "big") for ssrc in ssrcs)
    return _HEADER.pack(0x80 | len(ssrcs), BYE, len(body) // 4) + body
