"""An integrator's server: takes webhooks as the test wants it to, and checks each signature by itself."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web

from tests.harness.accounts import API_KEY, API_SECRET
from tests.harness.api import Api
from tests.harness.eventually import until


@dataclass(frozen=True, slots=True)
class Received:
    id: str
    kind: str
    data: dict[str, Any]
    signatures: tuple[str, ...]
    seconds: int
    body: bytes

    @property
    def space(self) -> str | None:
        space = self.data.get("space")
        return space["id"] if isinstance(space, dict) else space


def signed_by(received: Received, secret: str) -> bool:
    """The scheme written down once more, as its specification has it, and not by the code that is tested."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join((received.id.encode(), str(received.seconds).encode(), received.body))
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return wanted in received.signatures


@dataclass
class Integrator:
    url: str = ""
    taken: list[Received] = field(default_factory=list)
    """Answered with 2xx."""
    tried: list[Received] = field(default_factory=list)
    answer: Callable[[Received], int | None] = lambda _: 204
    """A status; None: never."""
    headers: dict[str, str] = field(default_factory=dict)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    async def take(self, request: web.Request) -> web.Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._take(request)
        finally:
            self.at_once -= 1

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        told = json.loads(body)
        received = Received(
            request.headers["webhook-id"],
            told["type"],
            told["data"],
            tuple(request.headers["webhook-signature"].split(" ")),
            int(request.headers["webhook-timestamp"]),
            body,
        )
        assert abs(received.seconds - time.time()) < 300
        self.tried.append(received)
        status = self.answer(received)
        if status is None:
            await self.released.wait()
            status = 504
        if status // 100 == 2:
            self.taken.append(received)
        return web.Response(status=status, headers=self.headers)

    def kinds(self, space: str | None = None) -> list[str]:
        """Of every event once, in the order in which they came first: each may come twice."""
        return list({one.id: one.kind for one in self.taken if space is None or one.space == space}.values())

    async def told(self, kind: str, space: str | None = None, seconds: float = 10.0) -> Received:
        """The first of this kind, once it is there."""
        await until(lambda: kind in self.kinds(space), seconds)
        return next(one for one in self.taken if one.kind == kind and space in (None, one.space))


@asynccontextmanager
async def integrator() -> AsyncIterator[Integrator]:
    one = Integrator()
    app = web.Application()
    app.router.add_post("/hooks", one.take)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    try:
        yield one
    finally:
        one.released.set()
        await runner.cleanup()


def own_token(**claims: Any) -> str:
    """Of the integration itself."""
    usual = {"iss": API_KEY, "aud": "spaces:integration", "exp": int(time.time()) + 600}
    return jwt.encode(usual | claims, API_SECRET, algorithm="HS256")


async def endpoint(api: Api, url: str, **body: Any) -> tuple[str, str]:
    """Its id and secret."""
    made = await api.request("POST", "/v1/webhook-endpoints", token=own_token(), json={"url": url, **body})
    assert made.status == 201, made
    return made.body["endpoint"]["id"], made.body["secret"]


async def look(api: Api, path: str, method: str = "GET", json: Any = None) -> Any:
    """As the integration itself."""
    reply = await api.request(method, f"/v1/webhook-endpoints{path}", token=own_token(), json=json)
    assert reply.status // 100 == 2, reply
    return reply.body
