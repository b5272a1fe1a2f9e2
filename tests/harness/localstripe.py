"""localstripe, a stand-in for Stripe that others wrote, as a program of its own. It is under the GPL: never imported.

It keeps its state in /tmp/localstripe.pickle, which is not read here (`--from-scratch`).
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness.needs import LOCALSTRIPE
from tests.harness.ports import free_tcp_port


@asynccontextmanager
async def localstripe(folder: Path) -> AsyncIterator[str]:
    """Its address."""
    port = free_tcp_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(LOCALSTRIPE)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    assert process.returncode is None, "localstripe did not start"
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    await writer.wait_closed()
                    break
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
