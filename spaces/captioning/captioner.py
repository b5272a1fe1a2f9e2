"""The server's side of captioning: the process is started when somebody's words are first wanted, fed, and started again."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable

import structlog

from spaces.captioning.recognizer import trouble
from spaces.captioning.wire import Packet, Reader, Said, encoded
from spaces.config import ConfigError
from spaces.tasks import Stop

log = structlog.get_logger()

BEHIND_BYTES_MAX = 262_144
"""Waiting for the process: half a minute of one speaker. Beyond it packets are left out: the engine is too slow."""
READ_BYTES = 65_536
AGAIN_SECONDS_MIN = 1.0
AGAIN_SECONDS_MAX = 60.0
LEAVE_SECONDS_MAX = 1.0


class Captioner:
    """`said` is told of every caption, on the event loop. Nothing here waits for the engine, and nothing else does."""

    def __init__(
        self,
        engine: str,
        model: str,
        language: str,
        stop: Stop,
        clock: Callable[[], float],
        left_out: Callable[[], None] = lambda: None,
    ) -> None:
        """`left_out` is told of every packet that the engine was too slow for.

        Raises ConfigError for an engine that is not there.
        """
        if (why := trouble(engine)) is not None:
            raise ConfigError(f"captions_engine: {why}")
        self._command = (sys.executable, "-m", "spaces.captioning.worker", engine, model)
        self._language = language.lower()
        self._stop = stop
        self._clock = clock
        self._wanted = asyncio.Event()
        self._input: asyncio.StreamWriter | None = None
        self.pid: int | None = None
        """Of the process; None: there is none now."""
        self.starts = 0
        self.said: Callable[[Said], None] = lambda said: None
        self._left_out = left_out

    def speaks(self, language: str) -> bool:
        """Whether it writes down this language (BCP 47): its own, however it is spoken where."""
        return language.lower().partition("-")[0] == self._language.partition("-")[0]

    def feed(self, space: str, owner: str, stream: str, sequence: int, timestamp: int, payload: bytes) -> None:
        """One Opus packet of a speaker."""
        self._wanted.set()
        if self._input is None or self._input.transport.is_closing():
            return
        if self.behind > BEHIND_BYTES_MAX:
            self._left_out()
            return
        self._input.write(encoded(Packet(space, owner, stream, sequence, timestamp, payload, self._clock())))

    @property
    def behind(self) -> int:
        """Bytes that wait for the process."""
        return 0 if self._input is None else self._input.transport.get_write_buffer_size()

    async def run(self) -> None:
        """Runs until it is told to stop."""
        pause = AGAIN_SECONDS_MIN
        stopping = asyncio.create_task(self._stop.wait())
        try:
            while not stopping.done():
                wanted = asyncio.create_task(self._wanted.wait())
                await asyncio.wait({wanted, stopping}, return_when=asyncio.FIRST_COMPLETED)
                wanted.cancel()
                if stopping.done():
                    return
                began = self._clock()
                code = await self._one_life(stopping)
                self._wanted.clear()
                if code == 0 or stopping.done():
                    continue
                log.warning("captioning process ended", code=code)
                pause = AGAIN_SECONDS_MIN if self._clock() - began > AGAIN_SECONDS_MAX else pause
                await self._stop.within(pause)
                pause = min(2 * pause, AGAIN_SECONDS_MAX)
        finally:
            stopping.cancel()

    async def _one_life(self, stopping: asyncio.Task[None]) -> int:
        """Of the process; its exit code."""
        process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE)
        assert process.stdin is not None
        self._input, self.pid = process.stdin, process.pid
        self.starts += 1
        log.info("captioning process started", pid=process.pid)
        reading = asyncio.create_task(self._read(process))
        try:
            await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._input = None
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            code = await _ended(process)
            self.pid = None
        return code

    async def _read(self, process: Process) -> None:
        """Until the process ends, or says what is none of its words."""
        assert process.stdout is not None
        reader = Reader()
        while data := await process.stdout.read(READ_BYTES):
            try:
                for message in reader.feed(data):
                    if isinstance(message, Said):
                        self.said(message)
            except ValueError as error:
                log.warning("captioning process is not understood", error=str(error))
                return


async def _ended(process: Process) -> int:
    """By the end of its input; killed if it does not take that."""
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.close()
    try:
        async with asyncio.timeout(LEAVE_SECONDS_MAX):
            return await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return await process.wait()
