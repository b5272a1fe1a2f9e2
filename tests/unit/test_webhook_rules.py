"""What a webhook is signed with, where it may go, and when it is tried again: pure."""

from __future__ import annotations

import contextlib
import ipaddress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.hook_deliveries import FIRST_PAUSE, LONGEST_PAUSE, pause
from access.hook_kinds import KINDS, wants
from spaces.errors import RequestError
from spaces.hooks import signature
from spaces.hooks.target import check_url, may_reach

OURS = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00::/8"))


def test_the_signature_is_that_of_the_scheme() -> None:
    """The example of the reference implementations."""
    secret, id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    signed = signature.headers([secret], id, 1614265330, b'{"test": 2432232314}')
    assert signed == {
        "webhook-id": id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_secret_is_changed_both_sign() -> None:
    both = signature.headers(["whsec_AAAA", "whsec_BBBB"], "msg_1", 1, b"{}")["webhook-signature"].split(" ")
    assert both == [
        signature.headers([secret], "msg_1", 1, b"{}")["webhook-signature"] for secret in ("whsec_AAAA", "whsec_BBBB")
    ]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d70e", True),
        ("2002:7f00:1::", False),
        ("64:ff9b:1::a00:1", False),  # a site's own translation (RFC 8215)
        ("::7f00:1", False),
        ("::ffff:0:7f00:1", False),
        ("fec0::1", False),
        ("2001:0:53aa:64c:0:0:80ff:fffe", False),
    ],
)
def test_only_public_addresses_are_reached(address: str, public: bool) -> None:
    assert may_reach(ipaddress.ip_address(address), (), encrypted=True) is public
    assert not may_reach(ipaddress.ip_address(address), (), encrypted=False)


@pytest.mark.parametrize("address", ["10.1.2.3", "fd12::1", "::ffff:10.1.2.3"])
def test_networks_that_are_named_are_reached_also_in_the_clear(address: str) -> None:
    for encrypted in (True, False):
        assert may_reach(ipaddress.ip_address(address), OURS, encrypted=encrypted)
    assert not may_reach(ipaddress.ip_address("10.2.2.3"), OURS, encrypted=True)
    assert not may_reach(ipaddress.ip_address("93.184.215.14"), OURS, encrypted=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hooks",
        "ftp://example.org/",
        "https://",
        "https:///path",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org/\r\nX-Header: 1",
        "https://exämple.org/",
        "https://[bad/",
        "javascript:alert(1)",
        "https://example.org/" + "x" * 2_000,
    ],
)
def test_what_is_no_public_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(RequestError) as refused:
        check_url(url, ())
    assert (refused.value.status, refused.value.extra["field"]) == (422, "url")


@given(st.text())
def test_whatever_is_written_there_is_an_address_or_refused(url: str) -> None:
    with contextlib.suppress(RequestError):
        assert check_url(url, OURS) == url


@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(-10, 1e9))
def test_pauses_grow_and_end(failures: int, noise: float, asked: float | None) -> None:
    waits = pause(failures, noise, asked)
    assert FIRST_PAUSE <= waits <= LONGEST_PAUSE * 1.25
    assert asked is None or waits >= min(timedelta(seconds=max(asked, 0)), LONGEST_PAUSE)
    assert pause(failures + 1, noise, asked) >= pause(failures, noise, asked)


def test_an_endpoint_is_told_what_it_asked_for() -> None:
    assert all(wants([], kind) for kind in KINDS)
    assert [kind for kind in KINDS if wants(["space.started", "role.*"], kind)] == ["space.started", "role.changed"]
