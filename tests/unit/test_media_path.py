"""The path of a live session follows its client, and nobody else."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest

from spaces.sfu.incoming import ADDRESS_HELD_SECONDS
from spaces.sfu.peer import ADDRESSES_MAX
from tests.harness.eventually import until
from tests.harness.media_client import LISTENING, SPEAKING, Client, Plane, running

WIFI, MOBILE = 0x6E7F00FF, 0x6E7E00FF


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async with running() as plane:
        yield plane


async def hears(client: Client) -> None:
    client.rtp.clear()
    client.plane.tick()
    await until(lambda: client.rtp)


@pytest.mark.parametrize("nominate", [False, True], ids=["NAT rebinding", "nomination"])
async def test_a_listener_is_followed_to_another_address(plane: Plane, nominate: bool) -> None:
    client = await plane.connected()
    await hears(client)
    last = client.rtp[-1]
    client.rebind()
    await client.checked(nominate=nominate, priority=WIFI)
    await hears(client)
    assert client.rtp[0].sequence == last.sequence + 1
    assert client.connections == 1
    client.session.close()
    assert plane.left_behind() == {}


async def test_a_speaker_is_followed_and_his_packets_from_the_old_address_still_count(plane: Plane) -> None:
    speaker, hearer = await plane.connected("ada", SPEAKING), await plane.connected("bob", SPEAKING)
    old = socket.socket(fileno=socket.dup(speaker.socket.fileno()))
    with old:
        speaker.rebind()
        await speaker.checked()
        old.sendto(speaker.packet(b"\xf8late"), ("127.0.0.1", plane.media.udp_port))
        await until(lambda: hearer.rtp)
        speaker.send(speaker.packet(b"\xf8new"))
        await until(lambda: len(hearer.rtp) == 2)
    assert [p.payload for p in hearer.rtp] == [b"\xf8late", b"\xf8new"]


async def test_a_speaker_is_heard_from_a_new_address_before_his_check_comes_from_there(plane: Plane) -> None:
    speaker, hearer = await plane.connected("ada", SPEAKING), await plane.connected("bob", SPEAKING)
    speaker.send(speaker.packet(b"\xf8here"))
    await until(lambda: hearer.rtp)
    here, heard = speaker.address, len(speaker.rtp)
    speaker.rebind()
    speaker.send(speaker.packet(b"\xf8moved"))
    await until(lambda: len(hearer.rtp) == 2)
    assert hearer.rtp[-1].payload == b"\xf8moved"
    assert speaker.address not in plane.media._incoming.addresses, "nothing but a check binds an address"
    hearer.send(hearer.packet(b"\xf8to her"))
    await until(lambda: plane.media.levels("room").keys() == {"ada", "bob"})
    assert len(speaker.rtp) == heard, "nothing is sent to where only packets came from"
    assert speaker.session.path is not None
    assert speaker.session.path[:2] == here
    await speaker.checked()
    hearer.send(hearer.packet(b"\xf8to her"))
    await until(lambda: len(speaker.rtp) > heard)
    for client in (speaker, hearer):
        client.session.close()
    assert plane.left_behind() == {}


async def test_what_is_captured_or_forged_is_not_taken_from_another_address(plane: Plane) -> None:
    speaker, hearer = await plane.connected("ada", SPEAKING), await plane.connected("bob", SPEAKING)
    captured = speaker.packet(b"\xf8once")
    speaker.send(captured)
    await until(lambda: hearer.rtp)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        for data in (captured, captured[:12] + bytes(60)):
            attacker.sendto(data, ("127.0.0.1", plane.media.udp_port))
        await plane.dropped("srtp_rejected", 2)
    assert [p.payload for p in hearer.rtp] == [b"\xf8once"]


async def test_addresses_of_one_peer_are_bounded(plane: Plane) -> None:
    client = await plane.connected()
    for _ in range(3 * ADDRESSES_MAX):
        client.rebind()
        await client.checked()
    assert len(plane.media._incoming.addresses) == len(client.session.addresses) == ADDRESSES_MAX
    assert client.address in plane.media._incoming.addresses
    client.session.close()
    assert plane.left_behind() == {}


async def test_a_plain_check_from_elsewhere_does_not_take_the_path(plane: Plane) -> None:
    client = await plane.connected()
    here = client.address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))
        elsewhere.setblocking(False)
        elsewhere.sendto(client.check(nominate=False, priority=MOBILE), ("127.0.0.1", plane.media.udp_port))
        await until(lambda: _received(elsewhere))
    assert client.session.path is not None
    assert client.session.path[:2] == here
    await hears(client)


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(2_048)
    except BlockingIOError:
        return b""


async def test_a_replayed_check_from_elsewhere_does_not_take_the_path(plane: Plane) -> None:
    client = await plane.connected()
    captured = client.check()
    client.send(captured)
    await until(lambda: client.answers == 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        attacker.sendto(captured, ("127.0.0.1", plane.media.udp_port))
        await plane.dropped("ice_replay")
    await hears(client)
    assert list(plane.media._incoming.addresses) == [client.address]


async def test_a_live_peers_address_is_not_given_away(plane: Plane) -> None:
    """Mallory is admitted, knows her own password, and sends her check with Ada's address as its source."""
    ada, mallory = await plane.connected("ada", SPEAKING), await plane.connected("mallory", LISTENING)
    plane.clock.now += ADDRESS_HELD_SECONDS - 0.1
    ada.send(mallory.check())
    await plane.dropped("ice_address_taken")
    ada.send(ada.packet())
    await until(lambda: plane.media.levels("room"))
    assert set(plane.media.levels("room")) == {"ada"}
    assert mallory.session.path is not None
    assert mallory.session.path[:2] == mallory.address


async def test_an_address_that_was_taken_in_silence_comes_back(plane: Plane) -> None:
    ada, other = await plane.connected("ada", SPEAKING), await plane.connected("other", LISTENING)
    plane.clock.now += ADDRESS_HELD_SECONDS + 0.1
    other_here = other.address
    ada.send(other.check())  # the NAT has given Ada's port to somebody else, or he pretends so
    await until(lambda: plane.media._incoming.addresses[ada.address] is other.session)
    await other.checked()  # but he lives elsewhere
    plane.clock.now += ADDRESS_HELD_SECONDS + 0.1
    await ada.checked()
    assert plane.media._incoming.addresses[ada.address] is ada.session
    ada.send(ada.packet())
    await until(lambda: plane.media.levels("room"))
    assert plane.media._incoming.addresses[other_here] is other.session
    for client in (ada, other):
        client.session.close()
    assert plane.left_behind() == {}


async def test_a_path_that_moves_during_the_handshake_is_followed(plane: Plane) -> None:
    client = await plane.client()
    client.start()
    await client.checked(nominate=False, priority=MOBILE)
    client.rebind()
    await client.checked(nominate=True, priority=WIFI)
    await client.handshake()
    await until(lambda: client.session.connected)
    await hears(client)
    assert len(plane.media._handshakes) == 0
