"""compose.yaml without Docker: its programs as processes of this machine, with the commands and settings that it gives them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from spaces.demo.speech import Speech
from tests.harness import postgresql
from tests.harness.accounts import API_KEY, API_SECRET
from tests.harness.api import Api
from tests.harness.client import RtcClient
from tests.harness.eventually import until, until_so
from tests.harness.nodes import talking
from tests.harness.ports import free_tcp_port, free_udp_port
from tests.harness.redis import redis_server
from tests.harness.server import REPOSITORY

pytestmark = [
    *(pytest.mark.needs(program) for program in ("redis", "postgresql", "haproxy", "coturn")),
    pytest.mark.thorough,
]

READY_SECONDS_MAX = 120.0


@dataclass
class Compose:
    services: dict[str, Any]

    def environment(self, name: str, hosts: Mapping[str, str]) -> dict[str, str]:
        """Of a service, with what its hosts are called here."""
        return {key: translated(value, hosts) for key, value in self.services[name].get("environment", {}).items()}

    def command(self, name: str) -> list[str]:
        return [expanded(str(word)) for word in self.services[name]["command"]]


def expanded(value: str) -> str:
    """`${NAME:-default}`, with nothing set."""
    return re.sub(r"\$\{\w+:-([^}]*)}", r"\1", value)


def translated(value: str, hosts: Mapping[str, str]) -> str:
    value = expanded(value)
    for host, here in hosts.items():
        value = re.sub(rf"(?<=[/@]){host}\b", here, value)
    return value


@contextlib.contextmanager
def running(command: Sequence[str], log_file: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[Any]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SPACES_")}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=clean | dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def a_database(server: str, user: str, password: str, name: str) -> str:
    """host:port of a server on which that user has that database."""
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'"))
        await connection.execute(text(f"CREATE DATABASE {name} OWNER {user}"))
    await engine.dispose()
    address = make_url(server)
    return f"{address.host}:{address.port}"


def program_of_the_image() -> list[str]:
    """ENTRYPOINT and CMD of the Dockerfile."""
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    words = [*said(dockerfile, "ENTRYPOINT"), *said(dockerfile, "\nCMD")]
    assert words[0] == "spaces"
    return [sys.executable, "-m", *words]


def said(dockerfile: str, instruction: str) -> list[str]:
    found = re.search(rf"{instruction} (\[.*])", dockerfile)
    assert found is not None
    words: list[str] = json.loads(found[1])
    return words


def healthcheck_of_the_image() -> list[str]:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    [words] = re.findall(r"HEALTHCHECK.*?CMD (\[.*?\])\n", dockerfile, re.DOTALL)
    command: list[str] = json.loads(words)
    return [sys.executable, *command[1:]]


async def test_everything_that_it_names_works_together(tmp_path: Path, speech: Speech) -> None:
    compose = Compose(yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"])
    assert set(compose.services) == {"balancer", "node1", "node2", "database", "redis", "coturn"}
    async with contextlib.AsyncExitStack() as stack:
        program, *options = compose.command("redis")
        assert program == "redis-server"
        redis = stack.enter_context(redis_server(tmp_path, *options))
        server = stack.enter_context(postgresql.cluster())
        database = compose.environment("database", {})
        where = await a_database(
            server, database["POSTGRES_USER"], database["POSTGRES_PASSWORD"], database["POSTGRES_DB"]
        )
        turn_port = free_tcp_port()
        turn = ["turnserver", *compose.command("coturn"), f"--listening-port={turn_port}", "--listening-ip=127.0.0.1"]
        turn += [
            "--no-cli",
            "--log-file=stdout",
            f"--pidfile={tmp_path / 'turn.pid'}",
            f"--userdb={tmp_path / 'turn.db'}",
        ]
        stack.enter_context(running(turn, tmp_path / "turn.log", tmp_path, {}))

        balancer_port = free_tcp_port()
        ports = {name: (free_tcp_port(), free_udp_port()) for name in ("node1", "node2")}
        hosts = {
            "database": where,
            "redis:6379": f"127.0.0.1:{redis.port}",
            "127.0.0.1:8080": f"127.0.0.1:{balancer_port}",
        }
        hosts |= {f"{name}:8080": f"127.0.0.1:{http}" for name, (http, _) in ports.items()}
        environments, processes = {}, {}
        for name, (http, udp) in ports.items():
            given = compose.environment(name, hosts)
            assert given["SPACES_NODE_NAME"] == name
            assert f"{given['SPACES_UDP_PORT']}:{given['SPACES_UDP_PORT']}/udp" in compose.services[name]["ports"]
            environments[name] = given | {
                "SPACES_UDP_PORT": str(udp), "SPACES_HTTP_PORT": str(http), "SPACES_HOST": "127.0.0.1",
                "SPACES_TURN_URLS": given["SPACES_TURN_URLS"].replace(":3478", f":{turn_port}"),
                "SPACES_TRUSTED_PROXIES": "127.0.0.1/32", "SPACES_DATA": str(tmp_path / name),
                "SPACES_API_KEY": API_KEY, "SPACES_API_SECRET": API_SECRET, "SPACES_LOG_FORMAT": "json",
                "SPACES_OFFERS_PER_MINUTE_MAX": "5000",
            }  # fmt: skip
            # Both at once, on an empty database.
            processes[name] = stack.enter_context(
                running(program_of_the_image(), tmp_path / f"{name}.log", REPOSITORY, environments[name])
            )
        balancing = (REPOSITORY / "deploy" / "haproxy.cfg").read_text()
        balancing = balancing.replace("bind :8080", f"bind 127.0.0.1:{balancer_port}")
        for name, (http, _) in ports.items():
            balancing = balancing.replace(f" {name}:8080", f" 127.0.0.1:{http}")
        (tmp_path / "haproxy.cfg").write_text(balancing)
        stack.enter_context(running(["haproxy", "-f", "haproxy.cfg"], tmp_path / "haproxy.log", tmp_path, {}))

        http_session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        )
        api = Api(http_session, f"http://127.0.0.1:{balancer_port}")

        async def healthy() -> bool:
            for name in ports:
                assert processes[name].poll() is None, (tmp_path / f"{name}.log").read_text()[-3000:]
            checks = [
                await asyncio.to_thread(
                    subprocess.run, healthcheck_of_the_image(), env=os.environ | environments[name], capture_output=True
                )
                for name in ports
            ]
            return all(check.returncode == 0 for check in checks)

        await until_so(healthy, READY_SECONDS_MAX)

        async def through() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                return (await api.request("GET", "/readyz")).status == 200
            return False

        await until_so(through, 30)
        doctor = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "spaces", "doctor"], cwd=REPOSITORY,
            env=os.environ | environments["node1"] | {"SPACES_HTTP_PORT": "0", "SPACES_UDP_PORT": str(free_udp_port())},
            capture_output=True, text=True,
        )  # fmt: skip
        assert "nodes now: node1, node2" in doctor.stdout
        for name in ("node1", "node2"):
            assert f"node {name} answers at http://" in doctor.stdout
        assert "newest revision" in doctor.stdout

        host = await api.creator("ada")
        space = await api.space(host)
        async with talking(api, space, speech, host) as speaker:
            heard: dict[int, RtcClient] = {}
            while set(heard) != {udp for _, udp in ports.values()}:
                listener = RtcClient(api)
                await listener.connect(f"/v1/spaces/{space}/whep", "recvonly")
                port = listener.answer.candidates[0][1]
                if port in heard:
                    await listener.leave()
                else:
                    heard[port] = listener
                    stack.push_async_callback(listener.close)
            for listener in heard.values():
                await listener.hear_first(30.0)
            owner_port = speaker.answer.candidates[0][1]
            [owner] = [name for name, (_, udp) in ports.items() if udp == owner_port]
            answers: list[int] = []

            async def ask() -> None:
                while True:
                    answers.append((await api.request("GET", f"/v1/spaces/{space}", by=host)).status)
                    await asyncio.sleep(0.05)

            asking = asyncio.create_task(ask())
            processes[owner].terminate()  # docker compose stop
            assert await asyncio.to_thread(processes[owner].wait, 30) == 0
            count = len(answers)
            await until(lambda: len(answers) > count + 10, seconds=30)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert set(answers) == {200}, "the balancer sends nobody to a node that is going"
        [other_port] = set(heard) - {owner_port}
        count = len(heard[other_port].packets)
        async with talking(api, space, speech, host):
            await until(lambda: len(heard[other_port].packets) > count + 10, seconds=30)
        assert not heard[other_port].link.closed.is_set()
