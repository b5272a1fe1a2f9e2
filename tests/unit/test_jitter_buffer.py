"""A speaker's jitter buffer: what comes late, twice, out of order or not at all, and the pace at which it is played."""

from __future__ import annotations

import numpy as np
import pytest

from spaces.mixing.opus import FRAME
from spaces.mixing.playout import GAP_PACKETS_MAX
from spaces.mixing.speakers import RING
from tests.harness.playout import TICK, Playout
from tests.harness.sound import encode, level_db, sine

TONE = encode(sine(440, 1.0), fec_percent=20, bitrate=32_000)


def packet(n: int) -> bytes:
    return TONE[n % len(TONE)]


def run(playout: Playout, first: int, last: int) -> None:
    """An even stream, each packet there 5 ms before its tick."""
    for n in range(first, last):
        playout.insert(n, packet(n), at=playout.now + TICK - 0.005)
        playout.tick()


def test_an_even_stream_is_played_whole_without_delay() -> None:
    playout = Playout()
    run(playout, 0, 200)
    playout.check()
    assert playout.order == list(range(200))
    assert playout.pauses == 0
    assert max(playout.waited) < 0.01
    assert level_db(playout.sound, 440) == pytest.approx(-12, abs=0.5)
    assert all(playout.count(name) == 0 for name in ("late", "lost", "underruns", "overflow", "stretched"))


def test_the_first_packet_waits_for_the_least_delay_asked_for() -> None:
    playout = Playout(delay_min=0.06)
    run(playout, 0, 20)
    assert playout.pauses == 3
    assert playout.out[3] is not None


def test_a_reordered_packet_is_played_in_its_place() -> None:
    playout = Playout(delay_min=0.06)
    order = [0, 1, 2, 3, 5, 4, 6, 7, 9, 8, *range(10, 30)]
    for n in order:
        playout.insert(n, packet(n))
        playout.tick()
    playout.check()
    assert playout.order == sorted(playout.order)
    assert set(range(20)) <= set(playout.order)
    assert playout.count("lost") == 0


def test_a_duplicate_and_a_late_packet_are_counted_and_not_played() -> None:
    playout = Playout(delay_min=0.04)
    run(playout, 0, 10)
    playout.insert(9, packet(9))
    playout.insert(2, packet(2))
    run(playout, 10, 20)
    playout.check()
    assert (playout.count("duplicate"), playout.count("late")) == (1, 1)


def test_a_lost_burst_is_concealed_and_a_long_one_is_stepped_over() -> None:
    playout = Playout(delay_min=0.06)
    for n in range(100):
        if not 20 <= n < 24 and not 50 <= n < 70:
            playout.insert(n, packet(n))
        playout.tick()
    playout.check()
    assert playout.count("lost") == 4
    assert playout.order == [n for n in range(playout.order[-1] + 1) if not 20 <= n < 24 and not 50 <= n < 70]
    assert max(playout.waited) < 0.12


def test_an_empty_buffer_is_concealed_shortly_and_then_a_pause() -> None:
    playout = Playout()
    run(playout, 0, 20)
    playout.tick(10)
    sounding = [frame is not None for frame in playout.out[20:]]
    assert sounding[:3] == [True] * 3
    assert sounding[5:] == [False] * 5
    for n in range(20, 40):  # a sender's clock goes on in his pauses
        playout.insert(n, packet(n), at=playout.now + TICK - 0.005, timestamp=(n + 10) * FRAME)
        playout.tick()
    playout.check()
    assert playout.order[-20:] == list(range(20, 40)), "after the pause all is heard"


def test_a_packet_that_came_too_late_makes_room_for_the_next_such() -> None:
    """40 ms of jitter now and then: after the first time the buffer is deep enough."""
    playout = Playout()
    arrivals = [(n * TICK + (0.04 if n % 25 == 24 else 0.0), n) for n in range(1_500)]
    waiting = sorted(arrivals)
    start = playout.now
    for _ in range(1_500):
        while waiting and start + waiting[0][0] <= playout.now + TICK:
            at, n = waiting.pop(0)
            playout.insert(n, packet(n), at=start + at)
        playout.tick()
    playout.check()
    underruns = playout.count("underruns")
    assert 1 <= underruns <= 3
    assert playout.pauses <= 2


@pytest.mark.parametrize("parts_per_million", [-500, -100, 100, 500])
def test_a_senders_clock_that_runs_wrong_never_adds_up(parts_per_million: int) -> None:
    playout = Playout()
    step = TICK * (1 - parts_per_million / 1e6)
    sent, start = 0, playout.now
    for _ in range(6_000):  # two minutes: 60 ms of drift at 500 ppm
        while start + sent * step <= playout.now + TICK:
            playout.insert(sent, packet(sent), at=start + sent * step)
            sent += 1
        playout.tick()
    playout.check()
    assert max(playout.waited[-500:]) < 0.07
    assert playout.count("overflow") == 0
    assert playout.count("underruns") <= 2
    assert playout.pauses <= 1
    assert len(playout.order) >= sent - 4


def test_a_burst_at_the_start_is_not_heard_late_for_long() -> None:
    """GStreamer sends what it has collected when DTLS is up: 0.4 s at once."""
    playout = Playout()
    for n in range(20):
        playout.insert(n, packet(n), at=playout.now)
    for n in range(20, 300):
        playout.insert(n, packet(n), at=playout.now + TICK)
        playout.tick()
    playout.check()
    assert max(playout.waited) <= playout.delay_max + 0.05
    assert playout.pauses == 0


def test_what_was_held_up_and_comes_at_once_is_taken_up_at_its_end() -> None:
    """A network that stood still for a second; the buffer had run empty."""
    playout = Playout()
    run(playout, 0, 100)
    playout.tick(50)
    for n in range(100, 150):
        playout.insert(n, packet(n), at=playout.now + TICK - 0.005)
    run(playout, 150, 250)
    playout.check()
    assert playout.waited[-1] < 0.07
    run(playout, 250, 1_250)
    playout.check()
    assert playout.waited[-1] < 0.03, "an outage is no jitter"
    assert playout.pauses < 50


@pytest.mark.parametrize("seconds", [0.2, 2.0])
def test_after_the_process_stood_still_nothing_is_played_late(seconds: float) -> None:
    playout = Playout()
    run(playout, 0, 100)
    missed = round(seconds / TICK)
    playout.now += seconds
    for n in range(100, 100 + missed):
        playout.insert(n, packet(n), at=playout.now + TICK - 0.005)
    run(playout, 100 + missed, 200 + missed)
    playout.check()
    assert playout.waited[-1] < 0.05
    assert playout.pauses <= 2


def test_much_delay_is_given_back_where_the_speaker_is_silent() -> None:
    """What came at once came in parts: 0.16 s are too much. Two seconds later half a second of silence is enough."""
    playout = Playout()
    silence = encode(np.zeros(48_000, np.float32))
    run(playout, 0, 100)
    for n in range(100, 108):
        playout.insert(n, packet(n), at=playout.now + TICK - 0.005)
    run(playout, 108, 260)
    assert playout.waited[-1] > 0.15
    for n in range(260, 285):
        playout.insert(n, silence[n % 50], at=playout.now + TICK - 0.005)
        playout.tick()
    run(playout, 285, 300)
    playout.check()
    assert playout.waited[-1] < 0.05
    assert playout.pauses == 0


def test_more_than_the_ring_holds_keeps_the_newest() -> None:
    playout = Playout()
    for n in range(3 * RING):
        playout.insert(n, packet(n))
    playout.tick(RING)
    playout.check()
    assert playout.order[-1] == 3 * RING - 1
    assert playout.order[0] >= 2 * RING


@pytest.mark.parametrize("more", range(1, GAP_PACKETS_MAX + 3))
def test_a_full_ring_whose_first_packets_are_gone_is_caught_up_with(more: int) -> None:
    """Each packet that comes takes the place of the first, so a hole before that would never be played through."""
    playout = Playout()
    run(playout, 0, 20)
    for n in range(20, 20 + RING + more):
        playout.insert(n, packet(n))
    run(playout, 20 + RING + more, 70 + RING + more)
    playout.check()
    assert playout.count("played") > 20 + 30
    assert playout.waited[-1] <= playout.delay_max + TICK
    assert level_db(playout.sound[-10 * FRAME :], 440) > -20


@pytest.mark.parametrize("jump", [GAP_PACKETS_MAX + 1, 100, 3_001, 40_000, 1 << 20])
def test_a_jump_of_the_sequence_is_played_on_behind(jump: int) -> None:
    playout = Playout()
    run(playout, 0, 30)
    run(playout, 30 + jump, 60 + jump)
    playout.check()
    assert playout.order[-1] == 59 + jump
    assert playout.pauses == 0


def test_the_timestamps_wrap_and_jumps_are_no_jitter() -> None:
    playout = Playout()
    for n in range(300):
        clock = 0xFFFFFFFF - 50_000 + n * FRAME + (0x4000_0000 if n >= 150 else 0)
        playout.insert(n, packet(n), at=playout.now + TICK - 0.005, timestamp=clock)
        playout.tick()
    playout.check()
    assert playout.order == list(range(300))
    assert max(playout.waited) < 0.03


@pytest.mark.parametrize("frame", [120, 480, 1_920, 2_880, 5_760])
def test_packets_of_any_length(frame: int) -> None:
    packets = encode(sine(440, 2.0), frame=min(frame, 2_880))
    if frame == 5_760:
        packets = [joined(a, b) for a, b in zip(packets[::2], packets[1::2], strict=False)]
    playout = Playout()
    sent = 0
    for tick in range(90):
        while (sent + 1) * frame <= (tick + 1) * FRAME or sent * frame <= tick * FRAME:
            playout.insert(sent, packets[sent], at=playout.now + TICK - 0.004)
            sent += 1
        playout.tick()
    playout.check()
    assert playout.pauses == 0
    assert playout.count("underruns") == 0
    assert level_db(playout.sound, 440) == pytest.approx(-12, abs=0.5)


def joined(a: bytes, b: bytes) -> bytes:
    """Two packets of one configuration as one of twice the length (RFC 6716 §3.2.4, code 2)."""
    assert a[0] == b[0]
    assert a[0] & 3 in (0, 3)
    if a[0] & 3 == 0:
        length = len(a) - 1
        size = bytes((length,)) if length < 252 else bytes((252 + (length - 252) % 4, (length - 252) // 4))
        return bytes((a[0] | 2,)) + size + a[1:] + b[1:]
    frames_a, frames_b = _frames(a), _frames(b)
    count = len(frames_a) + len(frames_b)
    sizes = b""
    for f in [*frames_a, *frames_b][:-1]:
        sizes += bytes((len(f),)) if len(f) < 252 else bytes((252 + (len(f) - 252) % 4, (len(f) - 252) // 4))
    return bytes((a[0], 0x80 | count)) + sizes + b"".join([*frames_a, *frames_b])


def _frames(packet: bytes) -> list[bytes]:
    """The frames of a code 3 packet."""
    count, variable = packet[1] & 0x3F, packet[1] & 0x80
    assert not packet[1] & 0x40
    at = 2
    if not variable:
        size = (len(packet) - 2) // count
        return [packet[2 + i * size : 2 + (i + 1) * size] for i in range(count)]
    sizes = []
    for _ in range(count - 1):
        size = packet[at]
        at += 1
        if size >= 252:
            size += 4 * packet[at]
            at += 1
        sizes.append(size)
    frames = []
    for size in sizes:
        frames.append(packet[at : at + size])
        at += size
    return [*frames, packet[at:]]


def test_muted_packets_are_not_kept() -> None:
    playout = Playout()
    playout.state["muted"] = 1
    for n in range(10):
        playout.insert(n, packet(n))
    playout.tick(5)
    assert playout.count("held") == 0
    assert playout.pauses == 5
