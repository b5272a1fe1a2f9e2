"""What flows in a session: plans change on one connection, and each stream goes on where it stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from spaces.sfu.forward import FIRST_SEQUENCE_MAX
from spaces.sfu.rounds import REPORT_LISTENERS_SECONDS, REPORT_SPEAKERS_SECONDS
from spaces.sfu.rtcp import ReportBlock, ntp_middle, receiver_report, sender_report
from spaces.sfu.rtp import split_red_untrusted
from spaces.sfu.session import Plan, Receive, Send
from tests.harness.eventually import until
from tests.harness.media_client import LISTENING, SPEAKING, Client, Plane, running


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async with running() as plane:
        yield plane


async def mix(plane: Plane, listener: Client, packets: int = 3) -> None:
    """So many packets of the mix."""
    wanted = len(listener.rtp) + packets
    plane.tick(packets)
    await until(lambda: len(listener.rtp) == wanted)


async def speak(speaker: Client, hearer: Client, packets: int = 3) -> None:
    wanted = len(hearer.rtp) + packets
    for _ in range(packets):
        speaker.plane.clock.now += 0.02
        speaker.send(speaker.packet())
    await until(lambda: len(hearer.rtp) == wanted)


async def test_each_listener_hears_under_his_own_numbers(plane: Plane) -> None:
    clients = [await plane.connected(f"p{n}", Plan(mix=Send(n))) for n in (96, 97, 100, 109, 111)]
    plane.tick(4)
    for number, client in zip((96, 97, 100, 109, 111), clients, strict=True):
        await until(lambda client=client: len(client.rtp) == 4)  # type: ignore[misc]
        assert {p.payload_type for p in client.rtp} == {number}
        assert {p.ssrc for p in client.rtp} == {client.session.mix_ssrc}
        assert client.rtp[0].sequence < FIRST_SEQUENCE_MAX
        assert client.undecryptable == 0
    shared = [[(p.timestamp, p.payload) for p in client.rtp] for client in clients]
    assert all(one == shared[0] for one in shared), "encoded once"


async def test_from_the_audience_to_the_stage_and_back_on_one_connection(plane: Plane) -> None:
    host, guest = await plane.connected("host", SPEAKING), await plane.connected("guest", LISTENING)
    await mix(plane, guest)
    for _ in range(3):
        guest.session.set_plan(SPEAKING)
        plane.tick(5)
        await speak(host, guest)
        guest.session.set_plan(LISTENING)
        await mix(plane, guest)
    streams = {ssrc: [p for p in guest.rtp if p.ssrc == ssrc] for ssrc in {p.ssrc for p in guest.rtp}}
    assert set(streams) == {guest.session.mix_ssrc, guest.session.slot_ssrcs[0]}
    for packets in streams.values():
        sequences = [p.sequence for p in packets]
        assert sequences == list(range(sequences[0], sequences[0] + len(packets)))
        assert sequences[0] < FIRST_SEQUENCE_MAX
    times = [p.timestamp for p in streams[guest.session.mix_ssrc]]
    ticks = [(t - times[0]) % (1 << 32) // 960 for t in times]
    assert ticks == [0, 1, 2, 8, 9, 10, 16, 17, 18, 24, 25, 26], "time on the stage passes in the mix too"
    assert guest.connections == 1
    assert guest.undecryptable == 0
    for client in (host, guest):
        client.session.close()
    assert plane.left_behind() == {}


async def test_a_microphone_comes_and_goes_and_its_packets_are_not_taken_twice(plane: Plane) -> None:
    guest, hearer = await plane.connected("guest", SPEAKING), await plane.connected("host", SPEAKING)
    captured = guest.packet()
    guest.send(captured)
    await until(lambda: hearer.rtp)
    guest.session.set_plan(LISTENING)
    guest.send(guest.packet())
    await plane.dropped("rtp_not_expected")
    guest.session.set_plan(SPEAKING)
    guest.send(captured)
    await plane.dropped("srtp_rejected")
    await speak(guest, hearer, 1)
    assert len(hearer.rtp) == 2


async def test_nobody_hears_himself_on_either_way(plane: Plane) -> None:
    ada = await plane.connected("ada", SPEAKING)
    ada_listening = await plane.connected("ada", LISTENING)
    bob = await plane.connected("bob", SPEAKING)
    await speak(ada, bob)
    await speak(bob, ada)
    assert {p.ssrc for p in ada.rtp} == {ada.session.slot_ssrcs[1]}
    plane.tick(2)
    await until(lambda: ada_listening.rtp)
    (program,) = plane.media._engine._spaces["room"].programs.values()
    assert program.without == "ada"


async def test_a_muted_microphone_is_forwarded_to_nobody_and_shown_as_silent(plane: Plane) -> None:
    ada, bob = await plane.connected("ada", SPEAKING), await plane.connected("bob", SPEAKING)
    tapped: list[int] = []
    plane.media.tap("room", lambda owner, session, sequence, timestamp, payload: tapped.append(sequence))
    await speak(ada, bob)
    assert set(plane.media.levels("room")) == {"ada"}
    assert len(tapped) == 3
    ada.session.set_muted(True)
    assert plane.media.levels("room") == {}
    reception = ada.session._uplink.reception if ada.session._uplink else None
    assert reception is not None
    before = reception.received
    for _ in range(3):
        ada.send(ada.packet())
    await until(lambda: reception.received == before + 3)
    assert len(bob.rtp) == 3
    assert len(tapped) == 3, "nor is he captioned"
    assert plane.media.levels("room") == {}
    ada.session.set_muted(False)
    await speak(ada, bob)
    sequences = [p.sequence for p in bob.rtp]
    assert sequences == list(range(sequences[0], sequences[0] + 6)), "the slot's stream has no gap where he was muted"
    assert bob.rtp[3].marker


async def test_muted_before_the_microphone_comes(plane: Plane) -> None:
    ada, bob = await plane.connected("ada", LISTENING), await plane.connected("bob", SPEAKING)
    ada.session.set_muted(True)
    ada.session.set_plan(SPEAKING)
    ada.send(ada.packet())
    await until(lambda: ada.session._uplink is not None and ada.session._uplink.reception is not None)
    plane.tick(1)
    assert bob.rtp == []
    assert plane.media.levels("room") == {}


async def test_the_numbering_of_a_plan_may_change(plane: Plane) -> None:
    ada, bob = await plane.connected("ada", SPEAKING), await plane.connected("bob", SPEAKING)
    await speak(ada, bob, 1)
    bob.session.set_plan(Plan(receive=Receive(109), slots=Send(96)))
    await speak(ada, bob, 1)
    assert [p.payload_type for p in bob.rtp] == [111, 96]
    bob.send(bob.packet(payload_type=111))
    await plane.dropped("rtp_payload_type")
    bob.send(bob.packet(payload_type=109))
    await until(lambda: ada.rtp)


async def test_nothing_flows_without_a_plan(plane: Plane) -> None:
    client = await plane.connected(plan=Plan())
    plane.tick(3)
    client.send(client.packet())
    await plane.dropped("rtp_not_expected")
    assert client.rtp == []
    client.session.set_plan(LISTENING)
    await mix(plane, client, 1)


# --- reports


async def test_a_speaker_is_told_every_second_what_arrives(plane: Plane) -> None:
    ada, bob = await plane.connected("ada", SPEAKING), await plane.connected("bob", SPEAKING)
    await speak(ada, bob)
    ada.sequence += 1  # one is lost
    await speak(ada, bob)
    ada.send(ada.report(sender_report(ada.ssrc, 1_700_000_000.0, 0, 6, 36)))
    uplink = ada.session._uplink
    assert uplink is not None
    await until(lambda: uplink.reception is not None and uplink.reception.last_sender_report)
    plane.clock.now += REPORT_SPEAKERS_SECONDS
    await until(lambda: any(r.blocks for r in ada.rtcp))
    (block,) = next(r.blocks for r in ada.rtcp if r.blocks)
    assert block.ssrc == ada.ssrc
    assert (block.fraction_lost, block.cumulative_lost) == (256 // 7, 1)
    assert block.last_sender_report == ntp_middle(1_700_000_000.0)
    assert block.delay_since_last_sender_report == pytest.approx(REPORT_SPEAKERS_SECONDS * 65_536, rel=0.1)
    stats = ada.session.stats()
    assert stats.uplink_loss == pytest.approx(1 / 7)


async def test_a_speaker_is_told_the_worst_loss_his_sound_meets(plane: Plane) -> None:
    ada, bob = await plane.connected("ada", SPEAKING), await plane.connected("bob", SPEAKING)
    await speak(ada, bob)
    lost = ReportBlock(bob.session.slot_ssrcs[0], 64, 5, 1, 480, 0, 0)
    bob.send(bob.report(receiver_report(bob.ssrc, (lost,))))
    await until(lambda: bob.session.stats().downlink_loss)
    assert bob.session.stats().downlink_loss == 0.25
    assert bob.session.stats().downlink_jitter == 0.01
    plane.clock.now += REPORT_SPEAKERS_SECONDS
    await until(lambda: any(r.blocks for r in ada.rtcp))
    assert next(r.blocks for r in ada.rtcp if r.blocks)[0].fraction_lost == 64
    assert ada.session.stats().uplink_loss == 0.0


async def test_a_listener_is_told_the_time_of_the_mix_every_few_seconds(plane: Plane) -> None:
    client = await plane.connected()
    await mix(plane, client, 5)
    plane.clock.now += REPORT_LISTENERS_SECONDS
    await until(lambda: client.rtcp)
    ((ssrc, _),) = client.rtcp[-1].sender_reports
    assert ssrc == client.session.mix_ssrc
    listener = client.session._listener
    assert listener is not None
    assert plane.media._engine.sent_to(listener) == (5, sum(len(p.payload) for p in client.rtp))
    count = len(client.rtcp)
    lsr = client.rtcp[-1].sender_reports[0][1]
    plane.clock.now += 0.125
    client.send(client.report(receiver_report(client.ssrc, (ReportBlock(ssrc, 0, 0, 5, 0, lsr, 0),))))
    await until(lambda: client.session.stats().round_trip is not None)
    assert client.session.stats().round_trip == pytest.approx(0.125, abs=0.001)
    assert len(client.rtcp) == count, "time stands still: no further report is due"


async def test_counts_go_on_when_a_listener_comes_back_from_the_stage(plane: Plane) -> None:
    client = await plane.connected()
    await mix(plane, client, 3)
    client.session.set_plan(SPEAKING)
    plane.tick(2)
    client.session.set_plan(LISTENING)
    await mix(plane, client, 4)
    listener = client.session._listener
    assert listener is not None
    assert plane.media._engine.sent_to(listener)[0] == 7


# --- redundancy


async def lossy(client: Client, fraction_lost: int = 64) -> None:
    """Report a loss of the mix."""
    before = client.session.heard_at
    client.plane.clock.now += 0.001
    block = ReportBlock(client.session.mix_ssrc, fraction_lost, 5, 1, 0, 0, 0)
    client.send(client.report(receiver_report(client.ssrc, (block,))))
    await until(lambda: client.session.heard_at > before)


async def test_who_reports_loss_gets_red_under_his_own_number_if_he_offered_it(plane: Plane) -> None:
    with_red, without = await plane.connected("a", Plan(mix=Send(111, 63))), await plane.connected("b", LISTENING)
    for client in (with_red, without):
        await mix(plane, client, 1)
        await lossy(client)
    plane.tick(4)
    await until(lambda: len(with_red.rtp) >= 6 and len(without.rtp) >= 5)
    assert {p.payload_type for p in with_red.rtp[2:]} == {63}
    assert {p.payload_type for p in without.rtp} == {111}
    last = split_red_untrusted(with_red.rtp[-1].payload)
    assert [kind for kind, _, _ in last] == [111] * 3
    assert [offset for _, offset, _ in last] == [2_880, 960, 0]
    assert last[-1][2] == without.rtp[-1].payload
    assert last[0][2] == without.rtp[-3].payload


async def test_red_ends_with_the_plan_that_agreed_to_it(plane: Plane) -> None:
    client = await plane.connected(plan=Plan(mix=Send(111, 63)))
    await lossy(client)
    await mix(plane, client, 2)
    assert client.rtp[-1].payload_type == 63
    client.session.set_plan(LISTENING)
    await mix(plane, client, 2)
    assert client.rtp[-1].payload_type == 111
    await lossy(client)
    await mix(plane, client, 2)
    assert client.rtp[-1].payload_type == 111


# --- idle


async def test_an_idle_space_sends_a_packet_every_four_hundred_milliseconds(plane: Plane) -> None:
    """Browsers mute a track that gets nothing for longer."""
    client = await plane.connected()
    plane.tick(100)
    await until(lambda: len(client.rtp) > 1)
    client.rtp.clear()
    plane.tick(200)
    await until(lambda: len(client.rtp) >= 10)
    gaps = {(b.timestamp - a.timestamp) % (1 << 32) for a, b in zip(client.rtp, client.rtp[1:], strict=False)}
    assert gaps == {20 * 960}
    assert all(p.marker for p in client.rtp)
