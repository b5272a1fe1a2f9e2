"""A lost packet is repaired by what comes behind it – in-band FEC, copies in RED – and waited for only while that helps."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from spaces.mixing.opus import FRAME, SAMPLE_RATE, Encoder, library
from spaces.mixing.playout import has_fec
from tests.harness.playout import TICK, Playout
from tests.harness.sound import encode, sine

WITH_FEC = encode(sine(440, 1.0), fec_percent=20, bitrate=32_000)[1:31]
WITHOUT = encode(sine(440, 1.0))
EARLY_SECONDS = 0.005
"""Before its tick every packet arrives."""


def fec(payload: bytes) -> bool:
    return bool(has_fec(np.frombuffer(payload, np.uint8), len(payload)))


class Stream:
    """Packets in real time, but for those that are lost; each brings copies of those at these distances before it."""

    def __init__(self, packets: list[bytes], *distances: int) -> None:
        self.playout = Playout()
        self._packets = packets
        self._distances = distances
        self._sent = 0
        self._arrived: set[int] = set()

    def run(self, seconds: float, *, lost: frozenset[int] = frozenset(), every: int = 0, burst: int = 1) -> None:
        """`lost` counts from the first packet of this run; or `burst` packets in `every` are lost."""
        for n in range(round(seconds / TICK)):
            if n not in lost and not (every and n % every >= every - burst):
                at = self.playout.now + TICK - EARLY_SECONDS
                for distance in self._distances:
                    if self._sent >= distance and self._sent - distance not in self._arrived:
                        self._insert(self._sent - distance, at, distance * FRAME)
                self._insert(self._sent, at, 0)
            self._sent += 1
            self.playout.tick()

    def _insert(self, number: int, at: float, behind: int) -> None:
        self._arrived.add(number)
        payload = self._packets[number % len(self._packets)]
        self.playout.insert(number, payload, at=at, behind=behind)

    @property
    def delay(self) -> float:
        """Seconds from the arrival of an ordinary packet to its tick."""
        state = self.playout.state
        return TICK * (self._sent - int(state["next"])) + int(state["fill"]) / SAMPLE_RATE + EARLY_SECONDS

    def counts(self, *names: str) -> tuple[int, ...]:
        return tuple(self.playout.count(name) for name in names)


def test_it_is_seen_whether_a_packet_brings_fec() -> None:
    assert all(map(fec, WITH_FEC))
    assert not any(map(fec, WITHOUT))


@pytest.mark.parametrize("samples", [480, 960, 1_920, 2_880])
@pytest.mark.parametrize("loss", [0, 20])
def test_libopus_sees_the_same(samples: int, loss: int) -> None:
    try:
        theirs = library().opus_packet_has_lbrr
    except AttributeError:
        pytest.skip("libopus before 1.5 does not tell")
    theirs.argtypes = [ctypes.c_char_p, ctypes.c_int]
    noise = np.random.default_rng(samples).normal(0, 0.1, 2 * SAMPLE_RATE).astype(np.float32)
    for bitrate in (12_000, 24_000, 40_000):
        packets = encode(noise, frame=samples, fec_percent=loss, bitrate=bitrate)
        packets += encode(sine(300, 1.0), frame=samples, fec_percent=loss, bitrate=bitrate)
        assert [fec(p) for p in packets] == [theirs(p, len(p)) == 1 for p in packets]


@pytest.mark.parametrize("payload", [b"\x08", b"\x0b", b"\x0b\xc2", b"\x0b\xc3\xff", b"\x0b\x83\xfc", b"\x0a\xff"])
def test_a_packet_cut_short_brings_nothing(payload: bytes) -> None:
    assert not fec(payload)


def test_from_the_second_loss_on_every_one_is_repaired() -> None:
    stream = Stream(WITH_FEC)
    stream.run(2.0)
    before = stream.delay
    stream.run(10.0, every=10)
    stream.playout.check()
    assert stream.counts("lost", "recovered") == (49, 49)
    assert stream.delay - before == pytest.approx(TICK, abs=0.001), "one packet is waited for"
    assert stream.playout.pauses == 0
    sound = stream.playout.sound[3 * SAMPLE_RATE :]
    assert np.abs(sound).reshape(-1, FRAME // 2).max(axis=1).min() > 0.2, "the tone goes on"


def test_without_loss_the_wait_is_given_back() -> None:
    stream = Stream(WITH_FEC)
    stream.run(2.0)
    before = stream.delay
    stream.run(5.0, every=10)
    assert stream.delay > before + 0.015
    stream.run(15.0)
    assert stream.delay > before + 0.015, "one loss in ten seconds keeps it"
    stream.run(30.0)
    assert stream.delay == pytest.approx(before, abs=0.001)
    assert stream.playout.count("underruns") <= 1


def test_where_nothing_repairs_nothing_is_waited_for() -> None:
    stream = Stream(WITHOUT)
    stream.run(2.0)
    before = stream.delay
    stream.run(10.0, every=50, burst=3)
    stream.run(0.2)
    assert stream.counts("lost", "recovered") == (30, 0)
    assert stream.delay == pytest.approx(before, abs=0.001)
    assert stream.playout.pauses == 0


def test_of_a_burst_fec_repairs_the_last_and_the_hole_gets_no_longer() -> None:
    stream = Stream(WITH_FEC)
    stream.run(2.0)
    before = stream.delay
    stream.run(10.0, every=50, burst=3)
    stream.run(0.2)
    assert stream.counts("lost", "recovered") == (30, 10)
    assert stream.delay - before == pytest.approx(TICK, abs=0.001)


@pytest.mark.parametrize(
    ("packets", "distances", "burst"), [(WITHOUT, (1,), 1), (WITHOUT, (2, 1), 2), (WITH_FEC, (1,), 2)]
)
def test_copies_are_waited_for_as_far_as_they_reach(
    packets: list[bytes], distances: tuple[int, ...], burst: int
) -> None:
    stream = Stream(packets, *distances)
    stream.run(2.0)
    before = stream.delay
    stream.run(10.0, every=20, burst=burst)
    stream.run(0.2)
    stream.playout.check()
    assert stream.counts("lost", "recovered") == (25 * burst, 25 * burst)
    assert stream.delay - before == pytest.approx(burst * TICK, abs=0.001)


def test_copies_that_nothing_was_lost_of_add_no_delay() -> None:
    """They overtake the packets themselves where the network reorders."""
    stream = Stream(WITHOUT, 1)
    stream.run(2.0)
    playout, first = stream.playout, stream._sent
    playout.insert(first + 1, WITHOUT[0])
    playout.insert(first, WITHOUT[0], behind=FRAME)
    playout.insert(first, WITHOUT[0])
    playout.tick(2)
    playout.check()
    assert stream.counts("lost", "recovered", "duplicate") == (0, 0, 1)
    assert playout.state["repair"] == 0


def test_after_a_pause_the_first_packet_waits_for_repairs_at_once() -> None:
    stream = Stream(WITH_FEC)
    stream.run(2.0)
    before = stream.delay
    stream.run(3.0, every=10)
    stream.playout.tick(30)
    stream.run(1.0, every=10)
    assert stream.delay >= before + TICK
    assert stream.playout.count("lost") == stream.playout.count("recovered")


def test_a_wait_is_bounded_however_far_copies_reach() -> None:
    stream = Stream(WITHOUT, 8)
    stream.run(2.0)
    stream.run(20.0, every=10)
    assert stream.playout.state["repair"] <= 0.06
    assert stream.delay < 0.1


def test_expected_loss_is_what_makes_fec() -> None:
    """What the tests above take for granted of libopus."""
    silent = Encoder(32_000, expected_loss_percent=0)
    assert not fec(silent.encode(sine(440, 0.02)))
