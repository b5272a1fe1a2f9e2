"""Whether the TURN servers do what they are named for: a real allocation with credentials as clients get them, a way from it to
our own port, and none from it into private networks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aioice import stun
from aioice.turn import TurnClientTcpProtocol, TurnClientUdpProtocol

from spaces.config import TURN_URL, Config
from spaces.finding import Finding
from spaces.sfu.candidates import read_candidate
from spaces.signaling.turn import ice_servers

SECONDS_MAX = 8.0
"""For all that is asked of one address."""
PRIVATE = (("127.0.0.1", 9), ("10.255.255.254", 9))
"""Where no relay should lead: this is how somebody who has credentials gets into the network that the relay stands in."""
FORBIDDEN = 403
CHANNEL_FIRST = 0x4000

Client = TurnClientTcpProtocol | TurnClientUdpProtocol


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    transport: str
    tls: bool


def read_url(url: str) -> Address:
    """Of one that the configuration has taken."""
    match = TURN_URL.fullmatch(url)
    assert match is not None
    tls = match["scheme"] == "turns"
    port = int(match["port"] or (5349 if tls else 3478))
    return Address(match["host"].strip("[]"), port, match["transport"] or ("tcp" if tls else "udp"), tls)


async def examine(config: Config, now: datetime) -> list[Finding]:
    if not config.turn_urls:
        return [
            Finding("warn", "no TURN server: whom UDP does not reach hears nothing", "docs/turn.md says how to add one")
        ]
    [credentials] = ice_servers(config, "doctor", now)
    return [await _examine(url, credentials.username, credentials.credential, config) for url in config.turn_urls]


async def _examine(url: str, username: str, credential: str, config: Config) -> Finding:
    try:
        address = read_url(url)
        async with asyncio.timeout(SECONDS_MAX), allocated(address, username, credential) as client:
            return await _look_around(url, client, config)
    except stun.TransactionFailed as error:
        code, reason = error.response.attributes.get("ERROR-CODE", (0, "refused"))
        if code == 401:
            return Finding("fail", f"{url} refuses our credentials", "turn_secret is to be coturn's static-auth-secret")
        return Finding("fail", f"{url} gives no allocation: {code} {reason}", "look into coturn's log")
    except (OSError, TimeoutError, stun.TransactionError, ConnectionError) as error:
        name = type(error).__name__
        return Finding("fail", f"{url} cannot be used: {name}", "does coturn run there, and is the port open?")


async def _look_around(url: str, client: Client, config: Config) -> Finding:
    """Where the relay leads."""
    channel = CHANNEL_FIRST
    for text in config.public_addresses:
        candidate = read_candidate(text, config.udp_port)
        if not await _reaches(client, channel, (candidate.address, candidate.port)):
            advice = f"coturn's allowed-peer-ip has to name {candidate.address}"
            return Finding("fail", f"{url} does not relay to {text}", advice)
        channel += 1
    ours = {read_candidate(text, config.udp_port).address for text in config.public_addresses}
    for peer in PRIVATE:
        channel += 1
        if peer[0] not in ours and await _reaches(client, channel, peer):
            return Finding(
                "warn",
                f"{url} works, and relays into private networks too ({peer[0]})",
                "allow it our own address only: denied-peer-ip and allowed-peer-ip in docs/turn.md",
            )
    return Finding("ok", f"{url} gives an allocation ({client.relayed_address and client.relayed_address[0]})")


async def _reaches(client: Client, channel: int, peer: tuple[str, int]) -> bool:
    try:
        await client.channel_bind(channel, peer)
    except stun.TransactionFailed as error:
        if error.response.attributes.get("ERROR-CODE", (0, ""))[0] in (FORBIDDEN, 443):  # 443: another address family
            return False
        raise
    return True


@asynccontextmanager
async def allocated(address: Address, username: str, credential: str) -> AsyncIterator[Client]:
    """An allocation while the block runs. Raises what the network and aioice raise."""
    loop = asyncio.get_running_loop()
    server = (address.host, address.port)
    options = {"username": username, "password": credential, "lifetime": 60, "channel_refresh_time": 500}
    client: Client
    transport: asyncio.BaseTransport
    if address.transport == "tcp":
        transport, client = await loop.create_connection(
            lambda: TurnClientTcpProtocol(server, **options),  # type: ignore[arg-type]
            *server,
            ssl=True if address.tls else None,
        )
    else:
        transport, client = await loop.create_datagram_endpoint(
            lambda: TurnClientUdpProtocol(server, **options),  # type: ignore[arg-type]
            remote_addr=server,
        )
    try:
        await client.connect()
        yield client
    finally:
        try:
            if client.relayed_address is not None:
                await client.delete()
        finally:
            transport.close()
