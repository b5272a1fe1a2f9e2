"""What the doctor asks where there are several nodes: Redis, what it can do, and each node whether it is reached from here."""

from __future__ import annotations

import asyncio

import aiohttp

from spaces.config import Config
from spaces.directory import Card, DirectoryAwayError
from spaces.finding import Finding
from spaces.redis_client import AWAY, connect, knows_shards
from spaces.redis_directory import RedisDirectory

SECONDS_MAX = 3.0
"""For one node to answer; a node that asks another waits 2 s for its connection."""


async def examine(config: Config) -> list[Finding]:
    if not config.redis_url:
        return [Finding("ok", "no Redis: one node")]
    try:
        client = connect(config.redis_url)
    except ValueError as error:
        return [Finding("fail", f"redis_url: {error}", "check SPACES_REDIS_URL")]
    try:
        cards = await RedisDirectory(client).nodes()
        shards = _shards(await knows_shards(client))
    except DirectoryAwayError as error:
        return [Finding("fail", str(error), "check SPACES_REDIS_URL")]
    except AWAY as error:
        return [Finding("fail", f"Redis does not answer: {type(error).__name__}", "check SPACES_REDIS_URL")]
    finally:
        await client.aclose()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS_MAX)) as http:
        reached = await asyncio.gather(*(_reached(card, http) for card in cards))
    return [_answers(cards, config), shards, *reached]


def _answers(cards: list[Card], config: Config) -> Finding:
    names = ", ".join(card.name for card in cards) or "none"
    if not config.database_url:
        return Finding(
            "warn",
            f"Redis answers (nodes now: {names}), but the database is SQLite",
            "nodes of one machine may share its data folder; for more than one machine set SPACES_DATABASE_URL",
        )
    return Finding("ok", f"Redis answers; nodes now: {names}")


def _shards(known: bool) -> Finding:
    if known:
        return Finding("ok", "Redis has sharded pub/sub")
    return Finding(
        "warn",
        "Redis has no sharded pub/sub (SPUBLISH is unknown or not permitted): plain pub/sub is used",
        "that does as well, but in a Cluster each of its nodes carries all the sound; Redis 7.0 or later has it",
    )


async def _reached(card: Card, http: aiohttp.ClientSession) -> Finding:
    url = card.place.url
    try:
        async with http.get(f"{url}/healthz", allow_redirects=False) as answer:
            if answer.status == 200:
                return Finding("ok", f"node {card.name} answers at {url}")
            said = f"HTTP status {answer.status}: something else is there, or it is not well"
    except TimeoutError:
        said = f"no answer within {SECONDS_MAX:.0f} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        said = str(error) or type(error).__name__
    return Finding(
        "fail",
        f"node {card.name} is not reached from here at {url}: {said}",
        "nodes pass requests and sound on to each other there: open the port between them, or set SPACES_NODE_PORT, "
        "SPACES_NODE_HOST or SPACES_NODE_URL on that node",
    )
