"""The floor of fan-out: `sendmmsg` of datagrams of given sizes to given ports, every 20 ms, and nothing else.

    python -m benchmarks.bare_send

Socket, flags, batches, addresses and control messages are the server's (spaces/sfu/udp.py, fanout.py). The bytes look like RTP.
Told by lines of JSON: send(ports, sizes, seconds).
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import time
from typing import Any

import numpy as np

from benchmarks.beside import obey
from spaces.config import Config
from spaces.sfu.fanout import BATCH, DATAGRAM_BYTES_MAX
from spaces.sfu.ice_lite import Path
from spaces.sfu.udp import UdpSocket

TICK_SECONDS = 0.020
LOOPBACK = "127.0.0.1"
MSG_NOSIGNAL = 0x4000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]


class Messages:
    """struct mmsghdr for every destination; batches share BATCH buffers, as the server's do."""

    def __init__(self, udp: UdpSocket, ports: list[int]) -> None:
        self.count = len(ports)
        self._buffers = np.zeros((BATCH, DATAGRAM_BYTES_MAX), np.uint8)
        self._buffers[:, 0], self._buffers[:, 1] = 0x80, 111
        self.vectors = np.zeros((BATCH, 2), np.uint64)
        self.vectors[:, 0] = [row.ctypes.data for row in self._buffers]
        self.headers = np.zeros((self.count, 8), np.uint64)
        self._kept: list[ctypes.Array[ctypes.c_char]] = []
        mapped, local = LOOPBACK, bytes(4) + socket.inet_aton(LOOPBACK) + bytes(4)
        if udp.ipv6:
            mapped = f"::ffff:{LOOPBACK}"
            local = socket.inet_pton(socket.AF_INET6, mapped) + bytes(4)
        for header, (index, port) in zip(self.headers, enumerate(ports), strict=True):
            path = udp.wire_path(Path(mapped, port, local))
            name, control = ctypes.create_string_buffer(path.name), ctypes.create_string_buffer(path.control)
            self._kept += [name, control]
            header[:2] = ctypes.addressof(name), len(path.name)
            header[2:4] = self.vectors[index % BATCH].ctypes.data, 1
            header[4:6] = ctypes.addressof(control), len(path.control)


class Sender:
    def __init__(self) -> None:
        self._udp = UdpSocket("", 0, lambda data, source: None, buffer_bytes=Config().udp_buffer_bytes)

    async def send(self, ports: list[int], sizes: list[int], seconds: float) -> dict[str, Any]:
        """CPU seconds of this process meanwhile, how many datagrams went out, and how late each tick's last one was out."""
        messages, sent, ended_late = Messages(self._udp, ports), 0, []
        start, cpu = time.monotonic(), time.process_time()
        for tick in range(round(seconds / TICK_SECONDS)):
            wait = start + tick * TICK_SECONDS - time.monotonic()
            if wait > 0:
                time.sleep(wait)  # noqa: ASYNC251 - nothing else is to be done here, and it is more exact
            messages.vectors[:, 1] = sizes[tick % len(sizes)]
            sent += self._tick(messages)
            ended_late.append(time.monotonic() - start - tick * TICK_SECONDS)
        return {
            "ended_late_seconds": ended_late,
            "datagrams": sent,
            "cpu_seconds": time.process_time() - cpu,
            "seconds": time.monotonic() - start,
        }

    def _tick(self, messages: Messages) -> int:
        done = 0
        while done < messages.count:
            batch = min(BATCH, messages.count - done)
            sent = _libc.sendmmsg(self._udp.fileno, messages.headers.ctypes.data + 64 * done, batch, MSG_NOSIGNAL)
            assert sent > 0, f"sendmmsg: errno {ctypes.get_errno()}"
            done += sent
        return done


async def main() -> None:
    sender = Sender()
    await obey(lambda name: getattr(sender, name))


if __name__ == "__main__":
    asyncio.run(main())
