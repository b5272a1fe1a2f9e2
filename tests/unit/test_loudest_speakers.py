"""Slots go to the loudest who speak, and do not flutter."""

from __future__ import annotations

from spaces.sfu.speakers import HOLD_SECONDS, SILENT_SECONDS, TAKEOVER_DB, LoudestN

FRAME = 0.02
SILENCE = -127.0


class Room:
    """Speakers at levels in dBFS, one frame each per tick."""

    def __init__(self, slots: int) -> None:
        self.loudest: LoudestN[str] = LoudestN(slots)
        self.now = 100.0

    def speak(self, seconds: float, **levels: float) -> None:
        for _ in range(round(seconds / FRAME)):
            for speaker, level in levels.items():
                self.loudest.observe(speaker, level, FRAME, self.now)
            self.now += FRAME

    @property
    def holders(self) -> set[str]:
        return {h for h in self.loudest.holders if h is not None}


def test_whoever_comes_first_gets_a_free_slot_at_once() -> None:
    room = Room(2)
    assert room.loudest.observe("a", -40.0, FRAME, 0.0) == 0
    assert room.loudest.observe("b", SILENCE, FRAME, 0.0) == 1
    assert room.loudest.observe("c", SILENCE, FRAME, 0.0) is None


def test_a_holder_keeps_his_number_and_his_tenure() -> None:
    room = Room(2)
    room.speak(1.0, a=-20, b=-25)
    before = (list(room.loudest.holders), list(room.loudest.tenures))
    room.speak(5.0, a=-25, b=-20, c=-24)
    assert (room.loudest.holders, room.loudest.tenures) == before


def test_a_much_louder_speaker_takes_the_softest_holders_slot_once_it_was_held_long_enough() -> None:
    room = Room(2)
    room.speak(0.2, a=-20, b=-40)
    room.speak(HOLD_SECONDS - 0.3, a=-20, b=-40, c=-20)
    assert room.holders == {"a", "b"}
    room.speak(0.4, a=-20, b=-40, c=-20)
    assert room.holders == {"a", "c"}


def test_a_little_louder_is_not_enough() -> None:
    room = Room(1)
    room.speak(1.0, a=-30)
    room.speak(20.0, a=-30, b=-30 + TAKEOVER_DB - 0.5)
    assert room.holders == {"a"}


def test_two_equally_loud_speakers_do_not_take_turns_frame_by_frame() -> None:
    room = Room(1)
    tenures = set()
    for n in range(500):
        a, b = (-20.0, -60.0) if n // 10 % 2 else (-60.0, -20.0)  # syllables of 200 ms
        room.speak(FRAME, a=a, b=b)
        tenures.add(room.loudest.tenures[0])
    assert len(tenures) <= 1 + 500 * FRAME / HOLD_SECONDS


def test_who_has_fallen_silent_is_replaced_by_anyone_who_speaks() -> None:
    room = Room(1)
    room.speak(1.0, a=-5)
    room.speak(SILENT_SECONDS + 0.1, a=SILENCE, b=-49)
    assert room.holders == {"b"}


def test_silence_never_takes_a_slot_from_anybody() -> None:
    room = Room(1)
    room.speak(1.0, a=-60)
    room.speak(5.0, a=-60, b=-51)
    assert room.holders == {"a"}


def test_a_slot_is_never_held_twice_and_a_tenure_never_given_twice() -> None:
    room = Room(3)
    seen: dict[int, str] = {}
    names = "abcdefgh"
    for n in range(2_000):
        room.speak(FRAME, **{name: -20.0 - 35 * ((n // 60 + 3 * i) % len(names)) / 8 for i, name in enumerate(names)})
        held = [h for h in room.loudest.holders if h is not None]
        assert len(held) == len(set(held)) == 3
        for slot, holder in enumerate(room.loudest.holders):
            assert holder is not None
            assert seen.setdefault(room.loudest.tenures[slot], holder) == holder
            assert room.loudest.slot_of(holder) == slot
    assert len(seen) > 10


def test_who_leaves_gives_up_his_slot_and_is_forgotten() -> None:
    room = Room(1)
    room.speak(1.0, a=-20, b=-21)
    room.loudest.remove("a")
    room.loudest.remove("a")
    assert room.holders == set()
    assert room.loudest.slot_of("a") is None
    room.speak(FRAME, b=-21)
    assert room.holders == {"b"}
    room.loudest.remove("b")
    assert room.loudest._speakers == {}


def test_who_is_speaking_now() -> None:
    room = Room(1)
    room.speak(1.0, a=-20, b=-30, c=SILENCE)
    levels = room.loudest.levels(room.now)
    assert set(levels) == {"a", "b"}, "also without a slot"
    assert levels["a"] > levels["b"]
    room.speak(0.3, a=SILENCE, b=-30)
    assert set(room.loudest.levels(room.now)) == {"b"}


def test_what_seizes_a_slot_has_it_at_once_keeps_it_and_counts_as_nobody_speaking() -> None:
    room = Room(2)
    room.speak(1.0, a=-10, b=-20)
    slot = room.loudest.seize("sound", room.now)
    assert room.holders == {"a", "sound"}, "the softest gives way"
    room.speak(2.0, a=-10, b=-5, c=-1)
    assert room.loudest.seize("sound", room.now) == slot
    assert "sound" in room.holders
    assert "sound" not in room.loudest.levels(room.now)
    room.loudest.remove("sound")
    room.speak(0.1, a=-10, b=-20)
    assert len(room.holders) == 2


def test_there_may_be_no_slot_to_seize() -> None:
    room = Room(1)
    assert room.loudest.seize("sound", room.now) == 0
    assert room.loudest.seize("another", room.now) is None
    assert room.loudest.observe("a", -10.0, FRAME, room.now) is None
