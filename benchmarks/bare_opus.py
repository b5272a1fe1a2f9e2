"""The floor of mixing: libopus alone, doing the decodes and encodes of a Talk from one compiled loop."""

from __future__ import annotations

import numpy as np
from numba import njit

from spaces.mixing.engine import SoundSettings
from spaces.mixing.opus import FRAME, PACKET_BYTES_MAX, PACKET_SAMPLES_MAX, Decoder, Encoder, function_address
from spaces.native import ADDRESS, INT, c_function

_decode = c_function(
    "opus_decode_float", INT, ADDRESS, ADDRESS, INT, ADDRESS, INT, INT, address=function_address("opus_decode_float")
)
_encode = c_function(
    "opus_encode_float", INT, ADDRESS, ADDRESS, INT, ADDRESS, INT, address=function_address("opus_encode_float")
)


@njit(nogil=True)
def _run(numbers, data, lengths, decoders, encoders, mixed, pcm, out, sizes):  # type: ignore[no-untyped-def]
    """Per Space: decode its speakers' packets, then encode its mix. Nothing else is touched."""
    voices = decoders.shape[0] // encoders.shape[0]
    for s in range(encoders.shape[0]):
        for v in range(s * voices, (s + 1) * voices):
            n = numbers[v]
            _decode(decoders[v], data[n].ctypes.data, lengths[n], pcm.ctypes.data, PACKET_SAMPLES_MAX, 0)
        sizes[s] = _encode(encoders[s], mixed[s].ctypes.data, FRAME, out[s].ctypes.data, PACKET_BYTES_MAX)


class BareOpus:
    """Coder states of its own, set as the engine's: given the same from the start, they do the same work."""

    def __init__(self, spaces: int, voices: int, packets: tuple[bytes, ...], settings: SoundSettings) -> None:
        self._decoders = [Decoder() for _ in range(spaces * voices)]
        loss = settings.expected_loss_percent
        self._encoders = [Encoder(settings.bitrate, expected_loss_percent=loss) for _ in range(spaces)]
        self._decoder_addresses = np.array([d.address for d in self._decoders], np.uint64)
        self._encoder_addresses = np.array([e.address for e in self._encoders], np.uint64)
        self._lengths = np.array([len(packet) for packet in packets], np.int32)
        self._data = np.zeros((len(packets), PACKET_BYTES_MAX), np.uint8)
        for row, packet in zip(self._data, packets, strict=True):
            row[: len(packet)] = np.frombuffer(packet, np.uint8)
        self._pcm = np.zeros(PACKET_SAMPLES_MAX, np.float32)
        self._out = np.zeros((spaces, PACKET_BYTES_MAX), np.uint8)
        self._sizes = np.zeros(spaces, np.int32)

    def run(self, numbers: np.ndarray, mixed: np.ndarray) -> None:
        """One frame. `numbers`: int64 (speakers), packets of the recording; `mixed`: float32 (Spaces, FRAME)."""
        _run(
            numbers,
            self._data,
            self._lengths,
            self._decoder_addresses,
            self._encoder_addresses,
            mixed,
            self._pcm,
            self._out,
            self._sizes,
        )

    def encoded(self) -> list[bytes]:
        """The packets of the last frame, by Space."""
        return [row[:size].tobytes() for row, size in zip(self._out, self._sizes, strict=True)]
