"""Messages to Redis' pub/sub over one connection that is kept, for what must not wait.

A command of redis-py's client takes a connection from the pool, and a task for each write and its time limit: a third of a
millisecond, and more beside other work. The limit is the caller's here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from spaces.redis_client import Client


class Publisher:
    def __init__(self, client: Client) -> None:
        """`client`: one Redis, alone or behind Sentinel."""
        self._pool = client.connection_pool
        self._connection: Any = None

    async def publish(self, commands: Sequence[tuple[str, str, bytes]]) -> None:
        """Written at once, together; over when Redis has taken them all. Raises what `redis_client.AWAY` names."""
        if self._connection is None:
            self._connection = await self._pool.get_connection()
            self._connection.socket_timeout = None
        refused: ResponseError | None = None
        try:
            await self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)
            for _ in commands:
                try:
                    await self._connection.read_response()
                except ResponseError as error:
                    refused = error
        except BaseException:  # what was not answered would be taken for the answer to something else
            await self.close()
            raise
        if refused is not None:
            raise refused

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
            connection.socket_timeout = self._pool.connection_kwargs.get("socket_timeout")
            await self._pool.release(connection)
