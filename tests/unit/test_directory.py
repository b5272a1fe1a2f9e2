"""What every directory does, the one in process and the one in a real Redis: names, leases, numbers that only grow."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from spaces.directory import (
    LEASE_SECONDS,
    Card,
    Directory,
    DirectoryAwayError,
    ForgottenError,
    Lease,
    LocalDirectory,
    Place,
    TakenError,
)
from spaces.redis_client import connect
from spaces.redis_directory import RedisDirectory
from tests.harness.eventually import until_so
from tests.harness.redis import RedisServer, redis_server

pytestmark = pytest.mark.thorough

ONE, TWO = Place("one.1", "http://10.0.0.1:8080"), Place("two.1", "http://10.0.0.2:8080")
CARD_ONE = Card("one", ONE, ("10.0.0.1:8081",))
CARD_TWO = Card("two", TWO, ("10.0.0.2:8081", "[2001:db8::2]:8081"))


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("directory")) as server:
        yield server


@pytest.fixture(params=["local", pytest.param("redis", marks=pytest.mark.needs("redis"))])
async def directory(request: pytest.FixtureRequest) -> AsyncIterator[Directory]:
    if request.param == "local":
        yield LocalDirectory(time.monotonic)
        return
    client = connect(request.getfixturevalue("redis").url)
    await client.flushall()
    yield RedisDirectory(client)
    await client.aclose()


@pytest.fixture
def space() -> str:
    return secrets.token_hex(6)


async def test_one_node_has_a_space_and_every_node_finds_it(directory: Directory, space: str) -> None:
    assert await directory.find(space) is None
    lease = await directory.claim(space, ONE)
    assert lease.place == ONE
    assert await directory.claim(space, TWO) == lease
    assert await directory.find(space) == lease
    assert await directory.claim(space, ONE) == lease, "who has it has it"
    assert await directory.find_many([space, "other"]) == {space: lease}


async def test_a_space_goes_to_another_at_its_holders_word(directory: Directory, space: str) -> None:
    lease = await directory.claim(space, ONE)
    assert await directory.claim(space, TWO, instead_of="three.1") == lease, "it is not that one's"
    new = await directory.claim(space, TWO, instead_of=ONE.node)
    assert new.place == TWO
    assert new.fence > lease.fence
    assert not await directory.renew(space, lease)
    assert await directory.renew(space, new)


async def test_of_many_who_claim_at_once_one_gets_it(directory: Directory, space: str) -> None:
    places = [Place(f"node.{n}", "http://x") for n in range(20)]
    leases = await asyncio.gather(*(directory.claim(space, place) for place in places))
    assert len(set(leases)) == 1


async def test_numbers_grow_with_every_holder(directory: Directory, space: str) -> None:
    first = await directory.claim(space, ONE)
    await directory.release(space, first)
    second = await directory.claim(space, TWO)
    await directory.release(space, second)
    third = await directory.claim(space, ONE, at_least=second.fence + 1_000_000)
    assert first.fence < second.fence < third.fence
    assert third.fence >= second.fence + 1_000_000


async def test_only_the_holder_releases(directory: Directory, space: str) -> None:
    lease = await directory.claim(space, ONE)
    await directory.release(space, replace(lease, place=TWO))
    await directory.release(space, replace(lease, fence=lease.fence - 1))  # what it had before, and gave back late
    assert await directory.find(space) == lease
    await directory.release(space, lease)
    assert await directory.find(space) is None


async def test_a_lease_that_has_lapsed_is_told_from_one_that_was_forgotten(directory: Directory, space: str) -> None:
    assert not await directory.lapsed(space, 7), "nothing is known of it"
    lease = await directory.claim(space, ONE)

    async def lapsed() -> bool:
        return await directory.lapsed(space, lease.fence)

    await until_so(lapsed, 30)
    assert not await directory.lapsed(space, lease.fence - 1)
    assert await directory.renew(space, lease), "its holder was only late"
    while await directory.find(space) is None:  # on a busy machine it has ended again
        await directory.renew(space, lease)
    await directory.claim(space, TWO, instead_of=ONE.node)
    assert not await directory.lapsed(space, lease.fence)


async def test_a_lease_that_is_not_renewed_ends_by_itself(directory: Directory, space: str) -> None:
    lease = await directory.claim(space, ONE)

    async def free() -> bool:
        return await directory.find(space) is None

    await until_so(free)
    other = await directory.claim(space, TWO)
    assert other.fence > lease.fence
    assert not await directory.renew(space, lease), "another has it"
    await directory.release(space, other)
    assert not await directory.renew(space, lease), "another had it since"
    assert await directory.find(space) is None


async def test_a_renewed_lease_goes_on_and_tells_the_audience(directory: Directory, space: str) -> None:
    lease = await directory.claim(space, ONE)
    for _ in range(3):
        await asyncio.sleep(LEASE_SECONDS / 2)
        assert await directory.renew(space, replace(lease, listeners=7, peak=9))
    assert await directory.find(space) == Lease(ONE, lease.fence, 7, 9)


async def test_a_directory_that_has_forgotten_is_told_again_by_the_holder(directory: Directory, space: str) -> None:
    with pytest.raises(ForgottenError):
        await directory.renew(space, Lease(ONE, 5))
    assert await directory.find(space) is None, "whoever has not looked elsewhere is not believed"
    assert await directory.restore(space, Lease(ONE, 5))
    assert await directory.find(space) == Lease(ONE, 5)
    assert await directory.renew(space, Lease(ONE, 5))
    assert not await directory.restore(space, Lease(TWO, 4))
    assert await directory.claim(space, TWO) == Lease(ONE, 5)
    assert not await directory.renew(space, Lease(TWO, 6))


async def test_nodes_say_that_they_live(directory: Directory) -> None:
    await directory.enter(CARD_ONE)
    await directory.enter(CARD_TWO)
    assert await directory.nodes() == [CARD_ONE, CARD_TWO]
    draining = replace(CARD_ONE, draining=True, seats=3)
    await directory.enter(draining)
    assert await directory.nodes() == [draining, CARD_TWO]
    await directory.leave(CARD_ONE)
    assert await directory.nodes() == [CARD_TWO]

    async def nobody() -> bool:
        return await directory.nodes() == []

    await until_so(nobody)


async def test_a_second_node_of_the_same_name_is_refused_and_told_why(directory: Directory) -> None:
    await directory.enter(CARD_ONE)
    with pytest.raises(TakenError, match=r"http://10\.0\.0\.1:8080.*'one'.*node_name"):
        await directory.enter(replace(CARD_TWO, name="one"))
    await directory.leave(CARD_ONE)
    await directory.enter(replace(CARD_TWO, name="one"))


async def test_a_second_node_at_the_same_udp_address_is_refused_and_told_why(directory: Directory) -> None:
    await directory.enter(CARD_TWO)
    with pytest.raises(TakenError, match=r"'two'.*\[2001:db8::2\]:8081.*udp_port"):
        await directory.enter(replace(CARD_ONE, udp_addresses=("10.0.0.9:8081", "[2001:db8::2]:8081")))
    assert await directory.nodes() == [CARD_TWO]


async def test_a_node_that_is_started_again_is_another(directory: Directory) -> None:
    await directory.enter(CARD_ONE)
    again = replace(CARD_ONE, place=replace(ONE, node="one.2"))
    with pytest.raises(TakenError):
        await directory.enter(again)

    async def taken() -> bool:
        with contextlib.suppress(TakenError):
            await directory.enter(again)
            return True
        return False

    await until_so(taken)


async def test_a_node_is_told_once_that_it_is_to_drain(directory: Directory) -> None:
    assert not await directory.enter(CARD_ONE)
    await directory.ask_to_drain("one")
    assert await directory.enter(CARD_ONE)
    assert not await directory.enter(CARD_ONE)


@pytest.mark.needs("redis")
async def test_everything_in_redis_expires_and_one_space_is_in_one_slot(redis: RedisServer, space: str) -> None:
    client = connect(redis.url)
    await client.flushall()
    directory = RedisDirectory(client)
    await directory.enter(CARD_ONE)
    await directory.ask_to_drain("two")
    await directory.claim(space, ONE)
    keys = [key.decode() for key in await client.keys("*")]
    assert len(keys) == 6
    for key in keys:
        assert await client.pttl(key) > 0, key
    tags = {key.partition("{")[2].partition("}")[0] for key in keys}
    assert tags == {"nodes", f"space:{space}"}
    await client.aclose()


@pytest.mark.needs("redis")
async def test_redis_that_is_away_is_said_to_be(tmp_path: Path, space: str) -> None:
    with redis_server(tmp_path) as server:
        client = connect(server.url)
        directory = RedisDirectory(client)
        lease = await directory.claim(space, ONE)
        server.stop()
        for asked in (
            directory.find(space), directory.renew(space, lease), directory.claim(space, ONE), directory.nodes(),
        ):  # fmt: skip
            with pytest.raises(DirectoryAwayError):
                await asked
        server.start()
        assert await directory.find(space) is None, "it has forgotten"
        with pytest.raises(ForgottenError):
            await directory.renew(space, lease)
        assert await directory.restore(space, lease)
        assert await directory.claim(space, TWO) == lease
        await client.aclose()


@pytest.mark.needs("redis")
async def test_numbers_grow_although_redis_has_lost_them(tmp_path: Path, space: str) -> None:
    with redis_server(tmp_path) as server:
        client = connect(server.url)
        directory = RedisDirectory(client)
        first = await directory.claim(space, ONE)
        await client.flushall()
        await asyncio.sleep(0.002)  # without the database's last number, one begins with Redis' milliseconds
        assert (await directory.claim(space, TWO)).fence > first.fence
        await client.aclose()


async def test_a_node_renews_more_spaces_at_once_than_there_are_connections(directory: Directory, space: str) -> None:
    names = [f"{space}{n}" for n in range(300)]
    leases = await asyncio.gather(*(directory.claim(name, ONE) for name in names))
    renewed = await asyncio.gather(*(directory.renew(name, lease) for name, lease in zip(names, leases, strict=True)))
    assert all(renewed)

    async def all_found() -> bool:
        """On a busy machine the first are over when the last are renewed."""
        await asyncio.gather(*(directory.renew(name, lease) for name, lease in zip(names, leases, strict=True)))
        return (await directory.find_many(names)).keys() == set(names)

    await until_so(all_found, 60)


@pytest.mark.needs("redis")
async def test_what_no_node_of_this_server_has_said_is_dropped_and_counted(redis: RedisServer, space: str) -> None:
    """Broken, of another version, or by somebody who may write to Redis and has not the nodes' key."""
    client = connect(redis.url)
    await client.flushall()
    dropped: list[str] = []
    ours, stranger = RedisDirectory(client, b"k" * 32, dropped.append), RedisDirectory(client, b"x" * 32)
    lease = await ours.claim(space, ONE)
    await ours.enter(CARD_ONE)
    await stranger.enter(CARD_TWO)
    owner, node = f"spaces:{{space:{space}}}:owner", "spaces:{nodes}:name:one"
    for key in (owner, node, "spaces:{nodes}:name:two", "spaces:{nodes}:udp:10.0.0.1:8081"):
        await client.persist(key)  # however long this takes on a busy machine
    assert (await ours.find(space), await ours.find_many([space])) == (lease, {space: lease})
    assert [card.name for card in await ours.nodes()] == ["one"]
    assert dropped == ["directory_forged"]
    elsewhere = replace(lease, place=replace(lease.place, url="http://elsewhere"))  # with the seal of a node of ours
    for said in (
        b"",
        b"{",
        b'{"place":7}',
        b"\xff",
        msgspec.json.encode(elsewhere),
        msgspec.json.encode(Lease(TWO, 7)),
    ):
        await client.hset(owner, "lease", said)
        with pytest.raises(DirectoryAwayError):
            await ours.find(space)
        with pytest.raises(DirectoryAwayError):
            await ours.claim(space, TWO)
        assert await ours.find_many([space, "other"]) == {}
    assert set(dropped) == {"directory_forged", "directory_malformed"}
    assert await ours.renew(space, lease), "its holder says it again"
    await client.persist(owner)
    assert await ours.find(space) == lease
    await client.hset(node, "card", b"{}")
    assert await ours.nodes() == []
    with pytest.raises(TakenError, match="cannot be read"):
        await ours.enter(replace(CARD_ONE, place=TWO))
    assert not await ours.enter(CARD_ONE)
    await client.persist(node)
    assert [card.name for card in await ours.nodes()] == ["one"]
    await client.aclose()
