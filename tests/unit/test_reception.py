"""Loss, jitter and extended sequence numbers of an incoming stream (RFC 3550 appendix A)."""

from __future__ import annotations

import pytest

from spaces.sfu.reception import RESTART_DISTANCE, Reception


def receive(reception: Reception, *sequences: int) -> list[int]:
    return [reception.receive(s & 0xFFFF, s * 960 & 0xFFFFFFFF, s * 0.02) for s in sequences]


def test_extended_numbers_grow_across_wraps() -> None:
    reception = Reception(1)
    assert receive(reception, 65_534, 65_535, 65_536, 65_538, 65_537) == [65_534, 65_535, 65_536, 65_538, 65_537]
    assert reception.report(0.0).highest_sequence == 65_538


def test_loss_of_an_interval_and_of_all() -> None:
    reception = Reception(1)
    receive(reception, *range(100))
    first = reception.report(0.0)
    assert (first.fraction_lost, first.cumulative_lost, first.highest_sequence) == (0, 0, 99)
    receive(reception, *(s for s in range(100, 200) if s % 4))
    second = reception.report(0.0)
    assert (second.fraction_lost, second.cumulative_lost) == (64, 25)
    assert reception.fraction_lost == 0.25
    receive(reception, *range(200, 300))
    assert reception.report(0.0)[1:3] == (0, 25)


def test_nothing_at_all_is_reported_as_no_loss() -> None:
    reception = Reception(1)
    receive(reception, 1)
    reception.report(0.0)
    assert reception.report(0.0).fraction_lost == 0


def test_late_packets_and_duplicates_never_make_loss_negative_in_the_fraction() -> None:
    reception = Reception(1)
    receive(reception, 10, 12)
    reception.report(0.0)
    receive(reception, 13, 11, 9)
    report = reception.report(0.0)
    assert report.fraction_lost == 0
    assert report.cumulative_lost == -1, "more were received than expected: RFC 3550 allows it"


def test_all_lost_is_255() -> None:
    reception = Reception(1)
    receive(reception, 0)
    reception.report(0.0)
    receive(reception, 2_000)
    assert reception.report(0.0).fraction_lost == 255


def test_the_worst_link_that_the_sound_crosses_is_reported() -> None:
    reception = Reception(1)
    receive(reception, *range(10))
    assert reception.report(0.0, at_least_lost=0.5).fraction_lost == 128
    assert reception.fraction_lost == 0.0, "but what we know of this link is what we saw"
    receive(reception, *range(10, 20))
    assert reception.report(0.0, at_least_lost=7.0).fraction_lost == 255


@pytest.mark.parametrize("step", [RESTART_DISTANCE + 1, 30_000, 32_768, 50_000])
def test_a_restart_is_no_loss_and_goes_on_behind(step: int) -> None:
    reception = Reception(1)
    receive(reception, *range(100))
    extended = reception.receive((99 + step) & 0xFFFF, 5, 2.0)
    assert extended > 99
    assert extended & 0xFFFF == (99 + step) & 0xFFFF
    report = reception.report(2.0)
    assert (report.fraction_lost, report.cumulative_lost) == (0, 0)
    assert reception.receive((100 + step) & 0xFFFF, 6, 2.0) == extended + 1


def test_a_stream_begins_behind_the_one_before() -> None:
    reception = Reception(2, begin=70_000)
    assert receive(reception, 5) == [131_077]
    assert receive(Reception(2, begin=65_541), 5) == [65_541]
    assert reception.report(0.0).cumulative_lost == 0


def test_jitter_is_in_clock_units_and_settles_at_the_deviation() -> None:
    reception = Reception(1)
    for n in range(400):
        reception.receive(n, n * 960, n * 0.02 + (0.005 if n % 2 else 0.0))
    assert reception.jitter == pytest.approx(240, rel=0.02)  # |±5 ms| between neighbours
    steady = Reception(1)
    for n in range(400):
        steady.receive((65_500 + n) & 0xFFFF, (0xFFFFFFFF - 100_000 + n * 960) & 0xFFFFFFFF, n * 0.02)
    assert steady.jitter < 2, "a wrap of the timestamp is not jitter"


def test_the_last_sender_report_and_its_age() -> None:
    reception = Reception(1)
    receive(reception, 1)
    assert reception.report(9.0)[5:] == (0, 0)
    reception.sender_report(0xABCD, 10.0)
    assert reception.report(11.5)[5:] == (0xABCD, 98_304)
