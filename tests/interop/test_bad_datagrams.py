"""Datagrams that nobody should send are dropped and counted; the others hear nothing of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import socket
import struct
from collections.abc import AsyncIterator

import numpy as np
import pylibsrtp

from spaces.demo.speech import Speech
from tests.harness.api import Api
from tests.harness.client import RtcClient, decode, duplicates_and_losses, listening, speaking
from tests.harness.eventually import until, until_so
from tests.harness.measure import correlations
from tests.harness.patience import spoken
from tests.harness.server import Server

HEARD_SECONDS, AFTERWARDS_SECONDS = 2.5, 0.5
"""At least, and after the last of what should not be sent."""


async def drops(server: Server) -> float:
    return sum(value for name, value in (await server.metrics()).items() if name.startswith("spaces_drops_total"))


@contextlib.asynccontextmanager
async def undisturbed(
    api: Api, server: Server, handle: str, speech: Speech, *, dropped: int
) -> AsyncIterator[tuple[str, RtcClient, RtcClient]]:
    """(space, speaker, listener) of a talk that must be heard whole whatever happens inside the block, in which at
    least `dropped` datagrams must be counted as dropped."""
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host) as speaker, listening(api, space) as listener:
        await listener.hear_first()
        await asyncio.sleep(1)
        before, first = await drops(server), len(listener.packets)
        hearing = asyncio.create_task(listener.heard(HEARD_SECONDS))
        yield space, speaker, listener
        await hearing
        await asyncio.sleep(AFTERWARDS_SECONDS)
        await listener.caught_up()

        async def counted() -> bool:
            return await drops(server) - before >= dropped

        await until_so(counted)
        heard = listener.packets[first:]
        assert duplicates_and_losses(heard) == (0, 0)
        assert np.median(correlations(decode(heard), spoken(), jumps=True)) >= 0.9


def stranger(server: Server) -> socket.socket:
    """A socket that the server knows nothing of."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect((server.address, server.udp_port))
    return sender


async def test_random_bytes(server: Server, api: Api, handle: str, speech: Speech) -> None:
    die = random.Random(1)
    async with undisturbed(api, server, handle, speech, dropped=300):
        with contextlib.closing(stranger(server)) as sender:
            for number in range(400):
                # Every range of RFC 7983, so that each parser gets its share; and a few empty datagrams.
                first = die.choice(
                    (die.randrange(0, 4), die.randrange(20, 64), die.randrange(128, 192), die.randrange(256))
                )
                sender.send(bytes([first]) + die.randbytes(die.randrange(0, 1400)) if number % 20 else b"")
                await asyncio.sleep(0.005)


async def test_truncated_and_mutated_datagrams(server: Server, api: Api, handle: str, speech: Speech) -> None:
    """Cut and bent copies of the very datagrams of a live session, from its own socket and from another."""
    die = random.Random(3)
    async with undisturbed(api, server, handle, speech, dropped=50) as (_, speaker, listener):
        binding = bytes(listener.link.ice.binding(nominate=True))
        listener.link.ice.send(binding)  # so that a copy that is only bent behind its integrity is a replay
        await asyncio.sleep(0.3)
        real = [
            binding,
            listener.link.dtls._tx_srtp.protect(
                struct.pack("!BBHII", 0x80, 111, 1, 1, secrets.randbits(32)) + b"\xf8\xff\xfe"
            ),
            speaker.link.dtls._tx_srtp.protect_rtcp(speaker.stream().report(0.0)),
            bytes.fromhex("16fefd0000000000000000") + secrets.token_bytes(40),
        ]
        with contextlib.closing(stranger(server)) as sender:
            for datagram in real:
                for _ in range(20):
                    bent = bytearray(datagram)
                    bent[die.randrange(len(bent))] ^= 1 << die.randrange(8)
                    cut = datagram[: die.randrange(1, len(datagram))]
                    sender.send(bent)
                    sender.send(cut)
                    if datagram[0] >= 128:  # bent DTLS or STUN from its own path is the client's own affair
                        speaker.link.ice.send(bytes(bent))
                    speaker.link.ice.send(cut)
                    await asyncio.sleep(0.01)


async def test_replayed_media(server: Server, api: Api, handle: str, speech: Speech) -> None:
    async with undisturbed(api, server, handle, speech, dropped=40) as (_, speaker, _):
        sent: list[bytes] = []
        send = speaker.link.ice.send

        def keep(data: bytes) -> None:
            sent.append(data)
            send(data)

        speaker.link.ice.send = keep  # type: ignore[method-assign]
        await asyncio.sleep(1.5)
        speaker.link.ice.send = send  # type: ignore[method-assign]
        for data in [d for d in sent if d[0] >= 128][:50]:
            speaker.link.ice.send(data)


async def test_a_replayed_binding_from_elsewhere_does_not_move_the_path(
    server: Server, api: Api, handle: str, speech: Speech
) -> None:
    async with undisturbed(api, server, handle, speech, dropped=3) as (_, _, listener):
        with contextlib.closing(stranger(server)) as thief:
            thief.setblocking(False)
            binding = bytes(listener.link.ice.binding(nominate=True))
            listener.link.ice.send(binding)
            await asyncio.sleep(0.3)
            before = listener.datagrams
            for _ in range(3):
                thief.send(binding)
                await asyncio.sleep(0.1)
            await until(lambda: listener.datagrams >= before + 50)
            stolen = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    stolen.append(thief.recv(2048))
            assert [d for d in stolen if d[0] >= 20] == [], "no media and no DTLS"


async def test_a_binding_with_wrong_integrity_gets_nothing(
    server: Server, api: Api, handle: str, speech: Speech
) -> None:
    async with undisturbed(api, server, handle, speech, dropped=5) as (_, _, listener):
        key, listener.link.ice._key = listener.link.ice._key, b"a guess that is as long as a password"
        forged = [bytes(listener.link.ice.binding(nominate=True)) for _ in range(5)]
        listener.link.ice._key = key
        with contextlib.closing(stranger(server)) as thief:
            thief.setblocking(False)
            for binding in forged:
                thief.send(binding)
            await asyncio.sleep(1)
            with contextlib.suppress(BlockingIOError):
                answer = thief.recv(2048)
                assert answer[0] < 4, "at most a STUN error"
                assert answer[1] != 0x01, "no success response"


async def test_media_that_does_not_belong(server: Server, api: Api, handle: str, speech: Speech) -> None:
    """From a speaker's own session, correctly encrypted: an unknown source, a wrong payload type, absurd extensions."""
    async with undisturbed(api, server, handle, speech, dropped=40) as (_, speaker, _):
        stream = speaker.stream()
        loud = speech.packets[60]
        for number in range(20):
            unknown_source = struct.pack("!BBHII", 0x80, stream.payload_type, number, 960 * number, 0xDEADBEEF) + loud
            wrong_type = struct.pack("!BBHII", 0x80, 127, number, 960 * number, 0xDEADBEE0) + loud
            beyond_the_end = struct.pack("!BBHIIHH", 0x90, stream.payload_type, number, 0, 0xDEADBEE1, 0xBEDE, 0xFFFF)
            huge = struct.pack("!BBHIIHH", 0x90, stream.payload_type, number, 0, 0xDEADBEE2, 0xBEDE, 250) + bytes(1000)
            for packet in (unknown_source, wrong_type, beyond_the_end + loud, huge + loud):
                with contextlib.suppress(pylibsrtp.Error):  # our own libsrtp may refuse to protect it
                    speaker.link.send_rtp(packet)
            await asyncio.sleep(0.02)


async def test_media_from_somebody_who_only_listens(server: Server, api: Api, handle: str, speech: Speech) -> None:
    async with undisturbed(api, server, handle, speech, dropped=20) as (_, _, listener):
        stream = listener.stream()
        for number in range(40):
            listener.link.send_rtp(stream.packet(speech.packets[60 + number], 10))
            await asyncio.sleep(0.02)


async def test_an_offer_that_is_never_followed_up_leaves_nothing(server: Server, api: Api, handle: str) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    clients = [RtcClient(api) for _ in range(5)]
    for number, client in enumerate(clients):
        path = f"/v1/spaces/{space}/whep?client=ghost{number}"
        reply = await api.offer(path, client.offer_text("recvonly"))
        assert reply.status == 201
        assert (await api.request("DELETE", reply.headers["Location"])).status in (200, 204)
        await client.close()
    listeners = (await api.ok("GET", f"/v1/spaces/{space}"))["listeners"]
    assert listeners == 0
