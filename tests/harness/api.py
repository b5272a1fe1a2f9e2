"""The server's HTTP interface, as a test calls it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import aiohttp

from tests.harness.accounts import Person, person


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `body` is parsed JSON where it is JSON, else text."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The stable code of a problem document; asserts that it is one."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self
        assert isinstance(self.body, dict), self
        return str(self.body["code"])


async def read_reply(answer: aiohttp.ClientResponse) -> Reply:
    is_json = answer.content_type.endswith("json")
    body: Any = await (answer.json(content_type=None) if is_json else answer.text())
    return Reply(answer.status, dict(answer.headers), body)


class Api:
    """Calls of one test; `ok` asserts 2xx."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def request(
        self,
        method: str,
        path: str,
        *,
        by: Person | None = None,
        token: str | None = None,
        json: Any = None,
        data: bytes | io.BytesIO | None = None,
        content_type: str | None = None,
    ) -> Reply:
        headers = {}
        if by is not None or token is not None:
            headers["Authorization"] = f"Bearer {token if token is not None else by.token if by else ''}"
        if content_type is not None:
            headers["Content-Type"] = content_type
        async with self.http.request(method, urljoin(self.url, path), headers=headers, json=json, data=data) as answer:
            return await read_reply(answer)

    async def ok(self, method: str, path: str, *, by: Person | None = None, json: Any = None) -> Any:
        reply = await self.request(method, path, by=by, json=json)
        assert reply.status // 100 == 2, f"{method} {path}: {reply.status} {reply.body}"
        return reply.body

    async def offer(self, path: str, sdp: str | bytes, *, by: Person | None = None, token: str | None = None) -> Reply:
        """POST an SDP offer to a WHIP or WHEP endpoint."""
        data = sdp.encode() if isinstance(sdp, str) else sdp
        return await self.request("POST", path, by=by, token=token, data=data, content_type="application/sdp")

    # --- what most tests begin with

    async def creator(self, handle: str) -> Person:
        host = person(handle)
        await self.ok("POST", "/v1/creators", by=host, json={"handle": handle, "name": handle.title()})
        return host

    async def tier(self, host: Person, *, level: int = 1, amount_minor: int = 499) -> str:
        price = {"amount_minor": amount_minor, "currency": "USD"}
        body = {"name": f"Level {level}", "level": level, "price": price}
        return str((await self.ok("POST", f"/v1/creators/{host.handle}/tiers", by=host, json=body))["id"])

    async def subscribe(self, fan: Person, host: Person, tier: str) -> str:
        """Pay with test money; the subscription's id."""
        made = await self.ok("POST", f"/v1/creators/{host.handle}/subscriptions", by=fan, json={"tier": tier})
        await self.ok("POST", made["checkout_url"], by=fan, json={"outcome": "succeed"})
        return str(made["id"])

    async def space(self, host: Person, *, access: dict[str, Any] | None = None, live: bool = True) -> str:
        body = {"title": f"A talk of {host.handle}", "access": access or {"policy": "open"}}
        space = str((await self.ok("POST", "/v1/spaces", by=host, json=body))["id"])
        if live:
            await self.ok("POST", f"/v1/spaces/{space}/start", by=host)
        return space

    async def to_stage(self, space: str, host: Person, speaker: Person) -> None:
        await self.ok("GET", "/v1/me", by=speaker)  # the first sight of a token makes its account
        await self.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": f"@{speaker.handle}"})
