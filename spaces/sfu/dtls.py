"""DTLS by aiortc's transport: the one place that leans on its private names (tests/unit/test_dtls_adapter.py guards them).

The transport is given an object with the four things it uses of an ICE transport, fed with the DTLS datagrams of one peer.
It never sees RTP: its keys are taken and its own SRTP sessions are not made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from OpenSSL import SSL

from spaces.sfu.session import Remote
from spaces.sfu.srtp import Keys

PROFILES: list[SRTPProtectionProfile] = [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_256_GCM]
"""In our order of preference by measured cost of a 92-byte packet: 0.43, 0.56 and 0.65 µs."""

DATAGRAMS_QUEUED_MAX = 16
"""A handshake's flight is at most a few datagrams; what does not fit is sent again."""

SSL_MODE_RELEASE_BUFFERS = 0x10
"""openssl/ssl.h: an idle association keeps no read and write buffers, 16 kB instead of 42."""

RESEND_SECONDS = 0.2
RESENDS_MAX = 12
"""Of one handshake, so that repeated datagrams from outside cannot make us send for ever."""
DATAGRAMS_REMEMBERED_MAX = 64


class Certificate(RTCCertificate):
    """The node's certificate; all its associations share one SSL context."""

    _shared: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._shared is None:
            self._shared = super()._create_ssl_context(srtp_profiles)
            self._shared.set_session_cache_mode(SSL.SESS_CACHE_OFF)
            self._shared.set_mode(SSL_MODE_RELEASE_BUFFERS)
        return self._shared

    def sha256(self) -> tuple[str, str]:
        for fingerprint in self.getFingerprints():
            if fingerprint.algorithm == "sha-256":
                return fingerprint.algorithm, fingerprint.value
        raise AssertionError("a certificate has a sha-256 fingerprint")


class _Wire:
    """What the DTLS transport takes for an ICE transport: datagrams in by a bounded queue, out by a function.

    It also repeats a flight sooner than OpenSSL, whose timer begins at a second: after RESEND_SECONDS without an answer,
    and when the other side repeats a datagram, for then ours was lost (RFC 6347 §4.2.4; RFC 9147 §5.8.2 allows it for
    short round trips). The datagrams are the same to the bit, so whoever had them drops them as replays.
    """

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._out = send
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(DATAGRAMS_QUEUED_MAX)
        self._flight: list[bytes] = []
        self._answered = True
        self._received: set[int] = set()
        self._resends = 0
        self._settled = False

    def receive(self, datagram: bytes) -> bool:
        """False: it found no room."""
        mark = hash(datagram)
        if mark in self._received:
            self._resend()
            return True
        if self._queue.full():
            return False
        if len(self._received) < DATAGRAMS_REMEMBERED_MAX:
            self._received.add(mark)
        self._queue.put_nowait(datagram)
        return True

    async def _recv(self) -> bytes:
        data = await self._next()
        self._answered = True
        return data

    async def _next(self) -> bytes:
        wait = RESEND_SECONDS
        while self._flight and not self._settled and self._resends < RESENDS_MAX:
            try:
                return await asyncio.wait_for(self._queue.get(), wait)
            except TimeoutError:
                self._resend()
                wait *= 2
        return await self._queue.get()

    async def _send(self, data: bytes) -> None:
        if self._answered:
            self._flight, self._answered = [], False
        self._flight.append(data)
        self._out(data)

    def _resend(self) -> None:
        if self._resends < RESENDS_MAX:
            self._resends += 1
            for datagram in self._flight:
                self._out(datagram)

    def settle(self) -> None:
        """The handshake is over: the last flight is repeated only if the other side shows that he missed it."""
        self._settled = True


class _KeyedTransport(RTCDtlsTransport):
    keys: Keys | None = None

    def _setup_srtp(self) -> None:
        connection: Any = self._ssl
        name = connection.get_selected_srtp_profile()
        profile = next((p for p in PROFILES if p.openssl_profile == name), None)
        if profile is None:
            super()._setup_srtp()  # sets the state to failed
            return
        material = connection.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
        )
        client, server = profile.get_key_and_salt(material, 0), profile.get_key_and_salt(material, 1)
        ours, theirs = (server, client) if self._role == "server" else (client, server)
        self.keys = Keys(profile.libsrtp_profile, send=ours, receive=theirs)


class DtlsEndpoint:
    """One association."""

    def __init__(self, certificate: Certificate, send: Callable[[bytes], None]) -> None:
        self._wire = _Wire(send)
        self._transport = _KeyedTransport(self._wire, [certificate])  # type: ignore[arg-type]
        self._transport._srtp_profiles = PROFILES

    async def handshake(self, remote: Remote) -> Keys | None:
        """Complete the handshake and check the fingerprint; None: it failed. May be cancelled at any time."""
        self._transport._set_role("client" if remote.we_are_dtls_client else "server")
        fingerprints = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in remote.fingerprints]
        await self._transport.start(RTCDtlsParameters(fingerprints=fingerprints))
        self._wire.settle()
        return self._transport.keys if self._transport.state == "connected" else None

    def receive(self, datagram: bytes) -> bool:
        """Hand over a datagram of this peer; False: it found no room."""
        return self._wire.receive(datagram)

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call back when the other side has said close_notify: at once if he has already."""

        def changed() -> None:
            if self._transport.state == "closed":
                callback()

        self._transport.on("statechange", changed)
        changed()

    async def close(self) -> None:
        """Say close_notify and end."""
        self._transport.remove_all_listeners()
        await self._transport.stop()
