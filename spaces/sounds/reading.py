"""A sound file that nobody trusts, as samples for the mix: read by `child.py`, a process with limits on all it does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spaces.errors import RemoteError, RequestError

CHILD = Path(__file__).with_name("child.py")
SECONDS_MAX = 15.0
"""Of sound: a jingle, not a song."""
SAMPLE_RATE = 48_000
ANSWER_BYTES_MAX = 2 + 2 * round(SECONDS_MAX * SAMPLE_RATE)
READING_SECONDS_MAX = 30.0
"""Of waiting, on a busy machine; the process itself may compute for five."""
AT_ONCE_MAX = 2
PLACES_MAX = 8
"""Files that are read or wait for it, of everybody together: each is some megabytes."""

Samples = NDArray[np.float32]


class SoundReader:
    """Reads files, AT_ONCE_MAX at a time; some others wait for their turn."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)
        self._places = 0

    async def read_untrusted(self, data: bytes) -> Samples:
        """Mono samples at 48 kHz, as loud as speakers are in the mix. Raises RemoteError `bad_sound`, which says why, and
        RequestError(503)."""
        if self._places >= PLACES_MAX:
            raise RequestError(503, "sounds_busy", "other sounds are being read: try again", retry_after_seconds=10)
        self._places += 1
        try:
            async with self._turn:
                answer = await _ask(data)
        finally:
            self._places -= 1
        verdict, rest = answer[:2], answer[2:]
        if verdict == b"NO":
            raise RemoteError("bad_sound", rest.decode(errors="replace")[:200])
        if verdict != b"OK" or not rest or len(rest) % 2:
            raise RemoteError("bad_sound", "it cannot be read within its limits of time and memory")
        return np.frombuffer(rest, "<i2").astype(np.float32) / np.float32(32_767)


async def _ask(data: bytes) -> bytes:
    """The child's answer; empty if it has none in time."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(CHILD)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    try:
        async with asyncio.timeout(READING_SECONDS_MAX):
            return await _converse(process, data)
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _converse(process: Process, data: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(ConnectionError):  # it need not read all of it
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()
    answer = bytearray()
    while chunk := await process.stdout.read(65_536):
        answer += chunk
        if len(answer) > ANSWER_BYTES_MAX:
            return b""
    await process.wait()
    return bytes(answer)
