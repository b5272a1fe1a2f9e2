"""A listener who writes down what reaches him and when, loses packets by a seeded pattern, and reports that loss."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Iterable

import numpy as np

from benchmarks.losses import Pattern
from benchmarks.playout import Received
from spaces.demo.link import Link, LinkError
from spaces.sfu.reception import Reception
from spaces.sfu.rtcp import receiver_report, source_description
from spaces.sfu.rtp import split_red_untrusted, timestamp_after
from tests.harness.client import Packet, parse

REPORT_SECONDS = 1.0


class Ear:
    """Give `rtp` to a Link. What the pattern loses counts as never received; jitter is the longest delay, drawn uniformly."""

    def __init__(self, *, lost: Pattern | None = None, jitter_seconds: float = 0.0, seed: int = 0) -> None:
        self.packets: list[Packet] = []
        self.receptions: dict[int, Reception] = {}
        """By SSRC."""
        self._lost = np.zeros(1, np.bool_) if lost is None else lost
        self._jitter_seconds = jitter_seconds
        self._die = random.Random(seed)
        self._first: int | None = None
        self._ssrc, self._cname = secrets.randbits(32), secrets.token_hex(8)

    def rtp(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time() + self._die.uniform(0.0, self._jitter_seconds)
        packet = parse(data, now)
        if self._first is None:
            self._first = packet.sequence
        if self._lost[((packet.sequence - self._first) & 0xFFFF) % len(self._lost)]:
            return
        if packet.ssrc not in self.receptions:
            self.receptions[packet.ssrc] = Reception(packet.ssrc)
        self.receptions[packet.ssrc].receive(packet.sequence, packet.timestamp, now)
        self.packets.append(packet)

    async def report(self, link: Link) -> None:
        """Receiver reports once a second, until cancelled or the link ends."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(LinkError):
            while True:
                await asyncio.sleep(REPORT_SECONDS)
                blocks = tuple(reception.report(loop.time()) for reception in self.receptions.values())
                link.send_rtcp(receiver_report(self._ssrc, blocks) + source_description(self._ssrc, self._cname))

    def between(self, start: float, end: float) -> list[Packet]:
        """What arrived in the meantime, on the event loop's clock."""
        return [packet for packet in self.packets if start <= packet.arrival < end]


def opus_packets(packets: Iterable[Packet], red_payload_type: int | None) -> list[Received]:
    """Every Opus packet of one source, copies in RED included, under unwrapped timestamps."""
    found: list[Received] = []
    reference: int | None = None
    for packet in packets:
        reference = packet.timestamp if reference is None else reference
        at = timestamp_after(packet.timestamp, reference & 0xFFFFFFFF) + reference
        if packet.payload_type == red_payload_type:
            for _, offset, block in split_red_untrusted(packet.payload):
                if block:
                    found.append(Received(at - offset, packet.arrival, block))
        elif packet.payload:
            found.append(Received(at, packet.arrival, packet.payload))
        reference = at
    return found
