"""The audio engine by hand: who hears whom, continuous streams while programs change, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from spaces.mixing.phases import PHASES
from spaces.mixing.render import IDLE_AFTER_FRAMES, IDLE_EVERY_FRAMES
from spaces.mixing.sound import Source
from tests.harness.sound import Ear, Studio, decode, encode, level_db, sine, studio

TONES = {"ada": 440, "bob": 700, "eve": 1_000}


@pytest.fixture
def it() -> Iterator[Studio]:
    with studio() as it:
        yield it


def speaker(it: Studio, owner: str) -> Source:
    source = it.source(owner)
    it.play(source, encode(sine(TONES[owner], 1.0, 0.2)))
    return source


def heard(ear: Ear) -> dict[str, bool]:
    sound = decode(ear.packets)
    return {owner: level_db(sound, hertz) > -30 for owner, hertz in TONES.items() if level_db(sound, hertz) > -60}


def assert_continuous(ear: Ear) -> None:
    for before, after in pairwise(ear.packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        step = (after.timestamp - before.timestamp) & 0xFFFFFFFF
        assert 0 < step < 1 << 31
        assert step % 960 == 0


def test_a_listener_hears_all_and_a_speaker_all_but_himself(it: Studio) -> None:
    for owner in TONES:
        speaker(it, owner)
    everybody, ada = it.ear("listener"), it.ear("ada")
    it.tick(75)
    assert heard(everybody) == {"ada": True, "bob": True, "eve": True}
    assert heard(ada) == {"bob": True, "eve": True}
    assert everybody.packets[0].sequence == 100
    assert len(it.engine._spaces["room"].programs) == 2
    for ear in (everybody, ada):
        assert_continuous(ear)


def test_one_encoding_for_all_listeners_who_hear_the_same(it: Studio) -> None:
    speaker(it, "ada")
    ears = [it.ear(f"listener {n}", first_sequence=n) for n in range(10)]
    it.tick(5)
    assert len(it.engine._spaces["room"].programs) == 1
    for n, ear in enumerate(ears):
        assert [p.sequence for p in ear.packets] == list(range(n, n + 5))
        assert [p.payload for p in ear.packets] == [p.payload for p in ears[0].packets]


def test_timestamps_are_one_clock_across_the_wrap(it: Studio) -> None:
    speaker(it, "ada")
    early = it.ear("early")
    it.tick(8)
    late = it.ear("late")
    it.tick(8)
    assert [p.timestamp for p in late.packets] == [p.timestamp for p in early.packets[8:]]
    assert early.packets[-1].timestamp < early.packets[0].timestamp, "it wrapped"
    assert_continuous(early)


def test_missed_ticks_pass_in_the_timestamp(it: Studio) -> None:
    speaker(it, "ada")
    ear = it.ear()
    it.tick(2)
    it.now += 0.1
    it.engine.tick(it.now, skipped=5 * PHASES)
    ear.take()
    first, second = ear.packets[-2:]
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 6 * 960
    assert second.sequence == first.sequence + 1


def test_who_becomes_a_speaker_and_ceases_keeps_his_stream(it: Studio) -> None:
    speaker(it, "ada")
    ear = it.ear("bob")
    it.tick(30)
    source = it.source("bob")
    it.tick(30)
    assert list(it.engine._spaces["room"].programs) == [("bob", 1)]
    it.engine.post(it.engine.remove_source, source)
    it.tick(30)
    assert list(it.engine._spaces["room"].programs) == [(None, 1)]
    assert len(ear.packets) == 90
    assert_continuous(ear)


def test_detached_and_attached_again_a_listener_goes_on(it: Studio) -> None:
    speaker(it, "ada")
    ear, other = it.ear(), it.ear()
    it.tick(3)
    ear.detach()
    ear.detach()
    it.tick(10)
    ear.attach(109)
    ear.attach(96)
    it.tick(3)
    assert [p.payload_type for p in ear.packets] == [111] * 3 + [109] * 3
    assert_continuous(ear)
    assert ear.packets[3].timestamp == other.packets[13].timestamp


def test_the_shared_sequence_wraps_under_every_listener(it: Studio) -> None:
    speaker(it, "ada")
    first = it.ear(first_sequence=16_000)
    it.tick(2)
    (program,) = it.engine._spaces["room"].programs.values()
    state = it.engine._programs.rows.state
    jump = 65_535 - int(state[program.row]["sequence"])
    state[program.row]["sequence"] += jump
    offset = it.engine.fanout.rows.offset
    offset[first.listener.row] = (int(offset[first.listener.row]) - jump) & 0xFFFF
    second = it.ear(first_sequence=7)
    it.tick(5)
    assert [p.sequence for p in first.packets] == list(range(16_000, 16_007))
    assert [p.sequence for p in second.packets] == list(range(7, 12))


def test_only_the_loudest_are_mixed() -> None:
    with studio(mixed=2) as it:
        for owner, amplitude in (("ada", 0.3), ("bob", 0.02), ("eve", 0.2)):
            it.play(it.source(owner), encode(sine(TONES[owner], 1.0, amplitude)))
        ear = it.ear()
        it.tick(120)
        assert heard(ear) == {"ada": True, "eve": True}


def test_muted_is_not_heard_and_unmuted_is(it: Studio) -> None:
    source, _ = speaker(it, "ada"), speaker(it, "bob")
    ear = it.ear()
    it.tick(30)
    it.engine.post(it.engine.mute_source, source, True)
    it.tick(60)
    assert heard(ear) == {"bob": True}
    it.engine.post(it.engine.mute_source, source, False)
    it.tick(60)
    assert heard(ear) == {"ada": True, "bob": True}
    assert_continuous(ear)


def test_what_was_said_before_anybody_listened_is_not_heard_late(it: Studio) -> None:
    source = it.source("ada")
    loud = encode(sine(700, 1.0, 0.4))
    it.play(source, loud)
    it.tick(50)
    it.play(source, encode(sine(440, 1.0, 0.2)))
    ear = it.ear()
    it.tick(50)
    assert set(heard(ear)) == {"ada"}
    early = decode(ear.packets[:10])
    assert abs(early[:2_000]).max() < 0.3, "the first frames are of now"


def test_silence_rests_and_wakes_with_a_marker(it: Studio) -> None:
    ear = it.ear()
    source = it.source("ada")
    it.tick(IDLE_AFTER_FRAMES + 4 * IDLE_EVERY_FRAMES)
    assert len(ear.packets) < IDLE_AFTER_FRAMES
    assert ear.packets[0].marker
    count = len(ear.packets)
    it.play(source, encode(sine(440, 1.0)))
    it.tick(10)
    spurt = ear.packets[count:]
    assert len(spurt) >= 9
    assert [p.marker for p in spurt] == [True] + [False] * (len(spurt) - 1)
    assert_continuous(ear)


def test_malformed_opus_is_concealed_and_counted(it: Studio) -> None:
    source = it.source("ada")
    good = encode(sine(440, 1.0))
    bad = bytes((0xFB, 0x82)) + b"\xff" * 3  # two frames whose lengths run past the end
    it.play(source, [*good[:20], bad, *good[21:30]])
    ear = it.ear()
    it.tick(60)
    assert len(ear.packets) == 60
    it.engine.post(it.engine.remove_source, source)
    it.tick(1)
    assert it.engine.counts()["malformed"] >= 2


def test_spaces_do_not_hear_each_other(it: Studio) -> None:
    it.engine.post(it.engine.open_space, "next door", 0xF00D)
    speaker(it, "ada")
    it.play(it.source("bob", "next door"), encode(sine(700, 1.0, 0.2)))
    here, there = it.ear(), it.ear(space="next door")
    it.tick(60)
    assert heard(here) == {"ada": True}
    assert heard(there) == {"bob": True}
    assert ({p.ssrc for p in here.packets}, {p.ssrc for p in there.packets}) == ({0xCAFE}, {0xF00D})


def test_rows_grow_under_playing_speakers(it: Studio) -> None:
    speaker(it, "ada")
    ear = it.ear()
    it.tick(10)
    more = [it.source(f"silent {n}") for n in range(40)]
    ears = [it.ear(f"silent {n}") for n in range(40)]  # a program each
    it.tick(60)
    assert heard(ear) == {"ada": True}
    assert len(ear.packets) == 70
    assert all(len(e.packets) == 60 for e in ears)
    assert len(it.engine._spaces["room"].programs) == 41
    for source in more:
        it.engine.post(it.engine.remove_source, source)
    it.tick(5)
    assert list(it.engine._spaces["room"].programs) == [(None, 1)]


def test_a_closed_space_leaves_nothing_and_late_commands_do_no_harm(it: Studio) -> None:
    source = it.source("ada")
    it.play(source, encode(sine(440, 1.0)))
    ears = [it.ear("ada"), it.ear("bob")]
    it.tick(3)
    engine = it.engine
    engine.post(engine.close_space, "room")
    for ear in ears:
        ear.detach()
        ear.attach()
        engine.post(engine.move, ear.listener, ear.path)
        engine.post(engine.set_redundancy, ear.listener, 63)
    engine.post(engine.mute_source, source, True)
    engine.post(engine.remove_source, source)
    engine.post(engine.add_source, source)
    it.tick(3)
    assert len(engine.fanout) == 0
    assert engine._spaces == {}
    assert engine._owners == {}
    assert len(engine._speakers._free) == len(engine._speakers.rows.state)
    assert len(engine._programs._free) == len(engine._programs.rows.state)
    assert source.row == -1
    assert all(ear.listener.row == -1 for ear in ears)
