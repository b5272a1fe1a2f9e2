"""One tick of all sound of a node: packets in, play, mix, encode once, fan out. Time is a parameter.

Everything runs on the audio thread. The event loop queues changes with `post`, which are applied between ticks in order,
and packets with `packet`. Per tick Python gathers the packets and calls compiled code once (frame.make_frames).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from spaces.mixing.frame import make_frames
from spaces.mixing.jitter import PACKET
from spaces.mixing.opus import FRAME, SAMPLE_RATE, Decoder, Encoder
from spaces.mixing.phases import PAUSE_SECONDS, PHASES, TICK_SAMPLES, Phases
from spaces.mixing.programs import Programs
from spaces.mixing.render import Layout, Rules, new_scratch
from spaces.mixing.sound import Listener, Program, Source, SpaceSound
from spaces.mixing.speakers import Speakers
from spaces.sfu.fanout import Fanout, WirePath

INBOX_PACKETS_MAX = 65_536
"""Packets of all speakers waiting for a tick; each speaker's rate is bounded before (sfu.uplink)."""


@dataclass(frozen=True, slots=True)
class SoundSettings:
    mixed: int
    bitrate: int
    expected_loss_percent: int
    delay_seconds_min: float = 0.0
    delay_seconds_max: float = 0.2
    levelling: bool = True
    packet_frames: int = 1
    """Frames in a packet to the audience, 1 to PACKET_FRAMES_MAX."""


class Made(NamedTuple):
    """A packet of the mix that everybody hears, for the listeners of other nodes."""

    space: str
    frames: int
    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Phase:
    """The Spaces that have their frames in one phase, for Python and for compiled code."""

    spaces: list[SpaceSound]
    layout: Layout


def _layout(live: list[SpaceSound]) -> Layout:
    programs = [program for space in live for program in space.programs.values()]
    rows = np.array([program.row for program in programs], np.int32)
    return Layout(
        speaker_start=_starts([len(space.sources) for space in live]),
        speaker_rows=np.array([s.row for space in live for s in space.sources], np.int32),
        program_start=_starts([len(space.programs) for space in live]),
        program_rows=rows,
        order=np.array([row for program in programs for row in program.rows], np.int32),
        which=np.repeat(rows, np.array([len(program.rows) for program in programs], np.int64)),
    )


def _starts(counts: list[int]) -> np.ndarray:
    return np.array([0, *accumulate(counts)], np.int32)


REST_TICKS_MAX = 40
"""Where nobody speaks or listens."""


class AudioEngine:
    def __init__(self, fanout: Fanout, settings: SoundSettings, first_timestamp: int) -> None:
        self.fanout = fanout
        self._settings = settings
        self._commands: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._inbox: deque[bytes] = deque(maxlen=INBOX_PACKETS_MAX)
        self._spaces: dict[str, SpaceSound] = {}
        self._phases: list[_Phase | None] = [None] * PHASES
        self._talks: deque[tuple[Source, float]] = deque(maxlen=INBOX_PACKETS_MAX)
        self._owners: dict[str, int] = {}
        self._speakers = Speakers()
        self._programs = Programs()
        self._timing = Phases(self._speakers, self._programs, settings.delay_seconds_min, self._forget_layouts)
        self._rules = Rules(settings.mixed, settings.delay_seconds_min, settings.delay_seconds_max, settings.levelling)
        self._scratch = new_scratch(len(self._speakers.rows.state))
        self._first_timestamp = first_timestamp
        self._owner_numbers = 0
        self.ticks = 0
        self.skipped = 0
        self.wake: Callable[[], None] = lambda: None
        """Called when there is something that the next tick should not be rested through for."""
        self._relays: set[str] = set()
        """Spaces of which other nodes have listeners."""
        self.relayed: Callable[[list[Made]], None] = lambda made: None
        """Called on the audio thread with what was made in a tick of those Spaces."""
        self.off_air_at = math.inf
        """Published: with several nodes, the first of the deadlines: whose node has had no word by then is not on air."""
        self.deadlines: Mapping[str, float] | None = None
        """Published: of each Space, by the clock of `tick`; with several nodes one that has none is not on air."""
        self._silent: frozenset[str] = frozenset()

    # --- from the event loop's thread

    def post(self, command: Callable[..., None], *arguments: Any) -> None:
        """Have a method of this engine called before the next tick."""
        self._commands.append((command, arguments))
        self.wake()

    def packet(
        self, source: Source, sequence: int, timestamp: int, payload: bytes, samples: int, at: float, behind: int = 0
    ) -> None:
        """One packet of a speaker: extended sequence, timestamp as on the wire, Opus payload, its samples, arrival.

        A copy (RED) is so many samples `behind` the packet that it came with. Until the next tick gives a new source its
        row, at most 5 ms, there is no decoder for what it sends, and no listener who has heard it begin: it is left out.
        """
        if source.row >= 0:
            size = len(payload)
            header = PACKET.pack(source.row, source.tenure, sequence, timestamp, samples, behind, size, at)
            self._inbox.append(header + payload)
            if at - source.heard_at > PAUSE_SECONDS:
                self._talks.append((source, at))
                self.wake()
            source.heard_at = at

    def timestamp(self, listener: Listener) -> int:
        """RTP timestamp of a listener's next frame."""
        program = listener.program
        return 0 if program is None else int(self._programs.rows.state[program.row]["clock"]) & 0xFFFFFFFF

    def measured(self, source: Source) -> tuple[float, float]:
        """(dBFS of the source's last frame, when it was played); nothing was played yet: (…, 0.0)."""
        row = source.row
        if row < 0:
            return -127.0, 0.0
        dbfs, measured_at = self._speakers.measured
        return dbfs.item(row), measured_at.item(row)

    def counts(self) -> dict[str, int]:
        """What became of speakers' packets so far (speakers.COUNTS)."""
        return self._speakers.counts()

    def sent_to(self, listener: Listener) -> tuple[int, int]:
        """(packets, bytes of their payloads) sent to a listener since he was first attached."""
        row = listener.row
        if row < 0:
            return listener.packets, listener.octets
        return listener.packets + int(self.fanout.rows.sent[row]), listener.octets + int(self.fanout.rows.octets[row])

    # --- changes, applied between ticks

    def open_space(self, name: str, ssrc: int) -> None:
        space = self._spaces[name] = SpaceSound(name, ssrc, self._settings.expected_loss_percent)
        space.clock = (self._first_timestamp, self.ticks)

    def close_space(self, name: str) -> None:
        space = self._spaces.pop(name)
        for listener in list(space.listeners):
            self._detach(space, listener)
        self._relays.discard(name)
        for count in space.relayed:
            self._programs.give_back(space.programs.pop((None, count)).row)
        for source in space.sources:
            self._release(source)
        self._forget_layouts()

    def hand_off(self, name: str, over: Callable[[int], None]) -> None:
        """Close it: another makes its mix from now on. `over` is called on the audio thread, with where its timestamps end."""
        clock = self._clock(self._spaces[name])
        self.close_space(name)
        over(clock & 0xFFFFFFFF)

    def add_source(self, source: Source) -> None:
        space = self._spaces.get(source.space)
        if space is None:
            return
        source.decoder = Decoder()
        self._owner_numbers += 1
        number = self._owners.setdefault(source.owner, self._owner_numbers)
        source.row = self._speakers.take(source.decoder.address, number)
        record = self._speakers.rows.state[source.row]
        record["muted"] = source.muted
        record["always"] = source.always
        source.tenure = int(record["tenure"])
        space.sources.append(source)
        self._forget_layouts()
        self._rehome(space, source.owner)

    def remove_source(self, source: Source) -> None:
        space = self._spaces.get(source.space)
        if space is None or source not in space.sources:
            return
        space.sources.remove(source)
        self._release(source)
        self._forget_layouts()
        self._rehome(space, source.owner)

    def mute_source(self, source: Source, muted: bool) -> None:
        source.muted = muted
        if source.row >= 0:
            self._speakers.rows.state[source.row]["muted"] = muted

    def attach(
        self, listener: Listener, payload_type: int, path: WirePath, packet_milliseconds_max: int | None = None
    ) -> None:
        """Begin, or go on, sending the mix to a listener, who may want no long packets (but gets 20 ms at least)."""
        space = self._spaces.get(listener.space)
        if space is None or listener.row >= 0:
            return
        if not space.programs:  # nobody has listened: what speakers sent meanwhile is old
            for source in space.sources:
                self._speakers.reset(source.row)
        listener.row = self.fanout.add(listener.keys, payload_type, path)
        self.fanout.rows.red_payload_type[listener.row] = listener.red_payload_type
        space.listeners.append(listener)
        listener.packet_frames = self._settings.packet_frames
        if packet_milliseconds_max is not None:
            wanted = packet_milliseconds_max * SAMPLE_RATE // (1_000 * FRAME)
            listener.packet_frames = max(1, min(listener.packet_frames, wanted))
        self._join_program(space, listener, self._program(space, listener))

    def detach(self, listener: Listener) -> None:
        space = self._spaces.get(listener.space)
        if space is not None and listener.row >= 0:
            self._detach(space, listener)

    def move(self, listener: Listener, path: WirePath) -> None:
        """The listener's network path has changed."""
        if listener.row >= 0:
            self.fanout.set_path(listener.row, path)

    def set_redundancy(self, listener: Listener, red_payload_type: int) -> None:
        """Send RED under that payload type from now on; 0: plain Opus."""
        listener.red_payload_type = red_payload_type
        if listener.row >= 0:
            self.fanout.rows.red_payload_type[listener.row] = red_payload_type

    def set_expected_loss(self, name: str, percent: int) -> None:
        """Make the in-band FEC of a Space's programs for that loss."""
        space = self._spaces.get(name)
        if space is not None and space.expected_loss_percent != percent:
            space.expected_loss_percent = percent
            for program in space.programs.values():
                program.encoder.set_expected_loss(percent)

    def relay(self, name: str, frames: set[int]) -> None:
        """Hand out the mix that everybody hears, in packets of so many frames, whether or not somebody here listens."""
        space = self._spaces.get(name)
        if space is None:
            return
        if frames and not space.programs:
            for source in space.sources:
                self._speakers.reset(source.row)
        for count in frames - space.relayed:
            self._program_of(space, None, count, like=None)
        gone, space.relayed = space.relayed - frames, frames
        for count in gone:
            if not space.programs[None, count].rows:
                self._end_program(space, space.programs[None, count])
        (self._relays.add if frames else self._relays.discard)(name)
        self._forget_layouts()

    def _detach(self, space: SpaceSound, listener: Listener) -> None:
        self._leave_program(space, listener)
        space.listeners.remove(listener)
        listener.packets, listener.octets = self.sent_to(listener)
        self.fanout.remove(listener.row)
        listener.row = -1

    def _release(self, source: Source) -> None:
        self._speakers.give_back(source.row)
        source.row, source.decoder = -1, None
        if not any(s.owner == source.owner for space in self._spaces.values() for s in space.sources):
            self._owners.pop(source.owner, None)

    def _rehome(self, space: SpaceSound, owner: str) -> None:
        """A listener who has become a speaker, or ceased to be one, changes to the mix that suits him."""
        for listener in space.listeners:
            if listener.owner == owner:
                program = self._program(space, listener)
                self._leave_program(space, listener)
                self._join_program(space, listener, program)

    def _program(self, space: SpaceSound, listener: Listener) -> Program:
        """The mix that suits a listener."""
        speaks = any(s.owner == listener.owner for s in space.sources)
        return self._program_of(
            space, listener.owner if speaks else None, listener.packet_frames, like=listener.program
        )

    def _program_of(self, space: SpaceSound, without: str | None, frames: int, *, like: Program | None) -> Program:
        program = space.programs.get((without, frames))
        if program is None:
            encoder = Encoder(self._settings.bitrate, expected_loss_percent=space.expected_loss_percent)
            number = self._owners[without] if without is not None else -1
            row = self._programs.take(
                encoder.address,
                number,
                space.ssrc,
                self._clock(space),
                frames=frames,
                collected=space.frames % frames,
            )
            if like is not None:
                self._programs.begin_like(row, like.row)
            program = space.programs[without, frames] = Program(without, frames, row, encoder)
        return program

    def _join_program(self, space: SpaceSound, listener: Listener, program: Program) -> None:
        listener.program = program
        program.rows.append(listener.row)
        sequence = int(self._programs.rows.state[program.row]["sequence"])
        self.fanout.rows.offset[listener.row] = (listener.next_sequence - sequence) & 0xFFFF
        self._forget_layouts()

    def _leave_program(self, space: SpaceSound, listener: Listener) -> None:
        program = listener.program
        assert program is not None
        sequence = int(self._programs.rows.state[program.row]["sequence"])
        listener.next_sequence = (sequence + int(self.fanout.rows.offset[listener.row])) & 0xFFFF
        program.rows.remove(listener.row)
        listener.program = None
        if not program.rows and not (program.without is None and program.packet_frames in space.relayed):
            self._end_program(space, program)
        self._forget_layouts()

    def _end_program(self, space: SpaceSound, program: Program) -> None:
        space.clock = (self._clock(space), self.ticks)
        del space.programs[program.without, program.packet_frames]
        self._programs.give_back(program.row)

    def _clock(self, space: SpaceSound) -> int:
        """The Space's sample clock, at its next frame. It goes on while nobody listens."""
        for program in space.programs.values():
            return int(self._programs.rows.state[program.row]["clock"])
        clock, at = space.clock
        return clock + (self.ticks - at) * TICK_SAMPLES

    def _forget_layouts(self) -> None:
        self._phases = [None] * PHASES

    def _phase(self, number: int) -> _Phase:
        phase = self._phases[number]
        if phase is None:
            audible = [space for space in self._spaces.values() if space.name not in self._silent]
            live = [space for space in audible if space.programs and space.phase == number]
            phase = self._phases[number] = _Phase(live, _layout(live))
            if len(self._scratch.gain_to) < len(self._speakers.rows.state):
                self._scratch = new_scratch(len(self._speakers.rows.state))
        return phase

    # --- the tick

    def tick(self, now: float, *, due: float | None = None, skipped: int = 0) -> float | None:
        """One tick, that is a frame of every Space in its phase; when its last datagram had left (CLOCK_MONOTONIC).

        None: no Space with a listener had a frame. `due` is when the tick was to begin, `skipped` how many before it were
        missed (the process was stopped): their time passes unheard.
        """
        self.apply()
        if skipped:
            self.ticks += skipped
            self.skipped += skipped
            for space in self._spaces.values():
                for program in space.programs.values():
                    self._programs.rows.state[program.row]["clock"] += skipped * TICK_SAMPLES
                    self._programs.rows.state[program.row]["timestamp"] += skipped * TICK_SAMPLES
        self._timing.settle(self.ticks)
        while self._talks:
            source, arrival = self._talks.popleft()
            if (talked_in := self._spaces.get(source.space)) is not None:
                self._timing.talk_begins(talked_in, arrival, now if due is None else due, self.ticks)
        if (deadlines := self.deadlines) is not None:
            known = self._spaces.keys() <= deadlines.keys()
            if now >= self.off_air_at or self._silent or not known:
                self._fall_silent(deadlines, now)
        number = self.ticks % PHASES
        phase, sent_at = self._phase(number), None
        # Packets wait for a frame that may need them, if there is any.
        packets = self._arrived() if phase.spaces or not self._is_listened_to() else b""
        if packets or phase.spaces:
            left_at = make_frames(
                np.frombuffer(packets, np.uint8),
                now,
                self._rules,
                phase.layout,
                self._speakers.rows,
                self._programs.rows,
                self._scratch,
                self.fanout.rows,
                self.fanout.outgoing,
            )
            sent_at = left_at if phase.spaces else None
        for space in phase.spaces:
            self._timing.frame_made(space, now, self.ticks)
        if self._relays:
            self._hand_out(phase.spaces)
        self.ticks += 1
        return sent_at

    def _fall_silent(self, deadlines: Mapping[str, float], now: float) -> None:
        silent = frozenset(name for name in self._spaces if deadlines.get(name, -math.inf) <= now)
        if silent != self._silent:
            self._silent = silent
            self._forget_layouts()

    def _hand_out(self, spaces: list[SpaceSound]) -> None:
        made = []
        for space in spaces:
            for frames in space.relayed:
                row = space.programs[None, frames].row
                state = self._programs.rows.state[row]
                if size := int(state["bytes"]):
                    payload = self._programs.rows.payload[row, :size].tobytes()
                    made.append(Made(space.name, frames, int(state["timestamp"]), payload))
        if made:
            self.relayed(made)

    def rest(self) -> int:
        """In how many ticks from the next one on there will be nothing to do, unless `wake` is called."""
        if self._commands or self._talks or self._timing.moving:
            return 0
        for number in range(PHASES):
            if self._phase((self.ticks + number) % PHASES).spaces:
                return number
        return PHASES - 1 if any(space.sources for space in self._spaces.values()) else REST_TICKS_MAX

    def rested(self, ticks: int) -> None:
        """So many ticks were due in which nothing was to do."""
        self.ticks += ticks

    def _is_listened_to(self) -> bool:
        return any(self._phase(number).spaces for number in range(PHASES))

    def _arrived(self) -> bytes:
        return b"".join([self._inbox.popleft() for _ in range(len(self._inbox))])

    def apply(self) -> None:
        """Apply what was posted."""
        for _ in range(len(self._commands)):
            command, arguments = self._commands.popleft()
            command(*arguments)
