"""Who may be on air: random answers of Redis and of the database at random times, beside what two nodes could make of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spaces.directory import LEASE_SECONDS, Lease, Place
from spaces.tenure import HANDOVER_SECONDS, MARGIN_SECONDS, ROW_SECONDS, Tenure

LEASE = Lease(Place("one.1", "http://x"), 7)


def test_it_lasts_as_long_as_its_lease_less_a_margin() -> None:
    tenure = Tenure.begun(LEASE, 100.0)
    assert tenure.on_air(100.0 + LEASE_SECONDS - MARGIN_SECONDS - 0.01)
    assert not tenure.on_air(100.0 + LEASE_SECONDS - MARGIN_SECONDS)


def test_a_renewal_counts_from_when_it_was_asked_for() -> None:
    tenure = Tenure.begun(LEASE, 100.0)
    tenure.renewed(True, 101.0)
    assert tenure.on_air_until == 101.0 + LEASE_SECONDS - MARGIN_SECONDS
    tenure.renewed(True, 100.5)
    assert tenure.on_air_until == 101.0 + LEASE_SECONDS - MARGIN_SECONDS


def test_without_redis_the_row_holds_a_second_each_time() -> None:
    tenure = Tenure.begun(LEASE, 100.0)
    for asked_at in (100.5, 101.0, 101.5, 102.0):
        tenure.row_read(7, asked_at)
    assert tenure.on_air_until == 103.0
    assert not tenure.on_air(103.0)


def test_a_row_that_is_not_there_yet_says_nothing() -> None:
    tenure = Tenure.begun(LEASE, 100.0)
    tenure.row_read(6, 101.3)
    assert tenure.on_air_until == 100.0 + LEASE_SECONDS - MARGIN_SECONDS


def test_a_lost_tenure_never_comes_back() -> None:
    for by_redis in (True, False):
        tenure = Tenure.begun(LEASE, 100.0)
        if by_redis:
            tenure.renewed(False, 100.1)
        else:
            tenure.row_read(8, 100.1)
        tenure.renewed(True, 100.2)
        tenure.row_read(7, 100.2)
        assert tenure.lost
        assert not tenure.on_air(0.0)


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=30), st.floats(0, 20))
def test_never_two_on_air(asked: list[tuple[float, bool]], claimed_at: float) -> None:
    """One holder asks Redis or the database at random times, and is told the truth; another claims at one time."""
    tenure, lease_until = Tenure.begun(LEASE, 0.0), LEASE_SECONDS
    for asked_at, of_redis in sorted(asked):
        if asked_at >= claimed_at:
            break
        if of_redis:
            tenure.renewed(True, asked_at)
            lease_until = asked_at + LEASE_SECONDS
        else:
            tenure.row_read(7, asked_at)
    if lease_until > claimed_at:
        return  # it is refused
    other_on_air_at = claimed_at + HANDOVER_SECONDS
    assert tenure.on_air_until < other_on_air_at
    for asked_at, of_redis in sorted(asked):
        if asked_at < claimed_at:
            continue
        if of_redis:
            tenure.renewed(False, asked_at)
        else:
            tenure.row_read(8, asked_at)
        assert tenure.on_air_until < other_on_air_at


def test_the_wait_of_the_next_is_longer_than_a_row_holds() -> None:
    assert HANDOVER_SECONDS > ROW_SECONDS


@given(st.floats(0, 20), st.floats(0, 5), st.floats(0, 20))
def test_who_is_handed_a_space_without_a_word_waits_longer_than_the_other_is_on_air(
    renewed_at: float, later: float, looked_at: float
) -> None:
    """The one renews and gives it up; the other claims after that. With a word, it is the first who is silent before it."""
    one = Tenure.begun(LEASE, 0.0)
    one.renewed(True, renewed_at)
    one.yields = True
    other = Tenure.begun(Lease(LEASE.place, 8), renewed_at + later)
    other.waits = True
    assert not other.on_air(looked_at)
    assert one.on_air_until < renewed_at + later + LEASE_SECONDS, "when the other stops waiting"
    other.waits = False
    assert other.on_air(renewed_at + later)
