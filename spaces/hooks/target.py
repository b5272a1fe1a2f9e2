"""Where webhooks may go: to public addresses by https, and to networks that the server's owner has named.

Somebody else chooses these addresses, and this server stands inside networks that he cannot reach. So the last word is at
the socket: whatever a name was resolved to, and however often it changes, no socket is made for an address that may not be.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from spaces.errors import RequestError

URL_LENGTH_MAX = 2_000
NAT64 = ipaddress.ip_network("64:ff9b::/96")
UNICAST = ipaddress.ip_network("2000::/3")
"""All that is given out of IPv6 for use in public. What lies outside are translations and sites' own, old kinds too."""
ADVICE = "an https address of the public internet, without user, password and fragment"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RefusedAddressError(OSError):
    """It leads to where webhooks may not go."""


def check_url(url: str, networks: Sequence[Network]) -> str:
    """Raises RequestError(422). That its name leads to no private address is seen when it is connected to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _bad(ADVICE) from None
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > URL_LENGTH_MAX:
        raise _bad(f"{ADVICE}, at most {URL_LENGTH_MAX} characters of ASCII")
    if parts.scheme not in ("https", "http") or not host or port == 0 or parts.fragment or "@" in parts.netloc:
        raise _bad(ADVICE)
    if parts.scheme == "http" and not networks:
        raise _bad(f"{ADVICE}; http only into networks of SPACES_WEBHOOK_NETWORKS")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return url
    if not may_reach(literal, networks, encrypted=parts.scheme == "https"):
        raise _bad("this address is private, and not in SPACES_WEBHOOK_NETWORKS")
    return url


def may_reach(address: Address, networks: Sequence[Network], *, encrypted: bool) -> bool:
    """What an address of IPv6 has inside of IPv4 is what counts."""
    inner = address
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        else:
            inner = address.ipv4_mapped or address.sixtofour or address
        if address.teredo is not None:
            return False
    if any(inner.version == network.version and inner in network for network in networks):
        return True
    if inner.version == 6 and inner not in UNICAST:
        return False
    return encrypted and inner.is_global and not inner.is_multicast


def connector(networks: Sequence[Network], *, encrypted: bool) -> aiohttp.TCPConnector:
    """Makes sockets for permitted addresses only."""

    def make(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_reach(ipaddress.ip_address(address[0].partition("%")[0]), networks, encrypted=encrypted):
            raise RefusedAddressError("webhooks may not go there")
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(socket_factory=make, limit=0, force_close=True, use_dns_cache=False)


def _bad(detail: str) -> RequestError:
    return RequestError(422, "bad_field", f"url: {detail}", field="url")
