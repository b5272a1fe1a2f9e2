"""Compiles the loops before the node says that it is ready: half a second that no listener should pay for."""

from __future__ import annotations

import socket

import numpy as np
from pylibsrtp import Policy

from spaces.mixing.engine import AudioEngine, SoundSettings
from spaces.mixing.opus import FRAME, Encoder
from spaces.mixing.phases import PHASES
from spaces.mixing.sound import Listener, Source
from spaces.sfu.fanout import Fanout, WirePath
from spaces.sfu.srtp import Keys


def compile_kernels() -> None:
    """Run one Space with one speaker and one listener through a few ticks, into a socket that nobody reads."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
    ):
        sink.bind(("127.0.0.1", 0))
        out.setblocking(False)
        address = sink.getsockname()
        name = (
            socket.AF_INET.to_bytes(2, "little")
            + address[1].to_bytes(2, "big")
            + socket.inet_aton(address[0])
            + bytes(8)
        )
        engine = AudioEngine(Fanout(out.fileno(), rows=1), SoundSettings(1, 32_000, 5), 0)
        engine.open_space("warm-up", 1)
        source = Source("warm-up", "speaker")
        engine.add_source(source)
        keys = Keys(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, send=bytes(28), receive=bytes(28))
        engine.attach(Listener("warm-up", "listener", keys.sending_mix(), 0), 111, WirePath(name))
        packet = Encoder(32_000, expected_loss_percent=0).encode(np.full(FRAME, 0.1, np.float32))
        for tick in range(4):
            engine.packet(source, tick, tick * FRAME, packet, FRAME, tick * 0.02)
            for phase in range(PHASES):
                engine.tick((tick + phase / PHASES) * 0.02)


if __name__ == "__main__":
    compile_kernels()
