"""The client's side of ICE, towards an ICE-lite server: a full, controlling agent (RFC 8445) on aioice's STUN messages.

One unconnected UDP socket per address family. aioice's own `Connection` leaves loopback addresses out, so it could not
reach a server on a machine without a network; this agent pairs "any local address" with each candidate of the server.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import secrets
import string
from collections.abc import Callable
from typing import Any

from aioice import stun

Address = tuple[str, int]

CHECK_INTERVAL_SECONDS = 0.1
"""First wait before a check is repeated; it doubles up to a second."""
CONSENT_INTERVAL_SECONDS = 5.0
"""RFC 7675 §5.1, made random by ±20 %."""
CONSENT_EXPIRY_SECONDS = 30.0

ICE_CHARACTERS = string.ascii_letters + string.digits + "+/"


class IceError(ConnectionError):
    """The server does not answer checks (any more)."""


class IceClient:
    """Checks the server's candidates, nominates the first that answers, keeps consent fresh.

    Has the four names that aiortc's RTCDtlsTransport asks of its ICE transport: `role`, `state`, `_recv`, `_send`.
    Datagrams that are neither STUN nor DTLS go to `on_media` at once, without a queue.
    """

    role = "controlling"

    def __init__(self, on_media: Callable[[bytes], None]) -> None:
        self.ufrag = "".join(secrets.choice(ICE_CHARACTERS) for _ in range(8))
        self.pwd = "".join(secrets.choice(ICE_CHARACTERS) for _ in range(24))
        self.state = "new"
        self.path: Address | None = None
        self.consent_interval_seconds = CONSENT_INTERVAL_SECONDS
        self._on_media = on_media
        self._tie_breaker = secrets.randbits(64)
        self._remote_ufrag = ""
        self._key = b""
        self._sockets: dict[int, asyncio.DatagramTransport] = {}
        self._waiting: dict[bytes, asyncio.Future[Address]] = {}
        self._dtls: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=64)
        self._consent: asyncio.Task[None] | None = None

    async def connect(self, ufrag: str, pwd: str, candidates: list[Address], timeout_seconds: float) -> None:
        """Find a working candidate and nominate it. Raises IceError."""
        self._remote_ufrag, self._key = ufrag, pwd.encode()
        self.state = "checking"
        try:
            async with asyncio.timeout(timeout_seconds):
                path = await self._first_to_answer(candidates)
                await self._check_until_answered(path, nominate=True)
        except TimeoutError:
            raise IceError(f"none of {candidates} answered") from None
        self.path = path
        self.state = "completed"
        self._consent = asyncio.create_task(self._keep_consent())

    async def close(self) -> None:
        if self._consent is not None:
            self._consent.cancel()
            await asyncio.gather(self._consent, return_exceptions=True)
        self._lose()
        for transport in self._sockets.values():
            transport.close()
        self._sockets.clear()

    async def rebind(self) -> None:
        """Go on from new local ports, as after a change of network; the session goes on."""
        old, self._sockets = self._sockets, {}
        for transport in old.values():
            transport.close()
        if self.path is not None:
            await self._socket(self.path)
            await self._check_until_answered(self.path, nominate=True)

    def send(self, data: bytes) -> None:
        """One datagram on the nominated path. Raises IceError if there is none."""
        if self.path is None or self.state != "completed":
            raise IceError("no path")
        transport = self._sockets.get(_family(self.path))
        if transport is not None:  # absent for a moment while `rebind` opens the next
            transport.sendto(data, self.path)

    async def _send(self, data: bytes) -> None:
        self.send(data)

    async def _recv(self) -> bytes:
        data = await self._dtls.get()
        if data is None:
            raise IceError("connection lost")
        return data

    def binding(self, *, nominate: bool) -> stun.Message:
        """A signed Binding request of this session."""
        attributes: dict[str, Any] = {
            "USERNAME": f"{self._remote_ufrag}:{self.ufrag}",
            "PRIORITY": 0x6EFFFFFF,  # a peer-reflexive host candidate, RFC 8445 §7.1.1
            "ICE-CONTROLLING": self._tie_breaker,
        }
        if nominate:
            attributes["USE-CANDIDATE"] = None
        message = stun.Message(
            message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST, attributes=attributes
        )
        message.add_message_integrity(self._key)
        return message

    async def _first_to_answer(self, candidates: list[Address]) -> Address:
        checks = [asyncio.create_task(self._check_until_answered(c, nominate=False)) for c in candidates]
        try:
            for check in asyncio.as_completed(checks):
                return await check
        finally:
            for task in checks:
                task.cancel()
            await asyncio.gather(*checks, return_exceptions=True)
        raise IceError("the server named no candidate")

    async def _check_until_answered(self, address: Address, *, nominate: bool) -> Address:
        transport = await self._socket(address)
        message = self.binding(nominate=nominate)
        answered: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
        self._waiting[message.transaction_id] = answered
        wait = CHECK_INTERVAL_SECONDS
        try:
            while not answered.done():
                transport.sendto(bytes(message), address)
                await asyncio.wait([answered], timeout=wait)
                wait = min(1.0, 2 * wait)
            return address
        finally:
            self._waiting.pop(message.transaction_id, None)

    async def _keep_consent(self) -> None:
        assert self.path is not None
        while True:
            await asyncio.sleep(self.consent_interval_seconds * random.uniform(0.8, 1.2))  # noqa: S311
            try:
                async with asyncio.timeout(CONSENT_EXPIRY_SECONDS):
                    await self._check_until_answered(self.path, nominate=True)
            except TimeoutError:
                self._lose()
                return

    def _lose(self) -> None:
        self.state = "closed"
        while self._dtls.full():
            self._dtls.get_nowait()
        self._dtls.put_nowait(None)

    async def _socket(self, address: Address) -> asyncio.DatagramTransport:
        family = _family(address)
        if family not in self._sockets:
            local = ("0.0.0.0" if family == 4 else "::", 0)  # noqa: S104 - an ephemeral client port
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=local)
            self._sockets.setdefault(family, transport)
            if self._sockets[family] is not transport:  # two checks opened at once
                transport.close()
        return self._sockets[family]

    def _received(self, data: bytes, source: Address) -> None:
        if not data:
            return
        first = data[0]
        if 128 <= first <= 191:
            self._on_media(data)
        elif 20 <= first <= 63:
            if not self._dtls.full():  # DTLS repeats what is lost
                self._dtls.put_nowait(data)
        elif first <= 3:
            self._received_stun(data, source)

    def _received_stun(self, data: bytes, source: Address) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if message.message_class == stun.Class.REQUEST:
            self._answer_check(message, source)
            return
        waiting = self._waiting.get(message.transaction_id)
        if waiting is None or waiting.done() or message.message_class != stun.Class.RESPONSE:
            return
        if message.check_message_integrity(self._key) and "XOR-MAPPED-ADDRESS" in message.attributes:
            waiting.set_result(message.attributes["XOR-MAPPED-ADDRESS"])

    def _answer_check(self, request: stun.Message, source: Address) -> None:
        """A full agent on the other side checks us too."""
        transport = self._sockets.get(_family(source))
        if transport is None or not request.check_message_integrity(self.pwd.encode()):
            return
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": source},
        )
        response.add_message_integrity(self.pwd.encode())
        transport.sendto(bytes(response), source)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, client: IceClient) -> None:
        self._client = client

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._client._received(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """ICMP "unreachable": the checks run into their time limit, which is the same as silence."""


def _family(address: Address) -> int:
    return ipaddress.ip_address(address[0]).version
