"""Ticks in which there is nothing to do are slept through, and nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator

from spaces.mixing.engine import REST_TICKS_MAX
from spaces.mixing.phases import PHASES, TICK_SECONDS
from tests.harness.microphone import Microphone, Packet, evenly
from tests.harness.sound import Studio, encode, sine, studio

TONE = encode(sine(440.0, 1.0, 0.2))


def words(seconds: float) -> Iterator[Packet]:
    """Half a second of speech, a pause, half a second of speech: each word begins elsewhere between two ticks."""
    sequence, at = 0, 0.0
    while at < seconds:
        for payload in TONE[:25]:
            yield Packet(at, payload, sequence, round(at * 48_000))
            sequence, at = sequence + 1, at + 0.02
        at += 0.7031


class Sleeper:
    """Ticks as the audio thread does."""

    def __init__(self, it: Studio) -> None:
        self.it = it
        self.left = 0
        self.ticks = 0
        it.engine.wake = self._wake

    def _wake(self) -> None:
        self.left = 0

    def tick(self) -> None:
        if self.left:
            self.left -= 1
            self.it.engine.rested(1)
            return
        self.it.engine.tick(self.it.now)
        self.ticks += 1
        self.left = self.it.engine.rest()


def perform(it: Studio, sleeper: Sleeper | None) -> list[tuple[int, int, bytes]]:
    """Two who speak in their own ways, somebody who comes late, goes and comes back; what he has heard."""
    speakers = [Microphone(it, "words", words(6.0)), Microphone(it, "steady", evenly(TONE, start=4.0), early=0.0131)]
    heard = it.ear()
    for step in range(round(7.0 / TICK_SECONDS)):
        it.now += TICK_SECONDS
        if step == 300:
            late = it.ear("late")
        if step == 411:
            heard.detach()
        if step == 613:
            heard.attach()
        for speaker in speakers:
            speaker.send_until(it.now)
        if sleeper is None:
            it.engine.tick(it.now)
        else:
            sleeper.tick()
        for ear in it.ears:
            ear.take()
    return [(p.sequence, p.timestamp, p.payload) for ear in (heard, late) for p in ear.packets]


def test_who_sleeps_through_empty_ticks_makes_the_same_packets() -> None:
    with studio() as it:
        awake = perform(it, None)
    with studio() as it:
        sleeper = Sleeper(it)
        asleep = perform(it, sleeper)
        ticks = it.engine.ticks
    assert len(awake) > 400
    assert asleep == awake
    assert ticks == 1_400
    assert sleeper.ticks < ticks / 2, "most of them are empty"


def test_where_nobody_listens_what_speakers_send_is_still_taken_in() -> None:
    with studio() as it:
        sleeper = Sleeper(it)
        source = it.source("speaker")
        for number in range(50):
            it.send(source, number, TONE[number])
            for _ in range(PHASES):
                it.now += TICK_SECONDS
                sleeper.tick()
        assert len(it.engine._inbox) <= 1


def test_where_nobody_is_it_wakes_five_times_a_second_and_at_once_for_who_comes() -> None:
    with studio() as it:
        sleeper = Sleeper(it)
        for _ in range(1_000):
            it.now += TICK_SECONDS
            sleeper.tick()
        assert sleeper.ticks <= 3 + 1_000 // REST_TICKS_MAX
        source, ear = it.source("speaker"), it.ear()
        sleeper.tick()
        assert source.row >= 0
        assert ear.listener.row >= 0


def test_one_space_costs_one_tick_in_four() -> None:
    with studio() as it:
        sleeper = Sleeper(it)
        it.ear()
        it.play(it.source("speaker"), TONE)
        it.tick(10)
        began = sleeper.ticks
        for _ in range(100 * PHASES):
            it.now += TICK_SECONDS
            sleeper.tick()
        assert sleeper.ticks - began == 100
