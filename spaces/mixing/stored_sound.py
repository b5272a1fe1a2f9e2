"""A short sound as it is stored: Opus packets, so that it takes a tenth of its samples. Written and read by us alone."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from spaces.errors import LocalError, RemoteError
from spaces.mixing.opus import FRAME, Decoder, Encoder

BITRATE = 128_000
LOOKAHEAD = 312
"""Samples that libopus's encoder is late by."""
_COUNT, _SIZE = struct.Struct("!I"), struct.Struct("!H")

Samples = NDArray[np.float32]


def pack(samples: Samples) -> bytes:
    """How many samples, then the packets, each with its length."""
    frames = -(-(len(samples) + LOOKAHEAD) // FRAME)
    padded = np.zeros(frames * FRAME, np.float32)
    padded[: len(samples)] = samples
    encoder = Encoder(BITRATE, expected_loss_percent=0, complexity=10, dtx=False)
    packets = [encoder.encode(padded[n * FRAME : (n + 1) * FRAME]) for n in range(frames)]
    return _COUNT.pack(len(samples)) + b"".join(_SIZE.pack(len(packet)) + packet for packet in packets)


def unpack(stored: bytes) -> Samples:
    """Raises LocalError for what `pack` has not written."""
    try:
        (count,), at = _COUNT.unpack_from(stored), _COUNT.size
        decoder, parts = Decoder(), []
        while at < len(stored):
            (size,) = _SIZE.unpack_from(stored, at)
            at += _SIZE.size + size
            parts.append(decoder.decode(stored[at - size : at]))
    except (struct.error, RemoteError) as error:
        raise LocalError("a stored sound is damaged") from error
    samples: Samples = np.concatenate([np.zeros(0, np.float32), *parts])[LOOKAHEAD : LOOKAHEAD + count]
    if at != len(stored) or len(samples) != count:
        raise LocalError("a stored sound is damaged")
    return samples
