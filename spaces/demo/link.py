"""One client's media transport: ICE, DTLS and SRTP to one server, without an RTCPeerConnection around it.

This is the demo's one adapter over private names of aiortc's RTCDtlsTransport (`_set_role`, `_rx_srtp`, `_tx_srtp`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pylibsrtp
from aiortc import RTCCertificate, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsParameters, RTCDtlsTransport

from spaces.demo.ice import IceClient
from spaces.demo.offer import Answer


class LinkError(ConnectionError):
    """The transport could not be made, or has ended."""


class Link:
    """ICE + DTLS-SRTP as the offering side. `on_rtp` and `on_rtcp` get decrypted packets.

    With `decrypt=False` the packets are handed on as they came, for a client that only counts.
    """

    def __init__(
        self,
        *,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None],
        certificate: RTCCertificate | None = None,
        decrypt: bool = True,
    ) -> None:
        self.certificate = certificate or RTCCertificate.generateCertificate()
        self.ice = IceClient(self._on_media)
        self.dtls = RTCDtlsTransport(cast(RTCIceTransport, self.ice), [self.certificate])
        self.dtls.on("statechange", self._on_statechange)
        self.closed = asyncio.Event()
        """Set when the transport has ended, whoever ended it."""
        self.decrypt = decrypt
        self.undecryptable = 0
        self._on_rtp, self._on_rtcp = on_rtp, on_rtcp

    @property
    def fingerprint(self) -> str:
        return next(f.value for f in self.certificate.getFingerprints() if f.algorithm == "sha-256")

    async def connect(self, answer: Answer, timeout_seconds: float = 10.0) -> None:
        """ICE, then DTLS. Raises LinkError."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.ice.connect(answer.ufrag, answer.pwd, answer.candidates, timeout_seconds)
                # The offer says `actpass`: the answer chooses (RFC 8842 §5.3).
                self.dtls._set_role("server" if answer.setup == "active" else "client")
                await self.dtls.start(RTCDtlsParameters(fingerprints=answer.fingerprints))
        except (TimeoutError, ConnectionError) as error:
            raise LinkError(f"no connection: {error or 'timed out'}") from error
        if self.dtls.state != "connected":
            raise LinkError(f"DTLS {self.dtls.state}")

    async def close(self) -> None:
        """Say goodbye in DTLS and close the sockets. Idempotent."""
        self.closed.set()
        await self.dtls.stop()
        await self.ice.close()

    def send_rtp(self, packet: bytes) -> None:
        self._require_open()
        self.ice.send(self.dtls._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        self._require_open()
        self.ice.send(self.dtls._tx_srtp.protect_rtcp(packet))

    def _require_open(self) -> None:
        if self.closed.is_set() or self.dtls.state != "connected":
            raise LinkError("the transport has ended")

    def _on_statechange(self) -> None:
        if self.dtls.state in ("closed", "failed"):
            self.closed.set()

    def _on_media(self, data: bytes) -> None:
        srtp = self.dtls._rx_srtp
        if srtp is None or len(data) < 12:
            return
        is_rtcp = 192 <= data[1] <= 223  # RFC 5761 §4
        handler = self._on_rtcp if is_rtcp else self._on_rtp
        if not self.decrypt:
            handler(data)
            return
        try:
            handler(srtp.unprotect_rtcp(data) if is_rtcp else srtp.unprotect(data))
        except pylibsrtp.Error:
            self.undecryptable += 1
