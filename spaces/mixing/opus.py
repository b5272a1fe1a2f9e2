"""libopus, bound for what PyAV's wrapper does not give: concealment, in-band FEC, run-time controls, and addresses that a
compiled loop can call. The library is the one in PyAV's wheel, else the system's.

Coder states live in numpy buffers of their own, so they are freed like any other object.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.metadata
from functools import cache

import numpy as np

from spaces.errors import LocalError, RemoteError

SAMPLE_RATE = 48_000
FRAME = 960
"""Samples of 20 ms."""
PACKET_SAMPLES_MAX = 5_760
"""120 ms, the longest packet (RFC 6716 §3.2.5)."""
PACKET_BYTES_MAX = 1_275

_APPLICATION_VOIP = 2048
_APPLICATION_AUDIO = 2049
_SET_BITRATE, _SET_INBAND_FEC, _SET_PACKET_LOSS_PERC, _SET_DTX, _SET_COMPLEXITY = 4002, 4012, 4014, 4016, 4010


def _path() -> str:
    for file in importlib.metadata.files("av") or ():
        if file.name.startswith("libopus-") and ".so" in file.name:
            return str(file.locate())
    found = ctypes.util.find_library("opus")
    if found is None:
        raise LocalError("no libopus: neither in the av wheel nor on the system (Debian: libopus0)")
    return found


@cache
def library() -> ctypes.CDLL:
    """libopus with the argument types of the functions that we call set."""
    lib = ctypes.CDLL(_path())
    pointer, i32 = ctypes.c_void_p, ctypes.c_int
    lib.opus_get_version_string.restype = ctypes.c_char_p
    lib.opus_encoder_init.argtypes = [pointer, i32, i32, i32]
    lib.opus_encoder_ctl.argtypes = [pointer, i32, i32]
    lib.opus_encode_float.argtypes = [pointer, pointer, i32, pointer, i32]
    lib.opus_encode_float.restype = i32
    lib.opus_decoder_init.argtypes = [pointer, i32, i32]
    lib.opus_decode_float.argtypes = [pointer, pointer, i32, pointer, i32, i32]
    lib.opus_decode_float.restype = i32
    return lib


def function_address(name: str) -> int:
    """Where a function of libopus is, for compiled code."""
    address = ctypes.cast(getattr(library(), name), ctypes.c_void_p).value
    assert address is not None
    return address


class Decoder:
    """One mono decoder state; stereo packets come out mixed down (RFC 6716 §4)."""

    def __init__(self) -> None:
        lib = library()
        self._state = np.zeros(lib.opus_decoder_get_size(1), np.uint8)
        self.address: int = self._state.ctypes.data
        if lib.opus_decoder_init(self.address, SAMPLE_RATE, 1):
            raise LocalError("opus_decoder_init failed")

    def decode(self, payload: bytes | None, samples: int = FRAME, *, fec: bool = False) -> np.ndarray:
        """float32 samples of one packet; None conceals `samples` of loss. The plain path, for tests and tools.

        Raises RemoteError `opus_malformed`.
        """
        out = np.zeros(PACKET_SAMPLES_MAX, np.float32)
        data = payload or None
        n = library().opus_decode_float(
            self.address, data, len(payload or b""), out.ctypes.data, samples if fec or not data else len(out), fec
        )
        if n < 0:
            raise RemoteError("opus_malformed", f"libopus error {n}")
        return out[:n]


class Encoder:
    """One mono encoder state at 48 kHz."""

    def __init__(self, bitrate: int, *, expected_loss_percent: int, complexity: int = 7, dtx: bool = True) -> None:
        lib = library()
        self._state = np.zeros(lib.opus_encoder_get_size(1), np.uint8)
        self.address: int = self._state.ctypes.data
        if lib.opus_encoder_init(self.address, SAMPLE_RATE, 1, _APPLICATION_AUDIO):
            raise LocalError("opus_encoder_init failed")
        self._control(_SET_BITRATE, bitrate)
        self._control(_SET_COMPLEXITY, complexity)
        self.set_expected_loss(expected_loss_percent)
        self._control(_SET_DTX, int(dtx))

    def set_expected_loss(self, percent: int) -> None:
        """In-band FEC for that loss; 0: none, for it costs quality when nothing is lost."""
        self._control(_SET_INBAND_FEC, int(percent > 0))
        self._control(_SET_PACKET_LOSS_PERC, percent)

    def _control(self, request: int, value: int) -> None:
        if library().opus_encoder_ctl(self.address, request, value):
            raise LocalError(f"opus_encoder_ctl({request}, {value}) refused")

    def encode(self, samples: np.ndarray) -> bytes:
        """One packet of float32 samples, 2.5 to 60 ms. The plain path, for tests and tools."""
        pcm = np.ascontiguousarray(samples, np.float32)
        out = np.zeros(PACKET_BYTES_MAX, np.uint8)
        n = library().opus_encode_float(self.address, pcm.ctypes.data, len(pcm), out.ctypes.data, len(out))
        if n < 0:
            raise LocalError(f"libopus error {n}")
        return out[:n].tobytes()


def packet_samples_untrusted(payload: bytes) -> int:
    """Samples at 48 kHz that a packet holds, from its TOC byte (RFC 6716 §3.1). Raises RemoteError `opus_malformed`."""
    if not payload:
        raise RemoteError("opus_malformed", "empty")
    toc = payload[0]
    config, code = toc >> 3, toc & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    if code == 3:
        if len(payload) < 2:
            raise RemoteError("opus_malformed", "no frame count")
        frames = payload[1] & 0x3F
    else:
        frames = 1 if code == 0 else 2
    if not 0 < frames * frame <= PACKET_SAMPLES_MAX:
        raise RemoteError("opus_malformed", "duration")
    return frames * frame
