"""`spaces serve --workers N`: as many nodes of this machine behind one HTTP port, each with a UDP port of its own.

Each is a process as `spaces serve` runs it alone; this one starts them, starts again who dies, and ends them together.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Sequence

import structlog

from spaces.config import Config, ConfigError
from spaces.sfu.candidates import read_candidate

WORKERS_MAX = 128
AGAIN_SECONDS = 1.0
END_SECONDS_MAX = 30.0
"""A worker hands its Spaces on first, if others stay."""

log = structlog.get_logger()


def check(config: Config, count: int) -> None:
    """Raises ConfigError for what workers cannot share."""
    if not 1 <= count <= WORKERS_MAX:
        raise ConfigError(f"workers: 1 to {WORKERS_MAX}")
    if count > 1 and not config.redis_url:
        raise ConfigError("redis_url: workers find each other through Redis; set SPACES_REDIS_URL")
    if count > 1 and not config.udp_port:
        raise ConfigError("udp_port: the first worker's; the others have those that follow")
    if config.udp_port + count - 1 > 65_535:
        raise ConfigError("udp_port: there are not so many ports behind it")
    for text in config.public_addresses if count > 1 else ():
        if read_candidate(text, 1) == read_candidate(text, 2):
            raise ConfigError(f"public_addresses: {text} names a port, and each worker has its own: leave it out")


def orders(config: Config, count: int, arguments: Sequence[str]) -> list[list[str]]:
    """The command line of each worker, for one that was started with these arguments."""
    name = config.node_name or socket.gethostname()[:48]
    return [
        [
            *arguments,
            "--workers", "1",
            "--udp-port", str(config.udp_port + number),
            "--node-name", f"{name}-{number}",
            "--node-port", "0",
            "--shared-http-port", "yes",
        ]
        for number in range(count)
    ]  # fmt: skip


async def run(config: Config, count: int, arguments: Sequence[str]) -> int:
    """Until SIGINT or SIGTERM. Raises ConfigError."""
    check(config, count)
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with asyncio.TaskGroup() as tasks:
        for order in orders(config, count, arguments):
            tasks.create_task(_keep(order, told))
    return 0


async def _keep(order: list[str], told: asyncio.Event) -> None:
    """One worker, again and again."""
    while not told.is_set():
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "spaces", *order)
        ended = asyncio.create_task(process.wait())
        ending = asyncio.create_task(told.wait())
        await asyncio.wait({ended, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if ended.done() and not told.is_set():
            log.warning("worker ended", status=process.returncode, worker=order[order.index("--node-name") + 1])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_SECONDS):
                    await told.wait()
            continue
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(END_SECONDS_MAX):
                await asyncio.shield(ended)
        except TimeoutError:
            process.kill()
            await ended
