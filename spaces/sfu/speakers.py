"""Who holds a slot: the loudest N speakers, with hysteresis so that a slot does not flutter. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

Speaker = TypeVar("Speaker")
"""Whatever names a speaker: hashable, compared as it likes."""

ATTACK_SECONDS = 0.03
RELEASE_SECONDS = 0.4
"""Smoothing of a speaker's level in dB: a word is noticed at once, the pause between two words is not."""

SPEAKING_DBFS = -50.0
"""Louder than this is speech; a quiet room through a headset is about −60."""

TAKEOVER_DB = 3.0
"""A challenger must be this much louder than the softest holder…"""
HOLD_SECONDS = 0.6
"""…who has held the slot at least so long, unless he has fallen silent."""
SILENT_SECONDS = 1.0
"""A holder without speech for this long can be replaced by anyone who speaks."""


@dataclass(slots=True)
class _Speaker:
    level: float = -127.0
    heard_at: float = -math.inf
    spoke_at: float = -math.inf
    slot: int | None = None
    held_since: float = -math.inf
    stays: bool = False
    """Nobody takes his slot."""


class LoudestN(Generic[Speaker]):
    """At most `slots` of the speakers observed hold a slot each. Slots are numbered; a holder keeps his number."""

    def __init__(self, slots: int) -> None:
        self.holders: list[Speaker | None] = [None] * slots
        self.tenures: list[int] = [0] * slots
        """One number for each time that somebody got the slot; never the same twice."""
        self._tenure = 0
        self._speakers: dict[Speaker, _Speaker] = {}

    def observe(self, source: Speaker, dbfs: float, seconds: float, now: float) -> int | None:
        """A frame of `seconds` at level `dbfs`. Returns the slot that `source` holds now, None if he holds none."""
        speaker = self._speakers.get(source)
        if speaker is None:
            speaker = self._speakers[source] = _Speaker()
        constant = ATTACK_SECONDS if dbfs > speaker.level else RELEASE_SECONDS
        if now - speaker.heard_at > RELEASE_SECONDS:
            speaker.level = dbfs
        else:
            speaker.level += (dbfs - speaker.level) * (1.0 - math.exp(-seconds / constant))
        speaker.heard_at = now
        if dbfs > SPEAKING_DBFS:
            speaker.spoke_at = now
        if speaker.slot is None:
            self._challenge(source, speaker, now)
        return speaker.slot

    def seize(self, source: Speaker, now: float) -> int | None:
        """A slot at once, kept until it is removed; whoever is softest gives way. It does not count as speaking.

        None: everybody who holds one stays.
        """
        speaker = self._speakers.get(source)
        if speaker is None:
            speaker = self._speakers[source] = _Speaker(stays=True)
        if speaker.slot is None:
            if None in self.holders:
                self._give(self.holders.index(None), source, speaker, now)
            elif (found := self._weakest(now)) is not None:
                slot, weakest = found
                weakest.slot = None
                self._give(slot, source, speaker, now)
        return speaker.slot

    def remove(self, source: Speaker) -> None:
        speaker = self._speakers.pop(source, None)
        if speaker is not None and speaker.slot is not None:
            self.holders[speaker.slot] = None

    def slot_of(self, source: Speaker) -> int | None:
        speaker = self._speakers.get(source)
        return None if speaker is None else speaker.slot

    def levels(self, now: float, within_seconds: float = 0.2) -> dict[Speaker, float]:
        """Smoothed dBFS of those who spoke within the last `within_seconds`."""
        return {s: k.level for s, k in self._speakers.items() if now - k.spoke_at <= within_seconds}

    def _challenge(self, source: Speaker, challenger: _Speaker, now: float) -> None:
        """Give `source` a free slot, or that of the weakest holder if he may be replaced."""
        for slot, holder in enumerate(self.holders):
            if holder is None:
                self._give(slot, source, challenger, now)
                return
        if challenger.spoke_at != now:
            return
        if (found := self._weakest(now)) is None:
            return
        weakest_slot, weakest = found
        silent = now - weakest.spoke_at > SILENT_SECONDS
        outspoken = challenger.level > weakest.level + TAKEOVER_DB and now - weakest.held_since > HOLD_SECONDS
        if silent or outspoken:
            weakest.slot = None
            self._give(weakest_slot, source, challenger, now)

    def _weakest(self, now: float) -> tuple[int, _Speaker] | None:
        """The holder who is silent, else the softest, of those who do not stay."""
        held = ((slot, self._speakers[holder]) for slot, holder in enumerate(self.holders) if holder is not None)
        return min(
            ((slot, speaker) for slot, speaker in held if not speaker.stays),
            key=lambda pair: (now - pair[1].spoke_at <= SILENT_SECONDS, pair[1].level),
            default=None,
        )

    def _give(self, slot: int, source: Speaker, speaker: _Speaker, now: float) -> None:
        self._tenure += 1
        self.holders[slot], self.tenures[slot] = source, self._tenure
        speaker.slot = slot
        speaker.held_since = now
