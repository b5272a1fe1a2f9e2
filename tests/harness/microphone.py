"""Speakers with networks and manners of their own before an engine in virtual time: from SRTP on, all of it is real."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from struct import pack
from typing import NamedTuple

from pylibsrtp import Policy

from spaces.errors import RemoteError
from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.phases import TICK_SECONDS
from spaces.mixing.speakers import COUNTS
from spaces.sfu.session import Receive
from spaces.sfu.srtp import Keys
from spaces.sfu.uplink import Uplink
from tests.harness.sound import Studio

OPUS, RED, LEVEL_ID = 111, 63, 1


class Packet(NamedTuple):
    """What is sent, and when: seconds since the microphone was switched on."""

    at: float
    payload: bytes
    sequence: int
    timestamp: int
    level: int = 20
    payload_type: int = OPUS


def evenly(packets: list[bytes], *, samples: int = FRAME, start: float = 0.0) -> Iterator[Packet]:
    """A loop of packets, each `samples` long, as a good client sends them."""
    n = 0
    while True:
        yield Packet(start + n * samples / SAMPLE_RATE, packets[n % len(packets)], n, n * samples)
        n += 1


class Microphone:
    """One speaker's client and our end of it."""

    def __init__(self, it: Studio, owner: str, packets: Iterator[Packet], *, early: float = 0.0) -> None:
        self.source = it.source(owner)
        self.refused: Counter[str] = Counter()
        self.levels: list[float] = []
        key, other = secrets.token_bytes(28), secrets.token_bytes(28)
        profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        self._out = Keys(profile, send=key, receive=other).sending()
        ours = Keys(profile, send=other, receive=key).receiving()
        self._uplink = Uplink(Receive(OPUS, RED, LEVEL_ID), ours, it.engine, self.source, self._heard)
        self._it = it
        self._packets = packets
        self._next: Packet | None = next(packets)
        self._begin = it.now + early
        self._ssrc = secrets.randbits(32)

    def _heard(self, dbfs: float, *_: object) -> None:
        self.levels.append(dbfs)

    def send_until(self, now: float, *, arriving: float | None = None) -> None:
        """All that was sent until now; it arrives as it is sent, or all of it at one time."""
        while self._next is not None and self._begin + self._next.at <= now:
            at, payload, sequence, timestamp, level, payload_type = self._next
            header = pack("!BBHII", 0x90, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, self._ssrc)
            extension = pack("!HHBBxx", 0xBEDE, 1, LEVEL_ID << 4, 0x80 | level)
            try:
                self._uplink.packet_untrusted(
                    self._out.protect(header + extension + payload),
                    self._begin + at if arriving is None else arriving,
                    muted=False,
                )
            except RemoteError as error:
                self.refused[error.cause] += 1
            self._next = next(self._packets, None)

    def hang_up(self) -> None:
        self._it.engine.post(self._it.engine.remove_source, self.source)
        self._next = None

    def counts(self) -> dict[str, int]:
        """What became of his packets in the mix."""
        record = self._it.engine._speakers.rows.state[self.source.row]
        return {count: int(record[count]) for count in COUNTS}

    @property
    def delay(self) -> float:
        """Seconds of his sound that are here and not yet played, right after a frame of his Space."""
        record = self._it.engine._speakers.rows.state[self.source.row]
        return (int(record["held"]) * int(record["duration"]) + int(record["fill"])) / SAMPLE_RATE

    @property
    def age(self) -> float:
        """Seconds that the packet to be played next has been here; 0: there is none."""
        rows, row = self._it.engine._speakers.rows, self.source.row
        held = rows.arrived[row][rows.sequence[row] >= 0]
        return self._it.now - float(held.min()) if len(held) else 0.0


def run(it: Studio, seconds: float, *microphones: Microphone) -> None:
    """Ticks of 5 ms, each with the packets that came before it."""
    for _ in range(round(seconds / TICK_SECONDS)):
        it.now += TICK_SECONDS
        for microphone in microphones:
            microphone.send_until(it.now)
        it.engine.tick(it.now)
        for ear in it.ears:
            ear.take()
