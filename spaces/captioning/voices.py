"""Speakers' Opus packets as an engine hears them: decoded, in order, pauses as silence. Sans-IO: time is a parameter."""

from __future__ import annotations

import numpy as np

from spaces.captioning.recognizer import SAMPLE_RATE, Engine, Voice
from spaces.captioning.wire import Packet, Said
from spaces.errors import RemoteError
from spaces.mixing.opus import FRAME, Decoder
from spaces.mixing.opus import SAMPLE_RATE as OPUS_RATE

STREAMS_MAX = 64
"""All stages of a node together; beyond it the one that was silent longest is forgotten."""
STALE_SECONDS = 6.0
"""A packet that waited so long is left out: the engine is slower than people talk, and captions are to be live."""
GAP_PACKETS_MAX = 5
"""Lost packets that are concealed; a longer gap is a pause."""
PAUSE_SECONDS = 0.6
"""Nothing has come for so long: he has stopped (or his browser sends no silence), which ends the sentence."""
SILENCE = bytes(2 * SAMPLE_RATE)
"""A second of it."""
IDLE_SECONDS = 60.0

_STEP = OPUS_RATE // SAMPLE_RATE
_TAPS = np.array([1, 2, 3, 2, 1], np.float32) / 9
"""A low-pass before every third sample is taken: two running means of three, with their zero at 16 kHz."""


class _Stream:
    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.decoder = Decoder()
        self.next = -1
        self.heard_at = 0.0
        self.silent = True
        self._history = np.zeros(len(_TAPS) - 1, np.float32)

    def samples(self, packet: Packet) -> bytes:
        """16-bit samples for the engine. Raises RemoteError for what is no Opus."""
        parts = []
        if self.next >= 0:
            parts += [
                self.decoder.decode(None, FRAME) for _ in range(min(packet.sequence - self.next, GAP_PACKETS_MAX))
            ]
        parts.append(self.decoder.decode(packet.payload))
        self.next = packet.sequence + 1
        pcm = np.concatenate([self._history, *parts])
        self._history = pcm[-len(self._history) :].copy()
        low = np.convolve(pcm, _TAPS, "valid")[::_STEP]
        return (np.clip(low, -1.0, 1.0) * 32_767).astype(np.int16).tobytes()


class Voices:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams: dict[tuple[str, str, str], _Stream] = {}

    def packet(self, packet: Packet, now: float) -> list[Said]:
        key = (packet.space, packet.owner, packet.stream)
        stream = self._streams.pop(key, None)
        if stream is None:
            stream = _Stream(self._engine.voice())
        self._streams[key] = stream  # last: heard most lately
        while len(self._streams) > STREAMS_MAX:
            self._drop(next(iter(self._streams)))
        if now - packet.at > STALE_SECONDS or packet.sequence < stream.next:
            return []
        stream.heard_at, stream.silent = now, False
        try:
            samples = stream.samples(packet)
        except RemoteError:
            return []
        return self._hear(key, stream, samples)

    def pass_time(self, now: float) -> list[Said]:
        """Sentences end when nothing more comes; who has been silent for long is forgotten."""
        said: list[Said] = []
        for key, stream in list(self._streams.items()):
            silent_for = now - stream.heard_at
            if silent_for > PAUSE_SECONDS and not stream.silent:
                stream.silent, stream.next = True, -1
                said += self._hear(key, stream, SILENCE)
            if silent_for > IDLE_SECONDS:
                self._drop(key)
        return said

    def _drop(self, key: tuple[str, str, str]) -> None:
        self._streams.pop(key).voice.close()

    @staticmethod
    def _hear(key: tuple[str, str, str], stream: _Stream, samples: bytes) -> list[Said]:
        space, owner, _ = key
        return [Said(space, owner, heard.text, heard.final) for heard in stream.voice.hear(samples)]
