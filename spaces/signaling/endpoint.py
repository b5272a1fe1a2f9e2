"""A route of the API as data, and the one way in which requests become calls and answers become responses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from access.model import Account
from spaces.errors import RequestError
from spaces.signaling.callers import SAFE, account_of
from spaces.signaling.client_address import client_address
from spaces.signaling.idempotent import HEADER, once
from spaces.signaling.node_stamp import SENDER
from spaces.signaling.parameters import Parameter
from spaces.signaling.services import Services

SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
ADDRESS: web.RequestKey[str] = web.RequestKey("client_address", str)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its sender known and its body read."""

    services: Services
    request: web.Request
    account: Account | None
    body: Any
    """Of the route's `body` type; None if it has none."""

    def match(self, name: str) -> str:
        return self.request.match_info[name]

    @property
    def me(self) -> Account:
        """The caller, on routes that need one."""
        assert self.account is not None
        return self.account

    @property
    def key(self) -> str | None:
        """`Idempotency-Key`: what costs money is done once by it, also if this server dies in the middle."""
        return self.request.headers.get(HEADER)

    @property
    def address(self) -> str:
        return self.request[ADDRESS]

    @property
    def edge(self) -> str:
        """The other node that the client has reached; empty: this one."""
        return edge_of(self.request)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with headers or a status of its own."""

    body: Any
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Call], Awaitable[Any]]
"""Returns a struct (200, or the route's status), an Answer, None (204) or a response of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    sign_in: bool = False
    """Whether a caller without a token is refused here, before anything else is looked at."""
    own_token: bool = False
    """The handler reads the token itself (it may be a join token, or an integration's)."""
    body: Any = None
    body_optional: bool = False
    answer: Any = None
    status: int = 200
    problems: tuple[int, ...] = ()
    query: tuple[Parameter | tuple[str, str], ...] = ()
    """A name and a description: any text."""
    consumes: str = "application/json"
    produces: str = "application/json"
    also_produces: tuple[str, ...] = ()
    """Other content types that its answer may have."""
    even_suspended: bool = False
    """Changes something that an account may do while it is suspended: what ends its business here."""
    costs_money: bool = False
    """Takes an `Idempotency-Key`. Such a route needs a caller."""
    limit: str = "requests"
    """Which budget of the client's address it draws on: requests, offers, webhooks, or none (also served while
    the node starts and drains)."""

    @property
    def address(self) -> str:
        """The path as it is told: without what `{name:pattern}` says of a part."""
        return re.sub(r"{(\w+):[^}]*}", r"{\1}", self.path)


def edge_of(request: web.Request) -> str:
    sender = request.get(SENDER)
    return "" if sender is None else sender.node


def install(app: web.Application, routes: list[Route]) -> None:
    for route in routes:
        app.router.add_route(route.method, route.path, partial(_serve, route))


async def _serve(route: Route, request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    address = client_address(
        request.remote, request.headers.getall("X-Forwarded-For", []), services.trusted_proxies
    )  # fmt: skip
    elsewhere = services.elsewhere
    if elsewhere is not None and (sender := elsewhere.sender(request)) is not None:
        request[SENDER], address = sender, sender.client
    request[ADDRESS] = address
    if route.limit != "none" and (state := services.state()) not in ("ok", "leaving"):
        raise RequestError(503, state, f"this node is {state}", retry_after_seconds=2)
    if route.limit == "offers":
        services.limiters.offers.take(address, services.clock())
    elif route.limit == "webhooks":
        services.limiters.webhooks.take(address, services.clock())
    elif route.limit == "requests":
        services.limiters.requests.take(address, services.clock())
    if elsewhere is not None and SENDER not in request:
        passed_on = await elsewhere.answer(request, address, partial(read_whole, request))
        if passed_on is not None:
            return passed_on
    account = None if route.own_token else await account_of(services, request)
    if route.sign_in and not route.own_token and account is None:
        raise RequestError(401, "not_signed_in", "sign in first: this needs an account token or the page's session")
    suspended = account is not None and account.status != "active"
    if suspended and route.method not in SAFE and not route.even_suspended:
        raise RequestError(403, "suspended", "this account is suspended")
    body = None if route.body is None else await _read_body(route, request)
    call = Call(services, request, account, body)
    if route.costs_money and account is not None and HEADER in request.headers:
        return await once(services, request, account, body, lambda: _respond(route, call))
    return await _respond(route, call)


async def _respond(route: Route, call: Call) -> web.StreamResponse:
    answer = await route.handler(call)
    if isinstance(answer, web.StreamResponse):
        return answer
    if not isinstance(answer, Answer):
        answer = Answer(answer, 204 if answer is None else route.status)
    return json_response(answer.body, answer.status, answer.headers)


def json_response(body: Any, status: int, headers: tuple[tuple[str, str], ...] = ()) -> web.Response:
    """`body` None: no body at all."""
    all_headers = {"Cache-Control": "no-store", **dict(headers)}
    if body is None:
        return web.Response(status=status, headers=all_headers)
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        charset="utf-8",
        headers=all_headers,
    )


async def _read_body(route: Route, request: web.Request) -> Any:
    if not request.can_read_body and route.body_optional:
        return msgspec.convert({}, route.body)
    need_content_type(request, "application/json")
    return msgspec.json.decode(await read_whole(request), type=route.body)


async def read_whole(request: web.Request) -> bytes:
    """The body. Raises RequestError(408) for one that does not come, and 400 for one that breaks off."""
    async with _coming_within(request.app[SERVICES].config.body_seconds_max):
        return await request.read()


async def read_up_to(request: web.Request, bytes_max: int, seconds: float) -> bytes:
    """A body larger than others may be. Raises RequestError(413), and as `read_whole` does."""
    if (request.content_length or 0) > bytes_max:
        raise too_large(bytes_max)
    body = bytearray()
    async with _coming_within(seconds):
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > bytes_max:
                raise too_large(bytes_max)
    return bytes(body)


@asynccontextmanager
async def _coming_within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise RequestError(408, "body_too_slow", f"the body did not come within {seconds:g} s") from error
    except (web.RequestPayloadError, ConnectionResetError) as error:
        raise RequestError(400, "body_broken", "the body broke off or cannot be read") from error


def too_large(bytes_max: int) -> RequestError:
    return RequestError(413, "body_too_large", f"the body may have {bytes_max} bytes at most")


def need_content_type(request: web.Request, content_type: str) -> None:
    """Raises RequestError(415)."""
    if request.content_type != content_type:
        raise RequestError(415, "bad_content_type", f"the body is to be {content_type}")
