"""The addresses that clients are told to reach the UDP port at."""

from __future__ import annotations

import ipaddress
import socket

from spaces.config import ConfigError
from spaces.sfu.session import Candidate
from spaces.sfu.udp import UdpSocket


def local_candidates(public: tuple[str, ...], host: str, udp: UdpSocket) -> tuple[Candidate, ...]:
    """The configured public addresses; without any, those of this machine that the socket is bound to.

    Raises ConfigError naming what is no address.
    """
    if public:
        return tuple(read_candidate(text, udp.port) for text in public)
    if host and not _is_every_address(host):
        return (Candidate(host, udp.port),)
    found, loopback = [], "::1"
    if host != "::":  # which binds IPv6 alone
        found.append(_outgoing(socket.AF_INET, "192.0.2.1"))
        loopback = "127.0.0.1"
    if udp.ipv6:
        found.append(_outgoing(socket.AF_INET6, "2001:db8::1"))
    addresses = [a for a in found if a is not None]
    # Loopback last: it serves the browser on the same machine, which is how everybody begins.
    return tuple(Candidate(a, udp.port) for a in dict.fromkeys([*addresses, loopback]))


def _is_every_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        raise ConfigError(f"udp_host: {host!r} is not an IP address") from None


def read_candidate(text: str, port: int) -> Candidate:
    """`address`, `address:port`, `[ipv6]:port`. Raises ConfigError."""
    address, given = text, ""
    if text.startswith("["):
        address, closed, given = text[1:].partition("]")
        given = given.removeprefix(":") if closed else "missing ]"
    elif text.count(":") == 1:
        address, _, given = text.partition(":")
    try:
        number = int(given) if given else port
        if not 0 < number < 65536:
            raise ValueError
        return Candidate(str(ipaddress.ip_address(address)), number)
    except ValueError:
        raise ConfigError(
            f"public_addresses: {text!r} is not an IP address with an optional port (IPv6 with port: [address]:port)"
        ) from None


def _outgoing(family: socket.AddressFamily, towards: str) -> str | None:
    """Our address on the way to a documentation address (RFC 5737, RFC 3849); connecting a UDP socket sends nothing."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((towards, 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])
