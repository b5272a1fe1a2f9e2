"""A WebRTC client in the simulation: ICE checks, DTLS, SRTP over a real socket behind a lossy, late, seeded link."""

from __future__ import annotations

import asyncio
import hmac
import math
import random
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from struct import pack, unpack

from pylibsrtp import Error, Session

from spaces.sfu.certificate import Certificate
from spaces.sfu.demux import Kind, demux_untrusted
from spaces.sfu.dtls import DtlsEndpoint
from spaces.sfu.media import Media
from spaces.sfu.peer import Peer
from spaces.sfu.session import Plan, Remote
from spaces.sfu.srtp import Keys
from spaces.sfu.stun import BINDING_REQUEST, MAGIC_COOKIE

CHECK_SECONDS = 0.05
CONSENT_SECONDS = 2.5
CERTIFICATE = Certificate()


@dataclass(frozen=True, slots=True)
class Link:
    """One way to the server and back. Loss is a fraction, delays are seconds, reordering comes from their spread."""

    loss: float = 0.0
    delay_min: float = 0.0
    delay_max: float = 0.0
    duplicated: float = 0.0


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet that arrived and decrypted."""

    at: float
    ssrc: int
    payload_type: int
    sequence: int
    timestamp: int
    payload: bytes


class Client:
    def __init__(self, media: Media, space: str, owner: str, link: Link, seed: int) -> None:
        self._media = media
        self._random = random.Random(seed)
        self.link = link
        self.packets: list[Packet] = []
        self.datagrams: list[float] = []
        """When each datagram from the server arrived, decrypted or not."""
        self.connected = asyncio.Event()
        self.connected_at = math.inf
        self.closed_by_server = False
        self.keys: Keys | None = None
        self._ready = asyncio.Event()
        self._nominated = asyncio.Event()
        self._in: Session | None = None
        self._out: Session | None = None
        self._rtcp_out: Session | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._open_socket()
        self.session: Peer = media.open_session(
            space, owner, confirm=self._confirm, on_connected=self._ready.set, on_closed=lambda _: self._closed()
        )
        self._endpoint = DtlsEndpoint(CERTIFICATE, self._send)
        self.started_at = self._loop.time()

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def _confirm(self) -> bool:
        return True

    def _closed(self) -> None:
        self.closed_by_server = True

    # --- the link

    def _open_socket(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self._loop.add_reader(self.socket, self._readable)

    def change_address(self) -> None:
        """Another local port, as after a NAT rebinding or from Wi-Fi to mobile."""
        self._loop.remove_reader(self.socket)
        self.socket.close()
        self._open_socket()

    def _across(self, deliver: Callable[[bytes], object], data: bytes) -> None:
        for _ in range(2 if self._random.random() < self.link.duplicated else 1):
            if self._random.random() >= self.link.loss:
                delay = self._random.uniform(self.link.delay_min, self.link.delay_max)
                self._loop.call_later(delay, deliver, data)

    def _send(self, data: bytes) -> None:
        self._across(self._transmit, data)

    def _transmit(self, data: bytes) -> None:
        if self.socket.fileno() >= 0:
            self.socket.sendto(data, ("127.0.0.1", self._media.udp_port))

    def _readable(self) -> None:
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            self._across(self._receive, data)

    def _receive(self, data: bytes) -> None:
        self.datagrams.append(self._loop.time())
        match demux_untrusted(data):
            case Kind.STUN:
                self._nominated.set()
            case Kind.DTLS:
                self._endpoint.receive(data)
            case Kind.RTP if self._in is not None:
                try:
                    clear = self._in.unprotect(data)
                except Error:
                    return
                _, second, sequence, timestamp, ssrc = unpack("!BBHII", clear[:12])
                packet = Packet(self._loop.time(), ssrc, second & 0x7F, sequence, timestamp, clear[12:])
                self.packets.append(packet)
            case _:
                pass

    # --- ICE, DTLS, SRTP

    def check(self, *, priority: int = 0x6E0001FF, transaction: bytes | None = None) -> bytes:
        """A Binding request that nominates."""
        username = f"{self.session.ufrag}:abcd".encode()
        body = pack("!HH", 6, len(username)) + username + bytes(-len(username) % 4)
        body += pack("!HHI", 0x24, 4, priority) + pack("!HH", 0x25, 0)
        header = pack("!HHI", BINDING_REQUEST, len(body) + 24, MAGIC_COOKIE) + (transaction or secrets.token_bytes(12))
        digest = hmac.digest(self.session.pwd.encode(), header + body, "sha1")
        return header + body + pack("!HH", 8, 20) + digest

    def start(self, plan: Plan) -> None:
        self.session.set_plan(plan)
        self.session.start(Remote((CERTIFICATE.sha256(),), we_are_dtls_client=False))
        self._tasks.append(asyncio.create_task(self._connect()))
        self._tasks.append(asyncio.create_task(self._keep_checking()))

    async def _keep_checking(self) -> None:
        while True:
            self._send(self.check())
            await asyncio.sleep(CONSENT_SECONDS if self._nominated.is_set() else CHECK_SECONDS)

    async def _connect(self) -> None:
        await self._nominated.wait()
        keys = await self._endpoint.handshake(Remote((self._media.fingerprint,), we_are_dtls_client=True))
        assert keys is not None, "the handshake failed"
        self.keys, self._in, self._out = keys, keys.receiving(), keys.sending()
        self._rtcp_out = keys.sending()
        await self._ready.wait()
        self.connected_at = self._loop.time()
        self.connected.set()

    def speak(self, packets: list[bytes], *, ssrc: int, first_sequence: int = 0, payload_type: int = 111) -> None:
        """Send Opus packets in a loop, one every 20 ms."""
        self._tasks.append(asyncio.create_task(self._speak(packets, ssrc, first_sequence, payload_type)))

    async def _speak(self, packets: list[bytes], ssrc: int, first_sequence: int, payload_type: int) -> None:
        await self.connected.wait()
        due, n = self._loop.time(), 0
        while True:
            self.send_speech(packets[n % len(packets)], ssrc, first_sequence + n, n * 960 + 12345, payload_type)
            n += 1
            due += 0.02
            await asyncio.sleep(due - self._loop.time())

    def send_speech(self, payload: bytes, ssrc: int, sequence: int, timestamp: int, payload_type: int = 111) -> None:
        """One RTP packet with an audio level."""
        assert self._out is not None
        header = pack("!BBHII", 0x90, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
        level = pack("!HHBBH", 0xBEDE, 1, 0x10, 0x80 | 20, 0)
        self._send(self._out.protect(header + level + payload))

    def send_report(self, data: bytes) -> None:
        """An RTCP packet."""
        assert self._rtcp_out is not None
        self._send(self._rtcp_out.protect_rtcp(data))

    async def vanish(self) -> None:
        """Stop without a word."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._loop.remove_reader(self.socket)
        self.socket.close()
