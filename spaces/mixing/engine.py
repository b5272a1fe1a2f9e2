"""One tick of all sound of a node: packets in, decode, choose, mix, encode once, fan out. Time is a parameter.

Everything runs on the audio thread. The event loop queues changes with `post`; they are applied between ticks, in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spaces.mixing.jitter import Stretch
from spaces.mixing.kernels import LOOKAHEAD, PCM_SAMPLES, consume, decode_all, encode_all, mix, powers
from spaces.mixing.level import dbfs
from spaces.mixing.opus import FRAME, PACKET_BYTES_MAX, Decoder, Encoder
from spaces.mixing.sound import Listener, Program, Source, SpaceSound
from spaces.sfu.fanout import Fanout, WirePath

TICK_SECONDS = 0.020
IDLE_AFTER_TICKS = 50
"""A second without sound: from then on only every `IDLE_EVERY_TICKS` a frame is mixed and encoded."""
IDLE_EVERY_TICKS = 20
"""One packet in 400 ms keeps browsers from muting the track; it is also libopus's own pace of DTX."""


@dataclass(frozen=True, slots=True)
class SoundSettings:
    mixed: int
    bitrate: int
    expected_loss_percent: int


class _Jobs:
    """Decode jobs of one tick, in arrays that grow."""

    def __init__(self, capacity: int = 64) -> None:
        self.count = 0
        self._allocate(capacity)

    def _allocate(self, capacity: int) -> None:
        self.row = np.zeros(capacity, np.int32)
        self.data = np.zeros((capacity, PACKET_BYTES_MAX), np.uint8)
        self.length = np.zeros(capacity, np.int32)
        self.samples = np.zeros(capacity, np.int32)
        self.fec = np.zeros(capacity, np.uint8)
        self.squeeze = np.zeros(capacity, np.uint8)

    def _columns(self) -> list[np.ndarray]:
        return [self.row, self.data, self.length, self.samples, self.fec, self.squeeze]

    def add(self, row: int, stretch: Stretch) -> None:
        j = self.count
        if j == len(self.row):
            old = self._columns()
            self._allocate(2 * j)
            for source, target in zip(old, self._columns(), strict=True):
                target[:j] = source
        self.row[j] = row
        if stretch.payload is None:
            self.length[j] = 0
        else:
            self.length[j] = len(stretch.payload)
            self.data[j, : len(stretch.payload)] = np.frombuffer(stretch.payload, np.uint8)
        self.samples[j] = stretch.samples
        self.fec[j] = stretch.fec
        self.squeeze[j] = stretch.squeeze
        self.count = j + 1


class AudioEngine:
    def __init__(self, fanout: Fanout, settings: SoundSettings, first_timestamp: int) -> None:
        self.fanout = fanout
        self._settings = settings
        self._commands: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._spaces: dict[str, SpaceSound] = {}
        self._jobs = _Jobs()
        self._pcm = np.zeros((16, PCM_SAMPLES), np.float32)
        self._fill = np.zeros(16, np.int32)
        self._decoders = np.zeros(16, np.uint64)
        self._free_rows = list(range(15, -1, -1))
        self._delay = np.zeros((16, LOOKAHEAD), np.float32)
        self._gain = np.ones(16, np.float32)
        self._free_slots = list(range(15, -1, -1))
        self._failed = np.zeros(1, np.int32)
        self._first_timestamp = first_timestamp
        self.ticks = 0
        self.malformed = 0

    # --- from any thread

    def post(self, command: Callable[..., None], *arguments: Any) -> None:
        """Have a method of this engine called before the next tick."""
        self._commands.append((command, arguments))

    def timestamp(self) -> int:
        """RTP timestamp of the next tick: one clock for all programs, so that a listener may change between them."""
        return (self._first_timestamp + self.ticks * FRAME) & 0xFFFFFFFF

    def sent_to(self, listener: Listener) -> tuple[int, int]:
        """(packets, bytes of their payloads) sent to a listener since he was first attached."""
        row = listener.row
        if row < 0:
            return listener.packets, listener.octets
        return listener.packets + int(self.fanout.sent[row]), listener.octets + int(self.fanout.octets[row])

    # --- changes, applied between ticks

    def open_space(self, name: str, ssrc: int) -> None:
        self._spaces[name] = SpaceSound(name, ssrc, self._settings.mixed)

    def close_space(self, name: str) -> None:
        space = self._spaces.pop(name)
        for listener in list(space.listeners):
            self._detach(space, listener)
        for source in space.sources:
            self._release_row(source)

    def add_source(self, source: Source) -> None:
        space = self._spaces.get(source.space)
        if space is None:
            return
        if not self._free_rows:
            self._grow_rows()
        source.row = self._free_rows.pop()
        source.decoder = Decoder()
        self._decoders[source.row] = source.decoder.address
        self._fill[source.row] = 0
        space.sources.append(source)
        self._rehome(space, source.owner)

    def remove_source(self, source: Source) -> None:
        space = self._spaces.get(source.space)
        if space is None or source not in space.sources:
            return
        space.sources.remove(source)
        space.loudest.remove(source)
        self._release_row(source)
        self._rehome(space, source.owner)

    def mute_source(self, source: Source, muted: bool) -> None:
        source.muted = muted
        source.inbox.clear()
        source.jitter.clear()

    def attach(self, listener: Listener, payload_type: int, path: WirePath) -> None:
        """Begin, or go on, sending the mix to a listener."""
        space = self._spaces.get(listener.space)
        if space is None or listener.row >= 0:
            return
        listener.row = self.fanout.add(listener.context, payload_type, path)
        space.listeners.append(listener)
        self._join_program(space, listener)

    def detach(self, listener: Listener) -> None:
        space = self._spaces.get(listener.space)
        if space is not None and listener.row >= 0:
            self._detach(space, listener)

    def move(self, listener: Listener, path: WirePath) -> None:
        """The listener's network path has changed."""
        if listener.row >= 0:
            self.fanout.set_path(listener.row, path)

    def _detach(self, space: SpaceSound, listener: Listener) -> None:
        self._leave_program(space, listener)
        space.listeners.remove(listener)
        listener.packets, listener.octets = self.sent_to(listener)
        self.fanout.remove(listener.row)
        listener.row = -1

    def _rehome(self, space: SpaceSound, owner: str) -> None:
        """A listener who has become a speaker, or ceased to be one, changes to the mix that suits him."""
        for listener in space.listeners:
            if listener.owner == owner:
                self._leave_program(space, listener)
                self._join_program(space, listener)

    def _join_program(self, space: SpaceSound, listener: Listener) -> None:
        without = listener.owner if any(s.owner == listener.owner for s in space.sources) else None
        program = space.programs.get(without)
        if program is None:
            program = space.programs[without] = self._new_program(without)
        listener.program = program
        program.rows.append(listener.row)
        program.row_array = None
        self.fanout.offset[listener.row] = (listener.next_sequence - program.sequence) & 0xFFFF

    def _leave_program(self, space: SpaceSound, listener: Listener) -> None:
        program = listener.program
        assert program is not None
        listener.next_sequence = (program.sequence + int(self.fanout.offset[listener.row])) & 0xFFFF
        program.rows.remove(listener.row)
        program.row_array = None
        listener.program = None
        if not program.rows:
            del space.programs[program.without]
            self._free_slots.append(program.slot)

    def _new_program(self, without: str | None) -> Program:
        if not self._free_slots:
            n = len(self._gain)
            self._delay = np.concatenate([self._delay, np.zeros_like(self._delay)])
            self._gain = np.concatenate([self._gain, np.ones_like(self._gain)])
            self._free_slots = list(range(2 * n - 1, n - 1, -1))
        slot = self._free_slots.pop()
        self._delay[slot] = 0.0
        self._gain[slot] = 1.0
        encoder = Encoder(self._settings.bitrate, expected_loss_percent=self._settings.expected_loss_percent)
        return Program(without, slot, encoder)

    def _grow_rows(self) -> None:
        n = len(self._fill)
        self._pcm = np.concatenate([self._pcm, np.zeros_like(self._pcm)])
        self._fill = np.concatenate([self._fill, np.zeros_like(self._fill)])
        self._decoders = np.concatenate([self._decoders, np.zeros_like(self._decoders)])
        self._free_rows = list(range(2 * n - 1, n - 1, -1))

    def _release_row(self, source: Source) -> None:
        self._decoders[source.row] = 0
        self._free_rows.append(source.row)
        source.row = -1
        source.decoder = None

    # --- the tick

    def tick(self, now: float, *, skipped: int = 0) -> None:
        """One tick; `skipped` is how many before it were missed (the process was stopped): their time passes unheard."""
        self.apply()
        self.ticks += skipped
        live = [space for space in self._spaces.values() if space.programs]
        self._decode(live, now)
        programs: list[tuple[SpaceSound, Program]] = []
        members: list[list[tuple[int, float, float]]] = []
        heard: list[int] = []
        for space in live:
            sounding = [s for s in space.sources if self._fill[s.row] > 0]
            heard += [s.row for s in sounding]
            self._choose(space, sounding, now)
            for program in space.programs.values():
                parts = self._parts(space, sounding, program.without)
                program.idle_ticks = 0 if parts else program.idle_ticks + 1
                if program.idle_ticks < IDLE_AFTER_TICKS or program.idle_ticks % IDLE_EVERY_TICKS == 0:
                    programs.append((space, program))
                    members.append(parts)
                else:
                    program.resting = True
            for source in sounding:
                source.gain = self._wanted_gain(space, source)
        if programs:
            self._send(programs, members)
        if heard:
            consume(np.array(heard, np.int32), self._pcm, self._fill)
        self.ticks += 1

    def apply(self) -> None:
        """Apply what was posted."""
        for _ in range(len(self._commands)):
            command, arguments = self._commands.popleft()
            command(*arguments)

    def _decode(self, live: list[SpaceSound], now: float) -> None:
        """Bring every source of the Spaces that are heard to at least one frame, if it has sound."""
        jobs = self._jobs
        jobs.count = 0
        for space in live:
            for source in space.sources:
                inbox, jitter = source.inbox, source.jitter
                while inbox:
                    jitter.insert(*inbox.popleft())
                have = int(self._fill[source.row])
                while have < FRAME:
                    stretch = jitter.pull(now)
                    if stretch is None:
                        break
                    jobs.add(source.row, stretch)
                    if not stretch.squeeze:
                        have += stretch.samples
        if jobs.count:
            n = jobs.count
            decode_all(
                jobs.row[:n],
                jobs.data,
                jobs.length,
                jobs.samples,
                jobs.fec,
                jobs.squeeze,
                self._decoders,
                self._pcm,
                self._fill,
                self._failed,
            )
            self.malformed += int(self._failed[0])
            self._failed[0] = 0
        for space in live:
            for source in space.sources:
                have = int(self._fill[source.row])
                if 0 < have < FRAME:  # the last bit before a pause
                    self._pcm[source.row, have:FRAME] = 0.0
                    self._fill[source.row] = FRAME

    def _choose(self, space: SpaceSound, sounding: list[Source], now: float) -> None:
        """Measure who sounds, and let the loudest have the mix."""
        if not sounding:
            return
        power = np.empty(len(sounding), np.float64)
        powers(np.array([s.row for s in sounding], np.int32), self._pcm, power)
        for source, mean_square in zip(sounding, power, strict=True):
            source.measured_dbfs = dbfs(mean_square)
            source.measured_at = now
            space.loudest.observe(source, source.measured_dbfs, TICK_SECONDS, now)

    def _wanted_gain(self, space: SpaceSound, source: Source) -> float:
        return 0.0 if source.muted or space.loudest.slot_of(source) is None else 1.0

    def _parts(self, space: SpaceSound, sounding: list[Source], without: str | None) -> list[tuple[int, float, float]]:
        """(row, gain at the frame's start, at its end) of those who are heard in a program."""
        parts = []
        for source in sounding:
            wanted = self._wanted_gain(space, source)
            if (wanted or source.gain) and source.owner != without:
                parts.append((source.row, source.gain, wanted))
        return parts

    def _send(self, programs: list[tuple[SpaceSound, Program]], members: list[list[tuple[int, float, float]]]) -> None:
        """Mix, encode and fan out one frame of each program."""
        count = len(programs)
        width = max(1, max(map(len, members)))
        rows = np.full((count, width), -1, np.int32)
        gains = np.zeros((2, count, width), np.float32)
        for p, parts in enumerate(members):
            for m, (row, start, end) in enumerate(parts):
                rows[p, m], gains[0, p, m], gains[1, p, m] = row, start, end
        slots = np.array([program.slot for _, program in programs], np.int32)
        encoders = np.array([program.encoder.address for _, program in programs], np.uint64)
        mixed = np.empty((count, FRAME), np.float32)
        payload = np.empty((count, PACKET_BYTES_MAX), np.uint8)
        length = np.empty(count, np.int32)
        mix(rows, gains[0], gains[1], self._pcm, slots, self._delay, self._gain, mixed)
        encode_all(encoders, mixed, payload, length)
        self._fan_out(programs, payload, length)

    def _fan_out(self, programs: list[tuple[SpaceSound, Program]], payload: np.ndarray, length: np.ndarray) -> None:
        count = len(programs)
        sequence = np.array([program.sequence for _, program in programs], np.uint16)
        marker = np.array([0x80 if program.resting else 0 for _, program in programs], np.uint8)
        ssrc = np.array([space.ssrc for space, _ in programs], np.uint32)
        timestamp = np.full(count, self.timestamp(), np.uint32)
        order = np.concatenate([program.row_indices() for _, program in programs])
        which = np.repeat(np.arange(count, dtype=np.int32), [len(program.rows) for _, program in programs])
        self.fanout.send(order, which, payload, length, sequence, marker, timestamp, ssrc)
        for (_, program), n in zip(programs, length.tolist(), strict=True):
            program.resting = n == 0
            if n:
                program.sequence = (program.sequence + 1) & 0xFFFF
