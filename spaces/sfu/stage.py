"""The stage of one Space: whose packets go to whom. Pure but for the peers it calls."""

from __future__ import annotations

from typing import Protocol

from spaces.sfu.link import BEYOND_HELP
from spaces.sfu.speakers import LoudestN


class Receiver(Protocol):
    """Somebody on stage who hears the slots."""

    owner: str

    def forward(
        self, slot: int, tenure: int, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None: ...

    @property
    def downlink_loss(self) -> float: ...


class Speaker(Protocol):
    """Somebody on stage who is heard; compared by identity."""

    owner: str


class Stage:
    """Slots for the loudest, and the receivers of them."""

    def __init__(self, slots: int) -> None:
        self.receivers: list[Receiver] = []
        self._loudest: LoudestN[Speaker] = LoudestN(slots)

    def packet(
        self,
        speaker: Speaker,
        dbfs: float,
        seconds: float,
        sequence: int,
        timestamp: int,
        marker: bool,
        payload: bytes,
        now: float,
    ) -> None:
        """A packet of a speaker: forwarded untouched to everyone but himself, if he holds a slot."""
        slot = self._loudest.observe(speaker, dbfs, seconds, now)
        if slot is None:
            return
        tenure = self._loudest.tenures[slot]
        for receiver in self.receivers:
            if receiver.owner != speaker.owner:
                receiver.forward(slot, tenure, sequence, timestamp, marker, payload, now)

    def play(self, sound: Speaker, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float) -> None:
        """A packet of what is played to everybody: it has a slot for as long as it lasts, and is nobody's voice."""
        slot = self._loudest.seize(sound, now)
        if slot is None:
            return
        tenure = self._loudest.tenures[slot]
        for receiver in self.receivers:
            receiver.forward(slot, tenure, sequence, timestamp, marker, payload, now)

    def silence(self, speaker: Speaker) -> None:
        """The speaker is muted or gone: his slot is free."""
        self._loudest.remove(speaker)

    def worst_downlink_loss(self, speaker: Speaker) -> float:
        """Of those whom this speaker's packets are forwarded to and whom FEC can help; 0 if he holds no slot."""
        if self._loudest.slot_of(speaker) is None:
            return 0.0
        losses = (r.downlink_loss for r in self.receivers if r.owner != speaker.owner)
        return max((loss for loss in losses if loss <= BEYOND_HELP), default=0.0)

    def levels(self, now: float) -> dict[str, float]:
        """dBFS by owner of those who speak now."""
        levels: dict[str, float] = {}
        for speaker, level in self._loudest.levels(now).items():
            levels[speaker.owner] = max(level, levels.get(speaker.owner, level))
        return levels
