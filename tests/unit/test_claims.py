"""What a client says of his loudness counts as far as what he sends bears it out."""

from __future__ import annotations

import numpy as np
import pytest

from spaces.mixing.level import SILENCE_DBFS
from spaces.sfu.claims import ASSUMED_DBFS, CHECK_VALID_SECONDS, CLAIM_TRUSTED_DB, Loudness
from tests.harness.sound import encode, sine

LOUD = encode(sine(440, 1.0, 0.25))[5:45]  # -15 dBFS
QUIET = encode(sine(440, 1.0, 0.0005))[5:45]  # -69 dBFS
NEVER = (SILENCE_DBFS, 0.0)
BROKEN = bytes((0xFB, 0x82)) + b"\xff" * 3


def levels(loudness: Loudness, claim: int, packets: list[bytes], start: float = 1_000.0) -> list[float]:
    """Of packets sent while nobody listens to a mix."""
    return [loudness.of(claim, packet, NEVER, start + 0.02 * n) for n, packet in enumerate(packets)]


def test_where_the_mix_has_measured_it_is_the_measure() -> None:
    loudness = Loudness()
    assert loudness.of(0, LOUD[0], (-60.0, 999.9), 1_000.0) == -60.0 + CLAIM_TRUSTED_DB
    assert loudness.of(90, LOUD[0], (-60.0, 999.9), 1_000.0) == -90.0


def test_without_a_claim_it_is_what_was_measured_or_assumed() -> None:
    loudness = Loudness()
    assert loudness.of(None, LOUD[0], NEVER, 1_000.0) == ASSUMED_DBFS
    assert loudness.of(None, LOUD[0][:1], NEVER, 1_000.0) == SILENCE_DBFS, "DTX"
    assert loudness.of(None, LOUD[0], (-33.0, 999.9), 1_000.0) == -33.0
    assert loudness.of(None, LOUD[0], (-33.0, 999.0), 1_000.0) == ASSUMED_DBFS, "an old measurement tells nothing"


def test_where_nobody_listens_a_false_claim_wins_nothing() -> None:
    assert max(levels(Loudness(), 0, QUIET)) < -50


def test_where_nobody_listens_a_true_claim_counts_from_the_first_packets_on() -> None:
    assert levels(Loudness(), 15, LOUD)[2:] == [-15.0] * (len(LOUD) - 2)


def test_a_little_too_much_is_cut() -> None:
    found = levels(Loudness(), 0, LOUD)
    assert max(found[2:]) == pytest.approx(-15 + CLAIM_TRUSTED_DB, abs=2)


def test_who_was_loud_once_is_not_believed_for_long() -> None:
    loudness = Loudness()
    levels(loudness, 10, LOUD)
    end = 1_000.0 + 0.02 * len(LOUD)
    assert max(levels(loudness, 10, QUIET, end + CHECK_VALID_SECONDS)) < -50


def test_an_honest_speaker_is_decoded_once_in_a_while_only() -> None:
    loudness = Loudness()
    levels(loudness, 15, LOUD)
    decoder = loudness._decoder
    assert decoder is not None
    before = decoder._state.copy()
    end = 1_000.0 + 0.02 * len(LOUD)
    levels(loudness, 20, LOUD, end)
    np.testing.assert_array_equal(before, decoder._state)


def test_a_claim_of_a_packet_that_is_none_is_silence() -> None:
    assert levels(Loudness(), 0, [BROKEN] * 3) == [SILENCE_DBFS + CLAIM_TRUSTED_DB] * 3
