"""Fills an empty server with a creator, two tiers, two fans, three live Spaces and a planned one, by HTTP alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import aiohttp
import jwt

TOKEN_SECONDS = 24 * 3600
"""The longest that an account token may live."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the demo and its token."""

    handle: str
    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Seed:
    """What the demo has made."""

    host: Person
    fan: Person
    """Pays for the tier."""
    stranger: Person
    """Signed in, pays nothing."""
    open_space: str
    paid_space: str
    ticketed_space: str


class SeedError(Exception):
    """The server answered a call of the demo with an error: the message has both."""


def mint_person(handle: str, name: str, *, api_key: str, api_secret: str) -> Person:
    """An account token as any site with a key makes it."""
    claims = {
        "iss": api_key,
        "sub": f"demo-{handle}",
        "handle": handle,
        "name": name,
        "exp": int(time.time()) + TOKEN_SECONDS - 60,
    }
    return Person(handle, name, jwt.encode(claims, api_secret, algorithm="HS256"))


ABOUT = "I write about engines that do not exist yet, and talk with people who will build them.\n\nEvery evening, live."


async def seed(http: aiohttp.ClientSession, url: str, api_key: str, api_secret: str) -> Seed:
    """Raises SeedError."""
    host, fan, stranger = (
        mint_person(handle, name, api_key=api_key, api_secret=api_secret)
        for handle, name in (("ada", "Ada Lovelace"), ("grace", "Grace Hopper"), ("alan", "Alan Turing"))
    )
    await call(http, url, "/v1/creators", host, {"handle": host.handle, "name": host.name})
    price = {"amount_minor": 499, "currency": "USD"}
    tiers = f"/v1/creators/{host.handle}/tiers"
    tier = await call(http, url, tiers, host, {"name": "Gold", "level": 1, "price": price})
    yearly = {**price, "amount_minor": 4_990, "interval": "year"}
    await call(http, url, f"/v1/tiers/{tier['id']}/prices", host, yearly)
    await call(http, url, tiers, host, {"name": "Platinum", "level": 2, "price": {**price, "amount_minor": 999}})
    await call(http, url, f"/v1/creators/{host.handle}", host, {"about": ABOUT}, method="PATCH")
    await subscribe(http, url, fan, host.handle, tier["id"])
    await call(http, url, "/v1/me", stranger)  # the first sight of a token makes its account
    paid = {"title": "The subscribers’ evening", "access": {"policy": "subscribers", "tier": tier["id"]}}
    free = {"title": "Open house", "access": {"policy": "open"}, "topics": ["Questions"], "language": "en"}
    ticketed = {"title": "An evening with tickets", "access": {"policy": "ticketed"}}
    spaces = []
    for body in (free, paid, ticketed):
        space = await call(http, url, "/v1/spaces", host, body)
        if body is ticketed:
            offer = {"amount_minor": 500, "currency": "USD", "quantity": 50}
            await call(http, url, f"/v1/spaces/{space['id']}/ticket-offer", host, offer, method="PUT")
        await call(http, url, f"/v1/spaces/{space['id']}/start", host, {})
        spaces.append(str(space["id"]))
    evening = (datetime.now(UTC) + timedelta(days=6)).replace(hour=19, minute=0, second=0, microsecond=0)
    planned = {**free, "title": "Next week: your questions", "scheduled_start": evening.isoformat()}
    await call(http, url, "/v1/spaces", host, {**planned, "time_zone": "Europe/London"})
    return Seed(host, fan, stranger, open_space=spaces[0], paid_space=spaces[1], ticketed_space=spaces[2])


async def subscribe(http: aiohttp.ClientSession, url: str, fan: Person, creator: str, tier: str) -> str:
    """Subscribe and pay with test money; the subscription's id. Raises SeedError."""
    subscription = await call(http, url, f"/v1/creators/{creator}/subscriptions", fan, {"tier": tier})
    await call(http, url, subscription["checkout_url"], fan, {"outcome": "succeed"})
    return str(subscription["id"])


async def call(
    http: aiohttp.ClientSession,
    url: str,
    path: str,
    person: Person,
    body: dict[str, Any] | None = None,
    *,
    method: str = "",
) -> dict[str, Any]:
    """POST with a body, GET without, if no method is named. Raises SeedError for anything but 2xx."""
    headers = {"Authorization": f"Bearer {person.token}"}
    method = method or ("GET" if body is None else "POST")
    async with http.request(method, urljoin(url, path), json=body, headers=headers) as response:
        if response.status // 100 != 2:
            raise SeedError(f"{method} {path}: {response.status} {(await response.text())[:300]}")
        answer: dict[str, Any] = await response.json()
        return answer
