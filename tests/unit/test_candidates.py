"""The addresses that clients are told."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest

from spaces.config import ConfigError
from spaces.sfu.candidates import local_candidates
from spaces.sfu.session import Candidate
from spaces.sfu.udp import UdpSocket


@pytest.fixture
def udp() -> Iterator[UdpSocket]:
    socket = UdpSocket("", 0, lambda data, path: None)
    yield socket
    socket.close()


def test_configured_addresses_are_told_as_they_are(udp: UdpSocket) -> None:
    public = ("203.0.113.5", "203.0.113.6:9999", "2001:db8::5", "[2001:db8::6]:443")
    assert local_candidates(public, "", udp) == (
        Candidate("203.0.113.5", udp.port),
        Candidate("203.0.113.6", 9_999),
        Candidate("2001:db8::5", udp.port),
        Candidate("2001:db8::6", 443),
    )


@pytest.mark.parametrize(
    "text", ["example.org", "203.0.113.5:0", "203.0.113.5:65536", "203.0.113.5:x", "[::1", "300.1.1.1"]
)
def test_what_is_no_address_is_named(udp: UdpSocket, text: str) -> None:
    with pytest.raises(ConfigError, match="public_addresses"):
        local_candidates((text,), "", udp)


def test_a_name_is_not_an_address_to_bind(udp: UdpSocket) -> None:
    with pytest.raises(ConfigError, match="udp_host"):
        local_candidates((), "localhost", udp)


def test_a_bound_address_is_the_only_one(udp: UdpSocket) -> None:
    assert local_candidates((), "127.0.0.1", udp) == (Candidate("127.0.0.1", udp.port),)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
def test_bound_to_all_it_is_addresses_of_this_machine_loopback_last(host: str) -> None:
    udp = UdpSocket(host, 0, lambda data, path: None)
    try:
        candidates = local_candidates((), host, udp)
    finally:
        udp.close()
    addresses = [ipaddress.ip_address(c.address) for c in candidates]
    assert str(addresses[-1]) in ("127.0.0.1", "::1")
    assert not any(a.is_unspecified for a in addresses), "nobody can reach 0.0.0.0"
    assert len(set(addresses)) == len(addresses)
    assert {c.port for c in candidates} == {udp.port}
