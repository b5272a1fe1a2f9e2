"""The node's media plane: the UDP port, the peers behind it and the audio thread, from start to end. Implements MediaPlane."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import numpy as np
import structlog

from spaces.config import Config, ConfigError
from spaces.errors import RemoteError, RequestError
from spaces.metrics import Metrics
from spaces.mixing.engine import AudioEngine, Made, SoundSettings
from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.stinger import Samples
from spaces.mixing.tick import AudioThread
from spaces.mixing.warmup import compile_kernels
from spaces.sfu.candidates import local_candidates
from spaces.sfu.certificate import Certificate
from spaces.sfu.distant import DistantSpeech
from spaces.sfu.dtls import DtlsEndpoint
from spaces.sfu.fanout import FAILED_FULL, FAILED_PROTECT, FAILED_SEND, SENT, Fanout
from spaces.sfu.half_open import HalfOpen
from spaces.sfu.incoming import Incoming
from spaces.sfu.peer import Peer, SpaceMedia, Surroundings
from spaces.sfu.protection import loss_to_expect
from spaces.sfu.relayed import RelayedSound
from spaces.sfu.rounds import Rounds
from spaces.sfu.session import Candidate, Closed, SessionStats, Spoken, Tap, Terms
from spaces.sfu.stage import Stage
from spaces.sfu.stinger_player import StingerPlayer
from spaces.sfu.turns import Turns
from spaces.sfu.udp import UdpSocket

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
        self._spaces: dict[str, SpaceMedia] = {}
        self._peers: dict[str, Peer] = {}
        self._confirms: dict[str, tuple[Callable[[], Awaitable[bool]], Callable[[], None]]] = {}
        self._handshakes: dict[str, asyncio.Task[None]] = {}
        self._half_open = HalfOpen(config.handshakes_max)
        self._turns = Turns()
        self._players: dict[str, StingerPlayer] = {}
        self._incoming = Incoming(
            lambda data, to: self._udp.send(data, to), clock.monotonic, self._dropped, self._spaces
        )
        self._rounds = Rounds(
            self._peers,
            clock.monotonic,
            self._close_by_itself,
            self._each_second,
            handshake_seconds_max=config.handshake_seconds_max,
            silence_seconds_max=config.silence_seconds_max,
        )
        self._relayed: RelayedSound | None = None
        self._relayed_spaces: dict[str, SpaceMedia] = {}
        self.relayed_space_left: Callable[[str], None] = lambda space: None
        """Called when nobody listens here any more to a Space that another node mixes."""
        self.identity: Callable[[str], tuple[int, str]] = lambda space: (0, secrets.token_hex(8))
        """SSRC and CNAME of a Space's mix as this node sends it; 0: any SSRC."""

    # --- life

    async def start(self) -> None:
        """Bind the port, compile the loops, start the audio thread. Raises OSError if the port is taken, ConfigError."""
        config = self._config
        self._udp = UdpSocket(
            config.udp_host, config.udp_port, self._incoming.datagram, buffer_bytes=config.udp_buffer_bytes
        )
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
        self._distant = DistantSpeech(self._engine)
        self._thread = self._new_ticker(self._engine, self._metrics.ticked)
        self._around = Surroundings(
            udp=self._udp,
            engine=self._engine,
            outlet=self._engine,
            metrics=self._metrics,
            monotonic=self._clock.monotonic,
            unix_time=self._clock.time,
            begin_handshake=self._begin_handshake,
            end=self._end,
        )
        self._fanouts = [self._fanout]
        self._counted = self._fanout.counters.copy()
        self._metrics.refresh = self._count
        await asyncio.to_thread(compile_kernels)
        self._udp.start(asyncio.get_running_loop())
        self._thread.start()
        self._service_task = asyncio.create_task(self._rounds.run(), name="media-service")

    async def stop(self) -> None:
        for space in list(self._spaces):
            self.close_space(space)
        for relayed in list(self._relayed_spaces.values()):
            for peer in list(relayed.peers.values()):
                peer.close()
        self._service_task.cancel()
        await asyncio.gather(self._service_task, return_exceptions=True)
        self._thread.stop()  # at most a tick
        if self._relayed is not None:
            self._relayed.stop()
        self._udp.close()

    @property
    def healthy(self) -> bool:
        """The audio thread runs, and so do the timers."""
        relaying = self._relayed is None or self._relayed.alive
        return self._thread.alive and relaying and not self._service_task.done()

    @property
    def quiet(self) -> bool:
        """Nobody speaks on this node, and nothing is played."""
        now = self._clock.monotonic()
        if any(player.active for player in self._players.values()):
            return False
        return not any(space.stage.levels(now) for space in self._spaces.values())

    @property
    def udp_port(self) -> int:
        return self._udp.port

    # --- what signaling asks (session.MediaPlane)

    def open_space(self, space: str) -> None:
        if space in self._spaces:  # whoever is in it stays in it
            return
        mix_ssrc, cname = self.identity(space)
        mix_ssrc, *slot_ssrcs = _distinct_ssrcs(1 + self._config.slots, mix_ssrc)
        self._spaces[space] = SpaceMedia(space, mix_ssrc, tuple(slot_ssrcs), cname, Stage(self._config.slots), {})
        self._engine.post(self._engine.open_space, space, mix_ssrc)

    def close_space(self, space: str) -> None:
        media = self._spaces.pop(space, None)
        if media is None:
            return
        if (player := self._players.pop(space, None)) is not None:
            player.close()
        for peer in list(media.peers.values()):
            peer.close()
        self._distant.silence(space)
        self._engine.post(self._engine.close_space, space)

    def play(self, space: str, samples: Samples, over: Callable[[], None]) -> None:
        media = self._spaces.get(space)
        if media is None:
            return
        player = self._players.get(space)
        if player is None:
            player = self._players[space] = StingerPlayer(space, media.stage, self._engine, self._clock.monotonic)
        player.play(samples, over)

    def stop_playing(self, space: str) -> None:
        if (player := self._players.get(space)) is not None:
            player.stop()

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
        self._check_handshakes(client_address)
        media = self._spaces.get(space)
        if media is None:
            raise RequestError(503, "owner_unknown", "this Space is on its way to another node", retry_after_seconds=1)
        return self._new_peer(
            media, owner, self._around, None, confirm, on_connected, on_closed, client_address
        )  # fmt: skip

    def _new_peer(
        self,
        media: SpaceMedia,
        owner: str,
        around: Surroundings,
        terms: Terms | None,
        confirm: Callable[[], Awaitable[bool]],
        on_connected: Callable[[], None],
        on_closed: Callable[[Closed], None],
        client_address: str,
    ) -> Peer:
        if (victim := self._half_open.victim()) is not None:
            self._metrics.crowded_out.inc()
            self._close_by_itself(self._peers[victim], Closed.CROWDED_OUT)
        peer = Peer(media, owner, around, lambda send: DtlsEndpoint(self._certificate, send))
        if terms is not None:
            peer.id, peer.ufrag, peer.pwd = terms.id, terms.ufrag, terms.pwd
        self._incoming.expect(peer)
        peer.on_closed = on_closed
        self._peers[peer.id] = media.peers[peer.id] = peer
        self._confirms[peer.id] = (confirm, on_connected)
        self._half_open.add(peer.id, client_address)
        self._rounds.add(peer)
        return peer

    def _check_handshakes(self, client_address: str) -> None:
        """Raises RequestError(429)."""
        if client_address and self._half_open.of(client_address) >= self._config.handshakes_per_address_max:
            raise RequestError(
                429, "too_many_handshakes", "too many connections are being set up from your address",
                retry_after_seconds=5,
            )  # fmt: skip

    # --- with several nodes

    def join_others(self, made: Callable[[list[Made]], None]) -> RelayedSound:
        """Have listeners of Spaces that other nodes mix, and give ours out: `made` is called on the audio thread."""
        fanout = Fanout(self._udp.fileno)
        frames = self._config.audience_packet_milliseconds * SAMPLE_RATE // (1_000 * FRAME)
        self._relayed = RelayedSound(fanout, frames, self._dropped)
        self._fanouts.append(fanout)
        self._engine.relayed = made
        self.set_deadlines({})
        self._relayed.start()
        return self._relayed

    def open_relayed_session(
        self,
        space: str,
        owner: str,
        terms: Terms,
        *,
        confirm: Callable[[], Awaitable[bool]],
        on_connected: Callable[[], None],
        on_closed: Callable[[Closed], None],
        client_address: str = "",
    ) -> Peer:
        """As `open_session`, of a Space that another node mixes, on the terms that it has told the client."""
        assert self._relayed is not None
        self._check_handshakes(client_address)
        media = self._relayed_spaces.get(space)
        if media is None:
            media = SpaceMedia(space, terms.mix_ssrc, (), terms.cname, Stage(self._config.slots), {})
            self._relayed_spaces[space] = media
            self._relayed.post(self._relayed.open_space, space, terms.mix_ssrc)
        around = dataclasses.replace(self._around, outlet=self._relayed)
        return self._new_peer(media, owner, around, terms, confirm, on_connected, on_closed, client_address)

    def relay(self, space: str, frames: set[int]) -> None:
        """Give the mix of a Space here out to other nodes, in packets of so many frames; none: no more."""
        if space in self._spaces:
            self._engine.post(self._engine.relay, space, frames)

    async def hand_off(self, space: str) -> None:
        """Another node makes the mix from now on: whoever hears it here goes on hearing, from there. Silent once this is over.

        Who is on stage is heard by the stage here as before, and, by `give_speech`, at the other node.
        """
        assert self._relayed is not None
        media = self._spaces.pop(space)
        if (player := self._players.pop(space, None)) is not None:
            player.close()
        self._distant.silence(space)
        loop = asyncio.get_running_loop()
        silent: asyncio.Future[int] = loop.create_future()

        def over(timestamp: int) -> None:
            if not silent.done():
                silent.set_result(timestamp)

        self._engine.post(self._engine.hand_off, space, lambda at: loop.call_soon_threadsafe(over, at))
        timestamp = await silent
        here = self._relayed_spaces.setdefault(space, media)
        here.stage, here.slot_ssrcs = media.stage, media.slot_ssrcs
        self._relayed.post(self._relayed.open_space, space, here.mix_ssrc, (timestamp, time.monotonic()))
        around = dataclasses.replace(self._around, outlet=self._relayed)
        here.peers |= media.peers
        for peer in media.peers.values():
            peer.goes_over(here, around)
        if not here.peers:
            self._leave_relayed(space)

    def give_speech(self, space: str, spoken: Callable[[Spoken], None] | None) -> None:
        """Have another node hear every speaker whose media is here; None: no more."""
        media = self._spaces.get(space) or self._relayed_spaces.get(space)
        if media is not None:
            media.spoken = spoken

    def hear_speech(self, space: str, spoken: Spoken) -> None:
        """A packet of a speaker whose media another node has."""
        mixed = space in self._spaces
        media = self._spaces.get(space) or self._relayed_spaces.get(space)
        if media is None:
            return
        try:
            self._distant.hear(media, spoken, self._clock.monotonic(), mixed=mixed)
        except RemoteError as error:
            self._dropped(error.cause)

    def set_deadlines(self, deadlines: Mapping[str, float]) -> None:
        """Until when each Space is on air, unless this is called again before: no sound of it leaves after that, and none
        of one that is not named."""
        self._incoming.deadlines = self._engine.deadlines = deadlines
        self._engine.off_air_at = min(deadlines.values(), default=math.inf)

    def tap(self, space: str, tap: Tap | None) -> None:
        if (media := self._spaces.get(space)) is not None:
            media.tap = tap

    def speakers(self, space: str) -> list[tuple[str, SessionStats]]:
        media = self._spaces.get(space)
        return [] if media is None else [(p.owner, p.stats()) for p in media.peers.values() if p.receiving]

    def levels(self, space: str) -> Mapping[str, float]:
        media = self._spaces.get(space)
        return {} if media is None else media.stage.levels(self._clock.monotonic())

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
                self._dropped("dtls_failed")
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
        self._incoming.forget(peer)
        del self._peers[peer.id]
        del peer.space.peers[peer.id]
        if not peer.space.peers and self._relayed_spaces.get(peer.space.name) is peer.space:
            self._leave_relayed(peer.space.name)
        handshake = self._handshakes.pop(peer.id, None)
        if handshake is not None and handshake is not asyncio.current_task():
            handshake.cancel()
        peer.endpoint.close()

    def _leave_relayed(self, space: str) -> None:
        assert self._relayed is not None
        del self._relayed_spaces[space]
        self._distant.silence(space)
        self._relayed.post(self._relayed.close_space, space)
        self.relayed_space_left(space)

    # --- timers, counters

    def _each_second(self, now: float) -> None:
        for space in self._spaces.values():
            percent = max(loss_to_expect(space), self._config.audience_expected_loss_percent)
            self._engine.post(self._engine.set_expected_loss, space.name, percent)
        self._distant.sweep(now)

    def _dropped(self, cause: str) -> None:
        self._metrics.drops.labels(cause).inc()

    def _count(self) -> None:
        """What the compiled loop has counted since the last time, into the metrics."""
        counters = sum((fanout.counters for fanout in self._fanouts), np.zeros_like(self._counted))
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
        metrics.follow(metrics.packets_in, self._incoming.received)
        metrics.follow(metrics.drops.labels("opus_malformed"), fates["malformed"])
        metrics.follow(metrics.drops.labels("udp_send"), self._udp.send_failures)
        metrics.follow(metrics.ticks_skipped, self._engine.skipped)
        for fate, total in fates.items():
            metrics.follow(metrics.speech.labels(fate), total)


def _distinct_ssrcs(count: int, first: int) -> list[int]:
    """Random and different: each m-line names one (RFC 8843 §9.2). The first may be given; 0: it is not."""
    ssrcs = [first] if first else []
    while len(ssrcs) < count:
        if (ssrc := 1 + secrets.randbelow(0xFFFFFFFE)) not in ssrcs:
            ssrcs.append(ssrc)
    return ssrcs
