"""Schemathesis over `/openapi.json` of a running server: its own command line, in a process of its own.

`python -m tests.harness.contract_run SECONDS` starts a server, fills it, and runs the long profile.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.harness.accounts import Person, mint
from tests.harness.api import Api
from tests.harness.server import REPOSITORY, Server, serving

SETTINGS = Path(__file__).with_name("schemathesis.toml")
COMMAND = Path(sys.executable).with_name("schemathesis")
HOOKS = "tests.harness.schemathesis_hooks"
LIVES_SECONDS = 23 * 3_600


@dataclass(frozen=True, slots=True)
class Run:
    status: int
    output: str


async def fill(url: str) -> tuple[Person, dict[str, list[str]]]:
    """A creator, and what his server has: names that paths may speak of."""
    async with aiohttp.ClientSession() as http:
        api = Api(http, url)
        host, fan = (Person(name, mint(name, lives_seconds=LIVES_SECONDS)) for name in ("ada", "grace"))
        await api.ok("POST", "/v1/creators", by=host, json={"handle": "ada"})
        tier = await api.tier(host)
        subscription = await api.subscribe(fan, host, tier)
        spaces = [await api.space(host, live=live) for live in (True, False)]
        ticketed = await api.space(host, access={"policy": "ticketed"}, live=False)
        offer = {"amount_minor": 500, "currency": "USD", "quantity": 100}
        await api.ok("PUT", f"/v1/spaces/{ticketed}/ticket-offer", by=host, json=offer)
        await api.to_stage(spaces[0], host, fan)
        return host, {
            "spaces": [*spaces, ticketed],
            "handles": ["ada"],
            "accounts": ["@grace", "1", "2"],
            "numbers": [tier, subscription],
        }


def settings(folder: Path, names: dict[str, list[str]]) -> Path:
    """The settings of the repository, and names that are there."""
    text = SETTINGS.read_text(encoding="utf-8")
    text += "".join(f"\n[dictionaries.{name}]\nvalues = {values!r}\n" for name, values in names.items())
    file = folder / "schemathesis.toml"
    file.write_text(text, encoding="utf-8")
    return file


def run(server: Server, file: Path, *arguments: str, by: Person | None) -> Run:
    """`by` None: nobody in particular."""
    command = [str(COMMAND), "--config-file", str(file), "run", f"{server.url}/openapi.json", "--no-color", *arguments]
    if by is not None:
        command += ["-H", f"Authorization: Bearer {by.token}"]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=file.parent, env=environment, capture_output=True, text=True, check=False)
    return Run(done.returncode, done.stdout + done.stderr)


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server:
        host, names = asyncio.run(fill(server.url))
        file = settings(Path(name), names)
        status = 0
        for by in (host, None):
            done = run(server, file, *arguments, by=by)
            print(done.output)
            status |= done.status
        for line in server.log_complaints():
            print(line)
        return status or bool(server.log_complaints())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
