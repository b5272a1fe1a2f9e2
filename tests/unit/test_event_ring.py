"""The ring of numbered events: what a cursor brings back, and what it never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from spaces.signaling.ring import KEPT_MAX, REPLAYED_BYTES_MAX, EventRing, first_number

NOW = datetime(2026, 11, 28, tzinfo=UTC)
BOB = 7


def filled(events: int, size: int = 1, seq: int = 100) -> EventRing:
    ring = EventRing(seq)
    for _ in range(events):
        ring.add(b"x" * size)
    return ring


def test_only_what_is_all_there_is_brought_back() -> None:
    ring = filled(3)
    assert ring.since(100, None, is_host=False) == [b"x"] * 3
    assert ring.since(103, None, is_host=False) == []
    for not_ours in (0, 99, 104, 10**15):
        assert ring.since(not_ours, None, is_host=False) is None


def test_a_ring_that_has_run_over_asks_for_a_snapshot() -> None:
    ring = filled(KEPT_MAX + 5)
    assert ring.since(104, None, is_host=False) is None
    assert len(ring.since(105, None, is_host=False) or ()) == KEPT_MAX


def test_what_is_too_much_at_once_asks_for_a_snapshot() -> None:
    ring = filled(3, size=REPLAYED_BYTES_MAX // 2)
    assert ring.since(100, None, is_host=False) is None
    assert len(ring.since(101, None, is_host=False) or ()) == 2


def test_numbers_of_a_later_life_lie_beyond_those_of_an_earlier_one() -> None:
    for _ in range(100):
        for milliseconds in (1, 50, 1_000, 86_400_000):
            earlier, later = first_number(NOW), first_number(NOW + timedelta(milliseconds=milliseconds))
            assert earlier + milliseconds * 1_000 < later < 2**53
    assert first_number(NOW.replace(year=2100)) < 2**53


happenings = st.lists(st.sampled_from(["all", "hosts", "raised", "lowered", "other"]), max_size=40)


@given(happenings, st.booleans(), st.integers(0, 40))
def test_of_what_is_for_hosts_one_gets_what_one_might_see_then_and_may_see_now(
    happened: list[str], began_as_host: bool, from_: int
) -> None:
    ring, is_host, seen = EventRing(100), began_as_host, []
    for number, what in enumerate(happened):
        frame = str(number).encode()
        match what:
            case "raised" | "lowered":
                is_host = what == "raised"
                ring.add(frame, role_of=BOB)
            case "other":
                ring.add(frame, role_of=BOB + 1)
            case _:
                ring.add(frame, hosts_only=what == "hosts")
        if what != "hosts" or is_host:
            seen.append(frame)
    cursor = 100 + min(from_, len(happened))
    brought = ring.since(cursor, BOB, is_host=is_host)
    assert brought is not None
    for frame in brought:
        assert frame in seen
        assert is_host or happened[int(frame)] != "hosts"
    for number in range(min(from_, len(happened)), len(happened)):
        if happened[number] != "hosts":
            assert str(number).encode() in brought, "what all may see is never left out"
    assert brought == sorted(brought, key=int)
