"""The node's media plane: the UDP port, the peers behind it, their timers and the audio thread. Implements MediaPlane."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from spaces.config import Config, ConfigError
from spaces.errors import RemoteError, RequestError
from spaces.metrics import Metrics
from spaces.mixing.engine import AudioEngine, SoundSettings
from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.tick import AudioThread
from spaces.mixing.warmup import compile_kernels
from spaces.sfu.candidates import local_candidates
from spaces.sfu.certificate import Certificate
from spaces.sfu.demux import Kind, demux_untrusted
from spaces.sfu.dtls import DtlsEndpoint
from spaces.sfu.fanout import FAILED_FULL, FAILED_PROTECT, FAILED_SEND, SENT, Fanout
from spaces.sfu.half_open import HalfOpen
from spaces.sfu.ice_lite import IceLite, Path
from spaces.sfu.peer import ADDRESSES_MAX, Peer, SpaceMedia, Surroundings
from spaces.sfu.session import Candidate, Closed
from spaces.sfu.stage import Stage
from spaces.sfu.turns import Turns
from spaces.sfu.udp import UdpSocket

SERVICE_SECONDS = 0.1
REPORT_SPEAKERS_SECONDS = 1.0
"""Receiver reports are what makes a browser's FEC follow the loss."""
REPORT_LISTENERS_SECONDS = 5.0
BEYOND_HELP = 0.5
"""Who says that he loses more than this is not helped by in-band FEC, and gets none made for him."""
EXPECTED_LOSS_STEPS = (0, 5, 10, 20)
"""Percent. libopus spends bits on FEC in steps too."""
ADDRESS_HELD_SECONDS = 12.0
"""An address whose peer was heard this lately is not given to another peer: its source may be forged. Consent is asked for
every 6 s at most (RFC 7675 §5.1), and one check may be lost."""

log = structlog.get_logger()


class Clock(Protocol):
    """The two times that the plane reads; the simulation gives its own."""

    def monotonic(self) -> float: ...
    def time(self) -> float: ...


class Ticker(Protocol):
    """What runs the engine's ticks: the audio thread; in the simulation, virtual time."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    @property
    def alive(self) -> bool: ...


class Media:
    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        *,
        clock: Clock = time,
        new_ticker: Callable[[AudioEngine, Callable[[float, float], None]], Ticker] = AudioThread,
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._new_ticker = new_ticker
        self._certificate = Certificate()
        self.fingerprint: tuple[str, str] = self._certificate.sha256()
        self.candidates: tuple[Candidate, ...] = ()
        self._ice = IceLite()
        self._spaces: dict[str, SpaceMedia] = {}
        self._peers: dict[str, Peer] = {}
        self._addresses: dict[tuple[str, int], Peer] = {}
        self._confirms: dict[str, tuple[Callable[[], Awaitable[bool]], Callable[[], None]]] = {}
        self._handshakes: dict[str, asyncio.Task[None]] = {}
        self._half_open = HalfOpen(config.handshakes_max)
        self._turns = Turns()
        self._rounds: deque[str] = deque()
        self._speakers_reported_at = 0.0
        self._received = 0
        """Datagrams so far."""

    # --- life

    async def start(self) -> None:
        """Bind the port, compile the loops, start the audio thread. Raises OSError if the port is taken, ConfigError."""
        config = self._config
        self._udp = UdpSocket(config.udp_host, config.udp_port, self._datagram, buffer_bytes=config.udp_buffer_bytes)
        try:
            self.candidates = local_candidates(config.public_addresses, config.udp_host, self._udp)
        except ConfigError:
            self._udp.close()
            raise
        self._fanout = Fanout(self._udp.fileno)
        settings = SoundSettings(
            mixed=config.mixed,
            bitrate=config.audience_bitrate,
            expected_loss_percent=config.audience_expected_loss_percent,
            delay_seconds_min=config.jitter_delay_milliseconds_min / 1e3,
            delay_seconds_max=config.jitter_delay_milliseconds_max / 1e3,
            levelling=config.levelling,
            packet_frames=config.audience_packet_milliseconds * SAMPLE_RATE // (1_000 * FRAME),
        )
        self._engine = AudioEngine(self._fanout, settings, secrets.randbits(32))
        self._thread = self._new_ticker(self._engine, self._metrics.ticked)
        self._around = Surroundings(
            udp=self._udp,
            engine=self._engine,
            metrics=self._metrics,
            monotonic=self._clock.monotonic,
            unix_time=self._clock.time,
            begin_handshake=self._begin_handshake,
            end=self._end,
        )
        self._counted = self._fanout.counters.copy()
        self._metrics.refresh = self._count
        await asyncio.to_thread(compile_kernels)
        self._udp.start(asyncio.get_running_loop())
        self._thread.start()
        self._service_task = asyncio.create_task(self._serve(), name="media-service")

    async def stop(self) -> None:
        for space in list(self._spaces):
            self.close_space(space)
        self._service_task.cancel()
        await asyncio.gather(self._service_task, return_exceptions=True)
        self._thread.stop()  # at most a tick
        self._udp.close()

    @property
    def healthy(self) -> bool:
        """The audio thread runs, and so do the timers."""
        return self._thread.alive and not self._service_task.done()

    @property
    def quiet(self) -> bool:
        """Nobody speaks on this node."""
        now = self._clock.monotonic()
        return not any(space.stage.levels(now) for space in self._spaces.values())

    @property
    def udp_port(self) -> int:
        return self._udp.port

    # --- what signaling asks (session.MediaPlane)

    def open_space(self, space: str) -> None:
        if space in self._spaces:  # whoever is in it stays in it
            return
        mix_ssrc, *slot_ssrcs = _distinct_ssrcs(1 + self._config.slots)
        self._spaces[space] = SpaceMedia(
            space, mix_ssrc, tuple(slot_ssrcs), secrets.token_hex(8), Stage(self._config.slots), {}
        )
        self._engine.post(self._engine.open_space, space, mix_ssrc)

    def close_space(self, space: str) -> None:
        media = self._spaces.pop(space, None)
        if media is None:
            return
        for peer in list(media.peers.values()):
            peer.close()
        self._engine.post(self._engine.close_space, space)

    def open_session(
        self,
        space: str,
        owner: str,
        *,
        confirm: Callable[[], Awaitable[bool]],
        on_connected: Callable[[], None],
        on_closed: Callable[[Closed], None],
        client_address: str = "",
    ) -> Peer:
        if client_address and self._half_open.of(client_address) >= self._config.handshakes_per_address_max:
            raise RequestError(
                429, "too_many_handshakes", "too many connections are being set up from your address",
                retry_after_seconds=5,
            )  # fmt: skip
        media = self._spaces[space]
        if (victim := self._half_open.victim()) is not None:
            self._metrics.crowded_out.inc()
            self._close_by_itself(self._peers[victim], Closed.CROWDED_OUT)
        peer = Peer(media, owner, self._around, lambda send: DtlsEndpoint(self._certificate, send))
        peer.ice = self._ice.add(peer.ufrag, peer.pwd, peer)
        peer.on_closed = on_closed
        self._peers[peer.id] = media.peers[peer.id] = peer
        self._confirms[peer.id] = (confirm, on_connected)
        self._half_open.add(peer.id, client_address)
        self._rounds.append(peer.id)
        return peer

    def levels(self, space: str) -> Mapping[str, float]:
        media = self._spaces.get(space)
        return {} if media is None else media.stage.levels(self._clock.monotonic())

    # --- datagrams

    def _datagram(self, data: bytes, source: Path) -> None:
        """One datagram from anywhere. Whatever it holds, it ends as a change of state, an answer or a counted drop."""
        self._received += 1
        now = self._clock.monotonic()
        try:
            kind = demux_untrusted(data)
            if kind is Kind.STUN:
                self._stun_untrusted(data, source, now)
                return
            if kind is None:
                raise RemoteError("unknown_protocol")
            peer = self._addresses.get((source.host, source.port))
            if peer is None:
                raise RemoteError("unknown_address")
            if kind is Kind.RTP:
                peer.receive_rtp_untrusted(data, now)
            elif kind is Kind.RTCP:
                peer.receive_rtcp_untrusted(data, now)
            elif not peer.endpoint.receive(data):
                raise RemoteError("dtls_queue_full")
        except RemoteError as error:
            self._metrics.drops.labels(error.cause).inc()

    def _stun_untrusted(self, data: bytes, source: Path, now: float) -> None:
        address = (source.host, source.port)
        holder = self._addresses.get(address)
        heard = holder is not None and now - holder.heard_at < ADDRESS_HELD_SECONDS
        checked = self._ice.receive_untrusted(data, source, now, holder if heard else None)
        peer = checked.peer.key
        assert isinstance(peer, Peer)
        peer.heard_at = now
        self._udp.send(checked.response, source)
        if holder is not peer and source == peer.path and (checked.moved or not heard):
            if holder is not None:
                holder.addresses.remove(address)
            self._addresses[address] = peer
            peer.addresses.append(address)
            if len(peer.addresses) > ADDRESSES_MAX:
                del self._addresses[peer.addresses.popleft()]
        if checked.moved:
            peer.moved()

    # --- handshakes

    def _begin_handshake(self, peer: Peer) -> None:
        self._half_open.heard(peer.id)
        if peer.id not in self._handshakes:
            self._handshakes[peer.id] = asyncio.create_task(self._handshake(peer), name=f"dtls {peer.id[:6]}")

    async def _handshake(self, peer: Peer) -> None:
        """DTLS, then the question whether the right to be here still holds, then media."""
        assert peer.remote is not None
        try:
            keys = await peer.endpoint.handshake(peer.remote, self._turns.take)
            if keys is None:
                self._metrics.drops.labels("dtls_failed").inc()
                self._close_by_itself(peer, Closed.DTLS_FAILED)
                return
            confirm, on_connected = self._confirms[peer.id]
            if not await confirm():
                self._close_by_itself(peer, Closed.NOT_ADMITTED)
                return
            peer.endpoint.on_closed(lambda: self._close_by_itself(peer, Closed.LEFT))
            if peer.closed:
                return
            self._handshake_over(peer)
            peer.secured(keys)
            on_connected()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("handshake_crashed", session=peer.id, space=peer.space.name)
            self._close_by_itself(peer, Closed.DTLS_FAILED)
        finally:
            self._handshakes.pop(peer.id, None)

    def _handshake_over(self, peer: Peer) -> None:
        self._confirms.pop(peer.id, None)
        self._half_open.remove(peer.id)

    # --- endings

    def _close_by_itself(self, peer: Peer, why: Closed) -> None:
        if not peer.closed:
            self._end(peer)
            log.info("media_closed", space=peer.space.name, session=peer.id, owner=peer.owner, why=why.value)
            peer.on_closed(why)

    def _end(self, peer: Peer) -> None:
        """Forget a peer: from here on nothing of his is taken and nothing is sent to him."""
        peer.stop()
        self._handshake_over(peer)
        self._ice.remove(peer.ufrag)
        del self._peers[peer.id]
        del peer.space.peers[peer.id]
        for address in peer.addresses:
            del self._addresses[address]
        handshake = self._handshakes.pop(peer.id, None)
        if handshake is not None and handshake is not asyncio.current_task():
            handshake.cancel()
        peer.endpoint.close()

    # --- timers

    async def _serve(self) -> None:
        """Reports and timeouts, spread over time: every peer comes round in REPORT_LISTENERS_SECONDS or sooner."""
        while True:
            await asyncio.sleep(SERVICE_SECONDS)
            now = self._clock.monotonic()
            for _ in range(1 + int(len(self._rounds) * SERVICE_SECONDS / REPORT_LISTENERS_SECONDS)):
                if not self._rounds:
                    break
                peer = self._peers.get(self._rounds.popleft())
                if peer is not None:
                    self._rounds.append(peer.id)
                    self._guard(peer, self._service, now)
            if now - self._speakers_reported_at >= REPORT_SPEAKERS_SECONDS:
                self._speakers_reported_at = now
                for peer in [p for p in self._peers.values() if p.receiving]:
                    self._guard(peer, Peer.send_reports, now)
                for space in self._spaces.values():
                    self._protect_for_the_worst(space)
            self._count()

    def _guard(self, peer: Peer, job: Callable[[Peer, float], None], now: float) -> None:
        """A bug met at one peer ends that peer, not the timers of all."""
        try:
            job(peer, now)
        except Exception:
            log.exception("service_crashed", session=peer.id, space=peer.space.name)
            peer.close()

    def _protect_for_the_worst(self, space: SpaceMedia) -> None:
        """In-band FEC for the loss that nine in ten of those without RED do not exceed, in steps: it costs all quality."""
        reported = (peer.mix_loss_without_redundancy for peer in space.peers.values())
        losses = sorted(loss for loss in reported if loss is not None and loss <= BEYOND_HELP)
        worst = 100 * losses[math.ceil(0.9 * len(losses)) - 1] if losses else 0.0
        percent = next(
            step for step in EXPECTED_LOSS_STEPS if worst <= 1.5 * step + 1.0 or step == EXPECTED_LOSS_STEPS[-1]
        )
        self._engine.post(
            self._engine.set_expected_loss, space.name, max(percent, self._config.audience_expected_loss_percent)
        )

    def _service(self, peer: Peer, now: float) -> None:
        config = self._config
        if not peer.connected and now - peer.started_at > config.handshake_seconds_max:
            self._close_by_itself(peer, Closed.HANDSHAKE_TIMEOUT)
        elif now - peer.heard_at > config.silence_seconds_max:
            self._close_by_itself(peer, Closed.SILENT)
        elif not peer.receiving and now - peer.reported_at >= REPORT_LISTENERS_SECONDS / 2:
            peer.send_reports(now)

    def _count(self) -> None:
        """What the compiled loop has counted since the last time, into the metrics."""
        counters = self._fanout.counters.copy()
        new, self._counted = counters - self._counted, counters
        self._metrics.packets_out.inc(int(new[SENT]))
        for index, cause in (
            (FAILED_PROTECT, "fanout_protect"),
            (FAILED_SEND, "fanout_send"),
            (FAILED_FULL, "fanout_full"),
        ):
            if new[index]:
                self._metrics.drops.labels(cause).inc(int(new[index]))
        metrics, fates = self._metrics, self._engine.counts()
        metrics.follow(metrics.packets_in, self._received)
        metrics.follow(metrics.drops.labels("opus_malformed"), fates["malformed"])
        metrics.follow(metrics.drops.labels("udp_send"), self._udp.send_failures)
        metrics.follow(metrics.ticks_skipped, self._engine.skipped)
        for fate, total in fates.items():
            metrics.follow(metrics.speech.labels(fate), total)


def _distinct_ssrcs(count: int) -> list[int]:
    """Random and different: each m-line names one (RFC 8843 §9.2)."""
    ssrcs: set[int] = set()
    while len(ssrcs) < count:
        ssrcs.add(1 + secrets.randbelow(0xFFFFFFFE))
    return list(ssrcs)
