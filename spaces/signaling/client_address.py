"""Whose request this is, as limits count it: an IPv4 address or an IPv6 /64, seen past the proxies that are trusted."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

HOPS_MAX = 20
"""Of X-Forwarded-For that are looked at."""
ADDRESSES_REMEMBERED = 4_096
"""Read already: a request has its address read three times, and many requests come from one."""


def read_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Raises ValueError naming the text that is no network."""
    return tuple(ip_network(text, strict=False) for text in texts)


def client_address(remote: str | None, forwarded_for: list[str], trusted: tuple[Network, ...]) -> str:
    """The caller as limits count it. `forwarded_for`: the X-Forwarded-For headers as they came."""
    return _counted(caller(remote, forwarded_for, trusted))


def caller(remote: str | None, forwarded_for: list[str], trusted: tuple[Network, ...]) -> str:
    """The nearest hop that is not one of our proxies.

    Each proxy appends whom it was called by, so only what stands right of an untrusted hop can be believed.
    """
    address = remote or ""
    hops = [hop.strip() for header in forwarded_for for hop in header.split(",")][-HOPS_MAX:]
    while hops and _is_trusted(address, trusted):
        hop = hops.pop()
        if _parse(hop) is None:
            break
        address = hop
    return address


def is_trusted(remote: str | None, trusted: tuple[Network, ...]) -> bool:
    return _is_trusted(remote or "", trusted)


def _is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in trusted if network.version == parsed.version)


@lru_cache(ADDRESSES_REMEMBERED)
def _parse(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip()
    if text.startswith("["):  # [2001:db8::1]:443
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 192.0.2.1:443
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped if mapped is not None else parsed


@lru_cache(ADDRESSES_REMEMBERED)
def _counted(address: str) -> str:
    parsed = _parse(address)
    if parsed is None:
        return address
    if parsed.version == 6:
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)
