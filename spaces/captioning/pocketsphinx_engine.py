"""CMU PocketSphinx: small, runs anywhere, and carries an English model in its wheel. What it hears is a rough draft.

Its decoders take 90 MB each and most of a core while somebody speaks, so speakers share a few: one has a decoder from the
beginning of a sentence to its end.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

from pocketsphinx import Decoder, Endpointer

from spaces.captioning.recognizer import SAMPLE_RATE, Engine, Heard

DECODERS_MAX = 2
"""Who talks at the same time as two others is not understood by people either."""
SENTENCE_BYTES_MAX = 2 * SAMPLE_RATE * 8
"""Whoever never pauses is written down every eight seconds."""
GUESS_BYTES = SAMPLE_RATE
"""Half a second between guesses."""
WAITING_BYTES_MAX = 2 * SAMPLE_RATE * 10
"""Of a speaker who waits for a decoder; beyond it his words are lost."""


class PocketsphinxEngine:
    def __init__(self, model: str) -> None:
        """`model`: a folder with `acoustic/`, `language.lm.bin` and `words.dict`; empty: the wheel's English.

        Raises RuntimeError for a model that it cannot read.
        """
        self._options = _options(model)
        self._free: list[Decoder] = [self._new()]  # also shows at once whether the model is one
        self._made = 1

    def voice(self) -> PocketsphinxVoice:
        return PocketsphinxVoice(self)

    def borrow(self) -> Decoder | None:
        """None: all are at work."""
        if self._free:
            return self._free.pop()
        if self._made >= DECODERS_MAX:
            return None
        self._made += 1
        return self._new()

    def give_back(self, decoder: Decoder) -> None:
        self._free.append(decoder)

    def _new(self) -> Decoder:
        return Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", **self._options)


class PocketsphinxVoice:
    def __init__(self, engine: PocketsphinxEngine) -> None:
        self._engine = engine
        self._endpointer = Endpointer(sample_rate=SAMPLE_RATE)
        self._rest = b""
        """Less than the endpointer takes at once."""
        self._waiting: deque[bytes] = deque()
        """Speech that no decoder has heard yet."""
        self._decoder: Decoder | None = None
        self._bytes = 0
        """Of this sentence, and when the last guess was made."""
        self._guessed_at = 0
        self._guess = ""

    def hear(self, samples: bytes) -> list[Heard]:
        heard: list[Heard] = []
        data, size = self._rest + samples, self._endpointer.frame_bytes
        for start in range(0, len(data) - size + 1, size):
            speech = self._endpointer.process(data[start : start + size])
            if speech is not None:
                self._waiting.append(speech)
                self._listen(heard)
            if not self._endpointer.in_speech:
                self._finish(heard)
        self._rest = data[len(data) - len(data) % size :]
        return heard

    def close(self) -> None:
        self._finish([])

    def _listen(self, heard: list[Heard]) -> None:
        if self._decoder is None:
            self._decoder = self._engine.borrow()
            if self._decoder is None:
                while sum(map(len, self._waiting)) > WAITING_BYTES_MAX:
                    self._waiting.popleft()
                return
            self._decoder.start_utt()
        while self._waiting:
            speech = self._waiting.popleft()
            self._decoder.process_raw(speech)
            self._bytes += len(speech)
        if self._bytes >= SENTENCE_BYTES_MAX:
            self._end(heard)
        elif self._bytes - self._guessed_at >= GUESS_BYTES:
            self._guessed_at = self._bytes
            if (text := _text(self._decoder)) and text != self._guess:
                self._guess = text
                heard.append(Heard(text, False))

    def _finish(self, heard: list[Heard]) -> None:
        """He has paused; what still waited for a decoder is lost if there is none now."""
        if self._waiting:
            self._listen(heard)
        self._waiting.clear()
        self._end(heard)

    def _end(self, heard: list[Heard]) -> None:
        decoder, self._decoder = self._decoder, None
        self._bytes = self._guessed_at = 0
        self._guess = ""
        if decoder is None:
            return
        decoder.end_utt()
        if text := _text(decoder):
            heard.append(Heard(text, True))
        self._engine.give_back(decoder)


def load(model: str) -> Engine:
    return PocketsphinxEngine(model)


def _options(model: str) -> dict[str, str]:
    if not model:
        return {}
    folder = Path(model)
    return {
        "hmm": str(folder / "acoustic"),
        "lm": str(folder / "language.lm.bin"),
        "dict": str(folder / "words.dict"),
    }


def _text(decoder: Decoder) -> str:
    hypothesis = decoder.hyp()
    return "" if hypothesis is None else " ".join(str(hypothesis.hypstr).split())
