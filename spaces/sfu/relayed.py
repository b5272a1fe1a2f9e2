"""Listeners here of Spaces that live on other nodes: their owners' packets, sent on as they come, on a thread of its own.

It has for a listener what the audio engine has (`Outlet`), by the same loop and the same rows, but makes no sound: a
packet that has come is fanned out at once. Sequence, timestamp and SSRC towards a listener are this node's own and go on when
the Space changes its owner.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog

from spaces.errors import RemoteError
from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.programs import Programs
from spaces.mixing.sound import Listener
from spaces.mixing.tick import prefer_this_thread
from spaces.sfu.fanout import Fanout, WirePath, fan_out
from spaces.sfu.relay_packet import RelayPacket, Succession

GAP_PACKETS_MAX = 100
"""Lost ones leave their numbers out, so that a listener's player conceals them; beyond this the stream was away."""

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Relayed:
    """One program of a Space as it is sent on."""

    row: int
    frames: int
    succession: Succession = field(default_factory=Succession)
    listeners: list[Listener] = field(default_factory=list)
    layout: tuple[np.ndarray, np.ndarray] | None = None
    offset: int = 0
    """Our timestamps are the owner's and this."""
    next_timestamp: int | None = None
    """Of ours, where the next packet goes on if nothing was silent in between."""
    at: float = 0.0
    """When the last packet was sent."""


class RelayedSound:
    """Packets and changes come from the event loop, in one order; all else is the thread's."""

    def __init__(self, fanout: Fanout, frames: int, dropped: Callable[[str], None]) -> None:
        """`frames`: of a packet to the audience, where a listener does not want fewer."""
        self.fanout = fanout
        self._frames = frames
        self._dropped = dropped
        self._programs = Programs()
        self._spaces: dict[str, dict[int, Relayed]] = {}
        self._ssrcs: dict[str, int] = {}
        self._goes_on: dict[str, tuple[int, float]] = {}
        self._queue: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="relayed", daemon=True)

    # --- from the event loop's thread

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def post(self, command: Callable[..., None], *arguments: Any) -> None:
        """Have a method of this object called, after all that was posted before."""
        self._queue.put((command, arguments))

    def packet(self, packet: RelayPacket) -> None:
        """Of a Space's owner."""
        self._queue.put((self.send_on, (packet,)))

    def timestamp(self, listener: Listener) -> int:
        """RTP timestamp of what is heard now."""
        relayed = self._relayed_of(listener)
        if relayed is None or relayed.next_timestamp is None:
            return 0
        return (relayed.next_timestamp + int((time.monotonic() - relayed.at) * SAMPLE_RATE)) & 0xFFFFFFFF

    def sent_to(self, listener: Listener) -> tuple[int, int]:
        """(packets, bytes of their payloads) sent to a listener since he was first attached."""
        row = listener.row
        if row < 0:
            return listener.packets, listener.octets
        return listener.packets + int(self.fanout.rows.sent[row]), listener.octets + int(self.fanout.rows.octets[row])

    # --- on the thread

    def open_space(self, name: str, ssrc: int, goes_on: tuple[int, float] | None = None) -> None:
        """`goes_on`: its listeners have heard it from here: the timestamp of their next frame, and when that is due."""
        self._spaces.setdefault(name, {})
        self._ssrcs[name] = ssrc
        if goes_on is not None:
            self._goes_on[name] = goes_on

    def close_space(self, name: str) -> None:
        for relayed in self._spaces.pop(name, {}).values():
            for listener in list(relayed.listeners):
                self._detach(relayed, listener)
            self._programs.give_back(relayed.row)
        self._ssrcs.pop(name, None)
        self._goes_on.pop(name, None)

    def attach(
        self, listener: Listener, payload_type: int, path: WirePath, packet_milliseconds_max: int | None = None
    ) -> None:
        """Begin, or go on, sending the mix to a listener."""
        if listener.space not in self._spaces or listener.row >= 0:
            return
        listener.packet_frames = frames_for(packet_milliseconds_max, self._frames)
        relayed = self._relayed(listener.space, listener.packet_frames)
        listener.row = self.fanout.add(listener.keys, payload_type, path)
        self.fanout.rows.red_payload_type[listener.row] = listener.red_payload_type
        sequence = int(self._programs.rows.state[relayed.row]["sequence"])
        self.fanout.rows.offset[listener.row] = (listener.next_sequence - sequence) & 0xFFFF
        relayed.listeners.append(listener)
        relayed.layout = None

    def detach(self, listener: Listener) -> None:
        relayed = self._relayed_of(listener)
        if relayed is not None and listener.row >= 0:
            self._detach(relayed, listener)

    def move(self, listener: Listener, path: WirePath) -> None:
        """The listener's network path has changed."""
        if listener.row >= 0:
            self.fanout.set_path(listener.row, path)

    def set_redundancy(self, listener: Listener, red_payload_type: int) -> None:
        """Send RED under that payload type from now on; 0: plain Opus."""
        listener.red_payload_type = red_payload_type
        if listener.row >= 0:
            self.fanout.rows.red_payload_type[listener.row] = red_payload_type

    def send_on(self, packet: RelayPacket) -> None:
        if packet.space not in self._spaces:
            return
        relayed = self._relayed(packet.space, packet.frames)
        try:
            ahead = relayed.succession.take(packet)
        except RemoteError as error:
            self._dropped(error.cause)
            return
        now, state = time.monotonic(), self._programs.rows.state[relayed.row]
        length = packet.frames * FRAME
        if ahead == 0 and relayed.next_timestamp is not None:  # another owner's clock: the listener hears of no change
            silent = max(0, int((now - relayed.at) * SAMPLE_RATE) - length)
            relayed.offset = relayed.next_timestamp + silent // FRAME * FRAME - packet.timestamp
        elif 1 < ahead <= GAP_PACKETS_MAX:
            state["sequence"] = (int(state["sequence"]) + ahead - 1) & 0xFFFF
        timestamp = (packet.timestamp + relayed.offset) & 0xFFFFFFFF
        if relayed.next_timestamp is None or timestamp != relayed.next_timestamp & 0xFFFFFFFF:
            state["resting"] = 1  # a talk spurt begins
        state["timestamp"], state["bytes"] = timestamp, len(packet.payload)
        state["red_bytes"] = state["red_blocks"] = state["collected"] = 0
        self._programs.rows.payload[relayed.row, : len(packet.payload)] = np.frombuffer(packet.payload, np.uint8)
        relayed.next_timestamp, relayed.at = timestamp + length, now
        if relayed.layout is None:
            rows = [listener.row for listener in relayed.listeners]
            relayed.layout = (np.array(rows, np.int32), np.full(len(rows), relayed.row, np.int32))
        due = np.array([relayed.row], np.int32)
        fan_out(*relayed.layout, due, self._programs.rows, self.fanout.rows, self.fanout.outgoing)

    def _relayed(self, space: str, frames: int) -> Relayed:
        relayed = self._spaces[space].get(frames)
        if relayed is None:
            row = self._programs.take(0, -1, self._ssrcs[space], frames=frames)
            relayed = self._spaces[space][frames] = Relayed(row, frames)
            if space in self._goes_on:
                relayed.next_timestamp, relayed.at = self._goes_on[space]
        return relayed

    def _relayed_of(self, listener: Listener) -> Relayed | None:
        return self._spaces.get(listener.space, {}).get(listener.packet_frames)

    def _detach(self, relayed: Relayed, listener: Listener) -> None:
        sequence = int(self._programs.rows.state[relayed.row]["sequence"])
        listener.next_sequence = (sequence + int(self.fanout.rows.offset[listener.row])) & 0xFFFF
        listener.packets, listener.octets = self.sent_to(listener)
        relayed.listeners.remove(listener)
        relayed.layout = None
        self.fanout.remove(listener.row)
        listener.row = -1

    def _run(self) -> None:
        prefer_this_thread()
        while (order := self._queue.get()) is not None:
            command, arguments = order
            try:
                command(*arguments)
            except Exception:  # a bug met at one listener does not silence the others
                log.exception("relayed_sound_failed", command=command.__name__)


def frames_for(packet_milliseconds_max: int | None, usual: int) -> int:
    """Frames in a packet to somebody who wants none that are longer."""
    if packet_milliseconds_max is None:
        return usual
    return max(1, min(usual, packet_milliseconds_max * SAMPLE_RATE // (1_000 * FRAME)))
