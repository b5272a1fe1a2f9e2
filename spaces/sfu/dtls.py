"""DTLS 1.2 for SRTP keys (RFC 5764) by OpenSSL: a handshake, and afterwards only the wish to end.

OpenSSL works on memory; datagrams come in by `receive` and go out by a function. When the handshake is done its connection
is let go (94 kB): the keys have been exported, and close_notify needs no more than dtls_alert.py.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator

from cryptography import x509
from OpenSSL import SSL

from spaces.sfu.certificate import HASHES, PROFILES, Certificate, fingerprint
from spaces.sfu.dtls_alert import AlertKeys, close_notify, derive, is_close_notify_untrusted
from spaces.sfu.session import Remote
from spaces.sfu.srtp import Keys

DATAGRAMS_QUEUED_MAX = 16
"""A handshake's flight is at most a few datagrams; what does not fit is sent again."""
DATAGRAM_BYTES_MAX = 1_200
"""Of a flight: what passes everywhere (RFC 8831 §5 has the same for data channels)."""
FLIGHT_BYTES_MAX = 16_384

RESEND_SECONDS = 0.2
RESENDS_MAX = 12
"""Of one handshake, so that repeated datagrams from outside cannot make us send for ever."""
DATAGRAMS_REMEMBERED_MAX = 64

HANDSHAKE_CONTENT = 22
RECORD_HEADER_BYTES = 13


async def at_once() -> None:
    """The turn of those who need not wait for one."""


class DtlsEndpoint:
    """One association.

    A flight is repeated sooner than OpenSSL would, whose timer begins at a second: after RESEND_SECONDS without an answer,
    and when the other side repeats himself, for then ours was lost (RFC 6347 §4.2.4; RFC 9147 §5.8.2 allows it for short
    round trips). The datagrams are the same to the bit, so whoever had them drops them as replays.
    """

    __slots__ = (
        "_alert_in",
        "_alert_out",
        "_answered",
        "_certificate",
        "_closed",
        "_flight",
        "_on_closed",
        "_queue",
        "_received",
        "_resends",
        "_send",
        "_settled",
        "_woken",
    )

    def __init__(self, certificate: Certificate, send: Callable[[bytes], None]) -> None:
        self._certificate = certificate
        self._send = send
        self._queue: deque[bytes] = deque()
        self._woken: asyncio.Future[None] | None = None
        self._flight: tuple[bytes, ...] = ()
        self._answered = True
        self._received: set[int] = set()
        self._resends = 0
        self._settled = False
        self._closed = False
        self._on_closed: Callable[[], None] | None = None
        self._alert_out: AlertKeys | None = None
        self._alert_in: AlertKeys | None = None

    async def handshake(self, remote: Remote, turn: Callable[[], Awaitable[None]] = at_once) -> Keys | None:
        """Complete the handshake and check the fingerprint; None: it failed. May be cancelled at any time.

        `turn` is awaited before each step of OpenSSL's, which takes up to half a millisecond.
        """
        hello = None if remote.we_are_dtls_client else await self._next()  # who sends nothing costs us nothing
        connection = SSL.Connection(self._certificate.context)
        connection.set_ciphertext_mtu(DATAGRAM_BYTES_MAX)
        if hello is None:
            connection.set_connect_state()
        else:
            connection.set_accept_state()
            connection.bio_write(hello)
        while True:
            await turn()
            try:
                connection.do_handshake()
            except SSL.WantReadError:
                self._flush(connection)
            except SSL.Error:
                self._flush(connection)  # the alert that says why
                return None
            else:
                self._flush(connection)
                break
            connection.bio_write(await self._next(connection))
        return self._established(connection, remote)

    def receive(self, datagram: bytes) -> bool:
        """Hand over a datagram of this peer; False: it found no room."""
        if self._settled:
            self._after_untrusted(datagram)
            return True
        if self._is_repeated(datagram):
            self._resend()
            return True
        if len(self._queue) >= DATAGRAMS_QUEUED_MAX:
            return False
        self._queue.append(datagram)
        self._wake()
        return True

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call back, once, when the other side has said close_notify: at once if he has already."""
        if self._closed:
            callback()
        else:
            self._on_closed = callback

    def close(self) -> None:
        """Say close_notify and end. Idempotent."""
        self._on_closed = None
        if self._alert_out is not None and not self._closed:
            self._send(close_notify(self._alert_out))
        self._closed = True
        self._alert_out = self._alert_in = None
        self._flight = ()
        self._queue.clear()

    # --- the handshake

    async def _next(self, connection: SSL.Connection | None = None) -> bytes:
        """The next datagram; until it comes, the flight is repeated at growing intervals."""
        loop = asyncio.get_running_loop()
        wait = RESEND_SECONDS
        while not self._queue:
            self._woken = loop.create_future()
            timer = loop.call_later(wait, self._wake) if self._flight and self._resends < RESENDS_MAX else None
            try:
                await self._woken
            finally:
                self._woken = None
                if timer is not None:
                    timer.cancel()
            if not self._queue:
                self._repeat(connection)
                wait *= 2
        self._answered = True
        return self._queue.popleft()

    def _repeat(self, connection: SSL.Connection | None) -> None:
        """After a second OpenSSL's own timer is due, which writes the flight anew: it is answered by those who had it."""
        if connection is not None and self._resends < RESENDS_MAX and connection.DTLSv1_handle_timeout():
            self._resends += 1
            self._answered = True
            self._flush(connection)
        else:
            self._resend()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def _flush(self, connection: SSL.Connection) -> None:
        """Send what OpenSSL has written, as one more part of our flight."""
        try:
            written = connection.bio_read(FLIGHT_BYTES_MAX)
        except SSL.Error:
            return  # nothing
        if self._answered:
            self._flight, self._answered = (), False
        for datagram in _datagrams(written):
            self._flight += (datagram,)
            self._send(datagram)

    def _is_repeated(self, datagram: bytes) -> bool:
        mark = hash(datagram)
        if mark in self._received:
            return True
        if len(self._received) < DATAGRAMS_REMEMBERED_MAX:
            self._received.add(mark)
        return False

    def _resend(self) -> None:
        if self._resends < RESENDS_MAX:
            self._resends += 1
            for datagram in self._flight:
                self._send(datagram)

    def _established(self, connection: SSL.Connection, remote: Remote) -> Keys | None:
        """Check who it is and take out of OpenSSL what is needed from here on."""
        certificate = connection.get_peer_certificate(as_cryptography=True)
        if certificate is None or not _is_expected(certificate, remote):
            return None
        name = connection.get_selected_srtp_profile()
        profile = next((profile for profile in PROFILES if profile.openssl == name), None)
        cipher, master = connection.get_cipher_name(), connection.master_key()
        client_random, server_random = connection.client_random(), connection.server_random()
        if profile is None or not (cipher and master and client_random and server_random):
            return None
        by_client, by_server = derive(cipher, master, client_random, server_random)
        key, salt = profile.key_bytes, profile.salt_bytes
        material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))  # RFC 5764 §4.2
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        self._settle()
        if remote.we_are_dtls_client:
            self._alert_out, self._alert_in = by_client, by_server
            keys = Keys(profile.libsrtp, send=client, receive=server)
        else:
            self._alert_out, self._alert_in = by_server, by_client
            keys = Keys(profile.libsrtp, send=server, receive=client)
        early, self._queue = self._queue, deque()
        for datagram in early:
            self._after_untrusted(datagram)
        return keys

    # --- afterwards

    def _settle(self) -> None:
        """From here on our last flight is repeated only if the other side shows that he missed it."""
        self._settled = True
        self._received = set()

    def _after_untrusted(self, datagram: bytes) -> None:
        """The end, or a handshake repeated by somebody who has missed ours; else nothing that we could need."""
        if self._alert_in is not None and is_close_notify_untrusted(datagram, self._alert_in):
            self._closed = True
            self._alert_out = self._alert_in = None
            callback, self._on_closed = self._on_closed, None
            if callback is not None:
                callback()
        elif datagram[0] == HANDSHAKE_CONTENT:
            self._resend()


def _is_expected(certificate: x509.Certificate, remote: Remote) -> bool:
    """Every fingerprint whose hash we know must match, and one must be (RFC 8122 §5)."""
    known = [(algorithm.lower(), value) for algorithm, value in remote.fingerprints if algorithm.lower() in HASHES]
    return bool(known) and all(fingerprint(certificate, algorithm) == value.upper() for algorithm, value in known)


def _datagrams(records: bytes) -> Iterator[bytes]:
    """OpenSSL's records, whole, as many to a datagram as fit."""
    start = end = 0
    while end < len(records):
        length = RECORD_HEADER_BYTES + int.from_bytes(records[end + 11 : end + 13], "big")
        if end + length - start > DATAGRAM_BYTES_MAX and end > start:
            yield records[start:end]
            start = end
        end += length
    yield records[start:end]
