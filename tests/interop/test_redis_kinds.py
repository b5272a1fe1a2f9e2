"""Redis with TLS and a user of few rights, behind Sentinels, and as a Cluster: two nodes, and people at both."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis import Redis

from spaces.node import Node
from tests.harness.accounts import Person
from tests.harness.api import Api
from tests.harness.client import RtcClient, duplicates_and_losses, listening, speaking
from tests.harness.database import fresh_database_url
from tests.harness.eventually import until, until_so
from tests.harness.node import node_config
from tests.harness.ports import free_tcp_port
from tests.harness.redis import RedisServer, redis_server
from tests.harness.signals import packed, tone

pytestmark = [pytest.mark.needs("redis"), pytest.mark.thorough]

TONE = packed(tone(600, 2.0))
RIGHTS = "on >opensesame resetchannels ~spaces:* &spaces:* +@all -@dangerous -@admin"
"""As docs/growing.md says."""


@asynccontextmanager
async def two(folder: Path, redis_url: str) -> AsyncIterator[tuple[Api, Api]]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(fresh_database_url(folder, migrated=True))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        apis = []
        for name in ("one", "two"):
            node = Node(node_config(folder, database_url=url, redis_url=redis_url, node_name=name))
            await node.start()
            stack.push_async_callback(node.stop)
            apis.append(Api(http, node.url))
        yield apis[0], apis[1]


@asynccontextmanager
async def conversation(here: Api, there: Api, host: Person) -> AsyncIterator[RtcClient]:
    """The host at the one, a listener who hears him at the other."""
    space = await here.space(host)
    async with speaking(here, space, TONE, by=host), listening(there, space) as listener:
        await until(lambda: len(listener.packets) > 20, seconds=30)
        yield listener


def certificate(folder: Path) -> tuple[Path, Path]:
    """For 127.0.0.1, signed by itself; the chain and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "redis.crt", folder / "redis.key"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, secret


async def test_tls_and_a_user_of_few_rights(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    port = free_tcp_port()
    options = (
        "--tls-port", str(port), "--tls-cert-file", str(chain), "--tls-key-file", str(key),
        "--tls-ca-cert-file", str(chain), "--tls-auth-clients", "no", "--user", "spaces", *RIGHTS.split(),
    )  # fmt: skip
    with redis_server(tmp_path, *options) as redis:
        url = f"rediss://spaces:opensesame@127.0.0.1:{port}/0?ssl_ca_certs={chain}"
        async with two(tmp_path, url) as (here, there), conversation(here, there, await here.creator("ada")):
            with Redis(port=redis.port) as client:
                assert {key.split(b":")[0] for key in client.scan_iter()} == {b"spaces"}
                assert "spaces" in {one["user"] for one in client.client_list()}
                assert client.acl_log() == [], "nothing was asked that it may not"


async def test_sentinels_put_another_in_the_place_of_a_redis_that_died(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(redis_server(tmp_path, name="master"))
        replica = stack.enter_context(
            redis_server(tmp_path, "--replicaof", "127.0.0.1", str(master.port), name="replica")
        )
        sentinel = stack.enter_context(sentinel_of(tmp_path, master))
        with Redis(port=replica.port) as client:
            await until(lambda: client.info("replication")["master_link_status"] == "up", seconds=30)
        url = f"redis+sentinel://127.0.0.1:{sentinel.port}/spaces"
        async with two(tmp_path, url) as (here, there):
            host = await here.creator("ada")
            async with conversation(here, there, host) as listener:
                with Redis(port=sentinel.port) as client:
                    await until(lambda: len(client.sentinel_slaves("spaces")) == 1, seconds=30)
                    master.stop()

                    def is_master_now() -> bool:
                        return bool(client.sentinel_get_master_addr_by_name("spaces")[1] == replica.port)

                    await until(is_master_now, seconds=60)
                count = len(listener.packets)
                await until(lambda: len(listener.packets) > count + 50, seconds=60)
                assert not listener.link.closed.is_set()
            async with conversation(there, here, host):
                pass  # a Space that is new is found by its other node too


@contextlib.contextmanager
def sentinel_of(folder: Path, master: RedisServer) -> Iterator[RedisServer]:
    own = folder / "sentinel"
    own.mkdir()
    port = free_tcp_port()
    (own / "sentinel.conf").write_text(
        f"port {port}\nbind 127.0.0.1\nsentinel monitor spaces 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds spaces 1000\nsentinel failover-timeout spaces 3000\n"
    )
    server = RedisServer(own, port)
    server.process = subprocess.Popen(
        ["redis-server", "sentinel.conf", "--sentinel"], cwd=own, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def cluster(folder: Path, count: int, replicas: int = 0) -> AsyncIterator[list[RedisServer]]:
    """Three masters, each with so many replicas; every server knows of all."""
    with contextlib.ExitStack() as stack:
        servers = []
        for number in range(count):
            options = (
                "--cluster-enabled", "yes", "--cluster-port", str(free_tcp_port()), "--cluster-node-timeout", "1500",
                "--repl-diskless-sync-delay", "0",
            )  # fmt: skip
            servers.append(stack.enter_context(redis_server(folder, *options, name=f"redis{number}")))
        addresses = [f"127.0.0.1:{server.port}" for server in servers]
        create = ["redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", str(replicas), "--cluster-yes"]
        made = await asyncio.to_thread(subprocess.run, create, capture_output=True, text=True, timeout=60)
        assert made.returncode == 0, made.stdout + made.stderr
        for server in servers:
            with Redis(port=server.port) as client:
                await until(lambda: client.cluster("info")["cluster_state"] == "ok", seconds=30)
                if client.info("replication")["role"] == "slave":
                    await until(lambda: client.info("replication")["master_link_status"] == "up", seconds=30)
        yield servers


async def test_a_cluster_carries_spaces_on_all_its_nodes_at_once(tmp_path: Path) -> None:
    """Among them one where nobody speaks, whose node keeps nobody else's sound back."""
    async with cluster(tmp_path, 3) as servers:
        url = f"redis+cluster://127.0.0.1:{servers[0].port}/0"
        async with two(tmp_path, url) as (here, there), AsyncExitStack() as people:
            host = await here.creator("ada")
            spaces = [await here.space(host) for _ in range(6)]
            listeners = [await people.enter_async_context(listening(there, space)) for space in spaces]
            for space in spaces[:4]:
                await people.enter_async_context(speaking(here, space, TONE, by=host, client=space))
            speaking_of = listeners[:4]
            await until(lambda: all(len(listener.packets) > 20 for listener in speaking_of), seconds=30)

            async def all_at_once() -> bool:
                """Of the 100 packets of two seconds nobody misses many."""
                counts = [len(listener.packets) for listener in speaking_of]
                await asyncio.sleep(2)
                return all(len(one.packets) > count + 70 for one, count in zip(speaking_of, counts, strict=True))

            await until_so(all_at_once)

            async def shown() -> bool:
                told = await there.ok("GET", f"/v1/spaces/{spaces[0]}", by=host)
                return bool(told["listeners"] == 1)

            await until_so(shown)


async def test_masters_of_a_cluster_die_and_their_replicas_go_on(tmp_path: Path) -> None:
    """That of a Space's own slot, then the one that knows the nodes: the owner goes on, and so does who listens."""
    async with cluster(tmp_path, 6, replicas=1) as servers:
        url = f"redis+cluster://127.0.0.1:{servers[0].port}/0"
        async with two(tmp_path, url) as (here, there):
            host = await here.creator("ada")
            async with conversation(here, there, host) as listener:
                space = listener.session_path.rpartition("/")[2].partition(".")[0]
                keys = f"spaces:{{space:{space}}}:owner", "spaces:{nodes}:index"
                for master in {(of := master_of(key, servers)).port: of for key in keys}.values():
                    master.stop()
                    await until(lambda: all(master_of(key, servers).process for key in keys), seconds=60)
                    count = len(listener.packets)
                    await until(lambda: len(listener.packets) > count + 100, seconds=60)  # noqa: B023
                    assert not listener.link.closed.is_set()
                assert duplicates_and_losses(listener.packets)[0] == 0
                async with asyncio.timeout(60):
                    while (await there.request("GET", f"/v1/spaces/{space}", by=host)).status != 200:  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
            async with conversation(there, here, host):
                pass  # a Space that is new is found by its other node too


def master_of(key: str, servers: list[RedisServer]) -> RedisServer:
    """As one that lives sees it; it may be dead."""
    alive = next(server for server in servers if server.process is not None)
    with Redis(port=alive.port) as client:
        slot = client.cluster("keyslot", key)
        ports = [master[1] for begin, end, master, *_ in client.cluster("slots") if begin <= slot <= end]
    return next(server for server in servers if [server.port] == ports)
