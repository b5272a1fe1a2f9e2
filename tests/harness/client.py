"""Light WHIP and WHEP clients over the demo's transport: they see every packet and can send what no browser would."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from itertools import count
from urllib.parse import urljoin

import numpy as np

from spaces.demo.link import Link, LinkError
from spaces.demo.offer import Answer, Direction, offer, read_answer
from spaces.demo.publisher import play
from spaces.demo.speech import Speech
from spaces.demo.stream import OpusStream
from tests.harness.accounts import Person
from tests.harness.api import Api, Reply
from tests.harness.eventually import PATIENCE_SECONDS
from tests.harness.opus import FRAME, Decoder, Samples
from tests.harness.relay import Relay

Hearing = Callable[[bytes], None]
HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True, slots=True)
class Packet:
    """One received RTP packet, decrypted. `arrival` is the event loop's clock."""

    arrival: float
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class Refused(AssertionError):  # noqa: N818 - an answer, not a fault
    """The server did not answer the offer with 201; `reply` is what it said."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.body}")
        self.reply = reply


class RtcClient:
    """One media session over WHIP or WHEP."""

    def __init__(self, api: Api, *, decrypt: bool = True, on_rtp: Hearing | None = None) -> None:
        """`on_rtp` gets the decrypted packets, which otherwise are collected in `packets`."""
        self.api = api
        self.link = Link(on_rtp=on_rtp or self._on_rtp, on_rtcp=self._on_rtcp, decrypt=decrypt)
        self.ssrc, self.cname = secrets.randbits(32), secrets.token_hex(8)
        self.datagrams = 0
        """Media datagrams that reached our socket (RTP; RTCP is in `reports`)."""
        self.reports = 0
        self.last_arrival: float | None = None
        self.packets: list[Packet] = []
        self.answer: Answer
        self.sdp = ""
        """The server's answer."""
        self.session_path = ""
        self._decrypt = decrypt
        self._by: Person | None = None

    async def connect(
        self,
        path: str,
        direction: Direction,
        *,
        by: Person | None = None,
        token: str | None = None,
        opus_payload_type: int = 111,
        red_payload_type: int | None = None,
        relay: Relay | None = None,
    ) -> None:
        """Offer, then ICE and DTLS. Raises Refused, LinkError."""
        self._by = by
        sdp = self.offer_text(direction, opus_payload_type, red_payload_type)
        reply = await self.api.offer(path, sdp, by=by, token=token)
        if reply.status != 201:
            raise Refused(reply)
        self.sdp, self.session_path = reply.body, reply.headers["Location"]
        self.answer = read_answer(reply.body)
        if relay is not None:
            self.answer = replace(self.answer, candidates=[relay.address])
        await self.link.connect(self.answer, PATIENCE_SECONDS)

    def offer_text(
        self, direction: Direction, opus_payload_type: int = 111, red_payload_type: int | None = None
    ) -> str:
        return offer(
            direction,
            ufrag=self.link.ice.ufrag,
            pwd=self.link.ice.pwd,
            fingerprint=self.link.fingerprint,
            ssrc=self.ssrc,
            cname=self.cname,
            opus_payload_type=opus_payload_type,
            red_payload_type=red_payload_type,
        )

    def stream(self, *, sequence: int | None = None) -> OpusStream:
        """An outgoing stream under the numbers of the answer."""
        return OpusStream(
            payload_type=self.answer.opus_payload_type,
            level_extension_id=self.answer.level_extension_id,
            ssrc=self.ssrc,
            cname=self.cname,
            sequence=sequence,
        )

    async def leave(self) -> None:
        """DELETE the session, then close."""
        if self.session_path:
            await self.api.request("DELETE", urljoin(self.api.url, self.session_path), by=self._by)
        await self.close()

    async def close(self) -> None:
        await self.link.close()

    async def heard(self, seconds: float) -> Samples:
        """Listen for a while from now and return what that decodes to."""
        first = len(self.packets)
        await asyncio.sleep(seconds)
        await self.caught_up()
        return decode(self.packets[first:])

    async def caught_up(self) -> None:
        """What had reached the socket by now has been read: the event loop takes one datagram from it at a time."""
        read = -1
        while read != self.datagrams + self.reports:
            read = self.datagrams + self.reports
            for _ in range(3):
                await asyncio.sleep(0)

    async def hear_first(self, timeout_seconds: float = PATIENCE_SECONDS) -> Packet:
        """The first packet; asserts that there is one in time."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        while not self.packets:
            assert asyncio.get_running_loop().time() < deadline, "no media"
            await asyncio.sleep(0.01)
        return self.packets[0]

    async def hear_nothing(self, seconds: float, timeout_seconds: float = PATIENCE_SECONDS) -> None:
        """No datagram for so long, once those under way (or in our socket) have come; asserts that it comes to that."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        so_far = -1
        while so_far != self.datagrams:
            assert asyncio.get_running_loop().time() < deadline, "datagrams go on"
            so_far = self.datagrams
            await asyncio.sleep(seconds)

    def _on_rtp(self, data: bytes) -> None:
        self.datagrams += 1
        self.last_arrival = asyncio.get_running_loop().time()
        if self._decrypt:
            self.packets.append(parse(data, self.last_arrival))

    def _on_rtcp(self, data: bytes) -> None:
        self.reports += 1


def parse(data: bytes, arrival: float) -> Packet:
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    start = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        start += 4 + 4 * int(struct.unpack_from("!H", data, start + 2)[0])
    end = len(data) - (data[-1] if first & 0x20 else 0)
    return Packet(arrival, bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc, data[start:end])


def decode(packets: list[Packet]) -> Samples:
    """What one source's packets sound like, each at its timestamp; what is missing is silence."""
    if not packets:
        return np.zeros(0, np.float32)
    origin = packets[0].timestamp

    def offset(packet: Packet) -> int:
        return (packet.timestamp - origin + (1 << 31)) % (1 << 32) - (1 << 31)

    in_order = sorted({offset(p): p for p in packets if p.ssrc == packets[0].ssrc}.items())
    start = in_order[0][0]
    samples = np.zeros(in_order[-1][0] - start + 6 * FRAME, np.float32)
    decoder, end = Decoder(), 0
    for position, packet in in_order:
        block = decoder.decode(packet.payload)
        end = position - start + len(block)
        samples[position - start : end] = block[: len(samples) - (position - start)]
    return samples[:end]


def duplicates_and_losses(packets: list[Packet]) -> tuple[int, int]:
    """Among one source's packets: sequence numbers seen twice, and numbers missing between first and last."""
    extended = []
    last: int | None = None
    for packet in packets:
        last = packet.sequence if last is None else last + ((packet.sequence - last + 0x8000) % 0x10000 - 0x8000)
        extended.append(last)
    distinct = set(extended)
    return len(extended) - len(distinct), (max(distinct) - min(distinct) + 1 - len(distinct)) if distinct else 0


@contextlib.asynccontextmanager
async def listening(
    api: Api,
    space: str,
    *,
    by: Person | None = None,
    token: str | None = None,
    client: str = "default",
    opus_payload_type: int = 111,
    relay: Relay | None = None,
    decrypt: bool = True,
) -> AsyncIterator[RtcClient]:
    """A WHEP listener who is connected."""
    listener = RtcClient(api, decrypt=decrypt)
    try:
        path = f"/v1/spaces/{space}/whep?client={client}"
        await listener.connect(path, "recvonly", by=by, token=token, opus_payload_type=opus_payload_type, relay=relay)
        yield listener
        await listener.leave()
    finally:
        await listener.close()


@contextlib.asynccontextmanager
async def speaking(
    api: Api,
    space: str,
    sound: Speech,
    *,
    by: Person,
    client: str = "default",
    opus_payload_type: int = 111,
    sequence: int | None = None,
    relay: Relay | None = None,
) -> AsyncIterator[RtcClient]:
    """A WHIP speaker who plays `sound` in a loop meanwhile."""
    speaker = RtcClient(api)
    playing: asyncio.Task[None] | None = None
    try:
        path = f"/v1/spaces/{space}/whip?client={client}"
        await speaker.connect(path, "sendonly", by=by, opus_payload_type=opus_payload_type, relay=relay)
        playing = asyncio.create_task(_play_until_closed(speaker, sound, sequence))
        yield speaker
        playing.cancel()
        await speaker.leave()
    finally:
        if playing is not None:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        await speaker.close()


async def _play_until_closed(speaker: RtcClient, sound: Speech, sequence: int | None) -> None:
    position = count()

    def next_packet() -> tuple[bytes, int]:
        at = next(position) % len(sound.packets)
        return sound.packets[at], sound.levels[at]

    with contextlib.suppress(LinkError):  # a test may have the server end it
        await play(speaker.link, speaker.stream(sequence=sequence), next_packet)
