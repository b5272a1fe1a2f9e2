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

KNOWN_HASHES = ("sha-256", "sha-384", "sha-512")


class Certificate(RTCCertificate):
    """The node's certificate; all its associations share one SSL context."""

    _shared: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._shared is None:
            self._shared = super()._create_ssl_context(srtp_profiles)
            self._shared.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        return self._shared

    def sha256(self) -> tuple[str, str]:
        for fingerprint in self.getFingerprints():
            if fingerprint.algorithm == "sha-256":
                return fingerprint.algorithm, fingerprint.value
        raise AssertionError("a certificate has a sha-256 fingerprint")


class _Wire:
    """What the DTLS transport takes for an ICE transport: datagrams in by a bounded queue, out by a function."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._out = send
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(DATAGRAMS_QUEUED_MAX)

    async def _recv(self) -> bytes:
        data = await self.queue.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        self._out(data)


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
        return self._transport.keys if self._transport.state == "connected" else None

    def receive(self, datagram: bytes) -> bool:
        """Hand over a datagram of this peer; False: it found no room."""
        try:
            self._wire.queue.put_nowait(datagram)
        except asyncio.QueueFull:
            return False
        return True

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call back when the other side has said close_notify."""

        def changed() -> None:
            if self._transport.state == "closed":
                callback()

        self._transport.on("statechange", changed)

    async def close(self) -> None:
        """Say close_notify and end."""
        self._transport.remove_all_listeners()
        await self._transport.stop()
