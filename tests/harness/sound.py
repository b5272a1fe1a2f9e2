"""An audio engine driven by hand: speakers whose packets a test sends, and listeners on real sockets."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Iterator
from struct import pack

import numpy as np
from numpy.typing import NDArray
from pylibsrtp import Policy, Session

from spaces.mixing.engine import AudioEngine, SoundSettings
from spaces.mixing.opus import FRAME, Decoder, Encoder, packet_samples_untrusted
from spaces.mixing.phases import PHASES, TICK_SECONDS
from spaces.mixing.sound import Listener, Source
from spaces.sfu.fanout import Fanout, WirePath
from spaces.sfu.rtp import RtpPacket, parse_rtp_untrusted
from spaces.sfu.srtp import Keys

Samples = NDArray[np.float32]
PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM


def sine(hertz: float, seconds: float, amplitude: float = 0.25) -> Samples:
    n = np.arange(round(seconds * 48_000))
    return (amplitude * np.sin(2 * np.pi * hertz * n / 48_000)).astype(np.float32)


def encode(samples: Samples, *, frame: int = FRAME, fec_percent: int = 0, bitrate: int = 64_000) -> list[bytes]:
    """Opus packets of `frame` samples each."""
    encoder = Encoder(bitrate, expected_loss_percent=fec_percent, dtx=False)
    return [encoder.encode(samples[i : i + frame]) for i in range(0, len(samples) - frame + 1, frame)]


def decode(packets: list[RtpPacket]) -> Samples:
    """One stream's sound, as a decoder that lost nothing makes it."""
    decoder = Decoder()
    return np.concatenate([decoder.decode(p.payload) for p in packets] or [np.zeros(0, np.float32)])


def level_db(samples: Samples, hertz: float) -> float:
    """dB of one frequency of the last half second, relative to full scale."""
    tail = samples[-24_000:]
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(tail)) / 48_000) * np.hanning(len(tail))
    return float(20 * np.log10(4 * abs(np.dot(tail, wave)) / len(tail) + 1e-9))


class Ear:
    """A listener and his socket."""

    def __init__(
        self, engine: AudioEngine, space: str, owner: str, first_sequence: int, packet_milliseconds_max: int | None
    ) -> None:
        key = secrets.token_bytes(28)
        outbound = Keys(PROFILE, send=key, receive=key).sending_mix()
        self._inbound = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILE))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.packets: list[RtpPacket] = []
        self.listener = Listener(space, owner, outbound, first_sequence)
        self._engine = engine
        self._longest = packet_milliseconds_max
        port = self.socket.getsockname()[1]
        address = pack("=HH4s8x", socket.AF_INET, socket.htons(port), socket.inet_aton("127.0.0.1"))
        self.path = WirePath(address)
        self.attach()

    def attach(self, payload_type: int = 111) -> None:
        self._engine.post(self._engine.attach, self.listener, payload_type, self.path, self._longest)

    def detach(self) -> None:
        self._engine.post(self._engine.detach, self.listener)

    def take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.packets.append(parse_rtp_untrusted(self._inbound.unprotect(self.socket.recv(2_048))))


class Studio:
    """An engine with one Space, "room", in virtual time."""

    def __init__(
        self, fd: int, *, mixed: int = 4, levelling: bool = False, delay: float = 0.0, packet_frames: int = 1
    ) -> None:
        settings = SoundSettings(
            mixed, 64_000, 0, delay_seconds_min=delay, levelling=levelling, packet_frames=packet_frames
        )
        self.engine = AudioEngine(Fanout(fd, rows=4), settings, first_timestamp=0xFFFFFFFF - 10_000)
        self.engine.post(self.engine.open_space, "room", 0xCAFE)
        self.now = 1_000.0
        self.ears: list[Ear] = []
        self._sent: dict[Source, int] = {}
        self._playing: dict[Source, list[bytes]] = {}

    def ear(
        self,
        owner: str = "listener",
        *,
        first_sequence: int = 100,
        space: str = "room",
        packet_milliseconds_max: int | None = None,
    ) -> Ear:
        ear = Ear(self.engine, space, owner, first_sequence, packet_milliseconds_max)
        self.ears.append(ear)
        return ear

    def source(self, owner: str, space: str = "room") -> Source:
        source = Source(space, owner)
        self.engine.post(self.engine.add_source, source)
        return source

    def send(self, source: Source, sequence: int, payload: bytes, *, at: float | None = None) -> None:
        """One packet, arriving now; its timestamp is that of an even stream."""
        samples = packet_samples_untrusted(payload)
        timestamp = sequence * samples & 0xFFFFFFFF
        self.engine.packet(source, sequence, timestamp, payload, samples, self.now if at is None else at)

    def play(self, source: Source, packets: list[bytes]) -> None:
        """Send these from now on, in a loop, one before each tick."""
        self._playing[source] = packets

    def tick(self, frames: int = 1) -> None:
        """So many frames of every Space."""
        for _ in range(frames):
            for source, packets in self._playing.items():
                n = self._sent.get(source, 0)
                self.send(source, n, packets[n % len(packets)])
                self._sent[source] = n + 1
            for _ in range(PHASES):
                self.now += TICK_SECONDS
                self.engine.tick(self.now)
        for ear in self.ears:
            ear.take()

    def stop(self, source: Source) -> None:
        self._playing.pop(source, None)


@contextlib.contextmanager
def studio(*, mixed: int = 4, levelling: bool = False, delay: float = 0.0, packet_frames: int = 1) -> Iterator[Studio]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        it = Studio(out.fileno(), mixed=mixed, levelling=levelling, delay=delay, packet_frames=packet_frames)
        try:
            yield it
        finally:
            for ear in it.ears:
                ear.socket.close()
