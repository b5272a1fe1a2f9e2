"""Debian's coturn on loopback, with the shared secret of time-limited credentials."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.harness.ports import free_tcp_port

SECRET = "the secret that coturn and the server share"
START_SECONDS_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Coturn:
    port: int
    log_file: Path

    @property
    def tcp(self) -> str:
        return f"turn:127.0.0.1:{self.port}?transport=tcp"

    @property
    def udp(self) -> str:
        return f"turn:127.0.0.1:{self.port}?transport=udp"

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")


@contextlib.contextmanager
def coturn(folder: Path, *options: str, udp: bool = False) -> Iterator[Coturn]:
    """`options` as turnserver takes them. Clients come by TCP alone unless `udp`; relays always send UDP."""
    port, log_file = free_tcp_port(), folder / "coturn.log"
    command = [
        "turnserver", "-n", "--listening-ip=127.0.0.1", f"--listening-port={port}", "--relay-ip=127.0.0.1",
        "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=spaces.example", "--no-tls", "--no-dtls",
        "--no-cli", "--allow-loopback-peers", "--fingerprint", "--verbose", "--log-file=stdout", "--simple-log",
        f"--pidfile={folder / 'coturn.pid'}", f"--userdb={folder / 'coturn.db'}", *options,
    ]  # fmt: skip
    if not udp:
        command.append("--no-udp")
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_until_it_listens(process, port, log_file)
        yield Coturn(port, log_file)
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log_file: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        assert process.poll() is None, log_file.read_text(errors="replace")[-2000:]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"coturn does not listen:\n{log_file.read_text(errors='replace')[-2000:]}")
