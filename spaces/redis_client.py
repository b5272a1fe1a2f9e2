"""A client of the Redis that the operator has set: alone, behind Sentinel or as a Cluster, each by redis-py's own means.

redis://, rediss:// (TLS) and unix:// are redis-py's own addresses, with its own options behind `?`; so is an ACL's user.
redis+cluster:// and rediss+cluster:// name any node of a Cluster; redis+sentinel://host:26379,host:26379/NAME names the
Sentinels and the service that they watch, whose password stands in front of them.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

CONNECT_SECONDS_MAX = 1.0
ANSWER_SECONDS_MAX = 1.0
"""Longer than any command takes; a Redis that stands still is found out before a lease ends."""

Client = Any
"""Redis or RedisCluster: redis-py has no type for both."""

AWAY = (RedisError, OSError, TimeoutError)
"""What is raised where Redis does not answer as it should."""


TRANSIENT = (AskError, ClusterDownError, OutOfMemoryError, ReadOnlyError, TryAgainError)
"""Refusals that say nothing of what this Redis can do."""


def heed_cancellation() -> None:
    """To be asked where Redis did not answer: redis-py can take a cancellation for something that went wrong, and raise that.

    Raises CancelledError if this task is to end: a loop that went on would wait for good, and its node never stop.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def knows_shards(client: Client) -> bool:
    """Whether it has sharded pub/sub (Redis 7.0), and this user may use it. Raises what AWAY names."""
    try:
        await client.execute_command("SPUBLISH", "spaces:probe", b"")
    except TRANSIENT:
        raise
    except ResponseError:
        return False
    return True


def connect(url: str) -> Client:
    """Nothing is sent yet. Raises ValueError for an address that cannot be understood."""
    times: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_SECONDS_MAX,
        "socket_timeout": ANSWER_SECONDS_MAX,
        "retry": Retry(
            NoBackoff(), 1
        ),  # a connection that has died meanwhile; redis-py's own waits are longer than leases
    }
    scheme = url.partition("://")[0]
    if scheme.endswith("+cluster"):
        return RedisCluster.from_url(url.replace("+cluster", "", 1), **times)
    if scheme == "redis+sentinel":
        return _behind_sentinel(url, times)
    return Redis.from_url(url, **times)


def _behind_sentinel(url: str, times: dict[str, Any]) -> Client:
    parts = urlsplit(url)
    secret, _, hosts = parts.netloc.rpartition("@")
    user, _, password = secret.partition(":")
    sentinels = []
    for one in hosts.split(","):
        host, _, port = one.rpartition(":") if ":" in one else (one, "", "26379")
        sentinels.append((host, int(port)))
    name = parts.path.strip("/")
    if not name or not hosts:
        raise ValueError("redis+sentinel://host:26379,host:26379/NAME")
    sentinel = Sentinel(sentinels, sentinel_kwargs=dict(times))  # type: ignore[no-untyped-call]
    return sentinel.master_for(name, username=unquote(user) or None, password=unquote(password) or None, **times)
