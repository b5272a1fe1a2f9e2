"""Firefox as a listener, over WebDriver BiDi. Run in the namespace it shall be in (its remote control is on loopback):

    python -m tests.harness.firefox URL SELECTOR SECONDS OUT.npy

Opens URL, clicks SELECTOR, listens for SECONDS from then on and writes what was played, 48 kHz mono.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from tests.harness.needs import FIREFOX

EAR = (Path(__file__).parent / "ear.js").read_text()
START_SECONDS_MAX = 60.0
ELEMENT_SECONDS_MAX = 20.0

PREFERENCES: dict[str, str | int | bool] = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.active-protocols": 1,  # BiDi only
}


class BidiError(Exception):
    """Firefox answered a command with an error."""


class Bidi:
    """The few commands of WebDriver BiDi that a listener needs."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message: dict[str, Any] = await self._socket.receive_json(timeout=60)
            if message.get("id") == number:
                if message["type"] == "error":
                    raise BidiError(f"{method}: {message['error']}: {message['message']}")
                result: dict[str, Any] = message["result"]
                return result

    async def evaluate(self, context: str, expression: str) -> Any:
        """The value of a primitive or a promise of one."""
        result = await self.command(
            "script.evaluate",
            expression=expression,
            target={"context": context},
            awaitPromise=True,
            userActivation=True,
        )
        if result["type"] != "success":
            raise BidiError(f"{expression[:80]}: {result['exceptionDetails']['text']}")
        return result["result"].get("value")


@contextlib.asynccontextmanager
async def null_sound(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A PulseAudio server of our own with nothing behind it; the environment that leads to it."""
    address = folder / "pulse"
    environment = {"PULSE_SERVER": f"unix:{address}", "PULSE_RUNTIME_PATH": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    pulse = await asyncio.create_subprocess_exec(
        *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"),
        *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={address}"),
        *("-L", "module-null-sink rate=48000 channels=2"),
        env={**os.environ, **environment, "HOME": str(folder)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        while not address.exists():
            assert pulse.returncode is None, "pulseaudio ended"
            await asyncio.sleep(0.05)
        yield environment
    finally:
        if pulse.returncode is None:
            pulse.terminate()
        await pulse.wait()


@contextlib.asynccontextmanager
async def firefox() -> AsyncIterator[Bidi]:
    """A headless Firefox with a fresh profile and a BiDi session."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = folder / "profile"
        profile.mkdir()
        lines = [f"user_pref({_js(key)}, {_js(value)});" for key, value in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        async with null_sound(folder) as sound:
            process = await asyncio.create_subprocess_exec(
                *(FIREFOX, "--headless", "--no-remote", "--profile", str(profile)),
                *("--remote-debugging-port", str(port), "about:blank"),
                env={**os.environ, **sound, "HOME": name, "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                async with aiohttp.ClientSession() as http, await _connect(http, port) as remote:
                    bidi = Bidi(remote)
                    await bidi.command("session.new", capabilities={})
                    yield bidi
            finally:
                if process.returncode is None:
                    process.terminate()
                await process.wait()


async def _connect(http: aiohttp.ClientSession, port: int) -> aiohttp.ClientWebSocketResponse:
    deadline = asyncio.get_running_loop().time() + START_SECONDS_MAX
    while True:
        try:
            return await http.ws_connect(f"ws://127.0.0.1:{port}/session", max_msg_size=0)
        except aiohttp.ClientError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)


def _js(value: str | int | bool) -> str:
    return json.dumps(value)


async def listen(url: str, selector: str, seconds: float, out: Path) -> None:
    async with firefox() as bidi:
        await bidi.command("script.addPreloadScript", functionDeclaration=f"() => {{ {EAR} }}")
        tree = await bidi.command("browsingContext.getTree")
        page = tree["contexts"][0]["context"]
        await bidi.command("browsingContext.navigate", context=page, url=url, wait="complete")
        deadline = asyncio.get_running_loop().time() + ELEMENT_SECONDS_MAX
        found = f"(() => {{ const e = document.querySelector({_js(selector)}); return !!e && !e.disabled; }})()"
        while not await bidi.evaluate(page, found):
            assert asyncio.get_running_loop().time() < deadline, f"no {selector} on {url}"
            await asyncio.sleep(0.1)
        start = await bidi.evaluate(page, "window.__ear.position()")
        await bidi.evaluate(page, f"document.querySelector({_js(selector)}).click()")
        await asyncio.sleep(seconds)
        encoded = await bidi.evaluate(page, f"window.__ear.take({start})")
        np.save(out, np.frombuffer(base64.b64decode(encoded), "<i2").astype(np.float32) / 32768)


if __name__ == "__main__":
    asyncio.run(listen(sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4])))
