"""`spaces serve --workers 2` on SQLite: one HTTP port, a UDP port each, and who dies is started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from spaces.demo.speech import Speech
from tests.harness.accounts import API_KEY, API_SECRET, Person
from tests.harness.api import Api
from tests.harness.client import RtcClient
from tests.harness.eventually import until, until_so
from tests.harness.nodes import talking
from tests.harness.ports import free_tcp_port, free_udp_port
from tests.harness.redis import redis_server
from tests.harness.server import REPOSITORY

pytestmark = [pytest.mark.needs("redis"), pytest.mark.thorough]

READY_SECONDS_MAX = 90.0


@dataclass
class Workers:
    process: subprocess.Popen[bytes]
    log_file: Path
    http_port: int
    udp_ports: tuple[int, int]

    def pids(self) -> dict[int, int]:
        """UDP port → process, of those that run."""
        found = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found[int(words[words.index(b"--udp-port") + 1])] = int(pid)
        return found


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def two_udp_ports() -> tuple[int, int]:
    """One behind the other."""
    while True:
        port = free_udp_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError, OverflowError):
            probe.bind(("", port + 1))
            return port, port + 1


@contextlib.contextmanager
def started(folder: Path, redis_url: str) -> Iterator[Workers]:
    http_port, udp_ports, log_file = free_tcp_port(), two_udp_ports(), folder / "workers.log"
    settings = {
        "data": folder / "data", "redis_url": redis_url, "host": "127.0.0.1", "http_port": http_port,
        "udp_port": udp_ports[0], "public_addresses": "127.0.0.1", "api_key": API_KEY, "api_secret": API_SECRET,
        "public_url": f"http://127.0.0.1:{http_port}", "log_format": "json", "offers_per_minute_max": 5_000,
    }  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPACES_")}
    environment |= {f"SPACES_{name.upper()}": str(value) for name, value in settings.items()}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "spaces", "serve", "--workers", "2"],
            cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    workers = Workers(process, log_file, http_port, udp_ports)
    try:
        yield workers
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


@asynccontextmanager
async def heard(api: Api, space: str, by: Person | None = None) -> AsyncIterator[RtcClient]:
    """A listener, through whichever worker the kernel gives his connection to. Nothing is said when he goes."""
    listener = RtcClient(api)
    try:
        await listener.connect(f"/v1/spaces/{space}/whep", "recvonly", by=by)
        yield listener
    finally:
        await listener.close()


def port_of(client: RtcClient) -> int:
    return client.answer.candidates[0][1]


async def listener_at(stack: contextlib.AsyncExitStack, api: Api, space: str, port: int) -> RtcClient:
    deadline = time.monotonic() + READY_SECONDS_MAX  # it may have to be started again first
    while time.monotonic() < deadline:
        async with contextlib.AsyncExitStack() as one:
            with contextlib.suppress(aiohttp.ClientError, AssertionError):  # a worker that has just died
                listener = await one.enter_async_context(heard(api, space))
                if port_of(listener) == port:
                    stack.push_async_callback(one.pop_all().aclose)
                    await listener.hear_first(30.0)
                    return listener
        await asyncio.sleep(0.05)
    raise AssertionError(f"no way to the worker at {port}")


async def test_two_workers_share_everything_and_who_dies_is_started_again(tmp_path: Path, speech: Speech) -> None:
    async with contextlib.AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server(tmp_path))
        workers = stack.enter_context(started(tmp_path, redis.url))
        # Each request comes by a connection of its own, so that the kernel chooses anew.
        connector = aiohttp.TCPConnector(force_close=True)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        api = Api(http, f"http://127.0.0.1:{workers.http_port}")

        async def both() -> bool:
            assert workers.process.poll() is None, workers.log_file.read_text()[-4000:]
            return workers.log_file.read_text().count('"ready"') >= 2 and len(workers.pids()) == 2

        await until_so(both, READY_SECONDS_MAX)
        host = await api.creator("ada")
        space = await api.space(host)
        async with talking(api, space, speech, host) as speaker:
            owner = port_of(speaker)
            [other] = set(workers.udp_ports) - {owner}
            near, far = [await listener_at(stack, api, space, port) for port in (owner, other)]
            before = workers.pids()
            os.kill(before[other], signal.SIGKILL)
            count = len(near.packets)
            again = await listener_at(stack, api, space, other)
            assert len(near.packets) > count, "who listens at the other heard on"
            assert not far.link.closed.is_set() or far.packets
            assert workers.pids()[other] != before[other]
            assert workers.pids()[owner] == before[owner]
            os.kill(before[owner], signal.SIGKILL)
        count = len(again.packets)

        async def is_back() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                reply = await api.request("GET", f"/v1/spaces/{space}/stage-invitations", by=host)
                return reply.status == 200
            return False

        await until_so(is_back, 30)
        async with talking(api, space, speech, host) as speaker:
            await until(lambda: len(again.packets) > count + 10, seconds=30)
            assert not again.link.closed.is_set()
        await until(lambda: len(workers.pids()) == 2, seconds=30)
        last = workers.pids()
        workers.process.terminate()
        assert await asyncio.to_thread(workers.process.wait, 30) == 0
        assert not any(map(is_there, last.values()))
        log = workers.log_file.read_text()
        assert "locked" not in log
        assert "Traceback" not in log


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "redis_url"),
        ({"SPACES_REDIS_URL": "redis://127.0.0.1:1/0", "SPACES_UDP_PORT": "0"}, "udp_port"),
        ({"SPACES_REDIS_URL": "redis://127.0.0.1:1/0", "SPACES_PUBLIC_ADDRESSES": "10.0.0.1:9000"}, "public_addresses"),
    ],
)
def test_what_workers_cannot_share_is_said(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPACES_")}
    ended = subprocess.run(
        [sys.executable, "-m", "spaces", "serve", "--workers", "2"],
        cwd=REPOSITORY, env=environment | {"SPACES_DATA": str(tmp_path)} | settings, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode != 0
    assert said in ended.stderr
