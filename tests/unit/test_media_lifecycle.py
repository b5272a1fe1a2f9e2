"""Sessions come and go on a real media plane: handshakes, confirmation, timeouts, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from spaces.errors import LocalError, RequestError
from spaces.sfu.rtcp import receiver_report
from spaces.sfu.session import Closed, Remote
from tests.harness.eventually import until
from tests.harness.media_client import LISTENING, SPEAKING, Client, Plane, running


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async with running() as plane:
        yield plane


async def closed_with(client: Client, why: Closed) -> None:
    await until(lambda: client.closed)
    assert client.closed == [why]
    assert not client.session.connected


@pytest.mark.parametrize("we_are_passive", [False, True], ids=["active client", "passive client"])
async def test_a_session_connects_and_close_leaves_nothing(plane: Plane, we_are_passive: bool) -> None:
    client = await plane.connected(plan=SPEAKING, we_are_passive=we_are_passive)
    assert client.connections == 1
    client.send(client.packet())
    await until(lambda: plane.media.levels("room"))
    client.session.close()
    client.session.close()
    await until(lambda: client.dtls.state == "closed")
    assert client.rtcp[-1].bye == (client.session.mix_ssrc, *client.session.slot_ssrcs)
    assert plane.left_behind() == {}
    assert client.closed == [], "on_closed is for what happens by itself"


async def test_a_listener_leaves_nothing(plane: Plane) -> None:
    speaker = await plane.connected("ada", SPEAKING)
    listener = await plane.connected("bob", LISTENING)
    speaking_listener = await plane.connected("ada", LISTENING)
    plane.tick(3)
    await until(lambda: len(listener.rtp) == 3 and len(speaking_listener.rtp) == 3)
    assert len(plane.media._fanout) == 2
    assert len(plane.media._engine._spaces["room"].programs) == 2, "everybody, and everybody but Ada"
    for client in (speaker, listener, speaking_listener):
        client.session.close()
    plane.tick(2)
    assert plane.left_behind() == {}


async def test_a_check_may_come_before_the_answer(plane: Plane) -> None:
    client = await plane.client()
    await client.checked()
    client.start()
    await client.handshake()
    await until(lambda: client.session.connected)
    with pytest.raises(LocalError):
        client.start()


async def test_a_client_who_says_goodbye_is_gone_at_once(plane: Plane) -> None:
    client = await plane.connected(plan=SPEAKING)
    await client.leave()
    await closed_with(client, Closed.LEFT)
    assert plane.left_behind() == {}


async def test_who_is_not_admitted_any_more_gets_no_media(plane: Plane) -> None:
    async def no() -> bool:
        return False

    client = await plane.client(confirm=no)
    client.start()
    await client.checked()
    await client.handshake()
    await closed_with(client, Closed.NOT_ADMITTED)
    plane.tick(3)
    assert client.rtp == []
    assert client.connections == 0
    assert plane.left_behind() == {}


async def test_a_confirmation_that_fails_closes_that_session_alone(plane: Plane) -> None:
    async def broken() -> bool:
        raise ConnectionError("the database is away")

    other = await plane.connected("bob")
    client = await plane.client(confirm=broken)
    client.start()
    await client.checked()
    await client.handshake()
    await closed_with(client, Closed.DTLS_FAILED)
    assert other.session.connected
    other.session.close()
    assert plane.left_behind() == {}


async def test_who_leaves_while_his_right_is_confirmed_is_not_connected(plane: Plane) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> bool:
        asked.set()
        await go_on.wait()
        return True

    client = await plane.client(confirm=slow)
    client.start()
    await client.checked()
    await client.handshake()
    await asked.wait()
    await client.leave()
    await until(lambda: client.session.endpoint._closed)
    go_on.set()
    await closed_with(client, Closed.LEFT)
    assert client.connections == 0
    assert plane.left_behind() == {}


async def test_closing_during_the_handshake_or_the_confirmation_leaves_nothing(plane: Plane) -> None:
    async def never() -> bool:
        await asyncio.Event().wait()
        return True

    in_handshake = await plane.client("ada")
    in_handshake.start()
    await in_handshake.checked()
    in_confirmation = await plane.client("bob", confirm=never)
    in_confirmation.start()
    await in_confirmation.checked()
    await in_confirmation.handshake()
    for client in (in_handshake, in_confirmation):
        client.session.close()
    assert plane.left_behind() == {}
    await asyncio.sleep(0.01)
    assert in_handshake.closed == in_confirmation.closed == []


async def test_a_wrong_fingerprint_is_not_connected(plane: Plane) -> None:
    client = await plane.client()
    client.session.start(Remote((("sha-256", ":".join(["00"] * 32)),), we_are_dtls_client=False))
    await client.checked()
    await client.handshake()
    await closed_with(client, Closed.DTLS_FAILED)
    assert plane.drops("dtls_failed") == 1
    assert plane.left_behind() == {}


@pytest.mark.parametrize("checked", [False, True], ids=["nobody came", "stuck in DTLS"])
async def test_a_handshake_has_its_time(plane: Plane, checked: bool) -> None:
    client = await plane.client()
    client.start()
    if checked:
        await client.checked()
    plane.clock.now += 14.9
    await asyncio.sleep(0.25)
    assert client.closed == []
    plane.clock.now += 0.2
    await closed_with(client, Closed.HANDSHAKE_TIMEOUT)
    assert plane.left_behind() == {}


async def test_silence_for_thirty_seconds_ends_a_session(plane: Plane) -> None:
    client = await plane.connected()
    plane.clock.now += 29.9
    await asyncio.sleep(0.25)
    assert client.closed == []
    await client.checked()
    plane.clock.now += 29.9
    await asyncio.sleep(0.25)
    assert client.closed == [], "a check is a sign of life"
    plane.clock.now += 0.2
    await closed_with(client, Closed.SILENT)
    assert plane.left_behind() == {}


async def test_unauthenticated_datagrams_are_no_sign_of_life(plane: Plane) -> None:
    client = await plane.connected(plan=SPEAKING)
    plane.clock.now += 29.9
    client.send(client.check(password="a wrong password, long enough"))
    client.send(bytes((0x80, 111)) + bytes(60))
    client.send(bytes((0x80, 201)) + bytes(60))
    await plane.dropped("ice_integrity")
    await plane.dropped("srtp_rejected")
    await plane.dropped("srtcp_rejected")
    plane.clock.now += 0.2
    await closed_with(client, Closed.SILENT)


async def test_packets_and_reports_are_signs_of_life(plane: Plane) -> None:
    client = await plane.connected(plan=SPEAKING)
    for data in (client.packet(), client.report(receiver_report(client.ssrc, ()))):
        plane.clock.now += 29.0
        client.send(data)
        await until(lambda: client.session.heard_at == plane.clock.now)
    assert client.closed == []


async def test_closing_a_space_closes_its_sessions(plane: Plane) -> None:
    clients = [await plane.connected("ada", SPEAKING), await plane.connected("bob"), await plane.client("eve")]
    plane.tick(2)
    plane.media.close_space("room")
    plane.media.close_space("room")
    plane.tick(2)
    assert plane.left_behind() == {}
    assert plane.media._engine._spaces == {}
    assert all(client.closed == [] for client in clients)


async def test_a_bug_at_one_peer_does_not_stop_the_timers(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, fine = await plane.connected("ada"), await plane.connected("bob")

    def crash(now: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(broken.session, "send_reports", crash)
    plane.clock.now += 10.0
    await closed_with(broken, Closed.CRASHED)
    assert plane.media.healthy
    plane.clock.now += 31.0
    await closed_with(fine, Closed.SILENT)


async def test_handshakes_of_one_address_are_bounded() -> None:
    async with running(handshakes_per_address_max=2) as plane:
        first = await plane.client("a", client_address="203.0.113.1")
        second = await plane.client("b", client_address="203.0.113.1")
        with pytest.raises(RequestError) as refused:
            await plane.client("c", client_address="203.0.113.1")
        assert (refused.value.status, refused.value.retry_after_seconds) == (429, 5)
        other = await plane.client("c", client_address="203.0.113.2")
        await first.connect()
        third = await plane.client("d", client_address="203.0.113.1")
        for client in (first, second, third, other):
            client.session.close()
        assert plane.left_behind() == {}


async def test_a_crowd_that_says_nothing_keeps_nobody_out() -> None:
    async with running(handshakes_max=20) as plane:
        crowd = [await plane.client(f"x{n}", client_address=f"198.51.100.{n}") for n in range(30)]
        assert [client.closed for client in crowd] == [[Closed.CROWDED_OUT]] * 10 + [[]] * 20
        somebody = await plane.client("ada", client_address="203.0.113.1")
        await somebody.connect()
        more = [await plane.client(f"y{n}", client_address=f"198.51.100.{100 + n}") for n in range(30)]
        assert somebody.session.connected
        assert not somebody.closed
        assert len(plane.media._half_open) == 20
        for client in (somebody, *crowd, *more):
            client.session.close()
        assert plane.left_behind() == {}


async def test_a_space_may_be_opened_again(plane: Plane) -> None:
    speaker, listener = await plane.connected("ada", SPEAKING), await plane.connected("bob", LISTENING)
    plane.media.open_space("room")
    speaker.send(speaker.packet())
    await until(lambda: plane.media.levels("room"))
    plane.tick(3)
    await until(lambda: len(listener.rtp) == 3)
    speaker.session.close()
    listener.session.close()
    assert plane.left_behind() == {}
