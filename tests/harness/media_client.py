"""A media plane without its audio thread, under a clock that the test turns, and a small client that sends anything."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from struct import pack
from typing import Any

from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from spaces.config import Config
from spaces.metrics import Metrics
from spaces.mixing.engine import AudioEngine
from spaces.mixing.phases import PHASES, TICK_SECONDS
from spaces.sfu.media import Media
from spaces.sfu.peer import Peer
from spaces.sfu.rtcp import Reports, parse_rtcp_untrusted
from spaces.sfu.rtp import RtpPacket, parse_rtp_untrusted
from spaces.sfu.session import Closed, Plan, Receive, Remote, Send
from tests.harness.eventually import until
from tests.harness.left_behind import left_behind

CERTIFICATE = RTCCertificate.generateCertificate()
OPUS, LEVEL_ID = 111, 1
SPEAKING = Plan(receive=Receive(OPUS, 63, LEVEL_ID), slots=Send(OPUS))
LISTENING = Plan(mix=Send(OPUS))
VOICE = bytes((0xF8, 1, 2, 3, 4, 5))
"""An Opus packet by its first byte; what a decoder makes of the rest is of no matter."""


class StillClock:
    """Stands still until the test turns it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_700_000_000.0 + self.now


class ByHand:
    """In place of the audio thread: the test runs the ticks."""

    alive = True

    def __init__(self, engine: AudioEngine, ticked: Callable[[float, float], None]) -> None:
        self._engine = engine

    def start(self) -> None: ...

    def stop(self) -> None:
        self._engine.apply()


class Plane:
    """A Media with one Space, "room"."""

    def __init__(self, **settings: Any) -> None:
        self.clock = StillClock()
        self.metrics = Metrics()
        config = Config(udp_host="127.0.0.1", udp_port=0, **settings)
        self.media = Media(config, self.metrics, clock=self.clock, new_ticker=ByHand)
        self.clients: list[Client] = []

    def drops(self, cause: str) -> int:
        self.metrics.refresh()
        return int(self.metrics.registry.get_sample_value("spaces_drops_total", {"cause": cause}) or 0)

    async def dropped(self, cause: str, times: int = 1) -> None:
        await until(lambda: self.drops(cause) >= times)
        assert self.drops(cause) == times

    def tick(self, frames: int = 1) -> None:
        """So many frames of every Space."""
        for _ in range(frames * PHASES):
            self.clock.now += TICK_SECONDS
            self.media._engine.tick(self.clock.now)

    def left_behind(self) -> dict[str, Any]:
        return left_behind(self.media)

    async def client(self, owner: str = "ada", plan: Plan = LISTENING, **options: Any) -> Client:
        client = Client(self, owner, **options)
        client.session.set_plan(plan)
        return client

    async def connected(self, owner: str = "ada", plan: Plan = LISTENING, **options: Any) -> Client:
        client = await self.client(owner, plan, **options)
        await client.connect()
        return client


@contextlib.asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Plane]:
    plane = Plane(**settings)
    await plane.media.start()
    plane.media.open_space("room")
    try:
        yield plane
    finally:
        for client in plane.clients:
            client.close_socket()
        await plane.media.stop()


class Client:
    """One session's other end. Also what its DTLS transport takes for an ICE transport."""

    role = "controlling"

    def __init__(
        self,
        plane: Plane,
        owner: str,
        *,
        confirm: Callable[[], Any] | None = None,
        client_address: str = "",
        we_are_passive: bool = False,
    ) -> None:
        self.plane = plane
        self.connections = 0
        self.closed: list[Closed] = []
        self.rtp: list[RtpPacket] = []
        self.rtcp: list[Reports] = []
        self.undecryptable = 0
        self.answers = 0
        self.ssrc = secrets.randbits(32)
        self.sequence = 1_000
        self.passive = we_are_passive
        self._confirm = confirm
        self._dtls_in: asyncio.Queue[bytes] = asyncio.Queue()
        self.dtls = RTCDtlsTransport(self, [CERTIFICATE])  # type: ignore[arg-type]
        self.dtls._set_role("server" if we_are_passive else "client")
        self.session: Peer = plane.media.open_session(
            "room",
            owner,
            confirm=self._confirmed,
            on_connected=self._connected,
            on_closed=self.closed.append,
            client_address=client_address,
        )
        self.rebind()
        plane.clients.append(self)

    async def _confirmed(self) -> bool:
        return True if self._confirm is None else bool(await self._confirm())

    def _connected(self) -> None:
        self.connections += 1

    # --- the socket

    def rebind(self) -> None:
        """From now on from another port; what still comes to the old one is lost."""
        if hasattr(self, "socket"):
            self.close_socket()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def close_socket(self) -> None:
        if self.socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.socket)
            self.socket.close()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()
        return host, port

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, ("127.0.0.1", self.plane.media.udp_port))

    def _readable(self) -> None:
        while self.socket.fileno() >= 0:
            try:
                data = self.socket.recv(2_048)
            except BlockingIOError:
                return
            if data[0] < 4:
                self.answers += 1
            elif data[0] < 64:
                self._dtls_in.put_nowait(data)
            else:
                self._media(data)

    def _media(self, data: bytes) -> None:
        is_rtcp = 192 <= data[1] <= 223
        try:
            if is_rtcp:
                self.rtcp.append(parse_rtcp_untrusted(self.dtls._rx_srtp.unprotect_rtcp(data)))
            else:
                self.rtp.append(parse_rtp_untrusted(self.dtls._rx_srtp.unprotect(data)))
        except Exception:  # whatever it is, a test will miss the packet
            self.undecryptable += 1

    # --- ICE, DTLS

    async def _recv(self) -> bytes:
        return await self._dtls_in.get()

    async def _send(self, data: bytes) -> None:
        if self.socket.fileno() >= 0:
            self.send(data)

    def check(self, *, nominate: bool = True, priority: int = 0x6E7F00FF, password: str | None = None) -> bytes:
        message = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.REQUEST,
            attributes={"USERNAME": f"{self.session.ufrag}:theirs", "PRIORITY": priority},
        )
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity((password or self.session.pwd).encode())
        return bytes(message)

    async def checked(self, **options: Any) -> None:
        """Send a check and wait for the answer."""
        before = self.answers
        self.send(self.check(**options))
        await until(lambda: self.answers > before)

    def start(self) -> None:
        fingerprints = tuple((f.algorithm, f.value) for f in CERTIFICATE.getFingerprints())
        self.session.start(Remote(fingerprints, we_are_dtls_client=self.passive))

    async def handshake(self) -> None:
        fingerprint = RTCDtlsFingerprint(*self.plane.media.fingerprint)
        await self.dtls.start(RTCDtlsParameters(fingerprints=[fingerprint]))

    async def connect(self) -> None:
        self.start()
        await self.checked()
        await self.handshake()
        await until(lambda: self.session.connected)

    async def leave(self) -> None:
        """Say close_notify."""
        await self.dtls.stop()

    def vanish(self) -> None:
        self.close_socket()

    # --- media

    def packet(
        self,
        payload: bytes = VOICE,
        *,
        payload_type: int = OPUS,
        ssrc: int | None = None,
        level: int = 20,
        extension: bytes | None = None,
    ) -> bytes:
        """The next RTP packet, protected."""
        self.sequence += 1
        if extension is None:
            extension = pack("!HHBBxx", 0xBEDE, 1, LEVEL_ID << 4, 0x80 | level)
        header = pack(
            "!BBHII", 0x90, payload_type, self.sequence & 0xFFFF, self.sequence * 960 & 0xFFFFFFFF,
            self.ssrc if ssrc is None else ssrc,
        )  # fmt: skip
        return bytes(self.dtls._tx_srtp.protect(header + extension + payload))

    def report(self, data: bytes) -> bytes:
        """An RTCP packet, protected."""
        return bytes(self.dtls._tx_srtp.protect_rtcp(data))
