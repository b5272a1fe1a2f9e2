"""A page in Firefox, and the few commands of WebDriver BiDi that it takes to use it and to hear what it plays."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.harness.eventually import PATIENCE_SECONDS
from tests.harness.firefox import MESSAGE_BYTES_MAX
from tests.harness.netns import Namespace
from tests.harness.opus import RATE, Samples
from tests.harness.server import REPOSITORY

EAR = (Path(__file__).parent / "ear.js").read_text()


class BidiError(Exception):
    """Firefox answered a command with an error, or is gone."""


class Bidi:
    """Commands and their answers, over the standard streams of tests.harness.firefox."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ids = itertools.count(1)

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"id": number, "method": method, "params": params}).encode() + b"\n")
        await self._process.stdin.drain()
        async with asyncio.timeout(90):
            while line := await self._process.stdout.readline():
                message: dict[str, Any] = json.loads(line)
                if message.get("id") == number:
                    if message["type"] == "error":
                        raise BidiError(f"{method}: {message['error']}: {message['message']}")
                    result: dict[str, Any] = message["result"]
                    return result
        raise BidiError("Firefox is gone")


class FirefoxPage:
    """One tab, used by its buttons, and listened to."""

    def __init__(self, bidi: Bidi, context: str) -> None:
        self._bidi = bidi
        self._context = context

    async def open(self, url: str) -> None:
        await self._bidi.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The value of a primitive or a promise of one, as in a tap."""
        result = await self._bidi.command(
            "script.evaluate",
            expression=expression,
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        if result["type"] != "success":
            raise BidiError(f"{expression[:80]}: {result['exceptionDetails']['text']}")
        return result["result"].get("value")

    async def until(self, expression: str) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not await self.evaluate(expression):
            assert asyncio.get_running_loop().time() < deadline, f"never: {expression}"
            await asyncio.sleep(0.1)

    async def until_state(self, state: str) -> None:
        await self.until(f"document.documentElement.dataset.state === {json.dumps(state)}")

    async def press(self, action: str) -> None:
        """The control that does `action` (its data-action), once it can be used."""
        selector = json.dumps(f'[data-action="{action}"]:not([aria-disabled="true"])')
        await self.until(f"document.querySelector({selector}) !== null")
        await self.evaluate(f"document.querySelector({selector}).click()")

    async def position(self) -> int:
        """Samples recorded so far."""
        return int(await self.evaluate("window.__ear.position()"))

    async def heard(self, seconds: float, since: int | None = None) -> Samples:
        """What is played for a while, from now on or from that sample on."""
        start = await self.position() if since is None else since
        await asyncio.sleep(seconds)
        await self.until(f"window.__ear.position() >= {start + round(seconds * RATE)}")
        encoded = await self.evaluate(f"window.__ear.take({start})")
        return (np.frombuffer(base64.b64decode(encoded), "<i2").astype(np.float32) / np.float32(32768))[
            : round(seconds * RATE)
        ]


@contextlib.asynccontextmanager
async def firefox_page(host: Namespace) -> AsyncIterator[FirefoxPage]:
    """A Firefox over there, for which our http pages are secure ones."""
    process = await asyncio.create_subprocess_exec(
        *host.command(sys.executable, "-m", "tests.harness.firefox", host.server),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MESSAGE_BYTES_MAX,
    )
    try:
        bidi = Bidi(process)
        await bidi.command("session.new", capabilities={})
        await bidi.command("script.addPreloadScript", functionDeclaration=f"() => {{ {EAR} }}")
        tree = await bidi.command("browsingContext.getTree")
        yield FirefoxPage(bidi, tree["contexts"][0]["context"])
    finally:
        assert process.stdin is not None
        process.stdin.close()  # it ends Firefox, and then itself
        await process.wait()
