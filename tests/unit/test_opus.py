"""libopus as bound: coding, concealment, in-band FEC, DTX, and the duration of packets from their first bytes."""

from __future__ import annotations

import numpy as np
import pytest

from spaces.errors import RemoteError
from spaces.mixing.opus import FRAME, PACKET_BYTES_MAX, Decoder, Encoder, library, packet_samples_untrusted
from tests.harness.sound import encode, sine


@pytest.mark.parametrize("frame", [120, 240, 480, 960, 1_920, 2_880])
def test_a_packets_duration_is_what_libopus_decodes(frame: int) -> None:
    for packet in encode(sine(440, 0.3), frame=frame):
        assert packet_samples_untrusted(packet) == frame == len(Decoder().decode(packet))


def test_every_first_byte_has_libopuss_duration() -> None:
    lib = library()
    for toc in range(256):
        for second in range(256) if toc & 3 == 3 else (0,):
            packet = bytes((toc, second)) + bytes(1_200)
            frames = lib.opus_packet_get_nb_frames(packet, len(packet))
            expected = frames * lib.opus_packet_get_samples_per_frame(packet, 48_000)
            if 0 < expected <= 5_760:
                assert packet_samples_untrusted(packet) == expected
            else:
                with pytest.raises(RemoteError, match="opus_malformed"):
                    packet_samples_untrusted(packet)


@pytest.mark.parametrize("packet", [b"", b"\x03", b"\xff"])
def test_packets_without_a_duration(packet: bytes) -> None:
    with pytest.raises(RemoteError, match="opus_malformed"):
        packet_samples_untrusted(packet)


def test_a_tone_comes_back() -> None:
    sound = sine(440, 0.5)
    decoder = Decoder()
    out = np.concatenate([decoder.decode(p) for p in encode(sound)])
    delay = 312  # libopus's look-ahead of 6.5 ms at 48 kHz
    assert np.corrcoef(out[delay : len(sound)], sound[:-delay])[0, 1] > 0.99


def test_a_loss_is_concealed_and_repaired_better_from_the_next_packet() -> None:
    rng = np.random.default_rng(3)
    speech = np.concatenate([sine(150 + 60 * n, 0.06, 0.3) for n in range(20)])  # a new pitch every 60 ms
    speech += (rng.normal(size=len(speech)) * 0.002).astype(np.float32)
    encoder = Encoder(24_000, expected_loss_percent=30, dtx=False)
    packets = [encoder.encode(speech[i : i + FRAME]) for i in range(0, len(speech), FRAME)]
    errors = {}
    for way in ("whole", "concealed", "repaired"):
        decoder, out = Decoder(), []
        for n, packet in enumerate(packets):
            if n % 6 == 3 and way == "concealed":
                out.append(decoder.decode(None, FRAME))
            elif n % 6 == 3 and way == "repaired":
                out.append(decoder.decode(packets[n + 1], FRAME, fec=True))
            else:
                out.append(decoder.decode(packet))
        assert all(len(frame) == FRAME for frame in out)
        errors[way] = np.concatenate(out)
    reference = errors.pop("whole")
    distance = {way: float(np.square(out - reference).sum()) for way, out in errors.items()}
    assert 0 < distance["repaired"] < 0.5 * distance["concealed"]


def test_silence_is_hardly_sent() -> None:
    encoder = Encoder(40_000, expected_loss_percent=0)
    sizes = [len(encoder.encode(np.zeros(FRAME, np.float32))) for _ in range(60)]
    assert sum(size > 2 for size in sizes[20:]) <= 2


def test_what_libopus_refuses_is_a_remote_error() -> None:
    with pytest.raises(RemoteError, match="opus_malformed"):
        Decoder().decode(b"\xff\x00")


def test_no_bytes_crash_the_decoder_or_make_it_loud() -> None:
    rng = np.random.default_rng(5)
    decoder = Decoder()
    for _ in range(500):
        packet = rng.bytes(int(rng.integers(1, 200)))
        try:
            out = decoder.decode(packet)
        except RemoteError:
            continue
        assert np.isfinite(out).all()
        assert len(out) <= 5_760


def test_loss_expected_may_change_while_encoding() -> None:
    encoder = Encoder(40_000, expected_loss_percent=0)
    for percent in (0, 5, 20, 0):
        encoder.set_expected_loss(percent)
        assert 0 < len(encoder.encode(sine(200, 0.02))) <= PACKET_BYTES_MAX
