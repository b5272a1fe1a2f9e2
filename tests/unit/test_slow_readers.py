"""Sockets that do not do their part: who never reads, never finishes his hello, or never says anything at all."""

from __future__ import annotations

import asyncio
import base64
import gc
import os
import resource
import select
import socket as sockets
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from spaces.node import Node
from spaces.signaling.frames import text_frame
from spaces.signaling.live import Live
from spaces.signaling.outbox import KERNEL_BYTES_MAX, UNREAD_BYTES_MAX
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.eventually import until
from tests.harness.frames import messages
from tests.harness.node import served

pytestmark = pytest.mark.sqlite

IDLE_SOCKET_BYTES_MAX = 60_000
"""Of this process, for one that is in and quiet: both sides of it, and what five thousand at once leave of their coming."""
HELLO = b'{"v":1,"id":1,"type":"hello"}'


class Raw:
    """A WebSocket on a bare TCP connection: nothing is read that is not asked for."""

    def __init__(self, port: int, path: str) -> None:
        self.tcp = sockets.socket()
        self.tcp.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        self.tcp.setblocking(False)
        self._port, self._path = port, path

    async def connect(self) -> None:
        await asyncio.get_running_loop().sock_connect(self.tcp, ("127.0.0.1", self._port))

    async def upgrade(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        await self.send(
            f"GET {self._path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b" 101 " in await self.receive(to=b"\r\n\r\n")

    async def say(self, payload: bytes) -> None:
        await self.send(bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.tcp, data)

    async def receive(self, *, to: bytes = b"") -> bytes:
        """Until that has come; without it, until the other side closes."""
        got = b""
        async with asyncio.timeout(60):
            while not to or to not in got:
                more = await asyncio.get_running_loop().sock_recv(self.tcp, 65_536)
                if not more:
                    break
                got += more
        return got

    def close(self) -> None:
        self.tcp.close()


async def raw_in(api: Api, space: str) -> Raw:
    """Let in; from here on nothing is read."""
    raw = Raw(int(api.url.rpartition(":")[2]), f"/v1/spaces/{space}/socket")
    await raw.connect()
    await raw.upgrade()
    await raw.say(HELLO)
    await raw.receive(to=b'"resumed":false}')
    return raw


async def test_who_never_reads_is_cut_before_he_costs_memory_and_is_told_why(
    api: Api, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("outbox.CLOSE_SECONDS_MAX", "socket.CLOSE_SECONDS_MAX", "socket.HEARTBEAT_SECONDS"):
        monkeypatch.setattr(f"spaces.signaling.{name}", 600.0)  # however slow this machine is today
    host = await api.creator("ada")
    space = await api.space(host)
    with closing(await raw_in(api, space)) as slow:
        async with entered(api, space) as (quick, _):
            live = node.rooms.get(space)
            assert live is not None
            said = await flood(live, left=1)
            assert said < UNREAD_BYTES_MAX + KERNEL_BYTES_MAX + 300_000, "with what the client's own kernel takes"
            got = await slow.receive(to=b"slow_reader")  # now he reads: what waited, then why he is cut
            await until(lambda: len(live.entries) == 1)
            assert got.endswith(bytes((0x88, 13)) + (4001).to_bytes(2, "big") + b"slow_reader")
            assert messages(got[: -len(b"1234slow_reader")]), "whole frames up to the close"
            await quick.ok("leave")


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def flood(live: Live, left: int) -> int:
    """Tell all so much that only so many sockets are left; how many bytes that was."""
    frame, said = text_frame(b'{"type":"count","listeners":1,"pad":"' + b"x" * 20_000 + b'"}'), 0
    while len(live.broadcast) > left:
        live.broadcast.say(frame)
        said += len(frame)
        assert said < 16 * UNREAD_BYTES_MAX, "nobody is cut"
        await asyncio.sleep(0.01)
    return said


async def test_who_never_reads_even_then_is_gone_all_the_same(
    api: Api, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spaces.signaling.outbox.CLOSE_SECONDS_MAX", 0.2)
    space = await api.space(await api.creator("ada"))
    with closing(await raw_in(api, space)) as slow:
        live = node.rooms.get(space)
        assert live is not None
        await flood(live, left=0)
        await until(lambda: not live.entries, 30)
        hung_up = select.poll()
        hung_up.register(slow.tcp, select.POLLERR)
        await until(lambda: hung_up.poll(0), 30)  # reset, with what was not read


@pytest.mark.thorough
async def test_half_open_sockets_are_bounded_and_harmless(tmp_path: Path) -> None:
    """Nothing sent, half a request, no hello, half a hello: none of them keeps anybody out, and each is over in time."""
    async with served(tmp_path, hello_seconds_max=0.5, idle_seconds_max=0.5, sockets_per_address_max=20) as api:
        space = await api.space(await api.creator("ada"))
        port, path = int(api.url.rpartition(":")[2]), f"/v1/spaces/{space}/socket"
        with ExitStack() as stack:
            silent, half_asked, no_hello, half_hello = (
                [stack.enter_context(closing(Raw(port, path))) for _ in range(5)] for _ in range(4)
            )
            for one in (*silent, *half_asked, *no_hello, *half_hello):
                await one.connect()
            for one in half_asked:
                await one.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode())
            for one in (*no_hello, *half_hello):
                await one.upgrade()
            for one in half_hello:
                await one.send(bytes((0x01, 0x80 | 10)) + bytes(4) + HELLO[:10])  # a first fragment, and no more
            async with entered(api, space) as (channel, reply):
                assert reply["space"]["listeners"] == 1
                for one in (*no_hello, *half_hello):
                    assert (4408).to_bytes(2, "big") + b"hello_timeout" in await one.receive()
                for one in (*silent, *half_asked):
                    await one.receive()
                await channel.ok("leave")


@pytest.mark.thorough
async def test_five_thousand_sockets_at_once_are_served_or_refused_and_keep_nobody_from_anything(
    tmp_path: Path,
) -> None:
    """In one process with the node: both sides' descriptors are ours."""
    crowd = 5_000
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2 * crowd + 500:
        pytest.fail("this machine's limit of open files is too low: ulimit -Hn 10500")
    async with served(tmp_path, sockets_per_address_max=crowd + 10, requests_per_minute_max=100_000) as api:
        host = await api.creator("ada")
        space = await api.space(host)
        port, path = int(api.url.rpartition(":")[2]), f"/v1/spaces/{space}/socket"
        raws = [Raw(port, path) for _ in range(crowd)]

        async def come(one: Raw) -> bool:
            await one.connect()
            await one.upgrade()
            await one.say(HELLO)
            return b'"resumed":false}' in await one.receive(to=b'"resumed":false}')

        async with entered(api, space, host) as (ada, _):
            ada.patience_seconds = (
                60.0  # one process has both sides of five thousand, beside whatever else the machine does
            )
            before = resident_bytes()
            coming = asyncio.gather(*(come(one) for one in raws))
            for muted in (True, False) * 3:
                await ada.ok("mute", muted=muted)
            async with asyncio.timeout(120):
                assert all(await coming)
            view = await api.ok("GET", f"/v1/spaces/{space}")
            assert view["listeners"] == crowd
            each = (resident_bytes() - before) / crowd
            assert each < IDLE_SOCKET_BYTES_MAX, f"{each:.0f} bytes"
            for one in raws:
                one.close()
            await ada.event("count", listeners=0)
