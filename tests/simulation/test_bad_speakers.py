"""Speakers whose clients misbehave: the others are heard as if nothing were, delay stays, and counters tell what came.

Beside each of them somebody speaks as one should, a steady tone. He must be in the mix whole: every packet played, none late,
his tone in every 20 ms of it; and when the other one has left, with no more delay than before he came.
"""

from __future__ import annotations

import ctypes
import itertools
import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from spaces.mixing.opus import FRAME, SAMPLE_RATE, Encoder, library
from spaces.sfu.rtp import RtpPacket
from tests.harness.measure import tone_levels, tone_track
from tests.harness.microphone import Microphone, Packet, evenly, run
from tests.harness.sound import Ear, Studio, decode, encode, sine, studio

pytestmark = pytest.mark.thorough

GOOD_HERTZ, BAD_HERTZ = 440.0, 1_000.0
GOOD = encode(sine(GOOD_HERTZ, 3.0, 0.1))[50:100]  # past the beginning, so that the loop has no seam
BAD = encode(sine(BAD_HERTZ, 3.0, 0.1))[50:100]
GOOD_DBFS = -20.0
ALONE_SECONDS, TOGETHER_SECONDS, AFTER_SECONDS = 3.0, 10.0, 20.0
DELAY_SECONDS_MAX = 0.2
"""Of a speaker's sound, configured."""


def double_speed() -> Iterator[Packet]:
    """A hundred packets a second, and timestamps as if they were fifty."""
    return (p._replace(at=p.at / 2) for p in evenly(BAD))


def long_packets() -> Iterator[Packet]:
    return evenly(encode(sine(BAD_HERTZ, 6.0, 0.1), frame=2_880)[20:40], samples=2_880)


def stereo_packets() -> Iterator[Packet]:
    """The tone on the left, twice its pitch on the right."""
    lib = library()
    state = np.zeros(lib.opus_encoder_get_size(2), np.uint8)
    assert lib.opus_encoder_init(state.ctypes.data, SAMPLE_RATE, 2, 2049) == 0
    sound = np.stack((sine(BAD_HERTZ, 3.0, 0.2), sine(2 * BAD_HERTZ, 3.0, 0.2)), axis=1).astype(np.float32)
    packets, out = [], (ctypes.c_uint8 * 1_275)()
    for start in range(0, len(sound), FRAME):
        frame = np.ascontiguousarray(sound[start : start + FRAME])
        size = lib.opus_encode_float(state.ctypes.data, frame.ctypes.data, FRAME, out, len(out))
        packets.append(bytes(out[:size]))
    assert packets[60][0] & 4, "stereo by its first byte"
    return evenly(packets[50:100])


def narrowband() -> Iterator[Packet]:
    """What a telephone has to say: up to 4 kHz."""
    encoder = Encoder(24_000, expected_loss_percent=0, dtx=False)
    encoder._control(4008, 1101)  # OPUS_SET_BANDWIDTH, OPUS_BANDWIDTH_NARROWBAND
    sound = sine(BAD_HERTZ, 3.0, 0.1)
    packets = [encoder.encode(sound[i : i + FRAME]) for i in range(0, len(sound), FRAME)]
    assert packets[60][0] >> 5 in (0, 4), "narrowband by its first byte"
    return evenly(packets[50:100])


def dtx_holes() -> Iterator[Packet]:
    """Half a second of sound, then for half a second one packet in a while, sequence numbers going on."""
    sequence = 0
    for packet in evenly(BAD):
        n = packet.sequence % 50
        if n < 25 or n == 40:
            payload = packet.payload if n < 25 else packet.payload[:1]
            yield packet._replace(sequence=sequence, payload=payload)
            sequence += 1


def garbage() -> Iterator[Packet]:
    """First bytes of every kind, and what follows is noise."""
    die = random.Random(1)
    return (
        p._replace(payload=bytes((p.sequence * 8 & 0xFF | die.randrange(8),)) + die.randbytes(die.randrange(1_274)))
        for p in evenly(BAD)
    )


def always_the_loudest() -> Iterator[Packet]:
    """Claims full scale with every packet, and whispers."""
    return (p._replace(level=0) for p in evenly(encode(sine(BAD_HERTZ, 3.0, 0.0005))[50:100]))


def hours_of_timestamps() -> Iterator[Packet]:
    """Every second the clock jumps, now ahead and now back."""
    hours = itertools.cycle((0, 5, -3, 9, 1))
    jump = 0
    for packet in evenly(BAD):
        if packet.sequence % 50 == 0:
            jump = next(hours) * 3_600 * SAMPLE_RATE
        yield packet._replace(timestamp=packet.timestamp + jump)


def sequences_at_random() -> Iterator[Packet]:
    """Every packet is ahead of the one before by anything that SRTP still takes."""
    die, sequence = random.Random(2), 0
    for packet in evenly(BAD):
        sequence += die.randrange(1, 30_000)
        yield packet._replace(sequence=sequence)


def fast_clock() -> Iterator[Packet]:
    return (p._replace(at=p.at / 1.0005) for p in evenly(BAD))


def slow_clock() -> Iterator[Packet]:
    return (p._replace(at=p.at * 1.0005) for p in evenly(BAD))


def bursts() -> Iterator[Packet]:
    """Half a second's packets at once, twice a second."""
    return (p._replace(at=(p.sequence // 25) * 0.5) for p in evenly(BAD))


def flood() -> Iterator[Packet]:
    """Two thousand packets a second."""
    return (p._replace(at=p.at / 40) for p in evenly(BAD))


CASES: list[Callable[[], Iterator[Packet]]] = [
    double_speed, long_packets, stereo_packets, narrowband, dtx_holes, garbage, always_the_loudest, hours_of_timestamps,
    sequences_at_random, fast_clock, slow_clock, bursts, flood,
]  # fmt: skip


class Scene:
    """A good speaker, a bad one, and a listener to both."""

    def __init__(self, it: Studio, bad: Iterator[Packet]) -> None:
        self.it = it
        self.ear: Ear = it.ear()
        it.engine.apply()
        self.good = Microphone(it, "good", evenly(GOOD), early=0.0131)
        it.engine.apply()
        run(it, ALONE_SECONDS, self.good)
        self.delay_before = self.good.delay
        self.bad = Microphone(it, "bad", bad)
        it.engine.apply()
        first = len(self.ear.packets)
        run(it, TOGETHER_SECONDS, self.good, self.bad)
        self.together: list[RtpPacket] = self.ear.packets[first:]
        self.counts = self.bad.counts()

    def part(self) -> None:
        self.bad.hang_up()
        run(self.it, AFTER_SECONDS, self.good)

    @property
    def heard(self) -> np.ndarray:
        """What the listener got from a second after the bad one came."""
        return decode(self.together)[SAMPLE_RATE:]


@pytest.mark.parametrize("bad", CASES, ids=lambda case: case.__name__)
def test_the_others_hear_nothing_of_it(bad: Callable[[], Iterator[Packet]]) -> None:
    with studio() as it:
        scene = Scene(it, bad())
        counts = scene.good.counts()
        assert {name: counts[name] for name in counts if name != "played"} == dict.fromkeys(set(counts) - {"played"}, 0)
        assert counts["played"] >= (ALONE_SECONDS + TOGETHER_SECONDS) * 50 - 10
        for before, after in itertools.pairwise(scene.ear.packets):
            assert (after.sequence - before.sequence) & 0xFFFF == 1
            assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == FRAME
        assert scene.good.delay <= scene.delay_before + 0.021, "what he needs himself, and a phase that suits both"
        scene.part()
        assert scene.good.delay <= scene.delay_before + 0.001
        assert scene.good.counts()["underruns"] == 0


@pytest.mark.parametrize(
    "bad", [case for case in CASES if case not in (garbage, flood)], ids=lambda case: case.__name__
)
def test_the_good_ones_tone_is_always_there(bad: Callable[[], Iterator[Packet]]) -> None:
    with studio() as it:
        track = tone_track(Scene(it, bad()).heard, GOOD_HERTZ)
    assert np.median(track) == pytest.approx(GOOD_DBFS, abs=1.0)
    assert track.min() > GOOD_DBFS - 6.0, "two tones beat within 20 ms; a hole would be −40"


@pytest.mark.parametrize(
    "bad",
    [long_packets, stereo_packets, narrowband, hours_of_timestamps, fast_clock, slow_clock],
    ids=lambda c: c.__name__,
)
def test_what_is_only_unusual_is_heard_whole(bad: Callable[[], Iterator[Packet]]) -> None:
    with studio() as it:
        scene = Scene(it, bad())
        track = tone_track(scene.heard, BAD_HERTZ)
    assert np.median(track) == pytest.approx(-20.0, abs=2.0)
    assert track.min() > -30.0
    assert scene.counts["underruns"] <= 1
    assert {scene.counts[name] for name in ("late", "lost", "overflow", "malformed")} == {0}


def test_stereo_is_heard_on_both_sides() -> None:
    with studio() as it:
        left, right = tone_levels(Scene(it, stereo_packets()).heard, (BAD_HERTZ, 2 * BAD_HERTZ))
    assert left == pytest.approx(right, abs=1.0)


def test_sound_that_comes_too_fast_is_left_out_and_never_piles_up() -> None:
    with studio() as it:
        scene = Scene(it, double_speed())
        assert scene.bad.age <= DELAY_SECONDS_MAX + 0.02
        assert scene.counts["overflow"] > 0.3 * scene.counts["played"]
        assert np.median(tone_track(scene.heard, BAD_HERTZ)) > -26.0


def test_a_flood_is_cut_off_before_it_costs_anything() -> None:
    with studio() as it:
        scene = Scene(it, flood())
        assert scene.bad.refused["rtp_rate"] > 0.6 * 2_000 * TOGETHER_SECONDS
        assert scene.bad.age <= DELAY_SECONDS_MAX + 0.02


def test_holes_of_dtx_are_silence_and_add_no_delay() -> None:
    with studio() as it:
        scene = Scene(it, dtx_holes())
        track = tone_track(scene.heard, BAD_HERTZ)
        assert 0.4 < np.mean(track > -26.0) < 0.7
        assert scene.bad.delay < 0.06
        assert scene.counts["lost"] == 0


def test_garbage_is_counted_and_never_loud() -> None:
    with studio() as it:
        scene = Scene(it, garbage())
        assert scene.counts["malformed"] + scene.bad.refused["opus_malformed"] > 50
        assert np.isfinite(scene.heard).all()
        assert np.abs(scene.heard).max() < 1.5, "noise at full scale, and what the coder adds to it"
        assert it.engine.counts()["malformed"] == scene.counts["malformed"], "while he is still there"
        scene.part()
        track = tone_track(decode(scene.ear.packets[-250:])[SAMPLE_RATE:], GOOD_HERTZ)
        assert track.min() > GOOD_DBFS - 1.5, "nothing of it stays behind"


def test_a_false_claim_is_cut_to_what_is_heard() -> None:
    with studio() as it:
        scene = Scene(it, always_the_loudest())
        assert max(scene.bad.levels[50:]) < -50.0
