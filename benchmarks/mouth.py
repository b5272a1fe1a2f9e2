"""A speaker of recorded packets behind a bad network: what is lost or late is decided here, by a seed, packet by packet."""

from __future__ import annotations

import asyncio
import random

import numpy as np

from benchmarks.losses import Pattern
from benchmarks.redundancy import red
from benchmarks.voices import Loop
from spaces.demo.link import Link, LinkError
from spaces.demo.publisher import PACKET_SECONDS, play
from spaces.demo.stream import OpusStream


class Mouth:
    """Plays a loop; the same packets are lost in every round. Stands between `play` and a link."""

    def __init__(
        self,
        link: Link,
        loop: Loop,
        *,
        lost: Pattern | None = None,
        jitter_seconds: float = 0.0,
        copies: int = 0,
        seed: int = 0,
    ) -> None:
        """`copies` earlier packets travel with each as RED; `jitter_seconds` is the longest delay, drawn uniformly."""
        self.closed = link.closed
        self.rounds: list[float] = []
        """When each round began, on the event loop's clock."""
        self.times: list[float] = []
        """When each packet was sent, or would have been."""
        self._link = link
        self._loop = loop
        self._lost = np.zeros(len(loop.packets), np.bool_) if lost is None else lost
        self._jitter_seconds = jitter_seconds
        self._copies = copies
        self._die = random.Random(seed)
        self._position = -1

    async def run(self, stream: OpusStream, red_payload_type: int | None = None) -> None:
        """Until cancelled. Raises LinkError when the link ends."""
        if self._copies:
            if red_payload_type is None:
                raise LinkError("the server has refused RED")
            self._opus_payload_type, stream.payload_type = stream.payload_type, red_payload_type
        await play(self, stream, self._next_packet)

    def lag(self) -> float:
        """How late packets left, against the promptest: the 99th percentile, in seconds."""
        times = np.array(self.times)
        late = times - PACKET_SECONDS * np.arange(len(times))
        return float(np.quantile(late, 0.99) - np.min(late))

    def _next_packet(self) -> tuple[bytes, int]:
        packets = self._loop.packets
        self._position = at = (self._position + 1) % len(packets)
        self.times.append(asyncio.get_running_loop().time())
        if at == 0:
            self.rounds.append(self.times[-1])
        if not self._copies:
            return packets[at], self._loop.levels[at]
        together = [packets[at - back] for back in range(self._copies, -1, -1)]  # negative: of the round before
        return red(self._opus_payload_type, together), self._loop.levels[at]

    def send_rtp(self, packet: bytes) -> None:
        if self._lost[self._position]:
            return
        if self._jitter_seconds:
            delay = self._die.uniform(0.0, self._jitter_seconds)
            asyncio.get_running_loop().call_later(delay, self._send_late, packet)
        else:
            self._link.send_rtp(packet)

    def send_rtcp(self, packet: bytes) -> None:
        self._link.send_rtcp(packet)

    def _send_late(self, packet: bytes) -> None:
        if not self.closed.is_set():
            self._link.send_rtp(packet)
