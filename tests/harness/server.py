"""A real server in a process of its own, on free ports and a data folder that is thrown away."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.accounts import API_KEY, API_SECRET
from tests.harness.ports import free_tcp_port, free_udp_port

START_SECONDS_MAX = 240.0
"""The first start on a machine compiles the numba loops, which takes minutes if it is busy."""
STOP_SECONDS_MAX = 30.0
REPOSITORY = Path(__file__).parents[2]


class ServerError(AssertionError):
    """The process did not become ready; the message ends with its log."""


@dataclass(slots=True)
class Server:
    """`python -m spaces serve`."""

    address: str
    http_port: int
    udp_port: int
    data: Path
    log_file: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.http_port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def log_complaints(self) -> list[str]:
        """Lines that a server which only met bad input must not write: errors, exceptions, tracebacks."""
        return [line for line in self.log().splitlines() if _complains(line)]

    async def metrics(self) -> dict[str, float]:
        """`/metrics` as {"name{label=value,…}": value}, labels sorted."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/metrics") as response:
            assert response.status == 200
            return parse_metrics(await response.text())

    def udp_sockets(self) -> dict[int, int]:
        """The UDP sockets (IPv4 and IPv6) that the process holds: {inode: local port}, from /proc."""
        held = set()
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed while we looked
                target = os.readlink(descriptor)
                if target.startswith("socket:["):
                    held.add(int(target[8:-1]))
        sockets = {}
        for table in ("udp", "udp6"):
            path = Path(f"/proc/{self.pid}/net/{table}")
            for line in path.read_text().splitlines()[1:] if path.exists() else ():
                columns = line.split()
                sockets[int(columns[9])] = int(columns[1].rpartition(":")[2], 16)
        return {inode: port for inode, port in sockets.items() if inode in held}

    def stop(self) -> int:
        """SIGTERM, then SIGKILL; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    address: str = "127.0.0.1",
    public_address: str = "",
    settings: Mapping[str, Any] | None = None,
    clock_off_seconds: float = 0.0,
) -> Iterator[Server]:
    """A server that is ready; `settings` are fields of Config. Raises ServerError."""
    server = start(
        folder, address=address, public_address=public_address, settings=settings or {},
        clock_off_seconds=clock_off_seconds,
    )  # fmt: skip
    try:
        yield server
    finally:
        server.stop()


def start(
    folder: Path, *, address: str, public_address: str, settings: Mapping[str, Any], clock_off_seconds: float = 0.0
) -> Server:
    http_port = settings.get("http_port") or free_tcp_port()
    udp_port = settings.get("udp_port") or free_udp_port()
    data, log_file = folder / "data", folder / "server.log"
    data.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {
        "public_addresses": public_address or address,
        "public_url": f"http://{address}:{http_port}",
        "data": data,
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        "log_format": "json",
        "drain_notice_seconds": 0,
        # All clients of a test share an address.
        "offers_per_minute_max": 5_000,
        "handshakes_per_address_max": 2_000,
        "sockets_per_address_max": 2_000,
        "requests_per_minute_max": 50_000,
        **settings,
        "http_port": http_port,
        "udp_port": udp_port,
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SPACES_")}
    environment |= {f"SPACES_{name.upper()}": str(value) for name, value in values.items()}
    program = ("-m", "tests.harness.skewed", str(clock_off_seconds)) if clock_off_seconds else ("-m", "spaces")
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *program, "serve"],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    server = Server(address, http_port, udp_port, data, log_file, process)
    try:
        _wait_until_ready(server)
    except BaseException:
        server.stop()
        raise
    return server


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise ServerError(f"ended with status {server.process.returncode}:\n{server.log()[-4000:]}")
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(f"{server.url}/readyz", timeout=5) as response,
        ):
            if response.status == 200:
                return
        time.sleep(0.1)
    raise ServerError(f"not ready after {START_SECONDS_MAX} s:\n{server.log()[-4000:]}")


def parse_metrics(text: str) -> dict[str, float]:
    values = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            values[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return values


def _complains(line: str) -> bool:
    if "Traceback" in line or "Exception" in line:
        return True
    try:
        event = json.loads(line)
    except ValueError:
        return False
    return isinstance(event, dict) and event.get("level") in ("error", "critical", "exception")
