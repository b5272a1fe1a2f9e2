"""What the fan-out encrypts by itself is, to the bit, what libsrtp makes of it."""

from __future__ import annotations

import secrets
from struct import pack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from pylibsrtp import Error, Policy, Session

from spaces.sfu.gcm import HEADER_BYTES, NO_INDEX, PACKETS_MAX, SCRATCH_BYTES, GcmKeys, next_index, seal
from spaces.sfu.vectors import SUPPORTED

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="this processor has no instructions for AES")

PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
SCRATCH = np.zeros(SCRATCH_BYTES, np.uint8)
GUARD = b"\xa5" * 64


@njit
def _seal(cipher, packet, payload_bytes, ssrc, index, scratch):  # type: ignore[no-untyped-def]
    addresses = np.uint64(cipher.ctypes.data), np.uint64(packet.ctypes.data), np.uint64(scratch.ctypes.data)
    return seal(addresses[0], addresses[1], payload_bytes, ssrc, index, addresses[2])


def header(index: int, ssrc: int) -> bytes:
    return pack("!BBHII", 0x80, 111, index & 0xFFFF, 0x12345678, ssrc)


def sealed(keys: GcmKeys, payload: bytes, ssrc: int, index: int) -> bytes:
    clear = header(index, ssrc) + payload
    packet = np.frombuffer(clear + bytes(31) + GUARD, np.uint8).copy()
    size = int(_seal(keys.cipher, packet, len(payload), ssrc, index, SCRATCH))
    assert packet[-len(GUARD) :].tobytes() == GUARD, "nothing is written past the last whole block and the tag"
    return packet[:size].tobytes()


def libsrtp(master: bytes) -> Session:
    return Session(Policy(key=master, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE))


@pytest.mark.parametrize("size", [*range(130), 255, 256, 257, 1_180, 1_275, 1_340])
def test_every_length_is_as_libsrtp_has_it(size: int) -> None:
    master, payload, ssrc = secrets.token_bytes(28), secrets.token_bytes(size), secrets.randbits(32)
    expected = libsrtp(master).protect(header(7, ssrc) + payload)
    assert sealed(GcmKeys(master[:16], master[16:]), payload, ssrc, 7) == expected


@given(st.binary(min_size=28, max_size=28), st.binary(max_size=300), st.integers(0, 2**32 - 1), st.integers(0, 2**14))
def test_any_key_payload_and_source(master: bytes, payload: bytes, ssrc: int, index: int) -> None:
    expected = libsrtp(master).protect(header(index, ssrc) + payload)
    assert sealed(GcmKeys(master[:16], master[16:]), payload, ssrc, index) == expected


def test_the_rollover_counter_goes_into_every_packet() -> None:
    master = secrets.token_bytes(28)
    keys, theirs = GcmKeys(master[:16], master[16:]), libsrtp(master)
    for index in range(
        0, 5 * 65_536, 15_000
    ):  # libsrtp guesses the counter from steps below half of the sequence space
        assert sealed(keys, b"opus", 1, index) == theirs.protect(header(index, 1) + b"opus")


@pytest.mark.parametrize(
    ("before", "sequence", "expected"),
    [
        (int(NO_INDEX), 12_345, 12_345),
        (5, 6, 6),
        (5, 5, int(NO_INDEX)),
        (5, 4, int(NO_INDEX)),
        (65_535, 0, 65_536),
        (65_535, 65_535, int(NO_INDEX)),
        (5, 5 + 0x7FFF, 5 + 0x7FFF),
        (5, 5 + 0x8000, int(NO_INDEX)),
        (3 * 65_536 + 65_000, 10, 4 * 65_536 + 10),
        (PACKETS_MAX - 1, 0, int(NO_INDEX)),
    ],
)
def test_an_index_only_grows(before: int, sequence: int, expected: int) -> None:
    assert next_index(np.int64(before), np.int64(sequence)) == expected


def test_a_changed_bit_anywhere_is_refused_by_the_receiver() -> None:
    master = secrets.token_bytes(28)
    packet = sealed(GcmKeys(master[:16], master[16:]), b"a few bytes of sound", 1, 9)
    for at in range(len(packet)):
        forged = packet[:at] + bytes((packet[at] ^ 1,)) + packet[at + 1 :]
        receiver = Session(Policy(key=master, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILE))
        with pytest.raises(Error):
            receiver.unprotect(forged)
        assert receiver.unprotect(packet)[HEADER_BYTES:] == b"a few bytes of sound"
