"""An audio engine with Spaces full of people who talk all the time, without network: what the sound alone costs."""

from __future__ import annotations

import numpy as np
from pylibsrtp import Policy, Session

from spaces.config import Config
from spaces.mixing.engine import AudioEngine, SoundSettings
from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.phases import TICK_SECONDS
from spaces.mixing.sound import Listener, Source
from spaces.sfu.fanout import Fanout, WirePath

FRAME_SECONDS = FRAME / SAMPLE_RATE
TICKS_PER_FRAME = round(FRAME_SECONDS / TICK_SECONDS)
EARLY_SECONDS = 0.008
"""How long before its tick a packet comes: enough for the jitter buffer neither to stretch nor to shrink."""
BETWEEN_VOICES = 37
"""Packets of the recording between one voice and the next, so that no two say the same."""


class Talk:
    """`spaces` Spaces with one listener and `voices` speakers each, every one of whom plays `packets` in a loop."""

    def __init__(self, spaces: int, voices: int, packets: tuple[bytes, ...]) -> None:
        config = Config()
        self.spaces, self.voices = spaces, voices
        self.settings = SoundSettings(
            mixed=config.mixed,
            bitrate=config.audience_bitrate,
            expected_loss_percent=config.audience_expected_loss_percent,
            levelling=config.levelling,
        )
        self.engine = AudioEngine(Fanout(-1), self.settings, 0)
        self.frames = 0
        """Played so far; number n is the one that takes the packets `number(n, …)`."""
        self._packets = packets
        self._sources: list[Source] = []
        for space in range(spaces):
            name = f"space {space}"
            self.engine.open_space(name, space + 1)
            for voice in range(voices):
                source = Source(name, f"{name} voice {voice}")
                self.engine.add_source(source)
                self._sources.append(source)
            listener = Listener(name, "listener", _context(), 0)
            self.engine.attach(listener, 111, WirePath(bytes(16)))
            assert listener.program is not None
            listener.program.rows.clear()  # nothing is sent: the fan-out has a benchmark of its own

    def number(self, frame: int, source: int) -> int:
        """Which packet of the recording a speaker sends for a frame."""
        return (frame + BETWEEN_VOICES * source) % len(self._packets)

    def feed(self) -> None:
        """The packets of the next frame arrive."""
        n = self.frames
        for index, source in enumerate(self._sources):
            payload = self._packets[self.number(n, index)]
            self.engine.packet(source, n, n * FRAME, payload, FRAME, n * FRAME_SECONDS - EARLY_SECONDS)

    def tick(self) -> None:
        """Make the next frame of every Space: one tick, or as many as a frame takes."""
        for tick in range(TICKS_PER_FRAME):
            self.engine.tick(self.frames * FRAME_SECONDS + tick * TICK_SECONDS)
        self.frames += 1

    def _program_rows(self) -> list[int]:
        """Of all Spaces, in their order; the engine's arrays are nobody else's business but a benchmark's."""
        return [program.row for space in self.engine._spaces.values() for program in space.programs.values()]

    def mixed(self) -> np.ndarray:
        """What the encoders were given for the last frame: float32 (Spaces, FRAME)."""
        frames: np.ndarray = self.engine._programs.rows.mixed[self._program_rows(), :FRAME]
        return frames

    def encoded(self) -> list[bytes]:
        """The packets of the last frame, by Space."""
        rows = self.engine._programs.rows
        return [rows.payload[row, : rows.state[row]["bytes"]].tobytes() for row in self._program_rows()]


def _context() -> Session:
    profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    return Session(Policy(key=bytes(28), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
