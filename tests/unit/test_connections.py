"""Connections that ask for nothing: so many, and for so long."""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import aiohttp
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from yarl import URL

from spaces.logs import configure_logs
from spaces.signaling.client_address import read_networks
from spaces.signaling.connections import Connections
from tests.harness.eventually import until
from tests.harness.node import running, served

pytestmark = pytest.mark.sqlite

OFFER = b"POST /v1/spaces/x/whep HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"


class Counted(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(b"in")


async def opened(port: int) -> tuple[bytes, asyncio.StreamWriter]:
    """What a new connection is told: b"" if it is not let in."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await reader.read(2), writer
    except ConnectionResetError:
        return b"", writer


@pytest.mark.parametrize(
    ("per_address", "at_once", "trusted", "places"),
    [(2, None, (), 2), (9, 3, (), 3), (1, None, ("127.0.0.0/8",), 5), (1, 4, ("127.0.0.0/8",), 4)],
)
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_connections_have_places(
    per_address: int,
    at_once: int | None,
    trusted: tuple[str, ...],
    places: int,
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(knock(Connections(per_address, at_once, read_networks(trusted)), places))


@pytest.mark.parametrize(("url", "places"), [("http://127.0.0.1:8080", 5), ("http://10.0.0.7:8080", 2)])
async def test_another_node_has_as_many_as_it_needs(url: str, places: int) -> None:
    connections = Connections(2, None, ())
    connections.befriend(frozenset({url}))
    await knock(connections, places)


async def knock(connections: Connections, places: int) -> None:
    server = await asyncio.get_running_loop().create_server(connections.guard(Counted), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    got = [await opened(port) for _ in range(5)]
    assert [told for told, _ in got] == [b"in"] * places + [b""] * (5 - places)
    got[0][1].close()
    await until(lambda: connections.total < places)
    got.append(await opened(port))
    assert got[-1][0] == b"in"
    for _, writer in got:
        writer.close()
    await until(lambda: connections.total == 0)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_tls_handshake_has_a_place(new_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(shake(Connections(2, None, ()), tmp_path))


async def shake(connections: Connections, folder: Path) -> None:
    """Connections that never begin their handshake take the places of one address, and give them back."""
    server_side, client_side = tls_contexts(folder)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    port = listening.getsockname()[1]
    accepting = asyncio.create_task(connections.accept_tls(listening, Counted, server_side, 10.0))
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    await until(lambda: connections.total == 2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b"", "closed at once"
    writer.close()
    silent[0][1].close()
    await until(lambda: connections.total == 1)
    reader, secure = await asyncio.open_connection("127.0.0.1", port, ssl=client_side, server_hostname="localhost")
    assert await reader.read(2) == b"in"
    assert connections.total == 2
    secure.close()
    silent[1][1].write(b"GET / HTTP/1.1\r\n\r\n")  # no TLS
    await until(lambda: connections.total == 0)
    silent[1][1].close()
    accepting.cancel()
    await asyncio.wait({accepting})
    listening.close()


def tls_contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server with a certificate of its own making, and of a client who trusts it."""
    certificate, key = self_signed(folder)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    return server_side, ssl.create_default_context(cafile=str(certificate))


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Files with a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private


async def test_https_is_served_and_stopped(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    async with running(tmp_path, tls_cert=str(certificate), tls_key=str(key)) as node, aiohttp.ClientSession() as http:
        trusting = ssl.create_default_context(cafile=str(certificate))
        url = f"https://localhost:{node.http_port}/healthz"
        async with http.get(url, ssl=trusting) as answer:
            assert answer.status == 200
        _, silent = await asyncio.open_connection("127.0.0.1", node.http_port)  # and so it is while the node stops
    silent.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: ", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_connection_without_a_whole_request_is_closed(tmp_path: Path, sent: bytes) -> None:
    async with served(tmp_path, idle_seconds_max=0.3) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(api.url).port)
        writer.write(sent)
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async with served(tmp_path, body_seconds_max=0.3) as api:
        space = await api.space(await api.creator("ada"))
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(api.url).port)
        writer.write(OFFER.replace(b"/x/", f"/{space}/".encode()) + b"Content-Length: 60000\r\n\r\nv=0")
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()


@pytest.mark.parametrize(
    "body",
    [
        b"Transfer-Encoding: chunked\r\n\r\nnothing\r\n",
        b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\nnothing",
    ],
)
async def test_a_body_that_cannot_be_read_is_the_clients_fault(tmp_path: Path, body: bytes) -> None:
    async with served(tmp_path) as api:
        space = await api.space(await api.creator("ada"))
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(api.url).port)
        writer.write(OFFER.replace(b"/x/", f"/{space}/".encode()) + body)
        async with asyncio.timeout(5):
            assert (await reader.readline()).split()[1] == b"400"
        writer.close()


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost x\r\n\r\n", OFFER + b"Content-Length: -1\r\n\r\n"])
async def test_what_is_no_http_writes_no_traceback(tmp_path: Path, sent: bytes) -> None:
    log = io.StringIO()
    configure_logs("json", log)
    async with served(tmp_path) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(api.url).port)
        writer.write(sent)
        async with asyncio.timeout(5):
            assert (await reader.readline()).split()[1] == b"400"
        writer.close()
    assert "Traceback" not in log.getvalue()
