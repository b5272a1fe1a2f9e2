"""What a tick costs without its codec: the engine as it is, with libopus's two functions replaced by a copy and by nothing.

    python -m benchmarks.silent_opus SPACES VOICES ROUNDS FRAMES

The compiled code of a tick calls libopus by symbols; here they lead to stand-ins before that code is loaded, so this is a
process of its own. "Decoding" copies a frame decoded before, "encoding" answers a hundred bytes. Next to it, in turn,
`np.sum(axis=1)` of the same frames. Prints one JSON object: alone and beside a busy thread, microseconds of CPU per frame
of all Spaces.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numpy as np
from numba import carray, cfunc, types  # type: ignore[attr-defined]

from benchmarks.busy import busy_thread
from benchmarks.talk import Talk
from spaces.demo.speech import read_speech
from spaces.mixing import engine as engine_module
from spaces.mixing.jitter import insert_all
from spaces.mixing.opus import FRAME, Decoder
from spaces.native import ADDRESS, INT, c_function

WARM_UP_FRAMES = 25
ENCODED_BYTES = 100
SUMS_PER_FRAME = 4
"""np.sum is short: it is timed this often for every frame."""

_engine: Any = engine_module
"""Whose `make_frames` is timed by being wrapped."""

_memcpy = c_function("memcpy", ADDRESS, ADDRESS, ADDRESS, types.uint64)
_memset = c_function("memset", ADDRESS, ADDRESS, INT, types.uint64)


_words = types.CPointer(types.uint64)  # type: ignore[no-untyped-call]


@cfunc(INT(ADDRESS, _words, INT, ADDRESS, INT, INT))
def _copy_frame(decoder, data, length, pcm, samples, fec):  # type: ignore[no-untyped-def]
    """In place of opus_decode_float: the packet is the address of its frame."""
    if length == 0:
        _memset(pcm, 0, 4 * FRAME)
    else:
        _memcpy(pcm, carray(data, 1)[0], 4 * FRAME)
    return FRAME


@cfunc(INT(ADDRESS, ADDRESS, INT, ADDRESS, INT))
def _encode_nothing(encoder, pcm, samples, out, bytes_max):  # type: ignore[no-untyped-def]
    return ENCODED_BYTES


def replace_libopus() -> None:
    """For code that is compiled, or loaded from disk, from now on."""
    llvmlite.binding.add_symbol("spaces_opus_decode_float", _copy_frame.address)
    llvmlite.binding.add_symbol("spaces_opus_encode_float", _encode_nothing.address)


class Stopwatch:
    """CPU seconds of this thread within the engine's compiled call, but for putting packets into jitter buffers."""

    def __init__(self, make_frames: Callable[..., float]) -> None:
        self.seconds = 0.0
        self.function = make_frames

    def __call__(self, packets: np.ndarray, *arguments: Any) -> float:
        *_, speakers, _, _, _, _ = arguments
        insert_all(packets, speakers)
        start = time.thread_time()
        sent_at = self.function(packets[:0], *arguments)
        self.seconds += time.thread_time() - start
        return sent_at


def measure(talk: Talk, frames: np.ndarray, rounds: int, count: int) -> dict[str, float]:
    """Medians over rounds: the whole tick, its compiled part, the sum."""
    watch = Stopwatch(_engine.make_frames)
    _engine.make_frames = watch
    block = np.zeros((talk.spaces, talk.voices, FRAME), np.float32)
    total = np.zeros((talk.spaces, FRAME), np.float32)
    ticks, renders, sums = [], [], []
    for _ in range(rounds):
        watch.seconds = ticking = summing = 0.0
        for _ in range(count):
            for source in range(talk.spaces * talk.voices):
                block.reshape(-1, FRAME)[source] = frames[talk.number(talk.frames, source)]
            talk.feed()
            start = time.thread_time()
            talk.tick()
            ticking += time.thread_time() - start
            start = time.thread_time()
            for _ in range(SUMS_PER_FRAME):
                np.sum(block, axis=1, out=total)
            summing += time.thread_time() - start
        ticks.append(ticking / count)
        renders.append(watch.seconds / count)
        sums.append(summing / count / SUMS_PER_FRAME)
    _engine.make_frames = watch.function
    return {
        "tick": 1e6 * statistics.median(ticks),
        "mixing": 1e6 * statistics.median(renders),
        "sum": 1e6 * statistics.median(sums),
        "ratio": statistics.median(r / s for r, s in zip(renders, sums, strict=True)),
    }


def main(spaces: int, voices: int, rounds: int, count: int) -> dict[str, dict[str, float]]:
    decoder = Decoder()
    frames = np.array([decoder.decode(packet) for packet in read_speech().packets])
    replace_libopus()
    addresses = frames.ctypes.data + 4 * FRAME * np.arange(len(frames), dtype=np.uint64)
    talk = Talk(spaces, voices, tuple(address.tobytes() for address in addresses))
    for _ in range(WARM_UP_FRAMES):
        talk.feed()
        talk.tick()
    assert set(map(len, talk.encoded())) == {ENCODED_BYTES}, "libopus is still there"
    found = {}
    for name, beside in (("alone", contextlib.nullcontext), ("beside", busy_thread)):
        with beside():
            found[name] = measure(talk, frames, rounds, count)
    return found


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:5]))))
