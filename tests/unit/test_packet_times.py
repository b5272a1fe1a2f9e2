"""Packets of 40 and 60 ms to the audience: the same sound in fewer datagrams, for everybody who takes them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from spaces.mixing.opus import FRAME, packet_samples_untrusted
from spaces.mixing.phases import PHASES
from spaces.mixing.render import IDLE_AFTER_FRAMES, IDLE_EVERY_FRAMES
from spaces.sfu.rtp import split_red_untrusted
from tests.harness.sound import Ear, Studio, decode, encode, level_db, sine, studio

LONG = pytest.mark.parametrize("frames", [2, 3])


def speaker(it: Studio, owner: str = "ada", hertz: float = 440) -> None:
    it.play(it.source(owner), encode(sine(hertz, 1.0, 0.2)))


def assert_even(ear: Ear, frames: int) -> None:
    """Packets of so many frames, without a gap in sequence or time."""
    for packet in ear.packets:
        assert packet_samples_untrusted(packet.payload) == frames * FRAME
    for before, after in pairwise(ear.packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == frames * FRAME


@LONG
def test_the_same_sound_in_fewer_packets(frames: int) -> None:
    with studio(packet_frames=frames) as it:
        speaker(it)
        ear = it.ear()
        it.tick(90)
        assert len(ear.packets) == 90 // frames
        assert_even(ear, frames)
        assert abs(level_db(decode(ear.packets), 440) - 20 * np.log10(0.2)) < 1.0
        assert int(it.engine.fanout.rows.sent[ear.listener.row]) == 90 // frames


@LONG
def test_who_joins_in_the_middle_of_a_packet_gets_the_whole_of_it(frames: int) -> None:
    with studio(packet_frames=frames) as it:
        speaker(it)
        first = it.ear()
        it.tick(2 * frames + 1)
        late = it.ear("late", first_sequence=7)
        it.tick(2 * frames - 1)
        assert [p.sequence for p in late.packets] == [7, 8]
        assert [(p.timestamp, p.payload) for p in late.packets] == [
            (p.timestamp, p.payload) for p in first.packets[2:4]
        ]


@LONG
@pytest.mark.parametrize("into", [0, 1, 2])
def test_who_changes_between_mixes_in_the_middle_of_a_packet_misses_nothing(frames: int, into: int) -> None:
    with studio(packet_frames=frames) as it:
        speaker(it)
        other = it.ear("somebody else")
        ear = it.ear("bob")
        it.tick(10 * frames + into)
        source = it.source("bob")
        it.tick(10 * frames)
        it.engine.post(it.engine.remove_source, source)
        it.tick(10 * frames + frames - into)
        assert len(ear.packets) == len(other.packets) == 31
        assert_even(ear, frames)
        sound = decode(ear.packets)[5 * FRAME :]
        loudness = np.sqrt((sound[: len(sound) // 240 * 240].reshape(-1, 240) ** 2).mean(axis=1))
        assert loudness.min() > 0.5 * np.median(loudness), "the tone goes on at every change"


def test_listeners_get_no_longer_packets_than_they_take() -> None:
    with studio(packet_frames=3) as it:
        speaker(it)
        ears = {longest: it.ear(f"takes {longest}", packet_milliseconds_max=longest) for longest in (None, 120, 50, 10)}
        it.tick(60)
        for longest, frames in {None: 3, 120: 3, 50: 2, 10: 1}.items():
            assert len(ears[longest].packets) == 60 // frames
            assert_even(ears[longest], frames)
            assert level_db(decode(ears[longest].packets), 440) > -20
        assert len(it.engine._spaces["room"].programs) == 3
        for ear in ears.values():
            ear.detach()
        it.tick(1)
        assert it.engine._spaces["room"].programs == {}


@LONG
def test_silence_rests_keeps_the_track_alive_and_wakes_with_a_marker(frames: int) -> None:
    with studio(packet_frames=frames) as it:
        ear = it.ear()
        source = it.source("ada")
        it.tick(IDLE_AFTER_FRAMES + IDLE_EVERY_FRAMES)
        count = len(ear.packets)
        it.tick(6 * IDLE_EVERY_FRAMES)
        alive = ear.packets[count:]
        assert len(alive) == 6
        assert all(p.marker for p in alive)
        for before, after in pairwise(alive):
            apart = ((after.timestamp - before.timestamp) & 0xFFFFFFFF) // FRAME
            assert abs(apart - IDLE_EVERY_FRAMES) < frames
        count = len(ear.packets)
        it.play(source, encode(sine(440, 1.0)))
        it.tick(10 * frames)
        spurt = ear.packets[count:]
        assert len(spurt) >= 9
        assert [p.marker for p in spurt] == [True] + [False] * (len(spurt) - 1)


def test_copies_in_red_are_far_enough_apart_for_a_burst_of_three() -> None:
    with studio() as it:
        speaker(it)
        plain, redundant = it.ear("plain"), it.ear("redundant")
        it.tick(10)
        it.engine.post(it.engine.set_redundancy, redundant.listener, 63)
        it.tick(12)
        sent = {p.timestamp: p.payload for p in plain.packets}
        for lost in range(11, 18):
            gone = {plain.packets[lost + n].timestamp for n in range(3)}
            kept = [p for p in redundant.packets if p.timestamp not in gone]
            copies = {
                p.timestamp - offset: block
                for p in kept
                if p.payload_type == 63
                for _, offset, block in split_red_untrusted(p.payload)
            }
            assert {timestamp: copies[timestamp] for timestamp in gone} == {t: sent[t] for t in gone}


@LONG
def test_redundancy_reaches_back_by_whole_packets(frames: int) -> None:
    with studio(packet_frames=frames) as it:
        speaker(it)
        plain, redundant = it.ear("plain"), it.ear("redundant")
        it.tick(10 * frames)
        it.engine.post(it.engine.set_redundancy, redundant.listener, 63)
        it.tick(frames)
        packet = redundant.packets[-1]
        assert packet.payload_type == 63
        sent = [p.payload for p in plain.packets[-3:]]
        offsets = (2 * frames * FRAME, frames * FRAME, 0)
        blocks = split_red_untrusted(packet.payload)
        assert len(blocks) >= 2, "as many as a datagram takes"
        assert blocks == [(111, o, p) for o, p in zip(offsets, sent, strict=True)][-len(blocks) :]


@LONG
def test_a_report_tells_the_time_of_now_in_the_middle_of_a_packet_too(frames: int) -> None:
    with studio(packet_frames=frames) as it:
        speaker(it)
        ear = it.ear()
        it.tick(2 * frames)
        for into in range(1, frames):
            it.tick(1)
            end_of_last = ear.packets[-1].timestamp + frames * FRAME
            assert (it.engine.timestamp(ear.listener) - end_of_last) & 0xFFFFFFFF == into * FRAME


@LONG
def test_missed_ticks_pass_in_the_timestamp(frames: int) -> None:
    with studio(packet_frames=frames) as it:
        speaker(it)
        ear = it.ear()
        it.tick(frames + 1)
        it.now += 0.1
        it.engine.tick(it.now, skipped=5 * PHASES)
        it.tick(2 * frames)
        first, second, third = ear.packets[:3]
        assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == (frames + 5) * FRAME
        assert (third.timestamp - second.timestamp) & 0xFFFFFFFF == frames * FRAME
        assert [p.sequence for p in (first, second, third)] == [100, 101, 102]


@LONG
def test_detached_in_the_middle_of_a_packet_and_attached_again(frames: int) -> None:
    with studio(packet_frames=frames) as it:
        speaker(it)
        ear = it.ear()
        it.tick(3 * frames + 1)
        ear.detach()
        it.tick(2)
        ear.attach()
        it.tick(5 * frames)
        assert [p.sequence for p in ear.packets] == list(range(100, 100 + len(ear.packets)))
        for before, after in pairwise(ear.packets):
            assert ((after.timestamp - before.timestamp) & 0xFFFFFFFF) // FRAME in range(frames, 2 * frames + 3)
