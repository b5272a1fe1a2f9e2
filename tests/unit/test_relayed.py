"""What another node's owner sends is heard here as one stream that goes on: lost packets, silence and a change of owner."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator

import pytest

from spaces.mixing.sound import Listener as Row
from spaces.sfu.fanout import Fanout
from spaces.sfu.relay_packet import RelayPacket
from spaces.sfu.relayed import RelayedSound
from spaces.sfu.rtp import RtpPacket
from tests.unit.test_fanout import Listener

SPACE, SSRC = "aSpace", 7


class Edge:
    """A RelayedSound without its thread: what is queued is done by `do`."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.dropped: list[str] = []
        self.sound = RelayedSound(Fanout(self.socket.fileno(), rows=4), 1, self.dropped.append)
        self.sound.open_space(SPACE, SSRC)
        self.listeners: list[Listener] = []

    def listen(self, first_sequence: int = 100, milliseconds: int | None = None) -> tuple[Listener, Row]:
        listener = Listener()
        self.listeners.append(listener)
        row = Row(SPACE, "somebody", listener.outbound, first_sequence)
        self.sound.attach(row, 111, listener.path, milliseconds)
        return listener, row

    def hear(self, sequence: int, timestamp: int, *, fence: int = 1, frames: int = 1) -> None:
        payload = b"\xf8" + sequence.to_bytes(4, "big")
        self.sound.send_on(RelayPacket(SPACE, fence, frames, sequence, timestamp, payload))

    def close(self) -> None:
        self.socket.close()
        for listener in self.listeners:
            listener.socket.close()


@pytest.fixture
def edge() -> Iterator[Edge]:
    edge = Edge()
    yield edge
    edge.close()


def numbers(packets: list[RtpPacket]) -> list[tuple[int, int, bool]]:
    return [(p.sequence, p.timestamp, p.marker) for p in packets]


def test_what_comes_is_sent_to_everybody_under_his_own_numbers(edge: Edge) -> None:
    one, _ = edge.listen(100)
    two, _ = edge.listen(9_000)
    for n in range(3):
        edge.hear(n, 960 * n)
    heard = one.received()
    assert numbers(heard) == [(100, 0, True), (101, 960, False), (102, 1_920, False)]
    assert [p.sequence for p in two.received()] == [9_000, 9_001, 9_002]
    assert {(p.ssrc, p.payload_type) for p in heard} == {(SSRC, 111)}
    assert [int.from_bytes(p.payload[1:], "big") for p in heard] == [0, 1, 2]


def test_a_lost_packet_leaves_its_number_out(edge: Edge) -> None:
    listener, _ = edge.listen()
    for n in (5, 6, 9):
        edge.hear(n, 960 * n)
    assert [p.sequence for p in listener.received()] == [100, 101, 104]


def test_after_silence_a_talk_spurt_begins(edge: Edge) -> None:
    listener, _ = edge.listen()
    edge.hear(1, 0)
    edge.hear(2, 48_000)
    assert numbers(listener.received()) == [(100, 0, True), (101, 48_000, True)]


def test_a_new_owner_is_one_stream_with_the_old_one(edge: Edge) -> None:
    listener, _ = edge.listen()
    for n in range(4):
        edge.hear(n, 1_000_000 + 960 * n)
    for n in range(3):
        edge.hear(n, 77 + 960 * n, fence=2)
    edge.hear(4, 1_000_000 + 960 * 4)  # the old one does not know yet
    heard = listener.received()
    assert edge.dropped == ["relay_fenced"]
    assert [p.sequence for p in heard] == list(range(100, 107))
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(heard)]
    assert all(step % 960 == 0 and 0 < step < 48_000 for step in steps)
    assert len({p.ssrc for p in heard}) == 1


def test_late_and_repeated_packets_are_dropped(edge: Edge) -> None:
    listener, _ = edge.listen()
    for n in (1, 2, 2, 1, 3):
        edge.hear(n, 960 * n)
    assert edge.dropped == ["relay_late", "relay_late"]
    assert [p.sequence for p in listener.received()] == [100, 101, 102]


def test_who_wants_short_packets_hears_those(edge: Edge) -> None:
    sound = RelayedSound(edge.sound.fanout, 3, edge.dropped.append)
    sound.open_space(SPACE, SSRC)
    edge.sound = sound
    usual, _ = edge.listen()
    short, _ = edge.listen(milliseconds=20)
    edge.hear(1, 0, frames=3)
    edge.hear(1, 0, frames=1)
    edge.hear(2, 960, frames=1)
    assert (len(usual.received()), len(short.received())) == (1, 2)


def test_who_leaves_hears_nothing_more_and_goes_on_where_he_was(edge: Edge) -> None:
    listener, row = edge.listen()
    edge.hear(1, 0)
    edge.sound.detach(row)
    edge.hear(2, 960)
    assert row.row == -1
    assert edge.sound.sent_to(row) == (1, 5)
    edge.sound.attach(row, 111, listener.path)
    edge.hear(3, 1_920)
    assert [p.sequence for p in listener.received()] == [100, 101]


def test_a_space_that_is_closed_leaves_nothing_behind(edge: Edge) -> None:
    _, row = edge.listen()
    edge.hear(1, 0)
    edge.sound.close_space(SPACE)
    assert (row.row, len(edge.sound.fanout)) == (-1, 0)
    assert len(edge.sound._programs._free) == len(edge.sound._programs.rows.state)
    edge.hear(2, 960)


def test_red_carries_what_came_before(edge: Edge) -> None:
    listener, row = edge.listen()
    edge.sound.set_redundancy(row, 63)
    for n in range(1, 5):
        edge.hear(n, 960 * n)
    heard = listener.received()
    assert [p.payload_type for p in heard] == [111, 63, 63, 63]
    assert len(heard[3].payload) == 2 * 4 + 1 + 3 * 5
