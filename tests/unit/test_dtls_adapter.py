"""Handshakes with aiortc's transport, whose every datagram may be lost, and how an association ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
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

from spaces.sfu.certificate import PROFILES, Certificate
from spaces.sfu.dtls import DATAGRAMS_QUEUED_MAX, RESENDS_MAX, DtlsEndpoint
from spaces.sfu.session import Remote
from spaces.sfu.srtp import Keys, unprotect_untrusted
from tests.harness.eventually import until

OURS = Certificate()
THEIRS = RTCCertificate.generateCertificate()
RTP = bytes((0x80, 111, 0, 1)) + bytes(8) + b"opus"


# --- handshakes


class Pair:
    """Our endpoint and a plain aiortc transport, joined by two functions that may lose datagrams."""

    def __init__(
        self,
        *,
        we_are_client: bool = False,
        profiles: list[SRTPProtectionProfile] | None = None,
        lose_of_ours: Callable[[int], bool] = lambda _: False,
        lose_of_theirs: Callable[[int], bool] = lambda _: False,
        ours: Certificate = OURS,
    ) -> None:
        self.lose_of_ours, self.lose_of_theirs = lose_of_ours, lose_of_theirs
        self.sent: list[bytes] = []
        self.received: list[bytes] = []
        self.ours = ours
        self.endpoint = DtlsEndpoint(ours, self._from_us)
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.role = "controlling"
        self.plain = RTCDtlsTransport(self, [THEIRS])  # type: ignore[arg-type]
        self.plain._set_role("server" if we_are_client else "client")
        if profiles is not None:
            self.plain._srtp_profiles = profiles
        self.we_are_client = we_are_client
        self.fingerprints = tuple((f.algorithm, f.value) for f in THEIRS.getFingerprints())

    # what the plain transport takes for its ICE transport
    async def _recv(self) -> bytes:
        return await self._inbox.get()

    async def _send(self, data: bytes) -> None:
        self.received.append(data)
        if not self.lose_of_theirs(len(self.received)):
            self.endpoint.receive(data)

    def _from_us(self, data: bytes) -> None:
        self.sent.append(data)
        if not self.lose_of_ours(len(self.sent)):
            self._inbox.put_nowait(data)

    async def handshake(self) -> Keys | None:
        ours = self.endpoint.handshake(Remote(self.fingerprints, self.we_are_client))
        their_view = [RTCDtlsFingerprint(*self.ours.sha256())]
        async with asyncio.timeout(20):
            keys, _ = await asyncio.gather(ours, self.plain.start(RTCDtlsParameters(fingerprints=their_view)))
        return keys

    async def close(self) -> None:
        self.endpoint.close()
        await self.plain.stop()


def assert_media_flows(pair: Pair, keys: Keys | None) -> None:
    assert keys is not None
    assert pair.plain.state == "connected"
    assert pair.plain._rx_srtp.unprotect(keys.sending().protect(RTP)) == RTP
    assert unprotect_untrusted(keys.receiving(), pair.plain._tx_srtp.protect(RTP)) == RTP


ROLES = pytest.mark.parametrize("we_are_client", [False, True], ids=["we are server", "we are client"])


@ROLES
@pytest.mark.parametrize("profile", [None, SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80])
async def test_keys_fit_those_of_a_plain_transport(we_are_client: bool, profile: Any) -> None:
    pair = Pair(we_are_client=we_are_client, profiles=None if profile is None else [profile])
    keys = await pair.handshake()
    assert_media_flows(pair, keys)
    assert keys is not None
    if profile is not None:
        assert keys.libsrtp_profile == profile.libsrtp_profile
    elif not we_are_client:
        assert keys.libsrtp_profile == SRTP_AEAD_AES_128_GCM.libsrtp_profile, "as server the choice is ours"
    await pair.close()


@ROLES
@pytest.mark.parametrize("lost", range(1, 5))
async def test_a_lost_datagram_of_ours_is_sent_again(we_are_client: bool, lost: int) -> None:
    pair = Pair(we_are_client=we_are_client, lose_of_ours=lambda n: n == lost)
    assert_media_flows(pair, await pair.handshake())
    await pair.close()


@ROLES
@pytest.mark.parametrize("lost", range(1, 5))
async def test_a_lost_datagram_of_theirs_is_waited_for(we_are_client: bool, lost: int) -> None:
    pair = Pair(we_are_client=we_are_client, lose_of_theirs=lambda n: n == lost)
    assert_media_flows(pair, await pair.handshake())
    await pair.close()


@ROLES
async def test_a_wrong_fingerprint_gives_no_keys(we_are_client: bool) -> None:
    pair = Pair(we_are_client=we_are_client)
    algorithm, value = next(f for f in pair.fingerprints if f[0] == "sha-256")
    pair.fingerprints = ((algorithm, "00" + value[2:] if not value.startswith("00") else "11" + value[2:]),)
    assert await pair.handshake() is None
    await pair.close()


async def test_all_fingerprints_must_match() -> None:
    pair = Pair()
    value = dict(pair.fingerprints)
    pair.fingerprints = (("sha-256", value["sha-256"]), ("sha-512", ":".join(["00"] * 64)))
    assert await pair.handshake() is None
    await pair.close()


@ROLES
async def test_no_common_srtp_profile_gives_no_keys(we_are_client: bool) -> None:
    ours = Certificate(PROFILES[:1])
    pair = Pair(we_are_client=we_are_client, profiles=[SRTP_AES128_CM_SHA1_80], ours=ours)
    assert await pair.handshake() is None
    await pair.close()


@ROLES
async def test_close_says_so_to_the_other_side(we_are_client: bool) -> None:
    pair = Pair(we_are_client=we_are_client)
    await pair.handshake()
    pair.endpoint.close()
    await until(lambda: pair.plain.state == "closed")
    await pair.plain.stop()


@ROLES
async def test_the_other_sides_close_is_told_once(we_are_client: bool) -> None:
    pair = Pair(we_are_client=we_are_client)
    await pair.handshake()
    told: list[None] = []
    pair.endpoint.on_closed(lambda: told.append(None))
    await pair.plain.stop()
    await until(lambda: told)
    pair.endpoint.close()
    assert told == [None]


async def test_a_close_before_anyone_asks_is_told_too() -> None:
    pair = Pair()
    await pair.handshake()
    await pair.plain.stop()
    await asyncio.sleep(0)
    told: list[None] = []
    pair.endpoint.on_closed(lambda: told.append(None))
    assert told == [None]
    pair.endpoint.close()


async def test_a_handshake_may_be_cancelled_and_closed() -> None:
    pair = Pair(lose_of_ours=lambda _: True)
    task = asyncio.create_task(pair.endpoint.handshake(Remote(pair.fingerprints, we_are_dtls_client=True)))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    pair.endpoint.close()


async def test_what_waits_for_a_handshake_is_bounded() -> None:
    pair = Pair()
    taken = [pair.endpoint.receive(bytes((22, 254, 253)) + n.to_bytes(4, "big")) for n in range(100)]
    assert taken == [True] * DATAGRAMS_QUEUED_MAX + [False] * (100 - DATAGRAMS_QUEUED_MAX)


async def test_noise_between_the_flights_does_no_harm() -> None:
    pair = Pair()
    pair.endpoint.receive(bytes((22, 254, 253)) + bytes(40))
    handshake = asyncio.create_task(pair.handshake())
    await asyncio.sleep(0)
    for n in range(5):
        pair.endpoint.receive(bytes((20 + n,)) + bytes(30))
    assert_media_flows(pair, await handshake)
    await pair.close()


async def test_repeated_datagrams_make_us_send_only_so_often() -> None:
    pair = Pair()
    assert_media_flows(pair, await pair.handshake())
    await asyncio.sleep(0)
    before, flight = len(pair.sent), len(pair.endpoint._flight)
    for _ in range(100):
        for datagram in pair.received:
            pair.endpoint.receive(datagram)
    assert len(pair.sent) - before <= RESENDS_MAX * flight
    await pair.close()
