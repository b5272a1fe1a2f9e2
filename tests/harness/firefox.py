"""Firefox, driven over WebDriver BiDi from another host than its own: its remote control is on its loopback alone.

    python -m tests.harness.firefox TRUSTED

Run over there, it starts Firefox and hands on what is said, a line of JSON for each message: commands come in, answers
and events go out. `TRUSTED` is a host whose http pages it takes for secure, so that they may have its microphone, which
plays a tone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.harness.needs import FIREFOX

START_SECONDS_MAX = 60.0
SPOKEN_HERTZ = 1_000
MESSAGE_BYTES_MAX = 1 << 26

PREFERENCES: dict[str, str | int | bool] = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.navigator.streams.fake": True,
    "media.navigator.audio.fake_frequency": SPOKEN_HERTZ,
    "media.navigator.permission.disabled": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.active-protocols": 1,  # BiDi only
}


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
async def firefox(trusted: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A headless Firefox with a fresh profile; the socket of its remote control."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = folder / "profile"
        profile.mkdir()
        preferences = PREFERENCES | {"dom.securecontext.allowlist": trusted}
        lines = [f"user_pref({json.dumps(key)}, {json.dumps(value)});" for key, value in preferences.items()]
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
                    yield remote
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


async def _hand_on(trusted: str) -> None:
    """Until standard input ends."""
    commands = asyncio.StreamReader(limit=MESSAGE_BYTES_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    async with firefox(trusted) as remote:
        answers = asyncio.create_task(_print(remote))
        while line := await commands.readline():
            await remote.send_str(line.decode())
        answers.cancel()


async def _print(remote: aiohttp.ClientWebSocketResponse) -> None:
    async for message in remote:
        print(json.dumps(message.json()), flush=True)


if __name__ == "__main__":
    asyncio.run(_hand_on(sys.argv[1]))
