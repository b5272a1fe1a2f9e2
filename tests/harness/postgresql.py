"""A PostgreSQL cluster of the test run's own: made in a temporary folder, on a port of its own, and gone afterwards.

Nothing in it is meant to outlive a crash, so it waits for no disk. PostgreSQL refuses to run as root: then it runs as
`postgres`, or as `nobody` where there is no such user.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.harness.ports import free_tcp_port
from tests.harness.quick_folder import quick_folder

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 20.0
CONNECTIONS_MAX = 300
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": str(CONNECTIONS_MAX),
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",  # compiling a query costs more than any of ours
    "log_min_messages": "fatal",  # refused rows are what many tests are about
}


class ClusterError(RuntimeError):
    """The server did not start; the message ends with what it said."""


def programs() -> Path | None:
    """The folder of initdb and postgres: the newest that Debian has installed, or whichever is on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).parent if found else None


def as_somebody() -> dict[str, Any]:
    """Arguments of subprocess that give up root, where we have it."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """The address of a server whose user may create databases. Raises ClusterError."""
    binaries = programs()
    if binaries is None:
        raise ClusterError("no initdb (Debian's postgresql)")
    somebody = as_somebody()
    with tempfile.TemporaryDirectory(prefix="spaces-postgresql-", dir=quick_folder()) as name:
        folder = Path(name)
        if somebody:
            os.chown(folder, somebody["user"], somebody["group"])
        data, log, port = folder / "data", folder / "log", free_tcp_port()
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            cwd=folder, capture_output=True, text=True, **somebody,
        )  # fmt: skip
        if made.returncode != 0:
            raise ClusterError(f"initdb: {made.stderr.strip()}")
        options = [argument for item in SETTINGS.items() for argument in ("-c", "=".join(item))]
        with log.open("wb") as output:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-p", str(port), *options],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **somebody,
            )  # fmt: skip
        try:
            _wait_until_ready(binaries, port, server, log)
            yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # "fast": connections that are left are broken off
            try:
                server.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_until_ready(binaries: Path, port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        ready = subprocess.run([binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)])
        if ready.returncode == 0:
            return
        time.sleep(0.05)
    raise ClusterError(f"postgres did not start:\n{log.read_text(errors='replace')[-2000:]}")
