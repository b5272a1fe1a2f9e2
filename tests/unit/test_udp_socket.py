"""The one UDP socket on real loopback: both families, answering from the address that was reached."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path as File

import numpy as np
import pytest
from pylibsrtp import Policy, Session

from spaces.mixing.programs import Programs
from spaces.sfu import udp as module
from spaces.sfu.fanout import SENT, Fanout, fan_out
from spaces.sfu.ice_lite import Path
from spaces.sfu.udp import UdpSocket, enlarge_buffers
from tests.harness.eventually import until

Received = list[tuple[bytes, Path]]


@contextlib.contextmanager
def opened(host: str = "") -> Iterator[tuple[UdpSocket, Received]]:
    received: Received = []
    udp = UdpSocket(host, 0, lambda data, path: received.append((data, path)))
    try:
        udp.start(asyncio.get_running_loop())
        yield udp, received
    finally:
        udp.close()


@contextlib.contextmanager
def client(family: socket.AddressFamily, address: str) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 0))
        sock.setblocking(False)
        yield sock


def descriptors() -> set[File]:
    return set(File("/proc/self/fd").iterdir())


REACHED = [
    ("", socket.AF_INET, "127.0.0.1"),
    ("", socket.AF_INET, "127.0.0.9"),
    ("", socket.AF_INET6, "::1"),
    ("0.0.0.0", socket.AF_INET, "127.0.0.9"),
    ("::1", socket.AF_INET6, "::1"),
    ("127.0.0.1", socket.AF_INET, "127.0.0.1"),
]


@pytest.mark.parametrize(("host", "family", "reached"), REACHED)
async def test_answers_come_from_the_address_that_was_reached(
    host: str, family: socket.AddressFamily, reached: str
) -> None:
    with opened(host) as (udp, received), client(family, "127.0.0.1" if family == socket.AF_INET else "::1") as sock:
        sock.sendto(b"hello", (reached, udp.port))
        await until(lambda: received)
        data, path = received[0]
        assert data == b"hello"
        assert path.port == sock.getsockname()[1]
        udp.send(b"answer", path)
        data, source = await asyncio.get_running_loop().sock_recvfrom(sock, 99)
        assert (data, source[:2]) == (b"answer", (reached, udp.port))
        assert udp.send_failures == 0


@pytest.mark.parametrize(("host", "family", "reached"), REACHED)
async def test_the_fan_out_sends_along_the_same_path(host: str, family: socket.AddressFamily, reached: str) -> None:
    with opened(host) as (udp, received), client(family, "127.0.0.1" if family == socket.AF_INET else "::1") as sock:
        sock.sendto(b"hello", (reached, udp.port))
        await until(lambda: received)
        fanout = Fanout(udp.fileno, rows=1)
        policy = Policy(
            key=bytes(28), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        )
        row = fanout.add(Session(policy), 111, udp.wire_path(received[0][1]))
        programs = Programs(1).rows
        programs.state[0]["bytes"] = 9
        first = np.zeros(1, np.int32)
        fan_out(np.array([row], np.int32), first, first, programs, fanout.rows, fanout.outgoing)
        assert fanout.counters[SENT] == 1
        _, source = await asyncio.get_running_loop().sock_recvfrom(sock, 99)
        assert source[:2] == (reached, udp.port)


async def test_an_unsendable_datagram_is_counted() -> None:
    with opened() as (udp, _):
        udp.send(b"x", Path("::ffff:127.0.0.1", 0))
        udp.send(bytes(70_000), Path("::1", 9))
        assert udp.send_failures == 2


async def test_a_refused_datagram_does_not_stop_reception() -> None:
    """Nobody listens at the port we send to: ICMP comes back, and the next datagram is received all the same."""
    with opened() as (udp, received), client(socket.AF_INET, "127.0.0.1") as sock:
        with client(socket.AF_INET, "127.0.0.1") as gone:
            nobody = gone.getsockname()[1]
        for _ in range(3):
            udp.send(b"x", Path("::ffff:127.0.0.1", nobody))
        sock.sendto(b"still here", ("127.0.0.1", udp.port))
        await until(lambda: received)
        assert received[0][0] == b"still here"


async def test_a_long_datagram_is_cut_and_a_burst_is_taken_whole() -> None:
    with opened() as (udp, received), client(socket.AF_INET, "127.0.0.1") as sock:
        sock.sendto(bytes(5_000), ("127.0.0.1", udp.port))
        for n in range(200):
            sock.sendto(bytes((n,)), ("127.0.0.1", udp.port))
        await until(lambda: len(received) == 201)
        assert len(received[0][0]) == module.DATAGRAM_BYTES_MAX
        assert [d[0] for d, _ in received[1:]] == list(range(200))


async def test_a_taken_port_is_an_error() -> None:
    with opened() as (udp, _), pytest.raises(OSError, match="in use") as taken:
        UdpSocket("", udp.port, lambda data, path: None)
    assert taken.value.errno == errno.EADDRINUSE


async def test_without_ipv6_it_is_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def no_ipv6(family: int = -1, *arguments: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *arguments)

    monkeypatch.setattr("spaces.sfu.udp.socket.socket", no_ipv6)
    with opened() as (udp, received), client(socket.AF_INET, "127.0.0.1") as sock:
        assert not udp.ipv6
        sock.sendto(b"hello", ("127.0.0.5", udp.port))
        await until(lambda: received)
        udp.send(b"answer", received[0][1])
        assert await asyncio.get_running_loop().sock_recvfrom(sock, 99) == (b"answer", ("127.0.0.5", udp.port))


async def test_closed_it_leaves_no_descriptor() -> None:
    before = descriptors()
    with opened():
        pass
    assert descriptors() <= before


def test_buffers_are_as_large_as_was_asked_for_or_what_the_kernel_gives_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sending, receiving = enlarge_buffers(sock, 100_000)
        assert (sending, receiving) == (100_000, 100_000), "net.core.?mem_max is at least 212992 everywhere"
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 200_000
