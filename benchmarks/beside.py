"""A process beside the benchmark that does as it is told: lines of JSON, {"do": …} in, one answer out for each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from tests.harness.server import REPOSITORY

LINE_BYTES_MAX = 1 << 24
GOODBYE_SECONDS_MAX = 10.0


class Tell(Protocol):
    def __call__(self, what: str, **arguments: Any) -> Awaitable[dict[str, Any]]: ...


@contextlib.asynccontextmanager
async def beside(module: str, *arguments: object) -> AsyncIterator[Tell]:
    """Runs `python -m module …`, which obeys; yields the function that gives it a command and returns its answer."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *map(str, arguments)),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX,
    )
    commands, answers = process.stdin, process.stdout
    assert commands is not None
    assert answers is not None

    async def tell(what: str, **arguments: Any) -> dict[str, Any]:
        commands.write(json.dumps({"do": what, **arguments}).encode() + b"\n")
        line = await answers.readline()
        assert line, f"{module} has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    try:
        yield tell
    finally:
        commands.close()
        try:
            await asyncio.wait_for(process.wait(), GOODBYE_SECONDS_MAX)
        except TimeoutError:
            process.kill()
            await process.wait()


async def obey(what_is: Callable[[str], Callable[..., Awaitable[dict[str, Any]]]]) -> None:
    """The other side: `what_is(name)` is what a command does; until its input ends."""
    commands = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        arguments = json.loads(line)
        print(json.dumps(await what_is(arguments.pop("do"))(**arguments)), flush=True)
