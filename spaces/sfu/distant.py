"""Speakers of a Space whose media another node has, for the moment in which the Space moves from one node to another.

Their packets come over the nodes' link, decrypted and measured there, and go the way of a speaker's here: into the mix, if it
is made here, and to the stage. Who has media of his own on the stage here is not heard through another node as well.
"""

from __future__ import annotations

from spaces.errors import RemoteError
from spaces.mixing.engine import AudioEngine
from spaces.mixing.opus import PACKET_BYTES_MAX, SAMPLE_RATE, packet_samples_untrusted
from spaces.mixing.sound import Source
from spaces.sfu.peer import SpaceMedia
from spaces.sfu.session import Spoken

SILENT_SECONDS = 2.0
"""Without a packet for so long, a speaker's place in the mix is given up."""
SPEAKERS_MAX = 256
"""Of all Spaces that are on their way."""


class DistantSpeaker:
    """Implements stage.Speaker."""

    def __init__(self, space: SpaceMedia, owner: str) -> None:
        self.space = space
        self.owner = owner
        self.source = Source(space.name, owner)
        self.mixed = False
        self.heard_at = 0.0


class DistantSpeech:
    def __init__(self, engine: AudioEngine) -> None:
        self._engine = engine
        self._speakers: dict[tuple[str, str], DistantSpeaker] = {}

    def hear(self, space: SpaceMedia, spoken: Spoken, now: float, *, mixed: bool) -> None:
        """One packet; `mixed`: the Space's mix is made here. Raises RemoteError `opus_malformed`, `speech_crowd`."""
        if len(spoken.payload) > PACKET_BYTES_MAX:
            raise RemoteError("opus_malformed", "too long")
        samples = packet_samples_untrusted(spoken.payload)
        key = (space.name, spoken.session)
        speaker = self._speakers.get(key)
        if any(receiver.owner == spoken.owner for receiver in space.stage.receivers):
            if speaker is not None:
                self._forget(key)
            return
        if speaker is None:
            if len(self._speakers) >= SPEAKERS_MAX:
                raise RemoteError("speech_crowd")
            speaker = self._speakers[key] = DistantSpeaker(space, spoken.owner)
        if mixed and not speaker.mixed:
            speaker.mixed = True
            self._engine.post(self._engine.add_source, speaker.source)
        speaker.heard_at = now
        self._engine.packet(speaker.source, spoken.sequence, spoken.timestamp, spoken.payload, samples, now)
        space.stage.packet(
            speaker, spoken.dbfs, samples / SAMPLE_RATE, spoken.sequence, spoken.timestamp, spoken.marker,
            spoken.payload, now,
        )  # fmt: skip
        if mixed and space.tap is not None:
            space.tap(spoken.owner, spoken.session, spoken.sequence, spoken.timestamp, spoken.payload)

    def sweep(self, now: float) -> None:
        """Forget who has fallen silent: he may have gone."""
        for key, speaker in list(self._speakers.items()):
            if now - speaker.heard_at > SILENT_SECONDS:
                self._forget(key)

    def silence(self, space: str) -> None:
        """Forget those of a Space."""
        for key in [key for key in self._speakers if key[0] == space]:
            self._forget(key)

    def _forget(self, key: tuple[str, str]) -> None:
        speaker = self._speakers.pop(key)
        speaker.space.stage.silence(speaker)
        if speaker.mixed:
            self._engine.post(self._engine.remove_source, speaker.source)
