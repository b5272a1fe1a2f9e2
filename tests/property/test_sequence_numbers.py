"""Distances, extended numbers and slot streams over every wrap."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.sfu.forward import FIRST_SEQUENCE_MAX, SlotStream
from spaces.sfu.reception import Reception
from spaces.sfu.rtp import parse_rtp_untrusted, sequence_after, timestamp_after

SEQUENCE, TIMESTAMP = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)


@settings(deadline=None)
@given(SEQUENCE, st.integers(-0x8000, 0x7FFF))
def test_a_sequence_distance_is_what_was_added(start: int, distance: int) -> None:
    assert sequence_after((start + distance) & 0xFFFF, start) == distance


@settings(deadline=None)
@given(TIMESTAMP, st.integers(-0x8000_0000, 0x7FFF_FFFF))
def test_a_timestamp_distance_is_what_was_added(start: int, distance: int) -> None:
    assert timestamp_after((start + distance) & 0xFFFFFFFF, start) == distance


@settings(deadline=None)
@given(st.integers(0, 1 << 20), st.lists(st.integers(-100, 2_000), max_size=60))
def test_extended_numbers_are_the_true_ones_however_packets_are_lost_and_reordered(
    first: int, steps: list[int]
) -> None:
    reception = Reception(1, begin=max(0, first - 0x8000))
    true = highest = first + (reception.receive(first & 0xFFFF, 0, 0.0) - first)
    for step in steps:
        true = max(reception.begin, highest + step)
        assert reception.receive(true & 0xFFFF, 0, 0.0) == true
        highest = max(highest, true)
    report = reception.report(0.0)
    assert report.highest_sequence == highest & 0xFFFFFFFF
    assert 0 <= report.fraction_lost <= 255


@settings(deadline=None)
@given(st.lists(st.tuples(SEQUENCE, TIMESTAMP, st.floats(0, 5)), min_size=1, max_size=40), st.floats(0, 1))
def test_any_packets_at_all_give_reports_that_fit_their_fields(
    packets: list[tuple[int, int, float]], at_least: float
) -> None:
    reception, now, last = Reception(1), 0.0, -1
    for sequence, timestamp, later in packets:
        now += later
        extended = reception.receive(sequence, timestamp, now)
        assert extended & 0xFFFF == sequence
        assert extended >= 0 or extended > last - 0x10000
        last = extended
    report = reception.report(now, at_least_lost=at_least)
    assert 0 <= report.fraction_lost <= 255
    assert -(1 << 23) <= report.cumulative_lost < 1 << 23
    assert 0 <= report.highest_sequence < 1 << 32
    assert 0 <= report.jitter < 1 << 32


@settings(deadline=None)
@given(
    st.integers(0, FIRST_SEQUENCE_MAX - 1),
    TIMESTAMP,
    st.lists(st.tuples(st.integers(1, 200), st.integers(0, 1 << 18), TIMESTAMP, st.integers(1, 20)), max_size=20),
)
def test_a_slot_is_one_stream_whoever_holds_it(
    first_sequence: int, first_timestamp: int, holders: list[tuple[int, int, int, int]]
) -> None:
    """Each holder: ticks of silence before, his sequence, his timestamp, packets that he sends."""
    slot, now = SlotStream(9, first_sequence, first_timestamp), 1.0
    out: list[tuple[int, int]] = []
    for tenure, (silence, sequence, timestamp, packets) in enumerate(holders, 1):
        now += 0.02 * silence
        for n in range(packets):
            now += 0.02
            header = slot.rewrite(tenure, sequence + n, (timestamp + 960 * n) & 0xFFFFFFFF, False, 111, now)
            assert header is not None
            packet = parse_rtp_untrusted(header + b"x")
            assert packet.ssrc == 9
            assert packet.marker == (n == 0)
            out.append((packet.sequence, packet.timestamp))
    for (a, s), (b, t) in itertools.pairwise(out):
        assert sequence_after(b, a) == 1
        assert 959 <= timestamp_after(t, s) <= 960 * 201 + 1
    if out:
        assert out[0] == (first_sequence, first_timestamp)
