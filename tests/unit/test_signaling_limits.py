"""Budgets and addresses: pure, with a clock that the test holds."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from spaces.errors import RequestError
from spaces.signaling import patterns
from spaces.signaling.client_address import client_address, read_networks
from spaces.signaling.limits import Budget, Concurrency
from spaces.signaling.problems import read_validation_error


def taken(budget: Budget, address: str, now: float) -> bool:
    try:
        budget.take(address, now)
    except RequestError:
        return False
    return True


def test_a_minutes_worth_may_come_at_once_and_then_at_the_rate() -> None:
    budget = Budget("offers", 60)
    assert [taken(budget, "a", 0.0) for _ in range(61)] == [True] * 60 + [False]
    assert taken(budget, "b", 0.0)
    assert not taken(budget, "a", 0.9)
    assert taken(budget, "a", 1.0)
    assert not taken(budget, "a", 1.0)
    assert sum(taken(budget, "a", 1000.0) for _ in range(100)) == 60


def test_the_time_to_come_back_is_true() -> None:
    budget = Budget("offers", 6)
    for _ in range(6):
        budget.take("a", 0.0)
    with pytest.raises(RequestError) as refused:
        budget.take("a", 0.0)
    wait = refused.value.retry_after_seconds
    assert wait is not None
    assert wait >= 1
    assert taken(budget, "a", float(wait))


def test_the_table_is_bounded_and_forgets_who_is_at_rest() -> None:
    budget = Budget("offers", 60, addresses_max=100)
    for number in range(1_000):
        budget.take(str(number), 0.0)
    assert len(budget) == 100
    budget.take("x", 100.0)
    assert len(budget) == 1


def test_what_is_open_is_counted_until_it_closes() -> None:
    sockets = Concurrency("sockets", 1)
    with sockets.one("a"):
        with pytest.raises(RequestError), sockets.one("a"):
            pass
        with sockets.one("b"):
            pass
    with sockets.one("a"):
        pass


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8:1:2:3::4]:443"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        (None, ["198.51.100.1"], ""),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_no_proxy_of_ours(
    remote: str | None, forwarded: list[str], expected: str
) -> None:
    assert client_address(remote, forwarded, read_networks(("10.0.0.0/8",))) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Expected `str`, got `int` - at `$.a.b`", ("Expected `str`, got `int`", "a.b")),
        ("Object missing required field `x`", ("Object missing required field `x`", "x")),
        ("Object missing required field `x` - at `$.a[0]`", ("Object missing required field `x`", "a[0].x")),
        ("Expected `object`, got `array`", ("Expected `object`, got `array`", "")),
    ],
)
def test_the_field_is_read_from_the_validators_sentence(message: str, expected: tuple[str, str]) -> None:
    assert read_validation_error(message) == expected


@pytest.mark.parametrize("pattern", patterns.IN_WORDS)
def test_nobody_is_told_an_expression(pattern: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert("\u202e", Annotated[str, msgspec.Meta(pattern=pattern)])
    assert read_validation_error(str(caught.value)) == (patterns.IN_WORDS[pattern], "")
