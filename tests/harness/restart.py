"""A server that is killed and started again on the same ports and data folder."""

from __future__ import annotations

import signal

from tests.harness.server import Server, start


def kill_and_start_again(server: Server) -> Server:
    """SIGKILL: it says nothing to anybody and stores nothing. The new one is ready."""
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    return start(
        server.data.parent,
        address=server.address,
        public_address="",
        settings={"http_port": server.http_port, "udp_port": server.udp_port, "public_url": server.url},
    )
