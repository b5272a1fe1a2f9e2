"""One media session: an ICE path, a DTLS association, and what flows through it. Implements session.MediaSession."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pylibsrtp import Session

from spaces.errors import LocalError, RemoteError
from spaces.mixing.engine import AudioEngine
from spaces.mixing.sound import Listener, Source
from spaces.sfu.dtls import DtlsEndpoint
from spaces.sfu.fanout import WirePath
from spaces.sfu.forward import FIRST_SEQUENCE_MAX, SlotStream
from spaces.sfu.ice_lite import IcePeer, Path
from spaces.sfu.link import Link
from spaces.sfu.rtcp import (
    ReportBlock,
    goodbye,
    parse_rtcp_untrusted,
    receiver_report,
    sender_report,
    source_description,
)
from spaces.sfu.rtp import CLOCK_RATE
from spaces.sfu.session import Closed, Plan, Remote, Send, SessionStats, Spoken, Tap
from spaces.sfu.srtp import Keys, unprotect_rtcp_untrusted
from spaces.sfu.stage import Stage
from spaces.sfu.udp import UdpSocket
from spaces.sfu.uplink import Uplink

if TYPE_CHECKING:
    from spaces.metrics import Metrics

EARLY_PACKETS_MAX = 16
"""A client may speak as soon as his side of DTLS is done, before our leave is given. His first packets are kept: were the
last one before a wrap of his sequence lost, none after it could be decrypted."""
ADDRESSES_MAX = 4
"""Tuples of one peer whose packets are taken: the path and those before it, whose packets may still be on their way."""


@dataclass(slots=True, eq=False)
class SpaceMedia:
    """What the sessions of one Space share."""

    name: str
    mix_ssrc: int
    slot_ssrcs: tuple[int, ...]
    cname: str
    stage: Stage
    peers: dict[str, Peer]
    tap: Tap | None = None
    """Hears every speaker's packets too."""
    spoken: Callable[[Spoken], None] | None = None
    """So does another node."""


class Outlet(Protocol):
    """Where a listener's mix comes from: the audio engine, or what another node's engine has made (sfu.relayed)."""

    def post(self, command: Callable[..., None], *arguments: Any) -> None: ...
    def attach(
        self, listener: Listener, payload_type: int, path: WirePath, packet_milliseconds_max: int | None = None
    ) -> None: ...
    def detach(self, listener: Listener) -> None: ...
    def move(self, listener: Listener, path: WirePath) -> None: ...
    def set_redundancy(self, listener: Listener, red_payload_type: int) -> None: ...
    def timestamp(self, listener: Listener) -> int: ...
    def sent_to(self, listener: Listener) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The node's parts that a session works with."""

    udp: UdpSocket
    engine: AudioEngine
    outlet: Outlet
    metrics: Metrics
    monotonic: Callable[[], float]
    unix_time: Callable[[], float]
    begin_handshake: Callable[[Peer], None]
    end: Callable[[Peer], None]


class Peer:
    def __init__(
        self, space: SpaceMedia, owner: str, around: Surroundings, new_endpoint: Callable[..., DtlsEndpoint]
    ) -> None:
        now = around.monotonic()
        self.id = secrets.token_urlsafe(18)
        self.owner = owner
        self.space = space
        self.ufrag = secrets.token_hex(6)
        self.pwd = secrets.token_hex(16)
        self.cname = space.cname
        self.mix_ssrc = space.mix_ssrc
        self.slot_ssrcs = space.slot_ssrcs
        self.endpoint = new_endpoint(self._send)
        self.remote: Remote | None = None
        self.ice: IcePeer | None = None
        self.keys: Keys | None = None
        self.started_at = now
        self.heard_at = now
        self.reported_at = 0.0
        """When the last reports were sent."""
        self.addresses: deque[tuple[str, int]] = deque()
        self.ssrcs_in: set[int] = set()
        """What this client has sent with, authenticated."""
        self.on_closed: Callable[[Closed], None] = lambda _: None
        self.closed = False
        self.muted = False
        self._around = around
        self._plan = Plan()
        self._link = Link()
        self._own_ssrc = secrets.randbits(32)
        self._listener: Listener | None = None
        self._redundant = False
        self._early: list[bytes] = []
        self._uplink: Uplink | None = None
        self._slots: tuple[SlotStream, ...] = ()
        self._slots_out: Session | None = None
        self._rtp_in: Session | None = None
        self._rtcp_out: Session | None = None
        self._rtcp_in: Session | None = None

    # --- what signaling asks (session.MediaSession)

    @property
    def connected(self) -> bool:
        return self.keys is not None and not self.closed

    @property
    def receiving(self) -> bool:
        """This client is a speaker: he gets reports every second."""
        return self._uplink is not None

    @property
    def mix(self) -> Send | None:
        """What is sent of the mix, as planned."""
        return self._plan.mix

    def start(self, remote: Remote) -> None:
        if self.remote is not None:
            raise LocalError("a session is started once")
        self.remote = remote
        if self.path is not None:
            self._around.begin_handshake(self)

    def set_plan(self, plan: Plan) -> None:
        before, self._plan = self._plan, plan
        if self.connected:
            self._apply(before, plan)

    def set_muted(self, muted: bool) -> None:
        if muted == self.muted:
            return
        self.muted = muted
        if self._uplink is not None:
            self._around.engine.post(self._around.engine.mute_source, self._uplink.source, muted)
            if muted:
                self.space.stage.silence(self)

    def close(self) -> None:
        if not self.closed:
            self._around.end(self)

    def stats(self) -> SessionStats:
        reception = self._uplink.reception if self._uplink else None
        return SessionStats(
            uplink_loss=reception.fraction_lost if reception else None,
            uplink_jitter=reception.jitter / CLOCK_RATE if reception else None,
            downlink_loss=self._link.loss,
            downlink_jitter=self._link.jitter,
            round_trip=self._link.round_trip,
        )

    # --- the transport

    @property
    def path(self) -> Path | None:
        return self.ice.path if self.ice else None

    def moved(self) -> None:
        """ICE has chosen a path: the first, or another one after the client's address has changed."""
        assert self.path is not None
        if self._listener is not None:
            wire = self._around.udp.wire_path(self.path)
            self._around.outlet.post(self._around.outlet.move, self._listener, wire)
        elif self.keys is None and self.remote is not None:
            self._around.begin_handshake(self)

    def goes_over(self, space: SpaceMedia, around: Surroundings) -> None:
        """Its mix, which has ended, goes on from another outlet, under the same numbers."""
        self.space, self._around = space, around
        if self.connected and self._listener is not None and self._plan.mix is not None:
            assert self.path is not None
            send, wire = self._plan.mix, around.udp.wire_path(self.path)
            attach = around.outlet.attach
            around.outlet.post(attach, self._listener, send.opus_payload_type, wire, send.packet_milliseconds_max)

    def secured(self, keys: Keys) -> None:
        """DTLS is up and the right to be here confirmed: let flow what was planned."""
        self.keys = keys
        self._rtcp_out, self._rtcp_in = keys.sending(), keys.receiving()
        self._apply(Plan(), self._plan)
        early, self._early = self._early, []
        for data in early:
            try:
                self.receive_rtp_untrusted(data, self._around.monotonic())
            except RemoteError as error:
                self._around.metrics.drops.labels(error.cause).inc()

    def _send(self, data: bytes) -> None:
        if self.path is not None:
            self._around.udp.send(data, self.path)

    # --- what flows

    def _apply(self, before: Plan, plan: Plan) -> None:
        if plan.receive != before.receive:
            self._stop_receiving()
            if plan.receive is not None:
                self._start_receiving(plan)
        # Slots begin before the mix ends, so that a promoted listener is never without both.
        if plan.slots is not None and before.slots is None:
            self._start_slots()
        elif plan.slots is None and before.slots is not None:
            self.space.stage.receivers.remove(self)
        if plan.mix != before.mix:
            if self._listener is not None:
                self._around.outlet.post(self._around.outlet.detach, self._listener)
            if plan.mix is not None:
                self._start_mix(plan.mix)

    def _start_mix(self, send: Send) -> None:
        assert self.keys is not None
        assert self.path is not None
        outlet = self._around.outlet
        if self._listener is None:
            first = secrets.randbelow(FIRST_SEQUENCE_MAX)
            self._listener = Listener(self.space.name, self.owner, self.keys.sending_mix(), first)
        self._redundant = False  # what was agreed of RED may have changed; the next report asks for it again
        outlet.post(outlet.set_redundancy, self._listener, 0)
        wire, longest = self._around.udp.wire_path(self.path), send.packet_milliseconds_max
        outlet.post(outlet.attach, self._listener, send.opus_payload_type, wire, longest)

    def _start_slots(self) -> None:
        assert self.keys is not None
        if self._slots_out is None:
            self._slots_out = self.keys.sending()
            self._slots = tuple(
                SlotStream(ssrc, secrets.randbelow(FIRST_SEQUENCE_MAX), secrets.randbits(32))
                for ssrc in self.slot_ssrcs
            )
        self.space.stage.receivers.append(self)

    def _start_receiving(self, plan: Plan) -> None:
        assert self.keys is not None
        assert plan.receive is not None
        engine = self._around.engine
        source = Source(self.space.name, self.owner)
        source.muted = self.muted
        if self._rtp_in is None:  # kept for the session's life: a new one would forget which packets it has seen
            self._rtp_in = self.keys.receiving()
        self._uplink = Uplink(plan.receive, self._rtp_in, engine, source, self._heard, ssrcs=self.ssrcs_in)
        engine.post(engine.add_source, source)

    def _stop_receiving(self) -> None:
        if self._uplink is not None:
            self._around.engine.post(self._around.engine.remove_source, self._uplink.source)
            self._uplink = None
            self.space.stage.silence(self)

    def _heard(
        self, dbfs: float, seconds: float, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None:
        self.space.stage.packet(self, dbfs, seconds, sequence, timestamp, marker, payload, now)
        if self.space.tap is not None:
            self.space.tap(self.owner, self.id, sequence, timestamp, payload)
        if self.space.spoken is not None:
            self.space.spoken(Spoken(self.owner, self.id, float(dbfs), sequence, timestamp, marker, payload))

    def receive_rtp_untrusted(self, data: bytes, now: float) -> None:
        """An SRTP packet from one of this peer's addresses; without a microphone planned it is not even decrypted."""
        if self.keys is None and self.remote is not None and len(self._early) < EARLY_PACKETS_MAX:
            self._early.append(data)
            return
        if self._uplink is None:
            raise RemoteError("rtp_not_expected")
        self._uplink.packet_untrusted(data, now, muted=self.muted)
        self.heard_at = now

    def receive_rtcp_untrusted(self, data: bytes, now: float) -> None:
        if self._rtcp_in is None:
            raise RemoteError("rtcp_not_expected")
        reporter = self._link.check_reporter_untrusted(data)
        clear = unprotect_rtcp_untrusted(self._rtcp_in, data)
        self._link.add_reporter(reporter)
        reports = parse_rtcp_untrusted(clear)
        self.heard_at = now
        reception = self._uplink.reception if self._uplink else None
        for ssrc, middle in reports.sender_reports:
            if reception is not None and ssrc == reception.ssrc:
                reception.sender_report(middle, now)
        for block in reports.blocks:
            if block.ssrc == self.mix_ssrc or block.ssrc in self.slot_ssrcs:
                self._link.report(block, self._around.unix_time())
        if self._link.loss is not None and reports.blocks:
            self._around.metrics.loss.observe(self._link.loss)
        if self._link.round_trip is not None and reports.blocks:
            self._around.metrics.round_trip.observe(self._link.round_trip)
        self._choose_redundancy()

    def _choose_redundancy(self) -> None:
        """RED for a listener who reports loss and whose offer had it: every packet carries the two before it."""
        if self._listener is None or self._plan.mix is None or self._plan.mix.red_payload_type is None:
            return
        lossy = self._link.lossy(self._around.unix_time())
        if lossy != self._redundant:
            self._redundant = lossy
            outlet = self._around.outlet
            outlet.post(outlet.set_redundancy, self._listener, self._plan.mix.red_payload_type if lossy else 0)

    # --- towards the client (stage.Receiver)

    @property
    def mix_loss_without_redundancy(self) -> float | None:
        """Loss of a listener whom only in-band FEC can help; None: he listens to no mix, or has RED."""
        plan = self._plan.mix
        return None if plan is None or plan.red_payload_type is not None else self.downlink_loss

    @property
    def downlink_loss(self) -> float:
        return self._link.loss or 0.0

    def forward(
        self, slot: int, tenure: int, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None:
        assert self._slots_out is not None
        assert self._plan.slots is not None
        header = self._slots[slot].rewrite(tenure, sequence, timestamp, marker, self._plan.slots.opus_payload_type, now)
        if header is not None:
            self._slots[slot].octets += len(payload)
            self._send(self._slots_out.protect(header + payload))
            self._around.metrics.packets_out.inc()

    def send_reports(self, now: float) -> None:
        """Sender reports of what we send, a receiver report of what we get, and our name, in one datagram."""
        if self._rtcp_out is None or self.closed:
            return
        self.reported_at = now
        unix = self._around.unix_time()
        blocks: tuple[ReportBlock, ...] = ()
        if self._uplink is not None and self._uplink.reception is not None:
            worst = self.space.stage.worst_downlink_loss(self)
            blocks = (self._uplink.reception.report(now, at_least_lost=worst),)
            self._around.metrics.loss.observe(self._uplink.reception.fraction_lost)
        parts = []
        if self._listener is not None and self._listener.row >= 0:
            packets, octets = self._around.outlet.sent_to(self._listener)
            parts.append(
                sender_report(
                    self.mix_ssrc, unix, self._around.outlet.timestamp(self._listener), packets, octets, blocks
                )
            )
        for stream in self._slots:
            if stream.packets and self._plan.slots is not None:
                _, timestamp, at = stream.last
                timestamp += int((now - at) * CLOCK_RATE)
                counts = (stream.packets, stream.octets)
                parts.append(sender_report(stream.ssrc, unix, timestamp, *counts, () if parts else blocks))
        if not parts:
            if not blocks:
                return
            parts.append(receiver_report(self._own_ssrc, blocks))
        first_ssrc = int.from_bytes(parts[0][4:8], "big")
        self._send(self._rtcp_out.protect_rtcp(b"".join(parts) + source_description(first_ssrc, self.cname)))

    def stop(self) -> None:
        """Stop media at once, say BYE. Called by the plane, once."""
        self.closed = True
        self._stop_receiving()
        if self._listener is not None:
            self._around.outlet.post(self._around.outlet.detach, self._listener)
        if self in self.space.stage.receivers:
            self.space.stage.receivers.remove(self)
        if self._rtcp_out is not None:
            ssrcs = (self.mix_ssrc, *self.slot_ssrcs)
            leave = receiver_report(ssrcs[0], ()) + source_description(ssrcs[0], self.cname) + goodbye(ssrcs)
            self._send(self._rtcp_out.protect_rtcp(leave))
