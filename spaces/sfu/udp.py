"""The only UDP socket: dual-stack where IPv6 exists, answering from the address that was reached."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable

from spaces.sfu.fanout import WirePath
from spaces.sfu.ice_lite import Path

DATAGRAM_BYTES_MAX = 2_048
"""Longer ones are truncated and then fail their integrity; nothing of WebRTC's audio comes near."""
RECEIVED_AT_ONCE_MAX = 64
"""Datagrams taken per wake-up, so that a flood cannot keep the event loop from its other work."""

_IPV6_RECVPKTINFO, _IPV6_PKTINFO = 49, 50  # linux/in6.h; the socket module has them only on some builds
_IP_PKTINFO = 8
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33  # asm-generic/socket.h


class UdpSocket:
    """Datagrams in by callback, out by `send`; `fileno` is what the fan-out writes to."""

    def __init__(
        self, host: str, port: int, receive: Callable[[bytes, Path], None], *, buffer_bytes: int | None = None
    ) -> None:
        """`buffer_bytes` are asked of the kernel for either direction; None: what it gives by itself."""
        self._receive = receive
        self._socket, self.ipv6 = _open(host, port)
        if buffer_bytes is not None:
            enlarge_buffers(self._socket, buffer_bytes)
        self.fileno = self._socket.fileno()
        self.port: int = self._socket.getsockname()[1]
        self.send_failures = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        loop.add_reader(self.fileno, self._readable)

    def close(self) -> None:
        if hasattr(self, "_loop"):
            self._loop.remove_reader(self.fileno)
        self._socket.close()

    def send(self, data: bytes, path: Path) -> None:
        """Best effort, as UDP is: a refused or unsendable datagram is counted."""
        control = []
        if path.local is not None:
            control = [
                (socket.IPPROTO_IPV6, _IPV6_PKTINFO, path.local)
                if self.ipv6
                else (socket.IPPROTO_IP, _IP_PKTINFO, path.local)
            ]
        try:
            self._socket.sendmsg([data], control, 0, (path.host, path.port))
        except OSError:
            self.send_failures += 1

    def wire_path(self, path: Path) -> WirePath:
        """The path as the kernel's structures, for the fan-out's rows."""
        if self.ipv6:
            address, _, interface = path.host.partition("%")
            scope = socket.if_nametoindex(interface) if interface else 0
            packed = socket.inet_pton(socket.AF_INET6, address)
            name = struct.pack("=HHI16sI", socket.AF_INET6, socket.htons(path.port), 0, packed, scope)
            level, kind = socket.IPPROTO_IPV6, _IPV6_PKTINFO
        else:
            name = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(path.port), socket.inet_aton(path.host))
            level, kind = socket.IPPROTO_IP, _IP_PKTINFO
        if path.local is None:
            return WirePath(name)
        header = struct.pack("=Qii", 16 + len(path.local), level, kind)
        return WirePath(name, (header + path.local).ljust(socket.CMSG_SPACE(len(path.local)), b"\0"))

    def _readable(self) -> None:
        for _ in range(RECEIVED_AT_ONCE_MAX):
            try:
                data, control, _, address = self._socket.recvmsg(DATAGRAM_BYTES_MAX, 64)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error that belongs to some datagram sent before; it says nothing of this one.
                continue
            local = None
            for level, kind, value in control:
                if level == socket.IPPROTO_IPV6 and kind == _IPV6_PKTINFO and len(value) == 20:
                    local = value[:16] + _NO_INTERFACE if not _link_local(value) else value
                elif level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(value) == 12:
                    # ipi_spec_dst is the address to answer from; the interface is the routing table's to choose.
                    local = _NO_INTERFACE + value[8:12] + b"\0\0\0\0"
            self._receive(data, Path(address[0], address[1], local))


_NO_INTERFACE = b"\0\0\0\0"


def _link_local(pktinfo: bytes) -> bool:
    return pktinfo[0] == 0xFE and pktinfo[1] & 0xC0 == 0x80


def _open(host: str, port: int) -> tuple[socket.socket, bool]:
    """Bind: every address of both families, or the one given. Falls back to IPv4 where there is no IPv6.

    Raises OSError if the port is taken.
    """
    if not host or ":" in host:
        try:
            sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        except OSError:
            if host:
                raise
        else:
            try:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if not host else 1)
                sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
                return _prepare(sock, host or "::", port), True
            except OSError as error:
                sock.close()
                if host or not _no_ipv6(error):
                    raise
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    try:
        return _prepare(sock, host or "0.0.0.0", port), False  # noqa: S104 – every address is what an empty host asks for
    except OSError:
        sock.close()
        raise


def enlarge_buffers(sock: socket.socket, wanted: int) -> tuple[int, int]:
    """Ask for buffers of so many bytes, sending and receiving; what was given.

    net.core.wmem_max and rmem_max cap it, except for who may administer the network. The kernel doubles what is asked for,
    for its own bookkeeping, and tells the double.
    """
    given = []
    for force, plain in ((_SO_SNDBUFFORCE, socket.SO_SNDBUF), (_SO_RCVBUFFORCE, socket.SO_RCVBUF)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, force, wanted)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, plain, wanted)
        given.append(sock.getsockopt(socket.SOL_SOCKET, plain) // 2)
    return given[0], given[1]


def _no_ipv6(error: OSError) -> bool:
    return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENOPROTOOPT)


def _prepare(sock: socket.socket, host: str, port: int) -> socket.socket:
    sock.setblocking(False)
    sock.bind((host, port))
    return sock
