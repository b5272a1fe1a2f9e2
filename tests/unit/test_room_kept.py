"""A full Space comes from another node: who sat there sits here, and nobody else has his place meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spaces.errors import RequestError
from spaces.room import Room
from spaces.room_commands import Join, Remove, SeatKey, SetLock, Tick
from spaces.room_events import SessionEnded
from spaces.room_kept import KEPT_TIME, Inside, KeptSeats
from spaces.room_rules import Kind
from tests.harness.rooms import HOST, LIMITS, NOW, live_room

ADA, BOB, CLEO, NEW = 11, 12, 13, 21
_sessions = iter(f"k{number}" for number in range(10_000))


def seat(account: int | None, client: str = "default") -> SeatKey:
    return SeatKey(account, client)


def moved(*inside: Inside, capacity: int = 3, seats: int = 3, displace: bool = True) -> Room:
    """A live room of that capacity at its next owner, who was told that these were in."""
    limits = replace(LIMITS, capacity_max=capacity, seats_per_account_max=seats, displace=displace)
    return Room.restored(live_room().kept, limits, (), KeptSeats.of_those(inside, seats, NOW))


def comes(room: Room, key: SeatKey, kind: Kind = Kind.SOCKET) -> str:
    try:
        room.apply(Join(key, kind, next(_sessions), NOW))
    except RequestError as refused:
        return refused.code
    return "in"


def full_house(capacity: int = 3) -> Room:
    inside = [Inside(seat(ADA), True), Inside(seat(None, "nobody"), True), Inside(seat(BOB), True)]
    return moved(*inside, capacity=capacity)


def test_newcomers_find_it_full_and_who_sat_comes_back() -> None:
    room = full_house()
    assert comes(room, seat(NEW)) == comes(room, seat(None, "other")) == "full"
    assert [comes(room, key) for key in (seat(BOB), seat(None, "nobody"), seat(ADA))] == ["in"] * 3
    assert comes(room, seat(NEW)) == "full"
    assert len(room.seats) == 3


def test_a_place_is_kept_for_ten_seconds_and_free_then() -> None:
    room = full_house()
    room.apply(Tick(NOW + KEPT_TIME / 2))
    assert comes(room, seat(NEW)) == "full"
    room.apply(Tick(NOW + KEPT_TIME))
    assert comes(room, seat(NEW)) == "in"


def test_what_of_those_who_were_being_refused_when_the_node_died() -> None:
    """By what is written they were in, without media. They keep newcomers out, and do not come in beyond the limit."""
    room = moved(Inside(seat(ADA), True), Inside(seat(BOB), True), Inside(seat(CLEO), True), Inside(seat(NEW), False))
    assert comes(room, seat(NEW)) == "full"
    assert [comes(room, seat(account)) for account in (ADA, BOB, CLEO)] == ["in"] * 3
    room = moved(Inside(seat(ADA), True), Inside(seat(NEW), False))
    assert comes(room, seat(NEW)) == "in", "without media is not for nothing, where there is room"


def test_there_is_always_room_for_the_stage_and_it_takes_nobodys_place() -> None:
    room = full_house()
    assert comes(room, seat(HOST)) == "in"
    assert [comes(room, key) for key in (seat(BOB), seat(None, "nobody"), seat(ADA))] == ["in"] * 3


def test_the_seats_of_an_account_count_while_they_are_kept() -> None:
    two = Inside(seat(ADA, "phone"), True), Inside(seat(ADA, "desk"), True)
    room = moved(*two, seats=2, displace=False, capacity=9)
    assert comes(room, seat(ADA, "tablet")) == "too_many_seats"
    assert comes(room, seat(ADA, "phone")) == comes(room, seat(ADA, "desk")) == "in"
    room = moved(*two, seats=2, capacity=9)
    assert comes(room, seat(ADA, "tablet")) == comes(room, seat(ADA, "desk")) == "in"
    assert room.seats.keys() == {seat(ADA, "tablet"), seat(ADA, "desk")}, "the oldest has given way, here as elsewhere"


def test_of_an_account_no_more_seats_are_kept_than_it_may_have() -> None:
    written = [Inside(seat(ADA, client), True) for client in ("oldest", "older", "newest")]
    room = moved(*written, seats=2, displace=False, capacity=2)
    assert comes(room, seat(NEW)) == "full"
    assert comes(room, seat(ADA, "newest")) == comes(room, seat(ADA, "older")) == "in"
    assert comes(room, seat(ADA, "oldest")) == "too_many_seats"


def test_who_sat_comes_back_into_a_locked_room() -> None:
    room = full_house(capacity=9)
    room.apply(SetLock(HOST, True))
    assert comes(room, seat(NEW)) == comes(room, seat(None, "other")) == "locked"
    assert comes(room, seat(None, "nobody")) == "in"


def test_who_is_removed_before_he_is_back_is_a_newcomer() -> None:
    room = full_house()
    room.apply(Join(seat(ADA), Kind.SOCKET, "back", NOW))
    assert SessionEnded in [type(event) for event in room.apply(Remove(HOST, ADA))]
    room.commit(room.record, Remove(HOST, BOB))
    assert len(room.kept_seats) == 1
    assert comes(room, seat(NEW)) == comes(room, seat(CLEO)) == "in"
    assert comes(room, seat(BOB)) == "full"


@pytest.mark.parametrize("kind", [Kind.WHEP, Kind.SOCKET])
def test_a_second_session_in_a_seat_that_is_back_takes_no_second_place(kind: Kind) -> None:
    room = full_house()
    assert comes(room, seat(ADA)) == comes(room, seat(ADA), kind) == "in"
    assert len(room.seats) + len(room.kept_seats) == 3


def test_a_seat_that_was_given_up_is_taken_until_that_is_written() -> None:
    room = moved(Inside(seat(ADA), True), Inside(seat(BOB), True))
    room.unwritten = 1
    assert comes(room, seat(NEW)) == "full"
    room.unwritten = 0
    assert comes(room, seat(NEW)) == "in"
