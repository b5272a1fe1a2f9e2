"""Debian's Janus, run with configuration files made for the moment and tuned as its users would.

What it needs here: it leaves loopback out of its candidates, so it is reached at another address of this machine; the
datagrams do not leave the machine for that. ICE-lite spares it checks, one event loop per core spares it a thread per
listener.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.harness.netns import namespace
from tests.harness.ports import free_tcp_port

LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")
START_SECONDS_MAX = 20.0
KEEPALIVE_SECONDS = 20.0
ANSWER_SECONDS_MAX = 30.0
USED = ("libjanus_audiobridge.so", "libjanus_streaming.so", "libjanus_videoroom.so", "libjanus_websockets.so")


class JanusError(Exception):
    """Janus is not here, does not start, or refuses a request."""


@dataclass(frozen=True, slots=True)
class Janus:
    url: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid


@contextlib.contextmanager
def reachable_address() -> Iterator[str]:
    """An IPv4 address of this machine that is not loopback; without one, that of a veth pair made for it (needs root)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing: asks the kernel which address it would send from
        address: str = probe.getsockname()[0]
        if not address.startswith(("127.", "0.")):
            yield address
            return
    with namespace() as made:
        yield made.server


@contextlib.contextmanager
def running(folder: Path, address: str) -> Iterator[Janus]:
    """Raises JanusError."""
    program = shutil.which("janus")
    if program is None:
        raise JanusError("no janus here (Debian: apt-get install --no-install-recommends janus)")
    port = free_tcp_port()
    folder.mkdir(parents=True, exist_ok=True)
    _configure(folder, address, port)
    with (folder / "janus.log").open("wb") as log:
        process = subprocess.Popen([program, "-F", str(folder), "-o"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "janus.log")
        yield Janus(f"ws://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configure(folder: Path, address: str, port: int) -> None:
    def others(kind: str) -> str:
        names = (file.name for file in (LIBRARIES / kind).glob("*.so"))
        return ",".join(sorted(name for name in names if name not in USED))

    (folder / "janus.jcfg").write_text(
        f"""general: {{
    configs_folder = "{folder}"
    plugins_folder = "{LIBRARIES}/plugins"
    transports_folder = "{LIBRARIES}/transports"
    debug_level = 3
    event_loops = {os.cpu_count()}
    session_timeout = 120
}}
nat: {{
    ice_lite = true
    ice_enforce_list = "{address}"
    ignore_mdns = true
}}
plugins: {{ disable = "{others("plugins")}" }}
transports: {{ disable = "{others("transports")}" }}
"""
    )
    (folder / "janus.transport.websockets.jcfg").write_text(
        f"""general: {{ ws = true, ws_ip = "127.0.0.1", ws_port = {port}, wss = false }}
admin: {{ admin_ws = false }}
"""
    )


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise JanusError(f"janus did not start:\n{log.read_text(errors='replace')[-2000:]}")


class JanusApi:
    """One session over one WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._session = 0
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def request(self, kind: str, **fields: Any) -> dict[str, Any]:
        """One request and its final answer (not the acknowledgement). Raises JanusError."""
        transaction = str(next(self._numbers))
        message: dict[str, Any] = {"janus": kind, "transaction": transaction, **fields}
        if self._session:
            message["session_id"] = self._session
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = answered
        try:
            await self._socket.send_json(message)
            if kind == "keepalive":
                return {}
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                answer = await answered
        finally:
            del self._waiting[transaction]
        data = answer.get("plugindata", {}).get("data", {})
        if answer["janus"] == "error" or "error" in data:
            raise JanusError(f"{kind} {fields.get('body')}: {answer.get('error') or data}")
        return answer

    async def attach(self, plugin: str) -> Handle:
        answer = await self.request("attach", plugin=f"janus.plugin.{plugin}")
        return Handle(self, answer["data"]["id"])

    async def begin(self) -> None:
        self._session = (await self.request("create"))["data"]["id"]

    async def read(self) -> None:
        """Until the socket closes."""
        async for message in self._socket:
            event = message.json()
            waiting = self._waiting.get(event.get("transaction", ""))
            if waiting is not None and event["janus"] != "ack" and not waiting.done():
                waiting.set_result(event)

    async def keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEPALIVE_SECONDS)
            await self.request("keepalive")


@dataclass(frozen=True, slots=True)
class Handle:
    """One attachment to a plugin; has one PeerConnection at most."""

    api: JanusApi
    id: int

    async def ask(self, request: str, *, sdp: str | None = None, kind: str = "offer", **body: Any) -> dict[str, Any]:
        """A plugin's answer: its data, and under "sdp" the SDP that came along, if any. Raises JanusError."""
        fields: dict[str, Any] = {"handle_id": self.id, "body": {"request": request, **body}}
        if sdp is not None:
            fields["jsep"] = {"type": kind, "sdp": sdp}
        answer = await self.api.request("message", **fields)
        data: dict[str, Any] = answer["plugindata"]["data"]
        return data | {"sdp": answer.get("jsep", {}).get("sdp")}

    async def detach(self) -> None:
        await self.api.request("detach", handle_id=self.id)


@contextlib.asynccontextmanager
async def connected(http: aiohttp.ClientSession, url: str) -> AsyncIterator[JanusApi]:
    async with http.ws_connect(url, protocols=("janus-protocol",), max_msg_size=0) as socket:
        api = JanusApi(socket)
        reading = asyncio.create_task(api.read())
        await api.begin()
        living = asyncio.create_task(api.keep_alive())
        try:
            yield api
        finally:
            living.cancel()
            reading.cancel()
            await asyncio.gather(living, reading, return_exceptions=True)
