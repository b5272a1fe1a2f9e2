"""A stand-in for Stripe over real HTTP: what the SDK needs for checkouts, subscriptions, refunds, payouts and events.

Shapes: see fake_stripe_shapes.py; behaviour: fake_stripe_billing.py; requests: fake_stripe_routes.py. It signs webhooks as
Stripe does and honours idempotency keys. Of taxes it knows one rate, of settlement currencies one rate of exchange.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import random
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import stripe
from aiohttp import web

from tests.harness import fake_stripe_shapes as shapes
from tests.harness.fake_stripe_billing import Billing, RefusedError, public
from tests.harness.fake_stripe_routes import ROUTES
from tests.harness.fake_stripe_shapes import Object

SECRET_KEY = "sk_test_fakefakefake"
WEBHOOK_SECRET = "whsec_fakefakefake"
VERSION = "2026-10-28.endive"
RETRY_SECONDS = 0.01
"""What the SDK pauses before it tries again; Stripe itself would be given half a second."""


class FakeStripe(Billing):
    def __init__(self, now: int) -> None:
        super().__init__(now)
        self.requests: list[tuple[str, str]] = []
        self.unkeyed: list[str] = []
        """Writes without an idempotency key."""
        self.away: list[str] = []
        """For each of the next writes: `before` it is done, or `after`, the connection breaks."""
        self._kept: dict[str, tuple[str, int, Object]] = {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path, body = request.path, await request.text()
        form = nested(parse_qsl(body, keep_blank_values=True) or list(request.query.items()))
        if request.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            return web.json_response(shapes.error("invalid_request_error", "Invalid API Key"), status=401)
        assert request.headers["Stripe-Version"] == VERSION
        self.requests.append((request.method, path))
        fault = self.away.pop(0) if self.away and request.method != "GET" else ""
        if fault == "before":
            return broken(request)
        status, answer = self._answer(request, path, form, body)
        if fault == "after":
            return broken(request)
        return web.json_response(answer, status=status, headers={"Request-Id": self.id("req")})

    def _answer(self, request: web.Request, path: str, form: Object, body: str) -> tuple[int, Object]:
        key = request.headers.get("Idempotency-Key") if request.method in ("POST", "DELETE") else None
        if key is None and request.method != "GET":
            self.unkeyed.append(path)
        asked = f"{path} {body}"
        if key is not None and key in self._kept:
            before, status, answer = self._kept[key]
            if before != asked:
                return 400, shapes.error("idempotency_error", "Keys are for one request only.")
            return status, answer
        for method, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, path)
            if method == request.method and found:
                try:
                    made = handler(self, form, *found.groups())
                    answer = public(self._expanded(copy.deepcopy(made), form.get("expand", [])))
                    status = 200
                except RefusedError as refusal:
                    status, answer = refusal.status, refusal.body
                if key is not None:
                    self._kept[key] = asked, status, answer
                return status, answer
        raise AssertionError(f"the fake does not know {request.method} {path}")

    def _expanded(self, made: Object, wanted: list[str]) -> Object:
        for text in wanted:
            self._expand(made, text.split("."))
        return made

    def _expand(self, at: Any, path: list[str]) -> None:
        for part in at if isinstance(at, list) else [at]:
            if not path or part is None or part.get(path[0]) is None:
                continue
            if isinstance(part[path[0]], str):
                part[path[0]] = copy.deepcopy(self.objects[part[path[0]]])
            self._expand(part[path[0]], path[1:])


def broken(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def nested(pairs: list[tuple[str, str]]) -> Object:
    """`a[b][0][c]=d` as {a: {b: [{c: d}]}}."""
    root: Object = {}
    for name, value in pairs:
        at, keys = root, re.findall(r"[^\[\]]+", name)
        for key in keys[:-1]:
            at = at.setdefault(key, {})
        at[keys[-1]] = value
    return _lists(root)  # type: ignore[no-any-return]


def _lists(at: Any) -> Any:
    if not isinstance(at, dict):
        return at
    if at and all(key.isdecimal() for key in at):
        return [_lists(at[key]) for key in sorted(at, key=int)]
    return {key: _lists(value) for key, value in at.items()}


def signature(body: bytes, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    stamp = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def deliveries(events: list[Object], seed: int) -> list[bytes]:
    """Each event once or twice, in any order."""
    chance = random.Random(seed)
    bodies = [json.dumps(event).encode() for event in events for _ in range(chance.choice((1, 1, 2)))]
    chance.shuffle(bodies)
    return bodies


@asynccontextmanager
async def fake_stripe(now: int) -> AsyncIterator[tuple[FakeStripe, str]]:
    """The fake and its address."""
    stripe.HTTPClient.INITIAL_DELAY = RETRY_SECONDS
    fake = FakeStripe(now)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield fake, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
