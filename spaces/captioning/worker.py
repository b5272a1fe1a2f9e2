"""The captioning process: speakers' packets in by standard input, what they say out by standard output.

A recogniser takes all the processor that it is given and keeps Python's lock while it thinks, so it shares neither with the
server: the process has the lowest priority, and lives as long as its input is open and somebody speaks.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

from spaces.captioning.recognizer import load
from spaces.captioning.voices import Voices
from spaces.captioning.wire import Packet, Reader, encoded

READ_BYTES = 65_536
LOOK_SECONDS = 0.2
UNUSED_SECONDS_MAX = 300.0
"""Nobody has spoken: a model takes memory, and is loaded in a second."""
NICE = 10


def main(engine: str, model: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the server ends us by closing our input
    with contextlib.suppress(OSError):
        os.nice(NICE - os.nice(0))
    voices = Voices(load(engine, model))
    serve(voices, sys.stdin.fileno(), sys.stdout.fileno())


def serve(voices: Voices, source: int, sink: int) -> None:
    """Until the input ends, or has been silent for long."""
    reader, used_at = Reader(), time.monotonic()
    while time.monotonic() - used_at < UNUSED_SECONDS_MAX:
        ready, _, _ = select.select([source], [], [], LOOK_SECONDS)
        said = []
        if ready:
            data = os.read(source, READ_BYTES)
            if not data:
                return
            used_at = time.monotonic()
            for message in reader.feed(data):
                if isinstance(message, Packet):
                    said += voices.packet(message, time.monotonic())
        said += voices.pass_time(time.monotonic())
        for one in said:
            _write(sink, encoded(one))


def _write(sink: int, data: bytes) -> None:
    while data:
        data = data[os.write(sink, data) :]


if __name__ == "__main__":
    main(*sys.argv[1:3])
